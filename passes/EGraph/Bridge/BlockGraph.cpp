//===- BlockGraph.cpp - The values of a block as an e-graph ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Bridge/BlockGraph.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mad::egraph;

namespace mad::rewrite {

BlockGraph::BlockGraph(Block &block, Terms &terms, Facts &facts, bool explains)
    : block(block), terms(terms), facts(facts), egraph(terms.language, explains) {
  facts.attachTo(egraph);
  unsigned position = 0;
  for (Operation &op : block) {
    if (terms.isTerm(&op)) {
      addTerm(&op);
      continue;
    }
    positions[&op] = ++position;
    // What its regions use from here is an operand, too.
    op.walk([&](Operation *inner) {
      for (OpOperand &operand : inner->getOpOperands()) {
        Value value = operand.get();
        if (value.getParentBlock() != &block || !value.getDefiningOp() ||
            !terms.isTerm(value.getDefiningOp()))
          continue;
        uses.push_back({&operand, idOf(value)});
        needed.push_back(uses.back().id);
      }
    });
  }
  egraph.rebuild();
}

Id BlockGraph::idOf(Value value) {
  auto [at, isNew] = ids.try_emplace(value);
  if (isNew)
    at->second = egraph.add(terms.leaf(value));
  return at->second;
}

void BlockGraph::addTerm(Operation *op) {
  SmallVector<Id, 4> operands;
  for (Value operand : op->getOperands())
    operands.push_back(idOf(operand));
  OpId id = terms.of(op);
  if (terms.language.isFlagged(terms.language.get(id).symbol))
    fast &= terms.language.get(id).flags == AllPermissions;
  asks |= terms.rounds(terms.get(id));
  ids[op->getResult(0)] = egraph.add(id, operands);
  nodeOf[op] = *egraph.lookup(id, operands);
  byNode.try_emplace(nodeOf[op], op);
  originals.push_back(op);
}

std::vector<Id> BlockGraph::usedTwice() const {
  std::vector<Id> several;
  for (Operation *op : originals)
    if (!op->use_empty() && !op->getResult(0).hasOneUse())
      several.push_back(ids.lookup(op->getResult(0)));
  return several;
}

double BlockGraph::cost(Id node) const { return cyclesOf(egraph, node, terms, facts); }

double BlockGraph::costBefore() const {
  double sum = 0;
  for (auto [node, op] : byNode)
    if (!op->use_empty())
      sum += cost(node);
  return sum;
}

/// Of each class the skeleton op after which it can be computed at the earliest: 0 before all.
std::vector<unsigned> BlockGraph::homes() {
  std::vector<unsigned> home(egraph.numIds(), ~0u);
  bool changed = true;
  while (changed) {
    changed = false;
    for (Id id : egraph.classes())
      for (Id node : egraph.nodesOf(id)) {
        unsigned at = 0;
        if (terms.isLeaf(egraph.op(node))) {
          Operation *op = terms.valueOf(egraph.op(node)).getDefiningOp();
          at = op ? positions.lookup(op) : 0;
        }
        for (Id operand : egraph.operands(node))
          at = std::max(at, home[egraph.find(operand)]);
        if (at < home[id]) {
          home[id] = at;
          changed = true;
        }
      }
  }
  return home;
}

Extraction BlockGraph::extract(ArrayRef<Group> groups) {
  std::vector<unsigned> home = homes();
  std::vector<double> costs(egraph.numIds(), 0);
  for (Id id : egraph.classes())
    for (Id node : egraph.nodesOf(id)) {
      costs[node] = cost(node);
      // Of two programs that cost the same, the one that was written.
      if (!byNode.contains(node))
        costs[node] *= 1 + 1e-6;
      for (Id operand : egraph.operands(node))
        if (home[egraph.find(operand)] > home[id])
          costs[node] = std::numeric_limits<double>::infinity();
    }
  Cost of = [&](const EGraph &, Id node) { return costs[node]; };
  Extraction best = extractDag(egraph, needed, of);
  // The search changes one choice at a time: it does not find what costs more until the last one.
  for (const Group &group : groups) {
    Extraction other = best;
    for (auto [id, node] : group)
      choose(id, node, other);
    other.cost = costOf(egraph, other.chosen, needed, of);
    if (other.cost < best.cost)
      best = std::move(other);
  }
  return best;
}

/// Takes the node that stands for `node`, as made, in a class; what it needs has choices.
void BlockGraph::choose(Id id, Id node, Extraction &extraction) const {
  SmallVector<Id, 4> operands;
  for (Id operand : egraph.operands(node))
    operands.push_back(egraph.find(operand));
  if (std::optional<Id> now = egraph.lookup(egraph.op(node), operands))
    extraction.chosen[egraph.find(id)] = *now;
}

std::vector<BlockGraph::Changed> BlockGraph::changed(const Extraction &extraction) const {
  std::vector<Changed> all;
  llvm::DenseSet<Operation *> roots;
  for (const Use &use : uses) {
    Operation *op = use.operand->get().getDefiningOp();
    if (!roots.insert(op).second)
      continue;
    Changed one{op, use.id, {}};
    // Of all ops below: which node its class has now.
    llvm::SetVector<Operation *> below;
    below.insert(op);
    for (size_t i = 0; i < below.size(); ++i)
      for (Value operand : below[i]->getOperands())
        if (Operation *inner = operand.getDefiningOp();
            inner && inner->getBlock() == &block && terms.isTerm(inner))
          below.insert(inner);
    for (Operation *inner : below) {
      Id node = nodeOf.lookup(inner), now = extraction.nodeOf(egraph, node);
      if (now != none && now != node)
        one.choices.push_back({node, now});
    }
    if (!one.choices.empty())
      all.push_back(std::move(one));
  }
  return all;
}

/// Whether a view only adds dimensions of one element.
static bool onlyAddsOnes(const Term &term, RankedTensorType source) {
  if (term.name.getStringRef() != ViewOp::getOperationName() ||
      term.attributes.getAs<BoundaryAttr>("boundary").getValue() != Boundary::inside)
    return false;
  int64_t next = 0;
  for (auto [dim, coordinate] :
       llvm::enumerate(term.attributes.getAs<AffineMapAttr>("map").getValue().getResults())) {
    auto at = dyn_cast<AffineDimExpr>(coordinate);
    if (!at || dimExpr(source, dim) != dimExpr(term.type, at.getPosition()))
      return false;
    for (; next < int64_t(at.getPosition()); ++next)
      if (dimExpr(term.type, next) != DimExpr(1))
        return false;
    if (next++ != int64_t(at.getPosition()))
      return false;
  }
  for (; next < term.type.getRank(); ++next)
    if (dimExpr(term.type, next) != DimExpr(1))
      return false;
  return true;
}

Operation *BlockGraph::makeOp(Id node, ArrayRef<Value> operands, OpBuilder &builder,
                              Location wanted) {
  if (Operation *original = byNode.lookup(node)) {
    Operation *copy = builder.clone(*original);
    copy->setOperands(operands);
    // Operands that commute may stand in another order in the node.
    if (operands.size() == 2 &&
        egraph.find(ids.lookup(original->getOperand(0))) != egraph.find(egraph.operands(node)[0]))
      copy->setOperands({operands[1], operands[0]});
    return copy;
  }
  OpId op = egraph.op(node);
  const Term &term = terms.get(op);
  // Lowering makes nothing of a reshape, and a loop of a view.
  if (operands.size() == 1 && onlyAddsOnes(term, cast<RankedTensorType>(operands[0].getType())))
    return ReshapeOp::create(builder, wanted, term.type, operands[0]);
  OperationState state(wanted, term.name);
  state.addOperands(operands);
  state.addTypes(term.type);
  if (term.attributes)
    state.propertiesAttr = term.attributes;
  Operation *made = builder.create(state);
  setPrecision(made, terms.precisionOf(op));
  return made;
}

/// The value of a class: computed here, with all that it needs and that is not there yet.
Value BlockGraph::materialize(Id root, const Extraction &extraction, OpBuilder &builder,
                              Location wanted) {
  // Terms may be deep: no recursion.
  SmallVector<std::pair<Id, Location>> stack{{egraph.find(root), wanted}};
  while (!stack.empty()) {
    auto [id, place] = stack.back();
    if (emitted.contains(id)) {
      stack.pop_back();
      continue;
    }
    Id node = extraction.nodeOf(egraph, id);
    OpId op = egraph.op(node);
    if (Operation *original = byNode.lookup(node))
      place = original->getLoc();
    SmallVector<Value, 4> operands;
    const size_t before = stack.size();
    for (Id operand : egraph.operands(node)) {
      Value known = emitted.lookup(egraph.find(operand));
      if (!known)
        stack.push_back({egraph.find(operand), place});
      operands.push_back(known);
    }
    if (stack.size() > before)
      continue;
    stack.pop_back();
    emitted[id] = terms.isLeaf(op)      ? terms.valueOf(op)
                  : terms.isRelaxed(op) ? operands[0]
                                        : makeOp(node, operands, builder, place)->getResult(0);
  }
  return emitted.lookup(egraph.find(root));
}

void BlockGraph::emit(const Extraction &extraction) {
  OpBuilder builder(terms.context);
  for (const Use &use : uses) {
    Operation *user = block.findAncestorOpInBlock(*use.operand->getOwner());
    builder.setInsertionPoint(user);
    Location wanted = use.operand->get().getLoc();
    Value value = materialize(use.id, extraction, builder, wanted);
    // Static dimensions may have other names there.
    if (value.getType() != use.operand->get().getType())
      value = ReshapeOp::create(builder, wanted, use.operand->get().getType(), value);
    use.operand->set(value);
  }
  for (Operation *op : llvm::reverse(originals))
    op->erase();
}

} // namespace mad::rewrite
