//===- Matcher.cpp - Finds a pattern in an e-graph --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parts of the pattern without variables are looked up once a search. The others are bound
// from the root on, so that a register is compared as soon as it is known.
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Matcher.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace mad::egraph {

Matcher::Matcher(const Language &language, Pattern pattern, unsigned variables,
                 unsigned opVariables, uint32_t flags)
    : language(language), source(std::move(pattern)), opVariables(opVariables), flags(flags) {
  compile(variables);
}

void Matcher::compile(unsigned variables) {
  std::vector<bool> isGround(source.nodes.size());
  for (auto [i, node] : enumerate(source.nodes))
    isGround[i] = !node.isVariable() && node.opVariable == none &&
                  !language.isFlagged(node.symbol) &&
                  llvm::all_of(node.operands, [&](unsigned o) { return isGround[o]; });
  variableRegister.assign(variables, none);
  bool isLinear = true;
  llvm::SmallDenseSet<unsigned, 4> bound;                              // variables of operations
  SmallVector<std::pair<unsigned, unsigned>> todo{{source.root(), 0}}; // node, register
  auto compare = [&](unsigned reg, unsigned other) {
    Instruction next;
    next.kind = Instruction::Compare;
    next.reg = reg, next.other = other;
    program.push_back(next);
  };
  while (!todo.empty()) {
    auto [at, reg] = todo.front();
    todo.erase(todo.begin());
    const Pattern::Node &node = source.nodes[at];
    if (isGround[at] && at != source.root()) {
      grounds.push_back({registers, at});
      compare(reg, registers++);
      continue;
    }
    Instruction next;
    next.reg = reg;
    next.symbol = node.symbol;
    next.flagged = language.isFlagged(node.symbol);
    hasFlagged |= next.flagged;
    next.opVariable = node.opVariable;
    if (node.opVariable == none)
      next.op = node.op;
    else
      next.isFirst = bound.insert(node.opVariable).second;
    next.arity = unsigned(node.operands.size());
    next.other = registers;
    next.commutes = next.arity == 2 && language.isCommutative(node.symbol);
    program.push_back(next);
    registers += next.arity;
    // Variables first: what is bound already ends a wrong choice at once.
    for (auto [i, operand] : enumerate(node.operands)) {
      const Pattern::Node &below = source.nodes[operand];
      if (!below.isVariable())
        continue;
      unsigned &known = variableRegister[below.variable];
      if (known == none) {
        known = next.other + i;
      } else {
        compare(next.other + i, known);
        isLinear = false;
      }
    }
    for (auto [i, operand] : enumerate(node.operands))
      if (!source.nodes[operand].isVariable())
        todo.push_back({operand, next.other + i});
  }
  for (auto [pc, next] : enumerate(program))
    if (next.kind == Instruction::Bind)
      lastBind = unsigned(pc);
  // Where a variable is met twice, two classes below the last operations may become one.
  steps = source.depth() + (isLinear ? 0 : 1);
}

struct Matcher::Run {
  const EGraph &graph;
  Matches &matches;
  size_t limit;
  SmallVector<Id, 16> regs;
  SmallVector<OpId, 4> ops;
  Id root;
  uint32_t flags = ~0u; ///< of all operations that are bound
  uint32_t since = 0;   ///< matches count only with a node that changed after this round
  bool isNew = true;    ///< there is one
};

/// Looks up what has no variables. False if the graph lacks some of it.
bool Matcher::findGround(Run &state) const {
  for (const Ground &ground : grounds) {
    auto look = [&](auto &&self, unsigned at) -> std::optional<Id> {
      SmallVector<Id, 4> operands;
      for (unsigned operand : source.nodes[at].operands) {
        std::optional<Id> id = self(self, operand);
        if (!id)
          return {};
        operands.push_back(*id);
      }
      std::optional<Id> node = state.graph.lookup(source.nodes[at].op, operands);
      if (node)
        state.isNew |= state.graph.changedNode(*node) > state.since;
      return node;
    };
    std::optional<Id> node = look(look, ground.node);
    if (!node)
      return false;
    state.regs[ground.reg] = state.graph.find(*node);
  }
  return true;
}

void Matcher::emit(Run &state) const {
  std::vector<uint32_t> &rows = state.matches.rows;
  rows.push_back(hasFlagged ? state.flags : 0);
  rows.push_back(state.root);
  for (unsigned reg : variableRegister)
    rows.push_back(reg == none ? none : state.regs[reg]);
  rows.insert(rows.end(), state.ops.begin(), state.ops.end());
}

bool Matcher::isThat(const Instruction &wanted, OpId op) const {
  return wanted.op == none || wanted.op == op ||
         (wanted.flagged && language.get(wanted.op).payload == language.get(op).payload);
}

bool Matcher::bind(Run &state, unsigned pc, Id node) const {
  const Instruction &next = program[pc];
  ArrayRef<Id> operands = state.graph.operands(node);
  const Op &op = language.get(state.graph.op(node));
  if (operands.size() != next.arity || !isThat(next, state.graph.op(node)) ||
      (next.flagged && (op.flags & flags) != flags))
    return false;
  if (next.opVariable != none) {
    OpId &known = state.ops[next.opVariable];
    if (!next.isFirst && known != state.graph.op(node))
      return false;
    known = state.graph.op(node);
  }
  if (next.flagged)
    state.flags &= op.flags;
  for (unsigned i = 0; i < next.arity; ++i)
    state.regs[next.other + i] = state.graph.find(operands[i]);
  return true;
}

void Matcher::run(Run &state, unsigned pc) const {
  for (; pc < program.size() && program[pc].kind == Instruction::Compare; ++pc)
    if (state.regs[program[pc].reg] != state.regs[program[pc].other])
      return;
  if (pc == program.size())
    return state.isNew ? emit(state) : void();
  const Instruction &next = program[pc];
  const uint32_t before = state.flags;
  const bool wasNew = state.isNew;
  for (Id node : state.graph.nodesOf(state.regs[next.reg], next.symbol)) {
    ++visits;
    state.isNew = wasNew || state.graph.changedNode(node) > state.since;
    if (pc == lastBind && !state.isNew)
      continue;
    state.flags = before;
    if (!bind(state, pc, node))
      continue;
    run(state, pc + 1);
    if (next.commutes && state.regs[next.other] != state.regs[next.other + 1]) {
      std::swap(state.regs[next.other], state.regs[next.other + 1]);
      run(state, pc + 1);
    }
    if (state.matches.size() > state.limit)
      break;
  }
  state.isNew = wasNew;
}

void Matcher::searchAt(const EGraph &graph, Id id, Matches &matches, size_t limit) const {
  Run state{graph, matches, limit, {}, {}, graph.find(id)};
  state.regs.resize(registers);
  state.ops.resize(opVariables);
  if (!findGround(state))
    return;
  state.regs[0] = state.root;
  run(state, 0);
}

void Matcher::search(const EGraph &graph, Matches &matches, size_t limit, Seen seen) const {
  Run state{graph, matches, limit, {}, {}, none};
  state.regs.resize(registers);
  state.ops.resize(opVariables);
  state.since = seen.nodes ? seen.round : 0;
  state.isNew = state.since == 0;
  if (!findGround(state))
    return;
  // How far changes spread is not known for deeper patterns.
  const bool skips = seen.round > 0 && seen.reach <= EGraph::stampDepth;
  for (Id id : graph.classesWith(source.nodes.back().symbol)) {
    if (skips && graph.changed(id, seen.reach) <= seen.round)
      continue;
    state.root = state.regs[0] = id;
    state.flags = ~0u;
    run(state, 0);
    if (matches.size() > limit)
      return;
  }
}

} // namespace mad::egraph
