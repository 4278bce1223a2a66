//===- Text.h - Texts of messages and of what is exported -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_CHECK_TEXT_H
#define MAD_FRONTEND_CHECK_TEXT_H

#include <string>
#include <string_view>

namespace mad::elab {

/// Code in a message.
inline std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

/// A comment of `///` lines without these.
std::string docText(std::string_view comment);

} // namespace mad::elab

#endif // MAD_FRONTEND_CHECK_TEXT_H
