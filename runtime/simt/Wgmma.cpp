//===- Wgmma.cpp - Products of a warpgroup ----------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The 128 threads meet; the product is made at once, but its tiles stay in use until the
// group that it belongs to is waited for.
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/Numbers.h"
#include "runtime/simt/Ops.h"
#include <algorithm>
#include <cstring>

using namespace mad::simt;

namespace {
/// As NVVM::WGMMATypes numbers them.
enum Type { F16, TF32, U8, S8, B1, BF16, E4M3, E5M2, F32, S32 };

struct Form {
  uint32_t bits;
  Type a() const { return Type(bits & 15); }
  Type b() const { return Type(bits >> 13 & 15); }
  bool registersOfA() const { return bits >> 17 & 1; }
  Type sum() const { return Type(bits >> 4 & 15); }
  bool fromZero() const { return bits >> 8 & 1; }
  bool negateA() const { return bits >> 9 & 1; }
  bool negateB() const { return bits >> 10 & 1; }
  bool transposeA() const { return bits >> 11 & 1; }
  bool transposeB() const { return bits >> 12 & 1; }
};

uint32_t bytesOf(Type type) { return type == TF32 ? 4 : type == F16 || type == BF16 ? 2 : 1; }

double element(const uint8_t *at, Type type) {
  uint32_t word = 0;
  memcpy(&word, at, bytesOf(type));
  switch (type) {
  case F16:
    return halfToDouble(uint16_t(word));
  case BF16:
    return bfloatToDouble(uint16_t(word));
  case TF32:
    return tf32ToDouble(word);
  case S8:
    return int8_t(word);
  case E4M3:
    return e4m3ToDouble(uint8_t(word));
  case E5M2:
    return e5m2ToDouble(uint8_t(word));
  default:
    return word;
  }
}

/// A descriptor of a tile in shared memory.
struct Tile {
  uint32_t start, leading, stride, swizzle;
  bool plain; ///< no base offset

  Tile(const Block &b, uint64_t d) {
    auto field = [&](int shift) { return uint32_t(d >> shift & 0x3fff) << 4; };
    // Addresses have 18 bits here.
    auto origin = uint32_t(reinterpret_cast<uintptr_t>(b.shared) & 0x3ffff);
    start = (field(0) - origin) & 0x3ffff;
    leading = field(16);
    stride = field(32);
    swizzle = (4 - uint32_t(d >> 62)) & 3; // 1: 128 bytes, 2: 64, 3: 32
    plain = (d >> 49 & 7) == 0;
  }
  /// 16 bytes along K: chunk `c` of row `row`.
  uint32_t alongK(uint32_t row, uint32_t c) const {
    if (swizzle == 0)
      return start + row / 8 * stride + row % 8 * 16 + c * leading;
    return swizzled(start + row / 8 * stride + row % 8 * (16u << swizzle) + c * 16, swizzle);
  }
  /// 16 bytes along M or N: chunk `c` at depth `k`.
  uint32_t alongRows(uint32_t k, uint32_t c) const {
    if (swizzle == 0)
      return start + c * stride + k / 8 * leading + k % 8 * 16;
    uint32_t chunks = 1u << swizzle;
    return swizzled(start + c / chunks * leading + c % chunks * 16 + k / 8 * stride +
                        k % 8 * (16u << swizzle),
                    swizzle);
  }
};

/// Reads tiles for one product.
struct Reader {
  Block &b;
  Thread &t;
  const char *place;
  Range range{UINT32_MAX, 0, nullptr};

  const uint8_t *chunk(uint32_t at) {
    if (at > b.sharedBytes || b.sharedBytes - at < 16) {
      b.report.find(SIMT_BOUNDS_SHARED, t, place, at, nullptr, "a tile of wgmma");
      b.abandon(t);
    }
    range.low = std::min(range.low, at);
    range.high = std::max(range.high, at + 16);
    readAsync(b, t, at, 16, place);
    return b.shared + at;
  }
  /// `out[row][k]`.
  void tile(uint64_t descriptor, uint32_t rows, uint32_t depth, Type type, bool transposed,
            bool negate, double (*out)[32]) {
    Tile tile(b, descriptor);
    if (!tile.plain) {
      b.report.find(SIMT_BAD_OPERAND, t, place, 0, nullptr, "a descriptor with a base offset");
      b.abandon(t);
    }
    uint32_t bytes = bytesOf(type), per = 16 / bytes;
    double sign = negate ? -1 : 1;
    if (!transposed) {
      for (uint32_t row = 0; row < rows; ++row)
        for (uint32_t c = 0; c < depth / per; ++c) {
          const uint8_t *from = chunk(tile.alongK(row, c));
          for (uint32_t e = 0; e < per; ++e)
            out[row][c * per + e] = sign * element(from + e * bytes, type);
        }
      return;
    }
    for (uint32_t k = 0; k < depth; ++k)
      for (uint32_t c = 0; c < rows / per; ++c) {
        const uint8_t *from = chunk(tile.alongRows(k, c));
        for (uint32_t e = 0; e < per; ++e)
          out[c * per + e][k] = sign * element(from + e * bytes, type);
      }
  }
};

struct Product {
  Form form;
  uint32_t n, depth;
  double (*a)[32], (*b)[32]; ///< 64 rows of A, n of B

  void addTo(const Thread &t) const;
  double sum(uint32_t row, uint32_t column) const {
    double total = 0;
    for (uint32_t k = 0; k < depth; ++k)
      total += a[row][k] * b[column][k];
    return total;
  }
};

/// Values 4j to 4j + 3 of a thread are in columns 8j on: two in its row, two 8 rows below.
void Product::addTo(const Thread &t) const {
  uint32_t i = t.linear % warpgroupSize, lane = i % warpSize;
  for (uint32_t x = 0; x < n / 2; ++x) {
    uint32_t row = 16 * (i / warpSize) + lane / 4 + 8 * (x >> 1 & 1);
    uint32_t column = 8 * (x >> 2) + 2 * (lane & 3) + (x & 1);
    double made = sum(row, column);
    if (form.sum() == F32) {
      auto &d = static_cast<float *>(t.results)[x];
      d = float(made + (form.fromZero() ? 0 : d));
    } else if (form.sum() == S32) {
      auto &d = static_cast<int32_t *>(t.results)[x];
      d = int32_t(uint32_t(int64_t(made)) + (form.fromZero() ? 0 : uint32_t(d)));
    } else {
      auto &d = static_cast<uint16_t *>(t.results)[x];
      d = doubleToHalf(made + (form.fromZero() ? 0 : halfToDouble(d)));
    }
  }
}

/// Word i of a lane: row lane / 4 of its warp's 16, for odd i 8 below; k from 2 (lane % 4) on, from
/// the third word on 8 later.
void readRegisters(const Thread *group, Type type, double (*a)[32]) {
  for (uint32_t i = 0; i < warpgroupSize; ++i) {
    const uint32_t lane = i % warpSize;
    for (uint32_t half = 0; half < 8; ++half) {
      const uint32_t row = 16 * (i / warpSize) + lane / 4 + half / 2 % 2 * 8;
      const uint32_t k = 2 * (lane % 4) + half / 4 * 8 + half % 2;
      a[row][k] = element(static_cast<const uint8_t *>(group[i].fragments) + 2 * half, type);
    }
  }
}

void multiply(Block &b, Thread &t, uint64_t dA, uint64_t dB, uint32_t n, uint32_t k, Form form,
              const char *place) {
  Warpgroup &group = b.warpgroups[t.linear / warpgroupSize];
  b.scratch.resize((64 + 256) * 32);
  auto *rows = reinterpret_cast<double (*)[32]>(b.scratch.data());
  Product product{form, n, k, rows, rows + 64};
  Thread *first = &b.threads[t.linear / warpgroupSize * warpgroupSize];
  if (form.registersOfA())
    readRegisters(first, form.a(), product.a);
  for (auto [descriptor, isA] : {std::pair(dA, true), std::pair(dB, false)}) {
    if (isA && form.registersOfA())
      continue;
    Reader reader{b, t, place};
    reader.range.place = place;
    reader.tile(descriptor, isA ? 64 : n, k, isA ? form.a() : form.b(),
                isA ? form.transposeA() : form.transposeB(), isA ? form.negateA() : form.negateB(),
                isA ? product.a : product.b);
    group.open.push_back(reader.range);
  }
  for (unsigned i = 0; i < warpgroupSize; ++i)
    product.addTo(first[i]);
}
} // namespace

void mad_simt_wgmma(simt_thread *t, uint64_t a, uint64_t b, uint32_t n, uint32_t k, uint32_t form,
                    void *sums, const char *place) {
  guarded(t, [&](Block &block) {
    uint32_t number = t->linear / warpgroupSize;
    Warpgroup &group = block.warpgroups[number];
    if ((number + 1) * warpgroupSize > block.threads.size()) {
      block.report.find(SIMT_DIVERGENT_WARP, *t, place, 0, nullptr,
                        "the operation needs a whole warpgroup");
      block.abandon(*t);
    }
    ++block.result.products;
    t->results = sums;
    if (Form{form}.registersOfA())
      t->fragments = reinterpret_cast<const void *>(a);
    t->place = place;
    if (++group.arrived < warpgroupSize)
      return block.pause(*t, State::AtWarpgroup, place, number);
    group.arrived = 0;
    multiply(block, *t, a, b, n, k, Form{form}, place);
    for (unsigned i = 0; i < warpgroupSize; ++i)
      if (Thread &other = block.threads[number * warpgroupSize + i]; &other != t)
        block.wake(other);
  });
}

void mad_simt_wgmma_commit(simt_thread *t) {
  guarded(t, [&](Block &b) {
    // The first thread to get here makes the group for all.
    Warpgroup &group = b.warpgroups[t->linear / warpgroupSize];
    if (t->products++ != group.committed)
      return;
    ++group.committed;
    group.groups.push_back(std::move(group.open));
    group.open.clear();
  });
}

void mad_simt_wgmma_wait(simt_thread *t, uint32_t left) {
  guarded(t, [&](Block &b) {
    Warpgroup &group = b.warpgroups[t->linear / warpgroupSize];
    uint64_t finished = group.committed - group.groups.size();
    uint64_t upTo = t->products > left ? t->products - left : 0;
    for (; finished < upTo; ++finished)
      group.groups.erase(group.groups.begin());
  });
}
