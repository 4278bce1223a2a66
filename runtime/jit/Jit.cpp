//===- Jit.cpp - Compiled models in memory ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/jit/Jit.h"
#include "runtime/artifact.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/ExecutionEngine/Orc/SelfExecutorProcessControl.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace mad;

namespace {
class LoadedJit : public Jit {
public:
  LoadedJit(std::unique_ptr<orc::LLJIT> engine, std::vector<WeightBytes> weights,
            const mad_artifact *artifact)
      : engine(std::move(engine)), weights(std::move(weights)), made(artifact) {}
  const mad_artifact *artifact() const override { return made; }

private:
  std::unique_ptr<orc::LLJIT> engine;
  std::vector<WeightBytes> weights;
  const mad_artifact *made;
};
} // namespace

static Error defineSymbols(orc::LLJIT &engine, const std::vector<WeightBytes> &weights,
                           const std::vector<std::pair<std::string, void *>> &others) {
  orc::SymbolMap symbols;
  for (auto &[name, address] : others)
    symbols[engine.mangleAndIntern(name)] = {orc::ExecutorAddr::fromPtr(address),
                                             JITSymbolFlags::Exported};
  for (size_t i = 0; i < weights.size(); ++i)
    if (weights[i].bytes > 0)
      symbols[engine.mangleAndIntern("mad_weight_" + std::to_string(i))] = {
          orc::ExecutorAddr::fromPtr(weights[i].data.get()), JITSymbolFlags::Exported};
  if (symbols.empty())
    return Error::success();
  return engine.getMainJITDylib().define(orc::absoluteSymbols(std::move(symbols)));
}

static Expected<std::unique_ptr<orc::LLJIT>> makeEngine() {
  // Machine code is all that comes in: no compile layer's threads, no detection
  // of the host's CPU, no support for constructors.
  return orc::LLJITBuilder()
      .setJITTargetMachineBuilder(orc::JITTargetMachineBuilder(Triple("x86_64-unknown-linux-gnu")))
      .setNumCompileThreads(0)
      .setPlatformSetUp(orc::setUpInactivePlatform)
      .create();
}

Expected<std::unique_ptr<Jit>>
mad::makeJit(const ArtifactOptions &options, const std::vector<EntryDescription> &entries,
             std::vector<WeightBytes> weights, std::vector<std::unique_ptr<MemoryBuffer>> objects,
             const std::vector<std::pair<std::string, void *>> &symbols) {
  auto description = artifactObject(options, entries, weights);
  if (!description)
    return description.takeError();
  objects.push_back(std::move(*description));
  auto engine = makeEngine();
  if (!engine)
    return engine.takeError();
  if (Error error = defineSymbols(**engine, weights, symbols))
    return error;
  for (auto &object : objects)
    if (Error error = (*engine)->addObjectFile(std::move(object)))
      return error;
  // Else the session prints what goes wrong. The lookup tells only what failed,
  // the session why.
  std::string reasons;
  (*engine)->getExecutionSession().setErrorReporter([&reasons](Error error) {
    reasons += (reasons.empty() ? "" : "; ") + toString(std::move(error));
  });
  auto symbol = (*engine)->lookup("mad_artifact_v1");
  (*engine)->getExecutionSession().setErrorReporter(
      [](Error error) { consumeError(std::move(error)); });
  if (!symbol) {
    std::string text = toString(symbol.takeError());
    return createStringError("cannot load the code: " + (reasons.empty() ? text : reasons));
  }
  return std::make_unique<LoadedJit>(std::move(*engine), std::move(weights),
                                     symbol->toPtr<const mad_artifact *>());
}
