//===- ByteCodes.h - Codes of few bits as bytes in registers ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block is four steps (LutCodes.h) of a column: 32 codes, of base 3 20. The bytes that lie at the
// same place of the four steps are put side by side, into the lane of their column. Shifts and
// masks of it leave code j of each step: so term j of a block are the codes j, j + step, j + 2 step
// and j + 3 step of it, whatever the format, and activations are put into the same order once for
// all weights (`KernelLibrary::arrangeBytes`).
//
// That is how they lie in memory where nothing else reads them (runtime/core/panels.h). Else bytes
// of four rows are interleaved within parts of 16 bytes, as the instructions do: of a tile of
// `columns` columns, part p of register v has the columns 16 p + 4 v and the next three.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_BYTECODES_H
#define MAD_PASSES_KERNELS_BYTECODES_H

#include "passes/Kernels/ByteSums.h"
#include "passes/Kernels/KernelLibrary.h"

namespace mad::kernels {

/// Registers of a tile.
constexpr unsigned byteTile = 4;

/// Numbers of a tile as they lie in memory, column after column, as two registers of f32 or i32,
/// and back: `place` is that of register 0, or 8 columns on, that of register 2. `left`: columns
/// that there are from there on; null: all.
class TileOrder {
public:
  TileOrder(mlir::ImplicitLocOpBuilder &b, ByteUnit unit) : b(b), i(b), unit(unit) {}

  /// `widened` makes f32 or i32 of 8 elements.
  std::pair<mlir::Value, mlir::Value> load(mlir::Value memory, mlir::ValueRange place,
                                           mlir::Value left,
                                           llvm::function_ref<mlir::Value(mlir::Value)> widened);
  void store(mlir::Value low, mlir::Value high, mlir::Value memory, mlir::ValueRange place,
             mlir::Value left);

private:
  mlir::ImplicitLocOpBuilder &b;
  Index i;
  ByteUnit unit;
};

class ByteCodes {
public:
  ByteCodes(mlir::ImplicitLocOpBuilder &b, const LutKernel &kernel, ByteUnit unit,
            mlir::ValueRange parts, mlir::Value K);

  /// Terms of a block.
  int64_t terms() const { return kernel.step(); }
  /// The largest code, as `block` gives it.
  int64_t mostCode() const;

  struct Columns {
    mlir::Value first, left; ///< null: all columns are there
    mlir::Value panel, inPanel;
  };
  Columns columns(mlir::Value first, mlir::Value left = {});
  /// Calls `term` with the registers of each term of the block that begins with a step. Of each
  /// `together` places of a byte codes are left where they stand: times 2 to the power of
  /// `standing`.
  void block(mlir::Value step, Columns columns,
             llvm::function_ref<void(int64_t term, llvm::ArrayRef<mlir::Value> codes)> term,
             int64_t together = 1);
  /// Places whose products have sums of their own, so that codes are multiplied where they stand:
  /// as many as there are registers for.
  int64_t together() const;
  /// By how many bits codes of a term, or the products of that place, stand too high.
  int64_t standing(int64_t term, int64_t together) const;
  /// The registers of the bytes themselves, of a block of base 3.
  llvm::SmallVector<mlir::Value> fives(mlir::Value step, Columns columns);
  /// Row `group` of the scales as f32, of the zeros as i32.
  llvm::SmallVector<mlir::Value> scales(mlir::Value group, Columns columns);
  llvm::SmallVector<mlir::Value> zeros(mlir::Value group, Columns columns);
  /// Scales of columns that follow each other in each register.
  llvm::SmallVector<mlir::Value> straightScales(mlir::Value group, Columns columns);

  /// Elements of two registers in turn, those of a half of each part of 16 bytes.
  mlir::Value interleaved(mlir::Value x, mlir::Value y, int64_t half);
  /// A row of bytes.
  mlir::Value row(mlir::Value row, Columns columns);
  /// The row of the bytes of a step, of codes of one bit.
  mlir::Value rowOf(mlir::Value step) const;
  /// Asks for the row so many behind `row`, of panels alone: behind the last one is the next panel.
  void prefetch(mlir::Value row, Columns columns, int64_t ahead);

private:
  struct Source {
    int width = 8, shift = 0;
    mlir::Value firstRow, lastRow;
    int64_t loaded = -1;
    llvm::SmallVector<mlir::Value> words;
  };
  void load(Source &source, mlir::Value step, int64_t byte, Columns columns);
  void loadWoven(Source &source, mlir::Value step, int64_t byte, Columns columns);
  llvm::SmallVector<mlir::Value> woven(llvm::ArrayRef<mlir::Value> rows);
  llvm::SmallVector<mlir::Value> wovenByElement(mlir::ValueRange rows, Columns columns);
  mlir::Value field(const Source &source, mlir::Value word, int64_t term, int64_t together);
  void digits(mlir::Value step, Columns columns,
              llvm::function_ref<void(int64_t, llvm::ArrayRef<mlir::Value>)> term);
  llvm::SmallVector<mlir::Value> along(unsigned part, mlir::Value group, Columns columns,
                                       mlir::VectorType type,
                                       llvm::function_ref<mlir::Value(mlir::Value)> widened,
                                       bool straight = false);

  mlir::ImplicitLocOpBuilder &b;
  Index i;
  const LutKernel &kernel;
  ByteUnit unit;
  ByteSums sums;
  TileOrder order;
  mlir::ValueRange parts;
  llvm::SmallVector<Source> sources;
  mlir::Value buffer; ///< of a tile of bytes, where they are read one by one
};

} // namespace mad::kernels

#endif // MAD_PASSES_KERNELS_BYTECODES_H
