//===- Diagnostics.cpp - Collecting and printing errors ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Diag/Codes.h"
#include "frontend/Diag/Lines.h"
#include <algorithm>
#include <cstdio>
#include <tuple>

using namespace mad;

std::string_view code::title(uint16_t code) {
  switch (code) {
#define MAD_CODE(digits, text)                                                                     \
  case E##digits:                                                                                  \
    return text;
#include "frontend/Diag/Codes.def"
#undef MAD_CODE
  default:
    return {};
  }
}

Diagnostic &Diagnostics::error(uint16_t code, Span span, std::string text) {
  scratch = {};
  for (const Diagnostic &other : list)
    if (other.code == code && other.span.begin == span.begin && other.span.end == span.end &&
        other.span.file == span.file)
      return scratch;
  if (list.size() >= maxErrors) {
    dropped = true;
    return scratch;
  }
  list.emplace_back();
  list.back().code = code;
  list.back().span = span;
  list.back().text = std::move(text);
  return list.back();
}

namespace {
/// Escape sequences of a terminal, or nothing.
struct Paint {
  const char *error, *note, *strong, *frame, *mark, *end;
};
constexpr Paint plain = {"", "", "", "", "", ""};
constexpr Paint colored = {"\033[1;31m", "\033[1;36m", "\033[1m",
                           "\033[34m",   "\033[1;32m", "\033[0m"};
} // namespace

static void renderPlace(const Sources &sources, Span span, const Paint &paint, std::string &out) {
  out += std::string("  ") + paint.frame + "-->" + paint.end + " " +
         diag::printable(sources.place(span)) + "\n";
}

static void renderExcerpt(const Sources &sources, const Diagnostic &diagnostic, const Paint &paint,
                          std::string &out) {
  diag::ShownLine line =
      diag::showLine(sources[diagnostic.span.file].text, diagnostic.span, diagnostic.labels);
  std::string number = std::to_string(sources.position(diagnostic.span).line);
  size_t width = std::max<size_t>(number.size(), 5);
  out += paint.frame + std::string(width - number.size(), ' ') + number + " |" + paint.end;
  if (!line.text.empty())
    out += " " + line.text;
  out += "\n";
  out += paint.frame + std::string(width, ' ') + " |" + paint.end + " " + paint.mark + line.marks +
         paint.end + "\n";
}

std::string mad::render(const Sources &sources, const Diagnostic &diagnostic, bool color) {
  const Paint &paint = color ? colored : plain;
  char head[16];
  std::snprintf(head, sizeof head, "error[E%04u]", unsigned(diagnostic.code));
  std::string out = std::string(paint.error) + head + paint.end + paint.strong + ": " +
                    diag::printable(diagnostic.text) + paint.end + "\n";
  if (diagnostic.span.file < sources.size()) {
    renderPlace(sources, diagnostic.span, paint, out);
    renderExcerpt(sources, diagnostic, paint, out);
  }
  for (const Note &note : diagnostic.notes) {
    out += std::string(paint.note) + "note: " + paint.end + diag::printable(note.text) + "\n";
    if (note.hasSpan)
      renderPlace(sources, note.span, paint, out);
  }
  if (!diagnostic.help.empty())
    out += std::string(paint.note) + "help: " + paint.end + diag::printable(diagnostic.help) + "\n";
  return out;
}

std::string mad::render(const Sources &sources, const Diagnostics &diagnostics, bool color) {
  std::vector<const Diagnostic *> order;
  for (const Diagnostic &diagnostic : diagnostics.all())
    order.push_back(&diagnostic);
  std::sort(order.begin(), order.end(), [](const Diagnostic *a, const Diagnostic *b) {
    return std::tie(a->span.file, a->span.begin, a) < std::tie(b->span.file, b->span.begin, b);
  });
  std::string out;
  for (const Diagnostic *diagnostic : order) {
    if (!out.empty())
      out += "\n";
    out += render(sources, *diagnostic, color);
  }
  if (diagnostics.truncated())
    out += "\nmore errors are not shown: " + std::to_string(Diagnostics::maxErrors) +
           " at most in one run\n";
  return out;
}
