//===- Rules.cpp - Rules of a module for the graphs of its programs -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Bridge/Rules.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/EGraph/Bridge/TensorRules.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mad::egraph;

namespace mad::rewrite {

Type elementInRule(Value value) {
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  return element.isF32() ? Type() : element;
}

Rule sweep(std::string name, std::function<void(EGraph &, llvm::function_ref<void(Id, Id)>)> run) {
  Rule rule;
  rule.name = std::move(name);
  rule.sweep = std::move(run);
  return rule;
}

uint32_t permissionsOf(RuleOp op) {
  uint32_t flags = 0;
  for (auto name : op.getPermissions().getAsRange<StringAttr>())
    flags |= *permissionOf(name.getValue());
  return flags;
}

static bool holds(StringRef is, const Range &range, double value) {
  return llvm::StringSwitch<bool>(is)
      .Case("finite", range.isFinite())
      .Case("eq", range.low == value && range.high == value)
      .Case("ne", value < range.low || value > range.high)
      .Case("lt", range.high < value)
      .Case("le", range.high <= value)
      .Case("gt", range.low > value)
      .Case("ge", range.low >= value)
      .Default(false);
}

bool meets(RuleOp op, const EGraph &graph, ArrayRef<Id> variables, const Facts &facts) {
  const uint32_t permissions = permissionsOf(op);
  for (auto condition : op.getConditions().getAsRange<DictionaryAttr>()) {
    Id id = variables[condition.getAs<IntegerAttr>("argument").getInt()];
    StringRef is = condition.getAs<StringAttr>("is").getValue();
    if (is == "constant") {
      if (!facts.known.of(graph, id))
        return false;
      continue;
    }
    Range range = facts.ranges.of(graph, id);
    // Where there is none by declaration, it need not be ruled out.
    range.nan &= !(permissions & Nnan);
    auto value = condition.getAs<FloatAttr>("value");
    if (range.nan || !holds(is, range, value ? value.getValueAsDouble() : 0))
      return false;
  }
  return true;
}

Id relax(EGraph &graph, Id id, RuleContext &context, bool always) {
  if (!context.relaxes && !always)
    return id;
  return graph.add(context.terms.relaxed(context.terms.typeOf(graph, id)), id);
}

bool RuleContext::isNewGroup(RuleOp rule, const EGraph &graph, ArrayRef<Id> values) {
  std::vector<Id> key;
  for (Id value : values)
    key.push_back(graph.find(value));
  llvm::sort(key);
  return together.insert({rule.getAsOpaquePointer(), std::move(key)}).second;
}

void RuleContext::addGroup(ArrayRef<Id> values, ArrayRef<Id> made,
                           llvm::function_ref<void(Id, Id)> unite) {
  auto &group = groups.emplace_back();
  for (auto [value, other] : llvm::zip(values, made)) {
    group.push_back({value, other});
    unite(value, other);
  }
}

void loadRules(ModuleOp module, bool ofSeveral, RuleContext &context,
               std::vector<LoadedRule> &loaded, std::vector<Rule> &rules) {
  auto load = [&](RuleOp op, bool forward) {
    // Of sizes the labels of tensors tell.
    std::optional<Rule> rule;
    if (!op.getChecks())
      rule = loadElementwise(op, forward, context);
    if (!rule)
      rule = loadTensor(op, forward, context);
    if (!rule)
      return;
    loaded.push_back({op, forward});
    rules.push_back(std::move(*rule));
  };
  for (auto op : module.getOps<RuleOp>()) {
    auto sides = cast<SidesOp>(op.getBody().front().getTerminator());
    if ((sides.getLeft().size() > 1) != ofSeveral)
      continue;
    load(op, true);
    if (op.getBoth())
      load(op, false);
  }
}

} // namespace mad::rewrite
