//===- SumRules.cpp - Sums and products of many terms ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules of order and of factors that go on as long as they find something make 3^n nodes of a sum
// of n terms. Here the sums of a block that may be reordered are one system of polynomials, which
// is factored as a whole (passes/EGraph/Factor.h).
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/Builders.h"
#include "passes/EGraph/Bridge/Rules.h"
#include "passes/EGraph/Sums.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mad::egraph;

namespace mad::rewrite {
namespace {

/// Fewer operations than this are left to the rules.
constexpr size_t leastOperations = 6;
constexpr uint32_t needed = Reassoc | Nsz;

Ring::Kind kindOf(StringRef name) {
  return llvm::StringSwitch<Ring::Kind>(name)
      .Case("add", Ring::Add)
      .Case("sub", Ring::Subtract)
      .Case("neg", Ring::Negate)
      .Case("mul", Ring::Multiply)
      .Case("fma", Ring::MultiplyAdd)
      .Default(Ring::Atom);
}

/// Sums and products of tensors of one type.
class TensorRing {
public:
  TensorRing(RuleContext &context, RankedTensorType type, const llvm::DenseSet<Id> &shared)
      : context(context), terms(context.terms), type(type), shared(shared) {}

  Ring::Meaning meaning(const EGraph &graph, Id node) const {
    OpId op = graph.op(node);
    if (terms.isLeaf(op) || terms.isRelaxed(op) || terms.get(op).type != type)
      return {};
    if (auto number = dyn_cast_or_null<FloatAttr>(context.facts->constants.of(graph, node)))
      if (number.getValue().isFinite())
        return {Ring::Constant, number.getValueAsDouble()};
    Ring::Kind kind = kindOf(terms.get(op).name.stripDialect());
    bool free = (terms.language.get(op).flags & needed) == needed;
    return {free ? kind : Ring::Atom};
  }

  Ring ring() {
    Ring ring;
    ring.meaning = [this](const EGraph &graph, Id node) { return meaning(graph, node); };
    ring.isShared = [this](Id id) { return shared.contains(id); };
    ring.constant = [this](EGraph &graph, double value) {
      return terms.splat(graph, FloatAttr::get(type.getElementType(), value), type);
    };
    ring.add = [this](EGraph &graph, Id a, Id b) { return make(graph, "mad.add", {a, b}); };
    ring.subtract = [this](EGraph &graph, Id a, Id b) { return make(graph, "mad.sub", {a, b}); };
    ring.multiply = [this](EGraph &graph, Id a, Id b) { return make(graph, "mad.mul", {a, b}); };
    ring.negate = [this](EGraph &graph, Id a) { return make(graph, "mad.neg", a); };
    return ring;
  }

private:
  Id make(EGraph &graph, StringRef name, ArrayRef<Id> operands) {
    return graph.add(terms.of({OperationName(name, terms.context), {}, type}, AllPermissions),
                     operands);
  }

  RuleContext &context;
  Terms &terms;
  RankedTensorType type;
  const llvm::DenseSet<Id> &shared;
};

} // namespace

bool addSums(EGraph &graph, ArrayRef<Id> roots, ArrayRef<Id> several, RuleContext &context) {
  Terms &terms = context.terms;
  // By type, in the order of the program: sums, and how many operations there are.
  llvm::MapVector<Type, std::pair<SmallVector<Id>, size_t>> systems;
  auto isFree = [&](Id node) {
    OpId op = graph.op(node);
    return !terms.isLeaf(op) && !terms.isRelaxed(op) &&
           kindOf(terms.get(op).name.stripDialect()) != Ring::Atom &&
           isa<FloatType>(terms.get(op).type.getElementType()) &&
           (terms.language.get(op).flags & needed) == needed;
  };
  for (Id id : graph.classes())
    for (Id node : graph.nodesOf(id))
      if (isFree(node)) {
        ++systems[terms.get(graph.op(node)).type].second;
        break;
      }
  // A sum counts where something else than a sum needs it.
  llvm::DenseSet<Id> seen;
  auto addRoot = [&](Id id) {
    id = graph.find(id);
    if (llvm::any_of(graph.nodesOf(id), isFree) && seen.insert(id).second)
      systems[terms.typeOf(graph, id)].first.push_back(id);
  };
  for (Id root : roots)
    addRoot(root);
  for (Id id : graph.classes())
    for (Id node : graph.nodesOf(id))
      if (!isFree(node))
        for (Id operand : graph.operands(node))
          addRoot(operand);
  llvm::DenseSet<Id> shared;
  for (Id id : several) {
    addRoot(id);
    shared.insert(graph.find(id));
  }
  bool any = false;
  for (auto &[type, system] : systems) {
    if (system.second < leastOperations || system.first.empty())
      continue;
    TensorRing made(context, cast<RankedTensorType>(type), shared);
    addFactored(graph, made.ring(), system.first,
                [&](Id a, Id b) { any |= graph.unite(a, b, becauseFactored); });
  }
  if (any)
    graph.rebuild();
  return any;
}

} // namespace mad::rewrite
