//===- Harness.h - Runs kernels in text in the emulator -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_UNIT_SIMT_HARNESS_H
#define MAD_TEST_UNIT_SIMT_HARNESS_H

#include "runtime/simt/jit/SimtModule.h"
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace mad::test {

/// Replaces text that occurs once.
struct Edit {
  std::string from, to;
};

/// A compiled kernel.
class Kernel {
public:
  /// Of a file in Kernels, edited; or of a text. Null after an error, which was printed.
  static std::unique_ptr<Kernel> load(const std::string &file, const std::string &name,
                                      const std::vector<Edit> &edits = {});
  static std::unique_ptr<Kernel> parse(const std::string &text, const std::string &name,
                                       const std::string &file = "kernel.mlir");
  const simt_kernel &get() const { return *kernel; }

private:
  std::unique_ptr<SimtModule> module;
  const simt_kernel *kernel = nullptr;
};

/// What a launch came to.
struct Outcome {
  simt_result result{};
  std::set<simt_kind> kinds;
  std::vector<std::string> texts; ///< a line a finding
  bool right = false;             ///< the results are those that were expected
  /// All findings, for messages.
  std::string text() const;
};

/// The memory of a device for one test.
class Device {
public:
  Device() : device(simt_device_create()) {}
  ~Device() { simt_device_destroy(device); }
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;

  template <typename T> T *make(size_t count) {
    return static_cast<T *>(simt_alloc(device, count * sizeof(T)));
  }
  template <typename T> T *copy(const std::vector<T> &from) {
    T *to = make<T>(from.size());
    simt_upload(device, to, from.data(), from.size() * sizeof(T));
    return to;
  }
  /// Fills in the receiver of findings.
  Outcome run(const simt_kernel &kernel, std::vector<void *> params, simt_launch launch);

  simt_device *device;
};

simt_launch launchOf(unsigned gridX, unsigned gridY, unsigned threads, unsigned dynamicShared,
                     uint64_t seed);

/// Small multiples of 1/8, which products and sums of a few hundred keep exactly.
float eighth(unsigned i);
uint16_t toHalf(float x);
uint16_t toBfloat(float x);

} // namespace mad::test

#endif // MAD_TEST_UNIT_SIMT_HARNESS_H
