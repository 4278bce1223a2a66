//===- GpuMatrix.cpp - Tensor cores -----------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "passes/Kernels/Gpu/GpuBuilder.h"

using namespace mlir;
using namespace mad::device;

static LLVM::LLVMStructType repeated(MLIRContext *context, Type type, int count) {
  return LLVM::LLVMStructType::getLiteral(context, SmallVector<Type>(count, type));
}

static Values members(ImplicitLocOpBuilder &b, Value structure, int count) {
  Values values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b, structure, i));
  return values;
}

Values GpuBuilder::loadMatrices(Value shared, bool transposed) {
  auto shape = NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8);
  Value words = NVVM::LdMatrixOp::create(b, repeated(b.getContext(), b.getI32Type(), 4), shared, 4u,
                                         transposed ? NVVM::MMALayout::col : NVVM::MMALayout::row,
                                         shape, NVVM::LdStMatrixEltType::B16);
  return members(b, words, 4);
}

Values GpuBuilder::multiply(Type element, ValueRange a, ValueRange bs, ValueRange c) {
  Values left(a), right(bs);
  auto kind = NVVM::MMATypes::f16;
  if (element.isF16()) {
    // The other types take words.
    Type pair = vectorOf(2, element);
    for (Value &word : left)
      word = bits(word, pair);
    for (Value &word : right)
      word = bits(word, pair);
  } else {
    kind = element.isBF16() ? NVVM::MMATypes::bf16 : NVVM::MMATypes::tf32;
  }
  const int64_t steps = 32 / bytesOf(element);
  Value sums = NVVM::MmaOp::create(
      b, repeated(b.getContext(), b.getF32Type(), 4), left, right, c,
      ArrayRef<int64_t>{16, 8, steps}, std::nullopt, std::nullopt,
      std::array<NVVM::MMATypes, 2>{kind, kind},
      std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row, NVVM::MMALayout::col});
  return members(b, sums, 4);
}

Values GpuBuilder::multiplyBytes(ValueRange a, ValueRange bs, ValueRange c) {
  Values sums(c);
  Value made = NVVM::MmaOp::create(
      b, repeated(b.getContext(), b.getI32Type(), 4), a, bs, sums, ArrayRef<int64_t>{16, 8, 32},
      std::nullopt, NVVM::MMAIntOverflow::wrapped,
      std::array<NVVM::MMATypes, 2>{NVVM::MMATypes::u8, NVVM::MMATypes::s8},
      std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row, NVVM::MMALayout::col});
  return members(b, made, 4);
}

Value GpuBuilder::matrixDescriptor(Value shared, bool across) {
  // In units of 16 bytes: where it starts, in bits 0 to 13; 64 from one group of eight rows to
  // the next, in bits 32 to 45; in bits 16 to 29 what lies between columns 0 and 64 when read
  // across, else 1, which is not used. Swizzle of 128 bytes: 1 in bits 62 and 63.
  const int64_t leading = across ? 64 * 128 / 16 : 1;
  const int64_t fixed = (int64_t(1) << 62) | (int64_t(64) << 32) | (leading << 16);
  Value address = LLVM::PtrToIntOp::create(b, b.getI32Type(), shared);
  Value units = bitAnd(shiftRight(address, 4), 0x3fff);
  return b.createOrFold<arith::OrIOp>(extend(units), wide(fixed));
}

Type GpuBuilder::groupSums(int columns) {
  return repeated(b.getContext(), b.getF32Type(), columns / 2);
}

Value GpuBuilder::multiplyGroup(Type element, int columns, Value a, Value bs, Value sums,
                                bool across, bool acrossA) {
  auto kind = element.isF16()    ? NVVM::WGMMATypes::f16
              : element.isBF16() ? NVVM::WGMMATypes::bf16
                                 : NVVM::WGMMATypes::tf32;
  auto shape = NVVM::MMAShapeAttr::get(b.getContext(), 64, columns, 32 / bytesOf(element));
  return NVVM::WgmmaMmaAsyncOp::create(
      b, sums.getType(), sums, a, bs, shape, kind, kind, NVVM::WGMMATypes::f32,
      NVVM::WGMMAScaleOut::one, NVVM::WGMMAScaleIn::one, NVVM::WGMMAScaleIn::one,
      acrossA ? NVVM::MMALayout::col : NVVM::MMALayout::row,
      across ? NVVM::MMALayout::row : NVVM::MMALayout::col, NVVM::MMAIntOverflowAttr());
}
Value GpuBuilder::multiplyGroup(Type element, int columns, ValueRange a, Value bs, Value sums) {
  // NVVM has no such form.
  const int count = columns / 2;
  std::string type = element.isF16() ? "f16" : "bf16";
  std::string text = "{ .reg .pred p; setp.ne.b32 p, 1, 0; wgmma.mma_async.sync.aligned.m64n" +
                     std::to_string(columns) + "k16.f32." + type + "." + type + " {";
  std::string outputs, inputs;
  for (int i = 0; i < count; ++i) {
    text += (i ? ", $" : "$") + std::to_string(i);
    outputs += "=f,";
    inputs += std::to_string(i) + ",";
  }
  auto operand = [&](int i) { return "$" + std::to_string(2 * count + i); };
  text += "}, {" + operand(0) + ", " + operand(1) + ", " + operand(2) + ", " + operand(3) + "}, " +
          operand(4) + ", p, 1, 1, 0; }";
  Values operands = members(b, sums, count);
  operands.append(a.begin(), a.end());
  operands.push_back(bs);
  return LLVM::InlineAsmOp::create(b, sums.getType(), operands, text,
                                   outputs + inputs + "r,r,r,r,l",
                                   /*has_side_effects=*/true, /*is_align_stack=*/false,
                                   LLVM::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr())
      .getResult(0);
}
void GpuBuilder::fenceGroup() { NVVM::WgmmaFenceAlignedOp::create(b); }
void GpuBuilder::commitGroup() { NVVM::WgmmaGroupSyncAlignedOp::create(b); }
void GpuBuilder::waitGroup(int left) {
  NVVM::WgmmaWaitGroupSyncOp::create(b, static_cast<uint64_t>(left));
}

Value GpuBuilder::settled(Value sums) {
  auto type = dyn_cast<LLVM::LLVMStructType>(sums.getType());
  if (!type)
    return LLVM::InlineAsmOp::create(b, sums.getType(), sums, /*asm_string=*/"", "=r,0",
                                     /*has_side_effects=*/true, /*is_align_stack=*/false,
                                     LLVM::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr())
        .getResult(0);
  const int count = type.getBody().size();
  // Each register is what goes in and what comes out.
  std::string constraints;
  for (int i = 0; i < count; ++i)
    constraints += "=f,";
  for (int i = 0; i < count; ++i)
    constraints += std::to_string(i) + (i + 1 < count ? "," : "");
  return LLVM::InlineAsmOp::create(b, type, members(b, sums, count), /*asm_string=*/"", constraints,
                                   /*has_side_effects=*/true, /*is_align_stack=*/false,
                                   LLVM::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr())
      .getResult(0);
}
