//===- DeviceAttention.cpp - Which ops are an attention ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All ops are computed where the last of them stands. So what they leave to each other is used by
// nobody else, and what they read is not written before that place. Ops between them that have to
// do with neither are computed where they are.
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/LinalgToGpu/DeviceAttention.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Transforms/Kernels.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
namespace {

bool isMemory(Value v) { return isa<MemRefType>(v.getType()); }
bool isWhole(Value v) {
  auto type = dyn_cast<MemRefType>(v.getType());
  return type && type.getLayout().isIdentity();
}
bool isFloat(Value memory) {
  return isa<Float16Type, BFloat16Type, Float32Type>(getElementTypeOrSelf(memory.getType()));
}

/// Of narrow floats that an operation on f32 takes up or leaves: its number.
Value narrowed(Value v) {
  while (Operation *op = v.getDefiningOp()) {
    if (!isa<arith::ExtFOp, arith::TruncFOp>(op))
      break;
    v = op->getOperand(0);
  }
  return v;
}

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

/// Nothing but these ops uses the memory.
bool isPrivate(Value base, llvm::function_ref<bool(Operation *)> isOurs) {
  if (!base || !base.getDefiningOp<memref::AllocOp>())
    return false;
  SmallVector<Value> work{base};
  while (!work.empty())
    for (Operation *user : work.pop_back_val().getUsers()) {
      if (isa<memref::ExpandShapeOp, memref::CollapseShapeOp, memref::CastOp>(user))
        work.push_back(user->getResult(0));
      else if (!isa<memref::DimOp>(user) && !isOurs(user))
        return false;
    }
  return true;
}

/// A plain element by element op of floats, without loads of computed places.
bool isSimple(GenericOp op) {
  if (!op.hasPureBufferSemantics() || op.getNumReductionLoops() || op.getNumDpsInits() != 1 ||
      op.getNumLoops() == 0)
    return false;
  bool simple = true;
  op.getBody()->walk([&](Operation *inner) {
    simple &= inner->getNumRegions() == 0 && !isa<memref::LoadOp>(inner);
  });
  return simple;
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

class Finder {
public:
  Finder(DeviceFunction &f, GenericOp product)
      : f(f), product(product), found(std::make_shared<Attention>()) {}
  std::shared_ptr<Attention> run();

private:
  enum class Held { Scores, Row, Result };
  /// Where it stands: scores before their maximum is known, behind it, as powers, as weights,
  /// and behind the second product.
  enum class Stage { Scores, Most, Powers, Weights, Result } stage = Stage::Scores;

  bool begin();
  bool visit(GenericOp op);
  bool visitElements(GenericOp op);
  bool visitReduction(GenericOp op);
  bool visitProduct(GenericOp op);
  bool isPower(AttentionStep &step);
  bool isWeight(AttentionStep &step);
  bool stayApart(Operation *op);
  void note(GenericOp op);
  bool hold(Value memory, Held what);
  std::optional<Held> heldIn(Value memory);
  bool isFree(GenericOp op, AttentionStep &step);
  bool isElement(GenericOp op, OpOperand &operand, ArrayRef<unsigned> rows, AttentionStep &step);
  bool followResult(GenericOp op, AttentionStep &step);
  void findCopies();
  void findComputed();
  bool isComputed(Value memory, unsigned depth);
  void findLimit();
  void findScale();
  enum class Role { Row, Column, Other };
  bool isLimit(GenericOp op, ArrayRef<Role> roles, Value condition, bool &alone);
  std::optional<Role> roleOf(GenericOp op, ArrayRef<Role> roles, Value number);
  SmallVector<Role> rolesIn(GenericOp computed, AffineMap map, ArrayRef<Role> roles);
  AttentionFactor factorOf(Value memory, const Contraction &c, unsigned keysFromEnd);
  bool isUnwritten(Value base, Operation *from);
  bool isComplete();

  DeviceFunction &f;
  GenericOp product;
  std::shared_ptr<Attention> found;
  Operation *lastOp = nullptr;      ///< where all are computed
  llvm::DenseMap<Value, Held> held; ///< by base
  Value elements;                   ///< base of the scores or of the result as they are
  llvm::DenseSet<Value> old;        ///< bases of what was in their place
  llvm::DenseSet<Value> read;       ///< bases, by members
  bool ended = false;               ///< nothing may follow
  bool limitAlone = false;          ///< and scores have no other condition
};

bool mayReorderSum(const Contraction &c) { return c.mayContract && mayReorder(c.op); }

bool startsAt(GenericOp op, llvm::function_ref<bool(Value)> value) {
  SmallVector<linalg::FillOp> fills = fillsBefore(op);
  return fills.size() == 1 && value(fills.front().getDpsInputs().front());
}
bool startsAtZero(GenericOp op) {
  return startsAt(op, [](Value v) { return matchPattern(v, m_AnyZeroFloat()); });
}

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

bool Finder::begin() {
  found->scores = productOf(product);
  if (!found->scores)
    return false;
  const Contraction &c = *found->scores;
  // Rows of K: its last dimension is the sum's.
  AffineMap b = c.map(c.b), a = c.map(c.a);
  if (b.getDimPosition(b.getNumResults() - 1) != c.k ||
      a.getDimPosition(a.getNumResults() - 1) != c.k)
    return false;
  for (unsigned i : {c.a, c.b})
    if (!hasNeighbours(product->getOperand(i)) || !baseOf(product->getOperand(i)))
      return false;
  note(product);
  elements = baseOf(product->getOperand(2));
  return hold(product->getOperand(2), Held::Scores);
}

/// Takes an op up, with the memory that it reads.
void Finder::note(GenericOp op) {
  found->ops.push_back(op);
  llvm::append_range(found->fills, fillsBefore(op));
  for (Value input : op.getDpsInputs())
    if (isMemory(input) && !held.contains(baseOf(input)))
      read.insert(baseOf(input));
}

bool Finder::hold(Value memory, Held what) {
  Value base = baseOf(memory);
  if (!base || !isWhole(memory) || !isFloat(memory) || read.contains(base) ||
      (what == Held::Scores && !rootOf(memory, 1)))
    return false;
  held[base] = what;
  return true;
}

std::optional<Finder::Held> Finder::heldIn(Value memory) {
  auto at = held.find(baseOf(memory));
  return at == held.end() ? std::nullopt : std::optional(at->second);
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

/// Ops that have to do with nothing of this.
bool Finder::stayApart(Operation *op) {
  auto touches = [&](Value memory, bool writes) {
    Value base = baseOf(memory);
    return !base || held.contains(base) || (writes && read.contains(base));
  };
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return !touches(load.getMemRef(), false);
  if (auto fill = dyn_cast<linalg::FillOp>(op))
    return !touches(fill.getDpsInits().front(), true);
  auto generic = dyn_cast<GenericOp>(op);
  if (!generic || !generic.hasPureBufferSemantics())
    return false;
  bool good = true;
  for (OpOperand &operand : generic->getOpOperands())
    if (isMemory(operand.get()))
      good = good && !touches(operand.get(), generic.isDpsInit(&operand));
  generic.getBody()->walk(
      [&](memref::LoadOp load) { good = good && !touches(load.getMemRef(), false); });
  return good;
}

bool Finder::visit(GenericOp op) {
  bool uses = llvm::any_of(op->getOperands(),
                           [&](Value v) { return isMemory(v) && held.contains(baseOf(v)); });
  if (!uses)
    return stayApart(op);
  if (op.getNumReductionLoops() == 0)
    return visitElements(op);
  return op.getNumDpsInputs() == 1 ? visitReduction(op) : visitProduct(op);
}

/// No op from there to the last writes the memory.
bool Finder::isUnwritten(Value base, Operation *from) {
  for (Operation *op = from->getNextNode(); op; op = op->getNextNode()) {
    WalkResult result = op->walk([&](Operation *inner) {
      if (auto linalg = dyn_cast<linalg::LinalgOp>(inner)) {
        for (Value init : linalg.getDpsInits())
          if (isMemory(init) && (!baseOf(init) || baseOf(init) == base))
            return WalkResult::interrupt();
        return WalkResult::skip();
      }
      auto effects = dyn_cast<MemoryEffectOpInterface>(inner);
      if (!effects && inner->getNumRegions() == 0 && !isMemoryEffectFree(inner))
        return WalkResult::interrupt();
      SmallVector<MemoryEffects::EffectInstance> all;
      if (effects)
        effects.getEffects<MemoryEffects::Write>(all);
      for (auto &effect : all)
        if (!effect.getValue() || !isMemory(effect.getValue()) || !baseOf(effect.getValue()) ||
            baseOf(effect.getValue()) == base)
          return WalkResult::interrupt();
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return false;
    if (op == lastOp)
      return true;
  }
  return false;
}

/// A factor that is a copy with dimensions in another order, for nobody else.
AttentionFactor Finder::factorOf(Value memory, const Contraction &c, unsigned keysFromEnd) {
  AttentionFactor same{memory, {}};
  Value root = rootOf(memory, keysFromEnd), base = baseOf(memory);
  if (!root || root != base || !isWhole(memory))
    return same;
  GenericOp copy;
  bool others = !isPrivate(base, [&](Operation *user) {
    if (user == c.op)
      return true;
    auto generic = dyn_cast<GenericOp>(user);
    if (!generic || copy || generic->getBlock() != c.op->getBlock() ||
        !generic->isBeforeInBlock(product) || generic.getNumDpsInputs() != 1)
      return false;
    copy = generic;
    return true;
  });
  if (others || !copy || !isSimple(copy) || copy.getDpsInits().front() != root ||
      !copy.getMatchingIndexingMap(copy.getDpsInitOperand(0)).isIdentity() ||
      copy.getBody()->getTerminator()->getOperand(0) != copy.getBody()->getArgument(0))
    return same;
  Value source = copy.getDpsInputs().front();
  AffineMap map = copy.getMatchingIndexingMap(copy.getDpsInputOperand(0));
  if (!isMemory(source) || !map.isPermutation() || !baseOf(source) || !hasNeighbours(source) ||
      map.getDimPosition(map.getNumResults() - 1) != copy.getNumLoops() - 1 ||
      getElementTypeOrSelf(source) != getElementTypeOrSelf(root) || !fillsBefore(copy).empty() ||
      held.contains(baseOf(source)) || !isUnwritten(baseOf(source), copy))
    return same;
  // All dimensions of the batch, in order, before the rows.
  SmallVector<unsigned> expected(c.outer.begin(), c.outer.end());
  AffineMap mine = c.map(memory == c.op->getOperand(c.a) ? c.a : c.b);
  for (unsigned i = 0; i < expected.size(); ++i)
    if (mine.getDimPosition(i) != expected[i])
      return same;
  if (mine.getNumResults() != expected.size() + 2)
    return same;
  if (keysFromEnd == 2 &&
      (copy.getNumLoops() < 2 || cast<MemRefType>(root.getType()).getRank() < 2))
    return same;
  return {source, copy};
}

void Finder::findCopies() {
  const Contraction &s = *found->scores, &w = *found->values;
  found->q = factorOf(s.op->getOperand(s.a), s, 1);
  // Of Q the sum must be the last dimension, behind the rows.
  AffineMap a = s.map(s.a);
  if (found->q.copy && a.getDimPosition(a.getNumResults() - 2) != *s.m)
    found->q = {s.op->getOperand(s.a), {}};
  found->k = factorOf(s.op->getOperand(s.b), s, 2);
  AffineMap b = s.map(s.b);
  if (found->k.copy && b.getDimPosition(b.getNumResults() - 2) != s.n)
    found->k = {s.op->getOperand(s.b), {}};
  found->v = factorOf(w.op->getOperand(w.b), w, 2);
  AffineMap v = w.map(w.b);
  if (found->v.copy && v.getDimPosition(v.getNumResults() - 2) != w.k)
    found->v = {w.op->getOperand(w.b), {}};
  for (AttentionFactor factor : {found->q, found->k, found->v})
    if (factor.copy && !llvm::is_contained(found->ops, factor.copy.getOperation()))
      found->ops.push_back(factor.copy);
}

/// Memory that one op fills element by element, for scores alone.
bool Finder::isComputed(Value memory, unsigned depth) {
  Value base = baseOf(memory);
  if (found->computed.contains(base))
    return true;
  GenericOp maker;
  bool ours = memory == base && isPrivate(base, [&](Operation *user) {
                auto generic = dyn_cast<GenericOp>(user);
                if (!generic)
                  return false;
                if (!llvm::is_contained(generic.getDpsInits(), base))
                  return llvm::is_contained(found->ops, user);
                bool first = !maker && generic->getBlock() == product->getBlock();
                maker = generic;
                return first;
              });
  if (!ours || !maker || depth > 3 || !isSimple(maker) || f.groups.contains(maker) ||
      !maker->isBeforeInBlock(lastOp) || !fillsBefore(maker).empty() ||
      !maker.getMatchingIndexingMap(maker.getDpsInitOperand(0)).isIdentity() ||
      !maker.getMatchingBlockArgument(maker.getDpsInitOperand(0)).use_empty())
    return false;
  for (Value input : maker.getDpsInputs())
    if (isMemory(input) &&
        (!baseOf(input) || held.contains(baseOf(input)) || baseOf(input) == baseOf(found->output) ||
         !isUnwritten(baseOf(input), maker)))
      return false;
  found->computed[base] = maker;
  found->ops.push_back(maker);
  for (Value input : maker.getDpsInputs())
    if (isMemory(input))
      (void)isComputed(input, depth + 1);
  return true;
}

void Finder::findComputed() {
  for (const AttentionStep &step : found->steps) {
    GenericOp op = step.op;
    for (OpOperand *input : op.getDpsInputOperands())
      if (step.kind == AttentionStep::Score && isMemory(input->get()) &&
          step.sources[input->getOperandNumber()] == AttentionStep::Memory)
        (void)isComputed(input->get(), 0);
  }
}

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

/// A score that is nothing but a sum times a positive number.
void Finder::findScale() {
  const AttentionStep *only = nullptr;
  for (const AttentionStep &step : found->steps)
    if (step.kind == AttentionStep::Score) {
      if (only)
        return;
      only = &step;
    }
  if (!only) {
    found->scale = 1.0;
    return;
  }
  GenericOp op = only->op;
  Value value = narrowed(op.getBody()->getTerminator()->getOperand(0));
  if (auto select = value.getDefiningOp<arith::SelectOp>(); select && found->limit.compare) {
    if (!limitAlone)
      return;
    value = narrowed(select.getTrueValue());
  }
  auto isElement = [&](Value v) {
    auto argument = dyn_cast<BlockArgument>(narrowed(v));
    return argument && argument.getOwner() == op.getBody() &&
           only->sources[argument.getArgNumber()] == AttentionStep::Element;
  };
  if (isElement(value)) {
    found->scale = 1.0;
    return;
  }
  auto product = value.getDefiningOp<arith::MulFOp>();
  FloatAttr number;
  if (product && ((isElement(product.getLhs()) &&
                   matchPattern(narrowed(product.getRhs()), m_Constant(&number))) ||
                  (isElement(product.getRhs()) &&
                   matchPattern(narrowed(product.getLhs()), m_Constant(&number)))))
    if (double x = number.getValueAsDouble(); x > 0 && x < 1e30)
      found->scale = x;
}

/// What members leave to each other is theirs, and nobody reads what is written.
bool Finder::isComplete() {
  if (stage != Stage::Result)
    return false;
  Value end = baseOf(found->output);
  for (auto [base, what] : held)
    if (base != end && !isPrivate(base, [&](Operation *user) {
          return llvm::is_contained(found->ops, user) || llvm::is_contained(found->fills, user);
        }))
      return false;
  for (Value base : read)
    if (!base || base == end)
      return false;
  return true;
}

std::shared_ptr<Attention> Finder::run() {
  if (!begin())
    return nullptr;
  constexpr unsigned longest = 48;
  SmallVector<linalg::FillOp> fills;
  unsigned seen = 0;
  for (Operation *op = product->getNextNode(); op && seen < longest; op = op->getNextNode()) {
    if (isa<memref::AllocOp>(op) || (op->getNumRegions() == 0 && isMemoryEffectFree(op)))
      continue;
    ++seen;
    if (auto fill = dyn_cast<linalg::FillOp>(op)) {
      fills.push_back(fill);
      continue;
    }
    auto generic = dyn_cast<GenericOp>(op);
    // Fills are those of this op, or apart.
    SmallVector<linalg::FillOp> own =
        generic ? fillsBefore(generic) : SmallVector<linalg::FillOp>();
    Attention before = *found;
    bool good = true;
    for (linalg::FillOp fill : fills)
      good = good && (llvm::is_contained(own, fill) || stayApart(fill));
    fills.clear();
    good = good && (generic ? visit(generic) : stayApart(op));
    if (!good) {
      if (stage != Stage::Result)
        return nullptr;
      // What follows is none of it.
      *found = std::move(before);
      break;
    }
  }
  if (!isComplete())
    return nullptr;
  if (found->scores->element(found->scores->a) != found->values->element(found->values->a))
    return nullptr;
  lastOp = found->last();
  findCopies();
  findComputed();
  llvm::sort(found->ops, [](Operation *x, Operation *y) { return x->isBeforeInBlock(y); });
  findLimit();
  findScale();
  return found;
}

} // namespace

std::shared_ptr<Attention> findAttention(DeviceFunction &f, GenericOp product) {
  return Finder(f, product).run();
}

} // namespace mad
