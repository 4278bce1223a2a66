//===- LutWordBytes.cpp - A row of bytes times words of a dictionary --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An entry has up to 28 codes of 2 bits, which one instruction of VBMI takes apart, each to a byte.
// One of VNNI multiplies these with as many activations. A code is 1 more than what it stands for,
// so the sum of the row is taken off. The walks of two columns are under way at once, since each
// word says where the next one begins.
//
// Whatever the words and the dictionary are, nothing behind the memory is read: columns begin and
// end in the words, no place is behind K, and behind K there are as many zeros as are read.
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Dictionary.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Kernels/ByteSums.h"
#include "passes/Kernels/KernelLibrary.h"
#include "passes/Kernels/LutCodes.h"

using namespace mlir;

namespace mad::kernels {
namespace {

/// Codes of an entry, and bytes that are multiplied.
constexpr int64_t longest = lut::Dictionary::longest, wide = 32;
static_assert(longest <= wide);

/// Where the sum of a row lies.
int64_t placeOfSum(int64_t K) { return (K + wide + 63) / 64 * 64; }

class WordBytes {
public:
  WordBytes(ImplicitLocOpBuilder &b, ValueRange a, bool oneColumn)
      : b(b), i(b), words(a[0]), starts(a[1]), entries(a[2]), scales(a[3]), x(a[4]), Y(a[5]),
        K(a[6]), row(a[7]), from(a[9]), to(a[10]), oneColumn(oneColumn),
        bytes(VectorType::get({wide}, b.getI8Type())),
        lanes(VectorType::get({wide / 4}, b.getI32Type())) {}

  void emit() {
    most = b.createOrFold<arith::DivUIOp>(memref::DimOp::create(b, words, 0), i.constant(2));
    Value size = memref::DimOp::create(b, x, 0);
    Value four = vector::LoadOp::create(b, VectorType::get({4}, b.getI8Type()), x,
                                        i.sub(size, i.constant(4)));
    four = vector::BitCastOp::create(b, VectorType::get({1}, b.getI32Type()), four);
    sum = vector::ExtractOp::create(b, four, 0);
    forRange(b, from, to, 2, [&](Value c) {
      // The last one may be alone: then it is done twice.
      Value other = i.min(i.add(c, 1), i.sub(to, i.constant(1)));
      columns(c, other);
    });
  }

private:
  /// The words of a column.
  struct Walk {
    Value begin, length;
  };

  Value index(Value number) { return arith::IndexCastUIOp::create(b, b.getIndexType(), number); }
  Value number(Value memory, Value at, int64_t size) {
    Value loaded =
        vector::LoadOp::create(b, VectorType::get({size}, b.getI8Type()), memory, i.mul(at, size));
    auto one = VectorType::get({1}, b.getIntegerType(8 * size));
    return vector::ExtractOp::create(b, vector::BitCastOp::create(b, one, loaded), 0);
  }
  Value call(StringRef name, Type type, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), operands).getResult(0);
  }
  Value constant(function_ref<int8_t(int64_t)> of) {
    SmallVector<int8_t> values;
    for (int64_t n = 0; n < wide; ++n)
      values.push_back(of(n));
    return arith::ConstantOp::create(b, DenseElementsAttr::get(bytes, ArrayRef(values)));
  }

  Walk walk(Value c) {
    Value begin = i.min(index(number(starts, c, 4)), most);
    Value end = i.min(index(number(starts, i.add(c, 1), 4)), most);
    return {begin, i.sub(i.max(begin, end), begin)};
  }

  /// The sums and the next place behind word `at`.
  std::pair<Value, Value> step(Value at, Value total, Value k) {
    Value entry = number(entries, index(number(words, at, 2)), 8);
    auto longs = VectorType::get({4}, b.getI64Type());
    Value all = vector::BitCastOp::create(b, bytes, vector::BroadcastOp::create(b, longs, entry));
    // Byte n of each eight takes the bits from its own place in the entry on.
    Value places = constant([](int64_t n) { return int8_t(n < longest ? 2 * n : 0); });
    Value codes = call("llvm.x86.avx512.pmultishift.qb.256", bytes, {places, all});
    codes = arith::AndIOp::create(b, codes,
                                  constant([](int64_t n) { return int8_t(n < longest ? 3 : 0); }));
    Value read = vector::LoadOp::create(b, bytes, x, k);
    total = call("llvm.x86.avx512.vpdpbusd.256", lanes, {total, codes, read});
    Value shift = arith::ConstantIntOp::create(b, 56, 64);
    Value length = arith::AndIOp::create(b, arith::ShRUIOp::create(b, entry, shift),
                                         arith::ConstantIntOp::create(b, wide - 1, 64));
    return {total, i.min(i.add(k, index(length)), K)};
  }

  void columns(Value c, Value other) {
    Walk walks[] = {walk(c), walk(other)};
    Value none = arith::ConstantOp::create(b, b.getZeroAttr(lanes)), start = i.constant(0);
    Value both = i.min(walks[0].length, walks[1].length);
    SmallVector<Value> now{none, start, none, start};
    auto over = [&](Value low, Value high, ArrayRef<int64_t> which) {
      SmallVector<Value> init;
      for (int64_t n : which)
        init.append({now[2 * n], now[2 * n + 1]});
      auto loop = scf::ForOp::create(b, low, high, i.constant(1), init);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      SmallVector<Value> next;
      for (auto [m, n] : llvm::enumerate(which)) {
        auto [total, k] =
            step(i.add(walks[n].begin, loop.getInductionVar()), loop.getRegionIterArgs()[2 * m],
                 loop.getRegionIterArgs()[2 * m + 1]);
        next.append({total, k});
      }
      scf::YieldOp::create(b, next);
      for (auto [m, n] : llvm::enumerate(which)) {
        now[2 * n] = loop.getResult(2 * m);
        now[2 * n + 1] = loop.getResult(2 * m + 1);
      }
    };
    over(i.constant(0), both, {0, 1});
    over(both, walks[0].length, {0});
    over(both, walks[1].length, {1});
    write(now[0], c);
    write(now[2], other);
  }

  void write(Value total, Value c) {
    Value whole = vector::ReductionOp::create(b, vector::CombiningKind::ADD, total);
    whole = arith::SubIOp::create(b, whole, sum);
    Value scale =
        memref::LoadOp::create(b, scales, ValueRange{i.constant(0), oneColumn ? i.constant(0) : c});
    scale = widen(b, scale, getElementTypeOrSelf(scales.getType()), b.getF32Type());
    Value result = arith::SIToFPOp::create(b, b.getF32Type(), whole);
    memref::StoreOp::create(b, arith::MulFOp::create(b, result, scale), Y, ValueRange{row, c});
  }

  ImplicitLocOpBuilder &b;
  Index i;
  Value words, starts, entries, scales, x, Y, K, row, from, to;
  bool oneColumn;
  VectorType bytes, lanes;
  Value most, sum;
};

void writeRow(ImplicitLocOpBuilder &b, ValueRange a) {
  Index i(b);
  Value X = a[0], made = a[1], row = a[2], K = a[3];
  constexpr int64_t each = 16;
  Type i8 = b.getI8Type(), i32 = b.getI32Type();
  auto loop = [&](Value from, Value to, int64_t step, Value init,
                  function_ref<Value(Value, Value)> body) {
    auto made = scf::ForOp::create(b, from, to, i.constant(step), init);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(made.getBody());
    scf::YieldOp::create(b, body(made.getInductionVar(), made.getRegionIterArgs()[0]));
    return made.getResult(0);
  };
  auto words = VectorType::get({each}, i32);
  Value whole = i.sub(K, b.createOrFold<arith::RemUIOp>(K, i.constant(each)));
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(words));
  Value sums = loop(i.constant(0), whole, each, none, [&](Value k, Value sum) -> Value {
    Value read =
        vector::LoadOp::create(b, VectorType::get({each}, b.getF32Type()), X, ValueRange{row, k});
    Value word = arith::FPToSIOp::create(b, words, read);
    Value byte = arith::TruncIOp::create(b, VectorType::get({each}, i8), word);
    vector::StoreOp::create(b, byte, made, k);
    return arith::AddIOp::create(b, sum, word);
  });
  Value sum = vector::ReductionOp::create(b, vector::CombiningKind::ADD, sums);
  sum = loop(whole, K, 1, sum, [&](Value k, Value sum) -> Value {
    Value word = arith::FPToSIOp::create(b, i32, memref::LoadOp::create(b, X, ValueRange{row, k}));
    memref::StoreOp::create(b, arith::TruncIOp::create(b, i8, word), made, k);
    return arith::AddIOp::create(b, sum, word);
  });
  Value end = i.sub(memref::DimOp::create(b, made, 0), i.constant(4));
  forRange(b, K, end, 1, [&](Value k) {
    memref::StoreOp::create(b, arith::ConstantIntOp::create(b, 0, 8), made, k);
  });
  Value one = vector::BroadcastOp::create(b, VectorType::get({1}, i32), sum);
  vector::StoreOp::create(b, vector::BitCastOp::create(b, VectorType::get({4}, i8), one), made,
                          end);
}

} // namespace

int64_t KernelLibrary::wordRowBytes(int64_t K) { return placeOfSum(K) + 4; }

func::FuncOp KernelLibrary::wordRowOfBytes() {
  Builder b(module.getContext());
  SmallVector<Type> types{rows(b.getF32Type()), flat(b.getI8Type())};
  types.append(2, b.getIndexType());
  return find("word_row.bytes", types, writeRow);
}

func::FuncOp KernelLibrary::multiplyWordBytes(const LutKernel &kernel) {
  Builder b(module.getContext());
  Type f32 = b.getF32Type(), i8 = b.getI8Type();
  SmallVector<Type> types(3, flat(i8));
  types.append({rows(kernel.format.half ? Type(b.getF16Type()) : f32), flat(i8), rows(f32)});
  types.append(5, b.getIndexType());
  ByteUnit unit;
  unit.level = 4;
  unit.vnni = unit.vbmi = true;
  return find(
      "multiply_word_bytes." + kernel.nameOfWords(), unit, types,
      [&](ImplicitLocOpBuilder &b, ValueRange a) { WordBytes(b, a, kernel.oneColumn).emit(); });
}

} // namespace mad::kernels
