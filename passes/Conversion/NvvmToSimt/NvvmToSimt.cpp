//===- NvvmToSimt.cpp - GPU kernels for the emulator ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "passes/Conversion/GpuToRuntime/DeviceNames.h"
#include "passes/Conversion/NvvmToSimt/Lowering.h"
#include "passes/Conversion/Passes.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_NVVMTOSIMT
#include "passes/Conversion/Passes.h.inc"
} // namespace mad

using namespace mad::simt;

Lowering::Lowering(ModuleOp host, gpu::GPUModuleOp device)
    : host(host), device(device), context(host.getContext()), b(context) {
  pointer = LLVM::LLVMPointerType::get(context);
  word = b.getI32Type();
  wide = b.getI64Type();
  nothing = LLVM::LLVMVoidType::get(context);
}

//===----------------------------------------------------------------------===//
// Helpers
//===----------------------------------------------------------------------===//

LLVM::LLVMFuncOp Lowering::declare(StringRef name, Type result, ArrayRef<Type> arguments) {
  if (auto found = host.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return found;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(host.getBody());
  return LLVM::LLVMFuncOp::create(b, host.getLoc(), name,
                                  LLVM::LLVMFunctionType::get(result, arguments));
}

Value Lowering::call(Location loc, StringRef name, Type result, ArrayRef<Value> arguments) {
  SmallVector<Value> operands{thread};
  llvm::append_range(operands, arguments);
  SmallVector<Type> types;
  for (Value v : operands)
    types.push_back(isa<LLVM::LLVMPointerType>(v.getType()) ? pointer : v.getType());
  auto made =
      LLVM::CallOp::create(b, loc, declare(("mad_simt_" + name).str(), result, types), operands);
  return result == nothing ? Value() : made.getResult();
}

LogicalResult Lowering::replace(Operation *op, StringRef name, ArrayRef<Value> arguments) {
  Type result = op->getNumResults() ? op->getResult(0).getType() : nothing;
  Value made = call(op->getLoc(), name, result, arguments);
  if (made)
    op->getResult(0).replaceAllUsesWith(made);
  op->erase();
  return success();
}

Value Lowering::constant(Location loc, int64_t value, unsigned bits) {
  Type type = b.getIntegerType(bits);
  return LLVM::ConstantOp::create(b, loc, type,
                                  IntegerAttr::get(type, APInt(bits, value, true, true)));
}

Value Lowering::at(Location loc, Value base, int64_t byte) {
  return LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), base,
                             ArrayRef<LLVM::GEPArg>{int32_t(byte)});
}

Value Lowering::place(Operation *op) {
  std::string text;
  op->getLoc()->walk([&](Location l) {
    auto at = dyn_cast<FileLineColLoc>(l);
    if (!at)
      return WalkResult::advance();
    text = (at.getFilename().getValue() + ":" + Twine(at.getLine()) + ":" + Twine(at.getColumn()))
               .str();
    return WalkResult::interrupt();
  });
  LLVM::GlobalOp &global = places[text];
  if (!global) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(host.getBody());
    std::string bytes = text + '\0';
    unsigned number = places.size();
    std::string name;
    do
      name = "simt_place_" + std::to_string(number++);
    while (host.lookupSymbol(name));
    global = LLVM::GlobalOp::create(
        b, host.getLoc(), LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size()),
        /*isConstant=*/true, LLVM::Linkage::Internal, name, b.getStringAttr(bytes));
  }
  return LLVM::AddressOfOp::create(b, op->getLoc(), pointer, global.getSymName());
}

void Lowering::predicate(Operation *op, Value condition) {
  Block *head = op->getBlock();
  Block *tail = head->splitBlock(op->getNextNode());
  Block *body = head->splitBlock(op);
  b.setInsertionPointToEnd(head);
  LLVM::CondBrOp::create(b, op->getLoc(), condition, body, tail);
  b.setInsertionPointToEnd(body);
  LLVM::BrOp::create(b, op->getLoc(), ValueRange(), tail);
  b.setInsertionPoint(op);
}

void Lowering::storeWords(Location loc, ValueRange values, int32_t byte) {
  for (Value v : values) {
    LLVM::StoreOp::create(b, loc, v, at(loc, fragments, byte));
    byte += int32_t(bytes(v.getType()));
  }
}

Value Lowering::asWord(Location loc, Value value) {
  return value.getType() == word ? value : LLVM::BitcastOp::create(b, loc, word, value).getResult();
}

uint64_t Lowering::bytes(Type type) { return DataLayout(host).getTypeSize(type); }

//===----------------------------------------------------------------------===//
// One op
//===----------------------------------------------------------------------===//

LogicalResult Lowering::lower(Operation *op) {
  b.setInsertionPoint(op);
  for (auto part : {&Lowering::lowerRegister, &Lowering::lowerMemory, &Lowering::lowerCall,
                    &Lowering::lowerBarrier, &Lowering::lowerCluster, &Lowering::lowerWarp,
                    &Lowering::lowerMbarrier, &Lowering::lowerCopy, &Lowering::lowerMatrix,
                    &Lowering::lowerText})
    if (Lowered done = (this->*part)(op))
      return *done;
  if (isa<LLVM::LLVMDialect>(op->getDialect()) && !isa<LLVM::InlineAsmOp>(op))
    return success();
  return op->emitOpError("has no emulation");
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

LogicalResult Lowering::layOutShared() {
  SmallVector<LLVM::GlobalOp> variables;
  for (auto global : device.getOps<LLVM::GlobalOp>())
    if (global.getAddrSpace() == Shared)
      variables.push_back(global);
  for (auto variable : variables)
    if (uint64_t size = bytes(variable.getType())) {
      shared.size =
          llvm::alignTo(shared.size, std::max<uint64_t>(variable.getAlignment().value_or(16), 16));
      shared.offsets[variable.getSymName()] = shared.size;
      shared.size += size;
    }
  for (auto variable : variables)
    if (bytes(variable.getType()) == 0) {
      shared.size =
          llvm::alignTo(shared.size, std::max<uint64_t>(variable.getAlignment().value_or(16), 16));
      shared.offsets[variable.getSymName()] = shared.size;
    }
  for (auto variable : variables)
    variable.erase();
  // The others become variables of the host: tables of constants.
  for (auto global : llvm::make_early_inc_range(device.getOps<LLVM::GlobalOp>())) {
    if (host.lookupSymbol(global.getSymName()))
      return global.emitOpError("has the name of another symbol");
    global->moveBefore(host.getBody(), host.getBody()->begin());
    global.setAddrSpace(0);
  }
  return success();
}

/// A fiber has 64 KB: most of it is for the code itself and the emulator.
static constexpr uint64_t mostVariables = 16 << 10;

LogicalResult Lowering::checkStack(LLVM::LLVMFuncOp function) {
  uint64_t size = 0;
  WalkResult walked = function.walk([&](LLVM::AllocaOp op) {
    APInt count;
    if (!matchPattern(op.getArraySize(), m_ConstantInt(&count))) {
      op.emitOpError("has no emulation: its size is not a constant");
      return WalkResult::interrupt();
    }
    size += count.getLimitedValue(1u << 30) * bytes(op.getElemType());
    if (size <= mostVariables)
      return WalkResult::advance();
    op.emitOpError() << "has no emulation: variables of one thread take more than " << mostVariables
                     << " bytes";
    return WalkResult::interrupt();
  });
  return failure(walked.wasInterrupted());
}

/// The block size that the kernel is made for, as a number of threads; 0: it does not say.
static uint32_t knownThreads(LLVM::LLVMFuncOp function) {
  for (StringRef name : {"nvvm.reqntid", "nvvm.maxntid", "gpu.known_block_size"})
    if (auto size = function->getAttrOfType<DenseI32ArrayAttr>(name)) {
      uint32_t threads = 1;
      for (int32_t n : size.asArrayRef())
        threads *= uint32_t(n);
      return threads;
    }
  return 0;
}

/// `max_threads` and `cluster` of simt_kernel.
static SmallVector<uint32_t> launchSizes(LLVM::LLVMFuncOp function) {
  SmallVector<uint32_t> sizes{knownThreads(function), 0, 0, 0};
  auto cluster =
      function->getAttrOfType<DenseI32ArrayAttr>(NVVM::NVVMDialect::getClusterDimAttrName());
  for (int i = 0; cluster && i < 3; ++i)
    sizes[1 + i] = i < cluster.size() ? uint32_t(cluster[i]) : 1;
  return sizes;
}

LogicalResult Lowering::lowerFunction(LLVM::LLVMFuncOp function) {
  if (failed(checkStack(function)))
    return failure();
  bool kernel = function->hasAttr("nvvm.kernel");
  SmallVector<uint32_t> sizes = launchSizes(function);
  const uint32_t flags = (function->hasAttr(mad::exchangingKernel) ? Exchanges : 0) |
                         (device.getName() == mad::groupModule ? OnlyNew : 0) |
                         (function->hasAttr(mad::groupless) ? OnlyOld : 0);
  Location loc = function.getLoc();

  // Tensor maps travel by value: the parameter is the memory itself. In kernels they are
  // the pointers without a memory space.
  SmallVector<bool> byValue;
  for (Type type : function.getArgumentTypes()) {
    auto pointer = dyn_cast<LLVM::LLVMPointerType>(type);
    byValue.push_back(pointer && pointer.getAddressSpace() == Generic);
  }

  SmallVector<Type> types{pointer};
  llvm::append_range(types, function.getFunctionType().getParams());
  function.removeArgAttrsAttr();
  function.setFunctionType(
      LLVM::LLVMFunctionType::get(function.getFunctionType().getReturnType(), types));
  for (NamedAttribute attribute : llvm::to_vector(function->getDiscardableAttrs()))
    function->removeDiscardableAttr(attribute.getName());

  SmallVector<Operation *> ops;
  function.walk([&](Operation *op) {
    if (op != function)
      ops.push_back(op);
  });
  Block &entry = function.getBody().front();
  thread = entry.insertArgument(0u, pointer, loc);
  b.setInsertionPointToStart(&entry);
  fragments = LLVM::AllocaOp::create(b, loc, pointer, b.getI8Type(), constant(loc, End), 16);
  for (Operation *op : ops)
    if (failed(lower(op)))
      return failure();
  if (kernel)
    makeEntry(function, byValue, sizes, flags);
  return success();
}

/// `name.entry`, which takes parameters as cuLaunchKernel does, and `name.simt`, the
/// description (`simt_kernel`).
void Lowering::makeEntry(LLVM::LLVMFuncOp function, ArrayRef<bool> byValue,
                         ArrayRef<uint32_t> sizes, uint32_t flags) {
  OpBuilder::InsertionGuard guard(b);
  Location loc = function.getLoc();
  std::string name = function.getName().str();
  b.setInsertionPointToEnd(host.getBody());
  auto entry = LLVM::LLVMFuncOp::create(b, loc, name + ".entry",
                                        LLVM::LLVMFunctionType::get(nothing, {pointer, pointer}),
                                        LLVM::Linkage::Internal);
  Block *body = entry.addEntryBlock(b);
  b.setInsertionPointToStart(body);
  SmallVector<Value> arguments{body->getArgument(0)};
  for (auto [i, type] : llvm::enumerate(function.getFunctionType().getParams().drop_front())) {
    Value at = LLVM::LoadOp::create(b, loc, pointer, this->at(loc, body->getArgument(1), 8 * i));
    arguments.push_back(byValue[i] ? at : LLVM::LoadOp::create(b, loc, type, at).getResult());
  }
  LLVM::CallOp::create(b, loc, function, arguments);
  LLVM::ReturnOp::create(b, loc, ValueRange());

  b.setInsertionPointToEnd(host.getBody());
  std::string bytes = name + '\0';
  auto text =
      LLVM::GlobalOp::create(b, loc, LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size()), true,
                             LLVM::Linkage::Internal, name + ".name", b.getStringAttr(bytes));
  auto type = LLVM::LLVMStructType::getLiteral(
      context, {pointer, pointer, word, word, word, word, word, word});
  auto info = LLVM::GlobalOp::create(b, loc, type, true, LLVM::Linkage::External, name + ".simt",
                                     Attribute());
  b.setInsertionPointToStart(&info.getInitializerRegion().emplaceBlock());
  Value made = LLVM::UndefOp::create(b, loc, type);
  SmallVector<Value> fields{LLVM::AddressOfOp::create(b, loc, pointer, entry.getSymName()),
                            LLVM::AddressOfOp::create(b, loc, pointer, text.getSymName()),
                            constant(loc, shared.size), constant(loc, needs | flags)};
  for (uint32_t size : sizes)
    fields.push_back(constant(loc, size));
  for (auto [i, field] : llvm::enumerate(fields))
    made = LLVM::InsertValueOp::create(b, loc, made, field, ArrayRef<int64_t>{int64_t(i)});
  LLVM::ReturnOp::create(b, loc, made);
}

/// All memory of the host has one address space.
static void makeGeneric(ModuleOp host) {
  Type pointer = LLVM::LLVMPointerType::get(host.getContext());
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](LLVM::LLVMPointerType) -> Type { return pointer; });
  replacer.recursivelyReplaceElementsIn(host, /*replaceAttrs=*/true, /*replaceLocs=*/false,
                                        /*replaceTypes=*/true);
  SmallVector<LLVM::AddrSpaceCastOp> casts;
  host.walk([&](LLVM::AddrSpaceCastOp cast) { casts.push_back(cast); });
  for (auto cast : casts) {
    cast.getRes().replaceAllUsesWith(cast.getArg());
    cast.erase();
  }
}

/// Whether an op orders threads otherwise than by barriers of the whole block or warp.
static bool needsClocks(Operation *op) {
  if (auto barrier = dyn_cast<NVVM::BarrierOp>(op))
    return barrier.getBarrierId() || barrier.getNumberOfThreads();
  if (auto sync = dyn_cast<NVVM::SyncWarpOp>(op)) {
    APInt mask;
    return !matchPattern(sync.getMask(), m_ConstantInt(&mask)) || !mask.isAllOnes();
  }
  return isa<NVVM::BarrierArriveOp, NVVM::MBarrierInitOp, NVVM::MBarrierTryWaitParityOp>(op);
}

LogicalResult Lowering::run() {
  if (failed(layOutShared()))
    return failure();
  SmallVector<LLVM::LLVMFuncOp> functions;
  for (auto function : device.getOps<LLVM::LLVMFuncOp>())
    functions.push_back(function);
  for (Operation &op : device.getBody()->getOperations())
    if (!isa<LLVM::LLVMFuncOp, LLVM::GlobalOp>(op) && !op.hasTrait<OpTrait::IsTerminator>() &&
        !isa<LLVM::ModuleFlagsOp>(op))
      return op.emitOpError("has no emulation");
  for (auto function : functions) {
    if (function.isExternal()) // of libdevice
      continue;
    if (host.lookupSymbol(function.getSymName()))
      return function.emitOpError("has the name of another symbol");
    function->moveBefore(host.getBody(), host.getBody()->end());
  }
  // What one function needs, all that call it need: kernels of a module share it.
  for (auto function : functions)
    if (!function.isExternal())
      function.walk([&](Operation *op) {
        if (needsClocks(op))
          need(Clocks);
        if (isFenceOfBlocks(op))
          need(Fences);
      });
  for (auto function : functions)
    if (!function.isExternal() && failed(lowerFunction(function)))
      return failure();
  device.erase();
  return success();
}

namespace {
class NvvmToSimt : public mad::impl::NvvmToSimtBase<NvvmToSimt> {
  void runOnOperation() override {
    SmallVector<gpu::GPUModuleOp> modules(getOperation().getOps<gpu::GPUModuleOp>());
    for (auto module : modules)
      if (failed(Lowering(getOperation(), module).run()))
        return signalPassFailure();
    // Behind all modules, which know arguments by their address spaces.
    if (!modules.empty())
      makeGeneric(getOperation());
  }
};
} // namespace
