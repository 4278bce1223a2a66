//===- BlockGraph.h - The values of a block as an e-graph -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_BRIDGE_BLOCKGRAPH_H
#define MAD_PASSES_EGRAPH_BRIDGE_BLOCKGRAPH_H

#include "passes/EGraph/Bridge/Facts.h"
#include "passes/EGraph/Extract.h"

namespace mad::rewrite {

/// The terms of a block float in an e-graph; all other ops are a skeleton that stays as it is, with
/// classes for operands. What they give, arguments of the block and values from around it are
/// leaves. (Cranelift's "aegraph" has this arrangement.) Each block is a graph of its own.
class BlockGraph {
public:
  BlockGraph(mlir::Block &block, Terms &terms, Facts &facts, bool explains);

  egraph::EGraph &graph() { return egraph; }
  /// Classes that the skeleton needs.
  llvm::ArrayRef<egraph::Id> roots() const { return needed; }
  /// Classes of values that several ops of the program use.
  std::vector<egraph::Id> usedTwice() const;
  /// Whether all ops on floats have all permissions, and there are some.
  bool isFast() const { return fast && asks; }
  size_t numTerms() const { return originals.size(); }

  /// What the program as it was costs. To be asked before rules are applied.
  double costBefore() const;
  /// Nodes of classes that pay only all together.
  using Group = std::vector<std::pair<egraph::Id, egraph::Id>>;
  /// The cheapest program that is in the graph.
  egraph::Extraction extract(llvm::ArrayRef<Group> groups);
  /// An op of the program whose value is computed otherwise: from other operations at and below it,
  /// whose nodes are listed with those that were chosen instead.
  struct Changed {
    mlir::Operation *op;
    egraph::Id id;
    std::vector<std::pair<egraph::Id, egraph::Id>> choices;
  };
  /// Those of the values that the skeleton needs.
  std::vector<Changed> changed(const egraph::Extraction &extraction) const;
  /// Makes the block compute that.
  void emit(const egraph::Extraction &extraction);
  /// What a node costs without its operands.
  double cost(egraph::Id node) const;
  /// The first of the ops that a node stood for in the program.
  mlir::Operation *originalOf(egraph::Id node) const { return byNode.lookup(node); }

private:
  struct Use {
    mlir::OpOperand *operand;
    egraph::Id id;
  };

  egraph::Id idOf(mlir::Value value);
  void addTerm(mlir::Operation *op);
  std::vector<unsigned> homes();
  void choose(egraph::Id id, egraph::Id node, egraph::Extraction &extraction) const;
  mlir::Value materialize(egraph::Id id, const egraph::Extraction &extraction,
                          mlir::OpBuilder &builder, mlir::Location wanted);
  mlir::Operation *makeOp(egraph::Id node, llvm::ArrayRef<mlir::Value> operands,
                          mlir::OpBuilder &builder, mlir::Location wanted);

  mlir::Block &block;
  Terms &terms;
  Facts &facts;
  egraph::EGraph egraph;
  llvm::DenseMap<mlir::Value, egraph::Id> ids;
  llvm::DenseMap<egraph::Id, mlir::Operation *> byNode;
  llvm::DenseMap<mlir::Operation *, egraph::Id> nodeOf;
  std::vector<mlir::Operation *> originals; ///< ops that are terms, in their order
  std::vector<Use> uses;                    ///< by the skeleton, in its order
  std::vector<egraph::Id> needed;
  llvm::DenseMap<mlir::Operation *, unsigned> positions; ///< of the skeleton, from 1 on
  llvm::DenseMap<egraph::Id, mlir::Value> emitted;
  bool fast = true;  ///< no op lacks a permission
  bool asks = false; ///< there are such ops
};

} // namespace mad::rewrite

#endif // MAD_PASSES_EGRAPH_BRIDGE_BLOCKGRAPH_H
