/*===- module.c - Modules -------------------------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/core.h"
#include "runtime/core/errors.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

mad_status mad_read_options(const mad_load_options *given, mad_load_options *options,
                            mad_error *error) {
  memset(options, 0, sizeof *options);
  options->struct_size = sizeof *options;
  if (!given)
    return MAD_OK;
  const size_t size = given->struct_size, known = sizeof *options;
  if (size < sizeof size)
    return mad_error_options_size(error, size, known);
  /* A host of another version may know fewer fields, or more that it does not use. */
  for (size_t i = known; i < size; ++i)
    if (((const char *)given)[i] != 0)
      return mad_error_options_size(error, size, known);
  memcpy(options, given, size < known ? size : known);
  options->struct_size = known;
  if (options->verify != MAD_VERIFY_CODE && options->verify != MAD_VERIFY_ALL)
    return mad_error_verify(error, (int)options->verify);
  return MAD_OK;
}

/* What code of the chosen variant reads. */
static mad_status readWeights(mad_module *module, mad_error *error) {
  const mad_artifact *artifact = module->artifact;
  for (int32_t i = 0; i < artifact->num_weights; ++i)
    module->read[i] = module->weights[i];
  if (module->variant < 0 || artifact->variants[module->variant].features & MAD_CPU_F16C)
    return MAD_OK;
  return mad_weights_widen(artifact, module->weights, module->read, &module->memory, error);
}

mad_status mad_module_create(const mad_artifact *artifact, mad_module **module, mad_error *error) {
  return mad_module_create_with(artifact, NULL, module, error);
}

mad_status mad_module_create_with(const mad_artifact *artifact, const mad_load_options *given,
                                  mad_module **module, mad_error *error) {
  if (!module)
    return mad_error_null(error, "the place for the module");
  *module = NULL;
  int32_t variant = 0;
  mad_load_options options;
  mad_status status = mad_read_options(given, &options, error);
  if (status == MAD_OK)
    status = mad_artifact_check(artifact, &variant, error);
  if (status != MAD_OK)
    return status;
  const size_t count = (size_t)artifact->num_weights;
  const size_t bytes = sizeof(mad_module) + 2 * count * sizeof(void *);
  mad_module *made = calloc(1, bytes);
  if (!made)
    return mad_error_memory(error, "a module", bytes);
  made->artifact = artifact;
  made->weights = (const void **)(made + 1);
  made->read = made->weights + count;
  made->variant = variant;
  atomic_init(&made->holders, 1);
  pthread_mutex_init(&made->lock, NULL);
  status = mad_weights_find(artifact, &options, made->weights, &made->memory, error);
  if (status == MAD_OK)
    status = readWeights(made, error);
  if (status != MAD_OK) {
    mad_weights_release(&made->memory);
    free(made);
    return status;
  }
  *module = made;
  return MAD_OK;
}

void mad_module_hold(mad_module *module) {
  atomic_fetch_add_explicit(&module->holders, 1, memory_order_relaxed);
}

void mad_module_destroy(mad_module *module) {
  if (!module || atomic_fetch_sub_explicit(&module->holders, 1, memory_order_acq_rel) > 1)
    return;
  mad_weights_release(&module->memory);
  pthread_mutex_destroy(&module->lock);
  if (module->handle)
    dlclose(module->handle);
  free(module);
}

const char *mad_module_manifest(const mad_module *module) {
  return module ? module->artifact->manifest : "";
}

const char *mad_module_variant(const mad_module *module) {
  if (!module)
    return "";
  const int32_t number = module->variant;
  return module->artifact->variants[number < 0 ? module->artifact->num_variants - 1 : number].name;
}

int32_t mad_module_num_entries(const mad_module *module) {
  return module ? module->artifact->num_entries : 0;
}

const mad_entry_info *mad_module_entry(const mad_module *module, int32_t index) {
  if (index < 0 || index >= mad_module_num_entries(module))
    return NULL;
  return &module->artifact->entries[index].info;
}

int32_t mad_module_find(const mad_module *module, const char *name) {
  for (int32_t i = 0; name && i < mad_module_num_entries(module); ++i)
    if (strcmp(module->artifact->entries[i].info.name, name) == 0)
      return i;
  return -1;
}
