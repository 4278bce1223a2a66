//===- Matmul.h - Products of matrices on a GPU -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// C[M, N] = epilogue(A[M, K] B[K, N]), sums in f32. Four structures (docs/gpu-kernels.md):
// plain multiply-adds for exact f32, tensor cores by warp, tensor cores by group of warps with
// copies by tensor map, and one for few rows, which is about reading B.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_GPU_MATMUL_H
#define MAD_PASSES_KERNELS_GPU_MATMUL_H

#include "passes/Kernels/Gpu/GpuBuilder.h"
#include "llvm/Support/Error.h"
#include <functional>
#include <optional>

namespace mad::device {

/// Which index of B has neighbours in memory: N (B[k, n]) or K (B is stored as [N, K]).
enum class Order { RowMajor, ColumnMajor };

/// What happens to each sum before it is stored.
struct Epilogue {
  llvm::SmallVector<mlir::Type> arguments; ///< of the kernel, behind its own
  /// None: the sum itself.
  std::function<mlir::Value(GpuBuilder &, mlir::ValueRange arguments, mlir::Value sum,
                            mlir::Value row, mlir::Value column)>
      apply;
  /// `apply` reads elements of C at their own place.
  bool readsResult = false;
  /// It is many instructions, which should not be there once for each sum of a thread.
  bool isLong = false;
};

struct MatmulSpec {
  mlir::Type element; ///< of A and B
  mlir::Type output;
  Order order = Order::RowMajor;
  /// Of A: RowMajor is A[m, k], ColumnMajor is stored as [K, M], for plain products and groups
  /// only.
  Order orderA = Order::RowMajor;
  /// Sums of so many k are added up in memory (`totals`); 0: one sum over all k. A multiple of
  /// the tile's k.
  int longestSum = 0;
  /// Elements of each row of A, of B as it is stored, and of C that lie together on a
  /// multiple of their size: they divide K, N or K, and N.
  int vectorA = 1, vectorB = 1, vectorC = 1;
  Epilogue epilogue;
};

/// What a product is given. Pointers are those of one product of a batch.
struct MatmulArguments {
  mlir::Value a, b, c, m, n, k;
  mlir::Value rowA, rowB, rowC;  ///< elements from one row to the next, as they are stored
  mlir::Value totals, rowTotals; ///< f32 [M, N], where sums are cut
  /// Of factors in parts: the f32 themselves, whose rows are rowA and rowB, and elements from one
  /// part of a row to the next.
  mlir::Value wholeA, wholeB, partA, partB;
  mlir::ValueRange epilogue;
};

/// The widest vectors that these sizes allow, of at most 16 bytes.
void setVectors(MatmulSpec &spec, int64_t n, int64_t k);

/// Tiles of f32 sums in registers. K must not be 0.
struct PlainTile {
  int blockM = 128, blockN = 128, blockK = 8;
  int warpM = 32, warpN = 64;
  int blocksAtOnce = 2; ///< on a multiprocessor, as far as registers go
  int parts = 1; ///< of the k of a tile, each for other warps; their sums are added up at the end
  /// Tiles in shared memory, filled by copies in the background; 2: the next one goes through
  /// registers.
  int stages = 2;
  int threadsOfPart() const { return blockM / warpM * (blockN / warpN) * lanesOfWarp; }
  int threads() const { return threadsOfPart() * parts; }
  int rowsOfThread() const { return warpM / 4; }
  int columnsOfThread() const { return warpN / 8; }
  /// Of both factors; 4 words behind each row keep stores apart.
  int stageBytes() const { return blockK * (blockM + blockN + 8) * 4; }
  int tileBytes() const { return stages * stageBytes(); }
  /// Half of the parts leave their sums at a time.
  int sharedBytes() const { return tileBytes() + parts / 2 * blockM * blockN * 4; }
  /// Estimate: sums, a row and a column of factors, elements on their way, addresses.
  int registers() const {
    return rowsOfThread() * columnsOfThread() + rowsOfThread() + columnsOfThread() +
           (stages == 2 ? blockK * (blockM + blockN) / threads() : 0) + 32;
  }
};
/// Tiles from the largest to the least, and of how many blocks each is to be taken at least: what
/// was measured to be fastest on an H100 of 132 multiprocessors (docs/performance/gpu-products.md).
struct PlainChoice {
  PlainTile tile;
  int leastBlocks;
};
llvm::SmallVector<PlainChoice> plainTiles();
llvm::Error check(const PlainTile &tile, const MatmulSpec &spec);
/// Arguments: A, B, C, M, N, K, elements (i64) from one A, B and C of a batch to the next, those of
/// the epilogue. Blocks: ceil(N / blockN), ceil(M / blockM), batch.
llvm::Expected<Kernel> makePlainMatmul(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                       const MatmulSpec &spec, const PlainTile &tile);

/// The body of such a kernel, which has `tile.threads()` threads and shared memory.
void writePlainMatmul(GpuBuilder &g, const MatmulSpec &spec, const PlainTile &tile,
                      const MatmulArguments &arguments);

/// Tensor cores by warp, for f16, bf16, and f32 rounded to tf32; copies in the background.
struct WarpTile {
  int blockM = 128, blockN = 128, blockK = 32;
  int warpM = 64, warpN = 32;
  int stages = 4; ///< tiles in shared memory, being read or on their way
  int blocksAtOnce = 2;
  int threads() const { return blockM / warpM * (blockN / warpN) * lanesOfWarp; }
  int sharedBytes(int bytesOfElement) const {
    return stages * (blockM + blockN) * blockK * bytesOfElement;
  }
  /// Estimate: sums, fragments of both factors, addresses.
  int registers() const {
    return warpM * warpN / lanesOfWarp + warpM / 16 * 4 + warpN / 8 * 2 + 32;
  }
};
WarpTile smallWarpTile();
llvm::Error check(const WarpTile &tile, const MatmulSpec &spec);
/// Arguments and blocks as above. K must not be 0.
llvm::Expected<Kernel> makeWarpMatmul(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                      const MatmulSpec &spec, const WarpTile &tile);

void writeWarpMatmul(GpuBuilder &g, const MatmulSpec &spec, const WarpTile &tile,
                     const MatmulArguments &arguments);

/// Tensor cores by group of four warps (chips with wgmma), for f16 and bf16, with rows of A and B
/// of a multiple of 8. One group of warps copies, two multiply 64 rows each; blocks stay and take
/// one tile after the other.
///
/// f32 with neighbours along k is cut to tf32 (boxes of 32 columns), or it is multiplied in parts
/// of bf16, x = x1 + x2 + x3 (GroupMatmul.cpp): a row of a factor, as it is stored, is that of all
/// x1, then of all x2, then of all x3, each filled up with zeros to a multiple of
/// `multipleOfParts`.
struct GroupTile {
  int blockN = 256;
  int stages = 4;
  int groupRows = 8; ///< row tiles that are taken together, for the second cache
  int copierRegisters = 24, multiplierRegisters = 240;
  int parts = 1;       ///< of each number of a factor: 3 of f32
  int multipliers = 2; ///< groups that have 64 rows each
  /// With codes (LutMatmul.h): rows of the tile, of which each group that multiplies has all, and
  /// 64 columns. A stage has 128 k of A alone. 0: another factor.
  int rowsOfCodes = 0;
  int factorBytes = 0; ///< shared memory for codes, behind the rest
  /// Blocks with the same tile, each with a part of k, that add up in each other's shared memory:
  /// 1, 2 or 4, with codes alone. More than 1: a launch has a cluster for each tile.
  int cluster = 1;
  /// With codes, in launches that may overlap with the kernel in front: codes are read before that
  /// one is done.
  bool early = false;
  static constexpr int blockM = 128, blockK = 64;
  int rows() const { return rowsOfCodes ? rowsOfCodes : multipliers * blockM / 2; }
  int threads() const { return (1 + multipliers) * 128; }
  int bytesOfA() const { return rows() * blockK * 2; } ///< of a part of a stage
  int bytesOfB() const { return blockN * blockK * 2; }
  /// Rows of a box of B: columns of C where B is [N, K], else 64 of k, with 64 columns of C.
  int boxOfB(Order order) const {
    return order == Order::ColumnMajor && blockN % blockM == 0 ? blockM : 64;
  }
  /// Of A: rows of C where A is [M, K], else 64 of k, with 64 rows of C.
  int boxOfA(Order order) const { return order == Order::RowMajor ? rows() : 64; }
  int stageBytes() const {
    return rowsOfCodes ? 2 * bytesOfA() : parts * (bytesOfA() + bytesOfB());
  }
  /// Sums that the other blocks of a cluster leave here.
  int sumBytes() const { return (cluster - 1) * rows() / cluster * blockN * 4; }
  int sumsAt() const { return stages * (stageBytes() + 16); } ///< and two barriers each
  int sharedBytes() const { return sumsAt() + sumBytes() + factorBytes; }
};
constexpr int rowsOfGroup = 64; ///< of C, of a group that multiplies
/// Where large tiles would leave parts of the device without work: 192, 128 and 64 columns.
GroupTile wideGroupTile();
GroupTile mediumGroupTile();
GroupTile smallGroupTile();
/// Of f32 in parts, 128 or 64 columns. Sums have at most `longestSumOfParts` terms.
GroupTile groupTileOfParts(int blockN);
constexpr int partsOfFloat = 3, multipleOfParts = GroupTile::blockK, longestSumOfParts = 32768;
llvm::Error check(const GroupTile &tile, const MatmulSpec &spec);
/// Arguments: tensor maps of A (boxes of 64 columns and `boxOfA` rows, swizzle of 128 bytes) and B
/// (64 columns and `boxOfB` rows), C, M, N, K, for factors in parts A and B of f32, those of the
/// epilogue. Any number of blocks; best one a multiprocessor.
llvm::Expected<Kernel> makeGroupMatmul(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                       const MatmulSpec &spec, const GroupTile &tile);

/// A batch of products. Blocks go through the tiles of all of them.
struct GroupBatch {
  mlir::Value count; ///< null: one product
  /// Coordinates in the tensor maps of A and B, innermost first, of the element that is at `fast`
  /// of the dimension with neighbours and at `slow` of the other one, in product z. None: two
  /// dimensions.
  using Place = std::function<Values(mlir::Value fast, mlir::Value slow, mlir::Value z)>;
  Place inA, inB;
  /// Says where C of product z is, before its sums are stored.
  std::function<void(mlir::Value z, MatmulArguments &arguments)> enter;
  /// Tiles of k that product z adds up, from the first to behind the last one. None: all.
  std::function<std::pair<mlir::Value, mlir::Value>(mlir::Value z)> steps;
};
/// The body of such a kernel: `a` and `b` of the arguments are tensor maps.
void writeGroupMatmul(GpuBuilder &g, const MatmulSpec &spec, const GroupTile &tile,
                      const MatmulArguments &arguments, const GroupBatch &batch = {});

/// Few rows of A: both factors go through shared memory, all rows of A at a time.
struct FewRowsTile {
  int rows = 8;                      ///< of A: M is at most that; 8 or a multiple of 16
  int columns = 16;                  ///< of C, of a block
  int stepK = 256;                   ///< k of a stage
  int stages = 8;                    ///< in shared memory, being read or on their way
  int warpsAcross = 1, warpsOfK = 8; ///< that share the columns, and the k of a stage
  /// Blocks with the same columns that take the stages in turns and add up in each other's shared
  /// memory. More than 1: with `maps`.
  int cluster = 1;
  /// For chips from sm_90 on, in launches that may overlap with the kernel in front: B, which that
  /// one must not write, is read before that one is done.
  bool early = false;
  /// For chips from sm_90 on, with their shared memory: one more warp copies both factors by tensor
  /// map. f16 and bf16.
  bool maps = false;
  /// With `maps`: four warps multiply as a group (wgmma). In clusters 64 columns are the rows of
  /// the product; outside of them 64 rows of A are, with a multiple of 8 columns.
  bool byGroups = false;
  /// With `byGroups`, in clusters: A has a ring of its own, of so many stages, which one more warp
  /// fills. 0: both factors share the stages.
  int stagesOfA = 0;
  /// Then so many stages of B are on their way at a time: A waits behind what is.
  int onTheWay = 0;
  /// With `byGroups`, outside of clusters: columns of a box of B as [K, N], up to 64. Narrow boxes
  /// lie in shared memory as wide ones.
  int boxColumns = 64;
  int columnsInMemory() const { return columns / boxColumns * 64 + columns % boxColumns; }
  int warps() const { return warpsAcross * warpsOfK; } ///< that multiply
  int threads() const { return (warps() + maps + (stagesOfA > 0)) * lanesOfWarp; }
  /// Of a tensor map of A, whose boxes are 64 k of all rows, and of B.
  int boxOfB(Order order) const { return order == Order::ColumnMajor ? columns : stepK; }
  int sharedAlignment() const { return maps ? 1024 : 16; } ///< of boxes
  int stageBytesOfA(int bytesOfElement) const { return rows * stepK * bytesOfElement; }
  int stageBytes(int bytesOfElement) const {
    return (stagesOfA ? columns : rows + columnsInMemory()) * stepK * bytesOfElement;
  }
  int ringBytes(int bytesOfElement) const {
    return stages * stageBytes(bytesOfElement) + stagesOfA * stageBytesOfA(bytesOfElement);
  }
  /// Columns whose sums a block stores, and the sums of all warps that have a part of them.
  int ownColumns() const { return columns / cluster; }
  /// Where A has a ring of its own a block stores some rows instead.
  int ownRows() const { return rows / cluster; }
  int sumBytes() const {
    return stagesOfA ? cluster * ownRows() * (columns + 4) * 4
                     : cluster * warpsOfK * rows * (ownColumns() + 4) * 4;
  }
  /// The ring, then the sums; in clusters beside it, since another block may still be reading its.
  /// With `maps` two barriers for each stage follow, and one for sums of the other block.
  int barriersAt(int bytesOfElement) const {
    const int ring = ringBytes(bytesOfElement);
    return cluster > 1 ? ring + sumBytes() : std::max(ring, sumBytes());
  }
  int sharedBytes(int bytesOfElement) const {
    return barriersAt(bytesOfElement) + (maps ? (stages + stagesOfA + (stagesOfA > 0)) * 16 : 0);
  }
  /// Estimate: sums, fragments of both factors, addresses.
  int registers() const { return columns / warpsAcross * rows / lanesOfWarp + rows / 2 + 44; }
};
constexpr int mostFewRows = 64;
/// Numbers of rows that there are tiles for, from the least on.
llvm::ArrayRef<int> fewRows();
/// What was measured to be fastest on an H100 (docs/performance/gpu-products.md), with no more
/// stages than k fills. `n`: 0 where it is not known.
FewRowsTile fewRowsTile(int rows, Order order, int64_t n, int64_t k);
/// One with `maps`, where it is faster; else nothing.
std::optional<FewRowsTile> fewRowsMapTile(int rows, Order order, int64_t n, int64_t k);
/// The same of f32, multiplied exactly.
llvm::ArrayRef<int> fewRowsF32();
FewRowsTile fewRowsTileF32(int rows, int64_t k);
llvm::Error check(const FewRowsTile &tile, const MatmulSpec &spec);
/// Arguments: A, B, C, M, N, K, those of the epilogue; with `maps` tensor maps of A (boxes of 64
/// columns and `rows` rows, swizzle of 128 bytes) and B (64 or `boxColumns` columns and `boxOfB`
/// rows). Blocks: ceil(N / columns) times `cluster`.
llvm::Expected<Kernel> makeFewRowsMatmul(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                         const MatmulSpec &spec, const FewRowsTile &tile);
/// Where elements of product z are in the tensor maps of a tile that has them.
struct FewRowsMaps {
  GroupBatch::Place inA, inB; ///< none: two dimensions
  mlir::Value z;
};
void writeFewRowsMatmul(GpuBuilder &g, const MatmulSpec &spec, const FewRowsTile &tile,
                        const MatmulArguments &arguments, const FewRowsMaps &maps = {});

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_MATMUL_H
