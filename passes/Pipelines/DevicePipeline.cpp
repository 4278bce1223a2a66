//===- DevicePipeline.cpp - From the tensor dialect to kernels --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Pipelines/DevicePipeline.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Conversion/GpuToRuntime/DeviceNames.h"
#include "passes/Conversion/LinalgToGpu/EqualKernels.h"
#include "passes/Conversion/Passes.h"
#include "passes/Pipelines/Common.h"
#include "passes/Pipelines/GpuPipeline.h"
#include "passes/Pipelines/PtxPipeline.h"
#include "passes/Pipelines/SimtPipeline.h"
#include "passes/Pipelines/Timeline.h"
#include "passes/Transforms/Passes.h"
#include "passes/Transforms/Places.h"
#include "runtime/artifact.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace mad {

/// Memory of the device, kernels, and a function of the host that launches them.
static void buildKernels(OpPassManager &pm) {
  buildMemory(pm);
  pm.addNestedPass<func::FuncOp>(createLegalizeMemrefs());
  pm.addPass(createLinalgToGpu());
  pm.nest<gpu::GPUModuleOp>().addPass(createSetEqualKernelsAside());
  simplify(pm);
  pm.nest<gpu::GPUModuleOp>().addPass(createCopyEqualKernels());
  pm.addPass(createMergeLaunches());
  pm.addPass(createOverlapLaunches());
  pm.addPass(createPlanArena());
  // Kernels are simplified when they have loops.
  simplify(pm.nest<func::FuncOp>());
  pm.addPass(createGpuArguments());
  pm.addPass(createGpuToRuntime());
}

void buildKernelLoops(OpPassManager &pm, bool expand) {
  pm.nest<gpu::GPUModuleOp>().addPass(createGpuNarrowMath());
  if (expand)
    pm.addPass(createExpandMath({0}));
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  kernels.addPass(createGpuGlobalMemory());
  kernels.addPass(createGpuMath({expand}));
  kernels.addPass(createConvertLinalgToLoopsPass());
  simplify(kernels);
  kernels.addPass(memref::createExpandStridedMetadataPass());
  kernels.addPass(createLowerAffinePass());
  kernels.addPass(createExpandStrictMaxima());
  kernels.addPass(arith::createArithExpandOpsPass());
  kernels.addPass(createSCFToControlFlowPass());
  kernels.addNestedPass<gpu::GPUFuncOp>(createLowerChecks());
}

llvm::ArrayRef<llvm::StringRef> deviceStages() {
  static constexpr llvm::StringRef stages[] = {"fold", "linalg", "kernels"};
  return stages;
}

void buildDeviceStage(OpPassManager &manager, llvm::StringRef stage) {
  if (stage == "fold") {
    buildFold(manager, /*packs=*/false);
  } else if (stage == "linalg") {
    buildLoops(manager, /*device=*/true);
    manager.addNestedPass<func::FuncOp>(createReuseOperands());
  } else if (stage == "kernels") {
    buildKernels(manager);
  }
}

static LogicalResult runStage(StringRef stage, ModuleOp module, const DeviceWatch &watch,
                              llvm::function_ref<void(OpPassManager &)> build) {
  PassManager manager(module.getContext());
  manager.enableVerifier(false);
  build(manager);
  if (watch.timeline && watch.timeline->passes)
    recordPasses(manager, *watch.timeline);
  double begin = watch.timeline ? watch.timeline->now() : 0;
  if (failed(manager.run(module)))
    return failure();
  if (watch.timeline)
    watch.timeline->add(stage.str(), "stage", begin);
  if (watch.afterStage)
    watch.afterStage(stage, module);
  return success();
}

/// The kernels alone.
static OwningOpRef<ModuleOp> takeKernels(ModuleOp module) {
  OwningOpRef<ModuleOp> kernels = ModuleOp::create(module.getLoc());
  for (auto gpu : llvm::make_early_inc_range(module.getOps<gpu::GPUModuleOp>()))
    gpu->moveBefore(kernels->getBody(), kernels->getBody()->end());
  module->removeAttr(gpu::GPUDialect::getContainerModuleAttrName());
  (*kernels)->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                      UnitAttr::get(module.getContext()));
  return kernels;
}

/// What the pass calls `k.simt` is `k.kernel` to the host.
static void joinSimt(ModuleOp module, ModuleOp kernels) {
  for (Operation &op : llvm::make_early_inc_range(*kernels.getBody())) {
    // LLVM knows other forms of some functions of libm, with other last bits.
    if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op); function && function.isExternal())
      function->setAttr("passthrough", Builder(op.getContext()).getStrArrayAttr({"nobuiltin"}));
    auto name = op.getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName());
    if (StringRef kernel = name.getValue(); kernel.consume_back(".simt")) {
      std::string known = kernelSymbol(kernel.str());
      if (Operation *declared = module.lookupSymbol(known))
        declared->erase();
      SymbolTable::setSymbolName(&op, known);
    } else if (module.lookupSymbol(name)) {
      op.erase(); // declared by both
      continue;
    }
    op.moveBefore(module.getBody(), module.getBody()->end());
  }
}

llvm::LogicalResult describeForDevice(ModuleOp module, std::vector<EntryDescription> &entries,
                                      const DeviceWatch &watch) {
  for (StringRef stage : {"fold", "linalg"})
    if (failed(runStage(stage, module, watch,
                        [&](OpPassManager &pm) { buildDeviceStage(pm, stage); })))
      return failure();
  return describeEntries(module, entries);
}

llvm::LogicalResult lowerToSimt(ModuleOp module, int level, std::vector<EntryDescription> &entries,
                                const DeviceWatch &watch) {
  if (failed(describeForDevice(module, entries, watch)) ||
      failed(runStage("kernels", module, watch, buildKernels)))
    return failure();
  OwningOpRef<ModuleOp> kernels = takeKernels(module);
  if (failed(runStage("host", module, watch,
                      [&](OpPassManager &pm) { buildHostCode(pm, level, /*device=*/true); })) ||
      failed(runStage("loops", *kernels, watch, [](OpPassManager &pm) { buildKernelLoops(pm); })) ||
      failed(runStage("simt", *kernels, watch,
                      [](OpPassManager &pm) { buildSimt(pm, /*barePointers=*/false); })))
    return failure();
  joinSimt(module, *kernels);
  return success();
}

/// What code for CPUs is told about floats (SettleFloats), code for GPUs is told here: that a
/// product may be one operation with its sum. More would be promises that LLVM may break code
/// by, and functions with other errors.
static void settleFloats(ModuleOp kernels) {
  kernels.walk([](arith::ArithFastMathInterface op) {
    auto flags = op.getFastMathFlagsAttr();
    if (!flags)
      return;
    auto kept = flags.getValue() & arith::FastMathFlags::contract;
    op->setAttr(op.getFastMathAttrName(), arith::FastMathFlagsAttr::get(op.getContext(), kept));
  });
}

/// Equal kernels become one: programs have many that clear or copy a tensor of some shape.
static void shareKernels(ModuleOp module, ModuleOp kernels) {
  KnownKernels known;
  llvm::StringMap<StringAttr> replaced;
  kernels.walk([&](gpu::GPUFuncOp kernel) {
    gpu::GPUFuncOp same = known.findOrAdd(kernel);
    if (same == kernel)
      return;
    replaced[kernelSymbol(kernel.getName().str())] = same.getNameAttr();
    kernel.erase();
  });
  module.walk([&](LLVM::AddressOfOp use) {
    if (auto other = replaced.find(use.getGlobalName()); other != replaced.end())
      use.setGlobalName(kernelSymbol(other->second.str()));
  });
  for (auto global : llvm::make_early_inc_range(module.getOps<LLVM::GlobalOp>()))
    if (replaced.count(global.getSymName()))
      global.erase();
}

/// Which chips launch a kernel (`KernelDescription::chip`).
static int32_t chipOf(gpu::GPUFuncOp kernel) {
  auto module = cast<gpu::GPUModuleOp>(kernel->getParentOp());
  return module.getName() == groupModule ? groupChip : kernel->hasAttr(groupless) ? -groupChip : 0;
}

/// Ops of the kernels that become one text: more are divided, so that all processors have work.
/// Each text takes some 15 ms more, and each chip's code of it as much.
constexpr size_t opsOfPart = 6000;

namespace {
/// Kernels of one module for the same chips, with the number of their ops.
struct Alike {
  int32_t chip;
  size_t ops = 0;
  SmallVector<std::pair<size_t, gpu::GPUFuncOp>> kernels = {};
};

/// The kernels of a text.
struct Part {
  gpu::GPUModuleOp module;
  size_t ops = 0;
};
} // namespace

static SmallVector<Alike> groupByChip(gpu::GPUModuleOp module) {
  SmallVector<Alike> groups;
  for (auto kernel : module.getOps<gpu::GPUFuncOp>()) {
    auto group = llvm::find_if(groups, [&](Alike &g) { return g.chip == chipOf(kernel); });
    if (group == groups.end())
      group = groups.insert(groups.end(), {chipOf(kernel)});
    size_t ops = 0;
    kernel->walk([&](Operation *) { ++ops; });
    group->kernels.push_back({ops, kernel});
    group->ops += ops;
  }
  return groups;
}

/// Makes of a module one for each text, with their numbers as names. Of the kernels for the same
/// chips the largest come first, each to the part that has least.
static void divide(gpu::GPUModuleOp whole, SmallVectorImpl<int32_t> &chips) {
  SmallVector<Alike> groups = groupByChip(whole);
  OpBuilder b(whole);
  for (Alike &group : groups) {
    SmallVector<Part> parts;
    for (size_t i = 0, n = std::min(group.kernels.size(), group.ops / opsOfPart + 1); i < n; ++i) {
      std::string name = "part" + std::to_string(chips.size());
      b.setInsertionPoint(whole);
      parts.push_back({gpu::GPUModuleOp::create(b, whole.getLoc(), name)});
      chips.push_back(group.chip);
      b.setInsertionPointToEnd(parts.back().module.getBody());
      for (Operation &op : *whole.getBody())
        if (!isa<gpu::GPUFuncOp>(op))
          b.clone(op);
    }
    auto sorted = group.kernels;
    llvm::stable_sort(sorted, [](auto &x, auto &y) { return x.first > y.first; });
    llvm::DenseMap<Operation *, Block *> places;
    for (auto [ops, kernel] : sorted) {
      Part &least = *llvm::min_element(parts, [](auto &x, auto &y) { return x.ops < y.ops; });
      least.ops += ops;
      places[kernel] = least.module.getBody();
    }
    for (auto [ops, kernel] : group.kernels)
      kernel->moveBefore(places[kernel], places[kernel]->end());
  }
  whole.erase();
}

/// Describes the kernels, and gives them names that PTX can have.
static void describeKernels(ModuleOp kernels, ArrayRef<int32_t> chips, StringRef file,
                            std::vector<KernelDescription> &described) {
  llvm::StringSet<> taken; // by kernels of all modules
  for (auto [part, module] : llvm::enumerate(kernels.getOps<gpu::GPUModuleOp>())) {
    SymbolTable symbols(module);
    for (auto function : llvm::to_vector(module.getOps<gpu::GPUFuncOp>())) {
      std::string known = function.getName().str(), name;
      for (char c : known)
        name += llvm::isAlnum(c) || c == '$' ? c : '_';
      while (taken.contains(name) || (name != known && symbols.lookup(name)))
        name += "_";
      taken.insert(name);
      SymbolTable::setSymbolName(function, name);
      described.push_back({name, placeIn(function.getLoc(), file), kernelSymbol(known), chips[part],
                           !function->hasAttr(earlyKernel)  ? 0
                           : function->hasAttr(turnsKernel) ? MAD_KERNEL_EARLY_IF_FEW
                                                            : MAD_KERNEL_EARLY});
    }
  }
}

/// What one thread does is short, or it would have become a kernel of many: unrolling its loops
/// makes code that takes long to compile and no time to run.
static void keepSmall(ModuleOp kernels) {
  Builder b(kernels.getContext());
  kernels.walk([&](LLVM::LLVMFuncOp function) {
    auto threads =
        function->getAttrOfType<DenseI32ArrayAttr>(NVVM::NVVMDialect::getMaxntidAttrName());
    if (threads && llvm::all_of(threads.asArrayRef(), [](int32_t size) { return size == 1; }))
      function.setPassthroughAttr(b.getStrArrayAttr({"optsize"}));
  });
}

llvm::LogicalResult lowerToCuda(ModuleOp module, bool expand,
                                std::vector<EntryDescription> &entries,
                                OwningOpRef<ModuleOp> &kernels,
                                std::vector<KernelDescription> &described,
                                const DeviceWatch &watch) {
  std::string file;
  for (auto function : module.getOps<func::FuncOp>())
    if (file.empty() && (function->hasAttr("mad.entry") || function->hasAttr("mad.test")))
      file = fileOf(function.getLoc());
  if (failed(describeForDevice(module, entries, watch)) ||
      failed(runStage("kernels", module, watch, buildKernels)))
    return failure();
  kernels = takeKernels(module);
  shareKernels(module, *kernels);
  SmallVector<int32_t> chips; // of each part
  for (auto whole : llvm::to_vector(kernels->getOps<gpu::GPUModuleOp>()))
    divide(whole, chips);
  describeKernels(*kernels, chips, file, described);
  settleFloats(*kernels);
  if (failed(runStage("host", module, watch,
                      [](OpPassManager &pm) { buildHostCode(pm, /*level=*/0, /*device=*/true); })))
    return failure();
  if (failed(runStage("loops", *kernels, watch,
                      [&](OpPassManager &pm) { buildKernelLoops(pm, expand); })))
    return failure();
  // A function that has no expansion is called, which only the toolkit can answer.
  for (auto called : kernels->getOps<func::FuncOp>())
    return called.emitError("the program needs the function `" + called.getName() + "`, " +
                            needsToolkit);
  if (failed(runStage("nvvm", *kernels, watch, [&](OpPassManager &pm) {
        buildNvvm(pm, /*barePointers=*/false);
        buildOverlap(pm);
        buildPtx(pm);
      })))
    return failure();
  keepSmall(*kernels);
  return success();
}

} // namespace mad
