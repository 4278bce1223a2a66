//===- MadOps.h - The tensor dialect in C++ ---------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADOPS_H
#define MAD_DIALECTS_MAD_IR_MADOPS_H

#include "dialects/Mad/IR/DimExpr.h"
#include "dialects/Mad/IR/RefTensor.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Mad/IR/MadDialect.h.inc"
#include "dialects/Mad/IR/MadEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Mad/IR/MadAttrs.h.inc"
#include "dialects/Mad/IR/MadInterfaces.h.inc"

namespace mad {
/// Shared by all elementwise ops: one shape for all operands and the result.
llvm::LogicalResult verifyElementwise(mlir::Operation *op);
llvm::LogicalResult evaluateElementwise(mlir::Operation *op,
                                        llvm::ArrayRef<const RefTensor *> operands,
                                        llvm::MutableArrayRef<RefTensor> results,
                                        RefContext &context);
mlir::OpFoldResult foldElementwise(mlir::Operation *op, llvm::ArrayRef<mlir::Attribute> operands);

/// The polynomial of one dimension: from the shape where it is static, else from
/// the encoding. An invalid expression when a dynamic dimension has no text.
DimExpr dimExpr(mlir::RankedTensorType type, int64_t dim);
/// A tensor type with these sizes and names. Static sizes come from constant
/// expressions; no encoding is set when there is nothing to say.
mlir::RankedTensorType tensorType(llvm::ArrayRef<DimExpr> sizes, llvm::ArrayRef<std::string> names,
                                  mlir::Type element);
/// Equal sizes, whatever static dimensions are called.
bool sameShape(mlir::RankedTensorType a, mlir::RankedTensorType b);
/// As `sameShape`, but polynomials that differ are given the benefit of the
/// doubt: a `mad.checks` of the entry may say that they are equal at a call. Only
/// ranks, and sizes whose difference is a constant, can disagree.
bool shapesMayAgree(mlir::RankedTensorType a, mlir::RankedTensorType b);
/// `[Batch, 64]`, for messages.
std::string shapeText(mlir::RankedTensorType type);
/// A coordinate of a view as coefficients of the dims, then of the symbols, then
/// the constant term; empty when it is not linear or overflows.
std::optional<llvm::SmallVector<int64_t>> linearForm(mlir::AffineExpr expression, unsigned dims,
                                                     unsigned symbols);
/// The element type of a reference tensor that holds this one.
RefElement refElement(mlir::Type element);
/// The name that the source program gives to a value, or to an op at a location;
/// empty when it gives none. Weights are called as their source.
std::string valueName(mlir::Value value);
llvm::StringRef valueName(mlir::Location location);
/// Elements of a constant, and back; `type` is static, of the tensor's shape.
RefTensor refTensor(mlir::DenseElementsAttr elements);
mlir::DenseElementsAttr denseElements(const RefTensor &tensor, mlir::RankedTensorType type);
/// The one number that all elements of a value have, if that can be seen: looks
/// through views and reshapes.
std::optional<RefScalar> splatValue(mlir::Value value);
} // namespace mad

namespace mad {
class IterateOp; // MadStateOps.h: `mad.yield` names it
} // namespace mad

#define GET_OP_CLASSES
#include "dialects/Mad/IR/MadOps.h.inc"

#endif // MAD_DIALECTS_MAD_IR_MADOPS_H
