//===- RulesTest.cpp - The rewrite rules of the library ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// That they hold, `mad test` says (test/Tools/rules.test); here, that they reach a module.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadRuleOps.h"
#include "frontend/Check/Check.h"
#include "frontend/Emit/Emit.h"
#include "frontend/Parse/Parse.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "passes/StandardRules/StandardRules.h"
#include "passes/Transforms/Passes.h"
#include "llvm/ADT/StringSet.h"
#include <gtest/gtest.h>

using namespace mad;

namespace {

struct StandardRules : testing::Test {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;

  void SetUp() override {
    context.loadDialect<MadDialect, mlir::func::FuncDialect>();
    module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
    emitStandardRules(*module);
  }
  size_t count() {
    auto rules = module->getOps<RuleOp>();
    return std::distance(rules.begin(), rules.end());
  }
};

/// The rules that the texts of the library declare.
size_t declared() {
  size_t count = 0;
  for (const std::string &name : standardModules()) {
    if (!name.starts_with("std.rules."))
      continue;
    Sources sources;
    Diagnostics diagnostics;
    auto tree = parse(sources, sources.add(name, standardModule(name)), diagnostics);
    EXPECT_FALSE(diagnostics.hasErrors()) << render(sources, diagnostics, false);
    for (const ast::Node *item : tree->items)
      count += item->kind == ast::Kind::Rule;
  }
  return count;
}

TEST_F(StandardRules, AllAreEmitted) {
  EXPECT_TRUE(succeeded(mlir::verify(*module)));
  EXPECT_GT(count(), 100u);
  EXPECT_EQ(count(), declared());
  llvm::StringSet<> names;
  for (auto rule : module->getOps<RuleOp>()) {
    EXPECT_TRUE(rule.getSymName().starts_with("std.rules.")) << rule.getSymName().str();
    names.insert(rule.getSymName());
  }
  EXPECT_TRUE(names.contains("std.rules.scalar.factor"));
  EXPECT_TRUE(names.contains("std.rules.tensor.order"));
}

TEST_F(StandardRules, AreAddedOnce) {
  size_t before = count();
  emitStandardRules(*module);
  EXPECT_EQ(count(), before);
}

/// A rule that folders know says nothing.
TEST_F(StandardRules, NoneIsSettledAway) {
  llvm::StringSet<> before;
  for (auto rule : module->getOps<RuleOp>())
    before.insert(rule.getSymName());
  mlir::PassManager manager(&context);
  manager.addPass(createSettleRules());
  ASSERT_TRUE(succeeded(manager.run(*module)));
  for (auto rule : module->getOps<RuleOp>())
    before.erase(rule.getSymName());
  for (const auto &lost : before)
    ADD_FAILURE() << lost.getKey().str() << " is no rule after folding";
}

/// What the compiler holds is what the texts of the library say, with their places.
TEST_F(StandardRules, AreHeldAsTheySettle) {
  mlir::PassManager manager(&context);
  manager.addPass(createSettleRules());
  ASSERT_TRUE(succeeded(manager.run(*module)));
  mlir::OwningOpRef<mlir::ModuleOp> held = loadStandardRules(context);
  ASSERT_TRUE(held);
  EXPECT_TRUE(succeeded(mlir::verify(*held)));
  auto textOf = [](mlir::ModuleOp of) {
    std::string text;
    llvm::raw_string_ostream os(text);
    of.print(os, mlir::OpPrintingFlags().enableDebugInfo());
    return text;
  };
  EXPECT_EQ(textOf(*held), textOf(*module));
}

} // namespace
