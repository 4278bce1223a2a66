//===- Frontend.cpp - Lexer, parser and checker on any text ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Check.h"
#include "frontend/Parse/Parse.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  mad::Sources sources;
  mad::Diagnostics diagnostics;
  // In a folder that is not there: `use` finds no files of the machine.
  uint32_t file =
      sources.add("/nonexistent/fuzz.mad", std::string(reinterpret_cast<const char *>(data), size));
  std::unique_ptr<mad::ast::File> tree = mad::parse(sources, file, diagnostics);
  std::unique_ptr<mad::hir::Program> program;
  if (tree && !diagnostics.hasErrors())
    program = mad::check(sources, *tree, diagnostics);
  // Every error has a text that shows its place. It takes its time: for some inputs only.
  if (size % 8 == 0 && diagnostics.hasErrors() == mad::render(sources, diagnostics).empty())
    abort();
  if (program && !diagnostics.hasErrors())
    mad::dump(*program);
  return 0;
}
