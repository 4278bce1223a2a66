/*===- device.c - A GPU as the device of a context --------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * All work of a context is on one stream, in order. What fails is kept until it is asked for,
 * and nothing is started behind it.
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/errors.h"
#include "runtime/cuda/cuda.h"
#include "runtime/cuda/graphs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mad_cuda {
  mad_device functions;
  mad_module *module;
  mad_cuda_code *code;
  mad_cu_stream stream;
  int own;                 /* the stream is ours */
  mad_cu_event reached;    /* by another stream; null: never asked for */
  mad_cuda_graphs *graphs; /* on a stream of ours; null: none */
  mad_status failed;
  mad_error error, told;
};

static const mad_cu_driver *driverOf(const mad_cuda *cuda) { return &cuda->code->driver; }

/* Keeps the first failure. */
static int32_t check(mad_cuda *cuda, mad_cu_result result, const char *what) {
  if (result == 0)
    return 0;
  if (cuda->failed == MAD_OK)
    cuda->failed = mad_cu_check(driverOf(cuda), result, what, &cuda->error);
  return 1;
}

static int32_t refuse(mad_cuda *cuda, mad_status status, const char *text) {
  if (cuda->failed == MAD_OK) {
    cuda->failed = status;
    snprintf(cuda->error.message, sizeof cuda->error.message, "%s", text);
  }
  return 1;
}

static mad_cu_address addressOf(const void *pointer) { return (mad_cu_address)(uintptr_t)pointer; }
static void *pointerTo(mad_cu_address address) { return (void *)(uintptr_t)address; }

static int32_t enter(void *self) {
  mad_cuda *cuda = self;
  return check(cuda, driverOf(cuda)->context_push(cuda->code->context), "use the GPU");
}

static void leave(void *self) {
  mad_cu_context popped;
  driverOf(self)->context_pop(&popped);
}

/*===- Memory -----------------------------------------------------------------===*/

static void *allocate(void *self, int64_t bytes) {
  mad_cuda *cuda = self;
  mad_cu_address made = 0;
  char what[64];
  snprintf(what, sizeof what, "allocate %lld bytes on the GPU", (long long)bytes);
  return check(cuda, driverOf(cuda)->allocate(&made, (size_t)bytes), what) ? NULL : pointerTo(made);
}

static void release(void *self, void *memory) { driverOf(self)->free(addressOf(memory)); }

/* From memory of the host the driver has read all when it returns, unless that memory is its
 * own; then the caller may not change it before the stream has come so far. */
static int32_t write(void *self, void *to, const void *from, int64_t bytes) {
  mad_cuda *cuda = self;
  const mad_cu_driver *driver = driverOf(cuda);
  const size_t size = (size_t)bytes;
  return check(cuda,
               from ? driver->copy(addressOf(to), addressOf(from), size, cuda->stream)
                    : driver->fill_bytes(addressOf(to), 0, size, cuda->stream),
               "copy to the GPU");
}

static int32_t fetch(void *self, void *to, const void *from, int64_t bytes) {
  mad_cuda *cuda = self;
  return check(cuda,
               driverOf(cuda)->copy(addressOf(to), addressOf(from), (size_t)bytes, cuda->stream),
               "copy from the GPU");
}

static int32_t finish(void *self) {
  mad_cuda *cuda = self;
  return check(cuda, driverOf(cuda)->stream_synchronize(cuda->stream), "finish work on the GPU");
}

/* Code decides by what it reads. After a failure it reads zeros, which end its loops. */
static int32_t readBack(void *self, void *to, const void *from, int64_t bytes) {
  mad_cuda *cuda = self;
  if (cuda->graphs)
    mad_cuda_graphs_read(cuda->graphs);
  if (cuda->failed == MAD_OK && fetch(self, to, from, bytes) == 0 && finish(self) == 0)
    return 0;
  memset(to, 0, (size_t)bytes);
  return 1;
}

/* Kernels read up to 16 bytes at once. What lies elsewhere, or starts elsewhere, is copied. */
static int32_t holds(void *self, const void *data) {
  mad_cuda *cuda = self;
  mad_cu_context context = NULL;
  int type = 0, device = -1;
  int names[] = {MAD_CU_POINTER_CONTEXT, MAD_CU_POINTER_MEMORY_TYPE, MAD_CU_POINTER_DEVICE};
  void *values[] = {&context, &type, &device};
  if (!data || addressOf(data) % 16 != 0)
    return 0;
  if (check(cuda, driverOf(cuda)->pointer(3, names, values, addressOf(data)),
            "ask where a tensor lies"))
    return -1;
  return type == MAD_CU_MEMORY_OF_DEVICE && device == cuda->code->number &&
         (!context || context == cuda->code->context);
}

static void *weight(void *self, int32_t number) {
  mad_cuda *cuda = self;
  mad_cu_address address = 0;
  mad_error error;
  const mad_status status =
      mad_cuda_weight(cuda->module, cuda->code, number, cuda->stream, &address, &error);
  if (status != MAD_OK)
    refuse(cuda, status, error.message);
  return status == MAD_OK ? pointerTo(address) : NULL;
}

/*===- Kernels ----------------------------------------------------------------===*/

static int32_t refuseLaunch(mad_cuda *cuda, const mad_kernel *kernel, const char *why) {
  char text[256];
  snprintf(text, sizeof text, "cannot run the kernel `%s` (%s): %s", kernel->name, kernel->place,
           why);
  return refuse(cuda, MAD_UNSUPPORTED, text);
}

/* More than every kernel has is asked for, once for all contexts. */
static int32_t giveShared(mad_cuda *cuda, const mad_kernel *kernel, int32_t number,
                          int32_t shared) {
  atomic_int *most = &cuda->code->shared[number];
  if (shared <= atomic_load_explicit(most, memory_order_acquire))
    return 0;
  char what[256];
  snprintf(what, sizeof what, "give the kernel `%s` (%s) %d bytes of shared memory", kernel->name,
           kernel->place, shared);
  int32_t failed = 0;
  pthread_mutex_lock(&cuda->module->lock);
  if (shared > *most) {
    failed = check(cuda,
                   driverOf(cuda)->function_set(cuda->code->kernels[number],
                                                MAD_CU_FUNCTION_MOST_DYNAMIC_SHARED_BYTES, shared),
                   what);
    if (!failed)
      atomic_store_explicit(most, shared, memory_order_release);
  }
  pthread_mutex_unlock(&cuda->module->lock);
  return failed;
}

/* Whether a launch may begin before the kernel in front of it has ended. */
static int overlaps(const mad_cuda_code *code, int32_t number, const int64_t *grid) {
  const int64_t few = code->multiprocessors / 2;
  return code->overlaps[number] == MAD_KERNEL_EARLY ||
         (code->overlaps[number] == MAD_KERNEL_EARLY_IF_FEW && grid[0] <= few && grid[1] <= few &&
          grid[0] * grid[1] * grid[2] <= few);
}

static int32_t launch(void *self, const void *which, const int64_t *shape, int32_t shared,
                      void **params) {
  mad_cuda *cuda = self;
  const mad_kernel *kernel = which;
  const mad_variant *variant = &cuda->module->artifact->variants[cuda->code->variant];
  const int32_t number = (int32_t)(kernel - variant->kernels);
  static const int64_t most[] = {INT32_MAX, 65535, 65535, 1024, 1024, 64};
  if (cuda->failed != MAD_OK)
    return 1;
  for (int i = 0; i < 6; ++i) {
    if (shape[i] <= 0)
      return 0;
    if (shape[i] > most[i])
      return refuseLaunch(cuda, kernel, "its grid is larger than a GPU takes");
  }
  if (!cuda->code->kernels[number])
    return refuseLaunch(cuda, kernel, "it is for another chip");
  if (giveShared(cuda, kernel, number, shared) != 0)
    return 1;
  mad_cu_attribute before = {MAD_CU_LAUNCH_OVERLAPS_BEFORE, "", {.overlaps_before = 1}};
  const int may = overlaps(cuda->code, number, shape);
  const mad_cu_launch how = {(unsigned)shape[0], (unsigned)shape[1], (unsigned)shape[2],
                             (unsigned)shape[3], (unsigned)shape[4], (unsigned)shape[5],
                             (unsigned)shared,   cuda->stream,       may ? &before : NULL,
                             may ? 1u : 0u};
  const mad_cu_result result =
      driverOf(cuda)->launch(&how, cuda->code->kernels[number], params, NULL);
  if (result == 0)
    return 0;
  char what[256];
  snprintf(what, sizeof what, "run the kernel `%s` (%s)", kernel->name, kernel->place);
  return check(cuda, result, what);
}

static int32_t tensorMap(void *self, void *map, const mad_boxes *boxes) {
  mad_cuda *cuda = self;
  uint64_t sizes[5], strides[5];
  uint32_t box[5];
  static const uint32_t ones[] = {1, 1, 1, 1, 1};
  if (cuda->failed != MAD_OK)
    return 1;
  for (int64_t i = 0; i < boxes->rank; ++i) {
    if (boxes->sizes[i] <= 0)
      return 0;
    sizes[i] = (uint64_t)boxes->sizes[i];
    box[i] = (uint32_t)boxes->box[i];
    if (i > 0)
      strides[i - 1] = (uint64_t)boxes->strides[i];
  }
  return check(cuda,
               driverOf(cuda)->encode_tensor_map(
                   map, boxes->dtype == MAD_F16 ? MAD_CU_TENSOR_F16 : MAD_CU_TENSOR_BF16,
                   (uint32_t)boxes->rank, pointerTo(addressOf(boxes->memory)), sizes, strides, box,
                   ones, /*interleave=*/0, MAD_CU_SWIZZLE_128, MAD_CU_PROMOTE_128, /*fill=*/0),
               "describe a matrix to the GPU's copy engine");
}

/* Before the code of a call; see mad_device. */
static int32_t repeat(void *self, const uint64_t *key, int32_t words) {
  mad_cuda *cuda = self;
  mad_cu_result result = 0;
  if (!cuda->graphs || cuda->failed != MAD_OK ||
      mad_cuda_graphs_begin(cuda->graphs, driverOf(cuda), cuda->stream, key, words, &result) ==
          MAD_GRAPH_RUN)
    return 0;
  (void)check(cuda, result, "run kernels of a call as a graph");
  return 1;
}

static int32_t ran(void *self, int32_t code) {
  mad_cuda *cuda = self;
  const int good = code == 0 && cuda->failed == MAD_OK;
  if (!cuda->graphs || !mad_cuda_graphs_end(cuda->graphs, driverOf(cuda), cuda->stream, good))
    return 0;
  /* Nothing of it ran; what fails without a graph is told. */
  cuda->failed = MAD_OK;
  return 1;
}

/* Lives until the next call. */
static const char *failure(void *self, mad_status *status) {
  mad_cuda *cuda = self;
  if (cuda->failed == MAD_OK)
    return NULL;
  if (status)
    *status = cuda->failed;
  cuda->told = cuda->error;
  cuda->failed = MAD_OK;
  return cuda->told.message;
}

/*===- Making and destroying ----------------------------------------------------===*/

static mad_status start(mad_cuda *cuda, const mad_cuda_place *place, mad_error *error) {
  mad_device *f = &cuda->functions;
  cuda->stream = place->stream;
  if (!cuda->stream) {
    if (check(cuda, driverOf(cuda)->stream_create(&cuda->stream, MAD_CU_STREAM_NON_BLOCKING),
              "make a stream on the GPU"))
      goto failed;
    cuda->own = 1;
    cuda->graphs = mad_cuda_graphs_create();
  }
  f->self = cuda;
  f->launch = launch;
  f->chip = cuda->code->chip;
  f->multiprocessors = cuda->code->multiprocessors;
  f->tensor_map = tensorMap;
  f->read = readBack;
  f->allocate = allocate;
  f->release = release;
  f->write = write;
  f->failure = failure;
  f->fetch = fetch;
  f->finish = finish;
  f->enter = enter;
  f->leave = leave;
  f->holds = holds;
  f->weight = weight;
  f->reuses = 1;
  f->repeat = repeat;
  f->ran = ran;
  f->status = allocate(cuda, MAD_STATUS_BYTES);
  if (f->status)
    return MAD_OK;
failed:
  if (error)
    *error = cuda->error;
  return cuda->failed;
}

static mad_status createFor(mad_module *module, int32_t variant, const mad_cuda_place *place,
                            mad_cuda **result, mad_error *error) {
  mad_cuda *cuda = calloc(1, sizeof *cuda);
  if (!cuda)
    return mad_error_memory(error, "a context on a GPU", sizeof *cuda);
  cuda->module = module;
  mad_status status = mad_cuda_code_take(module, variant, place, &cuda->code, error);
  if (status != MAD_OK) {
    free(cuda);
    return status;
  }
  if (enter(cuda) != 0) {
    status = cuda->failed;
    if (error)
      *error = cuda->error;
  } else {
    status = start(cuda, place, error);
    leave(cuda);
  }
  if (status != MAD_OK) {
    mad_cuda_destroy(cuda);
    cuda = NULL;
  }
  *result = cuda;
  return status;
}

mad_status mad_cuda_create(mad_module *module, const mad_cuda_place *place, mad_cuda **cuda,
                           mad_error *error) {
  mad_status status = MAD_UNSUPPORTED;
  for (int32_t i = module->artifact->num_variants; i-- > 0;) {
    if (module->artifact->variants[i].device != MAD_DEVICE_CUDA)
      continue;
    status = createFor(module, i, place, cuda, error);
    if (status != MAD_UNSUPPORTED)
      break;
  }
  return status;
}

void mad_cuda_destroy(mad_cuda *cuda) {
  if (!cuda)
    return;
  const mad_cu_driver *driver = driverOf(cuda);
  if (driver->context_push(cuda->code->context) == 0) {
    /* Work that is under way uses what goes. */
    if (cuda->stream)
      driver->stream_synchronize(cuda->stream);
    mad_cuda_graphs_destroy(cuda->graphs, driver);
    cuda->graphs = NULL;
    if (cuda->functions.status)
      release(cuda, cuda->functions.status);
    if (cuda->reached)
      driver->event_destroy(cuda->reached);
    if (cuda->own)
      driver->stream_destroy(cuda->stream);
    leave(cuda);
  }
  mad_cuda_graphs_destroy(cuda->graphs, driver);
  mad_cuda_code_drop(cuda->module, cuda->code);
  free(cuda);
}

const mad_device *mad_cuda_device(const mad_cuda *cuda) { return &cuda->functions; }
mad_cu_stream mad_cuda_stream(const mad_cuda *cuda) { return cuda->stream; }
mad_status mad_cuda_wait_for(mad_cuda *cuda, mad_cu_stream other, mad_error *error) {
  const mad_cu_driver *driver = driverOf(cuda);
  static const char what[] = "wait for a stream of the GPU";
  if (other == cuda->stream)
    return MAD_OK;
  mad_status status = mad_cu_check(driver, driver->context_push(cuda->code->context), what, error);
  if (status != MAD_OK)
    return status;
  mad_cu_result result = 0;
  if (!cuda->reached)
    result = driver->event_create(&cuda->reached, MAD_CU_EVENT_NO_TIMES);
  if (result == 0)
    result = driver->event_record(cuda->reached, other);
  if (result == 0)
    result = driver->stream_wait(cuda->stream, cuda->reached, 0);
  status = mad_cu_check(driver, result, what, error);
  leave(cuda);
  return status;
}
int32_t mad_cuda_number(const mad_cuda *cuda) { return cuda->code->number; }
int32_t mad_cuda_variant(const mad_cuda *cuda) { return cuda->code->variant; }
