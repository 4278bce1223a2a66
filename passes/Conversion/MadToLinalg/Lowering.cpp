//===- Lowering.cpp - What the patterns of mad-to-linalg share --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/MadToLinalg/Lowering.h"
#include "dialects/Mad/IR/MadOpHelpers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Conversion/DimToArith/DimToArith.h"

using namespace mlir;

namespace mad {

Lowering::Lowering(bool device) : device(device) {
  types.addConversion([](Type type) { return type; });
  types.addConversion([](RankedTensorType type) -> Type {
    Type element = type.getElementType();
    if (element.isInteger(1) || element.isInteger(8))
      element = IntegerType::get(type.getContext(), 8);
    return RankedTensorType::get(type.getShape(), element);
  });
  auto cast = [](OpBuilder &b, Type type, ValueRange values, Location loc) -> Value {
    return UnrealizedConversionCastOp::create(b, loc, type, values).getResult(0);
  };
  types.addSourceMaterialization(cast);
  types.addTargetMaterialization(cast);
}

RankedTensorType Lowering::plain(Type type) const {
  return cast<RankedTensorType>(types.convertType(type));
}

Value Lowering::parameter(Operation *op, StringRef name) const {
  auto function = op->getParentOfType<func::FuncOp>();
  auto names = function->getAttrOfType<ArrayAttr>("mad.dims");
  for (auto [i, n] : llvm::enumerate(names.getAsValueRange<StringAttr>()))
    if (n == name)
      return function.getArgument(i);
  return {};
}

Value Lowering::size(OpBuilder &b, Operation *op, const DimExpr &dim) const {
  auto function = op->getParentOfType<func::FuncOp>();
  auto symbol = [&](StringRef name) { return parameter(op, name); };
  if (Value value = dimToArith(b, op->getLoc(), dim, symbol))
    return value;
  // Verified IR does not come here; the module is refused, nothing is computed.
  op->emitError("dimension `") << dim.str() << "` is not made of the parameters of `"
                               << function.getName() << "`";
  return indexConstant(b, op->getLoc(), 0);
}

Value Lowering::extent(OpBuilder &b, Operation *op, RankedTensorType type, int64_t dim) const {
  return size(b, op, dimExpr(type, dim));
}

SmallVector<OpFoldResult> Lowering::sizes(OpBuilder &b, Operation *op,
                                          RankedTensorType type) const {
  SmallVector<OpFoldResult> result;
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      result.push_back(extent(b, op, type, i));
    else
      result.push_back(b.getIndexAttr(type.getDimSize(i)));
  return result;
}

Value Lowering::empty(OpBuilder &b, Operation *op, RankedTensorType type) const {
  return tensor::EmptyOp::create(b, op->getLoc(), sizes(b, op, type), plain(type).getElementType());
}

Value Lowering::map(OpBuilder &b, Operation *op, RankedTensorType type, ValueRange inputs,
                    ArrayRef<AffineMap> maps, Body body) const {
  Location loc = op->getLoc();
  // An operand that occurs twice, or that has one element only, is no input of its own.
  SmallVector<Value> distinct, operands(inputs.size());
  SmallVector<AffineMap> distinctMaps;
  SmallVector<unsigned> position(inputs.size());
  for (auto [i, v] : llvm::enumerate(inputs)) {
    if (maps[i].getNumResults() == 0) {
      operands[i] = scalarOf(b, loc, v, false);
      continue;
    }
    unsigned at = 0;
    while (at < distinct.size() && (distinct[at] != v || distinctMaps[at] != maps[i]))
      ++at;
    position[i] = at;
    if (at < distinct.size())
      continue;
    distinct.push_back(v);
    distinctMaps.push_back(maps[i]);
  }
  if (type.getRank() == 0 && distinct.empty())
    return tensorOf(b, loc, body(b, operands));
  Value init = empty(b, op, type);
  distinctMaps.push_back(b.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> loops(type.getRank(), utils::IteratorType::parallel);
  auto build = [&](OpBuilder &b, Location loc, ValueRange arguments) {
    for (unsigned i = 0; i < inputs.size(); ++i)
      if (maps[i].getNumResults())
        operands[i] = arguments[position[i]];
    linalg::YieldOp::create(b, loc, toStorage(b, loc, body(b, operands)));
  };
  return linalg::GenericOp::create(b, loc, plain(type), distinct, init, distinctMaps, loops, build)
      .getResult(0);
}

void Lowering::check(OpBuilder &b, Operation *op, Value failed, ValueRange values,
                     std::string message, Shown shown) {
  Location loc = op->getLoc();
  auto function = op->getParentOfType<func::FuncOp>();
  SmallVector<Attribute> &list = checks[function];
  SmallVector<Attribute> description = {b.getStringAttr(message), b.getStringAttr(placeOf(loc))};
  if (shown != Shown::Values)
    description.push_back(b.getStringAttr(shown == Shown::Trajectory ? "trajectory"
                                          : shown == Shown::Step     ? "step"
                                                                     : "plain"));
  // Parts of a weight are indexed each for itself, how many depends on the target: what is told
  // does not.
  Attribute told = b.getArrayAttr(description);
  int64_t number = llvm::find(list, told) - list.begin() + 1;
  if (number > int64_t(list.size()))
    list.push_back(told);
  Value status = function.getArgument(function->getAttrOfType<ArrayAttr>("mad.dims").size());

  auto ifFailed = scf::IfOp::create(b, loc, failed, /*withElseRegion=*/false);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(ifFailed.thenBlock());
    auto store = [&](Value v, int64_t at) {
      if (v.getType().isIndex())
        v = arith::IndexCastOp::create(b, loc, b.getI64Type(), v);
      memref::StoreOp::create(b, loc, v, status, indexConstant(b, loc, at));
    };
    store(arith::ConstantIntOp::create(b, loc, number, 64), 0);
    for (auto [at, value] : llvm::enumerate(values))
      store(value, int64_t(at) + 1);
  }
  Value yes = arith::ConstantIntOp::create(b, loc, 1, 1);
  cf::AssertOp::create(b, loc, arith::XOrIOp::create(b, loc, failed, yes), message);
}

void Lowering::checkNestedSize(OpBuilder &b, Operation *op, const DimExpr &dim) {
  if (isa<func::FuncOp>(op->getParentOp()) || !dimMayFail(dim))
    return;
  Value failed =
      dimFails(b, op->getLoc(), dim, [&](StringRef name) { return parameter(op, name); });
  if (failed)
    check(b, op, failed, {}, dimFailure(dim), Shown::Nothing);
}

ArrayAttr Lowering::checksOf(func::FuncOp function) const {
  return ArrayAttr::get(function.getContext(), checks.lookup(function));
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

bool isBool(Type tensor) { return cast<ShapedType>(tensor).getElementType().isInteger(1); }

Value indexConstant(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

bool isUnsigned(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getElementType().isUnsignedInteger();
}

bool isNarrowFloat(Type element) { return element.isF16() || element.isBF16(); }

Value widened(OpBuilder &b, Location loc, Value value) {
  return isNarrowFloat(value.getType())
             ? arith::ExtFOp::create(b, loc, b.getF32Type(), value).getResult()
             : value;
}

Value inF64(OpBuilder &b, Location loc, Value value) {
  bool isLess = isa<FloatType>(value.getType()) && !value.getType().isF64();
  return isLess ? arith::ExtFOp::create(b, loc, b.getF64Type(), value).getResult() : value;
}

Value narrowed(OpBuilder &b, Location loc, Value value, Type type) {
  bool isWide = isa<FloatType>(type) && isa<FloatType>(value.getType()) &&
                value.getType().getIntOrFloatBitWidth() > type.getIntOrFloatBitWidth();
  return isWide ? arith::TruncFOp::create(b, loc, type, value).getResult() : value;
}

Value fromStorage(OpBuilder &b, Location loc, Value value, bool isBool) {
  return isBool ? arith::TruncIOp::create(b, loc, b.getI1Type(), value).getResult() : value;
}

Value toStorage(OpBuilder &b, Location loc, Value value) {
  if (!value.getType().isInteger(1))
    return value;
  return arith::ExtUIOp::create(b, loc, b.getI8Type(), value);
}

Value scalarOf(OpBuilder &b, Location loc, Value tensor, bool isBool) {
  return fromStorage(b, loc, tensor::ExtractOp::create(b, loc, tensor, ValueRange()), isBool);
}

Value withoutUnits(OpBuilder &b, Location loc, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<int64_t> shape(type.getShape());
  llvm::erase(shape, 1);
  if (static_cast<int64_t>(shape.size()) == type.getRank())
    return tensor;
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)),
      strides(type.getRank(), b.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(b, loc, RankedTensorType::get(shape, type.getElementType()),
                                        tensor, offsets, tensor::getMixedSizes(b, loc, tensor),
                                        strides);
}

Value tensorOf(OpBuilder &b, Location loc, Value scalar) {
  scalar = toStorage(b, loc, scalar);
  auto type = RankedTensorType::get({}, scalar.getType());
  return tensor::FromElementsOp::create(b, loc, type, scalar);
}

std::string placeOf(Location loc) { return placeText(loc); }

} // namespace mad
