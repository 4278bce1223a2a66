//===- Interpreted.h - What tests of rewriting share --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_UNIT_REWRITE_INTERPRETED_H
#define MAD_TEST_UNIT_REWRITE_INTERPRETED_H

#include "dialects/Mad/Reference/Interpreter.h"
#include "mlir/IR/BuiltinOps.h"
#include "gtest/gtest.h"

namespace mad {

/// A rule that says nothing of most programs: modules without rules are left alone.
constexpr const char *anyRule =
    "mad.rule @any permits [] of \"float\" where [] {\n^bb0(%a: tensor<f32>):\n"
    "  %0 = mad.neg %a : (tensor<f32>) -> tensor<f32>\n"
    "  %1 = mad.abs %0 : (tensor<f32>) -> tensor<f32>\n"
    "  %2 = mad.abs %a : (tensor<f32>) -> tensor<f32>\n"
    "  mad.sides (%1) and (%2) : tensor<f32> and tensor<f32>\n}\n";

/// The results of the function `f`.
inline std::vector<RefTensor> interpreted(mlir::ModuleOp module,
                                          const std::vector<RefTensor> &inputs, bool f64) {
  RefContext state;
  state.f64 = f64;
  std::vector<RefTensor> results;
  EXPECT_TRUE(succeeded(interpret(module, "f", inputs, results, state))) << state.message;
  return results;
}

} // namespace mad

#endif // MAD_TEST_UNIT_REWRITE_INTERPRETED_H
