//===- Signals.h - How the tool ends when it is told to ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TOOLS_MAD_SIGNALS_H
#define MAD_TOOLS_MAD_SIGNALS_H

namespace mad::tool {

/// From here on SIGINT, SIGTERM, SIGHUP and others that end the process remove temporary files
/// before they do, unless they were ignored; so does a crash, which is told as a fault of the
/// compiler.
void cleanUpOnSignals();

} // namespace mad::tool

#endif // MAD_TOOLS_MAD_SIGNALS_H
