//===- DeviceFunction.cpp - A function whose work becomes kernels -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/LinalgToGpu/DeviceFunction.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/Conversion/GpuToRuntime/DeviceNames.h"
#include "passes/Transforms/Entries.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {

Value DeviceWork::initialOf(Value output) const {
  for (linalg::FillOp fill : fills)
    if (rootOf(fill.getDpsInits().front()) == rootOf(output))
      return fill.getDpsInputs().front();
  return {};
}

DeviceFunction::DeviceFunction(func::FuncOp function, gpu::GPUModuleOp kernels)
    : function(function), kernels(kernels), b(function.getLoc(), function.getContext()) {
  if (!entryList(function, "index_checks").empty())
    status = function.getArgument(EntryArguments(function).status);
}

bool DeviceFunction::isScratch(Value memory) {
  Value base = baseOf(memory);
  return base && base.getDefiningOp<memref::AllocOp>();
}

std::string DeviceFunction::kernelName(unsigned i) {
  return (function.getName() + "$" + llvm::Twine(i)).str();
}

DeviceKernel DeviceFunction::kernel(StringRef choice, ArrayRef<std::string> refusals,
                                    bool guarded) {
  return kernelIn(kernels, choice, refusals, guarded);
}

DeviceKernel DeviceFunction::groupKernel(StringRef choice, ArrayRef<std::string> refusals,
                                         bool guarded) {
  auto host = kernels->getParentOfType<ModuleOp>();
  auto groups = host.lookupSymbol<gpu::GPUModuleOp>(groupModule);
  if (!groups) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfter(kernels);
    groups = gpu::GPUModuleOp::create(b, groupModule);
  }
  return kernelIn(groups, choice, refusals, guarded);
}

/// The host asks once, before all else.
Value DeviceFunction::ask(StringRef name) {
  Value &answer = asked[name];
  if (answer)
    return answer;
  OpBuilder::InsertionGuard guard(b);
  auto host = kernels->getParentOfType<ModuleOp>();
  if (!host.lookupSymbol(name)) {
    b.setInsertionPointToStart(host.getBody());
    func::FuncOp::create(b, name, b.getFunctionType({}, b.getI32Type())).setPrivate();
  }
  b.setInsertionPointToStart(&function.front());
  Value number = func::CallOp::create(b, name, b.getI32Type(), ValueRange()).getResult(0);
  return answer = arith::IndexCastUIOp::create(b, b.getIndexType(), number);
}

Value DeviceFunction::hasGroups() {
  Value chip = ask(deviceChip);
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, chip, constant(groupChip));
}
Value DeviceFunction::multiprocessors() { return ask(deviceMultiprocessors); }

DeviceKernel DeviceFunction::kernelIn(gpu::GPUModuleOp module, StringRef choice,
                                      ArrayRef<std::string> refusals, bool guarded) {
  std::string text = choice.str();
  for (const std::string &refusal : refusals)
    text += "; " + refusal;
  DeviceKernel made(module, kernelName(number++), b.getLoc(), scalars, guarded ? status : Value());
  made.setChoice(text);
  return made;
}

Value DeviceFunction::constant(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
Value DeviceFunction::mul(Value x, Value y) { return b.createOrFold<arith::MulIOp>(x, y); }
Value DeviceFunction::ceilDiv(Value x, int64_t y) {
  return b.createOrFold<arith::CeilDivSIOp>(x, constant(y));
}
Value DeviceFunction::less(Value x, Value y) {
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, x, y);
}

void DeviceFunction::branch(Value condition, llvm::function_ref<void()> yes,
                            llvm::function_ref<void()> no) {
  if (auto value = getConstantIntValue(condition))
    return *value ? yes() : no();
  auto made = scf::IfOp::create(b, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(made.thenBlock());
  yes();
  b.setInsertionPointToStart(made.elseBlock());
  no();
}

Value DeviceFunction::knownSize(Value size) {
  auto dim = size.getDefiningOp<memref::DimOp>();
  if (!dim || !scalars.isOnDevice(dim.getSource()))
    return scalars.isOnDevice(size) ? Value() : size;
  Operation *memory = dim.getSource().getDefiningOp();
  auto select = dyn_cast_or_null<arith::SelectOp>(memory);
  if (!select && !isa_and_nonnull<memref::CastOp>(memory))
    return {};
  Value same = select ? select.getTrueValue() : memory->getOperand(0);
  Value other = b.createOrFold<memref::DimOp>(same, dim.getIndex());
  dim.erase();
  return knownSize(other);
}

Value DeviceFunction::sizeOf(Value memory, int64_t dim) {
  return knownSize(getValueOrCreateConstantIndexOp(
      b, b.getLoc(), memref::getMixedSize(b, b.getLoc(), memory, dim)));
}

std::optional<SmallVector<Value>> DeviceFunction::extentsOf(GenericOp op) {
  SmallVector<Range> ranges =
      cast<linalg::LinalgOp>(op.getOperation()).createLoopRanges(b, op.getLoc());
  SmallVector<Value> extents;
  for (Range &range : ranges) {
    extents.push_back(knownSize(getValueOrCreateConstantIndexOp(b, op.getLoc(), range.size)));
    if (!extents.back())
      return {};
  }
  return extents;
}

void DeviceFunction::take(const DeviceWork &work) {
  for (linalg::FillOp fill : work.fills)
    taken.insert(fill);
  taken.insert(work.op);
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

Value loadElement(ImplicitLocOpBuilder &b, Value operand, AffineMap map, ValueRange at) {
  if (!isa<MemRefType>(operand.getType()))
    return operand;
  auto indices = affine::expandAffineMap(b, b.getLoc(), map, at);
  return memref::LoadOp::create(b, operand, *indices);
}

void storeElement(ImplicitLocOpBuilder &b, Value value, Value memory, AffineMap map,
                  ValueRange at) {
  auto indices = affine::expandAffineMap(b, b.getLoc(), map, at);
  memref::StoreOp::create(b, value, memory, *indices);
}

void getUses(DeviceKernel &kernel, GenericOp op) {
  llvm::SetVector<Value> used;
  getUsedValuesDefinedAbove(op.getRegion(), used);
  for (Value v : used)
    kernel.get(v);
  for (Value v : op->getOperands())
    kernel.get(v);
}

IRMapping emitBody(DeviceKernel &kernel, GenericOp op, ArrayRef<Value> arguments,
                   ArrayRef<Value> at, const llvm::SmallPtrSetImpl<Operation *> &without) {
  IRMapping body = kernel.mapping();
  for (auto [argument, value] : llvm::zip(op.getBody()->getArguments(), arguments))
    if (value)
      body.map(argument, value);
  for (Operation &inner : op.getBody()->without_terminator())
    if (auto index = dyn_cast<linalg::IndexOp>(inner))
      body.map(index.getResult(), at[index.getDim()]);
    else if (!without.contains(&inner))
      kernel.builder().clone(inner, body);
  return body;
}

SmallVector<Value> emitBody(DeviceKernel &kernel, GenericOp op, ArrayRef<Value> arguments,
                            ArrayRef<Value> at) {
  IRMapping body = emitBody(kernel, op, arguments, at, llvm::SmallPtrSet<Operation *, 1>());
  SmallVector<Value> made;
  for (Value v : op.getBody()->getTerminator()->getOperands())
    made.push_back(body.lookupOrDefault(v));
  return made;
}

Value Combiner::identityValue(ImplicitLocOpBuilder &b) const {
  return arith::ConstantOp::create(b, identity);
}

Value Combiner::operator()(ImplicitLocOpBuilder &b, Value x, Value y) const {
  Operation *made = b.clone(*op);
  made->setOperands({x, y});
  return made->getResult(0);
}

/// Whether the order of such an op is free.
static bool isFree(Operation *op, bool &rounds) {
  rounds = isa<arith::AddFOp, arith::MulFOp>(op);
  if (!rounds)
    return isa<arith::AddIOp, arith::MulIOp, arith::MaximumFOp, arith::MinimumFOp, arith::MaxSIOp,
               arith::MaxUIOp, arith::MinSIOp, arith::MinUIOp, arith::AndIOp, arith::OrIOp,
               arith::XOrIOp>(op);
  auto flags = cast<arith::ArithFastMathInterface>(op).getFastMathFlagsAttr();
  return flags && bitEnumContainsAll(flags.getValue(), arith::FastMathFlags::reassoc);
}

std::optional<SmallVector<Combiner>> combinersOf(GenericOp op) {
  SmallVector<Combiner> all;
  for (OpOperand &output : op.getDpsInitsMutable()) {
    BlockArgument before = op.getMatchingBlockArgument(&output);
    Value result = op.getMatchingYieldValue(&output)->get();
    Operation *last = result.getDefiningOp();
    bool rounds = false;
    if (!last || last->getBlock() != op.getBody() || !before.hasOneUse() || !result.hasOneUse() ||
        *before.user_begin() != last || !isFree(last, rounds))
      return {};
    std::optional<TypedAttr> identity = arith::getNeutralElement(last);
    if (!identity)
      return {};
    Value other = last->getOperand(last->getOperand(0) == before ? 1 : 0);
    all.push_back({last, other, *identity, rounds});
  }
  return all;
}

} // namespace mad
