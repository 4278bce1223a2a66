//===- CompilationTarget.cpp - From the module to code -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Pass/PassManager.h"
#include "passes/Driver/CompilationImpl.h"
#include "passes/Kernels/TileTable.h"
#include "passes/Pipelines/Pipelines.h"
#include "passes/Target/Codegen.h"
#include "runtime/io/TensorFile.h"
#include "runtime/jit/Jit.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <future>

using namespace mlir;

namespace mad {

std::string Compilation::Impl::moduleText() {
  std::string text;
  llvm::raw_string_ostream os(text);
  (*module)->print(os, OpPrintingFlags().enableDebugInfo(/*enable=*/true));
  return text;
}

/// The code of an earlier compilation. The entries are described by the first
/// stages, which are quick.
std::unique_ptr<llvm::MemoryBuffer>
Compilation::Impl::cachedObject(const CacheKey &key, int level,
                                std::vector<EntryDescription> &entries) {
  StepTimer timer(times, "cache");
  auto bytes = cache->get(key);
  if (!bytes)
    return nullptr;
  OwningOpRef<ModuleOp> copy = cast<ModuleOp>((*module)->clone());
  CpuOptions options;
  options.level = level;
  options.stopAfter = "linalg";
  entries.clear();
  if (failed(lowerToLlvm(*copy, options, entries)))
    return nullptr;
  return llvm::MemoryBuffer::getMemBufferCopy(*bytes, "mad");
}

/// Names of the weights that code is given in f32.
static std::set<std::string> widenedBy(const std::vector<EntryDescription> &entries) {
  std::set<std::string> names;
  for (const EntryDescription &entry : entries)
    for (auto [name, widened] : llvm::zip(entry.weights, entry.widened))
      if (widened)
        names.insert(name);
  return names;
}

std::optional<Compilation::Impl::Lowered>
Compilation::Impl::lowered(int level, bool quick, std::vector<EntryDescription> &entries) {
  CollectDiagnostics collected(*context);
  Lowered result;
  result.level = level;
  // Code with hooks is for this run alone; dumps and remarks need every stage.
  if (cache && !wantsStages() && !(quick && wantsTrace)) {
    result.key.emplace("object");
    result.key->add(moduleText()).add(level).add(quick).add(targetTriple()).add(tilesOf(level));
    result.object = cachedObject(*result.key, level, entries);
    result.widened = widenedBy(entries);
    if (result.object)
      return result;
  }
  result.module = cast<ModuleOp>((*module)->clone());
  CpuOptions options;
  options.level = level;
  options.tiles = tilesOf(level);
  options.timeline = &times;
  options.traceKernels = quick && wantsTrace;
  bool dumped = true;
  if (!dumpFolder.empty())
    options.afterStage = [&](StringRef stage, ModuleOp module) {
      dumped = dumped && dumpStage(stage, level, module);
    };
  StepTimer timer(times, "lower");
  entries.clear();
  if (failed(lowerToLlvm(*result.module, options, entries))) {
    // Of many tensors that are possible one by one. The place before the message is MLIR's way.
    StringRef first = StringRef(collected.text).split('\n').first;
    if (first.contains("needs more memory than a machine has"))
      fail("error: " + first.substr(first.rfind(": `") + 2).str());
    else
      lost("lowering failed", collected);
    return {};
  }
  if (!dumped)
    return {};
  result.widened = widenedBy(entries);
  if (options.traceKernels)
    noteTraceSites(*result.module);
  return result;
}

/// Makes code of those that have none, each on a thread of its own.
bool Compilation::Impl::generate(std::vector<Lowered> &all, bool quick,
                                 const std::vector<EntryDescription> &entries) {
  if (llvm::all_of(all, [](const Lowered &one) { return one.object != nullptr; }))
    return true;
  StepTimer timer(times, "codegen");
  using Object = llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>;
  auto make = [&](Lowered &one) -> Object {
    if (one.object)
      return std::move(one.object);
    return compileObject(*one.module, entries, one.level, ".v" + std::to_string(one.level), quick);
  };
  std::vector<std::future<Object>> others;
  for (Lowered &one : llvm::drop_begin(all))
    others.push_back(std::async(std::launch::async, [&] { return make(one); }));
  std::vector<Object> made;
  made.push_back(make(all.front()));
  for (auto &other : others)
    made.push_back(other.get());
  bool good = true;
  for (auto [one, object] : llvm::zip(all, made)) {
    if (!object) {
      good = bug("code generation failed: " + llvm::toString(object.takeError()));
      continue;
    }
    one.object = std::move(*object);
    if (one.key && one.module)
      cache->put(*one.key, one.object->getBuffer());
  }
  return good;
}

/// The weights in the orders that the code wants.
bool Compilation::Impl::packWeights(const std::vector<EntryDescription> &entries,
                                    const std::vector<Lowered> &code,
                                    std::vector<WeightBytes> &packed) {
  StepTimer timer(times, "pack");
  packed = weights;
  for (const Lowered &one : code)
    for (WeightBytes &weight : packed)
      weight.widened |= one.widened.count(weight.name) != 0;
  for (const EntryDescription &entry : entries)
    for (auto [name, panel, axis, weave] :
         llvm::zip(entry.weights, entry.panels, entry.axes, entry.weaves)) {
      auto found = llvm::find_if(packed, [&](const WeightBytes &w) { return w.name == name; });
      if (!panel || found == packed.end() || found->panel)
        continue;
      std::optional<WeightBytes> made = packPanels(*found, axis, panel, weave);
      if (!made)
        return fail("error: no memory to pack weight `" + name + "`");
      *found = std::move(*made);
    }
  return true;
}

std::unique_ptr<Jit> Compilation::jit(const std::string &name) {
  // The best variant that a build makes by default: both then give the same bits.
  int level = hostLevel();
  std::vector<EntryDescription> entries;
  std::vector<Impl::Lowered> all;
  if (auto lowered = impl->lowered(level, /*quick=*/true, entries))
    all.push_back(std::move(*lowered));
  if (all.empty() || !impl->generate(all, /*quick=*/true, entries))
    return nullptr;
  std::vector<WeightBytes> weights;
  if (!impl->packWeights(entries, all, weights))
    return nullptr;
  // Of those that were not packed no second copy stays, not for a moment either.
  for (auto [own, moved] : llvm::zip(impl->weights, weights))
    if (!moved.panel)
      own.data = nullptr;
  gatherWeights(weights);
  for (auto [own, moved] : llvm::zip(impl->weights, weights))
    if (!moved.panel)
      own.data = moved.data;
  StepTimer timer(impl->times, "link");
  std::vector<std::unique_ptr<llvm::MemoryBuffer>> objects;
  objects.push_back(std::move(all.front().object));
  auto jit = makeJit({name, {level}, "", {}}, entries, weights, std::move(objects), impl->hooks());
  if (!jit) {
    impl->bug("loading the code failed: " + llvm::toString(jit.takeError()));
    return nullptr;
  }
  return std::move(*jit);
}

void Compilation::useTiles(int level, std::string text) { impl->tiles = {level, std::move(text)}; }

void Compilation::useLinker(std::string program) { impl->linker = {std::move(program)}; }

bool Compilation::lowerTo(const std::string &stage, int level, std::string &text) {
  auto stages = cpuStages();
  const bool isCode = llvm::is_contained(stages, stage);
  if (stage != "mad" && stage != "rewrite" && !isCode)
    return impl->fail("error: there is no stage `" + stage + "`; the stages are mad, rewrite, " +
                      llvm::join(stages, ", "));
  if (stage != "mad" && !rewrite())
    return false;
  // Computed weights are code of their own, which runs before.
  if (isCode && !settleComputed())
    return false;
  CollectDiagnostics collected(*impl->context);
  OwningOpRef<ModuleOp> copy = cast<ModuleOp>((*impl->module)->clone());
  CpuOptions options;
  options.level = level;
  options.tiles = impl->tilesOf(level);
  options.stopAfter = stage;
  if (isCode) {
    std::vector<EntryDescription> entries;
    if (failed(lowerToLlvm(*copy, options, entries)))
      return impl->lost("lowering failed", collected);
  }
  llvm::raw_string_ostream os(text);
  copy->print(os);
  os << "\n";
  return true;
}

} // namespace mad
