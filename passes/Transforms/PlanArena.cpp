//===- PlanArena.cpp - All buffers of an entry in one block of memory -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two buffers may overlap when no operation lies between the first and last use
// of both. Operations are numbered before and after their regions; the interval
// of a buffer is that of its uses, seen from the block that allocates it: a use in
// a loop counts for the whole loop, but a buffer that is allocated inside of it
// lives within one round. Rounds of scf.parallel run at once: a buffer allocated
// inside lives over the whole loop, once for each round.
//
// Static sizes: first fit at fixed offsets. Dynamic ones: slots behind those, each
// as large as the largest of its buffers turns out to be.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Transforms/ArenaSizes.h"
#include "passes/Transforms/Passes.h"
#include "passes/Transforms/Pieces.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_PLANARENA
#include "passes/Transforms/Passes.h.inc"

namespace {

constexpr int64_t alignment = 64;

struct Buffer {
  explicit Buffer(memref::AllocOp op) : op(op) {
    for (Operation *o = op->getParentOp(); o; o = o->getParentOp())
      if (auto loop = dyn_cast<scf::ParallelOp>(o))
        rounds = hasPieces(loop) ? loop : scf::ParallelOp();
  }

  memref::AllocOp op;
  scf::ParallelOp rounds; ///< the outermost around it, whose rounds run at once
  int64_t first = INT64_MAX, last = -1;
  int64_t offset = 0; ///< of a static one
  unsigned slot = 0;  ///< of a dynamic one
  bool overlaps(const Buffer &o) const { return first <= o.last && o.first <= last; }
  MemRefType type() const { return cast<MemRefType>(op->getResult(0).getType()); }
  Value count() const { return rounds ? rounds->getOperand(1) : Value(); }
  std::optional<int64_t> knownCount() const {
    return rounds ? getConstantIntValue(count()) : std::optional<int64_t>(1);
  }
  bool isStatic() const { return type().hasStaticShape() && knownCount(); }
};

/// Equal sizes without a computation.
bool sameSize(const Buffer &x, const Buffer &y) {
  return x.type() == y.type() && x.count() == y.count() &&
         llvm::equal(x.op->getOperands(), y.op->getOperands());
}

int64_t elementBytes(MemRefType type) {
  Type e = type.getElementType();
  return e.isIndex() ? 8 : llvm::divideCeil(e.getIntOrFloatBitWidth(), 8);
}

/// Bytes of one round, of a type that is static.
int64_t staticSize(MemRefType type) {
  return llvm::alignTo(type.getNumElements() * elementBytes(type), alignment);
}

/// Bytes of one round; `sizes` are the dynamic ones.
Value emitSize(OpBuilder &b, Location loc, MemRefType type, ValueRange sizes) {
  if (sizes.empty())
    return arith::ConstantIndexOp::create(b, loc, staticSize(type));
  int64_t known = elementBytes(type);
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size))
      known *= size;
  Value total = arith::ConstantIndexOp::create(b, loc, known);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  for (Value size : sizes) {
    size = arith::MaxSIOp::create(b, loc, size, zero);
    total = arith::MulIOp::create(b, loc, total, size);
  }
  Value up = arith::ConstantIndexOp::create(b, loc, alignment - 1);
  Value mask = arith::ConstantIndexOp::create(b, loc, -alignment);
  return arith::AndIOp::create(b, loc, arith::AddIOp::create(b, loc, total, up), mask);
}

//===----------------------------------------------------------------------===//
// Lifetimes
//===----------------------------------------------------------------------===//

class Lifetimes {
public:
  explicit Lifetimes(func::FuncOp function) { number(function); }
  void find(Buffer &buffer) const;
  bool endsWith(const Buffer &buffer, Operation *op) const { return buffer.last == end.lookup(op); }

private:
  void number(Operation *op) {
    begin[op] = next++;
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Operation &inner : block)
          number(&inner);
    end[op] = next++;
  }
  /// Values that are, or may be, the memory of an operand of `use`.
  static void follow(OpOperand &use, SmallVectorImpl<Value> &work);

  llvm::DenseMap<Operation *, int64_t> begin, end;
  int64_t next = 0;
};

void Lifetimes::follow(OpOperand &use, SmallVectorImpl<Value> &work) {
  Operation *user = use.getOwner();
  if (auto loop = dyn_cast<scf::ForOp>(user)) {
    if (auto argument = loop.getTiedLoopRegionIterArg(&use)) {
      work.push_back(argument);
      work.push_back(loop.getTiedLoopResult(&use));
    }
    return;
  }
  if (auto loop = dyn_cast<scf::WhileOp>(user)) {
    work.push_back(loop.getBeforeArguments()[use.getOperandNumber()]);
    return;
  }
  if (auto condition = dyn_cast<scf::ConditionOp>(user)) {
    auto loop = cast<scf::WhileOp>(user->getParentOp());
    work.push_back(loop.getAfterArguments()[use.getOperandNumber() - 1]);
    work.push_back(loop.getResult(use.getOperandNumber() - 1));
    return;
  }
  if (isa<scf::YieldOp>(user)) {
    Operation *parent = user->getParentOp();
    if (auto loop = dyn_cast<scf::WhileOp>(parent)) {
      work.push_back(loop.getBeforeArguments()[use.getOperandNumber()]);
      return;
    }
    work.push_back(parent->getResult(use.getOperandNumber()));
    if (auto loop = dyn_cast<scf::ForOp>(parent))
      work.push_back(loop.getRegionIterArg(use.getOperandNumber()));
    return;
  }
  for (Value r : user->getResults())
    if (isa<MemRefType>(r.getType()))
      work.push_back(r);
}

void Lifetimes::find(Buffer &buffer) const {
  Block *home = buffer.op->getBlock();
  SmallVector<Value> work{buffer.op.getResult()};
  llvm::DenseSet<Value> seen;
  auto extend = [&](Operation *op) {
    buffer.first = std::min(buffer.first, begin.lookup(op));
    buffer.last = std::max(buffer.last, end.lookup(op));
  };
  while (!work.empty()) {
    Value v = work.pop_back_val();
    if (!seen.insert(v).second)
      continue;
    for (OpOperand &use : v.getUses()) {
      Operation *user = use.getOwner();
      if (Operation *here = home->findAncestorOpInBlock(*user)) {
        extend(here);
      } else { // left its block: it lives as long as what holds the block
        extend(home->getParentOp());
        extend(user);
      }
      follow(use, work);
    }
  }
  if (buffer.rounds)
    extend(buffer.rounds);
}

/// A buffer of the outermost block that ends by being copied to an output, which
/// nothing else touches, is that output: loops that update in place begin with a
/// copy of what they update, and leave the result there.
void useOutputs(func::FuncOp function) {
  Lifetimes lifetimes(function);
  SmallVector<memref::AllocOp> buffers(function.front().getOps<memref::AllocOp>());
  for (memref::AllocOp op : buffers) {
    Buffer buffer(op);
    lifetimes.find(buffer);
    for (Operation *user : op->getUsers()) {
      auto copy = dyn_cast<memref::CopyOp>(user);
      if (!copy || copy.getSource() != op.getResult() || copy->getBlock() != op->getBlock() ||
          !lifetimes.endsWith(buffer, copy))
        continue;
      auto output = dyn_cast<BlockArgument>(copy.getTarget());
      if (!output || output.getOwner() != op->getBlock() || !output.hasOneUse() ||
          output.getType() != op.getType())
        continue;
      copy.erase();
      op.replaceAllUsesWith(Value(output));
      op.erase();
      break;
    }
  }
}

//===----------------------------------------------------------------------===//
// Plan
//===----------------------------------------------------------------------===//

class ArenaPlan {
public:
  explicit ArenaPlan(func::FuncOp function);

  /// Offsets of the dynamic slots, and last the bytes of all, as index values
  /// over `dims`; null when a size depends on more than them.
  std::optional<SmallVector<Value>> emit(OpBuilder &b, Location loc, ValueRange dims) const;
  void place();
  /// Fails when a number of bytes does not fit.
  LogicalResult checkSizes() const;
  ArrayRef<Buffer> buffers() const { return all; }

private:
  void placeStatic(Buffer &buffer);
  void placeDynamic(Buffer &buffer);
  void forget(int64_t begin);
  Value bytes(OpBuilder &b, Location loc, SizeCloner &sizes, const Buffer &buffer) const;

  func::FuncOp function;
  SmallVector<Buffer> all;
  SmallVector<SmallVector<unsigned>> slots;
  /// Of those placed, what a later one may overlap: the static ones, and those of each slot.
  SmallVector<unsigned> near;
  SmallVector<SmallVector<unsigned>> nearSlots;
  int64_t staticBytes = 0;
};

ArenaPlan::ArenaPlan(func::FuncOp function) : function(function) {
  Lifetimes lifetimes(function);
  function.walk([&](memref::AllocOp op) {
    Buffer buffer(op);
    lifetimes.find(buffer);
    all.push_back(buffer);
  });
}

LogicalResult ArenaPlan::checkSizes() const {
  double bytes = 0;
  for (const Buffer &buffer : all) {
    double size = elementBytes(buffer.type());
    for (int64_t extent : buffer.type().getShape())
      size *= ShapedType::isDynamic(extent) ? 1 : extent;
    bytes += size * std::max<int64_t>(buffer.knownCount().value_or(1), 0);
  }
  if (bytes <= 0x1p56)
    return success();
  return function->emitError("`") << func::FuncOp(function).getName()
                                  << "` needs more memory than a machine has";
}

void ArenaPlan::placeStatic(Buffer &buffer) {
  auto size = [](const Buffer &b) {
    return staticSize(b.type()) * std::max<int64_t>(*b.knownCount(), 0);
  };
  SmallVector<const Buffer *> busy;
  for (unsigned other : near)
    if (all[other].overlaps(buffer))
      busy.push_back(&all[other]);
  llvm::sort(busy, [](const Buffer *x, const Buffer *y) { return x->offset < y->offset; });
  for (const Buffer *other : busy) {
    if (buffer.offset + size(buffer) <= other->offset)
      break;
    buffer.offset = std::max(buffer.offset, other->offset + size(*other));
  }
  staticBytes = std::max(staticBytes, buffer.offset + size(buffer));
  near.push_back(&buffer - all.begin());
}

void ArenaPlan::placeDynamic(Buffer &buffer) {
  auto same = [&](unsigned other) { return sameSize(all[other], buffer); };
  std::optional<unsigned> best;
  for (auto [i, slot] : llvm::enumerate(slots)) {
    if (llvm::any_of(nearSlots[i], [&](unsigned o) { return all[o].overlaps(buffer); }))
      continue;
    bool fits = llvm::any_of(slot, same);
    if (!best || fits)
      best = i;
    if (fits)
      break;
  }
  if (!best) {
    best = slots.size();
    slots.emplace_back();
    nearSlots.emplace_back();
  }
  buffer.slot = *best;
  slots[*best].push_back(&buffer - all.begin());
  nearSlots[*best].push_back(&buffer - all.begin());
}

/// What ends before `begin` is in nobody's way any more.
void ArenaPlan::forget(int64_t begin) {
  auto isOver = [&](unsigned i) { return all[i].last < begin; };
  llvm::erase_if(near, isOver);
  for (SmallVector<unsigned> &slot : nearSlots)
    llvm::erase_if(slot, isOver);
}

void ArenaPlan::place() {
  SmallVector<int64_t> begins(all.size()); // of each buffer and all behind it
  int64_t begin = INT64_MAX;
  for (size_t i = all.size(); i-- > 0;)
    begins[i] = begin = std::min(begin, all[i].first);
  for (auto [i, buffer] : llvm::enumerate(all)) {
    forget(begins[i]);
    if (buffer.isStatic())
      placeStatic(buffer);
    else
      placeDynamic(buffer);
  }
}

Value ArenaPlan::bytes(OpBuilder &b, Location loc, SizeCloner &sizes, const Buffer &buffer) const {
  SmallVector<Value> dynamic;
  for (Value v : buffer.op->getOperands()) {
    dynamic.push_back(sizes.clone(v));
    if (!dynamic.back())
      return {};
  }
  Value total = emitSize(b, loc, buffer.type(), dynamic);
  if (!buffer.rounds)
    return total;
  Value count = sizes.clone(buffer.count());
  if (!count)
    return {};
  count = arith::MaxSIOp::create(b, loc, count, arith::ConstantIndexOp::create(b, loc, 0));
  return arith::MulIOp::create(b, loc, total, count);
}

std::optional<SmallVector<Value>> ArenaPlan::emit(OpBuilder &b, Location loc,
                                                  ValueRange dims) const {
  SizeCloner sizes(function, b, dims);
  SmallVector<Value> result;
  Value end = arith::ConstantIndexOp::create(b, loc, staticBytes);
  for (ArrayRef<unsigned> slot : slots) {
    result.push_back(end);
    Value largest;
    for (auto [number, i] : llvm::enumerate(slot)) {
      auto same = [&](unsigned other) { return sameSize(all[other], all[i]); };
      if (llvm::any_of(slot.take_front(number), same))
        continue;
      Value size = bytes(b, loc, sizes, all[i]);
      if (!size)
        return {};
      largest = largest ? arith::MaxSIOp::create(b, loc, largest, size).getResult() : size;
    }
    end = arith::AddIOp::create(b, loc, end, largest);
  }
  // One more: an element of the last buffer can be read even if it is empty.
  Value slack = arith::ConstantIndexOp::create(b, loc, alignment);
  result.push_back(arith::AddIOp::create(b, loc, end, slack));
  return result;
}

struct PlanArenaPass : impl::PlanArenaBase<PlanArenaPass> {
  using PlanArenaBase::PlanArenaBase;

  void runOnOperation() override {
    for (auto function : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (isEntry(function) && failed(plan(function)))
        return signalPassFailure();
  }

  LogicalResult plan(func::FuncOp function) {
    Location loc = function.getLoc();
    useOutputs(function);
    ArenaPlan arena(function);
    if (failed(arena.checkSizes()))
      return failure();
    arena.place();
    numBuffers += arena.buffers().size();
    EntryArguments arguments(function);

    // The size of the arena, as a function of its own: for the call of `prepare`.
    OpBuilder b(function);
    SmallVector<Type> dims(arguments.status, b.getIndexType());
    auto size = func::FuncOp::create(b, loc, (function.getName() + ".arena").str(),
                                     b.getFunctionType(dims, b.getIndexType()));
    size.setPrivate();
    b.setInsertionPointToStart(size.addEntryBlock());
    auto total = arena.emit(b, loc, size.getArguments());
    if (!total)
      return function.emitError("the size of a buffer does not follow from the dimensions");
    func::ReturnOp::create(b, loc, total->back());
    b.setInsertionPoint(size.front().getTerminator());
    SmallVector<Value> results;
    for (unsigned i = arguments.outputs; i < arguments.arena; ++i) {
      auto type = cast<MemRefType>(function.getArgument(i).getType());
      SizeCloner sizes(function, b, size.getArguments());
      Value product = arith::ConstantIndexOp::create(b, loc, elementBytes(type));
      for (int64_t d = 0; d < type.getRank(); ++d)
        product =
            arith::MulIOp::create(b, loc, product, sizes.extentOf(function.getArgument(i), d, loc));
      results.push_back(product);
    }
    saturateBytes(size, results);
    setEntryMember(function, "arena", FlatSymbolRefAttr::get(size));

    auto bytes = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
    (void)function.insertArgument(function.getNumArguments(), bytes, {}, loc);
    Value memory = function.getArguments().back();
    b.setInsertionPointToStart(&function.front());
    SmallVector<Value> slots =
        *arena.emit(b, loc, function.getArguments().take_front(arguments.status));
    for (const Buffer &buffer : arena.buffers())
      place(buffer, memory, slots);
    return success();
  }

  /// Makes the buffer a view of the arena.
  static void place(const Buffer &buffer, Value memory, ArrayRef<Value> slots) {
    memref::AllocOp op = buffer.op;
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Value offset;
    if (!buffer.isStatic()) {
      offset = slots[buffer.slot];
    } else if (buffer.rounds) {
      // In front of the loop, so that the loop is the same wherever the buffer lies.
      b.setInsertionPoint(buffer.rounds);
      int64_t bytes = staticSize(buffer.type()) * std::max<int64_t>(*buffer.knownCount(), 0);
      memory =
          memref::ViewOp::create(b, MemRefType::get({bytes}, b.getI8Type()), memory,
                                 arith::ConstantIndexOp::create(b, buffer.offset), ValueRange());
      b.setInsertionPoint(op);
    } else {
      offset = arith::ConstantIndexOp::create(b, buffer.offset);
    }
    if (buffer.rounds) {
      Value size = emitSize(b, op.getLoc(), buffer.type(), op.getDynamicSizes());
      Value start = arith::MulIOp::create(b, buffer.rounds->getRegion(0).getArgument(0), size);
      offset = offset ? arith::AddIOp::create(b, offset, start).getResult() : start;
    }
    Value view = memref::ViewOp::create(b, op.getType(), memory, offset, op.getDynamicSizes());
    op.replaceAllUsesWith(view);
    op.erase();
  }
};

} // namespace
} // namespace mad
