//===- RowKernel.h - The code of a kernel of rows -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What ops make of a row as a whole is a value that all of its threads have. What they make
// of its columns stays in the registers of the thread, where those are few enough (`held`), or
// goes through memory, in which each thread finds its own columns again; a barrier stands before
// other accesses.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_LINALGTOGPU_ROWKERNEL_H
#define MAD_PASSES_CONVERSION_LINALGTOGPU_ROWKERNEL_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/Conversion/LinalgToGpu/RowCombiner.h"

namespace mad {

/// Accumulators of a thread, and steps of a block of a long sum.
constexpr int64_t unroll = 4, blockSteps = 256;

using Values = llvm::SmallVector<mlir::Value>;

class RowKernel {
public:
  RowKernel(DeviceKernel &kernel, const RowPlan &plan, const RowThreads &threads,
            llvm::ArrayRef<llvm::SmallVector<mlir::Value>> extents)
      : kernel(kernel), plan(plan), threads(threads), extents(extents), b(kernel.builder()),
        combineRow(b, threads) {}
  /// `rows` and what else is of the host are values of the kernel.
  void emit(mlir::Value rows, llvm::ArrayRef<mlir::Value> rowExtents, mlir::Value pieces);

private:
  struct Columns {
    llvm::SmallVector<unsigned> loops; ///< that are longer than one
    mlir::Value count;
    std::optional<int64_t> known;
    bool areThose(const Columns &other) const {
      return known ? known == other.known : count == other.count;
    }
  };
  /// An op on columns that is computed where its result is read, again each time.
  struct Waiting {
    const RowMember *member = nullptr;
    Columns columns;
    llvm::ArrayRef<mlir::Value> sizes;
    llvm::DenseMap<mlir::Value, mlir::Value> rowValues; ///< when it was its turn
    int64_t cost = 0;                                   ///< ops
  };
  mlir::Value constant(int64_t value) { return mlir::arith::ConstantIndexOp::create(b, value); }
  mlir::Value add(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::AddIOp>(x, y);
  }
  mlir::Value mul(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::MulIOp>(x, y);
  }
  mlir::Value min(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::MinSIOp>(x, y);
  }
  mlir::Value less(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::CmpIOp>(mlir::arith::CmpIPredicate::slt, x, y);
  }
  void placeRow(mlir::Value rows, llvm::ArrayRef<mlir::Value> rowExtents);
  Values loops(mlir::Value from, mlir::Value to, mlir::Value step, mlir::ValueRange start,
               llvm::function_ref<Values(mlir::Value, llvm::ArrayRef<mlir::Value>)> body);
  void when(mlir::Value condition, llvm::function_ref<void()> body);

  Columns columnsOf(const RowMember &member, llvm::ArrayRef<mlir::Value> sizes);
  bool isColumn(const RowMember &member, unsigned loop) { return member.loops[loop].empty(); }
  bool isInOrder(const RowMember &member, mlir::OpOperand &operand);
  Values indices(const RowMember &member, const Columns &columns, mlir::Value column,
                 llvm::ArrayRef<mlir::Value> sizes);
  mlir::Value read(const RowMember &member, mlir::OpOperand &operand,
                   llvm::ArrayRef<mlir::Value> at, int number);
  Values arguments(const RowMember &member, llvm::ArrayRef<mlir::Value> at, int number);
  bool mustStore(mlir::Value memory, bool isRowValue);
  void beforeMember(const RowMember &member);
  void preload(const RowMember &member, const Columns &columns, llvm::ArrayRef<mlir::Value> sizes);
  mlir::Value columnOf(int number) { return add(lane, constant(int64_t(number) * threads.along)); }

  bool isElementwise(const RowMember &member);
  bool mayWait(size_t number);
  mlir::Value valueOf(const Waiting &waiting);

  void emitMember(size_t number);
  void emitRowValue(const RowMember &member, llvm::ArrayRef<mlir::Value> sizes);
  void emitColumns(const RowMember &member, const Columns &columns,
                   llvm::ArrayRef<mlir::Value> sizes);
  void emitHeldColumns(const RowMember &member, const Columns &columns,
                       llvm::ArrayRef<mlir::Value> sizes);
  void emitReduction(const RowMember &member, const Columns &columns,
                     llvm::ArrayRef<mlir::Value> sizes);
  Values reduceHeld(const RowMember &member, llvm::ArrayRef<Combiner> combiners,
                    const Columns &columns, llvm::ArrayRef<mlir::Value> sizes);
  Values reduceLoop(const RowMember &member, llvm::ArrayRef<Combiner> combiners,
                    const Columns &columns, llvm::ArrayRef<mlir::Value> sizes);
  Values others(const RowMember &member, llvm::ArrayRef<Combiner> combiners,
                llvm::ArrayRef<mlir::Value> at, int number);
  void keepRowValue(const RowMember &member, mlir::OpOperand &output, mlir::Value value,
                    llvm::ArrayRef<mlir::Value> at);

  DeviceKernel &kernel;
  const RowPlan &plan;
  const RowThreads &threads;
  llvm::ArrayRef<llvm::SmallVector<mlir::Value>> extents; ///< of the loops of each member
  mlir::ImplicitLocOpBuilder &b;
  RowCombiner combineRow;
  mlir::Value lane, active, row; ///< active: null where all threads have a row
  Values rowIndices, rowSizes;
  mlir::Value piece, pieces;
  llvm::DenseMap<mlir::Value, mlir::Value> rowValues; ///< by base
  llvm::DenseMap<mlir::Value, Values> heldColumns;    ///< by root
  llvm::DenseMap<mlir::Value, Waiting> waiting;       ///< by root
  mlir::Value currentColumn;
  llvm::DenseSet<mlir::Value> written, readAnywhere; ///< bases, since the last barrier
};

} // namespace mad

#endif // MAD_PASSES_CONVERSION_LINALGTOGPU_ROWKERNEL_H
