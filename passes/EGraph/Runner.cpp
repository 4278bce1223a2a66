//===- Runner.cpp - Applies rules until nothing is new ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Runner.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace mad::egraph {

StringRef name(Stop stop) {
  switch (stop) {
  case Stop::Saturated:
    return "saturated";
  case Stop::Reached:
    return "reached";
  case Stop::Iterations:
    return "limit of iterations";
  case Stop::Nodes:
    return "limit of nodes";
  case Stop::Time:
    return "limit of time";
  case Stop::Memory:
    return "limit of memory";
  case Stop::Conflict:
    return "two facts contradict each other";
  }
  llvm_unreachable("all are listed");
}

Runner::Runner(EGraph &graph, ArrayRef<Rule> rules, Limits limits) : graph(graph), limits(limits) {
  for (const Rule &rule : rules) {
    State state{rule, nullptr, nullptr, {}};
    state.matches.roots = unsigned(rule.left.size());
    state.matches.classes = rule.variables;
    state.matches.ops = rule.opVariables;
    if (rule.sweep)
      deepest = EGraph::stampDepth; // it may ask what changed
    if (!rule.sweep && rule.left.size() == 1) {
      state.matcher = std::make_unique<Matcher>(graph.language(), rule.left[0], rule.variables,
                                                rule.opVariables, rule.flags);
      // Facts of a variable's class may change what a condition says.
      state.reach = state.matcher->reach() + (rule.condition || rule.build ? 1 : 0);
      if (state.reach <= EGraph::stampDepth)
        deepest = std::max(deepest, state.reach);
    } else if (!rule.sweep) {
      state.query = std::make_unique<Query>(graph.language(), rule);
    }
    states.push_back(std::move(state));
    report.rules.push_back({rule.name});
  }
}

bool Runner::overLimits() {
  auto over = [&](bool isOver, Stop stop) {
    if (isOver)
      report.stop = stop;
    return isOver;
  };
  return over(!graph.conflict().empty(), Stop::Conflict) ||
         over(graph.numIds() > limits.nodes, Stop::Nodes) ||
         over(graph.numMade() - madeBefore > limits.made, Stop::Nodes) ||
         over(since(start) > limits.seconds, Stop::Time) ||
         over(graph.memory() > limits.bytes, Stop::Memory);
}

/// Finds the matches of a rule. False if it waits.
bool Runner::search(State &state, RuleReport &report) {
  if (state.rule.sweep || iteration < state.bannedUntil)
    return false;
  Clock::time_point start = Clock::now();
  size_t most = state.rule.matchLimit ? state.rule.matchLimit : limits.matches;
  size_t threshold = most == ~size_t(0) ? most - 1 : most << std::min(state.timesBanned, 32u);
  if (state.matcher) {
    uint64_t before = state.matcher->visits;
    bool facts = state.rule.condition || state.rule.build;
    state.matcher->search(graph, state.matches, threshold, {state.since, state.reach, !facts});
    this->report.visits += state.matcher->visits - before;
  } else {
    state.query->search(graph, state.matches, threshold);
  }
  report.searchSeconds += since(start);
  if (state.matches.size() > threshold) {
    state.bannedUntil = iteration + (limits.ban << std::min(state.timesBanned, 16u));
    ++state.timesBanned;
    ++report.bans;
    state.matches.rows.clear();
    return false;
  }
  state.since = graph.round();
  return true;
}

/// The class of a matched term; with explanations the term itself.
Id Runner::left(const State &state, size_t match, unsigned term) {
  Id root = state.matches.rootsOf(match)[term];
  if (!graph.proofs())
    return root;
  // With permissions that differ the term is another one than was matched.
  Id made = instantiate(graph, state.rule.left[term], state.matches[match]);
  return graph.find(made) == graph.find(root) ? made : root;
}

/// False when a limit ends the run.
bool Runner::apply(State &state, unsigned number, RuleReport &report) {
  Clock::time_point start = Clock::now();
  bool inside = true;
  if (state.rule.sweep)
    state.rule.sweep(graph, [&](Id a, Id b) {
      ++report.matches;
      report.unions += graph.unite(a, b, number);
    });
  const size_t count = state.matches.size();
  for (size_t i = 0; i < count && inside; ++i) {
    Bindings bindings = state.matches[i];
    if (state.rule.condition && !state.rule.condition(graph, bindings))
      continue;
    ++report.matches;
    if (state.rule.build) {
      if (std::optional<Id> made = state.rule.build(graph, bindings))
        report.unions += graph.unite(left(state, i, 0), *made, number);
    } else {
      for (unsigned term = 0; term < state.rule.right.size(); ++term) {
        report.unions +=
            instantiateAt(graph, left(state, i, term), state.rule.right[term], bindings, number);
      }
    }
    if (i % 256 == 255)
      inside = !overLimits();
  }
  state.matches.rows.clear();
  report.applySeconds += since(start);
  return inside && !overLimits();
}

/// Nothing else changed: rules that wait are asked sooner. False if none waits.
bool Runner::liftBans() {
  unsigned least = ~0u;
  for (const State &state : states)
    if (state.bannedUntil > iteration)
      least = std::min(least, state.bannedUntil - iteration);
  if (least == ~0u)
    return false;
  for (State &state : states)
    if (state.bannedUntil > iteration)
      state.bannedUntil -= least;
  return true;
}

Report Runner::run() {
  start = Clock::now();
  iteration = 0;
  for (State &state : states)
    state.since = state.bannedUntil = state.timesBanned = 0;
  madeBefore = graph.numMade();
  graph.setStampDepth(deepest);
  graph.rebuild();
  if (limits.reuses)
    graph.startReuse();
  report.stop = Stop::Iterations;
  bool goesOn = !overLimits();
  for (; goesOn && iteration < limits.iterations; ++iteration) {
    uint64_t made = graph.numMade(), unions = graph.numUnions();
    for (auto [state, rule] : llvm::zip(states, report.rules))
      search(state, rule);
    for (unsigned i = 0; i < states.size() && goesOn; ++i)
      goesOn = apply(states[i], i, report.rules[i]);
    for (State &state : states)
      state.matches.rows.clear();
    Clock::time_point before = Clock::now();
    graph.rebuild();
    report.rebuildSeconds += since(before);
    goesOn = goesOn && !overLimits();
    if (goesOn && limits.reached && limits.reached(graph)) {
      report.stop = Stop::Reached;
      goesOn = false;
    }
    if (goesOn && made == graph.numMade() && unions == graph.numUnions() && !liftBans()) {
      report.stop = Stop::Saturated;
      goesOn = false;
    }
  }
  if (limits.reuses)
    graph.endReuse();
  report.iterations = iteration;
  report.nodes = graph.numNodes();
  report.classes = graph.numClasses();
  report.bytes = graph.memory();
  report.seconds = since(start);
  return report;
}

void Report::print(raw_ostream &os) const {
  os << "stopped: " << name(stop) << "; " << iterations << " iterations, " << nodes << " nodes, "
     << classes << " classes, " << format("%.1f", 1e3 * seconds) << " ms, of which rebuilding "
     << format("%.1f", 1e3 * rebuildSeconds) << "\n";
  for (const RuleReport &rule : rules) {
    if (rule.matches == 0 && rule.bans == 0)
      continue;
    os << "  " << rule.name << ": " << rule.matches << " matches, " << rule.unions << " unions, ";
    if (rule.bans)
      os << rule.bans << " times left out, ";
    os << format("%.2f", 1e3 * rule.searchSeconds) << " ms searched, "
       << format("%.2f", 1e3 * rule.applySeconds) << " ms applied\n";
  }
}

} // namespace mad::egraph
