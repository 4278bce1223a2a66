//===- LutCodes.h - Reading codes of few bits in registers ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codes [R, M] lie as dialects/Lut/README.md says: codes that follow each other along K
// share a byte, neighbours of a column are M bytes apart. A step is 8 of them (base 3: 5),
// the least that ends at bytes of all fields: a field of w bits has w bytes in it.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_LUTCODES_H
#define MAD_PASSES_KERNELS_LUTCODES_H

#include "dialects/Lut/Format/Format.h"
#include "passes/Kernels/KernelLibrary.h"
#include <array>

namespace mad::kernels {

/// A product or a sum with it: of vectors, or of scalars.
mlir::Value multiplyAdd(mlir::ImplicitLocOpBuilder &b, mlir::Value x, mlir::Value y,
                        mlir::Value sum, bool fma);

/// Element i of the result is table[index[i]]; of an index counts what a table of 8 or 16
/// entries has: one instruction from AVX2 on.
mlir::Value lookUp(mlir::ImplicitLocOpBuilder &b, mlir::Value table, mlir::Value index);

/// Reads the parts of a weight for some columns.
class LutCodes {
public:
  /// `parts`: codes, scales or a table, zeros, as rows of neighbours. With `ragged` steps
  /// may end behind K.
  LutCodes(mlir::ImplicitLocOpBuilder &b, const LutKernel &kernel, mlir::ValueRange parts,
           mlir::Value K, int64_t lanes);

  int64_t step() const { return kernel.step(); }
  /// Bytes of a step in a column.
  int64_t bytes() const { return kernel.format.isBase3() ? 1 : kernel.format.bits; }

  /// Some neighbouring columns, of one panel; null: no mask.
  struct Columns {
    mlir::Value first, mask;
    mlir::Value panel, inPanel; ///< where the first one lies in panels
  };
  /// `offset` columns behind the beginning of a panel, or of anything that a panel has a whole
  /// number of.
  Columns columns(mlir::Value first, int64_t offset, mlir::Value mask = {});
  /// Byte `number` of a step, as i32. What is fetched ahead: so many columns further, or 0.
  mlir::Value byte(mlir::Value step, int64_t number, Columns columns, int64_t ahead = 0);
  /// A byte of base 3 as a fraction of 65536: digits are what multiples of it carry over.
  mlir::Value fraction(mlir::Value byte);
  /// `factor` times a fraction: what is carried over, the next digit (3) or two digits (9), and
  /// the fraction that is left.
  std::pair<mlir::Value, mlir::Value> carried(mlir::Value fraction, int64_t factor);
  /// All codes of a step, as i32.
  llvm::SmallVector<mlir::Value> codes(mlir::Value step, Columns columns);
  /// What codes of these columns stand for before they are scaled. `zero`: of affine formats.
  mlir::Value value(mlir::Value code, mlir::Value zero, Columns columns);
  /// Row `group` of the scales, as f32, and of the zeros, as i32.
  mlir::Value scale(mlir::Value group, Columns columns);
  mlir::Value zero(mlir::Value group, Columns columns);
  /// Entry of a table that all columns share.
  mlir::Value entry(int64_t code);

  mlir::VectorType floats() const;
  mlir::VectorType integers() const;
  mlir::Value number(int64_t value);
  mlir::Value number(double value);
  mlir::Value splat(mlir::Value scalar);

private:
  mlir::Value load(unsigned part, mlir::Value row, Columns columns, mlir::Type element);
  mlir::Value alongColumns(unsigned part, mlir::Value group, Columns columns, mlir::Type element);
  llvm::SmallVector<mlir::Value> digits(mlir::Value byte);
  mlir::Value fromTable(mlir::Value code);
  mlir::Value gathered(mlir::Value code);
  mlir::Value chosen(mlir::Value code, llvm::SmallVector<mlir::Value> values, int64_t bit);
  llvm::ArrayRef<mlir::Value> ownEntries(Columns columns);
  mlir::Value consecutive(int64_t first);
  mlir::Value fromTables(mlir::Value code, Columns columns);
  mlir::Value times(mlir::Value code, mlir::Value stride);

  mlir::ImplicitLocOpBuilder &b;
  Index i;
  const LutKernel &kernel;
  mlir::ValueRange parts;
  int64_t lanes;
  llvm::SmallVector<lut::Field> fields;
  llvm::SmallVector<mlir::Value> firstRow, lastRow; ///< of each field
  llvm::SmallVector<mlir::Value> tables;
  std::array<void *, 4> ownPlace{};   ///< a block and columns
  llvm::SmallVector<mlir::Value> own; ///< entries there
};

} // namespace mad::kernels

#endif // MAD_PASSES_KERNELS_LUTCODES_H
