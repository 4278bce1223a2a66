//===- Device.cpp - Buffers that kernels may touch ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/Device.h"
#include <cstring>
#include <new>
#include <sys/mman.h>
#include <unistd.h>

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

/// Bytes of the pages that hold a buffer. Never two of these side by side: one past the end is in
/// none.
static size_t pagesOf(size_t bytes) {
  const size_t page = sysconf(_SC_PAGESIZE);
  return (bytes + alignment + page - 1) / page * page;
}

static void release(const Buffer &buffer) {
  if (!buffer.constant())
    munmap(buffer.data, pagesOf(buffer.bytes));
}

bool simt_device::open(bool reachable) const {
  for (auto &[address, buffer] : buffers)
    if (!buffer.constant() && mprotect(buffer.data, pagesOf(buffer.bytes),
                                       reachable ? PROT_READ | PROT_WRITE : PROT_NONE) != 0)
      return false;
  return true;
}

int simt_hide(simt_device *device) {
  device->hidden = true;
  return device->open(false);
}

simt_device *simt_device_create(void) { return new (std::nothrow) simt_device; }

void simt_device_destroy(simt_device *device) {
  if (!device)
    return;
  for (auto &[address, buffer] : device->buffers)
    release(buffer);
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
  if (bytes > SIZE_MAX / 2)
    return nullptr;
  void *pages =
      mmap(nullptr, pagesOf(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED)
    return nullptr;
  auto *data = static_cast<uint8_t *>(pages);
  Buffer buffer;
  buffer.bytes = bytes;
  buffer.written = zeroed<uint8_t>(bytes);
  buffer.data = data;
  memset(data, garbage, bytes);
  if (buffer.written && add(device, std::move(buffer))) {
    if (device->hidden)
      mprotect(pages, pagesOf(bytes), PROT_NONE);
    return data;
  }
  munmap(pages, pagesOf(bytes));
  return nullptr;
}

void simt_free(simt_device *device, void *buffer) {
  auto at = device->buffers.find(reinterpret_cast<uintptr_t>(buffer));
  if (at == device->buffers.end() || at->second.constant())
    return;
  release(at->second);
  device->buffers.erase(at);
  device->last = nullptr;
}

int simt_upload(simt_device *device, void *to, const void *from, size_t bytes) {
  Buffer *buffer = device->find(to, bytes);
  const Opened opened(device);
  if (!buffer || buffer->constant() || !opened.good)
    return 0;
  if (from)
    memcpy(to, from, bytes);
  else
    memset(to, 0, bytes);
  memset(&buffer->written[static_cast<uint8_t *>(to) - buffer->data], 1, bytes);
  return 1;
}

int simt_download(simt_device *device, void *to, const void *from, size_t bytes) {
  const Opened opened(device);
  if (!device->find(from, bytes) || !opened.good)
    return 0;
  memcpy(to, from, bytes);
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
