//===- SiblingRules.cpp - Products with weights as one product ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// x @ a and x @ b are parts of x @ [a | b], and x @ a + y @ b is [x | y] @ [a; b]: one pass over
// memory instead of several, where a and b are known when compiling (Jia et al., "TASO", SOSP
// 2019; Yang et al., "Equality saturation for tensor graph superoptimization", MLSys 2021).
// A rule of the language would have to be written for each number of products.
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/Builders.h"
#include "passes/EGraph/Bridge/Rules.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace mad::egraph;

namespace mad::rewrite {
namespace {

/// Rows of a product up to which one launch fewer is worth more than what is fused with it.
constexpr int64_t mostRows = 16;

/// A contraction with one factor that weights decide.
struct Product {
  Id id = none, node = none; ///< its class, and what it is there
  OpId op = none;
  Id factor = none, weight = none;
  AffineMap factorMap, weightMap;
  bool weightIsLeft = false;
  unsigned rank = 0; ///< of the result
};

class Siblings {
public:
  Siblings(EGraph &graph, RuleContext &context, llvm::function_ref<void(Id, Id)> unite)
      : graph(graph), context(context), terms(context.terms), unite(unite),
        contract(terms.language.symbol(ContractOp::getOperationName())) {}

  void mergeParts();
  void mergeSums();

private:
  std::vector<Product> productsOf(Id id) const;
  std::optional<unsigned> onlySummed(const Product &product) const;
  std::optional<unsigned> onlyFree(const Product &product) const;
  Id concat(ArrayRef<Id> parts, unsigned axis, DimExpr size);
  Id product(const Product &like, Id factor, Id weight, RankedTensorType type);
  void merge(ArrayRef<Product> parts, unsigned free);

  EGraph &graph;
  RuleContext &context;
  Terms &terms;
  llvm::function_ref<void(Id, Id)> unite;
  Symbol contract;
};

std::vector<Product> Siblings::productsOf(Id id) const {
  std::vector<Product> products;
  for (Id node : graph.nodesOf(id, contract)) {
    Product product;
    product.id = id;
    product.node = node;
    product.op = graph.op(node);
    const Term &term = terms.get(product.op);
    Id sides[] = {graph.find(graph.operands(node)[0]), graph.find(graph.operands(node)[1])};
    AffineMap maps[] = {term.attributes.getAs<AffineMapAttr>("lhsMap").getValue(),
                        term.attributes.getAs<AffineMapAttr>("rhsMap").getValue()};
    bool known[] = {context.facts->known.of(graph, sides[0]) != 0,
                    context.facts->known.of(graph, sides[1]) != 0};
    if (known[0] == known[1])
      continue;
    product.weightIsLeft = known[0];
    product.weight = sides[known[1]], product.factor = sides[known[0]];
    product.weightMap = maps[known[1]], product.factorMap = maps[known[0]];
    product.rank = unsigned(term.type.getRank());
    if (terms.typeOf(graph, product.weight).hasStaticShape())
      products.push_back(product);
  }
  return products;
}

std::optional<unsigned> placeOf(AffineMap map, unsigned dim) {
  for (auto [place, result] : llvm::enumerate(map.getResults()))
    if (cast<AffineDimExpr>(result).getPosition() == dim)
      return unsigned(place);
  return {};
}

/// The one dimension that is summed.
std::optional<unsigned> Siblings::onlySummed(const Product &product) const {
  unsigned dims = product.factorMap.getNumDims();
  if (dims != product.rank + 1 || !placeOf(product.factorMap, dims - 1) ||
      !placeOf(product.weightMap, dims - 1))
    return {};
  return dims - 1;
}

/// The one dimension of the result that only the weight has.
std::optional<unsigned> Siblings::onlyFree(const Product &product) const {
  std::optional<unsigned> free;
  for (unsigned dim = 0; dim < product.rank; ++dim) {
    if (placeOf(product.factorMap, dim))
      continue;
    if (free)
      return {};
    free = dim;
  }
  return free;
}

/// A shape with another size in one place.
RankedTensorType resized(RankedTensorType type, unsigned axis, const DimExpr &size) {
  SmallVector<DimExpr> sizes;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    sizes.push_back(dim == axis ? size : dimExpr(type, dim));
  return tensorType(sizes, {}, type.getElementType());
}

Id Siblings::concat(ArrayRef<Id> parts, unsigned axis, DimExpr size) {
  Builder b(terms.context);
  auto type = resized(terms.typeOf(graph, parts.front()), axis, size);
  Term term{OperationName(ConcatOp::getOperationName(), terms.context),
            b.getDictionaryAttr(b.getNamedAttr("axis", b.getI64IntegerAttr(axis))), type};
  return graph.add(terms.of(term, 0), parts);
}

Id Siblings::product(const Product &like, Id factor, Id weight, RankedTensorType type) {
  Term term = terms.get(like.op);
  term.type = type;
  Id operands[] = {like.weightIsLeft ? weight : factor, like.weightIsLeft ? factor : weight};
  return graph.add(terms.of(term, terms.language.get(like.op).flags), operands);
}

/// One product, and each of the parts as what it reads of it.
void Siblings::merge(ArrayRef<Product> parts, unsigned free) {
  Builder b(terms.context);
  const Product &first = parts.front();
  unsigned axis = *placeOf(first.weightMap, free);
  SmallVector<Id> weights;
  DimExpr size;
  for (const Product &part : parts) {
    weights.push_back(part.weight);
    size = size + dimExpr(terms.typeOf(graph, part.weight), axis);
  }
  RankedTensorType type = resized(terms.get(first.op).type, free, size);
  Id joined = concat(weights, axis, size);
  context.joined.insert(graph.find(joined));
  Id whole = product(first, first.factor, joined, type);
  int64_t offset = 0;
  auto &group = context.groups.emplace_back();
  for (const Product &part : parts) {
    SmallVector<AffineExpr> coordinates;
    for (unsigned dim = 0; dim < part.rank; ++dim)
      coordinates.push_back(getAffineDimExpr(dim, terms.context) + (dim == free ? offset : 0));
    offset += terms.typeOf(graph, part.weight).getDimSize(axis);
    Term view{OperationName(ViewOp::getOperationName(), terms.context),
              b.getDictionaryAttr(
                  {b.getNamedAttr("boundary", BoundaryAttr::get(terms.context, Boundary::inside)),
                   b.getNamedAttr("map", AffineMapAttr::get(AffineMap::get(
                                             part.rank, 0, coordinates, terms.context)))}),
              terms.get(part.op).type};
    Id seen = graph.add(terms.of(view, 0), whole);
    group.push_back({part.id, seen});
    unite(part.node, seen);
  }
}

void Siblings::mergeParts() {
  // By factor and maps, in the order of the program.
  using Key = std::tuple<Id, const void *, const void *, uint32_t, unsigned>;
  llvm::MapVector<Key, std::vector<Product>> groups;
  for (Id id : graph.classesWith(contract))
    for (const Product &product : productsOf(id)) {
      std::optional<unsigned> free = onlyFree(product);
      // What was joined is no part of another one.
      if (!free || context.joined.contains(product.weight))
        continue;
      double rows = 1;
      RankedTensorType type = terms.get(product.op).type;
      for (unsigned dim = 0; dim < product.rank; ++dim)
        if (dim != *free)
          rows *= type.isDynamicDim(dim) ? mostRows + 1 : double(type.getDimSize(dim));
      if (rows > mostRows)
        continue;
      auto &group = groups[{product.factor, product.factorMap.getAsOpaquePointer(),
                            product.weightMap.getAsOpaquePointer(),
                            terms.language.get(product.op).flags, unsigned(product.weightIsLeft)}];
      // Of a class that is a product in several ways one counts.
      if (group.empty() || group.back().id != id)
        group.push_back(product);
    }
  for (auto &[key, group] : groups)
    if (group.size() > 1)
      merge(group, *onlyFree(group.front()));
}

/// x @ a + y @ b of equal maps, which must be allowed to sum in another order.
void Siblings::mergeSums() {
  Symbol add = terms.language.symbol(AddOp::getOperationName());
  for (Id id : graph.classesWith(add))
    for (Id node : graph.nodesOf(id, add)) {
      constexpr uint32_t needed = Reassoc | Nsz;
      if ((terms.language.get(graph.op(node)).flags & needed) != needed)
        continue;
      for (const Product &x : productsOf(graph.find(graph.operands(node)[0])))
        for (const Product &y : productsOf(graph.find(graph.operands(node)[1]))) {
          std::optional<unsigned> summed = onlySummed(x);
          if (!summed || x.factorMap != y.factorMap || x.weightMap != y.weightMap ||
              x.weightIsLeft != y.weightIsLeft || !(terms.language.get(x.op).flags & Reassoc) ||
              terms.language.get(x.op).flags != terms.language.get(y.op).flags)
            continue;
          unsigned atFactor = *placeOf(x.factorMap, *summed),
                   atWeight = *placeOf(x.weightMap, *summed);
          DimExpr size = dimExpr(terms.typeOf(graph, x.weight), atWeight) +
                         dimExpr(terms.typeOf(graph, y.weight), atWeight);
          unite(node, product(x, concat({x.factor, y.factor}, atFactor, size),
                              concat({x.weight, y.weight}, atWeight, size), terms.get(x.op).type));
        }
    }
}

} // namespace

void addSiblingRules(RuleContext &context, std::vector<Rule> &rules) {
  rules.push_back(sweep("a sum of products is one product",
                        [&context](EGraph &graph, llvm::function_ref<void(Id, Id)> unite) {
                          Siblings(graph, context, unite).mergeSums();
                        }));
  rules.push_back(sweep("products of one factor are one product",
                        [&context](EGraph &graph, llvm::function_ref<void(Id, Id)> unite) {
                          Siblings(graph, context, unite).mergeParts();
                        }));
}

} // namespace mad::rewrite
