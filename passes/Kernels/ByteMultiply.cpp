//===- ByteMultiply.cpp - Few rows of bytes times a weight of few bits ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codes are made bytes in registers and multiplied at once. The sums of a group are integers; where
// it ends they are scaled and added to those of the groups before.
//
// With VNNI a code is not brought to the lowest bits of its byte first, but multiplied where it
// stands. Products of each place have sums of their own, 2^n times too large, and where a group
// ends these are shifted, which is exact: an instruction for each code is saved.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Kernels/FewByteRows.h"

using namespace mlir;

namespace mad::kernels {
namespace {

class Multiplied : public FewByteRows {
public:
  using FewByteRows::FewByteRows;

private:
  void tile(Value t, Value column, Value left) override {
    scaled(t, column, left,
           [&](Value g, ByteCodes::Columns columns) { return group(t, g, columns); });
  }

  SmallVector<Value> group(Value t, Value g, ByteCodes::Columns columns) {
    Value before = bias(t, g, kernel.timesSum());
    SmallVector<Value> start(byteTile, before);
    if (kernel.format.affine)
      for (auto [value, zero] : llvm::zip_equal(start, codes.zeros(g, columns)))
        value = arith::MulIOp::create(b, before, zero);
    Value step = shape.firstStep(g);
    Value row = i.add(i.mul(t, shape.stride), i.mul(i.mul(g, shape.blocks), shape.block()));
    if (kernel.format.isBase3() && unit.vnni)
      return withoutDigits(row, step, columns, start);
    return whereTheyStand(row, step, columns, start);
  }

  /// Products of codes at each of `together` places of a byte, with sums for each place.
  SmallVector<Value> whereTheyStand(Value row, Value step, ByteCodes::Columns columns,
                                    SmallVector<Value> start) {
    // A code is less than a byte wherever it stands, so 32 bits hold the sums of a group.
    int64_t together = codes.together();
    start.resize(together * byteTile, dot.splat(dot.words(), 0));
    auto sums = dot.over(shape.blocks, codes.terms(), start, [&](Value block, ByteSums::Add add) {
      Value at = i.add(row, i.mul(block, shape.block()));
      codes.block(
          i.add(step, i.mul(block, 4)), columns,
          [&](int64_t term, ArrayRef<Value> registers) {
            Value x = dot.forAll(rows, i.add(at, 4 * term));
            for (auto [v, code] : llvm::enumerate(registers))
              add(term % together * byteTile + v, code, x);
          },
          together);
    });
    for (int64_t place = 1; place < together; ++place)
      for (unsigned v = 0; v < byteTile; ++v) {
        Value by = dot.splat(dot.words(), codes.standing(place, together));
        Value whole = arith::ShRSIOp::create(b, sums[place * byteTile + v], by);
        sums[v] = arith::AddIOp::create(b, sums[v], whole);
      }
    sums.truncate(byteTile);
    return sums;
  }

  /// Base 3. With b[0] the byte and b[n + 1] = 3 b[n] mod 256, digit n is (3 b[n] - b[n + 1]) / 256
  /// (dialects/Lut/README.md). So no digit is made: bytes are multiplied, and 3 sum(b[n] x[n]) -
  /// sum(b[n + 1] x[n]) is 256 times the sum of a group. Modulo 2^32 that is enough for sums below
  /// 2^23, of `most` blocks.
  SmallVector<Value> withoutDigits(Value row, Value step, ByteCodes::Columns columns,
                                   ValueRange start) {
    constexpr int64_t most = 1024;
    static_assert(most * 20 * 2 * 127 < 1 << 23);
    auto loop = scf::ForOp::create(b, i.constant(0), shape.blocks, i.constant(most), start);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value from = loop.getInductionVar();
    Value count = i.min(i.sub(shape.blocks, from), i.constant(most));
    SmallVector<Value> none(2 * byteTile, dot.splat(dot.words(), 0));
    SmallVector<Value> sums =
        dot.over(count, codes.terms(), none, [&](Value number, ByteSums::Add add) {
          Value block = i.add(from, number), at = i.add(row, i.mul(block, shape.block()));
          SmallVector<Value> bytes = codes.fives(i.add(step, i.mul(block, 4)), columns);
          for (int64_t term = 0; term < codes.terms(); ++term) {
            Value x = dot.forAll(rows, i.add(at, 4 * term));
            for (unsigned v = 0; v < byteTile; ++v) {
              Value &byte = bytes[v];
              add(v, byte, x);
              // Of three times three and more LLVM would make products, which take longer.
              Value twice = arith::AddIOp::create(b, byte, byte);
              byte = inRegister(b, arith::AddIOp::create(b, byte, twice));
              add(byteTile + v, byte, x);
            }
          }
        });
    Value three = dot.splat(dot.words(), 3), eight = dot.splat(dot.words(), 8);
    SmallVector<Value> totals(loop.getRegionIterArgs());
    for (unsigned v = 0; v < byteTile; ++v) {
      Value scaled =
          arith::SubIOp::create(b, arith::MulIOp::create(b, sums[v], three), sums[byteTile + v]);
      Value whole = arith::ShRSIOp::create(b, scaled, eight);
      totals[v] = arith::AddIOp::create(b, totals[v], whole);
    }
    scf::YieldOp::create(b, totals);
    return llvm::to_vector(ValueRange(loop.getResults()));
  }
};

} // namespace

func::FuncOp KernelLibrary::multiplyBytes(const LutKernel &kernel, const ByteUnit &unit) {
  Builder b(module.getContext());
  SmallVector<Type> types{flat(b.getI8Type()), flat(b.getI32Type()), flat(b.getF32Type())};
  llvm::append_range(types, lutParts(kernel));
  types.push_back(rows(b.getF32Type()));
  types.append(ByteShape::size + 4, b.getIndexType());
  return find(
      "multiply_bytes." + kernel.name(), unit, types,
      [&](ImplicitLocOpBuilder &b, ValueRange a) { Multiplied(b, kernel, unit, a).emit(); });
}

} // namespace mad::kernels
