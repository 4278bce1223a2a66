//===- LutRing.h - Records of few bits on their way to a warp ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What kernels of few rows share (LutRows.cpp, LutDigits.cpp): each warp streams its records of all
// groups of tiles through a ring of its own in shared memory, and one thread finishes a column.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_GPU_LUTRING_H
#define MAD_PASSES_KERNELS_GPU_LUTRING_H

#include "passes/Kernels/Gpu/LutMatmul.h"
#include "passes/Kernels/Gpu/MatmulParts.h"

namespace mad::device {

class LutRing {
public:
  /// The rings of all warps begin at `start` bytes of shared memory.
  LutRing(GpuBuilder &g, const LutSpec &spec, const LutRowsTile &tile, mlir::Value tiles,
          int start);

  /// A warp's place in its sequence of records: a group of tiles, and a record of it.
  struct Place {
    mlir::Value group, record;
  };
  Place next(const Place &at);
  mlir::Value nextStage(mlir::Value stage);
  /// Copies of a group of its own, of nothing behind the last group of tiles.
  void start(mlir::Value stage, const Place &at);
  /// The first stages, all but one; gives the place behind them. `paced`: one at a time.
  Place fill(bool paced = false);
  /// What a walk over all groups of tiles does. `sums`: of a lane, in f32.
  struct Walk {
    int sums = 0;
    /// Where sums lie for other threads: two places, in turns, each of `tile.sumBytes`.
    int sumsAt = 0;
    /// Adds a record, which lies in a stage, to the sums. `zeros`: those of `lutLateZeros`.
    llvm::function_ref<void(mlir::Value stage, mlir::Value record, mlir::ValueRange zeros,
                            Values &sums)>
        add;
    /// Stores the sums of a group for others; behind a barrier, finishes its columns.
    llvm::function_ref<void(mlir::Value at, mlir::ValueRange sums)> leave;
    llvm::function_ref<void(mlir::Value group, mlir::Value at)> finish;
    /// In front of the records of a group, with the place that its sums will have; what it gives
    /// goes to `end` in front of the barrier, with the place of the next group.
    llvm::function_ref<Values(mlir::Value group, mlir::Value at)> begin = nullptr;
    llvm::function_ref<void(mlir::ValueRange begun, mlir::Value next)> end = nullptr;
  };
  /// From the place that `fill` gave.
  void forGroups(const Place &ahead, const Walk &walk);

  /// The start of a stage in shared memory.
  mlir::Value memory(mlir::Value stage) { return g.bytesAt(g.shared(), g.add(ring, stage)); }

  int stageBytes() const { return int(tile.stageBytes(spec)); }
  int ringBytes() const { return tile.stages * stageBytes(); }
  int recordBytes() const { return int(layout.recordBytes()); }
  /// Groups of tiles.
  int work() const { return int(tile.work(spec)); }

  mlir::Value lane, warp, first, last; ///< records of this warp

private:
  GpuBuilder &g;
  const LutSpec &spec;
  const LutRowsTile &tile;
  const lut::TileLayout &layout;
  mlir::Value tiles, ring;
};

/// Starts copies of a multiple of 16 bytes to shared memory, by all lanes of a warp.
/// `valid`: of each 16, how many come from there; zeros for the others.
void copyByLanes(GpuBuilder &g, mlir::Value lane, mlir::Value to, mlir::Value from, int bytes,
                 mlir::Value valid = nullptr);

/// Zeros of all k of a column, of the columns g and g + 8 of each of the `together` tiles of a
/// group; nothing where records have them or the format.
Values lutLateZeros(GpuBuilder &g, const LutSpec &spec, int together, mlir::Value tiles,
                    mlir::Value group, mlir::Value lane);

/// Stores the sum of a row and column: with the scale that goes with all k, and the epilogue, which
/// calls the row `epilogueRow`.
void storeLutSum(GpuBuilder &g, const LutSpec &spec, const LutArguments &arguments, mlir::Value sum,
                 mlir::Value row, mlir::Value epilogueRow, mlir::Value column);

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_LUTRING_H
