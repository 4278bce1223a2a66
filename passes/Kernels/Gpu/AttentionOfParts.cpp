//===- AttentionOfParts.cpp - Attention whose keys many blocks share ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A few rows are too few blocks to read many keys. So blocks take parts of the keys, and a second
// kernel brings what they leave to the largest score of all and adds it, in the order of the keys
// ("Flash-Decoding"; Dao, Haziza, Massa and Sizov, 2023). A part is a row of V's columns, then the
// largest score and the sum of powers.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/AttentionParts.h"
#include <cmath>

using namespace mlir;
using namespace mad::device;

void mad::device::setPart(AttentionSpec &spec,
                          std::function<Value(GpuBuilder &, const RowValues &)> partOf) {
  const int columns = wordsOfPart(spec.widthV) - 4;
  spec.finish = [=](GpuBuilder &g, const RowValues &row, Value most, Value, Value sum) -> Values {
    Value to = partOf(g, row);
    // All threads of the row have these.
    Type f32 = g.b.getF32Type();
    g.store(most, g.at(to, f32, columns));
    g.store(sum, g.at(to, f32, columns + 1));
    return {to};
  };
  spec.store = [](GpuBuilder &g, const RowValues &, ValueRange finished, Value column,
                  ValueRange sums) {
    Type f32 = g.b.getF32Type();
    const size_t vector = sums.size() % 4 == 0 ? 4 : sums.size();
    for (size_t i = 0; i < sums.size(); i += vector)
      g.store(vector == 1 ? sums[i] : g.pack(sums.slice(i, vector)),
              g.at(finished[0], f32, g.add(column, int(i))));
  };
}

void mad::device::writeAttentionOfParts(GpuBuilder &g, const AttentionSpec &spec, Value row,
                                        Value first, Value stride, Value parts) {
  // As many loads at a time are on their way.
  constexpr int atOnce = 8;
  const int columns = wordsOfPart(spec.widthV) - 4;
  Type f32 = g.b.getF32Type();
  Value column = g.thread(), last = g.sub(parts, 1);
  auto mul = [&](Value x, Value y) -> Value { return arith::MulFOp::create(g.b, x, y); };
  g.when(g.less(column, spec.widthV), [&] {
    Values carried{g.f32(-INFINITY), g.f32(0), g.f32(0)};
    Values all = g.loop(0, parts, atOnce, carried, [&](Value part, ValueRange now) -> Values {
      Values mosts, totals, sums;
      for (int i = 0; i < atOnce; ++i) {
        Value number = g.add(part, i), there = g.less(number, parts);
        Value from = g.at(first, f32, g.min(number, last), stride, 0);
        Value most = g.load(f32, g.at(from, f32, columns));
        Value total = g.load(f32, g.at(from, f32, columns + 1));
        Value sum = g.load(f32, g.at(from, f32, column));
        mosts.push_back(g.select(there, most, g.f32(-INFINITY)));
        totals.push_back(g.select(there, total, g.f32(0)));
        sums.push_back(g.select(there, sum, g.f32(0)));
      }
      Value most = now[0], total = now[1], sum = now[2];
      for (Value x : mosts)
        most = maximum(g, most, x);
      Value base = baseOfScores(g, most);
      auto factor = [&](Value of) {
        return g.exp(arith::SubFOp::create(g.b, baseOfScores(g, of), base));
      };
      // What has seen nothing is 0, whatever its factor; no factor is above 1 but for that.
      auto scaled = [&](Value x, Value of) {
        Value none = arith::CmpFOp::create(g.b, arith::CmpFPredicate::OEQ, of, g.f32(-INFINITY));
        return g.select(none, x, mul(x, factor(of)));
      };
      total = scaled(total, now[0]), sum = scaled(sum, now[0]);
      for (int i = 0; i < atOnce; ++i) {
        total = arith::AddFOp::create(g.b, total, scaled(totals[i], mosts[i]));
        sum = arith::AddFOp::create(g.b, sum, scaled(sums[i], mosts[i]));
      }
      return {most, total, sum};
    });
    RowValues values = spec.row(g, row);
    Values finished = spec.finish(g, values, all[0], baseOfScores(g, all[0]), all[1]);
    storeColumns(g, spec, values, finished, column, {all[2]});
  });
}
