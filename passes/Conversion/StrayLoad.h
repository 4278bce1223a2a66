//===- StrayLoad.h - Loads of more than is used -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_STRAYLOAD_H
#define MAD_PASSES_CONVERSION_STRAYLOAD_H

#include "llvm/ADT/StringRef.h"

namespace mad {

/// Attribute of a wide load of which a part may belong to another block, which writes it meanwhile;
/// nobody uses that part. The emulator does not look for races of it.
constexpr llvm::StringLiteral strayLoad = "stray";

} // namespace mad

#endif // MAD_PASSES_CONVERSION_STRAYLOAD_H
