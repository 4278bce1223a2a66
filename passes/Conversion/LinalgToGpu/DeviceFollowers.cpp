//===- DeviceFollowers.cpp - Elementwise ops behind a product ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Conversion/LinalgToGpu/DeviceProduct.h"
#include "passes/Transforms/Kernels.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {

/// Tensors that followers may read: a thread holds an element of each for each of its results.
constexpr unsigned mostRead = 4;

static bool isMemory(Value v) { return isa<MemRefType>(v.getType()); }
static bool isWhole(Value v) {
  auto type = dyn_cast<MemRefType>(v.getType());
  return type && type.getLayout().isIdentity();
}

Value Followers::output() const {
  return found.empty() ? Value()
                       : Value(found.back()->getOperand(found.back()->getNumOperands() - 1));
}

bool Followers::readsOutput() const {
  Value base = found.empty() ? Value() : baseOf(output());
  for (auto [found, from] : llvm::zip(found, current)) {
    GenericOp op = found;
    for (OpOperand &operand : op->getOpOperands())
      if (isMemory(operand.get()) && !op.getMatchingBlockArgument(&operand).use_empty() &&
          baseOf(operand.get()) == base && base != baseOf(from))
        return true;
  }
  return false;
}

/// Functions that may be approximate are an instruction or two.
static bool isApproximate(Operation &op) {
  auto math = dyn_cast<arith::ArithFastMathInterface>(op);
  return math &&
         bitEnumContainsAll(math.getFastMathFlagsAttr().getValue(), arith::FastMathFlags::afn);
}

bool Followers::isLong() const {
  constexpr int few = 12;
  int ops = 0;
  bool functions = false;
  for (GenericOp op : found)
    for (Operation &inner : op.getBody()->without_terminator()) {
      ++ops;
      bool isFunction = !isa<arith::ArithDialect, linalg::LinalgDialect>(inner.getDialect()) ||
                        isa<arith::DivFOp, arith::RemFOp>(inner);
      functions |= isFunction && !isApproximate(inner);
    }
  return functions || ops > few;
}

/// Memory that holds the result so far, with its columns.
bool Followers::isCurrent(Value memory) const {
  Value now = current.back();
  if (memory == now)
    return true;
  if (!isWhole(memory) || rootOf(memory) != rootOf(now))
    return false;
  int64_t here = cast<MemRefType>(memory.getType()).getShape().back();
  int64_t there = cast<MemRefType>(now.getType()).getShape().back();
  if (!ShapedType::isDynamic(here) && !ShapedType::isDynamic(there))
    return here == there;
  return rootOf(memory, 1) && rootOf(now, 1);
}

bool Followers::accepts(DeviceFunction &f, GenericOp op) {
  if (!op.hasPureBufferSemantics() || op.getNumReductionLoops() || op.getNumDpsInits() != 1 ||
      op.getNumLoops() == 0 || f.groups.contains(op) || f.attentions.contains(op) ||
      f.taken.contains(op))
    return false;
  bool simple = true;
  op.getBody()->walk([&](Operation *inner) {
    simple &= inner == op.getBody()->getParentOp() ||
              (inner->getNumRegions() == 0 && !isa<memref::LoadOp>(inner));
  });
  OpOperand &output = *op.getDpsInitOperand(0);
  Type element = getElementTypeOrSelf(output.get().getType());
  if (!simple || !isWhole(output.get()) || !op.getMatchingIndexingMap(&output).isIdentity() ||
      !isa<Float16Type, BFloat16Type, Float32Type>(element))
    return false;
  Value base = baseOf(output.get());
  if (!base || llvm::is_contained(read, base))
    return false;
  bool uses = false;
  for (OpOperand &operand : op->getOpOperands()) {
    Value memory = operand.get();
    if (!isMemory(memory))
      continue;
    if (f.scalars.isOnDevice(memory) || !baseOf(memory))
      return false;
    bool same = op.getMatchingIndexingMap(&operand).isIdentity();
    bool isResult = same && isWhole(memory) && isCurrent(memory);
    uses |= isResult;
    // What a follower has left behind is nowhere.
    for (Value before : ArrayRef(current).drop_back())
      if (baseOf(before) == baseOf(memory) && baseOf(before) != baseOf(current.back()))
        return false;
    // Of what is written, an element only at its own place.
    bool ofWritten = baseOf(memory) == base || baseOf(memory) == baseOf(current.back());
    if (ofWritten && !isResult && !(memory == output.get() && same))
      return false;
  }
  return uses;
}

/// Whether nobody else reads what the product and its followers leave in memory before `current`.
bool Followers::isOnlyHere(const Contraction &product) const {
  Value base = baseOf(current.back());
  if (!base || !base.getDefiningOp<memref::AllocOp>())
    return false;
  SmallVector<linalg::FillOp> fills = fillsBefore(product.op);
  return hasOnlyUsers(base, [&](Operation *user) {
    return user == product.op || llvm::is_contained(found, user) || llvm::is_contained(fills, user);
  });
}

/// Tensors that an op reads elements of, but the result itself and single numbers.
unsigned Followers::countRead(GenericOp op) const {
  return llvm::count_if(op->getOpOperands(), [&](OpOperand &operand) {
    return isMemory(operand.get()) && baseOf(operand.get()) != baseOf(current.back()) &&
           op.getMatchingIndexingMap(&operand).getNumResults() > 0 &&
           !op.getMatchingBlockArgument(&operand).use_empty();
  });
}

Followers Followers::behind(DeviceFunction &f, const Contraction &product, ArrayRef<Value> read) {
  Followers result;
  Value memory = product.op->getOperand(product.c());
  if (!isWhole(memory) || !baseOf(memory))
    return result;
  result.current.push_back(memory);
  result.read.assign(read.begin(), read.end());
  unsigned others = 0;
  for (Operation *op = product.op->getNextNode(); op; op = op->getNextNode()) {
    if (isMemoryEffectFree(op) || isa<memref::AllocOp>(op))
      continue;
    auto generic = dyn_cast<GenericOp>(op);
    if (!generic || !result.accepts(f, generic))
      break;
    if ((others += result.countRead(generic)) > mostRead)
      break;
    Value output = generic.getDpsInits().front();
    bool inPlace = baseOf(output) == baseOf(result.current.back());
    result.found.push_back(generic);
    if (!inPlace && !result.isOnlyHere(product)) {
      result.found.pop_back();
      break;
    }
    result.current.push_back(output);
  }
  return result;
}

void Followers::prepare(DeviceFunction &f, DeviceKernel &kernel) {
  for (GenericOp op : found) {
    SmallVector<Value> sizes;
    SmallVector<Value> known = *f.extentsOf(op);
    for (Value size : known)
      sizes.push_back(kernel.get(size));
    extents.push_back(sizes);
    // Of what stays in registers nothing is asked.
    for (OpOperand &operand : op->getOpOperands()) {
      Value v = operand.get();
      if (isMemory(v) && op.getMatchingBlockArgument(&operand).use_empty())
        continue;
      kernel.get(v);
      // What the kernel writes lies in the result or where it is left.
      if (isMemory(v) && llvm::none_of(current, [&](Value w) { return baseOf(w) == baseOf(v); }))
        kernel.setApart(v);
    }
    op.getBody()->walk([&](Operation *inner) {
      for (Value v : inner->getOperands())
        if (v.getParentRegion() != &op.getRegion())
          kernel.get(v);
    });
  }
}

Value Followers::apply(DeviceKernel &kernel, Value sum, Value row, Value column,
                       const Alternatives &alternatives) {
  ImplicitLocOpBuilder &b = kernel.builder();
  Type index = b.getIndexType();
  Value rowNumber = arith::IndexCastUIOp::create(b, index, row);
  Value columnNumber = arith::IndexCastUIOp::create(b, index, column);
  for (auto [number, op, sizes, from] :
       llvm::zip(llvm::seq(found.size()), found, extents, current)) {
    // The rows are all dimensions but the last.
    SmallVector<Value> at(op.getNumLoops());
    Value rest = rowNumber;
    at.back() = columnNumber;
    for (unsigned d = at.size() - 1; d-- > 0;) {
      at[d] = d == 0 ? rest : arith::RemUIOp::create(b, rest, sizes[d]).getResult();
      if (d > 0)
        rest = arith::DivUIOp::create(b, rest, sizes[d]);
    }
    auto loadOne = [&](OpOperand &operand, size_t number, ArrayRef<Value> at) {
      AffineMap map = op.getMatchingIndexingMap(&operand);
      Value element = loadElement(b, kernel.get(operand.get()), map, at);
      for (auto [i, other] : llvm::enumerate(alternatives.others)) {
        Value memory = other->found[number]->getOperand(operand.getOperandNumber());
        if (memory == operand.get())
          continue;
        Value one = arith::ConstantIntOp::create(b, i + 1, 32);
        Value taken = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, alternatives.which, one);
        element =
            arith::SelectOp::create(b, taken, loadElement(b, kernel.get(memory), map, at), element);
      }
      return element;
    };
    SmallVector<Value> arguments;
    for (OpOperand &operand : op->getOpOperands()) {
      Value memory = operand.get();
      AffineMap map = op.getMatchingIndexingMap(&operand);
      if (op.getMatchingBlockArgument(&operand).use_empty())
        arguments.push_back(Value());
      else if (isMemory(memory) && map.isIdentity() && baseOf(memory) == baseOf(from))
        arguments.push_back(sum);
      else
        arguments.push_back(loadOne(operand, number, at));
    }
    sum = emitBody(kernel, op, arguments, at).front();
  }
  return sum;
}

} // namespace mad
