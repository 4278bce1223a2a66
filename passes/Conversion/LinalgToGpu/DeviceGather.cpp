//===- DeviceGather.cpp - Rows that are read at computed places --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/LinalgToGpu/DeviceGather.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/Transforms/Memory.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {

/// Adds the ops of the body that compute `value`; fails where it may vary along the last loop.
static bool addRow(GenericOp op, Value value, llvm::SetVector<Operation *> &row) {
  const unsigned last = op.getNumLoops() - 1;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (argument.getOwner() != op.getBody())
      return true;
    OpOperand &operand = op->getOpOperand(argument.getArgNumber());
    return !op.isDpsInit(&operand) && !op.getMatchingIndexingMap(&operand).isFunctionOfDim(last);
  }
  Operation *def = value.getDefiningOp();
  if (def->getBlock() != op.getBody())
    return true;
  if (auto index = dyn_cast<linalg::IndexOp>(def))
    return index.getDim() != last;
  if (!isMemoryEffectFree(def) || def->getNumRegions() > 0)
    return false;
  for (Value operand : def->getOperands())
    if (!addRow(op, operand, row))
      return false;
  row.insert(def);
  return true;
}

static std::optional<RowRead> rowRead(DeviceFunction &f, GenericOp op, memref::LoadOp load) {
  Value memory = load.getMemRef();
  auto type = cast<MemRefType>(memory.getType());
  Value base = baseOf(memory);
  Type element = type.getElementType();
  if (load->getBlock() != op.getBody() || type.getRank() < 2 || !type.getLayout().isIdentity() ||
      !base || base.getDefiningOp<memref::GetGlobalOp>() || f.scalars.isOnDevice(memory) ||
      element.isIndex() || element.getIntOrFloatBitWidth() % 8)
    return {};
  auto column = load.getIndices().back().getDefiningOp<linalg::IndexOp>();
  if (!column || column->getBlock() != op.getBody() || column.getDim() != op.getNumLoops() - 1)
    return {};
  llvm::SetVector<Operation *> row;
  for (Value index : load.getIndices().drop_back())
    if (!addRow(op, index, row))
      return {};
  RowRead read{load, {}, {Value()}};
  read.row = row.takeVector();
  for (int64_t d = 1; d < type.getRank(); ++d) {
    read.sizes.push_back(f.sizeOf(memory, d));
    if (!read.sizes.back())
      return {};
  }
  return read;
}

std::optional<SmallVector<RowRead>> rowReads(DeviceFunction &f, GenericOp op) {
  SmallVector<RowRead> reads;
  for (Operation &inner : *op.getBody()) {
    if (inner.getNumRegions() > 0)
      return {};
    auto load = dyn_cast<memref::LoadOp>(inner);
    if (!load)
      continue;
    std::optional<RowRead> read = rowRead(f, op, load);
    if (!read)
      return {};
    reads.push_back(*read);
  }
  return reads;
}

Value wholeRows(DeviceFunction &f, GenericOp op, ArrayRef<RowRead> reads, int64_t vector) {
  auto &b = f.b;
  auto rest = [&](Value size) { return b.createOrFold<arith::RemUIOp>(size, f.constant(vector)); };
  auto extents = f.extentsOf(op);
  if (!extents)
    return arith::ConstantOp::create(b, b.getBoolAttr(false));
  Value rests = rest(extents->back());
  for (const RowRead &read : reads)
    rests = b.createOrFold<arith::OrIOp>(rests, rest(read.sizes.back()));
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, rests, f.constant(0));
}

device::Values readRow(DeviceKernel &kernel, device::GpuBuilder &g, GenericOp op, RowRead &read,
                       ArrayRef<Value> arguments, ArrayRef<Value> at, int64_t vector) {
  IRMapping row = kernel.mapping();
  for (auto [argument, value] : llvm::zip(op.getBody()->getArguments(), arguments))
    if (value)
      row.map(argument, value);
  for (auto index : op.getBody()->getOps<linalg::IndexOp>())
    row.map(index.getResult(), at[index.getDim()]);
  for (Operation *inner : read.row)
    g.b.clone(*inner, row);
  Value offset;
  for (auto [index, size] : llvm::zip(read.load.getIndices(), read.sizes)) {
    Value place = row.lookupOrDefault(index);
    offset = offset ? g.b.createOrFold<arith::AddIOp>(
                          g.b.createOrFold<arith::MulIOp>(offset, kernel.get(size)), place)
                    : place;
  }
  Value number = arith::IndexCastOp::create(g.b, g.b.getI64Type(), offset);
  Type element = read.load.getType();
  Value from =
      g.at(kernel.pointer(read.load.getMemRef(), /*apart=*/false), element, device::Number(number));
  return g.unpack(g.load(g.vectorOf(vector, element), from));
}

} // namespace mad
