//===- Dims.cpp - Equality and order of dimensions --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What cannot be decided becomes a check at the call of the exported function,
// unless two of its parameters meet: then its author has to say so in `where`.
// The definition of a private function is checked for unknown sizes; there the
// undecided is left to its instances.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"

#include <algorithm>

namespace mad::elab {

std::string Checker::described(const hir::Dim &dim) const {
  std::string size = dim.size.str();
  if (dim.name.empty() || dim.name == size)
    return dim.size.constant() ? size : quoted(size);
  return quoted(dim.name) + " = " + size;
}

bool Checker::mayDiffer(const DimExpr &a, const DimExpr &b) const {
  auto simple = [](const DimExpr &e) { return e.asSymbol() || e.constant(); };
  return simple(a) && simple(b);
}

bool Checker::validDim(const DimExpr &e, Span span) {
  if (e.valid())
    return true;
  Report(*this, code::E0212, span,
         "the size cannot be computed: it overflows 64 bits, or is too complex");
  return false;
}

void Checker::addConstraint(hir::Constraint constraint) {
  for (const hir::Constraint &other : frame->function->constraints)
    if (other.relation == constraint.relation && other.left == constraint.left &&
        other.right == constraint.right)
      return;
  frame->function->constraints.push_back(std::move(constraint));
}

/// Whether it is about a pack, which stands for any number of dimensions: a
/// definition does not know their sizes, and some of them may stretch.
static bool ofPack(const DimExpr &e) {
  for (const std::string &name : e.symbols())
    if (name.ends_with("..."))
      return true;
  return false;
}

bool Checker::requireEqual(const hir::Dim &a, const hir::Dim &b, Span span,
                           const std::string &message, const Complain &report) {
  if (!validDim(a.size, span) || !validDim(b.size, span))
    return false;
  Root &root = *frame->root;
  Answer answer = root.facts.equal(a.size, b.size);
  if (answer != Answer::Yes && root.kind == Root::Definition && (ofPack(a.size) || ofPack(b.size)))
    return true;
  switch (answer) {
  case Answer::Yes:
    return true;
  case Answer::No:
    report(described(a) + " is not " + described(b), "");
    return false;
  case Answer::Unknown:
    break;
  }
  if (mayDiffer(a.size, b.size)) {
    report(described(a) + " and " + described(b) + " may differ",
           "add " + quoted("where " + a.size.str() + " == " + b.size.str()) + " to " +
               quoted(root.name));
    return false;
  }
  if (root.kind != Root::Definition)
    addConstraint({hir::Constraint::Equal, a.size, b.size, message, span});
  root.facts.addEqual(a.size, b.size);
  return true;
}

bool Checker::requireAtLeast(const DimExpr &a, const DimExpr &b, Span span,
                             const std::string &message, const Complain &report) {
  if (!validDim(a, span) || !validDim(b, span))
    return false;
  Root &root = *frame->root;
  switch (root.facts.atLeast(a, b)) {
  case Answer::Yes:
    return true;
  case Answer::No:
    report(described({a, ""}) + " is less than " + described({b, ""}), "");
    return false;
  case Answer::Unknown:
    break;
  }
  if (a.asSymbol() && b.asSymbol()) {
    report(quoted(a.str()) + " may be less than " + quoted(b.str()),
           "add " + quoted("where " + a.str() + " >= " + b.str()) + " to " + quoted(root.name));
    return false;
  }
  if (root.kind != Root::Definition)
    addConstraint({hir::Constraint::AtLeast, a, b, message, span});
  root.facts.addAtLeastZero(a - b);
  return true;
}

} // namespace mad::elab
