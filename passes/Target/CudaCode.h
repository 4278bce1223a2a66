//===- CudaCode.h - The kernels of a model for NVIDIA chips -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What becomes a `mad_variant` for CUDA (runtime/artifact.h). No MLIR here.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TARGET_CUDACODE_H
#define MAD_PASSES_TARGET_CUDACODE_H

#include "passes/Target/Cubin.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mad {

/// Of instructions in PTX that chips from `leastOverlapping` on are given without it
/// (`withOverlap`).
constexpr llvm::StringLiteral overlapComment = "//overlap: ";
constexpr int leastOverlapping = 90;
/// Such a text for those chips. Fails where a kernel loads before it waits.
llvm::Expected<std::string> withOverlap(llvm::StringRef ptx);

/// How kernels are made into images.
struct CudaOptions {
  std::string ptxas;   ///< the program; empty: it is looked for; `none`: PTX alone
  std::string toolkit; ///< the folder of CUDA; empty: it is looked for; `none`: there is none
  std::vector<std::string> chips = {}; ///< that get machine code; empty: all
};

/// See `mad_kernel`. Code of the host knows it by `symbol`.
struct KernelDescription {
  std::string name, place, symbol;
  int32_t chip = 0;  ///< the only one, by its compute capability; below 0: all others; 0: all
  int32_t early = 0; ///< which launches begin before what is in front of them has ended
};

/// Marks functions of kernels that are `early`.
constexpr llvm::StringLiteral earlyKernel = "early";

/// See `mad_image`.
struct ImageDescription {
  bool ptx = false;
  const Chip *chip = nullptr;
  std::string bytes; ///< of PTX without the 0 byte
  std::vector<int32_t> kernels;
  PtxasReport report; ///< of machine code
};

struct CudaCode {
  std::vector<KernelDescription> kernels;
  std::vector<ImageDescription> images;
  std::string libdevice;    ///< the folder of the toolkit whose functions were linked; or empty
  std::string withoutPtxas; ///< why there is no machine code; empty: there is
};

} // namespace mad

#endif // MAD_PASSES_TARGET_CUDACODE_H
