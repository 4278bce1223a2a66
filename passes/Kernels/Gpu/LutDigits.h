//===- LutDigits.h - One row times a weight of few bits, in integers --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where codes of f16 become numbers, instructions are what costs below 4 bits. Here they stay
// integers: a mask takes four of them out of a word, each a byte with the code at some bit, as the
// left factor of `mma.m16n8k32` of bytes.
//
// A number of f16 is a multiple of 2^-24 below 2^16. So it is a sum of six digits of -128 to 127:
// three of h = round(4 x), below 2^18, and three of 2^24 (x - h / 4), at most 2^21. The digits of x
// are six of the eight columns of the right factor, and all sums of a group are exact. Its order of
// k is that of the bytes of a word, so tiles are as for f16.
//
// A zero goes with the sum of the digits, which a product with ones gives. Sums begin at the bits
// of 1.5 2^23 less that, so that as a float they are off by just this power: |code - zero| times a
// digit, over 128 k, stays below 2^22.
//
// Codes of 2 bits are not shifted for that: of the first half of a chunk's k they are 16 times as
// small in their bytes, and its digits are those of 16 x.
//
// Codes of 3 bits are two products: of the lower two bits, and of the third one, in bytes of the
// same order, whose sums take the zero off.
//
// The digits of what is not finite mean nothing, with 2 bits those of 65024 and more neither, of
// which 64 times as many is too large for a word: sums of its warp become NaN. Who finishes a
// column that is one adds all its products again, one at a time.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_GPU_LUTDIGITS_H
#define MAD_PASSES_KERNELS_GPU_LUTDIGITS_H

#include "passes/Kernels/Gpu/LutRing.h"
#include <array>

namespace mad::device {

/// What the forms of such a kernel share.
class LutDigits {
public:
  static constexpr int digits = 6, chunks = 4; ///< chunks of 32 k in a record
  static constexpr int chunkPairBytes = 4 * 16, eachDigitBytes = chunks / 2 * chunkPairBytes;
  /// Shared memory for the digits of a record: [digit][pairs of chunks][t][chunk][half] words. Odd
  /// digits have the pairs in turned order, so that neither writing a digit nor reading a pair of
  /// all digits meets a bank twice.
  static constexpr int digitBytes = digits * eachDigitBytes;

  LutDigits(GpuBuilder &g, const LutSpec &spec, const LutRowsTile &tile,
            const LutArguments &arguments);

protected:
  /// Of a code's first plane.
  int width() const { return hasThirdBit() ? 2 : layout.bits(); }
  bool hasThirdBit() const { return layout.bits() == 3; }
  /// Groups of a record; 1 where scales go with all k.
  int parts() const { return std::max<int>(1, int(layout.groups())); }

  //===- x ------------------------------------------------------------------===//
  /// What a lane reads of a record, which 16 lanes share: for both halves of k four numbers in the
  /// order of the bytes. Zeros for those that are not there.
  using PartOfX = std::array<Values, 2>;
  PartOfX partOf(mlir::Value record);
  /// Its digits, two words each. `seen` takes up bits that show what is not finite.
  Values digitsOf(const PartOfX &x, mlir::Value &seen);
  void storeDigits(mlir::ValueRange words, mlir::Value to, mlir::Value inside);
  /// Whether a lane of the warp has seen such a number.
  mlir::Value isSpecial(mlir::Value seen);
  /// Of a record the words of all chunks, two each. Columns that are not there are others again.
  Values rightOf(mlir::Value digits);
  /// Sums of the digits of a group: of the two columns that this lane has of a product.
  Values sumsOfDigits(mlir::ValueRange right, int part);

  //===- Products -----------------------------------------------------------===//
  /// sums + codes of a chunk, 16 columns and 32 k, times digits: four sums, or, with a third bit,
  /// four more for that.
  Values products(const Values &words, mlir::ValueRange right, int chunk, mlir::ValueRange sums);
  /// Where the sums of a group begin: at `from` less what the zeros take off. `zeros`: of both
  /// columns, or those of the format.
  Values beginning(mlir::ValueRange digitSums, mlir::ValueRange zeros, int from = asNumber);
  /// Zeros of a group that lie in its record, else `late`.
  Values zerosOf(mlir::Value record, int part, mlir::ValueRange late);
  /// all += scale * sums, of the digits apart.
  void addScaled(mlir::Value record, int part, mlir::ValueRange sums,
                 llvm::MutableArrayRef<mlir::Value> all);
  /// The same of sums that began at 0: both digits of a lane are one integer, which is rounded
  /// once. `ratio`: of their units.
  void addPairs(mlir::Value record, int part, mlir::ValueRange sums, mlir::Value ratio,
                llvm::MutableArrayRef<mlir::Value> all);

  //===- Sums ---------------------------------------------------------------===//
  /// The units of the digits that this lane has sums of; 0 for those behind the last one.
  Values unitsOfLane();
  /// How many times the unit of its first digit the second one's is.
  mlir::Value ratioOfLane();
  /// Of four sums of a lane: the whole one of column g + 8 (t % 2), in lanes with t < 2.
  mlir::Value wholeSum(mlir::ValueRange sums, mlir::ValueRange units);
  /// The same of the two sums of `addPairs`.
  mlir::Value wholeSumOfPairs(mlir::ValueRange sums, mlir::Value unit);
  /// Stores the sum of a column, of which `sum` is that of all warps; if it is NaN, that of all
  /// products.
  void finishColumn(mlir::Value column, mlir::Value sum);

  GpuBuilder &g;
  const LutSpec &spec;
  const LutRowsTile &tile;
  const lut::TileLayout &layout;
  LutArguments arguments;
  LutRing ring;
  mlir::Value lane, first, last;
  mlir::Type i32, f32;

private:
  static constexpr int asNumber = 0x4b400000; ///< the bits of 1.5 2^23
  mlir::Value ofColumns(mlir::ValueRange both);
  Values product(mlir::ValueRange left, mlir::ValueRange right, int chunk, mlir::ValueRange sums);
  /// Bytes of the left factor of a chunk. Registers: column g, g + 8, then both for the other half
  /// of k.
  Values codesOf(const Values &words, int chunk);
  Values thirdBitsOf(const Values &words, int chunk);
  /// So many times x are the numbers of the first half of a chunk, whose codes lie so much lower in
  /// their bytes than those of the other half: neither is shifted.
  int timesOfFirstHalf() const { return layout.bits() == 2 ? 16 : 1; }
  int timesOf(int h) const;
  int timesOfThird(int h) const { return h ? 8 : 4; } ///< a third bit, in its byte
  /// What a zero is multiplied by.
  int timesOfZero(int h) const { return hasThirdBit() ? timesOfThird(h) / 4 : timesOf(h); }
  bool isSign() const { return width() == 1 && !layout.format.affine; }
  /// A byte is two codes, and the lower one is of the same k: it need not be masked away, since its
  /// sums are there to be taken off.
  bool isNested() const { return width() == 4; }
  double scaleOf(int h) const { return (isSign() ? 2.0 : 1.0) / timesOf(h); }
  int zeroOf(int h) const;
  mlir::Value moved(mlir::Value word, int right);
  mlir::Value masked(mlir::Value word, int byte);
  mlir::Value kOf(mlir::Value chunk, int half, mlir::Value t);
  int stride() const { return width() == 1 ? 32 : width() == 2 ? 16 : 8; }
  Values twoOf(mlir::Value k);
  std::pair<mlir::Value, mlir::Value> wordsOf(mlir::Value x, int times);
  mlir::Value bytesFrom(mlir::Value low, mlir::Value high, llvm::ArrayRef<int32_t> from);
  Values digitsOfFour(mlir::ValueRange words);
  /// Where a pair of chunks is among the bytes of a digit: `odd` as this digit is.
  mlir::Value placeOfPair(mlir::Value pair, mlir::Value odd);
  mlir::Value byteAt(mlir::Value place);
  mlir::Value valueAt(mlir::Value column, mlir::Value k);
};

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_LUTDIGITS_H
