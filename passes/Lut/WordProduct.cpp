//===- WordProduct.cpp - Products with words of a dictionary --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A walk over the words of a column takes about as long for 16 rows as for one. So rows are put
// side by side, 16 at a time, and a row that is left alone is multiplied alone.
//
//===----------------------------------------------------------------------===//
#include "passes/Lut/WordProduct.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/Transforms/Pieces.h"

using namespace mlir;
using mad::kernels::KernelLibrary;

namespace mad {

/// Rows that are side by side.
static constexpr int64_t together = 16;
/// Estimated picoseconds of an element of the weight for so many rows, and of putting one of X in
/// its place.
static constexpr int64_t walkTime = 100, byteWalkTime = 40, placeTime = 1000;
/// Steps of a piece that puts rows side by side.
static constexpr int64_t placeSteps = 256;
static constexpr int64_t pieceColumns = 64;

bool walksWords(const lut::Format &format, int64_t K) {
  return format.dictionary && K > 0 && format.groups(K) == 1;
}

bool isExactSum(int64_t K) { return K <= (int64_t(1) << 24) / 127; }

Value WordProduct::isFinite() {
  kernels::Index i(b);
  Type i32 = b.getI32Type();
  Value answer =
      memref::AllocOp::create(b, MemRefType::get({1}, i32), ValueRange(), b.getI64IntegerAttr(64));
  func::CallOp::create(b, library.allFinite(),
                       ValueRange{X, kernels::castTo(b, answer, KernelLibrary::flat(i32))});
  Value number = memref::LoadOp::create(b, answer, ValueRange{i.constant(0)});
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, number,
                               arith::ConstantIntOp::create(b, 0, 32));
}

/// Pieces of columns, of rows that are side by side in `x`.
void WordProduct::walk(int64_t grain, func::FuncOp function, ValueRange parts, int64_t time,
                       Value x, Value row, Value count) {
  kernels::Index i(b);
  forPieces(b, i.constant(time * steps * columns), grain,
            CutExtent{i.constant(columns), pieceColumns},
            [&](ArrayRef<PieceRange> range, const PieceGrid &) {
              SmallVector<Value> values(parts);
              values.append({scales, x, Y, i.constant(steps), row, count, range[0].low,
                             i.add(range[0].low, range[0].length)});
              func::CallOp::create(b, function, values);
            });
}

/// One row of integers. Its sum lies behind its bytes.
void WordProduct::walkBytes(int64_t grain, Value row) {
  kernels::Index i(b);
  Type i8 = b.getI8Type();
  Value made = memref::AllocOp::create(b, MemRefType::get({KernelLibrary::wordRowBytes(steps)}, i8),
                                       b.getI64IntegerAttr(64));
  made = kernels::castTo(b, made, KernelLibrary::flat(i8));
  func::CallOp::create(b, library.wordRowOfBytes(), ValueRange{X, made, row, i.constant(steps)});
  SmallVector<Value> parts;
  for (Value part : {words, starts, entries})
    parts.push_back(kernels::flatten(b, part).memory);
  walk(grain, library.multiplyWordBytes(kernel), parts, byteWalkTime, made, row, i.constant(1));
}

void WordProduct::emit(int64_t grain) {
  kernels::Index i(b);
  Type f32 = b.getF32Type();
  SmallVector<Value> flatParts;
  for (Value part : {words, starts, terms})
    flatParts.push_back(kernels::flatten(b, part).memory);
  Value most = i.constant(together);
  const int64_t length = steps + kernels::behindWords;
  Value whole = b.createOrFold<arith::DivUIOp>(T, most);
  Value rest = i.sub(T, i.mul(whole, together));
  // As many rows as are side by side.
  Value places = i.min(i.mul(i.ceilDiv(T, most), together),
                       i.add(i.mul(i.max(T, i.constant(1)), together), 1 - together));
  auto type = MemRefType::get({ShapedType::kDynamic}, f32);
  Value memory =
      memref::AllocOp::create(b, type, ValueRange{i.mul(places, length)}, b.getI64IntegerAttr(64));
  // Calls `body` with how many rows are together, the first one, and their number.
  auto chunks = [&](function_ref<void(int64_t, Value, Value, Value)> body) {
    auto chunk = [&](int64_t rows, Value number, Value count) {
      Value row = i.mul(number, together), at = i.mul(row, length);
      Value part =
          memref::SubViewOp::create(b, memory, ArrayRef<OpFoldResult>{at},
                                    ArrayRef<OpFoldResult>{i.mul(i.constant(rows), length)},
                                    ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
      body(rows, kernels::castTo(b, part, KernelLibrary::flat(f32)), row, count);
    };
    auto some = [&] { chunk(together, whole, rest); };
    auto one = [&] { chunk(1, whole, rest); };
    auto known = getConstantIntValue(T);
    if (!known || *known >= together)
      kernels::forRange(b, i.constant(0), whole, 1,
                        [&](Value number) { chunk(together, number, most); });
    if (known)
      return void(*known % together == 1 ? one() : *known % together ? some() : void());
    Value alone = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, rest, i.constant(1));
    kernels::when(b, alone, one, [&] { kernels::when(b, i.less(i.constant(0), rest), some); });
  };
  forPieces(b, i.mul(T, placeTime * length), grain, CutExtent{i.constant(length), placeSteps},
            [&](ArrayRef<PieceRange> range, const PieceGrid &) {
              Value to = i.add(range[0].low, range[0].length);
              chunks([&](int64_t rows, Value part, Value row, Value count) {
                func::CallOp::create(b, library.wordRows(rows),
                                     ValueRange{X, part, row, count, range[0].low, to});
              });
            });
  // One chunk after the other: its rows stay in a cache for all columns.
  chunks([&](int64_t rows, Value part, Value row, Value count) {
    auto floats = [&] {
      walk(grain, library.multiplyWords(kernel, rows), flatParts, walkTime, part, row, count);
    };
    if (rows > 1 || !bytes)
      return floats();
    Value has = func::CallOp::create(b, library.hasVnni(4), ValueRange()).getResult(0);
    Value more = func::CallOp::create(b, library.hasVbmi(), ValueRange()).getResult(0);
    kernels::when(b, arith::AndIOp::create(b, has, more), [&] { walkBytes(grain, row); }, floats);
  });
}

} // namespace mad
