//===- Report.cpp - Errors of the checker -----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"

#include <algorithm>

namespace mad::elab {

Report::Report(Checker &checker, uint16_t code, Span span, std::string text) : checker(checker) {
  d.code = code;
  d.span = span;
  d.text = std::move(text);
}

Report &Report::label(Span span) {
  d.labels.push_back(span);
  return *this;
}

Report &Report::note(std::string text, Span span) {
  d.notes.push_back({std::move(text), span, true});
  return *this;
}

Report &Report::help(std::string text) {
  d.help = std::move(text);
  return *this;
}

/// What goes wrong in the library is an error of the call that leads there: its
/// text is not the user's to change.
void Report::leaveLibrary() {
  if (!checker.inLibrary(d.span))
    return;
  const auto &stack = checker.stack;
  auto call = std::find_if(stack.rbegin(), stack.rend(), [&](const auto &active) {
    return active.call && !checker.inLibrary(active.call->span);
  });
  if (call == stack.rend())
    return;
  d.text = "`" + call->fn->name + "` cannot be called with these arguments: " + d.text;
  d.notes.insert(d.notes.begin(), Note{"it fails here", d.span, true});
  d.span = call->call->span;
  d.labels.clear();
  d.help.clear();
}

static bool isWordPart(char c) { return isalnum(static_cast<unsigned char>(c)) || c == '_'; }

static bool hasWord(std::string_view line, std::string_view word) {
  for (size_t at = line.find(word); at != line.npos; at = line.find(word, at + 1)) {
    size_t end = at + word.size();
    if ((at == 0 || !isWordPart(line[at - 1])) && (end == line.size() || !isWordPart(line[end])))
      return true;
  }
  return false;
}

/// Whether the name that is missing may be declared by text that did not parse.
bool Report::excused() const {
  if (d.code != code::E0201)
    return false;
  std::string_view name = checker.sources.text(d.span);
  for (const Diagnostic &other : checker.diagnostics.all()) {
    if (other.code >= 200 || other.span.file != d.span.file)
      continue;
    std::string_view all = checker.sources[d.span.file].text;
    size_t at = std::min<size_t>(other.span.begin, all.size());
    size_t begin = at == 0 ? 0 : all.rfind('\n', at - 1) + 1;
    std::string_view line = all.substr(begin, all.find('\n', at) - begin);
    if (line.starts_with("use") || hasWord(line, name))
      return true;
  }
  return false;
}

Report::~Report() {
  ++checker.failures;
  if (excused())
    return;
  leaveLibrary();
  // The innermost calls say most; long chains are cut.
  size_t shown = 0;
  for (auto it = checker.stack.rbegin(); it != checker.stack.rend() && shown < 4; ++it)
    if (it->call && it->call->span.begin != d.span.begin && !checker.inLibrary(it->call->span)) {
      note("instantiated from here", it->call->span);
      ++shown;
    }
  // What helps one type does not help the others.
  if (checker.ruleNote) {
    d.notes.push_back(*checker.ruleNote);
    d.help.clear();
  }
  Diagnostic &out = checker.diagnostics.error(d.code, d.span, d.text);
  out.labels = std::move(d.labels);
  out.notes = std::move(d.notes);
  out.help = std::move(d.help);
}

bool Checker::inLibrary(Span span) const {
  return std::any_of(modules.begin(), modules.end(), [&](const auto &module) {
    return module->source == span.file && module->name.starts_with("std.");
  });
}

} // namespace mad::elab
