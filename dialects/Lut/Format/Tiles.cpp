//===- Tiles.cpp - Weights of few bits in the order of tensor cores -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Tiles.h"
#include "dialects/Lut/Format/Codec.h"

#include <algorithm>
#include <cstring>

namespace mad::lut {

/// What kernels count with 32 bits, with room for a tile.
static constexpr int64_t mostCounted = int64_t(1) << 30;

std::string TileLayout::check() const {
  if (std::max(k, m) > mostCounted)
    return "more than 2^30 rows or columns";
  if (hasColumnTables() && tiles() * columns * tableNumbers() > mostCounted)
    return "the tables of all columns have more than 2^30 numbers";
  if (format.blockType())
    return "blocks of .gguf files have scales of two levels";
  if (format.dictionary)
    return "words of a dictionary have no places of their own";
  if (isTable())
    return "";
  int64_t length = format.groupLength(k);
  if (length >= k || length % steps == 0 || (length % 16 == 0 && steps % length == 0))
    return "";
  return "groups of " + std::to_string(length) + " are neither 16, 32 or 64 nor a multiple of 128";
}

int64_t TileLayout::groups() const {
  if (isTable() || hasLateScale())
    return 0;
  return std::max<int64_t>(1, steps / format.groupLength(k));
}

int64_t TileLayout::bytes() const {
  int64_t late = 0;
  if (isTable())
    late = (hasColumnTables() ? tiles() * columns : 1) * tableNumbers() * 4;
  else if (hasLateScale())
    late = tiles() * columns * (format.affine ? 5 : 4);
  // A weight of several matrices has them one behind the other.
  return (lateOffset() + late + 15) / 16 * 16;
}

/// Where the bits of a code are: a word of its lane, and a bit of that.
static std::pair<int, int> placeOf(int width, int f, int i, int e) {
  switch (width) {
  case 8:
    return {2 * f + i / 2, 16 * e + 8 * (i % 2)};
  case 4:
    return {f, 16 * e + 4 * i};
  case 2:
    return {f / 2, 16 * e + 8 * (f % 2) + 2 * i};
  default:
    return {f / 4, 16 * e + 4 * (f % 4) + i};
  }
}

namespace {
/// Packs one matrix.
class Packer {
public:
  Packer(const TileLayout &layout, const std::vector<const void *> &parts)
      : layout(layout), format(layout.format), parts(parts), codes(layout.k * layout.m) {
    unpackCodes(format, static_cast<const uint8_t *>(parts[0]), layout.k, layout.m, codes.data());
  }
  void record(int64_t tile, int64_t block, uint8_t *to) const;
  void late(uint8_t *to) const;

private:
  void plane(const Field &field, int64_t tile, int64_t block, uint8_t *to) const;
  float scale(int64_t group, int64_t column) const;
  void putScale(int64_t group, int64_t column, uint8_t *to) const;
  /// The number of a scale or zero.
  int64_t at(int64_t group, int64_t column) const {
    return format.group == Format::wholeTensor ? 0 : group * layout.m + column;
  }

  const TileLayout &layout;
  const Format &format;
  const std::vector<const void *> &parts;
  std::vector<uint8_t> codes; ///< [K, M]
};
} // namespace

void Packer::plane(const Field &field, int64_t tile, int64_t block, uint8_t *to) const {
  const int together = field.width == 1 ? 2 : 4;
  const uint32_t mask = (1u << field.width) - 1;
  for (int64_t column = 0; column < TileLayout::columns; ++column) {
    const int64_t m = tile * TileLayout::columns + column, g = column % 8, h = column / 8;
    if (m >= layout.m)
      continue;
    for (int64_t step = 0; step < TileLayout::steps; ++step) {
      const int64_t k = block * TileLayout::steps + step;
      if (k >= layout.k)
        break;
      const int f = int(step / 16), r = int(step % 16 / 8), e = int(step % 2);
      const int64_t lane = 4 * g + step % 8 / 2;
      auto [word, bit] = placeOf(field.width, f, int(h) + 2 * r, e);
      const uint32_t bits = (codes[k * layout.m + m] >> field.shift) & mask;
      uint8_t *byte = to + (word / together * TileLayout::lanes + lane) * together * 4 +
                      word % together * 4 + bit / 8;
      *byte |= bits << bit % 8;
    }
  }
}

float Packer::scale(int64_t group, int64_t column) const {
  const char *from = static_cast<const char *>(parts[1]);
  uint16_t half;
  float single;
  if (format.half)
    return memcpy(&half, from + at(group, column) * 2, 2), floatOf(half);
  return memcpy(&single, from + at(group, column) * 4, 4), single;
}

void Packer::putScale(int64_t group, int64_t column, uint8_t *to) const {
  memcpy(to, static_cast<const char *>(parts[1]) + at(group, column) * layout.scaleBytes(),
         layout.scaleBytes());
}

void Packer::record(int64_t tile, int64_t block, uint8_t *to) const {
  uint8_t *planes = to;
  for (const Field &field : fields(layout.bits(), 1)) {
    plane(field, tile, block, planes);
    planes += field.width * TileLayout::steps * TileLayout::columns / 8;
  }
  const int64_t length = format.groupLength(layout.k), count = format.groups(layout.k);
  for (int64_t part = 0; part < layout.groups(); ++part) {
    const int64_t first = block * TileLayout::steps + part * TileLayout::steps / layout.groups();
    const int64_t group = std::min(first / length, count - 1);
    for (int64_t column = 0; column < TileLayout::columns; ++column) {
      const int64_t m = tile * TileLayout::columns + column;
      const int64_t place = part * TileLayout::columns + column % 8 * 2 + column / 8;
      if (m >= layout.m)
        continue;
      putScale(group, m, to + layout.scalesOffset() + place * layout.scaleBytes());
      if (format.affine)
        to[layout.zerosOffset() + place] = static_cast<const uint8_t *>(parts[2])[at(group, m)];
    }
  }
}

void Packer::late(uint8_t *to) const {
  if (layout.hasColumnTables()) {
    for (int64_t m = 0; m < layout.m; ++m)
      for (int64_t i = 0; i < layout.tableNumbers(); ++i)
        memcpy(to + layout.lateOffset() + (m * layout.tableNumbers() + i) * 4,
               static_cast<const char *>(parts[1]) + (i * layout.m + m) * 4, 4);
    return;
  }
  if (layout.isTable()) {
    memcpy(to + layout.lateOffset(), parts[1], size_t(4) << layout.bits());
    return;
  }
  for (int64_t m = 0; m < layout.m; ++m) {
    float value = scale(0, m);
    memcpy(to + layout.lateOffset() + m * 4, &value, 4);
    if (format.affine)
      to[layout.lateZerosOffset() + m] = static_cast<const uint8_t *>(parts[2])[at(0, m)];
  }
}

void packTiles(const TileLayout &layout, const std::vector<const void *> &parts, uint8_t *to) {
  memset(to, 0, layout.bytes());
  Packer packer(layout, parts);
  for (int64_t tile = 0; tile < layout.tiles(); ++tile)
    for (int64_t block = 0; block < layout.records(); ++block)
      packer.record(tile, block, to + (tile * layout.records() + block) * layout.recordBytes());
  if (layout.isTable() || layout.hasLateScale())
    packer.late(to);
}

} // namespace mad::lut
