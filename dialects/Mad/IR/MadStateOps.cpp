//===- MadStateOps.cpp - Functional update and bounded iteration ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadStateOps.h"
#include "dialects/Mad/IR/MadOpHelpers.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace mad;

#define GET_OP_CLASSES
#include "dialects/Mad/IR/MadStateOps.cpp.inc"

static RankedTensorType tensorTypeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Whether all of `user` runs before `op`, or only one of them does.
static bool isDoneBefore(Operation *user, Operation *op, Block *body) {
  for (; op; op = op->getParentOp()) {
    Operation *here = op->getBlock()->findAncestorOpInBlock(*user);
    if (here)
      return here == op ? user != op : here->isBeforeInBlock(op);
    if (op->getBlock() == body)
      return false;
  }
  return false;
}

/// Whether what is made of `value` is read before `op` takes it over. What may be
/// fused into a reader, or is a view, counts as read where that reader stands.
static bool diesAt(Value value, Operation *op, Block *body) {
  SmallVector<Value> work{value};
  llvm::SmallPtrSet<Operation *, 8> seen;
  while (!work.empty()) {
    Value next = work.pop_back_val();
    for (OpOperand &use : next.getUses()) {
      Operation *user = use.getOwner();
      if (user == op) {
        if (next == value && llvm::count(op->getOperands(), value) > 1)
          return false;
        continue;
      }
      if (op->isAncestor(user) ? !isa<IfOp>(op) : !isDoneBefore(user, op, body))
        return false;
      if (isa<ReduceOp, ContractOp>(user) || !seen.insert(user).second)
        continue;
      if (isa<YieldOp>(user)) {
        // Of the branch that is not taken: there it is the value that goes on.
        bool other = next == value && isa<IfOp>(user->getParentOp()) &&
                     user->getParentOp()->isAncestor(op) &&
                     llvm::count(user->getOperands(), value) == 1;
        if (!other)
          return false;
        continue;
      }
      for (Value result : user->getResults())
        if (tensorTypeOf(result).getRank() > 0)
          work.push_back(result);
    }
  }
  return true;
}

/// The value that `next` comes from by one step, and that dies there.
static bool comesFrom(Value next, BlockArgument now, Block *body);

static bool stepFrom(Value old, Operation *op, BlockArgument now, Block *body) {
  return comesFrom(old, now, body) && diesAt(old, op, body);
}

static bool comesFrom(Value next, BlockArgument now, Block *body) {
  if (next == now)
    return true;
  Operation *op = next.getDefiningOp();
  if (!op)
    return false;
  if (auto update = dyn_cast<UpdateOp>(op))
    return stepFrom(update.getDest(), op, now, body);
  if (auto rename = dyn_cast<ReshapeOp>(op))
    return sameShape(tensorTypeOf(rename.getSource()), tensorTypeOf(next)) &&
           stepFrom(rename.getSource(), op, now, body);
  unsigned number = cast<OpResult>(next).getResultNumber();
  auto yielded = [&](Region &region) { return region.front().getTerminator()->getOperand(number); };
  if (auto branch = dyn_cast<IfOp>(op))
    return comesFrom(yielded(branch.getThenRegion()), now, body) &&
           comesFrom(yielded(branch.getElseRegion()), now, body);
  // A loop inside that carries it on.
  auto inner = [&](ValueRange initial, Region &region) {
    return number < initial.size() && stepFrom(initial[number], op, now, body) &&
           isUpdateOf(yielded(region), region.getArgument(1 + number));
  };
  if (auto scan = dyn_cast<ScanOp>(op))
    return inner(scan.getInitial(), scan.getBody());
  if (auto iterate = dyn_cast<IterateOp>(op))
    return inner(iterate.getInitial(), iterate.getBody());
  return false;
}

bool mad::isUpdateOf(Value next, BlockArgument now) { return comesFrom(next, now, now.getOwner()); }

//===----------------------------------------------------------------------===//
// Update
//===----------------------------------------------------------------------===//

/// Coordinates in the destination as linear forms; only for a verified op.
static SmallVector<SmallVector<int64_t>> formsOf(UpdateOp op) {
  AffineMap map = op.getMap();
  SmallVector<SmallVector<int64_t>> forms;
  for (AffineExpr coordinate : map.getResults())
    forms.push_back(*linearForm(coordinate, map.getNumDims(), map.getNumSymbols()));
  return forms;
}

/// Each dim of the value runs along one coordinate, upwards.
static LogicalResult verifyForms(UpdateOp op) {
  unsigned rank = tensorTypeOf(op.getValue()).getRank();
  SmallVector<SmallVector<int64_t>> forms = formsOf(op);
  for (unsigned d = 0; d < rank; ++d) {
    unsigned stands = llvm::count_if(forms, [&](ArrayRef<int64_t> f) { return f[d] != 0; });
    bool upwards = llvm::none_of(forms, [&](ArrayRef<int64_t> f) { return f[d] < 0; });
    if (stands != 1 || !upwards)
      return op.emitOpError() << "dimension d" << d
                              << " of the map must stand in one coordinate, times a constant of "
                                 "at least 1";
  }
  unsigned expected = 0;
  for (auto [k, form] : llvm::enumerate(forms)) {
    ArrayRef<int64_t> dims = ArrayRef(form).take_front(rank);
    if (llvm::count_if(dims, [](int64_t c) { return c != 0; }) > 1)
      return op.emitOpError() << "coordinate " << k << " of the map depends on two dimensions";
    for (unsigned d = 0; d < rank; ++d)
      if (dims[d] != 0 && d != expected++)
        return op.emitOpError("dimensions of the map must stand in ascending order");
  }
  return success();
}

LogicalResult UpdateOp::verify() {
  AffineMap map = getMap();
  RankedTensorType dest = tensorTypeOf(getDest()), value = tensorTypeOf(getValue());
  if (failed(verifySizes(*this)) ||
      failed(verifySameElement(*this, getDest(), "destination", getResult(), "the result")) ||
      failed(verifySameElement(*this, getValue(), "value", getResult(), "the result")))
    return failure();
  if (!shapesMayAgree(dest, tensorTypeOf(getResult())))
    return emitOpError() << "destination has shape " << shapeText(dest) << ", the result "
                         << shapeText(tensorTypeOf(getResult()));
  if (map.getNumDims() != static_cast<unsigned>(value.getRank()))
    return emitOpError() << "map takes " << map.getNumDims() << " dimensions, but the value has "
                         << value.getRank();
  if (map.getNumSymbols() != getScalars().size())
    return emitOpError() << "map takes " << map.getNumSymbols() << " symbols, but there are "
                         << getScalars().size() << " scalars";
  if (map.getNumResults() != static_cast<unsigned>(dest.getRank()))
    return emitOpError() << "map gives " << map.getNumResults()
                         << " coordinates, but the destination has " << dest.getRank()
                         << " dimensions";
  for (auto [dim, coordinate] : llvm::enumerate(map.getResults()))
    if (!linearForm(coordinate, map.getNumDims(), map.getNumSymbols()))
      return emitOpError() << "coordinate " << dim
                           << " of the map must be a sum of dimensions and scalars times constants";
  if (getBoundary() != Boundary::inside && getBoundary() != Boundary::checked)
    return emitOpError() << "boundary must be `inside` or `checked`, but is `"
                         << stringifyBoundary(getBoundary()) << "`";
  return verifyForms(*this);
}

Speculation::Speculatability UpdateOp::getSpeculatability() {
  return getBoundary() == Boundary::checked ? Speculation::NotSpeculatable
                                            : Speculation::Speculatable;
}

OpFoldResult UpdateOp::fold(FoldAdaptor) {
  RankedTensorType value = tensorTypeOf(getValue());
  // Nothing is written; or everything is.
  if (getBoundary() == Boundary::inside && getDest().getType() == getType())
    for (int64_t d = 0; d < value.getRank(); ++d)
      if (dimExpr(value, d) == DimExpr(0))
        return getDest();
  if (getMap().isIdentity() && sameShape(value, tensorTypeOf(getResult())) && value == getType())
    return getValue();
  return {};
}

LogicalResult UpdateOp::evaluate(ArrayRef<const RefTensor *> operands,
                                 MutableArrayRef<RefTensor> results, RefContext &context) {
  const RefTensor &dest = *operands[0], &value = *operands[1];
  RefTensor &result = results[0];
  if (dest.shape != result.shape)
    return context.fail(*this, "shape of the destination is not that of the result");
  result.floats = dest.floats;
  result.integers = dest.integers;
  if (value.elements() == 0)
    return success();
  size_t rank = value.shape.size(), symbols = getScalars().size();
  SmallVector<SmallVector<int64_t>> forms = formsOf(*this);
  SmallVector<int64_t> scalars;
  for (size_t s = 0; s < symbols; ++s)
    scalars.push_back(operands[2 + s]->integers[0]);
  for (auto [k, form] : llvm::enumerate(forms)) {
    auto [low, high] = coordinateRange(form, value.shape, scalars);
    if (failed(checkIndex(*this, getDest(), k, low, high, dest.shape[k], context)))
      return failure();
    form.back() = low; // the first position, as no dim runs downwards
  }
  SmallVector<int64_t> strides = rowMajorStrides(dest.shape), position(rank, 0);
  int64_t from = 0;
  do {
    int64_t to = 0;
    for (auto [form, stride] : llvm::zip_equal(forms, strides)) {
      int64_t index = form.back();
      for (size_t d = 0; d < rank; ++d)
        index += form[d] * position[d];
      to += index * stride;
    }
    result.set(to, value.get(from++));
  } while (next(position, value.shape));
  return success();
}

//===----------------------------------------------------------------------===//
// Iterate
//===----------------------------------------------------------------------===//

LogicalResult IterateOp::verify() {
  if (failed(verifySizes(*this)) || failed(verifyDimension(*this, getLimit(), "limit")))
    return failure();
  Type number = RankedTensorType::get({}, IntegerType::get(getContext(), 64));
  Type truth = RankedTensorType::get({}, IntegerType::get(getContext(), 1));
  SmallVector<Type> arguments = {number};
  llvm::append_range(arguments, getInitial().getTypes());
  SmallVector<Type> results(getInitial().getTypes());
  results.push_back(number);
  auto yielded = [](Region &region) { return region.front().getTerminator()->getOperandTypes(); };
  if (failed(verifyValues(*this, getCondition().getArgumentTypes(), arguments,
                          "the arguments of the condition")) ||
      failed(verifyValues(*this, yielded(getCondition()), truth, "the condition")) ||
      failed(verifyValues(*this, getBody().getArgumentTypes(), arguments,
                          "the arguments of the body")) ||
      failed(verifyValues(*this, yielded(getBody()), getInitial().getTypes(), "the body")))
    return failure();
  return verifyValues(*this, getResultTypes(), results, "the op");
}

LogicalResult IterateOp::fold(FoldAdaptor, SmallVectorImpl<OpFoldResult> &results) {
  std::optional<DimExpr> limit = DimExpr::parse(getLimit());
  std::optional<int64_t> most = limit ? limit->constant() : std::nullopt;
  if (!most || *most > 0 || getInitial().getTypes() != TypeRange(getResultTypes()).drop_back())
    return failure();
  llvm::append_range(results, getInitial());
  auto number = cast<RankedTensorType>(getResults().back().getType());
  results.push_back(DenseElementsAttr::get(number, int64_t(0)));
  return success();
}

LogicalResult IterateOp::evaluate(ArrayRef<const RefTensor *>, MutableArrayRef<RefTensor>,
                                  RefContext &context) {
  return context.fail(*this, "mad.iterate is not evaluated on its own");
}
