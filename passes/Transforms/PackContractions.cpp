//===- PackContractions.cpp - Large products in packed blocks ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A loop over pieces, which may run on several threads: a piece takes some rows and
// columns of the result through the whole reduction, so that each sum has one order. It
// packs its columns itself, as many as its caches hold, or reads them where they lie.
// Rows that are not neighbours in memory are packed before, in a loop of their own.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Transforms/FuseRows.h"
#include "passes/Transforms/Kernels.h"
#include "passes/Transforms/Memory.h"
#include "passes/Transforms/PackRowBlocks.h"
#include "passes/Transforms/PackedProduct.h"
#include "passes/Transforms/Passes.h"
#include "passes/Transforms/Remarks.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
#define GEN_PASS_DEF_PACKCONTRACTIONS
#include "passes/Transforms/Passes.h.inc"

namespace {

using kernels::blockRows;
using kernels::KernelLibrary;
using kernels::mostRows;
using kernels::Order;
using kernels::panelBytes;
using kernels::pieceRows;

/// From this many rows, columns and steps on packing pays.
constexpr int64_t leastRows = 16, leastColumns = 16, leastSteps = 16;
/// A piece has so many panels, if there are: of a weight, and of what it packs itself.
constexpr int64_t leastPanels = 4, piecePanels = 8;
/// With packing a piece has so many times the least rows, or more where there are panels for
/// many pieces; columns with fewer elements are not worth it.
constexpr int64_t pieceChunks = 8, manyChunks = 32, manyPanels = 128, fewColumns = 262144;

class Packed : PackedProduct {
public:
  Packed(const Contraction &c, KernelLibrary &library, int level, int64_t grain)
      : PackedProduct(c.op, c.sum, c.mayContract, library, level, grain), c(c) {}

  bool pays();
  void replace();
  std::string tile() const { return std::to_string(sizes.MR) + " x " + std::to_string(sizes.NR); }

private:
  std::optional<int64_t> known(unsigned dim) {
    int64_t size = c.op.getStaticLoopRanges()[dim];
    return ShapedType::isDynamic(size) ? std::nullopt : std::optional<int64_t>(size);
  }
  Value size(unsigned dim);
  Value view(unsigned operand, Value outer, unsigned first, unsigned second, MemRefType as);
  Value asFlat(Value memory);
  using Piece = function_ref<void(Value outer, Value from, Value to)>;
  void split(Value from, Value to, Value blocks, Piece body);
  Value part(Value memory, Value number, Value count, int64_t width);
  bool isOverwritten(unsigned operand);
  int64_t tileRows() const { return plainRows ? sizes.MR : blockRows; }
  void findPlain();
  void packRows(Value rows);
  /// Some blocks of rows of one product.
  struct Part {
    Value rows, panels; ///< packed
    Value number, low, high;
  };
  /// Memory, and where rows, columns and steps lie in it.
  struct Factors {
    Value left, right;
    SmallVector<Value> strides;
  };
  void packPanels(const Part &part, Value from, Value to, Value k, Value end);
  Factors factors(const Part &part, bool plain, Value from, Value k, Value end);
  void multiplySteps(const Part &part, Value from, Value to, Value k, Value end, Value apart);
  void multiplyPart(const Part &part, Value firstPanel, Value lastPanel);
  void multiply(Value rows, Value panelsOfWeight);
  void write(Value rows);
  Value asPanels();
  void emit();
  void emitEpilogues(Value low, Value high, Value from, Value to);

  const Contraction &c;
  Value M, N, K, outer; ///< sizes, and the number of products
  bool shared = false;  ///< one B for all of them
  Value height, blocks, panels;
  bool plainRows = false; ///< rows are not packed
  Value plainColumns;     ///< nor are columns
};

bool Packed::pays() {
  auto least = [&](unsigned dim, int64_t size) { return known(dim).value_or(size) >= size; };
  if (!c.panel &&
      (!c.m || !least(*c.m, leastRows) || !least(c.n, leastColumns) || !least(c.k, leastSteps)))
    return false;
  // Kernels read and write rows of neighbours.
  auto rows = dyn_cast<MemRefType>(c.op->getOperand(c.a).getType());
  if (!rows || !rows.isStrided() || !hasNeighbours(c.op->getOperand(c.b)) ||
      !hasNeighbours(c.op->getOperand(c.c())))
    return false;
  if (!c.panel) {
    AffineMap map = c.map(c.b);
    unsigned last = map.getDimPosition(map.getNumResults() - 1);
    if (last != c.n && last != c.k)
      return false;
  }
  return fills.empty() || startsWithZero();
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
  return kernels::castTo(b, memory, as);
}

Value Packed::asFlat(Value memory) {
  return kernels::castTo(b, memory, KernelLibrary::flat(getElementTypeOrSelf(memory.getType())));
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
  Value length = i.mul(i.mul(count, K), width);
  return slice(memory, i.mul(number, length), length);
}

/// Whether what follows may write to where a factor lies.
bool Packed::isOverwritten(unsigned operand) {
  Value source = baseOf(c.op->getOperand(operand));
  return llvm::any_of(epilogue.ops(), [&](GenericOp op) {
    Value base = baseOf(op.getDpsInits()[0]);
    return !source || !base || source == base;
  });
}

/// Which factors are read where they lie. Rows of neighbours always are: six of them
/// are as good for the caches as packed ones. Columns are packed from some size on.
void Packed::findPlain() {
  auto lies = [&](unsigned operand, unsigned dim) {
    AffineMap map = c.map(operand);
    return c.element(operand) == c.sum && map.getDimPosition(map.getNumResults() - 1) == dim &&
           hasNeighbours(c.op->getOperand(operand)) && !isOverwritten(operand);
  };
  plainRows = lies(c.a, c.k);
  plainColumns = arith::ConstantIntOp::create(b, 0, 1);
  if (c.panel || !sizes.masks || !lies(c.b, c.n))
    return;
  plainColumns =
      b.createOrFold<arith::OrIOp>(i.lessOrEqual(i.mul(K, N), i.constant(sizes.plainColumns)),
                                   i.lessOrEqual(M, i.constant(sizes.plainRows)));
}

void Packed::packRows(Value rows) {
  Type type = factorType(c.op, c.a);
  AffineMap map = c.map(c.a);
  bool rowMajor =
      hasNeighbours(c.op->getOperand(c.a)) && map.getDimPosition(map.getNumResults() - 1) == c.k;
  func::FuncOp function =
      library.packRows(type, c.sum, rowMajor ? Order::RowMajor : Order::ColumnMajor);
  MemRefType as = rowMajor ? KernelLibrary::rows(type) : KernelLibrary::matrix(type);
  Value time = i.mul(i.mul(i.mul(outer, M), K), packTime);
  pieces(time, {{i.mul(outer, blocks), 1}}, [&](ArrayRef<PieceRange> range, const PieceGrid &) {
    Value from = range[0].low, to = i.add(from, range[0].length);
    split(from, to, blocks, [&](Value number, Value low, Value high) {
      Value source = view(c.a, number, *c.m, c.k, as);
      Value target = part(rows, number, blocks, blockRows);
      func::CallOp::create(b, function, ValueRange{source, target, low, high, height});
    });
  });
}

/// Packs some panels and steps of the columns.
void Packed::packPanels(const Part &part, Value from, Value to, Value k, Value end) {
  Type type = factorType(c.op, c.b);
  AffineMap map = c.map(c.b);
  bool rowMajor = map.getDimPosition(map.getNumResults() - 1) == c.n;
  func::FuncOp function =
      library.packPanels(type, c.sum, rowMajor ? Order::RowMajor : Order::ColumnMajor);
  Value column = i.mul(from, sizes.NR);
  Value columns = i.sub(i.min(i.mul(to, sizes.NR), N), column), steps = i.sub(end, k);
  Value source =
      view(c.b, part.number, rowMajor ? c.k : c.n, rowMajor ? c.n : c.k, KernelLibrary::rows(type));
  SmallVector<OpFoldResult> offsets{k, column}, shape{steps, columns},
      strides(2, b.getIndexAttr(1));
  if (!rowMajor)
    std::swap(offsets[0], offsets[1]), std::swap(shape[0], shape[1]);
  source = memref::SubViewOp::create(b, KernelLibrary::rows(type), source, offsets, shape, strides);
  func::CallOp::create(b, function,
                       ValueRange{source, asFlat(part.panels), i.constant(0), i.sub(to, from)});
}

/// The factors of the part, as the kernel takes them.
Packed::Factors Packed::factors(const Part &part, bool plain, Value from, Value k, Value end) {
  Factors f;
  if (plainRows) {
    auto [memory, row, column] =
        kernels::flatten(b, view(c.a, part.number, *c.m, c.k, KernelLibrary::rows(c.sum)));
    f.left = memory;
    f.strides = {i.mul(k, column), i.mul(row, height), row, column};
  } else {
    f.left = this->part(part.rows, part.number, blocks, blockRows);
    f.strides = {i.mul(k, blockRows), i.mul(K, blockRows), i.constant(1), i.constant(blockRows)};
  }
  Value wide = i.constant(sizes.NR);
  if (plain) {
    auto [memory, row, column] =
        kernels::flatten(b, view(c.b, part.number, c.k, c.n, KernelLibrary::rows(c.sum)));
    f.right = memory;
    f.strides.append({i.mul(k, row), wide, row});
  } else if (c.panel) {
    f.right = part.panels;
    f.strides.append({i.mul(k, sizes.NR), i.mul(K, sizes.NR), wide});
  } else {
    Value stride = i.mul(i.sub(end, k), sizes.NR);
    f.right = part.panels;
    f.strides.append({i.sub(i.constant(0), i.mul(from, stride)), stride, wide});
  }
  f.right = asFlat(f.right);
  return f;
}

/// Some rows and panels of one product, for a range of steps.
void Packed::multiplySteps(const Part &part, Value from, Value to, Value k, Value end,
                           Value apart) {
  Value result = view(c.c(), part.number, *c.m, c.n, KernelLibrary::rows(c.sum));
  Value add = addsFrom(k);
  Value last = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, end, K);
  func::FuncOp function =
      library.multiplyStrided(c.panel ? factorType(c.op, c.b) : c.sum, c.sum, fma);
  int64_t most = std::max<int64_t>(1, sizes.MC / tileRows());
  kernels::forRange(b, part.low, part.high, most, [&](Value low) {
    Value high = i.min(i.add(low, most), part.high);
    auto call = [&](bool plain) {
      Factors f = factors(part, plain, from, k, end);
      SmallVector<Value> values{f.left, f.right, result};
      values.append(f.strides);
      values.append({i.sub(end, k), low, high, from, to, height, add, apart});
      func::CallOp::create(b, function, values);
    };
    if (auto known = getConstantIntValue(plainColumns))
      call(*known);
    else
      kernels::when(b, plainColumns, [&] { call(true); }, [&] { call(false); });
    if (!epilogue.empty())
      kernels::when(b, last, [&] { emitEpilogues(low, high, from, to); });
  });
}

/// Some rows and panels of one product, through the whole reduction.
void Packed::multiplyPart(const Part &part, Value firstPanel, Value lastPanel) {
  kernels::Passes passes = kernels::passesOf(b, sizes, c.sum, K, !mayReorder(c.op));
  kernels::forRange(b, firstPanel, lastPanel, passes.columns, [&](Value from) {
    Value to = i.min(i.add(from, passes.columns), lastPanel);
    kernels::forRange(b, i.constant(0), K, passes.steps, [&](Value k) {
      Value end = i.min(i.add(k, passes.steps), K);
      auto pack = [&] { packPanels(part, from, to, k, end); };
      auto known = getConstantIntValue(plainColumns);
      if (!known)
        kernels::when(b, plainColumns, [] {}, pack);
      else if (!*known && !c.panel)
        pack();
      multiplySteps(part, from, to, k, end, passes.apart);
    });
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
  epilogue.emit(b, block);
}

/// Pieces of rows and panels. A piece packs its panels for itself, so few pieces have the
/// same panels. Their number and their memory are the same for all levels of CPUs.
void Packed::multiply(Value rows, Value panelsOfWeight) {
  Value chunks = i.ceilDiv(M, pieceRows), tall = i.constant(1);
  if (!c.panel && c.outer.empty()) {
    tall = b.createOrFold<arith::SelectOp>(i.lessOrEqual(i.constant(manyPanels), panels),
                                           i.constant(manyChunks), i.constant(pieceChunks));
    tall = b.createOrFold<arith::SelectOp>(i.lessOrEqual(i.mul(K, N), i.constant(fewColumns)),
                                           i.constant(1), tall);
  }
  // Of few rows it is the reading of the other factor that takes the time.
  Value each = i.max(i.mul(M, productTime), i.constant(readTime));
  Value time = i.mul(i.mul(i.mul(outer, each), N), K);
  CutExtent down{i.mul(outer, i.ceilDiv(chunks, tall)), 1};
  CutExtent across{panels, c.panel ? leastPanels : piecePanels};
  unsigned first = c.outer.empty() ? 1 : 0;
  SmallVector<CutExtent> dims{down, across};
  if (first)
    std::swap(dims[0], dims[1]);
  pieces(time, dims, [&](ArrayRef<PieceRange> range, const PieceGrid &grid) {
    PieceRange tallRange = range[first], wide = range[1 - first];
    Part part;
    part.rows = rows;
    part.panels = panelsOfWeight;
    if (!c.panel) {
      Value count = i.mul(i.mul(grid.steps[1 - first], K), sizes.NR);
      Value most = i.constant(panelBytes / (c.sum.getIntOrFloatBitWidth() / 8));
      part.panels = buffer(c.sum, i.min(count, most));
      // Other levels may use it.
      func::CallOp::create(b, library.keep(c.sum), asFlat(part.panels));
    }
    Value from = i.mul(tallRange.low, tall), to = i.add(from, i.mul(tallRange.length, tall));
    split(from, to, chunks, [&](Value number, Value low, Value high) {
      part.number = number;
      part.low = i.mul(low, pieceRows / tileRows());
      part.high = i.min(i.mul(high, pieceRows / tileRows()), blocks);
      multiplyPart(part, wide.low, i.add(wide.low, wide.length));
    });
  });
}

void Packed::write(Value rows) {
  if (!plainRows)
    packRows(rows);
  multiply(rows, c.panel ? asPanels() : Value());
}

/// A factor that is packed, as flat memory.
Value Packed::asPanels() {
  Value memory = c.op->getOperand(c.b);
  return memref::CollapseShapeOp::create(b, memory, ArrayRef<ReassociationIndices>{{0, 1, 2}});
}

void Packed::replace() {
  epilogue = Epilogue::behind(c);
  b.setInsertionPoint(epilogue.empty() ? op : epilogue.ops().back());
  emit();
  erase();
}

void Packed::emit() {
  M = size(*c.m), N = size(c.n), K = size(c.k), outer = i.constant(1);
  for (unsigned d : c.outer)
    outer = i.mul(outer, size(d));
  shared = llvm::none_of(c.outer, [&](unsigned d) { return c.map(c.b).isFunctionOfDim(d); });
  panels = i.ceilDiv(N, sizes.NR);
  findPlain();
  // 7 and 8 rows are two tiles of 4: less time than one of 6 and one of 2.
  height = i.constant(tileRows());
  if (tileRows() == 6) {
    Value isTall = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ule, i.sub(M, i.constant(7)),
                                                 i.constant(1));
    height = b.createOrFold<arith::SelectOp>(isTall, i.constant(4), height);
  }
  blocks = i.ceilDiv(M, height);
  // For any number of rows in a block, so that all levels of CPUs need the same memory.
  Value rows;
  if (!plainRows)
    rows = buffer(c.sum, i.mul(i.mul(outer, i.add(M, mostRows)), K));
  if (c.panel)
    return write(rows);

  Value large;
  for (auto [dim, size, least] : {std::tuple(*c.m, M, leastRows), std::tuple(c.n, N, leastColumns),
                                  std::tuple(c.k, K, leastSteps)})
    if (!known(dim)) {
      Value enough = i.lessOrEqual(i.constant(least), size);
      large = large ? arith::AndIOp::create(b, large, enough).getResult() : enough;
    }
  if (large)
    kernels::when(
        b, large, [&] { write(rows); },
        [&] {
          for (linalg::FillOp fill : fills)
            b.clone(*fill.getOperation());
          b.clone(*c.op.getOperation());
          for (GenericOp op : epilogue.ops())
            b.clone(*op.getOperation());
        });
  else
    write(rows);
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
    auto table = tilesOf(getOperation(), tiles, level);
    if (failed(table))
      return signalPassFailure();
    KernelLibrary library(getOperation(), std::move(*table));
    SeenColumns seen;
    for (GenericOp op : ops) {
      if (op.getNumDpsInputs() != 2 || op.getNumLoops() < 2)
        continue;
      // What is in a loop over pieces is small.
      if (rows::isPart(op)) {
        auto contraction = Contraction::match(op);
        std::string what = contraction ? describe(op) : "";
        Location loc = op.getLoc();
        if (!contraction || !packInRowBlocks(*contraction, library, level, seen))
          continue;
        remarkTaken(loc, what + ": packed product of blocks of rows" + ofLevel(level));
        ++numPacked;
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
      remarkTaken(op.getLoc(),
                  describe(op) + ": packed product, tiles of " + packed.tile() + ofLevel(level));
      packed.replace();
      ++numPacked;
    }
  }
};

} // namespace
} // namespace mad
