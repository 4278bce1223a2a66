//===- ProductTables.cpp - Tables of columns that products read -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Bridge/ProductTables.h"
#include "dialects/Lut/IR/LutOps.h"
#include "dialects/Mad/IR/MadOps.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace mad {
namespace {

/// Of fewer bits all entries are read, or stay in registers: how they lie matters little.
constexpr int64_t leastBits = 4;
/// Narrower weights have no panels.
constexpr int64_t leastColumns = 64;

struct Reads {
  SmallVector<lut::DequantOp> products; ///< decoded for products, and maybe for others
  bool others = false;
};

/// The weight that a decoded one has its tables of, where kernels read these from memory.
WeightOp tablesOf(lut::DequantOp op) {
  const lut::Format &format = op.getFormat().getValue();
  if (format.family != lut::Family::Codebook || format.group != lut::Format::wholeRow ||
      format.bits < leastBits || op.getResult().getType().getRank() != 2 ||
      op.getResult().getType().getDimSize(1) < leastColumns)
    return {};
  return op.getParts()[1].getDefiningOp<WeightOp>();
}

/// Lets products of a decoded weight have tables of their own.
void moveTo(lut::DequantOp decoded, WeightSourceOp source) {
  OpBuilder b(decoded);
  SmallVector<Value> parts(decoded.getParts());
  parts[1] = WeightOp::create(b, decoded.getLoc(), parts[1].getType(), source.getSymName());
  auto own = cast<lut::DequantOp>(b.clone(*decoded));
  own.getPartsMutable().assign(parts);
  decoded.getResult().replaceUsesWithIf(
      own.getResult(), [](OpOperand &use) { return isa<ContractOp>(use.getOwner()); });
  if (decoded.use_empty())
    decoded.erase();
}

} // namespace

unsigned splitTables(ArrayRef<func::FuncOp> functions,
                     llvm::function_ref<WeightSourceOp(Value)> sourceOf) {
  llvm::MapVector<StringRef, Reads> reads;
  for (func::FuncOp function : functions)
    function->walk([&](lut::DequantOp op) {
      WeightOp tables = tablesOf(op);
      if (!tables)
        return;
      Reads &read = reads[tables.getSource()];
      auto isProduct = [](Operation *user) { return isa<ContractOp>(user); };
      if (llvm::any_of(op->getUsers(), isProduct))
        read.products.push_back(op);
      read.others |= !llvm::all_of(op->getUsers(), isProduct);
    });
  unsigned made = 0;
  for (auto &[name, read] : reads) {
    if (read.products.empty() || !read.others)
      continue;
    WeightSourceOp source = sourceOf(read.products.front().getParts()[1]);
    for (lut::DequantOp decoded : read.products)
      moveTo(decoded, source);
    ++made;
  }
  return made;
}

} // namespace mad
