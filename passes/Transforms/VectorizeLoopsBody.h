//===- VectorizeLoopsBody.h - Writes the body of a structured op ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_VECTORIZELOOPSBODY_H
#define MAD_PASSES_TRANSFORMS_VECTORIZELOOPSBODY_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Transforms/VectorizeLoopsAnalysis.h"

namespace mad::vectorize {

/// The values of the lanes: a vector, or a scalar that grows by `step` from lane
/// to lane.
struct Lanes {
  mlir::Value value;
  int64_t step = 0;
  bool isVector() const { return mlir::isa<mlir::VectorType>(value.getType()); }
  bool isUniform() const { return !isVector() && step == 0; }
};

/// Writes copies of a body at points of the iteration space. A point is the
/// current value of each dimension (an induction variable) plus constant offsets
/// (a position in a tile). Values are shared between points where they cannot
/// differ. A copy of an emitter writes the inside of a loop: it knows what was
/// written outside.
class BodyEmitter {
public:
  using Offsets = llvm::ArrayRef<int64_t>;

  BodyEmitter(mlir::ImplicitLocOpBuilder &b, const BodyAnalysis &analysis);

  const BodyAnalysis &analysis() const { return *body; }
  mlir::ImplicitLocOpBuilder &builder() { return *b; }
  /// Zero offsets.
  llvm::SmallVector<int64_t> origin() const;

  void setDim(unsigned dim, mlir::Value base);
  mlir::Value dim(unsigned d) const { return bases[d]; }
  /// Lanes run along `dim`. With a mask, lanes that are off are not accessed.
  void setVector(unsigned dim, int64_t lanes, mlir::Value mask = {});
  /// Uses other facts about the same op.
  void setAnalysis(const BodyAnalysis &analysis);

  void bind(mlir::Value value, Offsets at, Lanes lanes);
  Lanes evaluate(mlir::Value value, Offsets at);
  /// Values at a point, without what lies behind the ops of `skip`.
  llvm::SmallVector<Lanes> evaluateAll(mlir::ValueRange wanted, Offsets at,
                                       const llvm::SmallPtrSetImpl<mlir::Operation *> &skip);
  /// What the body yields at a point.
  llvm::SmallVector<Lanes> yields(Offsets at);
  /// Writes what depends on dimensions of `fixed` only and may be computed even
  /// if no point follows.
  void hoist(const llvm::SmallBitVector &fixed, Offsets at);

  /// Vectors of an operand are read from a copy, whose rows start at `low` of
  /// dimension `rows`.
  void readFrom(unsigned operand, mlir::Value copy, unsigned rows, mlir::Value low);

  /// Loads a block of an input that is contiguous along `rows`, not along the
  /// vectors: the vectors at the next `lanes` points of `rows`.
  void loadTransposed(unsigned input, unsigned rows, Offsets at);

  /// Element or vector of an operand at a point.
  Lanes loadOperand(unsigned operand, Offsets at);
  void storeOutput(unsigned output, Offsets at, Lanes value);

  /// As a vector if lanes > 1.
  mlir::Value materialize(Lanes lanes);
  mlir::Type laneType(mlir::Type element) const;
  mlir::Value splat(mlir::TypedAttr scalar);
  mlir::Value addConstant(mlir::Value index, int64_t offset);

  /// A copy of an op at the builder's place.
  mlir::Operation *clone(mlir::Operation *op);

private:
  using Key = llvm::SmallVector<int64_t, 6>;
  using Coordinate = llvm::function_ref<mlir::Value(unsigned index, int64_t lane)>;
  Lanes evaluateOp(mlir::Operation *op, Offsets at);
  std::optional<Lanes> evaluateKnown(mlir::Operation *op, Offsets at);
  std::optional<Lanes> evaluateLinear(mlir::Operation *op, llvm::ArrayRef<Lanes> operands);
  Lanes cloneLanes(mlir::Operation *op, llvm::ArrayRef<Lanes> operands);
  Lanes load(mlir::Value memref, Access access, Coordinate coordinate);
  Lanes loadBody(mlir::memref::LoadOp load, Offsets at);
  mlir::Value loadVector(mlir::Value memref, mlir::ValueRange indices);
  mlir::Value coordinate(mlir::AffineExpr expr, Offsets at, int64_t lane);
  Key key(mlir::Value value, Offsets at) const;
  void forget(unsigned dim);

  mlir::ImplicitLocOpBuilder *b;
  const BodyAnalysis *body;
  llvm::SmallVector<mlir::Value> bases;
  std::optional<unsigned> vectorDim;
  int64_t lanes = 1;
  mlir::Value mask;
  using Entries = llvm::SmallVector<std::pair<Key, Lanes>, 1>;
  struct Copy {
    mlir::Value memref;
    unsigned rows;
    mlir::Value low;
  };
  llvm::SmallDenseMap<unsigned, Copy> copies;
  llvm::DenseMap<mlir::Value, Entries> memo;
  llvm::DenseMap<mlir::Value, mlir::Value> broadcasts;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::Value> sums;
};

} // namespace mad::vectorize

#endif // MAD_PASSES_TRANSFORMS_VECTORIZELOOPSBODY_H
