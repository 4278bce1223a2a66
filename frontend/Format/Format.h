//===- Format.h - One way to write a program ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lines stay as the author broke them, comments and blank lines too. What changes
// is what carries no meaning: indentation, the spaces between tokens, alignment.
// Works on tokens, not on the tree, so that a construct of the language that it
// was not told about keeps its shape.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_FORMAT_FORMAT_H
#define MAD_FRONTEND_FORMAT_FORMAT_H

#include "frontend/Diag/Diag.h"
#include <optional>

namespace mad {

/// The text of source number `file` in the style of docs/tools.md, or nothing:
/// with `diagnostics` when it does not parse, without any when the result would
/// not have the same tokens and comments, which is a bug of the formatter.
std::optional<std::string> format(const Sources &sources, uint32_t file, Diagnostics &diagnostics);

} // namespace mad

#endif // MAD_FRONTEND_FORMAT_FORMAT_H
