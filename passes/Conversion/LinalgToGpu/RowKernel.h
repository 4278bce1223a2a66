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
#include <map>
#include <optional>

namespace mad {

using Values = llvm::SmallVector<mlir::Value>;

class RowKernel {
public:
  RowKernel(DeviceKernel &kernel, const RowPlan &plan, const RowThreads &threads,
            llvm::ArrayRef<llvm::SmallVector<mlir::Value>> extents)
      : kernel(kernel), plan(plan), threads(threads), extents(extents), b(kernel.builder()),
        combineRow(b, threads), signature{}, g(b, signature),
        vector(threads.across > 1 ? 1 : plan.vector) {}
  /// `rows` and what else is of the host are values of the kernel. `stride`: from a row to that of
  /// the next turn; null: there is one turn.
  void emit(mlir::Value rows, llvm::ArrayRef<mlir::Value> rowExtents, mlir::Value pieces,
            mlir::Value stride);

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
  /// Memory with columns in shared memory: where, and the member that puts them there.
  struct Kept {
    int64_t offset;
    const RowMember *filler = nullptr;
  };
  /// Neighbouring columns of a thread, for which code is being made.
  struct Group {
    Values columns;         ///< that may be read in their place
    mlir::Value first;      ///< where rows begin anywhere; may be before the row
    Values inside;          ///< whether they are there; null: always
    mlir::Value readsWhole; ///< whether all may be read at a time; null: always
    mlir::Value isWhole;    ///< whether all are there; null: always
    bool isPartly = false;  ///< some may be there where not all are
    int number = -1;        ///< of the first one in registers
    llvm::DenseMap<mlir::OpOperand *, Values> loaded;
    bool isSingle() const { return columns.size() == 1; }
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
  void setRow(mlir::Value number, mlir::Value rows);
  void emitRow();
  void emitTurns(mlir::Value rows, mlir::Value stride);
  void fillSlots();
  void beginAhead();
  void emitAhead(mlir::Value first, mlir::Value rows, mlir::Value stride);
  void copyAhead(mlir::Value number, mlir::Value rows);
  const RowSlot *aheadOf(const RowMember &member, mlir::OpOperand &operand);
  mlir::Value lineOffset(const RowSlot &input);
  Values loadAhead(const RowSlot &input, const RowMember &member);
  mlir::Value columnAhead(const RowSlot &input, mlir::Value column);
  mlir::Value loadSingle(mlir::Value memory, mlir::Value address);
  mlir::Value barrierAt(int number);
  const RowSlot *slotOf(const RowMember &member, mlir::OpOperand &operand);
  mlir::Value slotAt(const RowSlot &slot, int number);
  const RowMember *withColumns();
  Values loops(mlir::Value from, mlir::Value to, mlir::Value step, mlir::ValueRange start,
               llvm::function_ref<Values(mlir::Value, llvm::ArrayRef<mlir::Value>)> body);
  void when(mlir::Value condition, llvm::function_ref<void()> body);

  Columns columnsOf(const RowMember &member, llvm::ArrayRef<mlir::Value> sizes);
  bool isColumn(const RowMember &member, unsigned loop) { return member.loops[loop].empty(); }
  bool isInOrder(const RowMember &member, mlir::OpOperand &operand);
  Values indices(const RowMember &member, const Columns &columns, mlir::Value column,
                 llvm::ArrayRef<mlir::Value> sizes);
  mlir::Value read(const RowMember &member, mlir::OpOperand &operand,
                   llvm::ArrayRef<mlir::Value> at);
  Values arguments(const RowMember &member, llvm::ArrayRef<mlir::Value> at);
  /// Whether a member from that one on writes memory with this base.
  bool isWritten(mlir::Value base, size_t from = 0);
  bool mustStore(mlir::Value memory, bool isRowValue);
  void beforeMember(const RowMember &member);
  bool isOverwritten(const RowMember &member, mlir::OpOperand &output);
  bool isNeededAgain(const RowMember &member, mlir::OpOperand &operand);
  void preload(const RowMember &member, const Columns &columns, llvm::ArrayRef<mlir::Value> sizes);

  /// That a thread takes at a time.
  int64_t groupsOfStep() { return vector > 1 ? 2 : 4; }
  bool hasEdges() const { return shift && mad::hasEdges(plan, threads); }
  llvm::SmallVector<int> heldNumbers();
  Group heldGroup(int number, const Columns &columns);
  Group wholeGroup(int number, const Columns &columns);
  Group edgeGroup(const Columns &columns);
  void readOwnInstead(Group &some, const Columns &columns, mlir::Value memory);
  Group groupAt(mlir::Value first);
  Group singleAt(mlir::Value column);
  mlir::Value lastGroup(const Columns &columns);
  mlir::Value headOf(const Columns &columns);
  mlir::Value endOf(const Columns &columns, mlir::Value head);
  void forColumns(const Columns &columns,
                  llvm::function_ref<void(llvm::MutableArrayRef<Group>)> body);
  void forElements(Group &some, llvm::function_ref<void(int)> body);
  Values placeOf(const RowMember &member, const Columns &columns,
                 llvm::ArrayRef<mlir::Value> sizes);
  std::optional<mlir::Value> wideWhere(const RowMember &member, mlir::OpOperand &operand,
                                       mlir::Value whole);
  mlir::Value addressOf(mlir::Value memory, mlir::AffineMap map, llvm::ArrayRef<mlir::Value> at);
  Values loadWide(mlir::Value memory, mlir::Value address);
  void storeWide(mlir::Value memory, mlir::Value address, llvm::ArrayRef<mlir::Value> values);
  void placeKept();
  Values loadKept(Kept &where, mlir::Value memory, llvm::function_ref<Values()> load);
  Values loadHeld(const RowMember &member, mlir::OpOperand &operand, const Columns &columns,
                  llvm::ArrayRef<mlir::Value> sizes);
  Values chooseHeld(mlir::Value condition, llvm::function_ref<Values()> yes,
                    llvm::function_ref<Values()> no);
  Values loadSingles(const RowMember &member, mlir::OpOperand &operand, const Columns &columns,
                     llvm::ArrayRef<mlir::Value> sizes);
  Values loadGroup(const RowMember &member, mlir::OpOperand &operand, const Columns &columns,
                   llvm::ArrayRef<mlir::Value> sizes);
  void storeGroup(const RowMember &member, mlir::OpOperand &operand,
                  llvm::ArrayRef<mlir::Value> values, const Columns &columns,
                  llvm::ArrayRef<mlir::Value> sizes);

  bool isElementwise(const RowMember &member);
  bool mayWait(size_t number);
  mlir::Value valueOf(const Waiting &waiting);

  void emitMember(size_t number);
  void emitRowValue(const RowMember &member, llvm::ArrayRef<mlir::Value> sizes);
  void emitColumns(const RowMember &member, const Columns &columns,
                   llvm::ArrayRef<mlir::Value> sizes);
  void emitHeldColumns(const RowMember &member, const Columns &columns,
                       llvm::ArrayRef<mlir::Value> sizes);
  Values reduceOne(const RowMember &member, llvm::ArrayRef<Combiner> combiners,
                   llvm::ArrayRef<mlir::Value> sizes);
  void emitReduction(const RowMember &member, const Columns &columns,
                     llvm::ArrayRef<mlir::Value> sizes);
  Values reduceHeld(const RowMember &member, llvm::ArrayRef<Combiner> combiners,
                    const Columns &columns, llvm::ArrayRef<mlir::Value> sizes);
  Values reduceLoop(const RowMember &member, llvm::ArrayRef<Combiner> combiners,
                    const Columns &columns, llvm::ArrayRef<mlir::Value> sizes);
  bool readsAnyColumn(const RowMember &member);
  mlir::Value elementOfPlaces(const RowMember &member, llvm::ArrayRef<Combiner> combiners,
                              const Columns &columns);
  mlir::Value leastOf(mlir::Type type);
  void takeGroup(const RowMember &member, const Combiner &combine, mlir::Value above,
                 const Columns &columns, llvm::ArrayRef<mlir::Value> sizes, Group &some,
                 Values &best);
  Values beforeGroups(mlir::Value above, mlir::Value first);
  Values bestOfWarp(const RowMember &member, const Combiner &combine, const Columns &columns,
                    llvm::ArrayRef<mlir::Value> sizes, llvm::ArrayRef<mlir::Value> best,
                    mlir::Value first, mlir::Value end);
  Values takeUpEdges(const RowMember &member, llvm::ArrayRef<Combiner> combiners,
                     const Columns &columns, llvm::ArrayRef<mlir::Value> sizes, Values sums,
                     mlir::Value head, mlir::Value end);
  Values others(const RowMember &member, llvm::ArrayRef<Combiner> combiners,
                llvm::ArrayRef<mlir::Value> at);
  void keepRowValue(const RowMember &member, mlir::OpOperand &output, mlir::Value value,
                    llvm::ArrayRef<mlir::Value> at);

  DeviceKernel &kernel;
  const RowPlan &plan;
  const RowThreads &threads;
  llvm::ArrayRef<llvm::SmallVector<mlir::Value>> extents; ///< of the loops of each member
  mlir::ImplicitLocOpBuilder &b;
  RowCombiner combineRow;
  device::KernelSignature signature;
  device::GpuBuilder g;
  const int vector;        ///< neighbouring columns of a thread
  mlir::Value shift;       ///< columns from a place of wide accesses to the row; null: none
  mlir::Value commonShift; ///< of all rows of the block; null: each has its own
  llvm::DenseMap<mlir::Value, Kept> kept; ///< by root
  const RowMember *current = nullptr;     ///< that code is made for
  mlir::Value firstColumn;                ///< of whole groups in loops
  bool isNeverAligned = false;            ///< rows are known to be no multiple of `vector`
  bool readsOthers = false;               ///< loads take elements of other rows along
  mlir::Value isGroupThere;      ///< all of the last group of the row is in memory; null: always
  mlir::Value lane, active, row; ///< active: null where all threads have a row
  Values rowIndices, rowSizes;
  mlir::Value piece, pieces;
  llvm::DenseMap<mlir::Value, mlir::Value> rowValues; ///< by base
  std::map<RowColumns, Values> heldColumns;           ///< in registers
  RowSlots slots;
  RowSlots inputsAhead;
  int64_t slotsBegin = 0, aheadBegin = 0, barriersBegin = 0; ///< in shared memory
  bool areSlotsFilled = false;
  llvm::DenseMap<mlir::Value, Waiting> waiting;      ///< by root
  Group *group = nullptr;                            ///< that is computed
  int element = 0;                                   ///< of it
  llvm::DenseSet<mlir::Value> written, readAnywhere; ///< bases, since the last barrier
};

} // namespace mad

#endif // MAD_PASSES_CONVERSION_LINALGTOGPU_ROWKERNEL_H
