//===- PrecomputeTables.cpp - Tables of activations as values -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Arrangement.h"
#include "dialects/Lut/IR/LutOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Lut/Passes.h"
#include "passes/Transforms/Remarks.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_PRECOMPUTETABLES
#include "passes/Lut/Passes.h.inc"

namespace {

/// Products that read the same bytes, of rows in one block or in several.
struct Consumers {
  SmallVector<lut::GemmOp> products;

  void precompute();

private:
  Operation *place();
};

/// Where the value is there for all: before the first of them, or, where they are in several
/// blocks, right behind the rows. Out of loops, in which nothing of it changes.
Operation *Consumers::place() {
  Value source = products.front().getSource();
  Operation *first = products.front();
  bool together =
      llvm::all_of(products, [&](lut::GemmOp op) { return op->getBlock() == first->getBlock(); });
  if (!together) {
    if (Operation *maker = source.getDefiningOp())
      return maker->getNextNode();
    return &cast<BlockArgument>(source).getOwner()->front();
  }
  while (auto loop = dyn_cast<ScanOp>(first->getParentOp())) {
    if (loop->isAncestor(source.getParentBlock()->getParentOp()))
      break;
    first = loop;
  }
  return first;
}

void Consumers::precompute() {
  lut::GemmOp one = products.front();
  RankedTensorType source = one.getSource().getType();
  lut::Format format = lut::arrangedFormat(one.getFormat().getValue(), source.getShape().back());
  auto [tables, sums] = lut::precomputedTypes(source, format);
  OpBuilder b(place());
  auto made = lut::PrecomputeOp::create(b, one.getLoc(), tables, sums, one.getSource(),
                                        lut::FormatAttr::get(b.getContext(), format));
  for (lut::GemmOp op : products)
    op.getPrecomputedMutable().assign(made.getResults());
  if (products.size() > 1)
    remarkTaken(one.getLoc(),
                describe(made) + ": " + (format.bits == 1 ? "tables of" : "an order of") +
                    " the activations that " + std::to_string(products.size()) + " products read");
}

struct PrecomputeTablesPass : impl::PrecomputeTablesBase<PrecomputeTablesPass> {
  void runOnOperation() override {
    // In the order of the program.
    SmallVector<std::pair<std::pair<Value, lut::Format>, Consumers>> all;
    getOperation().walk([&](lut::GemmOp op) {
      if (!op.getKernel() || !op.getPrecomputed().empty())
        return;
      int64_t k = op.getSource().getType().getShape().back();
      std::pair<Value, lut::Format> key(op.getSource(),
                                        lut::arrangedFormat(op.getFormat().getValue(), k));
      auto found = llvm::find_if(all, [&](auto &entry) { return entry.first == key; });
      if (found == all.end())
        all.push_back({key, {}}), found = std::prev(all.end());
      found->second.products.push_back(op);
    });
    for (auto &[key, consumers] : all) {
      consumers.precompute();
      ++numTables;
    }
  }
};

} // namespace
} // namespace mad
