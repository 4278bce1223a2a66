//===- Pieces.h - How many pieces a loop has --------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For passes that cut a loop themselves. They write `scf.parallel (%i) = (0) to
// (count) step (1)` on memrefs, before PlanArena; an iteration is a piece, and the
// ops inside of it are not cut again. Memory that a piece needs for itself is a
// `memref.alloc` in the body, of sizes that follow from the dimension parameters:
// PlanArena gives each piece its own.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_PIECES_H
#define MAD_PASSES_TRANSFORMS_PIECES_H

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mad {

/// More pieces than this only cost; machines have fewer CPUs.
constexpr int64_t mostPieces = 64;
/// Estimated picoseconds of a piece; the default of mad-parallelize-loops.
constexpr int64_t pieceGrain = 20000000;

/// A dimension that is cut into ranges of a multiple of `unit`.
struct CutExtent {
  mlir::Value extent;
  int64_t unit;
};

/// Pieces along one dimension, or two: number = row * columns + column.
struct PieceGrid {
  mlir::Value count;
  llvm::SmallVector<mlir::Value, 2> steps; ///< of each dimension
  mlir::Value columns;                     ///< pieces along the second dimension
};

/// The number of pieces to aim at for a loop that takes `picoseconds`; 1 below two
/// grains.
mlir::Value piecesOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value picoseconds,
                     int64_t grain = pieceGrain);

/// At most about `wanted` pieces of equal steps, of which the last may be shorter.
/// Nothing depends on the machine or its threads, and nothing but index arithmetic is
/// made, which SizeCloner can repeat. There are no pieces when an extent is 0.
PieceGrid gridOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value wanted,
                 llvm::ArrayRef<CutExtent> dims);

/// Where the piece `number` lies in a dimension.
struct PieceRange {
  mlir::Value low, length;
};
llvm::SmallVector<PieceRange, 2> rangesOf(mlir::OpBuilder &b, mlir::Location loc,
                                          const PieceGrid &grid, llvm::ArrayRef<CutExtent> dims,
                                          mlir::Value number);

/// Writes a loop over pieces of up to two dimensions, by the picoseconds that the whole takes.
void forPieces(mlir::ImplicitLocOpBuilder &b, mlir::Value picoseconds, int64_t grain,
               llvm::ArrayRef<CutExtent> dims,
               llvm::function_ref<void(llvm::ArrayRef<PieceRange>, const PieceGrid &)> body);

/// Whether iterations are pieces: one dimension that counts from 0 in steps of 1. Other
/// loops, and those inside of another, run in order.
bool hasPieces(mlir::scf::ParallelOp loop);

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_PIECES_H
