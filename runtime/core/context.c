/*===- context.c - Contexts: the memory of calls --------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/core.h"
#include "runtime/core/errors.h"
#include "runtime/cuda/cuda.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static size_t preparedWords(const mad_entry_info *info) {
  return sumOfRanks(info->inputs, info->num_inputs) + (size_t)info->num_dims +
         sumOfRanks(info->outputs, info->num_outputs);
}

/* Gives each entry its part of `words`. */
static void placePrepared(mad_context *context, int64_t *words) {
  const mad_artifact *artifact = context->module->artifact;
  for (int32_t i = 0; i < artifact->num_entries; ++i) {
    const mad_entry_info *info = &artifact->entries[i].info;
    mad_prepared *prepared = &context->prepared[i];
    prepared->extents = words;
    prepared->dims = prepared->extents + sumOfRanks(info->inputs, info->num_inputs);
    prepared->results = prepared->dims + info->num_dims;
    words += preparedWords(info);
  }
}

/* Without a device. */
static mad_status make(mad_module *module, mad_context **context, mad_error *error) {
  const size_t entries = (size_t)module->artifact->num_entries;
  size_t dims = 0, words = 0, data = 0, places = 0, key = 0;
  for (size_t i = 0; i < entries; ++i) {
    const mad_entry *entry = &module->artifact->entries[i];
    const mad_entry_info *info = &entry->info;
    toMost(&dims, (size_t)info->num_dims);
    words += preparedWords(info);
    size_t weights = (size_t)entry->num_weights;
    toMost(&weights, (size_t)entry->num_device_weights);
    toMost(&data, (size_t)info->num_inputs + (size_t)info->num_outputs + weights);
    toMost(&places, (size_t)info->num_inputs + (size_t)info->num_outputs + 1);
  }
  key = 2 + data + dims;
  /* One block: the context, then its numbers, then its pointers. */
  const size_t bytes = sizeof(mad_context) + entries * sizeof(mad_prepared) +
                       (words + key) * sizeof(int64_t) + data * sizeof(void *) +
                       places * sizeof(mad_on_device);
  mad_context *made = calloc(1, bytes);
  if (!made)
    return mad_error_memory(error, "a context", bytes);
  made->module = module;
  made->prepared = (mad_prepared *)(made + 1);
  made->key = (uint64_t *)(made->prepared + entries);
  placePrepared(made, (int64_t *)(made->key + key));
  made->data = (void **)(made->key + key + words);
  made->places = (mad_on_device *)(made->data + data);
  made->variant = module->variant;
  strcpy(made->device_name, "cpu");
  made->executor = ownThreads(made);
  mad_module_hold(module);
  *context = made;
  return MAD_OK;
}

static mad_status readOptions(const mad_context_options *given, mad_context_options *options,
                              mad_error *error) {
  memset(options, 0, sizeof *options);
  if (given && given->struct_size < sizeof given->struct_size)
    return mad_error_options_size(error, given->struct_size, sizeof *options);
  /* A host of another version may know fewer fields, or more that it does not use. */
  const size_t size = given ? given->struct_size : 0;
  for (size_t i = sizeof *options; i < size; ++i)
    if (((const char *)given)[i] != 0)
      return mad_error_options_size(error, size, sizeof *options);
  if (given)
    memcpy(options, given, size < sizeof *options ? size : sizeof *options);
  return MAD_OK;
}

static int hasCuda(const mad_module *module) {
  for (int32_t i = 0; i < module->artifact->num_variants; ++i)
    if (module->artifact->variants[i].device == MAD_DEVICE_CUDA)
      return 1;
  return 0;
}

/* Has the context compute on a GPU. */
static mad_status useCuda(mad_context *context, const mad_choice *choice,
                          const mad_context_options *options, mad_error *error) {
  const mad_cuda_place place = {choice->number, options->cuda_context, options->cuda_stream};
  const mad_status status = mad_cuda_create(context->module, &place, &context->cuda, error);
  if (status != MAD_OK)
    return status;
  context->device = mad_cuda_device(context->cuda);
  context->variant = mad_cuda_variant(context->cuda);
  snprintf(context->device_name, sizeof context->device_name, "cuda:%d",
           mad_cuda_number(context->cuda));
  return MAD_OK;
}

/* On what the choice allows: a GPU first, and the CPU only where that cannot run the code. */
static mad_status chooseVariant(mad_context *context, const mad_choice *choice,
                                const mad_context_options *options, mad_error *error) {
  const mad_module *module = context->module;
  const int onCpu = module->variant >= 0;
  if (!choice->cuda)
    return onCpu ? MAD_OK : mad_error_no_cpu_code(error, module->artifact->name);
  if (!hasCuda(module))
    return choice->cpu ? MAD_OK : mad_error_no_cuda_code(error, module->artifact->name);
  const mad_status status = useCuda(context, choice, options, error);
  return status == MAD_UNSUPPORTED && choice->cpu && onCpu ? MAD_OK : status;
}

mad_status mad_context_create_with(mad_module *module, const mad_context_options *given,
                                   mad_context **context, mad_error *error) {
  if (!context)
    return mad_error_null(error, "the place for the context");
  *context = NULL;
  if (!module)
    return mad_error_null(error, "the module");
  mad_context_options options;
  mad_choice choice;
  mad_status status = readOptions(given, &options, error);
  if (status == MAD_OK)
    status = mad_choose_device(options.device, &choice, error);
  if (status != MAD_OK)
    return status;
  mad_context *made = NULL;
  status = make(module, &made, error);
  if (status == MAD_OK && (status = chooseVariant(made, &choice, &options, error)) != MAD_OK) {
    mad_context_destroy(made);
    made = NULL;
  }
  *context = made;
  return status;
}

mad_status mad_context_create(mad_module *module, mad_context **context, mad_error *error) {
  return mad_context_create_with(module, NULL, context, error);
}

const char *mad_context_device(const mad_context *context) {
  return context ? context->device_name : "";
}

void *mad_context_cuda_stream(const mad_context *context) {
  return context && context->cuda ? mad_cuda_stream(context->cuda) : NULL;
}

const char *mad_context_variant(const mad_context *context) {
  return context ? context->module->artifact->variants[context->variant].name : "";
}

void mad_context_destroy(mad_context *context) {
  if (!context)
    return;
  mad_device_forget(context);
  mad_cuda_destroy(context->cuda);
  mad_pool_destroy(context->pool);
  mad_module_destroy(context->module);
  mad_arena_release(context);
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
