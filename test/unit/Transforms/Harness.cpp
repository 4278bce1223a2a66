//===- Harness.cpp - Runs lowered functions ---------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/unit/Transforms/Harness.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "passes/Transforms/Passes.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;

namespace mad::test {
namespace {

constexpr llvm::StringLiteral lowering =
    "expand-strided-metadata,canonicalize,lower-affine,func.func(arith-expand),convert-scf-to-cf,"
    "convert-vector-to-llvm,convert-to-llvm,reconcile-unrealized-casts,canonicalize,cse";

class JitCode : public Code {
public:
  explicit JitCode(std::unique_ptr<llvm::orc::LLJIT> jit) : jit(std::move(jit)) {}

private:
  void callWith(llvm::StringRef name, llvm::ArrayRef<void *> a) override {
    auto symbol = jit->lookup("_mlir_ciface_" + name.str());
    if (!symbol) {
      llvm::errs() << llvm::toString(symbol.takeError()) << "\n";
      return;
    }
    switch (a.size()) {
    case 1:
      return symbol->toPtr<void (*)(void *)>()(a[0]);
    case 2:
      return symbol->toPtr<void (*)(void *, void *)>()(a[0], a[1]);
    case 3:
      return symbol->toPtr<void (*)(void *, void *, void *)>()(a[0], a[1], a[2]);
    case 4:
      return symbol->toPtr<void (*)(void *, void *, void *, void *)>()(a[0], a[1], a[2], a[3]);
    case 5:
      return symbol->toPtr<void (*)(void *, void *, void *, void *, void *)>()(a[0], a[1], a[2],
                                                                               a[3], a[4]);
    }
  }

  std::unique_ptr<llvm::orc::LLJIT> jit;
};

MLIRContext &context() {
  static std::unique_ptr<MLIRContext> instance = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    llvm::InitializeNativeTargetAsmParser();
    registerAllPasses();
    registerExpandMath();
    registerVectorizeLoops();
    return std::make_unique<MLIRContext>(registry());
  }();
  return *instance;
}

std::unique_ptr<Code> load(ModuleOp module, int level) {
  auto llvmContext = std::make_unique<llvm::LLVMContext>();
  auto code = translateModuleToLLVMIR(module, *llvmContext);
  if (!code)
    return nullptr;
  llvm::orc::JITTargetMachineBuilder machine{llvm::Triple(llvm::sys::getProcessTriple())};
  machine.setCPU(level == 0 ? "x86-64" : level == 3 ? "x86-64-v3" : "x86-64-v4");
  auto jit = llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(machine).create();
  if (!jit) {
    llvm::errs() << llvm::toString(jit.takeError()) << "\n";
    return nullptr;
  }
  code->setDataLayout((*jit)->getDataLayout());
  if (auto error = (*jit)->addIRModule({std::move(code), std::move(llvmContext)})) {
    llvm::errs() << llvm::toString(std::move(error)) << "\n";
    return nullptr;
  }
  return std::make_unique<JitCode>(std::move(*jit));
}

} // namespace

DialectRegistry &registry() {
  static DialectRegistry instance = [] {
    DialectRegistry all;
    registerAllDialects(all);
    registerAllExtensions(all);
    registerBuiltinDialectTranslation(all);
    registerLLVMDialectTranslation(all);
    return all;
  }();
  return instance;
}

std::vector<int> levels() {
  std::vector<int> result{0};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi2"))
    result.push_back(3);
  if (result.size() == 2 && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    result.push_back(4);
  return result;
}

std::unique_ptr<Code> Code::compile(const std::string &ir, const std::string &passes, int level,
                                    const std::string &whole) {
  auto module = parseSourceString<ModuleOp>(ir, &context());
  if (!module)
    return nullptr;
  PassManager manager(&context());
  std::string list = (whole.empty() ? "" : whole + ",") + "func.func(" +
                     (passes.empty() ? "" : passes + ",") +
                     "convert-linalg-to-loops,llvm-request-c-wrappers),mad-expand-math{level=" +
                     std::to_string(level) + "}," + lowering.str();
  if (failed(parsePassPipeline(list, manager)) || failed(manager.run(*module)))
    return nullptr;
  return load(*module, level);
}

} // namespace mad::test
