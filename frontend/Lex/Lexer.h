//===- Lexer.h - From text to tokens ----------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tokens point into the text; nothing is copied but strings with escapes. What
// newlines and brackets mean is decided one step later, in Layout.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_LEX_LEXER_H
#define MAD_FRONTEND_LEX_LEXER_H

#include "frontend/Diag/Diag.h"
#include <deque>

namespace mad::lex {

enum class Token : uint8_t {
  End,     ///< of the file
  Invalid, ///< already reported
#define MAD_TOKEN(name, spelling) name,
#include "frontend/Lex/Tokens.def"
};

/// `let`, `a name`, `the end of the line`.
std::string_view spelling(Token token);
/// True for the words that cannot be names.
bool isWord(Token token);

struct Lexeme {
  Token token = Token::End;
  Span span;
  /// The value of a string, the doc comment above a word that begins an item,
  /// else the text of the token. A Line says what ended it: a newline is "\n",
  /// else it is `;`, `}` or, at the end of the file, empty.
  std::string_view text;
  std::string_view doc;   ///< the doc comment above a name that may begin an item: `rule`
  bool onNewLine = false; ///< the first of its line
  bool synthetic = false; ///< a closing bracket that the text lacks; reported
  bool broken = false;    ///< a string without an end; it swallowed its line
};

/// Reports what cannot be read as text (not UTF-8, a NUL byte) and returns false.
bool checkText(std::string_view text, uint32_t file, Diagnostics &diagnostics);

class Lexer {
public:
  /// `strings` keeps the values of string literals with escapes. The byte behind
  /// the text must be 0, as `std::string` has it.
  Lexer(std::string_view text, uint32_t file, Diagnostics &diagnostics,
        std::deque<std::string> &strings);
  /// The next token; a `;` is a Line, newlines are only flags here.
  Lexeme next();

private:
  Token scan();
  void skipByteOrderMark();
  void comment();
  void unknownCharacter();
  Token string();
  Token unfinishedString();
  void escapes(std::string_view body);
  void unknownEscape(std::string_view body, size_t at, size_t length);
  Token number();
  Token malformedNumber();
  Span span() const { return {offset(start), offset(cursor), file}; }
  uint32_t offset(const char *at) const { return uint32_t(at - source.data()); }

  std::string_view source;
  uint32_t file;
  Diagnostics &diagnostics;
  std::deque<std::string> &strings;
  const char *cursor, *limit, *start;
  std::string_view value; ///< of the token being read
  std::string_view doc;   ///< the last block of `///` lines
  Token previous = Token::Line;
  bool newLine = true;
  bool broken = false;
};

} // namespace mad::lex

#endif // MAD_FRONTEND_LEX_LEXER_H
