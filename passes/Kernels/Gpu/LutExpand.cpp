//===- LutExpand.cpp - Words of a dictionary to codes of 2 bits -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread a column: where a word's codes begin is known from those before it. Neighbouring threads
// write neighbouring bytes, though not at the same time.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/LutMatmul.h"

using namespace mlir;
using namespace mad::device;

namespace {
struct LutExpand {
  GpuBuilder &g;
  const LutExpandSpec &spec;
  const LutExpandArguments &in;
  Value matrix, column; ///< of this thread

  int rows() const { return int((spec.k + 3) / 4); }

  /// Where this matrix begins.
  Value of(Value pointer, llvm::ArrayRef<int64_t> steps) {
    Value left = matrix;
    for (size_t d = spec.batch.size(); d-- > 0; left = g.div(left, int(spec.batch[d]))) {
      Value at = g.extend(g.rem(left, int(spec.batch[d])));
      pointer = g.bytesAt(pointer, Number(bits<arith::MulIOp>(at, g.wide(steps[d]))));
    }
    return pointer;
  }

  template <typename Op> Value bits(Value x, Value y) { return Op::create(g.b, x, y); }

  /// A byte of codes; in the last one only those that there are.
  void store(Value row, Value buffer) {
    Type i8 = g.b.getI8Type();
    Value byte = arith::TruncIOp::create(g.b, i8, buffer);
    if (spec.k % 4) {
      Value whole = arith::ConstantOp::create(g.b, g.b.getIntegerAttr(i8, 255));
      Value rest =
          arith::ConstantOp::create(g.b, g.b.getIntegerAttr(i8, (1 << 2 * int(spec.k % 4)) - 1));
      byte = bits<arith::AndIOp>(byte, g.select(g.equal(row, rows() - 1), rest, whole));
    }
    Value line = g.add(g.mul(matrix, rows()), row);
    g.store(byte, g.at(in.codes, i8, line, g.number(int(spec.m)), column));
  }

  /// Appends a word; of the column `row` bytes are written, and `count` bits wait in `buffer`.
  Values append(Value words, Value at, Value buffer, Value count, Value row) {
    Type i64 = g.b.getI64Type(), i16 = g.b.getI16Type(), i32 = g.b.getI32Type();
    Value word = g.load(i16, g.at(words, i16, at));
    Value index = arith::ExtUIOp::create(g.b, i32, word);
    Value entry = g.load(i64, g.at(in.dictionary, i64, index));
    Value length = bits<arith::ShRUIOp>(entry, g.wide(56));
    Value codes = bits<arith::AndIOp>(entry, g.wide((int64_t(1) << 56) - 1));
    buffer = bits<arith::OrIOp>(buffer, bits<arith::ShLIOp>(codes, g.extend(count)));
    Value codesOfWord = arith::TruncIOp::create(g.b, i32, length);
    count = g.add(count, g.mul(codesOfWord, 2));
    // Nothing goes behind the column, whatever the words are.
    Value whole = g.min(g.div(count, 8), g.sub(rows(), row));
    Values after = g.loop(0, whole, 1, buffer, [&](Value i, ValueRange now) {
      store(g.add(row, i), now[0]);
      return Values{bits<arith::ShRUIOp>(now[0], g.wide(8))};
    });
    return {after[0], g.rem(count, 8), g.add(row, whole)};
  }

  void write() {
    Type i32 = g.b.getI32Type();
    Value own = g.at(of(in.starts, spec.startSteps), i32, column);
    Value words = of(in.words, spec.wordSteps);
    Value from = g.min(g.load(i32, own), int(spec.words));
    Value to = g.min(g.load(i32, g.at(own, i32, 1)), int(spec.words));
    Values done =
        g.loop(from, to, 1, {g.wide(0), g.number(0), g.number(0)},
               [&](Value at, ValueRange now) { return append(words, at, now[0], now[1], now[2]); });
    if (spec.k % 4)
      g.when(g.less(done[2], rows()), [&] { store(done[2], done[0]); });
  }
};
} // namespace

void mad::device::writeLutExpand(GpuBuilder &g, const LutExpandSpec &spec,
                                 const LutExpandArguments &arguments) {
  Value number = g.add(g.mul(g.block(), LutExpandSpec::threads), g.thread());
  g.when(g.less(number, int(spec.matrices() * spec.m)), [&] {
    LutExpand{g, spec, arguments, g.div(number, int(spec.m)), g.rem(number, int(spec.m))}.write();
  });
}
