//===- FewRows.h - What products with few rows are made of ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// FewRowsMatmul.cpp says how they work; what goes by tensor map is in FewRowsByMap.cpp.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_GPU_FEWROWS_H
#define MAD_PASSES_KERNELS_GPU_FEWROWS_H

#include "passes/Kernels/Gpu/MatmulParts.h"

namespace mad::device {

/// Of a box that a tensor map copies.
constexpr int bytesOfBoxRow = 128;
constexpr int warpsOfGroup = 4;

/// A factor in the ring: rows of `chunks` chunks of 16 bytes.
struct FewRowsRing {
  GpuBuilder &g;
  int at, chunks;       ///< where it lies in a stage
  int boxRows;          ///< 0: whole rows behind each other, else boxes of eight chunks of so many
  int boxElements = 64; ///< of a row of a box that a map copies

  mlir::Value place(mlir::Value row, mlir::Value chunk);
};

struct FewRowsMatmul {
  GpuBuilder &g;
  const MatmulSpec &spec;
  const FewRowsTile &tile;
  MatmulArguments arguments; ///< with `maps`: a and b are tensor maps
  const FewRowsMaps &maps;
  mlir::Value lane, warp, warpAcross, warpOfK, column0;
  mlir::Value rank; ///< in the cluster; null: none
  mlir::Value k0;   ///< of the first stage of this block, in a cluster
  /// A chunk that this thread copies for each stage.
  struct Copy {
    mlir::Value place;           ///< in the stage
    mlir::Value source;          ///< for k = 0
    mlir::Value ofStep;          ///< k inside of the stage
    mlir::Value inside, isThere; ///< whether the row or column is there, and the chunk; null: yes
  };
  llvm::SmallVector<Copy> ofA, ofB;

  FewRowsMatmul(GpuBuilder &g, const MatmulSpec &spec, const FewRowsTile &tile,
                const MatmulArguments &arguments, const FewRowsMaps &maps);

  bool alongK() const { return spec.order == Order::ColumnMajor; }
  bool isSingle() const { return spec.element.isF32(); }
  int bytes() const { return bytesOf(spec.element); }
  int ofChunk() const { return 16 / bytes(); }            ///< elements
  int nextK() const { return tile.cluster * tile.stepK; } ///< from a stage to the next one
  int stageBytes() const { return tile.stageBytes(bytes()); }
  int chunksOfK() const { return tile.stepK / ofChunk(); }
  int groups() const { return tile.rows / 8; }                       ///< of rows
  int tiles() const { return tile.columns / tile.warpsAcross / 16; } ///< of columns of a warp
  int width() const { return tile.ownColumns() + 4; } ///< of a row of sums: keeps stores apart
  int bytesOfB() const { return tile.columnsInMemory() * tile.stepK * bytes(); } ///< in a stage
  int copiedBytes() const {
    return stageBytes() - (tile.columnsInMemory() - tile.columns) * tile.stepK * bytes();
  }
  FewRowsRing ringA() {
    return {g, apart() ? 0 : bytesOfB(), chunksOfK(), tile.maps ? tile.rows : 0};
  }
  FewRowsRing ringB();

  /// Of `count` chunks.
  llvm::SmallVector<Copy> copiesOf(int count, llvm::function_ref<Copy(mlir::Value number)> make);
  llvm::SmallVector<Copy> copiesOfA();
  llvm::SmallVector<Copy> copiesOfB();

  /// A copy of nothing gets an address that is there.
  void start(llvm::ArrayRef<Copy> copies, mlir::Value factor, mlir::Value stage, mlir::Value k,
             mlir::Value stride);
  void copyA(mlir::Value stage, mlir::Value k) { start(ofA, arguments.a, stage, k, {}); }
  void copyB(mlir::Value stage, mlir::Value k);

  /// 16 columns of C over 16 k.
  Values columnsOf(mlir::Value stage, int t, mlir::Value step);
  /// 16 rows of A over 16 k, or 8 over 32: two words of the first half, two of the other.
  Values rowsOf(mlir::Value stage, int pair, mlir::Value step);

  void multiply(Values &sums, int t, int group, mlir::ValueRange columns, mlir::ValueRange rows);

  /// The sums of a column and all rows, in f32.
  void addStage(mlir::Value stage, Values &sums);

  void multiplyStage(mlir::Value stage, Values &sums);

  mlir::Value nextStage(mlir::Value stage);

  /// The first stages on their way. `early`: what B holds was there before the kernel in front
  /// began.
  void fill();

  Values noSums();

  Values sumsOfWarp();

  //===- Copies by tensor map -----------------------------------------------===//
  /// A stage of the ring, and which of its barriers' phases is awaited.
  struct Place {
    mlir::Value stage, phase;
  };
  Place after(Place at, int stages);
  Place after(Place at) { return after(at, tile.stages); }
  mlir::Value barrierOf(mlir::Value stage, int which);
  mlir::Value full(mlir::Value stage) { return barrierOf(stage, 0); }
  mlir::Value empty(mlir::Value stage) { return barrierOf(stage, 1); }

  void makeBarriers();
  void expect(mlir::Value stage) { g.barrierExpect(full(stage), copiedBytes()); }
  /// A box goes to `at` bytes of shared memory, and more behind it.
  void copyBoxes(mlir::Value map, const GroupBatch::Place &place, mlir::Value at,
                 mlir::Value barrier, FewRowsRing ring, mlir::Value fast, mlir::Value slow);
  void copyBoxesOfA(mlir::Value stage, mlir::Value k);
  void copyBoxesOfB(mlir::Value stage, mlir::Value k);
  /// The stages from `first` to `last`, which are there to begin with.
  void forFirst(int first, int last,
                llvm::function_ref<void(mlir::Value stage, mlir::Value k)> body);
  /// Stages of B that are asked for before the kernel in front is done. A multiprocessor gets what
  /// it asks for in that order, and nothing is multiplied before the first of A, so with many rows
  /// half of the ring is better than all; not where warps read B as [N, K] (measured).
  int earlyStages() const;
  void startB(mlir::Value stage, mlir::Value k) { expect(stage), copyBoxesOfB(stage, k); }

  void copyStages();

  Values multiplyStages();

  //===- Groups of warps ----------------------------------------------------===//
  /// Rows of the product are columns of C, or, outside of clusters, the 64 rows of A, so that a
  /// block may have any multiple of 8 columns.
  bool rowsFirst() const { return tile.byGroups && tile.cluster == 1; }
  /// Narrow boxes of B are products of their own.
  int products() const { return tile.boxColumns < 64 ? tile.columns / tile.boxColumns : 1; }
  int acrossGroup() const { return rowsFirst() ? tile.columns / products() : tile.rows; }
  /// The product of stages that lie at `b` and `a` in the background.
  Values multiplyByGroup(mlir::Value b, mlir::Value a, mlir::ValueRange sums);
  /// A stage was read once only the product behind it is in the background.
  Values multiplyStagesByGroups();

  /// All blocks want the same of A at the same time, which would wait in memory behind what they
  /// have asked for of B. So each fetches a part of it into the second cache ahead, where writers
  /// and readers meet: the kernel in front may still write it.
  void fetchA();

  mlir::Value isCopier() { return g.equal(warp, tile.warps()); }

  Values sumsByMaps();

  //===- A ring of A alone (FewRowsApart.cpp) ----------------------------------===//
  bool apart() const { return tile.stagesOfA > 0; }
  /// Where a stage of A lies, and its barriers, which follow those of B.
  mlir::Value stageOfA(mlir::Value stage);
  mlir::Value fullA(mlir::Value stage) { return full(g.add(stage, tile.stages)); }
  mlir::Value emptyA(mlir::Value stage) { return empty(g.add(stage, tile.stages)); }
  /// Sums of the other block are here.
  mlir::Value haveSums() { return full(g.number(tile.stages + tile.stagesOfA)); }
  /// What the warps do that copy B, and A.
  void copyColumns();
  void copyRows();
  Values sumsApart();
  /// Sums of two rows and a column lie together: of `pair` of those that a block stores, from block
  /// `part` of the cluster.
  mlir::Value pairAt(mlir::Value part, mlir::Value pair, mlir::Value column);
  /// Leaves the sums of this warp in the block that stores the row.
  void sendSums(mlir::ValueRange sums);
  void storePair(mlir::Value pair, mlir::Value column, int count);
  void writeApart();

  /// Where sums lie: all rows of some columns, of warp `w` of a block of the cluster.
  mlir::Value sumsAt(mlir::Value block, mlir::Value w);
  /// Of 16 rows of A: a lane has pairs of neighbouring columns of two of them.
  void leaveRows(mlir::ValueRange sums);
  /// Leaves the sums of this warp where those of the others are: in the block that stores the
  /// column.
  void leave(mlir::ValueRange sums);

  /// Of neighbouring columns, in an order that does not depend on which block it is.
  Values sumsOfBlock(mlir::Value row, mlir::Value inBlock, int count);

  void write();
};

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_FEWROWS_H
