//===- CpuFeatures.cpp - Instructions that levels do not promise ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CPU is asked once and the answer kept, since a virtual machine takes microseconds for it.
// Threads may ask at the same time, and write the same. Registers need no question: those of the
// level are saved.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Kernels/KernelLibrary.h"

using namespace mlir;

namespace mad::kernels {

/// AVX512_VNNI: leaf 7, bit 11 of ecx; AVX-VNNI: its first subleaf, bit 4 of eax.
static Value ask(ImplicitLocOpBuilder &b, int level) {
  Type i32 = b.getI32Type();
  auto registers = LLVM::LLVMStructType::getLiteral(b.getContext(), {i32, i32, i32, i32});
  auto number = [&](int64_t value) { return arith::ConstantIntOp::create(b, value, 32); };
  auto cpuid = [&](int64_t leaf, int64_t subleaf) {
    return LLVM::InlineAsmOp::create(b, registers, ValueRange{number(leaf), number(subleaf)},
                                     "cpuid", "={ax},={bx},={cx},={dx},{ax},{cx}",
                                     /*has_side_effects=*/true, /*is_align_stack=*/false,
                                     LLVM::tailcallkind::TailCallKind::None, LLVM::AsmDialectAttr(),
                                     ArrayAttr())
        .getResult(0);
  };
  auto bit = [&](Value word, int64_t place) -> Value {
    return arith::AndIOp::create(b, arith::ShRUIOp::create(b, word, number(place)), number(1));
  };
  Value first = cpuid(7, 0);
  if (level >= 4)
    return bit(LLVM::ExtractValueOp::create(b, first, ArrayRef<int64_t>{2}), 11);
  // Where there are no subleaves, another one is answered.
  Value most = LLVM::ExtractValueOp::create(b, first, ArrayRef<int64_t>{0});
  Value has = bit(LLVM::ExtractValueOp::create(b, cpuid(7, 1), ArrayRef<int64_t>{0}), 4);
  Value known = arith::CmpIOp::create(b, arith::CmpIPredicate::uge, most, number(1));
  return arith::SelectOp::create(b, known, has, number(0));
}

func::FuncOp KernelLibrary::hasVnni(int level) {
  std::string name = "has_vnni.v" + std::to_string(level);
  if (auto known = symbols.lookup<func::FuncOp>(name))
    return known;
  MLIRContext *context = module.getContext();
  ImplicitLocOpBuilder b(UnknownLoc::get(context), context);
  Type i32 = b.getI32Type();
  auto number = [&](int64_t value) { return arith::ConstantIntOp::create(b, value, 32); };
  // 0: not asked; else 1 more than the answer.
  auto global = LLVM::GlobalOp::create(b, i32, /*isConstant=*/false, LLVM::Linkage::Internal,
                                       name + ".answer", b.getI32IntegerAttr(0));
  symbols.insert(global);
  auto function = func::FuncOp::create(b, name, b.getFunctionType({}, b.getI1Type()));
  function.setPrivate();
  function->setAttr("llvm.linkage", LLVM::LinkageAttr::get(context, LLVM::Linkage::Internal));
  function->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
  function->setAttr(kernelAttribute, b.getUnitAttr());
  symbols.insert(function);
  b.setInsertionPointToStart(function.addEntryBlock());
  Value place = LLVM::AddressOfOp::create(b, global);
  Value known = LLVM::LoadOp::create(b, i32, place, /*alignment=*/4, false, false, false, false,
                                     LLVM::AtomicOrdering::monotonic);
  Value open = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, known, number(0));
  auto branch = scf::IfOp::create(b, i32, open, /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Value answer = arith::AddIOp::create(b, ask(b, level), number(1));
    LLVM::StoreOp::create(b, answer, place, /*alignment=*/4, false, false, false,
                          LLVM::AtomicOrdering::monotonic);
    scf::YieldOp::create(b, answer);
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, known);
  }
  Value has = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, branch.getResult(0), number(2));
  func::ReturnOp::create(b, has);
  return function;
}

} // namespace mad::kernels
