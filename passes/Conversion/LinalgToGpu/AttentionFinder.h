//===- AttentionFinder.h - Which ops are an attention ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// AttentionFinder.cpp goes from op to op, AttentionSteps.cpp says what each of them is,
// AttentionReads.cpp which memory need not be made, AttentionLimit.cpp how scores hide keys.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_LINALGTOGPU_ATTENTIONFINDER_H
#define MAD_PASSES_CONVERSION_LINALGTOGPU_ATTENTIONFINDER_H

#include "passes/Conversion/LinalgToGpu/DeviceAttention.h"

namespace mad::attention {

inline bool isMemory(mlir::Value v) { return mlir::isa<mlir::MemRefType>(v.getType()); }
inline bool isWhole(mlir::Value v) {
  auto type = mlir::dyn_cast<mlir::MemRefType>(v.getType());
  return type && type.getLayout().isIdentity();
}
inline bool isFloat(mlir::Value memory) {
  return mlir::isa<mlir::Float16Type, mlir::BFloat16Type, mlir::Float32Type>(
      mlir::getElementTypeOrSelf(memory.getType()));
}
/// Of narrow floats that an operation on f32 takes up or leaves: its number.
mlir::Value narrowed(mlir::Value v);
/// Nothing but these ops uses the memory.
bool isPrivate(mlir::Value base, llvm::function_ref<bool(mlir::Operation *)> isOurs);
/// A plain element by element op of floats, without loads of computed places.
bool isSimple(mlir::linalg::GenericOp op);
/// A product of which the rows are all dimensions of the result but the last, in order.
std::optional<Contraction> productOf(mlir::linalg::GenericOp op);

/// Finds the attention that begins with a product.
class Finder {
public:
  Finder(DeviceFunction &f, mlir::linalg::GenericOp product)
      : f(f), product(product), found(std::make_shared<Attention>()) {}
  std::shared_ptr<Attention> run();

private:
  enum class Held { Scores, Row, Result };
  /// Where it stands: scores before their maximum is known, behind it, as powers, as weights,
  /// and behind the second product.
  enum class Stage { Scores, Most, Powers, Weights, Result } stage = Stage::Scores;

  bool begin();
  bool visit(mlir::linalg::GenericOp op);
  bool visitElements(mlir::linalg::GenericOp op);
  bool visitReduction(mlir::linalg::GenericOp op);
  bool visitProduct(mlir::linalg::GenericOp op);
  bool isPower(AttentionStep &step);
  bool isWeight(AttentionStep &step);
  bool stayApart(mlir::Operation *op);
  void note(mlir::linalg::GenericOp op);
  bool hold(mlir::Value memory, Held what);
  std::optional<Held> heldIn(mlir::Value memory);
  bool isFree(mlir::linalg::GenericOp op, AttentionStep &step);
  bool isElement(mlir::linalg::GenericOp op, mlir::OpOperand &operand,
                 llvm::ArrayRef<unsigned> rows, AttentionStep &step);
  bool followResult(mlir::linalg::GenericOp op, AttentionStep &step);
  void findCopies();
  void findComputed();
  bool isComputed(mlir::Value memory, unsigned depth);
  void findLimit();
  void findScale();
  std::optional<double> scaleOf(const AttentionStep &step);
  enum class Role { Row, Column, Other };
  bool isLimit(mlir::linalg::GenericOp op, llvm::ArrayRef<Role> roles, mlir::Value condition,
               bool &alone);
  std::optional<Role> roleOf(mlir::linalg::GenericOp op, llvm::ArrayRef<Role> roles,
                             mlir::Value number);
  llvm::SmallVector<Role> rolesIn(mlir::linalg::GenericOp computed, mlir::AffineMap map,
                                  llvm::ArrayRef<Role> roles);
  AttentionFactor factorOf(mlir::Value memory, const Contraction &c, unsigned keysFromEnd);
  bool isUnwritten(mlir::Value base, mlir::Operation *from);
  bool isComplete();

  DeviceFunction &f;
  mlir::linalg::GenericOp product;
  std::shared_ptr<Attention> found;
  mlir::Operation *lastOp = nullptr;      ///< where all are computed
  llvm::DenseMap<mlir::Value, Held> held; ///< by base
  mlir::Value elements;                   ///< base of the scores or of the result as they are
  llvm::DenseSet<mlir::Value> old;        ///< bases of what was in their place
  llvm::DenseSet<mlir::Value> read;       ///< bases, by members
  bool ended = false;                     ///< nothing may follow
  bool limitAlone = false;                ///< and scores have no other condition
};

} // namespace mad::attention

#endif // MAD_PASSES_CONVERSION_LINALGTOGPU_ATTENTIONFINDER_H
