//===- WarpMatmul.cpp - Products on tensor cores, a warp at a time ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tiles of both factors go to shared memory in the background, `stages` of them in a ring.
// For each tile of k: wait until it is there, meet the other warps (they are done with the
// tile before), start the copy of the one `stages - 1` further on, multiply.
//
// A row of a tile is cut into chunks of 16 bytes, whose places in the row are permuted by
// an XOR with bits of the row's number, so that eight rows of one column of chunks lie in
// different banks, for the copies and for ldmatrix.
//
// Rows and columns outside of the matrices are read at the nearest place inside and not stored;
// where k lies outside, copies write zeros. An f32 becomes the nearest tf32 by adding half of the
// last place that is left: the hardware ignores the bits behind. A NaN may become another
// number by that; tf32 is for code that was promised that there are none.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/MatmulParts.h"

using namespace mlir;
using namespace mad::device;

static llvm::Error checkElements(const MatmulSpec &spec) {
  if (spec.element.isF16() || spec.element.isBF16() || spec.element.isF32())
    return llvm::Error::success();
  return llvm::createStringError("tensor cores multiply f16, bf16 and f32 as tf32");
}

llvm::Error mad::device::check(const WarpTile &tile, const MatmulSpec &spec) {
  if (llvm::Error fault = checkVectors(spec))
    return fault;
  if (llvm::Error fault = checkElements(spec))
    return fault;
  if (spec.orderA != Order::RowMajor)
    return llvm::createStringError("tensor cores by warp need A as [M, K]");
  if (spec.longestSum % tile.blockK)
    return llvm::createStringError("longestSum = " + Twine(spec.longestSum) +
                                   ", expected a multiple of blockK = " + Twine(tile.blockK));
  const int bytes = bytesOf(spec.element), chunk = 16 / bytes;
  const std::tuple<StringRef, int, int, int, int> parameters[] = {
      {"warpM", tile.warpM, 16, 128, 16},
      {"warpN", tile.warpN, 16, 128, 16},
      {"blockM", tile.blockM, tile.warpM, 256, tile.warpM},
      {"blockN", tile.blockN, std::max(tile.warpN, 8 * chunk), 256, tile.warpN},
      {"blockK", tile.blockK, 4 * chunk, 16 * chunk, 4 * chunk},
      {"stages", tile.stages, 2, 8, 1}};
  for (auto [name, value, least, most, step] : parameters)
    if (llvm::Error fault = checkParameter(name, value, least, most, step))
      return fault;
  if (llvm::Error fault = checkParameter("threads", tile.threads(), 32, 1024, 32))
    return fault;
  // The XOR permutes a power of two of chunks.
  for (auto [name, extent] : {std::pair("blockN", tile.blockN), std::pair("blockK", tile.blockK)})
    if (!llvm::isPowerOf2_32(extent))
      return llvm::createStringError(Twine(name) + " = " + Twine(extent) +
                                     ", expected a power of two");
  for (auto [name, extent] : {std::pair("blockM", tile.blockM), std::pair("blockN", tile.blockN)})
    if (extent * tile.blockK % (chunk * tile.threads()))
      return llvm::createStringError(Twine(name) + " * blockK = " + Twine(extent * tile.blockK) +
                                     ", expected a multiple of 16 bytes for each of " +
                                     Twine(tile.threads()) + " threads");
  if (llvm::Error fault = checkRegisters(tile.registers(), tile.threads(), tile.blocksAtOnce))
    return fault;
  return checkShared(tile.sharedBytes(bytes), sharedOfSm80);
}

namespace {
/// One factor: where its chunks come from and where they lie.
struct Source {
  GpuBuilder &g;
  Type element;
  int threads, vector;
  Value pointer, slowSize, fastSize, stride;
  Value firstSlow, firstFast; ///< place in memory of the tile at k = 0
  int slow, fast;             ///< extents of a tile
  int sharedAt;
  bool fastIsK;

  int chunk() const { return 16 / bytesOf(element); }
  int chunksOfRow() const { return fast / chunk(); }
  int copies() const { return slow * chunksOfRow() / threads; }

  /// Where a chunk of a row lies in the tile, in bytes.
  Value place(Value row, Value column) {
    const int chunks = chunksOfRow();
    Value bits = chunks == 4 ? g.shiftRight(row, 1) : row;
    // Words of f32 with k as the slow index are read one by one, by lanes with 4 rows and 8
    // columns, which are two chunks.
    if (bytesOf(element) == 4 && !fastIsK)
      bits = g.shiftLeft(g.bitAnd(row, 3), 1);
    Value permuted = g.bitXor(column, g.bitAnd(bits, std::min(chunks, 8) - 1));
    return g.add(g.mul(g.add(g.mul(row, chunks), permuted), 16), sharedAt);
  }

  /// Starts the copies of this thread for the tile at k.
  void copy(Value stage, Value k, Value sizeK) {
    for (int i = 0; i < copies(); ++i) {
      Value number = g.add(g.thread(), i * threads);
      Value row = g.div(number, chunksOfRow()), column = g.rem(number, chunksOfRow());
      Value to = g.bytesAt(g.shared(), g.add(stage, place(row, column)));
      Value slowAt = g.add(fastIsK ? firstSlow : k, row);
      Value fastAt = g.add(fastIsK ? k : firstFast, g.mul(column, chunk()));
      copyChunk(to, slowAt, fastAt, sizeK);
    }
  }

  /// A chunk in pieces of the width that memory has.
  void copyChunk(Value to, Value slowAt, Value fastAt, Value sizeK) {
    const int bytes = vector * bytesOf(element);
    Value rowInside = g.min(slowAt, g.sub(slowSize, 1));
    Values elements;
    for (int part = 0; part < chunk(); part += vector) {
      Value at = g.add(fastAt, part);
      Value inside = g.less(fastIsK ? at : slowAt, sizeK);
      Value from = g.at(pointer, element, rowInside, stride, g.min(at, g.sub(fastSize, vector)));
      if (bytes >= 4)
        g.copyAsync(g.bytesAt(to, part * bytesOf(element)), from, bytes,
                    g.select(inside, g.number(bytes), g.number(0)));
      else
        elements.push_back(g.select(inside, g.load(element, from), g.zero(element)));
    }
    // No copy in the background is as narrow as one element of 16 bits.
    if (!elements.empty())
      g.store(g.pack(elements), to);
  }
};

struct WarpMatmul {
  GpuBuilder &g;
  const MatmulSpec &spec;
  const WarpTile &tile;
  MatmulArguments arguments;
  Value lane, warpRow, warpColumn;

  WarpMatmul(GpuBuilder &g, const MatmulSpec &spec, const WarpTile &tile, MatmulArguments arguments)
      : g(g), spec(spec), tile(tile), arguments(arguments) {
    Value warp = g.div(g.thread(), lanesOfWarp);
    lane = g.rem(g.thread(), lanesOfWarp);
    const int warpsAcross = tile.blockN / tile.warpN;
    warpRow = g.mul(g.div(warp, warpsAcross), tile.warpM);
    warpColumn = g.mul(g.rem(warp, warpsAcross), tile.warpN);
  }

  int bytes() const { return bytesOf(spec.element); }
  int stageBytes() const { return (tile.blockM + tile.blockN) * tile.blockK * bytes(); }
  bool transposed() const { return spec.order == Order::ColumnMajor; }

  Source rows() {
    return {g,
            spec.element,
            tile.threads(),
            spec.vectorA,
            arguments.a,
            arguments.m,
            arguments.k,
            arguments.rowA,
            g.mul(g.block(1), tile.blockM),
            g.number(0),
            tile.blockM,
            tile.blockK,
            0,
            true};
  }
  Source columns() {
    Value first = g.mul(g.block(0), tile.blockN), none = g.number(0);
    const int at = tile.blockM * tile.blockK * bytes();
    if (transposed())
      return {g,           spec.element, tile.threads(), spec.vectorB,
              arguments.b, arguments.n,  arguments.k,    arguments.rowB,
              first,       none,         tile.blockN,    tile.blockK,
              at,          true};
    return {g,           spec.element,   tile.threads(), spec.vectorB, arguments.b, arguments.k,
            arguments.n, arguments.rowB, none,           first,        tile.blockK, tile.blockN,
            at,          false};
  }

  /// Words of f32 to the nearest tf32.
  Values rounded(Values words) {
    if (bytes() == 4)
      for (Value &word : words)
        word = arith::AddIOp::create(g.b, word, g.number(0x1000));
    return words;
  }

  /// 16 rows of A over 32 bytes of k.
  Values fragmentA(Source &a, Value stage, int i, int step) {
    Value row = g.add(g.add(warpRow, g.rem(lane, 16)), i * 16);
    Value chunk = g.add(g.div(lane, 16), step * 2);
    return rounded(g.loadMatrices(g.bytesAt(g.shared(), g.add(stage, a.place(row, chunk))), false));
  }

  /// 16 columns of B over 32 bytes of k: two words of the first 8, two of the others.
  Values fragmentB(Source &b, Value stage, int j, int step) {
    if (!transposed() && bytes() == 4)
      return rounded(wordsOfB(b, stage, j, step));
    Value row, chunk;
    if (transposed()) {
      Value half = g.mul(g.div(lane, 16), 8);
      row = g.add(g.add(warpColumn, g.add(half, g.rem(lane, 8))), j * 16);
      chunk = g.add(g.rem(g.div(lane, 8), 2), step * 2);
    } else {
      row = g.add(g.rem(lane, 16), step * 16);
      chunk = g.add(g.add(g.div(warpColumn, 8), g.div(lane, 16)), j * 2);
    }
    Value from = g.bytesAt(g.shared(), g.add(stage, b.place(row, chunk)));
    return rounded(g.loadMatrices(from, /*transposed=*/!transposed()));
  }

  /// The same of f32, which ldmatrix cannot transpose.
  Values wordsOfB(Source &b, Value stage, int j, int step) {
    Values words;
    for (int half = 0; half < 2; ++half)
      for (int part = 0; part < 2; ++part) {
        Value row = g.add(g.rem(lane, 4), step * 8 + part * 4);
        Value column = g.add(g.add(warpColumn, g.div(lane, 4)), j * 16 + half * 8);
        Value place = b.place(row, g.div(column, 4));
        Value from = g.bytesAt(g.shared(), g.add(g.add(stage, place), g.mul(g.rem(column, 4), 4)));
        words.push_back(g.load(g.b.getI32Type(), from));
      }
    return words;
  }

  void multiplyTile(Source &a, Source &b, Value stage, Values &sums) {
    const int height = tile.warpM / 16, width = tile.warpN / 8;
    for (int step = 0; step < tile.blockK * bytes() / 32; ++step) {
      SmallVector<Values> left, right;
      for (int i = 0; i < height; ++i)
        left.push_back(fragmentA(a, stage, i, step));
      for (int j = 0; j < width / 2; ++j) {
        Values words = fragmentB(b, stage, j, step);
        right.push_back({words[0], words[1]});
        right.push_back({words[2], words[3]});
      }
      for (int i = 0; i < height; ++i)
        for (int j = 0; j < width; ++j) {
          const int at = (i * width + j) * 4;
          Values now(ArrayRef<Value>(sums).slice(at, 4));
          llvm::copy(g.multiply(spec.element, left[i], right[j], now), sums.begin() + at);
        }
    }
  }

  void store(std::pair<Value, Value> first, ValueRange sums, const SumPart *part = nullptr) {
    const int height = tile.warpM / 16, width = tile.warpN / 8;
    auto storeRows = [&](Value firstRow, ValueRange some) {
      for (int half = 0; half < 2; ++half) {
        Value row = g.add(firstRow, half * 8);
        g.when(g.less(row, arguments.m), [&] {
          for (int j = 0; j < width; ++j)
            storeSums(g, spec, arguments, row, g.add(first.second, j * 8),
                      some.slice(j * 4 + half * 2, 2), part);
        });
      }
    };
    if (spec.epilogue.isLong)
      return inTurn(g, sums, width * 4, [&](Value i, ValueRange some) {
        storeRows(g.add(first.first, g.mul(i, 16)), some);
      });
    for (int i = 0; i < height; ++i)
      storeRows(g.add(first.first, i * 16), sums.slice(i * width * 4, width * 4));
  }

  Value nextStage(Value stage) {
    Value next = g.add(stage, stageBytes());
    return g.select(g.equal(next, tile.stages * stageBytes()), g.number(0), next);
  }

  /// Row and column of the first sum of this thread.
  std::pair<Value, Value> place() {
    return {g.add(g.add(g.mul(g.block(1), tile.blockM), warpRow), g.div(lane, 4)),
            g.add(g.add(g.mul(g.block(0), tile.blockN), warpColumn), g.mul(g.rem(lane, 4), 2))};
  }

  void write() {
    Source a = rows(), b = columns();
    // A group is ended also where there is nothing to copy: groups are counted.
    auto start = [&](Value stage, Value k) {
      g.when(g.less(k, arguments.k), [&] {
        a.copy(stage, k, arguments.k);
        b.copy(stage, k, arguments.k);
      });
      g.commitCopies();
    };
    for (int i = 0; i < tile.stages - 1; ++i)
      start(g.number(i * stageBytes()), g.number(i * tile.blockK));
    // The stages that are read and filled next, and the sums of k from `from` to `to`.
    auto sumsOf = [&](Number from, Value to, Value read, Value filled) {
      Values carried{read, filled};
      carried.append(tile.warpM * tile.warpN / lanesOfWarp, g.f32(0));
      return g.loop(from, to, tile.blockK, carried, [&](Value k, ValueRange now) -> Values {
        g.waitCopies(tile.stages - 2);
        g.barrier();
        start(now[1], g.add(k, (tile.stages - 1) * tile.blockK));
        Values sums(now.drop_front(2));
        multiplyTile(a, b, now[0], sums);
        Values next{nextStage(now[0]), nextStage(now[1])};
        next.append(sums);
        return next;
      });
    };
    Value first = g.number(0), filled = g.number((tile.stages - 1) * stageBytes());
    if (!spec.longestSum) {
      Values results = sumsOf(0, arguments.k, first, filled);
      store(place(), ValueRange(results).drop_front(2));
      return;
    }
    auto origin = place();
    g.loop(0, arguments.k, spec.longestSum, {first, filled},
           [&](Value from, ValueRange stages) -> Values {
             Value end = g.min(g.add(from, spec.longestSum), arguments.k);
             Values results = sumsOf(from, end, stages[0], stages[1]);
             Value zero = unknownZero(g, arguments.totals, from);
             SumPart part{g.equal(from, 0), g.equal(end, arguments.k)};
             store({g.add(origin.first, zero), g.add(origin.second, zero)},
                   ValueRange(results).drop_front(2), &part);
             return {results[0], results[1]};
           });
  }
};
} // namespace

void mad::device::writeWarpMatmul(GpuBuilder &g, const MatmulSpec &spec, const WarpTile &tile,
                                  const MatmulArguments &arguments) {
  WarpMatmul(g, spec, tile, arguments).write();
}

llvm::Expected<Kernel> mad::device::makeWarpMatmul(gpu::GPUModuleOp module, StringRef name,
                                                   const MatmulSpec &spec, const WarpTile &tile) {
  if (llvm::Error fault = check(tile, spec))
    return std::move(fault);
  KernelSignature signature;
  signature.name = name.str();
  signature.threads = tile.threads();
  signature.blocksAtOnce = tile.blocksAtOnce;
  signature.sharedBytes = tile.sharedBytes(bytesOf(spec.element));
  signature.arguments = matmulTypes(module.getContext(), spec, /*batched=*/true);
  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange arguments) {
    writeWarpMatmul(g, spec, tile, matmulArguments(g, spec, arguments, /*batched=*/true));
  });
}
