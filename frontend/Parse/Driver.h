//===- Driver.h - The state of one parse ------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the grammar's actions use; private to the parser and its tests.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_PARSE_DRIVER_H
#define MAD_FRONTEND_PARSE_DRIVER_H

#include "frontend/Ast/Ast.h"
#include "frontend/Lex/Layout.h"

namespace mad::syntax {

using ast::Kind;
using ast::Node;
using ast::Nodes;

struct Limits {
  size_t bytes = size_t(64) << 20;
  size_t nodes = 10'000'000;
  /// Symbols on the parser's stack: only right-nested text can fill it.
  size_t stack = 20'000;
};

/// One line of `reactions`.
struct Reaction {
  Span span, arrow;
  Nodes left, right; ///< Named with the number of molecules, if any, or the Number 0
  Node *rate = nullptr, *reverse = nullptr, *law = nullptr;
  bool reversible = false;
};

class Driver {
public:
  Driver(const Source &source, ast::File &file, Diagnostics &diagnostics, Limits limits = {});
  void parse();

  // For the lexer's side of the parser.
  lex::Lexeme next();
  const lex::Lexeme &last() const { return lookahead; }
  const lex::Lexeme &beforeLast() const { return previous; }
  /// The last `sum`, `all`, ... with a bracket behind it; no Reduction before there is one.
  const lex::Lexeme &lastReduction() const { return reduction; }
  /// True when its brackets have been reported, after which the rest of it is no news.
  bool lastReductionReported() const { return reductionReported; }
  void reportedReduction() { reductionReported = true; }
  const Span *innermostBracket() const { return layout.innermost(); }
  /// True when a line ended between `span` and the token read last.
  bool onEarlierLine(Span span) const;
  /// Whether there is an error on the line of the token read last, before it.
  bool lineIsBroken() const;
  /// To be called when a syntax error is reported: groups are skipped until `recovered`.
  void recover();
  void recovered() { recovering = false; }
  /// Between `fn` or `test` and its `{`.
  bool isInHeader() const { return inHeader; }
  /// False, after a message, when the stack is too deep.
  bool stackFits(size_t size, Span at);
  /// Reports, unless the parse is over.
  Diagnostic &error(uint16_t code, Span span, std::string text);

  // Nodes.
  Node *make(Kind kind, Span span, Span name, std::string_view text = {}, Nodes kids = {},
             uint16_t flags = 0);
  Node *make(Kind kind, Span span) { return make(kind, span, span); }
  Node *name(Span span, std::string_view text) { return make(Kind::Name, span, span, text); }
  Node *failed(Span span) { return make(Kind::Error, span); }
  Node *binary(Span span, Node *left, Span op, std::string_view text, Node *right);
  /// `head` and then `rest` under one node.
  Node *after(Kind kind, Span span, Span name, Node *head, Nodes rest);
  Node *paren(Span span, Nodes elements, Kind kind);
  Node *with(Span span, Span word, Node *value, Nodes settings);
  /// Of several elements; those `name = value` are settings of the `with` in front of them.
  Node *tuple(Span span, Node *first, Nodes rest);
  Node *block(Span span, Nodes lines);
  Node *param(Span span, Span nameSpan, std::string_view text, Node *type, Node *value,
              bool constant);
  Node *generic(Span span, Span nameSpan, std::string_view text, Span kindSpan,
                std::string_view kind);
  Node *stepped(Span span, Node *range, Node *step);
  Node *ifElse(Span span, Nodes links, Node *otherwise);
  Node *ifWithoutElse(Span span, const Nodes &links);
  Node *letIndex(Span span, Span nameSpan, std::string_view text, Node *binders, Node *type,
                 Node *value);
  Node *overRange(Span span, Node *pattern, Node *low, Node *high);
  Node *iterate(Span span, Span word, Nodes kids, Span maxSpan, std::string_view max);
  Nodes weightGroup(Node *type, Node *file, Span span, Nodes entries);
  Node *fn(Node *named, Span span, Nodes parts);
  Node *odeName(std::string_view doc, Span nameSpan, std::string_view text);
  Node *ode(Node *named, Span span, Nodes parts);
  Node *unknowns(Span span, Nodes states, Nodes parameters, Node *time);
  Node *event(Span span, Span nameSpan, std::string_view name, Nodes kids);
  Node *der(Span span, Span word, Span nameSpan, std::string_view state, Node *value);
  Node *solve(Span span, Span word, Nodes kids, Span toSpan, std::string_view to);
  /// Whether something inside has been reported.
  bool hasErrors(Span span) const;
  /// Keeps one line of a network; `settings` are `rate = k` and so on.
  void reaction(Span span, Span arrow, Nodes left, Nodes right, Nodes settings, bool reversible);
  Node *reactions(Node *named, Span span, Node *params, Node *mode, Node *body);
  Node *precision(Span span, Span nameSpan, std::string_view mode);
  Node *sides(Span span, Node *left, Span arrow, std::string_view text, Node *right);
  Node *comparedSides(Span span, Node *comparison);
  std::string_view modulePath(Span span, std::string_view head, std::string_view tail);

  void item(Node *node, std::string_view doc = {});
  void items(Nodes nodes, std::string_view doc);

private:
  bool opensGroup() const;
  bool isStateWord() const;
  bool isPrecisionWord() const;
  bool isDerWord() const;
  bool isEventWord() const;
  bool isSolveWord() const;
  Node *derivatives(const Node &params, Node *body);
  bool linearParts(const Node &params, const Node &body, Nodes &values);
  void eventValues(const Node &params, const Node &body, Nodes &values);
  void reportDepth(Span at);

  ast::File &file;
  Diagnostics &diagnostics;
  Limits limits;
  lex::Lexer lexer;
  lex::Layout layout;
  std::string_view text;
  lex::Lexeme lookahead;
  lex::Lexeme previous;
  lex::Lexeme reduction;
  bool reductionReported = false;
  Diagnostic unused;
  bool recovering = false;
  bool inHeader = false;
  bool headerBrace = false; ///< the lookahead is the `{` of a header
  bool inWeight = false;    ///< in a `weight`, outside of brackets
  bool inOde = false;
  Nodes ders, linears, events;   ///< of the ode that is being read
  std::vector<Reaction> network; ///< that is being read
  Node *updates = nullptr;       ///< the last With that has no setting but updates
  bool stop = false;
};

} // namespace mad::syntax

#endif // MAD_FRONTEND_PARSE_DRIVER_H
