//===- DeviceParts.cpp - f32 as sums of bf16 --------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// x = x1 + x2 + x3 for factors of a product on tensor cores (passes/Kernels/Gpu/GroupMatmul.cpp).
// Each part is the bf16 next to what the ones before leave: 8 bits of x at a time. So it is exact
// where the last bit of x is one that bf16 has, 2^-133: from 2^-110 on. The largest numbers are
// rounded towards zero, as the next bf16 is infinite. Parts of what is not finite are so, too.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/Conversion/LinalgToGpu/DeviceProduct.h"

using namespace mlir;

namespace mad {
namespace {

constexpr int threads = 128;
constexpr int ofThread = 8; ///< neighbours: 16 bytes of each part
constexpr int parts = device::partsOfFloat;

/// The kernel, for a thread's place in a row.
class SplitKernel {
public:
  SplitKernel(DeviceFunction &f, ArrayRef<Value> memories, int vector)
      : f(f), memories(memories), vector(vector), kernel(f.kernel("parts of f32", {}, false)),
        g(kernel.builder(), signature) {
    auto type = cast<MemRefType>(memories.front().getType());
    for (int64_t d = 0; d < type.getRank(); ++d)
      sizes.push_back(f.sizeOf(memories.front(), d));
  }
  void launch(ArrayRef<Value> strides, Value to, Value padded);

private:
  Value narrow(Value host) {
    return arith::IndexCastUIOp::create(g.b, g.b.getI32Type(), kernel.get(host));
  }
  device::Number wide(Value host) {
    return Value(arith::IndexCastUIOp::create(g.b, g.b.getI64Type(), kernel.get(host)));
  }
  Value source();
  device::Values load(Value row, Value column, Value columns);
  Value round(Value bits);
  void store(Value to, Value padded, const device::Values &values);

  DeviceFunction &f;
  ArrayRef<Value> memories; ///< of one shape; the second dimension of the grid says which
  int vector;               ///< elements that are loaded together
  device::KernelSignature signature;
  DeviceKernel kernel;
  device::GpuBuilder g;
  SmallVector<Value> sizes;
};

/// The matrix of this block.
Value SplitKernel::source() {
  Value from = kernel.pointer(memories.front(), /*apart=*/true);
  for (auto [i, memory] : llvm::enumerate(memories.drop_front()))
    from = g.select(g.equal(g.block(1), int(i) + 1), kernel.pointer(memory, /*apart=*/true), from);
  return from;
}

/// The numbers from `column` on; zeros behind the last one.
device::Values SplitKernel::load(Value row, Value column, Value columns) {
  Type f32 = g.b.getF32Type();
  device::Values all;
  for (int e = 0; e < ofThread; e += vector) {
    Value at = g.add(column, e), inside = g.less(at, columns);
    Value start = g.at(row, f32, g.extend(g.min(at, g.sub(columns, vector))));
    Type type = vector == 1 ? f32 : Type(g.vectorOf(vector, f32));
    for (Value x : g.unpack(g.load(type, start)))
      all.push_back(g.select(inside, x, g.f32(0)));
  }
  return all;
}

/// The bits of the bf16 next to a number, as those of an f32.
Value SplitKernel::round(Value bits) {
  constexpr int sign = 0x7fffffff, largest = 0x7f7f8000, half = 0x8000;
  Value rounded = arith::AddIOp::create(g.b, bits, g.number(half));
  Value made = g.select(g.less(g.bitAnd(bits, sign), largest), rounded, bits);
  return g.bitAnd(made, int(0xffff0000));
}

/// 16 bytes of each part.
void SplitKernel::store(Value to, Value padded, const device::Values &values) {
  Type i32 = g.b.getI32Type(), f32 = g.b.getF32Type();
  device::Values rest = values;
  for (int part = 0; part < parts; ++part) {
    device::Values words, taken;
    for (Value &x : rest) {
      taken.push_back(round(g.bits(x, i32)));
      x = arith::SubFOp::create(g.b, x, g.bits(taken.back(), f32));
    }
    for (int e = 0; e < ofThread; e += 2)
      words.push_back(g.bitOr(g.shiftRight(taken[e], 16), taken[e + 1]));
    Value place = part ? g.at(to, g.b.getBF16Type(), g.extend(g.mul(padded, part))) : to;
    g.store(g.pack(words), place);
  }
}

void SplitKernel::launch(ArrayRef<Value> strides, Value to, Value padded) {
  signature.threads = threads;
  Value rows = f.constant(1);
  for (Value size : ArrayRef(sizes).drop_back())
    rows = f.mul(rows, size);
  Value groups = f.b.createOrFold<arith::DivUIOp>(padded, f.constant(ofThread));
  Value all = f.mul(rows, groups);
  Value from = source(), target = kernel.pointer(to, /*apart=*/false);
  Value ofRow = narrow(groups), columns = narrow(sizes.back()), width = narrow(padded);
  Value number = g.add(g.mul(g.block(), threads), g.thread());
  g.when(g.less(number, narrow(all)), [&] {
    Value row = g.div(number, ofRow), column = g.mul(g.rem(number, ofRow), ofThread);
    // Where the row is.
    Value rest = row, start = from;
    for (size_t d = sizes.size() - 1; d-- > 0;) {
      Value at = rest;
      if (d > 0) {
        at = g.rem(rest, narrow(sizes[d]));
        rest = g.div(rest, narrow(sizes[d]));
      }
      start = g.at(start, g.b.getF32Type(), at, narrow(strides[d]), 0);
    }
    Value matrix = g.mul(g.block(1), narrow(rows));
    Value place = g.at(target, g.b.getBF16Type(), g.add(matrix, row), g.mul(width, parts), column);
    store(place, width, load(start, column, columns));
  });
  Value blocks = f.ceilDiv(all, threads);
  kernel.launch(f.b, {blocks, f.constant(memories.size()), f.constant(1)}, threads);
}

} // namespace

Value splitToParts(DeviceFunction &f, ArrayRef<Value> memories, ArrayRef<Value> strides,
                   int vector) {
  Value first = memories.front();
  auto type = cast<MemRefType>(first.getType());
  const int64_t last = type.getRank() - 1;
  Value padded = f.mul(f.ceilDiv(f.sizeOf(first, last), device::multipleOfParts),
                       f.constant(device::multipleOfParts));
  SmallVector<int64_t> shape(type.getShape());
  SmallVector<Value> dynamic;
  for (int64_t d = 0; d <= last; ++d) {
    if (type.isDynamicDim(d))
      dynamic.push_back(d < last ? f.sizeOf(first, d) : f.mul(padded, f.constant(parts)));
    else if (d == last)
      shape[d] = llvm::alignTo(shape[d], device::multipleOfParts) * parts;
  }
  if (memories.size() > 1)
    shape.insert(shape.begin(), memories.size());
  Value made = memref::AllocOp::create(f.b, MemRefType::get(shape, f.b.getBF16Type()), dynamic);
  SplitKernel(f, memories, vector).launch(strides, made, padded);
  return made;
}

} // namespace mad
