//===- Codes.h - The numbers of the kinds of errors -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_DIAG_CODES_H
#define MAD_FRONTEND_DIAG_CODES_H

#include <cstdint>
#include <string_view>

namespace mad::code {

/// `code::E0121` and so on, for `Diagnostics::error`.
enum Code : uint16_t {
// A leading 0 would make the digits octal.
#define MAD_CODE(digits, title) E##digits = 1##digits - 10000,
#include "frontend/Diag/Codes.def"
#undef MAD_CODE
};

/// The short title of a code; empty when there is no such code.
std::string_view title(uint16_t code);

} // namespace mad::code

#endif // MAD_FRONTEND_DIAG_CODES_H
