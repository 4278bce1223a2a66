//===- MmaTest.cpp - mma.sync of every type against sums of the host -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operands are packed by the tables of the PTX manual, written here element by element:
// where an element is, is said otherwise than in the emulator.
//
//===----------------------------------------------------------------------===//
#include "test/unit/Simt/Harness.h"
#include <bit>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <numeric>
#include <ostream>

using namespace mad::test;

namespace {
struct Form {
  std::string name;
  int m, n, k;
  int bits;                            ///< of an element of A and B
  std::string operand;                 ///< type in MLIR of a register of A and B
  std::string sum;                     ///< of the sums
  std::string types;                   ///< further attributes
  std::function<uint64_t(int)> encode; ///< of a small number, as A's element
  std::function<int(int)> allowed;     ///< what numbers are there: B's too
  std::function<uint64_t(int)> encodeB = nullptr;
  bool exclusiveOr = false;
};
void PrintTo(const Form &f, std::ostream *out) { *out << f.name; }

std::string ptxTypes(const std::string &a, const std::string &b) {
  return ", multiplicandAPtxType = #nvvm.mma_type<" + a +
         ">, multiplicandBPtxType = #nvvm.mma_type<" + b + ">";
}
std::string integers(const std::string &a, const std::string &b) {
  return ptxTypes(a, b) + ", intOverflowBehavior = #nvvm.mma_int_overflow<wrapped>";
}

uint64_t half(int x) { return toHalf(float(x) / 8); }
uint64_t bfloat(int x) { return toBfloat(float(x) / 8); }
uint64_t single(int x) { return std::bit_cast<uint32_t>(float(x) / 8); }
uint64_t whole(int x) { return uint32_t(x); }
int signedNumber(int i) { return (i * 7 + 3) % 15 - 7; }
int unsignedNumber(int i) { return (i * 7 + 3) % 15; }
int bit(int i) { return (i * 11 + i / 5) % 3 == 0; }

const Form forms[] = {
    {"f16k16", 16, 8, 16, 16, "vector<2xf16>", "f32", "", half, signedNumber},
    {"f16k8", 16, 8, 8, 16, "vector<2xf16>", "f32", "", half, signedNumber},
    {"f16k16SumsOfHalves", 16, 8, 16, 16, "vector<2xf16>", "vector<2xf16>", "", half, signedNumber},
    {"bf16k16", 16, 8, 16, 16, "i32", "f32", ptxTypes("bf16", "bf16"), bfloat, signedNumber},
    {"bf16k8", 16, 8, 8, 16, "i32", "f32", ptxTypes("bf16", "bf16"), bfloat, signedNumber},
    {"tf32k8", 16, 8, 8, 32, "i32", "f32", ptxTypes("tf32", "tf32"), single, signedNumber},
    {"tf32k4", 16, 8, 4, 32, "i32", "f32", ptxTypes("tf32", "tf32"), single, signedNumber},
    {"s8k32", 16, 8, 32, 8, "i32", "i32", integers("s8", "s8"), whole, signedNumber},
    {"s8k16", 16, 8, 16, 8, "i32", "i32", integers("s8", "s8"), whole, signedNumber},
    {"u8k32", 16, 8, 32, 8, "i32", "i32", integers("u8", "u8"), whole, unsignedNumber},
    {"s8m8", 8, 8, 16, 8, "i32", "i32", integers("s8", "s8"), whole, signedNumber},
    {"s4k64", 16, 8, 64, 4, "i32", "i32", integers("s4", "s4"), whole, signedNumber},
    {"u4k32", 16, 8, 32, 4, "i32", "i32", integers("u4", "u4"), whole, unsignedNumber},
    {"b1And", 16, 8, 256, 1, "i32", "i32",
     ptxTypes("b1", "b1") + ", b1Op = #nvvm.mma_b1op<and_popc>", whole, bit},
    {"b1Xor", 16, 8, 128, 1, "i32", "i32",
     ptxTypes("b1", "b1") + ", b1Op = #nvvm.mma_b1op<xor_popc>", whole, bit, nullptr, true},
    {"f64", 8, 8, 4, 64, "f64", "f64", "", [](int x) { return std::bit_cast<uint64_t>(x / 8.0); },
     signedNumber},
};

/// Registers of A, B and the sums that a lane holds.
struct Counts {
  int a, b, sums, words;
  explicit Counts(const Form &f) {
    int wide = f.bits == 64 ? 64 : 32;
    words = wide / 32;
    a = f.m * f.k * f.bits / 32 / wide;
    b = f.n * f.k * f.bits / 32 / wide;
    sums = f.m * f.n / 32 / (f.sum == "vector<2xf16>" ? 2 : 1);
  }
};

/// Loads of x, one product, a store of y: each lane has 16 words of A, B and the sums.
std::string kernelText(const Form &f) {
  Counts counts(f);
  std::string text =
      "gpu.module @k { gpu.func @mma(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel {\n"
      "%c48 = arith.constant 48 : i32\n%c16 = arith.constant 16 : i32\n"
      "%t = nvvm.read.ptx.sreg.tid.x : i32\n%at = arith.muli %t, %c48 : i32\n"
      "%in = llvm.getelementptr %x[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32\n"
      "%to = arith.muli %t, %c16 : i32\n"
      "%out = llvm.getelementptr %y[%to] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32\n";
  auto load = [&](const std::string &what, int count, int first, const std::string &type) {
    std::string names;
    for (int i = 0; i < count; ++i) {
      std::string n = what + std::to_string(i);
      text += "%p" + n + " = llvm.getelementptr %in[" + std::to_string(first + i * counts.words) +
              "] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32\n%" + n + " = llvm.load %p" + n +
              " : !llvm.ptr<1> -> " + type + "\n";
      names += (i ? ", %" : "%") + n;
    }
    return names;
  };
  std::string a = load("a", counts.a, 0, f.operand), b = load("b", counts.b, 16, f.operand),
              c = load("c", counts.sums, 32, f.sum);
  std::string result;
  for (int i = 0; i < counts.sums; ++i)
    result += (i ? ", " : "") + f.sum;
  result = "!llvm.struct<(" + result + ")>";
  auto n = [](int i) { return std::to_string(i); };
  text += "%d = nvvm.mma.sync A[" + a + "] B[" + b + "] C[" + c +
          "] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = "
          "#nvvm.shape<m = " +
          n(f.m) + ", n = " + n(f.n) + ", k = " + n(f.k) + ">" + f.types + "} : (" + f.operand +
          ", " + f.operand + ", " + f.sum + ") -> " + result + "\n";
  for (int i = 0; i < counts.sums; ++i)
    text += "%d" + n(i) + " = llvm.extractvalue %d[" + n(i) + "] : " + result + "\n%q" + n(i) +
            " = llvm.getelementptr %out[" + n(i * counts.words) +
            "] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32\nllvm.store %d" + n(i) + ", %q" + n(i) +
            " : " + f.sum + ", !llvm.ptr<1>\n";
  return text + "gpu.return } }\n";
}

/// Sets element `place` of an array of elements of some bits.
void put(uint32_t *words, int bits, int place, uint64_t value) {
  if (bits == 64) {
    memcpy(words + 2 * place, &value, 8);
    return;
  }
  int per = 32 / bits;
  uint32_t mask = bits == 32 ? ~0u : (1u << bits) - 1;
  words[place / per] |= (uint32_t(value) & mask) << (place % per * bits);
}

class Mma : public testing::TestWithParam<Form> {};

TEST_P(Mma, IsTheProduct) {
  const Form &f = GetParam();
  auto kernel = Kernel::parse(kernelText(f), "mma");
  ASSERT_TRUE(kernel);
  auto a = [&](int i, int k) { return f.allowed(i * 31 + k * 3); };
  auto b = [&](int k, int j) { return f.allowed(k * 5 + j * 17 + 1); };
  auto c = [&](int i, int j) { return signedNumber(i + 3 * j); };
  bool narrowSums = f.sum == "vector<2xf16>", real = f.sum != "i32";

  // The manual's tables: an element is held by lane (row % 8) * 4 + rest.
  std::vector<uint32_t> x(32 * 48);
  int per = f.bits == 64 ? 1 : 32 / f.bits; // elements of a register
  for (int i = 0; i < f.m; ++i)
    for (int k = 0; k < f.k; ++k) {
      int lane = i % 8 * 4 + k / per % 4, reg = k / (4 * per) * (f.m / 8) + i / 8;
      put(&x[lane * 48], f.bits, reg * per + k % per, f.encode(a(i, k)));
    }
  for (int k = 0; k < f.k; ++k)
    for (int j = 0; j < f.n; ++j)
      put(&x[(j * 4 + k / per % 4) * 48 + 16], f.bits, k / (4 * per) * per + k % per,
          f.encode(b(k, j)));
  auto sumBits = narrowSums ? 16 : f.sum == "f64" ? 64 : 32;
  auto encodeSum = [&](double v) -> uint64_t {
    if (narrowSums)
      return toHalf(float(v));
    if (f.sum == "f64")
      return std::bit_cast<uint64_t>(v);
    return real ? std::bit_cast<uint32_t>(float(v)) : uint32_t(int32_t(v));
  };
  double scale = real ? 1.0 / 8 : 1;
  auto place = [](int i, int j) { return std::pair(i % 8 * 4 + j / 2, i / 8 * 2 + j % 2); };
  for (int i = 0; i < f.m; ++i)
    for (int j = 0; j < f.n; ++j) {
      auto [lane, at] = place(i, j);
      put(&x[lane * 48 + 32], sumBits, at, encodeSum(c(i, j) * scale));
    }

  Device device;
  uint32_t *from = device.copy(x), *to = device.make<uint32_t>(32 * 16);
  Outcome outcome = device.run(kernel->get(), {&from, &to}, launchOf(1, 1, 32, 0, 1));
  EXPECT_EQ(outcome.result.findings, 0u) << outcome.text();
  std::vector<uint32_t> expected(32 * 16);
  for (int i = 0; i < f.m; ++i)
    for (int j = 0; j < f.n; ++j) {
      double sum = 0;
      for (int k = 0; k < f.k; ++k)
        sum += f.exclusiveOr ? a(i, k) != b(k, j) : a(i, k) * b(k, j);
      auto [lane, at] = place(i, j);
      put(&expected[lane * 16], sumBits, at, encodeSum(sum * scale * scale + c(i, j) * scale));
    }
  int words = f.m * f.n / 32 * sumBits / 32;
  for (int lane = 0; lane < 32; ++lane)
    for (int w = 0; w < words; ++w)
      EXPECT_EQ(to[lane * 16 + w], expected[lane * 16 + w]) << "lane " << lane << " word " << w;
}

INSTANTIATE_TEST_SUITE_P(All, Mma, testing::ValuesIn(forms),
                         [](const auto &info) { return info.param.name; });
} // namespace
