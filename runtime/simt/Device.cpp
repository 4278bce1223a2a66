//===- Device.cpp - Buffers that kernels may touch ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/Device.h"
#include <cstring>
#include <new>

using namespace mad::simt;

static constexpr size_t alignment = 256;
static constexpr uint8_t garbage = 0xA5; // what a kernel reads where nothing was written

Buffer *simt_device::find(const void *at, size_t bytes) {
  auto address = reinterpret_cast<uintptr_t>(at);
  auto holds = [&](const Buffer &b) {
    auto low = reinterpret_cast<uintptr_t>(b.data);
    return address >= low && bytes <= b.bytes && address - low <= b.bytes - bytes;
  };
  if (last && holds(*last))
    return last;
  auto next = buffers.upper_bound(address);
  if (next == buffers.begin() || !holds((--next)->second))
    return nullptr;
  return last = &next->second;
}

simt_device *simt_device_create(void) { return new (std::nothrow) simt_device; }

void simt_device_destroy(simt_device *device) {
  if (!device)
    return;
  for (auto &[address, buffer] : device->buffers)
    if (!buffer.constant())
      free(buffer.data);
  delete device;
}

static bool add(simt_device *device, Buffer buffer) {
  try {
    device->buffers[reinterpret_cast<uintptr_t>(buffer.data)] = std::move(buffer);
    return true;
  } catch (const std::bad_alloc &) {
    return false;
  }
}

void *simt_alloc(simt_device *device, size_t bytes) {
  // Never two buffers side by side: one past the end is in none.
  if (bytes > SIZE_MAX / 2)
    return nullptr;
  size_t rounded = (bytes + 2 * alignment - 1) / alignment * alignment;
  Buffer buffer;
  buffer.bytes = bytes;
  buffer.written = zeroed<uint8_t>(bytes);
  buffer.data = static_cast<uint8_t *>(aligned_alloc(alignment, rounded));
  uint8_t *data = buffer.data;
  if (!data || !buffer.written) {
    free(data);
    return nullptr;
  }
  memset(data, garbage, rounded);
  if (!add(device, std::move(buffer))) {
    free(data);
    return nullptr;
  }
  return data;
}

void simt_free(simt_device *device, void *buffer) {
  auto at = device->buffers.find(reinterpret_cast<uintptr_t>(buffer));
  if (at == device->buffers.end() || at->second.constant())
    return;
  device->buffers.erase(at);
  device->last = nullptr;
  free(buffer);
}

int simt_upload(simt_device *device, void *to, const void *from, size_t bytes) {
  Buffer *buffer = device->find(to, bytes);
  if (!buffer || buffer->constant())
    return 0;
  if (from)
    memcpy(to, from, bytes);
  else
    memset(to, 0, bytes);
  memset(&buffer->written[static_cast<uint8_t *>(to) - buffer->data], 1, bytes);
  return 1;
}

size_t simt_initialised(const simt_device *device, const void *at, size_t bytes) {
  Buffer *buffer = const_cast<simt_device *>(device)->find(at, bytes);
  if (!buffer || buffer->constant())
    return buffer ? bytes : 0;
  size_t count = 0, first = static_cast<const uint8_t *>(at) - buffer->data;
  for (size_t i = 0; i < bytes; ++i)
    count += buffer->written[first + i];
  return count;
}

int simt_constant(simt_device *device, const void *at, size_t bytes) {
  Buffer buffer;
  buffer.data = static_cast<uint8_t *>(const_cast<void *>(at));
  buffer.bytes = bytes;
  return add(device, std::move(buffer));
}
