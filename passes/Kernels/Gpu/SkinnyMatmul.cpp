//===- SkinnyMatmul.cpp - Products with few rows ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What costs time is reading B, once, from memory. So the columns of C are the rows of the
// tensor cores' product, C^T = B^T A^T, and up to 8 rows of A its columns: B goes from
// memory to registers in pieces of 16 bytes a lane and straight into the product. The warps of a
// block take pieces of k in turn and add up through shared memory at the end.
//
// The products do not care in which order k is counted, as long as both factors agree. So a
// lane that has read 8 neighbouring k of one column uses them as those 8 that the product
// expects from it. Where B has neighbouring columns instead, a lane reads 8 columns of 4 k
// and pairs them up by k.
//
// Rows of A behind the last are read as the last and not stored.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/MatmulParts.h"

using namespace mlir;
using namespace mad::device;

llvm::Error mad::device::check(const SkinnyTile &tile, const MatmulSpec &spec) {
  if (llvm::Error fault = checkVectors(spec))
    return fault;
  if (!spec.element.isF16() && !spec.element.isBF16())
    return llvm::createStringError("skinny products are of f16 and bf16");
  if (spec.orderA != Order::RowMajor || spec.longestSum)
    return llvm::createStringError("skinny products need A as [M, K], and one sum over all k");
  if (spec.vectorA != 8 || spec.vectorB != 8)
    return llvm::createStringError("skinny products need rows of a multiple of 16 bytes");
  const std::tuple<StringRef, int, int, int, int> parameters[] = {{"rows", tile.rows, 8, 64, 8},
                                                                  {"warps", tile.warps, 1, 32, 1},
                                                                  {"unroll", tile.unroll, 1, 8, 1}};
  for (auto [name, value, least, most, step] : parameters)
    if (llvm::Error fault = checkParameter(name, value, least, most, step))
      return fault;
  if (tile.sharedBytes(spec.order) > 166912)
    return llvm::createStringError(Twine(tile.sharedBytes(spec.order)) +
                                   " bytes of shared memory, expected at most 166912");
  return llvm::Error::success();
}

namespace {
struct SkinnyMatmul {
  GpuBuilder &g;
  const MatmulSpec &spec;
  const SkinnyTile &tile;
  MatmulArguments arguments;
  Value lane, warp, eighth, quarter; ///< lane = 4 eighth + quarter

  bool alongK() const { return spec.order == Order::ColumnMajor; }
  /// k of one piece of B: a warp reads 32 x 16 columns, or 16 x 64.
  int piece() const { return alongK() ? 32 : 16; }
  int groups() const { return tile.rows / 8; }   ///< of rows of A
  int tiles() const { return alongK() ? 1 : 4; } ///< products of 16 columns
  Type words(int count) { return g.vectorOf(count, g.b.getI32Type()); }
  Value zeroUnless(Value inside, Value x) { return g.select(inside, x, g.zero(x.getType())); }

  /// This lane's part of the piece at k: of columns eighth and eighth + 8 along k, or of 4 k.
  Values loadB(Value k) {
    Values loaded;
    Value column0 = g.mul(g.block(), tile.columnsOfBlock(spec.order));
    if (alongK()) {
      Value at = g.add(k, g.mul(quarter, 8)), inside = g.less(at, arguments.k);
      for (int half = 0; half < 2; ++half) {
        Value column = g.min(g.add(column0, g.add(eighth, half * 8)), g.sub(arguments.n, 1));
        Value from = g.at(arguments.b, spec.element, column, arguments.rowB,
                          g.min(at, g.sub(arguments.k, 8)));
        loaded.push_back(zeroUnless(inside, g.load(words(4), from)));
      }
      return loaded;
    }
    Value column = g.min(g.add(column0, g.mul(eighth, 8)), g.sub(arguments.n, 8));
    for (int i = 0; i < 4; ++i) {
      Value at = g.add(k, g.add(g.mul(quarter, 4), i));
      Value from =
          g.at(arguments.b, spec.element, g.min(at, g.sub(arguments.k, 1)), arguments.rowB, column);
      loaded.push_back(zeroUnless(g.less(at, arguments.k), g.load(words(4), from)));
    }
    return loaded;
  }

  /// The same k of row `eighth` of a group of rows of A: words of two k.
  Values loadA(Value k, int group) {
    const int count = alongK() ? 8 : 4;
    Value row = g.min(g.add(eighth, group * 8), g.sub(arguments.m, 1));
    Value at = g.add(k, g.mul(quarter, count)), inside = g.less(at, arguments.k);
    Value from =
        g.at(arguments.a, spec.element, row, arguments.rowA, g.min(at, g.sub(arguments.k, count)));
    return g.unpack(zeroUnless(inside, g.load(words(count / 2), from)));
  }

  /// Operands of the products of a piece: 4 words each.
  SmallVector<Values> fragments(ValueRange loaded) {
    SmallVector<Values> all;
    SmallVector<Values> rows;
    for (Value x : loaded)
      rows.push_back(g.unpack(x));
    if (alongK()) {
      for (int step = 0; step < 2; ++step)
        all.push_back(
            {rows[0][2 * step], rows[1][2 * step], rows[0][2 * step + 1], rows[1][2 * step + 1]});
      return all;
    }
    // Word i of a row holds columns 2 i and 2 i + 1; the product wants pairs of k.
    for (int i = 0; i < 4; ++i) {
      auto [a0, a1] = pairs(rows[0][i], rows[1][i]);
      auto [a2, a3] = pairs(rows[2][i], rows[3][i]);
      all.push_back({a0, a1, a2, a3});
    }
    return all;
  }
  /// The low halves of two words as one word, and the high ones.
  std::pair<Value, Value> pairs(Value x, Value y) {
    Value low = g.number(0xffff);
    return {g.bitOr(g.bitAnd(x, low), g.shiftLeft(y, 16)),
            g.bitOr(g.shiftRight(x, 16), g.bitAnd(y, g.number(int64_t(0xffff0000))))};
  }

  /// Sums of one piece: a product for each step of k and group of rows, or for each 16 columns.
  void multiplyPiece(ValueRange loaded, Value k, Values &sums) {
    SmallVector<Values> left = fragments(loaded);
    for (int group = 0; group < groups(); ++group) {
      Values a = loadA(k, group);
      for (auto [i, words] : llvm::enumerate(left)) {
        const int step = alongK() ? i : 0, t = alongK() ? 0 : i;
        const int at = (t * groups() + group) * 4;
        Values now(ArrayRef<Value>(sums).slice(at, 4));
        Values result = g.multiply(spec.element, words, {a[2 * step], a[2 * step + 1]}, now);
        llvm::copy(result, sums.begin() + at);
      }
    }
  }

  Values sumsOfWarp() {
    const int stride = piece() * tile.warps * tile.unroll;
    Values none(tiles() * groups() * 4, g.f32(0));
    return g.loop(g.mul(warp, piece()), arguments.k, stride, none, [&](Value k, ValueRange now) {
      Values sums(now);
      SmallVector<Values> loaded;
      Values at;
      // All pieces are on their way before the first is used.
      for (int u = 0; u < tile.unroll; ++u) {
        at.push_back(g.add(k, u * piece() * tile.warps));
        loaded.push_back(loadB(at.back()));
      }
      for (int u = 0; u < tile.unroll; ++u)
        multiplyPiece(loaded[u], at[u], sums);
      return sums;
    });
  }

  /// Column of C, in the block, of row `half` * 8 + eighth of product t.
  Value columnOf(int t, int half) {
    return alongK() ? g.add(eighth, half * 8) : g.add(g.mul(eighth, 8), 2 * t + half);
  }

  void write() {
    warp = g.div(g.thread(), lanesOfWarp), lane = g.rem(g.thread(), lanesOfWarp);
    eighth = g.div(lane, 4), quarter = g.rem(lane, 4);
    Type f32 = g.b.getF32Type();
    const int columns = tile.columnsOfBlock(spec.order), ofWarp = columns * tile.rows;
    Values sums = sumsOfWarp();
    Value mine = g.at(g.shared(), f32, g.mul(warp, ofWarp));
    for (int t = 0; t < tiles(); ++t)
      for (int group = 0; group < groups(); ++group)
        for (int e = 0; e < 4; ++e) {
          Value row = g.add(g.mul(quarter, 2), group * 8 + e % 2);
          g.store(sums[(t * groups() + group) * 4 + e],
                  g.at(mine, f32, g.add(g.mul(row, columns), columnOf(t, e / 2))));
        }
    g.barrier();
    g.loop(g.thread(), ofWarp, tile.threads(), {}, [&](Value i, ValueRange) -> Values {
      Value row = g.div(i, columns);
      Value column = g.add(g.mul(g.block(), columns), g.rem(i, columns));
      g.when(g.both(g.less(row, arguments.m), g.less(column, arguments.n)), [&] {
        Value from = g.at(g.shared(), f32, i), sum = g.load(f32, from);
        for (int w = 1; w < tile.warps; ++w)
          sum = arith::AddFOp::create(g.b, sum, g.load(f32, g.at(from, f32, w * ofWarp)));
        g.store(finished(g, spec, arguments, sum, row, column),
                g.at(arguments.c, spec.output, row, arguments.rowC, column));
      });
      return {};
    });
  }
};
} // namespace

void mad::device::writeSkinnyMatmul(GpuBuilder &g, const MatmulSpec &spec, const SkinnyTile &tile,
                                    const MatmulArguments &arguments) {
  SkinnyMatmul{g, spec, tile, arguments, {}, {}, {}, {}}.write();
}

llvm::Expected<Kernel> mad::device::makeSkinnyMatmul(gpu::GPUModuleOp module, StringRef name,
                                                     const MatmulSpec &spec,
                                                     const SkinnyTile &tile) {
  if (llvm::Error fault = check(tile, spec))
    return std::move(fault);
  KernelSignature signature;
  signature.name = name.str();
  signature.threads = tile.threads();
  signature.sharedBytes = tile.sharedBytes(spec.order);
  signature.arguments = matmulTypes(module.getContext(), spec, /*batched=*/false);
  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange arguments) {
    writeSkinnyMatmul(g, spec, tile, matmulArguments(g, spec, arguments, /*batched=*/false));
  });
}
