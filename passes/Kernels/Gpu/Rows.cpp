//===- Rows.cpp - Kernels over the rows of a matrix -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/Rows.h"
#include "passes/Kernels/Gpu/Row.h"
#include "llvm/Support/MathExtras.h"
#include <limits>

using namespace mlir;
using namespace mad::device;

RowTile mad::device::rowTile(int64_t columns, int bytesOfElement) {
  constexpr int64_t columnsOfWarp = 1024;
  RowTile tile;
  tile.vector = 16 / bytesOfElement;
  while (columns % tile.vector)
    tile.vector /= 2;
  tile.blockOfRow = columns > columnsOfWarp;
  tile.threads = tile.blockOfRow ? 256 : 128;
  const int64_t groups = llvm::divideCeil(columns, int64_t(tile.vector) * tile.lanes());
  const int64_t mostGroups = 32 / tile.vector; // 32 registers
  tile.held = groups <= mostGroups ? std::max<int64_t>(groups, 1) : 0;
  return tile;
}

llvm::Error mad::device::check(const RowTile &tile, int bytesOfElement) {
  if (tile.threads < 32 || tile.threads > 1024 || tile.threads % 32)
    return llvm::createStringError("threads = " + Twine(tile.threads) +
                                   ", expected a multiple of 32 from 32 to 1024");
  if (tile.vector < 1 || !llvm::isPowerOf2_32(tile.vector) || tile.vector * bytesOfElement > 16)
    return llvm::createStringError("vector = " + Twine(tile.vector) +
                                   ", expected a power of two of at most 16 bytes of elements");
  if (tile.held < 0 || tile.held * tile.vector > 64)
    return llvm::createStringError("held = " + Twine(tile.held) + " groups of " +
                                   Twine(tile.vector) + ", expected at most 64 elements a thread");
  return llvm::Error::success();
}

/// Makes a kernel whose last arguments are rows and columns; `write` is called with the number of
/// the row, for rows that exist.
static llvm::Expected<Kernel>
makeRows(gpu::GPUModuleOp module, StringRef name, const RowTile &tile, int reductions,
         int bytesOfElement, ArrayRef<Type> arguments,
         llvm::function_ref<void(GpuBuilder &, ValueRange, Value row)> write) {
  if (llvm::Error fault = check(tile, bytesOfElement))
    return std::move(fault);
  Type i32 = IntegerType::get(module.getContext(), 32);
  KernelSignature signature;
  signature.name = name.str();
  signature.threads = tile.threads;
  signature.sharedBytes = tile.sharedBytes(reductions);
  signature.arguments.assign(arguments.begin(), arguments.end());
  signature.arguments.append({i32, i32});
  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange all) {
    // Whole warps leave: those that stay meet at no barrier where a block has several rows.
    Value row = g.add(g.mul(g.block(), tile.rowsOfBlock()), g.div(g.thread(), tile.lanes()));
    g.when(g.less(row, all.drop_back().back()), [&] { write(g, all, row); });
  });
}

llvm::Expected<Kernel> mad::device::makeRowReduction(gpu::GPUModuleOp module, StringRef name,
                                                     const RowReductionSpec &spec,
                                                     const RowTile &tile) {
  Type pointer = globalPointer(module.getContext());
  return makeRows(
      module, name, tile, 1, bytesOf(spec.input), {pointer, pointer},
      [&](GpuBuilder &g, ValueRange arguments, Value index) {
        Value columns = arguments.back();
        Row row(g, tile, spec.input, g.at(arguments[0], spec.input, index, columns, 0), columns);
        row.change([&](Value x) { return spec.element(g, x); });
        Value all =
            row.reduce(spec.identity, [&](Value x, Value y) { return spec.combine(g, x, y); });
        g.when(g.equal(g.rem(g.thread(), tile.lanes()), 0), [&] {
          g.store(g.convert(spec.finish(g, all, columns), spec.output),
                  g.at(arguments[1], spec.output, index));
        });
      });
}

llvm::Expected<Kernel> mad::device::makeSoftmax(gpu::GPUModuleOp module, StringRef name,
                                                Type element, const RowTile &tile) {
  Type pointer = globalPointer(module.getContext());
  return makeRows(
      module, name, tile, 2, bytesOf(element), {pointer, pointer},
      [&](GpuBuilder &g, ValueRange arguments, Value index) {
        auto &b = g.b;
        Value columns = arguments.back();
        Row row(g, tile, element, g.at(arguments[0], element, index, columns, 0), columns);
        Value most = row.reduce(-std::numeric_limits<double>::infinity(), [&](Value x, Value y) {
          return arith::MaximumFOp::create(b, x, y).getResult();
        });
        row.change([&, most](Value x) { return g.exp(arith::SubFOp::create(b, x, most)); });
        Value sum = row.reduce(
            0, [&](Value x, Value y) { return arith::AddFOp::create(b, x, y).getResult(); });
        Value factor = arith::DivFOp::create(b, g.f32(1), sum);
        row.change(
            [&, factor](Value x) { return arith::MulFOp::create(b, x, factor).getResult(); });
        Value to = g.at(arguments[1], element, index, columns, 0);
        row.forGroups([&](Value column, ValueRange x) { row.storeGroup(to, column, x); });
      });
}

llvm::Expected<Kernel> mad::device::makeLayerNorm(gpu::GPUModuleOp module, StringRef name,
                                                  Type element, const RowTile &tile) {
  Type pointer = globalPointer(module.getContext());
  Type f32 = Float32Type::get(module.getContext());
  return makeRows(
      module, name, tile, 2, bytesOf(element), {pointer, pointer, pointer, pointer, f32},
      [&](GpuBuilder &g, ValueRange arguments, Value index) {
        auto &b = g.b;
        auto sum = [&](Value x, Value y) { return arith::AddFOp::create(b, x, y).getResult(); };
        Value columns = arguments.back();
        Value share = arith::DivFOp::create(b, g.f32(1), arith::UIToFPOp::create(b, f32, columns));
        Row row(g, tile, element, g.at(arguments[0], element, index, columns, 0), columns);
        Value mean = arith::MulFOp::create(b, row.reduce(0, sum), share);
        row.change([&, mean](Value x) { return arith::SubFOp::create(b, x, mean).getResult(); });
        // The squares are of differences: a large mean costs no digits.
        Value squares =
            row.reduce(0, sum, [&](Value x) { return arith::MulFOp::create(b, x, x).getResult(); });
        Value variance = arith::MulFOp::create(b, squares, share);
        Value factor = g.inverseSqrt(arith::AddFOp::create(b, variance, arguments[4]));
        Value to = g.at(arguments[3], element, index, columns, 0);
        row.forGroups([&](Value column, ValueRange x) {
          Values scale = row.loadGroup(arguments[1], column);
          Values shift = row.loadGroup(arguments[2], column), y;
          for (auto [value, by, plus] : llvm::zip(x, scale, shift))
            y.push_back(g.fma(arith::MulFOp::create(b, value, factor), by, plus));
          row.storeGroup(to, column, y);
        });
      });
}
