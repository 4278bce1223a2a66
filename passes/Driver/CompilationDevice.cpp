//===- CompilationDevice.cpp - Code whose work is done by a device ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/CompilationImpl.h"
#include "passes/Pipelines/DevicePipeline.h"
#include "passes/Pipelines/GpuPipeline.h"
#include "passes/Target/Codegen.h"
#include "runtime/jit/Jit.h"
#include "runtime/simt/simt.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;

namespace mad {

std::unique_ptr<Jit> Compilation::simt(const std::string &name) {
  // Dialects of kernels are loaded where they are needed: they take time at the start.
  DialectRegistry registry;
  registerGpuDialects(registry);
  impl->context->appendDialectRegistry(registry);
  int level = hostLevel();
  std::vector<EntryDescription> entries;
  std::vector<Impl::Lowered> all(1);
  Impl::Lowered &one = all.front();
  one.level = level;
  OwningOpRef<ModuleOp> copy = cast<ModuleOp>((*impl->module)->clone());
  if (impl->cache) {
    one.key.emplace("simt");
    one.key->add(impl->moduleText()).add(level).add(targetTriple());
    if (auto bytes = impl->cache->get(*one.key))
      one.object = llvm::MemoryBuffer::getMemBufferCopy(*bytes, "mad");
  }
  {
    CollectDiagnostics collected(*impl->context);
    StepTimer timer(impl->times, "lower");
    if (failed(one.object ? describeForDevice(*copy, entries)
                          : lowerToSimt(*copy, level, entries))) {
      impl->bug("lowering for a device failed\n" + collected.text);
      return nullptr;
    }
  }
  if (!one.object)
    one.module = std::move(copy);
  if (!impl->generate(all, /*quick=*/true, entries))
    return nullptr;
  StepTimer timer(impl->times, "link");
  std::vector<std::unique_ptr<llvm::MemoryBuffer>> objects;
  objects.push_back(std::move(one.object));
  std::vector<std::pair<std::string, void *>> symbols;
  void *address = nullptr;
  for (size_t i = 0; const char *symbol = simt_symbol(i, &address); ++i)
    symbols.push_back({symbol, address});
  ArtifactOptions options{name, {level}, "", {}};
  options.device = true;
  auto jit = makeJit(options, entries, impl->weights, std::move(objects), symbols);
  if (!jit) {
    impl->bug("loading the code failed: " + llvm::toString(jit.takeError()));
    return nullptr;
  }
  return std::move(*jit);
}

} // namespace mad
