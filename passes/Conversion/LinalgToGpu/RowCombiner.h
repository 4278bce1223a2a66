//===- RowCombiner.h - What all threads of a row make of their values --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_LINALGTOGPU_ROWCOMBINER_H
#define MAD_PASSES_CONVERSION_LINALGTOGPU_ROWCOMBINER_H

#include "passes/Conversion/LinalgToGpu/DeviceRows.h"
#include "passes/Kernels/Gpu/GpuBuilder.h"
#include <functional>

namespace mad {

/// Lanes combine by shuffles, warps and threads side by side through shared memory, and the blocks
/// of a cluster through that of each other. All orders are fixed.
class RowCombiner {
public:
  RowCombiner(mlir::ImplicitLocOpBuilder &b, const RowThreads &threads)
      : b(b), signature{}, threads(threads), g(b, signature) {
    signature.threads = threads.threads();
  }
  /// `ofWarps`: the threads of a warp have combined theirs.
  mlir::Value operator()(const Combiner &combine, mlir::Value x, bool ofWarps = false);
  /// Ahead of all: the blocks of a cluster tell each other that they are there.
  void begin();
  /// Until they are. At the end, too, if nothing was combined.
  void awaitBlocks();
  /// Of rows in turns, with one reduction each: the memory of a turn that is odd is another one.
  void setOdd(mlir::Value number) { odd = number; }
  /// Of rows that come ahead: the values of blocks are sent, and `barriers` has one for each
  /// reduction, two where there is one reduction, which say that those of a turn of this parity are
  /// there. `met` makes code for when all threads have read their columns.
  void setBarriers(mlir::Value first) { barriers = first; }
  void setParity(mlir::Value number) { parity = number; }
  void setMet(std::function<void()> code) { met = std::move(code); }
  /// Until all threads of the rows of a warp, of a block or of a cluster are here, and see what the
  /// others wrote.
  void meet();

private:
  mlir::Value shuffle(mlir::Value x, int mask);
  mlir::Value acrossWarps(const Combiner &combine, mlir::Value x);
  mlir::Value acrossBlocks(const Combiner &combine, mlir::Type type, mlir::Value parts, int number);
  mlir::Value bitsOf(mlir::Value x);
  mlir::Value acrossLanes(const Combiner &combine, mlir::Value x);
  mlir::Type stored(mlir::Type type) { return type.isInteger(1) ? b.getI8Type() : type; }
  void put(mlir::Value x, mlir::Value at);
  mlir::Value take(mlir::Type type, mlir::Value at);

  mlir::ImplicitLocOpBuilder &b;
  device::KernelSignature signature;
  const RowThreads &threads;
  device::GpuBuilder g;
  int reductions = 0;
  mlir::Value odd;              ///< 0 or 1, i32; null: there are no turns, or several reductions
  mlir::Value barriers, parity; ///< null: blocks meet at the barrier of the cluster
  std::function<void()> met;
  bool haveBegun = false; ///< the blocks of the cluster
};

/// Numbers of all dimensions of a row.
llvm::SmallVector<mlir::Value> splitRow(mlir::ImplicitLocOpBuilder &b, mlir::Value number,
                                        llvm::ArrayRef<mlir::Value> sizes);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_LINALGTOGPU_ROWCOMBINER_H
