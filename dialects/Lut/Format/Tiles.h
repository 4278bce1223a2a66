//===- Tiles.h - Weights of few bits in the order of tensor cores ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// GPUs multiply with a weight [K, M] as the left factor of `mma.m16n8k16`: y^T = w^T x^T. So a tile
// has 16 columns of the weight, and a record is a tile over 128 k: all bytes that a warp reads
// together, after which comes the next 128 k of the same tile. Both are filled up with codes 0.
//
// A fragment is 16 k of a tile: 8 codes of each of the 32 lanes. Lane 4 g + t has columns g and
// g + 8; register i = h + 2 r, half e of fragment f is column g + 8 h and k = 16 f + 8 r + 2 t + e:
// the order of both `mma` and `wgmma`, so x needs no other order in shared memory.
//
//   record  planes, then scales, then zeros
//   plane   for each field of a code (`fields`), the widest first: words of a lane, four of which
//           (of one bit: two) lie together, then those of the next lane
//   word    width 8: fragment f, registers 2 j, 2 j + 1 in word 2 f + j, at bit 16 e + 8 (i % 2);
//           4: word f, bit 16 e + 4 i; 2: word f / 2, bit 16 e + 8 (f % 2) + 2 i;
//           1: word f / 4, bit 16 e + 4 (f % 4) + i
//   scales  [groups of the record][g][h], f16 or f32; zeros the same, ui8
//
// Where one scale goes with all K of a column, scales (f32) and zeros are behind all records, as
// [tiles][16 columns]: first all scales, then all zeros. A codebook is there instead: 2^bits f32,
// of all columns or of each: [tiles][16 columns][2^bits].
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_LUT_FORMAT_TILES_H
#define MAD_DIALECTS_LUT_FORMAT_TILES_H

#include "dialects/Lut/Format/Format.h"

namespace mad::lut {

struct TileLayout {
  static constexpr int64_t columns = 16, steps = 128, fragments = steps / 16, lanes = 32;

  Format format;
  int64_t k = 0, m = 0;

  /// Why a weight cannot be stored so, else empty.
  std::string check() const;
  /// Of a code in a record: base 3 becomes 2 bits.
  int bits() const { return format.family == Family::Ternary ? 2 : format.bits; }
  int64_t tiles() const { return (m + columns - 1) / columns; }
  int64_t records() const { return (k + steps - 1) / steps; } ///< of a tile
  bool isTable() const { return format.family == Family::Codebook; }
  /// Each column has a table of its own.
  bool hasColumnTables() const { return isTable() && format.group == Format::wholeRow; }
  int64_t tableNumbers() const { return int64_t(1) << bits(); } ///< of a table
  /// One scale for all k of a column.
  bool hasLateScale() const { return !isTable() && format.groupLength(k) >= k; }
  /// Groups of a record, of which each has scales; 0: they are elsewhere, or there are none.
  int64_t groups() const;
  int64_t planeBytes() const { return bits() * steps * columns / 8; }
  int64_t scaleBytes() const { return format.half ? 2 : 4; } ///< of one in a record
  int64_t scalesOffset() const { return planeBytes(); }
  int64_t zerosOffset() const { return scalesOffset() + groups() * columns * scaleBytes(); }
  /// A multiple of 16.
  int64_t recordBytes() const { return zerosOffset() + (format.affine ? groups() * columns : 0); }
  int64_t lateOffset() const { return tiles() * records() * recordBytes(); }
  int64_t lateZerosOffset() const { return lateOffset() + tiles() * columns * 4; }
  /// A multiple of 16.
  int64_t bytes() const;
};

/// The parts of a matrix [K, M] of a format as tiles, `layout.bytes()`.
void packTiles(const TileLayout &layout, const std::vector<const void *> &parts, uint8_t *to);

} // namespace mad::lut

#endif // MAD_DIALECTS_LUT_FORMAT_TILES_H
