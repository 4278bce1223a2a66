//===- Matrices.cpp - Products on tensor cores ------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/NvvmToSimt/Lowering.h"

using namespace mlir;
using namespace mad::simt;

static Type firstOf(Type type) {
  auto body = dyn_cast<LLVM::LLVMStructType>(type);
  return body ? body.getBody()[0] : type;
}

/// The number of the type of the sums, as NVVM::MMATypes has it.
static std::optional<NVVM::MMATypes> sumType(Type type) {
  Type element = firstOf(type);
  if (auto vector = dyn_cast<VectorType>(element))
    element = vector.getElementType();
  if (element.isF32())
    return NVVM::MMATypes::f32;
  if (element.isF16())
    return NVVM::MMATypes::f16;
  if (element.isF64())
    return NVVM::MMATypes::f64;
  if (element.isInteger(32))
    return NVVM::MMATypes::s32;
  return std::nullopt;
}

static LogicalResult checkForm(NVVM::MmaOp op, NVVM::MMATypes a,
                               std::optional<NVVM::MMATypes> sum) {
  auto shape = op.getShape();
  bool f16Quads = a == NVVM::MMATypes::f16 && shape.getM() == 8;
  bool known = a <= NVVM::MMATypes::f64; // fp8 and narrower are of later devices
  Type c = op.getOperandC().front().getType(), d = firstOf(op.getType());
  if (known && !f16Quads && sum && c == d && op.getLayoutA() == NVVM::MMALayout::row &&
      op.getLayoutB() == NVVM::MMALayout::col)
    return success();
  return op.emitOpError("has no emulation: this combination of shape, types and layouts");
}

/// Form of wgmma; see Ops.def.
static int64_t formOf(NVVM::WgmmaMmaAsyncOp op) {
  bool transposeA = op.getLayoutA() == NVVM::MMALayout::col;
  bool transposeB = op.getLayoutB() == NVVM::MMALayout::row;
  return int64_t(op.getTypeA()) | int64_t(op.getTypeD()) << 4 |
         int64_t(op.getScaleD() == NVVM::WGMMAScaleOut::zero) << 8 |
         int64_t(op.getScaleA() == NVVM::WGMMAScaleIn::neg) << 9 |
         int64_t(op.getScaleB() == NVVM::WGMMAScaleIn::neg) << 10 | int64_t(transposeA) << 11 |
         int64_t(transposeB) << 12 | int64_t(op.getTypeB()) << 13;
}

static LogicalResult checkForm(NVVM::WgmmaMmaAsyncOp op) {
  bool bits = op.getTypeA() == NVVM::WGMMATypes::b1;
  bool wide = op.getTypeA() == NVVM::WGMMATypes::f16 || op.getTypeA() == NVVM::WGMMATypes::bf16;
  bool transposed =
      op.getLayoutA() == NVVM::MMALayout::col || op.getLayoutB() == NVVM::MMALayout::row;
  if (bits || (transposed && !wide) ||
      (op.getSatfinite() && *op.getSatfinite() == NVVM::MMAIntOverflow::satfinite))
    return op.emitOpError("has no emulation: this combination of types and layouts");
  return success();
}

/// The text of a product with its left factor in registers (GpuBuilder::multiplyGroup): columns and
/// the type of the factors.
static std::optional<std::pair<int64_t, NVVM::WGMMATypes>> groupProductOf(LLVM::InlineAsmOp op,
                                                                          size_t operands) {
  StringRef text = op.getAsmString();
  int64_t columns;
  if (!text.consume_front("{ .reg .pred p; setp.ne.b32 p, 1, 0; ") ||
      !text.consume_front("wgmma.mma_async.sync.aligned.m64n") ||
      text.consumeInteger(10, columns) || operands != size_t(columns / 2 + 5) ||
      !text.ends_with("p, 1, 1, 0; }"))
    return std::nullopt;
  if (text.starts_with("k16.f32.f16.f16 {"))
    return std::pair(columns, NVVM::WGMMATypes::f16);
  if (text.starts_with("k16.f32.bf16.bf16 {"))
    return std::pair(columns, NVVM::WGMMATypes::bf16);
  return std::nullopt;
}

Lowering::Lowered Lowering::lowerMatrix(Operation *op) {
  Location loc = op->getLoc();
  auto finish = [&](int32_t byte) {
    Value made = LLVM::LoadOp::create(b, loc, op->getResult(0).getType(), at(loc, fragments, byte));
    op->getResult(0).replaceAllUsesWith(made);
    op->erase();
    return success();
  };
  if (auto load = dyn_cast<NVVM::LdMatrixOp>(op)) {
    if (load.getEltType() != NVVM::LdStMatrixEltType::B16 || load.getShape().getM() != 8)
      return op->emitOpError("has no emulation: only 8x8 matrices of 16 bits have one");
    call(loc, "ldmatrix", nothing,
         {load.getPtr(), constant(loc, load.getNum()),
          constant(loc, load.getLayout() == NVVM::MMALayout::col), at(loc, fragments, Results),
          place(op)});
    return finish(Results);
  }
  if (auto store = dyn_cast<NVVM::StMatrixOp>(op)) {
    if (store.getEltType() != NVVM::LdStMatrixEltType::B16 || store.getShape().getM() != 8)
      return op->emitOpError("has no emulation: only 8x8 matrices of 16 bits have one");
    storeWords(loc, store.getSources(), A);
    return replace(op, "stmatrix",
                   {store.getPtr(), constant(loc, store.getSources().size()),
                    constant(loc, store.getLayout() == NVVM::MMALayout::col), fragments,
                    place(op)});
  }
  if (auto mma = dyn_cast<NVVM::MmaOp>(op)) {
    auto a = mma.getMultiplicandAPtxType().value_or(NVVM::MMATypes::f16);
    auto second = mma.getMultiplicandBPtxType().value_or(a);
    auto sum = sumType(mma.getType());
    if (failed(checkForm(mma, a, sum)))
      return failure();
    storeWords(loc, mma.getOperandA(), A);
    storeWords(loc, mma.getOperandB(), B);
    storeWords(loc, mma.getOperandC(), Sums);
    bool wraps = mma.getIntOverflowBehavior().value_or(NVVM::MMAIntOverflow::wrapped) ==
                 NVVM::MMAIntOverflow::wrapped;
    bool andBits = mma.getB1Op() && *mma.getB1Op() == NVVM::MMAB1Op::and_popc;
    int64_t types = int64_t(a) | int64_t(second) << 4 | int64_t(*sum) << 8 | int64_t(!wraps) << 12 |
                    int64_t(andBits) << 13;
    auto shape = mma.getShape();
    call(loc, "mma", nothing,
         {constant(loc, shape.getM()), constant(loc, shape.getN()), constant(loc, shape.getK()),
          constant(loc, types), fragments, at(loc, fragments, Results), place(op)});
    return finish(Results);
  }
  if (auto product = dyn_cast<NVVM::WgmmaMmaAsyncOp>(op)) {
    if (failed(checkForm(product)))
      return failure();
    LLVM::StoreOp::create(b, loc, product.getInouts(), at(loc, fragments, GroupSums));
    auto shape = product.getShape();
    call(loc, "wgmma", nothing,
         {product.getDescriptorA(), product.getDescriptorB(), constant(loc, shape.getN()),
          constant(loc, shape.getK()), constant(loc, formOf(product)),
          at(loc, fragments, GroupSums), place(op)});
    return finish(GroupSums);
  }
  if (auto text = dyn_cast<LLVM::InlineAsmOp>(op)) {
    auto product = groupProductOf(text, text.getOperands().size());
    if (!product)
      return std::nullopt;
    auto [columns, type] = *product;
    const int64_t inRegisters = int64_t(1) << 17;
    const int64_t form = int64_t(type) | int64_t(NVVM::WGMMATypes::f32) << 4 | int64_t(type) << 13;
    ValueRange operands = text.getOperands();
    storeWords(loc, operands.take_front(columns / 2), GroupSums);
    storeWords(loc, operands.drop_front(columns / 2).take_front(4), A);
    Value words = LLVM::PtrToIntOp::create(b, loc, wide, at(loc, fragments, A));
    call(loc, "wgmma", nothing,
         {words, operands.back(), constant(loc, columns), constant(loc, 16),
          constant(loc, form | inRegisters), at(loc, fragments, GroupSums), place(op)});
    return finish(GroupSums);
  }
  if (isa<NVVM::WgmmaGroupSyncAlignedOp>(op))
    return replace(op, "wgmma_commit", {});
  if (auto wait = dyn_cast<NVVM::WgmmaWaitGroupSyncOp>(op))
    return replace(op, "wgmma_wait", {constant(loc, wait.getGroup())});
  return std::nullopt;
}
