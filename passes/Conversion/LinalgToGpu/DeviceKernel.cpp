//===- DeviceKernel.cpp - A function for the device and its launch ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/LinalgToGpu/DeviceKernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/Conversion/GpuToRuntime/DeviceNames.h"
#include "passes/Conversion/Passes.h"
#include "passes/Kernels/Gpu/GpuBuilder.h"
#include "passes/Target/CudaCode.h"

using namespace mlir;

namespace mad {

DeviceKernel::DeviceKernel(gpu::GPUModuleOp module, StringRef name, Location loc,
                           const DeviceScalars &scalars, Value status)
    : module(module), scalars(scalars), b(loc, module.getContext()) {
  b.setInsertionPointToEnd(module.getBody());
  function = gpu::GPUFuncOp::create(b, name, b.getFunctionType({}, {}));
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  SymbolTable(module).insert(function);
  entry = &function.front();
  b.setInsertionPointToEnd(entry);
  gpu::ReturnOp::create(b);
  b.setInsertionPoint(entry->getTerminator());
  body = entry;
  if (!status)
    return;
  // What follows a failed check has nothing good to work on.
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value number = memref::LoadOp::create(b, get(status), zero);
  Value none = arith::ConstantIntOp::create(b, 0, 64);
  Value good = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, number, none);
  auto guard = scf::IfOp::create(b, good, /*withElseRegion=*/false);
  body = guard.thenBlock();
  b.setInsertionPoint(body->getTerminator());
}

Value DeviceKernel::addArgument(Value outside) {
  operands.push_back(outside);
  Value argument = entry->addArgument(outside.getType(), outside.getLoc());
  inside.map(outside, argument);
  return argument;
}

/// A view of a table of constants: the table is in the kernel's module.
static bool isPartOfTable(Value memory) {
  Operation *op = memory.getDefiningOp();
  while (auto view = dyn_cast_or_null<ViewLikeOpInterface>(op))
    op = view.getViewSource().getDefiningOp();
  return isa_and_nonnull<memref::GetGlobalOp>(op);
}

Value DeviceKernel::get(Value outside) {
  if (Value known = inside.lookupOrNull(outside))
    return known;
  Operation *def = outside.getDefiningOp();
  if (matchPattern(outside, m_Constant())) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(body);
    b.clone(*def, inside);
    return inside.lookup(outside);
  }
  if (auto table = outside.getDefiningOp<memref::GetGlobalOp>()) {
    OpBuilder::InsertionGuard guard(b);
    takeTable(table);
    b.setInsertionPointToStart(body);
    b.clone(*def, inside);
    return inside.lookup(outside);
  }
  if (Value cell = scalars.cellOf(outside)) {
    OpBuilder::InsertionGuard guard(b);
    Value memory = get(cell);
    b.setInsertionPointToStart(body);
    Value value = memref::LoadOp::create(b, memory, ValueRange());
    inside.map(outside, value);
    return value;
  }
  if (def && (scalars.isDerived(def) || isPartOfTable(outside))) {
    clone(def);
    return inside.lookup(outside);
  }
  return addArgument(outside);
}

void DeviceKernel::takeTable(memref::GetGlobalOp use) {
  if (module.lookupSymbol(use.getName()))
    return;
  auto table = SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(use, use.getNameAttr());
  b.setInsertionPointToStart(module.getBody());
  b.clone(*table);
}

Operation *DeviceKernel::clone(Operation *op) {
  for (Value operand : op->getOperands())
    get(operand);
  llvm::SetVector<Value> used;
  getUsedValuesDefinedAbove(op->getRegions(), used);
  for (Value value : used)
    get(value);
  return b.clone(*op, inside);
}

void DeviceKernel::setApart(Value memory) {
  if (auto known = dyn_cast<BlockArgument>(get(memory)); known && known.getOwner() == entry)
    noAlias.insert(known.getArgNumber());
}

Value DeviceKernel::pointer(Value memory, bool apart) {
  Type element = cast<MemRefType>(memory.getType()).getElementType();
  // Elements of what is a view at a place that the host does not know.
  Value offset;
  while (scalars.isOnDevice(memory)) {
    auto view = memory.getDefiningOp<memref::SubViewOp>();
    if (!view)
      break;
    Value own = elementsBefore(view);
    offset = offset ? b.createOrFold<arith::AddIOp>(offset, own) : own;
    memory = view.getSource();
  }
  Value argument = get(memory);
  if (apart)
    setApart(memory);
  auto type = LLVM::LLVMPointerType::get(b.getContext(), /*addressSpace=*/1);
  Value start = UnrealizedConversionCastOp::create(b, type, argument).getResult(0);
  return offset ? LLVM::GEPOp::create(b, type, element, start, ArrayRef<LLVM::GEPArg>{offset})
                      .getResult()
                : start;
}

/// Elements of the memory that lie before those of a view of it.
Value DeviceKernel::elementsBefore(memref::SubViewOp view) {
  auto number = [&](int64_t x) -> Value { return arith::ConstantIntOp::create(b, x, 64); };
  SmallVector<int64_t> strides =
      cast<MemRefType>(view.getSource().getType()).getStridesAndOffset().first;
  Value sum = number(0);
  for (auto [start, stride] : llvm::zip_equal(view.getMixedOffsets(), strides)) {
    auto value = dyn_cast<Value>(start);
    Value at = value ? arith::IndexCastOp::create(b, b.getI64Type(), get(value)).getResult()
                     : number(*getConstantIntValue(start));
    sum = b.createOrFold<arith::AddIOp>(sum, b.createOrFold<arith::MulIOp>(at, number(stride)));
  }
  return sum;
}

/// An argument of its own: the kernel may use the memory otherwise, too.
Value DeviceKernel::tensorMap(Value memory, ArrayRef<int32_t> box) {
  operands.push_back(memory);
  Value argument = entry->addArgument(memory.getType(), memory.getLoc());
  maps[argument] = b.getDenseI32ArrayAttr(box);
  auto type = LLVM::LLVMPointerType::get(b.getContext());
  return UnrealizedConversionCastOp::create(b, type, argument).getResult(0);
}

void DeviceKernel::setChoice(StringRef text) { function->setAttr("choice", b.getStringAttr(text)); }

void DeviceKernel::setShared(int64_t bytes, int blocksAtOnce, int alignment) {
  sharedBytes = bytes;
  if (bytes)
    device::declareShared(module, alignment);
  if (blocksAtOnce)
    function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), b.getI32IntegerAttr(blocksAtOnce));
}

void DeviceKernel::setExchanges() { function->setAttr(exchangingKernel, b.getUnitAttr()); }

void DeviceKernel::setInTurns() { function->setAttr(turnsKernel, b.getUnitAttr()); }

void DeviceKernel::setEndsApart() { function->setAttr(apartKernel, b.getUnitAttr()); }

void DeviceKernel::setEarly() { function->setAttr(earlyKernel, b.getUnitAttr()); }

void DeviceKernel::setCluster(int blocks) {
  if (blocks > 1)
    function->setAttr(NVVM::NVVMDialect::getClusterDimAttrName(),
                      b.getDenseI32ArrayAttr({blocks, 1, 1}));
}

void DeviceKernel::launch(OpBuilder &at, Value blocks, int64_t threads) {
  Value one = arith::ConstantIndexOp::create(at, b.getLoc(), 1);
  launch(at, {blocks, one, one}, threads);
}

/// What the body has asked for and not used.
void DeviceKernel::dropUnused() {
  llvm::SmallSetVector<unsigned, 4> stillApart;
  SmallVector<Value> kept;
  for (unsigned i = 0, all = operands.size(); i < all; ++i) {
    unsigned now = kept.size();
    if (entry->getArgument(now).use_empty()) {
      entry->eraseArgument(now);
      continue;
    }
    if (noAlias.contains(i))
      stillApart.insert(now);
    kept.push_back(operands[i]);
  }
  operands = std::move(kept);
  noAlias = std::move(stillApart);
}

void DeviceKernel::launch(OpBuilder &at, ArrayRef<Value> grid, int64_t threads) {
  dropUnused();
  function.setType(b.getFunctionType(entry->getArgumentTypes(), {}));
  function.setKnownBlockSizeAttr(b.getDenseI32ArrayAttr({int32_t(threads), 1, 1}));

  Location loc = b.getLoc();
  Value one = arith::ConstantIndexOp::create(at, loc, 1);
  Value size = arith::ConstantIndexOp::create(at, loc, threads);
  Value shared;
  if (sharedBytes)
    shared = arith::ConstantIntOp::create(at, loc, sharedBytes, 32);
  for (unsigned argument : noAlias)
    function.setArgAttr(argument, apartAttribute, b.getUnitAttr());
  for (BlockArgument argument : entry->getArguments())
    if (DenseI32ArrayAttr boxes = maps.lookup(argument))
      function.setArgAttr(argument.getArgNumber(), boxesAttribute, boxes);
  gpu::LaunchFuncOp::create(at, loc, function, gpu::KernelDim3{grid[0], grid[1], grid[2]},
                            gpu::KernelDim3{size, one, one}, shared, operands);
}

} // namespace mad
