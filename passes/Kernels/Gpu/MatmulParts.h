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

/// Where sums are cut (`longestSum`), which part this is.
struct SumPart {
  mlir::Value isFirst, isLast;
};

/// A zero of which the compiler does not know: places in C that depend on it are computed where
/// they are used, not in front of the loop that `k` counts, where they would take registers.
mlir::Value unknownZero(GpuBuilder &g, mlir::Value pointer, mlir::Value k);

/// Stores the sums of neighbouring columns of a row that exists, from `column` on, as far as
/// there are such columns. Of a part: adds what lies in memory, unless it is the first, and
/// stores there, unless it is the last.
void storeSums(GpuBuilder &g, const MatmulSpec &spec, const MatmulArguments &arguments,
               mlir::Value row, mlir::Value column, mlir::ValueRange sums,
               const SumPart *part = nullptr);
/// Gives `count` of the sums after the other to `body`, with the number of the turn, in a loop:
/// code that should not be there once for each.
void inTurn(GpuBuilder &g, mlir::ValueRange sums, int count,
            llvm::function_ref<void(mlir::Value turn, mlir::ValueRange some)> body);
/// The sum after the epilogue, as what C holds.
mlir::Value finished(GpuBuilder &g, const MatmulSpec &spec, const MatmulArguments &arguments,
                     mlir::Value sum, mlir::Value row, mlir::Value column);

/// Where a tile of groups of warps is: its product, first row and first column.
struct GroupTilePlace {
  mlir::Value z, row, column; ///< z: null without a batch
};
/// The tiles of this block, of all products.
Values forGroupTiles(GpuBuilder &g, const GroupTile &tile, const MatmulArguments &arguments,
                     const GroupBatch &batch, mlir::ValueRange initial,
                     llvm::function_ref<Values(GroupTilePlace, mlir::ValueRange)> body);

/// An error unless `value` is from `least` to `most` and a multiple of `step`.
llvm::Error checkParameter(llvm::StringRef name, int value, int least, int most, int step = 1);
/// Estimated registers of a thread must fit, with so many blocks at a time.
llvm::Error checkRegisters(int registers, int threads, int blocksAtOnce);
/// Registers that one group of copiers and so many of multipliers ask for: not more than the block
/// starts with, where they would wait forever.
llvm::Error checkGroupRegisters(int groups, int copier, int multiplier);
/// Word i of lane t becomes word t of lane i, of four words and four neighbouring lanes.
void exchangeQuads(GpuBuilder &g, Values &words, mlir::Value t);
/// Bytes of shared memory that a block may have.
constexpr int sharedOfSm80 = 166912, sharedOfSm90 = 232448;
llvm::Error checkShared(int bytes, int most);
/// Vectors of the specification.
llvm::Error checkVectors(const MatmulSpec &spec);

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_MATMULPARTS_H
