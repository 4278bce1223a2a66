//===- Elementwise.h - Kernels that map elements ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_GPU_ELEMENTWISE_H
#define MAD_PASSES_KERNELS_GPU_ELEMENTWISE_H

#include "passes/Kernels/Gpu/GpuBuilder.h"
#include "llvm/Support/Error.h"
#include <functional>

namespace mad::device {

/// outputs[j][i] = body(inputs[0][i], ..., i)[j] for i < n.
struct ElementwiseSpec {
  llvm::SmallVector<mlir::Type> inputs, outputs; ///< element types
  llvm::SmallVector<mlir::Type> scalars;         ///< further arguments, for the body
  /// An output may be the memory of an input.
  bool inPlace = false;
  std::function<Values(GpuBuilder &, mlir::ValueRange elements, mlir::ValueRange scalars,
                       mlir::Value index)>
      body;
};

struct ElementwiseTile {
  int threads = 256;
  int vector = 4; ///< neighbouring elements that one access reads or writes
  int unroll = 2; ///< such groups of a thread
  int elementsOfBlock() const { return threads * vector * unroll; }
};

/// Groups of 16 bytes of the widest type.
ElementwiseTile elementwiseTile(const ElementwiseSpec &spec);
llvm::Error check(const ElementwiseTile &tile, const ElementwiseSpec &spec);

/// Arguments: pointers of the inputs and outputs, the scalars, n. A block for each
/// `elementsOfBlock`, along x.
llvm::Expected<Kernel> makeElementwise(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                       const ElementwiseSpec &spec, const ElementwiseTile &tile);

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_ELEMENTWISE_H
