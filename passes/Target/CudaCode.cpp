//===- CudaCode.cpp - The kernels of a model for NVIDIA chips ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Target/CudaCode.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <future>

using namespace llvm;
using namespace mad;

std::string mad::withOverlap(StringRef ptx) {
  std::string text;
  for (StringRef line : split(ptx, '\n')) {
    if (line.starts_with(".target sm_80"))
      line = ".target sm_90";
    auto [before, instruction] = line.split(overlapComment);
    (text += before) += instruction;
    text += '\n';
  }
  text.pop_back(); // behind the last line
  return text;
}

/// The chip that kernels for one chip alone are for.
static const Chip *chipOfOne(ArrayRef<KernelDescription> kernels) {
  for (const KernelDescription &kernel : kernels)
    for (const Chip &chip : chips())
      if (kernel.chip && chip.computeCapability == kernel.chip)
        return &chip;
  return nullptr;
}

Expected<CudaCode> mad::makeCudaCode(std::vector<KernelDescription> kernels, std::string ptx,
                                     std::string ptxOfOne, const CudaOptions &options) {
  CudaCode code;
  std::vector<int32_t> all, ofOne;
  for (size_t i = 0; i < kernels.size(); ++i)
    (kernels[i].chip ? ofOne : all).push_back(int32_t(i));
  const Chip *one = chipOfOne(kernels);
  code.kernels = std::move(kernels);
  const std::string overlapping = withOverlap(ptx);
  ptxOfOne = withOverlap(ptxOfOne);
  // What to compile: PTX of the least chip is good for all. One process each.
  struct Job {
    const std::string *ptx;
    const Chip *chip;
    const std::vector<int32_t> *kernels;
  };
  std::vector<Job> jobs;
  for (const Chip &chip : chips())
    jobs.push_back({chip.computeCapability < leastOverlapping ? &ptx : &overlapping, &chip, &all});
  if (one)
    jobs.push_back({&ptxOfOne, one, &ofOne});
  std::vector<Expected<Cubin>> made;
  if (options.ptxas == "none") {
    code.withoutPtxas = "it was not asked for";
  } else {
    CubinOptions how;
    how.search = ptxasSearch(options.ptxas);
    std::vector<std::future<Expected<Cubin>>> running;
    for (const Job &job : jobs)
      running.push_back(std::async(std::launch::async,
                                   [&job, &how] { return makeCubin(*job.ptx, *job.chip, how); }));
    for (auto &each : running)
      made.push_back(each.get());
  }
  Error failed = Error::success();
  std::vector<ImageDescription> cubins;
  for (auto [job, cubin] : zip(jobs, made)) {
    if (!cubin)
      failed = joinErrors(std::move(failed), cubin.takeError());
    else if (!cubin->made())
      code.withoutPtxas = cubin->missing;
    else
      cubins.push_back(
          {false, job.chip, std::move(cubin->bytes), *job.kernels, std::move(cubin->report)});
  }
  if (failed)
    return std::move(failed);
  code.images.push_back({true, &chips().front(), std::move(ptx), all, {}});
  if (one && !code.withoutPtxas.empty())
    code.images.push_back({true, one, std::move(ptxOfOne), ofOne, {}});
  std::move(cubins.begin(), cubins.end(), std::back_inserter(code.images));
  return code;
}
