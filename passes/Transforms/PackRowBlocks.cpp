//===- PackRowBlocks.cpp - Products in loops over blocks of rows ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/PackRowBlocks.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Transforms/Memory.h"
#include "passes/Transforms/PackedProduct.h"
#include "passes/Transforms/UnseenColumns.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
namespace {

using kernels::KernelLibrary;
using kernels::Order;

/// From this many rows in a piece, columns and steps on packing pays.
constexpr int64_t leastRows = 16, leastColumns = 16, leastSteps = 16;

/// `v` as an op there can have it: what computes it is repeated in front of that. Null
/// where it needs a value of a loop that the op is not in.
Value repeated(Value v, Operation *there, const DominanceInfo &dominance, IRMapping &known) {
  if (dominance.properlyDominates(v, there))
    return v;
  if (Value copy = known.lookupOrNull(v))
    return copy;
  Operation *op = v.getDefiningOp();
  if (!op || op->getNumRegions() || !isMemoryEffectFree(op))
    return {};
  for (Value operand : op->getOperands()) {
    Value copy = repeated(operand, there, dominance, known);
    if (!copy)
      return {};
    known.map(operand, copy);
  }
  OpBuilder(there).clone(*op, known);
  return known.lookup(v);
}

/// A matrix whose rows are neighbours in memory, with these dimensions.
bool isMatrix(Value memory, AffineMap map, unsigned row, unsigned column) {
  auto type = dyn_cast<MemRefType>(memory.getType());
  return type && type.getRank() == 2 && hasNeighbours(memory) && map.getNumResults() == 2 &&
         map.getDimPosition(0) == row && map.getDimPosition(1) == column;
}

class BlockProduct : PackedProduct {
public:
  BlockProduct(const Contraction &c, KernelLibrary &library, int level, SeenColumns &seen)
      : PackedProduct(c.op, c.sum, c.mayContract, library, level), c(c), seen(seen),
        blocks(dyn_cast<scf::ForOp>(c.op->getParentOp())),
        loop(c.op->getParentOfType<scf::ParallelOp>()), right(c.op->getOperand(c.b)) {}

  bool pays();
  bool replace();

private:
  int64_t known(unsigned dim) { return c.op.getStaticLoopRanges()[dim]; }
  bool isWrittenInPieces(Value memory);
  Value rowsOf(unsigned operand) {
    return kernels::castTo(b, c.op->getOperand(operand), KernelLibrary::rows(c.element(operand)));
  }
  void choose();
  void pack(Value matrix);
  Value seenIn(const std::optional<Masking> &masking, const DominanceInfo &dominance);
  void multiply();

  const Contraction &c;
  SeenColumns &seen;
  scf::ForOp blocks;    ///< the loop over the blocks of rows
  scf::ParallelOp loop; ///< over pieces, around it
  Value right;          ///< the factor that all blocks share
  bool rowMajor = true; ///< its columns are neighbours
  Value N, K, panels;   ///< as values that the pieces begin with
  Value packed;         ///< memory for the panels, of each piece
  Value large;          ///< whether they are used
  Value columns, steps; ///< how many of the block count
};

/// Whether anything in the pieces may write the memory.
bool BlockProduct::isWrittenInPieces(Value memory) {
  Value base = baseOf(memory);
  auto isOther = [&](Value memory) {
    Value other = baseOf(memory);
    return other && other != base;
  };
  auto mayWrite = [&](Operation *op) {
    if (auto structured = dyn_cast<linalg::LinalgOp>(op))
      return !llvm::all_of(structured.getDpsInits(), isOther);
    // Kernels of the product before: they write the last memory that they are given.
    if (auto call = dyn_cast<func::CallOp>(op)) {
      auto operands = llvm::reverse(call.getOperands());
      auto last = llvm::find_if(operands, [](Value v) { return isa<MemRefType>(v.getType()); });
      return last != operands.end() && !isOther(*last);
    }
    auto effects = dyn_cast<MemoryEffectOpInterface>(op);
    bool writes = effects ? effects.hasEffect<MemoryEffects::Write>() : !isMemoryEffectFree(op);
    return writes && op->getNumRegions() == 0 && !isa<GenericOp>(op->getParentOp());
  };
  return !base || loop->walk([&](Operation *op) {
                        return mayWrite(op) ? WalkResult::interrupt() : WalkResult::advance();
                      })
                      .wasInterrupted();
}

bool BlockProduct::pays() {
  if (c.panel || !c.m || !c.outer.empty() || c.op.getNumLoops() != 3 || !blocks || !loop ||
      blocks.getNumRegionIterArgs())
    return false;
  auto enough = [](int64_t size, int64_t least) {
    return ShapedType::isDynamic(size) || size >= least;
  };
  if (!enough(known(c.n), leastColumns) || !enough(known(c.k), leastSteps))
    return false;
  rowMajor = isMatrix(right, c.map(c.b), c.k, c.n);
  if (!rowMajor && !isMatrix(right, c.map(c.b), c.n, c.k))
    return false;
  if (!isMatrix(c.op->getOperand(c.a), c.map(c.a), *c.m, c.k) ||
      !isMatrix(c.op->getOperand(c.c()), c.map(c.c()), *c.m, c.n) || c.element(c.a) != c.sum)
    return false;
  return (fills.empty() || startsWithZero()) && !isWrittenInPieces(right);
}

/// Under which condition packing pays, for all blocks of the loop.
void BlockProduct::choose() {
  Value rows = i.sub(blocks.getUpperBound(), blocks.getLowerBound());
  large = i.lessOrEqual(i.constant(leastRows), rows);
  for (auto [dim, size, least] : {std::tuple(c.n, N, leastColumns), std::tuple(c.k, K, leastSteps)})
    if (ShapedType::isDynamic(known(dim)))
      large = b.createOrFold<arith::AndIOp>(large, i.lessOrEqual(i.constant(least), size));
}

void BlockProduct::pack(Value matrix) {
  Type from = factorType(c.op, c.b);
  func::FuncOp function =
      library.packPanels(from, c.sum, rowMajor ? Order::RowMajor : Order::ColumnMajor);
  kernels::when(b, large, [&] {
    Value source = kernels::castTo(b, matrix, KernelLibrary::rows(from));
    Value target = kernels::castTo(b, packed, KernelLibrary::flat(c.sum));
    func::CallOp::create(b, function, ValueRange{source, target, i.constant(0), panels});
  });
}

/// The columns that a mask leaves of the block, or null where all may count.
Value BlockProduct::seenIn(const std::optional<Masking> &masking, const DominanceInfo &dominance) {
  if (!masking)
    return {};
  Value &known = seen[masking->op];
  if (known)
    return known;
  SmallVector<Value> views;
  IRMapping before;
  for (OpOperand *mask : masking->masks)
    if (!isWrittenInPieces(mask->get()))
      views.push_back(repeated(mask->get(), c.op, dominance, before));
  if (views.size() < masking->masks.size() || llvm::is_contained(views, Value()))
    return {};
  b.setInsertionPoint(c.op);
  return known = emitSeenColumns(b, *masking, views);
}

void BlockProduct::multiply() {
  func::FuncOp function = library.multiplyPanels(c.sum, c.sum, fma, /*inPlace=*/true);
  Value left = rowsOf(c.a), result = rowsOf(c.c());
  Value shared = kernels::castTo(b, packed, KernelLibrary::flat(c.sum));
  Value M = b.createOrFold<memref::DimOp>(left, int64_t(0));
  Value height = i.constant(sizes.MR), none = i.constant(0), count = i.ceilDiv(M, height);
  Value wide = columns ? i.ceilDiv(columns, sizes.NR) : panels, last = steps ? steps : K;
  // What is not seen adds zeros: it must not change how the sum is cut.
  kernels::Passes passes = kernels::passesOf(b, sizes, c.sum, K, !mayReorder(c.op));
  kernels::forRange(b, none, last, passes.steps, [&](Value k) {
    Value end = i.min(i.add(k, passes.steps), last);
    func::CallOp::create(b, function,
                         ValueRange{left, shared, result, K, none, count, none, wide, k, end,
                                    height, addsFrom(k), passes.apart});
  });
}

bool BlockProduct::replace() {
  DominanceInfo dominance(c.op->getParentOfType<func::FuncOp>());
  b.setInsertionPoint(c.op);
  unsigned row = rowMajor ? 0 : 1;
  Value depth = b.createOrFold<memref::DimOp>(right, int64_t(row));
  Value width = b.createOrFold<memref::DimOp>(right, int64_t(1 - row));
  IRMapping outside, before;
  Operation *first = &loop.getBody()->front();
  K = repeated(depth, first, dominance, outside);
  N = repeated(width, first, dominance, outside);
  Value matrix = repeated(right, blocks, dominance, before);
  if (!K || !N || !matrix)
    return false;
  b.setInsertionPoint(first);
  panels = i.ceilDiv(N, sizes.NR);
  Value count = i.mul(i.mul(panels, K), sizes.NR);
  packed = buffer(c.sum, count);
  b.setInsertionPoint(blocks);
  choose();
  pack(matrix);
  columns = seenIn(maskingOfResult(c), dominance);
  steps = seenIn(maskingOfLeft(c), dominance);
  b.setInsertionPoint(c.op);
  kernels::when(
      b, large, [&] { multiply(); },
      [&] {
        for (linalg::FillOp fill : fills)
          b.clone(*fill.getOperation());
        b.clone(*c.op.getOperation());
      });
  erase();
  return true;
}

} // namespace

bool packInRowBlocks(const Contraction &product, KernelLibrary &library, int level,
                     SeenColumns &seen) {
  BlockProduct block(product, library, level, seen);
  return block.pays() && block.replace();
}

} // namespace mad
