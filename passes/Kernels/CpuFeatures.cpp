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

static Value number(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIntOp::create(b, value, 32);
}

static Value cpuid(ImplicitLocOpBuilder &b, int64_t leaf, int64_t subleaf) {
  Type i32 = b.getI32Type();
  auto registers = LLVM::LLVMStructType::getLiteral(b.getContext(), {i32, i32, i32, i32});
  return LLVM::InlineAsmOp::create(b, registers, ValueRange{number(b, leaf), number(b, subleaf)},
                                   "cpuid", "={ax},={bx},={cx},={dx},{ax},{cx}",
                                   /*has_side_effects=*/true, /*is_align_stack=*/false,
                                   LLVM::tailcallkind::TailCallKind::None, LLVM::AsmDialectAttr(),
                                   ArrayAttr())
      .getResult(0);
}

/// A bit of eax to edx, registers 0 to 3.
static Value bit(ImplicitLocOpBuilder &b, Value answer, int64_t word, int64_t place) {
  Value all = LLVM::ExtractValueOp::create(b, answer, ArrayRef<int64_t>{word});
  Value shifted = arith::ShRUIOp::create(b, all, number(b, place));
  return arith::AndIOp::create(b, shifted, number(b, 1));
}

/// AVX512_VNNI: leaf 7, bit 11 of ecx; AVX-VNNI: its first subleaf, bit 4 of eax.
static Value askVnni(ImplicitLocOpBuilder &b, int level) {
  Value first = cpuid(b, 7, 0);
  if (level >= 4)
    return bit(b, first, 2, 11);
  // Where there are no subleaves, another one is answered.
  Value most = LLVM::ExtractValueOp::create(b, first, ArrayRef<int64_t>{0});
  Value has = bit(b, cpuid(b, 7, 1), 0, 4);
  Value known = arith::CmpIOp::create(b, arith::CmpIPredicate::uge, most, number(b, 1));
  return arith::SelectOp::create(b, known, has, number(b, 0));
}

func::FuncOp KernelLibrary::hasVnni(int level) {
  return known("has_vnni.v" + std::to_string(level),
               [&](ImplicitLocOpBuilder &b) { return askVnni(b, level); });
}

/// AVX512_VBMI: leaf 7, bit 1 of ecx.
func::FuncOp KernelLibrary::hasVbmi() {
  return known("has_vbmi", [](ImplicitLocOpBuilder &b) { return bit(b, cpuid(b, 7, 0), 2, 1); });
}

func::FuncOp KernelLibrary::known(const std::string &name,
                                  function_ref<Value(ImplicitLocOpBuilder &)> ask) {
  if (auto known = symbols.lookup<func::FuncOp>(name))
    return known;
  MLIRContext *context = module.getContext();
  ImplicitLocOpBuilder b(UnknownLoc::get(context), context);
  Type i32 = b.getI32Type();
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
  Value open = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, known, number(b, 0));
  auto branch = scf::IfOp::create(b, i32, open, /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Value answer = arith::AddIOp::create(b, ask(b), number(b, 1));
    LLVM::StoreOp::create(b, answer, place, /*alignment=*/4, false, false, false,
                          LLVM::AtomicOrdering::monotonic);
    scf::YieldOp::create(b, answer);
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, known);
  }
  Value has = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, branch.getResult(0), number(b, 2));
  func::ReturnOp::create(b, has);
  return function;
}

} // namespace mad::kernels
