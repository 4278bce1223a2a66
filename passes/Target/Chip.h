//===- Chip.h - GPUs that code is made for, and what fits on them -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TARGET_CHIP_H
#define MAD_PASSES_TARGET_CHIP_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace mad {

/// Limits of one multiprocessor, from the table of compute capabilities in the CUDA
/// programming guide. Bytes of shared memory count what the system keeps of each block.
struct Chip {
  llvm::StringLiteral name;
  int computeCapability;  ///< 10 * major + minor
  bool portable;          ///< its PTX runs on every later chip, too
  int registers;          ///< 32-bit registers
  int warps, blocks;      ///< that can be there at a time
  int sharedBytes;        ///< of all blocks together
  int sharedBytesOfBlock; ///< that one block can ask for
  bool wgmma;             ///< products of warp groups, and the copy engine for tensors
};

/// Chips that the compiler knows.
llvm::ArrayRef<Chip> chips();
/// The chip of that name, or an error that lists the names.
llvm::Expected<const Chip *> chipOf(llvm::StringRef name);

/// What one kernel takes, as ptxas and the launch say.
struct KernelResources {
  int registers = 0;   ///< of a thread
  int sharedBytes = 0; ///< of a block, static and dynamic
  int threads = 0;     ///< of a block
};

/// How many blocks of a kernel are on one multiprocessor at a time, and what allows no more.
struct Occupancy {
  int blocks = 0, warps = 0;
  double share = 0;      ///< of the warps that could be there
  llvm::StringRef limit; ///< `warps`, `blocks`, `registers`, `shared memory`
};

/// The smallest of four limits. Registers are handed out to warps, 256 at a time, by four
/// schedulers that have a quarter of them each; shared memory to blocks, 128 bytes at a
/// time, 1 KiB more a block than it asked for.
Occupancy occupancyOf(const KernelResources &kernel, const Chip &chip);

} // namespace mad

#endif // MAD_PASSES_TARGET_CHIP_H
