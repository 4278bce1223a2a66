//===- Where.cpp - What functions need of sizes ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

void Checker::applyWhere(Declaration &decl, bool assume, const Node *call) {
  const Node *where = decl.node->kids.size() > 4 ? decl.node->kids[4] : nullptr;
  if (!where)
    return;
  for (const Node *relation : where->kids)
    whereRelation(decl, relation, assume, call);
}

static bool mentionsConstant(const Node *n, const Node *params) {
  bool here = n->kind == Kind::Name &&
              std::any_of(params->kids.begin(), params->kids.end(), [&](const Node *p) {
                return (p->flags & Constant) && p->text == n->text;
              });
  return here || anyPart(n, [&](const Node *part) { return mentionsConstant(part, params); });
}

void Checker::whereRelation(Declaration &decl, const Node *n, bool assume, const Node *call) {
  std::string_view op = n->kind == Kind::Binary ? n->text : "";
  if (op == "and") {
    std::vector<const Node *> relations;
    for (; n->kind == Kind::Binary && n->text == "and"; n = n->kids[0])
      relations.push_back(n->kids[1]);
    whereRelation(decl, n, assume, call);
    for (; !relations.empty(); relations.pop_back())
      whereRelation(decl, relations.back(), assume, call);
    return;
  }
  if (op != "==" && op != ">=" && op != "<=" && op != ">" && op != "<") {
    if (n->kind != Kind::Error)
      Report(*this, code::E0413, n->span,
             "`where` compares dimensions with `==`, `>=`, `<=`, `>` or `<`");
    ++failures;
    return;
  }
  auto left = sizeOf(n->kids[0], "a side of `where`"),
       right = sizeOf(n->kids[1], "a side of `where`");
  if (!left || !right)
    return;
  if (op == "<=" || op == "<")
    std::swap(left, right);
  if (op == ">" || op == "<")
    right = *right + DimExpr(1);
  std::string message = quoted(decl.name) + " needs " + quoted(textAt(n));
  Facts &facts = frame->root->facts;
  if (assume) {
    Answer answer = op == "==" ? facts.equal(*left, *right) : facts.atLeast(*left, *right);
    // The values of constant parameters are those of calls, not these.
    if (answer == Answer::No && frame->root->kind == Root::Definition &&
        mentionsConstant(n, decl.node->kids[1])) {
      frame->root->unfit = true;
      return;
    }
    if (answer == Answer::No)
      Report(*this, code::E0215, n->span, quoted(textAt(n)) + " can never hold");
    auto relation = op == "==" ? hir::Constraint::Equal : hir::Constraint::AtLeast;
    if (frame->root->kind != Root::Definition && answer == Answer::Unknown)
      addConstraint({relation, *left, *right, message, n->span});
    if (op == "==")
      facts.addEqual(*left, *right);
    else
      facts.addAtLeastZero(*left - *right);
    return;
  }
  auto complain = [&](const std::string &reason, const std::string &help) {
    Report(*this, code::E0215, call->span, message + ": " + reason)
        .note(quoted("where") + " is here", n->span)
        .help(help);
  };
  if (op == "==")
    requireEqual({*left, ""}, {*right, ""}, call->span, message, complain);
  else
    requireAtLeast(*left, *right, call->span, message, complain);
}

} // namespace mad::elab
