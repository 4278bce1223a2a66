//===- MadRuleOps.cpp - Rules that rewrite programs -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadRuleOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace mad;

#define GET_OP_CLASSES
#include "dialects/Mad/IR/MadRuleOps.cpp.inc"

LogicalResult RuleOp::verify() {
  static constexpr StringLiteral permissions[] = {"reassoc", "contract", "afn", "arcp",
                                                  "nsz",     "nnan",     "ninf"};
  for (auto permission : getPermissions().getAsRange<StringAttr>())
    if (!llvm::is_contained(permissions, permission.getValue()))
      return emitOpError("knows no permission ") << permission;
  if (!llvm::is_contained({"float", "number", "exact"}, getElements()))
    return emitOpError("is of float, number or exact, found ") << getElements();
  if (ArrayAttr packs = getPacksAttr())
    for (auto pack : packs.getAsRange<StringAttr>()) {
      std::optional<DimExpr> name = DimExpr::parse(pack.getValue());
      if (!name || !name->asSymbol())
        return emitOpError("has a pack that is no name: ") << pack;
    }
  if (ArrayAttr checks = getChecksAttr())
    for (Attribute check : checks)
      if (!isa<CheckAttr>(check))
        return emitOpError("has a check that is no #mad.check: ") << check;
  return success();
}

static LogicalResult verifyCondition(RuleOp rule, DictionaryAttr condition) {
  auto argument = condition.getAs<IntegerAttr>("argument");
  auto is = condition.getAs<StringAttr>("is");
  if (!argument || !is)
    return rule.emitOpError("has a condition without `argument` or `is`");
  if (argument.getInt() < 0 || argument.getInt() >= rule.getBody().getNumArguments())
    return rule.emitOpError("has no variable ") << argument.getInt();
  bool plain = llvm::is_contained({"constant", "finite"}, is.getValue());
  if (!plain && !llvm::is_contained({"eq", "ne", "lt", "le", "gt", "ge"}, is.getValue()))
    return rule.emitOpError("knows no condition ") << is;
  if (!plain && !condition.getAs<FloatAttr>("value"))
    return rule.emitOpError("compares with no `value`");
  return success();
}

/// The variables of what a value is made of.
static void collectVariables(Value value, llvm::SmallDenseSet<Value> &seen,
                             llvm::SmallDenseSet<Value> &variables) {
  if (!seen.insert(value).second)
    return;
  if (isa<BlockArgument>(value))
    variables.insert(value);
  else
    for (Value operand : value.getDefiningOp()->getOperands())
      collectVariables(operand, seen, variables);
}

LogicalResult RuleOp::verifyRegions() {
  auto sides = dyn_cast<SidesOp>(getBody().front().getTerminator());
  if (!sides)
    return emitOpError("ends in mad.sides");
  for (auto condition : getConditions().getAsRange<DictionaryAttr>())
    if (failed(verifyCondition(*this, condition)))
      return failure();
  if (sides.getLeft().empty())
    return emitOpError("looks for nothing");
  for (auto [left, right] : llvm::zip(sides.getLeft(), sides.getRight()))
    if (left.getType() != right.getType())
      return emitOpError("has sides of ") << left.getType() << " and " << right.getType();
  auto check = [&](ValueRange from, ValueRange to, StringRef side) -> LogicalResult {
    llvm::SmallDenseSet<Value> seen, bound, needed;
    for (Value value : from)
      collectVariables(value, seen, bound);
    seen.clear();
    for (Value value : to)
      collectVariables(value, seen, needed);
    for (Value value : needed)
      if (!bound.contains(value))
        return emitOpError("needs variable ")
               << cast<BlockArgument>(value).getArgNumber() << ", which is not on the " << side;
    return success();
  };
  if (failed(check(sides.getLeft(), sides.getRight(), "left")))
    return failure();
  return getBoth() ? check(sides.getRight(), sides.getLeft(), "right") : success();
}
