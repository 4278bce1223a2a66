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

/// Rows of a factor, or of several of one shape.
struct Split {
  const WholeFactor &factor;
  Value to;
  SmallVector<Value> sizes;
  Value padded, rows, groups, blocks; ///< of a row with zeros; of one matrix; of a row; of all
};

class SplitKernel {
public:
  explicit SplitKernel(DeviceFunction &f)
      : f(f), kernel(f.kernel("parts of f32", {}, /*guarded=*/false)),
        g(kernel.builder(), signature) {
    signature.threads = threads;
  }
  /// The blocks of each follow those of the one before.
  void launch(ArrayRef<Split> all);

private:
  Value narrow(Value host) {
    return arith::IndexCastUIOp::create(g.b, g.b.getI32Type(), kernel.get(host));
  }
  void write(const Split &split, Value block);
  Value source(const WholeFactor &factor, Value matrix);
  device::Values load(Value row, Value column, Value columns, int vector);
  Value round(Value bits);
  void store(Value to, Value padded, const device::Values &values);

  DeviceFunction &f;
  device::KernelSignature signature;
  DeviceKernel kernel;
  device::GpuBuilder g;
};

Value SplitKernel::source(const WholeFactor &factor, Value matrix) {
  Value from = kernel.pointer(factor.memories.front(), /*apart=*/true);
  for (auto [i, memory] : llvm::enumerate(ArrayRef(factor.memories).drop_front()))
    from = g.select(g.equal(matrix, int(i) + 1), kernel.pointer(memory, /*apart=*/true), from);
  return from;
}

/// The numbers from `column` on; zeros behind the last one.
device::Values SplitKernel::load(Value row, Value column, Value columns, int vector) {
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

/// A thread's neighbours.
void SplitKernel::write(const Split &split, Value block) {
  Value number = g.add(g.mul(block, threads), g.thread());
  Value groups = narrow(split.groups), rows = narrow(split.rows), width = narrow(split.padded);
  const int count = split.factor.memories.size();
  g.when(g.less(number, g.mul(g.mul(rows, groups), count)), [&] {
    Value column = g.mul(g.rem(number, groups), ofThread), rowOfAll = g.div(number, groups);
    Value matrix = count > 1 ? g.div(rowOfAll, rows) : g.number(0);
    // Where the row is.
    Value rest = count > 1 ? g.rem(rowOfAll, rows) : rowOfAll;
    Value start = source(split.factor, matrix);
    for (size_t d = split.sizes.size() - 1; d-- > 0;) {
      Value at = rest;
      if (d > 0) {
        at = g.rem(rest, narrow(split.sizes[d]));
        rest = g.div(rest, narrow(split.sizes[d]));
      }
      start = g.at(start, g.b.getF32Type(), at, narrow(split.factor.strides[d]), 0);
    }
    Value target = kernel.pointer(split.to, /*apart=*/false);
    Value place = g.at(target, g.b.getBF16Type(), rowOfAll, g.mul(width, parts), column);
    store(place, width, load(start, column, narrow(split.sizes.back()), split.factor.vector));
  });
}

void SplitKernel::launch(ArrayRef<Split> all) {
  Value blocks = f.constant(0), block = g.block();
  std::function<void(size_t)> take = [&](size_t i) {
    if (i + 1 == all.size())
      return write(all[i], block);
    Value own = narrow(all[i].blocks);
    g.when(
        g.less(block, own), [&] { write(all[i], block); },
        [&] {
          block = g.sub(block, own);
          take(i + 1);
        });
  };
  take(0);
  for (const Split &split : all)
    blocks = f.b.createOrFold<arith::AddIOp>(blocks, split.blocks);
  kernel.launch(f.b, blocks, threads);
}

/// Sizes, and scratch memory for the parts.
Split prepare(DeviceFunction &f, const WholeFactor &factor) {
  Value first = factor.memories.front();
  auto type = cast<MemRefType>(first.getType());
  const int64_t last = type.getRank() - 1;
  Split split{factor, {}, {}, {}, f.constant(1), {}, {}};
  for (int64_t d = 0; d <= last; ++d)
    split.sizes.push_back(f.sizeOf(first, d));
  split.padded = f.mul(f.ceilDiv(split.sizes.back(), device::multipleOfParts),
                       f.constant(device::multipleOfParts));
  for (Value size : ArrayRef(split.sizes).drop_back())
    split.rows = f.mul(split.rows, size);
  split.groups = f.b.createOrFold<arith::DivUIOp>(split.padded, f.constant(ofThread));
  Value all = f.mul(f.mul(split.rows, split.groups), f.constant(factor.memories.size()));
  split.blocks = f.ceilDiv(all, threads);

  SmallVector<int64_t> shape(type.getShape());
  SmallVector<Value> dynamic;
  for (int64_t d = 0; d <= last; ++d) {
    if (type.isDynamicDim(d))
      dynamic.push_back(d < last ? split.sizes[d] : f.mul(split.padded, f.constant(parts)));
    else if (d == last)
      shape[d] = llvm::alignTo(shape[d], device::multipleOfParts) * parts;
  }
  if (factor.memories.size() > 1)
    shape.insert(shape.begin(), factor.memories.size());
  split.to = memref::AllocOp::create(f.b, MemRefType::get(shape, f.b.getBF16Type()), dynamic);
  return split;
}

} // namespace

SmallVector<Value> splitToParts(DeviceFunction &f, ArrayRef<WholeFactor> factors) {
  SmallVector<Split, 2> all;
  SmallVector<Value> made;
  for (const WholeFactor &factor : factors) {
    all.push_back(prepare(f, factor));
    made.push_back(all.back().to);
  }
  SplitKernel(f).launch(all);
  return made;
}

} // namespace mad
