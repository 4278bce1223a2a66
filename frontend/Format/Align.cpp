//===- Align.cpp - Columns that neighbouring lines share ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Format/Pieces.h"
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

/// The numbers of a line, each with its sign and what else stands before it.
static std::vector<std::string_view> columns(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    size_t comma = std::min(text.find(','), text.size() - 1) + 1;
    parts.push_back(text.substr(0, comma));
    text.remove_prefix(std::min(text.find_first_not_of(' ', comma), text.size()));
  }
  return parts;
}

/// Rows of a table: the numbers of a column end below each other.
static void alignNumbers(std::vector<OutLine> &lines, size_t first, size_t last) {
  auto count = columns(lines[first].text).size();
  std::vector<size_t> widths(count);
  // The last one may be followed by closing brackets.
  auto measure = [](std::string_view part) { return part.find_last_not_of(",]) ") + 1; };
  for (size_t i = first; i < last; ++i) {
    auto parts = columns(lines[i].text);
    if (parts.size() != count)
      return;
    for (size_t j = 0; j < count; ++j)
      widths[j] = std::max(widths[j], measure(parts[j]));
  }
  for (size_t i = first; i < last; ++i) {
    auto parts = columns(lines[i].text);
    std::string text;
    for (size_t j = 0; j < count; ++j)
      text +=
          (j ? " " : "") + std::string(widths[j] - measure(parts[j]), ' ') + std::string(parts[j]);
    lines[i].text = std::move(text);
  }
}

void fmt::align(std::vector<OutLine> &lines) {
  eachRun(
      lines, [](const OutLine &line) { return !line.cells.empty(); },
      [&](size_t first, size_t last) { alignCells(lines, first, last); });
  eachRun(
      lines, [](const OutLine &line) { return line.numbers && line.first != Token::End; },
      [&](size_t first, size_t last) { alignNumbers(lines, first, last); });
  // Comments line up whatever the indentation of their lines is.
  for (size_t i = 0; i < lines.size();) {
    size_t end = i, column = 0;
    auto goesOn = [&] {
      const OutLine &line = lines[end];
      bool likeFirst = line.indent > 0 || lines[i].indent > 0 || line.first == lines[i].first;
      return !line.comment.empty() && (end == i || (!line.blank && likeFirst));
    };
    for (; end < lines.size() && goesOn(); ++end)
      column = std::max(column, lines[end].indent + width(lines[end].text));
    for (size_t j = i; j < end; ++j) {
      size_t missing = column + 2 - lines[j].indent - width(lines[j].text);
      lines[j].text += std::string(missing, ' ') + lines[j].comment;
    }
    i = std::max(end, i + 1);
  }
}
