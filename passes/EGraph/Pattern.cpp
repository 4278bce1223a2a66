//===- Pattern.cpp - Terms with variables -----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Pattern.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace mad::egraph {

unsigned Pattern::addVariable(unsigned variable) {
  nodes.emplace_back();
  nodes.back().variable = variable;
  return root();
}

unsigned Pattern::add(Symbol symbol, OpId op, ArrayRef<unsigned> operands, unsigned opVariable) {
  nodes.emplace_back();
  Node &node = nodes.back();
  node.symbol = symbol;
  node.op = op;
  node.opVariable = opVariable;
  node.operands.assign(operands.begin(), operands.end());
  return root();
}

unsigned Pattern::depth() const {
  std::vector<unsigned> depths(nodes.size(), 0);
  for (auto [i, node] : enumerate(nodes))
    for (unsigned operand : node.operands)
      if (!nodes[operand].isVariable())
        depths[i] = std::max(depths[i], depths[operand] + 1);
  return depths.back();
}

unsigned Variables::of(StringRef name) {
  auto found = llvm::find(names, name);
  if (found == names.end())
    found = names.insert(found, name.str());
  return unsigned(found - names.begin());
}

namespace {

/// The terms of a pattern in a graph, the root apart.
class Maker {
public:
  Maker(EGraph &graph, const Pattern &pattern, const Bindings &bindings)
      : graph(graph), pattern(pattern), bindings(bindings) {
    for (const Pattern::Node &node : ArrayRef(pattern.nodes).drop_back())
      made.push_back(node.isVariable() ? bindings.classes[node.variable]
                                       : graph.add(op(node), operands(node)));
  }
  const Pattern::Node &root() const { return pattern.nodes.back(); }

  OpId op(const Pattern::Node &node) const {
    OpId id = node.opVariable == none ? node.op : bindings.ops[node.opVariable];
    Language &language = graph.language();
    if (!language.isFlagged(node.symbol))
      return id;
    Op wanted = language.get(id);
    // What a variable stands for has flags of its own, which are among those of all.
    uint32_t own = node.opVariable == none ? wanted.flags : 0;
    return language.op(wanted.symbol, wanted.payload, own | bindings.flags);
  }
  ArrayRef<Id> operands(const Pattern::Node &node) {
    buffer.clear();
    for (unsigned operand : node.operands)
      buffer.push_back(made[operand]);
    return buffer;
  }

private:
  EGraph &graph;
  const Pattern &pattern;
  const Bindings &bindings;
  SmallVector<Id, 16> made;
  SmallVector<Id, 4> buffer;
};

} // namespace

Id instantiate(EGraph &graph, const Pattern &pattern, const Bindings &bindings) {
  Maker maker(graph, pattern, bindings);
  const Pattern::Node &root = maker.root();
  return root.isVariable() ? bindings.classes[root.variable]
                           : graph.add(maker.op(root), maker.operands(root));
}

bool instantiateAt(EGraph &graph, Id id, const Pattern &pattern, const Bindings &bindings,
                   uint32_t because) {
  Maker maker(graph, pattern, bindings);
  const Pattern::Node &root = maker.root();
  return root.isVariable() ? graph.unite(id, bindings.classes[root.variable], because)
                           : graph.addTo(id, maker.op(root), maker.operands(root), because);
}

} // namespace mad::egraph
