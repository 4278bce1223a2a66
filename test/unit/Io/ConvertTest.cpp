//===- ConvertTest.cpp - Element types ---------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/unit/Io/Support.h"

#include <bit>
#include <cmath>
#include <limits>

using namespace mad::io;
using namespace mad::io::test;

namespace {

template <typename To, typename From>
std::vector<To> converted(DType from, const std::vector<From> &numbers, DType to) {
  Tensor source = tensor(from, {static_cast<int64_t>(numbers.size())}, numbers);
  return values<To>(*source.convert(to));
}

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

TEST(Tensor, MakeIsZeroedAndAligned) {
  std::optional<Tensor> made = Tensor::make(DType::F64, {3, 5});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->bytes, 120u);
  EXPECT_EQ(made->elements(), 15);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(made->data.get()) % 64, 0u);
  EXPECT_EQ(values<double>(*made), std::vector<double>(15, 0.0));
}

TEST(Tensor, MakeRefusesWhatDoesNotFit) {
  int64_t large = int64_t(1) << 40;
  EXPECT_FALSE(Tensor::make(DType::F32, {large, large}));
  EXPECT_FALSE(Tensor::make(DType::F64, {std::numeric_limits<int64_t>::max()}));
  EXPECT_FALSE(Tensor::make(DType::F32, {0, large, large}));
  EXPECT_FALSE(Tensor::make(DType::F32, {-1}));
  EXPECT_TRUE(Tensor::make(DType::F32, {0, 7}));
  EXPECT_TRUE(Tensor::make(DType::F32, {}));
}

TEST(Tensor, EveryHalfSurvivesTheWayToFloatAndBack) {
  for (DType dtype : {DType::F16, DType::BF16}) {
    std::vector<uint16_t> all(1 << 16);
    for (size_t i = 0; i < all.size(); ++i)
      all[i] = static_cast<uint16_t>(i);
    std::optional<Tensor> wide = tensor(dtype, {1 << 16}, all).convert(DType::F32);
    std::vector<uint16_t> back = values<uint16_t>(*wide->convert(dtype));
    for (size_t i = 0; i < all.size(); ++i) {
      if (std::isnan(wide->as<float>()[i]))
        EXPECT_TRUE(std::isnan(
            tensor<uint16_t>(dtype, {1}, {back[i]}).convert(DType::F32)->as<float>()[0]));
      else
        EXPECT_EQ(back[i], all[i]);
    }
  }
}

TEST(Tensor, HalfAgreesWithTheCompiler) {
  // Neighbours of every f16 number, and the points half way between two of them.
  std::vector<double> numbers;
  for (uint32_t i = 0; i < 0x7c00; ++i) {
    auto low = static_cast<double>(std::bit_cast<_Float16>(static_cast<uint16_t>(i)));
    auto high = static_cast<double>(std::bit_cast<_Float16>(static_cast<uint16_t>(i + 1)));
    double middle = std::isinf(high) ? 65520 : (low + high) / 2;
    for (double number : {low, middle, std::nextafter(middle, inf), std::nextafter(middle, 0)}) {
      numbers.push_back(number);
      numbers.push_back(-number);
    }
  }
  std::vector<uint16_t> bits = converted<uint16_t>(DType::F64, numbers, DType::F16);
  for (size_t i = 0; i < numbers.size(); ++i)
    ASSERT_EQ(bits[i], std::bit_cast<uint16_t>(static_cast<_Float16>(numbers[i]))) << numbers[i];
}

TEST(Tensor, BrainFloatRoundsToNearestEven) {
  auto bits = [](double value) {
    return converted<uint16_t, double>(DType::F64, {value}, DType::BF16)[0];
  };
  EXPECT_EQ(bits(1.0), 0x3f80);
  EXPECT_EQ(bits(1.0 + 0x1p-8), 0x3f80);           // half way, to even
  EXPECT_EQ(bits(1.0 + 0x1p-8 + 0x1p-40), 0x3f81); // just above
  EXPECT_EQ(bits(1.0 + 3 * 0x1p-8), 0x3f82);       // half way, to even
  EXPECT_EQ(bits(0x1.fffp127), 0x7f80);            // beyond the largest number
  EXPECT_EQ(bits(-inf), 0xff80);
  EXPECT_EQ(bits(0x1p-133), 0x0001); // the smallest one
  EXPECT_EQ(bits(0x1p-134), 0x0000); // half of it, to even
}

TEST(Tensor, IntegersAreRoundedOnce) {
  // Just above half way between two bf16 numbers: via f64 the last bit would be
  // lost first, and the result would be the lower one.
  int64_t number = (int64_t(1) << 62) + (int64_t(1) << 54) + 1;
  EXPECT_EQ((converted<uint16_t, int64_t>(DType::I64, {number, number - 1, -number}, DType::BF16)),
            (std::vector<uint16_t>{0x5e81, 0x5e80, 0xde81}));
  EXPECT_EQ((converted<float, int64_t>(DType::I64, {(1 << 24) + 1, (1 << 24) + 3}, DType::F32)),
            (std::vector<float>{16777216.0f, 16777220.0f}));
  EXPECT_EQ((converted<uint16_t, int32_t>(DType::I32, {65519, 65520, -70000}, DType::F16)),
            (std::vector<uint16_t>{0x7bff, 0x7c00, 0xfc00}));
  EXPECT_EQ((converted<double, uint64_t>(DType::U64, {~uint64_t(0)}, DType::F64)),
            (std::vector<double>{0x1p64}));
}

TEST(Tensor, FloatsBecomeIntegersRoundedAndSaturated) {
  EXPECT_EQ((converted<int32_t, double>(
                DType::F64, {0.5, 1.5, 2.5, -0.5, -1.5, 3e9, -3e9, inf, nan}, DType::I32)),
            (std::vector<int32_t>{0, 2, 2, 0, -2, INT32_MAX, INT32_MIN, INT32_MAX, 0}));
  EXPECT_EQ((converted<int64_t, float>(DType::F32, {0x1p63f, -0x1p63f, 0x1p62f}, DType::I64)),
            (std::vector<int64_t>{INT64_MAX, INT64_MIN, int64_t(1) << 62}));
  EXPECT_EQ((converted<uint8_t, float>(DType::F32, {-1, 255.4f, 255.5f, 1000}, DType::U8)),
            (std::vector<uint8_t>{0, 255, 255, 255}));
  EXPECT_EQ((converted<uint64_t, double>(DType::F64, {0x1p64, -1}, DType::U64)),
            (std::vector<uint64_t>{~uint64_t(0), 0}));
}

TEST(Tensor, IntegersSaturate) {
  EXPECT_EQ((converted<int8_t, int64_t>(DType::I64, {127, 128, -128, -129}, DType::I8)),
            (std::vector<int8_t>{127, 127, -128, -128}));
  EXPECT_EQ((converted<uint32_t, int64_t>(DType::I64, {-1, INT64_MAX}, DType::U32)),
            (std::vector<uint32_t>{0, UINT32_MAX}));
  EXPECT_EQ((converted<int64_t, uint64_t>(DType::U64, {~uint64_t(0)}, DType::I64)),
            (std::vector<int64_t>{INT64_MAX}));
}

TEST(Tensor, TruthValues) {
  EXPECT_EQ((converted<uint8_t, float>(DType::F32, {0, -0.0f, 0.1f, -3}, DType::Bool)),
            (std::vector<uint8_t>{0, 0, 1, 1}));
  EXPECT_EQ((converted<float, uint8_t>(DType::Bool, {0, 1}, DType::F32)),
            (std::vector<float>{0, 1}));
}

TEST(Tensor, NamesAndSizesBelongTogether) {
  EXPECT_EQ(size(DType::BF16), 2u);
  EXPECT_EQ(size(DType::Bool), 1u);
  EXPECT_EQ(size(DType::U64), 8u);
  EXPECT_STREQ(name(DType::BF16), "bf16");
  EXPECT_STREQ(name(DType::I64), "i64");
}

} // namespace
