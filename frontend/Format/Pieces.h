//===- Pieces.h - What a text is made of, for the formatter ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_FORMAT_PIECES_H
#define MAD_FRONTEND_FORMAT_PIECES_H

#include "frontend/Lex/Lexer.h"
#include <vector>

namespace mad::fmt {

using lex::Token;

struct Comment {
  std::string_view text; ///< without spaces at its end
  bool trailing = false; ///< something stands before it on its line
  bool blank = false;    ///< an empty line stands before it
};

/// A token with what stands before it.
struct Piece {
  Token token = Token::End;
  std::string_view text; ///< as written
  std::vector<Comment> comments;
  size_t spaces = 0;       ///< before it, on its line
  bool newLine = false;    ///< the first of its line
  bool blank = false;      ///< an empty line stands before it, behind its comments
  bool beginsLine = false; ///< a statement or item begins here
};

/// All tokens of a text that parses; the last is the End.
std::vector<Piece> takeApart(const Source &source);

/// True when two texts have the same tokens, statements and comments.
bool sameMeaning(const std::vector<Piece> &a, const std::vector<Piece> &b);

/// Where a token stands.
struct Place {
  Token bracket = Token::End; ///< the innermost open one
  bool entry = false;         ///< `:` goes before the name of an entry, as in `"file" : "name"`
  bool use = false;           ///< in a `use`
  bool head = false;          ///< between `fn` or `test` and its `{`
};

/// The number of spaces between two tokens of one line.
size_t spacesBetween(const std::vector<Piece> &pieces, size_t at, const Place &place);

/// One line of the result.
struct OutLine {
  size_t indent = 0;
  std::string text;
  std::string comment;       ///< behind the text
  bool blank = false;        ///< an empty line before it
  Token first = Token::End;  ///< End: a comment alone
  std::vector<size_t> cells; ///< where in `text` columns begin that neighbours share
  bool numbers = true;       ///< nothing but numbers, signs, commas and brackets
};

/// Code points of a text.
size_t width(std::string_view text);
/// Lines up the columns and comments of neighbouring lines.
void align(std::vector<OutLine> &lines);

} // namespace mad::fmt

#endif // MAD_FRONTEND_FORMAT_PIECES_H
