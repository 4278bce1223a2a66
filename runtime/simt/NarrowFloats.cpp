//===- NarrowFloats.cpp - Conversions to f16 and bf16 -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/NarrowFloats.h"
#include <cmath>
#include <cstdint>
#include <cstring>

/// An f32 that rounds to a narrower type as x itself does: the one of the two neighbours whose
/// last bit is 1 (Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums:
/// proved algorithms using rounding to odd", 2008).
static float roundToOdd(double x) {
  float near = float(x);
  if (std::isnan(x) || double(near) == x)
    return near;
  uint32_t bits;
  memcpy(&bits, &near, sizeof bits);
  if (bits & 1)
    return near;
  // The other neighbour; the bits of a number of one sign grow with its size.
  bits += std::fabs(near) < std::fabs(x) ? 1 : -1;
  memcpy(&near, &bits, sizeof bits);
  return near;
}

__bf16 mad_simt_bf16_of_f32(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  uint16_t upper = uint16_t(bits >> 16);
  if (std::isnan(x))
    upper |= 0x40; // quiet
  else
    upper = uint16_t((bits + 0x7fff + (upper & 1)) >> 16);
  __bf16 result;
  memcpy(&result, &upper, sizeof result);
  return result;
}

__bf16 mad_simt_bf16_of_f64(double x) { return mad_simt_bf16_of_f32(roundToOdd(x)); }

_Float16 mad_simt_f16_of_f64(double x) { return _Float16(roundToOdd(x)); }
