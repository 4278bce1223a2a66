//===- PackPanels.cpp - Columns in the order in which a tile reads them -----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Of a row-major matrix some rows are copied at a time, from left to right: few
// streams for the memory to follow. A column-major one is transposed in registers.
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

/// Strips that are fetched before they are copied.
constexpr int64_t ahead = 2;

class PanelPacker {
public:
  PanelPacker(ImplicitLocOpBuilder &b, ValueRange arguments, TileSizes sizes, Type from, Type to,
              Order order)
      : b(b), i(b), source(arguments[0]), packed(arguments[1]), first(arguments[2]),
        last(arguments[3]), sizes(sizes), from(from), to(to), order(order),
        strip(std::max<int64_t>(8, sizes.lanes)) {
    K = memref::DimOp::create(b, source, order == Order::RowMajor ? 0 : 1);
    N = memref::DimOp::create(b, source, order == Order::RowMajor ? 1 : 0);
  }

  void emit() {
    Value end = i.sub(K, b.createOrFold<arith::RemUIOp>(K, i.constant(strip)));
    forRange(b, i.constant(0), end, strip, [&](Value k) { panels(k, strip); });
    forRange(b, end, K, 1, [&](Value k) { panels(k, 1); });
  }

private:
  void panels(Value k, int64_t count) {
    forRange(b, first, last, 1, [&](Value j) {
      Value column = i.mul(j, sizes.NR);
      Value whole = i.lessOrEqual(i.add(column, sizes.NR), N);
      Value at = i.mul(i.add(i.mul(j, K), k), sizes.NR);
      when(
          b, whole, [&] { copyWhole(k, column, at, count); },
          [&] {
            for (int64_t r = 0; r < count; ++r)
              copyPart(i.add(k, r), column, i.add(at, r * sizes.NR));
          });
    });
  }

  void copyWhole(Value k, Value column, Value at, int64_t count) {
    int64_t lanes = sizes.lanes;
    if (order == Order::RowMajor) {
      // A strip of a panel is short, so the hardware does not see what comes next.
      for (int64_t r = 0; r < count; ++r)
        memref::PrefetchOp::create(b, source, ValueRange{i.add(k, ahead * count + r), column},
                                   /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
      for (int64_t r = 0; r < count; ++r)
        for (int64_t c = 0; c < sizes.NR; c += lanes)
          store(load(i.add(k, r), i.add(column, c), lanes), i.add(at, r * sizes.NR + c));
      return;
    }
    if (count == 1 || count % lanes) {
      for (int64_t r = 0; r < count; ++r)
        copyPart(i.add(k, r), column, i.add(at, r * sizes.NR));
      return;
    }
    for (int64_t r = 0; r < count; r += lanes)
      for (int64_t c = 0; c < sizes.NR; c += lanes) {
        SmallVector<Value> block;
        for (int64_t lane = 0; lane < lanes; ++lane)
          block.push_back(load(i.add(column, c + lane), i.add(k, r), lanes));
        transpose(b, block);
        for (int64_t lane = 0; lane < lanes; ++lane)
          store(block[lane], i.add(at, (r + lane) * sizes.NR + c));
      }
  }

  /// One step of the reduction, element by element.
  void copyPart(Value k, Value column, Value at) {
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(to));
    forRange(b, i.constant(0), i.constant(sizes.NR), 1, [&](Value c) {
      auto put = [&](Value v) { memref::StoreOp::create(b, v, packed, ValueRange{i.add(at, c)}); };
      Value n = i.add(column, c);
      when(
          b, i.less(n, N),
          [&] {
            SmallVector<Value> place{k, n};
            if (order == Order::ColumnMajor)
              std::swap(place[0], place[1]);
            put(widen(b, memref::LoadOp::create(b, source, place), from, to));
          },
          [&] { put(zero); });
    });
  }

  Value load(Value row, Value column, int64_t lanes) {
    auto type = VectorType::get({lanes}, stored(from));
    return widen(b, vector::LoadOp::create(b, type, source, ValueRange{row, column}), from, to);
  }
  void store(Value v, Value at) { vector::StoreOp::create(b, v, packed, ValueRange{at}); }

  ImplicitLocOpBuilder &b;
  Index i;
  Value source, packed, first, last, K, N;
  TileSizes sizes;
  Type from, to;
  Order order;
  int64_t strip; ///< rows that are copied together
};

} // namespace

func::FuncOp KernelLibrary::packPanels(Type from, Type to, Order order) {
  bool rowMajor = order == Order::RowMajor;
  std::string name =
      llvm::formatv("pack_panels.{0}.{1}.{2}", from, to, rowMajor ? "rows" : "columns");
  Type index = IndexType::get(module.getContext());
  TileSizes sizes = this->sizes(to);
  return find(name, {rows(from), flat(to), index, index},
              [&](ImplicitLocOpBuilder &b, ValueRange arguments) {
                PanelPacker(b, arguments, sizes, from, to, order).emit();
              });
}

} // namespace mad::kernels
