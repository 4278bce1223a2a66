//===- RowAccess.cpp - Which columns of a row one access takes ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Accesses of 16 bytes need addresses at multiples of that. Memory begins at one. Rows do where
// strides are multiples; rows that lie behind each other without gaps begin anywhere, but all of
// that kind at the same distance from such a place.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/Conversion/LinalgToGpu/DeviceRows.h"
#include "passes/Transforms/Memory.h"
#include "passes/Transforms/Multiples.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
namespace {

constexpr int bytesOfAccess = 16;

/// Loops of columns that are longer than one.
SmallVector<unsigned> columnLoops(const RowMember &member) {
  GenericOp op = member.work.op;
  SmallVector<unsigned> loops;
  for (auto [d, size] : llvm::enumerate(op.getStaticLoopRanges()))
    if (member.loops[d].empty() && size != 1)
      loops.push_back(d);
  return loops;
}

bool hasWideElements(Value memory) {
  Type element = cast<MemRefType>(memory.getType()).getElementType();
  if (!element.isIntOrFloat())
    return false;
  unsigned bits = element.getIntOrFloatBitWidth();
  return bits == 1 || bits == 8 || bits == 16 || bits == 32 || bits == 64;
}

int bytesOfElement(Value memory) {
  return device::bytesOf(cast<MemRefType>(memory.getType()).getElementType());
}

/// An operand with a column for each step of the columns of a member.
class Operand {
public:
  Operand(const DeviceFunction &f, const RowMember &member, OpOperand &operand)
      : member(member), op(member.work.op), memory(operand.get()),
        map(op.getMatchingIndexingMap(&operand)), columns(columnLoops(member)) {
    hasColumns = hasRowColumns(member, operand);
    if (!hasColumns)
      return;
    Value base = baseOf(memory);
    isKnown = base && !base.getDefiningOp<memref::GetGlobalOp>() && !f.scalars.isOnDevice(memory) &&
              hasWideElements(memory) &&
              llvm::all_of(map.getResults(), llvm::IsaPred<AffineDimExpr, AffineConstantExpr>);
  }
  bool hasColumns = false;
  RowAccess access(int vector, size_t rowDims);

private:
  bool isDense(size_t rowDims);

  const RowMember &member;
  GenericOp op;
  Value memory;
  AffineMap map;
  SmallVector<unsigned> columns;
  bool isKnown = false;
};

/// All rows in order, then the columns.
bool Operand::isDense(size_t rowDims) {
  if (!cast<MemRefType>(memory.getType()).getLayout().isIdentity())
    return false;
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  SmallVector<unsigned> rows;
  bool behind = false;
  for (AffineExpr e : map.getResults()) {
    auto loop = dyn_cast<AffineDimExpr>(e);
    if (!loop)
      continue;
    ArrayRef<unsigned> leaves = member.loops[loop.getPosition()];
    if (!leaves.empty() && behind)
      return false;
    behind |= leaves.empty() && sizes[loop.getPosition()] != 1;
    rows.append(leaves.begin(), leaves.end());
  }
  return rows.size() == rowDims && llvm::equal(rows, llvm::seq<unsigned>(0, unsigned(rowDims)));
}

RowAccess Operand::access(int vector, size_t rowDims) {
  RowAccess access;
  if (!hasColumns || !isKnown || offsetMultiple(memory) % vector)
    return access;
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(cast<MemRefType>(memory.getType()).getStridesAndOffset(strides, offset)))
    return access;
  access.isAligned = true;
  bool found = false;
  for (auto [d, e] : llvm::enumerate(map.getResults())) {
    auto loop = dyn_cast<AffineDimExpr>(e);
    if (loop && loop.getPosition() == columns.back()) {
      if (found || strides[d] != 1)
        return {};
      found = true;
    } else {
      access.isAligned &= strideMultiple(memory, d) % vector == 0;
    }
  }
  if (!found)
    return {};
  access.isDense = columns.size() == 1 && isDense(rowDims);
  return access;
}

} // namespace

bool hasRowColumns(const RowMember &member, OpOperand &operand) {
  GenericOp op = member.work.op;
  auto isColumn = [&](unsigned loop) { return member.loops[loop].empty(); };
  return isa<MemRefType>(operand.get().getType()) && !columnLoops(member).empty() &&
         isInOrder(op, op.getMatchingIndexingMap(&operand), isColumn);
}

SmallVector<Value> readAgain(const RowPlan &plan) {
  struct Use {
    int reads = 0;
    bool isOther = false; ///< a write, or of other columns or rows
    std::vector<unsigned> rows;
  };
  llvm::MapVector<Value, Use> uses;
  for (const RowMember &member : plan.members) {
    GenericOp op = member.work.op;
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isa<MemRefType>(operand.get().getType()))
        continue;
      Use &use = uses[rootOf(operand.get())];
      RowAccess access = member.access[operand.getOperandNumber()];
      std::vector<unsigned> rows;
      for (AffineExpr e : op.getMatchingIndexingMap(&operand).getResults())
        if (auto loop = dyn_cast<AffineDimExpr>(e))
          rows.insert(rows.end(), member.loops[loop.getPosition()].begin(),
                      member.loops[loop.getPosition()].end());
      use.isOther |= op.isDpsInit(&operand) || !access.isDense || (use.reads && rows != use.rows);
      use.rows = rows;
      use.reads += !op.getMatchingBlockArgument(&operand).use_empty();
    }
  }
  SmallVector<Value> roots;
  for (auto &[root, use] : uses)
    if (use.reads > 1 && !use.isOther && plan.sameColumns)
      roots.push_back(root);
  return roots;
}

/// As many neighbours as 16 bytes of the widest type in memory hold, or fewer where rows are no
/// multiple of that.
void setAccess(DeviceFunction &f, RowPlan &plan) {
  int widest = 0;
  bool known = true, single = true;
  int64_t multiple = 0, all = -1; ///< of the columns; how many there are, 0: not the same
  for (RowMember &member : plan.members) {
    SmallVector<unsigned> columns = columnLoops(member);
    if (columns.empty())
      continue;
    SmallVector<int64_t> sizes = member.work.op.getStaticLoopRanges();
    int64_t count = sizes[columns.back()];
    known &= !ShapedType::isDynamic(count);
    single &= columns.size() == 1;
    multiple = std::gcd(multiple, ShapedType::isDynamic(count) ? 1 : count);
    all = all == -1 || all == count ? count : 0;
    GenericOp op = member.work.op;
    for (OpOperand &operand : op->getOpOperands())
      if (Operand(f, member, operand).hasColumns && hasWideElements(operand.get()) &&
          !plan.hidden.contains(baseOf(operand.get())))
        widest = std::max(widest, bytesOfElement(operand.get()));
  }
  if (!widest)
    return;
  // Of rows that begin anywhere, in one loop that is as long for all.
  auto apply = [&](int vector, bool shifted) {
    int wide = 0;
    for (RowMember &member : plan.members) {
      member.access.clear();
      for (OpOperand &operand : member.work.op->getOpOperands()) {
        RowAccess access = Operand(f, member, operand).access(vector, plan.extents.size());
        wide += shifted ? access.isDense : access.isAligned;
        member.access.push_back(access);
      }
    }
    if (wide) {
      plan.vector = vector;
      plan.shifted = shifted;
    }
    return wide > 0;
  };
  const int full = bytesOfAccess / widest;
  if (full > 1 && multiple % full == 0 && apply(full, false))
    return;
  bool same = plan.sameColumns && single && (all != 0 || !known) && (!known || all >= 4 * full);
  if (full > 1 && same && apply(full, true))
    return;
  for (int vector = full / 2; vector > 1; vector /= 2)
    if (multiple % vector == 0 && apply(vector, false))
      return;
  for (RowMember &member : plan.members)
    member.access.assign(member.work.op->getNumOperands(), {});
}

} // namespace mad
