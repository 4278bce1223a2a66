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
  uint8_t *data = nullptr;
  size_t bytes = 0;
  Zeroed<uint8_t> written; ///< a byte each: 1 once it was written; none in constant memory
  Zeroed<Cell> cells;      ///< only during a launch that looks for races
  bool constant() const { return !written; }
};

} // namespace mad::simt

struct simt_device {
  /// The buffer that holds these bytes, or null.
  mad::simt::Buffer *find(const void *at, size_t bytes);

  std::map<uintptr_t, mad::simt::Buffer> buffers; ///< by address
  mad::simt::Buffer *last = nullptr;              ///< where the search begins
};

#endif // MAD_RUNTIME_SIMT_DEVICE_H
