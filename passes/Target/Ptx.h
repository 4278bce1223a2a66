//===- Ptx.h - From kernels in the NVVM dialect to PTX ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TARGET_PTX_H
#define MAD_PASSES_TARGET_PTX_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "passes/Target/Chip.h"
#include <string>

namespace mad {

struct PtxOptions {
  int version = 80; ///< of the PTX language, 10 * major + minor; more where parameters need it
  /// Where the CUDA toolkit is, for its library of functions. Empty: MLIR takes that of
  /// CUDA_ROOT, CUDA_HOME or CUDA_PATH, if there is one.
  std::string toolkit;
};

/// The toolkit to use: `given` if it is not empty, else that of `CUDA_HOME`, `CUDA_PATH` or
/// `CUDA_ROOT`, else /usr/local/cuda, as far as it has the library of functions; else "".
std::string findCudaToolkit(llvm::StringRef given = "");

/// In LLVM's list of targets, which has no lock: in front of threads that make code.
void registerPtxTarget();

/// PTX of a module of kernels that buildNvvm and buildPtx (passes/Pipelines) have lowered. Fails if
/// the text is not of the version and chip that were asked for, or calls what nothing defines.
llvm::Expected<std::string> makePtx(mlir::gpu::GPUModuleOp module, const Chip &chip,
                                    const PtxOptions &options = {});

/// What is wrong with such a text, or success.
llvm::Error checkPtx(llvm::StringRef ptx, const Chip &chip, const PtxOptions &options);

} // namespace mad

#endif // MAD_PASSES_TARGET_PTX_H
