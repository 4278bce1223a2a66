//===- LutDictionary.cpp - Words of a dictionary to codes of 2 bits ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An entry is up to 28 codes in the low bits of a number, so a word is a shift and a store of
// eight bytes, of which the next one overwrites what is not codes. That needs the bytes of a column
// beside each other; 16 columns are made so, and then transposed.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Kernels/KernelLibrary.h"
#include "passes/Kernels/Transpose.h"

using namespace mlir;

namespace mad::kernels {
namespace {

constexpr int64_t block = 16; ///< columns, and rows of bytes, that are transposed together

class Expander {
public:
  Expander(ImplicitLocOpBuilder &b, ValueRange a)
      : b(b), i(b), words(a[0]), starts(a[1]), dictionary(a[2]), codes(a[3]), stage(a[4]), K(a[5]),
        from(a[6]), to(a[7]) {}

  void emit() {
    rows = i.ceilDiv(K, 4);
    pitch = i.add(i.mul(i.ceilDiv(rows, block), block), block);
    last = i.sub(rows, i.constant(1));
    most = memref::DimOp::create(b, words, 0);
    forRange(b, from, to, block, [&](Value first) {
      Value columns = i.min(i.sub(to, first), i.constant(block));
      forRange(b, i.constant(0), columns, 1,
               [&](Value c) { decode(i.add(first, c), i.mul(c, pitch)); });
      turn(i.sub(first, from), columns);
    });
  }

private:
  /// An integer of the bytes of a row.
  Value number(Value memory, Value row, int64_t bytes) {
    Value loaded = vector::LoadOp::create(b, VectorType::get({bytes}, b.getI8Type()), memory,
                                          ValueRange{row, i.constant(0)});
    Type wide = b.getIntegerType(8 * bytes);
    Value one = vector::BitCastOp::create(b, VectorType::get({1}, wide), loaded);
    return vector::ExtractOp::create(b, one, 0);
  }
  Value index(Value number) { return arith::IndexCastUIOp::create(b, b.getIndexType(), number); }
  Value wide(int64_t value) { return arith::ConstantOp::create(b, b.getI64IntegerAttr(value)); }

  /// All codes of a column, to `at` of the stage. Words of a file that are none end somewhere.
  void decode(Value column, Value at) {
    Value begin = i.min(index(number(starts, column, 4)), most);
    Value end = i.min(index(number(starts, i.add(column, 1), 4)), most);
    Value bits = arith::IndexCastUIOp::create(b, b.getI64Type(), i.mul(K, 2));
    Type index = b.getIndexType(), i64 = b.getI64Type();
    // The next word, bits before it, and those of the byte that is not full.
    scf::WhileOp::create(
        b, TypeRange{index, i64, i64}, ValueRange{begin, wide(0), wide(0)},
        [&](OpBuilder &inner, Location loc, ValueRange now) {
          Value more = arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::ult, now[0], end);
          Value room = arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::ult, now[1], bits);
          Value both = arith::AndIOp::create(inner, loc, more, room);
          scf::ConditionOp::create(inner, loc, both, now);
        },
        [&](OpBuilder &inner, Location, ValueRange now) {
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPoint(inner.getInsertionBlock(), inner.getInsertionPoint());
          append(at, now);
        });
    trim(i.add(at, last));
  }

  void append(Value at, ValueRange now) {
    Value entry = number(dictionary, index(number(words, now[0], 2)), 8);
    auto shift = [&](Value x, Value y) { return arith::ShRUIOp::create(b, x, y).getResult(); };
    Value length = arith::ShLIOp::create(b, shift(entry, wide(56)), wide(1));
    Value codes = arith::AndIOp::create(b, entry, wide((int64_t(1) << 56) - 1));
    Value inByte = arith::AndIOp::create(b, now[1], wide(7));
    Value all = arith::OrIOp::create(b, arith::ShLIOp::create(b, codes, inByte), now[2]);
    Value bytes = vector::BitCastOp::create(
        b, VectorType::get({8}, b.getI8Type()),
        vector::BroadcastOp::create(b, VectorType::get({1}, b.getI64Type()), all));
    vector::StoreOp::create(b, bytes, stage, ValueRange{i.add(at, index(shift(now[1], wide(3))))});
    Value full = arith::AndIOp::create(b, arith::AddIOp::create(b, inByte, length), wide(0x78));
    Value rest = shift(all, full);
    scf::YieldOp::create(b, ValueRange{i.add(now[0], 1),
                                       arith::AddIOp::create(b, now[1], length).getResult(), rest});
  }

  /// What the last byte of a column has behind K becomes 0.
  void trim(Value at) {
    Value odd = b.createOrFold<arith::RemUIOp>(K, i.constant(4));
    Value cut = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, odd, i.constant(0));
    when(b, cut, [&] {
      Value mask = arith::SubIOp::create(b, arith::ShLIOp::create(b, i.constant(1), i.mul(odd, 2)),
                                         i.constant(1));
      Value byte = memref::LoadOp::create(b, stage, at);
      mask = arith::IndexCastUIOp::create(b, b.getI8Type(), mask);
      memref::StoreOp::create(b, arith::AndIOp::create(b, byte, mask), stage, at);
    });
  }

  /// The columns of the stage, to neighbours from `first` on.
  void turn(Value first, Value columns) {
    Value whole = i.lessOrEqual(i.constant(block), columns);
    Value even = i.sub(rows, b.createOrFold<arith::RemUIOp>(rows, i.constant(block)));
    Value blocks = b.createOrFold<arith::SelectOp>(whole, even, i.constant(0));
    auto bytes = VectorType::get({block}, b.getI8Type());
    forRange(b, i.constant(0), blocks, block, [&](Value row) {
      SmallVector<Value> lines;
      for (int64_t c = 0; c < block; ++c)
        lines.push_back(
            vector::LoadOp::create(b, bytes, stage, ValueRange{i.add(i.mul(pitch, c), row)}));
      transpose(b, lines);
      for (auto [r, line] : llvm::enumerate(lines))
        vector::StoreOp::create(b, line, codes, ValueRange{i.add(row, int64_t(r)), first});
    });
    forRange(b, blocks, rows, 1, [&](Value row) {
      forRange(b, i.constant(0), columns, 1, [&](Value c) {
        Value byte = memref::LoadOp::create(b, stage, ValueRange{i.add(i.mul(c, pitch), row)});
        memref::StoreOp::create(b, byte, codes, ValueRange{row, i.add(first, c)});
      });
    });
  }

  ImplicitLocOpBuilder &b;
  Index i;
  Value words, starts, dictionary, codes, stage, K, from, to;
  Value rows, pitch, last, most;
};

} // namespace

int64_t KernelLibrary::expandStage(int64_t K) {
  return block * (llvm::alignTo((K + 3) / 4, block) + block);
}

func::FuncOp KernelLibrary::expandWords() {
  Builder b(module.getContext());
  Type i8 = b.getI8Type();
  SmallVector<Type> types(4, rows(i8));
  types.push_back(flat(i8));
  types.append(3, b.getIndexType());
  return find("expand_words", types,
              [](ImplicitLocOpBuilder &b, ValueRange a) { Expander(b, a).emit(); });
}

} // namespace mad::kernels
