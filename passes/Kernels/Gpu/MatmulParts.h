//===- MatmulParts.h - What products of matrices share ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_GPU_MATMULPARTS_H
#define MAD_PASSES_KERNELS_GPU_MATMULPARTS_H

#include "passes/Kernels/Gpu/Matmul.h"

namespace mad::device {

/// A, B, C, M, N, K, three strides where it is `batched`, and those of the epilogue.
llvm::SmallVector<mlir::Type> matmulTypes(mlir::MLIRContext *context, const MatmulSpec &spec,
                                          bool batched);
/// The same by name, with pointers to the matrices of block z. Rows follow each other.
MatmulArguments matmulArguments(GpuBuilder &g, const MatmulSpec &spec, mlir::ValueRange all,
                                bool batched);

/// Where a sum lies in C.
struct SumPlace {
  mlir::Value row, column;
};
/// Finishes the sums over k up to `end`: adds what lies in memory unless these are the first, and
/// stores there, or calls `last` with the whole sums.
void finishSums(GpuBuilder &g, const MatmulArguments &arguments, mlir::Value isFirst,
                mlir::Value end, llvm::ArrayRef<SumPlace> places, mlir::ValueRange sums,
                llvm::function_ref<void(mlir::ValueRange)> last);

/// Stores the sums of neighbouring columns of a row that exists, from `column` on, as far as
/// there are such columns.
void storeSums(GpuBuilder &g, const MatmulSpec &spec, const MatmulArguments &arguments,
               mlir::Value row, mlir::Value column, mlir::ValueRange sums);
/// The sum after the epilogue, as what C holds.
mlir::Value finished(GpuBuilder &g, const MatmulSpec &spec, const MatmulArguments &arguments,
                     mlir::Value sum, mlir::Value row, mlir::Value column);

/// An error unless `value` is from `least` to `most` and a multiple of `step`.
llvm::Error checkParameter(llvm::StringRef name, int value, int least, int most, int step = 1);
/// Estimated registers of a thread must fit, with so many blocks at a time.
llvm::Error checkRegisters(int registers, int threads, int blocksAtOnce);
/// Vectors of the specification.
llvm::Error checkVectors(const MatmulSpec &spec);

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_MATMULPARTS_H
