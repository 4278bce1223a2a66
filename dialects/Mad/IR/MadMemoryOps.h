//===- MadMemoryOps.h - Work on memory that devices have kernels for --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADMEMORYOPS_H
#define MAD_DIALECTS_MAD_IR_MADMEMORYOPS_H

#include "dialects/Mad/IR/MadOps.h"

#define GET_OP_CLASSES
#include "dialects/Mad/IR/MadMemoryOps.h.inc"

#endif // MAD_DIALECTS_MAD_IR_MADMEMORYOPS_H
