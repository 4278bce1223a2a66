//===- MadOpHelpers.h - What verifiers and evaluations of ops share ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADOPHELPERS_H
#define MAD_DIALECTS_MAD_IR_MADOPHELPERS_H

#include "dialects/Mad/IR/MadOps.h"
#include "llvm/ADT/APInt.h"

namespace mad {

/// Every dynamic dimension must say what it is.
llvm::LogicalResult verifySizes(mlir::Operation *op);
llvm::LogicalResult verifySameElement(mlir::Operation *op, mlir::Value a, const llvm::Twine &what,
                                      mlir::Value b, const llvm::Twine &other);
llvm::LogicalResult verifyDimension(mlir::Operation *op, llvm::StringRef text,
                                    llvm::StringRef what);
llvm::LogicalResult verifyValues(mlir::Operation *op, mlir::TypeRange found,
                                 mlir::TypeRange expected, llvm::StringRef what);
/// Whether two sizes are certainly different.
bool differ(const DimExpr &a, const DimExpr &b);

llvm::SmallVector<int64_t> rowMajorStrides(llvm::ArrayRef<int64_t> shape);
/// Steps to the next position in row-major order; false after the last.
bool next(llvm::MutableArrayRef<int64_t> position, llvm::ArrayRef<int64_t> shape);
/// Where the source of an op is, `digits.mad:14:11`, else "". For code of the standard library
/// that was inlined, what called it comes first: `digits.mad:14:11: in <std.nn>:233:20`.
std::string placeText(mlir::Location location);
/// Factors times values, plus the last factor.
llvm::APInt exactSum(llvm::ArrayRef<int64_t> factors, llvm::ArrayRef<int64_t> values);
/// The lowest and the highest value of a coordinate over all positions of a shape that is not
/// empty, each the nearest i64.
std::pair<int64_t, int64_t> coordinateRange(llvm::ArrayRef<int64_t> form,
                                            llvm::ArrayRef<int64_t> shape,
                                            llvm::ArrayRef<int64_t> scalars);
/// Fails when the lowest or the highest of some coordinates lies outside of a
/// dimension of `source`. Compiled code says the same.
llvm::LogicalResult checkIndex(mlir::Operation *op, mlir::Value source, int64_t dim, int64_t lowest,
                               int64_t highest, int64_t extent, RefContext &context);

} // namespace mad

#endif // MAD_DIALECTS_MAD_IR_MADOPHELPERS_H
