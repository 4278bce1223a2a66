//===- Elementwise.cpp - Kernels that map elements --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread takes groups of neighbours that lie one block width apart, so that a warp reads
// whole lines. All loads come before all stores. The block that contains the end does its
// groups, and what is left, one element at a time.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/Elementwise.h"

using namespace mlir;
using namespace mad::device;

static int widestElement(const ElementwiseSpec &spec) {
  int bytes = 1;
  for (const auto *types : {&spec.inputs, &spec.outputs})
    for (Type type : *types)
      bytes = std::max(bytes, bytesOf(type));
  return bytes;
}

ElementwiseTile mad::device::elementwiseTile(const ElementwiseSpec &spec) {
  ElementwiseTile tile;
  tile.vector = 16 / widestElement(spec);
  return tile;
}

llvm::Error mad::device::check(const ElementwiseTile &tile, const ElementwiseSpec &spec) {
  if (tile.threads < 32 || tile.threads > 1024 || tile.threads % 32)
    return llvm::createStringError("threads = " + Twine(tile.threads) +
                                   ", expected a multiple of 32 from 32 to 1024");
  if (tile.vector < 1 || !llvm::isPowerOf2_32(tile.vector) ||
      tile.vector * widestElement(spec) > 16)
    return llvm::createStringError("vector = " + Twine(tile.vector) +
                                   ", expected a power of two of at most 16 bytes of elements");
  if (tile.unroll < 1 || tile.unroll > 8)
    return llvm::createStringError("unroll = " + Twine(tile.unroll) + ", expected 1 to 8");
  if (spec.outputs.empty())
    return llvm::createStringError("a map without outputs");
  return llvm::Error::success();
}

namespace {
struct Map {
  GpuBuilder &g;
  const ElementwiseSpec &spec;
  ValueRange pointers, scalars;
  int vector;

  Type group(Type element, int count) {
    return count == 1 ? element : Type(g.vectorOf(count, element));
  }
  Values load(Value index, int count) {
    Values loaded;
    for (auto [type, pointer] : llvm::zip(spec.inputs, pointers))
      loaded.push_back(g.load(group(type, count), g.at(pointer, type, index)));
    return loaded;
  }
  /// What the body makes of a group, an output after the other.
  Values apply(ValueRange loaded, Value index, int count) {
    SmallVector<Values> inputs, outputs(spec.outputs.size());
    for (Value value : loaded)
      inputs.push_back(g.unpack(value));
    for (int e = 0; e < count; ++e) {
      Values elements;
      for (Values &input : inputs)
        elements.push_back(input[e]);
      Values results = spec.body(g, elements, scalars, g.add(index, e));
      for (auto [j, result] : llvm::enumerate(results))
        outputs[j].push_back(result);
    }
    Values packed;
    for (Values &output : outputs)
      packed.push_back(count == 1 ? output[0] : g.pack(output));
    return packed;
  }
  void store(ValueRange values, Value index) {
    for (auto [type, pointer, value] :
         llvm::zip(spec.outputs, pointers.drop_front(spec.inputs.size()), values))
      g.store(value, g.at(pointer, type, index));
  }
  void whole(ArrayRef<Value> starts) {
    SmallVector<Values> loaded;
    for (Value start : starts)
      loaded.push_back(load(start, vector));
    for (auto [start, values] : llvm::zip(starts, loaded))
      store(apply(values, start, vector), start);
  }
  void single(Value index) { store(apply(load(index, 1), index, 1), index); }
};
} // namespace

llvm::Expected<Kernel> mad::device::makeElementwise(gpu::GPUModuleOp module, StringRef name,
                                                    const ElementwiseSpec &spec,
                                                    const ElementwiseTile &tile) {
  if (llvm::Error fault = check(tile, spec))
    return std::move(fault);
  const size_t pointers = spec.inputs.size() + spec.outputs.size();
  MLIRContext *context = module.getContext();
  KernelSignature signature;
  signature.name = name.str();
  signature.threads = tile.threads;
  signature.apart = !spec.inPlace;
  signature.arguments.assign(pointers, globalPointer(context));
  llvm::append_range(signature.arguments, spec.scalars);
  signature.arguments.push_back(IntegerType::get(context, 32));

  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange arguments) {
    Map map{g, spec, arguments.take_front(pointers), arguments.drop_front(pointers).drop_back(),
            tile.vector};
    Value n = arguments.back();
    Value first = g.mul(g.block(), tile.elementsOfBlock());
    Values starts;
    for (int u = 0; u < tile.unroll; ++u)
      starts.push_back(
          g.add(first, g.add(g.mul(g.thread(), tile.vector), u * tile.threads * tile.vector)));
    g.when(
        g.less(g.add(first, tile.elementsOfBlock() - 1), n), [&] { map.whole(starts); },
        [&] {
          for (Value start : starts)
            g.when(
                g.less(g.add(start, tile.vector - 1), n), [&] { map.whole(start); },
                [&] {
                  g.loop(start, g.min(g.add(start, tile.vector), n), 1, {},
                         [&](Value index, ValueRange) {
                           map.single(index);
                           return Values();
                         });
                });
        });
  });
}
