//===- ContractionTrees.cpp - Products of several tensors ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tree of products and sums, with views between them that permute, repeat and take diagonals, is
// one sum of a product of several tensors, each with labels of its dimensions. It is made anew in
// the cheapest order (passes/EGraph/ContractionOrder.h) and united with what was written.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadRewrite.h"
#include "passes/EGraph/Bridge/LabelBuilder.h"
#include "passes/EGraph/Bridge/Rules.h"
#include "passes/EGraph/ContractionOrder.h"
#include <bit>

using namespace mlir;
using namespace mad::egraph;

namespace mad::rewrite {
namespace {

/// Products that are looked at for a block: 0.1 us each.
constexpr size_t mostWork = 200000;
/// A tree must cost so much less that it is worth the nodes.
constexpr double leastGain = 1e-3;
/// Factors up to which values with other users are taken apart, too.
constexpr size_t mostWithShared = 8;

/// A sum of a product of tensors.
struct Tree {
  Id node = none; ///< the one that was written
  RankedTensorType type;
  SmallVector<DimExpr, 8> sizes; ///< of labels; those of the result come first
  std::vector<Labelled> factors;
  uint32_t flags = AllPermissions; ///< what all of its ops permit
  double cost = 0;                 ///< of its ops
  bool isTensor = false;           ///< not all ops are elementwise products
  bool hasShared = false;          ///< a factor is a product that others use, too

  unsigned fresh(DimExpr size) {
    sizes.push_back(std::move(size));
    return unsigned(sizes.size()) - 1;
  }
  bool isOne(unsigned label) const { return sizes[label] == DimExpr(1); }
  uint64_t bitsOf(ArrayRef<unsigned> labels) const {
    uint64_t bits = 0;
    for (unsigned label : labels)
      if (!isOne(label))
        bits |= uint64_t(1) << label;
    return bits;
  }
};

/// Makes the ops of a tree in another order.
class TreeBuilder {
public:
  TreeBuilder(EGraph &graph, const Tree &tree, const ContractionTree &order, RuleContext &context)
      : graph(graph), tree(tree), order(order), context(context), b(context.terms.context),
        element(tree.type.getElementType()),
        result(llvm::to_vector(llvm::seq<unsigned>(0, unsigned(tree.type.getRank())))),
        make(graph, context.terms, tree.sizes, result, tree.flags) {}

  std::optional<Id> run();

private:
  static bool has(uint64_t labels, unsigned label) { return labels >> label & 1; }
  bool addFactors();
  const Labelled *besideOf(unsigned step) const;
  LabelBuilder::Labels layoutOf(unsigned step, ArrayRef<Labelled> factors, bool sums) const;
  bool addStep(unsigned step);

  EGraph &graph;
  const Tree &tree;
  const ContractionTree &order;
  RuleContext &context;
  Builder b;
  const Type element;
  const SmallVector<unsigned> result; ///< labels
  LabelBuilder make;
  std::vector<Labelled> values; ///< factors, then steps
  bool endsInSum = false;       ///< the last step is no product of elements
};

/// The factors, without indices that nothing else has.
bool TreeBuilder::addFactors() {
  MLIRContext *mlir = context.terms.context;
  const Term sum{
      OperationName(ReduceOp::getOperationName(), mlir),
      b.getDictionaryAttr({b.getNamedAttr("kind", ReduceKindAttr::get(mlir, ReduceKind::sum)),
                           b.getNamedAttr("dims", b.getDenseI64ArrayAttr({}))}),
      tree.type};
  for (auto [factor, kept] : llvm::zip(tree.factors, order.kept)) {
    std::optional<Labelled> plain = make.plain(factor);
    if (!plain)
      return false;
    LabelBuilder::Labels labels = plain->labels;
    llvm::erase_if(labels, [&, &kept = kept](unsigned label) { return !has(kept, label); });
    values.push_back(make.reduce(sum, *plain, labels, element));
  }
  return true;
}

/// What the result of a step is multiplied with, if it is made by then.
const Labelled *TreeBuilder::besideOf(unsigned step) const {
  const unsigned value = unsigned(tree.factors.size()) + step;
  for (const ContractionStep &next : order.steps)
    if (next.lhs == value || next.rhs == value) {
      unsigned other = next.lhs == value ? next.rhs : next.lhs;
      return other < values.size() ? &values[other] : nullptr;
    }
  return nullptr;
}

/// As products of matrices have them: what both factors have, rows, columns. What is then
/// multiplied with it has an order, too: indices that are neighbours in both are as good as one.
LabelBuilder::Labels TreeBuilder::layoutOf(unsigned step, ArrayRef<Labelled> factors,
                                           bool sums) const {
  LabelBuilder::Labels labels;
  for (unsigned side : {0, 1})
    for (unsigned label : factors[side].labels)
      if (has(order.steps[step].result.labels, label) && !llvm::is_contained(labels, label))
        labels.push_back(label);
  if (step + 1 == order.steps.size()) {
    llvm::sort(labels); // as the result has them
    return labels;
  }
  const Labelled *beside = besideOf(step);
  // Of a product of elements what stays comes first; all others come as what they are in.
  auto key = [&](unsigned label) {
    size_t place = beside ? llvm::find(beside->labels, label) - beside->labels.begin() : 0;
    bool isBeside = beside && place < beside->labels.size();
    bool inBoth = llvm::is_contained(factors[0].labels, label) &&
                  llvm::is_contained(factors[1].labels, label);
    bool isColumn = !llvm::is_contained(factors[0].labels, label);
    unsigned group = sums ? (inBoth ? 0 : isColumn ? 2 : 1) : isBeside;
    return std::pair(group, isBeside ? place : 0);
  };
  llvm::stable_sort(labels, [&](unsigned a, unsigned b) { return key(a) < key(b); });
  return labels;
}

bool TreeBuilder::addStep(unsigned step) {
  Labelled factors[] = {values[order.steps[step].lhs], values[order.steps[step].rhs]};
  make.order(factors);
  const bool sums = llvm::any_of(factors, [&](const Labelled &factor) {
    return llvm::any_of(factor.labels, [&](unsigned label) {
      return !has(order.steps[step].result.labels, label);
    });
  });
  endsInSum = sums;
  LabelBuilder::Labels labels = layoutOf(step, factors, sums);
  if (sums) {
    values.push_back(make.contract(factors, labels, element));
    return true;
  }
  std::optional<Id> lhs = make.viewed(factors[0], labels), rhs = make.viewed(factors[1], labels);
  if (!lhs || !rhs)
    return false;
  Id id = make.add(MulOp::getOperationName(), {}, make.typeOf(labels, element), {*lhs, *rhs});
  values.push_back({id, labels});
  return true;
}

std::optional<Id> TreeBuilder::run() {
  if (!addFactors())
    return {};
  for (unsigned step = 0; step < order.steps.size(); ++step)
    if (!addStep(step))
      return {};
  std::optional<Id> id = make.viewed(values.back(), result);
  // Sums may be formed in any order by default, products of elements not: who has the same product
  // must not get the sum.
  if (id && !endsInSum && tree.flags != AllPermissions)
    return relax(graph, *id, context, /*always=*/true);
  return id;
}

class Trees {
public:
  Trees(EGraph &graph, ArrayRef<Id> roots, RuleContext &context)
      : graph(graph), context(context), terms(context.terms), uses(graph.numIds(), 0),
        contractSymbol(terms.language.symbol(ContractOp::getOperationName())),
        viewSymbol(terms.language.symbol(ViewOp::getOperationName())) {
    for (Id root : roots)
      ++uses[graph.find(root)];
    for (Id id : graph.classes())
      for (Id node : graph.nodesOf(id))
        for (Id operand : graph.operands(node))
          ++uses[graph.find(operand)];
  }
  bool run();

private:
  Id partOf(Id id) const;
  bool isPart(Id node) const;
  bool hasLabels(const Tree &tree, const Labelled &tensor) const;
  bool open(Tree &tree, const Labelled &in, Id node, SmallVectorImpl<Labelled> &operands) const;
  Tree flatten(Id root, bool takesShared);
  bool rebuild(const Tree &tree);
  std::optional<Contractions> problemOf(const Tree &tree) const;

  EGraph &graph;
  RuleContext &context;
  Terms &terms;
  std::vector<uint32_t> uses; ///< of classes, by nodes and what stays as it is
  Symbol contractSymbol, viewSymbol;
  llvm::DenseSet<Id> inside; ///< classes that are parts of a larger tree
  size_t work = mostWork;
};

bool Trees::isPart(Id node) const {
  OpId op = graph.op(node);
  if (terms.isLeaf(op) || terms.isRelaxed(op) || graph.operands(node).empty())
    return false;
  const Term &term = terms.get(op);
  const egraph::Op &operation = terms.language.get(op);
  if (terms.rounds(term) && !(operation.flags & Reassoc))
    return false;
  StringRef name = term.name.getStringRef();
  if (name == ReduceOp::getOperationName())
    return term.attributes.getAs<ReduceKindAttr>("kind").getValue() == ReduceKind::sum;
  return name == ContractOp::getOperationName() || name == MulOp::getOperationName();
}

/// The product or sum that a class is, if it may be taken apart.
Id Trees::partOf(Id id) const {
  if (context.facts->constants.of(graph, id))
    return none;
  for (Id node : graph.nodesOf(id))
    if (isPart(node))
      return node;
  return none;
}

/// Whether its dimensions are what their labels say, by what is known when compiling.
bool Trees::hasLabels(const Tree &tree, const Labelled &tensor) const {
  RankedTensorType type = terms.typeOf(graph, tensor.id);
  for (auto [dim, label] : llvm::enumerate(tensor.labels))
    if (tree.sizes[label] != dimExpr(type, dim))
      return false;
  return true;
}

/// What a node multiplies or sums, with labels. False where labels do not tell.
bool Trees::open(Tree &tree, const Labelled &in, Id node,
                 SmallVectorImpl<Labelled> &operands) const {
  const Term &term = terms.get(graph.op(node));
  for (Id operand : graph.operands(node))
    operands.push_back({graph.find(operand), {}});
  const size_t before = tree.sizes.size();
  if (auto dims = term.attributes ? term.attributes.getAs<DenseI64ArrayAttr>("dims") : nullptr) {
    RankedTensorType type = terms.typeOf(graph, operands[0].id);
    for (int64_t dim = 0, kept = 0; dim < type.getRank(); ++dim) {
      bool goes = llvm::is_contained(dims.asArrayRef(), dim);
      operands[0].labels.push_back(goes ? tree.fresh(dimExpr(type, dim)) : in.labels[kept++]);
    }
  } else if (graph.symbolOf(node) == contractSymbol) {
    AffineMap maps[] = {term.attributes.getAs<AffineMapAttr>("lhsMap").getValue(),
                        term.attributes.getAs<AffineMapAttr>("rhsMap").getValue()};
    SmallVector<unsigned> space(in.labels.begin(), in.labels.end());
    space.resize(maps[0].getNumDims(), ~0u);
    for (auto [operand, map] : llvm::zip(operands, maps)) {
      RankedTensorType type = terms.typeOf(graph, operand.id);
      for (auto [dim, coordinate] : llvm::enumerate(map.getResults())) {
        unsigned &label = space[cast<AffineDimExpr>(coordinate).getPosition()];
        if (label == ~0u)
          label = tree.fresh(dimExpr(type, dim));
        operand.labels.push_back(label);
      }
    }
  } else {
    for (Labelled &operand : operands)
      operand.labels = in.labels;
  }
  if (tree.sizes.size() > Contractions::most ||
      !llvm::all_of(operands, [&](const Labelled &operand) { return hasLabels(tree, operand); })) {
    tree.sizes.truncate(before);
    return false;
  }
  tree.isTensor |= term.name.getStringRef() != MulOp::getOperationName();
  return true;
}

/// The factors of the largest tree below a class.
Tree Trees::flatten(Id root, bool takesShared) {
  struct Entry {
    Labelled tensor;
    bool isShared; ///< a view of it has several users
  };
  Tree tree;
  tree.node = partOf(root);
  tree.type = terms.typeOf(graph, root);
  SmallVector<Entry> stack{{{root, {}}, false}};
  for (int64_t dim = 0; dim < tree.type.getRank(); ++dim)
    stack.back().tensor.labels.push_back(tree.fresh(dimExpr(tree.type, dim)));
  for (bool isRoot = true; !stack.empty(); isRoot = false) {
    Entry entry = stack.pop_back_val();
    const Id id = entry.tensor.id;
    entry.isShared |= !isRoot && uses[id] > 1;
    const Id node = isRoot ? tree.node : partOf(id);
    SmallVector<Labelled, 2> operands;
    tree.hasShared |= node != none && entry.isShared;
    if (node != none && (takesShared || !entry.isShared) &&
        tree.factors.size() + stack.size() + 2 <= Contractions::most &&
        open(tree, entry.tensor, node, operands)) {
      tree.cost += cyclesOf(graph, node, terms, *context.facts);
      tree.flags &= terms.rounds(terms.get(graph.op(node)))
                        ? terms.language.get(graph.op(node)).flags
                        : AllPermissions;
      if (!isRoot && !entry.isShared)
        inside.insert(id);
      for (Labelled &operand : llvm::reverse(operands))
        stack.push_back({std::move(operand), false});
      continue;
    }
    std::optional<Labelled> source;
    for (Id view : graph.nodesOf(id, viewSymbol))
      if (!source && tree.sizes.size() + 8 < Contractions::most)
        source = sourceOf(graph, view, entry.tensor.labels, terms, tree.sizes,
                          [&](DimExpr size) { return tree.fresh(std::move(size)); });
    if (source && source->id != id)
      stack.push_back({std::move(*source), entry.isShared});
    else
      tree.factors.push_back(std::move(entry.tensor));
  }
  return tree;
}

std::optional<Contractions> Trees::problemOf(const Tree &tree) const {
  Contractions problem;
  uint64_t all = 0, known = 0;
  for (auto [at, factor] : llvm::enumerate(tree.factors)) {
    RankedTensorType type = terms.typeOf(graph, factor.id);
    // All of one type: nothing is rounded to another one in between.
    if (type.getElementType() != tree.type.getElementType())
      return {};
    problem.leaves.push_back(tree.bitsOf(factor.labels));
    all |= problem.leaves.back();
    if (context.facts->known.of(graph, factor.id) && type.hasStaticShape())
      known |= uint64_t(1) << at;
  }
  for (unsigned label = 0; label < tree.sizes.size(); ++label) {
    const uint64_t bit = uint64_t(1) << label;
    problem.sizes.push_back(nominalSize(tree.sizes[label]));
    if (label < tree.type.getRank())
      problem.output |= all & bit;
    else if (!(all & bit) && !tree.isOne(label))
      return {}; // a multiple, by a size
  }
  auto elements = [sizes = problem.sizes](uint64_t labels) {
    double product = 1;
    for (; labels; labels &= labels - 1)
      product *= sizes[std::countr_zero(labels)];
    return product;
  };
  const unsigned bits = tree.type.getElementTypeBitWidth();
  // What weights alone decide is computed when compiling.
  auto ofWeights = [elements](uint64_t labels) { return 1e-6 * (1 + elements(labels)); };
  problem.product = [=](const ContractionPart &a, const ContractionPart &b,
                        const ContractionPart &result) {
    if (!((a.leaves | b.leaves) & ~known))
      return ofWeights(result.labels);
    const uint64_t space = a.labels | b.labels;
    if (space == result.labels)
      return elementwiseCycles("mul", elements(space), bits);
    const double count = elements(a.labels) + elements(b.labels) + elements(result.labels);
    return productCycles(elements(space), count * std::max(1u, bits / 8), bits);
  };
  problem.sum = [=, leaves = problem.leaves](unsigned leaf, uint64_t kept) {
    return known >> leaf & 1 ? ofWeights(kept)
                             : elementwiseCycles("add", elements(leaves[leaf]), bits);
  };
  return problem;
}

bool Trees::rebuild(const Tree &tree) {
  // What is elementwise alone is left to rules of scalars.
  if (!tree.isTensor || tree.factors.size() < 2)
    return false;
  std::optional<Contractions> problem = problemOf(tree);
  if (!problem)
    return false;
  ContractionTree order = cheapestContraction(*problem, work);
  if (!(order.cost < tree.cost * (1 - leastGain)))
    return false;
  std::optional<Id> id = TreeBuilder(graph, tree, order, context).run();
  return id && graph.unite(tree.node, *id, becauseOrdered);
}

bool Trees::run() {
  bool any = false;
  // Users come first.
  const std::vector<Id> classes(graph.classes().begin(), graph.classes().end());
  for (Id id : llvm::reverse(classes)) {
    if (partOf(id) == none || inside.contains(id))
      continue;
    Tree tree = flatten(id, /*takesShared=*/false);
    any |= rebuild(tree);
    if (!tree.hasShared)
      continue;
    tree = flatten(id, /*takesShared=*/true);
    if (tree.factors.size() <= mostWithShared)
      any |= rebuild(tree);
  }
  return any;
}

} // namespace

bool addContractionTrees(EGraph &graph, ArrayRef<Id> roots, RuleContext &context) {
  if (!Trees(graph, roots, context).run())
    return false;
  graph.rebuild();
  return true;
}

} // namespace mad::rewrite
