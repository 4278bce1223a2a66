//===- SimtModule.cpp - Kernels in memory, for the emulator -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/jit/SimtModule.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "passes/Pipelines/SimtPipeline.h"
#include "passes/Target/Codegen.h"
#include "passes/Target/Object.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace mad;

namespace {
class LoadedKernels : public SimtModule {
public:
  explicit LoadedKernels(std::unique_ptr<orc::LLJIT> engine) : engine(std::move(engine)) {}

  Expected<const simt_kernel *> kernel(StringRef name) const override {
    auto symbol = engine->lookup((name + ".simt").str());
    if (!symbol) {
      consumeError(symbol.takeError());
      return createStringError("there is no kernel `" + name + "`");
    }
    return symbol->toPtr<const simt_kernel *>();
  }

private:
  std::unique_ptr<orc::LLJIT> engine;
};
} // namespace

static Expected<std::unique_ptr<MemoryBuffer>> makeObject(mlir::ModuleOp lowered) {
  return guarded([&](Translation &translation) -> Expected<std::unique_ptr<MemoryBuffer>> {
    auto machine = makeMachine(hostLevel(), /*quick=*/true);
    if (!machine)
      return machine.takeError();
    translation.module = mlir::translateModuleToLLVMIR(lowered, *translation.context, "kernels");
    if (!translation.module)
      return createStringError("the kernels cannot be translated to LLVM IR");
    Module &made = *translation.module;
    made.setTargetTriple(Triple(targetTriple()));
    made.setDataLayout((*machine)->createDataLayout());
    for (Function &function : made)
      if (!function.isDeclaration())
        function.addFnAttr("target-cpu", (*machine)->getTargetCPU());
    // Enough to make scalar code quick; the emulator itself is what takes the time.
    if (Error error = optimise(made, **machine, "default<O1>"))
      return error;
    return emitObject(translation, **machine);
  });
}

static Expected<std::unique_ptr<orc::LLJIT>> makeEngine() {
  auto engine =
      orc::LLJITBuilder()
          .setJITTargetMachineBuilder(orc::JITTargetMachineBuilder(Triple(targetTriple())))
          .setNumCompileThreads(0)
          .setPlatformSetUp(orc::setUpInactivePlatform)
          .create();
  if (!engine)
    return engine.takeError();
  orc::SymbolMap symbols;
  void *address;
  for (size_t i = 0; const char *name = simt_symbol(i, &address); ++i)
    symbols[(*engine)->mangleAndIntern(name)] = {orc::ExecutorAddr::fromPtr(address),
                                                 JITSymbolFlags::Exported};
  auto &library = (*engine)->getMainJITDylib();
  if (Error error = library.define(orc::absoluteSymbols(std::move(symbols))))
    return error;
  // libm, for functions of libdevice.
  auto process = orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      (*engine)->getDataLayout().getGlobalPrefix());
  if (!process)
    return process.takeError();
  library.addGenerator(std::move(*process));
  (*engine)->getExecutionSession().setErrorReporter(
      [](Error error) { consumeError(std::move(error)); });
  return engine;
}

Expected<std::unique_ptr<SimtModule>> SimtModule::compile(mlir::ModuleOp module) {
  mlir::DialectRegistry registry;
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  module.getContext()->appendDialectRegistry(registry);

  mlir::OwningOpRef<mlir::ModuleOp> copy = module.clone();
  mlir::PassManager manager(module.getContext(), mlir::ModuleOp::getOperationName());
  buildSimt(manager);
  if (mlir::failed(manager.run(*copy)))
    return createStringError("the kernels cannot be emulated");
  auto object = makeObject(*copy);
  if (!object)
    return object.takeError();
  auto engine = makeEngine();
  if (!engine)
    return engine.takeError();
  if (Error error = (*engine)->addObjectFile(std::move(*object)))
    return error;
  return std::make_unique<LoadedKernels>(std::move(*engine));
}
