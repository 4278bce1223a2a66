//===- Layout.cpp - What newlines and brackets mean -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Lex/Layout.h"
#include "frontend/Diag/Codes.h"
#include <cctype>
#include <cstring>

using namespace mad;
using namespace mad::lex;

static bool isOpening(Token token) {
  return token == Token::LeftParen || token == Token::LeftBracket || token == Token::LeftBrace;
}

static bool isClosing(Token token) {
  return token == Token::RightParen || token == Token::RightBracket || token == Token::RightBrace;
}

static Token closerOf(Token token) {
  return token == Token::LeftParen     ? Token::RightParen
         : token == Token::LeftBracket ? Token::RightBracket
                                       : Token::RightBrace;
}

static std::string quoted(Token token) { return "`" + std::string(spelling(token)) + "`"; }

/// Words that only an item begins with. `const` also stands in parameters.
static bool beginsItem(Token token, Token previous) {
  switch (token) {
  case Token::Use:
  case Token::Dim:
  case Token::Weight:
  case Token::Record:
  case Token::Fn:
  case Token::Export:
  case Token::Test:
  case Token::Rule:
  case Token::Ode:
  case Token::Reactions:
    return true;
  case Token::Const:
    return previous != Token::Colon;
  default:
    return false;
  }
}

/// In a list these are more likely a mistake than the next item.
static bool mayBeMeantAsName(Token token) {
  return token == Token::Dim || token == Token::Weight || token == Token::Record ||
         token == Token::Test;
}

static bool beginsStatement(Token token) { return token == Token::Let || token == Token::Assert; }

/// A newline behind these does not end a statement: operators and the like.
static bool needsMore(Token token) {
  switch (token) {
  case Token::RightParen:
  case Token::RightBracket:
  case Token::RightBrace:
  case Token::Ellipsis:
    return false;
  case Token::And:
  case Token::Or:
  case Token::Not:
  case Token::With:
  case Token::Over:
  case Token::While:
  case Token::In:
  case Token::By:
  case Token::From:
  case Token::Where:
  case Token::Else:
    return true;
  default:
    return token >= Token::Arrow;
  }
}

/// A newline before these does not end a statement: none begins with them.
static bool continuesLine(Token token) {
  switch (token) {
  case Token::Else:
  case Token::With:
  case Token::Where:
  case Token::From:
  case Token::Over:
  case Token::While:
  case Token::Collect:
  case Token::Arrow:
  case Token::Becomes:
  case Token::Exchange:
  case Token::Dot:
  case Token::LeftBrace:
    return true;
  default:
    return false;
  }
}

Lexeme Layout::next() {
  while (queue.empty())
    read();
  Lexeme lexeme = queue.front();
  queue.pop_front();
  if (isOpening(lexeme.token))
    ++returnedDepth;
  else if (isClosing(lexeme.token))
    --returnedDepth;
  return lexeme;
}

void Layout::skipGroup() {
  size_t outside = returnedDepth - 1;
  while (returnedDepth > outside && next().token != Token::End)
    ;
}

const Span *Layout::innermost() const {
  // The token that was read ahead may have opened or closed one more; the parser
  // only asks for a bracket of an earlier line.
  return stack.empty() || stack.back().token == Token::LeftBrace ? nullptr : &stack.back().span;
}

void Layout::silenceOpen() {
  size_t size = stack.size();
  if (previous == Token::LeftBrace && size > 0) // the error is at this very `{`
    --size;
  while (size > 0 && stack[size - 1].token != Token::LeftBrace)
    stack[--size].reported = true;
}

/// The number of brackets up to and with the innermost `{`.
size_t Layout::blockSize() const {
  size_t size = stack.size();
  while (size > 0 && stack[size - 1].token != Token::LeftBrace)
    --size;
  return size;
}

void Layout::push(const Lexeme &lexeme) {
  queue.push_back(lexeme);
  previous = lexeme.token;
  previousSpan = lexeme.span;
}

void Layout::pushLine(std::string_view text, Span span) {
  Lexeme line;
  line.token = Token::Line;
  line.span = span;
  line.text = text;
  queue.push_back(line);
  previous = Token::Line;
}

/// Closes what the text leaves open, down to `size` brackets.
void Layout::closeDown(size_t size) {
  while (stack.size() > size) {
    Open last = stack.back();
    stack.pop_back();
    if (!last.reported)
      diagnostics.error(code::E0108, last.span, "this " + quoted(last.token) + " is never closed");
    Lexeme closer;
    closer.token = closerOf(last.token);
    closer.span = endOfPrevious();
    closer.synthetic = true;
    if (closer.token == Token::RightBrace && previous != Token::Line &&
        previous != Token::LeftBrace) {
      pushLine("", closer.span);
      queue.back().synthetic = true;
    }
    push(closer);
  }
}

/// Closes the brackets that `lexeme` cannot stand in.
void Layout::closeFor(const Lexeme &lexeme) {
  if (lexeme.token == Token::End)
    return closeDown(0);
  if (!lexeme.onNewLine && previous != Token::Line)
    return;
  if (beginsItem(lexeme.token, previous) &&
      !(mayBeMeantAsName(lexeme.token) && inList() && needsMore(previous)))
    closeDown(0);
  else if (beginsStatement(lexeme.token))
    closeInBlock();
}

/// Handles a closing bracket; false when it is to be dropped.
bool Layout::closing(Lexeme &lexeme) {
  size_t block = blockSize();
  bool brace = lexeme.token == Token::RightBrace;
  size_t match = brace ? block : stack.size();
  while (!brace && match > block && closerOf(stack[match - 1].token) != lexeme.token)
    --match;
  bool found = brace ? block > 0 : match > block;
  if (found) {
    closeDown(match);
    stack.pop_back();
    return true;
  }
  if (!brace && stack.size() > block) {
    Open last = stack.back();
    stack.pop_back();
    Token right = closerOf(last.token);
    if (!last.reported) {
      Diagnostic &error = diagnostics.error(code::E0110, lexeme.span,
                                            "found " + quoted(lexeme.token) + ", but " +
                                                quoted(right) + " closes what is open here");
      error.notes.push_back({"this " + quoted(last.token) + " is open", last.span, true});
    }
    lexeme.token = right;
    return true;
  }
  diagnostics.error(code::E0109, lexeme.span,
                    "this " + quoted(lexeme.token) + " closes nothing: no " +
                        (brace                               ? "`{`"
                         : lexeme.token == Token::RightParen ? "`(`"
                                                             : "`[`") +
                        " is open here");
  return false;
}

bool Layout::endsLine(const Lexeme &lexeme) const {
  if (!lexeme.onNewLine || inList() || previous == Token::Line || previous == Token::LeftBrace)
    return false;
  // What begins a statement or an item ends the one before, whatever that lacks.
  if (beginsStatement(lexeme.token) || beginsItem(lexeme.token, previous))
    return true;
  return !needsMore(previous) && !continuesLine(lexeme.token);
}

/// Whether what follows a word on its line is a name, behind a list in brackets or not, and later
/// a `:`, as in `rule[reassoc] name: ...`. The byte behind a text is 0.
static bool namesSomething(const char *at) {
  auto blanks = [&] {
    while (*at == ' ' || *at == '\t')
      ++at;
  };
  blanks();
  if (*at == '[') {
    while (*at && *at != ']' && *at != '\n')
      ++at;
    at += *at == ']';
    blanks();
  }
  std::string_view rest(at, std::strcspn(at, "\n"));
  size_t length = 0;
  while (length < rest.size() &&
         (std::isalnum(static_cast<unsigned char>(rest[length])) || rest[length] == '_'))
    ++length;
  std::string_view word = rest.substr(0, length);
  return length > 0 && word != "and" && word != "or" && word != "with" &&
         rest.find(':') != std::string_view::npos;
}

/// `rule`, `ode` and `reactions` are words where an item begins, else names like others. In a
/// bracket that may have been left open, or where a line may go on, only what can be nothing else
/// is one.
bool Layout::beginsNamedItem(const Lexeme &lexeme) const {
  if (lexeme.token != Token::Name ||
      (lexeme.text != "rule" && lexeme.text != "ode" && lexeme.text != "reactions"))
    return false;
  if (stack.empty() && (previous == Token::Line || (lexeme.onNewLine && !needsMore(previous))))
    return true;
  return lexeme.onNewLine && namesSomething(lexeme.text.data() + lexeme.text.size());
}

/// Enters a bracket; false when it is too deep.
bool Layout::open(const Lexeme &lexeme) {
  if (stack.size() < maxBrackets) {
    stack.push_back({lexeme.token, lexeme.span, false});
    return true;
  }
  if (!tooDeep)
    diagnostics.error(code::E0111, lexeme.span,
                      "nested too deeply: brackets may nest " + std::to_string(maxBrackets) +
                          " deep");
  tooDeep = true;
  return false;
}

/// Drops everything up to the end of a bracket that is too deep. What is inside
/// need not match: only the number of brackets counts.
void Layout::skipTooDeep() {
  for (size_t depth = 1; depth > 0;) {
    Token token = lexer.next().token;
    if (token == Token::End)
      break;
    depth += isOpening(token);
    depth -= isClosing(token);
  }
  for (Open &bracket : stack)
    bracket.reported = true;
}

/// Reads one token and queues it with what it implies; may queue nothing.
void Layout::read() {
  Lexeme lexeme = lexer.next();
  if (diagnostics.truncated()) // nothing more would be shown, and faults are slow
    lexeme.token = Token::End;
  if (lexeme.onNewLine)
    lineBegin = lexeme.span.begin;
  if (beginsNamedItem(lexeme)) {
    lexeme.token = lexeme.text == "ode"    ? Token::Ode
                   : lexeme.text == "rule" ? Token::Rule
                                           : Token::Reactions;
    lexeme.text = lexeme.doc;
  }
  if (lexeme.broken) // the rest of the line, with its brackets, is in the string
    for (Open &bracket : stack)
      bracket.reported |= bracket.span.begin >= lineBegin;
  closeFor(lexeme);
  if (endsLine(lexeme))
    pushLine("\n", endOfPrevious());
  if (isClosing(lexeme.token) && !closing(lexeme))
    return;
  bool ends = lexeme.token == Token::RightBrace || lexeme.token == Token::End;
  if (ends && previous != Token::Line && previous != Token::LeftBrace) {
    // At the end of the file the fault is in the last line that has something.
    bool lineAbove = lexeme.token == Token::End && lexeme.onNewLine;
    pushLine(lineAbove ? "\n" : lexeme.text, lineAbove ? endOfPrevious() : lexeme.span);
  }
  if (isOpening(lexeme.token) && !open(lexeme)) {
    skipTooDeep();
    lexeme.token = Token::Invalid;
  }
  push(lexeme);
}
