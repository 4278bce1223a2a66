//===- ElementwiseRules.cpp - Rules of tensors of one shape ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A rule may have several values, which are then looked for together. The variables and all that is
// computed have one shape, so a pattern says nothing of it: what is built gets that of a variable.
// Numbers on the left are variables that must be known to be that number.
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Bridge/Rules.h"
#include "passes/EGraph/Relational.h"

using namespace mlir;
using namespace mad::egraph;

namespace mad::rewrite {
namespace {

/// One side of a rule; operands come before what uses them.
struct Side {
  struct Node {
    enum Kind { Variable, Number, Op } kind = Variable;
    unsigned variable = 0;
    RefScalar number;
    std::optional<Term> term;
    SmallVector<unsigned, 3> operands;
    Type element; ///< null: that of the variables
  };
  std::vector<Node> nodes;
  llvm::DenseMap<Value, unsigned> places;
  SmallVector<unsigned, 1> roots;

  /// Empty when an op is not elementwise.
  static std::optional<Side> read(ValueRange values);
  std::optional<unsigned> add(Value value);
};

std::optional<unsigned> Side::add(Value value) {
  if (auto at = places.find(value); at != places.end())
    return at->second;
  Node node;
  node.element = elementInRule(value);
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    node.variable = argument.getArgNumber();
  } else if (std::optional<RefScalar> number = splatValue(value)) {
    node.kind = Node::Number;
    node.number = *number;
    if (node.element && !isa<FloatType>(node.element))
      node.number.f = double(number->i);
  } else {
    Operation *op = value.getDefiningOp();
    if (!isa<ElementwiseOpInterface>(op))
      return {};
    node.kind = Node::Op;
    node.term = termOf(op);
    for (Value operand : op->getOperands()) {
      std::optional<unsigned> at = add(operand);
      if (!at)
        return {};
      node.operands.push_back(*at);
    }
  }
  nodes.push_back(std::move(node));
  return places[value] = unsigned(nodes.size()) - 1;
}

std::optional<Side> Side::read(ValueRange values) {
  Side side;
  for (Value value : values) {
    std::optional<unsigned> root = side.add(value);
    if (!root)
      return {};
    side.roots.push_back(*root);
  }
  return side;
}

/// The left side as a pattern for each of its values; numbers are variables behind those of the
/// rule.
struct Left {
  std::vector<egraph::Pattern> patterns;
  std::vector<std::pair<unsigned, const Side::Node *>> numbers;
  unsigned variables, ops = 0; ///< each operation is a variable, so that proofs can name it

  Left(const Side &side, unsigned variables, Terms &terms) : variables(variables) {
    for (unsigned root : side.roots) {
      patterns.emplace_back();
      add(side, root, terms);
    }
  }
  unsigned add(const Side &side, unsigned at, Terms &terms) {
    const Side::Node &node = side.nodes[at];
    if (node.kind == Side::Node::Variable)
      return patterns.back().addVariable(node.variable);
    if (node.kind == Side::Node::Number) {
      numbers.push_back({variables, &node});
      return patterns.back().addVariable(variables++);
    }
    SmallVector<unsigned, 3> operands;
    for (unsigned operand : node.operands)
      operands.push_back(add(side, operand, terms));
    return patterns.back().add(terms.symbolOf(*node.term), none, operands, ops++);
  }
};

/// Whether the number that is known of a class is this one, with its sign.
bool isNumber(Attribute known, const RefScalar &number) {
  if (auto value = dyn_cast_or_null<FloatAttr>(known)) {
    double found = value.getValueAsDouble();
    return found == number.f && std::signbit(found) == std::signbit(number.f);
  }
  auto value = dyn_cast_or_null<IntegerAttr>(known);
  if (!value)
    return false;
  // The one bit of a truth is no sign.
  bool isTruth = value.getType().isInteger(1);
  return (isTruth ? int64_t(value.getValue().getZExtValue()) : value.getValue().getSExtValue()) ==
         int64_t(number.f);
}

/// A number of an element type; null when it has no such number.
Attribute numberOf(const RefScalar &number, Type element) {
  if (isa<FloatType>(element))
    return FloatAttr::get(element, number.f);
  if (number.f != std::trunc(number.f))
    return {};
  return IntegerAttr::get(element, int64_t(number.f));
}

/// Everything that a rule needs to be searched for and built.
struct Elementwise {
  RuleOp op;
  RuleContext &context;
  Side left, right;
  std::vector<std::pair<unsigned, RefScalar>> numbers; ///< variables that must be numbers
  SmallVector<Type> elements;                          ///< of variables; null: any one of all
  unsigned shaped = 0;                                 ///< a variable that has the shape of all
  bool isExact, isAnyNumber;
  bool asksOps = false; ///< there are ops on the left that have a precision
  uint32_t permissions;

  Elementwise(RuleOp op, RuleContext &context) : op(op), context(context) {
    for (Value argument : op.getBody().getArguments())
      elements.push_back(elementInRule(argument));
    isExact = op.getElements() == "exact";
    isAnyNumber = op.getElements() == "number";
    permissions = permissionsOf(op);
  }

  bool accepts(const EGraph &graph, ArrayRef<Id> variables) const;
  /// The values of the right side; none where a number does not exist in the type.
  SmallVector<Id, 1> build(EGraph &graph, const Bindings &bindings) const;
};

bool Elementwise::accepts(const EGraph &graph, ArrayRef<Id> variables) const {
  RankedTensorType shape = context.terms.typeOf(graph, variables[shaped]);
  Type open; // of all whose type the rule leaves open
  for (auto [i, element] : llvm::enumerate(elements)) {
    if (variables[i] == none)
      continue;
    RankedTensorType type = context.terms.typeOf(graph, variables[i]);
    // Values of several patterns may have nothing in common.
    if (left.roots.size() > 1 &&
        (type.getShape() != shape.getShape() || type.getEncoding() != shape.getEncoding()))
      return false;
    Type found = type.getElementType();
    if (!element && open && open != found)
      return false;
    if (!element)
      open = found;
    bool fits = element   ? found == element
                : isExact ? found.isF32()
                          : isa<FloatType>(found) || (isAnyNumber && !found.isInteger(1));
    if (!fits)
      return false;
  }
  for (const auto &[variable, number] : numbers)
    if (!isNumber(context.facts->constants.of(graph, variables[variable]), number))
      return false;
  // No op that was matched says that the program permits it: then all of it must.
  if (permissions && !asksOps && context.relaxes)
    return false;
  return meets(op, graph, variables, *context.facts);
}

SmallVector<Id, 1> Elementwise::build(EGraph &graph, const Bindings &bindings) const {
  Terms &terms = context.terms;
  RankedTensorType shape = terms.typeOf(graph, bindings.classes[shaped]);
  RankedTensorType any;
  for (auto [i, element] : llvm::enumerate(elements))
    if (!element && bindings.classes[i] != none)
      any = terms.typeOf(graph, bindings.classes[i]);
  if (!any)
    any = RankedTensorType::get(shape.getShape(), Float32Type::get(terms.context),
                                shape.getEncoding());
  SmallVector<Id, 16> made;
  for (const Side::Node &node : right.nodes) {
    RankedTensorType type = any;
    if (node.element)
      type = RankedTensorType::get(shape.getShape(), node.element, shape.getEncoding());
    if (node.kind == Side::Node::Variable) {
      made.push_back(bindings.classes[node.variable]);
    } else if (node.kind == Side::Node::Number) {
      Attribute number = numberOf(node.number, type.getElementType());
      if (!number)
        return {};
      made.push_back(terms.splat(graph, number, type));
    } else {
      SmallVector<Id, 3> operands;
      for (unsigned operand : node.operands)
        operands.push_back(made[operand]);
      Term term = *node.term;
      term.type = type;
      made.push_back(graph.add(terms.of(term, bindings.flags), operands));
    }
  }
  SmallVector<Id, 1> results;
  for (unsigned at : right.roots) {
    // An op with flags of its own is another one for those who need it exactly.
    const Side::Node &root = right.nodes[at];
    bool isApart =
        root.kind == Side::Node::Op && terms.language.isFlagged(terms.symbolOf(*root.term));
    results.push_back(!permissions || isApart ? made[at]
                                              : relax(graph, made[at], context,
                                                      /*always=*/permissions & (Nnan | Ninf)));
  }
  return results;
}

/// Values that are there together: a join of the patterns, once a graph, since each pair of what
/// such a rule makes may be another one of its matches.
void searchTogether(EGraph &graph, const Rule &rule, const Elementwise &all,
                    llvm::function_ref<void(Id, Id)> unite) {
  Matches matches;
  matches.roots = unsigned(rule.left.size());
  matches.classes = rule.variables;
  matches.ops = rule.opVariables;
  Query(all.context.terms.language, rule).search(graph, matches, maxTogether);
  for (size_t i = 0; i < matches.size(); ++i) {
    if (!all.accepts(graph, matches[i].classes) ||
        !all.context.isNewGroup(all.op, graph, matches.rootsOf(i)))
      continue;
    SmallVector<Id, 1> made = all.build(graph, matches[i]);
    if (!made.empty())
      all.context.addGroup(matches.rootsOf(i), made, unite);
  }
}

} // namespace

std::optional<Rule> loadElementwise(RuleOp op, bool forward, RuleContext &context) {
  auto sides = cast<SidesOp>(op.getBody().front().getTerminator());
  ValueRange from = forward ? sides.getLeft() : sides.getRight();
  ValueRange to = forward ? sides.getRight() : sides.getLeft();
  std::optional<Side> left = Side::read(from), right = Side::read(to);
  if (!left || !right || llvm::any_of(left->roots, [&](unsigned root) {
        return left->nodes[root].kind != Side::Node::Op;
      }))
    return {};
  auto all = std::make_shared<Elementwise>(op, context);
  all->left = std::move(*left);
  all->right = std::move(*right);
  Left pattern(all->left, op.getBody().getNumArguments(), context.terms);
  for (auto [variable, node] : pattern.numbers)
    all->numbers.push_back({variable, node->number});
  for (const Side::Node &node : all->left.nodes) {
    if (node.kind == Side::Node::Variable)
      all->shaped = node.variable;
    if (node.kind == Side::Node::Op)
      all->asksOps |= context.terms.rounds(*node.term);
  }
  Rule rule;
  rule.name = op.getSymName().str() + (forward ? "" : " (back)");
  rule.variables = pattern.variables;
  rule.opVariables = pattern.ops;
  rule.flags = all->permissions;
  rule.left = std::move(pattern.patterns);
  if (rule.left.size() > 1) {
    auto together = std::make_shared<Rule>(std::move(rule));
    return sweep(together->name, [=, &context, block = 0u](EGraph &graph, auto unite) mutable {
      if (std::exchange(block, context.block) != context.block)
        searchTogether(graph, *together, *all, unite);
    });
  }
  rule.condition = [all](const EGraph &graph, const Bindings &bindings) {
    return all->accepts(graph, bindings.classes);
  };
  rule.build = [all](EGraph &graph, const Bindings &bindings) -> std::optional<Id> {
    SmallVector<Id, 1> made = all->build(graph, bindings);
    return made.empty() ? std::nullopt : std::optional(made.front());
  };
  return rule;
}

} // namespace mad::rewrite
