//===- ProductPieces.cpp - Products whose terms are shared among blocks -----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A product with few tiles and many terms, in groups of warps: blocks take pieces of k, and leave
// their sums in scratch memory. A second kernel adds those up in order, and does what follows.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/Conversion/LinalgToGpu/ProductKernels.h"
#include "passes/Kernels/Gpu/MatmulParts.h"

using namespace mlir;

namespace mad::product {

constexpr int ofThread = 4; ///< neighbours that a thread of the second kernel takes

/// As many as give each multiprocessor a tile, of 512 terms at least; null: never. Sums of a tile
/// are not cut.
Value Product::piecesOfK(int columns) {
  constexpr int64_t least = 512, worth = 2048;
  auto steps = known(k);
  if (!steps || *steps < worth || !outer.empty() || !siblings.empty())
    return {};
  Value tiles = f.mul(f.ceilDiv(n, columns), f.ceilDiv(m, device::GroupTile::blockM));
  // n or m may be 0.
  tiles = f.b.createOrFold<arith::MaxUIOp>(tiles, constant(1));
  Value pieces = f.b.createOrFold<arith::DivUIOp>(constant(manyBlocks), tiles);
  pieces = f.b.createOrFold<arith::MinUIOp>(pieces, constant(*steps / least));
  const int64_t enough = llvm::divideCeil(*steps, longestMmaSum); // that none need be cut
  if (auto count = known(pieces))
    return *count < std::max<int64_t>(enough, 2) ? Value() : pieces;
  return f.b.createOrFold<arith::SelectOp>(f.less(pieces, constant(enough)), constant(1), pieces);
}

/// Whether pieces take less than `whole`, the cost of the best tile for all of k: one wave of
/// tiles of this cost, a launch more, and sums that are written and read.
Value Product::isBetterInPieces(Value pieces, Value whole, int64_t cost, int64_t microsecond) {
  constexpr int64_t launch = 4, elementsOfMicrosecond = 500000;
  Value time =
      f.b.createOrFold<arith::DivUIOp>(f.mul(f.mul(m, n), pieces), constant(elementsOfMicrosecond));
  time = f.b.createOrFold<arith::AddIOp>(time, constant(launch));
  Value steps = f.b.createOrFold<arith::CeilDivUIOp>(k, pieces);
  Value all = f.b.createOrFold<arith::AddIOp>(f.mul(steps, constant(cost)),
                                              f.mul(time, constant(microsecond)));
  return f.b.createOrFold<arith::AndIOp>(f.less(constant(1), pieces), f.less(all, f.mul(whole, k)));
}

void Product::launchPieces(const device::GroupTile &tile, Value pieces) {
  Value row = f.mul(f.ceilDiv(n, ofThread), constant(ofThread));
  SmallVector<int64_t> shape;
  SmallVector<Value> sizes;
  for (Value size : {pieces, m, row}) {
    auto number = known(size);
    shape.push_back(number ? *number : ShapedType::kDynamic);
    if (!number)
      sizes.push_back(size);
  }
  sumsOfPieces = memref::AllocOp::create(f.b, MemRefType::get(shape, f.b.getF32Type()), sizes);
  launchGroup(tile, pieces);
  launchSumOfPieces(pieces);
}

/// Piece z adds up its tiles of k, and leaves the sums in its own matrix.
void Product::setPieces(device::GpuBuilder &g, Value pieces, device::MatmulArguments &arguments,
                        device::GroupBatch &batch) {
  arguments.rowC = g.mul(g.ceilDiv(arguments.n, ofThread), ofThread);
  batch.count = pieces;
  batch.enter = [&g, start = arguments.c](Value z, device::MatmulArguments &made) {
    made.c = g.at(start, g.b.getF32Type(), g.mul(z, made.m), made.rowC, 0);
  };
  // The first ones have one more where they are no equal number.
  // Codes come for two of them.
  const int unit = codes ? 2 : 1;
  Value all = g.ceilDiv(arguments.k, device::GroupTile::blockK), steps = g.ceilDiv(all, unit);
  batch.steps = [&g, all, steps, pieces, unit](Value z) {
    Value each = g.div(steps, pieces), more = g.rem(steps, pieces);
    Value first = g.add(g.mul(z, each), g.min(z, more));
    Value count = g.add(each, g.select(g.less(z, more), g.number(1), g.number(0)));
    Value last = g.add(first, count);
    return std::pair(g.mul(first, unit), unit == 1 ? last : g.min(g.mul(last, unit), all));
  };
}

void Product::launchSumOfPieces(Value pieces) {
  constexpr int threads = 128;
  DeviceKernel kernel = f.kernel(textOf("product: sums of pieces of k"), {}, isGuarded());
  Followers behind = followers;
  behind.prepare(f, kernel);
  if (initial)
    kernel.get(initial);
  device::KernelSignature signature;
  signature.threads = threads;
  device::GpuBuilder g(kernel.builder(), signature);
  device::MatmulArguments arguments = numbersIn(kernel, g);
  arguments.c = kernel.pointer(output.memory, /*apart=*/false);
  const Followers::Alternatives alone;
  const Value none;
  setEpilogue(kernel, behind, arguments, none, alone);
  Value from = kernel.pointer(sumsOfPieces, /*apart=*/true);
  Value count = arith::IndexCastUIOp::create(g.b, g.b.getI32Type(), kernel.get(pieces));
  Type f32 = g.b.getF32Type(), four = g.vectorOf(ofThread, f32);
  Value groups = g.ceilDiv(arguments.n, ofThread), width = g.mul(groups, ofThread);
  Value number = g.add(g.mul(g.block(), threads), g.thread());
  g.when(g.less(number, g.mul(groups, arguments.m)), [&] {
    Value row = g.div(number, groups), column = g.mul(g.rem(number, groups), ofThread);
    device::Values zeros(ofThread, g.f32(0));
    device::Values sums = g.loop(0, count, 1, zeros, [&](Value piece, ValueRange sums) {
      Value place = g.at(from, f32, g.add(g.mul(piece, arguments.m), row), width, column);
      device::Values next;
      for (auto [sum, x] : llvm::zip(sums, g.unpack(g.load(four, place))))
        next.push_back(arith::AddFOp::create(g.b, sum, x));
      return next;
    });
    device::storeSums(g, spec, arguments, row, column, sums);
  });
  spec.epilogue = device::Epilogue();
  Value all = f.mul(f.ceilDiv(n, ofThread), m);
  kernel.launch(f.b, f.ceilDiv(all, threads), threads);
}

} // namespace mad::product
