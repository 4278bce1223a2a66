//===- UnseenColumns.cpp - Columns that a mask rules out --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// That shares are zeros follows op by op, from the one that puts minus infinity: less
// the largest score of the row, which is not minus infinity, it stays, its exponential
// is 0, and so is that times or divided by a number. Where the largest score or the
// factor is NaN, all columns of the row are.
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/UnseenColumns.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "passes/Kernels/KernelLibrary.h"
#include "passes/Transforms/Memory.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
namespace {

/// What an element in a masked column is.
enum class Unseen { Anything, MinusInfinity, Zero };

std::optional<APFloat> constantOf(Value v) {
  APFloat value(0.0f);
  if (matchPattern(v, m_ConstantFloat(&value)))
    return value;
  return {};
}

bool isMinusInfinity(Value v) {
  auto value = constantOf(v);
  return value && value->isInfinity() && value->isNegative();
}

bool isPositive(Value v) {
  auto value = constantOf(v);
  return value && value->isFinite() && !value->isNegative() && !value->isZero();
}

/// The memory of a block that only its piece has, or null.
Value scratchOf(Value memory) {
  Value base = baseOf(memory);
  return base && base.getDefiningOp<memref::AllocOp>() &&
                 base.getDefiningOp()->getParentOfType<scf::ParallelOp>()
             ? base
             : Value();
}

/// Whether the op, or one inside of it, has memory with that base.
bool touches(Operation *op, Value base) {
  return op
      ->walk([&](Operation *inner) {
        if (isMemoryEffectFree(inner))
          return WalkResult::advance();
        bool found = llvm::any_of(inner->getOperands(), [&](Value v) {
          if (!isa<MemRefType>(v.getType()))
            return false;
          Value other = baseOf(v);
          return !other || other == base;
        });
        return found ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

/// The op that writes all of `memory` last before `op`, in the same block.
GenericOp writerBefore(Operation *op, Value memory) {
  Value base = scratchOf(memory);
  for (Operation *o = base ? op->getPrevNode() : nullptr; o; o = o->getPrevNode()) {
    if (isMemoryEffectFree(o) || !touches(o, base))
      continue;
    auto generic = dyn_cast<GenericOp>(o);
    if (generic && llvm::all_of(generic.getDpsInits(), [&](Value init) {
          Value other = baseOf(init);
          return other && other != base;
        }))
      continue; // reads it
    bool whole = generic && generic.getNumDpsInits() == 1 && !generic.getNumReductionLoops() &&
                 generic.getIndexingMapsArray().back().isIdentity();
    return whole ? generic : GenericOp();
  }
  return {};
}

/// Follows elements of masked columns through the ops of a block.
class Columns {
public:
  /// Of the body of an op on rows and columns.
  Unseen valueOf(GenericOp op, Value v);
  /// Of a matrix in memory, as `op` finds it.
  Unseen inMemory(Operation *op, Value memory);
  std::optional<Masking> masking;

private:
  static bool findMasks(GenericOp op, Value condition, SmallVectorImpl<OpOperand *> &masks);
  /// A number of the row: what the op before computed where it is an argument.
  static Value rowNumber(GenericOp op, Value v);
  static bool isNotMinusInfinity(GenericOp op, Value v);
  static bool isPositiveRow(Value v);
  static bool isFactor(GenericOp op, Value v);
};

/// Bytes that are 1 where the element counts.
bool Columns::findMasks(GenericOp op, Value condition, SmallVectorImpl<OpOperand *> &masks) {
  if (auto both = condition.getDefiningOp<arith::AndIOp>())
    return findMasks(op, both.getLhs(), masks) && findMasks(op, both.getRhs(), masks);
  auto bit = condition.getDefiningOp<arith::TruncIOp>();
  auto argument = bit ? dyn_cast<BlockArgument>(bit.getIn()) : BlockArgument();
  if (!argument || argument.getOwner() != op.getBody() || !argument.getType().isInteger(8) ||
      argument.getArgNumber() >= op.getNumDpsInputs())
    return false;
  OpOperand &operand = op->getOpOperand(argument.getArgNumber());
  if (!hasNeighbours(operand.get()))
    return false;
  // One row for all, or one each.
  AffineMap map = op.getMatchingIndexingMap(&operand);
  AffineExpr row = getAffineDimExpr(0, op.getContext()),
             column = getAffineDimExpr(1, op.getContext());
  unsigned rows = 0;
  for (AffineExpr e : map.getResults().drop_back()) {
    auto constant = dyn_cast<AffineConstantExpr>(e);
    rows += e == row;
    if (e != row && !(constant && constant.getValue() == 0))
      return false;
  }
  if (rows > 1) // a diagonal is no matrix in memory
    return false;
  masks.push_back(&operand);
  return map.getResults().back() == column;
}

Value Columns::rowNumber(GenericOp op, Value v) {
  auto argument = dyn_cast<BlockArgument>(v);
  if (!argument)
    return v;
  OpOperand &operand = op->getOpOperand(argument.getArgNumber());
  if (op.getMatchingIndexingMap(&operand).isFunctionOfDim(1))
    return {};
  GenericOp writer = writerBefore(op, operand.get());
  return writer ? writer.getBody()->getTerminator()->getOperand(0) : Value();
}

/// `select(x == -inf, c, x)`.
bool Columns::isNotMinusInfinity(GenericOp op, Value v) {
  v = rowNumber(op, v);
  auto select = v ? v.getDefiningOp<arith::SelectOp>() : arith::SelectOp();
  auto compare = select ? select.getCondition().getDefiningOp<arith::CmpFOp>() : arith::CmpFOp();
  auto other = select ? constantOf(select.getTrueValue()) : std::nullopt;
  return compare && compare.getPredicate() == arith::CmpFPredicate::OEQ && other &&
         other->isFinite() && compare.getLhs() == select.getFalseValue() &&
         isMinusInfinity(compare.getRhs());
}

/// `max(x, c)`, of a positive c.
bool Columns::isPositiveRow(Value v) {
  auto most = v ? v.getDefiningOp<arith::MaximumFOp>() : arith::MaximumFOp();
  return most && (isPositive(most.getLhs()) || isPositive(most.getRhs()));
}

/// `c / max(x, d)`: at most c / d. A sum is never so small that this overflows.
bool Columns::isFactor(GenericOp op, Value v) {
  v = rowNumber(op, v);
  auto quotient = v ? v.getDefiningOp<arith::DivFOp>() : arith::DivFOp();
  auto one = [](Value v) {
    auto value = constantOf(v);
    return value && value->isExactlyValue(1.0);
  };
  auto most = quotient ? quotient.getRhs().getDefiningOp<arith::MaximumFOp>() : arith::MaximumFOp();
  return most && one(quotient.getLhs()) && (one(most.getLhs()) || one(most.getRhs()));
}

Unseen Columns::valueOf(GenericOp op, Value v) {
  if (auto argument = dyn_cast<BlockArgument>(v)) {
    OpOperand &operand = op->getOpOperand(argument.getArgNumber());
    return op.getMatchingIndexingMap(&operand).isIdentity() ? inMemory(op, operand.get())
                                                            : Unseen::Anything;
  }
  Operation *by = v.getDefiningOp();
  return llvm::TypeSwitch<Operation *, Unseen>(by)
      .Case([&](arith::SelectOp select) {
        Masking found{op, {}};
        if (masking || !isMinusInfinity(select.getFalseValue()) ||
            !findMasks(op, select.getCondition(), found.masks))
          return Unseen::Anything;
        masking = found;
        return Unseen::MinusInfinity;
      })
      .Case([&](arith::SubFOp difference) {
        bool stays = valueOf(op, difference.getLhs()) == Unseen::MinusInfinity &&
                     isNotMinusInfinity(op, difference.getRhs());
        return stays ? Unseen::MinusInfinity : Unseen::Anything;
      })
      .Case([&](math::ExpOp power) {
        bool isZero = valueOf(op, power.getOperand()) == Unseen::MinusInfinity;
        return isZero ? Unseen::Zero : Unseen::Anything;
      })
      .Case([&](arith::MulFOp product) {
        bool stays =
            valueOf(op, product.getLhs()) == Unseen::Zero && isFactor(op, product.getRhs());
        return stays ? Unseen::Zero : Unseen::Anything;
      })
      .Case([&](arith::DivFOp quotient) {
        bool stays = valueOf(op, quotient.getLhs()) == Unseen::Zero &&
                     isPositiveRow(rowNumber(op, quotient.getRhs()));
        return stays ? Unseen::Zero : Unseen::Anything;
      })
      .Default(Unseen::Anything);
}

Unseen Columns::inMemory(Operation *op, Value memory) {
  GenericOp writer = writerBefore(op, memory);
  if (!writer || writer.getNumLoops() != 2)
    return Unseen::Anything;
  return valueOf(writer, writer.getBody()->getTerminator()->getOperand(0));
}

/// The bytes of a mask as rows and columns.
Value asRows(ImplicitLocOpBuilder &b, OpOperand &operand, GenericOp op, Value view) {
  auto type = cast<MemRefType>(view.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)), sizes,
      strides(type.getRank(), b.getIndexAttr(1)), kept;
  SmallVector<int64_t> shape;
  for (auto [d, e] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
    bool isDim = isa<AffineDimExpr>(e);
    sizes.push_back(isDim ? memref::getMixedSize(b, b.getLoc(), view, d) : b.getIndexAttr(1));
    if (!isDim)
      continue;
    kept.push_back(sizes.back());
    shape.push_back(getConstantIntValue(sizes.back()).value_or(ShapedType::kDynamic));
  }
  if (int64_t(kept.size()) < type.getRank())
    view = memref::SubViewOp::create(
        b, memref::SubViewOp::inferRankReducedResultType(shape, type, offsets, sizes, strides),
        view, offsets, sizes, strides);
  if (kept.size() == 1) {
    SmallVector<ReassociationIndices> groups{{0, 1}};
    auto expanded = memref::ExpandShapeOp::computeExpandedType(cast<MemRefType>(view.getType()),
                                                               {1, shape[0]}, groups);
    view = memref::ExpandShapeOp::create(b, b.getLoc(), *expanded, view, groups,
                                         SmallVector<OpFoldResult>{b.getIndexAttr(1), kept[0]});
  }
  return kernels::castTo(b, view, kernels::KernelLibrary::rows(b.getI8Type()));
}

/// How many columns, in steps of `width`, there are up to the last byte that is not 0.
Value lastSeen(ImplicitLocOpBuilder &b, Value bytes) {
  constexpr int64_t width = 32;
  kernels::Index i(b);
  auto vector = VectorType::get({width}, b.getI8Type());
  Value zero = i.constant(0), one = i.constant(1), step = i.constant(width);
  Value rows = memref::DimOp::create(b, bytes, 0), columns = memref::DimOp::create(b, bytes, 1);
  auto isAny = [&](Value byte) -> Value {
    Value none = arith::ConstantIntOp::create(b, 0, 8);
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, byte, none);
  };
  /// All rows of some columns together.
  auto together = [&](Value start, function_ref<Value(Value row)> load) {
    auto loop = scf::ForOp::create(b, zero, rows, one, start);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value all = arith::OrIOp::create(b, loop.getRegionIterArg(0), load(loop.getInductionVar()));
    scf::YieldOp::create(b, all);
    return loop.getResult(0);
  };
  auto scan = [&](Value from, Value to, Value step, Value seen, function_ref<Value(Value)> any) {
    auto loop = scf::ForOp::create(b, from, to, step, seen);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value at = loop.getInductionVar(), next = arith::AddIOp::create(b, at, step);
    Value last = arith::SelectOp::create(b, any(at), next, loop.getRegionIterArg(0));
    scf::YieldOp::create(b, last);
    return loop.getResult(0);
  };
  Value whole = i.sub(columns, b.createOrFold<arith::RemUIOp>(columns, step));
  Value seen = scan(zero, whole, step, zero, [&](Value column) {
    Value start = arith::ConstantOp::create(b, b.getZeroAttr(vector));
    Value all = together(start, [&](Value row) {
      return vector::LoadOp::create(b, vector, bytes, ValueRange{row, column});
    });
    return isAny(vector::ReductionOp::create(b, vector::CombiningKind::OR, all));
  });
  return scan(whole, columns, one, seen, [&](Value column) {
    Value start = arith::ConstantIntOp::create(b, 0, 8);
    return isAny(together(start, [&](Value row) {
      return memref::LoadOp::create(b, bytes, ValueRange{row, column});
    }));
  });
}

} // namespace

std::optional<Masking> maskingOfResult(const Contraction &product) {
  Value base = scratchOf(product.op->getOperand(product.c()));
  std::optional<Masking> masking;
  for (Operation *o = base ? product.op->getNextNode() : nullptr; o; o = o->getNextNode()) {
    if (isMemoryEffectFree(o) || !touches(o, base))
      continue;
    if (masking)
      return {}; // reads what is not masked, too
    auto op = dyn_cast<GenericOp>(o);
    if (!op || op.getNumLoops() != 2 || op.getNumReductionLoops() || op.getNumDpsInits() != 1 ||
        !op.getIndexingMapsArray().back().isIdentity())
      return {};
    Columns columns;
    if (columns.valueOf(op, op.getBody()->getTerminator()->getOperand(0)) !=
            Unseen::MinusInfinity ||
        columns.masking->op != op)
      return {};
    masking = columns.masking;
    if (baseOf(op.getDpsInits()[0]) == base)
      break;
  }
  return masking;
}

std::optional<Masking> maskingOfLeft(const Contraction &product) {
  Columns columns;
  bool isZero = columns.inMemory(product.op, product.op->getOperand(product.a)) == Unseen::Zero;
  return isZero ? columns.masking : std::nullopt;
}

Value emitSeenColumns(ImplicitLocOpBuilder &b, const Masking &masking, ValueRange views) {
  Value seen;
  for (auto [mask, view] : llvm::zip(masking.masks, views)) {
    Value columns = lastSeen(b, asRows(b, *mask, masking.op, view));
    seen = seen ? b.createOrFold<arith::MinSIOp>(seen, columns) : columns;
  }
  return b.createOrFold<arith::MaxSIOp>(seen, arith::ConstantIndexOp::create(b, 1));
}

} // namespace mad
