//===- mad-kernels.cpp - Looks at kernels for GPUs --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For those who work on kernels: prints one of the catalogue, or one from a file of IR, in
// any of its forms, and a table of what all of them take on each chip.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Kernels/Gpu/Catalogue.h"
#include "passes/Pipelines/GpuPipeline.h"
#include "passes/Pipelines/Pipelines.h"
#include "passes/Pipelines/PtxPipeline.h"
#include "passes/Target/Cubin.h"
#include "passes/Target/Ptx.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace llvm;
using namespace mad;

static cl::opt<std::string> what(cl::Positional, cl::desc("<kernel or file.mlir>"));
static cl::opt<std::string> chipName("chip", cl::desc("what it is for"), cl::init("sm_80"));
static cl::opt<std::string> form("emit", cl::desc("ir, nvvm, llvm, ptx, cubin or resources"),
                                 cl::init("ptx"));
static cl::opt<std::string> ptxas("ptxas", cl::desc("the program; empty: it is looked for"));
static cl::opt<std::string> toolkit("toolkit", cl::desc("folder of CUDA; empty: it is looked for, "
                                                        "`none`: there is none"));
static cl::opt<int> version("ptx-version", cl::desc("10 * major + minor"), cl::init(80));
static cl::opt<std::string> outputPath("o", cl::desc("file to write"), cl::init("-"));

namespace {
/// A kernel on its way; `ir` is lowered in place.
struct Work {
  mlir::OwningOpRef<mlir::ModuleOp> ir;
  device::Kernel kernel; ///< none when it comes from a file
  mlir::gpu::GPUModuleOp device() { return *ir->getOps<mlir::gpu::GPUModuleOp>().begin(); }
};
} // namespace

static Expected<Work> fromFile(mlir::MLIRContext &context) {
  Work work{mlir::parseSourceFile<mlir::ModuleOp>(what, &context), {}};
  if (!work.ir || work.ir->getOps<mlir::gpu::GPUModuleOp>().empty())
    return createStringError("`" + what + "` is no IR with a gpu.module");
  return work;
}

static Expected<Work> fromCatalogue(mlir::MLIRContext &context,
                                    const device::CatalogueEntry &entry) {
  mlir::OpBuilder b(&context);
  Work work{mlir::ModuleOp::create(b, b.getUnknownLoc()), {}};
  b.setInsertionPointToStart(work.ir->getBody());
  auto module = mlir::gpu::GPUModuleOp::create(b, b.getUnknownLoc(), "kernels");
  auto kernel = entry.make(module, entry.name);
  if (!kernel)
    return kernel.takeError();
  work.kernel = *kernel;
  if (mlir::failed(mlir::verify(*work.ir)))
    return createStringError("the kernel `" + entry.name + "` is wrong");
  return work;
}

static Error lower(Work &work, bool toLlvm) {
  mlir::PassManager manager(work.ir->getContext());
  buildNvvm(manager);
  if (toLlvm)
    buildPtx(manager);
  return mlir::failed(manager.run(*work.ir)) ? createStringError("cannot lower the kernel")
                                             : Error::success();
}

/// As programs: what is for one chip has what came later (`st.async`).
static PtxOptions ptxOptions(const Chip &chip) {
  return {version.getNumOccurrences() || !chip.wgmma ? int(version) : 81,
          toolkit == "none" ? "" : findCudaToolkit(toolkit)};
}

static CubinOptions cubinOptions() {
  CubinOptions options;
  options.search = ptxasSearch(ptxas);
  if (toolkit == "none")
    options.search.toolkit = options.search.path = "";
  return options;
}

/// One line: what ptxas says, the memory of the launch, and how much of a chip it fills.
static std::string line(StringRef name, const Chip &chip, const PtxasKernel &found,
                        const device::Kernel &kernel) {
  const int sharedBytes = found.sharedBytes + kernel.sharedBytes;
  Occupancy occupancy = occupancyOf({found.registers, sharedBytes, kernel.threads}, chip);
  return formatv("{0,-24} {1,-7} {2,7} {3,9} {4,6} {5,6} {6,6} {7,9:P0}  {8}\n", name, chip.name,
                 kernel.threads, found.registers, found.spillStoreBytes + found.spillLoadBytes,
                 found.stackBytes, sharedBytes, occupancy.share, occupancy.limit);
}

/// Instructions that the kernel is written for and does not have.
static Error checkInstructions(const device::CatalogueEntry &entry, StringRef ptx) {
  for (const std::string &instruction : entry.instructions)
    if (!ptx.contains(instruction))
      return createStringError("the PTX of `" + entry.name + "` has no `" + instruction + "`");
  return Error::success();
}

static Error table(mlir::MLIRContext &context, raw_ostream &out) {
  auto assembler = ptxasVersion(cubinOptions().search);
  if (!assembler)
    return assembler.takeError();
  out << "ptxas " << *assembler << "\n";
  out << "kernel                   chip    threads registers spills  stack shared occupancy  "
         "limit\n";
  for (const device::CatalogueEntry &entry : device::catalogue(&context))
    for (const Chip &chip : chips()) {
      if (entry.wgmma && !chip.wgmma)
        continue;
      auto work = fromCatalogue(context, entry);
      if (!work)
        return work.takeError();
      if (Error error = lower(*work, /*toLlvm=*/true))
        return error;
      auto ptx = makePtx(work->device(), chip, ptxOptions(chip));
      if (!ptx)
        return ptx.takeError();
      if (Error error = checkInstructions(entry, *ptx))
        return error;
      auto cubin = makeCubin(*ptx, chip, cubinOptions());
      if (!cubin)
        return cubin.takeError();
      if (!cubin->made())
        return createStringError(cubin->missing);
      out << line(entry.name, chip, cubin->report.kernels[entry.name], work->kernel);
    }
  return Error::success();
}

static Expected<Work> find(mlir::MLIRContext &context, const Chip &chip) {
  if (StringRef(what).ends_with(".mlir"))
    return fromFile(context);
  for (const device::CatalogueEntry &entry : device::catalogue(&context))
    if (entry.name == what) {
      if (entry.wgmma && !chip.wgmma)
        return createStringError("`" + entry.name + "` needs wgmma, which " + chip.name +
                                 " does not have");
      return fromCatalogue(context, entry);
    }
  return createStringError("there is no kernel `" + what + "`; without a name all are listed");
}

static Error emit(mlir::MLIRContext &context, raw_ostream &out) {
  if (!is_contained({"ir", "nvvm", "llvm", "ptx", "cubin", "resources"}, form))
    return createStringError("--emit=" + form +
                             ", expected ir, nvvm, llvm, ptx, cubin or resources");
  if (what.empty() && form == "resources")
    return table(context, out);
  if (what.empty()) {
    for (const device::CatalogueEntry &entry : device::catalogue(&context))
      out << entry.name << "\n";
    return Error::success();
  }
  auto chip = chipOf(chipName);
  if (!chip)
    return chip.takeError();
  auto work = find(context, **chip);
  if (!work)
    return work.takeError();
  if (form != "ir")
    if (Error error = lower(*work, form != "nvvm"))
      return error;
  if (form == "ir" || form == "nvvm" || form == "llvm") {
    work->ir->print(out);
    return Error::success();
  }
  auto ptx = makePtx(work->device(), **chip, ptxOptions(**chip));
  if (!ptx)
    return ptx.takeError();
  if (form == "ptx") {
    out << *ptx;
    return Error::success();
  }
  auto cubin = makeCubin(*ptx, **chip, cubinOptions());
  if (!cubin)
    return cubin.takeError();
  if (!cubin->made())
    return createStringError(cubin->missing);
  if (form == "cubin")
    out << cubin->bytes;
  else
    for (auto &[name, found] : cubin->report.kernels)
      out << line(name, **chip, found, work->kernel);
  return Error::success();
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv, "Looks at kernels for GPUs\n");
  mlir::DialectRegistry registry;
  registerCpuDialects(registry);
  registerPtxDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<mlir::arith::ArithDialect, mlir::gpu::GPUDialect, mlir::LLVM::LLVMDialect,
                      mlir::math::MathDialect, mlir::NVVM::NVVMDialect, mlir::scf::SCFDialect,
                      mlir::vector::VectorDialect>();
  std::error_code code;
  ToolOutputFile output(outputPath, code, sys::fs::OF_None);
  if (code) {
    errs() << "mad-kernels: cannot write `" << outputPath << "`: " << code.message() << "\n";
    return 1;
  }
  if (Error error = emit(context, output.os())) {
    errs() << "mad-kernels: " << toString(std::move(error)) << "\n";
    return 1;
  }
  output.keep();
  return 0;
}
