//===- EGraph.h - Many programs that are equal, in one graph ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_EGRAPH_H
#define MAD_PASSES_EGRAPH_EGRAPH_H

#include "passes/EGraph/Language.h"
#include "llvm/ADT/ArrayRef.h"
#include <memory>
#include <optional>
#include <string>

namespace mad::egraph {

class Analysis;
class Proofs;

/// Why two classes became one: the number of a rule, or one of these.
enum : uint32_t { becauseGiven = none, becauseCongruent = none - 1 };

/// An e-graph: nodes (an operation and classes of operands) in classes of equal values.
/// Willsey et al., "egg: Fast and extensible equality saturation" (POPL 2021), with nodes in
/// flat arrays. A node and the class made for it have the same number.
///
/// Searches read the index of the last `rebuild`; `add` and `unite` may come in between.
class EGraph {
public:
  /// With explanations each node keeps its operands as given, and each union its reason.
  explicit EGraph(Language &language, bool explains = false);
  ~EGraph();
  EGraph(const EGraph &) = delete;
  EGraph &operator=(const EGraph &) = delete;

  Language &language() const { return *names; }

  /// The class of an operation on classes; makes a node where there is none.
  Id add(OpId op, llvm::ArrayRef<Id> operands = {});
  /// Makes the class of an operation one with `id`. False if it was.
  bool addTo(Id id, OpId op, llvm::ArrayRef<Id> operands, uint32_t because = becauseGiven);
  /// The node of an operation, if there is one.
  std::optional<Id> lookup(OpId op, llvm::ArrayRef<Id> operands = {}) const;
  /// The class, by the one of its nodes that stands for it.
  Id find(Id id) const {
    while (leader[id] != id) {
      leader[id] = leader[leader[id]];
      id = leader[id];
    }
    return id;
  }
  /// Makes two classes one. False if they were. What follows from it by congruence waits for
  /// `rebuild`.
  bool unite(Id a, Id b, uint32_t because = becauseGiven);
  /// Restores that equal operations on equal classes are one node, and makes the index.
  void rebuild();
  bool isClean() const { return clean; }

  /// An operation on no class is a constant or a leaf.
  OpId op(Id node) const { return nodes[node].op; }
  Symbol symbolOf(Id node) const { return names->get(nodes[node].op).symbol; }
  /// Operands of a node, as of the last rebuild or its making.
  llvm::ArrayRef<Id> operands(Id node) const {
    const Node &n = nodes[node];
    return {n.arity <= inlined ? n.data : &overflow[n.data[0]], n.arity};
  }

  //===-- As of the last rebuild ---------------------------------------------===//

  /// Nodes of a class, those of one symbol after the other.
  llvm::ArrayRef<Id> nodesOf(Id id) const {
    const Class &c = classOf(id);
    return llvm::ArrayRef(members).slice(c.firstMember, c.memberCount);
  }
  llvm::ArrayRef<Id> nodesOf(Id id, Symbol symbol) const;
  /// Classes that have a node of the symbol.
  llvm::ArrayRef<Id> classesWith(Symbol symbol) const;
  /// All classes.
  llvm::ArrayRef<Id> classes() const { return leaders; }

  /// Rounds of `rebuild`.
  uint32_t round() const { return rounds; }
  /// The last round in which a node was made, or got to another class, or an operand of it did.
  uint32_t changedNode(Id node) const { return nodeStamps[node]; }
  /// The last round in which a node or union came to the class or to what lies up to `depth`
  /// operands below it; depth at most `stampDepth`.
  static constexpr unsigned stampDepth = 4;
  uint32_t changed(Id id, unsigned depth) const { return stamps[depth][slots[find(id)]]; }
  /// Up to what depth that is asked for; all by default.
  void setStampDepth(unsigned depth);

  //===-- Sizes --------------------------------------------------------------===//

  /// Nodes that differ, and classes. Exact after a rebuild.
  size_t numNodes() const { return live; }
  size_t numClasses() const { return classCount; }
  /// All ids that there are.
  size_t numIds() const { return nodes.size(); }
  size_t numUnions() const { return unions; }
  /// Calls of `add` and `addTo`, and nodes that they made.
  uint64_t numAdds() const { return adds; }
  uint64_t numMade() const { return made; }
  /// Bytes of the graph without its analyses.
  size_t memory() const;

  //===-- Facts of classes ---------------------------------------------------===//

  /// Adds an analysis, before the first node.
  void attach(Analysis &analysis) { analyses.push_back(&analysis); }
  /// Told by an analysis: two values of one class cannot be equal. Rules that led there are
  /// wrong, and so is what the graph says.
  void setConflict(std::string message) {
    if (conflictText.empty())
      conflictText = std::move(message);
  }
  llvm::StringRef conflict() const { return conflictText; }
  /// Nodes that have the class as an operand.
  template <typename Visit> void forParents(Id id, Visit visit) const {
    for (uint32_t at = classOf(id).firstParent; at != none; at = parents[at].next)
      if (!isDead(parents[at].node))
        visit(parents[at].node);
  }

  /// From now on the ids of nodes that die, because they become equal to others, are used again,
  /// but not those that exist by now. Not with explanations.
  void startReuse() { reusable = Id(nodes.size()); }
  /// Ids that were made since then get other numbers if many are free; those from before stay.
  void endReuse();

  /// Null without explanations.
  Proofs *proofs() const { return proofForest.get(); }
  /// Operands as they were given, with explanations.
  llvm::ArrayRef<Id> given(Id node) const;

private:
  static constexpr unsigned inlined = 2;
  struct Node {
    OpId op;
    uint32_t arity;
    Id data[inlined]; ///< operands, or where they are
  };
  struct Parent {
    Id node;
    uint32_t next;
  };

  /// What belongs to a class, at the slot of its leader.
  struct Class {
    uint32_t firstParent = none, lastParent = none, parentCount = 0;
    uint32_t firstMember = 0, memberCount = 0;
    uint32_t touched = 0; ///< the round of the last change
  };
  const Class &classOf(Id id) const { return classRecords[slots[find(id)]]; }
  Class &recordOf(Id leader) { return classRecords[slots[leader]]; }

  uint32_t hashOf(OpId op, llvm::ArrayRef<Id> operands) const;
  bool equals(Id node, OpId op, llvm::ArrayRef<Id> operands) const;
  /// The node of the table, or none and a free slot.
  Id probe(uint32_t hash, OpId op, llvm::ArrayRef<Id> operands, size_t &slot) const;
  void insert(uint32_t hash, Id node, size_t slot);
  void growTable(size_t slots);
  Id newId();
  Id make(OpId op, llvm::ArrayRef<Id> operands);
  Id makeNode(OpId op, llvm::ArrayRef<Id> operands, uint32_t hash, size_t slot);
  Id makeAlias(OpId op, llvm::ArrayRef<Id> operands, Id same);
  void keepGiven(llvm::ArrayRef<Id> operands);
  void addParent(Id id, Id node);
  llvm::MutableArrayRef<Id> operandsOf(Id node) {
    Node &n = nodes[node];
    return {n.arity <= inlined ? n.data : &overflow[n.data[0]], n.arity};
  }
  bool isDead(Id node) const { return dead[node]; }
  void repairNodes();
  void repairFacts();
  void touch(Id id);
  void newClass(Id id);
  bool isFree(Id id, Id first) const { return id >= first && dead[id] && leader[id] != id; }
  void collectDead();
  void listParents();
  void compact(Id first);
  void compactRecords();
  void makeIndex();
  void makeSymbolIndex();
  void spreadStamps();

  Language *names;
  std::vector<Node> nodes;
  std::vector<Id> overflow;
  mutable std::vector<Id> leader;
  std::vector<bool> dead;    ///< equal to another node, or an alias
  std::vector<Id> table;     ///< nodes by their hashes
  std::vector<uint8_t> tags; ///< of a slot: bits of the hash that it was made with
  size_t used = 0;           ///< slots, those that are out of date included
  std::vector<Parent> parents;
  std::vector<uint32_t> slots; ///< of leaders, in what follows
  std::vector<Class> classRecords;
  std::vector<uint32_t> freeSlots;
  std::vector<Id> pending;                             ///< nodes to hash anew
  std::vector<std::pair<Id, Analysis *>> staleFacts;   ///< nodes to look at again
  std::vector<std::pair<Id, Analysis *>> changedFacts; ///< classes
  std::vector<Id> touched;                             ///< classes, in this round

  std::vector<Id> members, leaders;
  std::vector<Id> bySymbol;
  std::vector<uint32_t> firstOfSymbol;
  std::vector<uint32_t> stamps[stampDepth + 1]; ///< by slot
  std::vector<uint32_t> nodeStamps;
  std::vector<Id> classBefore; ///< of a node, in the last index
  std::vector<Id> free;
  Id reusable = none; ///< the first id that may be used again

  std::vector<Analysis *> analyses;
  std::string conflictText;
  std::unique_ptr<Proofs> proofForest;
  std::vector<uint32_t> givenAt;
  std::vector<Id> givenOperands;
  llvm::DenseMap<std::pair<uint64_t, uint64_t>, llvm::SmallVector<Id, 1>> exact;

  size_t live = 0, classCount = 0, unions = 0;
  uint64_t adds = 0, made = 0;
  uint32_t rounds = 0;
  unsigned deepest = stampDepth;
  bool clean = true;
};

/// Facts about all nodes of a class: elements of a semilattice. `merge` joins, `make` only
/// grows as facts of operands do.
class Analysis {
public:
  virtual ~Analysis() = default;
  /// A class was made for a node. Its facts are those of the node.
  virtual void made(EGraph &graph, Id node) = 0;
  /// Joins what is known of two classes into the first, which stays. Bits say whose facts
  /// changed: 1 those of `into`, 2 those of `from`.
  virtual unsigned merge(EGraph &graph, Id into, Id from) = 0;
  /// Joins what a node tells now into what is known of its class. True if that changed.
  virtual bool update(EGraph &graph, Id id, Id node) = 0;
  /// Ids have other numbers now, `none` where there is none any more. Their order is the same.
  virtual void renumber(llvm::ArrayRef<Id> numbers, size_t count) = 0;
  /// Facts of a class are new: may add nodes to it, as a constant that was found.
  virtual void modify(EGraph &, Id) {}
};

/// An analysis with a value of type `T` a class. `join` says whether the first value changed.
template <typename T> class ValueAnalysis : public Analysis {
public:
  const T &of(const EGraph &graph, Id id) const { return values[graph.find(id)]; }

  virtual T make(EGraph &graph, Id node) = 0;
  virtual bool join(EGraph &graph, T &into, const T &from) = 0;

  void made(EGraph &graph, Id node) override {
    T value = make(graph, node);
    if (values.size() <= node)
      values.resize(node + 1);
    values[node] = std::move(value);
  }
  unsigned merge(EGraph &graph, Id into, Id from) override {
    T other = values[into];
    unsigned result = join(graph, values[into], values[from]) ? 1 : 0;
    return result | (join(graph, values[from], other) ? 2 : 0);
  }
  bool update(EGraph &graph, Id id, Id node) override {
    T value = make(graph, node);
    return join(graph, values[id], value);
  }
  void renumber(llvm::ArrayRef<Id> numbers, size_t count) override {
    for (Id id = 0; id < std::min(numbers.size(), values.size()); ++id)
      if (numbers[id] != none && numbers[id] != id)
        values[numbers[id]] = std::move(values[id]);
    values.resize(std::min(count, values.size()));
    values.shrink_to_fit();
  }

private:
  std::vector<T> values;
};

} // namespace mad::egraph

#endif // MAD_PASSES_EGRAPH_EGRAPH_H
