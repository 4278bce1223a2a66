//===- Report.cpp - Errors of the checker -----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"

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

Report::~Report() {
  ++checker.failures;
  // The innermost calls say most; long chains are cut.
  size_t shown = 0;
  for (auto it = checker.stack.rbegin(); it != checker.stack.rend() && shown < 4; ++it)
    if (it->call) {
      note("instantiated from here", it->call->span);
      ++shown;
    }
  Diagnostic &out = checker.diagnostics.error(d.code, d.span, d.text);
  out.labels = std::move(d.labels);
  out.notes = std::move(d.notes);
  out.help = std::move(d.help);
}

} // namespace mad::elab
