//===- Sparsity.h - Which derivatives are zero -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_DERIVATIVES_SPARSITY_H
#define MAD_DIALECTS_MAD_DERIVATIVES_SPARSITY_H

#include "llvm/ADT/ArrayRef.h"
#include <cstdint>
#include <optional>
#include <vector>

namespace mlir {
class Block;
} // namespace mlir
namespace mlir::func {
class FuncOp;
} // namespace mlir::func

namespace mad {

/// The places of a Jacobian that may be other than zero, whatever the values are. Rows are elements
/// of results, all results of floats one after the other; columns are elements of arguments, one
/// after the other. Elements count in row-major order.
struct Sparsity {
  int64_t columns = 0;
  std::vector<std::vector<int32_t>> rows; ///< columns of the entries of each row, ascending

  int64_t entries() const;
};

/// The pattern of the derivatives by some arguments, floats. Exact for elementwise ops, movement at
/// positions that are constants, sums and loops of known length; products with constant zeros
/// vanish. Where positions or conditions depend on values, all that may be read counts. Empty where
/// a size is not known when compiling, or where the analysis would take more than about a second.
std::optional<Sparsity> jacobianSparsity(mlir::func::FuncOp function,
                                         llvm::ArrayRef<unsigned> arguments);
/// Of a block whose terminator gives the results, as the right-hand side of an `ode.solve`; values
/// around it do not vary.
std::optional<Sparsity> jacobianSparsity(mlir::Block &block, llvm::ArrayRef<unsigned> arguments);

/// Columns in groups, such that no two of a group have an entry in one row: the sum of the columns
/// of a group holds all their entries (Curtis, Powell and Reid, "On the estimation of sparse
/// Jacobian matrices", 1974).
struct Colouring {
  std::vector<int32_t> colours; ///< of each column
  int32_t count = 0;
};
/// Greedy, columns with most neighbours first (Welsh and Powell, 1967); of equal ones the first.
Colouring colourColumns(const Sparsity &sparsity);

} // namespace mad

#endif // MAD_DIALECTS_MAD_DERIVATIVES_SPARSITY_H
