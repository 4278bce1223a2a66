/*===- code.c - Kernels and weights of a module on a GPU --------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/errors.h"
#include "runtime/cuda/cuda.h"
#include <stdio.h>
#include <stdlib.h>

/* Bytes of shared memory that every kernel has. */
enum { withoutAsking = 48 << 10 };

static const mad_variant *variantOf(const mad_cuda_code *code) {
  return &code->module->artifact->variants[code->variant];
}

/*===- Images -----------------------------------------------------------------===*/

/* How good an image is for a chip: 0 where it does not run there. Machine code is there at
 * once, and PTX of the very chip uses all of it. */
static int32_t rank(const mad_image *image, int32_t chip) {
  if (image->kind == MAD_IMAGE_CUBIN)
    return image->chip == chip ? 2000 : 0;
  if (image->exact)
    return image->chip == chip ? 1000 : 0;
  return image->chip <= chip ? image->chip : 0;
}

static int has(const mad_image *image, int32_t kernel) {
  for (int32_t i = 0; i < image->num_kernels; ++i)
    if (image->kernels[i] == kernel)
      return 1;
  return 0;
}

/* The number of the best image for a kernel, or -1. */
static int32_t imageFor(const mad_variant *variant, int32_t kernel, int32_t chip) {
  int32_t best = -1, bestRank = 0;
  for (int32_t i = 0; i < variant->num_images; ++i) {
    const int32_t found = rank(&variant->images[i], chip);
    if (found > bestRank && has(&variant->images[i], kernel)) {
      best = i;
      bestRank = found;
    }
  }
  return best;
}

/* Whether its kernels wait for what is in front of them; see mad_image. */
static int waits(const mad_image *image) {
  const int32_t leastChip = 90;
  return image->chip >= leastChip && (image->kind == MAD_IMAGE_CUBIN || image->exact);
}

static int32_t leastChip(const mad_variant *variant) {
  int32_t least = 0;
  for (int32_t i = 0; i < variant->num_images; ++i)
    if (least == 0 || variant->images[i].chip < least)
      least = variant->images[i].chip;
  return least;
}

static mad_status loadKernel(mad_cuda_code *code, int32_t number, mad_error *error) {
  const mad_variant *variant = variantOf(code);
  const char *name = variant->kernels[number].name;
  const int32_t chip = variant->kernels[number].chip;
  if (chip > 0 ? chip != code->chip : -chip == code->chip)
    return MAD_OK; /* nobody launches it */
  const int32_t image = imageFor(variant, number, code->chip);
  if (image < 0)
    return mad_error_chip(error, name, code->chip, leastChip(variant));
  if (!code->images[image]) {
    const mad_status status =
        mad_cu_load_code(&code->driver, variant->images[image].data, code->module->artifact->name,
                         &code->images[image], error);
    if (status != MAD_OK)
      return status;
  }
  if (code->driver.version >= MAD_CU_OVERLAPS_VERSION && waits(&variant->images[image]))
    code->overlaps[number] = (char)variant->kernels[number].early;
  return mad_cu_find_kernel(&code->driver, code->images[image], name, 0, &code->kernels[number],
                            error);
}

/*===- Where ------------------------------------------------------------------===*/

static mad_status ask(const mad_cuda_code *code, int attribute, int *value, mad_error *error) {
  return mad_cu_check(&code->driver, code->driver.device_attribute(value, attribute, code->device),
                      "ask what the GPU is", error);
}

/* The device by its number. */
static mad_status findDevice(mad_cuda_code *code, int32_t number, mad_error *error) {
  int count = 0;
  mad_status status = mad_cu_check(&code->driver, code->driver.device_count(&count),
                                   "count the GPUs of this machine", error);
  if (status != MAD_OK)
    return status;
  if (number >= count)
    return mad_error_gpu_number(error, number, count);
  code->number = number;
  return mad_cu_check(&code->driver, code->driver.device(&code->device, number),
                      "find the GPU of this machine", error);
}

/* The device of a context of the host. */
static mad_status deviceOf(mad_cuda_code *code, mad_cu_context context, mad_error *error) {
  const mad_cu_driver *driver = &code->driver;
  mad_status status = mad_cu_check(driver, driver->context_push(context),
                                   "use the CUDA context of the host", error);
  if (status != MAD_OK)
    return status;
  mad_cu_context popped;
  status = mad_cu_check(driver, driver->context_device(&code->device),
                        "find the GPU of the host's CUDA context", error);
  driver->context_pop(&popped);
  code->number = code->device;
  return status;
}

static mad_status findPlace(mad_cuda_code *code, const mad_cuda_place *place, mad_error *error) {
  const mad_cu_driver *driver = &code->driver;
  mad_status status = place->context ? deviceOf(code, place->context, error)
                                     : findDevice(code, place->number, error);
  int major = 0, minor = 0;
  if (status == MAD_OK)
    status = ask(code, MAD_CU_CAPABILITY_MAJOR, &major, error);
  if (status == MAD_OK)
    status = ask(code, MAD_CU_CAPABILITY_MINOR, &minor, error);
  if (status == MAD_OK)
    status = ask(code, MAD_CU_MULTIPROCESSORS, &code->multiprocessors, error);
  if (status != MAD_OK)
    return status;
  if (code->multiprocessors < 1)
    code->multiprocessors = 1;
  code->chip = 10 * major + minor;
  code->context = place->context;
  if (place->context)
    return MAD_OK;
  status = mad_cu_check(driver, driver->context_retain(&code->context, code->device),
                        "start to use the GPU", error);
  code->retained = status == MAD_OK;
  return status;
}

/*===- Loading and dropping -----------------------------------------------------===*/

static void destroy(mad_cuda_code *code) {
  const mad_cu_driver *driver = &code->driver;
  mad_cu_context popped;
  /* Where the driver has failed for good, there is nothing to give back. */
  if (code->context && driver->context_push(code->context) == 0) {
    for (int32_t i = 0; i < code->module->artifact->num_weights; ++i)
      if (code->weights[i])
        driver->free(code->weights[i]);
    for (int32_t i = 0; i < variantOf(code)->num_images; ++i)
      if (code->images[i])
        driver->module_unload(code->images[i]);
    driver->context_pop(&popped);
  }
  if (code->retained)
    driver->context_release(code->device);
  if (driver->library)
    mad_cu_driver_unload(&code->driver);
  free(code);
}

/* All in one block. */
static mad_cuda_code *make(const mad_module *module, int32_t variant, mad_error *error) {
  const mad_variant *of = &module->artifact->variants[variant];
  const size_t weights = (size_t)module->artifact->num_weights, images = (size_t)of->num_images,
               kernels = (size_t)of->num_kernels;
  mad_cuda_code *code = NULL;
  const size_t bytes =
      sizeof *code + weights * sizeof *code->weights + images * sizeof *code->images +
      kernels * (sizeof *code->kernels + sizeof *code->shared + sizeof *code->overlaps);
  code = calloc(1, bytes);
  if (!code) {
    mad_error_memory(error, "what a GPU holds of a module", bytes);
    return NULL;
  }
  code->weights = (void *)(code + 1);
  code->images = (void *)(code->weights + weights);
  code->kernels = (void *)(code->images + images);
  code->shared = (void *)(code->kernels + kernels);
  code->overlaps = (void *)(code->shared + kernels);
  for (size_t i = 0; i < kernels; ++i)
    atomic_init(&code->shared[i], withoutAsking);
  code->module = module;
  code->variant = variant;
  code->holders = 1;
  return code;
}

static mad_status loadKernels(mad_cuda_code *code, mad_error *error) {
  const mad_cu_driver *driver = &code->driver;
  mad_status status =
      mad_cu_check(driver, driver->context_push(code->context), "use the GPU", error);
  if (status != MAD_OK)
    return status;
  for (int32_t i = 0; status == MAD_OK && i < variantOf(code)->num_kernels; ++i)
    status = loadKernel(code, i, error);
  mad_cu_context popped;
  driver->context_pop(&popped);
  return status;
}

mad_status mad_cuda_code_take(mad_module *module, int32_t variant, const mad_cuda_place *place,
                              mad_cuda_code **result, mad_error *error) {
  mad_cuda_code *code = make(module, variant, error);
  if (!code)
    return MAD_OUT_OF_MEMORY;
  mad_status status = mad_cu_driver_load(getenv("MAD_CUDA_DRIVER"), &code->driver, error);
  if (status == MAD_OK)
    status = findPlace(code, place, error);
  if (status != MAD_OK) {
    destroy(code);
    return status;
  }
  pthread_mutex_lock(&module->lock);
  mad_cuda_code *known = module->cuda;
  while (known && (known->variant != variant || known->context != code->context))
    known = known->next;
  if (known) {
    ++known->holders;
  } else {
    status = loadKernels(code, error);
    if (status == MAD_OK) {
      code->next = module->cuda;
      module->cuda = code;
    }
  }
  pthread_mutex_unlock(&module->lock);
  if (known || status != MAD_OK)
    destroy(code);
  *result = known ? known : code;
  return status;
}

void mad_cuda_code_drop(mad_module *module, mad_cuda_code *code) {
  pthread_mutex_lock(&module->lock);
  const int last = --code->holders == 0;
  for (mad_cuda_code **at = &module->cuda; last && *at; at = &(*at)->next)
    if (*at == code) {
      *at = code->next;
      break;
    }
  pthread_mutex_unlock(&module->lock);
  if (last)
    destroy(code);
}

/*===- Weights ----------------------------------------------------------------===*/

/* Row by row: panels are for CPUs. */
static mad_status upload(const mad_module *module, mad_cuda_code *code, int32_t number,
                         mad_cu_stream stream, mad_cu_address *address, mad_error *error) {
  const mad_cu_driver *driver = &code->driver;
  const mad_weight *weight = &module->artifact->weights[number];
  char what[128];
  uint64_t bytes = 0;
  void *rows = NULL;
  mad_status status = mad_weight_rows(module, number, &rows, &bytes, error);
  if (status != MAD_OK)
    return status;
  snprintf(what, sizeof what, "place the weight `%s` on the GPU (%llu bytes)", weight->name,
           (unsigned long long)bytes);
  const void *from = rows ? rows : module->weights[number];
  mad_cu_address made = 0;
  status = mad_cu_check(driver, driver->allocate(&made, bytes > 0 ? bytes : 1), what, error);
  if (status == MAD_OK && bytes > 0) {
    status = mad_cu_check(
        driver, driver->copy(made, (mad_cu_address)(uintptr_t)from, bytes, stream), what, error);
    /* Other contexts use it on other streams. */
    if (status == MAD_OK)
      status = mad_cu_check(driver, driver->stream_synchronize(stream), what, error);
    if (status != MAD_OK)
      driver->free(made);
  }
  free(rows);
  *address = made;
  return status;
}

mad_status mad_cuda_weight(mad_module *module, mad_cuda_code *code, int32_t number,
                           mad_cu_stream stream, mad_cu_address *address, mad_error *error) {
  *address = atomic_load_explicit(&code->weights[number], memory_order_acquire);
  if (*address)
    return MAD_OK;
  pthread_mutex_lock(&module->lock);
  mad_status status = MAD_OK;
  *address = code->weights[number];
  if (!*address) {
    status = upload(module, code, number, stream, address, error);
    if (status == MAD_OK)
      atomic_store_explicit(&code->weights[number], *address, memory_order_release);
  }
  pthread_mutex_unlock(&module->lock);
  return status;
}
