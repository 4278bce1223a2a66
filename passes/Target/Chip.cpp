//===- Chip.cpp - GPUs that code is made for, and what fits on them ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Target/Chip.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mad;

static constexpr Chip knownChips[] = {
    {"sm_80", 80, true, 65536, 64, 32, 167936, 166912, false},
    {"sm_90a", 90, false, 65536, 64, 32, 233472, 232448, true},
};

llvm::ArrayRef<Chip> mad::chips() { return knownChips; }

llvm::Expected<const Chip *> mad::chipOf(llvm::StringRef name) {
  for (const Chip &chip : knownChips)
    if (chip.name == name)
      return &chip;
  std::string names = llvm::join(
      llvm::map_range(knownChips, [](const Chip &chip) { return "`" + chip.name.str() + "`"; }),
      ", ");
  return llvm::createStringError("unknown chip `" + name + "`, expected one of " + names);
}

Occupancy mad::occupancyOf(const KernelResources &kernel, const Chip &chip) {
  constexpr int lanes = 32, registerUnit = 256, schedulers = 4, sharedUnit = 128,
                systemBytes = 1024;
  const int warps = llvm::divideCeil(kernel.threads, lanes);
  if (warps == 0)
    return {};
  const int ofWarp = llvm::alignTo(kernel.registers * lanes, registerUnit);
  const int ofBlock = llvm::alignTo(kernel.sharedBytes + systemBytes, sharedUnit);
  const std::pair<int, llvm::StringRef> limits[] = {
      {chip.warps / warps, "warps"},
      {chip.blocks, "blocks"},
      {ofWarp ? chip.registers / schedulers / ofWarp * schedulers / warps : chip.blocks,
       "registers"},
      {kernel.sharedBytes > chip.sharedBytesOfBlock ? 0 : chip.sharedBytes / ofBlock,
       "shared memory"},
  };
  auto least = llvm::min_element(limits, [](auto &a, auto &b) { return a.first < b.first; });
  return {least->first, least->first * warps, double(least->first * warps) / chip.warps,
          least->second};
}
