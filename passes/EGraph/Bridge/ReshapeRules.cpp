//===- ReshapeRules.cpp - Rules of other shapes of the same elements ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layers of networks compute on a shape of their own, so that what could be one expression is cut
// by reshapes. All is exact: elements are named in another way.
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/Builders.h"
#include "passes/EGraph/Bridge/Rules.h"

using namespace mlir;
using namespace mad::egraph;

namespace mad::rewrite {
namespace {

/// Dimensions of two shapes of the same elements that go over into each other.
struct Part {
  SmallVector<unsigned, 2> from, to;
};

DimExpr productOf(RankedTensorType type, ArrayRef<unsigned> dims) {
  DimExpr product = 1;
  for (unsigned dim : dims)
    product = product * dimExpr(type, dim);
  return product;
}

/// The least parts, in order; empty when sizes leave that open.
std::optional<SmallVector<Part>> partsOf(RankedTensorType from, RankedTensorType to) {
  SmallVector<Part> parts;
  unsigned i = 0, j = 0;
  const unsigned n = from.getRank(), m = to.getRank();
  while (i < n || j < m) {
    Part part;
    // Dimensions of one element belong to the part before.
    auto takeOnes = [&](RankedTensorType type, unsigned &at, unsigned end,
                        SmallVectorImpl<unsigned> &dims) {
      while (at < end && dimExpr(type, at) == DimExpr(1))
        dims.push_back(at++);
    };
    if (i < n)
      part.from.push_back(i++);
    if (j < m)
      part.to.push_back(j++);
    for (;;) {
      DimExpr a = productOf(from, part.from), b = productOf(to, part.to);
      if (a == b)
        break;
      std::optional<int64_t> x = a.constant(), y = b.constant();
      // With a symbol on one side alone the other one is not complete.
      bool takeTo = x && y    ? *x > *y
                    : !x && y ? true
                              : !(x && !y) && a.symbols() != b.symbols() &&
                                    a.symbols().size() > b.symbols().size();
      if (!x && !y && a.symbols() == b.symbols())
        takeTo = j < m;
      if (takeTo && j < m)
        part.to.push_back(j++);
      else if (!takeTo && i < n)
        part.from.push_back(i++);
      else
        return {};
    }
    takeOnes(from, i, n, part.from);
    takeOnes(to, j, m, part.to);
    parts.push_back(std::move(part));
  }
  return parts;
}

class ReshapeRules {
public:
  ReshapeRules(EGraph &graph, RuleContext &context, llvm::function_ref<void(Id, Id)> unite)
      : graph(graph), context(context), terms(context.terms), unite(unite),
        reshape(terms.language.symbol(ReshapeOp::getOperationName())),
        view(terms.language.symbol(ViewOp::getOperationName())) {}

  void compose();
  void compute();

private:
  Id reshaped(Id id, RankedTensorType type) {
    if (sameShape(terms.typeOf(graph, id), type))
      return id;
    return graph.add(
        terms.of({OperationName(ReshapeOp::getOperationName(), terms.context), {}, type}, 0), id);
  }
  static RankedTensorType withElement(RankedTensorType shape, Type element) {
    return RankedTensorType::get(shape.getShape(), element, shape.getEncoding());
  }
  std::optional<Id> operandIn(RankedTensorType inner, RankedTensorType outer, ArrayRef<Part> parts,
                              Id operand);
  std::optional<Id> viewIn(RankedTensorType inner, ArrayRef<Part> parts, Id view);

  EGraph &graph;
  RuleContext &context;
  Terms &terms;
  llvm::function_ref<void(Id, Id)> unite;
  Symbol reshape, view;
};

/// reshape(reshape(a)) = reshape(a), and a where it has its own shape again, or never lost it but
/// for names of dimensions.
void ReshapeRules::compose() {
  for (Id id : graph.classesWith(reshape))
    for (Id node : graph.nodesOf(id, reshape)) {
      if (sameShape(terms.typeOf(graph, graph.operands(node)[0]), terms.typeOf(graph, id)))
        unite(node, graph.operands(node)[0]);
      for (Id inner : graph.nodesOf(graph.find(graph.operands(node)[0]), reshape))
        unite(node, reshaped(graph.operands(inner)[0], terms.typeOf(graph, id)));
    }
}

/// A tensor that repeats along what the parts keep, in the inner shape.
std::optional<Id> ReshapeRules::viewIn(RankedTensorType inner, ArrayRef<Part> parts, Id node) {
  Builder b(terms.context);
  auto map = terms.get(graph.op(node)).attributes.getAs<AffineMapAttr>("map").getValue();
  Id source = graph.operands(node)[0];
  RankedTensorType type = terms.typeOf(graph, source);
  SmallVector<AffineExpr> coordinates;
  SmallVector<DimExpr> sizes;
  for (auto [dim, result] : llvm::enumerate(map.getResults())) {
    auto at = dyn_cast<AffineDimExpr>(result);
    if (!at) {
      coordinates.push_back(result);
      sizes.push_back(dimExpr(type, dim));
      continue;
    }
    const Part *part = llvm::find_if(
        parts, [&](const Part &part) { return llvm::is_contained(part.to, at.getPosition()); });
    // The whole of what the part is outside: then it can be what it is inside.
    unsigned others = 0;
    for (unsigned to : part->to)
      others += to != at.getPosition() && dimExpr(terms.typeOf(graph, node), to) != DimExpr(1);
    if (others || dimExpr(type, dim) != productOf(inner, part->from))
      return {};
    for (unsigned from : part->from) {
      coordinates.push_back(b.getAffineDimExpr(from));
      sizes.push_back(dimExpr(inner, from));
    }
  }
  Id split = reshaped(source, tensorType(sizes, {}, type.getElementType()));
  auto attributes = b.getDictionaryAttr(
      {b.getNamedAttr("boundary", terms.get(graph.op(node)).attributes.get("boundary")),
       b.getNamedAttr("map", AffineMapAttr::get(
                                 AffineMap::get(inner.getRank(), 0, coordinates, terms.context)))});
  Term term{OperationName(ViewOp::getOperationName(), terms.context), attributes,
            withElement(inner, type.getElementType())};
  return graph.add(terms.of(term, 0), split);
}

/// What an operand is in the inner shape, if that can be seen.
std::optional<Id> ReshapeRules::operandIn(RankedTensorType inner, RankedTensorType outer,
                                          ArrayRef<Part> parts, Id operand) {
  Type element = terms.typeOf(graph, operand).getElementType();
  if (Attribute number = context.facts->constants.of(graph, operand))
    return terms.splat(graph, number, withElement(inner, element));
  for (Id node : graph.nodesOf(operand, reshape))
    if (sameShape(terms.typeOf(graph, graph.operands(node)[0]), inner))
      return graph.operands(node)[0];
  for (Id node : graph.nodesOf(operand, view)) {
    auto map = terms.get(graph.op(node)).attributes.getAs<AffineMapAttr>("map").getValue();
    bool plain = graph.operands(node).size() == 1 &&
                 llvm::all_of(map.getResults(), llvm::IsaPred<AffineDimExpr, AffineConstantExpr>);
    if (plain)
      if (std::optional<Id> id = viewIn(inner, parts, node))
        return id;
  }
  return {};
}

/// f(reshape(a), b) = reshape(f(a, b')).
void ReshapeRules::compute() {
  for (Id id : graph.classes())
    for (Id node : graph.nodesOf(id)) {
      OpId op = graph.op(node);
      if (terms.isLeaf(op) || terms.isRelaxed(op) || graph.operands(node).empty() ||
          !terms.get(op).name.hasInterface<ElementwiseOpInterface>())
        continue;
      SmallVector<Id, 3> operands;
      for (Id operand : graph.operands(node))
        operands.push_back(graph.find(operand));
      for (unsigned which = 0; which < operands.size(); ++which)
        for (Id other : graph.nodesOf(operands[which], reshape)) {
          RankedTensorType inner = terms.typeOf(graph, graph.operands(other)[0]);
          RankedTensorType outer = terms.typeOf(graph, id);
          std::optional<SmallVector<Part>> parts = partsOf(inner, outer);
          if (!parts)
            continue;
          SmallVector<Id, 3> inside;
          for (Id operand : operands)
            if (std::optional<Id> made = operandIn(inner, outer, *parts, operand))
              inside.push_back(*made);
          if (inside.size() != operands.size())
            continue;
          Term term = terms.get(op);
          term.type = withElement(inner, term.type.getElementType());
          Id made = graph.add(terms.of(term, terms.language.get(op).flags), inside);
          unite(node, reshaped(made, outer));
        }
    }
}

} // namespace

void addReshapeRules(RuleContext &context, std::vector<Rule> &rules) {
  rules.push_back(sweep("one reshape for several",
                        [&context](EGraph &graph, llvm::function_ref<void(Id, Id)> unite) {
                          ReshapeRules(graph, context, unite).compose();
                        }));
  rules.push_back(sweep("computed before it is reshaped",
                        [&context](EGraph &graph, llvm::function_ref<void(Id, Id)> unite) {
                          ReshapeRules(graph, context, unite).compute();
                        }));
}

} // namespace mad::rewrite
