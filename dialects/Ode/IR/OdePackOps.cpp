//===- OdePackOps.cpp - Scalars that differ between lanes -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/IR/OdePackOps.h"

using namespace mlir;
using namespace mad::ode;

#define GET_OP_CLASSES
#include "dialects/Ode/IR/OdePackOps.cpp.inc"

LogicalResult PackOp::verify() {
  if (getValues().size() < 2)
    return emitOpError() << "has " << getValues().size() << " lanes, expected at least 2";
  return success();
}

LogicalResult ShuffleOp::verify() {
  auto count = static_cast<int64_t>(getLanes().size());
  if (count < 2)
    return emitOpError() << "has " << count << " lanes, expected at least 2";
  for (int64_t lane : getLanes())
    if (lane < 0 || lane >= count)
      return emitOpError() << "takes lane " << lane << " of " << count;
  return success();
}
