//===- AttentionBody.h - What a program computes in an attention ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bodies of ops become what the builder asks for: those before the maximum make a score of a
// sum, those of rows the factor of a row, those behind the second product what is stored. Between
// the products narrow floats stay f32. Powers are computed for a base that is the largest score;
// what the program subtracts may be another number, and the factor has the difference.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_LINALGTOGPU_ATTENTIONBODY_H
#define MAD_PASSES_CONVERSION_LINALGTOGPU_ATTENTIONBODY_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/Conversion/LinalgToGpu/DeviceAttention.h"
#include "passes/Kernels/Gpu/Attention.h"
#include "passes/Transforms/Kernels.h"

namespace mad::attention {

/// Memory, and the distances of its elements, on the host.
struct Place {
  mlir::Value memory;
  llvm::SmallVector<int64_t> known;
  int64_t offset = 0;
  llvm::SmallVector<mlir::Value> strides;
};

/// What the host knows of an attention.
struct Sizes {
  Place q, k, v, output;
  llvm::SmallVector<mlir::Value> batch; ///< extents, from the slowest
  mlir::Value rows, keys;
  int width = 0, widthV = 0;
  llvm::SmallVector<llvm::SmallVector<mlir::Value>> ofSteps; ///< extents of the loops of each step
  llvm::SmallVector<mlir::Value> ofQ, ofK, ofV;              ///< of the copies that are not made
};

class Body {
public:
  Body(DeviceKernel &kernel, const Attention &attention, const Sizes &sizes)
      : kernel(kernel), attention(attention), sizes(sizes), b(kernel.builder()),
        s(*attention.scores), w(*attention.values) {}
  /// Asks for all that the kernel uses.
  void prepare();
  /// Of a kernel whose blocks have a matrix each, along y.
  device::AttentionArguments arguments();
  /// Of one whose blocks go from matrix to matrix.
  device::GroupFactors factors();
  void complete(device::AttentionSpec &spec);

private:
  mlir::Value index(int64_t x);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value narrow(mlir::Value x);
  mlir::Value asIndex(mlir::Value x);
  mlir::Value stride(const Place &place, unsigned dim) { return kernel.get(place.strides[dim]); }
  llvm::SmallVector<mlir::Value> split(mlir::Value number, llvm::ArrayRef<mlir::Value> extents);

  mlir::Value pointer(const Place &place, mlir::Value offset, bool apart);
  mlir::Value matrixOf(const AttentionFactor &factor, const Place &place,
                       llvm::ArrayRef<mlir::Value> extents, const Contraction &c, unsigned operand);
  mlir::Value strideOf(const AttentionFactor &factor, const Place &place, const Contraction &c,
                       unsigned operand, unsigned loop);
  mlir::Value queryOf(mlir::Value row, mlir::Value number);
  mlir::Value outputOf(mlir::Value number, llvm::ArrayRef<mlir::Value> at);

  using Coordinates = std::function<device::Values(mlir::Value, mlir::Value)>;
  Coordinates mapOf(const AttentionFactor &factor, const Place &place,
                    llvm::ArrayRef<mlir::Value> extents, const Contraction &c, unsigned operand,
                    unsigned row, mlir::Value &map);
  void enter(mlir::Value matrix32);

  device::RowValues rowValues(mlir::Value row);
  llvm::SmallVector<mlir::Value> loopsOf(const AttentionStep &step, const device::RowValues &row,
                                         mlir::Value column);
  mlir::Value widened(mlir::Value x);
  mlir::Value wide(const AttentionStep &step, mlir::Value element, llvm::ArrayRef<mlir::Value> at);
  mlir::Value exact(const AttentionStep &step, mlir::Value element, llvm::ArrayRef<mlir::Value> at);
  mlir::Value valueAt(mlir::Value memory, mlir::AffineMap map, llvm::ArrayRef<mlir::Value> at);
  mlir::Value limitOf(const device::RowValues &row);
  mlir::Value operandOf(const AttentionStep &step, unsigned number, mlir::Value element,
                        llvm::ArrayRef<mlir::Value> at);
  mlir::Value score(const device::RowValues &row, mlir::Value sum, mlir::Value column);
  mlir::Value factor(const device::RowValues &row, mlir::Value most, mlir::Value base,
                     mlir::Value total);
  void store(device::GpuBuilder &g, const device::RowValues &row, mlir::Value factor,
             mlir::Value column, mlir::ValueRange sums);
  mlir::Value rowOperand(const AttentionStep &step);
  mlir::Value outputBase(const AttentionStep &step) {
    return baseOf(mlir::linalg::GenericOp(step.op).getDpsInits().front());
  }

  DeviceKernel &kernel;
  const Attention &attention;
  const Sizes &sizes;
  mlir::ImplicitLocOpBuilder &b;
  const Contraction s, w;
  llvm::SmallVector<mlir::Value> matrix;          ///< where the block is in the batch
  mlir::Value number;                             ///< of the matrix
  llvm::DenseMap<mlir::Value, mlir::Value> ofRow; ///< values of a row, by memory
  mlir::Value limit;                              ///< the number of columns, where it was met last
};

} // namespace mad::attention

#endif // MAD_PASSES_CONVERSION_LINALGTOGPU_ATTENTIONBODY_H
