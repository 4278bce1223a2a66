//===- TensorMatcher.cpp - Finds terms by the labels of their dimensions --===//
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
constexpr unsigned none = Node::none;
/// Views that are looked through one after the other.
constexpr unsigned maxViews = 4;
/// Of one class; more say that a rule does not tell anything.
constexpr size_t maxMatches = 64;
/// Parts of the pattern that are tried in classes, for one class: those with many nodes that are
/// made of each other, such as 0, have more ways than anyone can look at.
constexpr size_t maxSteps = 10000;

class Search {
public:
  Search(const EGraph &graph, const TensorRule &rule, uint32_t permissions, RuleContext &context)
      : graph(graph), rule(rule), permissions(permissions), context(context),
        viewSymbol(context.terms.language.symbol(ViewOp::getOperationName())),
        reshapeSymbol(context.terms.language.symbol(ReshapeOp::getOperationName())) {}

  std::vector<TensorMatch> run(Id root) {
    const Node &first = rule.left.nodes[rule.left.roots.front()];
    if (llvm::none_of(graph.nodesOf(root, first.symbol),
                      [&](Id node) { return mayBe(first, node); }))
      return {};
    TensorMatch match;
    match.variables.resize(rule.left.nodes.front().variables.size());
    goToRoot(root, std::move(match));
    return std::move(found);
  }

private:
  /// A part of the pattern to be found in a class.
  struct Task {
    unsigned node;
    Labelled in;
    unsigned views;
    SmallVector<unsigned, 2> scopes; ///< around it
  };
  using Tasks = SmallVector<Task>;

  unsigned fresh(TensorMatch &match, DimExpr size) {
    match.sizes.push_back(std::move(size));
    match.leader.push_back(unsigned(match.leader.size()));
    match.declared.push_back(none);
    return match.leader.back();
  }
  SmallVector<unsigned, 4> labelsOf(Id id, TensorMatch &match) {
    SmallVector<unsigned, 4> labels;
    RankedTensorType type = context.terms.typeOf(graph, id);
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      labels.push_back(fresh(match, dimExpr(type, dim)));
    return labels;
  }

  std::optional<Labelled> through(Id view, const Labelled &in, TensorMatch &match);
  std::optional<Labelled> throughReshape(Id reshape, const Labelled &in, TensorMatch &match);
  Labelled stripped(Labelled in, TensorMatch &match);
  bool unite(TensorMatch &match, unsigned a, unsigned b);
  bool bind(TensorMatch &match, const Node &node, const Task &task);
  bool hasFlags(Id node, TensorMatch &match) const;
  bool declare(TensorMatch &match, const Node &node, ArrayRef<unsigned> labels);
  llvm::SmallBitVector occurrence(const TensorMatch &match, unsigned label) const;
  bool findGoing(TensorMatch &match) const;
  bool isPlaced(const TensorMatch &match, const TensorMatch::Place &place) const;
  bool isRight(TensorMatch &match) const;
  bool place(TensorMatch &match) const;

  void goToRoot(Id id, TensorMatch match);
  void go(Tasks tasks, TensorMatch match);
  void goInto(const Tasks &tasks, const TensorMatch &match, const Node &wanted, const Task &task,
              Id node);
  void goOn(const Tasks &tasks, const TensorMatch &match, const Node &wanted,
            ArrayRef<Labelled> operands, ArrayRef<unsigned> scopes);
  bool mayBe(unsigned wanted, Id id) const;
  bool mayBe(const Node &wanted, Id node) const;

  const EGraph &graph;
  const TensorRule &rule;
  uint32_t permissions;
  RuleContext &context;
  Symbol viewSymbol, reshapeSymbol;
  size_t steps = 0;
  std::vector<TensorMatch> found;
};

/// What a view that permutes and repeats reads, with the labels that it has there.
std::optional<Labelled> Search::through(Id view, const Labelled &in, TensorMatch &match) {
  return sourceOf(graph, view, in.labels, context.terms, match.sizes,
                  [&](DimExpr size) { return fresh(match, std::move(size)); });
}

/// What a reshape reads that adds or drops dimensions of one element.
std::optional<Labelled> Search::throughReshape(Id reshape, const Labelled &in, TensorMatch &match) {
  Labelled source{graph.find(graph.operands(reshape)[0]), {}};
  RankedTensorType type = context.terms.typeOf(graph, source.id);
  SmallVector<unsigned, 4> left;
  for (unsigned label : in.labels)
    if (match.sizes[label] != DimExpr(1))
      left.push_back(label);
  size_t next = 0;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    DimExpr size = dimExpr(type, dim);
    if (size == DimExpr(1))
      source.labels.push_back(fresh(match, size));
    else if (next < left.size() && match.sizes[left[next]] == size)
      source.labels.push_back(left[next++]);
    else
      return {};
  }
  return next == left.size() ? std::optional(source) : std::nullopt;
}

/// The smallest tensor that the class is a view of, the oldest of those, so that one is found from
/// everywhere.
Labelled Search::stripped(Labelled in, TensorMatch &match) {
  auto rank = [&](const Labelled &value) {
    size_t dims = llvm::count_if(value.labels,
                                 [&](unsigned label) { return match.sizes[label] != DimExpr(1); });
    return std::pair(dims, value.id);
  };
  for (unsigned step = 0; step < maxViews; ++step) {
    std::optional<Labelled> best;
    auto offer = [&](std::optional<Labelled> source) {
      if (source && rank(*source) < rank(best ? *best : in))
        best = std::move(source);
    };
    for (Id node : graph.nodesOf(in.id, viewSymbol))
      offer(through(node, in, match));
    for (Id node : graph.nodesOf(in.id, reshapeSymbol))
      offer(throughReshape(node, in, match));
    if (!best)
      break;
    in = *best;
  }
  return in;
}

bool Search::unite(TensorMatch &match, unsigned a, unsigned b) {
  a = match.find(a), b = match.find(b);
  if (a == b)
    return true;
  if (match.sizes[a] != match.sizes[b])
    return false;
  // The indices of a result are different ones.
  if (match.sizes[a] != DimExpr(1)) {
    auto has = [&](const TensorMatch::Root &root, unsigned label) {
      return llvm::any_of(root.labels, [&](unsigned l) { return match.find(l) == label; });
    };
    bool aIsOfResult = false, bIsOfResult = false;
    for (const TensorMatch::Root &root : match.roots) {
      bool hasA = has(root, a), hasB = has(root, b);
      if (hasA && hasB)
        return false;
      aIsOfResult |= hasA, bIsOfResult |= hasB;
    }
    // An index of the result goes only where the rule has it so.
    const unsigned goes = match.declared[aIsOfResult ? b : a];
    if (aIsOfResult != bIsOfResult && (goes == none || !rule.ofResult.test(goes)))
      return false;
  }
  unsigned to = std::min(a, b), from = std::max(a, b);
  if (match.declared[to] != none && match.declared[from] != none &&
      match.declared[to] != match.declared[from])
    return false;
  if (match.declared[to] == none)
    match.declared[to] = match.declared[from];
  match.leader[from] = to;
  return true;
}

bool Search::bind(TensorMatch &match, const Node &node, const Task &task) {
  Labelled in = stripped(task.in, match);
  match.places.push_back({node.variable, in.labels, task.scopes});
  Type element = context.terms.typeOf(graph, in.id).getElementType();
  if (node.element ? element != node.element : !isa<FloatType>(element))
    return false;
  // One type stands for all whose type is open.
  if (!node.element) {
    if (match.element && match.element != element)
      return false;
    match.element = element;
  }
  Labelled &known = match.variables[node.variable];
  if (known.id == egraph::none) {
    known = std::move(in);
    return true;
  }
  if (known.id != in.id || known.labels.size() != in.labels.size())
    return false;
  for (auto [a, b] : llvm::zip(known.labels, in.labels))
    if (!unite(match, a, b))
      return false;
  return true;
}

bool Search::hasFlags(Id node, TensorMatch &match) const {
  const egraph::Op &op = context.terms.language.get(graph.op(node));
  if (!context.terms.language.isFlagged(op.symbol))
    return true;
  match.flags &= op.flags;
  return (op.flags & permissions) == permissions;
}

bool Search::declare(TensorMatch &match, const Node &node, ArrayRef<unsigned> labels) {
  TensorMatch::Scope scope{node.bound, {}};
  for (unsigned label : labels) {
    if (match.sizes[label] == DimExpr(1))
      continue;
    if (node.bound == none)
      return false;
    match.declared[label] = node.bound;
    scope.gone.push_back(label);
  }
  match.scopes.push_back(std::move(scope));
  return true;
}

/// The variables that have a label.
llvm::SmallBitVector Search::occurrence(const TensorMatch &match, unsigned label) const {
  llvm::SmallBitVector occurs(match.variables.size());
  for (auto [variable, bound] : llvm::enumerate(match.variables))
    if (llvm::any_of(bound.labels, [&](unsigned l) { return match.find(l) == label; }))
      occurs.set(variable);
  return occurs;
}

/// What the labels of the rule that go are here: the same in all of its sums.
bool Search::findGoing(TensorMatch &match) const {
  match.going.assign(rule.labels, {});
  llvm::SmallBitVector isFound(rule.labels);
  for (const TensorMatch::Scope &scope : match.scopes) {
    if (scope.label == none)
      continue;
    SmallVector<unsigned, 2> gone;
    for (unsigned label : scope.gone)
      gone.push_back(match.find(label));
    llvm::sort(gone);
    // A diagonal is no sum over two indices.
    if (std::adjacent_find(gone.begin(), gone.end()) != gone.end())
      return false;
    if (isFound.test(scope.label) && match.going[scope.label] != gone)
      return false;
    isFound.set(scope.label);
    match.going[scope.label] = std::move(gone);
  }
  for (unsigned label = 0; label < rule.labels; ++label)
    for (unsigned here : match.going[label])
      if (match.isOfResult(here) != rule.ofResult.test(label) || match.declared[here] != label)
        return false;
  return true;
}

/// Whether labels that go are in no variable but those where the rule has them, and there only in
/// the scope of their sum. All else are indices of results, which need no counterpart in the rule.
bool Search::isPlaced(const TensorMatch &match, const TensorMatch::Place &place) const {
  return llvm::all_of(place.labels, [&](unsigned label) {
    const unsigned here = match.find(label), declared = match.declared[here];
    if (match.sizes[label] == DimExpr(1) || (declared == none && match.isOfResult(here)))
      return true;
    if (declared == none || !rule.occurs[declared].test(place.variable))
      return false;
    auto scope = llvm::find_if(llvm::reverse(place.scopes), [&](unsigned scope) {
      return match.scopes[scope].label == declared;
    });
    return scope != place.scopes.rend() ? llvm::is_contained(match.scopes[*scope].gone, label)
                                        : rule.ofResult.test(declared) && match.isOfResult(label);
  });
}

bool Search::isRight(TensorMatch &match) const {
  if (!findGoing(match) ||
      !llvm::all_of(match.places, [&](const auto &place) { return isPlaced(match, place); }))
    return false;
  // What is put side by side has no index less than the rule says.
  for (unsigned label = 0; rule.left.roots.size() > 1 && label < rule.labels; ++label)
    for (unsigned here : match.going[label])
      if (occurrence(match, here) != rule.occurs[label])
        return false;
  return place(match) && llvm::all_of(match.numbers, [&](auto number) {
           std::optional<DimExpr> size = sizeAt(rule, match, rule.left.nodes[number.first].size);
           return size && isSize(graph, number.second, *size, context);
         });
}

/// Labels of results along which the rule puts tensors side by side: the one that is in the
/// variables where the rule has it. False if several are.
bool Search::place(TensorMatch &match) const {
  for (auto [result, number] : rule.placed) {
    unsigned only = none;
    for (unsigned label : match.roots[result].labels) {
      label = match.find(label);
      if (match.sizes[label] == DimExpr(1) || occurrence(match, label) != rule.occurs[number])
        continue;
      if (only != none || match.declared[label] != none)
        return false;
      only = label;
    }
    if (only == none)
      return false;
    match.declared[only] = number;
  }
  return true;
}

/// Whether a class has a node that a part of the pattern can begin with.
bool Search::mayBe(unsigned wanted, Id id) const {
  const Node &node = rule.left.nodes[wanted];
  if (node.kind == Node::Variable || node.kind == Node::Size)
    return true;
  if (node.kind == Node::Number)
    return isa_and_nonnull<FloatAttr>(context.facts->constants.of(graph, id));
  return !graph.nodesOf(id, node.symbol).empty() || !graph.nodesOf(id, viewSymbol).empty();
}

/// The same of the operands of a node, in one order or the other: most end here, before a match is
/// copied.
bool Search::mayBe(const Node &wanted, Id node) const {
  ArrayRef<Id> operands = graph.operands(node);
  if (operands.size() != wanted.operands.size())
    return false;
  auto fit = [&](ArrayRef<unsigned> parts) {
    return llvm::all_of(llvm::zip(parts, operands), [&](auto pair) {
      return mayBe(std::get<0>(pair), graph.find(std::get<1>(pair)));
    });
  };
  return fit(wanted.operands) ||
         (operands.size() == 2 && fit({wanted.operands[1], wanted.operands[0]}));
}

void Search::goOn(const Tasks &before, const TensorMatch &match, const Node &wanted,
                  ArrayRef<Labelled> operands, ArrayRef<unsigned> scopes) {
  for (auto [operand, in] : llvm::zip(wanted.operands, operands))
    if (!mayBe(operand, in.id))
      return;
  Tasks tasks = before;
  for (auto [operand, in] : llvm::zip(wanted.operands, operands))
    tasks.push_back({operand, in, 0, SmallVector<unsigned, 2>(scopes)});
  go(std::move(tasks), match);
}

/// The part that is wanted may be this node.
void Search::goInto(const Tasks &tasks, const TensorMatch &before, const Node &wanted,
                    const Task &task, Id node) {
  if (!mayBe(wanted, node))
    return;
  TensorMatch match = before;
  const Labelled &in = task.in;
  SmallVector<unsigned, 2> scopes = task.scopes;
  if (&wanted == &rule.left.nodes[rule.left.roots[match.roots.size() - 1]] &&
      match.roots.back().node == egraph::none)
    match.roots.back().node = node;
  if (!hasFlags(node, match))
    return;
  const Term &term = context.terms.get(graph.op(node));
  SmallVector<Labelled, 3> operands;
  for (Id operand : graph.operands(node))
    operands.push_back({graph.find(operand), {}});
  if (wanted.kind == Node::Elementwise) {
    if (operands.size() != wanted.operands.size())
      return;
    for (Labelled &operand : operands)
      operand.labels = in.labels;
  } else if (wanted.kind == Node::Reduce) {
    auto dims = term.attributes.getAs<DenseI64ArrayAttr>("dims").asArrayRef();
    RankedTensorType type = context.terms.typeOf(graph, operands[0].id);
    SmallVector<unsigned> gone;
    for (int64_t dim = 0, kept = 0; dim < type.getRank(); ++dim) {
      bool goes = llvm::is_contained(dims, dim);
      if (goes)
        gone.push_back(fresh(match, dimExpr(type, dim)));
      operands[0].labels.push_back(goes ? gone.back() : in.labels[kept++]);
    }
    if (!declare(match, wanted, gone))
      return;
    scopes.push_back(match.scopes.size() - 1);
  } else {
    SmallVector<unsigned> space(in.labels.begin(), in.labels.end()), gone;
    AffineMap maps[] = {term.attributes.getAs<AffineMapAttr>("lhsMap").getValue(),
                        term.attributes.getAs<AffineMapAttr>("rhsMap").getValue()};
    space.resize(maps[0].getNumDims(), none);
    for (auto [operand, map] : llvm::zip(operands, maps)) {
      RankedTensorType type = context.terms.typeOf(graph, operand.id);
      for (auto [dim, coordinate] : llvm::enumerate(map.getResults())) {
        unsigned &label = space[cast<AffineDimExpr>(coordinate).getPosition()];
        if (label == none)
          gone.push_back(label = fresh(match, dimExpr(type, dim)));
        operand.labels.push_back(label);
      }
    }
    if (llvm::is_contained(space, none) || !declare(match, wanted, gone))
      return;
    scopes.push_back(match.scopes.size() - 1);
  }
  goOn(tasks, match, wanted, operands, scopes);
  bool commutes =
      wanted.kind == Node::Contract || (wanted.kind == Node::Elementwise && operands.size() == 2 &&
                                        context.terms.interfaceOf(graph.op(node)).commutes(term));
  if (commutes && !(operands[0].id == operands[1].id && operands[0].labels == operands[1].labels)) {
    std::swap(operands[0], operands[1]);
    goOn(tasks, match, wanted, operands, scopes);
  }
}

/// The next root may be this class.
void Search::goToRoot(Id id, TensorMatch match) {
  TensorMatch::Root root;
  root.id = id;
  root.labels = labelsOf(id, match);
  // At the root views would only move a match of another class.
  SmallVector<Task> tasks{{rule.left.roots[match.roots.size()], {id, root.labels}, maxViews, {}}};
  match.roots.push_back(std::move(root));
  go(std::move(tasks), std::move(match));
}

void Search::go(Tasks tasks, TensorMatch match) {
  if (found.size() >= maxMatches || ++steps > maxSteps)
    return;
  if (tasks.empty() && match.roots.size() == rule.left.roots.size()) {
    if (isRight(match))
      found.push_back(std::move(match));
    return;
  }
  if (tasks.empty()) {
    for (Id id : graph.classesWith(rule.left.nodes[rule.left.roots[match.roots.size()]].symbol))
      if (llvm::none_of(match.roots, [&](const auto &root) { return root.id == id; }))
        goToRoot(id, match);
    return;
  }
  Task task = tasks.pop_back_val();
  const Node &wanted = rule.left.nodes[task.node];
  if (wanted.kind == Node::Variable) {
    if (bind(match, wanted, task))
      go(std::move(tasks), std::move(match));
    return;
  }
  if (wanted.kind == Node::Number) {
    auto value = dyn_cast_or_null<FloatAttr>(context.facts->constants.of(graph, task.in.id));
    double number = value ? value.getValueAsDouble() : 0;
    if (value && number == wanted.number.f && std::signbit(number) == std::signbit(wanted.number.f))
      go(std::move(tasks), std::move(match));
    return;
  }
  if (wanted.kind == Node::Size) {
    match.numbers.push_back({task.node, task.in.id});
    go(std::move(tasks), std::move(match));
    return;
  }
  for (Id node : graph.nodesOf(task.in.id, wanted.symbol))
    goInto(tasks, match, wanted, task, node);
  if (task.views >= maxViews)
    return;
  for (Id node : graph.nodesOf(task.in.id, viewSymbol)) {
    TensorMatch next = match;
    if (std::optional<Labelled> source = through(node, task.in, next)) {
      Tasks more = tasks;
      more.push_back({task.node, *source, task.views + 1, task.scopes});
      go(std::move(more), std::move(next));
    }
  }
}

} // namespace

std::vector<TensorMatch> findMatches(const EGraph &graph, Id root, const TensorRule &rule,
                                     uint32_t permissions, RuleContext &context) {
  return Search(graph, rule, permissions, context).run(root);
}

} // namespace mad::rewrite
