/*===- load.c - Loading libX.so -------------------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#define _GNU_SOURCE
#include "runtime/core/core.h"
#include "runtime/core/errors.h"
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

/* The loader answers with what it has under the same name, even if the file
 * was replaced since: then what lies in memory is not what was verified. */
static int sameAsVerified(void *handle, const mad_file_facts *facts) {
  struct link_map *map = NULL;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0 || !map)
    return 0;
  const uintptr_t address = (uintptr_t)map->l_addr + (uintptr_t)facts->header_address;
  return memcmp((const void *)address, &facts->header, sizeof facts->header) == 0;
}

static mad_status loadFile(const char *path, const mad_load_options *options, mad_module **module,
                           mad_error *error) {
  mad_file_facts facts;
  mad_status status = mad_file_verify(path, &facts, error);
  if (status != MAD_OK)
    return status;
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    return mad_error_load(error, path, dlerror());
  if (!sameAsVerified(handle, &facts)) {
    status = mad_error_replaced(error, path);
  } else {
    const mad_artifact *artifact = dlsym(handle, "mad_artifact_v1");
    status = artifact ? mad_module_create_with(artifact, options, module, error)
                      : mad_error_no_symbol(error, path);
  }
  if (status != MAD_OK) {
    dlclose(handle);
    return status;
  }
  (*module)->handle = handle;
  return MAD_OK;
}

mad_status mad_module_load(const char *path, mad_module **module, mad_error *error) {
  return mad_module_load_with(path, NULL, module, error);
}

mad_status mad_module_load_with(const char *path, const mad_load_options *given,
                                mad_module **module, mad_error *error) {
  if (!module)
    return mad_error_null(error, "the place for the module");
  *module = NULL;
  if (!path)
    return mad_error_null(error, "the path");
  mad_load_options options;
  mad_status status = mad_read_options(given, &options, error);
  if (status != MAD_OK)
    return status;
  /* A name without a slash would be searched in the system's folders. */
  char *full = realpath(path, NULL);
  if (!full)
    return errno == ENOMEM ? mad_error_memory(error, "a path", strlen(path))
                           : mad_error_open(error, path, errno);
  status = loadFile(full, &options, module, error);
  free(full);
  return status;
}
