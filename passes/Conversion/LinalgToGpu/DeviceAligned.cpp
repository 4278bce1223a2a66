//===- DeviceAligned.cpp - Rows at multiples of 16 bytes --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The copy engine of a GPU takes matrices whose rows begin at multiples of 16 bytes. Others are
// copied to such rows first: much less work than the product.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/Conversion/LinalgToGpu/DeviceProduct.h"

using namespace mlir;

namespace mad {

constexpr int threads = 128, vector = 8; ///< 16 bytes a thread

/// Scratch memory with the same dimensions, but for the last one, which is whole groups of 8.
static memref::AllocOp scratchFor(DeviceFunction &f, MemRefType type, ArrayRef<Value> sizes) {
  SmallVector<int64_t> shape(type.getShape());
  SmallVector<Value> dynamic;
  for (auto [d, size] : llvm::enumerate(sizes)) {
    const bool last = d + 1 == sizes.size();
    if (ShapedType::isDynamic(shape[d]))
      dynamic.push_back(last ? f.mul(f.ceilDiv(size, vector), f.constant(vector)) : size);
    else if (last)
      shape[d] = llvm::alignTo(shape[d], vector);
  }
  return memref::AllocOp::create(f.b, MemRefType::get(shape, type.getElementType()), dynamic);
}

/// A thread copies 8 neighbours. Behind the last column it repeats that one: nobody reads this.
static void copyRows(DeviceFunction &f, Value from, Value to, ArrayRef<Value> sizes,
                     ArrayRef<Value> strides) {
  DeviceKernel kernel = f.kernel("rows to multiples of 16 bytes");
  device::KernelSignature signature;
  signature.threads = threads;
  device::GpuBuilder g(kernel.builder(), signature);
  ImplicitLocOpBuilder &b = kernel.builder();
  Type element = cast<MemRefType>(from.getType()).getElementType(), index = b.getIndexType();
  Value perRow = f.ceilDiv(sizes.back(), threads * vector), rows = f.constant(1);
  for (Value size : sizes.drop_back())
    rows = f.mul(rows, size);
  Value start = kernel.pointer(from, /*apart=*/true), target = kernel.pointer(to, /*apart=*/false);
  Value blocks = kernel.get(perRow), columns = kernel.get(sizes.back());
  Value block = arith::IndexCastUIOp::create(b, index, g.block());
  Value row = b.createOrFold<arith::DivUIOp>(block, blocks);
  Value thread = arith::IndexCastUIOp::create(b, index, g.thread());
  auto constant = [&](int64_t x) { return arith::ConstantIndexOp::create(b, x).getResult(); };
  Value group = b.createOrFold<arith::AddIOp>(
      b.createOrFold<arith::MulIOp>(b.createOrFold<arith::RemUIOp>(block, blocks),
                                    constant(threads)),
      thread);
  // Where the row is.
  Value rest = row, offset = constant(0);
  for (size_t d = sizes.size() - 1; d-- > 0;) {
    Value at = rest;
    if (d > 0) {
      at = b.createOrFold<arith::RemUIOp>(rest, kernel.get(sizes[d]));
      rest = b.createOrFold<arith::DivUIOp>(rest, kernel.get(sizes[d]));
    }
    offset = b.createOrFold<arith::AddIOp>(
        offset, b.createOrFold<arith::MulIOp>(at, kernel.get(strides[d])));
  }
  Value groups = b.createOrFold<arith::CeilDivUIOp>(columns, constant(vector));
  Value column = b.createOrFold<arith::MulIOp>(group, constant(vector));
  Value last = b.createOrFold<arith::SubIOp>(columns, constant(1));
  auto place = [&](Value pointer, Value at) {
    Value wide = arith::IndexCastUIOp::create(b, b.getI64Type(), at);
    return g.at(pointer, element, device::Number(wide));
  };
  Value there = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, group, groups);
  g.when(there, [&] {
    device::Values values;
    for (int e = 0; e < vector; ++e) {
      Value at = b.createOrFold<arith::AddIOp>(column, constant(e));
      at = arith::MinUIOp::create(b, at, last);
      values.push_back(g.load(element, place(start, b.createOrFold<arith::AddIOp>(offset, at))));
    }
    Value width = b.createOrFold<arith::MulIOp>(groups, constant(vector));
    Value to = b.createOrFold<arith::AddIOp>(b.createOrFold<arith::MulIOp>(row, width), column);
    g.store(g.pack(values), place(target, to));
  });
  kernel.launch(f.b, f.mul(perRow, rows), threads);
}

Value alignedCopy(DeviceFunction &f, Value memory, ArrayRef<Value> strides) {
  auto type = cast<MemRefType>(memory.getType());
  SmallVector<Value> sizes;
  SmallVector<OpFoldResult> zeros(type.getRank(), f.b.getIndexAttr(0)),
      ones(type.getRank(), f.b.getIndexAttr(1)), known;
  for (int64_t d = 0; d < type.getRank(); ++d) {
    sizes.push_back(f.sizeOf(memory, d));
    known.push_back(type.isDynamicDim(d) ? OpFoldResult(sizes.back())
                                         : OpFoldResult(f.b.getIndexAttr(type.getDimSize(d))));
  }
  Value scratch = scratchFor(f, type, sizes);
  copyRows(f, memory, scratch, sizes, strides);
  return memref::SubViewOp::create(f.b, scratch, zeros, known, ones);
}

} // namespace mad
