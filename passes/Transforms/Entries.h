//===- Entries.h - What an entry checks, binds and is described by ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the attribute `entry` that mad-to-linalg leaves on the functions of a
// module.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_ENTRIES_H
#define MAD_PASSES_TRANSFORMS_ENTRIES_H

#include "dialects/Mad/IR/DimExpr.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Target/EntryDescription.h"

namespace mad {

bool isEntry(mlir::func::FuncOp function);
/// A member of the attribute `entry`, if it is there.
mlir::Attribute entryMember(mlir::func::FuncOp function, llvm::StringRef name);
mlir::ArrayAttr entryList(mlir::func::FuncOp function, llvm::StringRef name); ///< or an empty one
void setEntryMember(mlir::func::FuncOp function, llvm::StringRef name, mlir::Attribute value);

/// Positions among the arguments: dimension parameters, status, inputs, weights,
/// after bufferization outputs and the arena, and the executor where loops are cut into
/// pieces.
struct EntryArguments {
  explicit EntryArguments(mlir::func::FuncOp function);
  unsigned dims, status, inputs, weights, outputs, arena, executor;
  mlir::FunctionType type; ///< as in the source, with encodings
  /// Of each result the number of the input that it is the new value of, or -1. Only
  /// the others are arguments; `results` holds their numbers.
  llvm::SmallVector<int64_t> states;
  llvm::SmallVector<unsigned> results;
  bool isState(unsigned argument) const {
    return argument >= inputs && llvm::is_contained(states, int64_t(argument - inputs));
  }
  /// The type in the source of what an argument holds; null for dimension
  /// parameters, status and arena. Weights have no encoding.
  mlir::RankedTensorType typeOf(mlir::func::FuncOp function, unsigned argument) const;
};

/// Each weight of each entry, by its name and its number among the arguments, but those that the
/// module's own functions compute (`mad.late_weights`): they are not there yet when code is bound
/// to the others, so nothing can bring them into another order or type.
void forEachBoundWeight(
    mlir::ModuleOp module,
    llvm::function_ref<void(mlir::StringAttr name, mlir::func::FuncOp function, unsigned argument)>
        body);

/// What `prepare` does. Extents of the inputs, one after the other, are the
/// symbols `#0`, `#1` and so on in the expressions.
struct EntryPlan {
  struct Binding {
    std::string symbol;
    DimExpr value; ///< of extents and what was bound before
  };
  struct Check {
    DimExpr found, expected;
    CheckDescription description;
  };
  std::vector<Binding> bindings;
  std::vector<Check> checks;
};
/// Fails, with a diagnostic, when a parameter does not follow from the inputs.
llvm::FailureOr<EntryPlan> planEntry(mlir::func::FuncOp function);

/// What the runtime calls an element type of the mad dialect.
mad_dtype dtypeOf(mlir::Type element);

/// The number of an extent in the symbol `#number`.
std::optional<unsigned> extentNumber(llvm::StringRef symbol);

/// For a function as mad-to-linalg leaves it.
llvm::FailureOr<EntryDescription> describeEntry(mlir::func::FuncOp function);

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_ENTRIES_H
