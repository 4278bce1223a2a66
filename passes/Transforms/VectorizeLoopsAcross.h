//===- VectorizeLoopsAcross.h - Reductions, lanes across elements ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_VECTORIZELOOPSACROSS_H
#define MAD_PASSES_TRANSFORMS_VECTORIZELOOPSACROSS_H

#include "passes/Transforms/VectorizeLoopsCascade.h"

namespace mad::vectorize {

class AcrossEmitter {
public:
  AcrossEmitter(mlir::ImplicitLocOpBuilder &b, const Nest &nest, const TilePlan &plan,
                llvm::ArrayRef<Combiner> combiners);
  void emit();

private:
  /// A part of the reduction dimension that is cut into blocks: a loop, or without
  /// bounds the next `unroll` steps, written out.
  struct Range {
    mlir::Value low, high;
    int64_t unroll = 1;
  };
  /// The vectors of one tile.
  struct Shape {
    int64_t rows, vectors, lanes;
    mlir::Value mask;
  };

  void emitOuter(BodyEmitter &outer, unsigned level);
  void emitRows(BodyEmitter &outer);
  void emitPanels(BodyEmitter &outer, mlir::Value low, mlir::Value high, int64_t rows);
  void emitPanelStrips(BodyEmitter &outer, mlir::Value low, mlir::Value high, int64_t rows,
                       std::optional<Range> range);
  mlir::Value buffer(llvm::ArrayRef<int64_t> shape, mlir::Type element, llvm::StringRef name);
  void pack(BodyEmitter &strip, const Range &range);
  struct RowBlock {
    mlir::Value low, high;
    int64_t count;
  };
  llvm::SmallVector<RowBlock> rowBlocks(mlir::Value low, mlir::Value high);
  void emitRowBlocks(BodyEmitter &outer, llvm::ArrayRef<RowBlock> blocks,
                     llvm::function_ref<void(BodyEmitter &, int64_t)> write);
  /// A part of the output: some rows and columns.
  struct Area {
    mlir::Value firstRow, lastRow, firstColumn, lastColumn;
  };
  void emitStreams(BodyEmitter &outer, mlir::Value low);
  void emitStreamsBetween(BodyEmitter &outer, const Area &area, mlir::Value first,
                          mlir::Value last);
  bool isCut() const;
  int64_t sumDepth() const;
  int64_t widestSum() const;
  void emitCutPanels(BodyEmitter &outer, mlir::Value low, mlir::Value high, int64_t count);
  void emitCutStreams(BodyEmitter &outer, const Area &area);
  mlir::Value isLong();
  using Between = llvm::function_ref<void(mlir::Value first, mlir::Value last)>;
  void cut(mlir::Value low, mlir::Value high, mlir::Value part, Between body);
  void cutIfLong(mlir::Value low, mlir::Value high, mlir::Value part, Between body);
  void whenLong(mlir::Value first, mlir::Value last,
                llvm::function_ref<void(mlir::Value, mlir::Value)> body);
  struct Totals {
    llvm::SmallVector<mlir::Value> memory;
    int64_t apart;     ///< elements from one output to the next
    mlir::Value width; ///< elements from one row to the next
  };
  int64_t totalsOfOutput(int64_t least) const;
  Totals totals(int64_t least, mlir::Value width);
  /// What the totals are of, after some block of steps.
  struct Taken {
    mlir::Value firstRow, firstColumn, isFirst, isLast;
  };
  void addToTotals(BodyEmitter &e, const Shape &shape, const Totals &totals, const Taken &taken);
  void emitSteps(BodyEmitter &e, const Area &area, int64_t count);
  using Tile =
      llvm::function_ref<void(BodyEmitter &, int64_t vectors, int64_t lanes, mlir::Value mask)>;
  void emitStrips(BodyEmitter &outer, int64_t vectors, Tile tile, mlir::Value first = {},
                  mlir::Value last = {});
  void emitStripsBetween(BodyEmitter &outer, mlir::Value low, mlir::Value high, int64_t vectors,
                         Tile tile);
  void emitScalarStrips(BodyEmitter &outer, mlir::Value low, mlir::Value high, Tile tile);
  mlir::Value initial(BodyEmitter &e, unsigned output, llvm::ArrayRef<int64_t> point,
                      const std::optional<Range> &range);
  void emitTile(BodyEmitter &emitter, const Shape &shape, std::optional<Range> range);
  llvm::SmallVector<mlir::Value> reduce(BodyEmitter &outer, const Shape &shape, unsigned level,
                                        llvm::SmallVector<int64_t> at, std::optional<Range> range,
                                        mlir::ValueRange accumulators);
  llvm::SmallVector<mlir::Value> step(BodyEmitter &emitter, const Shape &shape,
                                      llvm::ArrayRef<int64_t> at, mlir::ValueRange accumulators);
  template <typename F> void forEach(const Shape &shape, llvm::ArrayRef<int64_t> at, F f) const;
  void hoist(BodyEmitter &emitter, int64_t rows, llvm::ArrayRef<int64_t> at,
             llvm::ArrayRef<unsigned> reductionDims);
  int64_t unrollOf(unsigned dim, const Shape &shape) const;
  mlir::Value stepsFrom(unsigned level, int64_t unroll);
  bool isSum(unsigned output) const { return !combiners.empty() && isFloatSum(combiners[output]); }
  bool onlySums() const { return !combiners.empty() && llvm::all_of(combiners, isFloatSum); }
  bool isSmall(unsigned dim) const;

  mlir::ImplicitLocOpBuilder &b;
  const Nest &nest;
  const TilePlan &plan;
  llvm::ArrayRef<Combiner> combiners; ///< none: the order must stay
  BodyAnalysis plain;
  Split split;
  std::optional<BodyAnalysis> inside;
  unsigned dim;                ///< of the vectors
  std::optional<unsigned> row; ///< of the rows
  int64_t rows = 1;
  llvm::SmallVector<unsigned> outer, reductions; ///< without those of one step
  llvm::SmallBitVector fixedOutside;
  /// The reduction dimension that is cut into blocks, if that pays.
  std::optional<unsigned> blocked;
  /// An input that varies along the vectors and that dimension, but not the rows.
  std::optional<unsigned> packed;
  int64_t depth = 0; ///< steps of a panel
};

template <typename F>
void AcrossEmitter::forEach(const Shape &shape, llvm::ArrayRef<int64_t> at, F f) const {
  llvm::SmallVector<int64_t> point(at);
  for (int64_t r = 0; r < shape.rows; ++r)
    for (int64_t v = 0; v < shape.vectors; ++v) {
      if (row)
        point[*row] = at[*row] + r;
      point[dim] = at[dim] + v * shape.lanes;
      f(llvm::ArrayRef<int64_t>(point));
    }
}

} // namespace mad::vectorize

#endif // MAD_PASSES_TRANSFORMS_VECTORIZELOOPSACROSS_H
