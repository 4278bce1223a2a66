//===- Syntax.cpp - Lexer, parser and formatter on any text ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Format/Format.h"
#include "frontend/Parse/Parse.h"

#include <cstdlib>

namespace {

std::optional<std::string> formatted(const std::string &text) {
  mad::Sources sources;
  mad::Diagnostics diagnostics;
  std::optional<std::string> result = mad::format(sources, sources.add("f.mad", text), diagnostics);
  // Nothing but an error keeps the style away, and every error has a text that shows its
  // place. That text takes longer than the parser, so it is made for some only.
  if (result.has_value() == diagnostics.hasErrors())
    abort();
  if (text.size() % 8 == 0 && diagnostics.hasErrors() == mad::render(sources, diagnostics).empty())
    abort();
  return result;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string text(reinterpret_cast<const char *>(data), size);
  // What is in the style stays as it is.
  if (std::optional<std::string> once = formatted(text); once && formatted(*once) != once)
    abort();
  return 0;
}
