//===- PackContractions.cpp - Large products in packed blocks ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Three loops over pieces, of which each may run on several threads: pack the rows,
// pack the columns, multiply. A piece of the last takes some rows and columns of the
// result through the whole reduction, so that each sum has one order.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "passes/Kernels/KernelLibrary.h"
#include "passes/Transforms/Contraction.h"
#include "passes/Transforms/Epilogue.h"
#include "passes/Transforms/Kernels.h"
#include "passes/Transforms/PackRowBlocks.h"
#include "passes/Transforms/Passes.h"
#include "passes/Transforms/Pieces.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
#define GEN_PASS_DEF_PACKCONTRACTIONS
#include "passes/Transforms/Passes.h.inc"

namespace {

using kernels::Index;
using kernels::KernelLibrary;
using kernels::Order;
using kernels::TileSizes;

/// From this many rows, columns and steps on packing pays.
constexpr int64_t leastRows = 16, leastColumns = 16, leastSteps = 16;
/// Estimated picoseconds of one product and sum, and of packing one element.
constexpr int64_t productTime = 20, packTime = 500;
/// A piece has so many panels, if there are.
constexpr int64_t leastPanels = 4;

class Packed {
public:
  Packed(const Contraction &c, KernelLibrary &library, int level, int64_t grain)
      : c(c), library(library), sizes(library.sizes(c.sum)), level(level), grain(grain),
        b(c.op.getLoc(), c.op.getContext()), i(b), fills(fillsBefore(c.op)) {}

  bool pays();
  void replace();

private:
  std::optional<int64_t> known(unsigned dim) {
    int64_t size = c.op.getStaticLoopRanges()[dim];
    return ShapedType::isDynamic(size) ? std::nullopt : std::optional<int64_t>(size);
  }
  Value size(unsigned dim);
  Value view(unsigned operand, Value outer, unsigned first, unsigned second, MemRefType as);
  Value buffer(Type element, Value count);
  using Piece = function_ref<void(Value outer, Value from, Value to)>;
  void pieces(Value time, ArrayRef<CutExtent> dims, function_ref<void(ArrayRef<PieceRange>)> body);
  void split(Value from, Value to, Value blocks, Piece body);
  Value part(Value memory, Value number, Value count, int64_t width);
  void packRows(Value rows);
  void packPanels(Value packed);
  void multiplyChunk(Value chunk, Value chunks, Value rows, Value packed, Value firstPanel,
                     Value lastPanel);
  void multiply(Value rows, Value packed);
  void write(Value rows, Value packed);
  Value asPanels();
  void emit();
  void emitEpilogues(Value low, Value high, Value from, Value to);

  const Contraction &c;
  KernelLibrary &library;
  TileSizes sizes;
  int level;
  int64_t grain;
  ImplicitLocOpBuilder b;
  Index i;
  SmallVector<linalg::FillOp> fills;
  SmallVector<GenericOp> epilogue;
  Value M, N, K, outer; ///< sizes, and the number of products
  bool shared = false;  ///< one B for all of them
  Value height, blocks, panels;
};

bool Packed::pays() {
  auto least = [&](unsigned dim, int64_t size) { return known(dim).value_or(size) >= size; };
  if (!c.panel &&
      (!c.m || !least(*c.m, leastRows) || !least(c.n, leastColumns) || !least(c.k, leastSteps)))
    return false;
  // Kernels read and write rows of neighbours.
  auto neighbours = [&](unsigned operand) {
    auto type = dyn_cast<MemRefType>(c.op->getOperand(operand).getType());
    SmallVector<int64_t> strides;
    int64_t offset;
    return type && succeeded(type.getStridesAndOffset(strides, offset)) && strides.back() == 1;
  };
  auto rows = dyn_cast<MemRefType>(c.op->getOperand(c.a).getType());
  if (!rows || !rows.isStrided() || !neighbours(c.b) || !neighbours(c.c()))
    return false;
  if (!c.panel) {
    AffineMap map = c.map(c.b);
    unsigned last = map.getDimPosition(map.getNumResults() - 1);
    if (last != c.n && last != c.k)
      return false;
  }
  if (fills.empty())
    return true;
  auto zero = fills.size() == 1 ? fills.front().getDpsInputs()[0] : Value();
  return zero && matchPattern(zero, m_AnyZeroFloat());
}

Value Packed::size(unsigned dim) {
  for (unsigned operand = 0; operand < 3; ++operand)
    for (auto [position, e] : llvm::enumerate(c.map(operand).getResults()))
      if (auto d = dyn_cast<AffineDimExpr>(e); d && d.getPosition() == dim)
        return b.createOrFold<memref::DimOp>(c.op->getOperand(operand), int64_t(position));
  return {};
}

/// The matrix of two dimensions of an operand, for one value of the outer ones.
Value Packed::view(unsigned operand, Value number, unsigned first, unsigned second, MemRefType as) {
  Value memory = c.op->getOperand(operand);
  auto type = cast<MemRefType>(memory.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> shape = memref::getMixedSizes(b, b.getLoc(), memory);
  SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1));
  AffineMap map = c.map(operand);
  // The last outer dimension counts fastest.
  for (unsigned d : llvm::reverse(c.outer)) {
    Value extent = size(d);
    for (auto [position, e] : llvm::enumerate(map.getResults()))
      if (cast<AffineDimExpr>(e).getPosition() == d) {
        offsets[position] =
            c.outer.size() == 1 ? number : b.createOrFold<arith::RemUIOp>(number, extent);
        shape[position] = b.getIndexAttr(1);
      }
    if (c.outer.size() > 1)
      number = b.createOrFold<arith::DivUIOp>(number, extent);
  }
  unsigned firstAt = 0, secondAt = 0;
  for (auto [position, e] : llvm::enumerate(map.getResults())) {
    firstAt = cast<AffineDimExpr>(e).getPosition() == first ? position : firstAt;
    secondAt = cast<AffineDimExpr>(e).getPosition() == second ? position : secondAt;
  }
  SmallVector<int64_t> wanted;
  for (unsigned at : {std::min(firstAt, secondAt), std::max(firstAt, secondAt)}) {
    auto known = getConstantIntValue(shape[at]);
    wanted.push_back(known.value_or(ShapedType::kDynamic));
  }
  if (type.getRank() > 2) {
    auto reduced =
        memref::SubViewOp::inferRankReducedResultType(wanted, type, offsets, shape, strides);
    memory =
        memref::SubViewOp::create(b, cast<MemRefType>(reduced), memory, offsets, shape, strides);
  }
  if (firstAt > secondAt) {
    auto map = AffineMap::getPermutationMap(ArrayRef<unsigned>{1, 0}, b.getContext());
    memory = memref::TransposeOp::create(b, memory, AffineMapAttr::get(map));
  }
  return memory.getType() == as ? memory : memref::CastOp::create(b, as, memory).getResult();
}

Value Packed::buffer(Type element, Value count) {
  auto type = MemRefType::get({ShapedType::kDynamic}, element);
  return memref::AllocOp::create(b, type, ValueRange{count}, b.getI64IntegerAttr(64));
}

/// A loop over pieces of up to two dimensions, by the time that the whole takes.
void Packed::pieces(Value time, ArrayRef<CutExtent> dims,
                    function_ref<void(ArrayRef<PieceRange>)> body) {
  PieceGrid grid = gridOf(b, b.getLoc(), piecesOf(b, b.getLoc(), time, grain), dims);
  auto loop = scf::ParallelOp::create(b, ValueRange{i.constant(0)}, ValueRange{grid.count},
                                      ValueRange{i.constant(1)});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(rangesOf(b, b.getLoc(), grid, dims, loop.getInductionVars()[0]));
}

/// A range over `blocks` of each product, one product at a time.
void Packed::split(Value from, Value to, Value blocks, Piece body) {
  if (c.outer.empty())
    return body(i.constant(0), from, to);
  Value last = i.ceilDiv(to, blocks);
  kernels::forRange(b, b.createOrFold<arith::DivUIOp>(from, blocks), last, 1, [&](Value number) {
    Value start = i.mul(number, blocks);
    Value low = i.max(i.sub(from, start), i.constant(0));
    body(number, low, i.min(i.sub(to, start), blocks));
  });
}

/// Some blocks of a packed operand, as memory of their own.
Value Packed::part(Value memory, Value number, Value count, int64_t width) {
  auto type = cast<MemRefType>(memory.getType());
  Value length = i.mul(i.mul(count, K), width);
  Value start = i.mul(number, length);
  return memref::SubViewOp::create(b, KernelLibrary::flat(type.getElementType()), memory,
                                   ArrayRef<OpFoldResult>{start}, ArrayRef<OpFoldResult>{length},
                                   ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
}

void Packed::packRows(Value rows) {
  Type type = factorType(c.op, c.a);
  auto memory = cast<MemRefType>(c.op->getOperand(c.a).getType());
  AffineMap map = c.map(c.a);
  SmallVector<int64_t> strides;
  int64_t offset;
  bool rowMajor = succeeded(memory.getStridesAndOffset(strides, offset)) && strides.back() == 1 &&
                  map.getDimPosition(map.getNumResults() - 1) == c.k;
  func::FuncOp function =
      library.packRows(type, c.sum, rowMajor ? Order::RowMajor : Order::ColumnMajor);
  MemRefType as = rowMajor ? KernelLibrary::rows(type) : KernelLibrary::matrix(type);
  Value time = i.mul(i.mul(i.mul(outer, M), K), packTime);
  pieces(time, {{i.mul(outer, blocks), 1}}, [&](ArrayRef<PieceRange> range) {
    Value from = range[0].low, to = i.add(from, range[0].length);
    split(from, to, blocks, [&](Value number, Value low, Value high) {
      Value source = view(c.a, number, *c.m, c.k, as);
      Value target = part(rows, number, blocks, sizes.MR);
      func::CallOp::create(b, function, ValueRange{source, target, low, high, height});
    });
  });
}

void Packed::packPanels(Value packed) {
  Type type = factorType(c.op, c.b);
  AffineMap map = c.map(c.b);
  bool rowMajor = map.getDimPosition(map.getNumResults() - 1) == c.n;
  func::FuncOp function =
      library.packPanels(type, c.sum, rowMajor ? Order::RowMajor : Order::ColumnMajor);
  Value count = shared ? i.constant(1) : outer;
  Value time = i.mul(i.mul(i.mul(count, N), K), packTime);
  pieces(time, {{i.mul(count, panels), 1}}, [&](ArrayRef<PieceRange> range) {
    Value from = range[0].low, to = i.add(from, range[0].length);
    auto pack = [&](Value number, Value low, Value high) {
      Value source =
          view(c.b, number, rowMajor ? c.k : c.n, rowMajor ? c.n : c.k, KernelLibrary::rows(type));
      Value target = part(packed, number, panels, sizes.NR);
      func::CallOp::create(b, function, ValueRange{source, target, low, high});
    };
    if (shared)
      pack(i.constant(0), from, to);
    else
      split(from, to, panels, pack);
  });
}

/// Chunks of rows, through the whole reduction, for a range of panels.
void Packed::multiplyChunk(Value chunk, Value chunks, Value rows, Value packed, Value firstPanel,
                           Value lastPanel) {
  Value number = b.createOrFold<arith::DivUIOp>(chunk, chunks);
  Value low = i.mul(b.createOrFold<arith::RemUIOp>(chunk, chunks), sizes.MC / sizes.MR);
  Value high = i.min(i.add(low, sizes.MC / sizes.MR), blocks);
  Value result = view(c.c(), number, *c.m, c.n, KernelLibrary::rows(c.sum));
  Value left = part(rows, number, blocks, sizes.MR);
  Value right = part(packed, shared ? i.constant(0) : number, panels, sizes.NR);
  func::FuncOp function = library.multiplyPanels(c.panel ? factorType(c.op, c.b) : c.sum, c.sum,
                                                 /*fma=*/c.mayContract && level >= 3);
  int64_t width = sizes.NC / sizes.NR;
  kernels::forRange(b, firstPanel, lastPanel, width, [&](Value from) {
    Value to = i.min(i.add(from, width), lastPanel);
    kernels::forRange(b, i.constant(0), K, sizes.KC, [&](Value k) {
      Value end = i.min(i.add(k, sizes.KC), K);
      Value add = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ne, k, i.constant(0));
      if (fills.empty())
        add = arith::ConstantIntOp::create(b, 1, 1);
      func::CallOp::create(
          b, function,
          ValueRange{left, right, result, K, low, high, from, to, k, end, height, add});
    });
    emitEpilogues(low, high, from, to);
  });
}

/// What follows the product, for a range of blocks and panels.
void Packed::emitEpilogues(Value low, Value high, Value from, Value to) {
  if (epilogue.empty())
    return;
  Block block;
  block.row = i.mul(low, height);
  block.rows = i.sub(i.min(i.mul(high, height), M), block.row);
  block.column = i.mul(from, sizes.NR);
  block.columns = i.sub(i.min(i.mul(to, sizes.NR), N), block.column);
  for (GenericOp op : epilogue)
    emitEpilogue(b, op, block);
}

void Packed::multiply(Value rows, Value packed) {
  Value chunks = i.ceilDiv(blocks, sizes.MC / sizes.MR);
  Value total = i.mul(outer, chunks);
  Value time = i.mul(i.mul(i.mul(i.mul(outer, M), N), K), productTime);
  // Along the rows first: a piece then reads few rows and all panels.
  pieces(time, {{total, 1}, {panels, leastPanels}}, [&](ArrayRef<PieceRange> range) {
    Value last = i.add(range[0].low, range[0].length);
    kernels::forRange(b, range[0].low, last, 1, [&](Value chunk) {
      multiplyChunk(chunk, chunks, rows, packed, range[1].low,
                    i.add(range[1].low, range[1].length));
    });
  });
}

void Packed::write(Value rows, Value packed) {
  packRows(rows);
  if (!c.panel)
    packPanels(packed);
  multiply(rows, packed);
}

/// A factor that is packed, as flat memory.
Value Packed::asPanels() {
  Value memory = c.op->getOperand(c.b);
  return memref::CollapseShapeOp::create(b, memory, ArrayRef<ReassociationIndices>{{0, 1, 2}});
}

void Packed::replace() {
  epilogue = findEpilogue(c);
  b.setInsertionPoint(epilogue.empty() ? c.op : epilogue.back());
  emit();
  for (linalg::FillOp fill : fills)
    fill.erase();
  c.op.erase();
  for (GenericOp op : epilogue)
    op.erase();
}

void Packed::emit() {
  M = size(*c.m), N = size(c.n), K = size(c.k), outer = i.constant(1);
  for (unsigned d : c.outer)
    outer = i.mul(outer, size(d));
  shared = llvm::none_of(c.outer, [&](unsigned d) { return c.map(c.b).isFunctionOfDim(d); });
  // 7 and 8 rows are two tiles of 4: less time than one of 6 and one of 2.
  Value isTall = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ule,
                                               i.sub(M, i.constant(sizes.MR + 1)), i.constant(1));
  height = b.createOrFold<arith::SelectOp>(isTall, i.constant(4), i.constant(sizes.MR));
  blocks = i.ceilDiv(M, height);
  panels = i.ceilDiv(N, sizes.NR);
  // As many blocks as `blocks`, without the choice.
  Value mostBlocks = i.ceilDiv(M, sizes.MR);
  Value rows = buffer(c.sum, i.mul(i.mul(i.mul(outer, mostBlocks), K), sizes.MR));
  if (c.panel)
    return write(rows, asPanels());
  Value matrices = shared ? i.constant(1) : outer;
  Value packed = buffer(c.sum, i.mul(i.mul(i.mul(matrices, panels), K), sizes.NR));

  Value large;
  for (auto [dim, size, least] : {std::tuple(*c.m, M, leastRows), std::tuple(c.n, N, leastColumns),
                                  std::tuple(c.k, K, leastSteps)})
    if (!known(dim)) {
      Value enough = i.lessOrEqual(i.constant(least), size);
      large = large ? arith::AndIOp::create(b, large, enough).getResult() : enough;
    }
  if (large)
    kernels::when(
        b, large, [&] { write(rows, packed); },
        [&] {
          for (linalg::FillOp fill : fills)
            b.clone(*fill.getOperation());
          b.clone(*c.op.getOperation());
          for (GenericOp op : epilogue)
            b.clone(*op.getOperation());
        });
  else
    write(rows, packed);
}

struct PackContractionsPass : impl::PackContractionsBase<PackContractionsPass> {
  using PackContractionsBase::PackContractionsBase;

  void runOnOperation() override {
    SmallVector<GenericOp> ops;
    getOperation().walk([&](GenericOp op) {
      if (op.hasPureBufferSemantics() && op.getNumReductionLoops())
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    KernelLibrary library(getOperation(), level);
    SeenColumns seen;
    for (GenericOp op : ops) {
      if (op.getNumDpsInputs() != 2 || op.getNumLoops() < 2)
        continue;
      // What is in a loop over pieces is small.
      if (op->getParentOfType<scf::ParallelOp>()) {
        auto contraction = Contraction::match(op);
        numPacked += contraction && packInRowBlocks(*contraction, library, level, seen);
        continue;
      }
      op = collapseDims(rewriter, op);
      auto contraction = Contraction::match(op);
      if (contraction && contraction->panel)
        contraction = Contraction::match(flattenRows(rewriter, *contraction));
      if (!contraction)
        continue;
      Packed packed(*contraction, library, level, grain);
      if (!packed.pays())
        continue;
      packed.replace();
      ++numPacked;
    }
  }
};

} // namespace
} // namespace mad
