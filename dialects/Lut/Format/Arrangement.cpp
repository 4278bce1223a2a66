//===- Arrangement.cpp - Activations as kernels read them -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Arrangement.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <algorithm>
#include <cstdlib>

namespace mad::lut {

/// Bytes of tables for each activation.
static constexpr int64_t perCode = tableBytes / tableCodes;

/// A group may begin and end inside of steps, where it is not all of K.
static int64_t blocksOf(const Arrangement &a) {
  int64_t steps = (a.group + a.step - 1) / a.step;
  if (a.cut && a.group < a.k)
    steps = a.group / a.step + (a.group % a.step ? 2 : 0);
  return (steps + 3) / 4;
}

Arrangement Arrangement::of(const Format &format, int64_t k) {
  Arrangement a;
  a.k = k;
  a.step = format.isBase3() ? 5 : 8;
  a.group = std::min(format.groupLength(k), k);
  a.groups = format.groups(k);
  a.cut = k % a.group != 0 || a.group % (4 * a.step) != 0;
  a.blocks = blocksOf(a);
  // A line more: rows a power of two apart share few of the sets of a cache.
  a.stride = (a.groups * a.blocks * 4 * a.step + 63) / 64 * 64 + 64;
  a.tables = format.family == Family::Int && format.bits == 1 && !format.affine;
  if (a.tables)
    a.parts = (a.blocks + partBlocks - 1) / partBlocks;
  return a;
}

int64_t Arrangement::weave(const Format &format, int64_t k) {
  Arrangement a = of(format, k);
  // Blocks that do not begin with a group have steps of several blocks of rows.
  if (a.cut || a.tables || format.family == Family::Codebook || format.dictionary)
    return 0;
  if (format.isBase3())
    return 1;
  auto all = fields(format.bits, 8);
  return all.size() == 1 ? all[0].width : 0;
}

int64_t Arrangement::bytes(int64_t rows) const {
  return rows * stride * (tables && rows <= tableRows ? perCode : 1);
}

/// The sums of a table; answers those of sizes.
static int sumsOf(const int *q, int *sums) {
  int lowest = 0, size = 0;
  for (int64_t j = 0; j < tableCodes; ++j) {
    lowest += std::min(q[j], 0);
    size += std::abs(q[j]);
  }
  for (int64_t e = 0; e < tableSums; ++e) {
    sums[e] = -lowest;
    for (int64_t j = 0; j < tableCodes; ++j)
      sums[e] += e >> j & 1 ? q[j] : 0;
  }
  return size;
}

/// The tables of some activations of a group, `at(n)` from `from` to `to`. Answers what there is
/// for them in `sums`.
static int32_t fillTables(llvm::function_ref<int(int64_t)> at, int64_t from, int64_t to,
                          uint8_t *table, uint8_t *halves) {
  int32_t sizes = 0;
  std::vector<int64_t> large;
  int q[tableCodes], sums[tableSums];
  auto read = [&](int64_t n) {
    for (int64_t j = 0; j < tableCodes; ++j)
      q[j] = at(from + n * tableCodes + j);
    return sumsOf(q, sums);
  };
  int64_t count = (to - from) / tableCodes;
  for (int64_t n = 0; n < count; ++n) {
    int size = read(n);
    sizes += size;
    if (size > 255)
      large.push_back(n);
    for (int64_t e = 0; e < tableSums; ++e) {
      table[n * tableSums + e] = uint8_t(sums[e]);
      halves[n * tableSums + e] = uint8_t((sums[e] + 1) / 2);
    }
  }
  bool few = int64_t(large.size()) <= fewLarge && to - from == partBlocks * 32;
  if (!few)
    return 2 * sizes + !large.empty();
  for (size_t i = 0; i < large.size(); ++i) {
    read(large[i]);
    for (int64_t e = 0; e < tableSums; ++e)
      halves[i * tableSums + e] = sums[e] > 255 ? 2 : 0;
    halves[fewLarge * tableSums + i] = uint8_t(large[i]);
  }
  return 2 * sizes + (int32_t(large.size()) << 16);
}

void Arrangement::fill(const int8_t *q, int64_t rows, uint8_t *out, int32_t *sums) const {
  std::fill_n(out, bytes(rows), uint8_t(0));
  for (int64_t t = 0; t < rows; ++t, q += k)
    for (int64_t g = 0; g < groups; ++g) {
      // Activation `n` behind the first step; those of other groups count as 0.
      auto at = [&](int64_t n) -> int {
        int64_t i = firstStep(g) * step + n;
        return i >= g * group && i < std::min((g + 1) * group, k) ? q[i] : 0;
      };
      int64_t codes = blocks * 4 * step;
      int32_t sum = 0;
      for (int64_t n = 0; n < codes; ++n)
        sum += at(n);
      if (!tables || rows > tableRows) {
        sums[t * groups + g] = sum;
        uint8_t *block = out + t * stride + g * codes;
        for (int64_t n = 0; n < codes; ++n)
          block[n] = uint8_t(at(n / (4 * step) * 4 * step + n % 4 * step + n % (4 * step) / 4));
        continue;
      }
      uint8_t *table = out + (t * stride + g * codes) * perCode;
      uint8_t *halves = table + codes / tableCodes * tableSums;
      int64_t each = partBlocks * 4 * step;
      for (int64_t p = 0; p < parts; ++p) {
        int64_t offset = p * each / tableCodes * tableSums;
        sums[(t * groups + g) * parts + p] = fillTables(
            at, p * each, std::min(codes, (p + 1) * each), table + offset, halves + offset);
      }
    }
}

std::vector<int64_t> woven(std::vector<int64_t> panels) {
  panels[1] /= 4;
  panels[2] *= 4;
  return panels;
}

Format arrangedFormat(const Format &format, int64_t k) {
  Format made;
  Arrangement a = Arrangement::of(format, k);
  made.group = a.group == k ? Format::wholeRow : a.group;
  made.bits = a.tables ? 1 : 8;
  if (format.isBase3())
    made.family = Family::Ternary;
  return made;
}

} // namespace mad::lut
