/*===- driver.c - Loading the CUDA driver ---------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#define _GNU_SOURCE
#include "runtime/cuda/driver.h"
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Errors of the driver that have a status of their own. */
enum { outOfMemory = 2, noDevice = 100, noCodeForDevice = 209, unsupportedPtx = 222 };
/* After these, which kernels cause, a process can do nothing more on the device. */
enum { illegalAddress = 700, launchTimeout = 702, firstOfKernel = 710, lastOfKernel = 719 };

static int isFinal(mad_cu_result result) {
  return result == illegalAddress || result == launchTimeout ||
         (result >= firstOfKernel && result <= lastOfKernel);
}

__attribute__((format(printf, 3, 4))) static mad_status fail(mad_error *error, mad_status status,
                                                             const char *format, ...) {
  if (!error)
    return status;
  va_list arguments;
  va_start(arguments, format);
  if (vsnprintf(error->message, sizeof error->message, format, arguments) < 0)
    error->message[0] = 0;
  va_end(arguments);
  return status;
}

static mad_status statusOf(mad_cu_result result) {
  switch (result) {
  case outOfMemory:
    return MAD_OUT_OF_MEMORY;
  case noDevice:
  case noCodeForDevice:
  case unsupportedPtx:
    return MAD_UNSUPPORTED;
  default:
    return MAD_INTERNAL;
  }
}

mad_status mad_cu_check(const mad_cu_driver *driver, mad_cu_result result, const char *what,
                        mad_error *error) {
  if (result == 0)
    return MAD_OK;
  const char *name = NULL, *text = NULL;
  if (driver->error_name(result, &name) != 0 || !name)
    name = "an error without a name";
  if (driver->error_text(result, &text) != 0 || !text)
    text = "no description";
  return fail(error, statusOf(result), "cannot %s: %s (%d), %s%s", what, name, result, text,
              isFinal(result) ? "; this process cannot use the GPU any more" : "");
}

/* The name of the first function that is not there, or null. */
static const char *findFunctions(mad_cu_driver *driver) {
  void *found;
#define FIND(name, symbol, arguments)                                                              \
  if (!(found = dlsym(driver->library, symbol)))                                                   \
    return symbol;                                                                                 \
  memcpy(&driver->name, &found, sizeof found);
  MAD_CU_FUNCTIONS(FIND)
#undef FIND
  return NULL;
}

mad_status mad_cu_driver_load(const char *path, mad_cu_driver *driver, mad_error *error) {
  memset(driver, 0, sizeof *driver);
  if (!path)
    path = "libcuda.so.1";
  /* It has threads and handlers of its own, which do not survive that its code goes. */
  driver->library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!driver->library)
    return fail(error, MAD_UNSUPPORTED,
                "there is no CUDA driver on this machine (%s); install NVIDIA's driver, or use "
                "the code for CPUs",
                dlerror());
  mad_status status;
  const char *missing = findFunctions(driver);
  if (missing)
    status = fail(error, MAD_UNSUPPORTED,
                  "the CUDA driver `%s` has no function `%s`, expected a driver of CUDA 12.0 or "
                  "later",
                  path, missing);
  else if ((status = mad_cu_check(driver, driver->driver_version(&driver->version),
                                  "ask the CUDA driver for its version", error)) != MAD_OK)
    ;
  else if (driver->version < MAD_CU_LEAST_VERSION)
    status = fail(error, MAD_UNSUPPORTED,
                  "the CUDA driver is one of CUDA %d.%d, expected 12.0 or later; install a newer "
                  "driver of NVIDIA, or use the code for CPUs",
                  driver->version / 1000, driver->version % 1000 / 10);
  else
    status = mad_cu_check(driver, driver->init(0), "start the CUDA driver", error);
  if (status != MAD_OK)
    mad_cu_driver_unload(driver);
  return status;
}

void mad_cu_driver_unload(mad_cu_driver *driver) {
  if (driver->library)
    dlclose(driver->library);
  memset(driver, 0, sizeof *driver);
}

mad_status mad_cu_load_code(const mad_cu_driver *driver, const void *code, const char *name,
                            mad_cu_module *module, mad_error *error) {
  char log[256] = "", what[128];
  int options[] = {MAD_CU_JIT_ERROR_LOG, MAD_CU_JIT_ERROR_LOG_BYTES};
  /* The driver reads the size out of the pointer. */
  void *values[] = {log, (void *)(uintptr_t)sizeof log};
  const mad_cu_result result = driver->module_load(module, code, 2, options, values);
  snprintf(what, sizeof what, "load the GPU code of `%s`", name);
  const mad_status status = mad_cu_check(driver, result, what, error);
  log[sizeof log - 1] = 0;
  if (status != MAD_OK && error && *log) {
    const size_t used = strlen(error->message);
    snprintf(error->message + used, sizeof error->message - used, ": %s", log);
  }
  return status;
}

mad_status mad_cu_find_kernel(const mad_cu_driver *driver, mad_cu_module module, const char *name,
                              int shared_bytes, mad_cu_function *kernel, mad_error *error) {
  const int withoutAsking = 48 * 1024;
  char what[128];
  snprintf(what, sizeof what, "find the kernel `%s`", name);
  mad_status status =
      mad_cu_check(driver, driver->module_function(kernel, module, name), what, error);
  if (status != MAD_OK || shared_bytes <= withoutAsking)
    return status;
  snprintf(what, sizeof what, "give the kernel `%s` %d bytes of shared memory", name, shared_bytes);
  return mad_cu_check(
      driver,
      driver->function_set(*kernel, MAD_CU_FUNCTION_MOST_DYNAMIC_SHARED_BYTES, shared_bytes), what,
      error);
}
