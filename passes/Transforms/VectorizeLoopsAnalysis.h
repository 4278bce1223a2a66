//===- VectorizeLoopsAnalysis.h - How the values of a structured op vary ----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_VECTORIZELOOPSANALYSIS_H
#define MAD_PASSES_TRANSFORMS_VECTORIZELOOPSANALYSIS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/SmallBitVector.h"
#include <optional>

namespace mad::vectorize {

/// A structured op on memrefs that the pass can write as loops: its iteration
/// space, and the lanes of its vectors.
struct Nest {
  /// Nothing if the op has a form that is left for scalar loops.
  static std::optional<Nest> get(mlir::linalg::GenericOp op, int level);

  /// Whether a memref, or a scalar operand, is of a kind that can be loaded and stored.
  static bool isSupported(mlir::Type type);

  unsigned numDims() const { return sizes.size(); }
  unsigned numInputs() const { return op->getNumOperands() - op.getNumDpsInits(); }
  bool isParallel(unsigned dim) const { return parallel.test(dim); }
  bool isInput(unsigned operand) const { return operand < numInputs(); }
  mlir::AffineMap map(unsigned operand) const { return maps[operand]; }
  /// Trip count, if it is known.
  std::optional<int64_t> staticSize(unsigned dim) const;
  bool isOne(unsigned dim) const { return staticSize(dim) == 1; }

  mutable mlir::linalg::GenericOp op; ///< a handle; its methods are not const
  llvm::SmallVector<mlir::AffineMap> maps;
  llvm::SmallVector<int64_t> staticSizes;      ///< kDynamic where unknown
  llvm::SmallVector<mlir::OpFoldResult> sizes; ///< empty attributes before `createSizes`
  llvm::SmallBitVector parallel;
  int level = 0;
  int64_t lanes = 1;
  /// Bodies with transcendental functions need many registers.
  bool heavy = false;
  unsigned bodySize = 0;
  /// What the outputs hold before a reduction, where that is one number; null where
  /// it is to be read.
  llvm::SmallVector<mlir::Value> initials;

  void createSizes(mlir::OpBuilder &b);
};

/// Outcomes that are assumed of operations: 0 or 1 of a comparison, the number of
/// the operand that another operation (a minimum, a remainder) gives.
using Facts = llvm::SmallDenseMap<mlir::Operation *, unsigned>;

/// How an access to memory goes along one dimension.
enum class Access {
  Invariant,   ///< one element
  Contiguous,  ///< neighbours in order
  Reverse,     ///< neighbours, backwards
  EverySecond, ///< two elements apart
  Gather,      ///< anything else
};

/// How a value varies with the iteration dimensions.
struct Variation {
  /// Change of the value a step of each dimension; only where `irregular` is not set.
  llvm::SmallVector<int64_t, 6> slope;
  llvm::SmallBitVector irregular;

  explicit Variation(unsigned dims = 0) : slope(dims, 0), irregular(dims) {}
  bool dependsOn(unsigned dim) const { return irregular.test(dim) || slope[dim] != 0; }
  llvm::SmallBitVector deps() const;
};

class BodyAnalysis {
public:
  BodyAnalysis(const Nest &nest, Facts facts = Facts());

  const Nest &nest;
  const Facts facts;

  /// Values from outside of the op vary with nothing.
  const Variation &of(mlir::Value value) const;
  /// Whether a result of the op depends on it, under the facts.
  bool isLive(mlir::Operation *op) const { return live.contains(op); }
  bool isLive(mlir::BlockArgument arg) const { return liveArgs.contains(arg); }
  std::optional<unsigned> fact(mlir::Operation *op) const;
  /// A condition that follows from the facts.
  std::optional<bool> known(mlir::Value condition) const;

  Access operandAccess(unsigned operand, unsigned dim) const;
  Access loadAccess(mlir::memref::LoadOp load, unsigned dim) const;
  /// All reads of memory along a dim: inputs and loads in the body that are live.
  llvm::SmallVector<Access> reads(unsigned dim) const;
  bool hasGather(unsigned dim) const;
  /// Live loads of the body.
  llvm::SmallVector<mlir::memref::LoadOp> loads() const;

private:
  void computeVariation();
  Variation variationOf(mlir::Operation &op) const;
  Variation ofSelect(mlir::arith::SelectOp select) const;
  void computeLive();

  llvm::DenseMap<mlir::Value, Variation> variation;
  llvm::SmallPtrSet<mlir::Operation *, 16> live;
  llvm::SmallPtrSet<mlir::Value, 8> liveArgs;
  Variation none;
};

/// `x / y` of fast code as `x * (1 / y)`, where one y serves for many x.
void shareReciprocals(mlir::RewriterBase &rewriter, mlir::linalg::GenericOp op, int level);

std::optional<int64_t> constantInt(mlir::Value value);

/// Functions that become long polynomials or calls.
bool isHeavy(mlir::Operation &op);

/// The change of `expr` a step of `dim`, if it is constant.
std::optional<int64_t> slopeOf(mlir::AffineExpr expr, unsigned dim);

} // namespace mad::vectorize

#endif // MAD_PASSES_TRANSFORMS_VECTORIZELOOPSANALYSIS_H
