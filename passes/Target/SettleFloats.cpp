//===- SettleFloats.cpp - Roundings are decided once --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The JIT and the ahead-of-time build optimise with different effort, and must give
// the same bits. So what LLVM may decide freely is decided here, on the same input
// for both: a product that may be contracted with its sum becomes an fma where the
// CPU has one, and then the permissions go. Reductions of vectors keep theirs: they
// are expanded late, always in the same way, and slow when their order is fixed.
// What fast code promises (no NaN, no infinity) has been used by then: to LLVM it
// would make a NaN that is there after all undefined behaviour.
//
//===----------------------------------------------------------------------===//
#include "passes/Target/Codegen.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Operator.h"

using namespace llvm;

static BinaryOperator *product(Value *value) {
  auto *made = dyn_cast<BinaryOperator>(value);
  bool fits = made && made->getOpcode() == Instruction::FMul && made->hasAllowContract() &&
              made->hasOneUse();
  return fits ? made : nullptr;
}

/// `a * b + c`, `a * b - c` or `c - a * b` as one operation.
static void contract(BinaryOperator &sum) {
  bool minus = sum.getOpcode() == Instruction::FSub;
  if ((!minus && sum.getOpcode() != Instruction::FAdd) || !sum.hasAllowContract())
    return;
  BinaryOperator *left = product(sum.getOperand(0)), *right = product(sum.getOperand(1));
  BinaryOperator *multiply = left ? left : right;
  if (!multiply)
    return;
  IRBuilder<> builder(&sum);
  Value *a = multiply->getOperand(0), *b = multiply->getOperand(1);
  Value *c = sum.getOperand(multiply == left ? 1 : 0);
  if (minus && multiply == left)
    c = builder.CreateFNeg(c);
  else if (minus)
    a = builder.CreateFNeg(a);
  sum.replaceAllUsesWith(builder.CreateIntrinsic(Intrinsic::fma, {sum.getType()}, {a, b, c}));
  sum.eraseFromParent();
  multiply->eraseFromParent();
}

static void forbidRounding(Instruction &instruction) {
  auto *operation = dyn_cast<FPMathOperator>(&instruction);
  if (!operation)
    return;
  if (auto *call = dyn_cast<IntrinsicInst>(&instruction))
    if (call->getIntrinsicID() == Intrinsic::vector_reduce_fadd ||
        call->getIntrinsicID() == Intrinsic::vector_reduce_fmul)
      return;
  FastMathFlags flags = operation->getFastMathFlags();
  flags.setAllowReassoc(false);
  flags.setAllowContract(false);
  flags.setAllowReciprocal(false);
  flags.setApproxFunc(false);
  flags.setNoNaNs(false);
  flags.setNoInfs(false);
  flags.setNoSignedZeros(false);
  // `setFastMathFlags` only adds.
  instruction.copyFastMathFlags(flags);
}

void mad::settleFloats(Module &module, bool fma) {
  for (Function &function : module) {
    if (fma)
      for (BasicBlock &block : function)
        for (auto at = block.begin(); at != block.end();) {
          if (auto *sum = dyn_cast<BinaryOperator>(&*at++))
            contract(*sum);
        }
    for (Instruction &instruction : instructions(function))
      forbidRounding(instruction);
  }
}
