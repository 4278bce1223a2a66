//===- MatmulParts.cpp - What products of matrices share --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/MatmulParts.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mad::device;

void mad::device::setVectors(MatmulSpec &spec, int64_t n, int64_t k) {
  auto widest = [](int64_t extent, Type type) {
    int vector = 16 / bytesOf(type);
    while (extent % vector)
      vector /= 2;
    return vector;
  };
  spec.vectorA = widest(k, spec.element);
  spec.vectorB = widest(spec.order == Order::RowMajor ? n : k, spec.element);
  spec.vectorC = widest(n, spec.output);
}

SmallVector<Type> mad::device::matmulTypes(MLIRContext *context, const MatmulSpec &spec,
                                           bool batched) {
  Type pointer = globalPointer(context), i32 = IntegerType::get(context, 32);
  SmallVector<Type> types{pointer, pointer, pointer, i32, i32, i32};
  if (batched)
    types.append(3, IntegerType::get(context, 64));
  llvm::append_range(types, spec.epilogue.arguments);
  return types;
}

MatmulArguments mad::device::matmulArguments(ValueRange all, bool batched) {
  const size_t strides = batched ? 3 : 0;
  return {all[0],
          all[1],
          all[2],
          all[3],
          all[4],
          all[5],
          all.slice(6, strides),
          all.drop_front(6 + strides)};
}

void mad::device::selectBatch(GpuBuilder &g, const MatmulSpec &spec, MatmulArguments &arguments) {
  Value z = g.extend(g.block(2));
  auto move = [&](Value &pointer, Type type, Value stride) {
    pointer = g.at(pointer, type, Number(g.b.createOrFold<arith::MulIOp>(z, stride)));
  };
  move(arguments.a, spec.element, arguments.strides[0]);
  move(arguments.b, spec.element, arguments.strides[1]);
  move(arguments.c, spec.output, arguments.strides[2]);
}

Value mad::device::finished(GpuBuilder &g, const MatmulSpec &spec, const MatmulArguments &arguments,
                            Value sum, Value row, Value column) {
  if (spec.epilogue.apply)
    sum = spec.epilogue.apply(g, arguments.epilogue, sum, row, column);
  return g.convert(sum, spec.output);
}

void mad::device::storeSums(GpuBuilder &g, const MatmulSpec &spec, const MatmulArguments &arguments,
                            Value row, Value column, ValueRange sums) {
  const int count = sums.size(), vector = std::min(spec.vectorC, count);
  Value start = g.at(arguments.c, spec.output, row, arguments.n, column);
  for (int i = 0; i < count; i += vector)
    g.when(g.less(g.add(column, i), arguments.n), [&] {
      Values values;
      for (int e = i; e < i + vector; ++e)
        values.push_back(finished(g, spec, arguments, sums[e], row, g.add(column, e)));
      g.store(vector == 1 ? values[0] : g.pack(values), g.at(start, spec.output, i));
    });
}

llvm::Error mad::device::checkParameter(StringRef name, int value, int least, int most, int step) {
  if (value >= least && value <= most && value % step == 0)
    return llvm::Error::success();
  return llvm::createStringError(name + " = " + Twine(value) + ", expected a multiple of " +
                                 Twine(step) + " from " + Twine(least) + " to " + Twine(most));
}

llvm::Error mad::device::checkRegisters(int registers, int threads, int blocksAtOnce) {
  constexpr int ofMultiprocessor = 65536, mostOfThread = 255;
  const int most = std::min(mostOfThread, ofMultiprocessor / threads / std::max(blocksAtOnce, 1));
  if (registers <= most)
    return llvm::Error::success();
  return llvm::createStringError(
      "about " + Twine(registers) + " registers a thread, with " + Twine(threads) +
      " threads and blocksAtOnce = " + Twine(blocksAtOnce) + " expected at most " + Twine(most));
}

llvm::Error mad::device::checkVectors(const MatmulSpec &spec) {
  const std::tuple<StringRef, int, Type> vectors[] = {{"vectorA", spec.vectorA, spec.element},
                                                      {"vectorB", spec.vectorB, spec.element},
                                                      {"vectorC", spec.vectorC, spec.output}};
  for (auto [name, vector, type] : vectors)
    if (vector < 1 || !llvm::isPowerOf2_32(vector) || vector * bytesOf(type) > 16)
      return llvm::createStringError(name + " = " + Twine(vector) +
                                     ", expected a power of two of at most 16 bytes of elements");
  return llvm::Error::success();
}
