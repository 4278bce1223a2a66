//===- Pieces.cpp - How many pieces a loop has ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/Pieces.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace mad {

static Value constant(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value piecesOf(OpBuilder &builder, Location loc, Value picoseconds, int64_t grain) {
  ImplicitLocOpBuilder b(loc, builder);
  Value isLarge =
      b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sge, picoseconds, constant(b, 2 * grain));
  Value wanted = b.createOrFold<arith::DivUIOp>(picoseconds, constant(b, grain));
  wanted = b.createOrFold<arith::MinSIOp>(wanted, constant(b, mostPieces));
  return b.createOrFold<arith::SelectOp>(isLarge, wanted, constant(b, 1));
}

PieceGrid gridOf(OpBuilder &builder, Location loc, Value wanted, ArrayRef<CutExtent> dims) {
  ImplicitLocOpBuilder b(loc, builder);
  PieceGrid grid;
  for (auto [i, dim] : llvm::enumerate(dims)) {
    Value left = wanted;
    if (i > 0) {
      Value rows = b.createOrFold<arith::MaxSIOp>(grid.count, constant(b, 1));
      left = b.createOrFold<arith::CeilDivSIOp>(wanted, rows);
    }
    Value step = b.createOrFold<arith::CeilDivSIOp>(dim.extent, left);
    Value units = b.createOrFold<arith::CeilDivSIOp>(step, constant(b, dim.unit));
    units = b.createOrFold<arith::MaxSIOp>(units, constant(b, 1));
    step = b.createOrFold<arith::MulIOp>(units, constant(b, dim.unit));
    Value pieces = b.createOrFold<arith::CeilDivSIOp>(dim.extent, step);
    grid.steps.push_back(step);
    grid.count = i > 0 ? b.createOrFold<arith::MulIOp>(grid.count, pieces) : pieces;
    grid.columns = i > 0 ? pieces : constant(b, 1);
  }
  return grid;
}

SmallVector<PieceRange, 2> rangesOf(OpBuilder &builder, Location loc, const PieceGrid &grid,
                                    ArrayRef<CutExtent> dims, Value number) {
  ImplicitLocOpBuilder b(loc, builder);
  SmallVector<Value, 2> at{number};
  if (dims.size() == 2)
    at = {b.createOrFold<arith::DivUIOp>(number, grid.columns),
          b.createOrFold<arith::RemUIOp>(number, grid.columns)};
  SmallVector<PieceRange, 2> ranges;
  for (auto [dim, step, place] : llvm::zip(dims, grid.steps, at)) {
    Value low = b.createOrFold<arith::MulIOp>(place, step);
    Value rest = b.createOrFold<arith::SubIOp>(dim.extent, low);
    ranges.push_back({low, b.createOrFold<arith::MinSIOp>(step, rest)});
  }
  return ranges;
}

void forPieces(ImplicitLocOpBuilder &b, Value picoseconds, int64_t grain, ArrayRef<CutExtent> dims,
               function_ref<void(ArrayRef<PieceRange>, const PieceGrid &)> body) {
  PieceGrid grid = gridOf(b, b.getLoc(), piecesOf(b, b.getLoc(), picoseconds, grain), dims);
  auto loop = scf::ParallelOp::create(b, ValueRange{constant(b, 0)}, ValueRange{grid.count},
                                      ValueRange{constant(b, 1)});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(rangesOf(b, b.getLoc(), grid, dims, loop.getInductionVars()[0]), grid);
}

bool hasPieces(scf::ParallelOp loop) {
  return loop.getNumLoops() == 1 && loop.getNumResults() == 0 &&
         !loop->getParentOfType<scf::ParallelOp>() &&
         matchPattern(loop.getLowerBound()[0], m_Zero()) &&
         matchPattern(loop.getStep()[0], m_One());
}

} // namespace mad
