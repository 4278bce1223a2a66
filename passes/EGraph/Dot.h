//===- Dot.h - E-graphs as pictures -----------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_DOT_H
#define MAD_PASSES_EGRAPH_DOT_H

#include "passes/EGraph/Extract.h"

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace mad::egraph {

/// Writes the graph for Graphviz: a box for each class, in it its nodes, with edges to the
/// classes of operands. Nodes that an extraction chose are filled.
void writeDot(const EGraph &graph, llvm::raw_ostream &os, const Extraction *extraction = nullptr);

} // namespace mad::egraph

#endif // MAD_PASSES_EGRAPH_DOT_H
