//===- AttentionParts.cpp - What kernels of attention share -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/AttentionParts.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include <cmath>

using namespace mlir;
using namespace mad::device;

Value mad::device::maximum(GpuBuilder &g, Value x, Value y) {
  return LLVM::MaximumOp::create(g.b, x, y);
}

Value mad::device::baseOfScores(GpuBuilder &g, Value most) {
  Value none = arith::CmpFOp::create(g.b, arith::CmpFPredicate::OEQ, most, g.f32(-INFINITY));
  return g.select(none, g.f32(0), most);
}

void mad::device::storeColumns(GpuBuilder &g, const AttentionSpec &spec, const RowValues &row,
                               ValueRange finished, Value column, ValueRange sums) {
  const int count = sums.size();
  if (spec.widthV % count == 0)
    return spec.store(g, row, finished, column, sums);
  for (int i = 0; i < count; ++i) {
    Value at = g.add(column, i);
    g.when(g.less(at, spec.widthV), [&] { spec.store(g, row, finished, at, sums.slice(i, 1)); });
  }
}

Value mad::device::keysOf(GpuBuilder &g, const AttentionSpec &spec, const RowValues &row,
                          Value keys) {
  return spec.seen ? g.min(keys, spec.seen(g, row)) : keys;
}

AttentionSpec mad::device::attentionSpec(const AttentionForm &form) {
  AttentionSpec spec;
  spec.element = form.element;
  spec.width = spec.widthV = form.width;
  int vector = 16 / bytesOf(form.element);
  while (form.width % vector)
    vector /= 2;
  spec.vectorQ = spec.vectorK = spec.vectorV = vector;
  return spec;
}

SmallVector<Type> mad::device::attentionTypes(MLIRContext *context) {
  Type pointer = globalPointer(context), i32 = IntegerType::get(context, 32);
  return {pointer, pointer, pointer, pointer, i32, i32, Float32Type::get(context)};
}

AttentionArguments mad::device::setAttention(GpuBuilder &g, AttentionSpec &spec,
                                             const AttentionForm &form, ValueRange all,
                                             const AttentionPlace &place) {
  Value q = all[0], o = all[3], rows = all[4], keys = all[5], scale = all[6];
  auto [heads, head, batch] = place;
  Value stride = g.mul(heads, form.width); // from one row to the next
  Type element = form.element;
  // The head in the first row of this matrix of the batch.
  auto start = [=, head = head, batch = batch](GpuBuilder &g, Value pointer, Value count) {
    return g.at(pointer, element, g.mul(batch, count), stride, g.mul(head, form.width));
  };
  // Of a factor by tensor map nobody asks.
  auto isPointer = [](Value v) { return v.getType() == globalPointer(v.getContext()); };
  Value startO = start(g, o, rows), startQ = isPointer(q) ? start(g, q, rows) : startO;
  spec.row = [](GpuBuilder &, Value row) -> RowValues { return {row}; };
  spec.query = [=](GpuBuilder &g, const RowValues &row) {
    return g.at(startQ, element, row[0], stride, 0);
  };
  spec.scale = scale;
  if (form.causal)
    spec.seen = [=](GpuBuilder &g, const RowValues &row) {
      Value end = g.add(g.add(row[0], keys), 1);
      return g.sub(end, g.min(end, rows));
    };
  spec.finish = [](GpuBuilder &g, const RowValues &, Value, Value, Value sum) -> Values {
    return {arith::DivFOp::create(g.b, g.f32(1), sum)};
  };
  spec.store = [=](GpuBuilder &g, const RowValues &row, ValueRange finished, Value column,
                   ValueRange sums) {
    Values values;
    for (Value sum : sums)
      values.push_back(g.convert(arith::MulFOp::create(g.b, sum, finished[0]), element));
    g.store(values.size() == 1 ? values[0] : g.pack(values),
            g.at(startO, element, row[0], stride, column));
  };
  if (!isPointer(q))
    return {Value(), Value(), rows, keys, stride, stride, Value()};
  return {start(g, all[1], keys), start(g, all[2], keys), rows, keys, stride, stride, Value()};
}

llvm::Expected<Kernel> mad::device::makeAttention(
    gpu::GPUModuleOp module, const KernelSignature &signature, const AttentionForm &form,
    AttentionSpec &spec, int rowsOfBlock,
    llvm::function_ref<void(GpuBuilder &, const AttentionArguments &, Value first)> write) {
  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange all) {
    Value heads = NVVM::GridDimYOp::create(g.b, g.b.getI32Type());
    AttentionArguments arguments =
        setAttention(g, spec, form, all, {heads, g.block(1), g.block(2)});
    // Where later rows see more, they begin first.
    Value tiles = g.ceilDiv(arguments.rows, rowsOfBlock);
    Value number = form.causal ? g.sub(g.sub(tiles, 1), g.block()) : g.block();
    write(g, arguments, g.mul(number, rowsOfBlock));
  });
}
