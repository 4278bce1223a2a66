//===- OdeDialect.cpp - The dialect of differential equations ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/IR/OdeOps.h"
#include "dialects/Ode/IR/OdePackOps.h"
#include "dialects/Ode/IR/OdeSparseOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Transforms/InliningUtils.h"

using namespace mlir;
using namespace mad::ode;

#include "dialects/Ode/IR/OdeDialect.cpp.inc"

namespace {
/// As in the mad dialect: a right-hand side computes values and nothing else.
struct OdeInliner : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Operation *, bool) const final { return true; }
  bool isLegalToInline(Region *, Region *, bool, IRMapping &) const final { return true; }
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final { return true; }
};
} // namespace

void OdeDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Ode/IR/OdeOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Ode/IR/OdePackOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Ode/IR/OdeSparseOps.cpp.inc"
      >();
  addInterfaces<OdeInliner>();
}
