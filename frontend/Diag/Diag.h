//===- Diag.h - Source text, positions and diagnostics ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Diagnostics are values: a phase appends to a `Diagnostics`, the caller decides
// what to print. No global state and no exit.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_DIAG_DIAG_H
#define MAD_FRONTEND_DIAG_DIAG_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mad {

/// A range of bytes in one source file. `file` indexes `Sources`.
struct Span {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t file = 0;
};

/// One file of source text. `text` stays where it is: tokens point into it.
struct Source {
  std::string path; ///< as shown in messages
  std::string text;
};

/// A position as people count it: both start at 1, columns are code points.
struct LineColumn {
  uint32_t line = 1;
  uint32_t column = 1;
};

/// All files of a compilation. Addresses are stable.
class Sources {
public:
  Sources();
  ~Sources();
  /// Adds a text and returns its number.
  uint32_t add(std::string path, std::string text);
  const Source &operator[](uint32_t file) const;
  size_t size() const;
  LineColumn position(Span span) const;
  /// `digits.mad:14:11`.
  std::string place(Span span) const;
  /// The text that a span covers.
  std::string_view text(Span span) const;

private:
  struct Impl;
  Impl *impl;
  Sources(const Sources &) = delete;
  Sources &operator=(const Sources &) = delete;
};

/// A second place of a diagnostic, printed as `note:` or, without a span, as a
/// line of its own.
struct Note {
  std::string text;
  Span span;
  bool hasSpan = false;
};

/// One error: a code (`E0203`), one sentence, the place, and what else helps.
struct Diagnostic {
  uint16_t code = 0;
  std::string text;
  Span span;                ///< where the caret or `^` goes
  std::vector<Span> labels; ///< further ranges on the same line, under `~`
  std::vector<Note> notes;
  std::string help; ///< the fix, when it is certain; printed as `help: `
};

/// Collects at most `maxErrors` diagnostics; a second one with the same place
/// and code is dropped.
class Diagnostics {
public:
  static constexpr size_t maxErrors = 20;
  /// Returns the diagnostic so that notes can be added. The reference is good
  /// until the next call.
  Diagnostic &error(uint16_t code, Span span, std::string text);
  bool hasErrors() const { return !list.empty(); }
  const std::vector<Diagnostic> &all() const { return list; }
  /// True when errors were left out because there were too many.
  bool truncated() const { return dropped; }

private:
  std::vector<Diagnostic> list;
  Diagnostic scratch;
  bool dropped = false;
};

/// The text of one diagnostic, as in docs/language.md:
///
///   error[E0203]: cannot multiply `f32[Batch, Pixels]` by ...
///     --> digits.mad:14:11
///      14 |   let h = x @ fc2
///         |           ~ ^ ~~~
///   note: `fc2` is declared here
///     --> digits.mad:9:8
std::string render(const Sources &sources, const Diagnostic &diagnostic, bool color = false);
/// All of them in the order of their places, with a closing line when truncated.
std::string render(const Sources &sources, const Diagnostics &diagnostics, bool color = false);

} // namespace mad

#endif // MAD_FRONTEND_DIAG_DIAG_H
