//===- Terms.h - Graphs of tests from text ----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_UNIT_EGRAPH_TERMS_H
#define MAD_TEST_UNIT_EGRAPH_TERMS_H

#include "passes/EGraph/Runner.h"
#include "passes/EGraph/Sexpr.h"
#include "llvm/Support/Error.h"

namespace mad::egraph {

inline Id term(EGraph &graph, llvm::StringRef text) {
  return llvm::cantFail(parseTerm(graph, text));
}

inline Rule rule(Language &language, llvm::StringRef name, llvm::StringRef left,
                 llvm::StringRef right) {
  return llvm::cantFail(parseRule(language, name, left, right));
}

/// Limits that nothing of a test reaches.
inline Limits noLimits() {
  Limits limits;
  limits.iterations = 1000;
  limits.nodes = 10000000;
  limits.seconds = 600;
  limits.matches = ~size_t(0);
  return limits;
}

} // namespace mad::egraph

#endif // MAD_TEST_UNIT_EGRAPH_TERMS_H
