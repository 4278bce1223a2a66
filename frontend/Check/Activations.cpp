//===- Activations.cpp - Products with quantised activations ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"

#include <algorithm>
#include <set>

namespace mad::elab {

using namespace ast;

/// Whether it is a weight, or is computed of weights and numbers alone. What a function is given is
/// none: what it computes does not depend on who calls it.
static bool isOfWeights(const hir::Node *node) {
  bool found = false;
  std::set<const hir::Node *> seen = {node};
  for (std::vector<const hir::Node *> open = {node}; !open.empty();) {
    const hir::Node *next = open.back();
    open.pop_back();
    if (next->op == hir::Op::Parameter || !next->regions.empty())
      return false;
    found |= next->op == hir::Op::Weight;
    // Where it is read, a loop or a caller may say.
    bool reads = next->op == hir::Op::View || next->op == hir::Op::Gather;
    for (size_t i = 0; i < (reads ? 1 : next->operands.size()); ++i)
      if (seen.insert(next->operands[i].node).second)
        open.push_back(next->operands[i].node);
  }
  return found;
}

/// The factor with its rows rounded to 8 bits. Rows run along the summed dimension.
static hir::Ref quantized(Builder &b, hir::Ref factor, std::vector<uint32_t> &dims,
                          uint32_t summed) {
  size_t rank = dims.size();
  size_t at = size_t(std::find(dims.begin(), dims.end(), summed) - dims.begin());
  if (at + 1 == rank)
    return b.quantize(factor);
  std::vector<hir::Dim> shape = factor.type().shape;
  std::rotate(shape.begin() + at, shape.begin() + at + 1, shape.end());
  std::rotate(dims.begin() + at, dims.begin() + at + 1, dims.end());
  std::vector<int64_t> from;
  for (size_t d = 0; d < rank; ++d)
    from.push_back(int64_t(d < at ? d : d == at ? rank - 1 : d - 1));
  return b.quantize(b.spread(factor, std::move(shape), from));
}

hir::Ref Checker::contraction(const Node *at, hir::Ref left, hir::Ref right, Dims shape,
                              std::vector<uint32_t> leftDims, std::vector<uint32_t> rightDims,
                              uint32_t space) {
  if (frame->quantizes) {
    if (!isFloat(left.type().element)) {
      Report(*this, code::E0220, at->span,
             "activations of " + quoted(hir::name(left.type().element)) +
                 " cannot be quantised: they are integers")
          .help("leave `activations` out");
      return {};
    }
    uint32_t summed = uint32_t(shape.size());
    if (isOfWeights(left.node) && !isOfWeights(right.node))
      right = quantized(b, right, rightDims, summed);
    else
      left = quantized(b, left, leftDims, summed);
  }
  return b.contract(left, right, std::move(shape), std::move(leftDims), std::move(rightDims),
                    space);
}

} // namespace mad::elab
