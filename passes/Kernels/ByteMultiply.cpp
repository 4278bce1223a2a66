//===- ByteMultiply.cpp - Few rows of bytes times a weight of few bits ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codes are made bytes in registers and multiplied at once. The sums of a group are integers; where
// it ends they are scaled and added to those of the groups before.
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

class FewByteRows {
public:
  FewByteRows(ImplicitLocOpBuilder &b, const LutKernel &kernel, ByteUnit unit, ValueRange a)
      : b(b), i(b), kernel(kernel), unit(unit), arranged(a[0]), sums(a[1]), scales(a[2]),
        parts(a.slice(3, a.size() - 12)), Y(a[a.size() - 9]),
        shape(b, kernel, a.slice(a.size() - 8, ByteShape::size)), from(a.end()[-4]),
        to(a.end()[-3]), first(a.end()[-2]), last(a.end()[-1]),
        codes(b, kernel, unit, parts, shape.K), dot(b, unit, codes.mostCode()), order(b, unit) {}

  void emit() {
    forRange(b, first, last, unit.columns(), [&](Value column) {
      Value left = i.sub(last, column);
      Value whole = i.lessOrEqual(i.constant(unit.columns()), left);
      auto rows = [&](Value left) {
        forRange(b, from, to, 1, [&](Value t) { tile(t, column, left); });
      };
      // Only stores know of what is left in panels.
      if (kernel.packed)
        return rows(left);
      when(b, whole, [&] { rows(Value()); }, [&] { rows(left); });
    });
  }

private:
  /// Some columns of a row.
  void tile(Value t, Value column, Value left) {
    ByteCodes::Columns columns = codes.columns(column, left);
    Value none = arith::ConstantOp::create(b, b.getZeroAttr(dot.floats()));
    auto groups = scf::ForOp::create(b, i.constant(0), shape.groups, i.constant(1),
                                     SmallVector<Value>(byteTile, none));
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(groups.getBody());
      SmallVector<Value> totals(groups.getRegionIterArgs());
      group(t, groups.getInductionVar(), columns, totals);
      scf::YieldOp::create(b, totals);
    }
    Value scale = memref::LoadOp::create(b, scales, t);
    Value all = vector::BroadcastOp::create(b, dot.floats(), scale);
    SmallVector<Value> results;
    for (Value total : groups.getResults())
      results.push_back(arith::MulFOp::create(b, total, all));
    auto store = [&](Value left) {
      for (unsigned v = 0; v < byteTile; v += 2)
        order.store(results[v], results[v + 1], Y, {t, i.add(column, 4 * v)},
                    left ? i.sub(left, i.constant(4 * v)) : left);
    };
    if (!kernel.packed)
      return store(left);
    when(
        b, i.lessOrEqual(i.constant(unit.columns()), left), [&] { store(Value()); },
        [&] { store(left); });
  }

  void group(Value t, Value g, ByteCodes::Columns columns, SmallVector<Value> &totals) {
    Value sum = memref::LoadOp::create(b, sums, i.add(i.mul(t, shape.groups), g));
    Value bias = vector::BroadcastOp::create(b, dot.words(), sum);
    SmallVector<Value> start(byteTile, bias);
    if (kernel.format.affine)
      for (auto [value, zero] : llvm::zip_equal(start, codes.zeros(g, columns)))
        value = arith::MulIOp::create(b, bias, zero);
    Value step = shape.firstStep(g);
    Value row = i.add(i.mul(t, shape.stride), i.mul(i.mul(g, shape.blocks), shape.block()));
    SmallVector<Value> products =
        dot.over(shape.blocks, codes.terms(), start, [&](Value block, ByteSums::Add add) {
          Value at = i.add(row, i.mul(block, shape.block()));
          codes.block(i.add(step, i.mul(block, 4)), columns,
                      [&](int64_t term, ArrayRef<Value> registers) {
                        Value x = dot.forAll(arranged, i.add(at, 4 * term));
                        for (auto [v, code] : llvm::enumerate(registers))
                          add(v, code, x);
                      });
        });
    for (auto [total, product, scale] :
         llvm::zip_equal(totals, products, codes.scales(g, columns))) {
      Value number = arith::SIToFPOp::create(b, dot.floats(), product);
      total = arith::AddFOp::create(b, total, arith::MulFOp::create(b, number, scale));
    }
  }

  ImplicitLocOpBuilder &b;
  Index i;
  const LutKernel &kernel;
  ByteUnit unit;
  Value arranged, sums, scales;
  ValueRange parts;
  Value Y;
  ByteShape shape;
  Value from, to, first, last;
  ByteCodes codes;
  ByteSums dot;
  TileOrder order;
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
      [&](ImplicitLocOpBuilder &b, ValueRange a) { FewByteRows(b, kernel, unit, a).emit(); });
}

} // namespace mad::kernels
