//===- WgmmaTest.cpp - Products of a warpgroup, by types and layouts -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One warpgroup: boxes of A and B come by the tensor unit, one product, the sums go out. That the
// emulator is right about swizzles is known from devices only for 128 bytes and K inside.
//
//===----------------------------------------------------------------------===//
#include "test/unit/Simt/Harness.h"
#include <bit>
#include <functional>
#include <gtest/gtest.h>
#include <ostream>

using namespace mad::test;

namespace {
constexpr int m = 64, n = 32;

struct Form {
  std::string name, type, sum;
  int bytes; ///< of an element
  simt_swizzle swizzle;
  std::function<uint32_t(int)> encode;
  bool fromZero = false;
  bool transposed = false; ///< M and N inside, a row of 64 elements for each k
  int k() const { return 32 / bytes; }
  int rowElements() const { return (16 << swizzle) / bytes; }
};
void PrintTo(const Form &f, std::ostream *out) { *out << f.name; }

uint32_t half(int x) { return toHalf(float(x) / 8); }
uint32_t bfloat(int x) { return toBfloat(float(x) / 8); }
uint32_t single(int x) { return std::bit_cast<uint32_t>(float(x) / 8); }
uint32_t whole(int x) { return uint8_t(x); }
/// -7 to 7 as eighths: sign, exponent with bias 7, 3 bits of mantissa.
uint32_t e4m3(int x) {
  if (x == 0)
    return 0;
  int magnitude = std::abs(x), exponent = std::bit_width(unsigned(magnitude)) - 1;
  return (x < 0 ? 0x80 : 0) | (exponent - 3 + 7) << 3 | ((magnitude << (3 - exponent)) & 7);
}

const Form forms[] = {
    {"f16swizzle128", "f16", "f32", 2, SIMT_SWIZZLE_128B, half},
    {"f16swizzle64", "f16", "f32", 2, SIMT_SWIZZLE_64B, half},
    {"f16swizzle32", "f16", "f32", 2, SIMT_SWIZZLE_32B, half},
    {"f16FromZero", "f16", "f32", 2, SIMT_SWIZZLE_128B, half, true},
    {"f16Transposed", "f16", "f32", 2, SIMT_SWIZZLE_128B, half, false, true},
    {"bf16", "bf16", "f32", 2, SIMT_SWIZZLE_128B, bfloat},
    {"tf32", "tf32", "f32", 4, SIMT_SWIZZLE_128B, single},
    {"s8", "s8", "s32", 1, SIMT_SWIZZLE_128B, whole},
    {"e4m3", "e4m3", "f32", 1, SIMT_SWIZZLE_128B, e4m3},
};

std::string kernelText(const Form &f) {
  auto number = [](int64_t x) { return std::to_string(x); };
  bool real = f.sum == "f32";
  std::string element = real ? "f32" : "i32", body;
  for (int i = 0; i < n / 2; ++i)
    body += (i ? ", " : "") + element;
  std::string sums = "!llvm.struct<(" + body + ")>";
  int row = 16 << f.swizzle;
  int sizeA = (f.transposed ? f.k() : m) * row, sizeB = (f.transposed ? f.k() : n) * row;
  int64_t layout = 4 - f.swizzle; // 1: 128 bytes, 2: 64, 3: 32
  int64_t high = int64_t(8 * row / 16) << 32 | int64_t(uint64_t(layout) << 62) | int64_t(1) << 16;
  std::string text = R"(gpu.module @k {
  llvm.mlir.global internal @tiles() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<)" +
                     number(sizeA + sizeB) + R"( x i8>
  llvm.mlir.global internal @bar() {addr_space = 3 : i32} : !llvm.array<1 x i64>
  gpu.func @wg(%mapA: !llvm.ptr, %mapB: !llvm.ptr, %y: !llvm.ptr<1>) kernel {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c4 = arith.constant 4 : i32
    %bytes = arith.constant )" +
                     number(sizeA + sizeB) + R"( : i32
    %low = arith.constant 16383 : i32
    %high = arith.constant )" +
                     number(high) + R"( : i64
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %is0 = arith.cmpi eq, %t, %c0 : i32
    %a = llvm.mlir.addressof @tiles : !llvm.ptr<3>
    %b = llvm.getelementptr %a[)" +
                     number(sizeA) + R"(] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %bar = llvm.mlir.addressof @bar : !llvm.ptr<3>
    scf.if %is0 {
      nvvm.mbarrier.init %bar, %c1 : !llvm.ptr<3>, i32
      nvvm.fence.mbarrier.init
      nvvm.mbarrier.arrive.expect_tx %bar, %bytes : !llvm.ptr<3>, i32
      %a7 = llvm.addrspacecast %a : !llvm.ptr<3> to !llvm.ptr<7>
      %b7 = llvm.addrspacecast %b : !llvm.ptr<3> to !llvm.ptr<7>
      nvvm.cp.async.bulk.tensor.shared.cluster.global %a7, %mapA, %bar, box [%c0, %c0] : !llvm.ptr<7>, !llvm.ptr
      nvvm.cp.async.bulk.tensor.shared.cluster.global %b7, %mapB, %bar, box [%c0, %c0] : !llvm.ptr<7>, !llvm.ptr
    }
    nvvm.barrier
    nvvm.mbarrier.try_wait.parity %bar, %c0, %low : !llvm.ptr<3>, i32, i32
)";
  for (std::string tile : {"a", "b"})
    text += "%i" + tile + " = llvm.ptrtoint %" + tile + " : !llvm.ptr<3> to i32\n%s" + tile +
            " = arith.shrui %i" + tile + ", %c4 : i32\n%m" + tile + " = arith.andi %s" + tile +
            ", %low : i32\n%e" + tile + " = arith.extui %m" + tile + " : i32 to i64\n%d" + tile +
            " = arith.ori %e" + tile + ", %high : i64\n";
  // Sums begin at 1, so that what `zero` says shows.
  text += "%one = arith.constant 1" + std::string(real ? ".0" : "") + " : " + element +
          "\n%z0 = llvm.mlir.poison : " + sums + "\n";
  for (int i = 0; i < n / 2; ++i)
    text += "%z" + number(i + 1) + " = llvm.insertvalue %one, %z" + number(i) + "[" + number(i) +
            "] : " + sums + "\n";
  text += "nvvm.wgmma.fence.aligned\n%r = nvvm.wgmma.mma_async %da, %db, %z" + number(n / 2) +
          ", #nvvm.shape<m = 64, n = " + number(n) + ", k = " + number(f.k()) + ">, D [<" + f.sum +
          ">, #nvvm.wgmma_scale_out<" + (f.fromZero ? "zero" : "one") + ">], A [<" + f.type +
          ">, #nvvm.wgmma_scale_in<one>, <" + (f.transposed ? "col" : "row") + ">], B [<" + f.type +
          ">, #nvvm.wgmma_scale_in<one>, <" + (f.transposed ? "row" : "col") + ">] : " + sums +
          " -> " + sums +
          "\nnvvm.wgmma.commit.group.sync.aligned\nnvvm.wgmma.wait.group.sync.aligned 0\n"
          "%c16 = arith.constant " +
          number(n / 2) +
          " : i32\n%at = arith.muli %t, %c16 : i32\n"
          "%out = llvm.getelementptr %y[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32\n";
  for (int i = 0; i < n / 2; ++i)
    text += "%v" + number(i) + " = llvm.extractvalue %r[" + number(i) + "] : " + sums + "\n%p" +
            number(i) + " = llvm.getelementptr %out[" + number(i) +
            "] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32\nllvm.store %v" + number(i) + ", %p" +
            number(i) + " : " + element + ", !llvm.ptr<1>\n";
  return text + "gpu.return } }\n";
}

class Wgmma : public testing::TestWithParam<Form> {};

TEST_P(Wgmma, IsTheProduct) {
  const Form &f = GetParam();
  auto kernel = Kernel::parse(kernelText(f), "wg");
  ASSERT_TRUE(kernel);
  auto a = [](int i, int k) { return (i * 31 + k * 3) % 15 - 7; };
  auto b = [](int k, int j) { return (k * 5 + j * 17 + 1) % 15 - 7; };
  int columns = f.rowElements();
  auto pack = [&](int rows, auto value) {
    std::vector<uint8_t> bytes(rows * columns * f.bytes);
    for (int i = 0; i < rows; ++i)
      for (int k = 0; k < columns; ++k) {
        uint32_t x = f.encode(value(i, k));
        for (int e = 0; e < f.bytes; ++e)
          bytes[(i * columns + k) * f.bytes + e] = uint8_t(x >> 8 * e);
      }
    return bytes;
  };
  Device device;
  // Rows of a box are rows of A and columns of B, or steps of k.
  int rowsA = f.transposed ? f.k() : m, rowsB = f.transposed ? f.k() : n;
  auto inA = [&](int i, int x) { return f.transposed ? a(x, i) : a(i, x); };
  auto inB = [&](int i, int x) { return f.transposed ? b(i, x) : b(x, i); };
  uint8_t *pa = device.copy(pack(rowsA, inA)), *pb = device.copy(pack(rowsB, inB));
  auto *y = device.make<uint32_t>(128 * n / 2);
  alignas(64) char mapA[128], mapB[128];
  uint64_t dimsA[] = {uint64_t(columns), uint64_t(rowsA)},
           dimsB[] = {uint64_t(columns), uint64_t(rowsB)};
  uint64_t strides[] = {uint64_t(columns * f.bytes)};
  uint32_t boxA[] = {uint32_t(columns), uint32_t(rowsA)},
           boxB[] = {uint32_t(columns), uint32_t(rowsB)};
  ASSERT_EQ(simt_tensor_map(mapA, f.bytes, 2, pa, dimsA, strides, boxA, f.swizzle), nullptr);
  ASSERT_EQ(simt_tensor_map(mapB, f.bytes, 2, pb, dimsB, strides, boxB, f.swizzle), nullptr);
  Outcome outcome = device.run(kernel->get(), {mapA, mapB, &y}, launchOf(1, 1, 128, 0, 1));
  EXPECT_EQ(outcome.result.findings, 0u) << outcome.text();
  bool real = f.sum == "f32";
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      int sum = 0;
      for (int k = 0; k < f.k(); ++k)
        sum += a(i, k) * b(k, j);
      double expected = (real ? sum / 64.0 : sum) + (f.fromZero ? 0 : 1);
      // The manual's figure of D.
      int thread = i / 16 * 32 + i % 8 * 4 + j % 8 / 2, at = j / 8 * 4 + i % 16 / 8 * 2 + j % 2;
      uint32_t bits = y[thread * n / 2 + at];
      EXPECT_EQ(real ? double(std::bit_cast<float>(bits)) : double(int32_t(bits)), expected)
          << i << ", " << j;
    }
}

INSTANTIATE_TEST_SUITE_P(All, Wgmma, testing::ValuesIn(forms),
                         [](const auto &info) { return info.param.name; });
} // namespace
