//===- MatmulParts.cpp - What products of matrices share --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/MatmulParts.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
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

SmallVector<PlainChoice> mad::device::plainTiles() {
  //       blockM, blockN, blockK, warpM, warpN, blocksAtOnce, parts, stages
  return {{{128, 128, 8, 64, 64, 2, 1, 2}, 256},
          {{64, 64, 32, 32, 32, 2, 2, 2}, 128},
          {{32, 32, 32, 16, 32, 4, 2, 2}, 64},
          {{16, 32, 128, 16, 32, 2, 8, 3}, 0}};
}
WarpTile mad::device::smallWarpTile() {
  WarpTile tile;
  tile.blockM = tile.blockN = 64;
  tile.warpM = tile.warpN = 32;
  tile.blocksAtOnce = 3;
  return tile;
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
  made.rowC = made.rowTotals = made.n;
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
  made.totals = made.c; // of f32
  return made;
}

Value mad::device::unknownZero(GpuBuilder &g, Value pointer, Value k) {
  // No address has the highest bit.
  auto &b = g.b;
  Value address = LLVM::PtrToIntOp::create(b, b.getI64Type(), pointer);
  Value sum = arith::AddIOp::create(b, address, g.extend(k));
  return arith::TruncIOp::create(b, b.getI32Type(), arith::ShRUIOp::create(b, sum, g.wide(63)));
}

Value mad::device::finished(GpuBuilder &g, const MatmulSpec &spec, const MatmulArguments &arguments,
                            Value sum, Value row, Value column) {
  if (spec.epilogue.apply)
    sum = spec.epilogue.apply(g, arguments.epilogue, sum, row, column);
  return g.convert(sum, spec.output);
}

/// With what the parts before have left in memory.
static Values withTotals(GpuBuilder &g, const SumPart &part, Value totals, ValueRange sums) {
  auto branch = scf::IfOp::create(g.b, sums.getTypes(), part.isFirst, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(g.b);
  g.b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(g.b, sums);
  g.b.setInsertionPointToStart(branch.elseBlock());
  Type f32 = g.b.getF32Type();
  Type type = sums.size() == 1 ? f32 : Type(g.vectorOf(sums.size(), f32));
  Values all;
  for (auto [before, sum] : llvm::zip(g.unpack(g.load(type, totals)), sums))
    all.push_back(arith::AddFOp::create(g.b, before, sum));
  scf::YieldOp::create(g.b, all);
  return Values(branch.getResults());
}

void mad::device::storeSums(GpuBuilder &g, const MatmulSpec &spec, const MatmulArguments &arguments,
                            Value row, Value column, ValueRange sums, const SumPart *part) {
  const int count = sums.size(), vector = std::min(spec.vectorC, count);
  auto store = [&](Value start, int i, ValueRange group) {
    Values values;
    for (auto [e, sum] : llvm::enumerate(group))
      values.push_back(finished(g, spec, arguments, sum, row, g.add(column, i + int(e))));
    g.store(vector == 1 ? values[0] : g.pack(values), g.at(start, spec.output, i));
  };
  Type f32 = g.b.getF32Type();
  if (!part) {
    Value start = g.at(arguments.c, spec.output, row, arguments.rowC, column);
    for (int i = 0; i < count; i += vector)
      g.when(g.less(g.add(column, i), arguments.n),
             [&] { store(start, i, sums.slice(i, vector)); });
    return;
  }
  for (int i = 0; i < count; i += vector)
    g.when(g.less(g.add(column, i), arguments.n), [&] {
      Value totals = g.at(g.at(arguments.totals, f32, row, arguments.rowTotals, column), f32, i);
      Values all = withTotals(g, *part, totals, sums.slice(i, vector));
      g.when(
          part->isLast,
          [&] { store(g.at(arguments.c, spec.output, row, arguments.rowC, column), i, all); },
          [&] { g.store(vector == 1 ? all[0] : g.pack(all), totals); });
    });
}

void mad::device::inTurn(GpuBuilder &g, ValueRange sums, int count,
                         llvm::function_ref<void(Value turn, ValueRange some)> body) {
  // Registers have no index: those of the next turn move to the front.
  g.loop(0, int(sums.size()) / count, 1, sums, [&](Value turn, ValueRange now) {
    body(turn, now.take_front(count));
    Values next(now.drop_front(count));
    llvm::append_range(next, now.take_front(count));
    return next;
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

llvm::Error mad::device::checkGroupRegisters(int groups, int copier, int multiplier) {
  // ptxas gives each thread as many as fit.
  constexpr int ofMultiprocessor = 65536, threadsOfGroup = 128;
  const int threads = (groups + 1) * threadsOfGroup;
  const int atStart = ofMultiprocessor / threads / 8 * 8 * threads;
  const int asked = (copier + groups * multiplier) * threadsOfGroup;
  if (asked <= atStart)
    return llvm::Error::success();
  return llvm::createStringError("the groups ask for " + Twine(asked) +
                                 " registers, expected at most the " + Twine(atStart) +
                                 " that the block starts with");
}

void mad::device::exchangeQuads(GpuBuilder &g, Values &words, Value t) {
  for (int mask : {1, 2}) {
    Value upper = g.equal(g.bitAnd(t, mask), mask);
    for (int i = 0; i < 4; ++i) {
      if (i & mask)
        continue;
      Value &low = words[i], &high = words[i | mask];
      Value got = g.shuffleXor(g.select(upper, low, high), mask);
      Value newLow = g.select(upper, got, low), newHigh = g.select(upper, high, got);
      low = newLow, high = newHigh;
    }
  }
}

llvm::Error mad::device::checkShared(int bytes, int most) {
  if (bytes <= most)
    return llvm::Error::success();
  return llvm::createStringError(Twine(bytes) + " bytes of shared memory, expected at most " +
                                 Twine(most));
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
