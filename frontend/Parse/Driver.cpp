//===- Driver.cpp - Tokens for the parser, nodes from its rules -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Parse/Driver.h"
#include "frontend/Diag/Codes.h"
#include "frontend/Parse/Parse.h"
#include "frontend/Parse/Tokens.h"
#include <algorithm>
#include <cctype>

using namespace mad;
using namespace mad::syntax;
using lex::Token;

/// Room above the deepest expression for what holds it: Param, Params, Fn.
static constexpr uint32_t maxNesting = ast::maxDepth - 4;

std::unique_ptr<ast::File> mad::parse(const Sources &sources, uint32_t file,
                                      Diagnostics &diagnostics) {
  auto tree = std::make_unique<ast::File>();
  tree->source = file;
  Driver(sources[file], *tree, diagnostics).parse();
  return tree;
}

Parser::symbol_type syntax::nextToken(Driver &driver) {
  lex::Lexeme lexeme = driver.next();
  switch (lexeme.token) {
  case Token::End:
    return Parser::make_END(lexeme.span);
  case Token::Invalid:
    return Parser::make_YYerror(lexeme.span);
#define MAD_TOKEN(name, spelling)                                                                  \
  case Token::name:                                                                                \
    return Parser::make_##name(lexeme.text, lexeme.span);
#include "frontend/Lex/Tokens.def"
  }
  return Parser::make_END(lexeme.span);
}

Driver::Driver(const Source &source, ast::File &file, Diagnostics &diagnostics, Limits limits)
    : file(file), diagnostics(diagnostics), limits(limits),
      lexer(source.text, file.source, diagnostics, file.strings), layout(lexer, diagnostics),
      text(source.text) {}

void Driver::parse() {
  if (text.size() > limits.bytes) {
    error(code::E0103, {0, 0, file.source},
          "the text has " + std::to_string(text.size()) + " bytes, at most " +
              std::to_string(limits.bytes) + " are allowed");
    return;
  }
  if (lex::checkText(text, file.source, diagnostics))
    Parser(*this).parse();
}

/// The next token for the parser. While it recovers from an error, brackets that
/// open then are passed over whole, so that it stops at its own bracket or line.
lex::Lexeme Driver::next() {
  previous = lookahead;
  for (;;) {
    lookahead = layout.next();
    stop |= diagnostics.truncated();
    if (stop) {
      lookahead.token = Token::End;
      return lookahead;
    }
    if (isStateWord())
      lookahead.token = Token::State;
    if (isPrecisionWord())
      lookahead.token = Token::Precision;
    if (isDerWord())
      lookahead.token = Token::Der;
    if (isEventWord())
      lookahead.token = Token::Event;
    if (isSolveWord())
      lookahead.token = Token::Solve;
    Token token = lookahead.token;
    if (token == Token::Reduction) {
      reduction = lookahead;
      reductionReported = false;
    }
    headerBrace = inHeader && token == Token::LeftBrace && layout.depth() == 1;
    bool outside = layout.depth() == 0;
    if (outside && (token == Token::Weight || token == Token::Line))
      inWeight = token == Token::Weight;
    if (outside && (token == Token::Ode || token == Token::Line))
      inOde = token == Token::Ode;
    if (token == Token::Fn || token == Token::Test || token == Token::Ode ||
        token == Token::Reactions)
      inHeader |= outside;
    else if (headerBrace || (token == Token::Line && outside))
      inHeader = false;
    if (recovering && token == Token::Invalid)
      continue;
    if (headerBrace)
      recovering = false;
    if (recovering && opensGroup()) {
      layout.skipGroup();
      continue;
    }
    if (token == Token::Invalid)
      recovering = true;
    return lookahead;
  }
}

/// `state` is a word before a name in the head of a function, else a name like others.
bool Driver::isStateWord() const {
  if (!inHeader || lookahead.token != Token::Name || lookahead.text != "state")
    return false;
  size_t next = text.find_first_not_of(" \t", lookahead.span.end);
  return next != std::string_view::npos && next > lookahead.span.end &&
         (std::isalpha(static_cast<unsigned char>(text[next])) || text[next] == '_');
}

/// `fp` is a word where a declaration begins, before `=`, and behind the `with` of a head
/// or of the value of a weight.
bool Driver::isPrecisionWord() const {
  if (lookahead.token != Token::Name || lookahead.text != "fp" || layout.depth() > 0)
    return false;
  if (inHeader || inWeight)
    return previous.token == Token::With;
  if (previous.token != Token::Line && previous.token != Token::End)
    return false;
  size_t next = text.find_first_not_of(" \t", lookahead.span.end);
  return next != std::string_view::npos && text[next] == '=';
}

/// The body of a function is read even when the line before it is broken.
bool Driver::opensGroup() const {
  Token token = lookahead.token;
  return token == Token::LeftParen || token == Token::LeftBracket ||
         (token == Token::LeftBrace && !headerBrace);
}

void Driver::recover() {
  recovering = true;
  layout.silenceOpen();
  if (opensGroup())
    layout.skipGroup();
}

bool Driver::onEarlierLine(Span span) const {
  std::string_view between =
      text.substr(span.end, std::max(lookahead.span.begin, span.end) - span.end);
  return between.find('\n') != std::string_view::npos;
}

bool Driver::lineIsBroken() const {
  return std::any_of(diagnostics.all().begin(), diagnostics.all().end(), [&](const auto &other) {
    return other.span.file == lookahead.span.file && other.span.end <= lookahead.span.begin &&
           !onEarlierLine(other.span);
  });
}

/// Once a file: what is too deep is too deep in many places.
void Driver::reportDepth(Span at) {
  auto same = [&](const Diagnostic &other) {
    return other.code == code::E0111 && other.span.file == file.source;
  };
  if (std::none_of(diagnostics.all().begin(), diagnostics.all().end(), same))
    error(code::E0111, at,
          "nested too deeply: at most " + std::to_string(maxNesting) + " levels are allowed")
        .help = "name parts of it with `let`";
}

bool Driver::stackFits(size_t size, Span at) {
  if (size <= limits.stack)
    return true;
  reportDepth(at);
  stop = true;
  return false;
}

Diagnostic &Driver::error(uint16_t code, Span span, std::string message) {
  if (!stop)
    return diagnostics.error(code, span, std::move(message));
  unused = {};
  return unused;
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

static uint32_t depthOf(const Nodes &kids, Kind kind = Kind::Block) {
  uint32_t depth = 0;
  for (const Node *kid : kids) {
    // The left operand of a chain is the rest of it: no level of its own.
    bool chain = kind == Kind::Binary && kid == kids[0] && kid->kind == Kind::Binary;
    depth = std::max<uint32_t>(depth, kid ? kid->depth - chain : 0);
  }
  return depth + 1;
}

Node *Driver::make(Kind kind, Span span, Span name, std::string_view text, Nodes kids,
                   uint16_t flags) {
  if (file.nodes.size() >= limits.nodes && !stop) {
    error(code::E0112, name,
          "the text is too long: at most " + std::to_string(limits.nodes) +
              " names, numbers, operators and so on are allowed");
    stop = true;
  }
  uint32_t depth = depthOf(kids, kind);
  if (kind > Kind::Param && depth > maxNesting) {
    reportDepth(name);
    kids.clear();
    // A block stays one: what holds it counts on that.
    if (kind == Kind::Block)
      kids.push_back(failed(span));
    else
      kind = Kind::Error;
    depth = depthOf(kids);
  }
  file.nodes.push_back(
      {kind, flags, uint16_t(depth), span, name, text, std::move(kids), {}, nullptr});
  return &file.nodes.back();
}

Node *Driver::binary(Span span, Node *left, Span op, std::string_view text, Node *right) {
  return make(Kind::Binary, span, op, text, {left, right});
}

Node *Driver::after(Kind kind, Span span, Span name, Node *head, Nodes rest) {
  rest.insert(rest.begin(), head);
  return make(kind, span, kind == Kind::Call ? head->nameSpan : name, {}, std::move(rest));
}

Node *Driver::paren(Span span, Nodes elements, Kind kind) {
  return elements.size() == 1 ? elements[0] : make(kind, span, span, {}, std::move(elements));
}

Node *Driver::with(Span span, Span word, Node *value, Nodes settings) {
  // A place is a part of the value, however often that was updated before: messages show it.
  const Node *updated = value;
  while (updated->kind == Kind::With)
    updated = updated->kids[0];
  bool onlyUpdates = true;
  for (Node *setting : settings)
    if (setting->kind == Kind::Update) {
      Node *place = setting->kids[0];
      while (place->kind == Kind::Index || place->kind == Kind::Member)
        place = place->kids[0];
      place->span = updated->span;
    } else {
      onlyUpdates = false;
    }
  // Updates behind each other are one node, however many there are.
  if (onlyUpdates && value == updates && depthOf(settings) < maxNesting) {
    value->depth = std::max(value->depth, uint16_t(depthOf(settings)));
    value->span = span;
    value->kids.insert(value->kids.end(), settings.begin(), settings.end());
    return value;
  }
  Node *node = after(Kind::With, span, word, value, std::move(settings));
  if (onlyUpdates)
    updates = node;
  return node;
}

Node *Driver::tuple(Span span, Node *first, Nodes rest) {
  Nodes elements = {first};
  for (Node *node : rest) {
    Node *last = elements.back();
    if (node->kind != Kind::Named) {
      elements.push_back(node);
    } else if (last->kind == Kind::With) {
      Span all = {last->span.begin, node->kids[0]->span.end, last->span.file};
      node->span = {node->nameSpan.begin, node->kids[0]->span.end, node->nameSpan.file};
      elements.back() = with(all, last->nameSpan, last, {node});
    } else if (last->kind != Kind::Error) {
      error(code::E0126, node->span, "found `=` in an expression").help =
          "to compare write `==`, to name a value write `let`";
      elements.back() = failed(node->span);
    }
  }
  return paren(span, std::move(elements), Kind::Tuple);
}

bool Driver::hasErrors(Span span) const {
  return std::any_of(diagnostics.all().begin(), diagnostics.all().end(), [&](const auto &error) {
    return error.span.file == span.file && error.span.begin >= span.begin &&
           error.span.end <= span.end;
  });
}

Node *Driver::block(Span span, Nodes lines) {
  auto isStatement = [](const Node *node) {
    return node->kind == Kind::Let || node->kind == Kind::LetIndex || node->kind == Kind::Assert ||
           node->kind == Kind::Der || node->kind == Kind::Event;
  };
  for (size_t i = 0; i + 1 < lines.size(); ++i) {
    if (isStatement(lines[i]) || lines[i]->kind == Kind::Error || hasErrors(lines[i]->span))
      continue;
    error(code::E0123, lines[i]->span,
          "this value is not used: only the last line of a block is its result")
        .help = "name the value with `let`, or remove it";
    lines[i] = failed(lines[i]->span);
  }
  if (lines.empty() || isStatement(lines.back()))
    lines.push_back(nullptr);
  return make(Kind::Block, span, span, {}, std::move(lines));
}

Node *Driver::param(Span span, Span nameSpan, std::string_view text, Node *type, Node *value,
                    bool constant) {
  bool axis = type->kind == Kind::TensorType && type->text == "axis" && type->kids.empty();
  if (axis)
    type = nullptr;
  bool shape = type && type->kind == Kind::TensorType && type->text == "shape" && !constant;
  uint16_t flags =
      (constant ? ast::Constant : 0) | (axis ? ast::Axis : 0) | (shape ? ast::IsShape : 0);
  return make(Kind::Param, span, nameSpan, text, {type, value}, flags);
}

Node *Driver::generic(Span span, Span nameSpan, std::string_view text, Span kindSpan,
                      std::string_view kind) {
  uint8_t part = kind == "float" ? ast::IsFloat : kind == "integer" ? ast::IsInteger : 0;
  if (kind != "type" && !part)
    error(code::E0127, kindSpan, "`" + std::string(kind) + "` is no kind of parameter in brackets")
        .help = "write `" + std::string(text) + "` for a dimension, `" + std::string(text) +
                "...` for several and `" + std::string(text) +
                ": type` (`float`, `integer`) for an element type";
  return make(Kind::Generic, span, nameSpan, text, {}, ast::IsType | part);
}

Node *Driver::stepped(Span span, Node *range, Node *step) {
  if (range->kind != Kind::Range)
    return range;
  Nodes kids = std::move(range->kids);
  kids.push_back(step);
  return make(Kind::Range, span, range->nameSpan, {}, std::move(kids));
}

Node *Driver::ifElse(Span span, Nodes links, Node *otherwise) {
  if (links[0]->kind != Kind::ElseIf) // too deep
    return failed(span);
  Nodes kids = links[0]->kids;
  kids.insert(kids.end(), links.begin() + 1, links.end());
  kids.push_back(otherwise);
  return make(Kind::If, span, links[0]->nameSpan, {}, std::move(kids));
}

Node *Driver::ifWithoutElse(Span span, const Nodes &links) {
  error(code::E0124, links.back()->nameSpan,
        "this `if` has no `else`: it is an expression and needs both values");
  return failed(span);
}

Node *Driver::letIndex(Span span, Span nameSpan, std::string_view text, Node *binders, Node *type,
                       Node *value) {
  if (binders->kind == Kind::Binders)
    return make(Kind::LetIndex, span, nameSpan, text, {binders, type, value});
  // Without its indices only the name is known.
  return make(Kind::Let, span, nameSpan, {}, {name(nameSpan, text), type, failed(value->span)});
}

Node *Driver::overRange(Span span, Node *pattern, Node *low, Node *high) {
  if (pattern->kind == Kind::Name)
    return make(Kind::Binder, span, pattern->span, pattern->text, {low, high});
  if (pattern->kind != Kind::Error)
    error(code::E0120, pattern->span, "a range gives one number at a time: it needs one name");
  return failed(span);
}

Node *Driver::iterate(Span span, Span word, Nodes kids, Span maxSpan, std::string_view max) {
  if (max != "max") {
    error(code::E0120, maxSpan, "found `" + std::string(max) + "`, expected `max`").help =
        "an `iterate` states how many rounds it runs at most: `max 100`";
    return failed(span);
  }
  return make(Kind::Iterate, span, word, {}, std::move(kids));
}

Nodes Driver::weightGroup(Node *type, Node *file, Span span, Nodes entries) {
  return {type, file, make(Kind::Fields, span, span, {}, std::move(entries)), nullptr};
}

Node *Driver::fn(Node *named, Span span, Nodes parts) {
  named->span = span;
  named->depth = uint16_t(depthOf(parts));
  named->kids = std::move(parts);
  return named;
}

Node *Driver::precision(Span span, Span nameSpan, std::string_view mode) {
  if (mode != "strict" && mode != "default" && mode != "fast")
    error(code::E0131, nameSpan,
          "`" + std::string(mode) + "` is no precision: expected `strict`, `default` or `fast`");
  return make(Kind::Precision, span, nameSpan, mode);
}

Node *Driver::sides(Span span, Node *left, Span arrow, std::string_view text, Node *right) {
  return make(Kind::Sides, span, arrow, text, {left, right});
}

/// A rule without an arrow of its own: `a <= b`.
Node *Driver::comparedSides(Span span, Node *comparison) {
  if (comparison->kind == Kind::Binary && comparison->text == "<=")
    return sides(span, comparison->kids[0], comparison->nameSpan, "<=", comparison->kids[1]);
  if (comparison->kind != Kind::Error && !hasErrors(comparison->span))
    error(code::E0132, comparison->span, "this rule has one side").help =
        "write `a => b` to replace a by b, `a <= b` for b by a, `a <=> b` for both";
  return failed(span);
}

std::string_view Driver::modulePath(Span span, std::string_view head, std::string_view tail) {
  if (span.end - span.begin == head.size() + 1 + tail.size())
    return text.substr(span.begin, span.end - span.begin);
  file.strings.push_back(std::string(head) + "." + std::string(tail));
  return file.strings.back();
}

void Driver::item(Node *node, std::string_view doc) {
  if (!doc.empty())
    node->doc = doc;
  file.items.push_back(node);
}

void Driver::items(Nodes nodes, std::string_view doc) {
  for (Node *node : nodes)
    item(node, doc);
}
