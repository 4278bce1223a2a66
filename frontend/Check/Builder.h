//===- Builder.h - Creates the nodes of a checked program -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shapes are given or follow from the operands; everything is checked before.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_CHECK_BUILDER_H
#define MAD_FRONTEND_CHECK_BUILDER_H

#include "frontend/Check/Value.h"

namespace mad::elab {

class Builder {
public:
  explicit Builder(hir::Program &program) : program(program) {}

  hir::Program &program;
  std::vector<hir::Node *> *block = nullptr;          ///< where nodes are appended
  Span span;                                          ///< of new nodes
  hir::Precision precision = hir::Precision::Default; ///< of new nodes
  std::optional<hir::Type> huge; ///< of a new node, when no machine can hold it
  bool inexact = false;          ///< set by a constant that its type had to round

  static bool isHuge(const hir::Type &type);

  /// A node that is in no block yet.
  hir::Node *detached(hir::Op op, std::vector<hir::Type> types);
  hir::Node *append(hir::Op op, std::vector<hir::Type> types);

  hir::Ref constant(hir::Element element, double value);
  hir::Ref constant(hir::Element element, int64_t value);
  hir::Ref dimValue(const DimExpr &dim);
  hir::Ref weight(uint32_t index);
  hir::Ref iota(std::vector<hir::Dim> shape, uint32_t dim);
  hir::Ref elementwise(const std::string &mnemonic, std::vector<hir::Ref> operands,
                       hir::Element element);
  hir::Ref cast(hir::Ref operand, hir::Element element);
  hir::Ref reshape(hir::Ref operand, std::vector<hir::Dim> shape);
  hir::Ref concat(std::vector<hir::Ref> parts, uint32_t dim, hir::Dim extent);
  hir::Ref reduce(const std::string &mnemonic, hir::Ref operand, std::vector<uint32_t> dims);
  hir::Ref gather(hir::Ref source, std::vector<hir::Ref> indices, hir::Subject subject);
  hir::Ref scatter(const std::string &mnemonic, hir::Ref base, std::vector<hir::Ref> indices,
                   hir::Ref updates, hir::Subject subject);
  /// The first elements of the order, and their positions.
  std::pair<hir::Ref, hir::Ref> sort(hir::Ref source, uint32_t dim, bool descending,
                                     hir::Dim count);
  hir::Ref cumulate(const std::string &mnemonic, hir::Ref source, uint32_t dim);
  hir::Ref philox(hir::Ref key, hir::Ref counter, hir::Dim count);
  /// `dest` with `value` at the positions of the map.
  hir::Ref update(hir::Ref dest, hir::Ref value, std::vector<hir::Affine> map,
                  std::vector<hir::Ref> scalars, hir::Boundary boundary, hir::Subject subject);
  /// A view of a view becomes one view; the identity is its source.
  hir::Ref view(hir::Ref source, std::vector<hir::Dim> shape, std::vector<hir::Affine> map,
                std::vector<hir::Ref> scalars = {}, hir::Boundary boundary = hir::Boundary::Inside,
                hir::Subject subject = {});
  /// Dimension d of the source runs along dimension `from[d]` of the result; a
  /// negative one is read at 0.
  hir::Ref spread(hir::Ref source, std::vector<hir::Dim> shape, const std::vector<int64_t> &from);
  hir::Ref contract(hir::Ref lhs, hir::Ref rhs, std::vector<hir::Dim> shape,
                    std::vector<uint32_t> lhsDims, std::vector<uint32_t> rhsDims, uint32_t space);

  hir::Ref quantize(hir::Ref rows);

  /// The nodes that the results of the region need, in their order; the others
  /// are dropped.
  static void sweep(hir::Region &region);
};

} // namespace mad::elab

#endif // MAD_FRONTEND_CHECK_BUILDER_H
