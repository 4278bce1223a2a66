//===- InspectAsMad.h - A file of tensors as declarations -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TOOLS_MAD_INSPECTASMAD_H
#define MAD_TOOLS_MAD_INSPECTASMAD_H

#include "runtime/io/TensorFile.h"

namespace mad::tool {

/// A program that declares every tensor of a file as a weight.
std::string declarations(const std::string &path, const std::vector<io::Entry> &entries);

} // namespace mad::tool

#endif // MAD_TOOLS_MAD_INSPECTASMAD_H
