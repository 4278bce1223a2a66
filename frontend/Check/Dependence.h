//===- Dependence.h - What results of a function depend on ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_CHECK_DEPENDENCE_H
#define MAD_FRONTEND_CHECK_DEPENDENCE_H

#include <vector>

namespace mad::hir {

struct Function;

/// Of each result of a function which of its parameters it may depend on: [result][parameter].
/// Whole tensors: an element of a parameter counts as all of it. Calls and branches are followed
/// result by result, loops until nothing is added.
std::vector<std::vector<bool>> dependence(const Function &function);

} // namespace mad::hir

#endif // MAD_FRONTEND_CHECK_DEPENDENCE_H
