//===- RuleSamples.h - Values to try rewrite rules with ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_DRIVER_RULESAMPLES_H
#define MAD_PASSES_DRIVER_RULESAMPLES_H

#include "dialects/Mad/IR/RefTensor.h"
#include "frontend/Check/Program.h"

namespace mad {

/// The same numbers on every machine and in every run: splitmix64 (Steele, Lea, Flood, 2014).
class RuleRandom {
public:
  explicit RuleRandom(llvm::StringRef seed);
  uint64_t next();
  uint64_t below(uint64_t count) { return next() % count; }
  double unit() { return double(next() >> 11) * 0x1p-53; } ///< in [0, 1)

private:
  uint64_t state = 0;
};

/// Values of the variables of a rule for one element type, within its conditions.
class RuleSamples {
public:
  RuleSamples(const hir::Rule &rule, RefElement floats, RuleRandom &random);
  RefElement element(size_t variable) const { return elements[variable]; }
  /// Sets a tensor for each variable, of shapes that are set. `grid`: all combinations of special
  /// values come first, as far as they fit. `special`: how many of 256 are. False when the
  /// conditions of a variable, whose number is then set, leave nothing.
  bool draw(std::vector<RefTensor> &inputs, bool grid, unsigned special, size_t &failed);

private:
  bool holds(size_t variable, RefScalar value) const;
  RefScalar ordinary(RefElement element);
  std::optional<RefScalar> value(size_t variable, bool special);

  const hir::Rule &rule;
  RuleRandom &random;
  std::vector<RefElement> elements;
  std::vector<std::vector<RefScalar>> specials; ///< of each variable, within its conditions
};

} // namespace mad

#endif // MAD_PASSES_DRIVER_RULESAMPLES_H
