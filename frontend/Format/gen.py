def head(t):
    n=len('//===- ')+len(t)+1
    return '//===- '+t+' '+'-'*(75-n)+'''===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
'''
END='//===----------------------------------------------------------------------===//\n'
W=lambda n,t,body,intro='': open(n,'w').write(head(t)+(intro+'//\n' if intro else '')+END+body)
W('Format.h','Format.h - One way to write a program','''#ifndef MAD_FRONTEND_FORMAT_FORMAT_H
#define MAD_FRONTEND_FORMAT_FORMAT_H

#include "frontend/Diag/Diag.h"
#include <optional>

namespace mad {

/// The text of source number `file` in the style of docs/tools.md, or nothing:
/// with `diagnostics` when it does not parse, without any when the result would
/// not have the same tokens and comments, which is a bug of the formatter.
std::optional<std::string> format(const Sources &sources, uint32_t file, Diagnostics &diagnostics);

} // namespace mad

#endif // MAD_FRONTEND_FORMAT_FORMAT_H
''','''// Lines stay as the author broke them, comments and blank lines too. What changes
// is what carries no meaning: indentation, the spaces between tokens, alignment.
// Works on tokens, not on the tree, so that a construct of the language that it
// was not told about keeps its shape.
''')
W('Pieces.h','Pieces.h - What a text is made of, for the formatter','''#ifndef MAD_FRONTEND_FORMAT_PIECES_H
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
  size_t spaces = 0;         ///< before it, on its line
  bool newLine = false;      ///< the first of its line
  bool blank = false;        ///< an empty line stands before it, behind its comments
  bool beginsLine = false;   ///< a statement or item begins here
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
};

/// Code points of a text.
size_t width(std::string_view text);
/// Lines up the columns and comments of neighbouring lines.
void align(std::vector<OutLine> &lines);

} // namespace mad::fmt

#endif // MAD_FRONTEND_FORMAT_PIECES_H
''')
W('Pieces.cpp','Pieces.cpp - Tokens with the comments and spaces before them','''#include "frontend/Format/Pieces.h"
#include "frontend/Lex/Layout.h"
#include <algorithm>

using namespace mad;
using namespace mad::fmt;

static std::string_view withoutEnd(std::string_view text) {
  size_t end = text.find_last_not_of(" \\t\\r");
  return text.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

/// Reads what stands between two tokens: spaces, newlines, comments.
static void readGap(std::string_view gap, bool first, Piece &piece) {
  size_t newLines = first ? 1 : 0;
  bool any = first; // nothing stands before a comment of the first line
  for (size_t at = 0; at < gap.size();) {
    if (gap[at] == '\\n') {
      ++newLines;
      piece.spaces = 0;
      ++at;
    } else if (gap[at] == '/') {
      size_t end = std::min(gap.find('\\n', at), gap.size());
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
  size_t end = text.starts_with("\\xEF\\xBB\\xBF") ? 3 : 0;
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
''')
W('Spaces.cpp','Spaces.cpp - The spaces between tokens','''#include "frontend/Format/Pieces.h"

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
         token == Token::Arrow || token == Token::DotDot || token == Token::Dot ||
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
  if (left == Token::LeftBrace && right == Token::RightBrace)
    return 0;
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
  if (right == Token::LeftParen || right == Token::LeftBracket) {
    bool opensAfterValue = endsValue(left) && left != Token::RightBrace && left != Token::Number &&
                           left != Token::String;
    return opensAfterValue ? place.use && right == Token::LeftParen : 1;
  }
  // A setting stands apart from the expression; an update belongs to it.
  if (right == Token::With)
    return pieces[at + 1].token == Token::LeftBracket ? 1 : 2;
  return 1;
}
''')
W('Align.cpp','Align.cpp - Columns that neighbouring lines share','''#include "frontend/Format/Pieces.h"
#include <algorithm>

using namespace mad;
using namespace mad::fmt;

size_t fmt::width(std::string_view text) {
  return size_t(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

/// Calls `group(first, last)` for the longest runs of lines that follow each
/// other without an empty line, under the same indentation, and satisfy `wanted`.
template <typename Wanted, typename Group>
static void eachRun(std::vector<OutLine> &lines, Wanted wanted, Group group) {
  for (size_t i = 0; i < lines.size();) {
    size_t end = i;
    while (end < lines.size() && wanted(lines[end]) && lines[end].indent == lines[i].indent &&
           (end == i || (!lines[end].blank && lines[end].cells.size() == lines[i].cells.size())))
      ++end;
    if (end > i + 1)
      group(i, end);
    i = std::max(end, i + 1);
  }
}

static void alignCells(std::vector<OutLine> &lines, size_t first, size_t last) {
  for (size_t cell = 0; cell < lines[first].cells.size(); ++cell) {
    size_t column = 0;
    for (size_t i = first; i < last; ++i)
      column = std::max(column, width(lines[i].text.substr(0, lines[i].cells[cell])));
    for (size_t i = first; i < last; ++i) {
      OutLine &line = lines[i];
      size_t at = line.cells[cell], missing = column - width(line.text.substr(0, at));
      line.text.insert(at, missing, ' ');
      for (size_t later = cell; later < line.cells.size(); ++later)
        line.cells[later] += missing;
    }
  }
}

void fmt::align(std::vector<OutLine> &lines) {
  eachRun(
      lines, [](const OutLine &line) { return !line.cells.empty(); },
      [&](size_t first, size_t last) { alignCells(lines, first, last); });
  // Comments line up whatever the indentation of their lines is.
  for (size_t i = 0; i < lines.size();) {
    size_t end = i, column = 0;
    for (; end < lines.size() && !lines[end].comment.empty() && (end == i || !lines[end].blank);
         ++end)
      column = std::max(column, lines[end].indent + width(lines[end].text));
    for (size_t j = i; j < end; ++j) {
      size_t missing = column + 2 - lines[j].indent - width(lines[j].text);
      lines[j].text += std::string(missing, ' ') + lines[j].comment;
    }
    i = std::max(end, i + 1);
  }
}
''')
W('Format.cpp','Format.cpp - Lines and their indentation','''#include "frontend/Format/Format.h"
#include "frontend/Format/Pieces.h"
#include "frontend/Parse/Parse.h"

using namespace mad;
using namespace mad::fmt;

namespace {

/// An open bracket.
struct Open {
  Token token;
  size_t closer;   ///< column of a closing bracket that begins its line
  size_t inside;   ///< column of lines inside
  size_t statement; ///< indentation of the statement that it stands in
  bool entries;    ///< the lines are entries of a group of weights
  bool item;       ///< the statement is an item
};

class Formatter {
public:
  explicit Formatter(const std::vector<Piece> &pieces) : pieces(pieces) {}
  std::string run();

private:
  bool inBlock() const { return open.empty() || open.back().token == Token::LeftBrace; }
  size_t blockIndent() const { return open.empty() ? 0 : open.back().inside; }
  size_t indentOf(size_t at) const;
  void comments(size_t at);
  void token(size_t at);
  void bracket(size_t at);
  void cell(size_t at);
  OutLine &begin(size_t indent, bool blank);
  Place place() const;

  const std::vector<Piece> &pieces;
  std::vector<OutLine> lines;
  std::vector<Open> open;
  size_t statement = 0;           ///< indentation of the current statement
  Token head = Token::End;        ///< its first token
  bool from = false;              ///< its `from` has been passed
  bool afterOpening = false;      ///< the last token opened a block
};

} // namespace

/// The column of a line that begins with this token.
size_t Formatter::indentOf(size_t at) const {
  const Piece &piece = pieces[at];
  bool closes = piece.token == Token::RightParen || piece.token == Token::RightBracket ||
                piece.token == Token::RightBrace;
  if (closes && !open.empty())
    return open.back().closer;
  if (!inBlock())
    return open.back().inside;
  if (piece.beginsLine || piece.token == Token::End)
    return blockIndent();
  bool hangs = piece.token == Token::LeftBrace ||
               (at > 0 && pieces[at - 1].token == Token::RightBrace);
  return hangs ? statement : statement + 4;
}

OutLine &Formatter::begin(size_t indent, bool blank) {
  OutLine line;
  line.indent = indent;
  line.blank = blank && !lines.empty() && !afterOpening;
  afterOpening = false;
  lines.push_back(std::move(line));
  return lines.back();
}

void Formatter::comments(size_t at) {
  const Piece &piece = pieces[at];
  for (const Comment &comment : piece.comments) {
    if (comment.trailing && !lines.empty()) {
      lines.back().comment = comment.text;
      continue;
    }
    // What stands before a closing bracket is inside of it.
    bool closes = piece.token == Token::RightBrace || piece.token == Token::RightParen ||
                  piece.token == Token::RightBracket;
    begin(closes ? open.back().inside : indentOf(at), comment.blank).text = comment.text;
  }
}

Place Formatter::place() const {
  Place place;
  place.bracket = open.empty() ? Token::End : open.back().token;
  place.entry = from || (!open.empty() && open.back().entries);
  place.use = head == Token::Use;
  return place;
}

/// Notes where columns begin that the next line may have too.
void Formatter::cell(size_t at) {
  OutLine &line = lines.back();
  if (!inBlock())
    return;
  bool weight = head == Token::Weight && line.first == Token::Weight;
  bool type = weight && line.cells.empty() && pieces[at - 1].token == Token::Colon && !from;
  bool file = weight && line.cells.size() == 1 && pieces[at].token == Token::From;
  bool entry = !open.empty() && open.back().entries && line.cells.empty() &&
               pieces[at].token == Token::Colon && pieces[at - 1].beginsLine;
  if (type || file || entry)
    line.cells.push_back(line.text.size());
}

void Formatter::token(size_t at) {
  const Piece &piece = pieces[at];
  if (piece.beginsLine) {
    statement = blockIndent();
    head = piece.token;
    from = false;
  }
  if (piece.newLine || lines.empty()) {
    size_t indent = indentOf(at);
    bool blank = piece.blank && piece.token != Token::RightBrace;
    OutLine &line = begin(indent, blank);
    line.first = piece.token;
  } else {
    lines.back().text.append(spacesBetween(pieces, at, place()), ' ');
    cell(at);
  }
  afterOpening = false;
  bracket(at);
}

/// Appends the token, and keeps the brackets that are open.
void Formatter::bracket(size_t at) {
  const Piece &piece = pieces[at];
  OutLine &line = lines.back();
  line.text += piece.text;
  switch (piece.token) {
  case Token::From:
    from = inBlock() || from;
    break;
  case Token::LeftParen:
  case Token::LeftBracket: {
    bool ends = pieces[at + 1].newLine;
    size_t column = line.indent + width(line.text);
    open.push_back({piece.token, ends ? line.indent : column - 1, ends ? line.indent + 2 : column,
                    statement, false, false});
    break;
  }
  case Token::LeftBrace: {
    // The body of a function goes with its first line, however long its head is.
    size_t base = open.empty() ? statement : line.indent;
    open.push_back({piece.token, base, base + 2, statement, from, open.empty()});
    statement = base + 2;
    from = false;
    afterOpening = true;
    break;
  }
  case Token::RightParen:
  case Token::RightBracket:
  case Token::RightBrace:
    statement = open.back().statement;
    open.pop_back();
    break;
  default:
    break;
  }
}

std::string Formatter::run() {
  for (size_t at = 0; at < pieces.size(); ++at) {
    comments(at);
    if (pieces[at].token != Token::End)
      token(at);
  }
  align(lines);
  std::string text;
  for (const OutLine &line : lines) {
    if (line.blank)
      text += '\\n';
    text.append(line.text.empty() ? 0 : line.indent, ' ');
    text += line.text + '\\n';
  }
  return text;
}

std::optional<std::string> mad::format(const Sources &sources, uint32_t file,
                                       Diagnostics &diagnostics) {
  parse(sources, file, diagnostics);
  if (diagnostics.hasErrors())
    return std::nullopt;
  std::vector<Piece> pieces = takeApart(sources[file]);
  Source made{sources[file].path, Formatter(pieces).run()};
  if (!sameMeaning(pieces, takeApart(made)))
    return std::nullopt;
  return std::move(made.text);
}
''')
open('CMakeLists.txt','w').write('mad_library(MadFormat\n  SRCS Align.cpp Format.cpp Pieces.cpp Spaces.cpp\n  LINK MadDiag MadLex MadParse)\n')
