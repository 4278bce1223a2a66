//===- Pieces.cpp - Tokens with the comments and spaces before them -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Format/Pieces.h"
#include "frontend/Lex/Layout.h"
#include <algorithm>

using namespace mad;
using namespace mad::fmt;

static std::string_view withoutEnd(std::string_view text) {
  size_t end = text.find_last_not_of(" \t\r");
  return text.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

/// Reads what stands between two tokens: spaces, newlines, comments.
static void readGap(std::string_view gap, bool first, Piece &piece) {
  size_t newLines = first ? 1 : 0;
  bool any = first; // nothing stands before a comment of the first line
  for (size_t at = 0; at < gap.size();) {
    if (gap[at] == '\n') {
      ++newLines;
      piece.spaces = 0;
      ++at;
    } else if (gap[at] == '/') {
      size_t end = std::min(gap.find('\n', at), gap.size());
      Comment comment;
      comment.text = withoutEnd(gap.substr(at, end - at));
      comment.trailing = newLines == 0 && !any;
      comment.blank = newLines > 1 && !first;
      piece.comments.push_back(comment);
      newLines = 0;
      any = true;
      first = false;
      at = end;
    } else {
      ++piece.spaces;
      ++at;
    }
  }
  piece.newLine = any || newLines > 0;
  piece.blank = newLines > 1 && !first;
}

std::vector<Piece> fmt::takeApart(const Source &source) {
  Diagnostics diagnostics;
  std::deque<std::string> strings;
  lex::Lexer lexer(source.text, 0, diagnostics, strings);
  lex::Layout layout(lexer, diagnostics);
  std::vector<Piece> pieces;
  std::string_view text = source.text;
  size_t end = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  bool begins = true;
  for (;;) {
    lex::Lexeme lexeme = layout.next();
    // Lines that no sign stands for.
    if (lexeme.token == Token::Line && lexeme.text != ";") {
      begins = true;
      continue;
    }
    Piece piece;
    piece.token = lexeme.token;
    piece.beginsLine = begins;
    size_t from = lexeme.token == Token::End ? text.size() : lexeme.span.begin;
    readGap(text.substr(end, from - end), pieces.empty(), piece);
    end = lexeme.token == Token::End ? text.size() : lexeme.span.end;
    piece.text = text.substr(from, end - from);
    begins = lexeme.token == Token::Line || lexeme.token == Token::LeftBrace;
    pieces.push_back(std::move(piece));
    if (lexeme.token == Token::End)
      return pieces;
  }
}

bool fmt::sameMeaning(const std::vector<Piece> &a, const std::vector<Piece> &b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Piece &x, const Piece &y) {
    return x.token == y.token && x.text == y.text && x.beginsLine == y.beginsLine &&
           std::equal(x.comments.begin(), x.comments.end(), y.comments.begin(), y.comments.end(),
                      [](const Comment &c, const Comment &d) {
                        return c.text == d.text && c.trailing == d.trailing;
                      });
  });
}
