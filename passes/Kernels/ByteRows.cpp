//===- ByteRows.cpp - Activations in the order of blocks --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Group by group, whole blocks: where groups end inside of steps or blocks, the steps that a group
// has a part of are read with zeros for what is not of the group. So kernels know nothing of where
// groups and columns end.
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Arrangement.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Kernels/ByteKernels.h"

using namespace mlir;

namespace mad::kernels {
namespace {

class Arranger {
public:
  Arranger(ImplicitLocOpBuilder &b, const LutKernel &kernel, ValueRange a)
      : b(b), i(b), kernel(kernel), source(a[0]), arranged(a[1]), sums(a[2]),
        shape(b, kernel, a.slice(3, ByteShape::size)), from(a[7]), to(a[8]) {}

  void emit() {
    forRange(b, from, to, 1, [&](Value t) {
      Value row = i.mul(t, shape.stride), sum = i.mul(t, shape.groups);
      forRange(b, i.constant(0), shape.groups, 1, [&](Value g) {
        Value at = i.add(row, i.mul(i.mul(g, shape.blocks), shape.block()));
        Value total = kernel.cutBlocks || kernel.step() != 8 ? parts(t, g, at) : whole(t, g, at);
        memref::StoreOp::create(b, total, sums, ValueRange{i.add(sum, g)});
      });
    });
  }

private:
  /// Blocks of 32, of which all is there.
  Value whole(Value t, Value g, Value at) {
    auto bytes = VectorType::get({32}, b.getI8Type());
    auto words = VectorType::get({32}, b.getI32Type());
    Value none = arith::ConstantOp::create(b, b.getZeroAttr(words));
    Value first = i.mul(g, shape.group);
    auto loop = scf::ForOp::create(b, i.constant(0), shape.blocks, i.constant(1), none);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value offset = i.mul(loop.getInductionVar(), 32);
      Value read = vector::LoadOp::create(b, bytes, source, ValueRange{t, i.add(first, offset)});
      SmallVector<int64_t> order;
      for (int64_t n = 0; n < 32; ++n)
        order.push_back(n % 4 * 8 + n / 4);
      vector::StoreOp::create(b, vector::ShuffleOp::create(b, read, read, order), arranged,
                              ValueRange{i.add(at, offset)});
      Value wide = arith::ExtSIOp::create(b, words, read);
      scf::YieldOp::create(b,
                           arith::AddIOp::create(b, loop.getRegionIterArgs()[0], wide).getResult());
    }
    return vector::ReductionOp::create(b, vector::CombiningKind::ADD, loop.getResult(0));
  }

  Value parts(Value t, Value g, Value at) {
    Value low = i.mul(g, shape.group), high = i.min(i.add(low, shape.group), shape.K);
    Value step = shape.firstStep(g);
    Value none = arith::ConstantIntOp::create(b, 0, 32),
          zero = arith::ConstantIntOp::create(b, 0, 8);
    auto loop = scf::ForOp::create(b, i.constant(0), i.mul(shape.blocks, kernel.step()),
                                   i.constant(1), none);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value term = loop.getInductionVar(), sum = loop.getRegionIterArgs()[0];
    Value each = i.constant(kernel.step());
    Value block = b.createOrFold<arith::DivUIOp>(term, each);
    Value code = b.createOrFold<arith::RemUIOp>(term, each);
    for (int64_t n = 0; n < 4; ++n) {
      Value k = i.add(i.mul(i.add(i.add(step, i.mul(block, 4)), n), kernel.step()), code);
      Value inside = arith::AndIOp::create(b, i.lessOrEqual(low, k), i.less(k, high));
      Value read =
          memref::LoadOp::create(b, source, ValueRange{t, i.min(k, i.sub(shape.K, i.constant(1)))});
      read = arith::SelectOp::create(b, inside, read, zero);
      memref::StoreOp::create(b, read, arranged, ValueRange{i.add(at, i.add(i.mul(term, 4), n))});
      sum = arith::AddIOp::create(b, sum, arith::ExtSIOp::create(b, b.getI32Type(), read));
    }
    scf::YieldOp::create(b, sum);
    return loop.getResult(0);
  }

  ImplicitLocOpBuilder &b;
  Index i;
  const LutKernel &kernel;
  Value source, arranged, sums;
  ByteShape shape;
  Value from, to;
};

} // namespace

LutKernel LutKernel::ofBytes(const lut::Format &format, int64_t K, int64_t M) {
  LutKernel kernel = of(format, K, M, /*fma=*/true);
  kernel.ragged = kernel.cutSteps = false;
  kernel.cutBlocks = lut::Arrangement::of(format, K).cut;
  return kernel;
}

int64_t LutKernel::blocks(int64_t K) const { return lut::Arrangement::of(format, K).blocks; }

ByteShape::ByteShape(ImplicitLocOpBuilder &b, const LutKernel &kernel, ValueRange a)
    : K(a[0]), group(a[1]), blocks(a[2]), stride(a[3]), b(b), kernel(kernel) {
  groups = Index(b).ceilDiv(K, group);
}

SmallVector<Value> ByteShape::of(ImplicitLocOpBuilder &b, const LutKernel &kernel, int64_t K) {
  Index i(b);
  int64_t blocks = kernel.blocks(K);
  return {i.constant(K), i.constant(std::min(kernel.format.groupLength(K), K)), i.constant(blocks),
          i.constant(strideOf(kernel, K))};
}

int64_t ByteShape::strideOf(const LutKernel &kernel, int64_t K) {
  return lut::Arrangement::of(kernel.format, K).stride;
}

int64_t ByteShape::block() const { return 4 * kernel.step(); }

Value ByteShape::firstStep(Value g) const {
  Index i(b);
  if (!kernel.cutBlocks)
    return i.mul(i.mul(g, blocks), 4);
  return b.createOrFold<arith::DivUIOp>(i.mul(g, group), i.constant(kernel.step()));
}

func::FuncOp KernelLibrary::arrangeBytes(const LutKernel &kernel) {
  Builder b(module.getContext());
  SmallVector<Type> types{rows(b.getI8Type()), flat(b.getI8Type()), flat(b.getI32Type())};
  types.append(ByteShape::size + 2, b.getIndexType());
  std::string name = "arrange_bytes." + std::to_string(kernel.step());
  return find(kernel.cutBlocks ? name + ".cut" : name, types,
              [&](ImplicitLocOpBuilder &b, ValueRange a) { Arranger(b, kernel, a).emit(); });
}

} // namespace mad::kernels
