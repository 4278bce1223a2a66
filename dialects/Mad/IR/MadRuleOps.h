//===- MadRuleOps.h - Rules that rewrite programs ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADRULEOPS_H
#define MAD_DIALECTS_MAD_IR_MADRULEOPS_H

#include "dialects/Mad/IR/MadOps.h"

#define GET_OP_CLASSES
#include "dialects/Mad/IR/MadRuleOps.h.inc"

#endif // MAD_DIALECTS_MAD_IR_MADRULEOPS_H
