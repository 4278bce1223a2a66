//===- CudaCode.cpp - The kernels of a model for NVIDIA chips ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Target/CudaCode.h"
#include "llvm/ADT/STLExtras.h"
#include <future>

using namespace llvm;
using namespace mad;

Expected<CudaCode> mad::makeCudaCode(std::vector<KernelDescription> kernels, std::string ptx,
                                     const CudaOptions &options) {
  CudaCode code;
  std::vector<int32_t> all;
  for (size_t i = 0; i < kernels.size(); ++i)
    all.push_back(int32_t(i));
  code.kernels = std::move(kernels);
  const Chip &least = chips().front();
  code.images.push_back({true, &least, std::move(ptx), all, {}});
  if (options.ptxas == "none") {
    code.withoutPtxas = "it was not asked for";
    return code;
  }
  CubinOptions how;
  how.search = ptxasSearch(options.ptxas);
  // PTX of the least chip is good for the others: one process for each chip.
  std::vector<std::future<Expected<Cubin>>> running;
  for (const Chip &chip : chips())
    running.push_back(std::async(std::launch::async, [&code, &chip, &how] {
      return makeCubin(code.images.front().bytes, chip, how);
    }));
  std::vector<Expected<Cubin>> made;
  for (auto &one : running)
    made.push_back(one.get());
  Error failed = Error::success();
  for (auto [chip, cubin] : zip(chips(), made)) {
    if (!cubin) {
      failed = joinErrors(std::move(failed), cubin.takeError());
      continue;
    }
    if (!cubin->made())
      code.withoutPtxas = cubin->missing;
    else
      code.images.push_back({false, &chip, std::move(cubin->bytes), all, std::move(cubin->report)});
  }
  if (failed)
    return std::move(failed);
  return code;
}
