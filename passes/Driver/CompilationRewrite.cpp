//===- CompilationRewrite.cpp - Cheaper programs that are equal -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Driver/CompilationImpl.h"
#include "passes/EGraph/Bridge/Rewrite.h"
#include "passes/Pipelines/Common.h"
#include "passes/StandardRules/StandardRules.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace mad {

void Compilation::useRewriting(bool wanted) { impl->wantsRewriting = wanted; }

bool Compilation::Impl::runRewriting(std::vector<RewrittenBlock> *blocks) {
  StepTimer timer(times, "rewrite");
  CollectDiagnostics collected(*context);
  // Apart, so that passes over the program do not go over them.
  OwningOpRef<ModuleOp> rules = loadStandardRules(*context);
  if (!rules)
    return bug("the standard rules cannot be read\n" + collected.text);
  PassManager manager(context.get());
  buildRewrite(manager, {rules->getOperation(), blocks}, /*orders=*/!isForDevice);
  recordPasses(manager, times);
  isRewritten = true;
  if (failed(manager.run(*module)))
    return bug("rewriting failed\n" + collected.text);
  return dumpFolder.empty() || dumpModule(2, "rewrite", *module);
}

bool Compilation::rewrite() {
  return !impl->wantsRewriting || impl->isRewritten || impl->runRewriting(nullptr);
}

void Compilation::useDeviceAlone() { impl->isForDevice = true; }

bool Compilation::Impl::matchTiles() {
  if ((!isForDevice && !cudaOptions) || isTiled)
    return true;
  StepTimer timer(times, "match tiles");
  CollectDiagnostics collected(*context);
  PassManager manager(context.get());
  buildTiles(manager);
  recordPasses(manager, times);
  isTiled = true;
  if (!isForDevice)
    deviceModule = cast<ModuleOp>((*module)->clone());
  if (failed(manager.run(isForDevice ? *module : *deviceModule)))
    return bug("finding weights of few bits failed\n" + collected.text);
  if (deviceModule)
    shareComputed();
  return true;
}

void Compilation::Impl::shareComputed() {
  bool isOther = false;
  for (auto source : deviceModule->getOps<WeightSourceOp>()) {
    if (module->lookupSymbol(source.getSymName()))
      continue;
    isOther = true;
    auto computed = source->getAttrOfType<FlatSymbolRefAttr>("computed");
    module->push_back(source->clone());
    module->push_back(deviceModule->lookupSymbol(computed.getValue())->clone());
  }
  if (!isOther)
    deviceModule = nullptr;
}

static std::string placeOf(Location location) {
  if (auto file = location->findInstanceOf<FileLineColLoc>())
    return (file.getFilename().getValue() + ":" + Twine(file.getLine()) + ":" +
            Twine(file.getColumn()))
        .str();
  return {};
}

static void tell(const RewrittenValue &value, llvm::raw_ostream &os) {
  os << placeOf(value.place) << ": " << value.before << "\n  becomes " << value.after << "\n";
  for (const RewriteStep &step : value.steps) {
    os << "  by " << step.rule << (step.forward ? "" : ", from right to left");
    if (std::string place = placeOf(step.place); !place.empty())
      os << " (" << place << ")";
    os << "\n";
  }
}

bool Compilation::explainRewrites(std::string &text) {
  std::vector<RewrittenBlock> blocks;
  if (!impl->runRewriting(&blocks))
    return false;
  llvm::raw_string_ostream os(text);
  for (const RewrittenBlock &block : blocks) {
    if (!block.changed)
      continue;
    os << "`" << block.function << "` at " << placeOf(block.place) << ": "
       << llvm::format("%.0f cycles by estimate, were %.0f (%.2fx)", block.after, block.before,
                       block.before / std::max(block.after, 1e-9))
       << "\n";
    for (const RewrittenValue &value : block.values)
      tell(value, os);
    os << "  rules: " << StringRef(block.report).split('\n').first << "\n";
  }
  return true;
}

} // namespace mad
