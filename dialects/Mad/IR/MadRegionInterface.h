//===- MadRegionInterface.h - Reference semantics of ops with regions -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADREGIONINTERFACE_H
#define MAD_DIALECTS_MAD_IR_MADREGIONINTERFACE_H

#include "dialects/Mad/IR/RefTensor.h"
#include "mlir/IR/OpDefinition.h"

namespace mad {
/// Evaluates a region on its arguments; the values of its terminator are the results.
using RunRegion = llvm::function_ref<llvm::LogicalResult(
    mlir::Region &region, std::vector<RefTensor> arguments, std::vector<RefTensor> &results)>;
} // namespace mad

#include "dialects/Mad/IR/MadRegionInterface.h.inc"

#endif // MAD_DIALECTS_MAD_IR_MADREGIONINTERFACE_H
