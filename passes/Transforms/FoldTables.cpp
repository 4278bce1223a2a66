//===- FoldTables.cpp - Tables of functions become constants ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Twiddle factors, windows and the like are functions of positions alone. The
// folders leave positions as they are, since counting is cheaper than reading; what
// is dear is evaluated here, once, with all that it is made of. The reference
// evaluation rounds each op as the types say, so this is constant folding.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Transforms/Passes.h"
#include <map>

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_FOLDTABLES
#include "passes/Transforms/Passes.h.inc"

namespace {

/// Larger tables would bloat the artifact.
constexpr int64_t maxElements = 16384;
/// Ops that a table may be made of; those of programs are far fewer.
constexpr unsigned maxDepth = 64;

bool isDear(Operation *op) {
  return isa<CosOp, ErfOp, ExpOp, Expm1Op, LogOp, Log1pOp, PowOp, SinOp, TanOp, TanhOp>(op);
}

/// Values that follow from constants and positions.
class Tables {
public:
  /// Null when it depends on more, or is large.
  const RefTensor *find(Value value, unsigned depth = 0);

private:
  std::optional<RefTensor> evaluate(Value value, unsigned depth);

  std::map<void *, std::optional<RefTensor>> found; ///< its nodes stay where they are
};

const RefTensor *Tables::find(Value value, unsigned depth) {
  auto it = found.find(value.getAsOpaquePointer());
  if (it == found.end())
    it = found.emplace(value.getAsOpaquePointer(), evaluate(value, depth)).first;
  return it->second ? &*it->second : nullptr;
}

std::optional<RefTensor> Tables::evaluate(Value value, unsigned depth) {
  Operation *op = value.getDefiningOp();
  auto type = cast<RankedTensorType>(value.getType());
  bool plain =
      op && (isa<ConstantOp, IotaOp, ViewOp, ReshapeOp>(op) || isa<ElementwiseOpInterface>(op));
  if (!plain || depth > maxDepth || !type.hasStaticShape() || type.getNumElements() > maxElements)
    return std::nullopt;
  SmallVector<const RefTensor *> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(find(operand, depth + 1));
    if (!operands.back())
      return std::nullopt;
  }
  RefContext context;
  RefTensor result = RefTensor::zeros(refElement(type.getElementType()), type.getShape());
  if (failed(cast<ReferenceOpInterface>(op).evaluate(operands, result, context)))
    return std::nullopt; // it fails when the model runs, too
  context.finish(result);
  return result;
}

struct FoldTablesPass : impl::FoldTablesBase<FoldTablesPass> {
  using FoldTablesBase::FoldTablesBase;

  void runOnOperation() override {
    Tables tables;
    llvm::DenseSet<Value> made;
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isDear(op) || isa<CastOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      // A table in another type is a table.
      if (isa<CastOp>(op) && !made.contains(op->getOperand(0)))
        continue;
      Value old = op->getResult(0);
      const RefTensor *table = tables.find(old);
      if (!table)
        continue;
      auto type = cast<RankedTensorType>(old.getType());
      OpBuilder b(op);
      Value constant = ConstantOp::create(b, op->getLoc(), type, denseElements(*table, type));
      made.insert(constant);
      old.replaceAllUsesWith(constant);
      ++numTables;
    }
  }
};

} // namespace
} // namespace mad
