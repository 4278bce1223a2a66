//===- ByteSums.cpp - Sums of products of bytes in registers ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/ByteSums.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Kernels/AccumulatorBounds.h"
#include "passes/Kernels/KernelLibrary.h"

using namespace mlir;

namespace mad::kernels {

ByteSums::ByteSums(ImplicitLocOpBuilder &b, ByteUnit unit, int64_t mostCode)
    : b(b), unit(unit), most(unit.vnni || unit.level < 3 ? 0 : pairsIn16Bits(mostCode)) {}

VectorType ByteSums::bytes() const { return VectorType::get({unit.bytes()}, b.getI8Type()); }
VectorType ByteSums::halves() const { return VectorType::get({unit.bytes() / 2}, b.getI16Type()); }
VectorType ByteSums::words() const { return VectorType::get({unit.lanes()}, b.getI32Type()); }
VectorType ByteSums::floats() const { return VectorType::get({unit.lanes()}, b.getF32Type()); }

Value ByteSums::splat(VectorType type, int64_t value) {
  Attribute element = b.getIntegerAttr(type.getElementType(), value);
  return arith::ConstantOp::create(b, DenseElementsAttr::get(type, element));
}

Value ByteSums::forAll(Value memory, Value place) {
  auto four = VectorType::get({4}, b.getI8Type());
  Value read = vector::LoadOp::create(b, four, memory, place);
  read = vector::BitCastOp::create(b, VectorType::get({1}, b.getI32Type()), read);
  Value word = vector::ExtractOp::create(b, read, int64_t(0));
  return vector::BitCastOp::create(b, bytes(), vector::BroadcastOp::create(b, words(), word));
}

Value ByteSums::call(StringRef name, Type type, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), operands).getResult(0);
}

/// Sums of two products each, of 16 bits.
Value ByteSums::pairs(Value codes, Value activations) {
  StringRef name = unit.level >= 4 ? "llvm.x86.avx512.pmaddubs.w.512" : "llvm.x86.avx2.pmadd.ub.sw";
  return call(name, halves(), {codes, activations});
}

Value ByteSums::widened(Value sum, Value pairs) {
  StringRef name = unit.level >= 4   ? "llvm.x86.avx512.pmaddw.d.512"
                   : unit.level >= 3 ? "llvm.x86.avx2.pmadd.wd"
                                     : "llvm.x86.sse2.pmadd.wd";
  return arith::AddIOp::create(b, sum, call(name, words(), {pairs, splat(halves(), 1)}));
}

/// A term of a sum of 32 bits. Without VNNI the products of bytes at even places, then those at
/// odd ones.
Value ByteSums::added(Value sum, Value codes, Value activations) {
  if (unit.vnni)
    return call(unit.level >= 4 ? "llvm.x86.avx512.vpdpbusd.512" : "llvm.x86.avx512.vpdpbusd.256",
                words(), {sum, codes, activations});
  StringRef name = unit.level >= 4   ? "llvm.x86.avx512.pmaddw.d.512"
                   : unit.level >= 3 ? "llvm.x86.avx2.pmadd.wd"
                                     : "llvm.x86.sse2.pmadd.wd";
  Value u = vector::BitCastOp::create(b, halves(), codes);
  Value s = vector::BitCastOp::create(b, halves(), activations);
  Value eight = splat(halves(), 8);
  Value even = call(name, words(),
                    {arith::AndIOp::create(b, u, splat(halves(), 255)),
                     arith::ShRSIOp::create(b, arith::ShLIOp::create(b, s, eight), eight)});
  Value odd = call(name, words(),
                   {arith::ShRUIOp::create(b, u, eight), arith::ShRSIOp::create(b, s, eight)});
  return arith::AddIOp::create(b, sum, arith::AddIOp::create(b, even, odd));
}

SmallVector<Value> ByteSums::over(Value count, int64_t terms, ValueRange start,
                                  function_ref<void(Value, Add)> block) {
  if (most >= 2 * terms)
    return inHalves(count, terms, start, block);
  Index i(b);
  auto loop = scf::ForOp::create(b, i.constant(0), count, i.constant(1), start);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> sums(loop.getRegionIterArgs()), open(sums.size());
  SmallVector<int64_t> held(sums.size(), 0);
  auto close = [&](unsigned n) {
    if (open[n])
      sums[n] = widened(sums[n], open[n]);
    open[n] = Value(), held[n] = 0;
  };
  block(loop.getInductionVar(), [&](unsigned n, Value codes, Value activations) {
    if (!most) {
      sums[n] = added(sums[n], codes, activations);
      return;
    }
    Value pair = pairs(codes, activations);
    open[n] = open[n] ? arith::AddIOp::create(b, open[n], pair).getResult() : pair;
    if (++held[n] == most)
      close(n);
  });
  for (unsigned n = 0; n < sums.size(); ++n)
    close(n);
  scf::YieldOp::create(b, sums);
  return llvm::to_vector(ValueRange(loop.getResults()));
}

/// As many blocks as 16 bits hold the sums of.
SmallVector<Value> ByteSums::inHalves(Value count, int64_t terms, ValueRange start,
                                      function_ref<void(Value, Add)> block) {
  Index i(b);
  Value each = i.constant(most / terms);
  auto outer = scf::ForOp::create(b, i.constant(0), count, each, start);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(outer.getBody());
  Value first = outer.getInductionVar();
  SmallVector<Value> none(start.size(), splat(halves(), 0));
  auto inner = scf::ForOp::create(b, first, i.min(i.add(first, each), count), i.constant(1), none);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(inner.getBody());
    SmallVector<Value> sums(inner.getRegionIterArgs());
    int64_t added = 0;
    block(inner.getInductionVar(), [&](unsigned n, Value codes, Value activations) {
      sums[n] = arith::AddIOp::create(b, sums[n], pairs(codes, activations));
      added += n == 0;
    });
    assert(added == terms && "the bound of 16 bits is for so many terms");
    scf::YieldOp::create(b, sums);
  }
  SmallVector<Value> sums;
  for (auto [sum, pairs] : llvm::zip_equal(outer.getRegionIterArgs(), inner.getResults()))
    sums.push_back(widened(sum, pairs));
  scf::YieldOp::create(b, sums);
  return llvm::to_vector(ValueRange(outer.getResults()));
}

} // namespace mad::kernels
