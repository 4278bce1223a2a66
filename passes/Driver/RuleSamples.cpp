//===- RuleSamples.cpp - Values to try rewrite rules with -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/RuleSamples.h"
#include <cfloat>
#include <cmath>

namespace mad {

RuleRandom::RuleRandom(llvm::StringRef seed) {
  // FNV-1a.
  state = 0xcbf29ce484222325;
  for (char c : seed)
    state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3;
}

uint64_t RuleRandom::next() {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

static RefScalar scalar(RefElement element, double value) {
  RefScalar result;
  if (isFloatElement(element))
    result.f = rounded(element, value);
  else
    result.i = int64_t(value);
  return result;
}

static std::vector<RefScalar> specialsOf(RefElement element) {
  std::vector<RefScalar> all;
  if (element == RefElement::Bool)
    return {{0, 0}, {0, 1}};
  if (!isFloatElement(element)) {
    auto [least, greatest] = integerRange(element);
    for (int64_t value : {int64_t(0), int64_t(1), int64_t(2), int64_t(3), least, greatest})
      all.push_back({0, value});
    if (least < 0)
      all.push_back({0, -1});
    return all;
  }
  bool wide = element == RefElement::F64;
  double inf = std::numeric_limits<double>::infinity();
  double tiny = wide ? DBL_TRUE_MIN : FLT_TRUE_MIN, normal = wide ? DBL_MIN : FLT_MIN;
  double huge = wide ? DBL_MAX : FLT_MAX;
  for (double value : {0.0, -0.0, 1.0, -1.0, inf, -inf, std::nan(""), tiny, -tiny, normal, huge,
                       -huge, 0.5, 3.0, -2.5, wide ? 1e-150 : 1e-20, wide ? 1e150 : 1e20})
    all.push_back(scalar(element, value));
  return all;
}

RuleSamples::RuleSamples(const hir::Rule &rule, RefElement floats, RuleRandom &random)
    : rule(rule), random(random) {
  for (const hir::Node *parameter : rule.body.parameters) {
    // The two enums list the types in different orders.
    hir::Element declared = parameter->types[0].element;
    RefElement element = declared == hir::Element::F32    ? floats
                         : declared == hir::Element::F64  ? RefElement::F64
                         : declared == hir::Element::F16  ? RefElement::F16
                         : declared == hir::Element::BF16 ? RefElement::BF16
                         : declared == hir::Element::I8   ? RefElement::I8
                         : declared == hir::Element::U8   ? RefElement::U8
                         : declared == hir::Element::I32  ? RefElement::I32
                         : declared == hir::Element::I64  ? RefElement::I64
                                                          : RefElement::Bool;
    elements.push_back(element);
    auto &list = specials.emplace_back();
    for (RefScalar value : specialsOf(element))
      if (holds(elements.size() - 1, value))
        list.push_back(value);
  }
}

bool RuleSamples::holds(size_t variable, RefScalar value) const {
  RefElement element = elements[variable];
  double number = isFloatElement(element) ? value.f : double(value.i);
  for (const hir::Rule::Condition &c : rule.conditions) {
    if (c.variable != variable || c.is == "constant")
      continue;
    bool good = c.is == "finite" ? std::isfinite(number)
                : c.is == "eq"   ? number == c.value
                : c.is == "ne"   ? number != c.value
                : c.is == "lt"   ? number < c.value
                : c.is == "le"   ? number <= c.value
                : c.is == "gt"   ? number > c.value
                                 : number >= c.value;
    if (!good)
      return false;
  }
  return true;
}

/// Of all magnitudes, most near 1; whole numbers as well, since they meet.
RefScalar RuleSamples::ordinary(RefElement element) {
  if (element == RefElement::Bool)
    return {0, int64_t(random.below(2))};
  if (!isFloatElement(element)) {
    auto [least, greatest] = integerRange(element);
    if (random.below(2))
      return {0, std::clamp<int64_t>(int64_t(random.below(21)) - 10, least, greatest)};
    uint64_t span = uint64_t(greatest) - uint64_t(least);
    return {0, int64_t(uint64_t(least) + (span + 1 ? random.below(span + 1) : random.next()))};
  }
  double value = 8 * random.unit() - 4;
  switch (random.below(4)) {
  case 0:
    value = double(random.below(17)) - 8;
    break;
  case 1:
    value = std::exp2(40 * random.unit() - 20) * (random.below(2) ? 1 : -1);
    break;
  case 2:
    value = random.unit();
    break;
  }
  return scalar(element, value);
}

std::optional<RefScalar> RuleSamples::value(size_t variable, bool special) {
  const auto &list = specials[variable];
  if (special && !list.empty())
    return list[random.below(list.size())];
  for (int tries = 0; tries < 100; ++tries) {
    RefScalar value = ordinary(elements[variable]);
    if (holds(variable, value))
      return value;
    // Into the range of a condition that it is outside of.
    for (const hir::Rule::Condition &c : rule.conditions) {
      if (c.variable != variable || c.is == "constant" || c.is == "finite" || c.is == "ne")
        continue;
      double distance = std::fabs(ordinary(RefElement::F64).f);
      double moved = c.is == "eq"                   ? c.value
                     : c.is == "lt" || c.is == "le" ? c.value - distance
                                                    : c.value + distance;
      value = scalar(elements[variable], moved);
      if (holds(variable, value))
        return value;
    }
  }
  if (!list.empty())
    return list[random.below(list.size())];
  return std::nullopt;
}

bool RuleSamples::draw(std::vector<RefTensor> &inputs, bool grid, unsigned special,
                       size_t &failed) {
  uint64_t combinations = 1;
  for (const auto &list : specials)
    combinations = std::min<uint64_t>(combinations * std::max<size_t>(list.size(), 1), 1 << 20);
  for (size_t v = 0; v < inputs.size(); ++v) {
    uint64_t before = 1;
    for (size_t w = 0; w < v; ++w)
      before *= std::max<size_t>(specials[w].size(), 1);
    int64_t n = inputs[v].elements();
    bool fits = grid && combinations * 2 <= uint64_t(n);
    for (int64_t i = 0; i < n; ++i) {
      if (fits && uint64_t(i) < combinations && !specials[v].empty()) {
        inputs[v].set(i, specials[v][(uint64_t(i) / before) % specials[v].size()]);
        continue;
      }
      auto drawn = value(v, random.below(256) < special);
      if (!drawn) {
        failed = v;
        return false;
      }
      inputs[v].set(i, *drawn);
    }
  }
  return true;
}

} // namespace mad
