//===- MergeEqualOps.cpp - Common subexpressions of values ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Transforms/Passes.h"
#include "llvm/ADT/ScopedHashTable.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_MERGEEQUALOPS
#include "passes/Transforms/Passes.h.inc"

namespace {

llvm::hash_code hashOf(Operation *op) {
  llvm::hash_code hash = OperationEquivalence::computeHash(
      op, OperationEquivalence::directHashValue, OperationEquivalence::ignoreHashValue,
      OperationEquivalence::IgnoreLocations);
  for (Region &region : op->getRegions()) {
    auto outside = [&](Value v) {
      return region.isAncestor(v.getParentRegion()) ? llvm::hash_code(0) : mlir::hash_value(v);
    };
    region.walk([&](Operation *inner) {
      hash = llvm::hash_combine(hash, OperationEquivalence::computeHash(
                                          inner, outside, OperationEquivalence::ignoreHashValue,
                                          OperationEquivalence::IgnoreLocations));
    });
  }
  return hash;
}

/// An op, equal to those that compute the same.
struct Key {
  Operation *op;
  size_t hash;
};

struct KeyInfo {
  using Pointers = llvm::DenseMapInfo<Operation *>;
  static Key getEmptyKey() { return {Pointers::getEmptyKey(), 0}; }
  static Key getTombstoneKey() { return {Pointers::getTombstoneKey(), 0}; }
  static unsigned getHashValue(const Key &key) { return unsigned(key.hash); }
  static bool isEqual(const Key &a, const Key &b) {
    if (a.op == b.op)
      return true;
    auto isMark = [](Operation *op) {
      return op == Pointers::getEmptyKey() || op == Pointers::getTombstoneKey();
    };
    return !isMark(a.op) && !isMark(b.op) && a.hash == b.hash &&
           OperationEquivalence::isEquivalentTo(a.op, b.op, OperationEquivalence::IgnoreLocations);
  }
};

using Known = llvm::ScopedHashTable<Key, Operation *, KeyInfo>;

struct MergeEqualOpsPass : impl::MergeEqualOpsBase<MergeEqualOpsPass> {
  using MergeEqualOpsBase::MergeEqualOpsBase;

  void runOnOperation() override {
    Known known;
    merge(getOperation().getBody(), known);
  }

private:
  void merge(Region &region, Known &known) {
    // What one block knows need not hold in another.
    for (Block &block : region) {
      Known::ScopeTy scope(known);
      // The inside first: an op that is known must stay as it is.
      for (Operation &op : llvm::make_early_inc_range(block)) {
        mergeInside(op, known);
        (void)replaced(&op, known);
      }
    }
  }

  void mergeInside(Operation &op, Known &known) {
    for (Region &region : op.getRegions()) {
      if (!op.hasTrait<OpTrait::IsIsolatedFromAbove>()) {
        merge(region, known);
        continue;
      }
      Known nothing;
      merge(region, nothing);
    }
  }

  bool replaced(Operation *op, Known &known) {
    if (isOpTriviallyDead(op)) {
      op->erase();
      return true;
    }
    if (op->hasTrait<OpTrait::IsTerminator>() || op->getNumResults() == 0 ||
        !isMemoryEffectFree(op))
      return false;
    Key key{op, hashOf(op)};
    if (Operation *same = known.lookup(key)) {
      op->replaceAllUsesWith(same);
      op->erase();
      ++numMerged;
      return true;
    }
    known.insert(key, op);
    return false;
  }
};

} // namespace
} // namespace mad
