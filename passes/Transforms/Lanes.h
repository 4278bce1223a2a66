//===- Lanes.h - Loops whose rounds need nothing of each other --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_LANES_H
#define MAD_PASSES_TRANSFORMS_LANES_H

#include "llvm/ADT/StringRef.h"

namespace mad {

/// Of a `mad.scan`, and then an `scf.for`: round i reads and writes tensors that the loop carries
/// at position i of their first dimension alone. So rounds may run in any order, or at once.
inline constexpr llvm::StringLiteral lanesAttribute = "ode.lanes";

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_LANES_H
