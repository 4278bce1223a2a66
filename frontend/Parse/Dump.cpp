//===- Dump.cpp - The syntax tree as text -----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Parse/Parse.h"

using namespace mad;
using ast::Kind;
using ast::Node;

static const char *nameOf(Kind kind) {
  static constexpr const char *names[] = {
      "Use",       "Dim",         "Const",      "Weight", "WeightValue", "Record",
      "Fn",        "Test",        "Precision",  "Rule",   "Generics",    "Generic",
      "Params",    "Param",       "TensorType", "Pack",   "TupleType",   "GroupType",
      "StateType", "Permissions", "Sides",      "Fields", "Format",      "Block",
      "Let",       "LetIndex",    "Assert",     "Der",    "Event",       "TuplePattern",
      "Binders",   "Binder",      "Number",     "Bool",   "String",      "Name",
      "Member",    "Call",        "Named",      "Index",  "Range",       "All",
      "Unary",     "Binary",      "Reduce",     "If",     "ElseIf",      "Scan",
      "Overs",     "Over",        "Iterate",    "For",    "Solve",       "Arguments",
      "Tuple",     "Array",       "With",       "Method", "Update",      "Hole",
      "Error",
  };
  static_assert(sizeof names / sizeof *names == size_t(Kind::Error) + 1);
  return names[size_t(kind)];
}

static std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\r')
      out += "\\r";
    else if (c == '"' || c == '\\')
      out += std::string("\\") + c;
    else
      out += c;
  }
  return out + "\"";
}

/// Only chains of operators nest deeper; there the level is written as a number.
static constexpr unsigned maxIndent = 2 * ast::maxDepth;

static void beginLine(unsigned level, std::string &out) {
  if (level > maxIndent)
    out += "[" + std::to_string(level) + "] ";
  else
    out.append(level * 2, ' ');
}

static void dumpLine(const Node *node, unsigned level, std::string &out) {
  beginLine(level, out);
  out += nameOf(node->kind);
  if (node->kind == Kind::String || node->kind == Kind::Test)
    out += " " + quoted(node->text);
  else if (!node->text.empty())
    out += " " + std::string(node->text);
  static constexpr struct {
    ast::Flags flag;
    const char *name;
  } flags[] = {{ast::Exported, "exported"}, {ast::Transposed, "transposed"},
               {ast::IsPack, "pack"},       {ast::IsType, "type"},
               {ast::IsFloat, "float"},     {ast::IsInteger, "integer"},
               {ast::Constant, "constant"}, {ast::Axis, "axis"},
               {ast::IsShape, "shape"},     {ast::IsState, "state"},
               {ast::IsOde, "ode"},         {ast::Unknown, "unknown"},
               {ast::Linear, "linear"},     {ast::Noise, "noise"},
               {ast::Time, "time"}};
  for (auto [flag, name] : flags)
    if (node->flags & flag)
      out += std::string(" ") + name;
  if (!node->doc.empty())
    out += " doc=" + quoted(node->doc);
  out += "\n";
}

static void dumpNode(const Node *node, unsigned level, std::string &out) {
  if (!node) {
    beginLine(level, out);
    out += "-\n";
    return;
  }
  std::vector<const Node *> chain;
  for (; node->kind == Kind::Binary; node = node->kids[0]) {
    dumpLine(node, level++, out);
    chain.push_back(node);
  }
  dumpLine(node, level, out);
  for (const Node *kid : node->kids)
    dumpNode(kid, level + 1, out);
  for (; !chain.empty(); chain.pop_back())
    dumpNode(chain.back()->kids[1], level--, out);
}

std::string mad::dump(const ast::File &file) {
  std::string out;
  for (const Node *item : file.items)
    dumpNode(item, 0, out);
  return out;
}
