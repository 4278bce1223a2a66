//===- PackedProduct.h - What passes that pack products share ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_PACKEDPRODUCT_H
#define MAD_PASSES_TRANSFORMS_PACKEDPRODUCT_H

#include "passes/Kernels/KernelLibrary.h"
#include "passes/Transforms/Epilogue.h"
#include "passes/Transforms/Pieces.h"

namespace mad {

/// A product that becomes calls of kernels.
class PackedProduct {
protected:
  PackedProduct(mlir::linalg::GenericOp op, mlir::Type sum, bool mayContract,
                kernels::KernelLibrary &library, int level, int64_t grain = pieceGrain);

  /// Whether sums start with zero; without a fill they start with anything.
  bool startsWithZero() const;
  mlir::Value buffer(mlir::Type element, mlir::Value count);
  /// A part of flat memory.
  mlir::Value slice(mlir::Value memory, mlir::Value start, mlir::Value length);
  using PieceBody = llvm::function_ref<void(llvm::ArrayRef<PieceRange>, const PieceGrid &)>;
  /// A loop over pieces of up to two dimensions, by the time that the whole takes.
  void pieces(mlir::Value time, llvm::ArrayRef<CutExtent> dims, PieceBody body);
  /// Whether the steps from `k` on are added to what the result holds.
  mlir::Value addsFrom(mlir::Value k);
  /// Of the op, its fills and what follows.
  void erase();

  mlir::linalg::GenericOp op;
  kernels::KernelLibrary &library;
  kernels::TileSizes sizes;
  bool fma; ///< products are not rounded
  int64_t grain;
  mlir::ImplicitLocOpBuilder b;
  kernels::Index i;
  llvm::SmallVector<mlir::linalg::FillOp> fills; ///< that go along
  Epilogue epilogue;

  /// Estimated picoseconds of one product and sum, of packing one element, and of reading one from
  /// memory.
  static constexpr int64_t productTime = 20, packTime = 500, readTime = 80;
};

/// The tiles that a pass was given, or those of the level. Reports what is wrong with them.
mlir::FailureOr<kernels::TileTable> tilesOf(mlir::ModuleOp module, llvm::StringRef tiles,
                                            int level);

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_PACKEDPRODUCT_H
