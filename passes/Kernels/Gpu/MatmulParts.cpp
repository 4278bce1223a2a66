//===- MatmulParts.cpp - What products of matrices share --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/MatmulParts.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
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

MatmulArguments mad::device::matmulArguments(GpuBuilder &g, const MatmulSpec &spec, ValueRange all,
                                             bool batched) {
  const size_t strides = batched ? 3 : 0;
  MatmulArguments made;
  made.a = all[0], made.b = all[1], made.c = all[2];
  made.m = all[3], made.n = all[4], made.k = all[5];
  made.rowA = spec.orderA == Order::RowMajor ? made.k : made.m;
  made.rowB = spec.order == Order::RowMajor ? made.n : made.k;
  made.rowC = made.n;
  made.epilogue = all.drop_front(6 + strides);
  if (!batched)
    return made;
  Value z = g.extend(g.block(2));
  auto move = [&](Value &pointer, Type type, Value stride) {
    pointer = g.at(pointer, type, Number(g.b.createOrFold<arith::MulIOp>(z, stride)));
  };
  move(made.a, spec.element, all[6]);
  move(made.b, spec.element, all[7]);
  move(made.c, spec.output, all[8]);
  return made;
}

/// Places outside are read at the nearest one inside; what comes of it is not stored.
static Values withTotals(GpuBuilder &g, const MatmulArguments &arguments, ArrayRef<SumPlace> places,
                         ValueRange sums) {
  Type f32 = g.b.getF32Type();
  Values all;
  for (auto [place, sum] : llvm::zip(places, sums)) {
    Value row = g.min(place.row, g.sub(arguments.m, 1));
    Value column = g.min(place.column, g.sub(arguments.n, 1));
    Value from = g.at(arguments.totals, f32, row, arguments.rowTotals, Number(column));
    all.push_back(arith::AddFOp::create(g.b, g.load(f32, from), sum));
  }
  return all;
}

void mad::device::finishSums(GpuBuilder &g, const MatmulArguments &arguments, Value isFirst,
                             Value end, ArrayRef<SumPlace> places, ValueRange sums,
                             llvm::function_ref<void(ValueRange)> last) {
  auto branch = scf::IfOp::create(g.b, sums.getTypes(), isFirst, /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(g.b);
    g.b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(g.b, sums);
    g.b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(g.b, withTotals(g, arguments, places, sums));
  }
  Values all(branch.getResults());
  g.when(
      g.less(end, arguments.k),
      [&] {
        Type f32 = g.b.getF32Type();
        for (auto [place, sum] : llvm::zip(places, all))
          g.when(g.both(g.less(place.row, arguments.m), g.less(place.column, arguments.n)), [&] {
            g.store(sum, g.at(arguments.totals, f32, place.row, arguments.rowTotals,
                              Number(place.column)));
          });
      },
      [&] { last(all); });
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
  Value start = g.at(arguments.c, spec.output, row, arguments.rowC, column);
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
