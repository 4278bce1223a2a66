//===- AttentionSteps.cpp - What each op of an attention does -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "passes/Conversion/LinalgToGpu/AttentionFinder.h"
#include "passes/Transforms/Kernels.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad::attention {

/// Of narrow floats that an operation on f32 takes up or leaves: its number.
Value narrowed(Value v) {
  while (Operation *op = v.getDefiningOp()) {
    if (!isa<arith::ExtFOp, arith::TruncFOp>(op))
      break;
    v = op->getOperand(0);
  }
  return v;
}

namespace {
/// The numbers of the loops that an operand varies with, in the order of its dimensions; nothing
/// where there is another expression. Loops of one round do not count.
std::optional<SmallVector<unsigned>> loopsOf(GenericOp op, AffineMap map) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  SmallVector<unsigned> loops;
  for (AffineExpr e : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(e);
    if (!dim && !isa<AffineConstantExpr>(e))
      return {};
    if (dim && sizes[dim.getPosition()] != 1)
      loops.push_back(dim.getPosition());
  }
  return loops;
}

/// Whether all that a body does with narrow floats can be done with f32 as well.
bool isWidenable(GenericOp op) {
  auto isNarrow = [](Type type) { return isa<Float16Type, BFloat16Type>(type); };
  return llvm::all_of(op.getBody()->without_terminator(), [&](Operation &inner) {
    return isa<arith::ExtFOp, arith::TruncFOp, arith::SelectOp, arith::CmpFOp>(inner) ||
           (llvm::none_of(inner.getOperandTypes(), isNarrow) &&
            (llvm::none_of(inner.getResultTypes(), isNarrow) || isa<arith::ConstantOp>(inner)));
  });
}

bool mayReorderSum(const Contraction &c) { return c.mayContract && mayReorder(c.op); }

bool startsAt(GenericOp op, llvm::function_ref<bool(Value)> value) {
  SmallVector<linalg::FillOp> fills = fillsBefore(op);
  return fills.size() == 1 && value(fills.front().getDpsInputs().front());
}
bool startsAtZero(GenericOp op) {
  return startsAt(op, [](Value v) { return matchPattern(v, m_AnyZeroFloat()); });
}
} // namespace

/// A product of which the rows are all dimensions of the result but the last, in order.
std::optional<Contraction> productOf(GenericOp op) {
  bool contract = false;
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 || !isSumOfProducts(op, contract))
    return {};
  std::optional<Contraction> c = Contraction::match(op);
  if (!c || c->panel || !c->sum.isF32() || !mayReorderSum(*c) || !startsAtZero(op))
    return {};
  Type x = c->element(c->a), y = c->element(c->b);
  if (x != y || !isa<Float32Type, Float16Type, BFloat16Type>(x) || !isWhole(op->getOperand(2)))
    return {};
  AffineMap result = c->map(c->c());
  if (result.getNumResults() < 2 || !c->m ||
      result.getDimPosition(result.getNumResults() - 2) != *c->m)
    return {};
  // The batch in its order.
  for (auto [i, d] : llvm::enumerate(c->outer))
    if (result.getDimPosition(i) != d)
      return {};
  return c;
}

/// Says what each operand is; false where an access is no matter of one row and one column.
bool Finder::isFree(GenericOp op, AttentionStep &step) {
  const unsigned last = op.getNumLoops() - 1;
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  bool ofElements = llvm::any_of(op->getOpOperands(), [&](OpOperand &operand) {
    auto what = isMemory(operand.get()) ? heldIn(operand.get()) : std::nullopt;
    return what && *what != Held::Row && !op.getMatchingBlockArgument(&operand).use_empty();
  });
  // All loops but that of columns, which values of rows do not have.
  SmallVector<unsigned> rows;
  for (unsigned d = 0; d < op.getNumLoops(); ++d)
    if (sizes[d] != 1 && !(ofElements && d == last))
      rows.push_back(d);
  for (OpOperand &operand : op->getOpOperands()) {
    Value memory = operand.get();
    AttentionStep::Source source = AttentionStep::Memory;
    const bool unused = op.getMatchingBlockArgument(&operand).use_empty();
    if (isMemory(memory) && !unused) {
      AffineMap map = op.getMatchingIndexingMap(&operand);
      std::optional<Held> what = heldIn(memory);
      if (!baseOf(memory) || (!what && op.isDpsInit(&operand)))
        return false;
      if (what) {
        auto loops = loopsOf(op, map);
        if (!loops || !isWhole(memory) || old.contains(baseOf(memory)))
          return false;
        if (*what == Held::Row) {
          if (*loops != rows)
            return false;
          source = AttentionStep::Row;
        } else {
          if (!isElement(op, operand, rows, step))
            return false;
          source = AttentionStep::Element;
        }
      }
    }
    step.sources.push_back(source);
  }
  // In another order there are no numbers of rows.
  return step.order.empty() || !llvm::is_contained(step.sources, AttentionStep::Row);
}

/// The element at the row and column of the loops. The result may be read in another order.
bool Finder::isElement(GenericOp op, OpOperand &operand, ArrayRef<unsigned> rows,
                       AttentionStep &step) {
  const unsigned last = op.getNumLoops() - 1;
  AffineMap map = op.getMatchingIndexingMap(&operand);
  Value memory = operand.get();
  if (baseOf(memory) != elements || !rootOf(memory, 1) || map.getNumResults() == 0 ||
      map.getResults().back() != getAffineDimExpr(last, op.getContext()))
    return false;
  SmallVector<unsigned> loops = *loopsOf(op, map);
  if (!loops.empty() && loops.back() == last)
    loops.pop_back();
  SmallVector<unsigned> expected(rows);
  if (loops == expected)
    return step.order.empty();
  if (stage != Stage::Result || !map.isPermutation() || !step.order.empty())
    return false;
  for (unsigned i = 0; i < last; ++i)
    step.order.push_back(map.getDimPosition(i));
  return true;
}

/// exp(score - value of the row), with nothing but conversions.
bool Finder::isPower(AttentionStep &step) {
  GenericOp op = step.op;
  auto exp = narrowed(op.getBody()->getTerminator()->getOperand(0)).getDefiningOp<math::ExpOp>();
  auto difference =
      exp ? narrowed(exp.getOperand()).getDefiningOp<arith::SubFOp>() : arith::SubFOp();
  if (!difference)
    return false;
  auto isOf = [&](Value v, AttentionStep::Source source) {
    auto argument = dyn_cast<BlockArgument>(narrowed(v));
    return argument && argument.getOwner() == op.getBody() &&
           step.sources[argument.getArgNumber()] == source;
  };
  return isOf(difference.getLhs(), AttentionStep::Element) &&
         isOf(difference.getRhs(), AttentionStep::Row);
}

bool Finder::isWeight(AttentionStep &step) {
  GenericOp op = step.op;
  Value result = narrowed(op.getBody()->getTerminator()->getOperand(0));
  Operation *last = result.getDefiningOp();
  auto isOf = [&](Value v, AttentionStep::Source source) {
    auto argument = dyn_cast<BlockArgument>(narrowed(v));
    return argument && argument.getOwner() == op.getBody() &&
           step.sources[argument.getArgNumber()] == source;
  };
  if (!isa_and_nonnull<arith::MulFOp, arith::DivFOp>(last))
    return false;
  Value x = last->getOperand(0), y = last->getOperand(1);
  step.divides = isa<arith::DivFOp>(last);
  if (!step.divides && isOf(x, AttentionStep::Row))
    std::swap(x, y);
  auto flags = cast<arith::ArithFastMathInterface>(last).getFastMathFlagsAttr();
  // The factor goes out of the sum: not where each rounding counts.
  return flags && bitEnumContainsAll(flags.getValue(), arith::FastMathFlags::contract) &&
         isOf(x, AttentionStep::Element) && isOf(y, AttentionStep::Row);
}

bool Finder::visitElements(GenericOp op) {
  AttentionStep step{.kind = AttentionStep::Score, .op = op, .sources = {}, .order = {}};
  OpOperand &output = *op.getDpsInitOperand(0);
  if (!isSimple(op) || !isFloat(output.get()) || !isFree(op, step))
    return false;
  bool ofElements = llvm::is_contained(step.sources, AttentionStep::Element);
  if (ofElements && stage == Stage::Result)
    return followResult(op, step);
  if (!isWidenable(op))
    return false;
  if (!op.getMatchingIndexingMap(&output).isIdentity())
    return false;
  if (ofElements) {
    bool ofRow = llvm::is_contained(step.sources, AttentionStep::Row);
    if (stage == Stage::Scores && !ofRow)
      step.kind = AttentionStep::Score;
    else if (stage == Stage::Most && isPower(step))
      step.kind = AttentionStep::Power;
    else if (stage == Stage::Powers &&
             llvm::any_of(found->steps,
                          [](const AttentionStep &s) { return s.kind == AttentionStep::Total; }) &&
             isWeight(step))
      step.kind = AttentionStep::Weight;
    else
      return false;
    if (step.kind == AttentionStep::Power)
      stage = Stage::Powers;
    if (step.kind == AttentionStep::Weight)
      stage = Stage::Weights;
  } else {
    // Rows have one column: the loop behind their own.
    step.kind = AttentionStep::OfRow;
  }
  note(op);
  Value base = baseOf(output.get());
  if (ofElements && base != elements) {
    if (held.contains(base))
      return false;
    old.insert(elements);
    elements = base;
  } else if (!ofElements && heldIn(output.get()) &&
             (heldIn(output.get()) != Held::Row || stage == Stage::Result)) {
    return false;
  }
  found->steps.push_back(std::move(step));
  return hold(output.get(), ofElements ? Held::Scores : Held::Row);
}

/// The last one may store rows in another order.
bool Finder::followResult(GenericOp op, AttentionStep &step) {
  OpOperand &output = *op.getDpsInitOperand(0);
  Value base = baseOf(output.get());
  step.kind = AttentionStep::Result;
  if (ended || !base || read.contains(base) || f.groups.contains(op) ||
      !op.getMatchingIndexingMap(&output).isIdentity() || !hasNeighbours(output.get()))
    return false;
  if (base == elements) {
    if (!isWhole(output.get()))
      return false;
  } else if (held.contains(base) || !isPrivate(elements, [&](Operation *user) {
               return user == op || llvm::is_contained(found->ops, user) ||
                      llvm::is_contained(found->fills, user);
             })) {
    return false;
  }
  note(op);
  if (base != elements) {
    old.insert(elements);
    elements = base;
  }
  held[base] = Held::Result;
  found->output = output.get();
  found->steps.push_back(std::move(step));
  ended = !isWhole(output.get()) || !rootOf(output.get(), 1) || !found->steps.back().order.empty();
  return true;
}

bool Finder::visitReduction(GenericOp op) {
  SmallVector<unsigned> reduced;
  op.getReductionDims(reduced);
  unsigned last = op.getNumLoops() - 1;
  auto combiners = combinersOf(op);
  if (reduced != SmallVector<unsigned>{last} || !combiners || combiners->size() != 1 ||
      op.getNumDpsInputs() != 1)
    return false;
  const Combiner &combine = combiners->front();
  // The element itself.
  auto other = dyn_cast<BlockArgument>(narrowed(combine.other));
  OpOperand &input = *op.getDpsInputOperand(0), &output = *op.getDpsInitOperand(0);
  if (!other || other.getOwner() != op.getBody() || other.getArgNumber() != 0 ||
      heldIn(input.get()) != Held::Scores || baseOf(input.get()) != elements ||
      !isWhole(input.get()) || !op.getMatchingIndexingMap(&input).isIdentity() ||
      held.contains(baseOf(output.get())) || !getElementTypeOrSelf(output.get()).isF32())
    return false;
  auto loops = loopsOf(op, op.getMatchingIndexingMap(&output));
  SmallVector<unsigned> expected;
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  for (unsigned d = 0; d < last; ++d)
    if (sizes[d] != 1)
      expected.push_back(d);
  if (!loops || *loops != expected)
    return false;
  AttentionStep step{.kind = AttentionStep::Most, .op = op, .sources = {}, .order = {}};
  if (isa<arith::MaximumFOp>(combine.op) && stage == Stage::Scores &&
      startsAt(op, [](Value v) { return matchPattern(v, m_NegInfFloat()); })) {
    stage = Stage::Most;
  } else if (isa<arith::AddFOp>(combine.op) && stage == Stage::Powers && startsAtZero(op)) {
    step.kind = AttentionStep::Total;
  } else {
    return false;
  }
  note(op);
  found->steps.push_back(std::move(step));
  return hold(output.get(), Held::Row);
}

bool Finder::visitProduct(GenericOp op) {
  std::optional<Contraction> c = productOf(op);
  if (!c || (stage != Stage::Powers && stage != Stage::Weights))
    return false;
  Value weights = op->getOperand(c->a), values = op->getOperand(c->b);
  AffineMap a = c->map(c->a), b = c->map(c->b), result = c->map(2);
  SmallVector<unsigned> expected;
  for (unsigned i = 0; i + 1 < result.getNumResults(); ++i)
    expected.push_back(result.getDimPosition(i));
  expected.push_back(c->k);
  SmallVector<unsigned> loops;
  for (unsigned i = 0; i < a.getNumResults(); ++i)
    loops.push_back(a.getDimPosition(i));
  if (baseOf(weights) != elements || !isWhole(weights) || loops != expected || heldIn(values) ||
      !baseOf(values) || !hasNeighbours(values) ||
      b.getDimPosition(b.getNumResults() - 1) != c->n ||
      c->outer.size() != found->scores->outer.size())
    return false;
  Value base = baseOf(op->getOperand(2));
  if (held.contains(base))
    return false;
  found->values = c;
  note(op);
  if (read.contains(base))
    return false;
  old.insert(elements);
  elements = base;
  held[base] = Held::Result;
  found->output = op->getOperand(2);
  stage = Stage::Result;
  return true;
}

} // namespace mad::attention
