//===- SimtDevice.h - The emulator as the device of a context ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_DRIVER_SIMTDEVICE_H
#define MAD_PASSES_DRIVER_SIMTDEVICE_H

#include "runtime/artifact.h"
#include "runtime/simt/simt.h"
#include <memory>
#include <string>

namespace mad {

/// Runs kernels in the emulator. What it finds wrong with one fails the call.
class SimtDevice {
public:
  /// Null when there is no memory. `seed`: of the order of threads and blocks; `chip`: the compute
  /// capability that programs are told.
  static std::unique_ptr<SimtDevice> create(uint64_t seed, int32_t chip = 90);
  ~SimtDevice();
  SimtDevice(const SimtDevice &) = delete;
  SimtDevice &operator=(const SimtDevice &) = delete;
  const mad_device *device() const { return &functions; }
  /// Whether a kernel ran that is for chips 9.0 alone: others run another one in its place.
  bool ranForNewChip() const { return forNewChip; }

private:
  explicit SimtDevice(uint64_t seed) : seed(seed) {}
  void *allocate(int64_t bytes);
  int32_t tensorMap(void *map, const mad_boxes &boxes);
  int32_t launch(const void *kernel, const int64_t *shape, int32_t shared, void **params);
  static void found(void *user, const simt_finding *finding);

  mad_device functions = {};
  simt_device *memory = nullptr;
  uint64_t seed;
  bool forNewChip = false;
  std::string failure, told;
};

} // namespace mad

#endif // MAD_PASSES_DRIVER_SIMTDEVICE_H
