//===- FewRowsTest.cpp - What becomes of the sums of few rows ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tiles for 4096 terms, whose factors have a ring each and whose blocks exchange sums, at sizes
// that take the emulator little time.
//
// Factors and addends are multiples of 1/8 up to 1 in size, so all sums are exact in f32. A result
// in f16 is rounded once: 2^-11 of it.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/MatmulParts.h"
#include "test/unit/Gpu/Emulated.h"
#include <cmath>

using namespace mad;
using namespace mad::test;
using device::GpuBuilder;
using device::Order;

namespace {

constexpr int rowsOfTile = 64;
constexpr const char *name = "few";

/// With a bias a column, what is at each place of another matrix, and no negative results.
device::MatmulSpec withAddends(mlir::MLIRContext *context, Order order, bool isF32, int columns) {
  device::MatmulSpec spec;
  mlir::Type f16 = mlir::Float16Type::get(context), f32 = mlir::Float32Type::get(context);
  spec.element = f16, spec.output = isF32 ? f32 : f16;
  spec.order = order;
  setVectors(spec, 4096, 4096);
  spec.epilogue.arguments.assign(2, device::globalPointer(context));
  spec.epilogue.apply = [=](GpuBuilder &g, mlir::ValueRange arguments, mlir::Value sum,
                            mlir::Value row, mlir::Value column) -> mlir::Value {
    mlir::Value bias = g.load(f32, g.at(arguments[0], f32, column));
    mlir::Value other = g.load(f16, g.at(arguments[1], f16, row, g.number(columns), column));
    sum = mlir::arith::AddFOp::create(g.b, sum, bias);
    sum = mlir::arith::AddFOp::create(g.b, sum, g.convert(other, f32));
    return mlir::arith::MaximumFOp::create(g.b, sum, g.f32(0));
  };
  return spec;
}

/// `isLong`: an epilogue that is there once for each column of a thread.
template <typename Out>
void addends(Order order, int m, int n, int k, uint64_t seed, bool isLong = false) {
  SCOPED_TRACE(testing::Message() << m << " x " << n << " x " << k << (isLong ? ", long" : ""));
  const bool alongK = order == Order::ColumnMajor;
  device::FewRowsTile tile = *device::fewRowsMapTile(rowsOfTile, order, 4096, 4096);
  ASSERT_GT(tile.stagesOfA, 0);
  tile.early = seed % 2;
  Emulated emulated(name, [&](mlir::gpu::GPUModuleOp kernels, llvm::StringRef name) {
    device::MatmulSpec spec = withAddends(kernels.getContext(), order, sizeof(Out) == 4, n);
    spec.epilogue.isLong = isLong;
    return makeFewRowsMatmul(kernels, name, spec, tile);
  });
  auto a = eighths<Half>(m * k, 1), b = eighths<Half>(k * n, 2), more = eighths<Half>(m * n, 4);
  auto bias = eighths<float>(n, 3);
  Map mapA(emulated.upload(a), m, k, tile.rows);
  Map mapB(emulated.upload(b), alongK ? n : k, alongK ? k : n, tile.boxOfB(order));
  Out *c = emulated.output<Out>(m * n);
  float *ofColumns = emulated.upload(bias);
  Half *ofPlaces = emulated.upload(more);
  const uint32_t blocks = (n + tile.columns - 1) / tile.columns * tile.cluster;
  emulated.run({blocks}, {&mapA, &mapB, &c, &m, &n, &k, &ofColumns, &ofPlaces}, seed);
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      double sum = bias[j] + double(more[i * n + j]);
      for (int l = 0; l < k; ++l)
        sum += double(a[i * k + l]) * double(alongK ? b[j * k + l] : b[l * n + j]);
      sum = std::max(sum, 0.0);
      const double tolerance = sizeof(Out) == 2 ? sum * 0x1p-11 : 0;
      ASSERT_NEAR(double(c[i * n + j]), sum, tolerance) << i << ", " << j;
    }
}

// One stage, which one of two blocks has; some; more than a ring holds. Rows of one block or of
// both.
TEST(FewRowsApart, Addends) {
  for (Order order : {Order::RowMajor, Order::ColumnMajor}) {
    addends<Half>(order, 1, 40, 8, 1);
    addends<Half>(order, 33, 136, 328, 2);
    addends<Half>(order, 64, 72, 2568, 3);
    addends<float>(order, 61, 136, 328, 4);
  }
}

TEST(FewRowsApart, AddendsOneAtATime) {
  for (Order order : {Order::RowMajor, Order::ColumnMajor}) {
    addends<Half>(order, 61, 136, 328, 1, /*isLong=*/true);
    addends<float>(order, 64, 72, 200, 2, /*isLong=*/true);
  }
}

} // namespace
