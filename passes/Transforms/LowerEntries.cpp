//===- LowerEntries.cpp - The C functions of each entry ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Makes `mad_prepare_f` and `mad_run_f` (runtime/artifact.h) for each entry `f`,
// and gives `f` plain pointers for arguments. A memref descriptor would lose what
// LLVM can be told of a pointer: that nothing else points there. All tensors are
// row-major, so that the descriptors are made inside of `f` from its dimension
// parameters.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Conversion/DimToArith/DimToArith.h"
#include "passes/Transforms/Entries.h"
#include "passes/Transforms/Passes.h"
#include "runtime/artifact.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_LOWERENTRIES
#include "passes/Transforms/Passes.h.inc"

namespace {

/// Where the pointer of an empty tensor points: a program that is about to fail
/// may read one element of it.
constexpr llvm::StringLiteral nothing = "mad_nothing";

/// Lowers one entry.
class EntryLowering {
public:
  EntryLowering(func::FuncOp function, EntryPlan plan, bool onDevice)
      : function(function), arguments(function), plan(std::move(plan)), onDevice(onDevice),
        b(function.getLoc(), OpBuilder(function)), context(function.getContext()),
        ptr(LLVM::LLVMPointerType::get(context)), i32(b.getI32Type()), i64(b.getI64Type()),
        names(entryList(function, "dims")) {}

  void makePrepare();
  void makeRun();
  void takePointers();

private:
  func::FuncOp makeFunction(const std::string &name, unsigned pointers);
  Value load(Type type, Value base, int64_t index);
  void store(Value value, Value base, int64_t index);
  Value asWord(Value value) {
    return value.getType().isIndex() ? arith::IndexCastOp::create(b, i64, value).getResult()
                                     : value;
  }
  Value word(int64_t value) { return arith::ConstantIntOp::create(b, value, 64); }
  void returnCode(int64_t code) {
    func::ReturnOp::create(b, arith::ConstantIntOp::create(b, code, 32).getResult());
  }
  /// Ends the block with a return of `code` unless `good`.
  void require(Value good, Value found, Value expected, Value info, int64_t code);
  Value pointerOf(unsigned argument, Value data, ValueRange dims, Value readable);
  Value deviceField(Value device, int64_t number) { return load(ptr, device, number); }
  SmallVector<Value> extents(unsigned argument, ValueRange dims);
  Value descriptor(unsigned argument, Value pointer);

  func::FuncOp function;
  EntryArguments arguments;
  EntryPlan plan;
  bool onDevice;
  ImplicitLocOpBuilder b;
  MLIRContext *context;
  Type ptr, i32, i64;
  ArrayAttr names;
};

func::FuncOp EntryLowering::makeFunction(const std::string &name, unsigned pointers) {
  b.setInsertionPoint(function);
  auto result = func::FuncOp::create(
      b, name, b.getFunctionType(SmallVector<Type>(pointers, ptr), ArrayRef<Type>(i32)));
  b.setInsertionPointToStart(result.addEntryBlock());
  return result;
}

Value EntryLowering::load(Type type, Value base, int64_t index) {
  Value at = LLVM::GEPOp::create(b, ptr, type, base, ArrayRef<LLVM::GEPArg>{int32_t(index)});
  return LLVM::LoadOp::create(b, type, at);
}

void EntryLowering::store(Value value, Value base, int64_t index) {
  Value at =
      LLVM::GEPOp::create(b, ptr, value.getType(), base, ArrayRef<LLVM::GEPArg>{int32_t(index)});
  LLVM::StoreOp::create(b, value, at);
}

void EntryLowering::require(Value good, Value found, Value expected, Value info, int64_t code) {
  Block *here = b.getBlock(), *next = here->splitBlock(b.getInsertionPoint());
  Block *bad = b.createBlock(next->getParent());
  store(asWord(found), info, 0);
  store(asWord(expected), info, 1);
  returnCode(code);
  b.setInsertionPointToEnd(here);
  cf::CondBranchOp::create(b, good, next, ValueRange(), bad, ValueRange());
  b.setInsertionPointToStart(next);
}

void EntryLowering::makePrepare() {
  func::FuncOp prepare = makeFunction(prepareSymbol(function.getName().str()), 5);
  auto [inputs, dims, results, arena, info] =
      std::make_tuple(prepare.getArgument(0), prepare.getArgument(1), prepare.getArgument(2),
                      prepare.getArgument(3), prepare.getArgument(4));
  llvm::StringMap<Value> bound;
  auto symbol = [&](StringRef name) -> Value {
    Value &v = bound[name];
    if (auto number = extentNumber(name); number && !v)
      v = arith::IndexCastOp::create(b, b.getIndexType(), load(i64, inputs, *number));
    return v;
  };
  auto value = [&](const DimExpr &e) { return dimToArith(b, b.getLoc(), e, symbol); };
  for (const EntryPlan::Binding &binding : plan.bindings)
    bound[binding.symbol] = value(binding.value);
  for (auto [i, check] : llvm::enumerate(plan.checks)) {
    if (check.description.kind == 3) {
      Value bad = dimFails(b, b.getLoc(), check.found, symbol), zero = word(0);
      Value yes = arith::ConstantIntOp::create(b, 1, 1);
      require(arith::XOrIOp::create(b, bad, yes), zero, zero, info, i + 1);
      continue;
    }
    Value found = value(check.found), expected = value(check.expected);
    auto kind = check.description.kind == 0 ? arith::CmpIPredicate::eq : arith::CmpIPredicate::sge;
    require(arith::CmpIOp::create(b, kind, found, expected), found, expected, info, i + 1);
  }
  SmallVector<Value> parameters;
  for (auto [i, name] : llvm::enumerate(names.getAsValueRange<StringAttr>())) {
    parameters.push_back(bound[name]);
    store(asWord(parameters.back()), dims, i);
  }
  int64_t at = 0;
  for (Type t : arguments.type.getResults()) {
    auto type = cast<RankedTensorType>(t);
    for (int64_t d = 0; d < type.getRank(); ++d)
      store(asWord(value(dimExpr(type, d))), results, at++);
  }
  auto size = cast<FlatSymbolRefAttr>(entryMember(function, "arena"));
  auto bytes = func::CallOp::create(b, size, ArrayRef<Type>(b.getIndexType()), parameters);
  store(asWord(bytes.getResult(0)), arena, 0);
  returnCode(0);
}

SmallVector<Value> EntryLowering::extents(unsigned argument, ValueRange dims) {
  RankedTensorType type = arguments.typeOf(function, argument);
  auto symbol = [&](StringRef name) -> Value {
    for (auto [i, n] : llvm::enumerate(names.getAsValueRange<StringAttr>()))
      if (n == name)
        return dims[i];
    return {};
  };
  SmallVector<Value> result;
  for (int64_t d = 0; d < type.getRank(); ++d)
    result.push_back(dimToArith(b, b.getLoc(), dimExpr(type, d), symbol));
  return result;
}

Value EntryLowering::pointerOf(unsigned argument, Value data, ValueRange dims, Value readable) {
  // The caller passes inputs, outputs (also those that are inputs), weights.
  unsigned outputs = arguments.type.getNumResults();
  unsigned position = argument - arguments.inputs;
  if (argument >= arguments.outputs)
    position =
        arguments.weights - arguments.inputs + arguments.results[argument - arguments.outputs];
  else if (argument >= arguments.weights)
    position += outputs;
  Value pointer = load(ptr, data, position);
  RankedTensorType type = arguments.typeOf(function, argument);
  if (type.hasStaticShape() && type.getNumElements() > 0)
    return pointer;
  Value count;
  for (Value e : extents(argument, dims))
    count = count ? arith::MulIOp::create(b, count, e).getResult() : e;
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value isEmpty = arith::CmpIOp::create(b, arith::CmpIPredicate::sle, count, zero);
  return arith::SelectOp::create(b, isEmpty, readable, pointer);
}

void EntryLowering::makeRun() {
  func::FuncOp run = makeFunction(runSymbol(function.getName().str()), 5);
  Value data = run.getArgument(0), arena = run.getArgument(2), info = run.getArgument(3);
  Value device = run.getArgument(4);
  SmallVector<Value> operands;
  for (unsigned i = 0; i < arguments.status; ++i)
    operands.push_back(
        arith::IndexCastOp::create(b, b.getIndexType(), load(i64, run.getArgument(1), i)));
  SmallVector<Value> dims(operands);
  Value status;
  if (onDevice) {
    status = deviceField(device, 3);
  } else {
    status = LLVM::AllocaOp::create(b, ptr, i64, word(1 + MAD_INFO_WORDS));
    store(word(0), status, 0);
  }
  operands.push_back(status);
  Value readable = onDevice ? status : LLVM::AddressOfOp::create(b, ptr, nothing).getResult();
  for (unsigned i = arguments.inputs; i < arguments.arena; ++i)
    operands.push_back(pointerOf(i, data, dims, readable));
  operands.push_back(arena);
  if (function.getNumArguments() > arguments.executor)
    operands.push_back(device);
  func::CallOp::create(b, function, operands);

  // Of a device the runtime reads the status, with the results.
  if (!onDevice && !entryList(function, "index_checks").empty()) {
    Value number = load(i64, status, 0);
    Value good = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, number, word(0));
    Block *here = b.getBlock(), *next = here->splitBlock(b.getInsertionPoint());
    Block *bad = b.createBlock(next->getParent());
    for (int64_t i = 0; i < MAD_INFO_WORDS; ++i)
      store(load(i64, status, i + 1), info, i);
    // Checks of `prepare` come first.
    Value code = arith::AddIOp::create(b, number, word(plan.checks.size()));
    func::ReturnOp::create(b, arith::TruncIOp::create(b, i32, code).getResult());
    b.setInsertionPointToEnd(here);
    cf::CondBranchOp::create(b, good, next, ValueRange(), bad, ValueRange());
    b.setInsertionPointToStart(next);
  }
  returnCode(0);
}

/// A row-major descriptor in the dimensions of the function itself.
Value EntryLowering::descriptor(unsigned argument, Value pointer) {
  auto type = cast<MemRefType>(function.getArgument(argument).getType());
  Location loc = b.getLoc();
  LLVMTypeConverter converter(context);
  auto result = MemRefDescriptor::poison(b, loc, converter.convertType(type));
  result.setAllocatedPtr(b, loc, pointer);
  result.setAlignedPtr(b, loc, pointer);
  result.setConstantOffset(b, loc, 0);
  SmallVector<Value> sizes;
  if (arguments.typeOf(function, argument)) {
    ValueRange dims = function.getArguments().take_front(arguments.status);
    for (Value e : extents(argument, dims))
      sizes.push_back(asWord(e));
  } else { // the status, or the arena: whoever made it knows how large it is
    sizes.push_back(word(type.hasStaticShape() ? type.getDimSize(0) : INT64_MAX));
  }
  Value stride = word(1);
  for (int64_t k = type.getRank() - 1; k >= 0; --k) {
    result.setSize(b, loc, k, sizes[k]);
    result.setStride(b, loc, k, stride);
    if (k)
      stride = arith::MulIOp::create(b, stride, sizes[k]);
  }
  return UnrealizedConversionCastOp::create(b, type, Value(result)).getResult(0);
}

void EntryLowering::takePointers() {
  b.setInsertionPointToStart(&function.front());
  Block &body = function.front();
  for (unsigned i = arguments.status; i < arguments.executor; ++i) {
    BlockArgument argument = body.getArgument(i);
    // The descriptor reads the type, so the argument changes last.
    auto placeholder = UnrealizedConversionCastOp::create(b, ptr, argument);
    Value memory = descriptor(i, placeholder.getResult(0));
    argument.replaceAllUsesExcept(memory, placeholder);
    argument.setType(ptr);
    placeholder.getResult(0).replaceAllUsesWith(argument);
    placeholder.erase();
    function.setArgAttrs(i, b.getDictionaryAttr({}));
    function.setArgAttr(i, "llvm.noalias", b.getUnitAttr());
    if (i >= arguments.inputs && i < arguments.outputs && !arguments.isState(i))
      function.setArgAttr(i, "llvm.readonly", b.getUnitAttr());
    if (i == arguments.arena)
      function.setArgAttr(i, "llvm.align", b.getI64IntegerAttr(64));
  }
  for (unsigned i = 0; i < arguments.status; ++i)
    function.setArgAttrs(i, b.getDictionaryAttr({}));
  function.setType(b.getFunctionType(body.getArgumentTypes(), {}));
  function.setPrivate();
  // Private functions are exported unless this is said, too.
  auto internal = LLVM::LinkageAttr::get(context, LLVM::Linkage::Internal);
  function->setAttr("llvm.linkage", internal);
  auto size = cast<FlatSymbolRefAttr>(entryMember(function, "arena"));
  SymbolTable::lookupNearestSymbolFrom(function, size)->setAttr("llvm.linkage", internal);
  function->removeAttr("entry");
}

struct LowerEntriesPass : impl::LowerEntriesBase<LowerEntriesPass> {
  using LowerEntriesBase::LowerEntriesBase;

  void runOnOperation() override {
    makeNothing();
    for (auto function : llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      if (!isEntry(function))
        continue;
      FailureOr<EntryPlan> plan = planEntry(function);
      if (failed(plan))
        return signalPassFailure();
      EntryLowering lowering(function, std::move(*plan), device);
      lowering.makePrepare();
      lowering.makeRun();
      lowering.takePointers();
      // A program may have a function `exp`, and need that of libm.
      SymbolTable symbols(getOperation());
      if (failed(symbols.rename(function, (function.getName() + ".body").str())))
        return signalPassFailure();
    }
  }

  void makeNothing() {
    auto b = ImplicitLocOpBuilder::atBlockBegin(getOperation().getLoc(), getOperation().getBody());
    auto type = LLVM::LLVMArrayType::get(b.getI64Type(), 8);
    auto zeros = b.getZeroAttr(RankedTensorType::get({8}, b.getI64Type()));
    LLVM::GlobalOp::create(b, type, /*isConstant=*/true, LLVM::Linkage::Internal, nothing, zeros,
                           /*alignment=*/64);
  }
};

} // namespace
} // namespace mad
