//===- Lines.cpp - A source line as it is shown -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Diag/Lines.h"
#include <algorithm>

using namespace mad;
using namespace mad::diag;

static constexpr char32_t replacement = 0xFFFD;
static constexpr uint32_t tabStop = 4;
/// Longer lines are cut around the caret.
static constexpr uint32_t maxShown = 120;
static constexpr uint32_t shownBefore = 60;

char32_t diag::decode(std::string_view text, size_t &at) {
  unsigned char first = text[at++];
  if (first < 0x80)
    return first;
  unsigned more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  if (first < 0xC2 || first > 0xF4 || at + more > text.size())
    return replacement;
  char32_t point = first & (0x3F >> more);
  for (unsigned i = 0; i < more; ++i) {
    if (!continues(text[at + i]))
      return replacement;
    point = point << 6 | (text[at + i] & 0x3F);
  }
  static constexpr char32_t least[] = {0, 0x80, 0x800, 0x10000};
  if (point < least[more] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
    return replacement;
  at += more;
  return point;
}

void diag::encode(char32_t point, std::string &out) {
  if (point < 0x80) {
    out += char(point);
    return;
  }
  unsigned more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  static constexpr unsigned char lead[] = {0, 0xC0, 0xE0, 0xF0};
  out += char(lead[more] | point >> 6 * more);
  while (more-- > 0)
    out += char(0x80 | (point >> 6 * more & 0x3F));
}

static bool isControl(char32_t point) {
  // Besides the plain controls those that turn the direction of text.
  return point < 0x20 || (point >= 0x7F && point < 0xA0) || (point >= 0x202A && point <= 0x202E) ||
         (point >= 0x2066 && point <= 0x2069);
}

std::string diag::printable(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    char32_t point = decode(text, at);
    encode(point != '\n' && isControl(point) ? replacement : point, out);
  }
  return out;
}

/// Columns that a code point takes on a terminal: the usual blocks, no more.
static uint32_t widthOf(char32_t point) {
  if ((point >= 0x300 && point < 0x370) || (point >= 0x200B && point <= 0x200D) ||
      (point >= 0xFE00 && point <= 0xFE0F))
    return 0;
  if ((point >= 0x1100 && point < 0x1160) || (point >= 0x2E80 && point < 0xA4D0) ||
      (point >= 0xAC00 && point < 0xD7A4) || (point >= 0xF900 && point < 0xFB00) ||
      (point >= 0xFE30 && point < 0xFE70) || (point >= 0xFF00 && point < 0xFF61) ||
      (point >= 0x1F300 && point < 0x1FA00) || (point >= 0x20000 && point < 0x3FFFE))
    return 2;
  return 1;
}

namespace {
/// Shows the bytes [begin, end) of a text; knows the column of every byte.
class LinePainter {
public:
  LinePainter(std::string_view source, uint32_t begin, uint32_t end)
      : source(source), begin(begin), end(end) {}

  /// The column, from 0, where the byte at `offset` is shown.
  uint32_t column(uint32_t offset) const {
    uint32_t column = 0;
    for (size_t at = begin; at < std::min(offset, end);)
      column += width(decode(source, at), column);
    return column;
  }

  std::string paint(uint32_t from, uint32_t to) const {
    std::string out;
    uint32_t column = 0;
    for (size_t at = begin; at < end && column < to;) {
      char32_t point = decode(source, at);
      uint32_t wide = width(point, column);
      bool whole = column >= from && column + wide <= to;
      if (whole && point != '\t')
        encode(isControl(point) ? replacement : point, out);
      else if (column < to && column + wide > from) // a tab, or half of something wide
        out.append(std::min(column + wide, to) - std::max(column, from), ' ');
      column += wide;
    }
    return out;
  }

private:
  static uint32_t width(char32_t point, uint32_t column) {
    return point == '\t' ? tabStop - column % tabStop : widthOf(point);
  }

  std::string_view source;
  uint32_t begin, end;
};
} // namespace

ShownLine diag::showLine(std::string_view source, Span span, const std::vector<Span> &labels) {
  uint32_t size = uint32_t(source.size());
  uint32_t at = std::min(span.begin, size);
  size_t before = at == 0 ? std::string_view::npos : source.rfind('\n', at - 1);
  uint32_t begin = before == std::string_view::npos ? 0 : uint32_t(before + 1);
  uint32_t end = uint32_t(std::min<size_t>(source.find('\n', at), size));
  if (end > begin && source[end - 1] == '\r')
    --end;
  LinePainter painter(source, begin, end);
  uint32_t total = painter.column(end), caret = painter.column(at);

  std::string marks;
  auto mark = [&](Span range, char first, char rest) {
    uint32_t from = painter.column(range.begin);
    uint32_t to = std::max(painter.column(std::max(range.end, range.begin)), from + 1);
    if (marks.size() < to)
      marks.resize(to, ' ');
    std::fill(marks.begin() + from, marks.begin() + to, rest);
    marks[from] = first;
  };
  for (Span label : labels)
    if (label.file == span.file && label.begin >= begin && label.begin <= end)
      mark(label, '~', '~');
  mark(span, '^', '~');

  if (total <= maxShown)
    return {painter.paint(0, total), marks};
  uint32_t from = caret > shownBefore ? caret - shownBefore : 0;
  uint32_t to = std::min(total, from + maxShown);
  std::string shown = painter.paint(from, to);
  marks.resize(std::min<size_t>(marks.size(), to + 1));
  marks.erase(0, from);
  if (from > 0) {
    shown.insert(0, "... ");
    marks.insert(0, 4, ' ');
  }
  if (to < total)
    shown += " ...";
  return {shown, marks};
}
