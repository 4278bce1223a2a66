//===- TensorBuilder.cpp - Makes terms by the labels of their dimensions --===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/Builders.h"
#include "passes/EGraph/Bridge/TensorRules.h"

using namespace mlir;
using namespace mad::egraph;

namespace mad::rewrite {
namespace {

using Node = TensorPattern::Node;
using Labels = SmallVector<unsigned, 4>;

class Make {
public:
  Make(EGraph &graph, const TensorRule &rule, const TensorMatch &match, RuleContext &context)
      : graph(graph), rule(rule), match(match), context(context), terms(context.terms),
        b(terms.context) {}

  std::optional<Id> run();

private:
  RankedTensorType typeOf(ArrayRef<unsigned> labels, Type element) const {
    SmallVector<DimExpr> sizes;
    for (unsigned label : labels)
      sizes.push_back(match.sizes[label]);
    return tensorType(sizes, {}, element);
  }
  bool isOne(unsigned label) const { return match.sizes[label] == DimExpr(1); }
  /// Labels in the order of the first tensor that has them.
  Labels neededBy(const Node &node, ArrayRef<Labelled> operands) const;
  int sideOf(const Labelled &factor) const;
  std::optional<Id> viewed(const Labelled &from, ArrayRef<unsigned> labels);
  std::optional<Labelled> plain(const Labelled &from);
  Id add(StringRef name, ArrayRef<NamedAttribute> attributes, RankedTensorType type,
         ArrayRef<Id> operands);
  std::optional<Labelled> make(const Node &node, bool isRoot);
  std::optional<Labelled> elementwise(const Node &node, ArrayRef<Labelled> operands, Labels labels);
  std::optional<Labelled> contract(const Node &node, ArrayRef<Labelled> operands, Labels labels);
  std::optional<Labelled> reduce(const Node &node, const Labelled &operand, Labels labels);

  EGraph &graph;
  const TensorRule &rule;
  const TensorMatch &match;
  RuleContext &context;
  Terms &terms;
  Builder b;
  Type any;
  size_t mostLabels = 0;
  std::vector<Labelled> made;
};

Labels Make::neededBy(const Node &node, ArrayRef<Labelled> operands) const {
  Labels labels;
  for (const Labelled &operand : operands)
    for (unsigned label : operand.labels) {
      if (isOne(label) || llvm::is_contained(labels, label))
        continue;
      if (label < match.rootLabels.size() || node.labels.test(match.declared[label]))
        labels.push_back(label);
    }
  return labels;
}

Id Make::add(StringRef name, ArrayRef<NamedAttribute> attributes, RankedTensorType type,
             ArrayRef<Id> operands) {
  Term term{OperationName(name, terms.context), {}, type};
  if (!attributes.empty())
    term.attributes = b.getDictionaryAttr(attributes);
  return graph.add(terms.of(term, match.flags), operands);
}

/// Where a factor stands: rows of the result before columns, so that one product is one node
/// however the rule has found it.
int Make::sideOf(const Labelled &factor) const {
  if (match.rootLabels.empty())
    return 0;
  bool first = llvm::is_contained(factor.labels, match.rootLabels.front());
  bool last = llvm::is_contained(factor.labels, match.rootLabels.back());
  return first == last ? 1 : first ? 0 : 2;
}

/// The tensor with its dimensions in another order, and others that it does not depend on.
std::optional<Id> Make::viewed(const Labelled &from, ArrayRef<unsigned> labels) {
  if (ArrayRef(from.labels) == labels)
    return from.id;
  SmallVector<AffineExpr> coordinates;
  for (unsigned label : from.labels) {
    auto at = llvm::find(labels, label);
    if (at != labels.end())
      coordinates.push_back(b.getAffineDimExpr(at - labels.begin()));
    else if (isOne(label))
      coordinates.push_back(b.getAffineConstantExpr(0));
    else
      return {};
  }
  auto map = AffineMap::get(labels.size(), 0, coordinates, terms.context);
  Type element = terms.typeOf(graph, from.id).getElementType();
  return add(ViewOp::getOperationName(),
             {b.getNamedAttr("boundary", BoundaryAttr::get(terms.context, Boundary::inside)),
              b.getNamedAttr("map", AffineMapAttr::get(map))},
             typeOf(labels, element), from.id);
}

/// Without dimensions of one element, and none if an index stands twice.
std::optional<Labelled> Make::plain(const Labelled &from) {
  Labelled result{from.id, {}};
  for (unsigned label : from.labels) {
    if (llvm::is_contained(result.labels, label))
      return {};
    if (!isOne(label))
      result.labels.push_back(label);
  }
  std::optional<Id> id = viewed(from, result.labels);
  if (!id)
    return {};
  result.id = *id;
  return result;
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
      ids.push_back(
          terms.splat(graph, FloatAttr::get(element, below.number.f), typeOf(labels, element)));
      continue;
    }
    std::optional<Id> id = viewed(operand, labels);
    if (!id)
      return {};
    ids.push_back(*id);
  }
  Term term = *node.term;
  term.type = typeOf(labels, node.element ? node.element : any);
  return Labelled{graph.add(terms.of(term, match.flags), ids), labels};
}

std::optional<Labelled> Make::contract(const Node &node, ArrayRef<Labelled> operands,
                                       Labels labels) {
  Labels space = labels;
  for (const Labelled &operand : operands)
    for (unsigned label : operand.labels)
      if (!llvm::is_contained(space, label))
        space.push_back(label);
  if (space.size() > labels.size() && node.bound == Node::none)
    return {};
  SmallVector<AffineMap, 2> maps;
  for (const Labelled &operand : operands) {
    SmallVector<AffineExpr> coordinates;
    for (unsigned label : operand.labels)
      coordinates.push_back(b.getAffineDimExpr(llvm::find(space, label) - space.begin()));
    maps.push_back(AffineMap::get(space.size(), 0, coordinates, terms.context));
  }
  Id id = add(ContractOp::getOperationName(),
              {b.getNamedAttr("lhsMap", AffineMapAttr::get(maps[0])),
               b.getNamedAttr("rhsMap", AffineMapAttr::get(maps[1]))},
              typeOf(labels, any), {operands[0].id, operands[1].id});
  return Labelled{id, labels};
}

std::optional<Labelled> Make::reduce(const Node &node, const Labelled &operand, Labels labels) {
  SmallVector<int64_t> dims;
  Labels kept;
  for (auto [dim, label] : llvm::enumerate(operand.labels)) {
    if (llvm::is_contained(labels, label))
      kept.push_back(label);
    else
      dims.push_back(dim);
  }
  if (dims.empty())
    return operand;
  Term term = *node.term;
  NamedAttrList attributes(term.attributes);
  attributes.set("dims", b.getDenseI64ArrayAttr(dims));
  term.attributes = attributes.getDictionary(terms.context);
  term.type = typeOf(kept, node.element ? node.element : any);
  return Labelled{graph.add(terms.of(term, match.flags), operand.id), kept};
}

std::optional<Labelled> Make::make(const Node &node, bool isRoot) {
  if (node.kind == Node::Variable) {
    Labelled variable = match.variables[node.variable];
    for (unsigned &label : variable.labels)
      label = match.find(label);
    return plain(variable);
  }
  if (node.kind == Node::Number)
    return Labelled{};
  SmallVector<Labelled, 3> operands;
  for (unsigned operand : node.operands)
    operands.push_back(made[operand]);
  if (node.kind == Node::Contract)
    llvm::sort(operands, [&](const Labelled &a, const Labelled &b) {
      return std::pair(sideOf(a), graph.find(a.id)) < std::pair(sideOf(b), graph.find(b.id));
    });
  Labels labels = neededBy(node, operands);
  // More would be a larger tensor than the program had.
  if (labels.size() > mostLabels)
    return {};
  if (isRoot)
    llvm::sort(labels); // as the result has them
  if (node.kind == Node::Elementwise)
    return elementwise(node, operands, labels);
  if (node.kind == Node::Contract && operands[0].id != egraph::none &&
      operands[1].id != egraph::none)
    return contract(node, operands, labels);
  if (node.kind == Node::Reduce && operands[0].id != egraph::none)
    return reduce(node, operands[0], labels);
  return {};
}

std::optional<Id> Make::run() {
  mostLabels = match.rootLabels.size();
  any = Float32Type::get(terms.context);
  for (const Labelled &variable : match.variables) {
    mostLabels = std::max(mostLabels, variable.labels.size());
    if (variable.id != egraph::none)
      if (Type element = terms.typeOf(graph, variable.id).getElementType(); isa<FloatType>(element))
        any = element;
  }
  for (const Node &node : rule.right.nodes) {
    std::optional<Labelled> one = make(node, &node == &rule.right.root());
    if (!one)
      return {};
    made.push_back(std::move(*one));
  }
  const Node &root = rule.right.root();
  if (root.kind == Node::Number && root.element && !isa<FloatType>(root.element))
    return {};
  if (root.kind == Node::Number)
    return terms.splat(graph, FloatAttr::get(any, root.number.f), terms.typeOf(graph, match.root));
  std::optional<Id> id = viewed(made.back(), match.rootLabels);
  // What the rule took apart another way may be needed exactly.
  if (id && root.kind == Node::Variable && match.flags != 0)
    return relax(graph, *id, context, /*always=*/true);
  return id;
}

} // namespace

std::optional<Id> buildTensor(EGraph &graph, const TensorRule &rule, const TensorMatch &match,
                              RuleContext &context) {
  return Make(graph, rule, match, context).run();
}

} // namespace mad::rewrite
