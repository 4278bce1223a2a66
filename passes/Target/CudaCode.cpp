//===- CudaCode.cpp - The kernels of a model for NVIDIA chips ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Target/CudaCode.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace mad;

/// Of memory that nobody writes while the kernel runs: ptxas moves it to before the wait, where
/// what is in front of it still does.
static constexpr StringLiteral loadOfConstant = "ld.global.nc.";

Expected<std::string> mad::withOverlap(StringRef ptx) {
  std::string text;
  StringRef kernel;
  bool waits = true;
  for (StringRef line : split(ptx, '\n')) {
    if (line.contains(".entry "))
      kernel = line.split(".entry ").second.split('(').first, waits = false;
    if (line.starts_with(".target sm_80"))
      line = ".target sm_90";
    auto [before, instruction] = line.split(overlapComment);
    waits |= instruction.starts_with("griddepcontrol.wait");
    if (!waits && line.contains("ld.global"))
      return createStringError("LLVM moved what the kernel `" + kernel +
                               "` reads to before it waits for the kernel in front");
    const size_t constant = before.find(loadOfConstant);
    if (constant != StringRef::npos)
      (text += before.take_front(constant)) +=
          "ld.global." + before.drop_front(constant + loadOfConstant.size()).str();
    else
      text += before;
    text += instruction;
    text += '\n';
  }
  text.pop_back(); // behind the last line
  return text;
}

/// Why there is no machine code.
static constexpr const char *notAsked = "it was not asked for";

/// The chip that kernels for one chip alone are for.
static const Chip *chipOfOne(ArrayRef<KernelDescription> kernels) {
  for (const KernelDescription &kernel : kernels)
    for (const Chip &chip : chips())
      if (kernel.chip && chip.computeCapability == kernel.chip)
        return &chip;
  return nullptr;
}

CudaCodeMaker::CudaCodeMaker(std::vector<KernelDescription> kernels, const CudaOptions &options)
    : options(options), one(chipOfOne(kernels)) {
  for (size_t i = 0; i < kernels.size(); ++i)
    (kernels[i].chip ? ofOne : all).push_back(int32_t(i));
  code.kernels = std::move(kernels);
  how.search = ptxasSearch(options.ptxas);
  if (options.ptxas == "none")
    code.withoutPtxas = notAsked;
}

bool CudaCodeMaker::wantsCodeFor(const Chip &chip) const {
  return options.ptxas != "none" &&
         (options.chips.empty() || is_contained(options.chips, chip.name));
}

void CudaCodeMaker::start(std::shared_ptr<const std::string> ptx, const Chip &chip) {
  if (wantsCodeFor(chip))
    jobs.push_back({&chip, false, std::async(std::launch::async, [ptx, &chip, how = how] {
                      return makeCubin(*ptx, chip, how);
                    })});
}

void CudaCodeMaker::addOfOne(std::function<Expected<std::string>()> ptx) {
  if (!one)
    return;
  auto make = [this, ptx = std::move(ptx)]() -> Expected<Cubin> {
    Expected<std::string> made = ptx();
    if (!made)
      return made.takeError();
    Expected<std::string> text = withOverlap(*made);
    if (!text)
      return text.takeError();
    ptxOfOne = std::move(*text);
    Cubin none;
    none.missing = notAsked;
    return wantsCodeFor(*one) ? makeCubin(ptxOfOne, *one, how) : std::move(none);
  };
  jobs.push_back({one, true, std::async(std::launch::async, std::move(make))});
}

/// PTX of the least chip is good for all.
void CudaCodeMaker::addOfAll(std::string ptx) {
  ptxOfAll = std::move(ptx);
  Expected<std::string> overlapping = withOverlap(ptxOfAll);
  if (!overlapping) {
    failed = llvm::toString(overlapping.takeError());
    return;
  }
  auto plain = std::make_shared<std::string>(ptxOfAll),
       other = std::make_shared<std::string>(std::move(*overlapping));
  for (const Chip &chip : chips())
    start(chip.computeCapability < leastOverlapping ? plain : other, chip);
}

Expected<CudaCode> CudaCodeMaker::finish() {
  Error failed = Error::success();
  std::vector<ImageDescription> cubins;
  llvm::stable_sort(jobs, [](const Job &x, const Job &y) { return x.ofOne < y.ofOne; });
  for (Job &job : jobs) {
    Expected<Cubin> cubin = job.cubin.get();
    if (!cubin)
      failed = joinErrors(std::move(failed), cubin.takeError());
    else if (!cubin->made())
      code.withoutPtxas = wantsCodeFor(*job.chip) ? cubin->missing : code.withoutPtxas;
    else
      cubins.push_back({false, job.chip, std::move(cubin->bytes), job.ofOne ? ofOne : all,
                        std::move(cubin->report)});
  }
  if (!this->failed.empty())
    failed = joinErrors(std::move(failed), createStringError(this->failed));
  if (failed)
    return std::move(failed);
  code.images.push_back({true, &chips().front(), std::move(ptxOfAll), all, {}});
  if (one && (!code.withoutPtxas.empty() || !wantsCodeFor(*one)))
    code.images.push_back({true, one, std::move(ptxOfOne), ofOne, {}});
  std::move(cubins.begin(), cubins.end(), std::back_inserter(code.images));
  return std::move(code);
}
