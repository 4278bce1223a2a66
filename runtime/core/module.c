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

mad_status mad_module_create(const mad_artifact *artifact, mad_module **module, mad_error *error) {
  if (!module)
    return mad_error_null(error, "the place for the module");
  *module = NULL;
  int32_t variant = 0;
  const mad_status status = mad_artifact_check(artifact, &variant, error);
  if (status != MAD_OK)
    return status;
  mad_module *made = malloc(sizeof *made);
  if (!made)
    return mad_error_memory(error, "a module", sizeof *made);
  made->artifact = artifact;
  made->handle = NULL;
  made->variant = variant;
  atomic_init(&made->holders, 1);
  *module = made;
  return MAD_OK;
}

void mad_module_hold(mad_module *module) {
  atomic_fetch_add_explicit(&module->holders, 1, memory_order_relaxed);
}

void mad_module_destroy(mad_module *module) {
  if (!module || atomic_fetch_sub_explicit(&module->holders, 1, memory_order_acq_rel) > 1)
    return;
  if (module->handle)
    dlclose(module->handle);
  free(module);
}

const char *mad_module_manifest(const mad_module *module) {
  return module ? module->artifact->manifest : "";
}

const char *mad_module_variant(const mad_module *module) {
  return module ? module->artifact->variants[module->variant].name : "";
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
