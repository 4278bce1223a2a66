//===- ParallelizeLoopsRecord.cpp - What a piece reads ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/ParallelizeLoopsRecord.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace mad {

Record::Record(MLIRContext *context, unsigned words, ArrayRef<Value> values)
    : converter(context), words(words) {
  Type word = IntegerType::get(context, 64);
  SmallVector<Type> fields(words, word);
  for (Value v : values)
    fields.push_back(v.getType().isIndex() ? word : converter.convertType(v.getType()));
  type = LLVM::LLVMStructType::getLiteral(context, fields);
}

Value Record::create(ImplicitLocOpBuilder &b, Operation *op, ArrayRef<Value> values) {
  b.setInsertionPointToStart(&op->getParentOfType<func::FuncOp>().front());
  Value one = arith::ConstantIntOp::create(b, 1, 64);
  Value record = LLVM::AllocaOp::create(b, LLVM::LLVMPointerType::get(b.getContext()), type, one);
  b.setInsertionPoint(op);
  for (auto [i, v] : llvm::enumerate(values))
    store(b, record, value(i), v);
  return record;
}

void Record::store(ImplicitLocOpBuilder &b, Value record, unsigned field, Value value) {
  if (value.getType().isIndex())
    value = arith::IndexCastOp::create(b, b.getI64Type(), value);
  else if (value.getType() != type.getBody()[field])
    value = UnrealizedConversionCastOp::create(b, type.getBody()[field], value).getResult(0);
  LLVM::StoreOp::create(b, value, address(b, record, field));
}

Value Record::load(ImplicitLocOpBuilder &b, Value record, unsigned field, Type as) {
  Value value = LLVM::LoadOp::create(b, type.getBody()[field], address(b, record, field));
  if (as.isIndex())
    return arith::IndexCastOp::create(b, as, value);
  if (value.getType() == as)
    return value;
  return UnrealizedConversionCastOp::create(b, as, value).getResult(0);
}

Value Record::address(ImplicitLocOpBuilder &b, Value record, unsigned field) {
  return LLVM::GEPOp::create(b, LLVM::LLVMPointerType::get(b.getContext()), type, record,
                             ArrayRef<LLVM::GEPArg>{0, int32_t(field)});
}

func::FuncOp createPiece(ImplicitLocOpBuilder &b, func::FuncOp parent, SymbolTable &symbols) {
  auto ptr = LLVM::LLVMPointerType::get(b.getContext());
  b.setInsertionPointAfter(parent);
  auto piece = func::FuncOp::create(b, (parent.getName() + ".piece").str(),
                                    b.getFunctionType({ptr, b.getI64Type()}, {}));
  piece.setPrivate();
  piece->setAttr("llvm.linkage", LLVM::LinkageAttr::get(b.getContext(), LLVM::Linkage::Internal));
  piece->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
  symbols.insert(piece); // under a name of its own
  b.setInsertionPointToStart(piece.addEntryBlock());
  return piece;
}

/// `mad_executor`: a function, and what it takes first.
void callPieces(ImplicitLocOpBuilder &b, func::FuncOp piece, Value task, Value executor,
                Value count) {
  auto ptr = LLVM::LLVMPointerType::get(b.getContext());
  Value function = func::ConstantOp::create(b, piece.getFunctionType(), piece.getName());
  Value address = UnrealizedConversionCastOp::create(b, ptr, function).getResult(0);
  auto field = [&](int32_t i) -> Value {
    Value at = LLVM::GEPOp::create(b, ptr, ptr, executor, ArrayRef<LLVM::GEPArg>{i});
    return LLVM::LoadOp::create(b, ptr, at);
  };
  Value words = arith::IndexCastOp::create(b, b.getI64Type(), count);
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()),
                                          {ptr, b.getI64Type(), ptr, ptr});
  LLVM::CallOp::create(b, type, ValueRange{field(0), field(1), words, address, task});
}

func::FuncOp runIterations(scf::ParallelOp loop, SymbolTable &symbols, Value executor) {
  llvm::SetVector<Value> above;
  getUsedValuesDefinedAbove(loop.getRegion(), loop.getRegion(), above);
  SmallVector<Value> values;
  SmallVector<Operation *> constants;
  for (Value v : above)
    if (matchPattern(v, m_Constant()))
      constants.push_back(v.getDefiningOp());
    else
      values.push_back(v);

  ImplicitLocOpBuilder b(loop.getLoc(), loop.getContext());
  Record record(loop.getContext(), 0, values);
  func::FuncOp piece = createPiece(b, loop->getParentOfType<func::FuncOp>(), symbols);
  IRMapping inside;
  for (Operation *c : constants)
    b.clone(*c, inside);
  for (auto [i, v] : llvm::enumerate(values))
    inside.map(v, record.load(b, piece.getArgument(0), record.value(i), v.getType()));
  inside.map(loop.getInductionVars()[0],
             arith::IndexCastOp::create(b, b.getIndexType(), piece.getArgument(1)).getResult());
  for (Operation &op : loop.getBody()->without_terminator())
    b.clone(op, inside);
  func::ReturnOp::create(b);

  Value task = record.create(b, loop, values);
  Value count = loop.getUpperBound()[0];
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value several = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, count, one);
  auto branch = scf::IfOp::create(b, several, /*withElseRegion=*/true);
  b.setInsertionPointToStart(branch.thenBlock());
  callPieces(b, piece, task, executor, count);
  // One piece, or none, needs no executor.
  b.setInsertionPointToStart(branch.elseBlock());
  Value zero = arith::ConstantIndexOp::create(b, 0);
  auto rest = scf::ForOp::create(b, zero, count, one);
  b.setInsertionPointToStart(rest.getBody());
  Value number = arith::IndexCastOp::create(b, b.getI64Type(), rest.getInductionVar());
  func::CallOp::create(b, piece, ValueRange{task, number});
  loop.erase();
  return piece;
}

void runInOrder(scf::ParallelOp loop) {
  ImplicitLocOpBuilder b(loop.getLoc(), loop.getOperation());
  IRMapping inside;
  for (unsigned i = 0; i < loop.getNumLoops(); ++i) {
    auto serial =
        scf::ForOp::create(b, loop.getLowerBound()[i], loop.getUpperBound()[i], loop.getStep()[i]);
    inside.map(loop.getInductionVars()[i], serial.getInductionVar());
    b.setInsertionPointToStart(serial.getBody());
  }
  for (Operation &op : loop.getBody()->without_terminator())
    b.clone(op, inside);
  loop.erase();
}

} // namespace mad
