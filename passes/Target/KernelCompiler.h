//===- KernelCompiler.h - Kernels become images, all at the same time ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TARGET_KERNELCOMPILER_H
#define MAD_PASSES_TARGET_KERNELCOMPILER_H

#include "passes/Target/CudaCode.h"
#include "llvm/Support/ThreadPool.h"
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mad {

/// Images of kernels, which come in parts: of each PTX, for the least chip or for the one that its
/// kernels are for, and machine code for all chips that run them, where there is a ptxas. PTX for
/// one chip is left out where there is machine code. What is for chips from `leastOverlapping` on
/// alone may run before the kernel in front of it has ended (runtime/artifact.h). Texts and machine
/// code of all parts are made at the same time, while the caller does other work.
class KernelCompiler {
public:
  KernelCompiler(std::vector<KernelDescription> kernels, const CudaOptions &options);
  KernelCompiler(const KernelCompiler &) = delete;
  /// A part: numbers of kernels for the same chips, whose text `ptx` makes on another thread.
  void add(std::vector<int32_t> numbers, std::function<llvm::Expected<std::string>()> ptx);
  /// Waits for all of them. What the user can mend is told before faults of the compiler.
  llvm::Expected<CudaCode> finish();

private:
  struct Failure {
    std::string text; ///< empty: there is none
    bool internal = false;
    void take(llvm::Error error);
  };
  struct Made {
    const Chip *chip;
    Cubin cubin;
    Failure failed;
  };
  struct Part {
    std::vector<int32_t> kernels;
    const Chip *chip; ///< of the PTX
    std::string ptx, overlapping;
    Failure failed;
    std::vector<Made> made;
  };
  bool wantsCodeFor(const Chip &chip) const;
  void start(Part &part, llvm::Expected<std::string> ptx);

  CudaCode code;
  CudaOptions options;
  CubinOptions how;
  std::vector<std::unique_ptr<Part>> parts;
  llvm::DefaultThreadPool pool; ///< the last: it uses what is above, and is waited for first
};

} // namespace mad

#endif // MAD_PASSES_TARGET_KERNELCOMPILER_H
