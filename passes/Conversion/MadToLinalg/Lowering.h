//===- Lowering.h - What the patterns of mad-to-linalg share ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_MADTOLINALG_LOWERING_H
#define MAD_PASSES_CONVERSION_MADTOLINALG_LOWERING_H

#include "dialects/Mad/IR/MadOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mad {

/// State of one run of the pass, and builders of what many patterns need. Every
/// builder takes the op that is lowered: it names the function, and with it the
/// dimension parameters.
class Lowering {
public:
  explicit Lowering(bool device = false);

  const bool device; ///< the code is for many threads
  /// Drops encodings, stores bools as bytes, forgets that `ui8` has no sign.
  mlir::TypeConverter types;
  mlir::RankedTensorType plain(mlir::Type type) const;

  /// A dimension as an index.
  mlir::Value size(mlir::OpBuilder &b, mlir::Operation *op, const DimExpr &dim) const;
  mlir::Value extent(mlir::OpBuilder &b, mlir::Operation *op, mlir::RankedTensorType type,
                     int64_t dim) const;
  /// Sizes of a tensor: attributes where they are known.
  llvm::SmallVector<mlir::OpFoldResult> sizes(mlir::OpBuilder &b, mlir::Operation *op,
                                              mlir::RankedTensorType type) const;
  mlir::Value empty(mlir::OpBuilder &b, mlir::Operation *op, mlir::RankedTensorType type) const;

  using Body = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::ValueRange)>;
  /// A tensor of `type` (as in the mad dialect) whose elements are `body` of those of the
  /// inputs; one map from the result's dims to each input. Scalars are computed
  /// without a loop. The body takes elements as they are stored (bools as bytes:
  /// `fromStorage`) and may give an i1.
  mlir::Value map(mlir::OpBuilder &b, mlir::Operation *op, mlir::RankedTensorType type,
                  mlir::ValueRange inputs, llvm::ArrayRef<mlir::AffineMap> maps, Body body) const;

  /// What the message of a check says of `values`: that the index found is outside of its bound;
  /// nothing; where a solve failed, as `mad_check` has it (runtime/artifact.h).
  enum class Shown { Values, Nothing, Step, Trajectory };
  /// Records an index check of `op`. A run that fails it stores so in the status, with `values`
  /// behind it, and ends (`cf.assert`): what follows is sure that it holds.
  void check(mlir::OpBuilder &b, mlir::Operation *op, mlir::Value failed, mlir::ValueRange values,
             std::string message, Shown shown = Shown::Values);
  /// The same for a dimension that may overflow or divide by zero, where it is computed inside of
  /// a loop or branch. What the body of a function always computes, `prepare` has checked.
  void checkNestedSize(mlir::OpBuilder &b, mlir::Operation *op, const DimExpr &dim);
  /// Of a loop of scf that was a `mad.scan`: how many values that carried, and where
  /// what the others collect goes.
  llvm::DenseMap<mlir::Operation *, std::pair<size_t, mlir::Value>> loops;

  /// Checks recorded for a function, as `mad.index_checks` holds them.
  mlir::ArrayAttr checksOf(mlir::func::FuncOp function) const;

private:
  mlir::Value parameter(mlir::Operation *op, llvm::StringRef name) const;

  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<mlir::Attribute>> checks;
};

/// The only element of a tensor of rank 0; bools as i1.
mlir::Value scalarOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor, bool isBool);
/// A tensor without its dimensions of extent 1: where it is inserted it is then clear
/// which dimensions it lacks.
mlir::Value withoutUnits(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor);
/// A tensor of rank 0; an i1 becomes a byte.
mlir::Value tensorOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value scalar);
mlir::Value fromStorage(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value, bool isBool);
mlir::Value toStorage(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value);
/// Of a tensor of the mad dialect: bytes do not say what they hold.
bool isBool(mlir::Type tensor);
/// Whether elements of a tensor of the mad dialect have no sign.
bool isUnsigned(mlir::Value tensor);
/// f16 or bf16: computed with in f32.
bool isNarrowFloat(mlir::Type element);
/// A number of f16 or bf16 in f32, any other as it is.
mlir::Value widened(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value);
/// Any float in f64.
mlir::Value inF64(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value);
/// A float rounded to `type`, if that is narrower.
mlir::Value narrowed(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value, mlir::Type type);
mlir::Value indexConstant(mlir::OpBuilder &b, mlir::Location loc, int64_t value);
/// `digits.mad:14:11`, else "".
std::string placeOf(mlir::Location loc);

/// The scalar function of an elementwise op, on elements as they are stored.
mlir::Value scalarOp(mlir::OpBuilder &b, mlir::Operation *op, mlir::ValueRange operands);

template <typename Op> class LoweringPattern : public mlir::OpConversionPattern<Op> {
public:
  LoweringPattern(Lowering &lowering, mlir::MLIRContext *context)
      : mlir::OpConversionPattern<Op>(lowering.types, context), lowering(lowering) {}

protected:
  Lowering &lowering;
};

void populateControlPatterns(mlir::RewritePatternSet &patterns, Lowering &lowering);
void populateDataPatterns(mlir::RewritePatternSet &patterns, Lowering &lowering);
void populateElementwisePatterns(mlir::RewritePatternSet &patterns, Lowering &lowering);
void populateEquationPatterns(mlir::RewritePatternSet &patterns, Lowering &lowering);
void populateMovementPatterns(mlir::RewritePatternSet &patterns, Lowering &lowering);
void populatePhiloxPatterns(mlir::RewritePatternSet &patterns, Lowering &lowering);
void populateReductionPatterns(mlir::RewritePatternSet &patterns, Lowering &lowering);
void populateSortPatterns(mlir::RewritePatternSet &patterns, Lowering &lowering);
void populateSourcePatterns(mlir::RewritePatternSet &patterns, Lowering &lowering);
void populateUpdatePatterns(mlir::RewritePatternSet &patterns, Lowering &lowering);
void populateViewPatterns(mlir::RewritePatternSet &patterns, Lowering &lowering);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_MADTOLINALG_LOWERING_H
