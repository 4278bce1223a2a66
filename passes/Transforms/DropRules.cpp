//===- DropRules.cpp - Removes rewrite rules ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadRuleOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Transforms/Passes.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_DROPRULES
#include "passes/Transforms/Passes.h.inc"

namespace {

struct DropRulesPass : impl::DropRulesBase<DropRulesPass> {
  using DropRulesBase::DropRulesBase;

  void runOnOperation() override {
    for (auto rule : llvm::make_early_inc_range(getOperation().getOps<RuleOp>()))
      rule.erase();
  }
};

} // namespace
} // namespace mad
