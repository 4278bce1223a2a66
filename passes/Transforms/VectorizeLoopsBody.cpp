//===- VectorizeLoopsBody.cpp - Writes the body of a structured op ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/VectorizeLoopsBody.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Kernels/Transpose.h"

using namespace mlir;

namespace mad::vectorize {

BodyEmitter::BodyEmitter(ImplicitLocOpBuilder &b, const BodyAnalysis &analysis)
    : b(&b), body(&analysis), bases(analysis.nest.numDims()) {}

SmallVector<int64_t> BodyEmitter::origin() const { return SmallVector<int64_t>(bases.size(), 0); }

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

void BodyEmitter::forget(unsigned dim) {
  SmallVector<Value> stale;
  for (auto &[value, entries] : memo)
    if (body->of(value).dependsOn(dim))
      stale.push_back(value);
  for (Value value : stale)
    memo.erase(value);
}

void BodyEmitter::setDim(unsigned dim, Value base) {
  bases[dim] = base;
  forget(dim);
}

void BodyEmitter::setVector(unsigned dim, int64_t count, Value newMask) {
  if (vectorDim)
    forget(*vectorDim);
  forget(dim);
  vectorDim = dim;
  if (lanes != count)
    broadcasts.clear();
  lanes = count;
  mask = newMask;
}

void BodyEmitter::setAnalysis(const BodyAnalysis &analysis) {
  body = &analysis;
  memo.clear();
}

BodyEmitter::Key BodyEmitter::key(Value value, Offsets at) const {
  Key result(at);
  const Variation &v = body->of(value);
  for (unsigned d = 0; d < result.size(); ++d)
    if (!v.dependsOn(d))
      result[d] = 0;
  return result;
}

void BodyEmitter::bind(Value value, Offsets at, Lanes bound) {
  Key where = key(value, at);
  Entries &entries = memo[value];
  for (auto &[k, v] : entries)
    if (ArrayRef(k) == ArrayRef(where)) {
      v = bound;
      return;
    }
  entries.emplace_back(std::move(where), bound);
}

void BodyEmitter::hoist(const llvm::SmallBitVector &fixed, Offsets at) {
  auto isFixed = [&](Value v) {
    llvm::SmallBitVector rest = body->of(v).deps();
    rest.reset(fixed);
    return rest.none();
  };
  Block &block = *body->nest.op.getBody();
  llvm::SmallPtrSet<Value, 16> ready;
  for (BlockArgument arg : block.getArguments())
    if (body->isLive(arg) && body->nest.isInput(arg.getArgNumber()) && isFixed(arg)) {
      evaluate(arg, at);
      ready.insert(arg);
    }
  for (Operation &op : block.without_terminator()) {
    if (!body->isLive(&op) || isa<memref::LoadOp>(op) || !isFixed(op.getResult(0)) ||
        !isSpeculatable(&op))
      continue;
    auto available = [&](Value v) { return v.getParentBlock() != &block || ready.contains(v); };
    if (auto index = dyn_cast<linalg::IndexOp>(op); index && !bases[index.getDim()])
      continue;
    if (!llvm::all_of(op.getOperands(), available))
      continue;
    evaluate(op.getResult(0), at);
    ready.insert(op.getResult(0));
  }
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Type BodyEmitter::laneType(Type element) const {
  return lanes > 1 ? Type(VectorType::get({lanes}, element)) : element;
}

Value BodyEmitter::splat(TypedAttr scalar) {
  if (lanes > 1)
    scalar = DenseElementsAttr::get(cast<VectorType>(laneType(scalar.getType())),
                                    ArrayRef<Attribute>(scalar));
  return arith::ConstantOp::create(*b, scalar);
}

Value BodyEmitter::addConstant(Value index, int64_t offset) {
  if (offset == 0)
    return index;
  Value &sum = sums[{index, offset}];
  if (!sum) {
    Value constant = arith::ConstantIndexOp::create(*b, offset);
    if (!index.getType().isIndex())
      constant = arith::ConstantOp::create(*b, b->getIntegerAttr(index.getType(), offset));
    sum = b->createOrFold<arith::AddIOp>(index, constant);
  }
  return sum;
}

Value BodyEmitter::materialize(Lanes x) {
  if (lanes == 1 || x.isVector())
    return x.value;
  Type element = x.value.getType();
  Value &vector = broadcasts[x.value];
  if (!vector) {
    TypedAttr constant;
    vector = matchPattern(x.value, m_Constant(&constant))
                 ? splat(constant)
                 : Value(vector::BroadcastOp::create(*b, laneType(element), x.value));
  }
  if (x.step == 0)
    return vector;
  SmallVector<Attribute> steps;
  for (int64_t lane = 0; lane < lanes; ++lane)
    steps.push_back(b->getIntegerAttr(element, lane * x.step));
  Value ramp = arith::ConstantOp::create(
      *b, DenseElementsAttr::get(cast<VectorType>(laneType(element)), steps));
  return arith::AddIOp::create(*b, broadcasts[x.value], ramp);
}

Lanes BodyEmitter::evaluate(Value value, Offsets at) {
  Block &block = *body->nest.op.getBody();
  if (value.getParentBlock() != &block)
    return {value};
  auto arg = dyn_cast<BlockArgument>(value);
  if (arg) {
    Value operand = body->nest.op->getOperand(arg.getArgNumber());
    if (!isa<MemRefType>(operand.getType()))
      return {operand};
  }
  Key where = key(value, at);
  if (auto found = memo.find(value); found != memo.end())
    for (auto &[k, v] : found->second)
      if (ArrayRef(k) == ArrayRef(where))
        return v;
  Lanes result = arg ? loadOperand(arg.getArgNumber(), at) : evaluateOp(value.getDefiningOp(), at);
  bind(value, at, result);
  return result;
}

SmallVector<Lanes> BodyEmitter::evaluateAll(ValueRange wanted, Offsets at,
                                            const llvm::SmallPtrSetImpl<Operation *> &skip) {
  // In order, so that a long chain is no deep recursion.
  for (Operation &op : body->nest.op.getBody()->without_terminator())
    if (body->isLive(&op) && !skip.contains(&op))
      evaluate(op.getResult(0), at);
  SmallVector<Lanes> result;
  for (Value v : wanted)
    result.push_back(evaluate(v, at));
  return result;
}

SmallVector<Lanes> BodyEmitter::yields(Offsets at) {
  return evaluateAll(body->nest.op.getBody()->getTerminator()->getOperands(), at,
                     llvm::SmallPtrSet<Operation *, 1>());
}

std::optional<Lanes> BodyEmitter::evaluateKnown(Operation *op, Offsets at) {
  if (std::optional<unsigned> outcome = body->fact(op))
    if (!isa<arith::CmpIOp>(op))
      return evaluate(op->getOperand(*outcome), at);
  Value result = op->getResult(0);
  if (result.getType().isInteger(1))
    if (std::optional<bool> outcome = body->known(result))
      return Lanes{arith::ConstantOp::create(*b, b->getBoolAttr(*outcome))};
  auto select = dyn_cast<arith::SelectOp>(op);
  if (!select)
    return {};
  std::optional<bool> outcome = body->known(select.getCondition());
  if (!outcome)
    return {};
  return evaluate(*outcome ? select.getTrueValue() : select.getFalseValue(), at);
}

Lanes BodyEmitter::evaluateOp(Operation *op, Offsets at) {
  if (std::optional<Lanes> known = evaluateKnown(op, at))
    return *known;
  if (auto index = dyn_cast<linalg::IndexOp>(op)) {
    unsigned d = index.getDim();
    return {addConstant(bases[d], at[d]), lanes > 1 && vectorDim == d ? 1 : 0};
  }
  if (auto read = dyn_cast<memref::LoadOp>(op))
    return loadBody(read, at);
  SmallVector<Lanes> operands;
  for (Value v : op->getOperands())
    operands.push_back(evaluate(v, at));
  if (llvm::all_of(operands, [](const Lanes &x) { return x.isUniform(); })) {
    Operation *copy = clone(op);
    for (auto [i, x] : llvm::enumerate(operands))
      copy->setOperand(i, x.value);
    return {copy->getResult(0)};
  }
  if (std::optional<Lanes> linear = evaluateLinear(op, operands))
    return *linear;
  return cloneLanes(op, operands);
}

/// Integer arithmetic on scalars that grow from lane to lane.
std::optional<Lanes> BodyEmitter::evaluateLinear(Operation *op, ArrayRef<Lanes> operands) {
  Type type = op->getResult(0).getType();
  if (!type.isIndex() && !type.isInteger(64))
    return {};
  if (llvm::any_of(operands, [](const Lanes &x) { return x.isVector(); }))
    return {};
  int64_t step;
  if (isa<arith::AddIOp>(op)) {
    step = operands[0].step + operands[1].step;
  } else if (isa<arith::SubIOp>(op)) {
    step = operands[0].step - operands[1].step;
  } else if (isa<arith::IndexCastOp>(op)) {
    Type from = op->getOperand(0).getType();
    if (!from.isIndex() && !from.isInteger(64))
      return {};
    step = operands[0].step;
  } else if (isa<arith::MulIOp>(op)) {
    IntegerAttr factor;
    int side = operands[0].isUniform() ? 0 : 1;
    if (!operands[side].isUniform() || !matchPattern(op->getOperand(side), m_Constant(&factor)))
      return {};
    step = operands[1 - side].step * factor.getInt();
  } else {
    return {};
  }
  Operation *copy = clone(op);
  for (auto [i, x] : llvm::enumerate(operands))
    copy->setOperand(i, x.value);
  return Lanes{copy->getResult(0), step};
}

/// A copy without the freedom to reorder or to fuse: both are done by now, and must
/// be the same in the vectors and in what is left over.
Operation *BodyEmitter::clone(Operation *op) {
  Operation *copy = b->clone(*op);
  if (auto math = dyn_cast<arith::ArithFastMathInterface>(copy))
    if (arith::FastMathFlagsAttr flags = math.getFastMathFlagsAttr()) {
      auto kept = bitEnumClear(flags.getValue(),
                               arith::FastMathFlags::reassoc | arith::FastMathFlags::contract);
      copy->setAttr(math.getFastMathAttrName(),
                    arith::FastMathFlagsAttr::get(b->getContext(), kept));
    }
  return copy;
}

Lanes BodyEmitter::cloneLanes(Operation *op, ArrayRef<Lanes> operands) {
  SmallVector<Value> vectors;
  for (const Lanes &x : operands)
    vectors.push_back(materialize(x));
  Type element = op->getResult(0).getType();
  if (OpTrait::hasElementwiseMappableTraits(op)) {
    Operation *copy = clone(op);
    copy->setOperands(vectors);
    copy->getResult(0).setType(laneType(element));
    return {copy->getResult(0)};
  }
  SmallVector<Value> scalars;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Operation *copy = clone(op);
    for (auto [i, v] : llvm::enumerate(vectors))
      copy->setOperand(i, vector::ExtractOp::create(*b, v, lane));
    scalars.push_back(copy->getResult(0));
  }
  return {vector::FromElementsOp::create(*b, laneType(element), scalars)};
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// The coordinate `expr` of a lane: the part without offsets is shared.
Value BodyEmitter::coordinate(AffineExpr expr, Offsets at, int64_t lane) {
  SmallVector<int64_t> offsets(at);
  if (vectorDim)
    offsets[*vectorDim] += lane;
  if (!expr.isPureAffine() || llvm::any_of(llvm::seq<unsigned>(0, bases.size()),
                                           [&](unsigned d) { return !slopeOf(expr, d); })) {
    SmallVector<Value> dims;
    for (auto [d, base] : llvm::enumerate(bases))
      dims.push_back(base ? addConstant(base, offsets[d]) : base);
    return affine::expandAffineExpr(*b, b->getLoc(), expr, dims, {});
  }
  SmallVector<AffineExpr> zeros(bases.size(), b->getAffineConstantExpr(0));
  int64_t constant = cast<AffineConstantExpr>(expr.replaceDims(zeros)).getValue();
  Value sum;
  for (unsigned d = 0; d < bases.size(); ++d) {
    int64_t slope = *slopeOf(expr, d);
    if (slope == 0)
      continue;
    constant += slope * offsets[d];
    Value term = bases[d];
    if (slope != 1)
      term = b->createOrFold<arith::MulIOp>(term, arith::ConstantIndexOp::create(*b, slope));
    sum = sum ? b->createOrFold<arith::AddIOp>(sum, term) : term;
  }
  if (!sum)
    return arith::ConstantIndexOp::create(*b, constant);
  return addConstant(sum, constant);
}

Value BodyEmitter::loadVector(Value memref, ValueRange indices) {
  auto type = cast<VectorType>(laneType(cast<MemRefType>(memref.getType()).getElementType()));
  if (!mask)
    return vector::LoadOp::create(*b, type, memref, indices);
  Value zero = arith::ConstantOp::create(*b, b->getZeroAttr(type));
  return vector::MaskedLoadOp::create(*b, type, memref, indices, mask, zero);
}

Lanes BodyEmitter::load(Value memref, Access access, Coordinate coordinate) {
  unsigned rank = cast<MemRefType>(memref.getType()).getRank();
  auto indices = [&](int64_t lane) {
    SmallVector<Value> result;
    for (unsigned i = 0; i < rank; ++i)
      result.push_back(coordinate(i, lane));
    return result;
  };
  if (lanes == 1 || access == Access::Invariant)
    return {memref::LoadOp::create(*b, memref, indices(0))};
  auto shuffled = [&](Value x, Value y, auto position) -> Lanes {
    SmallVector<int64_t> order;
    for (int64_t lane = 0; lane < lanes; ++lane)
      order.push_back(position(lane));
    return {vector::ShuffleOp::create(*b, x, y, order)};
  };
  switch (access) {
  case Access::Contiguous:
    return {loadVector(memref, indices(0))};
  case Access::Reverse: {
    Value x = loadVector(memref, indices(lanes - 1));
    return shuffled(x, x, [&](int64_t lane) { return lanes - 1 - lane; });
  }
  case Access::EverySecond: {
    // The second vector ends at the last element that is needed.
    SmallVector<Value> at = indices(0);
    Value x = loadVector(memref, at);
    at.back() = addConstant(at.back(), lanes - 1);
    Value y = loadVector(memref, at);
    return shuffled(x, y, [&](int64_t i) { return 2 * i < lanes ? 2 * i : 2 * i + 1; });
  }
  default:
    break;
  }
  SmallVector<Value> elements;
  for (int64_t lane = 0; lane < lanes; ++lane)
    elements.push_back(memref::LoadOp::create(*b, memref, indices(lane)));
  auto type = cast<VectorType>(laneType(elements.front().getType()));
  return {vector::FromElementsOp::create(*b, type, elements)};
}

void BodyEmitter::readFrom(unsigned operand, Value copy, unsigned rows, Value low) {
  copies[operand] = {copy, rows, low};
}

Lanes BodyEmitter::loadOperand(unsigned operand, Offsets at) {
  if (auto found = copies.find(operand); found != copies.end()) {
    const Copy &copy = found->second;
    Value row = b->createOrFold<arith::SubIOp>(bases[copy.rows], copy.low);
    Value column = arith::ConstantIndexOp::create(*b, at[*vectorDim]);
    return {loadVector(copy.memref, {addConstant(row, at[copy.rows]), column})};
  }
  Access access = Access::Invariant;
  if (vectorDim)
    access = body->operandAccess(operand, *vectorDim);
  AffineMap map = body->nest.map(operand);
  return load(body->nest.op->getOperand(operand), access,
              [&](unsigned i, int64_t lane) { return coordinate(map.getResult(i), at, lane); });
}

void BodyEmitter::loadTransposed(unsigned input, unsigned rows, Offsets at) {
  SmallVector<Value> block;
  Value memref = body->nest.op->getOperand(input);
  for (int64_t lane = 0; lane < lanes; ++lane) {
    SmallVector<Value> indices;
    for (AffineExpr e : body->nest.map(input).getResults())
      indices.push_back(coordinate(e, at, lane));
    block.push_back(loadVector(memref, indices));
  }
  kernels::transpose(*b, block);
  SmallVector<int64_t> point(at);
  for (Value row : block) {
    bind(body->nest.op.getBody()->getArgument(input), point, {row});
    ++point[rows];
  }
}

Lanes BodyEmitter::loadBody(memref::LoadOp read, Offsets at) {
  SmallVector<Lanes> indices;
  for (Value v : read.getIndices())
    indices.push_back(evaluate(v, at));
  Access access = Access::Invariant;
  if (vectorDim)
    access = body->loadAccess(read, *vectorDim);
  return load(read.getMemRef(), access, [&](unsigned i, int64_t lane) -> Value {
    if (indices[i].isVector())
      return vector::ExtractOp::create(*b, indices[i].value, lane);
    return addConstant(indices[i].value, indices[i].step * lane);
  });
}

void BodyEmitter::storeOutput(unsigned output, Offsets at, Lanes value) {
  unsigned operand = body->nest.numInputs() + output;
  Value memref = body->nest.op->getOperand(operand);
  AffineMap map = body->nest.map(operand);
  auto indices = [&](int64_t lane) {
    SmallVector<Value> result;
    for (AffineExpr e : map.getResults())
      result.push_back(coordinate(e, at, lane));
    return result;
  };
  Access access = vectorDim ? body->operandAccess(operand, *vectorDim) : Access::Invariant;
  if (lanes == 1 || access == Access::Invariant) {
    memref::StoreOp::create(*b, value.value, memref, indices(0));
    return;
  }
  Value vector = materialize(value);
  if (access == Access::Contiguous) {
    if (mask)
      vector::MaskedStoreOp::create(*b, memref, indices(0), mask, vector);
    else
      vector::StoreOp::create(*b, vector, memref, indices(0));
    return;
  }
  for (int64_t lane = 0; lane < lanes; ++lane)
    memref::StoreOp::create(*b, vector::ExtractOp::create(*b, vector, lane), memref, indices(lane));
}

} // namespace mad::vectorize
