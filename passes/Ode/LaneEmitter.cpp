//===- LaneEmitter.cpp - Several rounds of a loop at once -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/LaneEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace mad {

//===----------------------------------------------------------------------===//
// What has a form on vectors
//===----------------------------------------------------------------------===//

static bool isNumber(Type type) {
  return type.isIntOrIndexOrFloat() && (!type.isInteger() || type.getIntOrFloatBitWidth() <= 64);
}

static bool isElementwise(Operation *op) {
  return op->getNumRegions() == 0 && OpTrait::hasElementwiseMappableTraits(op) &&
         llvm::all_of(op->getOperandTypes(), isNumber) &&
         llvm::all_of(op->getResultTypes(), isNumber);
}

Operation *LaneEmitter::unknownIn(Region &region) {
  Operation *unknown = nullptr;
  region.walk([&](Operation *op) {
    bool known = isElementwise(op) || isa<scf::YieldOp, scf::ConditionOp>(op);
    if (isa<scf::IfOp, scf::WhileOp>(op))
      known = llvm::all_of(op->getResultTypes(), isNumber) &&
              llvm::all_of(op->getOperandTypes(), isNumber);
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      known = isNumber(constant.getType());
    if (auto load = dyn_cast<memref::LoadOp>(op))
      known = isNumber(load.getType()) && load.getMemRefType().isLastDimUnitStride();
    if (auto store = dyn_cast<memref::StoreOp>(op))
      known = isNumber(store.getValue().getType()) && store.getMemRefType().isLastDimUnitStride();
    if (known)
      return WalkResult::advance();
    unknown = op;
    return WalkResult::interrupt();
  });
  return unknown;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Value LaneEmitter::splat(TypedAttr value, Location loc) {
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(typeOf(value.getType()), value));
}

Value LaneEmitter::allLanes(Location loc) { return splat(b.getBoolAttr(true), loc); }

Value LaneEmitter::zeroOf(Type element, Location loc) { return splat(b.getZeroAttr(element), loc); }

Value LaneEmitter::vector(Value value, Location loc) {
  if (auto known = vectors.find(value); known != vectors.end())
    return known->second;
  Value one = scalar(value);
  if (auto constant = one.getDefiningOp<arith::ConstantOp>())
    return splat(constant.getValue(), loc);
  return vector::BroadcastOp::create(b, loc, typeOf(one.getType()), one);
}

SmallVector<Value> LaneEmitter::vectorsOf(ValueRange values, Location loc) {
  return llvm::map_to_vector(values, [&](Value v) { return vector(v, loc); });
}

SmallVector<Type> LaneEmitter::typesOf(TypeRange elements) const {
  return llvm::map_to_vector(elements, [&](Type t) -> Type { return typeOf(t); });
}

Value LaneEmitter::both(Value x, Value y, Location loc) {
  return !x ? y : !y ? x : Value(arith::AndIOp::create(b, loc, x, y));
}

Value LaneEmitter::any(Value mask, Location loc) {
  return vector::ReductionOp::create(b, loc, vector::CombiningKind::OR, mask);
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

void LaneEmitter::emit(Block &block) {
  for (Operation &op : block.without_terminator())
    emit(op);
}

void LaneEmitter::emit(Operation &op) {
  if (auto branchOp = dyn_cast<scf::IfOp>(op))
    return branch(branchOp);
  if (auto loopOp = dyn_cast<scf::WhileOp>(op))
    return loop(loopOp);
  if (auto loadOp = dyn_cast<memref::LoadOp>(op))
    return load(loadOp);
  if (auto storeOp = dyn_cast<memref::StoreOp>(op))
    return store(storeOp);
  if (llvm::none_of(op.getOperands(), [&](Value v) { return varies(v); })) {
    b.clone(op, scalars);
    return;
  }
  elementwise(op);
}

void LaneEmitter::elementwise(Operation &op) {
  Location loc = op.getLoc();
  OperationState state(loc, op.getName());
  state.addOperands(vectorsOf(op.getOperands(), loc));
  // Lanes that are not here may have any divisor.
  if (mask && isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp,
                  arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp>(op)) {
    Value one = splat(cast<TypedAttr>(b.getOneAttr(op.getOperand(1).getType())), loc);
    state.operands[1] = arith::SelectOp::create(b, loc, mask, state.operands[1], one);
  }
  state.addTypes(typesOf(op.getResultTypes()));
  state.addAttributes(op.getAttrs());
  for (auto [old, made] : llvm::zip(op.getResults(), b.create(state)->getResults()))
    set(old, made);
}

/// Positions in memory, counted in elements.
Value LaneEmitter::place(Value memory, ValueRange indices, Location loc) {
  auto layout = memref::ExtractStridedMetadataOp::create(b, loc, memory);
  Value sum;
  for (auto [index, stride] : llvm::zip(indices, layout.getConstifiedMixedStrides())) {
    Value part = vector(index, loc);
    if (!isConstantIntValue(stride, 1)) {
      Value factor = getValueOrCreateConstantIndexOp(b, loc, stride);
      factor = vector::BroadcastOp::create(b, loc, typeOf(b.getIndexType()), factor);
      part = arith::MulIOp::create(b, loc, part, factor);
    }
    sum = sum ? Value(arith::AddIOp::create(b, loc, sum, part)) : part;
  }
  return sum;
}

void LaneEmitter::load(memref::LoadOp op) {
  if (llvm::none_of(op.getIndices(), [&](Value v) { return varies(v); })) {
    b.clone(*op, scalars);
    return;
  }
  Location loc = op.getLoc();
  Value memory = scalar(op.getMemRef()), zero = arith::ConstantIndexOp::create(b, loc, 0);
  SmallVector<Value> start(op.getIndices().size(), zero);
  set(op, vector::GatherOp::create(b, loc, typeOf(op.getType()), memory, start,
                                   place(memory, op.getIndices(), loc), mask ? mask : allLanes(loc),
                                   zeroOf(op.getType(), loc)));
}

void LaneEmitter::store(memref::StoreOp op) {
  Location loc = op.getLoc();
  Value memory = scalar(op.getMemRef()), zero = arith::ConstantIndexOp::create(b, loc, 0);
  SmallVector<Value> start(op.getIndices().size(), zero);
  vector::ScatterOp::create(b, loc, /*resultType=*/Type(), memory, start,
                            place(memory, op.getIndices(), loc), mask ? mask : allLanes(loc),
                            vector(op.getValue(), loc));
}

//===----------------------------------------------------------------------===//
// Branches
//===----------------------------------------------------------------------===//

/// Whether both sides of a branch may be computed: a few ops that neither fail nor take long.
static bool isCheap(Region &region) {
  if (region.empty())
    return true;
  int64_t ops = 0;
  for (Operation &op : region.front().without_terminator()) {
    bool slow = isa<arith::DivFOp, arith::RemFOp>(op) ||
                (isa<math::MathDialect>(op.getDialect()) && !isa<math::AbsFOp>(op));
    if (!isElementwise(&op) && !isa<arith::ConstantOp>(op))
      return false;
    if (slow || !isPure(&op) || ++ops > 16)
      return false;
  }
  return true;
}

/// What a region yields, with a condition on its lanes.
SmallVector<Value> LaneEmitter::side(Region &region, Value condition, Location loc) {
  if (region.empty())
    return {};
  Value before = mask;
  mask = condition;
  emit(region.front());
  SmallVector<Value> values = vectorsOf(region.front().getTerminator()->getOperands(), loc);
  mask = before;
  return values;
}

void LaneEmitter::branch(scf::IfOp op) {
  Location loc = op.getLoc();
  SmallVector<Type> types = typesOf(op.getResultTypes());
  SmallVector<Value> results;
  auto guarded = [&](Value condition, llvm::function_ref<SmallVector<Value>()> then,
                     llvm::function_ref<SmallVector<Value>()> otherwise) {
    auto made = scf::IfOp::create(b, loc, types, condition, /*addThenBlock=*/true,
                                  /*addElseBlock=*/true);
    OpBuilder::InsertionGuard guard(b);
    for (auto [region, build] :
         {std::pair(&made.getThenRegion(), then), std::pair(&made.getElseRegion(), otherwise)}) {
      region->front().clear();
      b.setInsertionPointToEnd(&region->front());
      scf::YieldOp::create(b, loc, build());
    }
    return SmallVector<Value>(made.getResults());
  };
  Region &then = op.getThenRegion(), &otherwise = op.getElseRegion();
  if (!varies(op.getCondition())) {
    results = guarded(
        scalar(op.getCondition()), [&] { return side(then, mask, loc); },
        [&] { return side(otherwise, mask, loc); });
  } else {
    Value condition = vector(op.getCondition(), loc);
    Value no = arith::XOrIOp::create(b, loc, condition, allLanes(loc));
    auto chosen = [&](ValueRange yes, ValueRange other) {
      SmallVector<Value> values;
      for (auto [x, y] : llvm::zip_equal(yes, other))
        values.push_back(arith::SelectOp::create(b, loc, condition, x, y));
      return values;
    };
    // One side after the other, each only where a lane takes it.
    Value isElse = both(mask, no, loc), isThen = both(mask, condition, loc);
    SmallVector<Value> others =
        isCheap(otherwise) ? side(otherwise, isElse, loc)
                           : guarded(
                                 any(isElse, loc), [&] { return side(otherwise, isElse, loc); },
                                 [&] {
                                   return llvm::map_to_vector(
                                       op.getResultTypes(), [&](Type t) { return zeroOf(t, loc); });
                                 });
    results = isCheap(then)
                  ? chosen(side(then, isThen, loc), others)
                  : guarded(
                        any(isThen, loc), [&] { return chosen(side(then, isThen, loc), others); },
                        [&] { return others; });
  }
  for (auto [old, made] : llvm::zip_equal(op.getResults(), results))
    set(old, made);
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// Runs while any lane is in it. What a lane carries stays as it is when it has left: then what the
/// condition gives for it stays, too. So the loop carries the arguments of the condition and the
/// lanes that are in it.
void LaneEmitter::loop(scf::WhileOp op) {
  Location loc = op.getLoc();
  Value outside = mask;
  SmallVector<Value> initial = vectorsOf(op.getInits(), loc);
  initial.push_back(mask ? mask : allLanes(loc));
  size_t carried = op.getInits().size();
  scf::ConditionOp condition = op.getConditionOp();
  SmallVector<Type> argumentTypes(ValueRange(initial).getTypes());
  SmallVector<Type> types = typesOf(condition.getArgs().getTypes());
  llvm::append_range(types, argumentTypes);
  auto made = scf::WhileOp::create(b, loc, types, initial);
  OpBuilder::InsertionGuard guard(b);

  Block *before = b.createBlock(&made.getBefore(), {}, argumentTypes,
                                SmallVector<Location>(argumentTypes.size(), loc));
  for (auto [old, argument] : llvm::zip(op.getBeforeArguments(), before->getArguments()))
    set(old, argument);
  mask = before->getArguments().back();
  emit(*op.getBeforeBody());
  Value active = both(mask, vector(condition.getCondition(), loc), loc);
  SmallVector<Value> forwarded = vectorsOf(condition.getArgs(), loc);
  llvm::append_range(forwarded, before->getArguments().take_front(carried));
  forwarded.push_back(active);
  scf::ConditionOp::create(b, loc, any(active, loc), forwarded);

  Block *after =
      b.createBlock(&made.getAfter(), {}, types, SmallVector<Location>(types.size(), loc));
  for (auto [old, argument] : llvm::zip(op.getAfterArguments(), after->getArguments()))
    set(old, argument);
  mask = after->getArguments().back();
  emit(*op.getAfterBody());
  SmallVector<Value> next;
  auto olds = after->getArguments().drop_front(condition.getArgs().size());
  for (auto [value, old] : llvm::zip(op.getYieldOp().getResults(), olds))
    next.push_back(arith::SelectOp::create(b, loc, mask, vector(value, loc), old));
  next.push_back(mask);
  scf::YieldOp::create(b, loc, next);

  mask = outside;
  for (auto [old, result] : llvm::zip(op.getResults(), made.getResults()))
    set(old, result);
}

} // namespace mad
