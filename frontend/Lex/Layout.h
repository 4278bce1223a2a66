//===- Layout.h - What newlines and brackets mean ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Between the lexer and the parser. What comes out is easy to parse and to
// recover in: every statement and item ends in a Line, and brackets are always
// balanced. A bracket that the text leaves open is reported once and closed
// where a line begins with a word that cannot stand inside it.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_LEX_LAYOUT_H
#define MAD_FRONTEND_LEX_LAYOUT_H

#include "frontend/Lex/Lexer.h"

namespace mad::lex {

class Layout {
public:
  /// Deeper brackets are refused; the tree could not be that deep either.
  static constexpr size_t maxBrackets = 256;

  Layout(Lexer &lexer, Diagnostics &diagnostics) : lexer(lexer), diagnostics(diagnostics) {}

  Lexeme next();
  /// Goes behind the bracket that closes the one that was returned last.
  void skipGroup();
  /// The number of brackets that are open after the last token returned.
  size_t depth() const { return returnedDepth; }
  /// The innermost `(` or `[` that is open in the text that was read, or null.
  const Span *innermost() const;
  /// No message is wanted about the brackets that are open now: the parser has
  /// reported an error inside them.
  void silenceOpen();

private:
  struct Open {
    Token token;
    Span span;
    bool reported;
  };
  void read();
  void closeFor(const Lexeme &lexeme);
  bool closing(Lexeme &lexeme);
  void closeDown(size_t size);
  void closeInBlock() { closeDown(blockSize()); }
  size_t blockSize() const;
  bool inList() const { return !stack.empty() && stack.back().token != Token::LeftBrace; }
  Span endOfPrevious() const { return {previousSpan.end, previousSpan.end, previousSpan.file}; }
  bool endsLine(const Lexeme &lexeme) const;
  bool beginsNamedItem(const Lexeme &lexeme) const;
  void push(const Lexeme &lexeme);
  void pushLine(std::string_view text, Span span);
  bool open(const Lexeme &lexeme);
  void skipTooDeep();

  Lexer &lexer;
  Diagnostics &diagnostics;
  std::vector<Open> stack;
  std::deque<Lexeme> queue;
  Token previous = Token::Line;
  Span previousSpan;
  uint32_t lineBegin = 0;
  size_t returnedDepth = 0;
  bool tooDeep = false;
};

} // namespace mad::lex

#endif // MAD_FRONTEND_LEX_LAYOUT_H
