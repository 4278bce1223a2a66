//===- GpuToRuntime.cpp - Launches become calls of the device ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The function of an entry is given its device (`mad_device` in runtime/artifact.h)
// where code for CPUs has the executor of its loops. Parameters of a kernel are
// passed as cuLaunchKernel takes them: a pointer to each. Memory is, as everywhere in
// the LLVM dialect, its two pointers, offset, sizes and strides; a tensor map of it is made
// right before the launch.
//
//===----------------------------------------------------------------------===//
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Conversion/GpuToRuntime/DeviceNames.h"
#include "passes/Conversion/Passes.h"
#include "passes/Transforms/Entries.h"
#include "runtime/artifact.h"
#include <cstddef>

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_GPUTORUNTIME
#include "passes/Conversion/Passes.h.inc"

namespace {

/// Words of the widest parameter, an i128.
constexpr int64_t cellWords = 2;

/// Functions of `mad_device`, and where they are.
enum DeviceField : int64_t {
  Self = offsetof(mad_device, self),
  Launch = offsetof(mad_device, launch),
  Read = offsetof(mad_device, read),
  TensorMap = offsetof(mad_device, tensor_map)
};

/// Bytes of a tensor map, and words of what describes it.
constexpr int64_t mapBytes = 128, boxesWords = sizeof(mad_boxes) / 8;
constexpr size_t mostRank = std::size(mad_boxes{}.sizes);
static_assert(boxesWords == 3 + 3 * mostRank && offsetof(mad_boxes, sizes) == 3 * 8);

class RuntimeCalls {
public:
  explicit RuntimeCalls(func::FuncOp function)
      : function(function), b(function.getLoc(), function.getContext()),
        converter(function.getContext()), ptr(LLVM::LLVMPointerType::get(function.getContext())),
        i32(b.getI32Type()), i64(b.getI64Type()) {
    unsigned at = function.getNumArguments();
    (void)function.insertArgument(at, ptr, {}, function.getLoc());
    device = function.getArgument(at);
  }
  /// All launches share the room for what they are given: of at most `most` words, and `maps`
  /// tensor maps.
  void makeRoom(int64_t most, int64_t maps);
  void lower(gpu::LaunchFuncOp op);
  void lower(gpu::MemcpyOp op);
  void lower(func::CallOp op);

private:
  Value word(int64_t value) { return arith::ConstantIntOp::create(b, value, 64); }
  Value field(int64_t byte, Type type) {
    return LLVM::LoadOp::create(b, type, bytesBehind(device, byte));
  }
  Value bytesBehind(Value base, int64_t bytes) {
    return LLVM::GEPOp::create(b, ptr, b.getI8Type(), base, ArrayRef<LLVM::GEPArg>{int32_t(bytes)});
  }
  void call(DeviceField function, ValueRange arguments);
  Value makeMap(UnrealizedConversionCastOp of, int64_t number);
  Value lowered(Value value);
  void flatten(Value value, SmallVectorImpl<Value> &fields);
  Value kernelOf(gpu::LaunchFuncOp op);
  Value onStack(int64_t words);
  Value cell(Value base, int64_t number);

  func::FuncOp function;
  ImplicitLocOpBuilder b;
  LLVMTypeConverter converter;
  Type ptr, i32, i64;
  Value device;
  Value cells, params; ///< room for the values of a launch, and a pointer to each
  Value shape;         ///< the sizes of its grid and block
  Value maps, boxes;   ///< room for tensor maps, and what describes one; null: none is needed
};

void RuntimeCalls::call(DeviceField function, ValueRange arguments) {
  SmallVector<Value> operands{field(function, ptr), field(Self, ptr)};
  llvm::append_range(operands, arguments);
  SmallVector<Type> types(ValueRange(operands).drop_front().getTypes());
  LLVM::CallOp::create(b, LLVM::LLVMFunctionType::get(i32, types), operands);
}

Value RuntimeCalls::lowered(Value value) {
  if (value.getType().isIndex())
    return arith::IndexCastOp::create(b, i64, value);
  Type type = converter.convertType(value.getType());
  if (type == value.getType())
    return value;
  return UnrealizedConversionCastOp::create(b, type, value).getResult(0);
}

void RuntimeCalls::flatten(Value value, SmallVectorImpl<Value> &fields) {
  auto type = dyn_cast<MemRefType>(value.getType());
  if (type)
    MemRefDescriptor::unpack(b, b.getLoc(), lowered(value), type, fields);
  else
    fields.push_back(lowered(value));
}

Value RuntimeCalls::onStack(int64_t words) {
  return LLVM::AllocaOp::create(b, ptr, i64, word(words), /*alignment=*/16);
}

Value RuntimeCalls::cell(Value base, int64_t number) {
  return LLVM::GEPOp::create(b, ptr, i64, base, ArrayRef<LLVM::GEPArg>{int32_t(number)});
}

void RuntimeCalls::makeRoom(int64_t most, int64_t count) {
  b.setInsertionPointToStart(&function.front());
  cells = onStack(cellWords * most);
  params = onStack(most);
  shape = onStack(6);
  if (count) {
    maps = LLVM::AllocaOp::create(b, ptr, b.getI8Type(), word(count * mapBytes),
                                  /*alignment=*/mapBytes);
    boxes = onStack(boxesWords);
  }
  for (int64_t i = 0; i < most; ++i)
    LLVM::StoreOp::create(b, cell(cells, cellWords * i), cell(params, i));
}

/// Dimensions of the memref are in the order of rows, those of the map the other way around.
Value RuntimeCalls::makeMap(UnrealizedConversionCastOp of, int64_t number) {
  auto type = cast<MemRefType>(of.getOperand(0).getType());
  auto box = cast<DenseI32ArrayAttr>(of->getAttr(mapAttribute));
  MemRefDescriptor memory(lowered(of.getOperand(0)));
  const int64_t rank = type.getRank(), bytes = type.getElementTypeBitWidth() / 8;
  auto set = [&](int64_t at, Value value) { LLVM::StoreOp::create(b, value, cell(boxes, at)); };
  set(0, word(dtypeOf(type.getElementType())));
  set(1, word(rank));
  set(2, memory.bufferPtr(b, b.getLoc(), converter, type));
  for (int64_t i = 0; i < rank; ++i) {
    const unsigned d = rank - 1 - i;
    set(3 + i, memory.size(b, b.getLoc(), d));
    Value stride = memory.stride(b, b.getLoc(), d);
    set(3 + mostRank + i, arith::MulIOp::create(b, stride, word(bytes)));
    set(3 + 2 * mostRank + i, word(box[i]));
  }
  Value map = bytesBehind(maps, number * mapBytes);
  call(TensorMap, {map, boxes});
  return map;
}

/// What a launch passes as a tensor map; null: it is something else.
UnrealizedConversionCastOp mapOf(Value operand) {
  auto cast = operand.getDefiningOp<UnrealizedConversionCastOp>();
  return cast && cast->hasAttr(mapAttribute) ? cast : UnrealizedConversionCastOp();
}

/// What is known of the kernel: a constant of the other module.
Value RuntimeCalls::kernelOf(gpu::LaunchFuncOp op) {
  std::string name = (op.getKernelName().getValue() + ".kernel").str();
  auto module = function->getParentOfType<ModuleOp>();
  if (!module.lookupSymbol(name)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    LLVM::GlobalOp::create(b, LLVM::LLVMArrayType::get(b.getI8Type(), 0), /*isConstant=*/true,
                           LLVM::Linkage::External, name, Attribute());
  }
  return LLVM::AddressOfOp::create(b, ptr, name);
}

void RuntimeCalls::lower(gpu::LaunchFuncOp op) {
  b.setInsertionPoint(op);
  b.setLoc(op.getLoc());
  SmallVector<Value> fields;
  SmallVector<int64_t> byPlace; ///< parameters that are maps
  for (Value operand : op.getKernelOperands())
    if (UnrealizedConversionCastOp map = mapOf(operand)) {
      fields.push_back(makeMap(map, byPlace.size()));
      byPlace.push_back(fields.size() - 1);
    } else {
      flatten(operand, fields);
    }
  for (auto [i, value] : llvm::enumerate(fields))
    LLVM::StoreOp::create(
        b, value, llvm::is_contained(byPlace, i) ? cell(params, i) : cell(cells, cellWords * i));
  gpu::KernelDim3 grid = op.getGridSizeOperandValues(), block = op.getBlockSizeOperandValues();
  Value dims[] = {grid.x, grid.y, grid.z, block.x, block.y, block.z};
  for (auto [i, size] : llvm::enumerate(dims))
    LLVM::StoreOp::create(b, lowered(size), cell(shape, i));
  Value shared = op.getDynamicSharedMemorySize();
  if (!shared)
    shared = arith::ConstantIntOp::create(b, 0, 32);
  call(Launch, {kernelOf(op), shape, shared, params});
  for (int64_t i : byPlace)
    LLVM::StoreOp::create(b, cell(cells, cellWords * i), cell(params, i));
  SmallVector<Value> operands(op.getKernelOperands());
  op.erase();
  for (Value operand : operands)
    if (UnrealizedConversionCastOp map = mapOf(operand); map && map->use_empty())
      map.erase();
}

void RuntimeCalls::lower(func::CallOp op) {
  const bool chip = op.getCallee() == deviceChip;
  if (!chip && op.getCallee() != deviceMultiprocessors)
    return;
  b.setInsertionPoint(op);
  op.getResult(0).replaceAllUsesWith(
      field(chip ? offsetof(mad_device, chip) : offsetof(mad_device, multiprocessors), i32));
  op.erase();
}

void RuntimeCalls::lower(gpu::MemcpyOp op) {
  b.setInsertionPoint(op);
  b.setLoc(op.getLoc());
  auto type = cast<MemRefType>(op.getDst().getType());
  MemRefDescriptor to(lowered(op.getDst())), from(lowered(op.getSrc()));
  // Cells of one number each.
  Type element = converter.convertType(type.getElementType());
  int64_t bytes = llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
  call(Read, {to.bufferPtr(b, b.getLoc(), converter, type),
              from.bufferPtr(b, b.getLoc(), converter, type), word(bytes)});
  op.erase();
}

/// Words that any launch of the function passes.
int64_t mostWords(func::FuncOp function) {
  int64_t most = 1;
  function.walk([&](gpu::LaunchFuncOp op) {
    int64_t words = 0;
    for (Type type : op.getKernelOperands().getTypes()) {
      auto memory = dyn_cast<MemRefType>(type);
      words += memory ? MemRefDescriptor::getNumUnpackedValues(memory) : 1;
    }
    most = std::max(most, words);
  });
  return most;
}

int64_t mostMaps(func::FuncOp function) {
  int64_t most = 0;
  function.walk([&](gpu::LaunchFuncOp op) {
    most = std::max<int64_t>(most, llvm::count_if(op.getKernelOperands(), mapOf));
  });
  return most;
}

struct GpuToRuntimePass : impl::GpuToRuntimeBase<GpuToRuntimePass> {
  using GpuToRuntimeBase::GpuToRuntimeBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (!isEntry(function))
        continue;
      RuntimeCalls calls(function);
      calls.makeRoom(mostWords(function), mostMaps(function));
      function.walk([&](func::CallOp op) { calls.lower(op); });
      function.walk([&](gpu::LaunchFuncOp op) { calls.lower(op); });
      function.walk([&](gpu::MemcpyOp op) { calls.lower(op); });
    }
    for (StringRef name : {deviceChip, deviceMultiprocessors})
      if (Operation *declared = getOperation().lookupSymbol(name))
        declared->erase();
  }
};

} // namespace
} // namespace mad
