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
#include <future>
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
  int32_t chip = 0;   ///< the only one, by its compute capability; 0: all
  bool early = false; ///< begins before what is in front of it has ended, and waits for that
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

/// Images of kernels: PTX for the least chip, machine code of it for all chips where there is a
/// ptxas, and of the kernels of one chip alone, if there are any, machine code or else PTX. What is
/// for chips from `leastOverlapping` on alone may run before the kernel in front of it has ended
/// (runtime/artifact.h). Each ptxas is a process that runs while the caller does other work.
class CudaCodeMaker {
public:
  CudaCodeMaker(std::vector<KernelDescription> kernels, const CudaOptions &options);
  CudaCodeMaker(const CudaCodeMaker &) = delete;
  /// `ptx` is asked on another thread, where there are such kernels.
  void addOfOne(std::function<llvm::Expected<std::string>()> ptx);
  void addOfAll(std::string ptx);
  /// Waits for all of them.
  llvm::Expected<CudaCode> finish();

private:
  struct Job {
    const Chip *chip;
    bool ofOne;
    std::future<llvm::Expected<Cubin>> cubin;
  };
  bool wantsCodeFor(const Chip &chip) const;
  void start(std::shared_ptr<const std::string> ptx, const Chip &chip);

  CudaCode code;
  CudaOptions options;
  CubinOptions how;
  std::vector<int32_t> all, ofOne; ///< kernels
  const Chip *one = nullptr;
  std::string ptxOfAll, ptxOfOne, failed;
  std::vector<Job> jobs; ///< the last: they use what is above, and are waited for first
};

} // namespace mad

#endif // MAD_PASSES_TARGET_CUDACODE_H
