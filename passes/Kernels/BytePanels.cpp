//===- BytePanels.cpp - Many rows of bytes times a weight of few bits -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The codes of 64 columns are made bytes once for all rows, into a cache, in the order in which
// tiles of the result read them: by tile, group, term and register.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Kernels/ByteKernels.h"

using namespace mlir;

namespace mad::kernels {
namespace {

/// Registers across a tile of the result. With the rows of `tallest` sums fit the registers.
constexpr unsigned across = 2;
int64_t tallest(ByteUnit unit) { return unit.level >= 4 ? (unit.vnni ? 8 : 4) : 2; }

class Decoder {
public:
  Decoder(ImplicitLocOpBuilder &b, const LutKernel &kernel, ByteUnit unit, ValueRange a)
      : b(b), i(b), kernel(kernel), unit(unit), parts(a.drop_back(10)), panel(a.end()[-10]),
        scales(a.end()[-9]), zeros(a.end()[-8]),
        shape(b, kernel, a.slice(a.size() - 7, ByteShape::size)), from(a.end()[-3]),
        to(a.end()[-2]), column(a.end()[-1]), codes(b, kernel, unit, parts, shape.K) {
    if (!kernel.packed)
      M = memref::DimOp::create(b, parts[0], 1);
  }

  void emit() {
    Value groups = kernel.oneSum ? i.constant(1) : i.sub(to, from);
    forRange(b, i.constant(0), i.constant(lutPanel / unit.columns()), 1, [&](Value tile) {
      Value place = i.add(column, i.mul(tile, unit.columns()));
      Value first = i.mul(tile, groups);
      auto all = [&](Value left) {
        ByteCodes::Columns columns = codes.columns(place, left);
        if (kernel.oneSum)
          return group(i.constant(0), tile, columns, from, to);
        forRange(b, from, to, 1, [&](Value g) {
          group(g, i.add(first, i.sub(g, from)), columns, i.constant(0), shape.blocks);
        });
      };
      if (kernel.packed)
        return all(Value());
      Value left = i.sub(M, place);
      Value none = i.constant(0);
      when(b, i.less(none, left), [&] {
        when(
            b, i.lessOrEqual(i.constant(unit.columns()), left), [&] { all(Value()); },
            [&] { all(left); });
      });
    });
  }

private:
  /// Blocks of group g, which is number `n` of the panel.
  void group(Value g, Value n, ByteCodes::Columns columns, Value low, Value high) {
    auto put = [&](ArrayRef<Value> registers, Value memory) {
      for (auto [v, value] : llvm::enumerate(registers))
        vector::StoreOp::create(b, value, memory,
                                i.add(i.mul(n, unit.columns()), v * unit.lanes()));
    };
    put(codes.scales(g, columns), scales);
    if (kernel.format.affine)
      put(codes.zeros(g, columns), zeros);
    Value step = shape.firstStep(g), start = i.mul(n, i.sub(high, low));
    int64_t size = 4 * unit.columns();
    forRange(b, low, high, 1, [&](Value block) {
      Value at = i.mul(i.add(start, i.sub(block, low)), codes.terms() * size);
      codes.block(
          i.add(step, i.mul(block, 4)), columns, [&](int64_t term, ArrayRef<Value> registers) {
            for (auto [v, code] : llvm::enumerate(registers))
              vector::StoreOp::create(b, code, panel, i.add(at, term * size + v * unit.bytes()));
          });
    });
  }

  ImplicitLocOpBuilder &b;
  Index i;
  const LutKernel &kernel;
  ByteUnit unit;
  ValueRange parts;
  Value panel, scales, zeros;
  ByteShape shape;
  Value from, to, column;
  ByteCodes codes;
  Value M;
};

class PanelMultiplier {
public:
  PanelMultiplier(ImplicitLocOpBuilder &b, const LutKernel &kernel, ByteUnit unit, int64_t mostCode,
                  ValueRange a)
      : b(b), i(b), kernel(kernel), unit(unit), arranged(a[0]), sums(a[1]), rowScales(a[2]),
        panel(a[3]), scales(a[4]), zeros(a[5]), Y(a[6]),
        shape(b, kernel, a.slice(7, ByteShape::size)), low(a[11]), high(a[12]), from(a[13]),
        to(a[14]), column(a[15]), timesSum(a[16]), dot(b, unit, mostCode), order(b, unit) {}

  void emit() {
    M = memref::DimOp::create(b, Y, 1);
    auto equal = [&](Value x, Value y) {
      return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, x, y);
    };
    isFirst = equal(from, i.constant(0));
    isLast = equal(to, kernel.oneSum ? shape.blocks : shape.groups);
    Value t = low;
    for (int64_t height = tallest(unit); height; height /= 2) {
      Value end = i.add(
          t, i.mul(b.createOrFold<arith::DivUIOp>(i.sub(high, t), i.constant(height)), height));
      forRange(b, t, end, height, [&](Value row) { rows(row, height); });
      t = end;
    }
  }

private:
  void rows(Value t, int64_t height) {
    forRange(b, i.constant(0), i.constant(lutPanel / unit.columns()), 1, [&](Value part) {
      Value place = i.add(column, i.mul(part, unit.columns()));
      Value left = i.sub(M, place);
      when(b, i.less(i.constant(0), left), [&] {
        Value first = kernel.oneSum ? part : i.mul(part, i.sub(to, from));
        forRange(b, i.constant(0), i.constant(byteTile), across, [&](Value v) {
          Value columns = i.mul(v, 4);
          tile(t, height, i.add(place, columns), i.sub(left, columns), first, v);
        });
      });
    });
  }

  /// Registers `first` and the next of some rows, columns from `place` on.
  void tile(Value t, int64_t height, Value place, Value left, Value firstGroup, Value first) {
    // The last of the columns lies in the last part of 16.
    Value whole = i.lessOrEqual(i.constant(unit.columns() - 8), left);
    SmallVector<Value> results = before(t, height, place, left);
    results = kernel.oneSum ? partOfSum(t, height, firstGroup, first, results)
                            : groups(t, height, firstGroup, first, results);
    auto store = [&](Value left) {
      for (int64_t r = 0; r < height; ++r)
        order.store(results[r * across], results[r * across + 1], Y, {i.add(t, r), place}, left);
    };
    when(b, whole, [&] { store(Value()); }, [&] { store(left); });
  }

  /// Goes on with the sums `before` over groups, and scales them where these are the last.
  SmallVector<Value> groups(Value t, int64_t height, Value firstGroup, Value first,
                            ValueRange before) {
    auto loop = scf::ForOp::create(b, from, to, i.constant(1), before);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      SmallVector<Value> totals(loop.getRegionIterArgs());
      Value g = loop.getInductionVar(), n = i.add(firstGroup, i.sub(g, from));
      add(products(t, height, g, n, first, i.constant(0), shape.blocks,
                   starts(t, height, g, n, first)),
          n, first, totals);
      scf::YieldOp::create(b, totals);
    }
    SmallVector<Value> results(loop.getResults());
    Value one = arith::ConstantOp::create(b, b.getF32FloatAttr(1));
    for (auto [n, result] : llvm::enumerate(results)) {
      // To multiply by 1 changes nothing.
      Value scale = memref::LoadOp::create(b, rowScales, i.add(t, n / across));
      scale = arith::SelectOp::create(b, isLast, scale, one);
      result =
          arith::MulFOp::create(b, result, vector::BroadcastOp::create(b, dot.floats(), scale));
    }
    return results;
  }

  /// Goes on with the one sum: until it is whole the result holds its bits.
  SmallVector<Value> partOfSum(Value t, int64_t height, Value n, Value first, ValueRange before) {
    Value none = i.constant(0);
    SmallVector<Value> start = starts(t, height, none, n, first);
    for (auto [sum, bits] : llvm::zip_equal(start, before))
      sum =
          arith::SelectOp::create(b, isFirst, sum, arith::BitcastOp::create(b, dot.words(), bits));
    SmallVector<Value> sums = products(t, height, none, n, first, from, to, start);
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(dot.floats()));
    SmallVector<Value> totals(sums.size(), zero);
    add(sums, n, first, totals);
    for (auto [number, total] : llvm::enumerate(totals)) {
      Value scale = memref::LoadOp::create(b, rowScales, i.add(t, number / across));
      total = arith::MulFOp::create(b, total, vector::BroadcastOp::create(b, dot.floats(), scale));
      Value bits = arith::BitcastOp::create(b, dot.floats(), sums[number]);
      total = arith::SelectOp::create(b, isLast, total, bits);
    }
    return totals;
  }

  /// What the result holds of the groups or blocks before.
  SmallVector<Value> before(Value t, int64_t height, Value place, Value left) {
    SmallVector<Type> types(height * across, dot.floats());
    auto branch = scf::IfOp::create(b, types, isFirst, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Value none = arith::ConstantOp::create(b, b.getZeroAttr(dot.floats()));
    scf::YieldOp::create(b, SmallVector<Value>(types.size(), none));
    b.setInsertionPointToStart(branch.elseBlock());
    SmallVector<Value> read;
    for (int64_t r = 0; r < height; ++r) {
      auto [x, y] = order.load(Y, {i.add(t, r), place}, left, [](Value value) { return value; });
      read.append({x, y});
    }
    scf::YieldOp::create(b, read);
    return llvm::to_vector(ValueRange(branch.getResults()));
  }

  /// Registers of a row of what `decodeBytes` wrote for group number `n`.
  Value ofGroup(Value memory, VectorType type, Value n, Value first, unsigned v) {
    Value at = i.add(i.mul(n, unit.columns()), i.mul(i.add(first, v), unit.lanes()));
    return vector::LoadOp::create(b, type, memory, at);
  }

  /// The sums of group g, number `n` of the panel, with nothing in them but what zeros take off.
  SmallVector<Value> starts(Value t, int64_t height, Value g, Value n, Value first) {
    SmallVector<Value> start;
    for (int64_t r = 0; r < height; ++r) {
      Value sum = memref::LoadOp::create(b, sums, i.add(i.mul(i.add(t, r), shape.groups), g));
      sum = arith::MulIOp::create(b, sum, timesSum);
      Value bias = vector::BroadcastOp::create(b, dot.words(), sum);
      for (unsigned v = 0; v < across; ++v) {
        start.push_back(bias);
        if (kernel.format.affine)
          start.back() = arith::MulIOp::create(b, bias, ofGroup(zeros, dot.words(), n, first, v));
      }
    }
    return start;
  }

  /// Blocks of group g, number `n` of the panel.
  SmallVector<Value> products(Value t, int64_t height, Value g, Value n, Value first, Value low,
                              Value high, ValueRange start) {
    SmallVector<Value> rows;
    for (int64_t r = 0; r < height; ++r)
      rows.push_back(i.add(i.mul(i.add(t, r), shape.stride),
                           i.mul(i.add(i.mul(g, shape.blocks), low), shape.block())));
    int64_t size = 4 * unit.columns(), terms = kernel.step();
    Value count = i.sub(high, low);
    // Sums of 32 bits can be looked at in any parts: shorter code.
    if (terms == 8 && unit.vnni)
      terms = 4, count = i.mul(count, 2);
    Value codes = i.mul(i.mul(n, count), terms * size);
    codes = i.add(codes, i.mul(first, unit.bytes()));
    return dot.over(count, terms, start, [&](Value block, ByteSums::Add add) {
      Value at = i.add(codes, i.mul(block, terms * size));
      Value offset = i.mul(block, 4 * terms);
      for (int64_t term = 0; term < terms; ++term) {
        SmallVector<Value> code;
        for (unsigned v = 0; v < across; ++v)
          code.push_back(vector::LoadOp::create(b, dot.bytes(), panel,
                                                i.add(at, term * size + v * unit.bytes())));
        for (int64_t r = 0; r < height; ++r) {
          Value x = dot.forAll(arranged, i.add(i.add(rows[r], offset), 4 * term));
          for (unsigned v = 0; v < across; ++v)
            add(r * across + v, code[v], x);
        }
      }
    });
  }

  /// Adds the scaled sums of a group.
  void add(ArrayRef<Value> products, Value n, Value first, SmallVector<Value> &totals) {
    for (auto [number, total] : llvm::enumerate(totals)) {
      Value scale = ofGroup(scales, dot.floats(), n, first, number % across);
      Value sum = arith::SIToFPOp::create(b, dot.floats(), products[number]);
      total = arith::AddFOp::create(b, total, arith::MulFOp::create(b, sum, scale));
    }
  }

  ImplicitLocOpBuilder &b;
  Index i;
  const LutKernel &kernel;
  ByteUnit unit;
  Value arranged, sums, rowScales, panel, scales, zeros, Y;
  ByteShape shape;
  Value low, high, from, to, column, timesSum, M, isFirst, isLast;
  ByteSums dot;
  TileOrder order;
};

} // namespace

func::FuncOp KernelLibrary::decodeBytes(const LutKernel &kernel, const ByteUnit &unit) {
  Builder b(module.getContext());
  SmallVector<Type> types = lutParts(kernel);
  types.append({flat(b.getI8Type()), flat(b.getF32Type()), flat(b.getI32Type())});
  types.append(ByteShape::size + 3, b.getIndexType());
  ByteUnit any = unit;
  any.vnni = false;
  return find("decode_bytes." + kernel.name(), any, types,
              [&](ImplicitLocOpBuilder &b, ValueRange a) { Decoder(b, kernel, any, a).emit(); });
}

func::FuncOp KernelLibrary::multiplyBytePanel(const LutKernel &kernel, const ByteUnit &unit) {
  Builder b(module.getContext());
  SmallVector<Type> types{flat(b.getI8Type()), flat(b.getI32Type()), flat(b.getF32Type()),
                          flat(b.getI8Type()), flat(b.getF32Type()), flat(b.getI32Type()),
                          rows(b.getF32Type())};
  types.append(ByteShape::size + 5, b.getIndexType());
  types.push_back(b.getI32Type());
  // Of the format only this counts: how large codes are, where there are zeros, and terms.
  int64_t bits =
      kernel.format.family == lut::Family::Ternary || kernel.signs() ? 2 : kernel.format.bits;
  int64_t mostCode = (int64_t(1) << bits) - 1;
  std::string name = "multiply_byte_panel." + std::to_string(kernel.step());
  if (!unit.vnni && unit.level >= 3)
    name += ".most" + std::to_string(mostCode);
  if (kernel.format.affine)
    name += ".affine";
  if (kernel.oneSum)
    name += ".one_sum";
  return find(name, unit, types, [&](ImplicitLocOpBuilder &b, ValueRange a) {
    PanelMultiplier(b, kernel, unit, mostCode, a).emit();
  });
}

} // namespace mad::kernels
