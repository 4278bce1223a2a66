//===- ByteTables.cpp - Makes tables of sums of four activations ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/ByteTables.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace mad::kernels {
namespace {

using lut::partBlocks, lut::fewLarge;
using lut::tableBytes, lut::tableCodes, lut::tableSums;

class TableMaker {
public:
  TableMaker(ImplicitLocOpBuilder &b, const LutKernel &kernel, ValueRange a)
      : b(b), i(b), kernel(kernel), source(a[0]), tables(a[1]), sums(a[2]),
        shape(b, kernel, a.slice(3, ByteShape::size)), from(a[7]), to(a[8]),
        bytes(VectorType::get({perBlock}, b.getI8Type())),
        words(VectorType::get({perBlock / 4}, b.getI32Type())) {
    if (kernel.cutBlocks)
      buffer = memref::AllocaOp::create(b, MemRefType::get({perBlock}, b.getI8Type()),
                                        b.getI64IntegerAttr(64));
  }

  void emit() {
    Value parts = i.ceilDiv(shape.blocks, partBlocks);
    forRange(b, from, to, 1, [&](Value t) {
      Value row = i.mul(i.mul(t, shape.stride), tableBytes / tableCodes);
      forRange(b, i.constant(0), shape.groups, 1, [&](Value g) {
        Value at = i.add(row, i.mul(i.mul(g, shape.blocks), 2 * blockSums));
        Value number = i.mul(i.add(i.mul(t, shape.groups), g), parts);
        forRange(b, i.constant(0), parts, 1, [&](Value p) {
          memref::StoreOp::create(b, part(t, g, p, at), sums, i.add(number, p));
        });
      });
    });
  }

private:
  Value number(int64_t value) { return arith::ConstantIntOp::create(b, value, 32); }
  Value splat(VectorType type, int64_t value) {
    Attribute element = b.getIntegerAttr(type.getElementType(), value);
    return arith::ConstantOp::create(b, DenseElementsAttr::get(type, element));
  }

  /// The tables of a part of a group. Answers what there is for it in `sums`.
  Value part(Value t, Value g, Value p, Value at) {
    Value low = i.mul(g, shape.group), high = i.min(i.add(low, shape.group), shape.K);
    Value first = i.mul(shape.firstStep(g), perStep);
    Value from = i.mul(p, partBlocks), to = i.min(i.add(from, partBlocks), shape.blocks);
    auto loop =
        scf::ForOp::create(b, from, to, i.constant(1), ValueRange{splat(words, 0), number(0)});
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value n = loop.getInductionVar();
      Value x = activations(t, i.add(first, i.mul(n, perBlock)), low, high);
      Value positive = arith::MaxSIOp::create(b, x, splat(bytes, 0));
      Value negative = arith::SubIOp::create(b, positive, x);
      Value sizes = fours(arith::AddIOp::create(b, positive, negative));
      Value place = i.add(at, i.mul(n, blockSums));
      store(positive, negative, place, i.add(place, i.mul(shape.blocks, blockSums)));
      scf::YieldOp::create(b,
                           ValueRange{arith::AddIOp::create(b, loop.getRegionIterArgs()[0], sizes),
                                      largeOf(sizes, loop.getRegionIterArgs()[1], i.sub(n, from))});
    }
    Value sum = vector::ReductionOp::create(b, vector::CombiningKind::ADD, loop.getResult(0));
    Value halves = i.add(at, i.mul(i.add(from, shape.blocks), blockSums));
    Value whole = i.lessOrEqual(i.constant(partBlocks), i.sub(to, from));
    return arith::AddIOp::create(b, arith::AddIOp::create(b, sum, sum),
                                 large(loop.getResult(1), whole, halves));
  }

  /// Adds a bit for each table of a block that has sums of more than 255.
  Value largeOf(Value sizes, Value before, Value block) {
    Value large = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, sizes, splat(words, 255));
    Value bits = vector::BitCastOp::create(b, VectorType::get({1}, b.getI8Type()), large);
    bits = vector::ExtractOp::create(b, bits, int64_t(0));
    bits = arith::ExtUIOp::create(b, b.getI32Type(), bits);
    Value place =
        arith::IndexCastOp::create(b, b.getI32Type(), i.mul(block, perBlock / tableCodes));
    return arith::OrIOp::create(b, before, arith::ShLIOp::create(b, bits, place));
  }

  /// What tables of a part with large sums add to its number: where they are few, they are told
  /// apart from `place` on.
  Value large(Value tables, Value whole, Value place) {
    Value count = LLVM::CtPopOp::create(b, b.getI32Type(), tables);
    Value few = arith::CmpIOp::create(b, arith::CmpIPredicate::sle, count, number(fewLarge));
    few = arith::AndIOp::create(b, few, whole);
    Value any = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, count, number(0));
    Value many = arith::ExtUIOp::create(b, b.getI32Type(), any);
    auto choice = scf::IfOp::create(b, b.getI32Type(), few, /*withElse=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.elseBlock());
    scf::YieldOp::create(b, many);
    b.setInsertionPointToStart(choice.thenBlock());
    each(tables, count, [&](Value table, Value n) { tell(table, n, place); });
    // Behind all of them: these bytes are halves of a table that may be one.
    each(tables, count, [&](Value table, Value n) {
      Value number = arith::TruncIOp::create(b, b.getI8Type(), table);
      memref::StoreOp::create(b, number, this->tables,
                              i.add(place, i.add(n, fewLarge * tableSums)));
    });
    scf::YieldOp::create(b, arith::ShLIOp::create(b, count, number(16)).getResult());
    return choice.getResult(0);
  }

  /// Each of `count` bits that are set, the lowest one first.
  void each(Value bits, Value count, function_ref<void(Value bit, Value n)> body) {
    Value end = arith::IndexCastOp::create(b, b.getIndexType(), count);
    auto loop = scf::ForOp::create(b, i.constant(0), end, i.constant(1), bits);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value left = loop.getRegionIterArgs()[0];
    body(LLVM::CountTrailingZerosOp::create(b, b.getI32Type(), left, true), loop.getInductionVar());
    Value others = arith::AndIOp::create(b, left, arith::SubIOp::create(b, left, number(1)));
    scf::YieldOp::create(b, others);
  }

  /// Which sums of a table are more than 255, those whose halves are, in place `n` of the halves.
  /// Its own are not overwritten before.
  void tell(Value table, Value n, Value place) {
    auto type = VectorType::get({tableSums}, b.getI8Type());
    Value offset = i.mul(arith::IndexCastOp::create(b, b.getIndexType(), table), tableSums);
    Value at = i.add(place, offset);
    Value half = vector::LoadOp::create(b, type, tables, at);
    Value sum = vector::LoadOp::create(b, type, tables, i.sub(at, i.mul(shape.blocks, blockSums)));
    // The half of 255, too, is 128.
    Value high = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, half, splat(type, 0));
    Value other = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, sum, splat(type, -1));
    Value more = arith::SelectOp::create(b, arith::AndIOp::create(b, high, other), splat(type, 2),
                                         splat(type, 0));
    vector::StoreOp::create(b, more, tables, i.add(place, i.mul(n, tableSums)));
  }

  /// The activations of a block; those of other groups count as 0.
  Value activations(Value t, Value k, Value low, Value high) {
    if (!kernel.cutBlocks)
      return vector::LoadOp::create(b, bytes, source, ValueRange{t, k});
    forRange(b, i.constant(0), i.constant(perBlock), 1, [&](Value n) {
      Value place = i.add(k, n), end = i.sub(shape.K, i.constant(1));
      Value inside = arith::AndIOp::create(b, i.lessOrEqual(low, place), i.less(place, high));
      Value read = memref::LoadOp::create(b, source, ValueRange{t, i.min(place, end)});
      Value zero = arith::ConstantIntOp::create(b, 0, 8);
      memref::StoreOp::create(b, arith::SelectOp::create(b, inside, read, zero), buffer, n);
    });
    return vector::LoadOp::create(b, bytes, buffer, ValueRange{i.constant(0)});
  }

  /// Sums of four bytes each, which are up to 127.
  Value fours(Value sizes) {
    auto halves = VectorType::get({perBlock / 2}, b.getI16Type());
    Value twos = call(b, "llvm.x86.avx2.pmadd.ub.sw", halves, {sizes, splat(bytes, 1)});
    return call(b, "llvm.x86.avx2.pmadd.wd", words, {twos, splat(halves, 1)});
  }

  /// `of(n)` of the 16 bytes of each half of `x`, or of all of `x` and `y` behind it.
  Value chosen(Value x, Value y, function_ref<int64_t(int64_t half, int64_t n)> of) {
    SmallVector<int64_t> places;
    for (int64_t e = 0; e < perBlock; ++e)
      places.push_back(of(e / 16, e % 16));
    return vector::ShuffleOp::create(b, x, y, places);
  }

  /// A bit that is set adds the activation if it is positive, and one that is not takes it off
  /// if it is negative.
  void store(Value positive, Value negative, Value sums, Value halves) {
    for (int64_t odd = 0; odd < 2; ++odd) {
      // Of the steps `odd` and `odd + 2`, one in each half: what codes 0 and 1 add.
      Value pairs = chosen(negative, positive, [&](int64_t half, int64_t n) {
        return 16 * half + 8 * odd + n / 2 + n % 2 * perBlock;
      });
      // What codes 0 and 1 of a table add together in four bytes, behind them codes 2 and 3.
      Value first = chosen(pairs, pairs,
                           [](int64_t half, int64_t n) { return 16 * half + n / 4 * 4 + n % 2; });
      Value second = chosen(pairs, pairs, [](int64_t half, int64_t n) {
        return 16 * half + n / 4 * 4 + 2 + n / 2 % 2;
      });
      Value both = arith::AddIOp::create(b, first, second);
      for (int64_t half = 0; half < 2; ++half) {
        int64_t offset = (odd + 2 * half) * inStep * tableSums;
        storeStep(both, half, i.add(sums, offset), i.add(halves, offset));
      }
    }
  }

  /// Both tables of the step in a half of `both`.
  void storeStep(Value both, int64_t half, Value sums, Value halves) {
    Value low =
        chosen(both, both, [&](int64_t table, int64_t n) { return 16 * half + 8 * table + n % 4; });
    Value high = chosen(
        both, both, [&](int64_t table, int64_t n) { return 16 * half + 8 * table + 4 + n / 4; });
    vector::StoreOp::create(b, arith::AddIOp::create(b, low, high), tables, sums);
    Value average = call(b, "llvm.x86.avx2.pavg.b", bytes, {low, high});
    vector::StoreOp::create(b, average, tables, halves);
  }

  ImplicitLocOpBuilder &b;
  Index i;
  const LutKernel &kernel;
  Value source, tables, sums;
  ByteShape shape;
  Value from, to;
  VectorType bytes, words;
  Value buffer; ///< of a block, where some of its activations are those of other groups
};

} // namespace

func::FuncOp KernelLibrary::byteTables(const LutKernel &kernel) {
  Builder b(module.getContext());
  SmallVector<Type> types{rows(b.getI8Type()), flat(b.getI8Type()), flat(b.getI32Type())};
  types.append(ByteShape::size + 2, b.getIndexType());
  return find(kernel.cutBlocks ? "byte_tables.cut" : "byte_tables", types,
              [&](ImplicitLocOpBuilder &b, ValueRange a) { TableMaker(b, kernel, a).emit(); });
}

} // namespace mad::kernels
