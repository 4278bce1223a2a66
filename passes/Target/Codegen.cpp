//===- Codegen.cpp - From LLVM IR to object files -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Target/Codegen.h"
#include "passes/Target/Object.h"
#include "runtime/artifact.h"
#include "runtime/core/cpu.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/IR/DiagnosticHandler.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace mad;

namespace {
/// Without a handler an error diagnostic of LLVM prints and ends the process.
struct Collector : DiagnosticHandler {
  explicit Collector(std::string &errors) : errors(errors) {}
  bool handleDiagnostics(const DiagnosticInfo &info) override {
    if (info.getSeverity() != DS_Error)
      return true;
    if (!errors.empty())
      errors += '\n';
    raw_string_ostream stream(errors);
    DiagnosticPrinterRawOStream printer(stream);
    info.print(printer);
    return true;
  }
  std::string &errors;
};

const Target *nativeTarget(std::string &error) {
  static const bool initialised = [] {
    InitializeNativeTarget();
    InitializeNativeTargetAsmPrinter();
    InitializeNativeTargetAsmParser(); // for inline assembly and included weights
    return true;
  }();
  (void)initialised;
  return TargetRegistry::lookupTarget(Triple(targetTriple()), error);
}
} // namespace

std::string mad::compilerVersion() { return "mad 0.1.0 (LLVM " LLVM_VERSION_STRING ")"; }

const char *mad::targetTriple() { return MAD_TARGET; }

void mad::registerNativeTarget() {
  std::string error; // told by who needs it
  (void)nativeTarget(error);
}

Variant mad::variant(int level) {
  return {level == 0 ? "x86-64" : "x86-64-v" + std::to_string(level), level};
}

int mad::hostLevel() { return mad_cpu_level(); }

std::unique_ptr<Translation> mad::makeTranslation() {
  auto made = std::make_unique<Translation>();
  made->context = std::make_unique<LLVMContext>();
  made->context->setDiagnosticHandler(std::make_unique<Collector>(made->errors));
  return made;
}

Expected<std::unique_ptr<TargetMachine>> mad::makeMachine(int level, bool quick, bool emulated) {
  // For another name LLVM only prints a warning, and makes code for the baseline.
  if (level != 0 && level != 3 && level != 4)
    return createStringError("there is no CPU level " + Twine(level) +
                             ", code is made for levels 0, 3 and 4");
  std::string error;
  const Target *target = nativeTarget(error);
  if (!target)
    return createStringError("cannot make code for " + Twine(targetTriple()) + ": " + error);
  const std::string cpu = variant(level).name;
  std::unique_ptr<TargetMachine> machine(target->createTargetMachine(
      Triple(targetTriple()), cpu, /*Features=*/"", TargetOptions(), Reloc::PIC_, CodeModel::Small,
      emulated ? CodeGenOptLevel::None
      : quick  ? CodeGenOptLevel::Less
               : CodeGenOptLevel::Default));
  if (!machine)
    return createStringError("cannot make code for CPU " + cpu);
  return machine;
}

Error mad::optimise(Module &module, TargetMachine &machine, StringRef pipeline) {
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = tuning.LoopUnrolling = false;
  tuning.LoopInterleaving = false;
  PassBuilder builder(&machine, tuning);
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  ModulePassManager passes;
  // As text it makes other code: NaN of other signs than code in memory has.
  if (pipeline == "default<O2>")
    passes = builder.buildPerModuleDefaultPipeline(OptimizationLevel::O2);
  else if (Error error = builder.parsePassPipeline(passes, pipeline))
    return error;
  passes.run(module, modules);
  return Error::success();
}

Expected<std::unique_ptr<MemoryBuffer>> mad::emitObject(Translation &translation,
                                                        TargetMachine &machine) {
  SmallVector<char, 0> bytes;
  raw_svector_ostream stream(bytes);
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, CodeGenFileType::ObjectFile,
                                  /*DisableVerify=*/true))
    return createStringError("LLVM has no object writer for " + Twine(targetTriple()));
  passes.run(*translation.module);
  return std::make_unique<SmallVectorMemoryBuffer>(std::move(bytes), "mad.o",
                                                   /*RequiresNullTerminator=*/false);
}
