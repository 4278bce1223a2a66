//===- DeviceNames.h - What host code asks of its device --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_GPUTORUNTIME_DEVICENAMES_H
#define MAD_PASSES_CONVERSION_GPUTORUNTIME_DEVICENAMES_H

#include "llvm/ADT/StringRef.h"

namespace mad {

/// Of an argument of a kernel: it is not the memory but a tensor map of it, with boxes of so many
/// elements (`array<i32>`), innermost dimension first. The dimensions are those of the memref, the
/// last one having neighbours.
constexpr llvm::StringLiteral boxesAttribute = "mad.boxes";
/// The same of what a launch passes: a cast of the memref to a pointer.
constexpr llvm::StringLiteral mapAttribute = "boxes";

/// Functions `() -> i32` that an entry may call until mad-gpu-to-runtime: what `mad_device` says.
constexpr llvm::StringLiteral deviceChip = "mad.device_chip";
constexpr llvm::StringLiteral deviceMultiprocessors = "mad.device_multiprocessors";

/// Kernels for chips that have groups of warps with tensor maps: the module, and the compute
/// capability of the one chip that can run them.
constexpr llvm::StringLiteral groupModule = "kernels_sm_90a";
constexpr int32_t groupChip = 90;
/// Of a kernel that this chip never runs: it has one of those in its place.
constexpr llvm::StringLiteral groupless = "groupless";

} // namespace mad

#endif // MAD_PASSES_CONVERSION_GPUTORUNTIME_DEVICENAMES_H
