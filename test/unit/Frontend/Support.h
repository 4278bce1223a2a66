//===- Support.h - Parsing a text in a test ---------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_UNIT_FRONTEND_SUPPORT_H
#define MAD_TEST_UNIT_FRONTEND_SUPPORT_H

#include "frontend/Parse/Parse.h"
#include <functional>

namespace mad::test {

/// A text and what the parser made of it.
struct Parsed {
  Sources sources;
  Diagnostics diagnostics;
  std::unique_ptr<ast::File> file;

  explicit Parsed(std::string text) {
    uint32_t number = sources.add("t.mad", std::move(text));
    file = parse(sources, number, diagnostics);
  }
  std::string errors() const { return render(sources, diagnostics); }
  std::string tree() const { return dump(*file); }
  /// Code, line and column of every error: `E0120 2:5, E0121 3:1`.
  std::string summary() const {
    std::string out;
    for (const Diagnostic &error : diagnostics.all()) {
      LineColumn at = sources.position(error.span);
      char text[64];
      std::snprintf(text, sizeof text, "E%04u %u:%u", unsigned(error.code), at.line, at.column);
      out += (out.empty() ? "" : ", ") + std::string(text);
    }
    return out;
  }
};

/// One line: `(+ a (* b c))`; words for kinds without a text of their own.
inline std::string shortForm(const ast::Node *node) {
  using ast::Kind;
  if (!node)
    return "_";
  std::string head(node->text);
  switch (node->kind) {
  case Kind::Call:
    head = "call";
    break;
  case Kind::Index:
    head = "index";
    break;
  case Kind::Range:
    head = "..";
    break;
  case Kind::All:
    head = ":";
    break;
  case Kind::If:
    head = "if";
    break;
  case Kind::ElseIf:
    head = "else-if";
    break;
  case Kind::Scan:
    head = "scan";
    break;
  case Kind::Tuple:
    head = "tuple";
    break;
  case Kind::Array:
    head = "array";
    break;
  case Kind::With:
    head = "with";
    break;
  case Kind::Error:
    head = "error";
    break;
  case Kind::Block:
    head = "block";
    break;
  case Kind::Let:
    head = "let";
    break;
  case Kind::LetIndex:
    head = "let " + head;
    break;
  case Kind::Assert:
    head = "assert";
    break;
  case Kind::Binders:
  case Kind::Overs:
    head = "over";
    break;
  case Kind::TuplePattern:
    head = "pattern";
    break;
  case Kind::Member:
    head = "." + head;
    break;
  case Kind::Named:
    head += "=";
    break;
  case Kind::String:
    head = "'" + head + "'";
    break;
  default:
    break;
  }
  if (node->kids.empty())
    return head;
  std::string out = "(" + head;
  for (const ast::Node *kid : node->kids)
    out += " " + shortForm(kid);
  return out + ")";
}

/// The short forms of the lines of a function body, or the errors.
inline std::string body(const std::string &text) {
  Parsed parsed("fn f() {\n" + text + "\n}\n");
  if (parsed.diagnostics.hasErrors())
    return parsed.errors();
  std::string out;
  for (const ast::Node *line : parsed.file->items.at(0)->kids.at(3)->kids)
    out += (out.empty() ? "" : "; ") + shortForm(line);
  return out;
}

} // namespace mad::test

#endif // MAD_TEST_UNIT_FRONTEND_SUPPORT_H
