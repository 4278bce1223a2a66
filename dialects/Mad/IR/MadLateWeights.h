//===- MadLateWeights.h - Weights that a module computes itself -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The attribute `mad.late_weights` of a module: names of weights that its own
// functions compute, one after the other. They have no elements yet when code is
// bound to weights.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADLATEWEIGHTS_H
#define MAD_DIALECTS_MAD_IR_MADLATEWEIGHTS_H

#include "llvm/ADT/StringRef.h"

namespace mad {

inline constexpr llvm::StringLiteral lateWeightsAttr = "mad.late_weights";

} // namespace mad

#endif // MAD_DIALECTS_MAD_IR_MADLATEWEIGHTS_H
