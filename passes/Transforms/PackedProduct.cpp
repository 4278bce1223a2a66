//===- PackedProduct.cpp - What passes that pack products share -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/PackedProduct.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "passes/Transforms/Kernels.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {

PackedProduct::PackedProduct(GenericOp op, Type sum, bool mayContract,
                             kernels::KernelLibrary &library, int level, int64_t grain)
    : op(op), library(library), sizes(library.sizes(sum)), fma(mayContract && level >= 3),
      grain(grain), b(op.getLoc(), op.getContext()), i(b), fills(fillsBefore(op)) {}

bool PackedProduct::startsWithZero() const {
  return fills.size() == 1 &&
         matchPattern(linalg::FillOp(fills.front()).getDpsInputs()[0], m_AnyZeroFloat());
}

Value PackedProduct::buffer(Type element, Value count) {
  auto type = MemRefType::get({ShapedType::kDynamic}, element);
  return memref::AllocOp::create(b, type, ValueRange{count}, b.getI64IntegerAttr(64));
}

Value PackedProduct::slice(Value memory, Value start, Value length) {
  auto type = cast<MemRefType>(memory.getType());
  return memref::SubViewOp::create(b, kernels::KernelLibrary::flat(type.getElementType()), memory,
                                   ArrayRef<OpFoldResult>{start}, ArrayRef<OpFoldResult>{length},
                                   ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
}

void PackedProduct::pieces(Value time, ArrayRef<CutExtent> dims, PieceBody body) {
  forPieces(b, time, grain, dims, body);
}

Value PackedProduct::addsFrom(Value k) {
  if (fills.empty())
    return arith::ConstantIntOp::create(b, 1, 1);
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ne, k, i.constant(0));
}

void PackedProduct::erase() {
  for (linalg::FillOp fill : fills)
    fill.erase();
  op.erase();
  epilogue.erase();
}

FailureOr<kernels::TileTable> tilesOf(ModuleOp module, StringRef tiles, int level) {
  auto table = kernels::readText(tiles, level);
  if (table)
    return std::move(*table);
  return module.emitError("tiles: ") << llvm::toString(table.takeError());
}

} // namespace mad
