//===- FuseRows.cpp - Ops that share rows, block by block -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Softmax is four ops on the same rows, attention two contractions more: op by op,
// every intermediate goes through memory. A group of such ops is computed for a few
// rows at a time instead, and what only the group uses shrinks to a block of rows.
//
// Each element is computed as before, from the same elements in the same order. What
// makes that legal: memory that the group writes is accessed by the same rows in
// every member, so no block needs anything of another.
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/FuseRows.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Transforms/Kernels.h"
#include "passes/Transforms/Passes.h"
#include "passes/Transforms/Pieces.h"
#include "passes/Transforms/Remarks.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
#define GEN_PASS_DEF_FUSEROWS
#include "passes/Transforms/Passes.h.inc"

namespace {

using rows::Group;

/// How many ops are looked at from one seed, and how many in a row that do not join.
constexpr unsigned longestRun = 96, mostApart = 16;
/// Dimensions of rows.
constexpr unsigned mostDims = 6;

class BlockFuser {
public:
  explicit BlockFuser(Block &block, rows::Accepts accepts = nullptr)
      : block(block), accepts(accepts) {}
  unsigned run(llvm::function_ref<bool(std::unique_ptr<Group>)> use);

private:
  static bool isNeutral(Operation *op);
  void sinkFills();
  std::unique_ptr<Group> grow(Operation *first, ArrayRef<unsigned> dims);

  std::unique_ptr<Group> best(GenericOp seed, size_t leastDims);
  std::unique_ptr<Group> finer(std::unique_ptr<Group> group);

  Block &block;
  rows::Accepts accepts;
  llvm::DenseSet<Operation *> taken; ///< by groups so far
};

/// What may stand between members without a look at it.
bool BlockFuser::isNeutral(Operation *op) {
  return isa<memref::AllocOp>(op) || (op->getNumRegions() == 0 && isMemoryEffectFree(op));
}

/// Brings each fill to the op that it is for.
void BlockFuser::sinkFills() {
  SmallVector<linalg::FillOp> fills(block.getOps<linalg::FillOp>());
  for (linalg::FillOp fill : llvm::reverse(fills)) {
    Value base = baseOf(fill.getDpsInits()[0]);
    for (Operation *o = fill->getNextNode(); base && o; o = o->getNextNode()) {
      bool known = isNeutral(o) || (isa<GenericOp, linalg::FillOp>(o) &&
                                    llvm::all_of(o->getOperands(), [](Value v) {
                                      return !isa<MemRefType>(v.getType()) || baseOf(v);
                                    }));
      auto op = dyn_cast<GenericOp>(o);
      bool uses = !isNeutral(o) && llvm::any_of(o->getOperands(), [&](Value v) {
        return isa<MemRefType>(v.getType()) && baseOf(v) == base;
      });
      if (op)
        op.getBody()->walk([&](memref::LoadOp load) {
          Value from = baseOf(load.getMemRef());
          known &= from != nullptr;
          uses |= from == base;
        });
      if (known && !uses)
        continue;
      if (known && op && llvm::is_contained(op.getDpsInits(), fill.getDpsInits()[0]))
        fill->moveBefore(op);
      break;
    }
  }
}

std::unique_ptr<Group> BlockFuser::grow(Operation *first, ArrayRef<unsigned> dims) {
  auto group = std::make_unique<Group>(cast<GenericOp>(first), dims, accepts);
  if (group->members.empty())
    return nullptr;
  unsigned seen = 0, apart = 0;
  SmallVector<linalg::FillOp> fills;
  for (Operation *o = first->getNextNode(); o && seen < longestRun && apart < mostApart;
       o = o->getNextNode()) {
    if (isNeutral(o))
      continue;
    ++seen;
    if (auto fill = dyn_cast<linalg::FillOp>(o)) {
      if (!baseOf(fill.getDpsInits()[0]))
        break;
      fills.push_back(fill);
      continue;
    }
    auto op = dyn_cast<GenericOp>(o);
    if (!op || !op.hasPureBufferSemantics() || taken.contains(op))
      break;
    Group::Verdict verdict = group->visit(op);
    if (verdict == Group::Verdict::Blocked)
      break;
    bool joined = verdict == Group::Verdict::Joined;
    apart = joined ? 0 : apart + 1;
    // A fill of the group's memory that does not come with its op.
    SmallVector<linalg::FillOp> own = joined ? fillsBefore(op) : SmallVector<linalg::FillOp>();
    bool loose = llvm::any_of(fills, [&](linalg::FillOp fill) {
      return group->touches(fill.getDpsInits()[0]) && !llvm::is_contained(own, fill);
    });
    if (loose) {
      if (joined)
        group->members.pop_back();
      break;
    }
    fills.clear();
  }
  return group;
}

/// The group of most ops that begins with the seed, of those the one of finest rows.
std::unique_ptr<Group> BlockFuser::best(GenericOp seed, size_t leastDims) {
  std::unique_ptr<Group> best;
  if (seed.getNumDpsInits() == 0 || !seed.hasPureBufferSemantics())
    return nullptr;
  unsigned rank = seed.getMatchingIndexingMap(seed.getDpsInitOperand(0)).getNumResults();
  SmallVector<SmallVector<unsigned>> choices;
  for (unsigned count = std::min(rank, mostDims); count > 0; --count)
    choices.push_back(llvm::to_vector(llvm::seq<unsigned>(0, count)));
  if (rank > 1)
    choices.push_back({rank - 1}); // columns
  for (ArrayRef<unsigned> dims : choices) {
    std::unique_ptr<Group> group = grow(seed, dims);
    if (group && group->pays() && group->leaves().size() >= leastDims &&
        (!best || group->members.size() > best->members.size()))
      best = std::move(group);
  }
  return best;
}

/// All ops of a batch share that, but without its first op an attention shares the
/// queries, too: the part of a group that has finer rows, where that is most of it.
std::unique_ptr<Group> BlockFuser::finer(std::unique_ptr<Group> group) {
  for (const rows::Member &member : ArrayRef(group->members).drop_front()) {
    std::unique_ptr<Group> other = best(member.op, group->leaves().size() + 1);
    if (other && 2 * other->members.size() >= group->members.size())
      return other;
  }
  return group;
}

unsigned BlockFuser::run(llvm::function_ref<bool(std::unique_ptr<Group>)> use) {
  auto reduces = [](GenericOp op) { return op.getNumReductionLoops() > 0; };
  if (llvm::count_if(block.getOps<GenericOp>(), reduces) == 0 ||
      llvm::range_size(block.getOps<GenericOp>()) < 2)
    return 0;
  sinkFills();
  unsigned fused = 0;
  SmallVector<GenericOp> seeds(block.getOps<GenericOp>());
  for (GenericOp seed : seeds) {
    std::unique_ptr<Group> group = taken.contains(seed) ? nullptr : best(seed, 1);
    if (!group)
      continue;
    group = finer(std::move(group));
    SmallVector<Operation *> ops;
    for (rows::Member &member : group->members)
      ops.push_back(member.op);
    if (!use(std::move(group)))
      continue;
    taken.insert_range(ops);
    fused += ops.size();
  }
  return fused;
}

struct FuseRowsPass : impl::FuseRowsBase<FuseRowsPass> {
  using FuseRowsBase::FuseRowsBase;

  void runOnOperation() override {
    SmallVector<Block *> blocks;
    getOperation().walk([&](Operation *op) {
      if (isa<linalg::LinalgOp>(op) || op->getParentOfType<scf::ParallelOp>())
        return;
      if (isa<func::FuncOp, scf::ForOp, scf::WhileOp, scf::IfOp>(op))
        for (Region &region : op->getRegions())
          for (Block &block : region)
            blocks.push_back(&block);
    });
    for (Block *block : blocks)
      numFused += BlockFuser(*block).run([](std::unique_ptr<Group> group) {
        Location loc = group->members.back().op.getLoc();
        size_t ops = group->members.size();
        bool good = rows::emitGroup(*group);
        if (good)
          remarkTaken(loc, llvm::Twine(ops) + " ops are computed together, a few rows at a time");
        return good;
      });
  }
};

} // namespace

unsigned rows::forGroups(Block &block, Accepts accepts,
                         llvm::function_ref<bool(std::unique_ptr<Group>)> use) {
  return BlockFuser(block, accepts).run(use);
}

} // namespace mad
