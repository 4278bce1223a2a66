//===- Builtins.h - The functions of the language itself --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_CHECK_BUILTINS_H
#define MAD_FRONTEND_CHECK_BUILTINS_H

#include <string>
#include <string_view>
#include <vector>

namespace mad::elab {

/// All names, sorted; casts included.
const std::vector<std::string> &builtinNames();
bool isBuiltin(std::string_view name);

} // namespace mad::elab

#endif // MAD_FRONTEND_CHECK_BUILTINS_H
