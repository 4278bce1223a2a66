//===- MadDataOps.h - Ops whose course depends on the data ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADDATAOPS_H
#define MAD_DIALECTS_MAD_IR_MADDATAOPS_H

#include "dialects/Mad/IR/MadOps.h"
#include <array>

namespace mad {

/// One block of Philox4x32-10.
std::array<uint32_t, 4> philoxBlock(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

} // namespace mad

#define GET_OP_CLASSES
#include "dialects/Mad/IR/MadDataOps.h.inc"

#endif // MAD_DIALECTS_MAD_IR_MADDATAOPS_H
