//===- EGraph.cpp - Many programs that are equal, in one graph --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nodes are found by a table of open addressing, whose keys are the nodes themselves. When
// operands of a node get another leader the node is entered again. Who comes by its old slot
// compares what the node is now, so such slots do no harm until the table is made anew.
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/EGraph.h"
#include "passes/EGraph/Explain.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace mad::egraph {

/// Grows by a quarter rather than by as much again: most of the memory of a graph is here.
template <typename T> static void append(std::vector<T> &to, T value) {
  if (to.size() == to.capacity())
    to.reserve(to.size() + to.size() / 4 + 64);
  to.push_back(value);
}

EGraph::EGraph(Language &language, bool explains) : names(&language), table(64, none), tags(64, 0) {
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

static uint8_t tagOf(uint32_t hash) { return uint8_t(hash >> 24); }

Id EGraph::probe(uint32_t hash, OpId op, ArrayRef<Id> operands, size_t &slot) const {
  const size_t mask = table.size() - 1;
  for (slot = hash & mask; table[slot] != none; slot = (slot + 1) & mask)
    if (Id node = table[slot];
        tags[slot] == tagOf(hash) && equals(node, op, operands) && !dead[node])
      return node;
  return none;
}

void EGraph::insert(uint32_t hash, Id node, size_t slot) {
  table[slot] = node;
  tags[slot] = tagOf(hash);
  // At most two of three slots are used.
  if (++used * 3 > table.size() * 2)
    growTable(live * 5 > table.size() * 2 ? table.size() * 2 : table.size());
}

void EGraph::growTable(size_t size) {
  std::vector<Id> old(size, none);
  old.swap(table);
  tags.assign(size, 0);
  used = 0;
  for (Id node : old) {
    if (node == none || dead[node])
      continue;
    uint32_t hash = hashOf(nodes[node].op, operands(node));
    size_t slot = hash & (size - 1);
    while (table[slot] != none && table[slot] != node)
      slot = (slot + 1) & (size - 1);
    if (table[slot] == node) // it had an old slot, too
      continue;
    table[slot] = node;
    tags[slot] = tagOf(hash);
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
    if (operands.size() == 2 && language.isCommutative(language.get(op).symbol))
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
  newClass(node);
  touch(node);
  return node;
}

void EGraph::newClass(Id id) {
  ++classCount;
  if (freeSlots.empty()) {
    slots[id] = uint32_t(classRecords.size());
    append(classRecords, Class());
    return;
  }
  slots[id] = freeSlots.back();
  freeSlots.pop_back();
  classRecords[slots[id]] = Class();
  for (auto &stamp : stamps)
    if (slots[id] < stamp.size())
      stamp[slots[id]] = 0;
}

void EGraph::touch(Id id) {
  if (std::exchange(recordOf(id).touched, rounds + 1) != rounds + 1)
    append(touched, id);
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
      for (uint32_t at = recordOf(id).firstParent; at != none; at = parents[at].next)
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
    nodeStamps[id] = rounds + 1;
    classBefore[id] = none;
    return id;
  }
  Id id = Id(nodes.size());
  append(nodes, Node{0, 0, {none, none}});
  append(leader, id);
  if (dead.size() == dead.capacity())
    dead.reserve(dead.size() + dead.size() / 4 + 64);
  dead.push_back(false);
  append(slots, none);
  append(nodeStamps, rounds + 1);
  append(classBefore, none);
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
  append(parents, Parent{node, none});
  Class &c = recordOf(id);
  (c.firstParent == none ? c.firstParent : parents[c.lastParent].next) = at;
  c.lastParent = at;
  ++c.parentCount;
}

bool EGraph::unite(Id a, Id b, uint32_t because) {
  Id into = find(a), from = find(b);
  if (into == from)
    return false;
  if (proofForest)
    proofForest->link(a, b, because);
  // The nodes that use `from` are hashed anew.
  if (recordOf(into).parentCount < recordOf(from).parentCount)
    std::swap(into, from);
  Class &winner = recordOf(into), &loser = recordOf(from);
  ++unions;
  --classCount;
  clean = false;
  leader[from] = into;
  for (Analysis *analysis : analyses) {
    unsigned changed = analysis->merge(*this, into, from);
    for (auto [bit, first] : {std::pair(1u, winner.firstParent), std::pair(2u, loser.firstParent)})
      if (changed & bit)
        for (uint32_t at = first; at != none; at = parents[at].next)
          staleFacts.push_back({parents[at].node, analysis});
    if (changed)
      changedFacts.push_back({into, analysis});
  }
  for (uint32_t at = loser.firstParent; at != none; at = parents[at].next)
    append(pending, parents[at].node);
  if (loser.firstParent != none) {
    (winner.firstParent == none ? winner.firstParent : parents[winner.lastParent].next) =
        loser.firstParent;
    winner.lastParent = loser.lastParent;
    winner.parentCount += loser.parentCount;
  }
  freeSlots.push_back(std::exchange(slots[from], none));
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
    if (operands.size() == 2 && names->isCommutative(names->get(op).symbol))
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
    for (uint32_t at = recordOf(id).firstParent; at != none; at = parents[at].next)
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
  for (std::vector<Id> *list : {&pending, &touched})
    if (list->capacity() > nodes.size() / 8)
      std::vector<Id>().swap(*list);
  clean = true;
}

/// Members of each class, by symbol.
void EGraph::makeIndex() {
  const Id ids = Id(nodes.size());
  for (Class &c : classRecords)
    c.memberCount = 0;
  leaders.clear();
  for (Id id = 0; id < ids; ++id) {
    leader[id] = find(id);
    if (leader[id] == id)
      leaders.push_back(id);
    if (dead[id])
      continue;
    ++recordOf(leader[id]).memberCount;
    if (classBefore[id] != leader[id])
      nodeStamps[id] = rounds;
    classBefore[id] = leader[id];
  }
  uint32_t first = 0;
  for (Id id : leaders) {
    Class &c = recordOf(id);
    c.firstMember = first;
    first += std::exchange(c.memberCount, 0);
  }
  members.resize(first);
  for (Id id = 0; id < ids; ++id)
    if (!dead[id]) {
      Class &c = recordOf(leader[id]);
      members[c.firstMember + c.memberCount++] = id;
    }
  auto before = [&](Id a, Id b) {
    Symbol x = symbolOf(a), y = symbolOf(b);
    return x != y ? x < y : a < b;
  };
  for (Id id : leaders)
    if (const Class &c = recordOf(id); c.memberCount > 1)
      llvm::sort(members.begin() + c.firstMember, members.begin() + c.firstMember + c.memberCount,
                 before);
}

/// Ids of dead nodes that stand for no class are free, once nothing leads through them and no
/// list of parents has them.
void EGraph::collectDead() {
  free.clear();
  for (Id id = reusable; id < nodes.size(); ++id)
    if (isFree(id, reusable))
      free.push_back(id);
  if (free.empty())
    return;
  std::reverse(free.begin(), free.end());
  listParents();
}

void EGraph::listParents() {
  parents.clear();
  for (Class &c : classRecords) {
    c.firstParent = c.lastParent = none;
    c.parentCount = 0;
  }
  for (Id id : members) {
    ArrayRef<Id> below = operands(id);
    for (auto [i, operand] : enumerate(below))
      if (!is_contained(below.take_front(i), operand))
        addParent(operand, id);
  }
}

void EGraph::endReuse() {
  // What they take is worth the time.
  if (reusable != none && clean && !proofForest && free.size() > nodes.size() / 8)
    compact(reusable);
  reusable = none;
}

/// Closes the gaps of free ids from `first` on. After a rebuild, when operands are leaders and
/// nothing leads through a free id. The order of ids stays, and so does that of operands.
void EGraph::compact(Id first) {
  std::vector<Id> numbers(nodes.size(), none);
  Id count = 0;
  for (Id id = 0; id < nodes.size(); ++id)
    if (!isFree(id, first))
      numbers[id] = count++;
  auto renumber = [&](Id &id) { id = id == none ? none : numbers[id]; };
  for (Id id = 0; id < nodes.size(); ++id)
    if (numbers[id] != none)
      for (Id &operand : operandsOf(id))
        operand = numbers[find(operand)]; // that of a dead node may have a leader
  for (std::vector<Id> *list : {&leader, &classBefore, &members, &leaders, &bySymbol, &table}) {
    llvm::for_each(*list, renumber);
    list->shrink_to_fit();
  }
  auto close = [&](auto &values) {
    for (Id id = 0; id < numbers.size(); ++id)
      if (numbers[id] != none)
        values[numbers[id]] = values[id];
    values.resize(count);
    values.shrink_to_fit();
  };
  close(nodes);
  close(leader);
  close(dead);
  close(slots);
  close(nodeStamps);
  close(classBefore);
  for (Analysis *analysis : analyses)
    analysis->renumber(numbers, count);
  std::vector<Id>().swap(free);
  compactRecords();
  std::vector<Parent>().swap(parents);
  listParents();
  parents.shrink_to_fit();
  size_t size = 64;
  while (live * 3 > size * 2)
    size *= 2;
  growTable(size);
  tags.shrink_to_fit();
}

/// Records of classes in order of their leaders.
void EGraph::compactRecords() {
  std::vector<Class> records;
  std::vector<uint32_t> stampsOf[stampDepth + 1];
  records.reserve(leaders.size());
  for (Id id : leaders) {
    for (unsigned depth = 0; depth <= deepest; ++depth)
      stampsOf[depth].push_back(stamps[depth][slots[id]]);
    records.push_back(recordOf(id));
    slots[id] = uint32_t(records.size() - 1);
  }
  classRecords.swap(records);
  for (unsigned depth = 0; depth <= stampDepth; ++depth) {
    stampsOf[depth].shrink_to_fit();
    stamps[depth].swap(stampsOf[depth]);
  }
  std::vector<uint32_t>().swap(freeSlots);
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

void EGraph::setStampDepth(unsigned depth) {
  depth = std::min(depth, stampDepth);
  // What was not followed may have changed.
  for (unsigned d = deepest + 1; d <= depth; ++d)
    stamps[d].assign(classRecords.size(), rounds);
  deepest = depth;
}

/// What changed reaches the classes above it, a step of operands for each depth.
void EGraph::spreadStamps() {
  std::vector<Id> front;
  for (unsigned depth = 0; depth <= deepest; ++depth) {
    std::vector<uint32_t> &stamp = stamps[depth];
    stamp.resize(classRecords.size(), 0);
    std::vector<Id> next;
    auto visit = [&](Id id) {
      if (std::exchange(stamp[slots[id]], rounds) == rounds)
        return;
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
               bytes(tags) + bytes(parents) + bytes(slots) + bytes(classRecords) +
               bytes(freeSlots) + bytes(pending) + bytes(touched) + bytes(members) +
               bytes(leaders) + bytes(bySymbol) + bytes(nodeStamps) + bytes(classBefore) +
               bytes(free) + bytes(givenAt) + bytes(givenOperands) + bytes(staleFacts) +
               bytes(changedFacts);
  for (const auto &stamp : stamps)
    all += bytes(stamp);
  return all;
}

} // namespace mad::egraph
