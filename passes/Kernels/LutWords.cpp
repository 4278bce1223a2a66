//===- LutWords.cpp - Products with words of a dictionary -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A word stands for up to 28 elements of a column, of which at most 3 are not 0 (`terms` of
// dialects/Lut/Format/Dictionary.h). So a column is a walk over its words that adds so many
// elements of a row, or of 16 rows in the lanes of vectors. Nothing depends on the values but where
// is read: a term that is not there is 0 times another element.
//
// Whatever the words and the dictionary are, nothing behind the memory is read: columns begin and
// end in the words, a walk ends behind K, a word leads at most 31 elements further, and its terms
// lie at most 255 further.
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Dictionary.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Kernels/KernelLibrary.h"
#include "passes/Kernels/LutCodes.h"

using namespace mlir;

namespace mad::kernels {
namespace {

constexpr int64_t others = lut::Dictionary::others;
/// Columns whose sums are scaled and written together.
constexpr int64_t block = 16;
/// Of the signs of all terms: a row of factors for each.
constexpr int64_t signs = 1 << (2 * others), signRow = 4;

/// Unsigned integer number `at`, of so many bytes each.
Value number(ImplicitLocOpBuilder &b, Value memory, Value at, int64_t bytes) {
  Value loaded = vector::LoadOp::create(b, VectorType::get({bytes}, b.getI8Type()), memory,
                                        Index(b).mul(at, bytes));
  Type wide = b.getIntegerType(8 * bytes);
  Value one = vector::BitCastOp::create(b, VectorType::get({1}, wide), loaded);
  return vector::ExtractOp::create(b, one, 0);
}

class WordRows {
public:
  WordRows(ImplicitLocOpBuilder &b, ValueRange a, int64_t rows, int64_t lanes, bool oneColumn,
           bool fma)
      : b(b), i(b), words(a[0]), starts(a[1]), terms(a[2]), scales(a[3]), X(a[4]), Y(a[5]), K(a[6]),
        row(a[7]), count(a[8]), from(a[9]), to(a[10]), rows(rows), oneColumn(oneColumn), fma(fma) {
    type = VectorType::get({rows == 1 ? signRow : std::min(rows, lanes)}, b.getF32Type());
    vectors = rows == 1 ? 1 : rows / type.getNumElements();
  }

  void emit() {
    most = b.createOrFold<arith::DivUIOp>(memref::DimOp::create(b, words, 0), i.constant(2));
    factors = memory(signs * signRow);
    fillFactors();
    Value sums = memory(block * rows);
    forRange(b, from, to, block, [&](Value first) {
      Value columns = i.min(i.sub(to, first), i.constant(block));
      forRange(b, i.constant(0), columns, 1, [&](Value c) {
        SmallVector<Value> all = column(i.add(first, c));
        for (auto [v, sum] : llvm::enumerate(all))
          store(sum, sums, i.add(i.mul(c, rows), int64_t(v) * type.getNumElements()));
      });
      write(sums, first, columns);
    });
  }

private:
  Value memory(int64_t elements) {
    return memref::AllocaOp::create(b, MemRefType::get({elements}, b.getF32Type()),
                                    b.getI64IntegerAttr(64));
  }
  Value index(Value number) { return arith::IndexCastUIOp::create(b, b.getIndexType(), number); }
  Value bits(Value entry, int64_t from, int64_t width) {
    Value moved = arith::ShRUIOp::create(b, entry, arith::ConstantIntOp::create(b, from, 32));
    Value mask = arith::ConstantIntOp::create(b, (int64_t(1) << width) - 1, 32);
    return index(arith::AndIOp::create(b, moved, mask));
  }
  /// All of a vector, or of one row its only element.
  void store(Value sum, Value memory, Value at) {
    if (rows == 1)
      memref::StoreOp::create(b, vector::ReductionOp::create(b, vector::CombiningKind::ADD, sum),
                              memory, at);
    else
      vector::StoreOp::create(b, sum, memory, at);
  }

  /// 1 where the bits of a sign are 1, -1 where they are 2.
  void fillFactors() {
    Value one = i.constant(1);
    forRange(b, i.constant(0), i.constant(signs), 1, [&](Value s) {
      for (int64_t n = 0; n < signRow; ++n) {
        auto bit = [&](int64_t at) -> Value {
          Value moved = arith::ShRUIOp::create(b, s, i.constant(at));
          return arith::AndIOp::create(b, moved, one);
        };
        Value sign = n < others ? i.sub(bit(2 * n), bit(2 * n + 1)) : i.constant(0);
        Value word = arith::IndexCastOp::create(b, b.getI32Type(), sign);
        memref::StoreOp::create(b, arith::SIToFPOp::create(b, b.getF32Type(), word), factors,
                                ValueRange{i.add(i.mul(s, signRow), n)});
      }
    });
  }

  /// The sums of a column. Two words at a time, with sums of their own where registers are enough.
  SmallVector<Value> column(Value c) {
    Value begin = i.min(index(number(b, starts, c, 4)), most);
    Value end = i.min(index(number(b, starts, i.add(c, 1), 4)), most);
    int64_t each = rows == 1 ? 1 : vectors > 4 ? 1 : others;
    int64_t copies = vectors <= 2 ? 2 : 1;
    Value none = arith::ConstantOp::create(b, b.getZeroAttr(type));
    SmallVector<Value> init{begin, i.constant(0)};
    init.append(vectors * each * copies, none);
    auto loop = scf::WhileOp::create(
        b, ValueRange(init).getTypes(), init,
        [&](OpBuilder &inner, Location loc, ValueRange now) {
          Value more = arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::ult, now[0], end);
          Value room = arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::ult, now[1], K);
          scf::ConditionOp::create(inner, loc, arith::AndIOp::create(inner, loc, more, room), now);
        },
        [&](OpBuilder &inner, Location, ValueRange now) {
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPoint(inner.getInsertionBlock(), inner.getInsertionPoint());
          SmallVector<Value> next(now);
          MutableArrayRef<Value> sums = MutableArrayRef(next).drop_front(2);
          next[1] = add(entryOf(now[0]), now[1], sums.take_front(vectors * each));
          // Behind the last word there is one without terms.
          Value second = i.add(now[0], 1), has = i.less(second, end);
          Value entry = entryOf(arith::SelectOp::create(b, has, second, now[0]));
          entry = arith::SelectOp::create(b, has, entry, arith::ConstantIntOp::create(b, 0, 32));
          next[1] = add(entry, next[1], sums.take_back(vectors * each));
          next[0] = i.add(now[0], 2);
          scf::YieldOp::create(b, next);
        });
    SmallVector<Value> sums(vectors);
    for (auto [n, part] : llvm::enumerate(loop.getResults().drop_front(2))) {
      Value &sum = sums[n % vectors];
      sum = sum ? arith::AddFOp::create(b, sum, part).getResult() : part;
    }
    return sums;
  }

  Value entryOf(Value word) { return number(b, terms, index(number(b, words, word, 2)), 4); }

  /// Adds the terms of a word that begins at element k. Answers where the next one begins.
  Value add(Value entry, Value k, MutableArrayRef<Value> sums) {
    Value sign = i.mul(bits(entry, lut::Dictionary::signs, 2 * others), signRow);
    SmallVector<Value> places;
    for (int64_t n = 0; n < others; ++n)
      places.push_back(i.mul(i.add(k, bits(entry, 8 * n, n + 1 < others ? 8 : 5)), rows));
    if (rows == 1) {
      SmallVector<Value> x;
      for (Value place : places)
        x.push_back(memref::LoadOp::create(b, X, place));
      x.push_back(arith::ConstantOp::create(b, b.getF32FloatAttr(0)));
      Value factor = vector::LoadOp::create(b, type, factors, sign);
      sums[0] = multiplyAdd(b, vector::FromElementsOp::create(b, type, x), factor, sums[0], fma);
    } else {
      for (auto [n, place] : llvm::enumerate(places)) {
        Value factor = vector::BroadcastOp::create(
            b, type, memref::LoadOp::create(b, factors, i.add(sign, int64_t(n))));
        for (int64_t v = 0; v < vectors; ++v) {
          Value x = vector::LoadOp::create(b, type, X, i.add(place, v * type.getNumElements()));
          Value &sum = sums[(n * vectors + v) % sums.size()];
          sum = multiplyAdd(b, x, factor, sum, fma);
        }
      }
    }
    return i.add(k, bits(entry, lut::Dictionary::length, 5));
  }

  /// Scales the sums of some columns, and writes them to the rows that there are.
  void write(Value sums, Value first, Value columns) {
    Type element = getElementTypeOrSelf(scales.getType());
    forRange(b, i.constant(0), columns, 1, [&](Value c) {
      Value column = i.add(first, c);
      Value scale = memref::LoadOp::create(
          b, scales, ValueRange{i.constant(0), oneColumn ? i.constant(0) : column});
      scale = widen(b, scale, element, b.getF32Type());
      forRange(b, i.constant(0), count, 1, [&](Value t) {
        Value sum = memref::LoadOp::create(b, sums, i.add(i.mul(c, rows), t));
        memref::StoreOp::create(b, arith::MulFOp::create(b, sum, scale), Y,
                                ValueRange{i.add(row, t), column});
      });
    });
  }

  ImplicitLocOpBuilder &b;
  Index i;
  Value words, starts, terms, scales, X, Y, K, row, count, from, to;
  int64_t rows, vectors;
  bool oneColumn, fma;
  VectorType type;
  Value most, factors;
};

} // namespace

func::FuncOp KernelLibrary::multiplyWords(const LutKernel &kernel, int64_t together) {
  Builder b(module.getContext());
  Type f32 = b.getF32Type(), i8 = b.getI8Type();
  SmallVector<Type> types(3, flat(i8));
  types.append({rows(kernel.format.half ? Type(b.getF16Type()) : f32), flat(f32), rows(f32)});
  types.append(5, b.getIndexType());
  return find(
      "multiply_words." + std::to_string(together) + "." + kernel.nameOfWords(), types,
      [&](ImplicitLocOpBuilder &b, ValueRange a) {
        WordRows(b, a, together, sizes(b.getF32Type()).lanes, kernel.oneColumn, kernel.fma).emit();
      });
}

func::FuncOp KernelLibrary::wordRows(int64_t together) {
  Builder b(module.getContext());
  SmallVector<Type> types{rows(b.getF32Type()), flat(b.getF32Type())};
  types.append(4, b.getIndexType());
  return find("word_rows." + std::to_string(together), types,
              [&](ImplicitLocOpBuilder &b, ValueRange a) {
                Index i(b);
                Value X = a[0], made = a[1], row = a[2], count = a[3], from = a[4], to = a[5];
                Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
                Value K = memref::DimOp::create(b, X, 1);
                forRange(b, from, i.min(to, K), 1, [&](Value k) {
                  Value at = i.mul(k, together);
                  forRange(b, i.constant(0), count, 1, [&](Value t) {
                    Value x = memref::LoadOp::create(b, X, ValueRange{i.add(row, t), k});
                    memref::StoreOp::create(b, x, made, i.add(at, t));
                  });
                  forRange(b, count, i.constant(together), 1,
                           [&](Value t) { memref::StoreOp::create(b, zero, made, i.add(at, t)); });
                });
                forRange(b, i.mul(i.max(from, K), together), i.mul(to, together), 1,
                         [&](Value at) { memref::StoreOp::create(b, zero, made, at); });
              });
}

func::FuncOp KernelLibrary::allFinite() {
  Builder b(module.getContext());
  return find("all_finite", {rows(b.getF32Type()), flat(b.getI32Type())},
              [&](ImplicitLocOpBuilder &b, ValueRange a) {
                Index i(b);
                constexpr int64_t wide = 16;
                auto type = VectorType::get({wide}, b.getF32Type());
                Value T = memref::DimOp::create(b, a[0], 0), K = memref::DimOp::create(b, a[0], 1);
                Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
                Value whole = i.sub(K, b.createOrFold<arith::RemUIOp>(K, i.constant(wide)));
                // 0, or NaN.
                auto noughts = [&](Value x, Value sum) -> Value {
                  return arith::AddFOp::create(b, sum, arith::SubFOp::create(b, x, x));
                };
                auto over = [&](Value from, Value to, int64_t step, ValueRange init,
                                function_ref<Value(Value, Value)> body) {
                  auto loop = scf::ForOp::create(b, from, to, i.constant(step), init);
                  OpBuilder::InsertionGuard guard(b);
                  b.setInsertionPointToStart(loop.getBody());
                  scf::YieldOp::create(b,
                                       body(loop.getInductionVar(), loop.getRegionIterArgs()[0]));
                  return loop.getResult(0);
                };
                Value sum = over(i.constant(0), T, 1, zero, [&](Value t, Value rows) {
                  return over(i.constant(0), whole, wide, rows, [&](Value k, Value before) {
                    return noughts(vector::LoadOp::create(b, type, a[0], ValueRange{t, k}), before);
                  });
                });
                Value one = vector::ReductionOp::create(b, vector::CombiningKind::ADD, sum);
                one = over(i.constant(0), T, 1, one, [&](Value t, Value rows) {
                  return over(whole, K, 1, rows, [&](Value k, Value before) {
                    return noughts(memref::LoadOp::create(b, a[0], ValueRange{t, k}), before);
                  });
                });
                Value finite = arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, one, one);
                memref::StoreOp::create(b, arith::ExtUIOp::create(b, b.getI32Type(), finite), a[1],
                                        i.constant(0));
              });
}

} // namespace mad::kernels
