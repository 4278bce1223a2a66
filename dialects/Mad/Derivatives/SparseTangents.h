//===- SparseTangents.h - Jacobians entry by entry --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_DERIVATIVES_SPARSETANGENTS_H
#define MAD_DIALECTS_MAD_DERIVATIVES_SPARSETANGENTS_H

#include "dialects/Mad/Derivatives/CompressedJacobian.h"

namespace mad {

struct EntryJacobian : CompressedJacobian {
  /// Numbers that are computed or moved for all entries, and elements of all values that vary: what
  /// one direction of a compressed Jacobian would take.
  int64_t work = 0, elements = 0;
};

/// The Jacobian of the ops of a block by some of its arguments, built at the place of the builder.
/// Beside each value that varies stand the entries of its own Jacobian, in one line: elements in
/// row-major order, columns ascending, as a Sparsity has them. So what is zero takes no time,
/// however many columns there are; but each number has a position that must be read. For
/// elementwise ops, movement at constant positions, sums and reshapes, of one element type. Empty
/// where there is another op, or what `jacobianSparsity` does not know: then useless ops may be
/// left behind.
std::optional<EntryJacobian> entryJacobian(mlir::OpBuilder &b, mlir::Location loc,
                                           mlir::Block &block, mlir::ValueRange values,
                                           llvm::ArrayRef<unsigned> by);

} // namespace mad

#endif // MAD_DIALECTS_MAD_DERIVATIVES_SPARSETANGENTS_H
