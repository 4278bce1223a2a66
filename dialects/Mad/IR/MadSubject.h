//===- MadSubject.h - What a checked position is a position of --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The attribute `mad.subject` of an op that checks positions: the tensor as the
// program writes it where it subscripts it, and with `mad.subject_dims` the
// number that each dimension of the operand has there; -1 is for one that is not
// written. Both stay with the op when its function is inlined and when views
// around it are folded, so every target names what the program names.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADSUBJECT_H
#define MAD_DIALECTS_MAD_IR_MADSUBJECT_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"

namespace mad {

inline constexpr llvm::StringLiteral subjectAttr = "mad.subject";
inline constexpr llvm::StringLiteral subjectDimsAttr = "mad.subject_dims";

/// The first `lead` dimensions of the operand are not written.
void setSubject(mlir::Operation *op, llvm::StringRef text, int64_t lead);
/// For an op that checks nothing any more.
void dropSubject(mlir::Operation *op);
/// As `from` has it, whose operand is read through `permutation` of the one of `to`.
void copySubject(mlir::Operation *from, mlir::Operation *to, mlir::AffineMap permutation = {});

/// "index out of range for dimension 1 of `table`": the dimension as it is written.
/// Where the op has no subject it is that of `operand`, which goes by its own name.
std::string indexMessage(mlir::Operation *op, mlir::Value operand, int64_t dim);
/// The dimensions of the operand in the order in which they are checked, which is that
/// of the program.
llvm::SmallVector<int64_t> checkOrder(mlir::Operation *op, int64_t rank);

llvm::LogicalResult verifySubject(mlir::Operation *op, mlir::NamedAttribute attribute);

} // namespace mad

#endif // MAD_DIALECTS_MAD_IR_MADSUBJECT_H
