//===- TileWeights.h - Weights of few bits as weights of tiles -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_LUT_TILEWEIGHTS_H
#define MAD_PASSES_LUT_TILEWEIGHTS_H

#include "dialects/Lut/Format/Tiles.h"
#include "dialects/Lut/IR/LutOps.h"

namespace mad {

/// What kernels of tiles read of a weight [batch..., K, M] in a format: weights that are computed
/// of its parts when a model is compiled, each made when it is first asked for. Blocks of a .gguf
/// file are integers with one scale a group, and minima apart.
class TileWeights {
public:
  /// `parts`: the weight's own, as a whole.
  TileWeights(mlir::ArrayRef<WeightOp> parts, lut::FormatAttr format, int64_t k);

  /// The format of the tiles.
  lut::FormatAttr format() const { return tileFormat; }
  const lut::TileLayout &layout() const { return tileLayout; }
  /// u8 [batch..., bytes].
  WeightOp tiles(mlir::OpBuilder &b);
  /// f32 [batch..., groups, M]: what is added to a sum of products, times the sums of groups of x.
  /// Null: nothing.
  WeightOp minima(mlir::OpBuilder &b);

private:
  using Compute = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::ValueRange parts)>;
  WeightOp computed(mlir::OpBuilder &b, llvm::StringRef suffix, mlir::RankedTensorType type,
                    Compute compute);
  WeightOp scales(mlir::OpBuilder &b);
  lut::DequantOp whole(mlir::OpBuilder &b, mlir::ValueRange parts);
  mlir::RankedTensorType tensor(llvm::ArrayRef<int64_t> matrix, mlir::Type element);
  mlir::RankedTensorType groupsType();

  llvm::SmallVector<WeightOp> parts;
  lut::FormatAttr stored, tileFormat;
  lut::TileLayout tileLayout;
  std::string name;
};

/// The format of the tiles of a weight: its own, but for blocks of .gguf files.
lut::Format tileFormat(const lut::Format &format);

} // namespace mad

#endif // MAD_PASSES_LUT_TILEWEIGHTS_H
