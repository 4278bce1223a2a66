//===- LutOps.h - Weights of few bits in C++ --------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_LUT_IR_LUTOPS_H
#define MAD_DIALECTS_LUT_IR_LUTOPS_H

#include "dialects/Lut/Format/Format.h"
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/Hashing.h"

namespace mad::lut {
inline llvm::hash_code hash_value(const Format &format) {
  return llvm::hash_combine(format.family, format.bits, format.group, format.affine, format.half,
                            format.block, format.dictionary, format.words);
}
} // namespace mad::lut

#include "dialects/Lut/IR/LutDialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Lut/IR/LutAttrs.h.inc"
#define GET_OP_CLASSES
#include "dialects/Lut/IR/LutOps.h.inc"

namespace mad::lut {
/// The type of a part, without names of dimensions.
mlir::RankedTensorType partType(mlir::MLIRContext *context, const Part &part);
/// Columns of a panel of a part.
constexpr int64_t columnPanel = 64;
/// The shape of a matrix in panels of columns: [panels, rows, columns of a panel].
std::vector<int64_t> inPanels(const std::vector<int64_t> &shape);
/// The codes of 2 bits of the parts of a `dictionary`, for a tensor of `shape`.
mlir::Value expandedCodes(mlir::OpBuilder &b, mlir::Location loc, const Format &format,
                          mlir::ValueRange parts, llvm::ArrayRef<int64_t> shape);
/// The types of the `lut.precompute` of rows for a format.
std::pair<mlir::RankedTensorType, mlir::RankedTensorType>
precomputedTypes(mlir::RankedTensorType source, const Format &format);
/// Whether these can be such results.
llvm::LogicalResult verifyPrecomputed(mlir::Operation *op, const Format &format,
                                      mlir::ShapedType source, mlir::ShapedType tables,
                                      mlir::ShapedType sums);
/// How `lut.product_into` becomes work on memory.
void registerBufferization(mlir::DialectRegistry &registry);
} // namespace mad::lut

#endif // MAD_DIALECTS_LUT_IR_LUTOPS_H
