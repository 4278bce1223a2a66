//===- Catalogue.h - One of each kernel -------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels with the tile parameters that the compiler uses, by name: for tests of what
// ptxas makes of them, and to look at.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_GPU_CATALOGUE_H
#define MAD_PASSES_KERNELS_GPU_CATALOGUE_H

#include "passes/Kernels/Gpu/GpuBuilder.h"
#include "llvm/Support/Error.h"
#include <functional>
#include <vector>

namespace mad::device {

struct CatalogueEntry {
  std::string name;
  bool wgmma = false; ///< needs a chip that has it
  /// Instructions of PTX that it is written for.
  std::vector<std::string> instructions;
  std::function<llvm::Expected<Kernel>(mlir::gpu::GPUModuleOp, llvm::StringRef name)> make;
};

std::vector<CatalogueEntry> catalogue(mlir::MLIRContext *context);

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_CATALOGUE_H
