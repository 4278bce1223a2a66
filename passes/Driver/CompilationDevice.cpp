//===- CompilationDevice.cpp - Code whose work is done by a device ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/Driver/CompilationImpl.h"
#include "passes/Pipelines/DevicePipeline.h"
#include "passes/Pipelines/GpuPipeline.h"
#include "passes/Pipelines/PtxPipeline.h"
#include "passes/Target/Codegen.h"
#include "passes/Target/InternalFailure.h"
#include "passes/Target/KernelCompiler.h"
#include "passes/Target/Ptx.h"
#include "runtime/jit/Jit.h"
#include "runtime/simt/simt.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace mad {

DeviceWatch Compilation::Impl::watch(StringRef target, bool &dumped) {
  DeviceWatch watch;
  watch.timeline = &times;
  if (!dumpFolder.empty())
    watch.afterStage = [this, target, &dumped, number = 3](StringRef stage,
                                                           ModuleOp module) mutable {
      dumped = dumped && dumpModule(number++, (stage + "." + target).str(), module);
    };
  return watch;
}

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
  bool dumped = true;
  // Dumps and remarks need every stage.
  if (impl->cache && !impl->wantsStages()) {
    one.key.emplace("simt");
    one.key->add(impl->moduleText()).add(level).add(targetTriple());
    if (auto bytes = impl->cache->get(*one.key))
      one.object = llvm::MemoryBuffer::getMemBufferCopy(*bytes, "mad");
  }
  {
    CollectDiagnostics collected(*impl->context);
    StepTimer timer(impl->times, "lower");
    DeviceWatch watch = impl->watch("simt", dumped);
    if (failed(one.object ? describeForDevice(*copy, entries, watch)
                          : lowerToSimt(*copy, level, entries, watch))) {
      impl->lost("lowering for a device failed", collected);
      return nullptr;
    }
  }
  if (!dumped)
    return nullptr;
  if (!one.object) {
    one.module = std::move(copy);
    (*one.module)->setAttr(emulatedModule, UnitAttr::get(impl->context.get()));
  }
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
  options.emulator = true;
  auto jit = makeJit(options, entries, impl->weights, std::move(objects), symbols);
  if (!jit) {
    impl->bug("loading the code failed: " + llvm::toString(jit.takeError()));
    return nullptr;
  }
  return std::move(*jit);
}

void Compilation::useCuda(CudaOptions options) { impl->cudaOptions = std::move(options); }

/// Where the functions of the toolkit are, or "".
static llvm::Expected<std::string> toolkitFor(const CudaOptions &options) {
  if (options.toolkit == "none")
    return "";
  return findCudaToolkit(options.toolkit);
}

/// PTX for the least chip, which runs on all, or for the one that the kernels are for.
static llvm::Expected<std::string> ptxOf(gpu::GPUModuleOp module, const std::string &toolkit,
                                         int32_t only) {
  PtxOptions options;
  options.toolkit = toolkit;
  if (only > 0)
    options.version = 81; // `st.async`
  for (const Chip &chip : chips())
    if (only > 0 ? chip.computeCapability == only : chip.portable)
      return makePtx(module, chip, options);
  return "";
}

/// Of what the lowering says, one thing is for the user: what the machine lacks.
bool Compilation::Impl::failedForCuda(const CollectDiagnostics &collected) {
  const std::string &text = collected.text;
  size_t at = text.find("the program needs");
  if (at == std::string::npos || text.find(needsToolkit) == std::string::npos)
    return lost("lowering for CUDA failed", collected);
  return fail("error: " + StringRef(text).substr(at).split('\n').first.str());
}

bool Compilation::Impl::makeCuda(const CudaOptions &options, bool quick,
                                 std::vector<EntryDescription> &entries, CudaCode &code,
                                 std::unique_ptr<llvm::MemoryBuffer> &host) {
  DialectRegistry registry;
  registerPtxDialects(registry);
  context->appendDialectRegistry(registry);
  auto toolkit = toolkitFor(options);
  if (!toolkit)
    return fail("error: " + llvm::toString(toolkit.takeError()));
  ModuleOp program = deviceModule ? *deviceModule : *module;
  OwningOpRef<ModuleOp> copy = cast<ModuleOp>(program->clone()), kernels;
  std::vector<KernelDescription> described;
  bool dumped = true;
  {
    CollectDiagnostics collected(*context);
    StepTimer timer(times, "lower for CUDA");
    if (failed(lowerToCuda(*copy, /*expand=*/toolkit->empty(), entries, kernels, described,
                           watch("cuda", dumped))))
      return failedForCuda(collected);
  }
  if (!dumped)
    return false;
  StepTimer timer(times, "codegen for CUDA");
  registerNativeTarget();
  registerPtxTarget();
  // LLVM makes texts of all parts at once, and code of the host while ptxas works.
  KernelCompiler compiler(described, options);
  llvm::StringMap<int32_t> numberOf;
  for (auto [i, kernel] : llvm::enumerate(described))
    numberOf[kernel.name] = int32_t(i);
  for (auto part : kernels->getOps<gpu::GPUModuleOp>()) {
    std::vector<int32_t> numbers;
    for (auto function : part.getOps<LLVM::LLVMFuncOp>())
      if (auto found = numberOf.find(function.getName()); found != numberOf.end())
        numbers.push_back(found->second);
    const int32_t only = numbers.empty() ? 0 : described[numbers.front()].chip;
    compiler.add(std::move(numbers),
                 [&toolkit, part, only] { return ptxOf(part, *toolkit, only); });
  }
  auto object = compileObject(*copy, entries, /*level=*/0, cudaSuffix, quick);
  auto made = compiler.finish();
  if (!object)
    return bug("code generation failed: " + llvm::toString(object.takeError()));
  if (!made) {
    llvm::Error error = made.takeError();
    const bool isInternal = error.isA<InternalFailure>();
    std::string text = llvm::toString(std::move(error));
    return isInternal ? bug("code generation for CUDA failed: " + text) : fail("error: " + text);
  }
  code = std::move(*made);
  code.libdevice = *toolkit;
  host = std::move(*object);
  return true;
}

/// What the host sees of an entry is one thing, whatever runs it.
static bool sameChecks(const std::vector<EntryDescription> &some,
                       const std::vector<EntryDescription> &others) {
  auto text = [](const EntryDescription &entry) {
    std::string made = entry.name + " " + std::to_string(entry.prepareChecks);
    for (const CheckDescription &check : entry.checks)
      made += "\n" + std::to_string(check.kind) + check.message + check.place;
    return made;
  };
  return llvm::equal(some, others, [&](auto &a, auto &b) { return text(a) == text(b); });
}

bool Compilation::Impl::addCuda(std::vector<EntryDescription> &entries,
                                std::optional<CudaCode> &code,
                                std::vector<std::unique_ptr<llvm::MemoryBuffer>> &objects) {
  std::vector<EntryDescription> own;
  code.emplace();
  objects.emplace_back();
  if (!makeCuda(*cudaOptions, /*quick=*/false, own, *code, objects.back()))
    return false;
  if (entries.empty())
    entries = std::move(own);
  else if (!sameChecks(entries, own))
    return bug("the code for CUDA checks other things than that for CPUs");
  else
    for (auto [entry, device] : llvm::zip(entries, own))
      entry.deviceWeights = std::move(device.weights);
  for (KernelDescription &kernel : code->kernels)
    kernel.place = llvm::sys::path::filename(kernel.place).str();
  return true;
}

std::unique_ptr<Jit> Compilation::cuda(const std::string &name) {
  std::vector<EntryDescription> entries;
  std::vector<std::unique_ptr<llvm::MemoryBuffer>> objects(1);
  ArtifactOptions options{name, {}, "", {}};
  options.cuda.emplace();
  if (!impl->makeCuda({"none", ""}, /*quick=*/true, entries, *options.cuda, objects.front()))
    return nullptr;
  StepTimer timer(impl->times, "link");
  auto jit = makeJit(options, entries, impl->weights, std::move(objects));
  if (!jit) {
    impl->bug("loading the code failed: " + llvm::toString(jit.takeError()));
    return nullptr;
  }
  return std::move(*jit);
}

} // namespace mad
