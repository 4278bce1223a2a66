//===- PackRows.cpp - Rows in the order in which a tile reads them ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One element at a time: packing is a few percent of a product, and its time is that
// of memory.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/Kernels/KernelLibrary.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace mad::kernels {

func::FuncOp KernelLibrary::packRows(Type from, Type to) {
  TileSizes sizes = this->sizes(to);
  std::string name = llvm::formatv("pack_rows.{0}.{1}", from, to);
  Type index = IndexType::get(module.getContext());
  return find(
      name, {matrix(from), flat(to), index, index, index},
      [&](ImplicitLocOpBuilder &b, ValueRange arguments) {
        Index i(b);
        Value source = arguments[0], packed = arguments[1], height = arguments[4];
        Value M = memref::DimOp::create(b, source, 0);
        Value K = memref::DimOp::create(b, source, 1);
        Value zero = arith::ConstantOp::create(b, b.getZeroAttr(to));
        auto block = [&](Value number, bool whole) {
          Value first = i.mul(number, height), start = i.mul(i.mul(number, K), sizes.MR);
          forRange(b, i.constant(0), K, 1, [&](Value k) {
            Value at = i.add(start, i.mul(k, sizes.MR));
            for (int64_t r = 0; r < sizes.MR; ++r) {
              auto store = [&](Value v) {
                memref::StoreOp::create(b, v, packed, ValueRange{i.add(at, r)});
              };
              Value row = i.add(first, r);
              auto copy = [&] {
                Value v = memref::LoadOp::create(b, source, ValueRange{row, k});
                store(widen(b, v, to));
              };
              if (whole)
                copy();
              else
                when(b,
                     b.createOrFold<arith::AndIOp>(i.less(row, M), i.less(i.constant(r), height)),
                     copy, [&] { store(zero); });
            }
          });
        };
        forRange(b, arguments[2], arguments[3], 1, [&](Value number) {
          Value end = i.add(i.mul(number, height), sizes.MR);
          Value whole = b.createOrFold<arith::AndIOp>(i.lessOrEqual(end, M),
                                                      i.lessOrEqual(i.constant(sizes.MR), height));
          when(b, whole, [&] { block(number, true); }, [&] { block(number, false); });
        });
      });
}

} // namespace mad::kernels
