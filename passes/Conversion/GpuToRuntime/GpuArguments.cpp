//===- GpuArguments.cpp - Memory is passed to kernels as a pointer -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A memref is five numbers and more, most of which are known or not used. Each parameter of a
// launch costs time, and room that is limited.
//
//===----------------------------------------------------------------------===//
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"
#include "passes/Conversion/GpuToRuntime/DeviceNames.h"
#include "passes/Conversion/Passes.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_GPUARGUMENTS
#include "passes/Conversion/Passes.h.inc"

namespace {

/// What a memref is made of.
struct Layout {
  MemRefType type;
  SmallVector<int64_t> strides;
  int64_t offset = 0;

  static std::optional<Layout> of(Type type) {
    auto memory = dyn_cast<MemRefType>(type);
    Layout layout{memory, {}, 0};
    if (!memory || memory.getMemorySpace() ||
        failed(memory.getStridesAndOffset(layout.strides, layout.offset)))
      return {};
    return layout;
  }
  int64_t elementBytes() const {
    Type e = type.getElementType();
    return e.isIndex() ? 8 : llvm::divideCeil(e.getIntOrFloatBitWidth(), 8);
  }
  /// Where the type says how far behind its pointer memory begins, kernels add that.
  int64_t knownOffset() const { return ShapedType::isDynamic(offset) ? 0 : offset; }
};

Value wide(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIntOp::create(b, value, 64);
}

/// The parts of one argument, on both sides.
class Argument {
public:
  Argument(gpu::GPUFuncOp kernel, unsigned number, const Layout &layout)
      : kernel(kernel), number(number), layout(layout),
        memory(kernel.getBody().front().getArgument(number)),
        boxes(kernel.getArgAttr(number, boxesAttribute)) {}

  /// Rewrites the uses in the kernel. Adds the types of new arguments.
  void rewrite(unsigned &next);
  /// What a launch passes in place of the memref.
  void append(ImplicitLocOpBuilder &b, Value operand, SmallVectorImpl<Value> &operands) const;

private:
  Value addArgument(unsigned &next, Type type) {
    (void)kernel.insertArgument(next, type, {}, kernel.getLoc());
    return kernel.getBody().front().getArgument(next++);
  }

  gpu::GPUFuncOp kernel;
  unsigned number;
  const Layout layout;
  Value memory;
  Attribute boxes;                      ///< of a tensor map; else null
  SmallVector<unsigned> sizes, strides; ///< dimensions whose number is passed
};

void Argument::rewrite(unsigned &next) {
  MLIRContext *context = kernel.getContext();
  Type pointerType = LLVM::LLVMPointerType::get(context, /*addressSpace=*/boxes ? 0 : 1);
  DictionaryAttr attributes = kernel.getArgAttrDict(number);
  ImplicitLocOpBuilder b(kernel.getLoc(), context);
  b.setInsertionPointToStart(&kernel.getBody().front());
  Value pointer = addArgument(next, pointerType);
  if (attributes && !boxes)
    for (NamedAttribute attribute : attributes)
      kernel.setArgAttr(next - 1, attribute.getName(), attribute.getValue());

  for (Operation *user : llvm::make_early_inc_range(memory.getUsers())) {
    auto cast = dyn_cast<UnrealizedConversionCastOp>(user);
    if (!cast || cast.getResult(0).getType() != pointerType)
      continue;
    Value first = pointer;
    if (int64_t bytes = boxes ? 0 : layout.knownOffset() * layout.elementBytes())
      first = LLVM::GEPOp::create(b, pointerType, b.getI8Type(), pointer, wide(b, bytes));
    cast.getResult(0).replaceAllUsesWith(first);
    cast.erase();
  }
  if (memory.use_empty())
    return;

  auto space = gpu::AddressSpaceAttr::get(context, gpu::AddressSpace::Global);
  LLVMTypeConverter converter(context);
  converter.addTypeAttributeConversion(
      [](BaseMemRefType,
         gpu::AddressSpaceAttr attribute) -> TypeConverter::AttributeConversionResult {
        return IntegerAttr::get(IntegerType::get(attribute.getContext(), 64), 1);
      });
  MemRefType type = layout.type;
  Type descriptor = converter.convertType(
      MemRefType::get(type.getShape(), type.getElementType(), type.getLayout(), space));
  Value made = LLVM::PoisonOp::create(b, descriptor);
  auto set = [&](Value value, ArrayRef<int64_t> at) {
    made = LLVM::InsertValueOp::create(b, made, value, at);
  };
  set(pointer, {0});
  set(pointer, {1});
  set(wide(b, layout.knownOffset()), {2});
  auto number64 = [&](int64_t known, unsigned d, SmallVectorImpl<unsigned> &passed) -> Value {
    if (!ShapedType::isDynamic(known))
      return wide(b, known);
    passed.push_back(d);
    return addArgument(next, b.getI64Type());
  };
  for (unsigned d = 0; d < type.getRank(); ++d) {
    set(number64(type.getDimSize(d), d, sizes), {3, d});
    set(number64(layout.strides[d], d, strides), {4, d});
  }
  Value same = UnrealizedConversionCastOp::create(b, type, made).getResult(0);
  memory.replaceAllUsesWith(same);
}

void Argument::append(ImplicitLocOpBuilder &b, Value operand,
                      SmallVectorImpl<Value> &operands) const {
  if (boxes) {
    // mad-gpu-to-runtime makes the map.
    auto map =
        UnrealizedConversionCastOp::create(b, LLVM::LLVMPointerType::get(b.getContext()), operand);
    map->setAttr(mapAttribute, boxes);
    return operands.push_back(map.getResult(0));
  }
  auto parts = memref::ExtractStridedMetadataOp::create(b, operand);
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, operand);
  if (ShapedType::isDynamic(layout.offset)) {
    Value bytes = arith::ConstantIndexOp::create(b, layout.elementBytes());
    Value offset = arith::MulIOp::create(b, parts.getOffset(), bytes);
    address = arith::AddIOp::create(b, address, offset);
  }
  Value number = arith::IndexCastOp::create(b, b.getI64Type(), address);
  operands.push_back(LLVM::IntToPtrOp::create(
      b, LLVM::LLVMPointerType::get(b.getContext(), /*addressSpace=*/1), number));
  // In the order of the dimensions, sizes before strides.
  for (unsigned d = 0; d < layout.type.getRank(); ++d) {
    auto pass = [&](Value value) {
      operands.push_back(arith::IndexCastOp::create(b, b.getI64Type(), value));
    };
    if (llvm::is_contained(sizes, d))
      pass(parts.getSizes()[d]);
    if (llvm::is_contained(strides, d))
      pass(parts.getStrides()[d]);
  }
}

void rewriteKernel(gpu::GPUFuncOp kernel, ArrayRef<gpu::LaunchFuncOp> launches) {
  unsigned count = kernel.getNumArguments();
  SmallVector<std::optional<Argument>> arguments(count);
  // New arguments follow all old ones, which are dropped afterwards.
  unsigned next = count;
  BitVector dropped(count);
  for (unsigned i = 0; i < count; ++i) {
    std::optional<Layout> layout = Layout::of(kernel.getArgument(i).getType());
    if (!layout)
      continue;
    arguments[i].emplace(kernel, i, *layout);
    arguments[i]->rewrite(next);
    dropped.set(i);
  }
  dropped.resize(kernel.getNumArguments());
  (void)kernel.eraseArguments(dropped);
  for (gpu::LaunchFuncOp launch : launches) {
    ImplicitLocOpBuilder b(launch.getLoc(), launch);
    SmallVector<Value> operands, made;
    for (auto [i, operand] : llvm::enumerate(launch.getKernelOperands()))
      if (!arguments[i])
        operands.push_back(operand);
    for (auto [i, operand] : llvm::enumerate(launch.getKernelOperands()))
      if (arguments[i])
        arguments[i]->append(b, operand, made);
    llvm::append_range(operands, made);
    launch.getKernelOperandsMutable().assign(operands);
  }
}

struct GpuArgumentsPass : impl::GpuArgumentsBase<GpuArgumentsPass> {
  using GpuArgumentsBase::GpuArgumentsBase;

  void runOnOperation() override {
    SymbolTableCollection symbols;
    llvm::MapVector<Operation *, SmallVector<gpu::LaunchFuncOp>> launches;
    getOperation().walk([&](gpu::LaunchFuncOp launch) {
      if (auto kernel = symbols.lookupNearestSymbolFrom<gpu::GPUFuncOp>(launch, launch.getKernel()))
        launches[kernel].push_back(launch);
    });
    for (auto &[kernel, calls] : launches)
      rewriteKernel(cast<gpu::GPUFuncOp>(kernel), calls);
    // Those whose launch was never reached.
    getOperation().walk([&](gpu::GPUFuncOp kernel) {
      if (kernel.isKernel() && !launches.contains(kernel))
        kernel.erase();
    });
  }
};

} // namespace
} // namespace mad
