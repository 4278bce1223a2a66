//===- Terms.h - Ops of MLIR as operations of an e-graph ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_BRIDGE_TERMS_H
#define MAD_PASSES_EGRAPH_BRIDGE_TERMS_H

#include "dialects/Mad/IR/MadOps.h"
#include "dialects/Mad/IR/MadPrecision.h"
#include "dialects/Mad/IR/RewriteInterface.h"
#include "passes/EGraph/EGraph.h"
#include <deque>

namespace mad::rewrite {

/// What a rule may do to floats; flags of operations. Those of LLVM, of the same names.
enum Permission : uint32_t {
  Reassoc = 1,
  Contract = 2,
  Afn = 4,
  Arcp = 8,
  Nsz = 16,
  Nnan = 32,
  Ninf = 64,
  AllPermissions = 127,
};
/// The bit of a name; empty where there is none.
std::optional<uint32_t> permissionOf(llvm::StringRef name);

/// An op without its operands. No attributes and none at all are the same.
Term termOf(mlir::Operation *op);

/// Operations of the graphs of a module. An operation's payload is the number of a term, that of
/// a leaf the number of a value.
class Terms {
public:
  explicit Terms(mlir::MLIRContext *context);

  /// Whether an op is a term: one tensor as result, no effect and no region, of a dialect that
  /// says how it is rewritten.
  bool isTerm(mlir::Operation *op) const;
  /// The operation of such an op.
  egraph::OpId of(mlir::Operation *op);
  egraph::OpId of(Term term, uint32_t flags);
  /// A value that is not looked into.
  egraph::OpId leaf(mlir::Value value);
  /// Before another graph: values that are gone may come back as others.
  void forgetLeaves() {
    leaves.clear();
    leafTypes.clear();
    leafNumbers.clear();
  }
  bool isLeaf(egraph::OpId op) const { return language.get(op).symbol == leafSymbol; }
  mlir::Value valueOf(egraph::OpId leaf) const { return leaves[language.get(leaf).payload]; }

  /// Its operand, for those who need not have the same bits: what is equal to it is not equal to
  /// the operand for others.
  egraph::OpId relaxed(mlir::RankedTensorType type);
  bool isRelaxed(egraph::OpId op) const { return language.get(op).symbol == relaxedSymbol; }
  /// A number alone.
  egraph::OpId constant(mlir::Attribute value);
  /// A tensor of one number.
  egraph::Id splat(egraph::EGraph &graph, mlir::Attribute value, mlir::RankedTensorType type);

  /// Of an operation that is neither a leaf nor relaxed.
  const Term &get(egraph::OpId op) const { return terms[language.get(op).payload]; }
  const RewriteInterface &interfaceOf(egraph::OpId op) const {
    return *interfaces.lookup(get(op).name.getDialect());
  }
  mlir::RankedTensorType typeOf(egraph::OpId op) const;
  mlir::RankedTensorType typeOf(const egraph::EGraph &graph, egraph::Id id) const {
    return typeOf(graph.op(graph.find(id)));
  }
  /// `mad.fp` of an op with such flags.
  Precision precisionOf(egraph::OpId op) const;

  /// The same type without what people call its static dimensions: to ops both are the same.
  mlir::RankedTensorType canonical(mlir::RankedTensorType type);
  /// Whether it computes floats, so that a precision matters to it.
  bool rounds(const Term &term) { return known[intern(term)].rounds; }
  /// The symbol of a term with such a name.
  egraph::Symbol symbolOf(const Term &term);

  egraph::Language language;
  mlir::MLIRContext *const context;

private:
  /// What a term says, asked once.
  struct Known {
    egraph::Symbol symbol;
    bool rounds, flagged;
    uint32_t byDefault; ///< flags without a declaration
  };
  uint64_t intern(const Term &term);
  egraph::Symbol makeSymbol(const Term &term);

  egraph::Symbol leafSymbol, relaxedSymbol;
  std::deque<Term> terms; ///< stay where they are
  std::vector<Known> known;
  llvm::DenseMap<mlir::Type, mlir::RankedTensorType> plainTypes;
  llvm::DenseMap<std::pair<mlir::Attribute, mlir::Type>, std::pair<egraph::OpId, egraph::OpId>>
      splats;
  std::vector<mlir::RankedTensorType> leafTypes;
  llvm::DenseMap<std::tuple<const void *, const void *, const void *>, uint64_t> numbers;
  std::vector<mlir::Value> leaves;
  llvm::DenseMap<mlir::Value, uint64_t> leafNumbers;
  llvm::DenseMap<mlir::Dialect *, const RewriteInterface *> interfaces;
};

} // namespace mad::rewrite

#endif // MAD_PASSES_EGRAPH_BRIDGE_TERMS_H
