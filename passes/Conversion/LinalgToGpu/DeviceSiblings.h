//===- DeviceSiblings.h - Products that share a factor, as one launch -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Query, key and value of attention, or the gates of a cell: products of one A with several B of
// the same shape. Alone each of them has few blocks; together they are one kernel, whose blocks
// find their product in the third dimension of the grid.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICESIBLINGS_H
#define MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICESIBLINGS_H

#include "passes/Conversion/LinalgToGpu/DeviceProduct.h"
#include <vector>

namespace mad {

struct Sibling {
  DeviceWork work;
  Followers followers;
  mlir::Value memory(unsigned operand) { return work.op->getOperand(operand); }
  /// Where the last follower leaves the result.
  mlir::Value output() {
    return followers.empty() ? memory(work.op.getNumDpsInputs()) : followers.output();
  }
};

/// Products behind `first` that can be computed along with it, each with followers that do the same
/// with memory of the same types. What they use is moved in front of `first`. The shape of B must
/// be known, sums must begin with `initial`.
std::vector<Sibling> siblingsOf(DeviceFunction &f, const Contraction &first,
                                const Followers &followers, mlir::Value initial);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICESIBLINGS_H
