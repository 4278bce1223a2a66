//===- MatchGemms.cpp - Products of integers ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Activations.h"
#include "dialects/Lut/IR/LutOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Lut/Passes.h"
#include "passes/Lut/Reorder.h"
#include "passes/Lut/WeightProduct.h"
#include "passes/Transforms/Remarks.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_MATCHGEMMS
#include "passes/Lut/Passes.h.inc"

namespace {

/// A factor: dimension i of `value` runs along `dims[i]` of the iteration space.
struct Factor {
  Value value;
  SmallVector<unsigned> dims;

  Factor(Value value, AffineMap map) : value(value) {
    for (AffineExpr e : map.getResults())
      dims.push_back(cast<AffineDimExpr>(e).getPosition());
    while (skip())
      ;
  }
  RankedTensorType type() const { return cast<RankedTensorType>(value.getType()); }
  bool runsAlong(unsigned dim) const { return llvm::is_contained(dims, dim); }

private:
  bool skip();
};

/// Goes to what another name, another order or broadcasting was given to.
bool Factor::skip() {
  if (auto reshape = value.getDefiningOp<ReshapeOp>()) {
    if (!sameShape(reshape.getSource().getType(), type()))
      return false;
    value = reshape.getSource();
    return true;
  }
  auto view = value.getDefiningOp<ViewOp>();
  if (!view || view.getBoundary() != Boundary::inside || !view.getScalars().empty() ||
      !view.getMap().isProjectedPermutation())
    return false;
  SmallVector<unsigned> inner;
  auto source = cast<RankedTensorType>(view.getSource().getType());
  for (auto [i, e] : llvm::enumerate(view.getMap().getResults())) {
    unsigned dim = cast<AffineDimExpr>(e).getPosition();
    if (dimExpr(source, i) != dimExpr(type(), dim))
      return false; // a part
    inner.push_back(dims[dim]);
  }
  value = view.getSource();
  dims = inner;
  return true;
}

struct Match {
  ContractOp op;
  Factor rows, weight;
  unsigned summed; ///< K in the iteration space, behind the dimensions of the result

  lut::DequantActOp quantized() const { return rows.value.getDefiningOp<lut::DequantActOp>(); }
  lut::DequantOp stored() const { return weight.value.getDefiningOp<lut::DequantOp>(); }
  std::string obstacle();
  Value gemm();

private:
  ArrayRef<unsigned> batch() const { return ArrayRef(weight.dims).drop_back(2); }
};

/// Why it is no product of integers, else empty.
std::string Match::obstacle() {
  if (!lut::hasIntegers(stored().getFormat().getValue()))
    return "the format has no integers";
  for (Type type : {op.getType(), quantized().getType(), stored().getType()})
    if (!cast<RankedTensorType>(type).getElementType().isF32())
      return "it is not in f32";
  if (op.getLhsMap().getNumDims() != summed + 1)
    return "it does not sum over one dimension";
  if (rows.dims.back() != summed || weight.dims[weight.dims.size() - 2] != summed ||
      rows.runsAlong(weight.dims.back()))
    return "it is not of the form `x @ w`";
  if (stored().getType().getNumElements() == 0)
    return "there is nothing to sum";
  return "";
}

Value Match::gemm() {
  OpBuilder b(op);
  lut::DequantActOp from = quantized();
  lut::DequantOp w = stored();
  auto type = cast<RankedTensorType>(op.getType());
  SmallVector<unsigned> all(batch());
  for (unsigned dim : rows.dims)
    if (dim != summed && !llvm::is_contained(batch(), dim))
      all.push_back(dim);
  SmallVector<unsigned> withSum(all), result(all);
  withSum.push_back(summed);
  result.push_back(weight.dims.back());
  auto declared = llvm::to_vector(llvm::seq<unsigned>(summed));
  auto size = [&](unsigned dim) {
    return dim == summed ? dimExpr(rows.type(), rows.dims.size() - 1) : dimExpr(type, dim);
  };
  auto arranged = [&](Value value, ArrayRef<unsigned> from, ArrayRef<unsigned> to) {
    Type element = cast<RankedTensorType>(value.getType()).getElementType();
    return reordered(b, value, from, to, typeAlong(to, element, size));
  };
  // The names of the dimensions are those of the product.
  RankedTensorType made =
      result == declared ? type : typeAlong(result, type.getElementType(), size);
  Value product = lut::GemmOp::create(
      b, op.getLoc(), made, arranged(from.getCodes(), rows.dims, withSum),
      arranged(from.getScales(), ArrayRef(rows.dims).drop_back(), all), w.getParts(),
      /*precomputed=*/ValueRange(), w.getFormat(), /*kernel=*/false);
  return reordered(b, product, result, declared, type);
}

void remarkFloats(ContractOp op, const std::string &why) {
  remarkMissed(op.getLoc(),
               describe(op) + ": the codes of the activations are multiplied as floats, because " +
                   why);
}

struct MatchGemmsPass : impl::MatchGemmsBase<MatchGemmsPass> {
  void runOnOperation() override {
    getOperation().walk([&](ContractOp op) {
      unsigned summed = cast<RankedTensorType>(op.getType()).getRank();
      Factor left(op.getLhs(), op.getLhsMap()), right(op.getRhs(), op.getRhsMap());
      auto isRows = [](const Factor &f) { return f.value.getDefiningOp<lut::DequantActOp>(); };
      if (!isRows(left))
        std::swap(left, right);
      if (!isRows(left))
        return;
      if (!right.value.getDefiningOp<lut::DequantOp>()) {
        if (isMadeOfCodes(right.value))
          remarkFloats(op, partOfCodes.str());
        return;
      }
      Match match{op, left, right, summed};
      if (std::string obstacle = match.obstacle(); !obstacle.empty())
        return remarkFloats(op, obstacle);
      op.replaceAllUsesWith(match.gemm());
      op.erase();
      for (Value factor : {left.value, right.value})
        if (factor.use_empty())
          factor.getDefiningOp()->erase();
      ++numMatched;
    });
  }
};

} // namespace
} // namespace mad
