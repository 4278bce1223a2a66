//===- Networks.h - What is told of networks of reactions -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TOOLS_MAD_NETWORKS_H
#define MAD_TOOLS_MAD_NETWORKS_H

#include "frontend/Ast/Network.h"
#include <string>

namespace mad::tool {

/// Its size, and a line for each sum of amounts that it keeps.
std::string describe(const ast::Network &network);

} // namespace mad::tool

#endif // MAD_TOOLS_MAD_NETWORKS_H
