//===- Contractions.h - What weights are multiplied with ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_DRIVER_CONTRACTIONS_H
#define MAD_PASSES_DRIVER_CONTRACTIONS_H

#include "passes/Driver/Executable.h"
#include "passes/Driver/Exposed.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace mlir {
class Value;
} // namespace mlir

namespace mad {
class ContractOp;

/// An operand of a contraction that is a weight, also one that is transposed, or one
/// layer of it.
class WeightOperand {
public:
  /// Nothing when the operand is no weight.
  static std::optional<WeightOperand> find(mlir::Value operand);
  const std::string &weight() const { return symbol; }
  /// The size of its leading dimension, if that is known.
  int64_t layers() const { return leading; }
  /// Which coordinates of the weight run along these dimensions of the operand, and how.
  std::string axes(llvm::ArrayRef<unsigned> dims) const;
  /// The subscript of the leading dimension, when the operand is cut along it. `scalar`
  /// gives the values of subscripts that are computed, and nothing for unknown ones.
  std::optional<int64_t>
  layer(llvm::function_ref<std::optional<int64_t>(mlir::Value)> scalar) const;

private:
  std::optional<int64_t>
  coordinate(size_t view, unsigned number,
             llvm::function_ref<std::optional<int64_t>(mlir::Value)> scalar) const;

  std::string symbol;
  int64_t leading = 0;
  std::vector<mlir::Operation *> views; ///< the first one reads the weight
  bool direct = true;                   ///< nothing but views in between
};

/// Both operands of a contraction: calls `found` with each that is a weight, and with
/// the number of the other, the activations.
void forWeights(ContractOp op, const std::string &file,
                llvm::function_ref<void(const WeightOperand &weight, unsigned activations,
                                        ExposedContraction made)>
                    found);

/// Runs the entry by the reference interpreter and shows `see` each contraction with a
/// weight, also in loops and branches; false from it ends the run with `error`.
bool contractionsByReference(
    Compilation &compilation, const std::string &entry, const std::vector<io::Tensor> &inputs,
    bool f64,
    llvm::function_ref<bool(const ExposedContraction &contraction, const RefTensor &activations)>
        see,
    std::string &error);

} // namespace mad

#endif // MAD_PASSES_DRIVER_CONTRACTIONS_H
