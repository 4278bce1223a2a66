//===- SimtModule.h - Kernels in memory, for the emulator ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_SIMT_JIT_SIMTMODULE_H
#define MAD_RUNTIME_SIMT_JIT_SIMTMODULE_H

#include "runtime/simt/simt.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace mlir {
class ModuleOp;
} // namespace mlir

namespace mad {

/// Code of the kernels of a module; launch them with `simt_run`.
class SimtModule {
public:
  virtual ~SimtModule() = default;

  /// Lowers the `gpu.module`s of a copy of the module and makes code of them. What the passes say
  /// goes to the handler of the context. Its dialects: `registerCpuDialects`
  /// (they know how to become LLVM) and `registerGpuDialects`.
  static llvm::Expected<std::unique_ptr<SimtModule>> compile(mlir::ModuleOp module);

  /// A kernel by its name; an error when there is none. Lives as long as this.
  virtual llvm::Expected<const simt_kernel *> kernel(llvm::StringRef name) const = 0;
};

} // namespace mad

#endif // MAD_RUNTIME_SIMT_JIT_SIMTMODULE_H
