//===- PackWindows.cpp - Convolutions as products of packed matrices --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The windows of an image are the columns of a matrix that is never whole in memory:
// a piece packs some panels of it, multiplies all rows with them while they are in the
// second cache, applies what follows, and goes on (Chetlur et al., "cuDNN: Efficient
// Primitives for Deep Learning", 2014, does so for GPUs).
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Transforms/FuseRows.h"
#include "passes/Transforms/Kernels.h"
#include "passes/Transforms/PackedProduct.h"
#include "passes/Transforms/Passes.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
#define GEN_PASS_DEF_PACKWINDOWS
#include "passes/Transforms/Passes.h.inc"

namespace {

using kernels::KernelLibrary;
using kernels::WindowStep;

/// From this many rows and steps on packing pays.
constexpr int64_t leastRows = 4, leastSteps = 4;
/// Bytes of panels that are packed before they are used, and limits of their number.
constexpr int64_t chunkBytes = 512 << 10, leastPanels = 4, mostPanels = 32;

class Windows : PackedProduct {
public:
  Windows(const WindowProduct &p, KernelLibrary &library, int level, int64_t grain)
      : PackedProduct(p.op, p.sum, p.mayContract, library, level, grain), p(p) {
    // Sums may start with anything: another value than zero is read from where it is.
    if (!startsWithZero())
      fills.clear();
  }

  bool pays();
  void replace();

private:
  Value size(unsigned dim);
  Value product(ArrayRef<unsigned> dims);
  Value stride(unsigned dim);
  Value offsetOf(Value number);
  Value rowsOf(Value number);
  void pieces(Value time, Value count, function_ref<void(Value, Value)> body);
  Value asMatrix(unsigned operand, unsigned last);
  Value rowsFrom(Value matrix, Value row, Value count, Value column, Value width);
  void packRows();
  void emit();
  void emitChunk(Value item, Value packed);
  void multiply(Value number, Value first, Value count, Value packed);

  const WindowProduct &p;
  SmallVector<Value> strides;   ///< of the image
  Value M, N, K, outer, groups; ///< sizes, and numbers of products and of left factors
  Value blocks, panels;         ///< of a left factor, of a product
  Value chunk, chunks, rows;    ///< panels of a chunk, chunks of a product, packed rows
};

bool Windows::pays() {
  if (p.packed)
    return true;
  SmallVector<int64_t> extents = p.op.getStaticLoopRanges();
  auto least = [&](int64_t size, int64_t most) {
    return ShapedType::isDynamic(size) || size >= most;
  };
  int64_t steps = 1;
  for (unsigned d : p.k)
    steps = ShapedType::isDynamic(extents[d]) ? leastSteps : steps * extents[d];
  if (!least(extents[p.m], leastRows) || !least(steps, leastSteps))
    return false;
  return true;
}

/// Of a dimension that one of W and C has for itself.
Value Windows::size(unsigned dim) {
  for (unsigned operand : {2u, p.w})
    for (auto [position, e] : llvm::enumerate(p.map(operand).getResults()))
      if (auto d = dyn_cast<AffineDimExpr>(e); d && d.getPosition() == dim)
        return b.createOrFold<memref::DimOp>(p.op->getOperand(operand), int64_t(position));
  return i.constant(1);
}

Value Windows::product(ArrayRef<unsigned> dims) {
  Value result = i.constant(1);
  for (unsigned d : dims)
    result = i.mul(result, size(d));
  return result;
}

/// How far a step along the dimension goes in the image.
Value Windows::stride(unsigned dim) {
  Value result = i.constant(0);
  AffineMap map = p.map(p.x);
  for (auto [position, e] : llvm::enumerate(map.getResults()))
    if (int64_t factor = (*linearForm(e, map.getNumDims(), 0))[dim])
      result = i.add(result, i.mul(strides[position], factor));
  return result;
}

/// Where the image of a product starts, by the numbers of its outer dimensions.
Value Windows::offsetOf(Value number) {
  Value offset = i.constant(0);
  AffineMap map = p.map(p.x);
  for (auto [position, e] : llvm::enumerate(map.getResults()))
    offset = i.add(offset, i.mul(strides[position], linearForm(e, map.getNumDims(), 0)->back()));
  for (unsigned d : llvm::reverse(p.outer)) {
    Value extent = size(d);
    Value at = p.outer.size() == 1 ? number : b.createOrFold<arith::RemUIOp>(number, extent);
    offset = i.add(offset, i.mul(at, stride(d)));
    number = b.createOrFold<arith::DivUIOp>(number, extent);
  }
  return offset;
}

/// The packed rows of a product's left factor.
Value Windows::rowsOf(Value number) {
  Value group = i.constant(0), inner = i.constant(1);
  for (unsigned d : llvm::reverse(p.outer)) {
    Value extent = size(d);
    if (llvm::is_contained(p.groups, d)) {
      group = i.add(group, i.mul(b.createOrFold<arith::RemUIOp>(number, extent), inner));
      inner = i.mul(inner, extent);
    }
    number = b.createOrFold<arith::DivUIOp>(number, extent);
  }
  Value length = i.mul(i.mul(blocks, K), kernels::blockRows);
  return slice(rows, i.mul(group, length), length);
}

/// A loop over pieces of a range of `count`.
void Windows::pieces(Value time, Value count, function_ref<void(Value, Value)> body) {
  PackedProduct::pieces(time, {{count, 1}}, [&](ArrayRef<PieceRange> range, const PieceGrid &) {
    body(range[0].low, i.add(range[0].low, range[0].length));
  });
}

/// All dimensions after `last`, a dimension of the map, as one, and those up to it.
Value Windows::asMatrix(unsigned operand, unsigned last) {
  Value memory = p.op->getOperand(operand);
  SmallVector<ReassociationIndices> parts(2);
  unsigned at = 0;
  for (auto [position, e] : llvm::enumerate(p.map(operand).getResults())) {
    parts[at].push_back(position);
    if (cast<AffineDimExpr>(e).getPosition() == last)
      at = 1;
  }
  if (parts[0].size() + parts[1].size() > 2)
    memory = memref::CollapseShapeOp::create(b, memory, parts);
  return memory;
}

/// Some rows of a matrix, from a column on.
Value Windows::rowsFrom(Value matrix, Value row, Value count, Value column, Value width) {
  auto type = cast<MemRefType>(matrix.getType());
  OpFoldResult one = b.getIndexAttr(1);
  Value part = memref::SubViewOp::create(b, matrix, ArrayRef<OpFoldResult>{row, column},
                                         ArrayRef<OpFoldResult>{count, width},
                                         ArrayRef<OpFoldResult>{one, one});
  return memref::CastOp::create(b, KernelLibrary::rows(type.getElementType()), part);
}

/// The rows of all left factors, once.
void Windows::packRows() {
  if (p.packed) {
    Value memory = p.op->getOperand(p.w);
    int64_t rank = cast<MemRefType>(memory.getType()).getRank();
    rows = memref::CollapseShapeOp::create(
        b, memory, ArrayRef<ReassociationIndices>{llvm::to_vector(llvm::seq<int64_t>(0, rank))});
    return;
  }
  Type type = factorType(p.op, p.w);
  func::FuncOp function = library.packRows(type, p.sum, kernels::Order::RowMajor);
  Value matrix = asMatrix(p.w, p.m), length = i.mul(i.mul(blocks, K), kernels::blockRows);
  rows = buffer(p.sum, i.mul(groups, length));
  Value time = i.mul(i.mul(i.mul(groups, M), K), packTime);
  pieces(time, i.mul(groups, blocks), [&](Value from, Value to) {
    kernels::forRange(b, from, to, 1, [&](Value block) {
      Value group = b.createOrFold<arith::DivUIOp>(block, blocks);
      Value number = b.createOrFold<arith::RemUIOp>(block, blocks);
      Value source = rowsFrom(matrix, i.mul(group, M), M, i.constant(0), K);
      Value target = slice(rows, i.mul(group, length), length);
      func::CallOp::create(
          b, function,
          ValueRange{source, target, number, i.add(number, 1), i.constant(kernels::blockRows)});
    });
  });
}

/// Packs one chunk of the columns of a product, and multiplies.
void Windows::emitChunk(Value item, Value packed) {
  Value number = b.createOrFold<arith::DivUIOp>(item, chunks);
  Value first = i.mul(b.createOrFold<arith::RemUIOp>(item, chunks), chunk);
  Value count = i.min(chunk, i.sub(panels, first));
  auto image = cast<MemRefType>(p.op->getOperand(p.x).getType());
  unsigned last = p.n.back();
  auto known = getConstantIntValue(stride(last));
  WindowStep step = known == 1 ? WindowStep::One : known == 2 ? WindowStep::Two : WindowStep::Any;
  Type type = factorType(p.op, p.x);
  func::FuncOp pack = library.packWindows(type, p.sum, image.getRank(), step);
  Value one = i.constant(1), zero = i.constant(0);
  bool flat = p.n.size() == 1;
  SmallVector<Value> arguments{memref::CastOp::create(b,
                                                      KernelLibrary::strided(type, image.getRank()),
                                                      p.op->getOperand(p.x)),
                               packed,
                               offsetOf(number),
                               first,
                               i.add(first, count),
                               size(last),
                               flat ? one : size(p.n[0]),
                               flat ? zero : stride(p.n[0]),
                               stride(last)};
  SmallVector<Value> extents, apart;
  for (unsigned d : p.k) {
    extents.push_back(size(d));
    apart.push_back(stride(d));
  }
  for (size_t missing = p.k.size(); missing < 3; ++missing) {
    extents.insert(extents.begin(), one);
    apart.insert(apart.begin(), zero);
  }
  llvm::append_range(arguments, extents);
  llvm::append_range(arguments, apart);
  func::CallOp::create(b, pack, arguments);
  multiply(number, first, count, packed);
}

void Windows::multiply(Value number, Value first, Value count, Value packed) {
  func::FuncOp function = library.multiplyPanels(p.sum, p.sum, fma);
  Value column = i.mul(first, sizes.NR), row = i.mul(number, M);
  Value width = i.min(i.mul(count, sizes.NR), i.sub(N, column));
  Value result = rowsFrom(asMatrix(2, p.m), row, M, column, width);
  Value left = rowsOf(number), zero = i.constant(0);
  kernels::Passes passes = kernels::passesOf(b, sizes, p.sum, K, !mayReorder(p.op));
  int64_t most = std::max<int64_t>(1, sizes.MC / kernels::blockRows);
  kernels::forRange(b, zero, blocks, most, [&](Value low) {
    Value high = i.min(i.add(low, most), blocks);
    // A sum of nothing is written, too.
    kernels::forRange(b, zero, i.max(K, i.constant(1)), passes.steps, [&](Value k) {
      Value end = i.min(i.add(k, passes.steps), K);
      func::CallOp::create(b, function,
                           ValueRange{left, packed, result, K, low, high, zero, count, k, end,
                                      i.constant(kernels::blockRows), addsFrom(k), passes.apart});
    });
    Block block;
    block.row = i.add(row, i.mul(low, kernels::blockRows));
    block.rows = i.sub(i.min(i.mul(high, kernels::blockRows), M), i.mul(low, kernels::blockRows));
    block.column = column;
    block.columns = width;
    epilogue.emit(b, block);
  });
}

void Windows::emit() {
  auto image = memref::ExtractStridedMetadataOp::create(b, p.op->getOperand(p.x));
  SmallVector<int64_t> known;
  int64_t offset;
  // Strides that are known become constants.
  if (failed(cast<MemRefType>(p.op->getOperand(p.x).getType()).getStridesAndOffset(known, offset)))
    known.assign(image.getStrides().size(), ShapedType::kDynamic);
  for (auto [stride, number] : llvm::zip(image.getStrides(), known))
    strides.push_back(ShapedType::isDynamic(number) ? stride : i.constant(number));
  M = size(p.m), N = product(p.n), K = product(p.k);
  outer = product(p.outer), groups = product(p.groups);
  blocks = i.ceilDiv(M, kernels::blockRows), panels = i.ceilDiv(N, sizes.NR);
  int64_t bytes = sizes.NR * p.sum.getIntOrFloatBitWidth() / 8;
  Value fit =
      b.createOrFold<arith::DivUIOp>(i.constant(chunkBytes / bytes), i.max(K, i.constant(1)));
  chunk = i.min(i.max(fit, i.constant(leastPanels)), i.constant(mostPanels));
  chunks = i.ceilDiv(panels, chunk);
  packRows();
  Value time = i.mul(i.mul(i.mul(i.mul(outer, M), N), K), productTime);
  pieces(time, i.mul(outer, chunks), [&](Value from, Value to) {
    Value length = i.mul(i.mul(chunk, K), sizes.NR);
    Value packed = slice(buffer(p.sum, length), i.constant(0), length);
    kernels::forRange(b, from, to, 1, [&](Value item) { emitChunk(item, packed); });
  });
}

void Windows::replace() {
  epilogue = Epilogue::behind(p);
  b.setInsertionPoint(epilogue.empty() ? op : epilogue.ops().back());
  emit();
  erase();
}

struct PackWindowsPass : impl::PackWindowsBase<PackWindowsPass> {
  using PackWindowsBase::PackWindowsBase;

  void runOnOperation() override {
    SmallVector<GenericOp> ops;
    getOperation().walk([&](GenericOp op) {
      // What is in a loop over pieces is small. Ops without a sum may go with an epilogue.
      if (op.getNumReductionLoops() && !rows::isPart(op))
        ops.push_back(op);
    });
    auto table = tilesOf(getOperation(), tiles, level);
    if (failed(table))
      return signalPassFailure();
    KernelLibrary library(getOperation(), std::move(*table));
    IRRewriter rewriter(&getContext());
    for (GenericOp op : ops) {
      // Steps that are neighbours in both factors are one: then it may be a product of two
      // matrices.
      op = collapseDims(rewriter, op);
      auto product = WindowProduct::match(op);
      if (!product)
        continue;
      Windows windows(*product, library, level, grain);
      if (!windows.pays())
        continue;
      windows.replace();
      ++numPacked;
    }
  }
};

} // namespace
} // namespace mad
