/*===- call.c - Calls of entries ------------------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/core.h"
#include "runtime/core/errors.h"
#include "runtime/cuda/cuda.h"
#include <string.h>

/* What a prepare or run function returned, as a status. */
static mad_status statusOf(mad_context *context, const mad_entry *entry, int32_t code,
                           const int64_t *info) {
  if (code == 0)
    return MAD_OK;
  if (code < 0 || code > entry->num_checks)
    return mad_error_bad_code(&context->error, entry, code);
  return mad_error_check(&context->error, &entry->checks[code - 1], info);
}

static mad_status find(mad_context *context, int32_t number, const mad_entry **entry) {
  const mad_artifact *artifact = context->module->artifact;
  context->error.message[0] = 0;
  if (number < 0 || number >= artifact->num_entries)
    return mad_error_no_entry(&context->error, number, artifact->num_entries);
  *entry = &artifact->entries[number];
  return MAD_OK;
}

static mad_status prepare(mad_context *context, const mad_entry *entry, const mad_tensor *inputs,
                          int64_t *arena) {
  mad_prepared *prepared = &context->prepared[entry - context->module->artifact->entries];
  int64_t *extents = prepared->extents;
  int same = prepared->known;
  for (int32_t i = 0; i < entry->info.num_inputs; ++i)
    for (int32_t k = 0; k < inputs[i].rank; ++k) {
      same &= *extents == inputs[i].shape[k];
      *extents++ = inputs[i].shape[k];
    }
  context->dims = prepared->dims;
  context->results = prepared->results;
  *arena = prepared->arena;
  if (same)
    return MAD_OK;
  int64_t info[MAD_INFO_WORDS] = {0};
  prepared->known = 0;
  *arena = 0;
  const int32_t code = entry->prepare[context->variant](prepared->extents, prepared->dims,
                                                        prepared->results, arena, info);
  prepared->known = code == 0;
  prepared->arena = *arena;
  return statusOf(context, entry, code, info);
}

mad_status mad_entry_shapes(mad_context *context, int32_t number, const mad_tensor *inputs,
                            int32_t num_inputs, int64_t *extents) {
  const mad_entry *entry = NULL;
  int64_t arena = 0;
  if (!context)
    return MAD_INVALID_ARGUMENT;
  mad_status status = find(context, number, &entry);
  if (status != MAD_OK)
    return status;
  status = mad_check_inputs(context, entry, inputs, num_inputs, /*with_data=*/0);
  if (status == MAD_OK)
    status = prepare(context, entry, inputs, &arena);
  if (status != MAD_OK)
    return status;
  size_t count = 0;
  for (int32_t i = 0; i < entry->info.num_outputs; ++i)
    count += (size_t)entry->info.outputs[i].rank;
  if (count > 0 && !extents)
    return mad_error_null(&context->error, "the place for the extents");
  if (count > 0)
    memcpy(extents, context->results, count * sizeof *extents);
  return MAD_OK;
}

static int isForDevice(const mad_context *context) {
  return context->module->artifact->variants[context->variant].device;
}

mad_status mad_context_set_async(mad_context *context, int32_t async) {
  if (!context)
    return MAD_INVALID_ARGUMENT;
  context->error.message[0] = 0;
  const mad_status status = async ? MAD_OK : mad_context_synchronize(context);
  context->async = async != 0;
  return status;
}

mad_status mad_context_synchronize(mad_context *context) {
  if (!context)
    return MAD_INVALID_ARGUMENT;
  context->error.message[0] = 0;
  const mad_entry *entry = context->pending;
  if (!entry)
    return MAD_OK;
  int32_t code = 0;
  int64_t info[MAD_INFO_WORDS] = {0};
  const mad_status status = mad_device_wait(context, &code, info);
  return status == MAD_OK ? statusOf(context, entry, code, info) : status;
}

mad_status mad_context_wait_for(mad_context *context, void *cuda_stream) {
  if (!context)
    return MAD_INVALID_ARGUMENT;
  context->error.message[0] = 0;
  return context->cuda ? mad_cuda_wait_for(context->cuda, cuda_stream, &context->error) : MAD_OK;
}

static mad_status run(mad_context *context, const mad_entry *entry, const mad_tensor *inputs,
                      const mad_tensor *outputs, int64_t arena) {
  void **data = context->data;
  int64_t info[MAD_INFO_WORDS] = {0};
  if (isForDevice(context)) {
    int32_t found = 0;
    if (!context->device)
      return mad_error_no_device(&context->error);
    mad_status status = MAD_OK;
    /* What its checks find has one place, and is for its caller to know. */
    if (context->pending && context->pending->num_checks > context->pending->num_prepare_checks)
      status = mad_context_synchronize(context);
    if (status != MAD_OK)
      return status;
    status = mad_device_run(context, entry, inputs, outputs, arena, &found, info);
    return status == MAD_OK ? statusOf(context, entry, found, info) : status;
  }
  for (int32_t i = 0; i < entry->info.num_inputs; ++i)
    *data++ = inputs[i].data;
  for (int32_t i = 0; i < entry->info.num_outputs; ++i)
    *data++ = mad_output_data(entry, inputs, outputs, i);
  for (int32_t i = 0; i < entry->num_weights; ++i)
    *data++ = (void *)(uintptr_t)context->module->read[entry->weights[i]];
  const int32_t code = entry->run[context->variant](context->data, context->dims, context->arena,
                                                    info, &context->executor);
  return statusOf(context, entry, code, info);
}

/* What both forms of a call do first: the entry and its inputs are good, the extents of
 * the results and the bytes of scratch memory known. */
static mad_status begin(mad_context *context, int32_t number, const mad_tensor *inputs,
                        int32_t num_inputs, const mad_entry **entry, int64_t *arena) {
  if (!context)
    return MAD_INVALID_ARGUMENT;
  mad_status status = find(context, number, entry);
  if (status == MAD_OK)
    status = mad_check_inputs(context, *entry, inputs, num_inputs, /*with_data=*/1);
  return status == MAD_OK ? prepare(context, *entry, inputs, arena) : status;
}

static mad_status finish(mad_context *context, const mad_entry *entry, const mad_tensor *inputs,
                         const mad_tensor *outputs, int32_t num_outputs, int64_t arena) {
  mad_status status =
      mad_check_outputs(context, entry, inputs, outputs, num_outputs, context->results);
  if (status == MAD_OK)
    status = mad_check_overlap(context, entry, inputs, outputs);
  if (status == MAD_OK && !isForDevice(context))
    status = mad_arena_reserve(context, entry, arena);
  return status == MAD_OK ? run(context, entry, inputs, outputs, arena) : status;
}

mad_status mad_entry_call(mad_context *context, int32_t number, const mad_tensor *inputs,
                          int32_t num_inputs, const mad_tensor *outputs, int32_t num_outputs) {
  const mad_entry *entry = NULL;
  int64_t arena = 0;
  const mad_status status = begin(context, number, inputs, num_inputs, &entry, &arena);
  return status == MAD_OK ? finish(context, entry, inputs, outputs, num_outputs, arena) : status;
}

/* Describes the results and has the host allocate them. */
static mad_status allocate(mad_context *context, const mad_entry *entry, const mad_tensor *inputs,
                           const mad_allocator *allocator, mad_tensor *outputs) {
  const int64_t *extents = context->results;
  for (int32_t i = 0; i < entry->info.num_outputs; ++i) {
    const mad_value_info *info = &entry->info.outputs[i];
    outputs[i].shape = extents;
    outputs[i].rank = info->rank;
    outputs[i].dtype = info->dtype;
    extents += info->rank;
  }
  for (int32_t i = 0; i < entry->info.num_outputs; ++i) {
    const mad_operand at = {entry, "output", &entry->info.outputs[i]};
    if (at.info->state > 0) {
      outputs[i].data = inputs[at.info->state - 1].data;
      continue;
    }
    outputs[i].data = allocator->allocate(allocator->user, i, &outputs[i]);
    if (!outputs[i].data && mad_tensor_bytes(&outputs[i]) > 0)
      return mad_error_no_result(&context->error, &at, mad_tensor_bytes(&outputs[i]));
  }
  return MAD_OK;
}

mad_status mad_entry_call_alloc(mad_context *context, int32_t number, const mad_tensor *inputs,
                                int32_t num_inputs, const mad_allocator *allocator,
                                mad_tensor *outputs, int32_t num_outputs) {
  const mad_entry *entry = NULL;
  int64_t arena = 0;
  if (outputs && num_outputs > 0)
    memset(outputs, 0, (size_t)num_outputs * sizeof *outputs);
  mad_status status = begin(context, number, inputs, num_inputs, &entry, &arena);
  if (status != MAD_OK)
    return status;
  if (num_outputs != entry->info.num_outputs)
    return mad_error_count(&context->error, entry, "output", num_outputs, entry->info.num_outputs);
  if (num_outputs > 0 && !outputs)
    return mad_error_null(&context->error, "the list of outputs");
  if (!allocator || !allocator->allocate)
    return mad_error_null(&context->error, "the allocator");
  if (!isForDevice(context))
    status = mad_arena_reserve(context, entry, arena);
  if (status == MAD_OK)
    status = allocate(context, entry, inputs, allocator, outputs);
  return status == MAD_OK ? finish(context, entry, inputs, outputs, num_outputs, arena) : status;
}
