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
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Conversion/MadToLinalg/Memory.h"

using namespace mlir;

namespace mad {
namespace {

/// Loops of one op.
class SparseLoops {
public:
  SparseLoops(Operation *op, const ode::SparseLu &lu, Type element, OpBuilder &b)
      : lu(lu), element(element), b(b), loc(op->getLoc()) {}

  std::pair<Value, Value> factor(Value values, Value diagonal, Value scale);
  Value solve(Value factors, Value rhs);

private:
  /// The memory of a table.
  Value table(ArrayRef<int32_t> numbers) {
    auto type = RankedTensorType::get({static_cast<int64_t>(numbers.size())}, b.getI32Type());
    Value constant = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, numbers));
    return memoryOf(b, loc, constant);
  }
  Value index(int64_t i) { return indexConstant(b, loc, i); }
  Value load(Value memory, Value i) { return memref::LoadOp::create(b, loc, memory, i); }
  Value loadIndex(Value memory, Value i) {
    return arith::IndexCastOp::create(b, loc, b.getIndexType(), load(memory, i));
  }
  void store(Value x, Value memory, Value i) { memref::StoreOp::create(b, loc, x, memory, i); }
  Value next(Value i) { return arith::AddIOp::create(b, loc, i, index(1)); }
  Value product(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y, contract); }
  Value sum(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y, contract); }
  Value difference(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y, contract); }
  Value number(double x) { return arith::ConstantOp::create(b, loc, b.getFloatAttr(element, x)); }
  void loop(Value low, Value high, llvm::function_ref<void(Value)> body) {
    scf::ForOp::create(b, loc, low, high, index(1), ValueRange(),
                       [&](OpBuilder &, Location, Value i, ValueRange) {
                         body(i);
                         scf::YieldOp::create(b, loc);
                       });
  }
  /// A loop that carries one value.
  Value folded(Value low, Value high, Value from, llvm::function_ref<Value(Value, Value)> body) {
    auto made = scf::ForOp::create(b, loc, low, high, index(1), from,
                                   [&](OpBuilder &, Location, Value i, ValueRange v) {
                                     scf::YieldOp::create(b, loc, body(i, v[0]));
                                   });
    return made.getResult(0);
  }
  void eliminated(Value row, Value factors, Value columns, Value p, Value starts, Value diagonals);
  Value worse(Value bad, Value pivot, Value at);

  const ode::SparseLu &lu;
  Type element;
  OpBuilder &b;
  Location loc;
  arith::FastMathFlags contract = arith::FastMathFlags::contract;
};

/// The row less a multiple of row k of U, k the column at place p.
void SparseLoops::eliminated(Value row, Value factors, Value columns, Value p, Value starts,
                             Value diagonals) {
  Value k = loadIndex(columns, p), middle = loadIndex(diagonals, k);
  Value multiple = product(load(row, k), load(factors, middle));
  store(multiple, factors, p);
  loop(next(middle), loadIndex(starts, next(k)), [&](Value q) {
    Value column = loadIndex(columns, q);
    store(difference(load(row, column), product(multiple, load(factors, q))), row, column);
  });
}

/// The first row whose pivot is of no use, or -1.
Value SparseLoops::worse(Value bad, Value pivot, Value at) {
  // Less itself it is 0, unless it is infinite or NaN; neither compares as equal.
  Value finite = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ,
                                       arith::SubFOp::create(b, loc, pivot, pivot), number(0));
  Value filled = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ONE, pivot, number(0));
  Value good = arith::AndIOp::create(b, loc, finite, filled);
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
  Value none = arith::ConstantIntOp::create(b, loc, -1, 64);
  Value bad = folded(index(0), index(lu.size()), none, [&](Value i, Value before) {
    Value begin = loadIndex(starts, i), end = loadIndex(starts, next(i));
    Value middle = loadIndex(diagonals, i);
    loop(begin, end, [&](Value p) { store(number(0), row, loadIndex(columns, p)); });
    store(diagonal, row, i);
    loop(loadIndex(entryStarts, i), loadIndex(entryStarts, next(i)), [&](Value e) {
      Value column = loadIndex(entryColumns, e);
      Value entry = product(scale, load(matrix, loadIndex(entryValues, e)));
      store(sum(load(row, column), entry), row, column);
    });
    loop(begin, middle, [&](Value p) { eliminated(row, factors, columns, p, starts, diagonals); });
    Value pivot = load(row, i);
    store(arith::DivFOp::create(b, loc, number(1), pivot), factors, middle);
    loop(next(middle), end, [&](Value p) { store(load(row, loadIndex(columns, p)), factors, p); });
    Value at = arith::ExtSIOp::create(b, loc, b.getI64Type(), load(order, i));
    return worse(before, pivot, at);
  });
  return {contentsOf(b, loc, factors), bad};
}

Value SparseLoops::solve(Value factors, Value rhs) {
  Value starts = table(lu.starts), columns = table(lu.columns), diagonals = table(lu.diagonals);
  Value order = table(lu.order), numbers = memoryOf(b, loc, factors), from = memoryOf(b, loc, rhs);
  Value y = memoryLine(b, loc, index(lu.size()), element);
  Value x = memoryLine(b, loc, index(lu.size()), element);
  auto less = [&](Value p, Value sum) {
    return difference(sum, product(load(numbers, p), load(y, loadIndex(columns, p))));
  };
  loop(index(0), index(lu.size()), [&](Value i) {
    Value own = load(from, loadIndex(order, i));
    store(folded(loadIndex(starts, i), loadIndex(diagonals, i), own, less), y, i);
  });
  loop(index(0), index(lu.size()), [&](Value step) {
    Value i = arith::SubIOp::create(b, loc, index(lu.size() - 1), step);
    Value middle = loadIndex(diagonals, i);
    Value own = folded(next(middle), loadIndex(starts, next(i)), load(y, i), less);
    own = product(own, load(numbers, middle));
    store(own, y, i);
    store(own, x, loadIndex(order, i));
  });
  return contentsOf(b, loc, x);
}

struct SparseFactorLowering : LoweringPattern<ode::SparseFactorOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(ode::SparseFactorOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    FailureOr<ode::SparseLu> lu = ode::tablesOf(op);
    if (failed(lu))
      return failure();
    Type element = cast<RankedTensorType>(op.getValues().getType()).getElementType();
    auto scalar = [&](Value tensor) { return scalarOf(b, op.getLoc(), tensor, false); };
    auto [factors, bad] =
        SparseLoops(op, *lu, element, b)
            .factor(adaptor.getValues(), scalar(adaptor.getDiagonal()), scalar(adaptor.getScale()));
    b.replaceOp(op, {factors, tensorOf(b, op.getLoc(), bad)});
    return success();
  }
};

struct SparseSolveLowering : LoweringPattern<ode::SparseSolveOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(ode::SparseSolveOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    FailureOr<ode::SparseLu> lu = ode::tablesOf(op);
    if (failed(lu))
      return failure();
    Type element = cast<RankedTensorType>(op.getRhs().getType()).getElementType();
    b.replaceOp(op, SparseLoops(op, *lu, element, b).solve(adaptor.getFactors(), adaptor.getRhs()));
    return success();
  }
};

} // namespace

void populateSparsePatterns(RewritePatternSet &patterns, Lowering &lowering) {
  patterns.add<SparseFactorLowering, SparseSolveLowering>(lowering, patterns.getContext());
}

} // namespace mad
