//===- InlinePtx.cpp - PTX texts that have an emulation ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A closed list; any other text is an error. Also conversions that are one instruction.
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/NvvmToSimt/Lowering.h"

using namespace mlir;
using namespace mad::simt;

/// A bitwise function of three words by its truth table.
static Value lop3(OpBuilder &b, Location loc, ValueRange in, unsigned table) {
  Type word = b.getI32Type();
  auto number = [&](int64_t x) {
    return LLVM::ConstantOp::create(b, loc, word, b.getIntegerAttr(word, x)).getResult();
  };
  Value all = number(-1), result = number(0);
  for (unsigned row = 0; row < 8; ++row) {
    if (!(table >> row & 1))
      continue;
    Value term = all;
    for (unsigned i = 0; i < 3; ++i) {
      Value v = in[i];
      if (!(row >> (2 - i) & 1))
        v = LLVM::XOrOp::create(b, loc, v, all);
      term = LLVM::AndOp::create(b, loc, term, v);
    }
    result = LLVM::OrOp::create(b, loc, result, term);
  }
  return result;
}

/// The nearest float with 10 bits of mantissa; ties to even, or away from zero.
static Value roundToTf32(OpBuilder &b, Location loc, Value x, bool away) {
  Type word = b.getI32Type();
  auto number = [&](int64_t v) {
    return LLVM::ConstantOp::create(b, loc, word, b.getIntegerAttr(word, v)).getResult();
  };
  Value bits = LLVM::BitcastOp::create(b, loc, word, x), half = number(away ? 0x1000 : 0xfff);
  if (!away) {
    Value odd = LLVM::AndOp::create(
        b, loc, LLVM::LShrOp::create(b, loc, bits, number(13)).getResult(), number(1));
    half = LLVM::AddOp::create(b, loc, half, odd);
  }
  Value sum = LLVM::AddOp::create(b, loc, bits, half);
  return LLVM::AndOp::create(b, loc, sum, number(~int64_t(0x1fff)));
}

Lowering::Lowered Lowering::lowerText(Operation *op) {
  Location loc = op->getLoc();
  if (auto convert = dyn_cast<NVVM::ConvertFloatToTF32Op>(op)) {
    bool away = convert.getRnd() == NVVM::FPRoundingMode::RNA;
    if ((!away && convert.getRnd() != NVVM::FPRoundingMode::RN) || convert.getRelu() ||
        convert.getSat() != NVVM::SaturationMode::NONE)
      return op->emitOpError("has no emulation: this rounding or saturation");
    op->getResult(0).replaceAllUsesWith(roundToTf32(b, loc, convert.getSrc(), away));
    op->erase();
    return success();
  }
  if (auto inverse = dyn_cast<NVVM::RcpApproxFtzF32Op>(op)) {
    Value one = LLVM::ConstantOp::create(b, loc, b.getF32Type(), b.getF32FloatAttr(1));
    op->getResult(0).replaceAllUsesWith(
        LLVM::FDivOp::create(b, loc, one, inverse.getArg()).getResult());
    op->erase();
    return success();
  }
  // Nothing but an order of instructions (GpuBuilder::settled).
  if (auto empty = dyn_cast<LLVM::InlineAsmOp>(op); empty && empty.getAsmString().empty()) {
    Value same = LLVM::UndefOp::create(b, loc, op->getResult(0).getType());
    if (!isa<LLVM::LLVMStructType>(same.getType()))
      same = op->getOperand(0);
    else
      for (auto [i, value] : llvm::enumerate(op->getOperands()))
        same = LLVM::InsertValueOp::create(b, loc, same, value, ArrayRef<int64_t>{int64_t(i)});
    op->getResult(0).replaceAllUsesWith(same);
    op->erase();
    return success();
  }
  auto text = dyn_cast<NVVM::InlinePtxOp>(op);
  if (!text)
    return std::nullopt;
  StringRef code = text.getPtxCode();
  auto unknown = [&]() -> Lowered {
    return op->emitOpError() << "has no emulation of `" << text.getPtxCode() << "`";
  };
  if (text.getPredicate() || !text.getReadWriteArgs().empty())
    return unknown();
  unsigned table;
  if (code.consume_front("lop3.b32 $0, $1, $2, $3, ")) {
    if (code.consumeInteger(0, table) || code != ";" || table > 255 ||
        text.getReadOnlyArgs().size() != 3)
      return unknown();
    op->getResult(0).replaceAllUsesWith(lop3(b, loc, text.getReadOnlyArgs(), table));
    op->erase();
    return success();
  }
  if (code == "st.async.shared::cluster.mbarrier::complete_tx::bytes.b64 [$0], $1, [$2];" &&
      text.getReadOnlyArgs().size() == 3) {
    OperandRange in = text.getReadOnlyArgs();
    return replace(op, "async_store", {in[0], in[1], in[2], place(op)});
  }
  if (code == "red.global.add.noftz.f16x2 [$0], $1;" && text.getReadOnlyArgs().size() == 2) {
    // Nobody comes between load and store: fibers change at operations of theirs only.
    Value address = text.getReadOnlyArgs()[0];
    auto pair = VectorType::get(2, b.getF16Type());
    check(op, address, pair, /*access: an atomic write*/ 3);
    Value value = LLVM::BitcastOp::create(b, loc, pair, text.getReadOnlyArgs()[1]);
    Value old = LLVM::LoadOp::create(b, loc, pair, address, /*alignment=*/4);
    LLVM::StoreOp::create(b, loc, LLVM::FAddOp::create(b, loc, old, value), address, 4);
    op->erase();
    return success();
  }
  return unknown();
}
