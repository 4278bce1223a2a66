//===- Lines.h - A source line as it is shown -------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_DIAG_LINES_H
#define MAD_FRONTEND_DIAG_LINES_H

#include "frontend/Diag/Diag.h"

namespace mad::diag {

/// True for the bytes of a UTF-8 code point after its first.
inline bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

/// Decodes the code point at `text[at]` and moves `at` behind it. A byte that is
/// not UTF-8 is one U+FFFD.
char32_t decode(std::string_view text, size_t &at);

/// Appends a code point as UTF-8.
void encode(char32_t point, std::string &out);

/// The text with control characters, which could steer a terminal, replaced.
std::string printable(std::string_view text);

/// One line of source as it is shown: tabs are spaces, control characters are
/// replaced, and only a part around the caret is kept when it is very long.
struct ShownLine {
  std::string text;
  std::string marks; ///< `^`, `~` and spaces; no trailing spaces
};

/// The line where `span` begins. What a span has on further lines is cut.
ShownLine showLine(std::string_view source, Span span, const std::vector<Span> &labels);

} // namespace mad::diag

#endif // MAD_FRONTEND_DIAG_LINES_H
