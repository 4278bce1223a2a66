//===- GpuBuilder.cpp - Writing kernels for GPUs ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sums and products carry flags that they do not overflow: then a constant part of an
// address becomes the offset in the instruction. So nothing here adds a negative constant,
// which such flags would turn into any value; there is `sub`.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/GpuBuilder.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mad::device;

static constexpr unsigned globalSpace = 1, sharedSpace = 3;
static constexpr char sharedName[] = "shared_memory";

Type mad::device::globalPointer(MLIRContext *context) {
  return LLVM::LLVMPointerType::get(context, globalSpace);
}
Type mad::device::tensorMap(MLIRContext *context) { return LLVM::LLVMPointerType::get(context); }
int mad::device::bytesOf(Type type) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.getNumElements() * bytesOf(vector.getElementType());
  return type.getIntOrFloatBitWidth() / 8;
}

//===- Kernels --------------------------------------------------------------===//

void mad::device::declareShared(gpu::GPUModuleOp module, int alignment) {
  if (auto global = module.lookupSymbol<LLVM::GlobalOp>(sharedName)) {
    if (global.getAlignment().value_or(0) < static_cast<uint64_t>(alignment))
      global.setAlignment(alignment);
    return;
  }
  auto b = OpBuilder::atBlockBegin(module.getBody());
  auto bytes = LLVM::LLVMArrayType::get(b.getI8Type(), 0);
  LLVM::GlobalOp::create(b, module.getLoc(), bytes, /*isConstant=*/false, LLVM::Linkage::External,
                         sharedName, Attribute(), alignment, sharedSpace);
}

Kernel mad::device::makeKernel(gpu::GPUModuleOp module, const KernelSignature &signature,
                               llvm::function_ref<void(GpuBuilder &, ValueRange)> write) {
  ImplicitLocOpBuilder b(module.getLoc(), module.getContext());
  b.setInsertionPointToEnd(module.getBody());
  auto function =
      gpu::GPUFuncOp::create(b, signature.name, b.getFunctionType(signature.arguments, {}));
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  function.setKnownBlockSizeAttr(b.getDenseI32ArrayAttr({signature.threads, 1, 1}));
  if (signature.blocksAtOnce)
    function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                      b.getI32IntegerAttr(signature.blocksAtOnce));
  Type pointer = globalPointer(b.getContext());
  for (auto [i, type] : llvm::enumerate(signature.arguments))
    if (type == pointer) {
      if (signature.apart)
        function.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr());
      function.setArgAttr(i, LLVM::LLVMDialect::getAlignAttrName(), b.getI64IntegerAttr(16));
    } else if (type == tensorMap(b.getContext())) {
      function.setArgAttr(i, LLVM::LLVMDialect::getAlignAttrName(), b.getI64IntegerAttr(64));
    }
  if (signature.sharedBytes)
    declareShared(module, signature.sharedAlignment);

  Block &body = function.getBody().front();
  b.setInsertionPointToEnd(&body);
  GpuBuilder g(b, signature);
  write(g, function.getArguments());
  b.setInsertionPointToEnd(&body);
  gpu::ReturnOp::create(b);
  return {function, signature.threads, signature.sharedBytes};
}

//===- Numbers --------------------------------------------------------------===//

Value GpuBuilder::number(Number x) {
  return x.value ? x.value
                 : arith::ConstantOp::create(b, b.getI32IntegerAttr(x.constant)).getResult();
}
Value GpuBuilder::wide(int64_t x) { return arith::ConstantOp::create(b, b.getI64IntegerAttr(x)); }
Value GpuBuilder::f32(double x) { return arith::ConstantOp::create(b, b.getF32FloatAttr(x)); }
Value GpuBuilder::zero(Type type) { return arith::ConstantOp::create(b, b.getZeroAttr(type)); }

static constexpr auto exact = arith::IntegerOverflowFlags::nsw | arith::IntegerOverflowFlags::nuw;

Value GpuBuilder::add(Number x, Number y) {
  return b.createOrFold<arith::AddIOp>(number(x), number(y), exact);
}
Value GpuBuilder::mul(Number x, Number y) {
  return b.createOrFold<arith::MulIOp>(number(x), number(y), exact);
}
Value GpuBuilder::sub(Number x, Number y) {
  return b.createOrFold<arith::SubIOp>(number(x), number(y));
}
Value GpuBuilder::div(Number x, Number y) {
  return b.createOrFold<arith::DivUIOp>(number(x), number(y));
}
Value GpuBuilder::rem(Number x, Number y) {
  return b.createOrFold<arith::RemUIOp>(number(x), number(y));
}
Value GpuBuilder::ceilDiv(Number x, Number y) { return div(add(x, sub(y, 1)), y); }
Value GpuBuilder::min(Number x, Number y) {
  return b.createOrFold<arith::MinUIOp>(number(x), number(y));
}
Value GpuBuilder::bitAnd(Number x, Number y) {
  return b.createOrFold<arith::AndIOp>(number(x), number(y));
}
Value GpuBuilder::bitOr(Number x, Number y) {
  return b.createOrFold<arith::OrIOp>(number(x), number(y));
}
Value GpuBuilder::bitXor(Number x, Number y) {
  return b.createOrFold<arith::XOrIOp>(number(x), number(y));
}
Value GpuBuilder::masked(Value x, int64_t mask, int64_t bits, StringRef table) {
  Type i32 = b.getI32Type();
  std::string text = ("lop3.b32 $0, $1, $2, $3, " + table + ";").str();
  return NVVM::InlinePtxOp::create(b, TypeRange{i32}, ValueRange{x, number(mask), number(bits)},
                                   ValueRange(), text, Value())
      .getResult(0);
}
Value GpuBuilder::maskedOr(Value x, int64_t mask, int64_t bits) {
  return masked(x, mask, bits, "234");
}
Value GpuBuilder::maskedXor(Value x, int64_t mask, int64_t bits) {
  return masked(x, mask, bits, "106");
}
Value GpuBuilder::shiftLeft(Number x, Number y) {
  return b.createOrFold<arith::ShLIOp>(number(x), number(y));
}
Value GpuBuilder::shiftRight(Number x, Number y) {
  return b.createOrFold<arith::ShRUIOp>(number(x), number(y));
}
Value GpuBuilder::less(Number x, Number y) {
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult, number(x), number(y));
}
Value GpuBuilder::equal(Number x, Number y) {
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, number(x), number(y));
}
Value GpuBuilder::both(Value x, Value y) { return b.createOrFold<arith::AndIOp>(x, y); }
Value GpuBuilder::select(Value condition, Value x, Value y) {
  return b.createOrFold<arith::SelectOp>(condition, x, y);
}
Value GpuBuilder::extend(Value x) { return b.createOrFold<arith::ExtUIOp>(b.getI64Type(), x); }

//===- Floats and vectors ---------------------------------------------------===//

Value GpuBuilder::convert(Value x, Type type) {
  Type from = x.getType();
  if (from == type)
    return x;
  if (from.getIntOrFloatBitWidth() < type.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(b, type, x);
  if (from.getIntOrFloatBitWidth() == type.getIntOrFloatBitWidth())
    return convert(convert(x, b.getF32Type()), type);
  return arith::TruncFOp::create(b, type, x);
}
Value GpuBuilder::fma(Value x, Value y, Value z) { return LLVM::FMAOp::create(b, x, y, z); }
Value GpuBuilder::inverseSqrt(Value x) { return math::RsqrtOp::create(b, x); }
Value GpuBuilder::exp(Value x) { return math::ExpOp::create(b, x); }
Value GpuBuilder::exp2(Value x) {
  return LLVM::CallIntrinsicOp::create(b, x.getType(),
                                       b.getStringAttr("llvm.nvvm.ex2.approx.ftz.f"), x)
      .getResult(0);
}
Value GpuBuilder::bits(Value x, Type type) {
  return x.getType() == type ? x : LLVM::BitcastOp::create(b, type, x).getResult();
}
VectorType GpuBuilder::vectorOf(int count, Type element) { return VectorType::get(count, element); }
Value GpuBuilder::pack(ValueRange elements) {
  return vector::FromElementsOp::create(b, vectorOf(elements.size(), elements.front().getType()),
                                        elements);
}
Values GpuBuilder::unpack(Value vector) {
  auto type = dyn_cast<VectorType>(vector.getType());
  if (!type)
    return {vector};
  Values elements;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    elements.push_back(vector::ExtractOp::create(b, vector, i));
  return elements;
}

//===- Threads --------------------------------------------------------------===//

Value GpuBuilder::thread() {
  auto range =
      LLVM::ConstantRangeAttr::get(b.getContext(), APInt(32, 0), APInt(32, signature.threads));
  return NVVM::ThreadIdXOp::create(b, b.getI32Type(), range);
}
Value GpuBuilder::block(int dimension) {
  if (dimension == 0)
    return NVVM::BlockIdXOp::create(b, b.getI32Type());
  if (dimension == 1)
    return NVVM::BlockIdYOp::create(b, b.getI32Type());
  return NVVM::BlockIdZOp::create(b, b.getI32Type());
}
Value GpuBuilder::blocks() { return NVVM::GridDimXOp::create(b, b.getI32Type()); }
void GpuBuilder::barrier() { NVVM::BarrierOp::create(b); }
void GpuBuilder::syncWarp() { NVVM::SyncWarpOp::create(b, number(-1)); }

/// Lanes exchange words.
Value GpuBuilder::shuffle(Value x, llvm::function_ref<Value(Value)> word) {
  Type type = x.getType();
  if (bytesOf(type) == 4)
    return word(x);
  Value whole = bits(x, b.getI64Type());
  Value low = arith::TruncIOp::create(b, b.getI32Type(), whole);
  Value high = arith::TruncIOp::create(b, b.getI32Type(), shiftRight(whole, wide(32)));
  low = extend(word(low));
  high = shiftLeft(extend(word(high)), wide(32));
  return bits(bitOr(high, low), type);
}

Value GpuBuilder::shuffleXor(Value x, int mask) {
  return shuffle(x, [&](Value word) -> Value {
    return NVVM::ShflOp::create(b, word.getType(), number(-1), word, number(mask),
                                number(lanesOfWarp - 1), NVVM::ShflKind::bfly, UnitAttr());
  });
}
Value GpuBuilder::shuffleUp(Value x, int distance) {
  return shuffle(x, [&](Value word) -> Value {
    return NVVM::ShflOp::create(b, word.getType(), number(-1), word, number(distance), number(0),
                                NVVM::ShflKind::up, UnitAttr());
  });
}
Value GpuBuilder::shuffleFrom(Value x, Number lane) {
  return shuffle(x, [&](Value word) -> Value {
    return NVVM::ShflOp::create(b, word.getType(), number(-1), word, number(lane),
                                number(lanesOfWarp - 1), NVVM::ShflKind::idx, UnitAttr());
  });
}
Value GpuBuilder::largestOfWarp(Value x) {
  return NVVM::ReduxOp::create(b, x.getType(), x, NVVM::ReduxKind::UMAX, number(-1));
}
Value GpuBuilder::smallestOfWarp(Value x) {
  return NVVM::ReduxOp::create(b, x.getType(), x, NVVM::ReduxKind::UMIN, number(-1));
}
Value GpuBuilder::lanesWith(Value condition) {
  return NVVM::VoteSyncOp::create(b, b.getI32Type(), number(-1), condition,
                                  NVVM::VoteSyncKind::ballot);
}
Value GpuBuilder::lanesLike(Value x) {
  return NVVM::MatchSyncOp::create(b, b.getI32Type(), number(-1), x, NVVM::MatchSyncKind::any);
}
Value GpuBuilder::countBits(Value x) { return LLVM::CtPopOp::create(b, x.getType(), x); }
Value GpuBuilder::firstBit(Value x) {
  return LLVM::CountTrailingZerosOp::create(b, x.getType(), x, /*is_zero_poison=*/true);
}
Value GpuBuilder::countLanes(Value condition) { return countBits(lanesWith(condition)); }

Value GpuBuilder::reduceWarp(Value x, llvm::function_ref<Value(Value, Value)> combine) {
  for (int mask = lanesOfWarp / 2; mask; mask /= 2)
    x = combine(x, shuffleXor(x, mask));
  return x;
}

void GpuBuilder::letNextStart() {
  NVVM::GriddepcontrolOp::create(b, NVVM::GridDepActionKind::launch_dependents);
}
void GpuBuilder::waitForBefore() {
  NVVM::GriddepcontrolOp::create(b, NVVM::GridDepActionKind::wait);
}

//===- Memory ---------------------------------------------------------------===//

Value GpuBuilder::shared() {
  if (!sharedStart) {
    OpBuilder::InsertionGuard guard(b);
    Operation *op = b.getInsertionBlock()->getParentOp();
    auto function =
        isa<gpu::GPUFuncOp>(op) ? cast<gpu::GPUFuncOp>(op) : op->getParentOfType<gpu::GPUFuncOp>();
    b.setInsertionPointToStart(&function.getBody().front());
    auto type = LLVM::LLVMPointerType::get(b.getContext(), sharedSpace);
    sharedStart = LLVM::AddressOfOp::create(b, type, sharedName);
  }
  return sharedStart;
}

static Value offset(ImplicitLocOpBuilder &b, Value pointer, Type type, Value index) {
  return LLVM::GEPOp::create(b, pointer.getType(), type, pointer, ArrayRef<LLVM::GEPArg>{index},
                             LLVM::GEPNoWrapFlags::inbounds | LLVM::GEPNoWrapFlags::nuw);
}

Value GpuBuilder::at(Value pointer, Type type, Number index) {
  if (!index.value && index.constant == 0)
    return pointer;
  // Memory that blocks share has small offsets.
  bool global = cast<LLVM::LLVMPointerType>(pointer.getType()).getAddressSpace() == globalSpace;
  Value value = index.value ? index.value : global ? wide(index.constant) : number(index);
  if (global && value.getType().isInteger(32))
    value = extend(value);
  return offset(b, pointer, type, value);
}

Value GpuBuilder::at(Value pointer, Type type, Value row, Value stride, Number column) {
  Value start = b.createOrFold<arith::MulIOp>(extend(row), extend(stride), exact);
  return at(offset(b, pointer, type, start), type, column);
}

Value GpuBuilder::bytesAt(Value pointer, Number bytes) { return at(pointer, b.getI8Type(), bytes); }
Value GpuBuilder::load(Type type, Value pointer, int alignment) {
  return LLVM::LoadOp::create(b, type, pointer, alignment ? alignment : bytesOf(type));
}
void GpuBuilder::store(Value value, Value pointer, int alignment) {
  LLVM::StoreOp::create(b, value, pointer, alignment ? alignment : bytesOf(value.getType()));
}
void GpuBuilder::addTo(Value pointer, Value value) {
  LLVM::AtomicRMWOp::create(b, LLVM::AtomicBinOp::add, pointer, value,
                            LLVM::AtomicOrdering::monotonic);
}

//===- Control --------------------------------------------------------------===//

Values GpuBuilder::loop(Number from, Number to, Number step, ValueRange initial,
                        llvm::function_ref<Values(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, number(from), number(to), number(step), initial);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Values next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!initial.empty())
    scf::YieldOp::create(b, next);
  return Values(loop.getResults());
}

void GpuBuilder::when(Value condition, llvm::function_ref<void()> yes,
                      llvm::function_ref<void()> no) {
  auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/static_cast<bool>(no));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  yes();
  if (no) {
    b.setInsertionPointToStart(branch.elseBlock());
    no();
  }
}

Values GpuBuilder::choose(Value condition, llvm::function_ref<Values()> yes,
                          llvm::function_ref<Values()> no) {
  auto branch = scf::IfOp::create(
      b, condition, [&](OpBuilder &, Location loc) { scf::YieldOp::create(b, loc, yes()); },
      [&](OpBuilder &, Location loc) { scf::YieldOp::create(b, loc, no()); });
  return Values(branch.getResults());
}
