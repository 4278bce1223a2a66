/*===- context.c - Contexts: the memory of calls --------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/core.h"
#include "runtime/core/errors.h"
#include <stdlib.h>

static size_t sumOfRanks(const mad_value_info *values, int32_t count) {
  size_t sum = 0;
  for (int32_t i = 0; i < count; ++i)
    sum += (size_t)values[i].rank;
  return sum;
}

static void toMost(size_t *most, size_t value) {
  if (value > *most)
    *most = value;
}

/* The threads of the context, which start when they are first needed. Where there is
 * no memory for them, the caller's does the work. */
static void onOwnThreads(void *user, int64_t count, mad_task task, void *data) {
  mad_context *context = user;
  if (!context->pool && context->threads != 1)
    (void)mad_pool_create(context->threads, &context->pool, NULL);
  if (context->pool) {
    const mad_executor pool = mad_pool_executor(context->pool);
    pool.parallel_for(pool.user, count, task, data);
    return;
  }
  for (int64_t i = 0; i < count; ++i)
    task(data, i);
}

static mad_executor ownThreads(mad_context *context) {
  const mad_executor executor = {onOwnThreads, context};
  return executor;
}

mad_status mad_context_create(mad_module *module, mad_context **context, mad_error *error) {
  if (!context)
    return mad_error_null(error, "the place for the context");
  *context = NULL;
  if (!module)
    return mad_error_null(error, "the module");
  size_t extents = 0, dims = 0, results = 0, data = 0;
  for (int32_t i = 0; i < module->artifact->num_entries; ++i) {
    const mad_entry *entry = &module->artifact->entries[i];
    const mad_entry_info *info = &entry->info;
    toMost(&extents, sumOfRanks(info->inputs, info->num_inputs));
    toMost(&dims, (size_t)info->num_dims);
    toMost(&results, sumOfRanks(info->outputs, info->num_outputs));
    toMost(&data,
           (size_t)info->num_inputs + (size_t)info->num_outputs + (size_t)entry->num_weights);
  }
  /* One block: the context, then its numbers, then its pointers. */
  const size_t bytes =
      sizeof(mad_context) + (extents + dims + results) * sizeof(int64_t) + data * sizeof(void *);
  mad_context *made = calloc(1, bytes);
  if (!made)
    return mad_error_memory(error, "a context", bytes);
  made->extents = (int64_t *)(made + 1);
  made->dims = made->extents + extents;
  made->results = made->dims + dims;
  made->data = (void **)(made->results + results);
  made->module = module;
  made->executor = ownThreads(made);
  mad_module_hold(module);
  *context = made;
  return MAD_OK;
}

void mad_context_destroy(mad_context *context) {
  if (!context)
    return;
  mad_device_forget(context);
  mad_pool_destroy(context->pool);
  mad_module_destroy(context->module);
  free(context->arena);
  free(context);
}

mad_status mad_context_set_threads(mad_context *context, int32_t threads) {
  if (!context)
    return MAD_INVALID_ARGUMENT;
  context->error.message[0] = 0;
  const mad_status status = mad_check_threads(&context->error, threads);
  if (status != MAD_OK)
    return status;
  mad_pool_destroy(context->pool);
  context->pool = NULL;
  context->threads = threads;
  return MAD_OK;
}

mad_status mad_context_set_executor(mad_context *context, const mad_executor *executor) {
  if (!context)
    return MAD_INVALID_ARGUMENT;
  context->error.message[0] = 0;
  if (executor && !executor->parallel_for)
    return mad_error_null(&context->error, "`parallel_for` of the executor");
  context->executor = executor ? *executor : ownThreads(context);
  return MAD_OK;
}

const char *mad_context_message(const mad_context *context) {
  return context ? context->error.message : "";
}
