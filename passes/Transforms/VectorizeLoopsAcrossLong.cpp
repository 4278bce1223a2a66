//===- VectorizeLoopsAcrossLong.cpp - Totals of long sums -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Panels and streams add to the output. Where the reduction is long, the output holds a
// block of it, and totals on the stack those before. Rows and columns are cut as well, so
// that the totals of a part fit there.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Kernels/TileSizes.h"
#include "passes/Transforms/VectorizeLoopsAcross.h"

using namespace mlir;

namespace mad::vectorize {

/// Bytes of the totals, which lie on the stack, and most rows of those of panels.
static constexpr int64_t totalBytes = 32 << 10, totalRows = 128;

int64_t AcrossEmitter::widestSum() const {
  int64_t bits = 8;
  for (const Combiner &c : combiners)
    bits = std::max<int64_t>(bits, c.op->getResult(0).getType().getIntOrFloatBitWidth());
  return bits / 8;
}

/// Steps of a block, as of products of packed matrices.
int64_t AcrossEmitter::sumDepth() const { return kernels::sumDepthBytes / widestSum(); }

/// Whether panels and streams cut the reduction into blocks.
bool AcrossEmitter::isCut() const {
  // Borders of a stencil cut the columns already.
  return onlySums() && !inside && nest.staticSize(*blocked).value_or(sumDepth() + 1) > sumDepth();
}

Value AcrossEmitter::isLong() {
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult, constantIndex(b, sumDepth()),
                                       sizeOf(b, nest, *blocked));
}

/// Parts of a range, one after the other.
void AcrossEmitter::cut(Value low, Value high, Value part, Between body) {
  auto from = constantInt(low), to = constantInt(high), length = constantInt(part);
  if (from && to && length && *from < *to && *to - *from <= *length)
    return body(low, high);
  auto loop = scf::ForOp::create(b, low, high, part);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value first = loop.getInductionVar();
  body(first, arith::MinSIOp::create(b, arith::AddIOp::create(b, first, part), high));
}

/// The same where the reduction is long, else the whole range.
void AcrossEmitter::cutIfLong(Value low, Value high, Value part, Between body) {
  auto from = constantInt(low), to = constantInt(high), length = constantInt(part);
  if (from && to && length && *from < *to && *to - *from <= *length)
    return body(low, high);
  Value whole = b.createOrFold<arith::MaxSIOp>(high, constantIndex(b, 1));
  cut(low, high, b.createOrFold<arith::SelectOp>(isLong(), part, whole), body);
}

/// Elements that the totals of one output have.
int64_t AcrossEmitter::totalsOfOutput(int64_t least) const {
  return std::max<int64_t>(totalBytes / (widestSum() * combiners.size()), least);
}

AcrossEmitter::Totals AcrossEmitter::totals(int64_t least, Value width) {
  Totals result{{}, totalsOfOutput(least), width};
  int64_t elements = result.apart * combiners.size();
  for (const Combiner &c : combiners)
    result.memory.push_back(buffer({elements}, c.op->getResult(0).getType(), "totals"));
  return result;
}

/// After a block of steps: whether it was the first and the last one.
void AcrossEmitter::whenLong(Value first, Value last, llvm::function_ref<void(Value, Value)> body) {
  auto choice = scf::IfOp::create(b, isLong(), /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, first, constantIndex(b, 0));
  Value isLast =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, last, sizeOf(b, nest, *blocked));
  body(isFirst, isLast);
}

/// A strip goes through the whole reduction, for some rows: the output is what passes add
/// to, and after each block of steps it is added to the totals and starts again.
void AcrossEmitter::emitCutPanels(BodyEmitter &outer, Value low, Value high, int64_t count) {
  Value zero = constantIndex(b, 0), size = sizeOf(b, nest, *blocked);
  int64_t width = plan.vectors * nest.lanes;
  int64_t height = std::min(totalRows, totalsOfOutput(count * width) / width) / count * count;
  Totals all = totals(count * width, constantIndex(b, width));
  cut(low, high, constantIndex(b, height), [&](Value firstRow, Value lastRow) {
    emitStrips(outer, plan.vectors,
               [&](BodyEmitter &strip, int64_t vectors, int64_t lanes, Value mask) {
                 Shape shape{count, vectors, lanes, mask};
                 cutIfLong(zero, size, constantIndex(b, sumDepth()), [&](Value first, Value last) {
                   cut(first, last, constantIndex(b, depth), [&](Value from, Value to) {
                     BodyEmitter pass = strip;
                     Range range{from, to, unrollOf(*blocked, shape)};
                     if (vectors == plan.vectors && lanes == nest.lanes && !mask)
                       pack(pass, range);
                     emitLoop(pass, *row, firstRow, lastRow, count,
                              [&](BodyEmitter &tile) { emitTile(tile, shape, range); });
                   });
                   whenLong(first, last, [&](Value isFirst, Value isLast) {
                     Taken taken{firstRow, strip.dim(dim), isFirst, isLast};
                     emitLoop(strip, *row, firstRow, lastRow, 1, [&](BodyEmitter &e) {
                       addToTotals(e, Shape{1, vectors, lanes, mask}, all, taken);
                     });
                   });
                 });
               });
  });
}

/// Parts of the output that totals hold, one after the other, if the reduction is long.
void AcrossEmitter::emitCutStreams(BodyEmitter &outer, const Area &area) {
  Value zero = constantIndex(b, 0), size = sizeOf(b, nest, *blocked);
  int64_t height = row ? 2 * rows : 1, step = plan.vectors * nest.lanes;
  // The fewer rows, the more columns.
  Value most = constantIndex(b, totalsOfOutput(height * step) / step);
  Value lines = b.createOrFold<arith::SubIOp>(area.lastRow, area.firstRow);
  lines = b.createOrFold<arith::MinSIOp>(lines, constantIndex(b, height));
  lines = b.createOrFold<arith::MaxSIOp>(lines, constantIndex(b, 1));
  Value width = b.createOrFold<arith::DivUIOp>(most, lines);
  width = b.createOrFold<arith::MulIOp>(width, constantIndex(b, step));
  Totals all = totals(height * step, width);
  cutIfLong(
      area.firstRow, area.lastRow, constantIndex(b, height), [&](Value firstRow, Value lastRow) {
        cutIfLong(
            area.firstColumn, area.lastColumn, width, [&](Value firstColumn, Value lastColumn) {
              cutIfLong(zero, size, constantIndex(b, sumDepth()), [&](Value first, Value last) {
                emitStreamsBetween(outer, {firstRow, lastRow, firstColumn, lastColumn}, first,
                                   last);
                whenLong(first, last, [&](Value isFirst, Value isLast) {
                  Taken taken{firstRow, firstColumn, isFirst, isLast};
                  auto strips = [&](BodyEmitter &e) {
                    emitStripsBetween(
                        e, firstColumn, lastColumn, 1,
                        [&](BodyEmitter &strip, int64_t vectors, int64_t lanes, Value mask) {
                          addToTotals(strip, {1, vectors, lanes, mask}, all, taken);
                        });
                  };
                  if (row)
                    emitLoop(outer, *row, firstRow, lastRow, 1, strips);
                  else
                    strips(outer);
                });
              });
            });
      });
}

/// Adds a part of the output to the totals; gives it them in the end, else nothing.
void AcrossEmitter::addToTotals(BodyEmitter &strip, const Shape &shape, const Totals &totals,
                                const Taken &taken) {
  BodyEmitter e = strip;
  e.setVector(dim, shape.lanes, shape.mask);
  Value place = b.createOrFold<arith::SubIOp>(e.dim(dim), taken.firstColumn);
  if (row) {
    Value line = b.createOrFold<arith::SubIOp>(e.dim(*row), taken.firstRow);
    line = b.createOrFold<arith::MulIOp>(line, totals.width);
    place = b.createOrFold<arith::AddIOp>(place, line);
  }
  forEach(shape, e.origin(), [&](ArrayRef<int64_t> point) {
    for (auto [o, memory] : llvm::enumerate(totals.memory)) {
      Value part = e.materialize(e.loadOperand(nest.numInputs() + o, point));
      Value at = e.addConstant(place, o * totals.apart + point[dim]);
      Type type = part.getType();
      Value total = shape.lanes > 1
                        ? vector::LoadOp::create(b, cast<VectorType>(type), memory, ValueRange{at})
                              .getResult()
                        : memref::LoadOp::create(b, memory, ValueRange{at}).getResult();
      Value sum = arith::AddFOp::create(b, total, part);
      total = arith::SelectOp::create(b, taken.isFirst, part, sum);
      if (shape.lanes > 1)
        vector::StoreOp::create(b, total, memory, ValueRange{at});
      else
        memref::StoreOp::create(b, total, memory, ValueRange{at});
      Value next = arith::SelectOp::create(b, taken.isLast, total, noSum(b, type));
      e.storeOutput(o, point, {next});
    }
  });
}

} // namespace mad::vectorize
