//===- Codegen.h - From LLVM IR to object files -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TARGET_CODEGEN_H
#define MAD_PASSES_TARGET_CODEGEN_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/ErrorHandling.h"
#include <memory>
#include <string>

namespace llvm {
class LLVMContext;
class MemoryBuffer;
class Module;
class TargetMachine;
} // namespace llvm

namespace mad {

/// The version text that artifacts carry.
std::string compilerVersion();
/// `x86_64-unknown-linux-gnu`: what code is made for, whatever this machine is.
const char *targetTriple();
/// Of this machine, in LLVM's list of targets, which has no lock: in front of threads that make
/// code.
void registerNativeTarget();

/// What one translation to machine code works on. LLVM may give up in the
/// middle; then this is leaked rather than destroyed in an unknown state.
struct Translation {
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
  std::string errors; ///< diagnostics of LLVM, a line each
};
/// With a context whose diagnostics are collected, and no module yet.
std::unique_ptr<Translation> makeTranslation();

/// Of a module: kernels for the emulator. It takes most of the time itself, so that their
/// instructions are chosen without optimisation, in a sixth of the time.
constexpr llvm::StringLiteral emulatedModule = "mad.emulated";

/// `emulated`: of such a module.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>> makeMachine(int level, bool quick,
                                                                 bool emulated = false);

/// Decides what fast-math flags leave open, so that all optimisers agree.
void settleFloats(llvm::Module &module, bool fma);

/// Runs `passes`, a pipeline of LLVM as `opt` takes it. MLIR has vectorised and unrolled: LLVM does
/// neither again.
llvm::Error optimise(llvm::Module &module, llvm::TargetMachine &machine, llvm::StringRef passes);

/// Emits `translation.module`. May end in `guarded`'s error.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> emitObject(Translation &translation,
                                                               llvm::TargetMachine &machine);

/// What a fatal error of LLVM does outside of `guarded`, where it ends the process. For tools: a
/// library leaves that to its host.
void onFatalError(llvm::fatal_error_handler_t handler);

/// Runs `work` on a new translation. LLVM's fatal errors come back as internal failures;
/// one such call at a time in the process, since their handler is one.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> guarded(
    llvm::function_ref<llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>(Translation &)> work);

} // namespace mad

#endif // MAD_PASSES_TARGET_CODEGEN_H
