//===- Device.h - Buffers that kernels may touch --------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_SIMT_DEVICE_H
#define MAD_RUNTIME_SIMT_DEVICE_H

#include "runtime/simt/Shadow.h"
#include "runtime/simt/simt.h"
#include <cstdlib>
#include <map>
#include <memory>

namespace mad::simt {

struct Free {
  void operator()(void *p) const { free(p); }
};
template <typename T> using Zeroed = std::unique_ptr<T[], Free>;
/// Zeros that cost nothing until they are touched; null when there is no memory.
template <typename T> Zeroed<T> zeroed(size_t count) {
  return Zeroed<T>(static_cast<T *>(calloc(count ? count : 1, sizeof(T))));
}

struct Buffer {
  uint8_t *data = nullptr; ///< pages of its own, but for constant memory
  size_t bytes = 0;
  Zeroed<uint8_t> written; ///< a byte each: 1 once it was written; none in constant memory
  Zeroed<Cell> cells;      ///< only during a launch that looks for races
  bool constant() const { return !written; }
};

} // namespace mad::simt

struct simt_device {
  /// The buffer that holds these bytes, or null.
  mad::simt::Buffer *find(const void *at, size_t bytes);

  /// Lets the host reach the memory of buffers, or not; false when the system refuses.
  bool open(bool reachable) const;

  std::map<uintptr_t, mad::simt::Buffer> buffers; ///< by address
  bool hidden = false;               ///< buffers are reachable only while `Opened` lives
  mad::simt::Buffer *last = nullptr; ///< where the search begins
};

namespace mad::simt {

/// Kernels and copies reach all buffers as long as it lives.
class Opened {
public:
  explicit Opened(const simt_device *device) : device(device) {
    good = !device->hidden || device->open(true);
  }
  ~Opened() {
    if (device->hidden)
      device->open(false);
  }
  Opened(const Opened &) = delete;
  Opened &operator=(const Opened &) = delete;
  bool good;

private:
  const simt_device *device;
};

} // namespace mad::simt

#endif // MAD_RUNTIME_SIMT_DEVICE_H
