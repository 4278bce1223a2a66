//===- Common.cpp - What the commands share ----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/mad/Common.h"
#include "frontend/Diag/Lines.h"
#include "passes/Driver/Executable.h"
#include "passes/Driver/HostTiles.h"
#include "passes/Target/InternalFailure.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>

namespace mad::tool {

void print(const std::string &text) {
  llvm::outs() << text;
  llvm::outs().flush();
}

int fail(const std::string &text) {
  llvm::errs() << "error: " << diag::printable(text) << "\n";
  return UserError;
}

int failInternally(const std::string &text) {
  llvm::errs() << "internal error: " << diag::printable(text) << "\n" << howToReport();
  return InternalError;
}

std::string oneLine(const std::string &text) {
  std::string flat = text;
  std::replace(flat.begin(), flat.end(), '\n', '\t');
  return diag::printable(flat);
}

int finishOutput(int exit) {
  llvm::outs().flush();
  if (!llvm::outs().has_error())
    return exit;
  std::string reason = llvm::outs().error().message();
  // LLVM ends the program itself for an error that nobody has seen.
  llvm::outs().clear_error();
  int code = fail("standard output cannot be written: " + reason);
  return exit == Good ? code : exit;
}

int report(const Compilation &compilation) {
  bool color = llvm::sys::Process::StandardErrHasColors() && !std::getenv("NO_COLOR");
  llvm::errs() << compilation.messages(color);
  return compilation.internalError() ? InternalError : UserError;
}

void printWarnings(const Compilation &compilation) {
  for (const std::string &warning : compilation.warnings())
    llvm::errs() << diag::printable(warning) << "\n";
}

int usage(const Command &command, const std::string &problem) {
  llvm::errs() << "error: " << problem << "\nusage: " << helpText(command);
  return UsageError;
}

bool loadWeights(const Arguments &arguments, Compilation &compilation) {
  // Every target is tested against the reference, so that computes on its own.
  std::string target = arguments.get("--target");
  auto evaluate = target == "ref"     ? Compilation::Evaluate::Reference
                  : target == "ref64" ? Compilation::Evaluate::Reference64
                                      : Compilation::Evaluate::Compiled;
  if (llvm::StringRef(target).starts_with("simt") || llvm::StringRef(target).starts_with("cuda"))
    compilation.useDeviceAlone();
  const bool good = compilation.loadWeights(arguments.get("--weights"), evaluate);
  printWarnings(compilation);
  return good;
}

void noteUntested(const Executable &executable) {
  if (std::string text = executable.untested(); !text.empty())
    llvm::errs() << "note: " << text << "\n";
}

std::unique_ptr<Executable> makeExecutable(const Command &command, const Arguments &arguments,
                                           Compilation &compilation, int &exit) {
  std::string target = arguments.get("--target", "jit");
  if (arguments.has("--seed") && !llvm::StringRef(target).starts_with("simt")) {
    exit = usage(command, "`--seed` is the order of emulated threads, for `--target=simt`");
    return nullptr;
  }
  if (target == "ref" || target == "ref64")
    return makeReferenceExecutable(compilation, target == "ref64");
  if (target == "simt" || target == "simt:80") {
    uint64_t seed = 1;
    if (llvm::StringRef(arguments.get("--seed", "1")).getAsInteger(10, seed)) {
      exit = usage(command, "`" + arguments.get("--seed") + "` is not a seed, a number from 0");
      return nullptr;
    }
    auto executable = makeSimtExecutable(compilation, seed, target == "simt" ? 90 : 80);
    if (!executable)
      exit = report(compilation);
    return executable;
  }
  if (target == "cuda" || llvm::StringRef(target).starts_with("cuda:")) {
    std::string error;
    auto executable = makeCudaExecutable(compilation, target, error);
    if (!executable)
      exit = error.empty() ? report(compilation) : fail(error);
    return executable;
  }
  if (target != "jit") {
    exit = usage(command, "there is no target `" + target +
                              "`; targets are jit, ref, ref64, simt, simt:80, cuda, cuda:1");
    return nullptr;
  }
  std::string error;
  auto tiles = hostTiles(error);
  if (!tiles) {
    exit = fail(error);
    return nullptr;
  }
  compilation.useTiles(tiles->level, kernels::text(*tiles));
  auto executable = makeJitExecutable(compilation);
  if (!executable)
    exit = report(compilation);
  return executable;
}

} // namespace mad::tool
