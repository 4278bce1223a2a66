//===- Header.cpp - The C header of an artifact -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Target/Object.h"

using namespace mad;

std::string mad::header(const ArtifactOptions &options,
                        const std::vector<EntryDescription> &entries) {
  return "";
}
