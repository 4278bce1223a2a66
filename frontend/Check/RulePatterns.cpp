//===- RulePatterns.cpp - What may stand in a rule --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Rules.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

static const char *refusedOp(hir::Op op) {
  switch (op) {
  case hir::Op::Weight:
    return "a weight";
  case hir::Op::Gather:
    return "a subscript that is computed";
  case hir::Op::If:
    return "a condition that is known when running";
  case hir::Op::Scan:
  case hir::Op::Iterate:
    return "a loop";
  case hir::Op::Scatter:
    return "a scatter";
  case hir::Op::Sort:
    return "a sort";
  case hir::Op::Cumulate:
    return "a cumulative sum, product or extreme";
  case hir::Op::Philox:
    return "a random number";
  case hir::Op::Update:
    return "an update";
  case hir::Op::Call:
    return "a call";
  case hir::Op::Jvp:
    return "a derivative";
  case hir::Op::Quantize:
    return "a product with quantised activations";
  default:
    return nullptr;
  }
}

/// Whether a size depends on that of a pack.
static bool isPack(const hir::Rule &rule, const DimExpr &size) {
  std::set<std::string> names = size.symbols();
  return std::any_of(rule.packs.begin(), rule.packs.end(),
                     [&](const std::string &pack) { return names.count(pack) > 0; });
}

static bool hasPack(const hir::Rule &rule, const hir::Type &type) {
  return std::any_of(type.shape.begin(), type.shape.end(),
                     [&](const hir::Dim &dim) { return isPack(rule, dim.size); });
}

static bool sameSizes(const hir::Type &a, const hir::Type &b) {
  return std::equal(a.shape.begin(), a.shape.end(), b.shape.begin(), b.shape.end(),
                    [](const hir::Dim &x, const hir::Dim &y) { return x.size == y.size; });
}

/// A pack stands for any number of dimensions, so it can only be moved as a whole.
static bool takesPackApart(const hir::Rule &rule, const hir::Node &node) {
  const hir::Type &result = node.types[0];
  switch (node.op) {
  case hir::Op::Iota:
  case hir::Op::Concat:
    return isPack(rule, result.shape[node.index].size);
  case hir::Op::Reshape:
    return !sameSizes(node.operands[0].type(), result) &&
           (hasPack(rule, result) || hasPack(rule, node.operands[0].type()));
  case hir::Op::Reduce:
    return node.mnemonic == "argmax" &&
           isPack(rule, node.operands[0].type().shape[node.dims[0]].size);
  case hir::Op::View:
    for (size_t s = 0; s < node.map.size(); ++s) {
      const hir::Affine &at = node.map[s];
      const DimExpr &size = node.operands[0].type().shape[s].size;
      size_t used = 0;
      bool whole =
          at.offset == 0 && std::ranges::count(at.scalars, 0) == int64_t(at.scalars.size());
      for (size_t d = 0; d < at.coefficients.size(); ++d) {
        used += at.coefficients[d] != 0;
        bool pack = isPack(rule, result.shape[d].size) || isPack(rule, size);
        if (at.coefficients[d] && pack)
          whole &= at.coefficients[d] == 1 && size == result.shape[d].size;
      }
      if (isPack(rule, size) && !(whole && used == 1))
        return true;
      for (size_t d = 0; d < at.coefficients.size(); ++d)
        if (at.coefficients[d] && isPack(rule, result.shape[d].size) && !(whole && used == 1))
          return true;
    }
    return false;
  default:
    return false;
  }
}

/// Whether an operation may stand on a side.
bool Checker::Rules::operation(const hir::Rule &rule, const hir::Node &node) {
  const char *what = refusedOp(node.op);
  if (node.op == hir::Op::View && node.boundary == hir::Boundary::Checked)
    what = "a subscript that is checked when running";
  // The text of the library is not the user's to change.
  Span span = c.inLibrary(node.span) && !c.inLibrary(rule.span) ? rule.span : node.span;
  if (what) {
    Report(c, code::E0420, span, std::string(what) + " cannot stand in a rule")
        .help("a rule is made of numbers, elementwise operations, casts, slices, reductions, "
              "products, `reshape`, `transpose`, `concat` and `iota`");
    return false;
  }
  if (!takesPackApart(rule, node))
    return true;
  Report(c, code::E0420, span, "this takes apart dimensions that stand for any number of them")
      .help("declare each dimension by name");
  return false;
}

//===----------------------------------------------------------------------===//
// Variables
//===----------------------------------------------------------------------===//

/// Adds a value and all that it is made of.
static void collectParts(const hir::Node *node, std::set<const hir::Node *> &seen) {
  if (!seen.insert(node).second)
    return;
  for (hir::Ref operand : node->operands)
    collectParts(operand.node, seen);
}

static std::set<const hir::Node *> sideOf(const hir::Rule &rule, bool second) {
  std::set<const hir::Node *> seen;
  size_t half = rule.body.results.size() / 2;
  for (size_t i = 0; i < half; ++i)
    collectParts(rule.body.results[i + second * half].node, seen);
  return seen;
}

/// Whether a side can be looked for.
bool Checker::Rules::pattern(Work &work, const hir::Rule &rule, bool second) {
  const Node *side = second ? work.built : work.matched;
  size_t half = rule.body.results.size() / 2;
  for (size_t i = 0; i < half; ++i) {
    const hir::Node *node = rule.body.results[i + second * half].node;
    std::set<const hir::Node *> parts;
    collectParts(node, parts);
    bool lone = node->op == hir::Op::Parameter;
    bool any = std::any_of(parts.begin(), parts.end(),
                           [](const hir::Node *part) { return part->op == hir::Op::Parameter; });
    if (any && !lone)
      continue;
    const Node *at = side->kind == Kind::Tuple && side->kids.size() == half ? side->kids[i] : side;
    Report(c, code::E0420, at->span,
           lone ? "a side that is matched cannot be the variable " + quoted(node->name) +
                      " alone: it would match every value"
                : "a side that is matched needs a variable")
        .help(rule.both ? "write `=>`, from the other side to this one"
                        : "turn the arrow round, or write more of what is looked for");
    return false;
  }
  return true;
}

/// Every variable of the side that is built is on the one that is matched.
bool Checker::Rules::known(Work &work, const hir::Rule &rule, bool second) {
  std::set<const hir::Node *> bound = sideOf(rule, second), needed = sideOf(rule, !second);
  for (const hir::Node *p : rule.body.parameters) {
    if (bound.count(p) || !needed.count(p))
      continue;
    std::string side = second ? "right" : work.source->kids[3]->text == "<=" ? "right" : "left";
    Report(c, code::E0419, p->span,
           quoted(p->name) + " of the rule " + quoted(work.decl.name) +
               " is not on the side that is matched: its value is not known there")
        .label((second ? work.built : work.matched)->span)
        .help("use it on the " + side +
              ", or define it: " + quoted("where " + p->name + " == ..."));
    return false;
  }
  return true;
}

bool Checker::Rules::patterns(Work &work, const hir::Rule &rule) {
  std::set<const hir::Node *> first = sideOf(rule, false), other = sideOf(rule, true);
  for (const hir::Node *node : rule.body.nodes)
    if (!operation(rule, *node))
      return false;
  for (const hir::Node *p : rule.body.parameters)
    if (!first.count(p) && !other.count(p)) {
      Report(c, code::E0419, p->span,
             quoted(p->name) + " of the rule " + quoted(work.decl.name) + " is on no side");
      return false;
    }
  return pattern(work, rule, false) && known(work, rule, false) &&
         (!rule.both || (pattern(work, rule, true) && known(work, rule, true)));
}

} // namespace mad::elab
