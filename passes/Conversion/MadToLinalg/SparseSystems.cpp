//===- SparseSystems.cpp - Factors of sparse matrices as loops --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// SparseLu in loops over constant tables. A row is computed where it lies in the memory of all
// columns, so that each update finds its place by the column alone.
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/MadToLinalg/SparseSystems.h"
#include "dialects/Ode/IR/OdeSparseOps.h"
#include "passes/Conversion/MadToLinalg/DenseCorner.h"
#include <map>
#include <memory>

using namespace mlir;

namespace mad {
namespace {

/// Loops of one op.
class SparseLoops : public MemoryLoops {
public:
  SparseLoops(Operation *op, const ode::SparseLu &lu, Type element, OpBuilder &b, bool device)
      : MemoryLoops(b, op->getLoc(), element), lu(lu), device(device) {}

  std::pair<Value, Value> factor(Value values, Value diagonal, Value scale);
  Value solve(Value factors, Value rhs);

private:
  /// What the loops read and write.
  struct Memory {
    Value row, factors, starts, columns, diagonals, tails;
  };
  void eliminated(const Memory &at, Value p);
  void subtractLine(const Memory &at, Value multiple, Value from, Value to);
  Value worse(Value bad, Value pivot, Value at);

  /// Whether the last rows are left to blocks.
  bool hasCorner() const { return !device && lu.dense < lu.size(); }

  const ode::SparseLu &lu;
  const bool device;
};

/// The row less a multiple of places `from` to `to` of the factors, which lie under its last
/// columns.
void SparseLoops::subtractLine(const Memory &at, Value multiple, Value from, Value to) {
  auto one = [&](Value q) {
    Value before = arith::SubIOp::create(b, loc, to, q);
    Value column = arith::SubIOp::create(b, loc, index(lu.size()), before);
    store(less(load(at.row, column), multiple, load(at.factors, q)), at.row, column);
  };
  if (device)
    return loop(from, to, one);
  Value count = arith::SubIOp::create(b, loc, to, from);
  Value rest = arith::RemSIOp::create(b, loc, count, index(lanes));
  Value middle = arith::AddIOp::create(b, loc, from, rest);
  loop(from, middle, one);
  Value all = spread(multiple);
  loop(
      middle, to,
      [&](Value q) {
        Value before = arith::SubIOp::create(b, loc, to, q);
        Value column = arith::SubIOp::create(b, loc, index(lu.size()), before);
        storeVector(less(loadVector(at.row, column), all, loadVector(at.factors, q)), at.row,
                    column);
      },
      lanes);
}

/// The row less a multiple of row k of U, k the column at place p.
void SparseLoops::eliminated(const Memory &at, Value p) {
  Value k = loadIndex(at.columns, p), middle = loadIndex(at.diagonals, k);
  Value multiple = product(load(at.row, k), load(at.factors, middle));
  store(multiple, at.factors, p);
  Value tail = loadIndex(at.tails, k);
  loop(next(middle), tail, [&](Value q) {
    Value column = loadIndex(at.columns, q);
    store(less(load(at.row, column), multiple, load(at.factors, q)), at.row, column);
  });
  subtractLine(at, multiple, tail, loadIndex(at.starts, next(k)));
}

/// The first row whose pivot is of no use, or -1.
Value SparseLoops::worse(Value bad, Value pivot, Value at) {
  Value filled = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ONE, pivot, number(0));
  Value good = arith::AndIOp::create(b, loc, isFinite(pivot), filled);
  Value none = arith::ConstantIntOp::create(b, loc, -1, 64);
  Value first = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, bad, none);
  Value own = arith::SelectOp::create(b, loc, good, none, at);
  return arith::SelectOp::create(b, loc, first, own, bad);
}

std::pair<Value, Value> SparseLoops::factor(Value values, Value diagonal, Value scale) {
  Value starts = table(lu.starts), columns = table(lu.columns), diagonals = table(lu.diagonals);
  Value entryStarts = table(lu.entryStarts), entryColumns = table(lu.entryColumns);
  Value entryValues = table(lu.entryValues), order = table(lu.order);
  Value matrix = memoryOf(b, loc, values);
  Value row = memoryLine(b, loc, index(lu.size()), element);
  Value factors = memoryLine(b, loc, index(lu.places()), element);
  Memory memory{row, factors, starts, columns, diagonals, table(lu.tails())};
  Value none = arith::ConstantIntOp::create(b, loc, -1, 64);
  auto fill = [&](Value i) {
    loop(loadIndex(starts, i), loadIndex(starts, next(i)),
         [&](Value p) { store(number(0), row, loadIndex(columns, p)); });
    store(diagonal, row, i);
    loop(loadIndex(entryStarts, i), loadIndex(entryStarts, next(i)), [&](Value e) {
      Value column = loadIndex(entryColumns, e);
      Value entry = product(scale, load(matrix, loadIndex(entryValues, e)));
      store(sum(load(row, column), entry), row, column);
    });
  };
  auto judge = [&](Value before, Value pivot, Value i) {
    Value at = arith::ExtSIOp::create(b, loc, b.getI64Type(), load(order, i));
    return worse(before, pivot, at);
  };
  Value first = index(hasCorner() ? lu.dense : lu.size());
  Value bad = folded(index(0), first, none, [&](Value i, Value before) {
    fill(i);
    Value middle = loadIndex(diagonals, i);
    loop(loadIndex(starts, i), middle, [&](Value p) { eliminated(memory, p); });
    Value pivot = load(row, i);
    store(inverse(pivot), factors, middle);
    loop(next(middle), loadIndex(starts, next(i)),
         [&](Value p) { store(load(row, loadIndex(columns, p)), factors, p); });
    return judge(before, pivot, i);
  });
  if (!hasCorner())
    return {contentsOf(b, loc, factors), bad};
  // What is left of the corner first.
  loop(first, index(lu.size()), [&](Value i) {
    fill(i);
    Value end = loadIndex(starts, next(i)), corner = minus(end, minus(index(lu.size()), first));
    loop(loadIndex(starts, i), corner, [&](Value p) { eliminated(memory, p); });
    loop(corner, end, [&](Value p) { store(load(row, loadIndex(columns, p)), factors, p); });
  });
  bad = DenseCorner(*this, lu, factors, starts).factor(bad, judge);
  return {contentsOf(b, loc, factors), bad};
}

Value SparseLoops::solve(Value factors, Value rhs) {
  Value starts = table(lu.starts), columns = table(lu.columns), diagonals = table(lu.diagonals);
  Value order = table(lu.order), numbers = memoryOf(b, loc, factors), from = memoryOf(b, loc, rhs);
  Value y = memoryLine(b, loc, index(lu.size()), element);
  Value x = memoryLine(b, loc, index(lu.size()), element);
  auto part = [&](Value p, Value sum) {
    return less(sum, load(numbers, p), load(y, loadIndex(columns, p)));
  };
  DenseCorner corner(*this, lu, numbers, starts);
  Value first = index(hasCorner() ? lu.dense : lu.size());
  loop(index(0), first, [&](Value i) {
    Value own = load(from, loadIndex(order, i));
    store(folded(loadIndex(starts, i), loadIndex(diagonals, i), own, part), y, i);
  });
  if (hasCorner()) {
    loop(first, index(lu.size()), [&](Value i) {
      Value end = minus(loadIndex(starts, next(i)), minus(index(lu.size()), first));
      Value own = load(from, loadIndex(order, i));
      store(folded(loadIndex(starts, i), end, own, part), y, i);
    });
    corner.solveLower(y);
    corner.solveUpper(y);
    loop(first, index(lu.size()), [&](Value i) { store(load(y, i), x, loadIndex(order, i)); });
  }
  loop(index(0), first, [&](Value step) {
    Value i = minus(minus(first, index(1)), step);
    Value middle = loadIndex(diagonals, i), last = minus(loadIndex(starts, next(i)), index(1));
    Value own = folded(index(0), minus(last, middle), load(y, i), [&](Value p, Value sum) {
      // Kernels count upwards: backwards they need more registers.
      return part(device ? plus(next(middle), p) : minus(last, p), sum);
    });
    own = product(own, load(numbers, middle));
    store(own, y, i);
    store(own, x, loadIndex(order, i));
  });
  return contentsOf(b, loc, x);
}

/// Tables of the patterns of a program: a step solves several times by one pattern.
class KnownTables {
public:
  /// Null, after a message, where the op does not fit them.
  template <typename Op> const ode::SparseLu *of(Op op) {
    auto key = std::tuple(op.getStartsAttr().getAsOpaquePointer(),
                          op.getColumnsAttr().getAsOpaquePointer(),
                          op.getOrderAttr().getAsOpaquePointer());
    auto at = tables.find(key);
    if (at == tables.end())
      at = tables.emplace(key, ode::tablesOf(op)).first;
    if (failed(ode::checkTables(op, at->second)))
      return nullptr;
    return &at->second;
  }

private:
  std::map<std::tuple<const void *, const void *, const void *>, ode::SparseLu> tables;
};

struct SparseFactorLowering : LoweringPattern<ode::SparseFactorOp> {
  SparseFactorLowering(Lowering &lowering, MLIRContext *context, std::shared_ptr<KnownTables> known)
      : LoweringPattern(lowering, context), known(std::move(known)) {}
  std::shared_ptr<KnownTables> known;

  LogicalResult matchAndRewrite(ode::SparseFactorOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    const ode::SparseLu *lu = known->of(op);
    if (!lu)
      return failure();
    Type element = cast<RankedTensorType>(op.getValues().getType()).getElementType();
    auto scalar = [&](Value tensor) { return scalarOf(b, op.getLoc(), tensor, false); };
    auto [factors, bad] =
        SparseLoops(op, *lu, element, b, lowering.device)
            .factor(adaptor.getValues(), scalar(adaptor.getDiagonal()), scalar(adaptor.getScale()));
    b.replaceOp(op, {factors, tensorOf(b, op.getLoc(), bad)});
    return success();
  }
};

struct SparseSolveLowering : LoweringPattern<ode::SparseSolveOp> {
  SparseSolveLowering(Lowering &lowering, MLIRContext *context, std::shared_ptr<KnownTables> known)
      : LoweringPattern(lowering, context), known(std::move(known)) {}
  std::shared_ptr<KnownTables> known;

  LogicalResult matchAndRewrite(ode::SparseSolveOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    const ode::SparseLu *lu = known->of(op);
    if (!lu)
      return failure();
    Type element = cast<RankedTensorType>(op.getRhs().getType()).getElementType();
    b.replaceOp(op, SparseLoops(op, *lu, element, b, lowering.device)
                        .solve(adaptor.getFactors(), adaptor.getRhs()));
    return success();
  }
};

} // namespace

void populateSparsePatterns(RewritePatternSet &patterns, Lowering &lowering) {
  auto known = std::make_shared<KnownTables>();
  patterns.add<SparseFactorLowering, SparseSolveLowering>(lowering, patterns.getContext(), known);
}

} // namespace mad
