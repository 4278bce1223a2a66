//===- Tokens.h - From lexemes to the parser's tokens -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_PARSE_TOKENS_H
#define MAD_FRONTEND_PARSE_TOKENS_H

#include "frontend/Parse/Parser.h"

namespace mad::syntax {

Parser::symbol_type nextToken(Driver &driver);

} // namespace mad::syntax

#endif // MAD_FRONTEND_PARSE_TOKENS_H
