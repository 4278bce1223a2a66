//===- AccumulatorBounds.h - How long sums of integers stay exact -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of codes, 0 to some largest one, and activations of 8 bits, -127 to 127. Kernels ask
// when they are built, and widen their sums in time.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_ACCUMULATORBOUNDS_H
#define MAD_PASSES_KERNELS_ACCUMULATORBOUNDS_H

#include <cstdint>

namespace mad::kernels {

constexpr int64_t mostActivation = 127;

/// The largest value of a signed integer.
constexpr int64_t largest(int bits) { return (int64_t(1) << (bits - 1)) - 1; }

/// How many sums of two products are added before 16 bits may not hold the result: 8 of codes of 4
/// bits. 0: one alone may be too large.
constexpr int64_t pairsIn16Bits(int64_t mostCode) {
  return largest(16) / (2 * mostActivation * mostCode);
}

/// How many products 32 bits hold the sum of. Sums on the way may wrap around: only the whole
/// counts.
constexpr int64_t productsIn32Bits(int64_t mostCode) {
  return largest(32) / (mostActivation * mostCode);
}

/// The largest sum of four activations that codes choose, less the smallest one.
constexpr int64_t mostOfTable = 4 * mostActivation;

/// By how much n times the mean of n bytes may be too large, where pairs are averaged and rounded
/// up, as are pairs of those and so on; n is a power of two. Each time it is up to a half.
constexpr int64_t meanError(int64_t n) { return n == 1 ? 0 : 2 * meanError(n / 2) + n / 2; }

static_assert(pairsIn16Bits(1) == 129 && pairsIn16Bits(3) == 43 && pairsIn16Bits(15) == 8 &&
              pairsIn16Bits(127) == 1 && pairsIn16Bits(255) == 0);
static_assert(meanError(2) == 1 && meanError(8) == 12 && meanError(32) == 80);
static_assert(productsIn32Bits(255) >= 65536);

} // namespace mad::kernels

#endif // MAD_PASSES_KERNELS_ACCUMULATORBOUNDS_H
