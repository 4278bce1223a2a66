//===- TensorRules.cpp - Rules with contractions and reductions -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Bridge/TensorRules.h"

using namespace mlir;
using namespace mad::egraph;

namespace mad::rewrite {
namespace {

/// Reads sides of a rule. Labels are numbers that are made the same where a variable says so.
class Reader {
public:
  explicit Reader(unsigned variables) : ofVariables(variables) {}

  bool read(Value value, TensorPattern &pattern) {
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<unsigned, 4> labels = seen;
    for (int64_t dim = labels.size(); dim < type.getRank(); ++dim)
      labels.push_back(fresh());
    seen = labels; // both sides have the same indices
    pattern.nodes.clear();
    current = &pattern;
    return bool(add(value, labels));
  }
  /// Numbers the labels that go, after both sides were read. False when one does not go.
  bool finish(TensorRule &rule);

private:
  unsigned fresh() {
    leader.push_back(unsigned(leader.size()));
    return leader.back();
  }
  unsigned find(unsigned label) const {
    while (leader[label] != label)
      label = leader[label];
    return label;
  }
  std::optional<unsigned> add(Value value, ArrayRef<unsigned> labels);
  std::optional<unsigned> addOp(Operation *op, ArrayRef<unsigned> labels);
  bool addOperand(Value value, ArrayRef<unsigned> labels, TensorPattern::Node &node) {
    std::optional<unsigned> at = add(value, labels);
    if (at)
      node.operands.push_back(*at);
    return bool(at);
  }
  std::optional<unsigned> push(TensorPattern::Node node) {
    current->nodes.push_back(std::move(node));
    return unsigned(current->nodes.size()) - 1;
  }
  bool bindVariable(unsigned variable, ArrayRef<unsigned> labels);

  TensorPattern *current = nullptr;
  SmallVector<unsigned, 4> seen; ///< labels of the result
  std::vector<unsigned> leader;
  std::vector<std::optional<SmallVector<unsigned, 4>>> ofVariables;
};

bool Reader::bindVariable(unsigned variable, ArrayRef<unsigned> labels) {
  auto &known = ofVariables[variable];
  if (!known) {
    known.emplace(labels.begin(), labels.end());
    return true;
  }
  for (auto [a, b] : llvm::zip(*known, labels)) {
    unsigned from = find(b), to = find(a);
    // The indices of the result are different ones.
    if (from != to && from < seen.size() && to < seen.size())
      return false;
    leader[std::max(from, to)] = std::min(from, to);
  }
  return true;
}

std::optional<unsigned> Reader::add(Value value, ArrayRef<unsigned> labels) {
  TensorPattern::Node node;
  node.element = elementInRule(value);
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    node.variable = argument.getArgNumber();
    if (!bindVariable(node.variable, labels))
      return {};
    return push(std::move(node));
  }
  if (std::optional<RefScalar> number = splatValue(value)) {
    node.kind = TensorPattern::Node::Number;
    node.number = *number;
    return push(std::move(node));
  }
  return addOp(value.getDefiningOp(), labels);
}

std::optional<unsigned> Reader::addOp(Operation *op, ArrayRef<unsigned> labels) {
  TensorPattern::Node node;
  node.element = elementInRule(op->getResult(0));
  auto through = [&](AffineMap map, ArrayRef<unsigned> space) {
    SmallVector<unsigned, 4> result;
    for (AffineExpr coordinate : map.getResults())
      result.push_back(space[cast<AffineDimExpr>(coordinate).getPosition()]);
    return result;
  };
  if (auto view = dyn_cast<ViewOp>(op)) {
    if (!view.getScalars().empty() ||
        !llvm::all_of(view.getMap().getResults(), llvm::IsaPred<AffineDimExpr>))
      return {};
    return add(view.getSource(), through(view.getMap(), labels));
  }
  if (auto contract = dyn_cast<ContractOp>(op)) {
    SmallVector<unsigned, 4> space(labels.begin(), labels.end());
    // One label stands for all that are summed.
    for (unsigned i = space.size(); i < contract.getLhsMap().getNumDims(); ++i)
      space.push_back(fresh());
    if (space.size() > labels.size() + 1)
      return {};
    node.kind = TensorPattern::Node::Contract;
    node.bound = space.size() > labels.size() ? space.back() : TensorPattern::Node::none;
    if (!addOperand(contract.getLhs(), through(contract.getLhsMap(), space), node) ||
        !addOperand(contract.getRhs(), through(contract.getRhsMap(), space), node))
      return {};
    return push(std::move(node));
  }
  node.term = termOf(op);
  if (auto reduce = dyn_cast<ReduceOp>(op)) {
    if (reduce.getDims().size() != 1 || reduce.getKind() == ReduceKind::argmax)
      return {};
    SmallVector<unsigned, 4> inner(labels.begin(), labels.end());
    node.kind = TensorPattern::Node::Reduce;
    node.bound = fresh();
    inner.insert(inner.begin() + reduce.getDims()[0], node.bound);
    return addOperand(reduce.getSource(), inner, node) ? push(std::move(node)) : std::nullopt;
  }
  if (!isa<ElementwiseOpInterface>(op))
    return {};
  node.kind = TensorPattern::Node::Elementwise;
  for (Value operand : op->getOperands())
    if (!addOperand(operand, labels, node))
      return {};
  return push(std::move(node));
}

bool Reader::finish(TensorRule &rule) {
  llvm::DenseMap<unsigned, unsigned> numbers; // of labels that go
  auto numberOf = [&](unsigned label) -> unsigned {
    label = find(label);
    if (label < seen.size())
      return TensorPattern::Node::none;
    return numbers.try_emplace(label, numbers.size()).first->second;
  };
  for (TensorPattern *side : {&rule.left, &rule.right})
    for (TensorPattern::Node &node : side->nodes)
      if (node.bound != TensorPattern::Node::none) {
        node.bound = numberOf(node.bound);
        if (node.bound == TensorPattern::Node::none)
          return false;
      }
  for (auto &labels : ofVariables)
    if (labels)
      for (unsigned label : *labels)
        numberOf(label);
  rule.labels = numbers.size();
  rule.occurs.assign(rule.labels, llvm::SmallBitVector(ofVariables.size()));
  for (auto [variable, labels] : llvm::enumerate(ofVariables))
    if (labels)
      for (unsigned label : *labels)
        if (unsigned number = numberOf(label); number != TensorPattern::Node::none)
          rule.occurs[number].set(variable);
  for (TensorPattern *side : {&rule.left, &rule.right})
    for (TensorPattern::Node &node : side->nodes) {
      node.variables.resize(ofVariables.size());
      node.labels.resize(rule.labels);
      if (node.kind == TensorPattern::Node::Variable) {
        node.variables.set(node.variable);
        for (unsigned label = 0; label < rule.labels; ++label)
          if (rule.occurs[label].test(node.variable))
            node.labels.set(label);
      }
      for (unsigned operand : node.operands) {
        node.variables |= side->nodes[operand].variables;
        node.labels |= side->nodes[operand].labels;
      }
      if (node.bound != TensorPattern::Node::none)
        node.labels.reset(node.bound);
    }
  return true;
}

} // namespace

std::optional<TensorRule> TensorRule::read(RuleOp op, bool forward) {
  auto sides = cast<SidesOp>(op.getBody().front().getTerminator());
  if (sides.getLeft().size() != 1)
    return {};
  Value from = forward ? sides.getLeft()[0] : sides.getRight()[0];
  Value to = forward ? sides.getRight()[0] : sides.getLeft()[0];
  TensorRule rule;
  Reader reader(op.getBody().getNumArguments());
  if (!reader.read(from, rule.left) || !reader.read(to, rule.right) || !reader.finish(rule))
    return {};
  using Node = TensorPattern::Node;
  if (op.getElements() == "exact")
    for (TensorPattern *side : {&rule.left, &rule.right})
      for (Node &node : side->nodes)
        if (!node.element)
          node.element = Float32Type::get(op.getContext());
  if (rule.left.root().kind == Node::Variable || rule.left.root().kind == Node::Number)
    return {};
  // A sum of what does not depend on its index is a multiple: its size is not part of a pattern.
  for (const TensorPattern *side : {&rule.left, &rule.right})
    for (const Node &node : side->nodes)
      if (node.bound != Node::none && llvm::none_of(node.operands, [&](unsigned operand) {
            return side->nodes[operand].labels.test(node.bound);
          }))
        return {};
  return rule;
}

std::optional<Rule> loadTensor(RuleOp op, bool forward, RuleContext &context) {
  std::optional<TensorRule> read = TensorRule::read(op, forward);
  if (!read)
    return {};
  auto pattern = std::make_shared<TensorRule>(std::move(*read));
  const TensorPattern::Node &root = pattern->left.root();
  Symbol symbol = root.kind == TensorPattern::Node::Contract
                      ? context.terms.language.symbol(ContractOp::getOperationName())
                      : context.terms.symbolOf(*root.term);
  Rule rule;
  rule.name = op.getSymName().str() + (forward ? "" : " (back)");
  rule.flags = permissionsOf(op);
  unsigned block = 0;
  uint32_t seen = 0;
  rule.sweep = [=, &context](EGraph &graph, function_ref<void(Id, Id)> unite) mutable {
    // Only where something changed since the last time, as far down as the graph tells.
    if (std::exchange(block, context.block) != context.block)
      seen = 0;
    const uint32_t since = std::exchange(seen, graph.round());
    for (Id id : graph.classesWith(symbol)) {
      if (since > 0 && graph.changed(id, EGraph::stampDepth) <= since)
        continue;
      for (const TensorMatch &match :
           findMatches(graph, id, *pattern, permissionsOf(op), context)) {
        SmallVector<Id, 4> variables;
        for (const Labelled &variable : match.variables)
          variables.push_back(variable.id);
        if (!meets(op, graph, variables, *context.facts))
          continue;
        if (std::optional<Id> made = buildTensor(graph, *pattern, match, context))
          unite(match.node, *made);
      }
    }
  };
  return rule;
}

} // namespace mad::rewrite
