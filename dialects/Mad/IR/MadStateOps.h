//===- MadStateOps.h - Functional update and bounded iteration ------------- -===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADSTATEOPS_H
#define MAD_DIALECTS_MAD_IR_MADSTATEOPS_H

#include "dialects/Mad/IR/MadOps.h"

#define GET_OP_CLASSES
#include "dialects/Mad/IR/MadStateOps.h.inc"

namespace mad {
/// Whether `next`, which a loop yields for the carried value `now`, is `now` itself
/// or comes from it by updates alone, each of a value that nothing reads any more:
/// it can then live in the same memory.
bool isUpdateOf(mlir::Value next, mlir::BlockArgument now);
} // namespace mad

#endif // MAD_DIALECTS_MAD_IR_MADSTATEOPS_H
