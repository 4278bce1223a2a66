//===- Convert.cpp - Element types and their conversion -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/core/pages.h"
#include "runtime/io/Half.h"
#include "runtime/io/TensorFile.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

using namespace mad::io;

namespace {

struct Half {
  uint16_t bits;
};
struct Brain {
  uint16_t bits;
};
struct Flag {
  uint8_t byte;
};

double decode(Half value) { return halfToFloat(value.bits); }

double decode(Brain value) { return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16); }

/// Bits of the nearest number with this many exponent and fraction bits.
uint16_t encode(double value, int exponentBits, int fractionBits) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  int bias = (1 << (exponentBits - 1)) - 1;
  uint32_t infinity = ((1u << exponentBits) - 1) << fractionBits;
  if (std::isnan(value))
    return static_cast<uint16_t>(sign | infinity | 1u << (fractionBits - 1));
  double magnitude = std::fabs(value);
  if (magnitude == 0)
    return sign;
  if (std::isinf(value))
    return static_cast<uint16_t>(sign | infinity);
  int exponent;
  std::frexp(magnitude, &exponent);
  exponent = std::max(exponent - 1, 1 - bias);
  if (exponent > bias)
    return static_cast<uint16_t>(sign | infinity);
  // In units of the last place; a carry out of the fraction lands in the
  // exponent, where it belongs.
  auto units =
      static_cast<uint32_t>(std::nearbyint(std::ldexp(magnitude, fractionBits - exponent)));
  uint32_t one = 1u << fractionBits;
  uint32_t bits = units < one
                      ? units
                      : (static_cast<uint32_t>(exponent + bias) << fractionBits) + (units - one);
  return static_cast<uint16_t>(sign | std::min(bits, infinity));
}

/// The integer as f64, its last bit set when bits were lost: rounding that again
/// to a shorter type rounds the integer itself.
template <typename T> double sticky(T value) {
  bool negative = value < 0;
  uint64_t magnitude = negative ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  int lost = 11 - std::countl_zero(magnitude);
  if (lost > 0) {
    uint64_t tail = magnitude & ((uint64_t(1) << lost) - 1);
    magnitude = (magnitude >> lost | (tail != 0)) << lost;
  }
  double number = static_cast<double>(magnitude);
  return negative ? -number : number;
}

template <typename To, typename From> To fromFloat(From value) {
  if constexpr (std::is_same_v<To, Half>) {
    return {encode(value, 5, 10)};
  } else if constexpr (std::is_same_v<To, Brain>) {
    return {encode(value, 8, 7)};
  } else if constexpr (std::is_same_v<To, Flag>) {
    return {static_cast<uint8_t>(value != 0)};
  } else if constexpr (std::is_floating_point_v<To>) {
    return static_cast<To>(value);
  } else {
    using Limits = std::numeric_limits<To>;
    if (std::isnan(value))
      return 0;
    double whole = std::nearbyint(static_cast<double>(value));
    // Both bounds are powers of two (or zero) and so exact.
    if (whole >= std::ldexp(1.0, Limits::digits))
      return Limits::max();
    if (whole <= static_cast<double>(Limits::min()))
      return Limits::min();
    return static_cast<To>(whole);
  }
}

template <typename To, typename From> To fromInteger(From value) {
  if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, Brain>) {
    return fromFloat<To>(sticky(value));
  } else if constexpr (std::is_same_v<To, Flag>) {
    return {static_cast<uint8_t>(value != 0)};
  } else if constexpr (std::is_floating_point_v<To>) {
    return static_cast<To>(value);
  } else {
    using Limits = std::numeric_limits<To>;
    if (std::cmp_greater(value, Limits::max()))
      return Limits::max();
    if (std::cmp_less(value, Limits::min()))
      return Limits::min();
    return static_cast<To>(value);
  }
}

template <typename To, typename From> To cast(From value) {
  if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, Brain>)
    return fromFloat<To>(decode(value));
  else if constexpr (std::is_same_v<From, Flag>)
    return fromInteger<To>(static_cast<uint8_t>(value.byte != 0));
  else if constexpr (std::is_floating_point_v<From>)
    return fromFloat<To>(value);
  else
    return fromInteger<To>(value);
}

/// Calls `function` with a value of the C++ type of `dtype`.
template <typename Function> void visit(DType dtype, Function function) {
  switch (dtype) {
  case DType::F32:
    return function(float{});
  case DType::F64:
    return function(double{});
  case DType::F16:
    return function(Half{});
  case DType::BF16:
    return function(Brain{});
  case DType::I8:
    return function(int8_t{});
  case DType::I16:
    return function(int16_t{});
  case DType::I32:
    return function(int32_t{});
  case DType::I64:
    return function(int64_t{});
  case DType::U8:
    return function(uint8_t{});
  case DType::U16:
    return function(uint16_t{});
  case DType::U32:
    return function(uint32_t{});
  case DType::U64:
    return function(uint64_t{});
  case DType::Bool:
    return function(Flag{});
  }
}

} // namespace

size_t mad::io::size(DType dtype) {
  size_t bytes = 0;
  visit(dtype, [&](auto sample) { bytes = sizeof sample; });
  return bytes;
}

const char *mad::io::name(DType dtype) {
  switch (dtype) {
  case DType::F32:
    return "f32";
  case DType::F64:
    return "f64";
  case DType::F16:
    return "f16";
  case DType::BF16:
    return "bf16";
  case DType::I8:
    return "i8";
  case DType::I16:
    return "i16";
  case DType::I32:
    return "i32";
  case DType::I64:
    return "i64";
  case DType::U8:
    return "u8";
  case DType::U16:
    return "u16";
  case DType::U32:
    return "u32";
  case DType::U64:
    return "u64";
  case DType::Bool:
    return "bool";
  }
  return "?";
}

int64_t Tensor::elements() const {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

std::optional<Tensor> Tensor::make(DType dtype, std::vector<int64_t> shape) {
  // The product without zeros must fit as well, so that no partial product of
  // extents overflows elsewhere.
  int64_t bytes = static_cast<int64_t>(io::size(dtype));
  bool empty = false;
  for (int64_t extent : shape) {
    if (extent < 0)
      return std::nullopt;
    empty |= extent == 0;
    if (extent > 0 && __builtin_mul_overflow(bytes, extent, &bytes))
      return std::nullopt;
  }
  const uint64_t size = empty ? 0 : static_cast<uint64_t>(bytes);
  void *memory = mad_pages_take(size);
  if (!memory)
    return std::nullopt;
  Tensor tensor;
  tensor.dtype = dtype;
  tensor.shape = std::move(shape);
  tensor.bytes = size;
  tensor.data = std::shared_ptr<void>(memory, [size](void *gone) { mad_pages_give(gone, size); });
  return tensor;
}

std::optional<Tensor> Tensor::convert(DType to) const {
  if (to == dtype)
    return *this;
  std::optional<Tensor> result = make(to, shape);
  if (!result)
    return std::nullopt;
  int64_t count = elements();
  visit(dtype, [&](auto from) {
    visit(to, [&](auto target) {
      using From = decltype(from);
      using To = decltype(target);
      const From *source = as<From>();
      To *out = result->as<To>();
      for (int64_t i = 0; i < count; ++i)
        out[i] = cast<To>(source[i]);
    });
  });
  return result;
}
