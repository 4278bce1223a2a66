//===- Check.h - From a syntax tree to a checked program --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_CHECK_CHECK_H
#define MAD_FRONTEND_CHECK_CHECK_H

#include "frontend/Ast/Ast.h"
#include "frontend/Check/Program.h"
#include <memory>

namespace mad {

/// Checks the file and every module it uses: `use std.nn` is built in, `use x.y`
/// is the file `x/y.mad` beside this one. Returns a program also when there
/// are errors (codes E02xx names and shapes, E03xx types, E04xx declarations);
/// it must be used only when there are none.
std::unique_ptr<hir::Program> check(Sources &sources, const ast::File &file,
                                    Diagnostics &diagnostics);

/// The text of a standard module (`std.nn`), embedded when the compiler is
/// built; null when there is none of this name.
const char *standardModule(const std::string &name);

/// The names of all of them, sorted.
std::vector<std::string> standardModules();

/// The program as text, one operation a line: for tests.
std::string dump(const hir::Program &program);

} // namespace mad

#endif // MAD_FRONTEND_CHECK_CHECK_H
