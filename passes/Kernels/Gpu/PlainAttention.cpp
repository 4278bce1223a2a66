//===- PlainAttention.cpp - Attention by multiply-adds of f32 ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A row belongs to a few lanes: chunks of four elements of Q and of the result go round them. So
// a score is the sum over those lanes, and the rest of a row needs no other thread. All rows of a
// warp read the same key at a time, which is one access of shared memory for all.
//
// Warps of a block have the same rows and take tiles of keys in turn, each into its own shared
// memory: while one tile is computed, the next is on its way. In the end their sums are brought to
// the largest score of all and added, in the order of warps.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/Attention.h"
#include "passes/Kernels/Gpu/AttentionParts.h"
#include "passes/Kernels/Gpu/MatmulParts.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;
using namespace mad::device;

PlainAttentionTile mad::device::plainAttentionTile(int width) {
  PlainAttentionTile tile;
  tile.lanesOfRow = width <= 32 ? 2 : width <= 64 ? 4 : width <= 128 ? 8 : 16;
  return tile;
}

llvm::Error mad::device::check(const PlainAttentionTile &tile, const AttentionSpec &spec) {
  if (!spec.element.isF32())
    return llvm::createStringError("multiply-adds of f32 need elements of f32");
  const std::tuple<StringRef, int, int, int, int> parameters[] = {
      {"lanesOfRow", tile.lanesOfRow, 1, 32, 1}, {"rowsOfThread", tile.rowsOfThread, 1, 8, 1},
      {"warps", tile.warps, 1, 32, 1},           {"keysOfTile", tile.keysOfTile, 1, 32, 1},
      {"width", spec.width, 1, 256, 1},          {"widthV", spec.widthV, 1, 256, 1},
      {"vectorQ", spec.vectorQ, 1, 4, 1},        {"vectorK", spec.vectorK, 1, 4, 1},
      {"vectorV", spec.vectorV, 1, 4, 1}};
  for (auto [name, value, least, most, step] : parameters)
    if (llvm::Error fault = checkParameter(name, value, least, most, step))
      return fault;
  if (!llvm::isPowerOf2_32(tile.lanesOfRow))
    return llvm::createStringError("lanesOfRow = " + Twine(tile.lanesOfRow) +
                                   ", expected a power of two");
  if (llvm::Error fault = checkRegisters(tile.registers(spec), tile.threads(), 1))
    return fault;
  return checkShared(tile.sharedBytes(spec), sharedOfSm80);
}

namespace {
struct PlainAttention {
  GpuBuilder &g;
  const AttentionSpec &spec;
  const PlainAttentionTile &tile;
  const AttentionArguments &arguments;
  Value first; ///< row of the block
  Value lane, warp, part;
  Type f32, four;
  SmallVector<RowValues> rows;
  Values seen;                 ///< keys of each row
  SmallVector<Values> queries; ///< elements of each row that this lane has

  PlainAttention(GpuBuilder &g, const AttentionSpec &spec, const PlainAttentionTile &tile,
                 const AttentionArguments &arguments, Value first)
      : g(g), spec(spec), tile(tile), arguments(arguments), first(first) {
    lane = g.rem(g.thread(), lanesOfWarp);
    warp = g.div(g.thread(), lanesOfWarp);
    part = g.rem(lane, tile.lanesOfRow);
    f32 = g.b.getF32Type();
    four = g.vectorOf(4, f32);
  }

  int chunks(int width) const { return tile.padded(width) / (4 * tile.lanesOfRow); }
  /// The first element of a chunk of this lane.
  Value elementOf(int chunk) { return g.mul(g.add(part, chunk * tile.lanesOfRow), 4); }
  Value rowOf(int i) {
    return g.add(g.add(first, g.div(lane, tile.lanesOfRow)), i * (lanesOfWarp / tile.lanesOfRow));
  }
  Value inside(Value row) { return g.min(row, g.sub(arguments.rows, 1)); }

  /// Elements of a row of Q; zeros behind its end.
  Values readQuery(const RowValues &row) {
    Value from = spec.query(g, row);
    Values elements;
    for (int c = 0; c < chunks(spec.width); ++c)
      for (int e = 0; e < 4; e += spec.vectorQ) {
        Value at = g.add(elementOf(c), e);
        const bool whole = tile.padded(spec.width) == spec.width;
        Value place = whole ? at : g.min(at, spec.width - spec.vectorQ);
        Type type = spec.vectorQ == 1 ? f32 : Type(g.vectorOf(spec.vectorQ, f32));
        Value there = whole ? Value() : g.less(at, spec.width);
        for (Value x : g.unpack(g.load(type, g.at(from, f32, place))))
          elements.push_back(whole ? x : g.select(there, x, g.f32(0)));
      }
    return elements;
  }

  //===- Tiles of keys ------------------------------------------------------===//

  /// Where the tiles of this warp begin in shared memory, in bytes.
  Value tiles() { return g.mul(warp, 2 * tile.tileBytes(spec)); }
  int bytesOfK() const { return tile.keysOfTile * tile.padded(spec.width) * 4; }

  /// Starts the copy of rows from `key` on of one of the factors.
  void copyRows(Value to, Value from, Value stride, int width, int vector, Value key) {
    const int ofRow = tile.padded(width) / 4, all = tile.keysOfTile * ofRow;
    for (int start = 0; start < all; start += lanesOfWarp) {
      Value number = g.add(lane, start);
      auto copy = [&] {
        Value row = g.div(number, ofRow), column = g.mul(g.rem(number, ofRow), 4);
        Value at = g.add(key, row), exists = g.less(at, arguments.keys);
        Value source = g.min(at, g.sub(arguments.keys, 1));
        for (int e = 0; e < 4; e += vector) {
          Value element = g.add(column, e), there = exists;
          if (tile.padded(width) != width) {
            there = g.both(there, g.less(element, width));
            element = g.min(element, width - vector);
          }
          g.copyAsync(g.bytesAt(to, g.add(g.mul(number, 16), e * 4)),
                      g.at(from, f32, source, stride, element), vector * 4,
                      g.select(there, g.number(vector * 4), g.number(0)));
        }
      };
      if (start + lanesOfWarp <= all)
        copy();
      else
        g.when(g.less(number, all), copy);
    }
  }
  void copyTile(Value stage, Value key) {
    Value to = g.bytesAt(g.shared(), stage);
    copyRows(to, arguments.k, arguments.rowK, spec.width, spec.vectorK, key);
    copyRows(g.bytesAt(to, bytesOfK()), arguments.v, arguments.rowV, spec.widthV, spec.vectorV,
             key);
  }

  /// The elements of row `key` of a tile that this lane has.
  Values rowOfTile(Value start, int key, int width) {
    Values elements;
    for (int c = 0; c < chunks(width); ++c)
      llvm::append_range(
          elements,
          g.unpack(g.load(four, g.at(start, f32, g.add(elementOf(c), key * tile.padded(width))))));
    return elements;
  }

  //===- Scores -------------------------------------------------------------===//

  Value add(Value x, Value y) { return arith::AddFOp::create(g.b, x, y); }

  /// Of all keys of a tile: one list for each row of this thread. -inf where there is no key.
  SmallVector<Values> scores(Value start, Value key) {
    SmallVector<Values> all(tile.rowsOfThread);
    for (int k = 0; k < tile.keysOfTile; ++k) {
      Values elements = rowOfTile(start, k, spec.width);
      Value column = g.add(key, k);
      Value place = g.min(column, g.sub(arguments.keys, 1));
      for (int i = 0; i < tile.rowsOfThread; ++i) {
        // Four sums side by side do not wait for each other.
        Values sums(4, g.f32(0));
        for (auto [e, pair] : llvm::enumerate(llvm::zip(queries[i], elements)))
          sums[e % 4] = g.fma(std::get<0>(pair), std::get<1>(pair), sums[e % 4]);
        Value sum = add(add(sums[0], sums[1]), add(sums[2], sums[3]));
        for (int mask = tile.lanesOfRow / 2; mask; mask /= 2)
          sum = add(sum, g.shuffleXor(sum, mask));
        Value score = spec.score ? spec.score(g, rows[i], sum, place)
                                 : arith::MulFOp::create(g.b, sum, spec.scale).getResult();
        all[i].push_back(g.select(g.less(column, seen[i]), score, g.f32(-INFINITY)));
      }
    }
    return all;
  }

  //===- What is carried: the largest score, the sum of powers, the result ----===//

  int ofRow() const { return 2 + 4 * chunks(spec.widthV); }

  void addTile(Value start, Value key, MutableArrayRef<Value> carried) {
    SmallVector<Values> all = scores(start, key);
    for (int i = 0; i < tile.rowsOfThread; ++i) {
      auto mine = carried.slice(i * ofRow(), ofRow());
      Value most = mine[0];
      for (Value score : all[i])
        most = maximum(g, most, score);
      Value base = baseOfScores(g, most);
      Value factor = g.exp(arith::SubFOp::create(g.b, mine[0], base));
      mine[0] = most;
      for (Value &x : mine.drop_front())
        x = arith::MulFOp::create(g.b, x, factor);
      for (Value &score : all[i]) {
        score = g.exp(arith::SubFOp::create(g.b, score, base));
        mine[1] = add(mine[1], score);
      }
    }
    Value values = g.bytesAt(start, bytesOfK());
    for (int k = 0; k < tile.keysOfTile; ++k) {
      Values elements = rowOfTile(values, k, spec.widthV);
      for (int i = 0; i < tile.rowsOfThread; ++i)
        for (auto [e, x] : llvm::enumerate(elements)) {
          Value &sum = carried[i * ofRow() + 2 + e];
          sum = g.fma(all[i][k], x, sum);
        }
    }
  }

  Values sumsOfWarp() {
    const int step = tile.warps * tile.keysOfTile;
    Value keys = arguments.keys;
    // The last row of the block sees the most.
    if (spec.seen)
      keys = keysOf(g, spec, spec.row(g, inside(g.add(first, tile.rowsOfWarp() - 1))), keys);
    Value begin = g.mul(warp, tile.keysOfTile);
    if (arguments.begin)
      begin = g.add(begin, arguments.begin);
    copyTile(tiles(), begin);
    g.commitCopies();
    Values carried{tiles()};
    for (int i = 0; i < tile.rowsOfThread; ++i) {
      carried.push_back(g.f32(-INFINITY));
      carried.append(ofRow() - 1, g.f32(0));
    }
    Value both = g.add(g.mul(tiles(), 2), tile.tileBytes(spec));
    return g.loop(begin, keys, step, carried, [&](Value key, ValueRange now) -> Values {
      Value other = g.sub(both, now[0]), next = g.add(key, step);
      g.when(g.less(next, keys), [&] { copyTile(other, next); });
      g.commitCopies();
      g.waitCopies(1);
      g.syncWarp();
      Values sums(now.drop_front());
      addTile(g.bytesAt(g.shared(), now[0]), key, sums);
      // The next copy goes where all lanes have read.
      g.syncWarp();
      Values results{other};
      results.append(sums);
      return results;
    });
  }

  //===- The end ------------------------------------------------------------===//

  int wordsOfPart() const { return tile.padded(spec.widthV) + 4; }

  void leavePart(ValueRange sums) {
    for (int i = 0; i < tile.rowsOfThread; ++i) {
      ValueRange mine = sums.slice(i * ofRow(), ofRow());
      Value row = g.add(g.div(lane, tile.lanesOfRow), i * (lanesOfWarp / tile.lanesOfRow));
      Value number = g.add(g.mul(warp, tile.rowsOfWarp()), row);
      Value to = g.at(g.shared(), f32, g.mul(number, wordsOfPart()));
      g.when(g.equal(part, 0), [&] {
        g.store(mine[0], to);
        g.store(mine[1], g.at(to, f32, 1));
      });
      for (int c = 0; c < chunks(spec.widthV); ++c)
        g.store(g.pack(mine.slice(2 + 4 * c, 4)), g.at(to, f32, g.add(elementOf(c), 4)));
    }
  }

  /// A row of a warp, what it has and four of its sums.
  void takeUp(Value row, Value chunk) {
    const int ofWarp = tile.rowsOfWarp() * wordsOfPart();
    Value from = g.at(g.shared(), f32, g.mul(row, wordsOfPart()));
    Values each;
    Value most = g.f32(-INFINITY);
    for (int w = 0; w < tile.warps; ++w) {
      each.push_back(g.load(f32, g.at(from, f32, w * ofWarp)));
      most = maximum(g, most, each.back());
    }
    Value base = baseOfScores(g, most), total = g.f32(0);
    Values sums(4, g.f32(0));
    for (int w = 0; w < tile.warps; ++w) {
      Value factor = g.exp(arith::SubFOp::create(g.b, each[w], base));
      total = g.fma(g.load(f32, g.at(from, f32, w * ofWarp + 1)), factor, total);
      Value mine = g.load(four, g.at(from, f32, g.add(g.mul(chunk, 4), w * ofWarp + 4)));
      for (auto [sum, x] : llvm::zip(sums, g.unpack(mine)))
        sum = g.fma(x, factor, sum);
    }
    RowValues values = spec.row(g, inside(g.add(first, row)));
    Values finished = spec.finish(g, values, most, base, total);
    storeColumns(g, spec, values, finished, g.mul(chunk, 4), sums);
  }

  void write() {
    for (int i = 0; i < tile.rowsOfThread; ++i) {
      rows.push_back(spec.row(g, inside(rowOf(i))));
      seen.push_back(keysOf(g, spec, rows.back(), arguments.keys));
      queries.push_back(readQuery(rows.back()));
    }
    Values results = sumsOfWarp();
    g.waitCopies(0);
    g.barrier();
    leavePart(ValueRange(results).drop_front());
    g.barrier();
    const int chunks = (spec.widthV + 3) / 4;
    g.loop(g.thread(), tile.rowsOfWarp() * chunks, tile.threads(), {},
           [&](Value number, ValueRange) -> Values {
             Value row = g.div(number, chunks);
             g.when(g.less(g.add(first, row), arguments.rows),
                    [&] { takeUp(row, g.rem(number, chunks)); });
             return {};
           });
  }
};
} // namespace

void mad::device::writePlainAttention(GpuBuilder &g, const AttentionSpec &spec,
                                      const PlainAttentionTile &tile,
                                      const AttentionArguments &arguments, Value first) {
  PlainAttention(g, spec, tile, arguments, first).write();
}

llvm::Expected<Kernel> mad::device::makePlainAttention(gpu::GPUModuleOp module, StringRef name,
                                                       const AttentionForm &form,
                                                       const PlainAttentionTile &tile) {
  AttentionSpec spec = attentionSpec(form);
  llvm::Expected<KernelSignature> signature = attentionSignature(module, name, tile, spec);
  if (!signature)
    return signature.takeError();
  return makeAttention(module, *signature, form, spec, tile.rowsOfWarp(),
                       [&](GpuBuilder &g, const AttentionArguments &arguments, Value first) {
                         writePlainAttention(g, spec, tile, arguments, first);
                       });
}
