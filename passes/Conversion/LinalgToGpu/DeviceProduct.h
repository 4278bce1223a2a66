//===- DeviceProduct.h - Products of matrices on a device --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEPRODUCT_H
#define MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEPRODUCT_H

#include "passes/Conversion/LinalgToGpu/DeviceFunction.h"
#include "passes/Kernels/Gpu/Matmul.h"
#include "passes/Transforms/Contraction.h"

namespace mad {

/// Ops behind a product that need of its result the element at their own place only: they
/// compute it before it is stored (DeviceFollowers.cpp).
class Followers {
public:
  Followers() = default;
  /// Of a product whose result is row-major without gaps. Other memory that the product reads has
  /// the bases `read`.
  static Followers behind(DeviceFunction &f, const Contraction &product,
                          llvm::ArrayRef<mlir::Value> read);

  llvm::ArrayRef<mlir::linalg::GenericOp> ops() const { return found; }
  bool empty() const { return found.empty(); }
  /// Whether they read what lies where they leave their result.
  bool readsOutput() const;
  /// Whether what they compute of an element is more than a bias or the like.
  bool isLong() const;
  /// Where the last one leaves its result; null without any.
  mlir::Value output() const;
  /// Asks a kernel for what they use, and their sizes.
  void prepare(DeviceFunction &f, DeviceKernel &kernel);
  /// Others that do the same with other memory: `which` (i32) is 0 for these, i + 1 for
  /// `others[i]`.
  struct Alternatives {
    mlir::Value which;
    llvm::SmallVector<const Followers *> others;
  };
  /// What they make of a sum in a row of all products of a batch.
  mlir::Value apply(DeviceKernel &kernel, mlir::Value sum, mlir::Value row, mlir::Value column,
                    const Alternatives &alternatives);

private:
  bool accepts(DeviceFunction &f, mlir::linalg::GenericOp op);
  bool isCurrent(mlir::Value memory) const;
  bool isOnlyHere(const Contraction &product) const;
  unsigned countRead(mlir::linalg::GenericOp op) const;

  llvm::SmallVector<mlir::linalg::GenericOp> found;
  llvm::SmallVector<llvm::SmallVector<mlir::Value>> extents; ///< in the kernel
  llvm::SmallVector<mlir::Value> current; ///< memory that the result is in, of each step
  llvm::SmallVector<mlir::Value> read;
};

/// The same tensor in scratch memory, with rows that begin at multiples of 16 bytes
/// (DeviceAligned.cpp). Its last dimension has neighbours; `strides` are those of `memory`. Sizes
/// must be known to the host.
mlir::Value alignedCopy(DeviceFunction &f, mlir::Value memory, llvm::ArrayRef<mlir::Value> strides);

/// A factor of f32, or several of one shape with the same strides. The last dimension has
/// neighbours, of which `vector` lie together.
struct WholeFactor {
  llvm::SmallVector<mlir::Value> memories;
  llvm::SmallVector<mlir::Value> strides;
  int vector = 1;
};
/// Their parts in bf16, each in scratch memory (DeviceParts.cpp), by one launch. The parts of a row
/// follow each other, each of a multiple of `multipleOfParts` elements. Several tensors of a factor
/// are one behind the other: a dimension more.
llvm::SmallVector<mlir::Value> splitToParts(DeviceFunction &f, llvm::ArrayRef<WholeFactor> factors);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEPRODUCT_H
