//===- KernelLibrary.cpp - Functions of a module for dense products ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/KernelLibrary.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Kernels/ByteSums.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace mad::kernels {

MemRefType KernelLibrary::strided(Type element, int64_t rank) {
  constexpr int64_t any = ShapedType::kDynamic;
  SmallVector<int64_t> all(rank, any);
  return MemRefType::get(all, stored(element),
                         StridedLayoutAttr::get(element.getContext(), any, all));
}

MemRefType KernelLibrary::matrix(Type element) { return strided(element, 2); }

MemRefType KernelLibrary::rows(Type element) {
  constexpr int64_t any = ShapedType::kDynamic;
  auto layout = StridedLayoutAttr::get(element.getContext(), any, {any, 1});
  return MemRefType::get({any, any}, stored(element), layout);
}

MemRefType KernelLibrary::flat(Type element) {
  constexpr int64_t any = ShapedType::kDynamic;
  auto layout = StridedLayoutAttr::get(element.getContext(), any, {1});
  return MemRefType::get({any}, stored(element), layout);
}

func::FuncOp KernelLibrary::find(StringRef name, TypeRange arguments,
                                 function_ref<void(ImplicitLocOpBuilder &, ValueRange)> write) {
  if (auto known = symbols.lookup<func::FuncOp>(name))
    return known;
  MLIRContext *context = module.getContext();
  ImplicitLocOpBuilder b(UnknownLoc::get(context), context);
  auto function = func::FuncOp::create(b, name, b.getFunctionType(arguments, {}));
  function.setPrivate();
  function->setAttr("llvm.linkage", LLVM::LinkageAttr::get(context, LLVM::Linkage::Internal));
  function->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
  function->setAttr(kernelAttribute, b.getUnitAttr());
  symbols.insert(function);
  b.setInsertionPointToStart(function.addEntryBlock());
  write(b, function.getArguments());
  func::ReturnOp::create(b);
  return function;
}

func::FuncOp KernelLibrary::find(StringRef name, const ByteUnit &unit, TypeRange arguments,
                                 function_ref<void(ImplicitLocOpBuilder &, ValueRange)> write) {
  StringRef suffix = unit.vnni ? ".vnni" : unit.vbmi ? ".vbmi" : "";
  func::FuncOp function = find((name + suffix).str(), arguments, write);
  if (!suffix.empty()) {
    Builder b(module.getContext());
    std::string features = unit.vbmi ? "+avx512vbmi" : "";
    if (unit.vnni)
      features +=
          (unit.vbmi ? "," : "") + std::string(unit.level >= 4 ? "+avx512vnni" : "+avxvnni");
    Attribute target = b.getStrArrayAttr({"target-features", features});
    function->setAttr("passthrough", b.getArrayAttr({b.getStringAttr("noinline"), target}));
  }
  return function;
}

Type stored(Type element) {
  if (auto integer = dyn_cast<IntegerType>(element))
    return IntegerType::get(element.getContext(), integer.getWidth());
  return element;
}

Value widen(ImplicitLocOpBuilder &b, Value value, Type from, Type to) {
  if (from == to)
    return value;
  Type type = to;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    type = vector.clone(to);
  if (isa<FloatType>(from))
    return arith::ExtFOp::create(b, type, value);
  if (from.isUnsignedInteger())
    return arith::UIToFPOp::create(b, type, value);
  return arith::SIToFPOp::create(b, type, value);
}

func::FuncOp KernelLibrary::keep(Type element) {
  return find(llvm::formatv("keep.{0}", element).str(), {flat(element)},
              [](ImplicitLocOpBuilder &, ValueRange) {});
}

Value castTo(ImplicitLocOpBuilder &b, Value memory, MemRefType type) {
  return memory.getType() == type ? memory : memref::CastOp::create(b, type, memory).getResult();
}

FlatMatrix flatten(ImplicitLocOpBuilder &b, Value matrix) {
  auto data = memref::ExtractStridedMetadataOp::create(b, matrix);
  Type element = getElementTypeOrSelf(matrix.getType());
  Value count = Index(b).mul(data.getSizes()[0], data.getSizes()[1]);
  Value flat = memref::ReinterpretCastOp::create(
      b, KernelLibrary::flat(element), data.getBaseBuffer(), OpFoldResult(data.getOffset()),
      ArrayRef<OpFoldResult>{count}, ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
  return {flat, data.getStrides()[0], data.getStrides()[1]};
}

void forRange(ImplicitLocOpBuilder &b, Value from, Value to, int64_t step,
              function_ref<void(Value)> body) {
  forRange(b, from, to, Index(b).constant(step), body);
}

void forRange(ImplicitLocOpBuilder &b, Value from, Value to, Value step,
              function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(b, from, to, step);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

Passes passesOf(ImplicitLocOpBuilder &b, const TileSizes &sizes, Type sum, Value K, bool inOrder) {
  Index i(b);
  Value steps = i.constant(sizes.KC), columns = i.constant(sizes.NC / sizes.NR);
  if (inOrder)
    return {steps, columns, arith::ConstantIntOp::create(b, 0, 1)};
  int64_t bytes = sum.getIntOrFloatBitWidth() / 8, depth = sumDepthBytes / bytes;
  Value apart = i.less(i.constant(depth), K);
  auto choose = [&](Value value, int64_t wanted) {
    Value other = i.constant(wanted);
    return getConstantIntValue(value) == wanted
               ? value
               : b.createOrFold<arith::SelectOp>(apart, other, value);
  };
  // The memory of a pass stays what it is.
  int64_t most = std::min(sizes.NC, panelBytes / sumDepthBytes);
  return {choose(steps, depth), choose(columns, most / sizes.NR), apart};
}

Value inRegister(ImplicitLocOpBuilder &b, Value value) {
  auto copied = [&](Value word, StringRef constraints) -> Value {
    return LLVM::InlineAsmOp::create(b, word.getType(), word, /*asm_string=*/"", constraints,
                                     /*has_side_effects=*/false, /*is_align_stack=*/false,
                                     LLVM::tailcallkind::TailCallKind::None, LLVM::AsmDialectAttr(),
                                     ArrayAttr())
        .getResult(0);
  };
  if (isa<VectorType>(value.getType()))
    return copied(value, "=v,0");
  Value word = arith::IndexCastOp::create(b, b.getI64Type(), value);
  return arith::IndexCastOp::create(b, b.getIndexType(), copied(word, "=r,0"));
}

void when(ImplicitLocOpBuilder &b, Value condition, function_ref<void()> yes,
          function_ref<void()> no) {
  auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/bool(no));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  yes();
  if (!no)
    return;
  b.setInsertionPointToStart(branch.elseBlock());
  no();
}

Value Index::constant(int64_t value) const { return arith::ConstantIndexOp::create(b, value); }
Value Index::add(Value x, Value y) const { return b.createOrFold<arith::AddIOp>(x, y); }
Value Index::sub(Value x, Value y) const { return b.createOrFold<arith::SubIOp>(x, y); }
Value Index::mul(Value x, Value y) const { return b.createOrFold<arith::MulIOp>(x, y); }
Value Index::min(Value x, Value y) const { return b.createOrFold<arith::MinSIOp>(x, y); }
Value Index::max(Value x, Value y) const { return b.createOrFold<arith::MaxSIOp>(x, y); }
Value Index::ceilDiv(Value x, Value y) const { return b.createOrFold<arith::CeilDivSIOp>(x, y); }
Value Index::less(Value x, Value y) const {
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, x, y);
}
Value Index::lessOrEqual(Value x, Value y) const {
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sle, x, y);
}

} // namespace mad::kernels
