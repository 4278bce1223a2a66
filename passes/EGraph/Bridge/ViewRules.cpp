//===- ViewRules.cpp - Rules of views, which no rule of the language needs -===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Both are exact: they only say where elements are read.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadRewrite.h"
#include "mlir/IR/Builders.h"
#include "passes/EGraph/Bridge/Rules.h"

using namespace mlir;
using namespace mad::egraph;

namespace mad::rewrite {
namespace {

class ViewRules {
public:
  ViewRules(EGraph &graph, RuleContext &context, llvm::function_ref<void(Id, Id)> unite)
      : graph(graph), context(context), terms(context.terms), unite(unite),
        viewSymbol(terms.language.symbol(ViewOp::getOperationName())) {}

  void compute();
  void contract();

private:
  /// Views that only permute and repeat, of a class; `ones`: also the one element of a dimension.
  SmallVector<Id, 2> viewsOf(Id id, bool ones = false) const;
  void computeBefore(Id id, Id node);

  EGraph &graph;
  RuleContext &context;
  Terms &terms;
  llvm::function_ref<void(Id, Id)> unite;
  Symbol viewSymbol;
};

SmallVector<Id, 2> ViewRules::viewsOf(Id id, bool ones) const {
  SmallVector<Id, 2> views;
  for (Id node : graph.nodesOf(id, viewSymbol)) {
    const Term &term = terms.get(graph.op(node));
    auto map = term.attributes.getAs<AffineMapAttr>("map").getValue();
    if (graph.operands(node).size() != 1 ||
        term.attributes.getAs<BoundaryAttr>("boundary").getValue() == Boundary::zero)
      continue;
    RankedTensorType source = terms.typeOf(graph, graph.operands(node)[0]);
    // Of a part, or beyond the end, it says more than where elements are.
    bool isWhole = true;
    for (auto [dim, result] : llvm::enumerate(map.getResults())) {
      auto at = dyn_cast<AffineDimExpr>(result);
      auto constant = dyn_cast<AffineConstantExpr>(result);
      bool isOne = ones && constant && constant.getValue() == 0 && source.getDimSize(dim) == 1;
      isWhole =
          isWhole && (at ? dimExpr(source, dim) == dimExpr(term.type, at.getPosition()) : isOne);
    }
    if (isWhole)
      views.push_back(node);
  }
  return views;
}

/// f(view(a), view(b)) = view(f(a, b)) for the same view, which repeats elements: f is then
/// computed fewer times. Numbers have any shape.
void ViewRules::computeBefore(Id id, Id node) {
  SmallVector<Id, 3> operands(graph.operands(node));
  auto isNumber = [&](Id operand) { return bool(context.facts->constants.of(graph, operand)); };
  auto first = llvm::find_if_not(operands, isNumber);
  if (first == operands.end())
    return;
  for (Id view : viewsOf(*first, /*ones=*/true)) {
    const OpId how = graph.op(view);
    RankedTensorType type = terms.typeOf(graph, graph.operands(view)[0]);
    if (nominalElements(type) >= nominalElements(terms.typeOf(graph, id)))
      continue;
    SmallVector<Id, 3> sources;
    for (Id operand : operands) {
      if (isNumber(operand)) {
        auto number = RankedTensorType::get(
            type.getShape(), terms.typeOf(graph, operand).getElementType(), type.getEncoding());
        sources.push_back(terms.splat(graph, context.facts->constants.of(graph, operand), number));
        continue;
      }
      for (Id other : viewsOf(operand, /*ones=*/true)) {
        const Term &a = terms.get(graph.op(other)), &b = terms.get(how);
        RankedTensorType from = terms.typeOf(graph, graph.operands(other)[0]);
        if (a.attributes == b.attributes && sameShape(from, type)) {
          sources.push_back(graph.operands(other)[0]);
          break;
        }
      }
    }
    if (sources.size() != operands.size())
      continue;
    Term term = terms.get(graph.op(node));
    Type element = term.type.getElementType();
    term.type = RankedTensorType::get(type.getShape(), element, type.getEncoding());
    Id inner = graph.add(terms.of(term, terms.language.get(graph.op(node)).flags), sources);
    Term outer = terms.get(how);
    outer.type = terms.typeOf(graph, id);
    unite(node, graph.add(terms.of(outer, 0), inner));
    return;
  }
}

void ViewRules::compute() {
  for (Id id : graph.classes())
    for (Id node : graph.nodesOf(id)) {
      OpId op = graph.op(node);
      if (terms.isLeaf(op) || terms.isRelaxed(op) || graph.operands(node).empty() ||
          !terms.get(op).name.hasInterface<ElementwiseOpInterface>())
        continue;
      computeBefore(graph.find(id), node);
    }
}

/// contract(view(a), b) = contract(a, b) by other maps: products read in any order.
void ViewRules::contract() {
  Symbol symbol = terms.language.symbol(ContractOp::getOperationName());
  for (Id id : graph.classesWith(symbol))
    for (Id node : graph.nodesOf(id, symbol)) {
      const Term term = terms.get(graph.op(node));
      static constexpr StringLiteral names[] = {"lhsMap", "rhsMap"};
      for (unsigned side = 0; side < 2; ++side)
        for (Id view : viewsOf(graph.find(graph.operands(node)[side]))) {
          auto map = term.attributes.getAs<AffineMapAttr>(names[side]).getValue();
          auto other = term.attributes.getAs<AffineMapAttr>(names[1 - side]).getValue();
          auto inner = terms.get(graph.op(view)).attributes.getAs<AffineMapAttr>("map").getValue();
          AffineMap composed = inner.compose(map);
          Id source = graph.operands(view)[0];
          // Every index must still be one of a factor, and whole.
          auto isOf = [](AffineMap map, AffineExpr dim) {
            return llvm::is_contained(map.getResults(), dim);
          };
          bool good = true;
          for (unsigned dim = 0; dim < map.getNumDims(); ++dim) {
            AffineExpr at = getAffineDimExpr(dim, terms.context);
            good &= isOf(composed, at) || isOf(other, at);
          }
          RankedTensorType from = terms.typeOf(graph, source), seen = terms.typeOf(graph, view);
          llvm::SmallDenseSet<AffineExpr> once;
          for (auto [dim, result] : llvm::enumerate(inner.getResults()))
            good &= once.insert(result).second &&
                    dimExpr(from, dim) == dimExpr(seen, cast<AffineDimExpr>(result).getPosition());
          if (!good)
            continue;
          NamedAttrList attributes(term.attributes);
          attributes.set(names[side], AffineMapAttr::get(composed));
          Term made{term.name, attributes.getDictionary(terms.context), term.type};
          SmallVector<Id, 2> operands(graph.operands(node));
          operands[side] = source;
          unite(node,
                graph.add(terms.of(made, terms.language.get(graph.op(node)).flags), operands));
        }
    }
}

} // namespace

void addViewRules(RuleContext &context, std::vector<Rule> &rules) {
  rules.push_back(sweep("computed before it is repeated",
                        [&context](EGraph &graph, llvm::function_ref<void(Id, Id)> unite) {
                          ViewRules(graph, context, unite).compute();
                        }));
  rules.push_back(sweep("products read in any order",
                        [&context](EGraph &graph, llvm::function_ref<void(Id, Id)> unite) {
                          ViewRules(graph, context, unite).contract();
                        }));
}

} // namespace mad::rewrite
