//===- ErrorPages.h - The pages of docs/errors ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TOOLS_MAD_ERRORPAGES_H
#define MAD_TOOLS_MAD_ERRORPAGES_H

#include <cstdint>

namespace mad::tool {

/// The page of an error code, in Markdown; null when there is none.
const char *errorPage(uint16_t code);

} // namespace mad::tool

#endif // MAD_TOOLS_MAD_ERRORPAGES_H
