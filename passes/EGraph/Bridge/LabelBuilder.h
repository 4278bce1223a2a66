//===- LabelBuilder.h - Makes ops by the labels of their dimensions -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_BRIDGE_LABELBUILDER_H
#define MAD_PASSES_EGRAPH_BRIDGE_LABELBUILDER_H

#include "mlir/IR/Builders.h"
#include "passes/EGraph/Bridge/TensorRules.h"

namespace mad::rewrite {

/// What a view that permutes and repeats reads, with the labels that it has there. Empty where no
/// label tells what it reads: a part of the source, or another size. `fresh` makes a label.
std::optional<Labelled> sourceOf(const egraph::EGraph &graph, egraph::Id view,
                                 llvm::ArrayRef<unsigned> labels, const Terms &terms,
                                 llvm::ArrayRef<DimExpr> sizes,
                                 llvm::function_ref<unsigned(DimExpr)> fresh);

/// Makes ops on tensors whose dimensions have labels: views and maps follow from them.
class LabelBuilder {
public:
  using Labels = llvm::SmallVector<unsigned, 4>;

  /// `sizes` are those of the labels, which may become more; `result` the labels of what is being
  /// made in the end; `flags` what its ops permit.
  LabelBuilder(egraph::EGraph &graph, Terms &terms, const llvm::SmallVectorImpl<DimExpr> &sizes,
               llvm::ArrayRef<unsigned> result, uint32_t flags)
      : graph(graph), terms(terms), sizes(sizes), result(result), flags(flags), b(terms.context) {}

  bool isOne(unsigned label) const { return sizes[label] == DimExpr(1); }
  mlir::RankedTensorType typeOf(llvm::ArrayRef<unsigned> labels, mlir::Type element) const;
  /// Where a factor stands: rows of the result before columns, so that one product is one node
  /// however it has been found.
  int sideOf(const Labelled &factor) const;
  /// Factors in that order.
  void order(llvm::MutableArrayRef<Labelled> factors) const;

  /// The tensor with its dimensions in another order, and others that it does not depend on. Of an
  /// index that stands twice the diagonal. Empty where a dimension has no place.
  std::optional<egraph::Id> viewed(const Labelled &from, llvm::ArrayRef<unsigned> labels);
  /// Without dimensions of one element.
  std::optional<Labelled> plain(const Labelled &from);
  /// The product, summed over what is not in `labels`.
  Labelled contract(llvm::ArrayRef<Labelled> factors, Labels labels, mlir::Type element);
  /// A reduction `like` the term over what is not in `labels`.
  Labelled reduce(Term like, const Labelled &from, llvm::ArrayRef<unsigned> labels,
                  mlir::Type element);
  egraph::Id add(llvm::StringRef name, llvm::ArrayRef<mlir::NamedAttribute> attributes,
                 mlir::RankedTensorType type, llvm::ArrayRef<egraph::Id> operands);

private:
  egraph::EGraph &graph;
  Terms &terms;
  const llvm::SmallVectorImpl<DimExpr> &sizes;
  llvm::ArrayRef<unsigned> result;
  const uint32_t flags;
  mlir::Builder b;
};

} // namespace mad::rewrite

#endif // MAD_PASSES_EGRAPH_BRIDGE_LABELBUILDER_H
