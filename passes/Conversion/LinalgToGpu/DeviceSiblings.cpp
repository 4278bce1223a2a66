//===- DeviceSiblings.cpp - Products that share a factor, as one launch -----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/LinalgToGpu/DeviceSiblings.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Transforms/Kernels.h"
#include "passes/Transforms/Memory.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
namespace {

/// Products in one launch, and ops that are looked at for one more.
constexpr size_t mostProducts = 8;
constexpr int mostOps = 64;

bool isMemory(Value v) { return isa<MemRefType>(v.getType()); }

bool haveEqualBodies(GenericOp x, GenericOp y) {
  return x.getIndexingMapsArray() == y.getIndexingMapsArray() &&
         x.getIteratorTypesArray() == y.getIteratorTypesArray() &&
         OperationEquivalence::isRegionEquivalentTo(&x.getRegion(), &y.getRegion(),
                                                    OperationEquivalence::IgnoreLocations);
}

/// Whether both do the same with memory of the same types.
bool areAlike(const Followers &x, const Followers &y) {
  if (x.ops().size() != y.ops().size())
    return false;
  for (auto [one, other] : llvm::zip(x.ops(), y.ops())) {
    GenericOp first = one, second = other;
    if (!haveEqualBodies(first, second))
      return false;
    for (auto [v, w] : llvm::zip_equal(first->getOperands(), second->getOperands()))
      if (v.getType() != w.getType() || (!isMemory(v) && v != w))
        return false;
  }
  return true;
}

/// Memory that ops use, by what it lies in.
struct Accesses {
  llvm::SmallDenseSet<Value> read, written;

  /// False: not known.
  bool add(Operation *op) {
    if (isa<memref::AllocOp>(op) || isMemoryEffectFree(op))
      return true;
    if (!isa<GenericOp, linalg::FillOp>(op))
      return false;
    auto linalgOp = cast<linalg::LinalgOp>(op);
    bool known = true;
    op->walk([&](Operation *inner) {
      if (inner != op && !isMemoryEffectFree(inner) && !isa<memref::LoadOp>(inner))
        known = false;
      for (Value v : inner->getOperands())
        if (isMemory(v))
          known &= insert(read, v);
    });
    for (Value v : linalgOp.getDpsInits())
      known &= insert(written, v);
    return known;
  }
  bool insert(llvm::SmallDenseSet<Value> &set, Value memory) {
    Value base = baseOf(memory);
    if (base)
      set.insert(base);
    return bool(base);
  }
  /// Whether ops of these and of the others can change places.
  bool isApartFrom(const Accesses &other) const {
    auto meet = [](const llvm::SmallDenseSet<Value> &x, const llvm::SmallDenseSet<Value> &y) {
      return llvm::any_of(x, [&](Value v) { return y.contains(v); });
    };
    return !meet(written, other.read) && !meet(written, other.written) &&
           !meet(read, other.written);
  }
};

/// Moves values in front of an op of their block.
class Hoist {
public:
  explicit Hoist(Operation *place) : place(place) {}
  /// Whether it is possible.
  bool plan(Value v) {
    Operation *def = v.getDefiningOp();
    if (!def || def->getBlock() != place->getBlock() || def->isBeforeInBlock(place) ||
        ops.contains(def))
      return true;
    if (def->getNumRegions() || (!isa<memref::AllocOp>(def) && !isMemoryEffectFree(def)) ||
        !llvm::all_of(def->getOperands(), [&](Value operand) { return plan(operand); }))
      return false;
    ops.insert(def);
    return true;
  }
  bool plan(GenericOp op) {
    bool good = llvm::all_of(op->getOperands(), [&](Value v) { return plan(v); });
    op.getBody()->walk([&](Operation *inner) {
      for (Value v : inner->getOperands())
        if (v.getParentRegion() != &op.getRegion())
          good = good && plan(v);
    });
    return good;
  }
  void run() {
    for (Operation *op : ops)
      op->moveBefore(place);
  }

private:
  Operation *place;
  llvm::SetVector<Operation *> ops; ///< operands before users
};

/// The products that are taken so far, and what lies between.
class Search {
public:
  Search(DeviceFunction &f, const Contraction &first, const Followers &followers, Value initial)
      : f(f), first(first), followers(followers), initial(initial) {}
  std::vector<Sibling> run();

private:
  bool isLike(const Contraction &other);
  bool take(GenericOp op);
  /// What lies between, without the op and its followers; nothing where that is not known.
  std::optional<Accesses> accessesBefore(const Sibling &sibling);

  DeviceFunction &f;
  const Contraction &first;
  const Followers &followers;
  Value initial;
  std::vector<Sibling> found;
};

bool Search::isLike(const Contraction &other) {
  GenericOp x = first.op, y = other.op;
  if (first.a != other.a || x->getOperand(first.a) != y->getOperand(first.a) ||
      !haveEqualBodies(x, y))
    return false;
  auto b = cast<MemRefType>(x->getOperand(first.b).getType());
  return b.hasStaticShape() && y->getOperand(first.b).getType() == b &&
         x->getOperand(2).getType() == y->getOperand(2).getType() &&
         !f.scalars.isOnDevice(y->getOperand(first.b)) && !f.scalars.isOnDevice(y->getOperand(2));
}

std::optional<Accesses> Search::accessesBefore(const Sibling &sibling) {
  Accesses between;
  for (Operation *op = first.op; op != sibling.work.op; op = op->getNextNode())
    if (!llvm::is_contained(sibling.work.fills, op) && !between.add(op))
      return {};
  return between;
}

bool Search::take(GenericOp op) {
  bool contract = false;
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 || f.groups.contains(op) ||
      !isSumOfProducts(op, contract))
    return false;
  std::optional<Contraction> product = Contraction::match(op);
  if (!product || !isLike(*product))
    return false;
  Sibling sibling{{op, fillsBefore(op), {}}, {}};
  Value memory = op->getOperand(2), begin = sibling.work.initialOf(memory);
  Attribute x, y;
  if (!begin || !matchPattern(begin, m_Constant(&x)) || !matchPattern(initial, m_Constant(&y)) ||
      x != y)
    return false;
  if (!followers.empty())
    sibling.followers =
        Followers::behind(f, *product, {baseOf(op->getOperand(0)), baseOf(op->getOperand(1))});
  if (!areAlike(followers, sibling.followers))
    return false;
  Accesses own;
  Hoist hoist(first.op);
  SmallVector<Operation *> ops{op};
  llvm::append_range(ops, sibling.followers.ops());
  llvm::append_range(ops, sibling.work.fills);
  for (Operation *each : ops)
    if (!own.add(each) || (isa<GenericOp>(each) && !hoist.plan(cast<GenericOp>(each))))
      return false;
  auto between = accessesBefore(sibling);
  if (!between || !own.isApartFrom(*between))
    return false;
  hoist.run();
  found.push_back(std::move(sibling));
  return true;
}

std::vector<Sibling> Search::run() {
  Attribute constant;
  if (!matchPattern(initial, m_Constant(&constant)))
    return {};
  Operation *next = first.op->getNextNode();
  for (int i = 0; next && i < mostOps && found.size() + 1 < mostProducts; ++i) {
    auto generic = dyn_cast<GenericOp>(next);
    next = next->getNextNode();
    if (generic)
      take(generic);
  }
  return std::move(found);
}

} // namespace

std::vector<Sibling> siblingsOf(DeviceFunction &f, const Contraction &first,
                                const Followers &followers, Value initial) {
  return Search(f, first, followers, initial).run();
}

} // namespace mad
