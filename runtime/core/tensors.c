/*===- tensors.c - Tensors of a call are checked before code sees them ----===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/core.h"
#include "runtime/core/errors.h"

uint64_t mad_tensor_bytes(const mad_tensor *tensor) {
  uint64_t bytes = mad_dtype_size(tensor->dtype);
  for (int32_t i = 0; i < tensor->rank; ++i)
    bytes *= (uint64_t)tensor->shape[i];
  return bytes;
}

/* An extent of zero makes the product zero, whatever the others are. */
static int fitsMemory(const mad_tensor *tensor) {
  uint64_t bytes = mad_dtype_size(tensor->dtype);
  for (int32_t i = 0; i < tensor->rank; ++i) {
    const uint64_t extent = (uint64_t)tensor->shape[i];
    if (extent == 0)
      return 1;
    if (__builtin_mul_overflow(bytes, extent, &bytes))
      bytes = UINT64_MAX;
  }
  return bytes <= (uint64_t)PTRDIFF_MAX;
}

static mad_status checkType(mad_error *error, const mad_operand *at, const mad_tensor *tensor) {
  if (tensor->dtype != at->info->dtype)
    return mad_error_dtype(error, at, tensor->dtype);
  if (tensor->rank != at->info->rank)
    return mad_error_rank(error, at, tensor->rank);
  if (tensor->rank > 0 && !tensor->shape)
    return mad_error_no_shape(error, at);
  for (int32_t i = 0; i < tensor->rank; ++i) {
    if (tensor->shape[i] < 0)
      return mad_error_negative(error, at, i, tensor->shape[i]);
    if (tensor->shape[i] > MAD_MAX_EXTENT)
      return mad_error_too_long(error, at, i, tensor->shape[i]);
  }
  return fitsMemory(tensor) ? MAD_OK : mad_error_too_large(error, at);
}

static mad_status checkData(mad_error *error, const mad_operand *at, const mad_tensor *tensor) {
  if (!tensor->data)
    return mad_tensor_bytes(tensor) == 0 ? MAD_OK : mad_error_no_data(error, at);
  /* Sizes are powers of 2. */
  if (((uintptr_t)tensor->data & (mad_dtype_size(tensor->dtype) - 1)) != 0)
    return mad_error_misaligned(error, at);
  return MAD_OK;
}

mad_status mad_check_inputs(mad_context *context, const mad_entry *entry, const mad_tensor *inputs,
                            int32_t count, int with_data) {
  mad_error *error = &context->error;
  if (count != entry->info.num_inputs)
    return mad_error_count(error, entry, "input", count, entry->info.num_inputs);
  if (count > 0 && !inputs)
    return mad_error_null(error, "the list of inputs");
  for (int32_t i = 0; i < count; ++i) {
    const mad_operand at = {entry, "input", &entry->info.inputs[i]};
    mad_status status = checkType(error, &at, &inputs[i]);
    if (status == MAD_OK && with_data)
      status = checkData(error, &at, &inputs[i]);
    if (status != MAD_OK)
      return status;
  }
  return MAD_OK;
}

static mad_status checkState(mad_context *context, const mad_entry *entry, int32_t number,
                             const mad_tensor *output, const mad_tensor *inputs) {
  const mad_value_info *info = &entry->info.outputs[number];
  const mad_operand at = {entry, "output", info};
  if (!output->data || output->data == inputs[info->state - 1].data)
    return MAD_OK;
  return mad_error_state(&context->error, &at, entry->info.inputs[info->state - 1].name);
}

mad_status mad_check_outputs(mad_context *context, const mad_entry *entry, const mad_tensor *inputs,
                             const mad_tensor *outputs, int32_t count, const int64_t *expected) {
  mad_error *error = &context->error;
  if (count != entry->info.num_outputs)
    return mad_error_count(error, entry, "output", count, entry->info.num_outputs);
  if (count > 0 && !outputs)
    return mad_error_null(error, "the list of outputs");
  for (int32_t i = 0; i < count; ++i) {
    const mad_operand at = {entry, "output", &entry->info.outputs[i]};
    mad_status status = checkType(error, &at, &outputs[i]);
    for (int32_t k = 0; status == MAD_OK && k < outputs[i].rank; ++k, ++expected)
      if (outputs[i].shape[k] != *expected)
        status = mad_error_extent(error, &at, k, outputs[i].shape[k], *expected);
    if (status == MAD_OK && at.info->state > 0)
      status = checkState(context, entry, i, &outputs[i], inputs);
    else if (status == MAD_OK)
      status = checkData(error, &at, &outputs[i]);
    if (status != MAD_OK)
      return status;
  }
  return MAD_OK;
}

/* Whether `bytes` bytes have any of a tensor among them. */
static int overlap(const void *data, uint64_t bytes, const mad_tensor *other, const void *at) {
  const uintptr_t first = (uintptr_t)data, second = (uintptr_t)at;
  if (first <= second)
    return second - first < bytes && mad_tensor_bytes(other) > 0;
  return bytes > 0 && first - second < mad_tensor_bytes(other);
}

mad_status mad_check_overlap(mad_context *context, const mad_entry *entry, const mad_tensor *inputs,
                             const mad_tensor *outputs) {
  const mad_entry_info *info = &entry->info;
  for (int32_t i = 0; i < info->num_outputs; ++i) {
    const mad_operand at = {entry, "output", &info->outputs[i]};
    const void *data = mad_output_data(entry, inputs, outputs, i);
    const uint64_t bytes = mad_tensor_bytes(&outputs[i]);
    for (int32_t j = 0; j < info->num_inputs; ++j)
      if (j + 1 != info->outputs[i].state && overlap(data, bytes, &inputs[j], inputs[j].data)) {
        const mad_operand other = {entry, "input", &info->inputs[j]};
        return mad_error_overlap(&context->error, &at, &other);
      }
    for (int32_t j = 0; j < i; ++j) {
      const void *earlier = mad_output_data(entry, inputs, outputs, j);
      if (overlap(data, bytes, &outputs[j], earlier)) {
        const mad_operand other = {entry, "output", &info->outputs[j]};
        return mad_error_overlap(&context->error, &at, &other);
      }
    }
  }
  return MAD_OK;
}
