//===- Attention.h - Attention on a GPU -------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// O = softmax(score(Q K^T)) V for each matrix of a batch, without the matrix of scores in memory.
// The sum of powers and what they multiply belong to the largest score so far, and are scaled when
// that changes (Milakov and Gimelshein, 2018; Dao et al., 2022; Dao, 2023).
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_GPU_ATTENTION_H
#define MAD_PASSES_KERNELS_GPU_ATTENTION_H

#include "passes/Kernels/Gpu/GpuBuilder.h"
#include "llvm/Support/Error.h"
#include <functional>

namespace mad::device {

/// What the writer of a kernel wants to know of a row later: made once for each row that a thread
/// has, before all loops.
using RowValues = Values;

struct AttentionSpec {
  mlir::Type element;          ///< of Q, K and V
  int width = 64, widthV = 64; ///< elements of a row of Q and K, and of V
  /// Elements of each row of Q, K and V that lie together on a multiple of their size.
  int vectorQ = 1, vectorK = 1, vectorV = 1;
  /// Of a row that exists.
  std::function<RowValues(GpuBuilder &, mlir::Value row)> row;
  /// Where the row of Q begins.
  std::function<mlir::Value(GpuBuilder &, const RowValues &)> query;
  /// A score, in f32, from a sum of products. The column exists. None: the sum times `scale`, which
  /// is above 0.
  std::function<mlir::Value(GpuBuilder &, const RowValues &, mlir::Value sum, mlir::Value column)>
      score;
  mlir::Value scale;
  /// How many keys, from the first, a row sees, not fewer than the row before: `score` need not say
  /// of others that they are -inf. None: all.
  std::function<mlir::Value(GpuBuilder &, const RowValues &)> seen;
  /// What `store` wants to know of a row: the largest score (-inf without any), and the sum of
  /// exp(score - base), where base is the largest score, or 0 where that is -inf.
  std::function<Values(GpuBuilder &, const RowValues &, mlir::Value most, mlir::Value base,
                       mlir::Value sum)>
      finish;
  /// Stores sums of exp(score - base) * V of columns that exist, from `column` on.
  std::function<void(GpuBuilder &, const RowValues &, mlir::ValueRange finished, mlir::Value column,
                     mlir::ValueRange sums)>
      store;
};

/// Pointers are those of one matrix of the batch.
struct AttentionArguments {
  mlir::Value k, v;
  mlir::Value rows, keys; ///< how many
  mlir::Value rowK, rowV; ///< elements from one row to the next
  mlir::Value begin;      ///< the first key, a multiple of the tile; null: 0
};

/// Multiply-adds of f32. A thread has some rows, with a part of Q and of the result in registers;
/// the warps of a block have the same rows, with keys in turn, and add up through shared memory.
struct PlainAttentionTile {
  int lanesOfRow = 2; ///< that share a row
  int rowsOfThread = 2;
  int warps = 8;
  int keysOfTile = 8; ///< that a warp takes at a time
  int threads() const { return warps * lanesOfWarp; }
  int rowsOfWarp() const { return lanesOfWarp / lanesOfRow * rowsOfThread; }
  int padded(int width) const {
    return (width + 4 * lanesOfRow - 1) / (4 * lanesOfRow) * 4 * lanesOfRow;
  }
  /// Two tiles of K and V each warp; or at the end what each warp has.
  int tileBytes(const AttentionSpec &spec) const {
    return keysOfTile * (padded(spec.width) + padded(spec.widthV)) * 4;
  }
  int partBytes(const AttentionSpec &spec) const {
    return rowsOfWarp() * (padded(spec.widthV) + 4) * 4;
  }
  int sharedBytes(const AttentionSpec &spec) const {
    return warps * std::max(2 * tileBytes(spec), partBytes(spec));
  }
  /// Estimate: Q, the result, scores, addresses.
  int registers(const AttentionSpec &spec) const {
    return rowsOfThread * ((padded(spec.width) + padded(spec.widthV)) / lanesOfRow + keysOfTile) +
           40;
  }
};
/// Tensor cores by warp, for f16 and bf16. A warp has some rows; their scores become the left
/// factor of the second product in registers. Tiles of K and V come by copies in the background.
struct WarpAttentionTile {
  int rowsOfWarp = 32, warps = 4;
  int keysOfTile = 64;
  int stages = 2;                ///< tiles of K and V in shared memory
  bool queryInRegisters = false; ///< else it is read again for each tile
  int blocksAtOnce = 2;
  int threads() const { return warps * lanesOfWarp; }
  int rowsOfBlock() const { return rowsOfWarp * warps; }
  static int padded(int width) { return (width + 15) / 16 * 16; }
  /// Bytes of a row in shared memory: a power of two of chunks of 16.
  static int bytesOfRow(int width) {
    int bytes = 64;
    while (bytes < 2 * width)
      bytes *= 2;
    return bytes;
  }
  int stageBytes(const AttentionSpec &spec) const {
    return keysOfTile * (bytesOfRow(spec.width) + bytesOfRow(spec.widthV));
  }
  int sharedBytes(const AttentionSpec &spec) const {
    return rowsOfBlock() * bytesOfRow(spec.width) + stages * stageBytes(spec);
  }
  /// Estimate: the result, scores, Q, fragments and addresses.
  int registers(const AttentionSpec &spec) const {
    int query = queryInRegisters ? rowsOfWarp * padded(spec.width) / 64 : 0;
    return rowsOfWarp * (padded(spec.widthV) + keysOfTile) / lanesOfWarp + query + 48;
  }
};
/// `vector`: elements of a row of K or V that are copied at once; single ones take registers.
WarpAttentionTile warpAttentionTile(int width, int vector = 8);
/// For up to 16 rows: one warp, so that blocks of other keys fill the multiprocessor.
WarpAttentionTile fewRowsAttentionTile(int width, int vector = 8);
llvm::Error check(const WarpAttentionTile &tile, const AttentionSpec &spec);
void writeWarpAttention(GpuBuilder &g, const AttentionSpec &spec, const WarpAttentionTile &tile,
                        const AttentionArguments &arguments, mlir::Value first);

/// Tensor cores by group of four warps (chips with wgmma), for f16 and bf16, rows of multiples of
/// 16 up to 128 columns. One group copies by tensor map, the others have 64 rows each. Blocks stay.
struct GroupAttentionTile {
  int groups = 2; ///< that multiply
  int stages = 2; ///< tiles of K and of V
  int copierRegisters = 40, multiplierRegisters = 232;
  static constexpr int keysOfTile = 128, threadsOfGroup = 128, sideOfBox = 64;
  int threads() const { return (groups + 1) * threadsOfGroup; }
  int rowsOfBlock() const { return groups * 64; }
  /// Columns in shared memory.
  static int padded(int width) { return (width + 63) / 64 * 64; }
  int sharedBytes(const AttentionSpec &spec) const {
    const int width = padded(spec.width), barriers = 16 + stages * 32;
    return (rowsOfBlock() * (width + keysOfTile) +
            stages * keysOfTile * (width + padded(spec.widthV))) *
               2 +
           barriers;
  }
};
/// With so many groups that multiply, 2 or 3.
GroupAttentionTile groupAttentionTile(int groups = 2);
llvm::Error check(const GroupAttentionTile &tile, const AttentionSpec &spec);
/// Where its factors are: tensor maps with boxes of 64 columns and 64 rows, and the coordinates of
/// an element of the matrix that was entered last, the column's first.
struct GroupFactors {
  mlir::Value q, k, v;
  std::function<Values(mlir::Value column, mlir::Value row)> inQ, inK, inV;
  mlir::Value matrices; ///< how many
  std::function<void(mlir::Value matrix)> enter;
  mlir::Value memory; ///< a pointer, any
};
/// The body of a kernel of any number of blocks of `tile.threads()` threads.
void writeGroupAttention(GpuBuilder &g, const AttentionSpec &spec, const GroupAttentionTile &tile,
                         mlir::Value rows, mlir::Value keys, const GroupFactors &factors);

/// For rows of that width.
PlainAttentionTile plainAttentionTile(int width);
llvm::Error check(const PlainAttentionTile &tile, const AttentionSpec &spec);
/// The body of a kernel of `tile.threads()` threads. `first`: the first row of the block.
void writePlainAttention(GpuBuilder &g, const AttentionSpec &spec, const PlainAttentionTile &tile,
                         const AttentionArguments &arguments, mlir::Value first);

/// Where few rows see many keys, blocks have parts of the keys, and leave for each row the sums of
/// powers times V, the largest score and the sum of powers. `partOf` gives where.
void setPart(AttentionSpec &spec,
             std::function<mlir::Value(GpuBuilder &, const RowValues &)> partOf);
/// Words of what is left for a row.
inline int wordsOfPart(int widthV) { return (widthV + 3) / 4 * 4 + 4; }
/// The body of a kernel whose blocks add up parts of a row each, in their order. `first`: of this
/// row; `stride`: words from one part to the next.
void writeAttentionOfParts(GpuBuilder &g, const AttentionSpec &spec, mlir::Value row,
                           mlir::Value first, mlir::Value stride, mlir::Value parts);

//===- For the catalogue ----------------------------------------------------===//

/// Arguments: Q, K, V, O, rows, keys, scale (f32), heads side by side in each row of Q, K, V and O:
/// [batch, row, head, width]. Blocks: rows by tiles, heads, batch. `causal`: row i sees the keys up
/// to keys - rows + i.
struct AttentionForm {
  mlir::Type element;
  int width = 64;
  bool causal = false;
};
AttentionSpec attentionSpec(const AttentionForm &form);
llvm::Expected<Kernel> makePlainAttention(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                          const AttentionForm &form,
                                          const PlainAttentionTile &tile);
llvm::Expected<Kernel> makeWarpAttention(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                         const AttentionForm &form, const WarpAttentionTile &tile);
/// Q, K and V as tensor maps of batch, row, and column of all heads: boxes of 64 columns and 64
/// rows, swizzle of 128 bytes. Two arguments more: heads, batch. Any number of blocks.
llvm::Expected<Kernel> makeGroupAttention(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                          const AttentionForm &form,
                                          const GroupAttentionTile &tile);

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_ATTENTION_H
