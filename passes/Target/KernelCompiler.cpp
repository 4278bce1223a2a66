//===- KernelCompiler.cpp - Kernels become images, all at the same time ----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Target/KernelCompiler.h"
#include "passes/Target/InternalFailure.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace mad;

/// Why there is no machine code.
static constexpr const char *notAsked = "it was not asked for";

/// Whether a kernel is launched on a chip.
static bool runsOn(const KernelDescription &kernel, const Chip &chip) {
  const bool named = std::abs(kernel.chip) == chip.computeCapability;
  return kernel.chip == 0 || named == (kernel.chip > 0);
}

/// What PTX of a kernel is for: that of the least chip is good for all.
static const Chip &chipOfPtx(const KernelDescription &kernel) {
  auto found = find_if(chips(), [&](const Chip &c) { return c.computeCapability == kernel.chip; });
  return found == chips().end() ? chips().front() : *found;
}

KernelCompiler::KernelCompiler(std::vector<KernelDescription> kernels, const CudaOptions &options)
    : options(options) {
  code.kernels = std::move(kernels);
  how.search = ptxasSearch(options.ptxas);
  if (options.ptxas == "none")
    code.withoutPtxas = notAsked;
}

bool KernelCompiler::wantsCodeFor(const Chip &chip) const {
  return options.ptxas != "none" &&
         (options.chips.empty() || is_contained(options.chips, chip.name));
}

void KernelCompiler::add(std::vector<int32_t> numbers, std::function<Expected<std::string>()> ptx) {
  if (numbers.empty())
    return;
  auto made = std::make_unique<Part>();
  Part &part = *made;
  part.kernels = std::move(numbers);
  const KernelDescription &first = code.kernels[part.kernels.front()];
  part.chip = &chipOfPtx(first);
  for (const Chip &chip : chips())
    if (runsOn(first, chip))
      part.made.push_back({&chip, {}, {}});
  parts.push_back(std::move(made));
  pool.async([this, &part, ptx = std::move(ptx)] { start(part, ptx()); });
}

/// Begins to make machine code of a text.
void KernelCompiler::start(Part &part, Expected<std::string> ptx) {
  Expected<std::string> opened = ptx ? withOverlap(*ptx) : Expected<std::string>(ptx.takeError());
  if (!opened) {
    part.failed.take(opened.takeError());
    return;
  }
  part.overlapping = std::move(*opened);
  part.ptx = part.chip->portable ? std::move(*ptx) : part.overlapping;
  for (Made &made : part.made) {
    if (!wantsCodeFor(*made.chip)) {
      made.cubin.missing = notAsked;
      continue;
    }
    pool.async([this, &part, &made] {
      const bool overlaps = made.chip->computeCapability >= leastOverlapping;
      auto cubin = makeCubin(overlaps ? part.overlapping : part.ptx, *made.chip, how);
      if (cubin)
        made.cubin = std::move(*cubin);
      else
        made.failed.take(cubin.takeError());
    });
  }
}

void KernelCompiler::Failure::take(Error error) {
  internal = error.isA<InternalFailure>();
  text = llvm::toString(std::move(error));
}

Expected<CudaCode> KernelCompiler::finish() {
  pool.wait();
  // The same error of several is told once.
  std::vector<std::string> failures, internal;
  auto note = [&](const Failure &failed) {
    auto &list = failed.internal ? internal : failures;
    if (!failed.text.empty() && !is_contained(list, failed.text))
      list.push_back(failed.text);
  };
  for (const auto &part : parts) {
    note(part->failed);
    for (const Made &made : part->made) {
      note(made.failed);
      if (!made.cubin.made() && wantsCodeFor(*made.chip))
        code.withoutPtxas = made.cubin.missing;
    }
  }
  if (!failures.empty())
    return createStringError(join(failures, "\n"));
  if (!internal.empty())
    return internalFailure(join(internal, "\n"));
  for (bool portable : {true, false})
    for (const auto &part : parts)
      if (part->chip->portable == portable &&
          (portable || !all_of(part->made, [](const Made &m) { return m.cubin.made(); })))
        code.images.push_back({true, part->chip, std::move(part->ptx), part->kernels, {}});
  for (const Chip &chip : chips())
    for (const auto &part : parts)
      for (Made &made : part->made)
        if (made.chip == &chip && made.cubin.made())
          code.images.push_back({false, &chip, std::move(made.cubin.bytes), part->kernels,
                                 std::move(made.cubin.report)});
  return std::move(code);
}
