//===- Dependence.h - What results of a function depend on ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_CHECK_DEPENDENCE_H
#define MAD_FRONTEND_CHECK_DEPENDENCE_H

#include <cstddef>
#include <vector>

namespace mad::hir {

struct Function;

/// Of each result of a function which of its parameters it may depend on: [result][parameter].
/// Whole tensors: an element of a parameter counts as all of it. Calls and branches are followed
/// result by result, loops until nothing is added.
std::vector<std::vector<bool>> dependence(const Function &function);

/// Whether each element of a result depends on the element of a parameter at its place alone, or on
/// no element of it: as far as elementwise functions, branches and calls say so.
bool isElementwise(const Function &function, size_t result, size_t parameter);

} // namespace mad::hir

#endif // MAD_FRONTEND_CHECK_DEPENDENCE_H
