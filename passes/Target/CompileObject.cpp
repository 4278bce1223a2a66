//===- CompileObject.cpp - From the LLVM dialect to machine code --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The module is translated, its functions are bound to one CPU level, all but the
// prepare and run functions become internal, and LLVM optimises. MLIR has already
// vectorised and unrolled: LLVM is told to do neither again.
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "passes/Target/Codegen.h"
#include "passes/Target/Object.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"
#include <set>

using namespace llvm;
using namespace mad;

/// Enough after MLIR's own passes: 14 ms where the default pipeline takes 112.
static const char quickPasses[] =
    "function(sroa,early-cse<memssa>,simplifycfg,instcombine<no-verify-fixpoint>,loop-mssa(licm),"
    "early-cse<memssa>,loop(loop-rotate),simplifycfg)";

static Error translate(Translation &translation, mlir::ModuleOp module) {
  std::string text;
  mlir::ScopedDiagnosticHandler collect(module.getContext(), [&](mlir::Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
      text += (text.empty() ? "" : "\n") + diagnostic.str();
    return mlir::success();
  });
  translation.module = mlir::translateModuleToLLVMIR(module, *translation.context, "mad");
  if (translation.module)
    return Error::success();
  return createStringError("cannot translate the module to LLVM IR: " +
                           (text.empty() ? "no reason given" : text));
}

/// Renames the functions of the entries and hides everything else.
static Error bindSymbols(Module &module, const std::vector<EntryDescription> &entries,
                         StringRef suffix) {
  std::set<const GlobalValue *> kept;
  for (const EntryDescription &entry : entries)
    for (const std::string &name : {prepareSymbol(entry.name), runSymbol(entry.name)}) {
      Function *function = module.getFunction(name);
      if (!function || function->isDeclaration())
        return createStringError("the lowered module does not define `" + name + "`");
      function->setName(name + suffix);
      function->setLinkage(GlobalValue::ExternalLinkage);
      function->setVisibility(GlobalValue::HiddenVisibility);
      function->setDSOLocal(true);
      kept.insert(function);
    }
  for (GlobalValue &value : module.global_values())
    if (!value.isDeclaration() && !kept.count(&value)) {
      value.setVisibility(GlobalValue::DefaultVisibility);
      value.setLinkage(GlobalValue::InternalLinkage);
    }
  return Error::success();
}

/// On every function: else inlining and vector widths follow another CPU. Kernels have
/// `target-features` of their own where they use what the level does not promise.
static void bindCpu(Module &module, const TargetMachine &machine, int level) {
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", machine.getTargetCPU());
    if (level >= 4)
      function.addFnAttr("prefer-vector-width", "512");
    function.setDoesNotThrow();
  }
}

Expected<std::unique_ptr<MemoryBuffer>>
mad::compileObject(mlir::ModuleOp module, const std::vector<EntryDescription> &entries, int level,
                   StringRef suffix, bool quick) {
  return guarded([&](Translation &translation) -> Expected<std::unique_ptr<MemoryBuffer>> {
    auto machine = makeMachine(level, quick, module->hasAttr(emulatedModule));
    if (!machine)
      return machine.takeError();
    if (Error error = translate(translation, module))
      return error;
    Module &made = *translation.module;
    made.setTargetTriple(Triple(targetTriple()));
    made.setDataLayout((*machine)->createDataLayout());
    made.setPICLevel(PICLevel::BigPIC);
    if (Error error = bindSymbols(made, entries, suffix))
      return error;
    bindCpu(made, **machine, level);
    settleFloats(made, /*fma=*/level >= 3);
    if (Error error = optimise(made, **machine, quick ? quickPasses : "default<O2>"))
      return error;
    return emitObject(translation, **machine);
  });
}
