//===- Ptx.cpp - From kernels in the NVVM dialect to PTX --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MLIR makes the text in process and stops there: it would run ptxas itself, but hide what
// that reports (passes/Target/Cubin.h). Two things it passes over in silence are checked: a
// version that LLVM does not know becomes the oldest one of the chip, and without the
// toolkit's library its functions stay undefined.
//
//===----------------------------------------------------------------------===//
#include "passes/Target/Ptx.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Target/LLVM/NVVM/Utils.h"
#include "passes/Target/Codegen.h"
#include "passes/Target/InternalFailure.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;
using namespace mad;

static bool hasLibrary(const Twine &folder) {
  SmallString<128> path;
  folder.toVector(path);
  sys::path::append(path, "nvvm", "libdevice", "libdevice.10.bc");
  return sys::fs::exists(path);
}

std::string mad::findCudaToolkit(StringRef given) {
  if (!given.empty())
    return given.str();
  for (StringRef name : {"CUDA_HOME", "CUDA_PATH", "CUDA_ROOT"})
    if (auto folder = sys::Process::GetEnv(name); folder && hasLibrary(*folder))
      return *folder;
  return hasLibrary("/usr/local/cuda") ? "/usr/local/cuda" : "";
}

/// The rest of the first line that starts with `word`.
static StringRef afterWord(StringRef text, StringRef word) {
  for (StringRef line : split(text, '\n'))
    if (line.consume_front(word))
      return line.trim();
  return "";
}

Error mad::checkPtx(StringRef ptx, const Chip &chip, const PtxOptions &options) {
  std::string version = formatv("{0}.{1}", options.version / 10, options.version % 10);
  if (StringRef found = afterWord(ptx, ".version"); found != version)
    return internalFailure("LLVM wrote PTX of version `" + found + "`, expected " + version +
                           ": it does not know this version for " + chip.name);
  if (StringRef found = afterWord(ptx, ".target"); found.split(',').first.trim() != chip.name)
    return internalFailure("LLVM wrote PTX for `" + found + "`, expected " + chip.name);
  for (StringRef line : split(ptx, '\n'))
    if (line.starts_with(".extern .func")) {
      size_t at = ptx.find("__nv_", line.data() - ptx.data());
      StringRef name = at == StringRef::npos ? line : ptx.substr(at).take_while([](char c) {
        return isAlnum(c) || c == '_';
      });
      return createStringError("the kernel calls `" + name +
                               "`, which nothing defines: the library libdevice.10.bc of the "
                               "CUDA toolkit has it; install the toolkit or say where it is");
    }
  return Error::success();
}

namespace {
/// As MLIR's own, but the last of its optimisation: for more LLVM numbers the values of each
/// kernel twice again, which takes long and finds next to nothing.
class Serializer : public mlir::NVVM::SerializeGPUModuleBase {
public:
  using SerializeGPUModuleBase::SerializeGPUModuleBase;

protected:
  /// LLVM does not know that all lanes of a warp take part in these, and that what some lanes do
  /// apart from others the rest waits for: it would move them into branches, or make two of one.
  void handleModulePostLink(Module &module) override {
    SerializeGPUModuleBase::handleModulePostLink(module);
    for (Function &function : module)
      for (Instruction &instruction : instructions(function))
        if (auto *call = dyn_cast<CallInst>(&instruction))
          if (const Function *callee = call->getCalledFunction();
              callee && (callee->getName().starts_with("llvm.nvvm.mma.") ||
                         callee->getName().starts_with("llvm.nvvm.ldmatrix.")))
            call->setConvergent();
  }
  mlir::FailureOr<SmallVector<char, 0>> moduleToObject(Module &module) override {
    auto fail = [&] { return getOperation().emitError(); };
    mlir::FailureOr<TargetMachine *> machine = getOrCreateTargetMachine();
    if (mlir::failed(machine))
      return fail() << "there is no target machine for " << chip;
    (*machine)->setOptLevel(CodeGenOptLevel::Default);
    mlir::FailureOr<SmallString<0>> text = translateModuleToISA(module, **machine, fail);
    if (mlir::failed(text))
      return mlir::failure();
    return SmallVector<char, 0>(text->begin(), text->end());
  }
};
} // namespace

static Expected<std::unique_ptr<MemoryBuffer>>
serialize(mlir::gpu::GPUModuleOp module, const Chip &chip, const PtxOptions &options) {
  mlir::MLIRContext *context = module.getContext();
  std::string messages;
  mlir::ScopedDiagnosticHandler handler(context, [&](mlir::Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
      messages += (messages.empty() ? "" : "; ") + diagnostic.str();
    return mlir::success();
  });
  auto target =
      mlir::NVVM::NVVMTargetAttr::get(context, /*optLevel=*/3, "nvptx64-nvidia-cuda", chip.name,
                                      "+ptx" + std::to_string(options.version));
  mlir::gpu::TargetOptions how(options.toolkit, /*librariesToLink=*/{}, /*cmdOptions=*/"",
                               /*elfSection=*/"", mlir::gpu::CompilationTarget::Assembly);
  Serializer serializer(*module, target, how);
  serializer.init();
  std::optional<SmallVector<char, 0>> text = serializer.run();
  if (!text)
    return internalFailure("cannot make PTX of `" + module.getName() + "`: " + messages);
  return MemoryBuffer::getMemBufferCopy({text->data(), text->size()});
}

void mad::registerPtxTarget() { mlir::NVVM::SerializeGPUModuleBase::init(); }

/// What the parameters of a kernel take: tensor maps, the pointers of no memory space, are passed
/// by value.
static int64_t bytesOfParameters(mlir::LLVM::LLVMFuncOp kernel) {
  int64_t bytes = 0;
  for (mlir::Type type : kernel.getArgumentTypes()) {
    auto pointer = dyn_cast<mlir::LLVM::LLVMPointerType>(type);
    const int64_t size = !pointer                         ? (type.getIntOrFloatBitWidth() + 7) / 8
                         : pointer.getAddressSpace() == 0 ? 128
                                                          : 8;
    bytes = int64_t(alignTo(bytes, std::min<int64_t>(size, 64))) + size;
  }
  return bytes;
}

/// Takes the version from which on kernels may have as many parameters as there are.
static Error fitVersion(mlir::gpu::GPUModuleOp module, PtxOptions &options) {
  constexpr int64_t most = 32764, mostBefore = 4352;
  constexpr int from = 81;
  for (auto kernel : module.getOps<mlir::LLVM::LLVMFuncOp>()) {
    if (!kernel->hasAttr(mlir::NVVM::NVVMDialect::getKernelFuncAttrName()))
      continue;
    const int64_t bytes = bytesOfParameters(kernel);
    if (bytes > most)
      return createStringError("the parameters of `" + kernel.getName() + "` take " + Twine(bytes) +
                               " bytes, more than the " + Twine(most) + " that a GPU takes");
    if (bytes > mostBefore)
      options.version = std::max(options.version, from);
  }
  return Error::success();
}

Expected<std::string> mad::makePtx(mlir::gpu::GPUModuleOp module, const Chip &chip,
                                   const PtxOptions &wanted) {
  PtxOptions options = wanted;
  if (Error fault = fitVersion(module, options))
    return std::move(fault);
  if (!options.toolkit.empty() && !hasLibrary(options.toolkit))
    return createStringError("the CUDA toolkit `" + options.toolkit +
                             "` has no file nvvm/libdevice/libdevice.10.bc");
  auto text = guarded([&](Translation &) { return serialize(module, chip, options); });
  if (!text)
    return text.takeError();
  std::string ptx = (*text)->getBuffer().str();
  if (Error fault = checkPtx(ptx, chip, options))
    return std::move(fault);
  return ptx;
}
