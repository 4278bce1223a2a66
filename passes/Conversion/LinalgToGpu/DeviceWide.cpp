//===- DeviceWide.cpp - Elementwise ops, 16 bytes at a time ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread takes as many neighbours along the last loop as 16 bytes of the widest type hold: one
// access for each operand that has them side by side, one element of those that do not vary
// along it. Memory begins at multiples of 16 bytes. So it is with what the body reads at places
// that it computes, where these are neighbours along the last loop: rows of a table
// (DeviceGather.h).
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/LinalgToGpu/DeviceWide.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Conversion/LinalgToGpu/DeviceFunction.h"
#include "passes/Conversion/LinalgToGpu/DeviceGather.h"
#include "passes/Kernels/Gpu/GpuBuilder.h"
#include "passes/Transforms/Kernels.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
namespace {

constexpr int blockThreads = 256;

bool isMemory(Value v) { return isa<MemRefType>(v.getType()); }

class WideKernel {
public:
  WideKernel(DeviceFunction &f, DeviceWork &work) : f(f), work(work), op(work.op) {}
  bool lower();

private:
  unsigned last() { return op.getNumLoops() - 1; }
  bool isFit();
  void launch(ArrayRef<Value> extents);
  std::optional<Access> accessOf(OpOperand &operand) { return wideAccess(f, op, operand, last()); }
  Value at(device::GpuBuilder &g, OpOperand &operand, ArrayRef<Value> indices) {
    return wideAddress(*kernel, g, op, operand, indices, sizes);
  }
  void emitWide(device::GpuBuilder &g, SmallVector<Value> indices);
  void emitSingle(SmallVector<Value> indices);
  bool isRead(OpOperand &operand) { return !op.getMatchingBlockArgument(&operand).use_empty(); }

  DeviceFunction &f;
  DeviceWork &work;
  GenericOp op;
  DeviceKernel *kernel = nullptr;
  int64_t vector = 0;
  bool isWhole = false;     ///< rows are whole groups
  Value holds;              ///< where only the host knows whether they are, that they are
  SmallVector<Value> sizes; ///< in the kernel
  SmallVector<RowRead> reads;
};

bool WideKernel::isFit() {
  if (op.getNumLoops() == 0 || op.getNumReductionLoops() > 0)
    return false;
  int64_t widest = 0;
  for (OpOperand &operand : op->getOpOperands()) {
    auto access = accessOf(operand);
    if (!access)
      return work.refuse("not wide: no neighbours");
    if (*access == Access::Wide)
      widest =
          std::max<int64_t>(widest, device::bytesOf(getElementTypeOrSelf(operand.get().getType())));
  }
  if (readsElsewhere(op)) {
    auto found = rowReads(f, op);
    if (!found)
      return work.refuse("not wide: reads of other places");
    reads = *found;
  }
  for (RowRead &read : reads)
    widest = std::max<int64_t>(widest, device::bytesOf(read.load.getType()));
  vector = 16 / widest;
  int64_t length = op.getStaticLoopRanges()[last()];
  isWhole = !ShapedType::isDynamic(length) && length % vector == 0;
  if (vector < 2)
    return work.refuse("not wide: 16 bytes an element");
  if (reads.empty())
    return isWhole || op.getNumLoops() == 1 || work.refuse("not wide: rows of other lengths");
  holds = wholeRows(f, op, reads, vector);
  isWhole = true;
  return getConstantIntValue(holds) != 0 || work.refuse("not wide: rows of other lengths");
}

void WideKernel::emitWide(device::GpuBuilder &g, SmallVector<Value> indices) {
  SmallVector<device::Values> loaded;
  for (OpOperand &operand : op->getOpOperands()) {
    device::Values elements(vector);
    AffineMap map = op.getMatchingIndexingMap(&operand);
    Type element = getElementTypeOrSelf(operand.get().getType());
    if (isRead(operand)) {
      // A fill that goes along with the op is not there as memory.
      Value initial = op.isDpsInit(&operand) ? work.initialOf(operand.get()) : Value();
      if (initial)
        elements.assign(vector, kernel->get(initial));
      else if (*accessOf(operand) == Access::Wide)
        elements = g.unpack(g.load(g.vectorOf(vector, element), at(g, operand, indices)));
      else
        elements.assign(vector, loadElement(g.b, kernel->get(operand.get()), map, indices));
    }
    loaded.push_back(elements);
  }
  SmallVector<Value> singles;
  for (const device::Values &elements : loaded)
    singles.push_back(elements.front());
  llvm::SmallPtrSet<Operation *, 4> without;
  SmallVector<device::Values> rows;
  for (RowRead &read : reads) {
    without.insert(read.load);
    rows.push_back(readRow(*kernel, g, op, read, singles, indices, vector));
  }
  SmallVector<device::Values> results(op.getNumDpsInits());
  Value first = indices[last()];
  for (int64_t e = 0; e < vector; ++e) {
    indices[last()] =
        g.b.createOrFold<arith::AddIOp>(first, arith::ConstantIndexOp::create(g.b, e).getResult());
    SmallVector<Value> arguments;
    for (const device::Values &elements : loaded)
      arguments.push_back(elements[e]);
    for (auto [read, elements] : llvm::zip(reads, rows))
      kernel->mapping().map(read.load.getResult(), elements[e]);
    IRMapping body = emitBody(*kernel, op, arguments, indices, without);
    for (auto [k, value] : llvm::enumerate(op.getBody()->getTerminator()->getOperands()))
      results[k].push_back(body.lookupOrDefault(value));
  }
  indices[last()] = first;
  for (auto [output, values] : llvm::zip(op.getDpsInitsMutable(), results))
    g.store(g.pack(values), at(g, output, indices));
}

void WideKernel::emitSingle(SmallVector<Value> indices) {
  ImplicitLocOpBuilder &b = kernel->builder();
  SmallVector<Value> arguments;
  for (OpOperand &operand : op->getOpOperands()) {
    Value initial = op.isDpsInit(&operand) ? work.initialOf(operand.get()) : Value();
    arguments.push_back(!isRead(operand) ? Value()
                        : initial ? kernel->get(initial)
                                  : loadElement(b, kernel->get(operand.get()),
                                                op.getMatchingIndexingMap(&operand), indices));
  }
  SmallVector<Value> made = emitBody(*kernel, op, arguments, indices);
  for (auto [output, value] : llvm::zip(op.getDpsInitsMutable(), made))
    storeElement(b, value, kernel->get(output.get()), op.getMatchingIndexingMap(&output), indices);
}

bool WideKernel::lower() {
  if (!isFit())
    return false;
  auto extents = f.extentsOf(op);
  if (!extents)
    return false;
  if (!holds) {
    launch(*extents);
    f.take(work);
    return true;
  }
  f.branch(
      holds, [&] { launch(*extents); },
      [&] {
        DeviceWork other{op, work.fills, {"not wide: rows of other lengths"}};
        lowerElements(f, other);
      });
  f.take(work);
  return true;
}

void WideKernel::launch(ArrayRef<Value> extents) {
  SmallVector<Value> counts(extents); ///< of groups along the last loop
  counts.back() = f.ceilDiv(counts.back(), vector);
  Value total = f.constant(1);
  for (Value count : counts)
    total = f.mul(total, count);
  Value blocks = f.ceilDiv(total, blockThreads);

  bool guarded = !reads.empty() ||
                 llvm::any_of(op.getDpsInits(), [&](Value v) { return !f.isScratch(v); }) ||
                 llvm::any_of(op->getOperands(), [&](Value v) { return f.isFoundPlace(v); });
  StringRef kind = reads.empty() ? "elements: " : "rows at computed places: ";
  DeviceKernel made =
      f.kernel((kind + llvm::Twine(vector) + " neighbours a thread").str(), work.refusals, guarded);
  kernel = &made;
  getUses(made, op);
  for (Value v : extents)
    sizes.push_back(made.get(v));
  SmallVector<Value> groups;
  for (Value v : counts)
    groups.push_back(made.get(v));
  ImplicitLocOpBuilder &b = made.builder();
  device::KernelSignature signature;
  signature.threads = blockThreads;
  device::GpuBuilder g(b, signature);
  Value block = gpu::BlockIdOp::create(b, gpu::Dimension::x);
  Value thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  Value width = arith::ConstantIndexOp::create(b, blockThreads);
  Value id = arith::AddIOp::create(b, arith::MulIOp::create(b, block, width), thread);
  Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, id, made.get(total));
  auto guard = scf::IfOp::create(b, inside, /*withElseRegion=*/false);
  b.setInsertionPoint(guard.thenBlock()->getTerminator());
  SmallVector<Value> indices(op.getNumLoops());
  for (unsigned d = op.getNumLoops(); d-- > 0;) {
    indices[d] = d == 0 ? id : b.createOrFold<arith::RemUIOp>(id, groups[d]);
    if (d > 0)
      id = b.createOrFold<arith::DivUIOp>(id, groups[d]);
  }
  Value step = arith::ConstantIndexOp::create(b, vector);
  indices.back() = arith::MulIOp::create(b, indices.back(), step);
  if (isWhole) {
    emitWide(g, indices);
  } else {
    // A single loop: the last group may be short.
    Value first = indices.back(), end = arith::AddIOp::create(b, first, step);
    Value whole = arith::CmpIOp::create(b, arith::CmpIPredicate::ule, end, sizes.back());
    auto branch = scf::IfOp::create(b, whole, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard restore(b);
    b.setInsertionPointToStart(branch.thenBlock());
    emitWide(g, indices);
    b.setInsertionPointToStart(branch.elseBlock());
    Value one = arith::ConstantIndexOp::create(b, 1);
    auto loop = scf::ForOp::create(b, first, sizes.back(), one);
    b.setInsertionPointToStart(loop.getBody());
    indices.back() = loop.getInductionVar();
    emitSingle(indices);
  }
  made.launch(f.b, blocks, blockThreads);
}

} // namespace

std::optional<Access> wideAccess(const DeviceFunction &f, GenericOp op, OpOperand &operand,
                                 unsigned loop) {
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  if (!type)
    return Access::Value;
  AffineMap map = op.getMatchingIndexingMap(&operand);
  AffineExpr along = getAffineDimExpr(loop, op.getContext());
  if (!map.isFunctionOfDim(loop))
    return op.isDpsInit(&operand) ? std::nullopt : std::optional(Access::Single);
  Value base = baseOf(operand.get());
  bool single = llvm::all_of(map.getResults(), [](AffineExpr e) { return isa<AffineDimExpr>(e); });
  Type element = type.getElementType();
  if (!single || map.getResults().back() != along || !type.getLayout().isIdentity() || !base ||
      base.getDefiningOp<memref::GetGlobalOp>() || f.scalars.isOnDevice(operand.get()) ||
      element.isIndex() || element.getIntOrFloatBitWidth() % 8)
    return {};
  // Nor twice along it.
  if (llvm::count(map.getResults(), along) > 1)
    return {};
  return Access::Wide;
}

Value wideAddress(DeviceKernel &kernel, device::GpuBuilder &g, GenericOp op, OpOperand &operand,
                  ArrayRef<Value> indices, ArrayRef<Value> sizes) {
  auto type = cast<MemRefType>(operand.get().getType());
  Value offset;
  for (auto [d, e] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
    unsigned loop = cast<AffineDimExpr>(e).getPosition();
    Value size = type.isDynamicDim(d)
                     ? sizes[loop]
                     : arith::ConstantIndexOp::create(g.b, type.getDimSize(d)).getResult();
    Value scaled = offset ? g.b.createOrFold<arith::MulIOp>(offset, size) : Value();
    offset = scaled ? g.b.createOrFold<arith::AddIOp>(scaled, indices[loop]) : indices[loop];
  }
  Value number = arith::IndexCastOp::create(g.b, g.b.getI64Type(), offset);
  return g.at(kernel.pointer(operand.get(), /*apart=*/false), type.getElementType(),
              device::Number(number));
}

bool readsElsewhere(GenericOp op) {
  bool reads = false;
  op.getBody()->walk([&](Operation *inner) {
    reads |= isa<memref::LoadOp>(inner) ||
             (inner != op.getBody()->getParentOp() && inner->getNumRegions() > 0);
  });
  return reads;
}

void collapse(DeviceFunction &f, DeviceWork &work) {
  bool known = llvm::none_of(work.op->getOperands(), [&](Value v) {
    return isMemory(v) && (f.scalars.isOnDevice(v) || !baseOf(v));
  });
  if (work.op.getNumLoops() < 2 || !known)
    return;
  IRRewriter rewriter(work.op.getContext());
  work.op = collapseDims(rewriter, work.op);
  f.b.setInsertionPoint(work.op);
}

bool lowerWide(DeviceFunction &f, DeviceWork &work) {
  if (work.op.getNumReductionLoops() > 0)
    return false;
  collapse(f, work);
  return WideKernel(f, work).lower();
}

} // namespace mad
