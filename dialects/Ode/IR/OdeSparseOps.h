//===- OdeSparseOps.h - Linear systems of one pattern -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_ODE_IR_ODESPARSEOPS_H
#define MAD_DIALECTS_ODE_IR_ODESPARSEOPS_H

#include "dialects/Mad/IR/MadOps.h"
#include "dialects/Ode/Sparse/SparseLu.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#define GET_OP_CLASSES
#include "dialects/Ode/IR/OdeSparseOps.h.inc"

namespace mad::ode {

/// The tables of an op, which take as long as a factorisation.
template <typename Op> SparseLu tablesOf(Op op) {
  auto numbers = [](llvm::ArrayRef<int32_t> all) { return Numbers(all.begin(), all.end()); };
  return SparseLu({numbers(op.getStarts()), numbers(op.getColumns())}, numbers(op.getOrder()));
}

/// Fails, after a message, where the factors of the op are of another size.
template <typename Op> llvm::LogicalResult checkTables(Op op, const SparseLu &tables) {
  auto type = llvm::cast<mlir::RankedTensorType>(op.getFactors().getType());
  if (type.getDimSize(0) == tables.places())
    return llvm::success();
  return op.emitOpError() << "has " << type.getDimSize(0) << " factors, the pattern gives "
                          << tables.places();
}

} // namespace mad::ode

#endif // MAD_DIALECTS_ODE_IR_ODESPARSEOPS_H
