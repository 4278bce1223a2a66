//===- Runner.h - Applies rules until nothing is new ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_RUNNER_H
#define MAD_PASSES_EGRAPH_RUNNER_H

#include "passes/EGraph/Matcher.h"
#include "passes/EGraph/Relational.h"
#include "passes/EGraph/Rule.h"
#include <chrono>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace mad::egraph {

/// When a run ends, and when a rule waits. Defaults are those of egg.
struct Limits {
  unsigned iterations = 30;
  size_t nodes = 10000; ///< ids that may be made
  bool reuses = true;   ///< ids of nodes that became equal to others; without, those of a run stay
  uint64_t made = ~uint64_t(0); ///< nodes that are made in all, though their ids are used again
  double seconds = 5;
  size_t bytes = size_t(1) << 30;
  /// A rule with more matches in an iteration is left out for some iterations, and twice as long
  /// with twice as many matches the next time.
  size_t matches = 1000;
  unsigned ban = 5;
  /// Asked after each iteration: true ends the run.
  std::function<bool(const EGraph &)> reached;
};

enum class Stop { Saturated, Reached, Iterations, Nodes, Time, Memory, Conflict };
llvm::StringRef name(Stop stop);

struct RuleReport {
  std::string name;
  uint64_t matches = 0; ///< that were applied
  uint64_t unions = 0;
  unsigned bans = 0;
  double searchSeconds = 0, applySeconds = 0;
};

struct Report {
  Stop stop = Stop::Saturated;
  unsigned iterations = 0;
  size_t nodes = 0, classes = 0, bytes = 0;
  uint64_t visits = 0; ///< nodes that searches looked at
  double seconds = 0, rebuildSeconds = 0;
  std::vector<RuleReport> rules;
  void print(llvm::raw_ostream &os) const;
};

/// Equality saturation: in each iteration all rules are searched for, then applied, then the
/// graph is rebuilt. A rule is searched for only where the graph changed since it was last.
class Runner {
public:
  Runner(EGraph &graph, llvm::ArrayRef<Rule> rules, Limits limits = {});
  Report run();

private:
  using Clock = std::chrono::steady_clock;
  struct State {
    const Rule &rule;
    std::unique_ptr<Matcher> matcher; ///< of one term
    std::unique_ptr<Query> query;     ///< of several
    Matches matches;
    uint32_t since = 0; ///< the round of the last search
    unsigned reach = 0;
    unsigned bannedUntil = 0, timesBanned = 0;
  };

  bool search(State &state, RuleReport &report);
  bool apply(State &state, unsigned number, RuleReport &report);
  Id left(const State &state, size_t match, unsigned term);
  bool overLimits();
  bool liftBans();
  double since(Clock::time_point start) const {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  EGraph &graph;
  Limits limits;
  std::vector<State> states;
  Report report;
  Clock::time_point start;
  uint64_t madeBefore = 0;
  unsigned iteration = 0, deepest = 0;
};

} // namespace mad::egraph

#endif // MAD_PASSES_EGRAPH_RUNNER_H
