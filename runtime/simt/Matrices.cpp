//===- Matrices.cpp - ldmatrix, stmatrix, mma.sync --------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fragments as the PTX manual's figures show them: lane l is g = l / 4, q = l % 4.
// Sums are made in double and rounded once; the hardware's order is not specified.
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/Numbers.h"
#include "runtime/simt/Ops.h"
#include <algorithm>
#include <cstring>

using namespace mad::simt;

//===----------------------------------------------------------------------===//
// ldmatrix and stmatrix: row r of matrix i lies at the address of lane 8i + r
//===----------------------------------------------------------------------===//

/// Row and column of half `e` of lane `l`.
static std::pair<int, int> halfAt(bool transposed, int l, int e) {
  int row = l >> 2, column = 2 * (l & 3) + e;
  return transposed ? std::pair(column, row) : std::pair(row, column);
}

void mad::simt::doLdMatrix(Block &b, unsigned warp) {
  Thread *lanes = &b.threads[warp * warpSize];
  for (int l = 0; l < int(warpSize); ++l) {
    auto *out = static_cast<uint32_t *>(lanes[l].results);
    for (int i = 0; i < int(lanes->in[0]); ++i) {
      uint16_t halves[2];
      for (int e = 0; e < 2; ++e) {
        auto [row, column] = halfAt(lanes->in[1], l, e);
        halves[e] = static_cast<const uint16_t *>(lanes[8 * i + row].fragments)[column];
      }
      out[i] = halves[0] | uint32_t(halves[1]) << 16;
    }
  }
}

void mad::simt::doStMatrix(Block &b, unsigned warp) {
  Thread *lanes = &b.threads[warp * warpSize];
  for (int l = 0; l < int(warpSize); ++l) {
    auto *values = static_cast<const uint32_t *>(lanes[l].fragments);
    for (int i = 0; i < int(lanes->in[0]); ++i)
      for (int e = 0; e < 2; ++e) {
        auto [row, column] = halfAt(lanes->in[1], l, e);
        static_cast<uint16_t *>(lanes[8 * i + row].results)[column] = uint16_t(values[i] >> 16 * e);
      }
  }
}

static void matrixRow(Block &b, Thread &t, const void *at, uint32_t count, uint32_t flags,
                      const char *place) {
  if (t.lane >= 8 * count)
    return; // its address is not used
  uint32_t offset = sharedOffset(b, t, at, 16, place);
  if (offset % 16 != 0)
    b.report.find(SIMT_MISALIGNED, t, place, offset);
  ++b.result.shared_accesses;
  touch(b, t, offset, 16, flags, place);
}

void mad_simt_ldmatrix(simt_thread *t, void *at, uint32_t count, uint32_t transposed, void *results,
                       const char *place) {
  guarded(t, [&](Block &b) {
    matrixRow(b, *t, at, count, 0, place);
    t->fragments = at;
    t->results = results;
    t->in[0] = count;
    t->in[1] = transposed;
    fullWarpMeeting(b, *t, MeetLdMatrix, place);
  });
}

void mad_simt_stmatrix(simt_thread *t, void *at, uint32_t count, uint32_t transposed,
                       const void *values, const char *place) {
  guarded(t, [&](Block &b) {
    matrixRow(b, *t, at, count, Write, place);
    t->fragments = values;
    t->results = at;
    t->in[0] = count;
    t->in[1] = transposed;
    fullWarpMeeting(b, *t, MeetStMatrix, place);
  });
}

//===----------------------------------------------------------------------===//
// mma.sync
//===----------------------------------------------------------------------===//

namespace {
/// As NVVM::MMATypes numbers them.
enum Type { F16, F32, TF32, U8, S8, S32, B1, U4, S4, BF16, F64 };

/// What `types` says: A, B and the sum, four bits each; then saturation, then the
/// operation on bits.
struct Form {
  uint32_t m, n, k;
  Type a, b, sum;
  bool saturate, andBits;
  /// Elements in a register of 32 bits.
  uint32_t perRegister() const {
    switch (a) {
    case F16:
    case BF16:
      return 2;
    case U8:
    case S8:
      return 4;
    case U4:
    case S4:
      return 8;
    case B1:
      return 32;
    default:
      return 1;
    }
  }
};

constexpr int aWords = 0, bWords = 16, sumWords = 32;

double element(const uint32_t *words, Type type, uint32_t r, uint32_t e) {
  uint32_t word = words[r];
  switch (type) {
  case F16:
    return halfToDouble(uint16_t(word >> 16 * e));
  case BF16:
    return bfloatToDouble(uint16_t(word >> 16 * e));
  case TF32:
    return tf32ToDouble(word);
  case S8:
    return int8_t(word >> 8 * e);
  case U8:
    return uint8_t(word >> 8 * e);
  case S4:
    return int32_t(word >> 4 * e << 28) >> 28;
  case U4:
    return word >> 4 * e & 15;
  case B1:
    return word >> e & 1;
  default: {
    double x;
    memcpy(&x, words + 2 * r, sizeof x);
    return x;
  }
  }
}

struct Product {
  Form form;
  double (*a)[256], (*b)[8]; ///< 16 rows of A, 256 of B at most

  void gather(const Thread *lanes);
  void scatter(const Thread &t) const;
  double sum(int row, int column) const;
  void store(uint32_t *out, const uint32_t *sums, int i, double sum) const;
};

void Product::gather(const Thread *lanes) {
  uint32_t per = form.perRegister(), rows = form.m / 8;
  for (uint32_t l = 0; l < warpSize; ++l) {
    auto *words = static_cast<const uint32_t *>(lanes[l].fragments);
    uint32_t g = l >> 2, q = l & 3;
    for (uint32_t r = 0; r < form.m * form.k / 32 / per; ++r)
      for (uint32_t e = 0; e < per; ++e)
        a[g + 8 * (r % rows)][per * q + 4 * per * (r / rows) + e] =
            element(words + aWords, form.a, r, e);
    for (uint32_t r = 0; r < form.k * form.n / 32 / per; ++r)
      for (uint32_t e = 0; e < per; ++e)
        b[per * q + 4 * per * r + e][g] = element(words + bWords, form.b, r, e);
  }
}

double Product::sum(int row, int column) const {
  double total = 0;
  for (uint32_t k = 0; k < form.k; ++k) {
    double x = a[row][k], y = b[k][column];
    total += form.a != B1 || form.andBits ? x * y : double(x != y);
  }
  return total;
}

void Product::store(uint32_t *out, const uint32_t *sums, int i, double sum) const {
  switch (form.sum) {
  case F32:
    out[i] = std::bit_cast<uint32_t>(float(sum + std::bit_cast<float>(sums[i])));
    break;
  case F16: {
    auto old = uint16_t(sums[i / 2] >> 16 * (i & 1));
    uint32_t half = doubleToHalf(sum + halfToDouble(old));
    out[i / 2] = i & 1 ? (out[i / 2] & 0xffff) | half << 16 : half;
    break;
  }
  case S32: {
    int64_t total = int64_t(sum) + int32_t(sums[i]);
    if (form.saturate)
      total = std::clamp<int64_t>(total, INT32_MIN, INT32_MAX);
    out[i] = uint32_t(total);
    break;
  }
  default: {
    double x;
    memcpy(&x, sums + 2 * i, sizeof x);
    x += sum;
    memcpy(out + 2 * i, &x, sizeof x);
  }
  }
}

void Product::scatter(const Thread &t) const {
  auto *sums = static_cast<const uint32_t *>(t.fragments) + sumWords;
  auto *out = static_cast<uint32_t *>(t.results);
  int g = t.lane >> 2, q = t.lane & 3;
  for (int i = 0; i < int(form.m / 4); ++i)
    store(out, sums, i, sum(g + 8 * (i >> 1), 2 * q + (i & 1)));
}
} // namespace

void mad::simt::doMma(Block &b, unsigned warp) {
  const Thread *lanes = &b.threads[warp * warpSize];
  uint32_t types = lanes->in[2];
  auto type = [&](int shift) { return Type(types >> shift & 15); };
  b.scratch.resize(16 * 256 + 256 * 8);
  Product product{{lanes->in[0] >> 16, lanes->in[0] & 0xffff, lanes->in[1], type(0), type(4),
                   type(8), bool(types >> 12 & 1), bool(types >> 13 & 1)},
                  reinterpret_cast<double (*)[256]>(b.scratch.data()),
                  reinterpret_cast<double (*)[8]>(b.scratch.data() + 16 * 256)};
  product.gather(lanes);
  for (unsigned l = 0; l < warpSize; ++l)
    product.scatter(lanes[l]);
}

void mad_simt_mma(simt_thread *t, uint32_t m, uint32_t n, uint32_t k, uint32_t types,
                  const void *fragments, void *results, const char *place) {
  guarded(t, [&](Block &b) {
    ++b.result.products;
    t->in[0] = m << 16 | n;
    t->in[1] = k;
    t->in[2] = types;
    t->fragments = fragments;
    t->results = results;
    fullWarpMeeting(b, *t, MeetMma, place);
  });
}
