//===- Solve.h - A `solve` that is being checked ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_CHECK_SOLVE_H
#define MAD_FRONTEND_CHECK_SOLVE_H

#include "frontend/Check/Checker.h"

namespace mad::elab {

/// The field of a dense solution that holds its steps. No program can write its name.
inline constexpr char denseField[] = "the values of a solution in its steps";

struct Checker::Problem {
  CallMatch match;
  size_t states = 0; ///< the first parameters; the last one may be the time
  bool timed = false;
  Element element = Element::F64; ///< of the states
  Element time = Element::F64;    ///< of times and steps
  Value from, to;
  hir::Solve solve;
  std::map<std::string, Value> options; ///< by the names of `hir::Solve::options`
  Value save;                           ///< in the type of the time
  bool last = false;                    ///< `save = last`
  const ast::Node *method = nullptr;    ///< the setting
};

} // namespace mad::elab

#endif // MAD_FRONTEND_CHECK_SOLVE_H
