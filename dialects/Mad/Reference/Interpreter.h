//===- Interpreter.h - Runs a program on reference tensors ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_REFERENCE_INTERPRETER_H
#define MAD_DIALECTS_MAD_REFERENCE_INTERPRETER_H

#include "dialects/Mad/IR/RefTensor.h"
#include <functional>
#include <string>
#include <vector>

namespace mlir {
class ModuleOp;
} // namespace mlir

namespace mad {

/// Is shown each value that has a name (a `NameLoc` of its location), in the
/// order of evaluation.
using RefObserver = std::function<void(llvm::StringRef name, const RefTensor &value)>;

/// Is shown each operation that is evaluated, loops and branches aside, with its
/// operands and results; false ends the run.
using RefOpObserver =
    std::function<bool(mlir::Operation *op, llvm::ArrayRef<const RefTensor *> operands,
                       llvm::ArrayRef<const RefTensor *> results)>;

/// Runs a function of the module. `context` says in which mode, and holds the
/// weights; its dimension parameters are found from the inputs. On failure
/// `context.message` is the reason, with the place in the source if it has one.
llvm::LogicalResult interpret(mlir::ModuleOp module, llvm::StringRef function,
                              std::vector<RefTensor> inputs, std::vector<RefTensor> &results,
                              RefContext &context, const RefObserver &observe = {},
                              const RefOpObserver &observeOp = {});

} // namespace mad

#endif // MAD_DIALECTS_MAD_REFERENCE_INTERPRETER_H
