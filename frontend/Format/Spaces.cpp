//===- Spaces.cpp - The spaces between tokens -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Format/Pieces.h"

using namespace mad;
using namespace mad::fmt;

static bool isOperator(Token token) { return token >= Token::Equal && token <= Token::Caret; }
static bool isArithmetic(Token token) { return token >= Token::Plus && token <= Token::Caret; }

/// What an expression or type may end with: what follows is no prefix.
static bool endsValue(Token token) {
  switch (token) {
  case Token::Name:
  case Token::Number:
  case Token::String:
  case Token::True:
  case Token::False:
  case Token::RightParen:
  case Token::RightBracket:
  case Token::RightBrace:
  case Token::Reduction:
  case Token::Ellipsis:
    return true;
  default:
    return false;
  }
}

static bool isPrefix(const std::vector<Piece> &pieces, size_t at) {
  return pieces[at].token == Token::Minus && (at == 0 || !endsValue(pieces[at - 1].token));
}

/// `:` for a whole dimension.
static bool isAll(const std::vector<Piece> &pieces, size_t at) {
  Token before = pieces[at - 1].token, after = pieces[at + 1].token;
  return (before == Token::LeftBracket || before == Token::Comma) &&
         (after == Token::RightBracket || after == Token::Comma);
}

/// In subscripts and dimensions both `i-1` and `i - 1` are good style.
static bool isTight(const std::vector<Piece> &pieces, size_t at, const Place &place) {
  return place.bracket == Token::LeftBracket && isArithmetic(pieces[at].token) &&
         !isPrefix(pieces, at) && !pieces[at].newLine && pieces[at].spaces == 0 &&
         !pieces[at + 1].newLine && pieces[at + 1].spaces == 0;
}

/// A sign that the rules below do not know stays as it is written.
static bool isKnown(Token token) {
  return lex::isWord(token) || endsValue(token) || isOperator(token) || token == Token::Line ||
         token == Token::Arrow || token == Token::Becomes || token == Token::Exchange ||
         token == Token::BothWays || token == Token::Rule || token == Token::Ode ||
         token == Token::Reactions || token == Token::DotDot || token == Token::Dot ||
         token == Token::LeftParen || token == Token::LeftBracket || token == Token::LeftBrace ||
         token == Token::Comma || token == Token::Colon;
}

static size_t afterComma(const std::vector<Piece> &pieces, size_t at, const Place &place) {
  // Tables of numbers keep the columns that the author gave them.
  bool number = pieces[at].token == Token::Number || isPrefix(pieces, at);
  bool table = number && place.bracket == Token::LeftBracket && pieces[at].spaces > 1;
  return table ? pieces[at].spaces : 1;
}

size_t fmt::spacesBetween(const std::vector<Piece> &pieces, size_t at, const Place &place) {
  const Piece &before = pieces[at - 1], &piece = pieces[at];
  Token left = before.token, right = piece.token;
  if (!isKnown(left) || !isKnown(right))
    return piece.spaces > 0;
  if (left == Token::With && (right == Token::Dot || right == Token::LeftBracket))
    return 1;
  if (left == Token::LeftBrace && right == Token::RightBrace)
    return 0;
  // `1.x` would be a malformed number; in `x.0.1` the 0 is a position.
  if (left == Token::Number && right == Token::Dot)
    return at < 2 || pieces[at - 2].token != Token::Dot;
  if (left == Token::LeftParen || left == Token::LeftBracket || right == Token::RightParen ||
      right == Token::RightBracket || right == Token::Comma || right == Token::Line ||
      left == Token::Dot || right == Token::Dot || right == Token::Ellipsis)
    return 0;
  if (left == Token::Comma)
    return afterComma(pieces, at, place);
  if (right == Token::Colon)
    return place.entry && place.bracket != Token::LeftBracket && place.bracket != Token::LeftParen;
  if (left == Token::Colon)
    return !isAll(pieces, at - 1);
  if (isPrefix(pieces, at - 1))
    return 0;
  if (right == Token::DotDot)
    return lex::isWord(left);
  if (left == Token::DotDot)
    return lex::isWord(right) && right != Token::True && right != Token::False;
  if (isTight(pieces, at, place) || isTight(pieces, at - 1, place))
    return 0;
  if (left == Token::Rule)
    return right != Token::LeftBracket;
  if (right == Token::LeftParen || right == Token::LeftBracket) {
    bool opensAfterValue = endsValue(left) && left != Token::RightBrace && left != Token::Number &&
                           left != Token::String;
    return opensAfterValue ? place.use && right == Token::LeftParen : 1;
  }
  // A setting stands apart from the expression; an update, and the method of a `solve`, belong to
  // it.
  if (right == Token::With) {
    Token next = pieces[at + 1].token;
    bool method = next == Token::Name && pieces[at + 2].token != Token::Assign;
    return place.head || next == Token::LeftBracket || next == Token::Dot || method ? 1 : 2;
  }
  return 1;
}
