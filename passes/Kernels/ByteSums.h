//===- ByteSums.h - Sums of products of bytes in registers ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A register holds 32-bit lanes, one for each column. In the lane of a column are four codes,
// unsigned bytes, which are multiplied with four activations, signed bytes, that all columns share.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_BYTESUMS_H
#define MAD_PASSES_KERNELS_BYTESUMS_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mad::kernels {

/// What instructions there are: those of a level of x86-64, of VNNI, and of VBMI, which permutes
/// bytes of whole registers.
struct ByteUnit {
  int level = 0;
  bool vnni = false;
  bool vbmi = false;

  int64_t bytes() const { return level >= 4 ? 64 : level >= 3 ? 32 : 16; } ///< of a register
  int64_t lanes() const { return bytes() / 4; }
  /// Columns of a tile: four registers of lanes.
  int64_t columns() const { return bytes(); }
};

class ByteSums {
public:
  ByteSums(mlir::ImplicitLocOpBuilder &b, ByteUnit unit, int64_t mostCode);

  mlir::VectorType bytes() const;  ///< codes
  mlir::VectorType words() const;  ///< i32, a lane each
  mlir::VectorType floats() const; ///< f32, a lane each
  mlir::VectorType halves() const; ///< i16
  mlir::Value splat(mlir::VectorType type, int64_t value);

  /// Four activations, neighbours in memory, for all lanes.
  mlir::Value forAll(mlir::Value memory, mlir::Value place);

  /// Adds a term to the sum of that number.
  using Add = llvm::function_ref<void(unsigned sum, mlir::Value codes, mlir::Value activations)>;
  /// Sums of i32 that begin with `start`, of blocks 0 to `count`. `block` writes the terms of one,
  /// `terms` for each sum.
  llvm::SmallVector<mlir::Value> over(mlir::Value count, int64_t terms, mlir::ValueRange start,
                                      llvm::function_ref<void(mlir::Value block, Add add)> block);

private:
  mlir::Value call(llvm::StringRef name, mlir::Type type, mlir::ValueRange operands);
  mlir::Value pairs(mlir::Value codes, mlir::Value activations);
  mlir::Value widened(mlir::Value sum, mlir::Value pairs);
  mlir::Value added(mlir::Value sum, mlir::Value codes, mlir::Value activations);
  llvm::SmallVector<mlir::Value> inHalves(mlir::Value count, int64_t terms, mlir::ValueRange start,
                                          llvm::function_ref<void(mlir::Value, Add)> block);

  mlir::ImplicitLocOpBuilder &b;
  ByteUnit unit;
  int64_t most; ///< pairs that 16 bits hold; 0: sums are of 32 bits from the beginning
};

} // namespace mad::kernels

#endif // MAD_PASSES_KERNELS_BYTESUMS_H
