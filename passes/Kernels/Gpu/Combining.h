//===- Combining.h - How kernels combine two elements ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_GPU_COMBINING_H
#define MAD_PASSES_KERNELS_GPU_COMBINING_H

#include "passes/Kernels/Gpu/Scan.h"
#include <limits>

namespace mad::device {

/// Elements as they are combined.
class Combining {
public:
  Combining(GpuBuilder &g, const ScanSpec &spec) : g(g), spec(spec), sum(spec.sum()) {}

  /// Combined with any x it is x, all bits of it.
  mlir::Value none() {
    if (auto type = mlir::dyn_cast<mlir::FloatType>(sum)) {
      const double infinity = std::numeric_limits<double>::infinity();
      const double values[] = {-0.0, 1.0, -infinity, infinity};
      return mlir::arith::ConstantOp::create(
          g.b, mlir::FloatAttr::get(type, values[static_cast<int>(spec.combination)]));
    }
    const unsigned width = sum.getIntOrFloatBitWidth();
    const llvm::APInt values[] = {
        llvm::APInt(width, 0), llvm::APInt(width, 1),
        spec.isUnsigned ? llvm::APInt(width, 0) : llvm::APInt::getSignedMinValue(width),
        spec.isUnsigned ? llvm::APInt::getMaxValue(width) : llvm::APInt::getSignedMaxValue(width)};
    return mlir::arith::ConstantOp::create(
        g.b, mlir::IntegerAttr::get(sum, values[static_cast<int>(spec.combination)]));
  }
  mlir::Value combine(mlir::Value x, mlir::Value y) {
    const bool isFloat = mlir::isa<mlir::FloatType>(sum);
    switch (spec.combination) {
    case Combination::Sum:
      return isFloat ? mlir::Value(mlir::arith::AddFOp::create(g.b, x, y))
                     : mlir::arith::AddIOp::create(g.b, x, y);
    case Combination::Product:
      return isFloat ? mlir::Value(mlir::arith::MulFOp::create(g.b, x, y))
                     : mlir::arith::MulIOp::create(g.b, x, y);
    case Combination::Largest:
      if (isFloat)
        return mlir::arith::MaximumFOp::create(g.b, x, y);
      return spec.isUnsigned ? mlir::Value(mlir::arith::MaxUIOp::create(g.b, x, y))
                             : mlir::arith::MaxSIOp::create(g.b, x, y);
    case Combination::Smallest:
      if (isFloat)
        return mlir::arith::MinimumFOp::create(g.b, x, y);
      return spec.isUnsigned ? mlir::Value(mlir::arith::MinUIOp::create(g.b, x, y))
                             : mlir::arith::MinSIOp::create(g.b, x, y);
    }
    return {};
  }
  mlir::Value widen(mlir::Value x) {
    if (mlir::isa<mlir::FloatType>(sum))
      return g.convert(x, sum);
    if (x.getType() == sum)
      return x;
    return spec.isUnsigned ? mlir::Value(mlir::arith::ExtUIOp::create(g.b, sum, x))
                           : mlir::arith::ExtSIOp::create(g.b, sum, x);
  }
  mlir::Value narrow(mlir::Value x) {
    if (mlir::isa<mlir::FloatType>(sum))
      return g.convert(x, spec.element);
    return x.getType() == spec.element ? x : mlir::arith::TruncIOp::create(g.b, spec.element, x);
  }

  GpuBuilder &g;
  const ScanSpec &spec;
  mlir::Type sum;
};

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_COMBINING_H
