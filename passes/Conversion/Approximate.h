//===- Approximate.h - Ops that may be one instruction of a device ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_APPROXIMATE_H
#define MAD_PASSES_CONVERSION_APPROXIMATE_H

#include "llvm/ADT/StringRef.h"

namespace mad {

/// On a `math.log2`, `math.exp2` or 1 / x of f32: some roundings do not matter, and what is less
/// than the least normal number may be 0. In kernels mad-gpu-math makes an instruction of it.
constexpr llvm::StringLiteral approximateAttr = "approximate";

} // namespace mad

#endif // MAD_PASSES_CONVERSION_APPROXIMATE_H
