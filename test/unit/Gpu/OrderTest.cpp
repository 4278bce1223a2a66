//===- OrderTest.cpp - Kernels that cumulate, sort and scatter ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels of the catalogue run in the emulator, against the standard library. Sums are of
// multiples of 1/8 up to 1 in size, fewer than 2^20 of them, so they are exact in f32 in any order;
// in f16 each is rounded once.
//
//===----------------------------------------------------------------------===//
#include "test/unit/Gpu/Emulated.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

using namespace mad;
using namespace mad::test;

namespace {

constexpr int tileSlots = 2048;

/// What is left of a memory of the device.
template <typename T> std::vector<T> contents(const T *memory, size_t count) {
  return {memory, memory + count};
}

template <typename T>
std::vector<T> cumulated(const std::vector<T> &x, int64_t lines, int64_t extent, int64_t inner,
                         bool largest) {
  std::vector<T> made(x.size());
  for (int64_t line = 0; line < lines; ++line)
    for (int64_t column = 0; column < inner; ++column) {
      double all = 0;
      for (int64_t i = 0; i < extent; ++i) {
        const size_t at = (line * extent + i) * inner + column;
        const double element = static_cast<double>(x[at]);
        all = i == 0 ? element : largest ? std::max(all, element) : all + element;
        made[at] = static_cast<T>(all);
      }
    }
  return made;
}

template <typename T> void expectEqual(const std::vector<T> &got, const std::vector<T> &expected) {
  for (size_t i = 0; i < expected.size(); ++i)
    ASSERT_EQ(static_cast<double>(got[i]), static_cast<double>(expected[i])) << i;
}

/// Chunks of some tiles each; one chunk has no totals.
template <typename T>
void scan(const std::string &name, int64_t lines, int64_t extent, int tile, int tilesOfChunk,
          uint64_t seed = 1, bool largest = false) {
  SCOPED_TRACE(name);
  Emulated emulated(name);
  auto x = eighths<T>(lines * extent, 1);
  T *from = emulated.upload(x), *to = emulated.output<T>(x.size());
  int64_t chunk = int64_t(tilesOfChunk) * tile;
  int32_t chunks = (extent + chunk - 1) / chunk;
  float *totals = emulated.output<float>(lines * chunks);
  if (chunks > 1) {
    std::vector<float> sums(lines * chunks);
    for (int64_t i = 0; i < lines * extent; ++i)
      sums[i / extent * chunks + i % extent / chunk] += static_cast<float>(x[i]);
    totals = emulated.upload(sums);
  }
  emulated.run({uint32_t(lines * chunks)}, {&from, &to, &totals, &lines, &extent, &chunk, &chunks},
               seed);
  expectEqual(contents(to, x.size()), cumulated(x, lines, extent, 1, largest));
}

TEST(Scan, AnyLength) {
  for (uint64_t seed : {1, 2, 3})
    scan<float>("scan_f32", 2, 2 * 4096 + 100, 4096, 3, seed);
  scan<float>("scan_f32", 1, 1, 4096, 1);
  scan<float>("scan_f32", 1, 4096 * 5 + 7, 4096, 2);
  scan<float>("scan_f32_odd", 3, 4099, 4096, 1);
  scan<Half>("scan_f16", 2, 2000, 4096, 1);
  scan<int64_t>("scan_i64_largest", 2, 4100, 2048, 3, 1, true);
}

/// A warp a line; the last block has warps without one.
TEST(Scan, ManyLines) {
  for (uint64_t seed : {1, 2}) {
    Emulated emulated("scan_f32_lines");
    int64_t lines = 11, extent = 1100, chunk = extent;
    int32_t chunks = 1;
    auto x = eighths<float>(lines * extent, 2);
    float *from = emulated.upload(x), *to = emulated.output<float>(x.size()), *totals = nullptr;
    emulated.run({2}, {&from, &to, &totals, &lines, &extent, &chunk, &chunks}, seed);
    expectEqual(contents(to, x.size()), cumulated(x, lines, extent, 1, false));
  }
}

TEST(Scan, Totals) {
  Emulated emulated("scan_totals_f32");
  int64_t lines = 2, extent = 3 * 4096 + 4, chunk = 2 * 4096;
  int32_t chunks = 2;
  auto x = eighths<float>(lines * extent, 3);
  float *from = emulated.upload(x), *totals = emulated.output<float>(lines * chunks);
  emulated.run({uint32_t(lines * chunks)}, {&from, &totals, &lines, &extent, &chunk, &chunks});
  for (int64_t i = 0; i < lines * chunks; ++i) {
    auto begin = x.begin() + i / chunks * extent + i % chunks * chunk;
    auto end = i % chunks ? x.begin() + (i / chunks + 1) * extent : begin + chunk;
    EXPECT_EQ(totals[i], std::accumulate(begin, end, 0.0f)) << i;
  }
}

/// Numbers near 1 of one sign: one running sum of them would be off by thousands of roundings. Here
/// none goes through more than 100 + n / 2048 additions (docs/gpu-kernels.md), so a sum is off by
/// at most so many times 2^-24 of itself.
TEST(Scan, RoundsLittle) {
  Emulated first("scan_totals_f32"), second("scan_f32");
  int64_t lines = 1, extent = 10 * 4096, chunk = 2 * 4096;
  int32_t chunks = 5;
  std::mt19937 engine(9);
  std::vector<float> x(extent);
  for (float &v : x)
    v = 1 + static_cast<float>(engine() % 1000) / 1000;
  float *from = first.upload(x), *totals = first.output<float>(chunks);
  first.run({5}, {&from, &totals, &lines, &extent, &chunk, &chunks});
  from = second.upload(x);
  float *sums = second.upload(contents(totals, chunks)), *to = second.output<float>(extent);
  second.run({5}, {&from, &to, &sums, &lines, &extent, &chunk, &chunks});
  double all = 0;
  for (int64_t i = 0; i < extent; ++i) {
    all += x[i];
    ASSERT_NEAR(to[i], all, all * (100 + extent / 2048.0) * 0x1p-24) << i;
  }
}

TEST(Scan, Across) {
  Emulated first("scan_across_totals_f32"), second("scan_across_f32");
  int64_t lines = 2, extent = 45, chunk = 20, inner = 37;
  int32_t chunks = 3;
  auto x = eighths<float>(lines * extent * inner, 4);
  const uint32_t blocks = (lines * chunks * inner + 255) / 256;
  float *from = first.upload(x), *none = nullptr;
  float *totals = first.output<float>(lines * chunks * inner);
  first.run({blocks}, {&from, &none, &totals, &lines, &extent, &chunk, &chunks, &inner});
  from = second.upload(x);
  float *sums = second.upload(contents(totals, lines * chunks * inner));
  float *to = second.output<float>(x.size());
  second.run({blocks}, {&from, &to, &sums, &lines, &extent, &chunk, &chunks, &inner});
  expectEqual(contents(to, x.size()), cumulated(x, lines, extent, inner, false));
}

//===----------------------------------------------------------------------===//
// Sorting
//===----------------------------------------------------------------------===//

/// NaN behind all numbers, ties by place.
template <typename T> std::vector<int64_t> orderOf(const T *x, int64_t count, bool descending) {
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  auto less = [&](double a, double b) { return std::isnan(b) ? !std::isnan(a) : a < b; };
  std::stable_sort(order.begin(), order.end(), [&](int64_t i, int64_t j) {
    const double a = static_cast<double>(x[i]), b = static_cast<double>(x[j]);
    return descending ? less(b, a) : less(a, b);
  });
  return order;
}

/// Few different numbers, and special ones.
template <typename T> std::vector<T> keys(size_t count, unsigned seed) {
  std::vector<T> x = eighths<T>(count, seed);
  if constexpr (!std::is_integral_v<T>)
    for (size_t i = 0; i < count; i += 7)
      x[i] = i % 3 ? T(-0.0) : T(NAN);
  return x;
}

/// Lines that fit into a tile, to their first `wanted` elements.
template <typename T>
void sortLines(const std::string &name, int64_t lines, int32_t length, int32_t wanted,
               bool descending = false, uint64_t seed = 1) {
  SCOPED_TRACE(name);
  Emulated emulated(name);
  auto x = keys<T>(lines * length, 5);
  T *source = emulated.upload(x), *values = emulated.output<T>(lines * wanted);
  int64_t *places = emulated.output<int64_t>(lines * wanted);
  int32_t rounds = 0, runs = 1;
  while ((8 << rounds) < length)
    ++rounds;
  const int ofBlock = tileSlots / (8 << rounds);
  emulated.run(
      {uint32_t((lines + ofBlock - 1) / ofBlock)},
      {&source, &values, &places, &lines, &length, &length, &wanted, &rounds, &runs, &wanted},
      seed);
  for (int64_t line = 0; line < lines; ++line) {
    auto order = orderOf(x.data() + line * length, length, descending);
    for (int32_t i = 0; i < wanted; ++i) {
      ASSERT_EQ(places[line * wanted + i], order[i]) << line << ", " << i;
      ASSERT_EQ(std::memcmp(&values[line * wanted + i], &x[line * length + order[i]], sizeof(T)),
                0);
    }
  }
}

TEST(Sort, LinesOfATile) {
  for (uint64_t seed : {1, 2, 3})
    sortLines<float>("sort_f32", 3, 1000, 1000, false, seed);
  sortLines<float>("sort_f32", 1, 2048, 2048);
  sortLines<float>("sort_f32", 300, 5, 5);
  sortLines<float>("sort_f32", 2, 1, 1);
  sortLines<float>("sort_f32", 3, 129, 10);
  sortLines<Half>("sort_f16_down", 3, 700, 700, true);
  sortLines<int64_t>("sort_i64", 3, 700, 700);
}

/// Sorts tiles, merges them, and takes the result apart.
TEST(Sort, Merged) {
  for (uint64_t seed : {1, 2}) {
    Emulated tiles("sort_f32_tiles"), merge("sort_f32_merge"), last("sort_f32_merge_last");
    int64_t lines = 2;
    int32_t length = 3 * tileSlots + 77, runs = 4, rounds = 8, kept = tileSlots;
    const uint32_t blocks = lines * runs;
    auto x = keys<float>(lines * length, 6);
    float *source = tiles.upload(x);
    int64_t *items = tiles.output<int64_t>(lines * length);
    tiles.run({blocks}, {&source, &items, &lines, &length, &length, &length, &rounds, &runs, &kept},
              seed);
    int32_t width = tileSlots;
    source = merge.upload(x);
    int64_t *from = merge.upload(contents(items, lines * length));
    int64_t *to = merge.output<int64_t>(lines * length);
    merge.run({blocks}, {&source, &from, &to, &lines, &length, &length, &length, &width}, seed);
    width *= 2;
    source = last.upload(x);
    from = last.upload(contents(to, lines * length));
    float *values = last.output<float>(lines * length);
    int64_t *places = last.output<int64_t>(lines * length);
    last.run({blocks},
             {&source, &from, &values, &places, &lines, &length, &length, &length, &width}, seed);
    for (int64_t line = 0; line < lines; ++line) {
      auto order = orderOf(x.data() + line * length, length, false);
      for (int32_t i = 0; i < length; ++i)
        ASSERT_EQ(places[line * length + i], order[i]) << line << ", " << i;
    }
  }
}

/// The first ones of tiles, then of those.
TEST(Sort, FirstOnes) {
  Emulated tiles("sort_f32_tiles"), first("sort_f32_first");
  int64_t lines = 2;
  int32_t length = 2 * tileSlots + 7, runs = 3, rounds = 8, wanted = 20, left = 47;
  auto x = keys<float>(lines * length, 7);
  float *source = tiles.upload(x);
  int64_t *items = tiles.output<int64_t>(lines * left);
  tiles.run({uint32_t(lines * runs)},
            {&source, &items, &lines, &length, &length, &left, &rounds, &runs, &wanted});
  source = first.upload(x);
  int64_t *from = first.upload(contents(items, lines * left));
  float *values = first.output<float>(lines * wanted);
  int64_t *places = first.output<int64_t>(lines * wanted);
  rounds = 3, runs = 1;
  first.run({1}, {&source, &from, &values, &places, &lines, &left, &length, &wanted, &rounds, &runs,
                  &wanted});
  for (int64_t line = 0; line < lines; ++line) {
    auto order = orderOf(x.data() + line * length, length, false);
    for (int32_t i = 0; i < wanted; ++i)
      ASSERT_EQ(places[line * wanted + i], order[i]) << line << ", " << i;
  }
}

/// Codes of 64 bits with places beside them.
TEST(Sort, WideItems) {
  Emulated merge("sort_i64_merge");
  int64_t lines = 1, *source = nullptr;
  int32_t length = tileSlots + 900, width = tileSlots;
  std::vector<int64_t> codes(length);
  std::vector<int32_t> places(length);
  std::iota(places.begin(), places.end(), 0);
  auto x = keys<int64_t>(length, 8);
  for (int32_t begin : {0, tileSlots}) {
    int32_t count = std::min(length - begin, tileSlots);
    auto order = orderOf(x.data() + begin, count, false);
    for (int32_t i = 0; i < count; ++i) {
      places[begin + i] = begin + order[i];
      codes[begin + i] = x[begin + order[i]] ^ INT64_MIN;
    }
  }
  int64_t *from = merge.upload(codes), *to = merge.output<int64_t>(length);
  int32_t *fromPlaces = merge.upload(places), *toPlaces = merge.output<int32_t>(length);
  merge.run({2}, {&source, &from, &fromPlaces, &to, &toPlaces, &lines, &length, &length, &length,
                  &width});
  auto order = orderOf(x.data(), length, false);
  for (int32_t i = 0; i < length; ++i)
    ASSERT_EQ(toPlaces[i], order[i]) << i;
}

//===----------------------------------------------------------------------===//
// Scattering
//===----------------------------------------------------------------------===//

int64_t itemOf(int32_t key, int32_t place) { return int64_t(key) << 32 | place; }

/// Numbers below `rows`, all of them, or few that occur often.
std::vector<int32_t> rowsOf(size_t count, int32_t rows, bool few, unsigned seed) {
  std::mt19937 engine(seed);
  std::vector<int32_t> keys(count);
  for (int32_t &key : keys)
    key = few && engine() % 4 ? engine() % 3 * (rows / 3) : engine() % rows;
  return keys;
}

/// Brings items in the order of their keys, digit by digit, as programs do.
std::vector<int64_t> sortedByDigits(const std::vector<int32_t> &keys, int32_t bits, int numbers,
                                    uint64_t seed) {
  constexpr int slots = 4096;
  int32_t count = keys.size(), tiles = (count + slots - 1) / slots;
  std::vector<int64_t> items;
  for (int32_t number = 0; number < numbers; ++number) {
    const std::string suffix = number ? "" : "_keys";
    Emulated counting("count_digits" + suffix), moving("move_by_digit" + suffix);
    int32_t shift = number * bits;
    auto upload = [&](Emulated &e) -> void * {
      return number ? static_cast<void *>(e.upload(items)) : e.upload(keys);
    };
    void *from = upload(counting);
    const size_t all = size_t(tiles) << bits;
    int32_t *counts = counting.output<int32_t>(all);
    counting.run({uint32_t(tiles)}, {&from, &counts, &count, &tiles, &shift, &bits}, seed);
    std::vector<int32_t> sums = contents(counts, all);
    std::partial_sum(sums.begin(), sums.end(), sums.begin());
    EXPECT_EQ(sums.back(), count);
    from = upload(moving);
    counts = moving.upload(sums);
    int64_t *to = moving.output<int64_t>(count);
    moving.run({uint32_t(tiles)}, {&from, &to, &counts, &count, &tiles, &shift, &bits}, seed);
    items = contents(to, count);
  }
  return items;
}

std::vector<int64_t> sortedItems(const std::vector<int32_t> &keys) {
  std::vector<int64_t> items;
  for (size_t i = 0; i < keys.size(); ++i)
    items.push_back(itemOf(keys[i], i));
  std::sort(items.begin(), items.end());
  return items;
}

TEST(Digits, BringEqualKeysTogether) {
  for (uint64_t seed : {1, 2, 3}) {
    auto keys = rowsOf(4096 + 77, 60000, seed == 2, seed);
    EXPECT_EQ(sortedByDigits(keys, 8, 2, seed), sortedItems(keys));
  }
  auto wide = rowsOf(2 * 4096, 1000, false, 4);
  EXPECT_EQ(sortedByDigits(wide, 10, 1, 1), sortedItems(wide));
  auto one = rowsOf(1, 2, false, 5);
  EXPECT_EQ(sortedByDigits(one, 1, 1, 1), sortedItems(one));
  const std::vector<int32_t> equal(5000, 3);
  EXPECT_EQ(sortedByDigits(equal, 2, 1, 1), sortedItems(equal));
}

/// What keys come with goes along.
TEST(Digits, CarryValues) {
  Emulated moving("move_by_digit_f32");
  auto keys = rowsOf(5000, 60, false, 6);
  auto values = eighths<float>(keys.size(), 7);
  int32_t count = keys.size(), tiles = 2, shift = 0, bits = 6;
  std::vector<int32_t> counts(tiles << bits);
  for (int32_t i = 0; i < count; ++i)
    ++counts[keys[i] * tiles + i / 4096];
  std::partial_sum(counts.begin(), counts.end(), counts.begin());
  int32_t *from = moving.upload(keys), *sums = moving.upload(counts);
  float *with = moving.upload(values);
  int64_t *to = moving.output<int64_t>(count);
  moving.run({2}, {&from, &with, &to, &sums, &count, &tiles, &shift, &bits}, 3);
  auto expected = sortedItems(keys);
  for (int64_t &item : expected)
    item = itemOf(item >> 32, 0) | std::bit_cast<uint32_t>(values[uint32_t(item)]);
  EXPECT_EQ(contents(to, count), expected);
}

enum class Action { Set, Add, Largest };

/// One update after the other, each rounded: in f32 where the type is narrower, which C++ does.
template <typename T>
std::vector<T> scattered(std::vector<T> base, const std::vector<T> &updates,
                         const std::vector<int32_t> &rows, int32_t columns, Action action) {
  for (size_t i = 0; i < rows.size(); ++i)
    for (int32_t c = 0; c < columns; ++c) {
      T &at = base[size_t(rows[i]) * columns + c];
      const T update = updates[i * columns + c];
      if (action == Action::Add)
        at = static_cast<T>(at + update);
      else if (action == Action::Set || std::isnan(static_cast<double>(update)) || update > at)
        at = update;
    }
  return base;
}

/// Sums of these depend on their order.
template <typename T> std::vector<T> uneven(size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::vector<T> x(count);
  for (T &v : x)
    v = static_cast<T>((static_cast<int>(engine() % 2000) - 1000) / 7.0);
  return x;
}

/// Results are compared bit by bit.
template <typename T>
void scatter(const std::string &name, size_t count, int32_t rows, bool few, Action action,
             int32_t columns = 1, int vector = 0, uint64_t seed = 1) {
  SCOPED_TRACE(name + " " + std::to_string(count));
  Emulated emulated(name);
  auto at = rowsOf(count, rows, few, seed + 10);
  auto base = uneven<T>(size_t(rows) * columns, 6), updates = uneven<T>(count * columns, 7);
  const bool values = name.ends_with("_values");
  std::vector<int64_t> sorted = sortedItems(at);
  if constexpr (sizeof(T) <= 4)
    for (int64_t &item : sorted)
      if (values) {
        uint32_t bits = 0;
        std::memcpy(&bits, &updates[uint32_t(item)], sizeof(T));
        item = itemOf(item >> 32, 0) | bits;
      }
  int64_t *items = emulated.upload(sorted);
  T *from = emulated.upload(updates), *to = emulated.upload(base);
  int32_t number = count, shift = 0;
  while (vector && shift < 8 && (vector << shift) < columns)
    ++shift;
  const size_t ofBlock = 256 >> shift;
  const std::vector<uint32_t> grid{uint32_t((count + ofBlock - 1) / ofBlock)};
  if (vector)
    emulated.run(grid, {&items, &from, &to, &number, &columns, &shift}, seed);
  else if (values)
    emulated.run(grid, {&items, &to, &number}, seed);
  else
    emulated.run(grid, {&items, &from, &to, &number}, seed);
  auto expected = scattered(base, updates, at, columns, action);
  for (size_t i = 0; i < base.size(); ++i)
    ASSERT_EQ(std::memcmp(&to[i], &expected[i], sizeof(T)), 0)
        << i << ": " << static_cast<double>(to[i]) << " not " << static_cast<double>(expected[i]);
}

TEST(Scatter, Elements) {
  for (uint64_t seed : {1, 2, 3}) {
    scatter<float>("scatter_add_f32", 1000, 700, false, Action::Add, 1, 0, seed);
    scatter<float>("scatter_add_f32", 1500, 90, true, Action::Add, 1, 0, seed);
  }
  scatter<float>("scatter_add_f32", 1, 5, false, Action::Add);
  scatter<Half>("scatter_add_f16", 700, 60, true, Action::Add);
  scatter<float>("scatter_add_f32_values", 900, 60, true, Action::Add);
  scatter<Half>("scatter_add_f16_values", 700, 60, true, Action::Add);
  scatter<float>("scatter_max_f32", 700, 60, true, Action::Largest);
  scatter<int64_t>("scatter_add_i64", 700, 60, true, Action::Add);
  scatter<float>("scatter_set_f32", 900, 300, true, Action::Set);
}

/// All of a place: 64 and 65 of them, around the 128 that a warp takes at a time.
TEST(Scatter, ManyOfOnePlace) {
  for (size_t count : {64, 65, 127, 128, 129, 256, 257, 300, 1000})
    scatter<float>("scatter_add_f32", count, 1, false, Action::Add);
}

TEST(Scatter, Rows) {
  for (uint64_t seed : {1, 2, 3})
    scatter<float>("scatter_add_f32_rows", 70, 20, true, Action::Add, 12, 4, seed);
  scatter<float>("scatter_add_f32_rows", 5, 3, false, Action::Add, 1200, 4);
  scatter<float>("scatter_add_f32_rows_odd", 70, 20, true, Action::Add, 7, 1);
  scatter<float>("scatter_add_f32_rows_odd", 4, 2, false, Action::Add, 301, 1);
  scatter<Half>("scatter_set_f16_rows", 70, 20, true, Action::Set, 24, 8);
}

} // namespace
