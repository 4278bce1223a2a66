//===- DeviceRows.h - Kernels in which many threads share a row --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A row is what one element of a reduction's result needs, or one row of a group of ops
// (passes/Transforms/FuseRows.h). The loops of an op that are not those of rows count its
// columns, as one number; threads of a row take columns in turn.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEROWS_H
#define MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEROWS_H

#include "passes/Conversion/LinalgToGpu/DeviceFunction.h"
#include "passes/Kernels/Gpu/GpuBuilder.h"
#include <optional>
#include <vector>

namespace mad {

/// How threads share rows.
struct RowThreads {
  int along = 32; ///< threads of a row
  int across = 1; ///< neighbouring rows whose threads are neighbours
  int rows = 4;   ///< of a block
  int held = 0;   ///< columns of a thread that stay in registers; 0: as many as there are
  /// There are at least so many columns, where only the host knows how many.
  int64_t least = 0;
  /// Of each operand that is read again (`readAgain`) so many columns stay in shared memory.
  int64_t kept = 0;
  /// Blocks that share a row, whose columns are in registers: they run at the same time and reach
  /// each other's shared memory. Chips with groups of warps alone; 1: none.
  int cluster = 1;
  /// Rows that they compute one after the other, at most. Above 1 vectors along the columns, which
  /// are at another distance from multiples of 16 bytes than rows, are in shared memory.
  int turns = 1;
  /// The blocks of a cluster compute rows in turn, and the next row is on its way to their shared
  /// memory while they compute one. So many blocks are on a multiprocessor; 0: no.
  int ahead = 0;
  int threads() const { return along / cluster * rows; } ///< of a block
  /// Or less than one.
  bool isWarp() const { return along <= device::lanesOfWarp && across == 1; }
  /// What each reduction needs, of at most 8 bytes a value.
  int sharedBytes() const {
    return isWarp() ? 0 : 8 * (across > 1 ? threads() : warps() + (cluster > 1 ? cluster : 0));
  }
  int warps() const { return threads() / device::lanesOfWarp; } ///< of a block
  bool needsGroups() const { return cluster > 1 || ahead; }     ///< a chip with groups of warps
  /// Bulk copies of what a block has of a row ahead: a block alone has neighbouring columns.
  int stripes(int vector) const { return cluster > 1 ? held / vector : 1; }
  std::string text() const;
};

/// How one access takes neighbouring columns of an operand.
struct RowAccess {
  bool isAligned = false; ///< where the number of the first one is a multiple of theirs
  bool isDense = false;   ///< where that is so for all rows in one count, without gaps
};

struct RowMember {
  DeviceWork work;
  /// For each loop the dimensions of rows that it runs over, by number; none: columns.
  llvm::SmallVector<llvm::SmallVector<unsigned, 2>> loops;
  llvm::SmallVector<mlir::Value> extents; ///< of the loops, on the host
  llvm::SmallVector<RowAccess> access;    ///< of the operands, for the plan's `vector`
};

struct RowPlan {
  llvm::SmallVector<mlir::Value> extents; ///< of the dimensions of rows, on the host
  std::vector<RowMember> members;
  /// Memory of which nobody but the members knows.
  llvm::DenseSet<mlir::Value> hidden;
  /// Columns of a row in pieces, each of which leaves what it has got in memory:
  /// [row, piece]. For a single member with one output.
  mlir::Value pieces, parts;      ///< null: none
  mlir::linalg::GenericOp behind; ///< of a single member, see `opBehind`; null: none
  bool sameColumns = true;        ///< members with columns have as many
  int vector = 1;                 ///< neighbouring columns of a thread
  bool shifted = false; ///< groups of them begin where rows that lie without gaps may be accessed
};

/// Chooses `vector`.
void setAccess(DeviceFunction &f, RowPlan &plan);

/// Up to here a warp has a row, else a block.
constexpr int64_t columnsOfWarp = 1024;
/// Of a kernel that combines through memory.
constexpr int mostReductions = 16;
inline RowThreads warpARow() { return {}; }
inline RowThreads blockARow(int threads) { return {threads, 1, 1, 0}; }
/// For rows of a known length.
RowThreads threadsFor(const RowPlan &plan, int64_t columns);
/// Columns in registers where their number is small enough; a warp or a block a row.
void launchAlong(DeviceFunction &f, const RowPlan &plan, mlir::Value columns);

/// Launches the kernel of a plan.
void launchRows(DeviceFunction &f, const RowPlan &plan, const RowThreads &threads);
/// Combines what pieces have left.
void launchParts(DeviceFunction &f, const RowPlan &plan, const RowThreads &threads);

/// Whether groups of rows that begin anywhere are whole: what lies in front of them and behind them
/// is a column each for the first threads. So it is where one block has a row that comes ahead.
inline bool hasEdges(const RowPlan &plan, const RowThreads &threads) {
  return plan.shifted && threads.ahead && threads.cluster == 1;
}

/// A vector along the columns of which each thread has its own columns in shared memory.
struct RowSlot {
  const RowMember *member; ///< that reads it first
  mlir::OpOperand *operand;
  int64_t offset; ///< of the block's memory, behind what else is there
};
struct RowSlots {
  llvm::SmallVector<RowSlot, 4> all;
  int64_t bytes = 0; ///< of a block
};
/// Those that rows begin at another distance from multiples of 16 bytes than; of rows that come
/// ahead all vectors.
RowSlots slotsOf(const RowPlan &plan, const RowThreads &threads);
/// Inputs of which rows may come ahead (RowAhead.cpp): all that have their own columns for each
/// row. Nothing where one of them may not.
std::optional<RowSlots> slotsAhead(const RowPlan &plan, const RowThreads &threads);
/// What launches of such rows are like: clusters, and bytes of shared memory.
mlir::Value clustersAhead(DeviceFunction &f, const RowPlan &plan, const RowThreads &threads);
int64_t sharedAhead(const RowPlan &plan, const RowThreads &threads);
/// Values that the members of a plan reduce.
int reductionsOf(const RowPlan &plan);
/// Of the columns that an operand has, which memory, and how rows of the kernel are its rows.
using RowColumns = std::pair<const void *, std::vector<int64_t>>;
RowColumns rowColumnsOf(const RowMember &member, mlir::OpOperand &operand);

/// Memory of which several members read the same columns, and none writes any, by root.
llvm::SmallVector<mlir::Value> readAgain(const RowPlan &plan);
/// Whether an operand has a column for each step of the columns of its op.
bool hasRowColumns(const RowMember &member, mlir::OpOperand &operand);

/// Whether an access of an op has all of its columns in the order of its loops.
bool isInOrder(mlir::linalg::GenericOp op, mlir::AffineMap map,
               llvm::function_ref<bool(unsigned loop)> isColumn);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEROWS_H
