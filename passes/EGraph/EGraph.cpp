//===- EGraph.cpp - Many programs that are equal, in one graph --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nodes are found by a table of open addressing, whose keys are the nodes themselves. A
// slot keeps the hash that it was made with: when operands of a node get another leader
// the node is entered again, and its old slot answers to no key any more.
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/EGraph.h"
#include "passes/EGraph/Explain.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace mad::egraph {

EGraph::EGraph(Language &language, bool explains) : names(&language), table(64, Slot{0, none}) {
  if (explains)
    proofForest = std::make_unique<Proofs>();
}

EGraph::~EGraph() = default;

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

uint32_t EGraph::hashOf(OpId op, ArrayRef<Id> operands) const {
  uint64_t hash = (uint64_t(op) + 1) * 0x9E3779B97F4A7C15ull;
  for (Id operand : operands) {
    hash = (hash ^ operand) * 0xD6E8FEB86659FD93ull;
    hash ^= hash >> 32;
  }
  return uint32_t(hash ^ hash >> 29);
}

bool EGraph::equals(Id node, OpId op, ArrayRef<Id> operands) const {
  return nodes[node].op == op && this->operands(node) == operands;
}

Id EGraph::probe(uint32_t hash, OpId op, ArrayRef<Id> operands, size_t &slot) const {
  const size_t mask = table.size() - 1;
  for (slot = hash & mask; table[slot].node != none; slot = (slot + 1) & mask)
    if (table[slot].hash == hash && equals(table[slot].node, op, operands) &&
        !dead[table[slot].node])
      return table[slot].node;
  return none;
}

void EGraph::insert(uint32_t hash, Id node, size_t slot) {
  table[slot] = {hash, node};
  // At most two of three slots are used.
  if (++used * 3 > table.size() * 2)
    growTable(live * 3 > table.size() ? table.size() * 2 : table.size());
}

void EGraph::growTable(size_t slots) {
  std::vector<Slot> old(slots, Slot{0, none});
  old.swap(table);
  used = 0;
  for (const Slot &entry : old) {
    // Slots that are out of date are left out.
    if (entry.node == none || dead[entry.node] ||
        hashOf(nodes[entry.node].op, operands(entry.node)) != entry.hash)
      continue;
    size_t slot = entry.hash & (slots - 1);
    while (table[slot].node != none)
      slot = (slot + 1) & (slots - 1);
    table[slot] = entry;
    ++used;
  }
}

//===----------------------------------------------------------------------===//
// Nodes and unions
//===----------------------------------------------------------------------===//

namespace {

/// Operands by their leaders, in order where the operation is commutative.
class Canonical {
public:
  Canonical(const EGraph &graph, OpId op, ArrayRef<Id> given) {
    for (Id operand : given)
      operands.push_back(graph.find(operand));
    const Language &language = graph.language();
    if (operands.size() > 1 && language.isCommutative(language.get(op).symbol))
      llvm::sort(operands);
  }
  operator ArrayRef<Id>() const { return operands; }

private:
  SmallVector<Id, 8> operands;
};

} // namespace

std::optional<Id> EGraph::lookup(OpId op, ArrayRef<Id> given) const {
  Canonical operands(*this, op, given);
  size_t slot;
  Id found = probe(hashOf(op, operands), op, operands, slot);
  return found == none ? std::nullopt : std::optional(found);
}

Id EGraph::add(OpId op, ArrayRef<Id> given) {
  ++adds;
  Canonical operands(*this, op, given);
  SmallVector<Id, 8> copy; // what is given may lie in memory that grows
  if (proofForest) {
    copy.assign(given.begin(), given.end());
    given = copy;
  }
  const uint32_t hash = hashOf(op, operands);
  size_t slot;
  Id found = probe(hash, op, operands, slot);
  if (found != none) {
    if (!proofForest)
      return find(found);
    return this->given(found) == given ? found : makeAlias(op, given, found);
  }
  Id node = makeNode(op, operands, hash, slot);
  if (proofForest)
    keepGiven(given);
  ++classCount;
  touch(node);
  return node;
}

bool EGraph::addTo(Id id, OpId op, ArrayRef<Id> given, uint32_t because) {
  if (proofForest)
    return unite(id, add(op, given), because);
  ++adds;
  Canonical operands(*this, op, given);
  const uint32_t hash = hashOf(op, operands);
  size_t slot;
  Id found = probe(hash, op, operands, slot);
  if (found != none)
    return unite(id, found, because);
  Id node = makeNode(op, operands, hash, slot);
  id = find(id);
  leader[node] = id;
  touch(id);
  for (Analysis *analysis : analyses)
    if (analysis->merge(*this, id, node) & 1) {
      for (uint32_t at = firstParent[id]; at != none; at = parents[at].next)
        staleFacts.push_back({parents[at].node, analysis});
      changedFacts.push_back({id, analysis});
    }
  return true;
}

/// A node that the table does not have, as the leader of its class.
Id EGraph::makeNode(OpId op, ArrayRef<Id> operands, uint32_t hash, size_t slot) {
  Id node = make(op, operands);
  ++live;
  ++made;
  insert(hash, node, slot);
  for (auto [i, operand] : enumerate(operands))
    if (!is_contained(operands.take_front(i), operand))
      addParent(operand, node);
  clean = false;
  for (Analysis *analysis : analyses) {
    analysis->made(*this, node);
    changedFacts.push_back({node, analysis});
  }
  return node;
}

Id EGraph::newId() {
  if (!free.empty()) {
    Id id = free.back();
    free.pop_back();
    dead[id] = false;
    leader[id] = id;
    firstParent[id] = lastParent[id] = none;
    parentCount[id] = 0;
    nodeStamps[id] = rounds + 1;
    classBefore[id] = none;
    return id;
  }
  Id id = Id(nodes.size());
  nodes.emplace_back();
  leader.push_back(id);
  dead.push_back(false);
  firstParent.push_back(none);
  lastParent.push_back(none);
  parentCount.push_back(0);
  nodeStamps.push_back(rounds + 1);
  classBefore.push_back(none);
  return id;
}

Id EGraph::make(OpId op, ArrayRef<Id> operands) {
  Node node{op, uint32_t(operands.size()), {none, none}};
  if (operands.size() <= inlined) {
    llvm::copy(operands, node.data);
  } else {
    node.data[0] = Id(overflow.size());
    overflow.insert(overflow.end(), operands.begin(), operands.end());
  }
  Id id = newId();
  nodes[id] = node;
  return id;
}

/// A term whose operands are equal to those of a node, but not the same: for explanations.
Id EGraph::makeAlias(OpId op, ArrayRef<Id> operands, Id same) {
  auto key = std::pair<uint64_t, uint64_t>(hash_combine_range(operands), op);
  for (Id id : exact[key])
    if (nodes[id].op == op && given(id) == operands)
      return id;
  Id id = make(op, operands);
  keepGiven(operands);
  dead[id] = true;
  leader[id] = find(same);
  exact[key].push_back(id);
  proofForest->link(id, same, becauseCongruent);
  return id;
}

void EGraph::keepGiven(ArrayRef<Id> operands) {
  givenAt.push_back(uint32_t(givenOperands.size()));
  givenOperands.insert(givenOperands.end(), operands.begin(), operands.end());
}

ArrayRef<Id> EGraph::given(Id node) const {
  return ArrayRef(givenOperands).slice(givenAt[node], nodes[node].arity);
}

void EGraph::addParent(Id id, Id node) {
  uint32_t at = uint32_t(parents.size());
  parents.push_back({node, none});
  (firstParent[id] == none ? firstParent[id] : parents[lastParent[id]].next) = at;
  lastParent[id] = at;
  ++parentCount[id];
}

bool EGraph::unite(Id a, Id b, uint32_t because) {
  Id into = find(a), from = find(b);
  if (into == from)
    return false;
  if (proofForest)
    proofForest->link(a, b, because);
  // The nodes that use `from` are hashed anew.
  if (parentCount[into] < parentCount[from])
    std::swap(into, from);
  ++unions;
  --classCount;
  clean = false;
  leader[from] = into;
  for (Analysis *analysis : analyses) {
    unsigned changed = analysis->merge(*this, into, from);
    for (auto [bit, id] : {std::pair(1u, into), std::pair(2u, from)})
      if (changed & bit)
        for (uint32_t at = firstParent[id]; at != none; at = parents[at].next)
          staleFacts.push_back({parents[at].node, analysis});
    if (changed)
      changedFacts.push_back({into, analysis});
  }
  for (uint32_t at = firstParent[from]; at != none; at = parents[at].next)
    pending.push_back(parents[at].node);
  if (firstParent[from] != none) {
    (firstParent[into] == none ? firstParent[into] : parents[lastParent[into]].next) =
        firstParent[from];
    lastParent[into] = lastParent[from];
    parentCount[into] += parentCount[from];
  }
  touch(into);
  return true;
}

//===----------------------------------------------------------------------===//
// Rebuilding
//===----------------------------------------------------------------------===//

void EGraph::repairNodes() {
  while (!pending.empty()) {
    Id node = pending.back();
    pending.pop_back();
    if (dead[node])
      continue;
    OpId op = nodes[node].op;
    MutableArrayRef<Id> operands = operandsOf(node);
    for (Id &operand : operands)
      operand = find(operand);
    if (operands.size() > 1 && names->isCommutative(names->get(op).symbol))
      llvm::sort(operands);
    uint32_t hash = hashOf(op, operands);
    size_t slot;
    Id same = probe(hash, op, operands, slot);
    nodeStamps[node] = rounds + 1;
    if (same == none) {
      insert(hash, node, slot);
    } else if (same != node) {
      dead[node] = true;
      --live;
      unite(same, node, becauseCongruent);
    }
  }
}

void EGraph::repairFacts() {
  while (!staleFacts.empty() || !changedFacts.empty()) {
    if (!changedFacts.empty()) {
      auto [id, analysis] = changedFacts.back();
      changedFacts.pop_back();
      touch(find(id));
      analysis->modify(*this, find(id));
      if (!pending.empty())
        return;
      continue;
    }
    auto [node, analysis] = staleFacts.back();
    staleFacts.pop_back();
    Id id = find(node);
    if (!analysis->update(*this, id, node))
      continue;
    for (uint32_t at = firstParent[id]; at != none; at = parents[at].next)
      staleFacts.push_back({parents[at].node, analysis});
    changedFacts.push_back({id, analysis});
  }
}

void EGraph::rebuild() {
  if (clean)
    return;
  while (!pending.empty() || !staleFacts.empty() || !changedFacts.empty()) {
    repairNodes();
    repairFacts();
  }
  ++rounds;
  makeIndex();
  if (reusable != none && !proofForest)
    collectDead();
  makeSymbolIndex();
  spreadStamps();
  clean = true;
}

/// Members of each class, by symbol.
void EGraph::makeIndex() {
  const Id ids = Id(nodes.size());
  memberCount.assign(ids, 0);
  firstMember.resize(ids);
  leaders.clear();
  for (Id id = 0; id < ids; ++id) {
    leader[id] = find(id);
    if (leader[id] == id)
      leaders.push_back(id);
    if (dead[id])
      continue;
    ++memberCount[leader[id]];
    if (classBefore[id] != leader[id])
      nodeStamps[id] = rounds;
    classBefore[id] = leader[id];
  }
  uint32_t first = 0;
  for (Id id : leaders) {
    firstMember[id] = first;
    first += std::exchange(memberCount[id], 0);
  }
  members.resize(first);
  for (Id id = 0; id < ids; ++id)
    if (!dead[id])
      members[firstMember[leader[id]] + memberCount[leader[id]]++] = id;
  auto before = [&](Id a, Id b) {
    Symbol x = symbolOf(a), y = symbolOf(b);
    return x != y ? x < y : a < b;
  };
  for (Id id : leaders)
    if (memberCount[id] > 1)
      llvm::sort(members.begin() + firstMember[id],
                 members.begin() + firstMember[id] + memberCount[id], before);
}

/// Ids of dead nodes that stand for no class are free, once nothing leads through them and no
/// list of parents has them.
void EGraph::collectDead() {
  free.clear();
  for (Id id = reusable; id < nodes.size(); ++id)
    if (dead[id] && leader[id] != id)
      free.push_back(id);
  if (free.empty())
    return;
  std::reverse(free.begin(), free.end());
  parents.clear();
  llvm::fill(firstParent, none);
  llvm::fill(parentCount, 0);
  for (Id id : members) {
    ArrayRef<Id> below = operands(id);
    for (auto [i, operand] : enumerate(below))
      if (!is_contained(below.take_front(i), operand))
        addParent(operand, id);
  }
}

/// Classes that have a symbol.
void EGraph::makeSymbolIndex() {
  firstOfSymbol.assign(names->numSymbols() + 1, 0);
  auto forRuns = [&](auto visit) {
    for (Id id : leaders) {
      Symbol last = none;
      for (Id node : nodesOf(id))
        if (Symbol symbol = symbolOf(node); symbol != last)
          visit(id, last = symbol);
    }
  };
  forRuns([&](Id, Symbol symbol) { ++firstOfSymbol[symbol + 1]; });
  for (unsigned s = 0; s < names->numSymbols(); ++s)
    firstOfSymbol[s + 1] += firstOfSymbol[s];
  bySymbol.resize(firstOfSymbol.back());
  std::vector<uint32_t> next(firstOfSymbol.begin(), firstOfSymbol.end() - 1);
  forRuns([&](Id id, Symbol symbol) { bySymbol[next[symbol]++] = id; });
}

ArrayRef<Id> EGraph::nodesOf(Id id, Symbol symbol) const {
  ArrayRef<Id> all = nodesOf(id);
  if (all.size() == 1) // most classes
    return symbolOf(all[0]) == symbol ? all : ArrayRef<Id>();
  auto low = llvm::partition_point(all, [&](Id n) { return symbolOf(n) < symbol; });
  auto high = low;
  while (high != all.end() && symbolOf(*high) == symbol)
    ++high;
  return {low, high};
}

ArrayRef<Id> EGraph::classesWith(Symbol symbol) const {
  if (symbol + 1 >= firstOfSymbol.size())
    return {};
  return ArrayRef(bySymbol).slice(firstOfSymbol[symbol],
                                  firstOfSymbol[symbol + 1] - firstOfSymbol[symbol]);
}

/// What changed reaches the classes above it, a step of operands for each depth.
void EGraph::spreadStamps() {
  std::vector<Id> front;
  for (unsigned depth = 0; depth <= deepest; ++depth) {
    std::vector<uint32_t> &stamp = stamps[depth];
    stamp.resize(nodes.size(), 0);
    std::vector<Id> next;
    auto visit = [&](Id id) {
      if (stamp[id] == rounds)
        return;
      stamp[id] = rounds;
      next.push_back(id);
    };
    for (Id id : depth == 0 ? touched : front) {
      visit(find(id));
      if (depth > 0)
        forParents(id, [&](Id node) { visit(find(node)); });
    }
    front = std::move(next);
  }
  touched.clear();
}

size_t EGraph::memory() const {
  auto bytes = [](const auto &v) { return v.capacity() * sizeof(v[0]); };
  size_t all = bytes(nodes) + bytes(overflow) + bytes(leader) + dead.capacity() / 8 + bytes(table) +
               bytes(parents) + bytes(firstParent) + bytes(lastParent) + bytes(parentCount) +
               bytes(pending) + bytes(touched) + bytes(members) + bytes(leaders) +
               bytes(firstMember) + bytes(memberCount) + bytes(bySymbol) + bytes(nodeStamps) +
               bytes(classBefore) + bytes(free) + bytes(givenAt) + bytes(givenOperands) +
               bytes(staleFacts) + bytes(changedFacts);
  for (const auto &stamp : stamps)
    all += bytes(stamp);
  return all;
}

} // namespace mad::egraph
