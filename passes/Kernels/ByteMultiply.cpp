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
#include "passes/Kernels/FewByteRows.h"

using namespace mlir;

namespace mad::kernels {
namespace {

class Multiplied : public FewByteRows {
public:
  using FewByteRows::FewByteRows;

private:
  SmallVector<Value> group(Value t, Value g, ByteCodes::Columns columns) override {
    Value before = bias(t, g);
    SmallVector<Value> start(byteTile, before);
    if (kernel.format.affine)
      for (auto [value, zero] : llvm::zip_equal(start, codes.zeros(g, columns)))
        value = arith::MulIOp::create(b, before, zero);
    Value step = shape.firstStep(g);
    Value row = i.add(i.mul(t, shape.stride), i.mul(i.mul(g, shape.blocks), shape.block()));
    return dot.over(shape.blocks, codes.terms(), start, [&](Value block, ByteSums::Add add) {
      Value at = i.add(row, i.mul(block, shape.block()));
      codes.block(i.add(step, i.mul(block, 4)), columns,
                  [&](int64_t term, ArrayRef<Value> registers) {
                    Value x = dot.forAll(rows, i.add(at, 4 * term));
                    for (auto [v, code] : llvm::enumerate(registers))
                      add(v, code, x);
                  });
    });
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
