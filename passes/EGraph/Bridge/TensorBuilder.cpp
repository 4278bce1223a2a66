//===- TensorBuilder.cpp - Makes terms by the labels of their dimensions --===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Bridge/LabelBuilder.h"

using namespace mlir;
using namespace mad::egraph;

namespace mad::rewrite {
namespace {

using Node = TensorPattern::Node;
using Labels = LabelBuilder::Labels;

class Make {
public:
  Make(EGraph &graph, const TensorRule &rule, const TensorMatch &match, RuleContext &context)
      : graph(graph), rule(rule), match(match), context(context), terms(context.terms),
        b(terms.context), sizes(match.sizes), declared(match.declared),
        roots(match.roots.begin(), match.roots.end()),
        build(graph, terms, sizes, match.roots.front().labels, match.flags) {
    for (TensorMatch::Root &root : roots)
      for (unsigned &label : root.labels)
        label = match.find(label);
  }

  SmallVector<Id, 1> run();

private:
  /// The label of these that is one of the rule; none if not just one is.
  unsigned labelOf(unsigned number, ArrayRef<unsigned> labels) const;
  /// Labels in the order of the first tensor that has them.
  Labels neededBy(const Node &node, ArrayRef<Labelled> operands) const;
  std::optional<Labelled> plain(const Labelled &from);
  std::optional<Labelled> make(const Node &node, const TensorMatch::Root *root);
  std::optional<Labelled> elementwise(const Node &node, ArrayRef<Labelled> operands, Labels labels);
  std::optional<Labelled> contract(const Node &node, ArrayRef<Labelled> operands, Labels labels);
  std::optional<Labelled> reduce(const Node &node, const Labelled &operand, Labels labels);
  std::optional<Labelled> product(const Labelled &a, const Labelled &b, ArrayRef<unsigned> labels);
  std::optional<Labelled> times(Labelled value, ArrayRef<unsigned> labels);
  std::optional<Labelled> number(const DimExpr &size, Type element);
  Labelled sumOver(const Labelled &value, ArrayRef<unsigned> labels);
  bool isFree() const { return match.flags & Reassoc; }
  std::optional<Labelled> concat(const Node &node, ArrayRef<Labelled> operands);
  std::optional<Labelled> part(const Node &node, const Labelled &operand);
  std::optional<Id> result(unsigned at, const TensorMatch::Root &root);

  EGraph &graph;
  const TensorRule &rule;
  const TensorMatch &match;
  RuleContext &context;
  Terms &terms;
  Builder b;
  SmallVector<DimExpr, 8> sizes;     ///< of the match's labels and of those that are made here
  SmallVector<unsigned, 8> declared; ///< the same
  Type any;                          ///< where the rule leaves it open
  Type element;                      ///< of what is being made
  llvm::SmallDenseMap<unsigned, unsigned> joints; ///< labels of the rule that are made here
  std::vector<TensorMatch::Root> roots;           ///< each label as that of all that are the same
  LabelBuilder build;
  size_t mostLabels = 0;
  std::vector<Labelled> made;
};

Labels Make::neededBy(const Node &node, ArrayRef<Labelled> operands) const {
  Labels labels;
  for (const Labelled &operand : operands)
    for (unsigned label : operand.labels) {
      if (build.isOne(label) || llvm::is_contained(labels, label))
        continue;
      if (declared[label] != Node::none ? node.labels.test(declared[label])
                                        : match.isOfResult(label))
        labels.push_back(label);
    }
  return labels;
}

/// Without dimensions of one element, and none if an index stands twice.
std::optional<Labelled> Make::plain(const Labelled &from) {
  for (auto [at, label] : llvm::enumerate(from.labels))
    if (llvm::is_contained(ArrayRef(from.labels).take_front(at), label))
      return {};
  return build.plain(from);
}

std::optional<Labelled> Make::elementwise(const Node &node, ArrayRef<Labelled> operands,
                                          Labels labels) {
  SmallVector<Id, 3> ids;
  for (auto [operand, at] : llvm::zip(operands, node.operands)) {
    const Node &below = rule.right.nodes[at];
    if (below.kind == Node::Number) {
      Type element = below.element ? below.element : any;
      if (!isa<FloatType>(element))
        return {};
      ids.push_back(terms.splat(graph, FloatAttr::get(element, below.number.f),
                                build.typeOf(labels, element)));
      continue;
    }
    std::optional<Id> id = build.viewed(operand, labels);
    if (!id)
      return {};
    ids.push_back(*id);
  }
  Term term = *node.term;
  term.type = build.typeOf(labels, element);
  return Labelled{graph.add(terms.of(term, match.flags), ids), labels};
}

/// A size as a scalar: a constant, or read when running.
std::optional<Labelled> Make::number(const DimExpr &size, Type element) {
  if (!isa<FloatType>(element))
    return {};
  auto scalar = RankedTensorType::get({}, element);
  if (std::optional<int64_t> value = size.constant())
    return Labelled{terms.splat(graph, FloatAttr::get(element, double(*value)), scalar), {}};
  Id dim = build.add(DimOp::getOperationName(),
                     {b.getNamedAttr("expression", b.getStringAttr(size.str()))},
                     RankedTensorType::get({}, b.getI64Type()), {});
  return Labelled{build.add(CastOp::getOperationName(), {}, scalar, dim), {}};
}

std::optional<Labelled> Make::product(const Labelled &a, const Labelled &b,
                                      ArrayRef<unsigned> labels) {
  std::optional<Id> x = build.viewed(a, labels), y = build.viewed(b, labels);
  if (!x || !y)
    return {};
  return Labelled{build.add(MulOp::getOperationName(), {}, build.typeOf(labels, element), {*x, *y}),
                  Labels(labels)};
}

/// The sum over indices on which the value does not depend.
std::optional<Labelled> Make::times(Labelled value, ArrayRef<unsigned> labels) {
  if (labels.empty())
    return value;
  DimExpr size = 1;
  for (unsigned label : labels)
    size = size * sizes[label];
  std::optional<Labelled> factor = number(size, element);
  if (!factor || !isFree())
    return {};
  return product(value, *factor, value.labels);
}

Labelled Make::sumOver(const Labelled &value, ArrayRef<unsigned> labels) {
  Labels kept;
  for (unsigned label : value.labels)
    if (!llvm::is_contained(labels, label))
      kept.push_back(label);
  Term sum{OperationName(ReduceOp::getOperationName(), terms.context),
           b.getDictionaryAttr(
               b.getNamedAttr("kind", ReduceKindAttr::get(terms.context, ReduceKind::sum))),
           {}};
  return build.reduce(sum, value, kept, element);
}

std::optional<Labelled> Make::contract(const Node &node, ArrayRef<Labelled> both, Labels labels) {
  SmallVector<Labelled, 2> operands(both);
  auto has = [](const Labelled &value, unsigned label) {
    return llvm::is_contained(value.labels, label);
  };
  Labels space = labels, missing;
  for (const Labelled &operand : both)
    for (unsigned label : operand.labels)
      if (!llvm::is_contained(space, label))
        space.push_back(label);
  if (node.bound != Node::none)
    for (unsigned label : match.going[node.bound])
      if (!has(both[0], label) && !has(both[1], label))
        missing.push_back(label);
  if (space.size() > labels.size() && node.bound == Node::none)
    return {};
  // A factor that does not depend on an index is taken out of the sum over it.
  ArrayRef<unsigned> summed = ArrayRef(space).drop_front(labels.size());
  bool isShared = summed.empty() && node.bound == Node::none;
  for (unsigned side = 0; side < 2; ++side) {
    Labels own;
    for (unsigned label : summed)
      if (!has(both[1 - side], label))
        own.push_back(label);
    isShared |= !summed.empty() && own.empty();
    if (!own.empty() && isFree())
      operands[side] = sumOver(operands[side], own);
  }
  if (!isShared && isFree()) {
    std::optional<Labelled> made = product(operands[0], operands[1], labels);
    return made ? times(*made, missing) : made;
  }
  if (!missing.empty() && !isFree())
    return {};
  return times(build.contract(operands, labels, element), missing);
}

std::optional<Labelled> Make::reduce(const Node &node, const Labelled &operand, Labels labels) {
  Labels missing;
  for (unsigned label : match.going[node.bound])
    if (!llvm::is_contained(operand.labels, label))
      missing.push_back(label);
  Labelled result = build.reduce(*node.term, operand, labels, element);
  const ReduceKind kind = node.term->attributes.getAs<ReduceKindAttr>("kind").getValue();
  if (kind == ReduceKind::sum || missing.empty())
    return times(result, missing);
  // The extreme of equal elements, if there are any.
  auto isThere = [&](unsigned label) { return sizes[label].lowerBound().value_or(0) > 0; };
  bool isExtreme = kind == ReduceKind::max || kind == ReduceKind::min;
  return isExtreme && llvm::all_of(missing, isThere) ? std::optional(result) : std::nullopt;
}

unsigned Make::labelOf(unsigned number, ArrayRef<unsigned> labels) const {
  unsigned only = Node::none;
  for (unsigned label : labels)
    if (declared[label] == number) {
      if (only != Node::none)
        return Node::none;
      only = label;
    }
  return only;
}

/// Operands one behind the other along a label that is new; what else they have, all have.
std::optional<Labelled> Make::concat(const Node &node, ArrayRef<Labelled> operands) {
  SmallVector<Labels> each;
  DimExpr size;
  for (auto [operand, end] : llvm::zip(operands, node.ends)) {
    unsigned axis = labelOf(end, operand.labels);
    if (axis == Node::none || operand.id == egraph::none)
      return {};
    size = size + sizes[axis];
    Labels labels = each.empty() ? operand.labels : each.front();
    llvm::replace(labels, each.empty() ? axis : labelOf(node.ends.front(), labels), axis);
    if (llvm::any_of(operand.labels, [&](unsigned l) { return !llvm::is_contained(labels, l); }))
      return {};
    each.push_back(std::move(labels));
  }
  const int64_t axis =
      llvm::find(each.front(), labelOf(node.ends.front(), each.front())) - each.front().begin();
  Labels labels = each.front();
  // Several tensors may be put side by side along one label.
  auto [joined, isNew] = joints.try_emplace(node.placed, unsigned(sizes.size()));
  if (isNew) {
    sizes.push_back(size);
    declared.push_back(node.placed);
  } else if (sizes[joined->second] != size) {
    return {};
  }
  labels[axis] = joined->second;
  SmallVector<Id, 3> ids;
  for (auto [operand, wanted] : llvm::zip(operands, each)) {
    std::optional<Id> id = build.viewed(operand, wanted);
    if (!id)
      return {};
    ids.push_back(*id);
  }
  Type element = terms.typeOf(graph, ids.front()).getElementType();
  return Labelled{build.add(ConcatOp::getOperationName(),
                            {b.getNamedAttr("axis", b.getI64IntegerAttr(axis))},
                            build.typeOf(labels, element), ids),
                  labels};
}

/// A part of what was put side by side.
std::optional<Labelled> Make::part(const Node &node, const Labelled &operand) {
  unsigned from = labelOf(node.bound, operand.labels), to = Node::none;
  for (const TensorMatch::Root &root : roots)
    if (unsigned label = labelOf(node.placed, root.labels); label != Node::none)
      to = label;
  std::optional<int64_t> offset = node.offset.evaluate([&](const std::string &name) {
    auto number = rule.sizes.find(name);
    if (number == rule.sizes.end() || number->second.labels.size() != 1)
      return std::optional<int64_t>();
    for (unsigned label = 0; label < match.leader.size(); ++label)
      if (match.find(label) == label && declared[label] == number->second.labels.front())
        return sizes[label].constant();
    return std::optional<int64_t>();
  });
  if (from == Node::none || to == Node::none || !offset)
    return {};
  Labels labels = operand.labels;
  llvm::replace(labels, from, to);
  SmallVector<AffineExpr> coordinates;
  for (auto [dim, label] : llvm::enumerate(labels))
    coordinates.push_back(b.getAffineDimExpr(dim) + (label == to ? *offset : 0));
  auto map = AffineMap::get(labels.size(), 0, coordinates, terms.context);
  Type element = terms.typeOf(graph, operand.id).getElementType();
  Id id = build.add(ViewOp::getOperationName(),
                    {b.getNamedAttr("boundary", BoundaryAttr::get(terms.context, Boundary::inside)),
                     b.getNamedAttr("map", AffineMapAttr::get(map))},
                    build.typeOf(labels, element), operand.id);
  return Labelled{id, labels};
}

std::optional<Labelled> Make::make(const Node &node, const TensorMatch::Root *root) {
  element = node.element ? node.element : any;
  if (node.kind == Node::Variable) {
    Labelled variable = match.variables[node.variable];
    for (unsigned &label : variable.labels)
      label = match.find(label);
    return plain(variable);
  }
  if (node.kind == Node::Number)
    return Labelled{};
  if (node.kind == Node::Size) {
    std::optional<DimExpr> size = sizeAt(rule, match, node.size);
    return size ? number(*size, element) : std::nullopt;
  }
  SmallVector<Labelled, 3> operands;
  for (unsigned operand : node.operands)
    operands.push_back(made[operand]);
  if (node.kind == Node::Concat)
    return concat(node, operands);
  if (node.kind == Node::Part && operands[0].id != egraph::none)
    return part(node, operands[0]);
  if (node.kind == Node::Contract)
    build.order(operands);
  Labels labels = neededBy(node, operands);
  // More would be a larger tensor than the program had.
  if (labels.size() > mostLabels)
    return {};
  if (root) // as the result has them
    llvm::sort(labels, [&](unsigned a, unsigned b) {
      return llvm::find(root->labels, a) < llvm::find(root->labels, b);
    });
  if (node.kind == Node::Elementwise)
    return elementwise(node, operands, labels);
  if (node.kind == Node::Contract && operands[0].id != egraph::none &&
      operands[1].id != egraph::none)
    return contract(node, operands, labels);
  if (node.kind == Node::Reduce && operands[0].id != egraph::none)
    return reduce(node, operands[0], labels);
  return {};
}

/// The term of a root.
std::optional<Id> Make::result(unsigned at, const TensorMatch::Root &root) {
  const Node &node = rule.right.nodes[at];
  if (node.kind == Node::Number) {
    RankedTensorType type = terms.typeOf(graph, root.id);
    if (!isa<FloatType>(type.getElementType()))
      return {};
    return terms.splat(graph, FloatAttr::get(type.getElementType(), node.number.f), type);
  }
  std::optional<Id> id = build.viewed(made[at], root.labels);
  // What the rule took apart another way may be needed exactly.
  if (id && node.kind == Node::Variable && match.flags != 0)
    return relax(graph, *id, context, /*always=*/true);
  return id;
}

SmallVector<Id, 1> Make::run() {
  any = match.element ? match.element : Float32Type::get(terms.context);
  for (const TensorMatch::Root &root : match.roots)
    mostLabels = std::max(mostLabels, root.labels.size());
  for (const Labelled &variable : match.variables)
    mostLabels = std::max(mostLabels, variable.labels.size());
  for (auto [at, node] : llvm::enumerate(rule.right.nodes)) {
    auto root = llvm::find(rule.right.roots, at);
    std::optional<Labelled> one = make(
        node, root == rule.right.roots.end() ? nullptr : &roots[root - rule.right.roots.begin()]);
    if (!one)
      return {};
    made.push_back(std::move(*one));
  }
  SmallVector<Id, 1> results;
  for (auto [at, root] : llvm::zip(rule.right.roots, roots)) {
    std::optional<Id> id = result(at, root);
    if (!id)
      return {};
    results.push_back(*id);
  }
  return results;
}

} // namespace

SmallVector<Id, 1> buildTensor(EGraph &graph, const TensorRule &rule, const TensorMatch &match,
                               RuleContext &context) {
  return Make(graph, rule, match, context).run();
}

} // namespace mad::rewrite
