//===- LabelBuilder.cpp - Makes ops by the labels of their dimensions -----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Bridge/LabelBuilder.h"

using namespace mlir;
using namespace mad::egraph;

namespace mad::rewrite {

std::optional<Labelled> sourceOf(const EGraph &graph, Id view, ArrayRef<unsigned> labels,
                                 const Terms &terms, ArrayRef<DimExpr> sizes,
                                 llvm::function_ref<unsigned(DimExpr)> fresh) {
  const Term &term = terms.get(graph.op(view));
  auto map = term.attributes.getAs<AffineMapAttr>("map").getValue();
  if (graph.operands(view).size() != 1)
    return {};
  // Outside there would be zeros; any other index of one element is the first.
  const bool isPadded =
      term.attributes.getAs<BoundaryAttr>("boundary").getValue() == Boundary::zero;
  auto isZero = [](AffineExpr coordinate) {
    auto constant = dyn_cast<AffineConstantExpr>(coordinate);
    return constant && constant.getValue() == 0;
  };
  Labelled source{graph.find(graph.operands(view)[0]), {}};
  RankedTensorType type = terms.typeOf(graph, source.id);
  unsigned ones = 0;
  for (auto [dim, coordinate] : llvm::enumerate(map.getResults())) {
    DimExpr size = dimExpr(type, dim);
    if (auto at = dyn_cast<AffineDimExpr>(coordinate)) {
      // Of a part of the index, or a part of the source, no label tells.
      if (sizes[labels[at.getPosition()]] != size)
        return {};
      source.labels.push_back(labels[at.getPosition()]);
    } else if (size == DimExpr(1) && (!isPadded || isZero(coordinate))) {
      source.labels.push_back(~0u);
      ++ones;
    } else {
      return {};
    }
  }
  // Labels are made when it is sure that they are needed: `sizes` may move then.
  for (unsigned &label : source.labels)
    if (ones && label == ~0u)
      label = fresh(DimExpr(1));
  return source;
}

RankedTensorType LabelBuilder::typeOf(ArrayRef<unsigned> labels, Type element) const {
  SmallVector<DimExpr> extents;
  for (unsigned label : labels)
    extents.push_back(sizes[label]);
  return tensorType(extents, {}, element);
}

Id LabelBuilder::add(StringRef name, ArrayRef<NamedAttribute> attributes, RankedTensorType type,
                     ArrayRef<Id> operands) {
  Term term{OperationName(name, terms.context), {}, type};
  if (!attributes.empty())
    term.attributes = b.getDictionaryAttr(attributes);
  return graph.add(terms.of(term, flags), operands);
}

int LabelBuilder::sideOf(const Labelled &factor) const {
  if (result.empty())
    return 0;
  bool first = llvm::is_contained(factor.labels, result.front());
  bool last = llvm::is_contained(factor.labels, result.back());
  return first == last ? 1 : first ? 0 : 2;
}

void LabelBuilder::order(MutableArrayRef<Labelled> factors) const {
  llvm::sort(factors, [&](const Labelled &a, const Labelled &b) {
    return std::pair(sideOf(a), graph.find(a.id)) < std::pair(sideOf(b), graph.find(b.id));
  });
}

std::optional<Id> LabelBuilder::viewed(const Labelled &from, ArrayRef<unsigned> labels) {
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

std::optional<Labelled> LabelBuilder::plain(const Labelled &from) {
  Labelled made{from.id, {}};
  for (unsigned label : from.labels)
    if (!isOne(label) && !llvm::is_contained(made.labels, label))
      made.labels.push_back(label);
  std::optional<Id> id = viewed(from, made.labels);
  if (!id)
    return {};
  made.id = *id;
  return made;
}

Labelled LabelBuilder::contract(ArrayRef<Labelled> factors, Labels labels, Type element) {
  Labels space = labels;
  for (const Labelled &factor : factors)
    for (unsigned label : factor.labels)
      if (!llvm::is_contained(space, label))
        space.push_back(label);
  SmallVector<AffineMap, 2> maps;
  for (const Labelled &factor : factors) {
    SmallVector<AffineExpr> coordinates;
    for (unsigned label : factor.labels)
      coordinates.push_back(b.getAffineDimExpr(llvm::find(space, label) - space.begin()));
    maps.push_back(AffineMap::get(space.size(), 0, coordinates, terms.context));
  }
  Id id = add(ContractOp::getOperationName(),
              {b.getNamedAttr("lhsMap", AffineMapAttr::get(maps[0])),
               b.getNamedAttr("rhsMap", AffineMapAttr::get(maps[1]))},
              typeOf(labels, element), {factors[0].id, factors[1].id});
  return Labelled{id, labels};
}

Labelled LabelBuilder::reduce(Term like, const Labelled &from, ArrayRef<unsigned> labels,
                              Type element) {
  SmallVector<int64_t> dims;
  Labels kept;
  for (auto [dim, label] : llvm::enumerate(from.labels)) {
    if (llvm::is_contained(labels, label))
      kept.push_back(label);
    else
      dims.push_back(dim);
  }
  if (dims.empty())
    return from;
  NamedAttrList attributes(like.attributes);
  attributes.set("dims", b.getDenseI64ArrayAttr(dims));
  like.attributes = attributes.getDictionary(terms.context);
  like.type = typeOf(kept, element);
  return Labelled{graph.add(terms.of(like, flags), from.id), kept};
}

} // namespace mad::rewrite
