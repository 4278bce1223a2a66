//===- VectorizeLoopsAnalysis.cpp - How the values of a structured op vary --===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/VectorizeLoopsAnalysis.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace mad::vectorize {

//===----------------------------------------------------------------------===//
// Nest
//===----------------------------------------------------------------------===//

static bool isScalar(Type type) { return type.isIntOrIndexOrFloat(); }

/// Bits of an element in a register.
static unsigned width(Type element) {
  return element.isIndex() ? 64 : std::max(8u, element.getIntOrFloatBitWidth());
}

bool Nest::isSupported(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  if (!memref)
    return isScalar(type);
  // A vector of i1 is packed to bits in memory, an array of i1 is not.
  return isScalar(memref.getElementType()) && !memref.getElementType().isInteger(1) &&
         memref.isStrided();
}

static bool isSupportedBody(Block &body) {
  for (Operation &op : body.without_terminator()) {
    if (op.getNumRegions() || op.getNumResults() != 1 || !isScalar(op.getResult(0).getType()))
      return false;
    if (auto load = dyn_cast<memref::LoadOp>(op)) {
      if (load.getMemRef().getParentBlock() == &body || !Nest::isSupported(load.getMemRefType()))
        return false;
      continue;
    }
    if (!isMemoryEffectFree(&op))
      return false;
  }
  return true;
}

bool isHeavy(Operation &op) {
  return isa<math::MathDialect>(op.getDialect()) &&
         !isa<math::AbsFOp, math::AbsIOp, math::SqrtOp, math::RsqrtOp, math::FloorOp, math::CeilOp,
              math::RoundEvenOp, math::TruncOp, math::FmaOp, math::CopySignOp>(op);
}

std::optional<Nest> Nest::get(linalg::GenericOp op, int level) {
  if (!op.hasPureBufferSemantics() || !isSupportedBody(*op.getBody()))
    return {};
  for (Type type : op->getOperandTypes())
    if (!Nest::isSupported(type))
      return {};
  for (Value init : op.getDpsInits())
    if (!isa<MemRefType>(init.getType()))
      return {};
  Nest nest;
  nest.op = op;
  nest.maps = op.getIndexingMapsArray();
  nest.staticSizes = op.getStaticLoopRanges();
  unsigned dims = op.getNumLoops();
  nest.sizes.resize(dims);
  nest.parallel.resize(dims);
  for (auto [i, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    if (kind == utils::IteratorType::parallel)
      nest.parallel.set(i);
  nest.level = level;
  nest.initials.resize(op.getNumDpsInits());

  unsigned widest = 8;
  for (Type type : op->getOperandTypes())
    widest = std::max(widest, width(getElementTypeOrSelf(type)));
  for (Operation &o : op.getBody()->without_terminator()) {
    ++nest.bodySize;
    nest.heavy |= isHeavy(o);
    Type type = o.getResult(0).getType();
    // Integers of an index computation do not narrow the vectors of the data.
    if (isa<FloatType>(type) || isa<memref::LoadOp>(o))
      widest = std::max(widest, width(type));
  }
  unsigned registerBits = level >= 4 ? 512 : level >= 3 ? 256 : 128;
  nest.lanes = std::max(2u, registerBits / widest);
  return nest;
}

std::optional<int64_t> Nest::staticSize(unsigned dim) const {
  if (ShapedType::isDynamic(staticSizes[dim]))
    return {};
  return staticSizes[dim];
}

void Nest::createSizes(OpBuilder &b) {
  SmallVector<Range> ranges =
      cast<linalg::LinalgOp>(op.getOperation()).createLoopRanges(b, op.getLoc());
  for (auto [i, range] : llvm::enumerate(ranges))
    sizes[i] = ShapedType::isDynamic(staticSizes[i]) ? range.size : b.getIndexAttr(staticSizes[i]);
}

//===----------------------------------------------------------------------===//
// Variation
//===----------------------------------------------------------------------===//

std::optional<int64_t> slopeOf(AffineExpr expr, unsigned dim) {
  if (!expr.isFunctionOfDim(dim))
    return 0;
  if (isa<AffineDimExpr>(expr))
    return 1;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return {};
  auto lhs = slopeOf(binary.getLHS(), dim), rhs = slopeOf(binary.getRHS(), dim);
  if (!lhs || !rhs)
    return {};
  if (expr.getKind() == AffineExprKind::Add)
    return *lhs + *rhs;
  auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (expr.getKind() == AffineExprKind::Mul && factor)
    return *lhs * factor.getValue();
  return {};
}

llvm::SmallBitVector Variation::deps() const {
  llvm::SmallBitVector result = irregular;
  for (auto [i, s] : llvm::enumerate(slope))
    if (s)
      result.set(i);
  return result;
}

BodyAnalysis::BodyAnalysis(const Nest &nest, Facts facts)
    : nest(nest), facts(std::move(facts)), none(nest.numDims()) {
  computeVariation();
  computeLive();
}

const Variation &BodyAnalysis::of(Value value) const {
  auto found = variation.find(value);
  return found == variation.end() ? none : found->second;
}

std::optional<unsigned> BodyAnalysis::fact(Operation *op) const {
  auto found = facts.find(op);
  if (found == facts.end())
    return {};
  return found->second;
}

std::optional<bool> BodyAnalysis::known(Value condition) const {
  Operation *op = condition.getDefiningOp();
  if (!op || op->getBlock() != nest.op.getBody())
    return {};
  if (isa<arith::CmpIOp>(op)) {
    std::optional<unsigned> outcome = fact(op);
    return outcome ? std::optional<bool>(*outcome) : std::nullopt;
  }
  if (!isa<arith::AndIOp, arith::OrIOp>(op))
    return {};
  bool decisive = isa<arith::OrIOp>(op);
  auto x = known(op->getOperand(0)), y = known(op->getOperand(1));
  if (x == decisive || y == decisive)
    return decisive;
  if (x && y)
    return !decisive;
  return {};
}

void BodyAnalysis::computeVariation() {
  Block &body = *nest.op.getBody();
  for (auto [i, arg] : llvm::enumerate(body.getArguments())) {
    Variation v(nest.numDims());
    if (!nest.isInput(i))
      v.irregular.set(); // carried from step to step
    else
      for (AffineExpr e : nest.map(i).getResults())
        for (unsigned d = 0; d < nest.numDims(); ++d)
          if (e.isFunctionOfDim(d))
            v.irregular.set(d);
    variation.try_emplace(arg, std::move(v));
  }
  for (Operation &op : body.without_terminator())
    variation.try_emplace(op.getResult(0), variationOf(op));
}

static Variation sum(const Variation &x, const Variation &y, int64_t sign) {
  Variation v = x;
  v.irregular |= y.irregular;
  for (auto [i, s] : llvm::enumerate(y.slope))
    v.slope[i] += sign * s;
  return v;
}

std::optional<int64_t> constantInt(Value value) {
  IntegerAttr attr;
  if (matchPattern(value, m_Constant(&attr)))
    return attr.getValue().getSExtValue();
  return {};
}

Variation BodyAnalysis::ofSelect(arith::SelectOp select) const {
  const Variation &x = of(select.getTrueValue()), &y = of(select.getFalseValue());
  if (std::optional<bool> outcome = known(select.getCondition()))
    return *outcome ? x : y;
  Variation v = x;
  v.irregular |= of(select.getCondition()).deps();
  v.irregular |= y.irregular;
  for (unsigned d = 0; d < nest.numDims(); ++d)
    if (x.slope[d] != y.slope[d])
      v.irregular.set(d);
  return v;
}

Variation BodyAnalysis::variationOf(Operation &op) const {
  Variation v(nest.numDims());
  if (auto index = dyn_cast<linalg::IndexOp>(op)) {
    v.slope[index.getDim()] = 1;
    return v;
  }
  if (std::optional<unsigned> outcome = fact(&op))
    return isa<arith::CmpIOp>(op) ? v : of(op.getOperand(*outcome));
  if (auto select = dyn_cast<arith::SelectOp>(op))
    return ofSelect(select);
  if (width(op.getResult(0).getType()) == 64 && !isa<FloatType>(op.getResult(0).getType())) {
    if (isa<arith::AddIOp>(op))
      return sum(of(op.getOperand(0)), of(op.getOperand(1)), 1);
    if (isa<arith::SubIOp>(op))
      return sum(of(op.getOperand(0)), of(op.getOperand(1)), -1);
    if (isa<arith::IndexCastOp>(op) && width(op.getOperand(0).getType()) == 64)
      return of(op.getOperand(0));
    if (isa<arith::MulIOp>(op))
      for (int side : {0, 1})
        if (std::optional<int64_t> factor = constantInt(op.getOperand(side))) {
          v = of(op.getOperand(1 - side));
          for (int64_t &s : v.slope)
            s *= *factor;
          return v;
        }
  }
  for (Value operand : op.getOperands())
    v.irregular |= of(operand).deps();
  return v;
}

void BodyAnalysis::computeLive() {
  Block &body = *nest.op.getBody();
  llvm::SmallPtrSet<Value, 16> needed;
  needed.insert_range(body.getTerminator()->getOperands());
  for (Operation &op : llvm::reverse(body.without_terminator())) {
    if (!needed.contains(op.getResult(0)))
      continue;
    live.insert(&op);
    if (std::optional<unsigned> outcome = fact(&op)) {
      if (!isa<arith::CmpIOp>(op))
        needed.insert(op.getOperand(*outcome));
      continue;
    }
    if (auto select = dyn_cast<arith::SelectOp>(op))
      if (std::optional<bool> outcome = known(select.getCondition())) {
        needed.insert(*outcome ? select.getTrueValue() : select.getFalseValue());
        continue;
      }
    needed.insert_range(op.getOperands());
  }
  for (BlockArgument arg : body.getArguments())
    if (needed.contains(arg))
      liveArgs.insert(arg);
}

//===----------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------===//

/// `slopes`: of each coordinate; nothing for irregular.
static Access classify(MemRefType type, ArrayRef<std::optional<int64_t>> slopes) {
  if (llvm::all_of(slopes, [](auto s) { return s == 0; }))
    return Access::Invariant;
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return Access::Gather;
  for (auto s : slopes.drop_back())
    if (s != 0)
      return Access::Gather;
  if (!slopes.back() || strides.back() != 1)
    return Access::Gather;
  switch (*slopes.back()) {
  case 1:
    return Access::Contiguous;
  case -1:
    return Access::Reverse;
  case 2:
    return Access::EverySecond;
  default:
    return Access::Gather;
  }
}

Access BodyAnalysis::operandAccess(unsigned operand, unsigned dim) const {
  auto type = dyn_cast<MemRefType>(nest.op->getOperand(operand).getType());
  if (!type)
    return Access::Invariant;
  SmallVector<std::optional<int64_t>> slopes;
  for (AffineExpr e : nest.map(operand).getResults())
    slopes.push_back(slopeOf(e, dim));
  return classify(type, slopes);
}

Access BodyAnalysis::loadAccess(memref::LoadOp load, unsigned dim) const {
  SmallVector<std::optional<int64_t>> slopes;
  for (Value index : load.getIndices()) {
    const Variation &v = of(index);
    slopes.push_back(v.irregular.test(dim) ? std::nullopt : std::optional(v.slope[dim]));
  }
  return classify(load.getMemRefType(), slopes);
}

SmallVector<memref::LoadOp> BodyAnalysis::loads() const {
  SmallVector<memref::LoadOp> result;
  for (auto load : nest.op.getBody()->getOps<memref::LoadOp>())
    if (isLive(load))
      result.push_back(load);
  return result;
}

SmallVector<Access> BodyAnalysis::reads(unsigned dim) const {
  SmallVector<Access> result;
  for (unsigned i = 0; i < nest.numInputs(); ++i)
    if (isLive(nest.op.getBody()->getArgument(i)))
      result.push_back(operandAccess(i, dim));
  for (memref::LoadOp load : loads())
    result.push_back(loadAccess(load, dim));
  return result;
}

bool BodyAnalysis::hasGather(unsigned dim) const {
  return llvm::is_contained(reads(dim), Access::Gather);
}

} // namespace mad::vectorize
