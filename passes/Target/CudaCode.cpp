//===- CudaCode.cpp - The kernels of a model for NVIDIA chips ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Target/CudaCode.h"
#include "passes/Target/InternalFailure.h"
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
      return internalFailure("LLVM moved what the kernel `" + kernel +
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
