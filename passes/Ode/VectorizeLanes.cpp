//===- VectorizeLanes.cpp - Loops over lanes run on vectors -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "passes/Ode/LaneEmitter.h"
#include "passes/Ode/Passes.h"
#include "passes/Transforms/Lanes.h"
#include "passes/Transforms/Pieces.h"
#include "passes/Transforms/Remarks.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_VECTORIZELANES
#include "passes/Ode/Passes.h.inc"

namespace {

/// Estimated picoseconds of a lane: a hundred steps.
constexpr int64_t laneTime = 5000000;

struct VectorizeLanesPass : impl::VectorizeLanesBase<VectorizeLanesPass> {
  using VectorizeLanesBase::VectorizeLanesBase;

  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp op) {
      if (op->hasAttr(lanesAttribute))
        loops.push_back(op);
    });
    for (scf::ForOp loop : loops)
      vectorize(loop);
  }

  void vectorize(scf::ForOp loop) {
    loop->removeAttr(lanesAttribute);
    Operation *unknown = LaneEmitter::unknownIn(loop.getRegion());
    bool counts = isConstantIntValue(loop.getLowerBound(), 0) &&
                  isConstantIntValue(loop.getStep(), 1) && loop.getNumResults() == 0;
    if (unknown || !counts) {
      remarkMissed(loop.getLoc(), "the systems of an ensemble are solved one by one: " +
                                      (unknown ? "`" + unknown->getName().getStringRef().str() +
                                                     "` has no form on vectors"
                                               : std::string("a loop carries tensors")));
      return;
    }
    int64_t lanes = lanesFor(loop);
    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    Value time =
        arith::MulIOp::create(b, loop.getUpperBound(), arith::ConstantIndexOp::create(b, laneTime));
    forPieces(b, time, pieceGrain, {{loop.getUpperBound(), lanes}},
              [&](ArrayRef<PieceRange> ranges, const PieceGrid &) {
                Value zero = arith::ConstantIndexOp::create(b, 0);
                Value step = arith::ConstantIndexOp::create(b, lanes);
                auto groups = scf::ForOp::create(b, zero, ranges[0].length, step);
                OpBuilder::InsertionGuard guard(b);
                b.setInsertionPointToStart(groups.getBody());
                group(loop, groups.getInductionVar(), ranges[0], lanes, b);
              });
    remarkTaken(loop.getLoc(), "the systems of an ensemble are solved " + Twine(lanes) +
                                   " at a time, in lanes of vectors");
    loop.erase();
  }

  /// Lanes from `first` of a piece on. Behind the last one there are more of it, which compute and
  /// store the same.
  void group(scf::ForOp loop, Value first, const PieceRange &range, int64_t lanes,
             ImplicitLocOpBuilder &b) {
    auto type = VectorType::get({lanes}, b.getIndexType());
    Value last = arith::SubIOp::create(b, range.length, arith::ConstantIndexOp::create(b, 1));
    Value index = arith::AddIOp::create(b, vector::BroadcastOp::create(b, type, first),
                                        vector::StepOp::create(b, type));
    index = arith::MinUIOp::create(b, index, vector::BroadcastOp::create(b, type, last));
    index = arith::AddIOp::create(b, index, vector::BroadcastOp::create(b, type, range.low));
    LaneEmitter emitter(b, lanes);
    emitter.set(loop.getInductionVar(), index);
    emitter.emit(*loop.getBody());
  }

  /// As many as a register has of the floats that most ops compute with, `registers` times.
  int64_t lanesFor(scf::ForOp loop) const {
    int64_t wide = 0, narrow = 0;
    loop.walk([&](Operation *op) {
      if (isa<arith::AddFOp, arith::MulFOp>(op))
        ++(op->getResult(0).getType().isF64() ? wide : narrow);
    });
    int64_t bits = level >= 4 ? 512 : level >= 3 ? 256 : 128;
    return registers * bits / (wide >= narrow ? 64 : 32);
  }
};

} // namespace
} // namespace mad
