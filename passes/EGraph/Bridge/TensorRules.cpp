//===- TensorRules.cpp - Rules with contractions and reductions -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Bridge/TensorRules.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace mad::egraph;

namespace mad::rewrite {
namespace {

/// Reads sides of a rule. Labels are numbers that are made the same where a variable says so.
class Reader {
public:
  explicit Reader(unsigned variables) : ofVariables(variables) {}

  /// Both sides have the same indices, so the right one is read with the labels of the left.
  bool read(ValueRange values, bool isLeft, TensorPattern &pattern) {
    current = &pattern;
    isBuilt = !isLeft;
    for (auto [i, value] : llvm::enumerate(values)) {
      if (isLeft) {
        results.emplace_back();
        for (int64_t dim = 0; dim < cast<RankedTensorType>(value.getType()).getRank(); ++dim) {
          results.back().push_back(fresh());
          resultOf.back() = i;
        }
      }
      std::optional<unsigned> root = add(value, results[i]);
      if (!root)
        return false;
      pattern.roots.push_back(*root);
    }
    return true;
  }
  /// Numbers the labels that go, after both sides were read. False when an index has another
  /// meaning than its label.
  bool finish(TensorRule &rule);
  void sumUp(TensorPattern &side, const TensorRule &rule) const;

private:
  unsigned fresh() {
    leader.push_back(unsigned(leader.size()));
    resultOf.push_back(none);
    return leader.back();
  }
  /// Makes two labels one. The indices of a result are different ones.
  bool unite(unsigned a, unsigned b) {
    a = find(a), b = find(b);
    if (a == b)
      return true;
    for (unsigned x = 0; x < leader.size(); ++x)
      for (unsigned y = 0; y < leader.size(); ++y)
        if (find(x) == a && find(y) == b && resultOf[x] != none && resultOf[x] == resultOf[y])
          return false;
    leader[std::max(a, b)] = std::min(a, b);
    return true;
  }
  bool isOfResult(unsigned label) const {
    for (unsigned other = 0; other < leader.size(); ++other)
      if (resultOf[other] != none && find(other) == find(label))
        return true;
    return false;
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
  bool isScoped() const;
  void nameSizes(TensorRule &rule, const llvm::DenseMap<unsigned, unsigned> &numbers) const;

  std::optional<unsigned> addView(ViewOp view, ArrayRef<unsigned> labels);
  std::optional<unsigned> addConcat(ConcatOp concat, ArrayRef<unsigned> labels);

  static constexpr unsigned none = TensorPattern::Node::none;
  TensorPattern *current = nullptr;
  bool isBuilt = false;
  std::vector<SmallVector<unsigned, 4>> results; ///< labels of each
  std::vector<unsigned> leader, resultOf;
  SmallVector<unsigned> placed; ///< labels of parts and of what is put side by side
  /// A place of a variable: its labels, and those of the sums around it.
  struct Place {
    SmallVector<unsigned, 4> labels, scopes;
  };
  std::vector<Place> places;
  SmallVector<unsigned, 4> scopes;                       ///< labels of the sums around what is read
  llvm::SmallDenseSet<unsigned> ones;                    ///< labels of dimensions of one element
  std::map<std::string, SmallVector<unsigned, 2>> sizes; ///< labels of names
  std::vector<std::optional<SmallVector<unsigned, 4>>> ofVariables;
};

bool Reader::bindVariable(unsigned variable, ArrayRef<unsigned> labels) {
  places.push_back({SmallVector<unsigned, 4>(labels), scopes});
  auto &known = ofVariables[variable];
  if (!known) {
    known.emplace(labels.begin(), labels.end());
    return true;
  }
  return llvm::all_of(llvm::zip(*known, labels),
                      [&](auto pair) { return unite(std::get<0>(pair), std::get<1>(pair)); });
}

std::optional<unsigned> Reader::add(Value value, ArrayRef<unsigned> labels) {
  TensorPattern::Node node;
  node.element = elementInRule(value);
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    node.variable = argument.getArgNumber();
    if (!bindVariable(node.variable, labels))
      return {};
    for (auto [dim, label] : llvm::enumerate(labels))
      if (auto name = dimExpr(cast<RankedTensorType>(value.getType()), dim).asSymbol())
        sizes[*name].push_back(label);
    return push(std::move(node));
  }
  if (std::optional<RefScalar> number = splatValue(value)) {
    node.kind = TensorPattern::Node::Number;
    node.number = *number;
    return push(std::move(node));
  }
  return addOp(value.getDefiningOp(), labels);
}

/// The size that a value is, as it is or cast: once, as two casts may lose digits twice.
static std::optional<DimExpr> sizeIn(Operation *op) {
  for (bool isCast = false; isa_and_nonnull<CastOp, ViewOp>(op);
       op = op->getOperand(0).getDefiningOp())
    if (isa<CastOp>(op) && std::exchange(isCast, true))
      return {};
  auto dim = dyn_cast_or_null<DimOp>(op);
  return dim ? DimExpr::parse(dim.getExpression().str()) : std::nullopt;
}

/// Where a coordinate of a view begins, beside one index of the view.
static std::optional<std::pair<unsigned, DimExpr>> placeOf(AffineExpr coordinate, ViewOp view) {
  if (auto dim = dyn_cast<AffineDimExpr>(coordinate))
    return std::pair(dim.getPosition(), DimExpr(0));
  auto sum = dyn_cast<AffineBinaryOpExpr>(coordinate);
  auto dim = sum ? dyn_cast<AffineDimExpr>(sum.getLHS()) : AffineDimExpr(nullptr);
  if (!dim || sum.getKind() != AffineExprKind::Add)
    return {};
  if (auto offset = dyn_cast<AffineConstantExpr>(sum.getRHS()))
    return std::pair(dim.getPosition(), DimExpr(offset.getValue()));
  auto symbol = dyn_cast<AffineSymbolExpr>(sum.getRHS());
  auto size = symbol ? view.getScalars()[symbol.getPosition()].getDefiningOp<DimOp>() : DimOp();
  std::optional<DimExpr> offset = size ? DimExpr::parse(size.getExpression().str()) : std::nullopt;
  if (!offset)
    return {};
  return std::pair(dim.getPosition(), *offset);
}

/// One that permutes and repeats is looked through; on the right one dimension may be a part of a
/// larger one.
std::optional<unsigned> Reader::addView(ViewOp view, ArrayRef<unsigned> labels) {
  SmallVector<unsigned, 4> inner;
  TensorPattern::Node part;
  for (auto [dim, coordinate] : llvm::enumerate(view.getMap().getResults())) {
    if (auto constant = dyn_cast<AffineConstantExpr>(coordinate);
        constant && constant.getValue() == 0 && view.getSource().getType().getDimSize(dim) == 1) {
      inner.push_back(fresh());
      ones.insert(inner.back());
      continue;
    }
    auto place = placeOf(coordinate, view);
    if (!place)
      return {};
    auto [at, offset] = *place;
    if (dimExpr(view.getSource().getType(), dim) == dimExpr(view.getType(), at)) {
      if (offset != DimExpr(0))
        return {};
      inner.push_back(labels[at]);
      continue;
    }
    if (!isBuilt || part.bound != none || view.getBoundary() != Boundary::inside)
      return {};
    part.kind = TensorPattern::Node::Part;
    part.element = elementInRule(view);
    part.placed = labels[at];
    part.offset = offset;
    inner.push_back(part.bound = fresh());
    placed.push_back(part.placed);
  }
  if (part.bound == none)
    return add(view.getSource(), inner);
  return addOperand(view.getSource(), inner, part) ? push(std::move(part)) : std::nullopt;
}

std::optional<unsigned> Reader::addConcat(ConcatOp concat, ArrayRef<unsigned> labels) {
  if (!isBuilt)
    return {};
  TensorPattern::Node node;
  node.kind = TensorPattern::Node::Concat;
  node.element = elementInRule(concat);
  node.placed = labels[concat.getAxis()];
  for (Value operand : concat.getOperands()) {
    SmallVector<unsigned, 4> inner(labels.begin(), labels.end());
    node.ends.push_back(inner[concat.getAxis()] = fresh());
    placed.push_back(node.ends.back());
    scopes.push_back(node.ends.back());
    if (!addOperand(operand, inner, node))
      return {};
    scopes.pop_back();
  }
  return push(std::move(node));
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
  if (std::optional<DimExpr> size = sizeIn(op)) {
    node.kind = TensorPattern::Node::Size;
    node.size = *size;
    return push(std::move(node));
  }
  if (auto view = dyn_cast<ViewOp>(op))
    return addView(view, labels);
  if (auto concat = dyn_cast<ConcatOp>(op))
    return addConcat(concat, labels);
  if (auto contract = dyn_cast<ContractOp>(op)) {
    SmallVector<unsigned, 4> space(labels.begin(), labels.end());
    // One label stands for all that are summed.
    for (unsigned i = space.size(); i < contract.getLhsMap().getNumDims(); ++i)
      space.push_back(fresh());
    if (space.size() > labels.size() + 1)
      return {};
    node.kind = TensorPattern::Node::Contract;
    node.bound = space.size() > labels.size() ? space.back() : TensorPattern::Node::none;
    scopes.push_back(node.bound);
    if (!addOperand(contract.getLhs(), through(contract.getLhsMap(), space), node) ||
        !addOperand(contract.getRhs(), through(contract.getRhsMap(), space), node))
      return {};
    scopes.pop_back();
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
    scopes.push_back(node.bound);
    if (!addOperand(reduce.getSource(), inner, node))
      return {};
    scopes.pop_back();
    return push(std::move(node));
  }
  if (!isa<ElementwiseOpInterface>(op))
    return {};
  node.kind = TensorPattern::Node::Elementwise;
  for (Value operand : op->getOperands())
    if (!addOperand(operand, labels, node))
      return {};
  return push(std::move(node));
}

/// Whether in the scope of a sum its label is the index of that sum, and elsewhere that of a
/// result.
bool Reader::isScoped() const {
  llvm::SmallDenseSet<unsigned> bound;
  for (const Place &place : places)
    for (unsigned scope : place.scopes)
      if (scope != none)
        bound.insert(find(scope));
  for (const Place &place : places)
    for (unsigned label : place.labels) {
      if (!bound.contains(find(label)))
        continue;
      auto scope = llvm::find_if(llvm::reverse(place.scopes), [&](unsigned scope) {
        return scope != none && find(scope) == find(label);
      });
      if (scope != place.scopes.rend() ? *scope != label : resultOf[label] == none)
        return false;
    }
  return true;
}

/// Where the names of sizes stand.
void Reader::nameSizes(TensorRule &rule, const llvm::DenseMap<unsigned, unsigned> &numbers) const {
  for (const auto &[name, labels] : sizes)
    for (unsigned label : labels) {
      label = find(label);
      TensorRule::Named &named = rule.sizes[name];
      if (auto number = numbers.find(label); number != numbers.end()) {
        if (!llvm::is_contained(named.labels, number->second))
          named.labels.push_back(number->second);
        continue;
      }
      llvm::SmallBitVector occurs(ofVariables.size());
      for (auto [variable, others] : llvm::enumerate(ofVariables))
        if (others && llvm::any_of(*others, [&](unsigned other) { return find(other) == label; }))
          occurs.set(variable);
      if (!llvm::is_contained(named.ofResult, occurs))
        named.ofResult.push_back(occurs);
    }
}

bool Reader::finish(TensorRule &rule) {
  if (!isScoped())
    return false;
  llvm::DenseMap<unsigned, unsigned> numbers; // of labels that go or are placed
  auto number = [&](unsigned &label) {
    if (label != none)
      label = numbers.try_emplace(find(label), numbers.size()).first->second;
  };
  llvm::SmallDenseSet<unsigned> bound, alone; // labels of sums, of dimensions of one element
  for (unsigned one : ones)
    alone.insert(find(one));
  for (TensorPattern *side : {&rule.left, &rule.right})
    for (TensorPattern::Node &node : side->nodes) {
      if (node.bound != none && isOfResult(node.bound)) {
        // One of several results would need to say which.
        if (results.size() > 1 || node.kind == TensorPattern::Node::Part)
          return false;
        bound.insert(find(node.bound));
      }
      number(node.bound);
      number(node.placed);
      for (unsigned &label : node.ends)
        number(label);
    }
  for (unsigned label : placed)
    if (bound.contains(find(label)))
      return false;
  for (auto &labels : ofVariables)
    if (labels)
      for (unsigned label : *labels)
        if (!isOfResult(label) && !alone.contains(find(label)))
          numbers.try_emplace(find(label), numbers.size());
  rule.labels = numbers.size();
  rule.ofResult.resize(rule.labels);
  for (unsigned label : bound)
    rule.ofResult.set(numbers.lookup(label));
  rule.occurs.assign(rule.labels, llvm::SmallBitVector(ofVariables.size()));
  for (auto [variable, labels] : llvm::enumerate(ofVariables))
    if (labels)
      for (unsigned label : *labels)
        if (auto at = numbers.find(find(label)); at != numbers.end())
          rule.occurs[at->second].set(variable);
  llvm::SmallDenseSet<unsigned> leaders;
  for (unsigned label : placed)
    leaders.insert(find(label));
  for (auto [result, labels] : llvm::enumerate(results))
    for (unsigned label : labels)
      if (leaders.contains(find(label)))
        rule.placed.push_back({unsigned(result), numbers.lookup(find(label))});
  nameSizes(rule, numbers);
  sumUp(rule.left, rule);
  sumUp(rule.right, rule);
  return true;
}

/// What each node has of its operands.
void Reader::sumUp(TensorPattern &side, const TensorRule &rule) const {
  for (TensorPattern::Node &node : side.nodes) {
    node.variables.resize(ofVariables.size());
    node.labels.resize(rule.labels);
    if (node.kind == TensorPattern::Node::Variable) {
      node.variables.set(node.variable);
      for (unsigned label = 0; label < rule.labels; ++label)
        if (rule.occurs[label].test(node.variable))
          node.labels.set(label);
    }
    for (unsigned operand : node.operands) {
      node.variables |= side.nodes[operand].variables;
      node.labels |= side.nodes[operand].labels;
    }
    for (unsigned label : node.ends)
      node.labels.reset(label);
    if (node.bound != none)
      node.labels.reset(node.bound);
    if (node.placed != none)
      node.labels.set(node.placed);
  }
}

} // namespace

std::optional<TensorRule> TensorRule::read(RuleOp op, bool forward) {
  auto sides = cast<SidesOp>(op.getBody().front().getTerminator());
  ValueRange from = forward ? sides.getLeft() : sides.getRight();
  ValueRange to = forward ? sides.getRight() : sides.getLeft();
  // Labels stand for names of sizes; what holds for one number alone, they do not tell.
  for (Value variable : op.getBody().getArguments()) {
    auto type = cast<RankedTensorType>(variable.getType());
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (DimExpr size = dimExpr(type, dim); size != DimExpr(1) && !size.asSymbol())
        return {};
  }
  TensorRule rule;
  Reader reader(op.getBody().getNumArguments());
  if (!reader.read(from, /*isLeft=*/true, rule.left) ||
      !reader.read(to, /*isLeft=*/false, rule.right) || !reader.finish(rule))
    return {};
  using Node = TensorPattern::Node;
  if (op.getElements() == "exact")
    for (TensorPattern *side : {&rule.left, &rule.right})
      for (Node &node : side->nodes)
        if (!node.element)
          node.element = Float32Type::get(op.getContext());
  for (unsigned root : rule.left.roots)
    if (rule.left.nodes[root].kind == Node::Variable || rule.left.nodes[root].kind == Node::Number)
      return {};
  // A sum of what does not depend on its index is a multiple, which tells nothing of the index.
  llvm::SmallBitVector going(rule.labels);
  for (const Node &node : rule.right.nodes)
    if (node.kind == Node::Concat)
      going.set(node.placed); // made there
  for (const TensorPattern *side : {&rule.left, &rule.right})
    for (const Node &node : side->nodes) {
      if (node.bound == Node::none || node.kind == Node::Part)
        continue;
      if (llvm::none_of(node.operands, [&](unsigned operand) {
            return side->nodes[operand].labels.test(node.bound);
          }))
        return {};
      // What goes on the right alone would be an index of which the match says nothing.
      if (side == &rule.left)
        going.set(node.bound);
      else if (!going.test(node.bound))
        return {};
    }
  return rule;
}

/// What a node is an operation of.
static Symbol symbolOf(const TensorPattern::Node &node, Terms &terms) {
  if (node.kind == TensorPattern::Node::Contract)
    return terms.language.symbol(ContractOp::getOperationName());
  return node.term ? terms.symbolOf(*node.term) : none;
}

/// A rule that is being searched for and built.
struct LoadedTensor {
  RuleOp op;
  TensorRule rule;
  RuleContext &context;
  bool asksOps = false; ///< there are ops on the left that have a precision
  /// Hashes of the matches of a graph that have been built.
  mutable llvm::DenseSet<uint64_t> built;

  /// What is made of a class and others with it.
  void use(EGraph &graph, Id id, function_ref<void(Id, Id)> unite) const;
};

/// What a right side depends on: the node, the variables and their labels.
static uint64_t hashOf(const EGraph &graph, const TensorMatch &match) {
  SmallVector<uint32_t, 32> key{match.roots.front().node, match.flags};
  for (const Labelled &variable : match.variables) {
    key.push_back(variable.id == none ? none : graph.find(variable.id));
    for (unsigned label : variable.labels)
      key.push_back(match.find(label));
    key.push_back(none);
  }
  return xxh3_64bits(ArrayRef(reinterpret_cast<const uint8_t *>(key.data()), 4 * key.size()));
}

void LoadedTensor::use(EGraph &graph, Id id, function_ref<void(Id, Id)> unite) const {
  const bool isOfSeveral = rule.left.roots.size() > 1;
  // No op that is matched says that the program permits it: then all of it must.
  if (permissionsOf(op) && !asksOps && context.relaxes)
    return;
  for (const TensorMatch &match : findMatches(graph, id, rule, permissionsOf(op), context)) {
    SmallVector<Id, 4> variables, values;
    for (const Labelled &variable : match.variables)
      variables.push_back(variable.id);
    for (const TensorMatch::Root &root : match.roots)
      values.push_back(root.id);
    if (!meets(op, graph, variables, *context.facts) || !meetsChecks(op, rule, match) ||
        (isOfSeveral && !context.isNewGroup(op, graph, values)))
      continue;
    if (!isOfSeveral && built.contains(hashOf(graph, match)))
      continue;
    SmallVector<Id, 1> made = buildTensor(graph, rule, match, context);
    if (made.empty())
      continue;
    built.insert(hashOf(graph, match));
    if (isOfSeveral)
      context.addGroup(values, made, unite);
    else
      unite(match.roots.front().node, made.front());
  }
}

std::optional<Rule> loadTensor(RuleOp op, bool forward, RuleContext &context) {
  std::optional<TensorRule> read = TensorRule::read(op, forward);
  if (!read)
    return {};
  const bool isOfSeveral = read->left.roots.size() > 1;
  for (TensorPattern::Node &node : read->left.nodes)
    node.symbol = symbolOf(node, context.terms);
  Symbol symbol = read->left.nodes[read->left.roots.front()].symbol;
  auto all = std::make_shared<LoadedTensor>(LoadedTensor{op, std::move(*read), context});
  for (const TensorPattern::Node &node : all->rule.left.nodes)
    all->asksOps |= node.kind == TensorPattern::Node::Contract ||
                    (node.term && context.terms.rounds(*node.term));
  Rule rule;
  rule.name = op.getSymName().str() + (forward ? "" : " (back)");
  rule.flags = permissionsOf(op);
  unsigned block = 0;
  uint32_t seen = 0;
  rule.sweep = [=, &context](EGraph &graph, function_ref<void(Id, Id)> unite) mutable {
    // Only where something changed since the last time, as far down as the graph tells.
    if (std::exchange(block, context.block) != context.block) {
      seen = 0;
      all->built.clear();
    } else if (isOfSeveral)
      return; // what it makes it would find again, with all the others
    const uint32_t since = std::exchange(seen, graph.round());
    for (Id id : graph.classesWith(symbol))
      if (since == 0 || graph.changed(id, EGraph::stampDepth) > since)
        all->use(graph, id, unite);
  };
  return rule;
}

} // namespace mad::rewrite
