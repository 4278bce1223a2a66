//===- ExtractImprove.h - Changes single choices of a program ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_EXTRACTIMPROVE_H
#define MAD_PASSES_EGRAPH_EXTRACTIMPROVE_H

#include "passes/EGraph/Extract.h"

namespace mad::egraph {

/// Takes other nodes in single classes as long as that makes the program cheaper. What it starts
/// from must be a program of finite cost.
void improve(const EGraph &graph, llvm::ArrayRef<Id> roots, const Cost &cost,
             Extraction &extraction);

} // namespace mad::egraph

#endif // MAD_PASSES_EGRAPH_EXTRACTIMPROVE_H
