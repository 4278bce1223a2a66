//===- InspectWeights.h - The file of weights of a library ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TOOLS_MAD_INSPECTWEIGHTS_H
#define MAD_TOOLS_MAD_INSPECTWEIGHTS_H

#include "tools/mad/Options.h"

namespace mad::tool {

/// Whether a file is named `X.weights`, or begins as these do.
bool isWeightsFile(const std::string &path);
/// Lists the weights of such a file; returns the exit code.
int inspectWeights(const Arguments &arguments);

} // namespace mad::tool

#endif // MAD_TOOLS_MAD_INSPECTWEIGHTS_H
