//===- PackRows.cpp - Rows in the order in which a tile reads them ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the steps are neighbours in memory, blocks of 4 x 4 are transposed in registers;
// the last one of a block shares rows with the one before, as two of them make six. Else one
// element at a time.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Kernels/KernelLibrary.h"
#include "passes/Kernels/Transpose.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace mad::kernels {
namespace {

constexpr int64_t square = 4;

class RowPacker {
public:
  RowPacker(ImplicitLocOpBuilder &b, ValueRange arguments, TileSizes sizes, Type from, Type to,
            Order order)
      : b(b), i(b), source(arguments[0]), packed(arguments[1]), first(arguments[2]),
        last(arguments[3]), height(arguments[4]), sizes(sizes), from(from), to(to), order(order) {
    M = memref::DimOp::create(b, source, 0);
    K = memref::DimOp::create(b, source, 1);
  }

  void emit() {
    forRange(b, first, last, 1, [&](Value block) {
      Value row = i.mul(block, height), start = i.mul(i.mul(block, K), blockRows);
      Value whole = b.createOrFold<arith::AndIOp>(i.lessOrEqual(i.add(row, blockRows), M),
                                                  i.lessOrEqual(i.constant(blockRows), height));
      when(b, whole, [&] { copyWhole(row, start); }, [&] { copyPart(row, start); });
    });
  }

private:
  Value load(Value row, Value k) {
    return widen(b, memref::LoadOp::create(b, source, ValueRange{row, k}), from, to);
  }
  void store(Value v, Value at) { memref::StoreOp::create(b, v, packed, ValueRange{at}); }

  void copyWhole(Value row, Value start) {
    Value end = i.constant(0);
    if (order == Order::RowMajor) {
      end = i.sub(K, b.createOrFold<arith::RemUIOp>(K, i.constant(square)));
      forRange(b, i.constant(0), end, square, [&](Value k) {
        Value at = i.add(start, i.mul(k, blockRows));
        for (int64_t r = 0; r < blockRows; r += square) {
          int64_t from = std::min(r, blockRows - square);
          copySquare(i.add(row, from), k, i.add(at, from));
        }
      });
    }
    forRange(b, end, K, 1, [&](Value k) {
      Value at = i.add(start, i.mul(k, blockRows));
      for (int64_t r = 0; r < blockRows; ++r)
        store(load(i.add(row, r), k), i.add(at, r));
    });
  }

  void copySquare(Value row, Value k, Value at) {
    SmallVector<Value> block;
    auto type = VectorType::get({square}, stored(from));
    for (int64_t r = 0; r < square; ++r)
      block.push_back(widen(
          b, vector::LoadOp::create(b, type, source, ValueRange{i.add(row, r), k}), from, to));
    transpose(b, block);
    for (int64_t step = 0; step < square; ++step)
      vector::StoreOp::create(b, block[step], packed, ValueRange{i.add(at, step * blockRows)});
  }

  /// The last rows, with zeros behind them.
  void copyPart(Value row, Value start) {
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(to));
    Value count = i.min(height, i.sub(M, row));
    forRange(b, i.constant(0), i.constant(blockRows), 1, [&](Value r) {
      Value source = i.add(row, r);
      auto fill = [&](function_ref<Value(Value k)> value) {
        forRange(b, i.constant(0), K, 1,
                 [&](Value k) { store(value(k), i.add(i.add(start, i.mul(k, blockRows)), r)); });
      };
      when(
          b, i.less(r, count), [&] { fill([&](Value k) { return load(source, k); }); },
          [&] { fill([&](Value) { return zero; }); });
    });
  }

  ImplicitLocOpBuilder &b;
  Index i;
  Value source, packed, first, last, height, M, K;
  TileSizes sizes;
  Type from, to;
  Order order;
};

} // namespace

func::FuncOp KernelLibrary::packRows(Type from, Type to, Order order) {
  bool rowMajor = order == Order::RowMajor;
  std::string name = llvm::formatv("pack_rows.{0}.{1}{2}", from, to, rowMajor ? "" : ".strided");
  Type index = IndexType::get(module.getContext());
  TileSizes sizes = this->sizes(to);
  return find(name, {rowMajor ? rows(from) : matrix(from), flat(to), index, index, index},
              [&](ImplicitLocOpBuilder &b, ValueRange arguments) {
                RowPacker(b, arguments, sizes, from, to, order).emit();
              });
}

} // namespace mad::kernels
