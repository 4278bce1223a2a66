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

/// The tables of an op. Fails, after a message, where the factors of the op are of another size.
template <typename Op> llvm::FailureOr<SparseLu> tablesOf(Op op) {
  auto numbers = [](llvm::ArrayRef<int32_t> all) { return Numbers(all.begin(), all.end()); };
  SparseLu tables({numbers(op.getStarts()), numbers(op.getColumns())}, numbers(op.getOrder()));
  auto type = llvm::cast<mlir::RankedTensorType>(op.getFactors().getType());
  if (type.getDimSize(0) == tables.places())
    return tables;
  op.emitOpError() << "has " << type.getDimSize(0) << " factors, the pattern gives "
                   << tables.places();
  return llvm::failure();
}

} // namespace mad::ode

#endif // MAD_DIALECTS_ODE_IR_ODESPARSEOPS_H
