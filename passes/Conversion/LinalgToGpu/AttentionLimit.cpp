//===- AttentionLimit.cpp - What scores are made of -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "passes/Conversion/LinalgToGpu/AttentionFinder.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad::attention {

SmallVector<Finder::Role> Finder::rolesIn(GenericOp computed, AffineMap map, ArrayRef<Role> roles) {
  SmallVector<Role> result;
  for (AffineExpr e : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(e);
    result.push_back(dim ? roles[dim.getPosition()] : Role::Other);
  }
  return result;
}

/// What a number goes with: it is a row's number plus what is the same for all rows, the column's,
/// or the same for all.
std::optional<Finder::Role> Finder::roleOf(GenericOp op, ArrayRef<Role> roles, Value number) {
  if (number.getParentRegion() != &op.getRegion())
    return Role::Other;
  if (auto argument = dyn_cast<BlockArgument>(number)) {
    OpOperand *operand = op.getMatchingOpOperand(argument);
    AffineMap map = op.getMatchingIndexingMap(operand);
    SmallVector<Role> inside = rolesIn(op, map, roles);
    if (GenericOp maker =
            isMemory(operand->get()) ? found->computed.lookup(baseOf(operand->get())) : GenericOp())
      return roleOf(maker, inside, maker.getBody()->getTerminator()->getOperand(0));
    return llvm::all_of(inside, [](Role role) { return role == Role::Other; })
               ? std::optional(Role::Other)
               : std::nullopt;
  }
  Operation *def = number.getDefiningOp();
  if (auto index = dyn_cast<linalg::IndexOp>(def))
    return roles[index.getDim()];
  if (isa<arith::ConstantOp>(def))
    return Role::Other;
  if (isa<arith::IndexCastOp>(def))
    return roleOf(op, roles, def->getOperand(0));
  if (!isa<arith::AddIOp, arith::SubIOp>(def))
    return {};
  auto x = roleOf(op, roles, def->getOperand(0)), y = roleOf(op, roles, def->getOperand(1));
  if (x == Role::Other && (y == Role::Other || isa<arith::AddIOp>(def)) && y != Role::Column)
    return y;
  return y == Role::Other && x != Role::Column ? x : std::nullopt;
}

/// Whether a score only counts where a column is not beyond a number of its row; `alone`: and else
/// always.
bool Finder::isLimit(GenericOp op, ArrayRef<Role> roles, Value condition, bool &alone) {
  Operation *def = condition.getDefiningOp();
  if (!def || def->getBlock() != op.getBody())
    return false;
  if (isa<arith::AndIOp>(def)) {
    alone = false;
    return isLimit(op, roles, def->getOperand(0), alone) ||
           isLimit(op, roles, def->getOperand(1), alone);
  }
  if (isa<arith::TruncIOp>(def)) {
    auto argument = dyn_cast<BlockArgument>(def->getOperand(0));
    OpOperand *operand = argument && argument.getOwner() == op.getBody()
                             ? op.getMatchingOpOperand(argument)
                             : nullptr;
    GenericOp maker = operand && isMemory(operand->get())
                          ? found->computed.lookup(baseOf(operand->get()))
                          : GenericOp();
    auto extend =
        maker ? maker.getBody()->getTerminator()->getOperand(0).getDefiningOp<arith::ExtUIOp>()
              : arith::ExtUIOp();
    return extend && isLimit(maker, rolesIn(op, op.getMatchingIndexingMap(operand), roles),
                             extend.getIn(), alone);
  }
  auto compare = dyn_cast<arith::CmpIOp>(def);
  if (!compare)
    return false;
  using Predicate = arith::CmpIPredicate;
  Value x = compare.getLhs(), y = compare.getRhs();
  Predicate predicate = compare.getPredicate();
  if (predicate == Predicate::sge || predicate == Predicate::sgt) {
    std::swap(x, y);
    predicate = predicate == Predicate::sge ? Predicate::sle : Predicate::slt;
  }
  auto number = roleOf(op, roles, y);
  if ((predicate != Predicate::sle && predicate != Predicate::slt) || !x.getType().isInteger(64) ||
      roleOf(op, roles, x) != Role::Column ||
      !isa_and_nonnull<arith::IndexCastOp>(x.getDefiningOp()) ||
      (number != Role::Row && number != Role::Other))
    return false;
  found->limit = {compare, y, predicate == Predicate::sle};
  return true;
}

/// The last op on scores hides those of columns beyond a number.
void Finder::findLimit() {
  const AttentionStep *last = nullptr;
  for (const AttentionStep &step : found->steps)
    if (step.kind == AttentionStep::Score)
      last = &step;
  if (!last || last->op->getNumResults() != 0)
    return;
  GenericOp op = last->op;
  auto select =
      narrowed(op.getBody()->getTerminator()->getOperand(0)).getDefiningOp<arith::SelectOp>();
  if (!select || !matchPattern(narrowed(select.getFalseValue()), m_NegInfFloat()) ||
      op.getNumLoops() < 2)
    return;
  SmallVector<Role> roles(op.getNumLoops(), Role::Other);
  roles.back() = Role::Column;
  roles[roles.size() - 2] = Role::Row;
  bool alone = true;
  if (isLimit(op, roles, select.getCondition(), alone))
    limitAlone = alone;
}

/// What a step multiplies a score by, apart from the limit, where it does nothing else.
std::optional<double> Finder::scaleOf(const AttentionStep &step) {
  GenericOp op = step.op;
  Value value = narrowed(op.getBody()->getTerminator()->getOperand(0));
  if (auto select = value.getDefiningOp<arith::SelectOp>(); select && found->limit.compare) {
    if (!limitAlone)
      return {};
    value = narrowed(select.getTrueValue());
  }
  auto isElement = [&](Value v) {
    auto argument = dyn_cast<BlockArgument>(narrowed(v));
    return argument && argument.getOwner() == op.getBody() &&
           step.sources[argument.getArgNumber()] == AttentionStep::Element;
  };
  if (isElement(value))
    return 1.0;
  auto product = value.getDefiningOp<arith::MulFOp>();
  FloatAttr number;
  if (product && ((isElement(product.getLhs()) &&
                   matchPattern(narrowed(product.getRhs()), m_Constant(&number))) ||
                  (isElement(product.getRhs()) &&
                   matchPattern(narrowed(product.getLhs()), m_Constant(&number)))))
    return number.getValueAsDouble();
  return {};
}

/// Scores that are nothing but sums times a positive number.
void Finder::findScale() {
  double scale = 1;
  for (const AttentionStep &step : found->steps)
    if (step.kind == AttentionStep::Score) {
      std::optional<double> by = scaleOf(step);
      if (!by)
        return;
      scale *= *by;
    }
  if (scale > 0 && scale < 1e30)
    found->scale = scale;
}

} // namespace mad::attention
