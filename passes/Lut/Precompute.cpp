//===- Precompute.cpp - Rows as kernels on bytes read them ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Lut/Precompute.h"
#include "dialects/Lut/Format/Arrangement.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/Kernels/ByteKernels.h"
#include "passes/Lut/Rows.h"
#include "passes/Transforms/Pieces.h"

using namespace mlir;

namespace mad {

using kernels::ByteShape;
using kernels::KernelLibrary;

/// Estimated picoseconds of arranging an activation, of tables for one.
static constexpr int64_t arrangeTime = 150, tableTime = 1000;

bool looksUp(const kernels::LutKernel &kernel, int level) { return kernel.signs() && level >= 3; }

void precompute(lut::PrecomputeIntoOp op, KernelLibrary &library, int level, int64_t grain) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  kernels::Index i(b);
  Value source = rowsToRead(b, op.getSource());
  int64_t steps = cast<MemRefType>(source.getType()).getShape().back();
  auto kernel = kernels::LutKernel::ofBytes(op.getFormat().getValue(), steps, /*M=*/1);
  Type i8 = b.getI8Type();
  Value T = b.createOrFold<memref::DimOp>(source, int64_t(0));
  SmallVector<Value> values{kernels::castTo(b, source, KernelLibrary::rows(i8)),
                            kernels::castTo(b, op.getTables(), KernelLibrary::flat(i8)),
                            kernels::castTo(b, op.getSums(), KernelLibrary::flat(b.getI32Type()))};
  values.append(ByteShape::of(b, kernel, steps));
  auto rows = [&](int64_t time, func::FuncOp function) {
    forPieces(b, i.mul(T, time * steps), grain, CutExtent{T, 1},
              [&](ArrayRef<PieceRange> range, const PieceGrid &) {
                SmallVector<Value> all(values);
                all.append({range[0].low, i.add(range[0].low, range[0].length)});
                func::CallOp::create(b, function, all);
              });
  };
  auto tables = [&] { rows(tableTime, library.byteTables(kernel)); };
  auto arranged = [&] { rows(arrangeTime, library.arrangeBytes(kernel)); };
  auto known = getConstantIntValue(T);
  if (!looksUp(kernel, level) || (known && *known > lut::tableRows))
    arranged();
  else if (known)
    tables();
  else
    kernels::when(b, i.lessOrEqual(T, i.constant(lut::tableRows)), tables, arranged);
  op.erase();
}

} // namespace mad
