//===- Dependence.cpp - What results of a function depend on ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Dependence.h"
#include "frontend/Check/Program.h"

#include <algorithm>
#include <cstdint>
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

/// How elements of a value depend on those of a parameter.
enum class Way : uint8_t { None, Elementwise, Mixed };

class Ways {
public:
  explicit Ways(const Node *parameter) { ways[{parameter, 0}] = Way::Elementwise; }

  Way of(const Ref &ref) {
    auto [at, isNew] = ways.try_emplace({ref.node, ref.result}, Way::None);
    if (!isNew)
      return at->second;
    Way way = computed(*ref.node, ref.result);
    return ways[{ref.node, ref.result}] = way;
  }

private:
  Way operands(const Node &n) {
    Way way = Way::None;
    for (const Ref &operand : n.operands)
      way = std::max(way, of(operand));
    return way;
  }

  Way computed(const Node &n, uint32_t result) {
    switch (n.op) {
    case Op::Elementwise:
    case Op::Cast:
      return operands(n);
    case Op::Call: {
      Way way = Way::None;
      for (size_t p = 0; p < n.operands.size(); ++p)
        if (Way given = of(n.operands[p]); given != Way::None) {
          Way inside = Ways(n.callee->body.parameters[p]).of(n.callee->body.results[result]);
          way = std::max(way, inside == Way::None ? Way::None : std::max(inside, given));
        }
      return way;
    }
    case Op::If:
      if (of(n.operands[0]) != Way::None)
        return Way::Mixed;
      return std::max(of(n.regions[0].results[result]), of(n.regions[1].results[result]));
    case Op::Scan:
    case Op::Iterate:
    case Op::Solve:
      return Way::Mixed;
    default:
      return operands(n) == Way::None ? Way::None : Way::Mixed;
    }
  }

  std::map<std::pair<const Node *, uint32_t>, Way> ways;
};

} // namespace

bool isElementwise(const Function &function, size_t result, size_t parameter) {
  return Ways(function.body.parameters[parameter]).of(function.body.results[result]) != Way::Mixed;
}

std::vector<std::vector<bool>> dependence(const Function &function) {
  std::map<const Function *, Dependence::Results> known;
  return Dependence(function, known).region(function.body);
}

} // namespace mad::hir
