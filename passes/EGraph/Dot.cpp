//===- Dot.cpp - E-graphs as pictures ---------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Dot.h"
#include "passes/EGraph/Sexpr.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace mad::egraph {

void writeDot(const EGraph &graph, raw_ostream &os, const Extraction *extraction) {
  os << "digraph egraph {\n  compound = true\n  clusterrank = local\n  node [shape = box]\n";
  for (Id id : graph.classes()) {
    os << "  subgraph cluster_" << id << " {\n    style = dotted\n";
    for (Id node : graph.nodesOf(id)) {
      os << "    n" << node << " [label = \"";
      printEscapedString(textOf(graph.language(), graph.op(node), {}), os);
      os << '"';
      if (extraction && extraction->nodeOf(graph, id) == node)
        os << ", style = filled";
      os << "]\n";
    }
    os << "  }\n";
  }
  for (Id id : graph.classes())
    for (Id node : graph.nodesOf(id))
      for (auto [i, operand] : enumerate(graph.operands(node))) {
        Id to = graph.find(operand);
        os << "  n" << node << " -> n" << graph.nodesOf(to).front();
        // An edge cannot end at the box that it starts in.
        if (to != id)
          os << " [lhead = cluster_" << to << ", label = " << i << "]\n";
        else
          os << " [label = " << i << "]\n";
      }
  os << "}\n";
}

} // namespace mad::egraph
