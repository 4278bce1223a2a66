//===- WarpAttention.cpp - Attention on tensor cores, a warp at a time ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// As in FlashAttention-2 (Dao, 2023): warps have rows of their own and share the tiles of K and V,
// of which the next is on its way while one is computed. A lane has four scores of each 16 x 8
// tile, two neighbours in each of two rows, which is also how it must have the left factor of a
// product of 16 columns: powers become that without moving.
//
// Powers are 2^(score log2(e) - base log2(e)), one multiply-add and one instruction. The sum of
// powers is kept by each lane for its own columns and added up at the end.
//
// Chunks of 16 bytes of a row lie permuted by an XOR with the row's number, as in WarpMatmul.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Kernels/Gpu/AttentionParts.h"
#include "passes/Kernels/Gpu/MatmulParts.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;
using namespace mad::device;

WarpAttentionTile mad::device::warpAttentionTile(int width, int vector) {
  WarpAttentionTile tile;
  tile.queryInRegisters = width <= 64 && vector > 1;
  if (width > 64 || vector == 1)
    tile.keysOfTile = 32;
  if (width > 128) {
    tile.rowsOfWarp = 16;
    tile.keysOfTile = 32;
  }
  return tile;
}

WarpAttentionTile mad::device::fewRowsAttentionTile(int width, int vector) {
  WarpAttentionTile tile = warpAttentionTile(width, vector);
  tile.rowsOfWarp = 16;
  tile.warps = 1;
  tile.stages = 3;
  return tile;
}

llvm::Error mad::device::check(const WarpAttentionTile &tile, const AttentionSpec &spec) {
  if (!spec.element.isF16() && !spec.element.isBF16())
    return llvm::createStringError("tensor cores by warp need elements of f16 or bf16");
  const std::tuple<StringRef, int, int, int, int> parameters[] = {
      {"rowsOfWarp", tile.rowsOfWarp, 16, 64, 16},
      {"warps", tile.warps, 1, 16, 1},
      {"keysOfTile", tile.keysOfTile, 16, 256, 16},
      {"stages", tile.stages, 2, 4, 1},
      {"width", spec.width, 1, 256, 1},
      {"widthV", spec.widthV, 1, 256, 1},
      {"vectorQ", spec.vectorQ, 1, 8, 1},
      {"vectorK", spec.vectorK, 1, 8, 1},
      {"vectorV", spec.vectorV, 1, 8, 1}};
  for (auto [name, value, least, most, step] : parameters)
    if (llvm::Error fault = checkParameter(name, value, least, most, step))
      return fault;
  if (llvm::Error fault = checkRegisters(tile.registers(spec), tile.threads(), tile.blocksAtOnce))
    return fault;
  return checkShared(tile.sharedBytes(spec), sharedOfSm80);
}

namespace {
constexpr double log2e = 1.4426950408889634;

struct WarpAttention {
  GpuBuilder &g;
  const AttentionSpec &spec;
  const WarpAttentionTile &tile;
  const AttentionArguments &arguments;
  Value first; ///< row of the block
  Value lane, warp;
  Type f32, i32, element;
  SmallVector<RowValues> rows; ///< of this lane: two of each 16
  Values seen;                 ///< keys of each of them
  SmallVector<Values> query;   ///< fragments, where they stay in registers

  WarpAttention(GpuBuilder &g, const AttentionSpec &spec, const WarpAttentionTile &tile,
                const AttentionArguments &arguments, Value first)
      : g(g), spec(spec), tile(tile), arguments(arguments), first(first) {
    lane = g.rem(g.thread(), lanesOfWarp);
    warp = g.div(g.thread(), lanesOfWarp);
    f32 = g.b.getF32Type(), i32 = g.b.getI32Type(), element = spec.element;
  }

  int height() const { return tile.rowsOfWarp / 16; }
  int steps() const { return tile.padded(spec.width) / 16; }   ///< of the first product
  int columns() const { return tile.padded(spec.widthV) / 8; } ///< of the result, by 8
  int ofTile() const { return tile.keysOfTile / 8; }           ///< scores, by 8
  int queryBytes() const { return tile.rowsOfBlock() * tile.bytesOfRow(spec.width); }
  int bytesOfK() const { return tile.keysOfTile * tile.bytesOfRow(spec.width); }
  Value add(Value x, Value y) { return arith::AddFOp::create(g.b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(g.b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(g.b, x, y); }
  Value inside(Value row) { return g.min(row, g.sub(arguments.rows, 1)); }

  //===- Shared memory ------------------------------------------------------===//

  /// Where a chunk of a row lies, in bytes.
  Value placeOf(Value row, Value chunk, int width) {
    const int chunks = tile.bytesOfRow(width) / 16;
    Value bits = chunks == 4 ? g.shiftRight(row, 1) : row;
    Value permuted = g.bitXor(chunk, g.bitAnd(bits, std::min(chunks, 8) - 1));
    return g.mul(g.add(g.mul(row, chunks), permuted), 16);
  }

  /// Starts the copies of `count` rows; `rowAt` gives the start of row `start` + a constant, if it
  /// exists, or what to read in its place.
  void copyRows(Value to, int count, int width, int vector,
                llvm::function_ref<std::pair<Value, Value>(Value start, int more)> rowAt) {
    const int chunks = tile.padded(width) / 8, all = count * chunks;
    const int rowsAtOnce = tile.threads() / chunks;
    // Rows further on by so many lie at a constant distance.
    const bool even = tile.threads() % chunks == 0 && rowsAtOnce % 8 == 0;
    Value row0 = g.div(g.thread(), chunks), chunk0 = g.rem(g.thread(), chunks);
    Value place0 = placeOf(row0, chunk0, width);
    for (int start = 0; start < all; start += tile.threads()) {
      Value number = g.add(g.thread(), start);
      auto copy = [&] {
        Value row = even ? row0 : g.div(number, chunks);
        Value chunk = even ? chunk0 : g.rem(number, chunks);
        const int more = even ? start / chunks : 0;
        Value place =
            even ? g.add(place0, more * tile.bytesOfRow(width)) : placeOf(row, chunk, width);
        auto [from, exists] = rowAt(row, more);
        copyChunk(g.bytesAt(to, place), from, g.mul(chunk, 8), exists, width, vector);
      };
      if (start + tile.threads() <= all)
        copy();
      else
        g.when(g.less(number, all), copy);
    }
  }

  /// In pieces of the width that memory has; zeros where there is nothing.
  void copyChunk(Value to, Value from, Value column, Value exists, int width, int vector) {
    Values single;
    for (int e = 0; e < 8; e += vector) {
      Value at = g.add(column, e), there = exists;
      if (tile.padded(width) != width) {
        Value isColumn = g.less(at, width);
        there = there ? g.both(there, isColumn) : isColumn;
        at = g.min(at, width - vector);
      }
      Value source = g.at(from, element, at);
      if (vector > 1)
        g.copyAsync(g.bytesAt(to, e * 2), source, vector * 2,
                    there ? g.select(there, g.number(vector * 2), g.number(0)) : Value());
      else
        single.push_back(there ? g.select(there, g.load(element, source), g.zero(element))
                               : g.load(element, source));
    }
    if (!single.empty())
      g.store(g.pack(single), to);
  }

  void copyQuery() {
    copyRows(g.shared(), tile.rowsOfBlock(), spec.width, spec.vectorQ,
             [&](Value row, int more) -> std::pair<Value, Value> {
               Value at = inside(g.add(g.add(first, row), more));
               return {spec.query(g, spec.row(g, at)), Value()};
             });
  }
  void copyTile(Value stage, Value key) {
    Value to = g.bytesAt(g.shared(), stage), toV = g.bytesAt(to, bytesOfK());
    auto copy = [&](auto rowsOf) {
      copyRows(to, tile.keysOfTile, spec.width, spec.vectorK, rowsOf(arguments.k, arguments.rowK));
      copyRows(toV, tile.keysOfTile, spec.widthV, spec.vectorV,
               rowsOf(arguments.v, arguments.rowV));
    };
    g.when(
        g.less(arguments.keys, g.add(key, tile.keysOfTile)),
        [&] {
          copy([&](Value pointer, Value stride) {
            return [=, this](Value row, int more) -> std::pair<Value, Value> {
              Value at = g.add(g.add(key, row), more);
              Value source = g.min(at, g.sub(arguments.keys, 1));
              return {g.at(pointer, element, source, stride, 0), g.less(at, arguments.keys)};
            };
          });
        },
        [&] {
          // All keys exist: from one row to the next by one sum.
          copy([&](Value pointer, Value stride) {
            return [=, this, last = Value(), at = 0](Value row,
                                                     int more) mutable -> std::pair<Value, Value> {
              if (!last || more == 0)
                last = g.at(pointer, element, g.add(key, row), stride, 0);
              else
                last = g.at(last, element, g.extend(g.mul(stride, more - at)));
              at = more;
              return {last, Value()};
            };
          });
        });
  }

  //===- Fragments ----------------------------------------------------------===//

  // A step of 16 columns is two chunks: in the place an XOR with 32 bytes for each, since rows of a
  // tile begin at multiples of their size. 16 rows further on is a constant distance.
  Value stepped(Value place, int step, int bytes) {
    return g.bytesAt(g.bytesAt(g.shared(), g.bitXor(place, step * 32)), bytes);
  }

  /// 16 rows of Q, 16 of its columns.
  Values queryFragment(int i, int step) {
    Value row = g.add(g.mul(warp, tile.rowsOfWarp), g.rem(lane, 16));
    Value place = placeOf(row, g.div(lane, 16), spec.width);
    return g.loadMatrices(stepped(place, step, i * 16 * tile.bytesOfRow(spec.width)), false);
  }
  /// 16 keys, 16 columns: two words of the first 8 keys, two of the others.
  Values keyFragment(Value stage, int j, int step) {
    Value row = g.add(g.mul(g.div(lane, 16), 8), g.rem(lane, 8));
    Value place = g.add(stage, placeOf(row, g.rem(g.div(lane, 8), 2), spec.width));
    return g.loadMatrices(stepped(place, step, j * 16 * tile.bytesOfRow(spec.width)), false);
  }
  /// 16 columns of V, 16 keys.
  Values valueFragment(Value stage, int j, int step) {
    Value place = placeOf(g.rem(lane, 16), g.div(lane, 16), spec.widthV);
    place = g.add(g.add(stage, bytesOfK()), place);
    return g.loadMatrices(stepped(place, j, step * 16 * tile.bytesOfRow(spec.widthV)), true);
  }
  Value pair(Value x, Value y) {
    Type narrow = g.vectorOf(2, element);
    return g.bits(arith::TruncFOp::create(g.b, narrow, g.pack({x, y})), i32);
  }

  /// All scores of a tile, 4 for each 16 x 8 of them.
  Values scores(Value stage, Value key) {
    Values sums(height() * ofTile() * 4, g.f32(0));
    for (int step = 0; step < steps(); ++step) {
      SmallVector<Values> left;
      for (int i = 0; i < height(); ++i)
        left.push_back(tile.queryInRegisters ? query[i * steps() + step] : queryFragment(i, step));
      for (int j = 0; j < ofTile() / 2; ++j) {
        Values words = keyFragment(stage, j, step);
        for (int i = 0; i < height(); ++i)
          for (int half = 0; half < 2; ++half)
            multiply(sums, (i * ofTile() + 2 * j + half) * 4, left[i],
                     {words[2 * half], words[2 * half + 1]});
      }
    }
    for (int i = 0; i < height() && spec.score; ++i)
      for (int j = 0; j < ofTile(); ++j)
        for (int e = 0; e < 4; ++e) {
          Value &sum = sums[(i * ofTile() + j) * 4 + e];
          Value column = g.min(columnOf(key, j, e), g.sub(arguments.keys, 1));
          sum = spec.score(g, rows[2 * i + e / 2], sum, column);
        }
    return sums;
  }
  Value columnOf(Value key, int j, int e) {
    return g.add(g.add(key, g.mul(g.rem(lane, 4), 2)), j * 8 + e % 2);
  }
  void multiply(Values &sums, int at, ValueRange left, ValueRange right) {
    Values now(ArrayRef<Value>(sums).slice(at, 4));
    llvm::copy(g.multiply(element, left, right, now), sums.begin() + at);
  }

  /// -inf for keys that a row does not see: only where a tile has such.
  void hide(Values &sums, Value key) {
    Value end = g.add(key, tile.keysOfTile);
    // Rows see no fewer than those before them: the first of the warp the least.
    Value least = keysOf(g, spec, spec.row(g, inside(g.add(first, g.mul(warp, tile.rowsOfWarp)))),
                         arguments.keys);
    Value crosses = g.less(least, end);
    SmallVector<Type> types(sums.size(), f32);
    auto branch = scf::IfOp::create(g.b, types, crosses, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(g.b);
    g.b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(g.b, sums);
    g.b.setInsertionPointToStart(branch.thenBlock());
    Values hidden(sums);
    for (int i = 0; i < height(); ++i)
      for (int j = 0; j < ofTile(); ++j)
        for (int e = 0; e < 4; ++e) {
          Value &sum = hidden[(i * ofTile() + j) * 4 + e];
          sum = g.select(g.less(columnOf(key, j, e), seen[2 * i + e / 2]), sum, g.f32(-INFINITY));
        }
    scf::YieldOp::create(g.b, hidden);
    sums = Values(branch.getResults());
  }

  //===- What is carried: for each row the largest score and the sum, then the result --===//

  int ofRows() const { return 4 * height(); }
  int ofResult() const { return height() * columns() * 4; }

  void addTile(Value stage, Value key, MutableArrayRef<Value> carried) {
    Values all = scores(stage, key);
    hide(all, key);
    for (int i = 0; i < height(); ++i)
      for (int half = 0; half < 2; ++half)
        toPowers(all, i, half, carried);
    Values result(carried.drop_front(ofRows()));
    for (int step = 0; step < tile.keysOfTile / 16; ++step) {
      SmallVector<Values> left;
      for (int i = 0; i < height(); ++i) {
        ArrayRef<Value> p = ArrayRef<Value>(all).slice((i * ofTile() + 2 * step) * 4, 8);
        left.push_back({pair(p[0], p[1]), pair(p[2], p[3]), pair(p[4], p[5]), pair(p[6], p[7])});
      }
      for (int j = 0; j < columns() / 2; ++j) {
        Values words = valueFragment(stage, j, step);
        for (int i = 0; i < height(); ++i)
          for (int half = 0; half < 2; ++half)
            multiply(result, (i * columns() + 2 * j + half) * 4, left[i],
                     {words[2 * half], words[2 * half + 1]});
      }
    }
    llvm::copy(result, carried.drop_front(ofRows()).begin());
  }

  /// Powers in place of the scores of a row of this lane; what was there before is scaled.
  void toPowers(Values &all, int i, int half, MutableArrayRef<Value> carried) {
    auto scoreAt = [&](int j, int e) -> Value & {
      return all[(i * ofTile() + j) * 4 + half * 2 + e];
    };
    Value &most = carried[(2 * i + half) * 2], &sum = carried[(2 * i + half) * 2 + 1];
    Value now = most;
    for (int j = 0; j < ofTile(); ++j)
      for (int e = 0; e < 2; ++e)
        now = maximum(g, now, scoreAt(j, e));
    // The four lanes of a row.
    for (int mask : {1, 2})
      now = maximum(g, now, g.shuffleXor(now, mask));
    Value base = baseOfScores(g, now), by = g.f32(log2e);
    if (!spec.score)
      by = mul(spec.scale, by);
    Value minus = sub(g.f32(0), mul(base, by));
    Value factor = g.exp2(g.fma(most, by, minus));
    most = now;
    sum = mul(sum, factor);
    for (int j = 0; j < ofTile(); ++j)
      for (int e = 0; e < 2; ++e) {
        Value &x = scoreAt(j, e);
        x = g.exp2(g.fma(x, by, minus));
        sum = add(sum, x);
      }
    for (int j = 0; j < columns(); ++j)
      for (int e = 0; e < 2; ++e) {
        Value &x = carried[ofRows() + (i * columns() + j) * 4 + half * 2 + e];
        x = mul(x, factor);
      }
  }

  Value nextStage(Value stage) {
    Value next = g.add(stage, tile.stageBytes(spec));
    return g.select(g.equal(next, queryBytes() + tile.stages * tile.stageBytes(spec)),
                    g.number(queryBytes()), next);
  }

  Values sumsOfBlock() {
    Value keys = arguments.keys, begin = arguments.begin ? arguments.begin : g.number(0);
    if (spec.seen)
      keys = keysOf(g, spec, spec.row(g, inside(g.add(first, tile.rowsOfBlock() - 1))), keys);
    auto start = [&](Value stage, Value key) {
      g.when(g.less(key, keys), [&] { copyTile(stage, key); });
      g.commitCopies(); // also where there is nothing: groups are counted
    };
    copyQuery();
    for (int i = 0; i < tile.stages - 1; ++i)
      start(g.number(queryBytes() + i * tile.stageBytes(spec)), g.add(begin, i * tile.keysOfTile));
    if (tile.queryInRegisters) {
      g.waitCopies(tile.stages - 2);
      g.barrier();
      for (int i = 0; i < height(); ++i)
        for (int step = 0; step < steps(); ++step)
          query.push_back(queryFragment(i, step));
    }
    Values carried{g.number(queryBytes()),
                   g.number(queryBytes() + (tile.stages - 1) * tile.stageBytes(spec))};
    for (int i = 0; i < 2 * height(); ++i) {
      carried.push_back(g.f32(-INFINITY));
      carried.push_back(g.f32(0));
    }
    carried.append(ofResult(), g.f32(0));
    return g.loop(begin, keys, tile.keysOfTile, carried, [&](Value key, ValueRange now) -> Values {
      g.waitCopies(tile.stages - 2);
      g.barrier();
      start(now[1], g.add(key, (tile.stages - 1) * tile.keysOfTile));
      Values sums(now.drop_front(2));
      addTile(now[0], key, sums);
      Values next{nextStage(now[0]), nextStage(now[1])};
      next.append(sums);
      return next;
    });
  }

  //===- The end ------------------------------------------------------------===//

  Value rowOf(int i) {
    Value start = g.add(first, g.mul(warp, tile.rowsOfWarp));
    return g.add(g.add(start, g.div(lane, 4)), (i / 2) * 16 + (i % 2) * 8);
  }

  void store(ValueRange carried) {
    Value zero = unknownZero(g, arguments.k, arguments.keys);
    for (int i = 0; i < 2 * height(); ++i) {
      Value most = carried[2 * i], sum = carried[2 * i + 1];
      for (int mask : {1, 2})
        sum = add(sum, g.shuffleXor(sum, mask));
      if (!spec.score)
        most = mul(most, spec.scale);
      // Computed here, and not before the loop, where they would take registers.
      Value row = g.add(rowOf(i), zero);
      g.when(g.less(row, arguments.rows), [&] {
        RowValues values = spec.row(g, row);
        Values finished = spec.finish(g, values, most, baseOfScores(g, most), sum);
        for (int j = 0; j < columns(); ++j) {
          Value column = g.add(g.mul(g.rem(lane, 4), 2), j * 8);
          int at = ofRows() + ((i / 2) * columns() + j) * 4 + (i % 2) * 2;
          auto two = [&] { storeColumns(g, spec, values, finished, column, carried.slice(at, 2)); };
          if (j * 8 + 8 <= spec.widthV)
            two();
          else
            g.when(g.less(column, spec.widthV), two);
        }
      });
    }
  }

  void write() {
    for (int i = 0; i < 2 * height(); ++i) {
      rows.push_back(spec.row(g, inside(rowOf(i))));
      seen.push_back(keysOf(g, spec, rows.back(), arguments.keys));
    }
    Values results = sumsOfBlock();
    store(ValueRange(results).drop_front(2));
  }
};
} // namespace

void mad::device::writeWarpAttention(GpuBuilder &g, const AttentionSpec &spec,
                                     const WarpAttentionTile &tile,
                                     const AttentionArguments &arguments, Value first) {
  WarpAttention(g, spec, tile, arguments, first).write();
}

llvm::Expected<Kernel> mad::device::makeWarpAttention(gpu::GPUModuleOp module, StringRef name,
                                                      const AttentionForm &form,
                                                      const WarpAttentionTile &tile) {
  AttentionSpec spec = attentionSpec(form);
  llvm::Expected<KernelSignature> signature = attentionSignature(module, name, tile, spec);
  if (!signature)
    return signature.takeError();
  signature->blocksAtOnce = tile.blocksAtOnce;
  return makeAttention(module, *signature, form, spec, tile.rowsOfBlock(),
                       [&](GpuBuilder &g, const AttentionArguments &arguments, Value first) {
                         writeWarpAttention(g, spec, tile, arguments, first);
                       });
}
