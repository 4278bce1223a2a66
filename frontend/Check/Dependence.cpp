//===- Dependence.cpp - What results of a function depend on ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Dependence.h"
#include "frontend/Check/Program.h"

#include <map>

namespace mad::hir {
namespace {

using Set = std::vector<bool>; ///< of parameters

class Dependence {
public:
  using Results = std::vector<Set>;

  Dependence(const Function &function, std::map<const Function *, Results> &known)
      : count(function.body.parameters.size()), known(known) {
    for (size_t i = 0; i < count; ++i) {
      Set one(count);
      one[i] = true;
      sets[function.body.parameters[i]] = {one};
    }
  }

  Results region(const Region &region) {
    for (const Node *n : region.nodes)
      visit(*n);
    Results results;
    for (const Ref &result : region.results)
      results.push_back(of(result));
    return results;
  }

private:
  static void add(Set &to, const Set &from) {
    for (size_t i = 0; i < to.size(); ++i)
      if (from[i])
        to[i] = true;
  }

  Set of(const Ref &ref) const {
    auto at = sets.find(ref.node);
    return at == sets.end() ? Set(count) : at->second[ref.result];
  }

  Set operands(const Node &n) const {
    Set all(count);
    for (const Ref &operand : n.operands)
      add(all, of(operand));
    return all;
  }

  void visit(const Node &n) {
    Results &results = sets[&n];
    results.assign(n.types.size(), Set(count));
    switch (n.op) {
    case Op::Parameter:
      return;
    case Op::Call:
      return call(n, results);
    case Op::If:
      for (const Region &branch : n.regions) {
        Results made = region(branch);
        for (size_t i = 0; i < results.size(); ++i)
          add(results[i], made[i]);
      }
      for (Set &result : results)
        add(result, operands(n));
      return;
    case Op::Scan:
    case Op::Iterate:
      return loop(n, results);
    default:
      // Of a `solve` inside all results depend on all it is given.
      for (Set &result : results)
        result = operands(n);
    }
  }

  void call(const Node &n, Results &results) {
    const Function &callee = *n.callee;
    auto at = known.find(&callee);
    if (at == known.end())
      at = known.emplace(&callee, Dependence(callee, known).region(callee.body)).first;
    for (size_t i = 0; i < results.size(); ++i)
      for (size_t p = 0; p < n.operands.size(); ++p)
        if (at->second[i][p])
          add(results[i], of(n.operands[p]));
  }

  /// What is carried in round after round, until nothing is added.
  void loop(const Node &n, Results &results) {
    std::vector<Set> carried;
    for (const Ref &operand : n.operands)
      carried.push_back(of(operand));
    for (bool grows = true; grows;) {
      grows = false;
      Results made;
      Set rounds(count);
      for (const Region &part : n.regions) {
        for (size_t i = 0; i < part.parameters.size(); ++i)
          sets[part.parameters[i]] = {i == 0 ? Set(count) : carried[i - 1]};
        made = region(part);
        // How many rounds there are.
        if (n.op == Op::Iterate && &part == &n.regions.front())
          rounds = made[0];
      }
      for (size_t i = 0; i < carried.size(); ++i) {
        Set all = carried[i];
        add(all, made[i]);
        add(all, rounds);
        grows |= all != carried[i];
        carried[i] = all;
      }
      for (size_t i = 0; i < results.size(); ++i) {
        Set all = i < carried.size() ? carried[i] : i < made.size() ? made[i] : Set(count);
        add(all, rounds);
        results[i] = all;
      }
    }
    sets[&n] = results;
  }

  size_t count;
  std::map<const Function *, Results> &known;
  std::map<const Node *, Results> sets;
};

} // namespace

std::vector<std::vector<bool>> dependence(const Function &function) {
  std::map<const Function *, Dependence::Results> known;
  return Dependence(function, known).region(function.body);
}

} // namespace mad::hir
