//===- TraceFile.h - Traces for chrome://tracing and Perfetto -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TOOLS_MAD_TRACEFILE_H
#define MAD_TOOLS_MAD_TRACEFILE_H

#include "passes/Driver/Compilation.h"

namespace mad::tool {

/// Writes the steps, stages and passes of a compilation, and the kernels that
/// its code ran, as Chrome trace events.
bool writeTrace(const std::string &path, const Compilation &compilation, std::string &error);

} // namespace mad::tool

#endif // MAD_TOOLS_MAD_TRACEFILE_H
