/*===- device.c - Calls whose work is done on a device ---------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Tensors of the host are copied to the device, and results back. Weights stay there
 * as long as the context.
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/core.h"
#include "runtime/core/errors.h"
#include <stdlib.h>
#include <string.h>

static mad_status failed(mad_context *context, const char *what) {
  const char *reason = context->device->failure(context->device->self);
  return mad_error_device(&context->error, what, reason ? reason : "no reason given");
}

static void *place(mad_context *context, uint64_t bytes) {
  return context->device->allocate(context->device->self, bytes > 0 ? (int64_t)bytes : 1);
}

static void drop(mad_context *context, void *memory) {
  if (memory)
    context->device->release(context->device->self, memory);
}

void mad_device_forget(mad_context *context) {
  for (int32_t i = 0; context->device_weights && i < context->module->artifact->num_weights; ++i)
    drop(context, context->device_weights[i]);
  free(context->device_weights);
  context->device_weights = NULL;
}

mad_status mad_context_set_device(mad_context *context, const mad_device *device) {
  if (!context)
    return MAD_INVALID_ARGUMENT;
  context->error.message[0] = 0;
  mad_device_forget(context);
  context->device = device;
  return MAD_OK;
}

/* A weight, copied when it is first needed. */
static mad_status weightOn(mad_context *context, int32_t number, void **data) {
  const mad_device *device = context->device;
  const mad_weight *weight = &context->module->artifact->weights[number];
  if (!context->device_weights)
    context->device_weights =
        calloc((size_t)context->module->artifact->num_weights, sizeof *context->device_weights);
  if (!context->device_weights)
    return mad_error_memory(&context->error, "the weights of a device", 0);
  void **held = &context->device_weights[number];
  if (!*held) {
    void *made = place(context, weight->bytes);
    if (!made)
      return failed(context, weight->name);
    if (weight->bytes > 0 && device->write(device->self, made, context->module->weights[number],
                                           (int64_t)weight->bytes) != 0) {
      const mad_status status = failed(context, weight->name);
      drop(context, made);
      return status;
    }
    *held = made;
  }
  *data = *held;
  return MAD_OK;
}

/* Memory for the inputs, the outputs that are none of them, and at the end the arena. */
static mad_status placeAll(mad_context *context, const mad_entry *entry, const mad_tensor *inputs,
                           const mad_tensor *outputs, int64_t arena, void **memory) {
  const mad_device *device = context->device;
  const int32_t ins = entry->info.num_inputs, outs = entry->info.num_outputs;
  for (int32_t i = 0; i < ins + outs; ++i) {
    const int32_t state = i < ins ? 0 : entry->info.outputs[i - ins].state;
    const mad_tensor *tensor = i < ins ? &inputs[i] : &outputs[i - ins];
    if (state > 0) {
      context->data[i] = context->data[state - 1];
      continue;
    }
    const uint64_t bytes = mad_tensor_bytes(tensor);
    context->data[i] = memory[i] = place(context, bytes);
    if (!memory[i] || (i < ins && bytes > 0 &&
                       device->write(device->self, memory[i], tensor->data, (int64_t)bytes) != 0))
      return failed(context,
                    i < ins ? entry->info.inputs[i].name : entry->info.outputs[i - ins].name);
  }
  memory[ins + outs] = place(context, (uint64_t)arena);
  if (!memory[ins + outs] || device->write(device->self, device->status, NULL, 64) != 0)
    return failed(context, "scratch memory");
  for (int32_t i = 0; i < entry->num_weights; ++i) {
    const mad_status status = weightOn(context, entry->weights[i], &context->data[ins + outs + i]);
    if (status != MAD_OK)
      return status;
  }
  return MAD_OK;
}

static mad_status fetchAll(mad_context *context, const mad_entry *entry, const mad_tensor *inputs,
                           const mad_tensor *outputs) {
  const mad_device *device = context->device;
  for (int32_t i = 0; i < entry->info.num_outputs; ++i) {
    const uint64_t bytes = mad_tensor_bytes(&outputs[i]);
    void *to = mad_output_data(entry, inputs, outputs, i);
    const void *from = context->data[entry->info.num_inputs + i];
    if (bytes > 0 && device->read(device->self, to, from, (int64_t)bytes) != 0)
      return failed(context, entry->info.outputs[i].name);
  }
  return MAD_OK;
}

mad_status mad_device_run(mad_context *context, const mad_entry *entry, const mad_tensor *inputs,
                          const mad_tensor *outputs, int64_t arena, int32_t *code, int64_t *info) {
  const mad_device *device = context->device;
  const size_t count = (size_t)entry->info.num_inputs + (size_t)entry->info.num_outputs + 1;
  void **memory = calloc(count, sizeof *memory);
  if (!memory)
    return mad_error_memory(&context->error, "a call", count * sizeof *memory);
  (void)device->failure(device->self);
  *code = 0;
  mad_status status = placeAll(context, entry, inputs, outputs, arena, memory);
  if (status == MAD_OK) {
    *code = entry->run[context->module->variant](context->data, context->dims, memory[count - 1],
                                                 info, (const mad_executor *)(const void *)device);
    const char *reason = device->failure(device->self);
    if (reason)
      status = mad_error_device(&context->error, entry->info.name, reason);
    else if (*code == 0)
      status = fetchAll(context, entry, inputs, outputs);
  }
  for (size_t i = 0; i < count; ++i)
    drop(context, memory[i]);
  free(memory);
  return status;
}
