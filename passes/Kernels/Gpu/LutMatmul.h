//===- LutMatmul.h - Products with weights of few bits on a GPU -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// y[T, M] = epilogue(x[T, K] w[K, M]), w in tiles (dialects/Lut/Format/Tiles.h), sums in f32.
// Codes become numbers in registers, as the left factor of the tensor cores.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_GPU_LUTMATMUL_H
#define MAD_PASSES_KERNELS_GPU_LUTMATMUL_H

#include "dialects/Lut/Format/Tiles.h"
#include "passes/Kernels/Gpu/Matmul.h"

namespace mad::device {

struct LutSpec {
  lut::TileLayout layout;
  mlir::Type element; ///< of x: f16, bf16, or f32, which becomes three bf16
  mlir::Type output;
  /// Elements of each row of x that lie together on a multiple of their size: those of 16 bytes,
  /// or 1.
  int vectorX = 1;
  Epilogue epilogue;

  int parts() const { return element.isF32() ? 3 : 1; }
  /// Of a codebook in `factor()`, whose sum is its numbers.
  int tables() const { return layout.isTable() ? parts() : 1; }
  /// Of both factors of the tensor cores.
  mlir::Type factor() const;
};

struct LutArguments {
  mlir::Value x, tiles, y, rows;
  mlir::Value rowX, rowY; ///< elements from one row to the next
  mlir::ValueRange epilogue;
};

/// Few rows: blocks stay, and take groups of tiles in turn. The warps of a block share the records
/// of a tile, each through a ring of its own; x is in shared memory.
struct LutRowsTile {
  int rows = 8;     ///< of x, at most
  int together = 2; ///< tiles that share what a warp reads of x
  int warps = 8;    ///< that share the records of a tile
  int stages = 4;   ///< of the ring of a warp
  /// As that of FewRowsTile: tiles are read before the kernel in front is done.
  bool early = false;
  /// For chips from sm_90 on, which have more shared memory.
  bool large = false;
  /// x in six digits, multiplied as integers (LutDigits.h): one row, where `takesLutDigits`.
  bool digits = false;
  /// The digits stay in registers, and a stage is what a warp needs of a tile, of which `together`
  /// are multiplied at a time (LutHeldDigits.cpp): where `takesHeldDigits`.
  bool held = false;

  int threads() const { return warps * lanesOfWarp; }
  /// Groups of tiles that blocks take in turn; with `held` single ones.
  int64_t work(const LutSpec &spec) const {
    const int each = held ? 1 : together;
    return (spec.layout.tiles() + each - 1) / each;
  }
  /// Groups of 8 columns of the product: rows, in parts.
  int groups(const LutSpec &spec) const { return (rows * spec.parts() + 7) / 8; }
  /// Of a row of x, whose chunks of 16 bytes are permuted by an XOR with its number.
  int64_t rowBytes(const LutSpec &spec) const { return spec.layout.records() * 256; }
  /// Records of a warp, with `held`.
  int64_t heldRecords(const LutSpec &spec) const { return spec.layout.records() / warps; }
  int64_t stageBytes(const LutSpec &spec) const {
    return (held ? heldRecords(spec) : together) * spec.layout.recordBytes();
  }
  int64_t sumBytes(const LutSpec &spec) const {
    return digits ? int64_t(warps) * together * lut::TileLayout::columns * 4
                  : int64_t(warps) * together * groups(spec) * 4 * lanesOfWarp * 4;
  }
  /// Where each column has a table: those of a group of tiles.
  int64_t columnTableBytes(const LutSpec &spec) const;
  int64_t xBytes(const LutSpec &spec) const;
  /// x, the rings, sums of the warps, twice, and a codebook, or those of columns, twice.
  int64_t sharedBytes(const LutSpec &spec) const;
  /// On a multiprocessor: two with digits if they fit, so that the next launch's block may fill its
  /// ring beside this one.
  int blocksAtOnce(const LutSpec &spec) const;
};
/// Rows up to which reading codes is what costs.
constexpr int mostLutRows = 16;
/// What was measured to be fastest (docs/performance/gpu-low-bit.md) for up to so many rows, with
/// as many of them at a time as there is shared memory for. `large`: on a chip 9.0. Nothing where
/// one does not fit.
std::optional<LutRowsTile> lutRowsTile(int rows, const LutSpec &spec, bool large);
llvm::Error check(const LutRowsTile &tile, const LutSpec &spec);
/// Arguments: x, tiles, y, rows (i32), those of the epilogue; rows follow each other. Blocks: any
/// number, best one a multiprocessor, times ceil(rows / `rows`).
llvm::Expected<Kernel> makeLutRows(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                   const LutSpec &spec, const LutRowsTile &tile);
void writeLutRows(GpuBuilder &g, const LutSpec &spec, const LutRowsTile &tile,
                  const LutArguments &arguments);

/// Whether products of a row may be sums of integers: f16, codes of 1 to 4 or 8 bits that are no
/// table, groups of 32 (of one bit: 64) k or more.
bool takesLutDigits(const LutSpec &spec);
/// Shared memory for x in digits, where they are not `held`.
int64_t lutDigitsBytes(const LutSpec &spec);
/// Codes of 1 and 2 bits, and few records for each warp, as many for all.
bool takesHeldDigits(const LutSpec &spec, const LutRowsTile &tile);
/// All shared memory of a block with `held`.
int64_t lutHeldBytes(const LutSpec &spec, const LutRowsTile &tile);
/// One in so much shared memory, if there is one.
std::optional<LutRowsTile> lutHeldTile(const LutSpec &spec, int64_t most);
/// As `writeLutRows`, with `tile.digits`, and with `tile.held`.
void writeLutStreamedDigits(GpuBuilder &g, const LutSpec &spec, const LutRowsTile &tile,
                            const LutArguments &arguments);
void writeLutHeldDigits(GpuBuilder &g, const LutSpec &spec, const LutRowsTile &tile,
                        const LutArguments &arguments);

/// Groups of warps for more rows, f16 and bf16: tiles of 64, 128, 192 or 256 columns of the weight,
/// 64 a group, and 32, 64 or 128 rows of x. `cluster`: blocks that share k.
GroupTile lutGroupTile(const LutSpec &spec, int columns, int rows, int cluster = 1);
llvm::Error checkLutGroup(const GroupTile &tile, const LutSpec &spec);
/// B of the arguments and its place in the batch are not used; `steps` of the batch begin at even
/// tiles of k.
void writeLutGroup(GpuBuilder &g, const LutSpec &spec, const MatmulSpec &product,
                   const GroupTile &tile, const MatmulArguments &arguments, mlir::Value tiles,
                   const GroupBatch &batch = {});
/// Arguments: the tensor map of x (boxes of 64 columns and the rows of a tile), tiles, y, rows
/// (i32).
llvm::Expected<Kernel> makeLutGroup(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                    const LutSpec &spec, const GroupTile &tile);

/// The weight as [M, K] of the element type of x: a warp a record.
struct LutDecodeTile {
  int warps = 8;
  int threads() const { return warps * lanesOfWarp; }
};
/// `weight` has rows of `rowBytes`; blocks: ceil(tiles * records / warps).
void writeLutDecode(GpuBuilder &g, const LutSpec &spec, const LutDecodeTile &tile,
                    mlir::Value tiles, mlir::Value weight, int64_t rowElements);

/// Codes of 2 bits of a weight [batch..., k, m] `as lut.dictionary`: a thread a column.
struct LutExpandSpec {
  static constexpr int threads = 64;
  int64_t k = 0, m = 0;
  int64_t words = 0; ///< of a matrix
  /// Matrices along each dimension, and bytes from one to the next.
  llvm::SmallVector<int64_t> batch, wordSteps, startSteps;
  int64_t matrices() const {
    int64_t count = 1;
    for (int64_t size : batch)
      count *= size;
    return count;
  }
};
struct LutExpandArguments {
  mlir::Value words, starts, dictionary, codes;
};
/// Blocks: ceil(matrices * m / threads). Codes of the matrices follow each other..
void writeLutExpand(GpuBuilder &g, const LutExpandSpec &spec, const LutExpandArguments &arguments);

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_LUTMATMUL_H
