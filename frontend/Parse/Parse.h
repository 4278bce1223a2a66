//===- Parse.h - From text to a syntax tree ---------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_PARSE_PARSE_H
#define MAD_FRONTEND_PARSE_PARSE_H

#include "frontend/Ast/Ast.h"
#include <memory>

namespace mad {

/// Parses source number `file`. Always returns a tree; what could not be parsed
/// is left out or an Error node, and reported in `diagnostics` (codes E01xx).
/// An Error stands only in place of a type, a pattern, an expression, a
/// statement, or the Generics, Params or Block of a Fn: items keep their kind,
/// their name and their number of kids, so that uses of a broken item are known.
/// Texts above 64 MiB and trees above 10 million nodes are refused.
std::unique_ptr<ast::File> parse(const Sources &sources, uint32_t file, Diagnostics &diagnostics);

/// The tree as indented text, one node a line: for tests.
std::string dump(const ast::File &file);

} // namespace mad

#endif // MAD_FRONTEND_PARSE_PARSE_H
