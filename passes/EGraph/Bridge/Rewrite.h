//===- Rewrite.h - Replaces programs by the cheapest equal ones -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_BRIDGE_REWRITE_H
#define MAD_PASSES_EGRAPH_BRIDGE_REWRITE_H

#include "mlir/IR/Location.h"
#include <memory>
#include <string>
#include <vector>

namespace mlir {
class ModuleOp;
class Operation;
class Pass;
} // namespace mlir

namespace mad {

struct RewriteLimits {
  unsigned iterations = 10; ///< of the rules
  unsigned nodes = 3000;    ///< of the graph of a block; more where it is large itself
};

/// A use of a rule.
struct RewriteStep {
  std::string rule;     ///< `std.rules.scalar.factor`
  mlir::Location place; ///< of the rule
  bool forward = true;  ///< or from right to left
};

/// An expression that became another one.
struct RewrittenValue {
  mlir::Location place;      ///< of the op that gave the value
  std::string before, after; ///< as in the language, with the names of values where they have some
  std::vector<RewriteStep> steps;
};

/// What became of a block.
struct RewrittenBlock {
  std::string function;
  mlir::Location place;
  double before = 0, after = 0; ///< cycles, as estimated
  std::vector<RewrittenValue> values;
  std::string report; ///< how the rules ran
  bool changed = false;
};

/// What rewriting takes and gives beside the module.
struct RewriteExtras {
  mlir::Operation *rules = nullptr;              ///< a module with further rules, as they settled
  std::vector<RewrittenBlock> *blocks = nullptr; ///< is told all that explains the result
};

/// Rewrites all functions of a module by its rules; see `mad-rewrite`. Explaining takes longer.
/// Returns how many blocks changed.
unsigned rewriteModule(mlir::ModuleOp module, const RewriteLimits &limits,
                       RewriteExtras extras = {});
/// The pass.
std::unique_ptr<mlir::Pass> createRewrite(RewriteExtras extras);

} // namespace mad

#endif // MAD_PASSES_EGRAPH_BRIDGE_REWRITE_H
