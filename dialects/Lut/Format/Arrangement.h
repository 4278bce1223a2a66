//===- Arrangement.h - Activations as kernels read them -----------*- C++ -*-===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `lut.precompute` holds. Codes of a weight are read in blocks of four steps (8 codes, of base
// 3 five). Each group has whole blocks of its own, with zeros for what is not of the group; block n
// of a group has 4 activations for each code of a step: those that meet it in the four steps.
//
// Of one bit without zero points, up to `tableRows` rows are tables instead: for each four
// activations that follow each other 16 sums, of those that the bits of an index choose, less the
// smallest one (T-MAC: Wei et al., 2024). They are 0 to 508, and bytes hold what kernels read of
// them (passes/Kernels/ByteTables.cpp): a group has the sums modulo 256 of all its tables, then
// their halves, rounded up. `sums` has for each group twice the sum of |q|, and 1 more where
// kernels are to read the halves, since tables have sums that are more than 255.
//
// Where a whole part of a group has few such tables, kernels look up in each of them which sums
// are more, in place of halves of all. `sums` has 2^16 times how many there are, and in place of
// the first halves of the part are 16 bytes for each, 2 where its sum is more than 255 and else 0,
// and in the last place for one the numbers of these tables.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_LUT_FORMAT_ARRANGEMENT_H
#define MAD_DIALECTS_LUT_FORMAT_ARRANGEMENT_H

#include "dialects/Lut/Format/Format.h"

namespace mad::lut {

/// Rows up to which there are tables, activations of a table, its sums, its bytes.
constexpr int64_t tableRows = 8, tableCodes = 4, tableSums = 16, tableBytes = 2 * tableSums;
/// Blocks of a part of a group.
constexpr int64_t partBlocks = 4;
/// How many tables of a part may have large sums before halves are read.
constexpr int64_t fewLarge = 4;

struct Arrangement {
  int64_t k = 0;
  int64_t step = 8;   ///< codes that a byte of each field of the format has
  int64_t group = 0;  ///< activations with one scale of the weight; the last ones may be fewer
  int64_t groups = 0; ///< along K
  int64_t blocks = 0; ///< of a group
  int64_t parts = 1;  ///< of a group that have numbers of their own in `sums`
  int64_t stride = 0; ///< bytes of a row
  bool cut = false;   ///< groups or K end inside of blocks
  bool tables = false;

  /// For a weight of K rows with a format of integers.
  static Arrangement of(const Format &format, int64_t k);
  /// Rows of codes of a step, where kernels read those of four steps woven
  /// (runtime/core/panels.h); 0 where they need them row by row.
  static int64_t weave(const Format &format, int64_t k);
  /// Bytes of so many rows.
  int64_t bytes(int64_t rows) const;
  /// The step that the first block of a group begins with.
  int64_t firstStep(int64_t g) const { return cut ? g * group / step : g * blocks * 4; }
  /// Numbers in `sums` for so many rows; without tables only [rows, groups] of them are used.
  int64_t sums(int64_t rows) const { return rows * groups * parts; }
  /// Rows `q` [rows, K] to `out`, of `bytes(rows)`, and `sums` [rows, groups]: of the activations
  /// of a group; of tables [rows, groups, parts], twice those of their sizes, as said above.
  void fill(const int8_t *q, int64_t rows, uint8_t *out, int32_t *sums) const;
};

/// The shape of panels of codes, [panels, rows, columns], whose rows are woven.
std::vector<int64_t> woven(std::vector<int64_t> panels);

/// The format that stands for all that read the same arrangement of K activations.
Format arrangedFormat(const Format &format, int64_t k);

} // namespace mad::lut

#endif // MAD_DIALECTS_LUT_FORMAT_ARRANGEMENT_H
