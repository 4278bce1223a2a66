//===- Format.cpp - Lines and their indentation ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Format/Format.h"
#include "frontend/Format/Pieces.h"
#include "frontend/Parse/Parse.h"

using namespace mad;
using namespace mad::fmt;

namespace {

/// An open bracket.
struct Open {
  Token token;
  size_t closer;    ///< column of a closing bracket that begins its line
  size_t inside;    ///< column of lines inside
  size_t statement; ///< indentation of the statement that it stands in
  bool entries;     ///< the lines are entries of a group of weights
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
  bool ruleCell(size_t at) const;
  OutLine &begin(size_t indent, bool blank);
  Place place() const;

  const std::vector<Piece> &pieces;
  std::vector<OutLine> lines;
  std::vector<Open> open;
  size_t statement = 0;      ///< indentation of the current statement
  Token head = Token::End;   ///< its first token
  bool from = false;         ///< its `from` has been passed
  bool afterOpening = false; ///< the last token opened a block
  size_t column = 0;         ///< code points on the last line
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
  bool hangs =
      piece.token == Token::LeftBrace || (at > 0 && pieces[at - 1].token == Token::RightBrace);
  return hangs ? statement : statement + 4;
}

OutLine &Formatter::begin(size_t indent, bool blank) {
  OutLine line;
  line.indent = indent;
  line.blank = blank && !lines.empty() && !afterOpening;
  afterOpening = false;
  lines.push_back(std::move(line));
  column = indent;
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
  place.head = open.empty() && (head == Token::Fn || head == Token::Export || head == Token::Test ||
                                head == Token::Ode || head == Token::Reactions);
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
  if (type || file || entry || ruleCell(at))
    line.cells.push_back(line.text.size());
}

/// Of a rule: its name, its first side, its arrow.
bool Formatter::ruleCell(size_t at) const {
  const OutLine &line = lines.back();
  if (head != Token::Rule || line.first != Token::Rule || !open.empty())
    return false;
  Token token = pieces[at].token, before = pieces[at - 1].token;
  if (line.cells.empty())
    return token == Token::Name;
  if (line.cells.size() == 1)
    return before == Token::Colon && pieces[at - 2].token == Token::Name;
  if (line.cells.size() > 2 || token == Token::Becomes || token == Token::Exchange)
    return line.cells.size() == 2;
  if (token != Token::LessEqual)
    return false;
  // `a <= b` is an arrow where no other one follows.
  for (size_t i = at; pieces[i].token != Token::End && (i == at || !pieces[i].beginsLine); ++i)
    if (pieces[i].token == Token::Becomes || pieces[i].token == Token::Exchange)
      return false;
  return true;
}

void Formatter::token(size_t at) {
  const Piece &piece = pieces[at];
  // Behind a `;` in a list no statement begins.
  if (piece.beginsLine && inBlock()) {
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
    size_t spaces = spacesBetween(pieces, at, place());
    lines.back().text.append(spaces, ' ');
    column += spaces;
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
  column += width(piece.text);
  line.numbers &= piece.token == Token::Number || piece.token == Token::Minus ||
                  piece.token == Token::Comma || piece.token == Token::LeftBracket ||
                  piece.token == Token::RightBracket;
  switch (piece.token) {
  case Token::From:
    from = inBlock() || from;
    break;
  case Token::LeftParen:
  case Token::LeftBracket: {
    bool ends = pieces[at + 1].newLine;
    open.push_back({piece.token, ends ? line.indent : column - 1, ends ? line.indent + 2 : column,
                    statement, false});
    break;
  }
  case Token::LeftBrace: {
    // The body of a function goes with its first line, however long its head is.
    size_t base = open.empty() ? statement : line.indent;
    open.push_back({piece.token, base, base + 2, statement, from});
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
      text += '\n';
    text.append(line.text.empty() ? 0 : line.indent, ' ');
    text += line.text + '\n';
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
