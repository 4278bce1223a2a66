//===- DeviceFlat.cpp - Rows of any length as one, with vectors along them ---===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elementwise ops on rows that lie without gaps do not care where one begins: threads take groups
// of 16 bytes of the whole, some of which are of two rows. Only vectors along the columns do, since
// a group may begin at any column. A block keeps them in shared memory once for each distance of
// such a column from a multiple of the group, as copies that go on with the first columns behind
// the last, so a group is one access there, too. Blocks stay and take groups in turn, which makes
// up for the copies.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Conversion/LinalgToGpu/DeviceWide.h"
#include "passes/Transforms/Kernels.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;
using linalg::GenericOp;

namespace mad {
namespace {

/// One block a multiprocessor has the fewest copies to make.
constexpr int64_t blockThreads = 1024;
/// Groups of a thread that are on their way at a time.
constexpr int64_t unroll = 2;
/// Copies of vectors that a block makes, at most: a block has room on all chips.
constexpr int64_t mostCopied = 48 * 1024;
/// Up to so many elements blocks have too few groups for their copies.
constexpr int64_t fewElements = 1 << 20;

class FlatKernel {
public:
  FlatKernel(DeviceFunction &f, DeviceWork &work) : f(f), work(work), op(work.op) {}
  bool isFit();
  void launch(ArrayRef<Value> extents);

private:
  enum class Kind { Whole, Vector, Single };
  std::optional<Kind> kindOf(OpOperand &operand);
  bool isRead(OpOperand &operand) { return !op.getMatchingBlockArgument(&operand).use_empty(); }
  int64_t bytesOf(OpOperand &operand) {
    return device::bytesOf(getElementTypeOrSelf(operand.get().getType()));
  }
  int64_t copies() { return vector / std::gcd(vector, columns); }
  int64_t columnsOfCopy() { return llvm::alignTo(columns + vector - 1, vector); }
  Value constant(int64_t x) { return arith::ConstantIndexOp::create(*k, x); }
  Value add(Value x, Value y) { return k->createOrFold<arith::AddIOp>(x, y); }
  Value mul(Value x, Value y) { return k->createOrFold<arith::MulIOp>(x, y); }
  Value rem(Value x, int64_t y) { return k->createOrFold<arith::RemUIOp>(x, constant(y)); }
  Value at(Value pointer, Type element, Value number);
  void fillCopies(Value thread);
  using Group = SmallVector<device::Values>; ///< of the operands
  Group loadGroup(Value first, Value column);
  void emitGroup(const Group &group, Value first);
  Value moved(Value column, Value distance);
  void emitGroups(Value id, Value groups, Value stride);
  void emitRest(Value first, Value total, Value column);

  DeviceFunction &f;
  DeviceWork &work;
  GenericOp op;
  int64_t columns = 0, vector = 0;
  SmallVector<OpOperand *> vectors;      ///< each memory once
  llvm::DenseMap<Value, int64_t> places; ///< of their copies, in bytes
  DeviceKernel *kernel = nullptr;
  ImplicitLocOpBuilder *k = nullptr;
  device::GpuBuilder *g = nullptr;
};

/// All elements in order, a vector along the last loop, or one for all.
std::optional<FlatKernel::Kind> FlatKernel::kindOf(OpOperand &operand) {
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  AffineMap map = op.getMatchingIndexingMap(&operand);
  const unsigned last = op.getNumLoops() - 1;
  if (!type || map.getNumResults() == 0 || map.isConstant())
    return Kind::Single;
  if (wideAccess(f, op, operand, last) != Access::Wide)
    return {};
  if (map.isIdentity())
    return Kind::Whole;
  return map.getNumResults() == 1 ? std::optional(Kind::Vector) : std::nullopt;
}

bool FlatKernel::isFit() {
  if (op.getNumLoops() < 2 || op.getNumReductionLoops() > 0 || readsElsewhere(op) ||
      op.hasIndexSemantics())
    return false;
  columns = op.getStaticLoopRanges().back();
  if (ShapedType::isDynamic(columns))
    return false;
  int64_t widest = 0, bytes = 0;
  llvm::DenseSet<Value> written;
  for (Value output : op.getDpsInits())
    written.insert(baseOf(output));
  for (OpOperand &operand : op->getOpOperands()) {
    std::optional<Kind> kind = kindOf(operand);
    if (!kind || (op.isDpsInit(&operand) && kind != Kind::Whole))
      return false;
    if (kind == Kind::Single)
      continue;
    widest = std::max(widest, bytesOf(operand));
    if (kind == Kind::Whole || !isRead(operand) || places.count(operand.get()))
      continue;
    if (written.contains(baseOf(operand.get())))
      return false;
    vectors.push_back(&operand);
    places[operand.get()] = 0;
  }
  vector = 16 / widest;
  if (vector < 2 || columns < vector)
    return false;
  for (OpOperand *operand : vectors) {
    places[operand->get()] = bytes;
    bytes += copies() * columnsOfCopy() * bytesOf(*operand);
    bytes = llvm::alignTo(bytes, 16);
  }
  return !vectors.empty() && bytes <= mostCopied;
}

Value FlatKernel::at(Value pointer, Type element, Value number) {
  Value wide = arith::IndexCastOp::create(*k, k->getI64Type(), number);
  return g->at(pointer, element, device::Number(wide));
}

/// Copy q begins at column q * (distance between two), and goes around.
void FlatKernel::fillCopies(Value thread) {
  const int64_t length = columnsOfCopy(), step = vector / copies();
  for (OpOperand *operand : vectors) {
    Type element = getElementTypeOrSelf(operand->get().getType());
    Value to = g->bytesAt(g->shared(), places[operand->get()]);
    auto loop = scf::ForOp::create(*k, thread, constant(copies() * length), constant(blockThreads));
    OpBuilder::InsertionGuard guard(*k);
    k->setInsertionPointToStart(loop.getBody());
    Value number = loop.getInductionVar();
    Value copy = arith::DivUIOp::create(*k, number, constant(length));
    Value column = rem(add(rem(number, length), mul(copy, constant(step))), columns);
    Value x =
        g->load(element, at(kernel->pointer(operand->get(), /*apart=*/false), element, column));
    g->store(x, at(to, element, number));
  }
  g->barrier();
}

/// What a group of the whole that begins at a column reads.
FlatKernel::Group FlatKernel::loadGroup(Value first, Value column) {
  Value distance = rem(column, vector);
  Value copy = k->createOrFold<arith::DivUIOp>(distance, constant(vector / copies()));
  Value inCopy =
      k->createOrFold<arith::SubIOp>(add(mul(copy, constant(columnsOfCopy())), column), distance);
  Group group;
  llvm::DenseMap<Value, device::Values> known;
  for (OpOperand &operand : op->getOpOperands()) {
    device::Values &values = group.emplace_back(device::Values(vector));
    Value initial = op.isDpsInit(&operand) ? work.initialOf(operand.get()) : Value();
    Type element = getElementTypeOrSelf(operand.get().getType());
    const Kind kind = *kindOf(operand);
    if (!isRead(operand)) {
      continue;
    } else if (initial) {
      values.assign(vector, kernel->get(initial));
    } else if (kind == Kind::Single) {
      SmallVector<Value> none(op.getNumLoops(), constant(0));
      values.assign(vector, loadElement(*k, kernel->get(operand.get()),
                                        op.getMatchingIndexingMap(&operand), none));
    } else {
      device::Values &loaded = known[operand.get()];
      if (loaded.empty()) {
        Value from = kind == Kind::Whole
                         ? at(kernel->pointer(operand.get(), /*apart=*/false), element, first)
                         : at(g->bytesAt(g->shared(), places[operand.get()]), element, inCopy);
        loaded = g->unpack(g->load(g->vectorOf(vector, element), from));
      }
      values = loaded;
    }
  }
  return group;
}

void FlatKernel::emitGroup(const Group &group, Value first) {
  SmallVector<device::Values> results(op.getNumDpsInits());
  for (int64_t e = 0; e < vector; ++e) {
    SmallVector<Value> arguments;
    for (const device::Values &elements : group)
      arguments.push_back(elements[e]);
    for (auto [i, value] : llvm::enumerate(emitBody(*kernel, op, arguments, {})))
      results[i].push_back(value);
  }
  for (auto [output, values] : llvm::zip(op.getDpsInitsMutable(), results)) {
    Type element = getElementTypeOrSelf(output.get().getType());
    g->store(g->pack(values), at(kernel->pointer(output.get(), /*apart=*/false), element, first));
  }
}

/// The column behind which that many others begin.
Value FlatKernel::moved(Value column, Value distance) {
  Value next = add(column, distance), end = constant(columns);
  Value isBehind = arith::CmpIOp::create(*k, arith::CmpIPredicate::uge, next, end);
  Value around = arith::SubIOp::create(*k, next, end);
  return arith::SelectOp::create(*k, isBehind, around, next);
}

/// From group to group of this thread, several at a time as long as all are there.
void FlatKernel::emitGroups(Value id, Value groups, Value stride) {
  Value distance = rem(mul(stride, constant(vector)), columns); ///< less than a row
  auto range = [&](Value from, Value column, Value to, int64_t count) {
    auto loop = scf::ForOp::create(*k, from, to, mul(stride, constant(count)), column);
    OpBuilder::InsertionGuard guard(*k);
    k->setInsertionPointToStart(loop.getBody());
    Value number = loop.getInductionVar(), own = loop.getRegionIterArg(0);
    SmallVector<Value> firsts;
    SmallVector<Group> loaded;
    for (int64_t i = 0; i < count; ++i) {
      firsts.push_back(mul(number, constant(vector)));
      loaded.push_back(loadGroup(firsts.back(), own));
      number = add(number, stride);
      own = moved(own, distance);
    }
    for (auto [group, first] : llvm::zip(loaded, firsts))
      emitGroup(group, first);
    scf::YieldOp::create(*k, own);
    return loop.getResult(0);
  };
  Value step = mul(stride, constant(unroll)), start = rem(mul(id, constant(vector)), columns);
  Value left = k->createOrFold<arith::DivUIOp>(
      k->createOrFold<arith::SubIOp>(groups, k->createOrFold<arith::MinUIOp>(id, groups)), step);
  Value middle = add(id, mul(left, step));
  Value column = range(id, start, middle, unroll);
  range(middle, column, groups, 1);
}

/// What is left behind the last whole group, one element at a time.
void FlatKernel::emitRest(Value first, Value total, Value column) {
  auto loop = scf::ForOp::create(*k, first, total, constant(1));
  OpBuilder::InsertionGuard guard(*k);
  k->setInsertionPointToStart(loop.getBody());
  Value number = loop.getInductionVar();
  Value own = add(column, k->createOrFold<arith::SubIOp>(number, first));
  SmallVector<Value> indices(op.getNumLoops(), constant(0)), arguments;
  indices.back() = rem(own, columns);
  for (OpOperand &operand : op->getOpOperands()) {
    Value initial = op.isDpsInit(&operand) ? work.initialOf(operand.get()) : Value();
    Type element = getElementTypeOrSelf(operand.get().getType());
    if (!isRead(operand))
      arguments.push_back(Value());
    else if (initial)
      arguments.push_back(kernel->get(initial));
    else if (kindOf(operand) == Kind::Whole)
      arguments.push_back(
          g->load(element, at(kernel->pointer(operand.get(), /*apart=*/false), element, number)));
    else
      arguments.push_back(loadElement(*k, kernel->get(operand.get()),
                                      op.getMatchingIndexingMap(&operand), indices));
  }
  for (auto [output, x] :
       llvm::zip(op.getDpsInitsMutable(), emitBody(*kernel, op, arguments, indices)))
    g->store(x, at(kernel->pointer(output.get(), /*apart=*/false), x.getType(), number));
}

void FlatKernel::launch(ArrayRef<Value> extents) {
  Value total = f.constant(1);
  for (Value extent : extents)
    total = f.mul(total, extent);
  Value blocks = f.b.createOrFold<arith::MinSIOp>(f.ceilDiv(total, blockThreads * vector),
                                                  f.multiprocessors());
  Value stride = f.mul(blocks, f.constant(blockThreads));
  const bool guarded = llvm::any_of(op.getDpsInits(), [&](Value v) { return !f.isScratch(v); }) ||
                       llvm::any_of(op->getOperands(), [&](Value v) { return f.isFoundPlace(v); });
  DeviceKernel made = f.kernel(("elements: " + llvm::Twine(vector) +
                                " neighbours a thread, of any rows, vectors in " +
                                llvm::Twine(copies()) + " copies")
                                   .str(),
                               work.refusals, guarded);
  kernel = &made;
  OpOperand *last = vectors.back();
  made.setInTurns();
  made.setShared(places[last->get()] + copies() * columnsOfCopy() * bytesOf(*last),
                 /*blocksAtOnce=*/1);
  getUses(made, op);
  Value all = made.get(total), step = made.get(stride);
  ImplicitLocOpBuilder &b = made.builder();
  device::KernelSignature signature;
  signature.threads = blockThreads;
  device::GpuBuilder builder(b, signature);
  k = &b, g = &builder;
  Value thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  Value block = gpu::BlockIdOp::create(b, gpu::Dimension::x);
  fillCopies(thread);
  Value id = add(mul(block, constant(blockThreads)), thread);
  Value groups = b.createOrFold<arith::DivUIOp>(all, constant(vector));
  emitGroups(id, groups, step);
  Value rest = b.createOrFold<arith::RemUIOp>(all, constant(vector));
  if (getConstantIntValue(rest) != 0) {
    Value first = mul(groups, constant(vector));
    Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, id, constant(0));
    auto branch = scf::IfOp::create(b, isFirst, /*withElseRegion=*/false);
    b.setInsertionPoint(branch.thenBlock()->getTerminator());
    emitRest(first, all, rem(first, columns));
  }
  made.launch(f.b, blocks, blockThreads);
}

} // namespace

bool lowerFlat(DeviceFunction &f, DeviceWork &work, llvm::function_ref<void()> otherwise) {
  FlatKernel kernel(f, work);
  if (!kernel.isFit())
    return false;
  auto extents = f.extentsOf(work.op);
  Value total = f.constant(1);
  for (Value extent : *extents)
    total = f.mul(total, extent);
  f.branch(f.less(f.constant(fewElements), total), [&] { kernel.launch(*extents); }, otherwise);
  return true;
}

} // namespace mad
