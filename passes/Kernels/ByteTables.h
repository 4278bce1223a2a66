//===- ByteTables.h - Tables of sums of four activations in bytes ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Four codes of one bit are an index of what their activations add to a sum, as in Wei et al.,
// "T-MAC" (2024), but nothing is rounded: less the smallest one, sums of four are 0 to 508. One
// instruction looks up bytes for all columns. Of the sum of n of them bytes hold the remainder by
// 256, for any n; and averages of pairs, of pairs of those and so on, rounded up, make a mean that
// is never too small, and n times it by less than 256 too large. So both are the sum, in two
// instructions a table, and nothing is widened on the way.
//
// Where four activations can add up to more than 255, bytes hold remainders, whose sum is less by
// 256 for each entry that is more. Of few such tables of a part a second look-up says which are. Of
// more of them, averages are those of halves, which are looked up for themselves.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_BYTETABLES_H
#define MAD_PASSES_KERNELS_BYTETABLES_H

#include "dialects/Lut/Format/Arrangement.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/Kernels/AccumulatorBounds.h"
#include "passes/Kernels/FewByteRows.h"

namespace mad::kernels {

/// Activations and tables of a step, steps and activations of a block, bytes of the sums of its
/// tables, and of their halves.
constexpr int64_t perStep = 8, inStep = perStep / lut::tableCodes, inBlock = 4;
constexpr int64_t perBlock = inBlock * perStep, blockSums = inBlock * inStep * lut::tableSums;
/// Activations and tables of a whole part, of which bytes hold the sums.
constexpr int64_t perPart = lut::partBlocks * perBlock, inPart = lut::partBlocks * inBlock * inStep;
// Sums are n times the mean less a remainder by 256; of halves twice that, and less up to n.
static_assert(meanError(inPart) < 256 && 2 * meanError(inPart) + inPart < 256);
static_assert(2 * inPart * mostOfTable < 65536);

/// Calls an intrinsic function of LLVM.
inline mlir::Value call(mlir::ImplicitLocOpBuilder &b, llvm::StringRef name, mlir::Type type,
                        mlir::ValueRange operands) {
  return mlir::LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), operands).getResult(0);
}

} // namespace mad::kernels

#endif // MAD_PASSES_KERNELS_BYTETABLES_H
