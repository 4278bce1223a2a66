//===- MadMathOps.h - Further functions of numbers and bits -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADMATHOPS_H
#define MAD_DIALECTS_MAD_IR_MADMATHOPS_H

#include "dialects/Mad/IR/MadOps.h"

namespace mad {
/// The identities of these ops; null where none applies.
mlir::OpFoldResult foldMathIdentity(mlir::Operation *op);
} // namespace mad

#define GET_OP_CLASSES
#include "dialects/Mad/IR/MadMathOps.h.inc"

#endif // MAD_DIALECTS_MAD_IR_MADMATHOPS_H
