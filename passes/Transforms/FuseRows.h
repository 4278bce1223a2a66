//===- FuseRows.h - Ops that share rows -------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_FUSEROWS_H
#define MAD_PASSES_TRANSFORMS_FUSEROWS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/Transforms/Memory.h"
#include "llvm/ADT/MapVector.h"
#include <memory>

namespace mad::rows {

/// A dimension of the rows that a group shares, as long as `memory` is along `dim`. A
/// reshape may show that it is several.
struct Atom {
  mlir::Value memory;
  int64_t dim;
  llvm::SmallVector<Atom *, 2> parts;
};
using Atoms = llvm::SmallVector<Atom *, 2>;
/// For each dimension of a memref or loop of an op the dimensions of rows that it
/// runs over; none: all of it belongs to one row.
using Signature = llvm::SmallVector<Atoms>;

/// Those of which no reshape has shown parts.
Atoms leavesOf(llvm::ArrayRef<Atom *> atoms);

struct Member {
  mlir::linalg::GenericOp op;
  llvm::SmallVector<mlir::linalg::FillOp> fills; ///< of its outputs, right before it
  Signature loops;
};

/// What the members of a group do with a piece of memory.
struct Memory {
  mlir::Value root;    ///< the value below reshapes
  Signature signature; ///< of the root
  bool isWritten = false;
  bool isAligned = true; ///< all accesses to a row are by that row
  unsigned uses = 0;     ///< members that touch it
};

/// Whether a group may have an op with such loops.
using Accepts = llvm::function_ref<bool(mlir::linalg::GenericOp, const Signature &)>;

/// Ops that can be computed together, a block of rows after the other.
class Group {
public:
  /// The rows are the dimensions `dims` of the output of `seed`.
  Group(mlir::linalg::GenericOp seed, llvm::ArrayRef<unsigned> dims, Accepts accepts = nullptr);

  enum class Verdict {
    Joined,
    Apart,  ///< can be computed before the group
    Blocked ///< needs the group to be computed before
  };
  Verdict visit(mlir::linalg::GenericOp op);
  /// Whether the group or what it reads has to do with this memory.
  bool touches(mlir::Value memory) const { return memories.contains(baseOf(memory)); }

  /// Whether there is memory that stays in the cache from one member to the next.
  bool pays() const;
  Atoms leaves() const { return leavesOf(space); }
  bool hasContraction() const { return contracts; }
  /// Whether the last dimension of rows is the innermost of longer memory.
  bool hasColumns() const;
  /// What only members use, and can shrink to a block.
  bool isPrivate(mlir::Value base) const;
  /// Null where the value is no reshape of memory with rows.
  std::optional<Signature> signatureOf(mlir::Value memory);

  llvm::SmallVector<Member> members;
  llvm::MapVector<mlir::Value, Memory> memories; ///< by base

private:
  bool join(mlir::linalg::GenericOp op, Signature loops);
  std::optional<Signature> loopsOf(mlir::linalg::GenericOp op, bool written);
  bool isLegal(mlir::linalg::GenericOp op, const Signature &loops);
  bool note(mlir::OpOperand &operand, mlir::linalg::GenericOp op, const Signature &loops,
            bool dryRun);
  bool coversRows(const Signature &signature) const;
  bool isWideContraction(mlir::linalg::GenericOp op, const Signature &loops, bool &contraction);

  std::optional<Signature> below(mlir::Value view, const Signature &signature);
  bool distribute(llvm::ArrayRef<Atom *> from, mlir::Value memory, llvm::ArrayRef<int64_t> dims,
                  Signature &to);
  bool concat(const Signature &from, mlir::MemRefType type, llvm::ArrayRef<int64_t> dims,
              Atoms &to);
  Atom *make(mlir::Value memory, int64_t dim);

  Accepts accepts; ///< null: any
  std::vector<std::unique_ptr<Atom>> atoms;
  Atoms space;
  bool contracts = false;
};

/// What sizes have in common that are known to be the same, as the parameter of an entry and the
/// extent of its argument; null: nothing is known.
mlir::OpFoldResult sizeKey(mlir::Value size);

/// Marks the loops over blocks of rows: where one piece is all of them, nothing else does.
constexpr llvm::StringLiteral blocksAttribute = "blocks";
/// Whether an op belongs to a loop over pieces, or over blocks of rows.
bool isPart(mlir::Operation *op);

/// Finds groups in a block, in order. `use` says whether it takes one, or will: then its ops
/// are in no other. Returns how many ops were taken.
unsigned forGroups(mlir::Block &block, Accepts accepts,
                   llvm::function_ref<bool(std::unique_ptr<Group>)> use);

/// Computes the group in blocks, in place of its last member. False if that does not
/// pay for its sizes; then nothing has changed.
bool emitGroup(Group &group);

} // namespace mad::rows

#endif // MAD_PASSES_TRANSFORMS_FUSEROWS_H
