//===- Checked.h - Checks programs that stand in tests ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_UNIT_CHECK_CHECKED_H
#define MAD_TEST_UNIT_CHECK_CHECKED_H

#include "frontend/Check/Check.h"
#include "frontend/Parse/Parse.h"
#include <gtest/gtest.h>

namespace mad {

struct Checked {
  explicit Checked(std::string text, std::string path = "test.mad") {
    uint32_t file = sources.add(std::move(path), std::move(text));
    tree = parse(sources, file, diagnostics);
    program = check(sources, *tree, diagnostics);
    errors = render(sources, diagnostics);
  }
  Sources sources;
  Diagnostics diagnostics;
  std::unique_ptr<ast::File> tree;
  std::unique_ptr<hir::Program> program;
  std::string errors;
};

/// The dump of a right program.
inline std::string programOf(const std::string &text) {
  Checked checked(text);
  EXPECT_EQ(checked.errors, "");
  return checked.errors.empty() ? dump(*checked.program) : "";
}

/// The first lines of all errors.
inline std::string errorsOf(const std::string &text) {
  Checked checked(text);
  std::string lines;
  for (const Diagnostic &d : checked.diagnostics.all())
    lines += d.text + "\n";
  return lines;
}

} // namespace mad

#endif // MAD_TEST_UNIT_CHECK_CHECKED_H
