/*===- device.c - Calls whose work is done on a device ---------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Tensors of the host are copied to the device, and results back; a tensor that lies there
 * is used where it is. Weights stay on the device.
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/core.h"
#include "runtime/core/errors.h"
#include "runtime/core/panels.h"
#include <stdlib.h>
#include <string.h>

enum { alignment = 256 };

static mad_status failed(mad_context *context, const char *what) {
  mad_status status = MAD_UNSUPPORTED;
  const char *reason = context->device->failure(context->device->self, &status);
  return mad_error_device(&context->error, status, what, reason ? reason : "no reason given");
}

/* A place for bytes: there is one for none, too. */
static uint64_t placeBytes(uint64_t bytes) { return bytes > 0 ? bytes : 1; }

static void *place(mad_context *context, uint64_t bytes) {
  return context->device->allocate(context->device->self, (int64_t)placeBytes(bytes));
}

static void drop(mad_context *context, void *memory) {
  if (memory)
    context->device->release(context->device->self, memory);
}

static int enter(const mad_device *device) {
  return !device->enter || device->enter(device->self) == 0;
}

static void leave(const mad_device *device) {
  if (device->leave)
    device->leave(device->self);
}

void mad_device_forget(mad_context *context) {
  if (!context->device_weights && !context->device_memory)
    return;
  /* Where the driver has failed for good, there is nothing to give back. */
  if (enter(context->device)) {
    for (int32_t i = 0; context->device_weights && i < context->module->artifact->num_weights; ++i)
      drop(context, context->device_weights[i]);
    drop(context, context->device_memory);
    leave(context->device);
  }
  free(context->device_weights);
  context->device_weights = NULL;
  context->device_memory = NULL;
  context->device_bytes = 0;
}

mad_status mad_context_set_device(mad_context *context, const mad_device *device) {
  if (!context)
    return MAD_INVALID_ARGUMENT;
  context->error.message[0] = 0;
  if (context->cuda)
    return mad_error_has_device(&context->error);
  mad_device_forget(context);
  context->device = device;
  return MAD_OK;
}

/*===- Weights ----------------------------------------------------------------===*/

mad_status mad_weight_rows(const mad_module *module, int32_t number, void **rows, uint64_t *bytes,
                           mad_error *error) {
  const mad_weight *weight = &module->artifact->weights[number];
  *rows = NULL;
  *bytes = weight->bytes;
  if (weight->panel == 0 || weight->bytes == 0)
    return MAD_OK;
  const size_t size = mad_dtype_size(weight->dtype);
  int transposed = 0;
  const mad_panels matrix = mad_panels_of(weight->shape, weight->rank, weight->axis, weight->panel,
                                          weight->weave, size, &transposed);
  const uint64_t packed = mad_panels_bytes(&matrix);
  const uint64_t plain = (uint64_t)matrix.rows * (uint64_t)matrix.columns * size;
  const uint64_t layers = packed > 0 ? weight->bytes / packed : 0;
  *bytes = plain * layers;
  char *made = malloc(placeBytes(*bytes));
  if (!made)
    return mad_error_memory(error, weight->name, *bytes);
  const char *from = module->weights[number];
  for (uint64_t i = 0; i < layers; ++i)
    mad_panels_unpack(&matrix, made + i * plain, from + i * packed, transposed);
  *rows = made;
  return MAD_OK;
}

/* A weight, copied when it is first needed, for a device that does not keep them itself. */
static mad_status copyOfWeight(mad_context *context, int32_t number, void **data) {
  const mad_device *device = context->device;
  const mad_weight *weight = &context->module->artifact->weights[number];
  if (!context->device_weights)
    context->device_weights =
        calloc((size_t)context->module->artifact->num_weights, sizeof *context->device_weights);
  if (!context->device_weights)
    return mad_error_memory(&context->error, "the weights of a device", 0);
  void **held = &context->device_weights[number];
  if (!*held) {
    void *rows = NULL;
    uint64_t bytes = 0;
    mad_status status = mad_weight_rows(context->module, number, &rows, &bytes, &context->error);
    if (status != MAD_OK)
      return status;
    const void *from = rows ? rows : context->module->weights[number];
    void *made = place(context, bytes);
    if (!made || (bytes > 0 && device->write(device->self, made, from, (int64_t)bytes) != 0)) {
      status = failed(context, weight->name);
      drop(context, made);
    }
    free(rows);
    if (status != MAD_OK)
      return status;
    *held = made;
  }
  *data = *held;
  return MAD_OK;
}

static mad_status weightOn(mad_context *context, int32_t number, void **data) {
  const mad_device *device = context->device;
  if (!device->weight)
    return copyOfWeight(context, number, data);
  *data = device->weight(device->self, number);
  return *data ? MAD_OK : failed(context, context->module->artifact->weights[number].name);
}

/*===- Operands ---------------------------------------------------------------===*/

typedef struct operands {
  const mad_entry *entry;
  const mad_tensor *inputs, *outputs;
  int64_t arena;
} operands;

static int32_t countOf(const operands *o) {
  return o->entry->info.num_inputs + o->entry->info.num_outputs;
}

/* The tensor of a number, inputs first; null for an output that is one of them, and for the
 * arena. */
static const mad_tensor *tensorOf(const operands *o, int32_t number) {
  const int32_t ins = o->entry->info.num_inputs;
  if (number < ins)
    return &o->inputs[number];
  if (number == countOf(o) || o->entry->info.outputs[number - ins].state > 0)
    return NULL;
  return &o->outputs[number - ins];
}

static const char *nameOf(const operands *o, int32_t number) {
  const int32_t ins = o->entry->info.num_inputs;
  if (number == countOf(o))
    return "scratch memory";
  return number < ins ? o->entry->info.inputs[number].name
                      : o->entry->info.outputs[number - ins].name;
}

/* Bytes that the call needs for it on the device. */
static uint64_t bytesOf(const mad_context *context, const operands *o, int32_t number) {
  const mad_tensor *tensor = tensorOf(o, number);
  if (number == countOf(o))
    return (uint64_t)o->arena;
  return tensor && !context->places[number].inPlace ? mad_tensor_bytes(tensor) : 0;
}

/* Which tensors are used where they are. */
static mad_status findInPlace(mad_context *context, const operands *o) {
  const mad_device *device = context->device;
  for (int32_t i = 0; i <= countOf(o); ++i) {
    mad_on_device *at = &context->places[i];
    const mad_tensor *tensor = tensorOf(o, i);
    at->memory = NULL;
    at->inPlace = tensor && device->holds ? device->holds(device->self, tensor->data) : 0;
    if (at->inPlace < 0)
      return failed(context, nameOf(o, i));
  }
  return MAD_OK;
}

static uint64_t aligned(uint64_t bytes) {
  return (placeBytes(bytes) + alignment - 1) / alignment * alignment;
}

/* One piece of memory for all of them, which later calls find again. */
static mad_status reserve(mad_context *context, const operands *o) {
  uint64_t total = 0;
  for (int32_t i = 0; i <= countOf(o); ++i)
    if (__builtin_add_overflow(total, aligned(bytesOf(context, o, i)), &total))
      return mad_error_memory(&context->error, "a call", SIZE_MAX);
  if (total <= context->device_bytes)
    return MAD_OK;
  /* The old one first: two may not fit. */
  drop(context, context->device_memory);
  context->device_bytes = 0;
  context->device_memory = place(context, total);
  if (!context->device_memory)
    return failed(context, o->entry->info.name);
  context->device_bytes = total;
  return MAD_OK;
}

/* Memory for one operand: a part of what is reserved, or its own. */
static void *memoryFor(mad_context *context, const operands *o, int32_t number, uint64_t *used) {
  mad_on_device *at = &context->places[number];
  const mad_tensor *tensor = tensorOf(o, number);
  if (at->inPlace)
    return tensor->data;
  const uint64_t bytes = bytesOf(context, o, number);
  if (!context->device->reuses)
    return at->memory = place(context, bytes);
  void *memory = (char *)context->device_memory + *used;
  *used += aligned(bytes);
  return memory;
}

/* Whether its code checks anything, for which it has the status of the device. */
static int hasChecks(const mad_entry *entry) {
  return entry->num_checks > entry->num_prepare_checks;
}

/* Memory for the inputs, the outputs that are none of them, and at the end the arena. */
static mad_status placeAll(mad_context *context, const operands *o, void **arena) {
  const mad_device *device = context->device;
  const int32_t ins = o->entry->info.num_inputs, count = countOf(o);
  uint64_t used = 0;
  mad_status status = findInPlace(context, o);
  if (status == MAD_OK && device->reuses)
    status = reserve(context, o);
  for (int32_t i = 0; status == MAD_OK && i <= count; ++i) {
    const mad_tensor *tensor = tensorOf(o, i);
    if (!tensor && i < count) {
      context->data[i] = context->data[o->entry->info.outputs[i - ins].state - 1];
      continue;
    }
    void *memory = memoryFor(context, o, i, &used);
    const uint64_t bytes = bytesOf(context, o, i);
    if (!memory || (i < ins && bytes > 0 &&
                    device->write(device->self, memory, tensor->data, (int64_t)bytes) != 0))
      return failed(context, nameOf(o, i));
    *(i < count ? &context->data[i] : arena) = memory;
  }
  if (status == MAD_OK && hasChecks(o->entry) &&
      device->write(device->self, device->status, NULL, MAD_STATUS_BYTES) != 0)
    status = failed(context, "scratch memory");
  for (int32_t i = 0; status == MAD_OK && i < o->entry->num_device_weights; ++i)
    status = weightOn(context, o->entry->device_weights[i], &context->data[count + i]);
  return status;
}

/*===- Results ----------------------------------------------------------------===*/

static int copyBack(const mad_device *device, void *to, const void *from, uint64_t bytes) {
  return (device->fetch ? device->fetch : device->read)(device->self, to, from, (int64_t)bytes);
}

/* Queues copies of what the checks of the run found, and of the results. */
static mad_status fetchAll(mad_context *context, const operands *o) {
  const mad_device *device = context->device;
  const mad_entry *entry = o->entry;
  memset(context->found, 0, sizeof context->found);
  if (hasChecks(entry) &&
      copyBack(device, context->found, device->status, sizeof context->found) != 0)
    return failed(context, entry->info.name);
  for (int32_t i = 0; i < entry->info.num_outputs; ++i) {
    const int32_t number = entry->info.num_inputs + i, state = entry->info.outputs[i].state;
    if (context->places[state > 0 ? state - 1 : number].inPlace)
      continue;
    const uint64_t bytes = mad_tensor_bytes(&o->outputs[i]);
    void *to = mad_output_data(entry, o->inputs, o->outputs, i);
    if (bytes > 0 && copyBack(device, to, context->data[number], bytes) != 0)
      return failed(context, entry->info.outputs[i].name);
  }
  return MAD_OK;
}

/* Has the context on its device. */
static mad_status wait(mad_context *context, int32_t *code, int64_t *info) {
  const mad_device *device = context->device;
  const mad_entry *entry = context->pending;
  context->pending = NULL;
  if (device->finish && device->finish(device->self) != 0)
    return failed(context, entry->info.name);
  if (context->found[0] != 0) {
    *code = (int32_t)context->found[0] + entry->num_prepare_checks;
    memcpy(info, context->found + 1, MAD_INFO_WORDS * sizeof *info);
  }
  return MAD_OK;
}

mad_status mad_device_wait(mad_context *context, int32_t *code, int64_t *info) {
  (void)context->device->failure(context->device->self, NULL);
  if (!enter(context->device))
    return failed(context, context->pending->info.name);
  const mad_status status = wait(context, code, info);
  leave(context->device);
  return status;
}

static void append(mad_context *context, int32_t *words, const void *from, int32_t count) {
  if (count > 0)
    memcpy(context->key + *words, from, (size_t)count * sizeof *context->key);
  *words += count;
}

/* What decides which kernels a call launches, and with what. */
static int32_t keyOf(mad_context *context, const operands *o, void *arena) {
  int32_t words = 0;
  append(context, &words, &o->entry, 1);
  append(context, &words, &arena, 1);
  append(context, &words, context->data, countOf(o) + o->entry->num_device_weights);
  append(context, &words, context->dims, o->entry->info.num_dims);
  return words;
}

/* The code of the entry, unless the device does the same as it did before. */
static int32_t runCode(mad_context *context, const operands *o, void *arena, int64_t *info) {
  const mad_device *device = context->device;
  if (device->repeat && device->repeat(device->self, context->key, keyOf(context, o, arena)) != 0)
    return 0;
  int32_t code = 0;
  do
    code = o->entry->run[context->variant](context->data, context->dims, arena, info,
                                           (const mad_executor *)(const void *)device);
  while (device->ran && device->ran(device->self, code) != 0);
  return code;
}

static mad_status runOn(mad_context *context, const operands *o, int32_t *code, int64_t *info) {
  const mad_device *device = context->device;
  void *arena = NULL;
  mad_status status = placeAll(context, o, &arena);
  if (status != MAD_OK)
    return status;
  *code = runCode(context, o, arena, info);
  mad_status kind = MAD_UNSUPPORTED;
  const char *reason = device->failure(device->self, &kind);
  if (reason)
    return mad_error_device(&context->error, kind, o->entry->info.name, reason);
  if (*code != 0)
    return MAD_OK;
  status = fetchAll(context, o);
  if (status != MAD_OK)
    return status;
  context->pending = o->entry;
  return context->async && device->reuses ? MAD_OK : wait(context, code, info);
}

mad_status mad_device_run(mad_context *context, const mad_entry *entry, const mad_tensor *inputs,
                          const mad_tensor *outputs, int64_t arena, int32_t *code, int64_t *info) {
  const mad_device *device = context->device;
  const operands o = {entry, inputs, outputs, arena};
  (void)device->failure(device->self, NULL);
  *code = 0;
  if (!enter(device))
    return failed(context, entry->info.name);
  const mad_status status = runOn(context, &o, code, info);
  for (int32_t i = 0; i <= countOf(&o); ++i) {
    drop(context, context->places[i].memory);
    context->places[i].memory = NULL;
  }
  leave(device);
  return status;
}
