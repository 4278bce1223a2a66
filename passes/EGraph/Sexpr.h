//===- Sexpr.h - Terms and rules as text ------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For tests and reports: `(+ ?x (* 2 y))`. Numbers are integers, of the symbol `number` with
// their value as payload; words that begin with `?` are variables.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_SEXPR_H
#define MAD_PASSES_EGRAPH_SEXPR_H

#include "passes/EGraph/Rule.h"
#include "llvm/Support/Error.h"

namespace mad::egraph {

constexpr llvm::StringLiteral numberSymbol = "number";

/// Numbers the variables of the pattern in `variables`.
llvm::Expected<Pattern> parsePattern(Language &language, llvm::StringRef text,
                                     Variables &variables);
/// Adds a term without variables.
llvm::Expected<Id> parseTerm(EGraph &graph, llvm::StringRef text);
/// A rule with one term on each side. Variables of the right side must be on the left.
llvm::Expected<Rule> parseRule(Language &language, llvm::StringRef name, llvm::StringRef left,
                               llvm::StringRef right);
/// A rule with several terms, as many on each side.
llvm::Expected<Rule> parseRule(Language &language, llvm::StringRef name,
                               llvm::ArrayRef<llvm::StringRef> left,
                               llvm::ArrayRef<llvm::StringRef> right);

/// The text of an operation on texts of operands.
std::string textOf(const Language &language, OpId op, llvm::ArrayRef<std::string> operands);

} // namespace mad::egraph

#endif // MAD_PASSES_EGRAPH_SEXPR_H
