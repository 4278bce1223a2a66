//===- ByteProduct.cpp - Products of activations and weights of few bits --===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels read what `lut.precompute_into` made of the activations. Pieces of columns, and of rows
// where there are many, read their part of the codes: with few rows from memory into registers, of
// one bit as indices of tables, with more rows as bytes, 64 columns at a time, which stay in a
// cache for all rows of the piece.
//
//===----------------------------------------------------------------------===//
#include "passes/Lut/ByteProduct.h"
#include "dialects/Lut/Format/Arrangement.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/Kernels/ByteKernels.h"
#include "passes/Lut/Precompute.h"
#include "passes/Lut/Rows.h"
#include "passes/Transforms/Pieces.h"
#include "passes/Transforms/Remarks.h"

using namespace mlir;

namespace mad {
namespace {

using kernels::ByteShape;
using kernels::ByteUnit;
using kernels::KernelLibrary;
using kernels::LutKernel;

/// Rows up to which codes are read anew for each (docs/performance/low-bit.md). The same for all
/// levels of CPUs, which share the memory that decoding asks for.
int64_t fewRows(const LutKernel &kernel) {
  if (kernel.signs())
    return lut::tableRows;
  if (kernel.woven && (kernel.format.bits == 2 || kernel.format.bits == 4))
    return kernel.format.bits == 2 ? 4 : 3;
  return 2;
}
/// Rows of a piece with decoding.
constexpr int64_t tallRows = 512;
/// Codes of a column that are decoded together, in whole groups: bytes for 64 columns stay in the
/// first cache.
constexpr int64_t decodedCodes = 256;
/// Estimated picoseconds of a product, of decoding a code.
constexpr int64_t fewTime = 15, manyTime = 6, decodeTime = 40;

class ByteProduct {
public:
  ByteProduct(lut::GemmIntoOp op, KernelLibrary &library, ByteOptions options)
      : op(op), library(library), options(options), b(op.getLoc(), op), i(b),
        format(op.getFormat().getValue()) {
    columns = cast<MemRefType>(op.getInit().getType()).getShape().back();
    steps = cast<MemRefType>(op.getSource().getType()).getShape().back();
    kernel = LutKernel::ofBytes(format, steps, columns);
    auto codes = cast<MemRefType>(op.getParts().front().getType());
    kernel.packed = codes.getRank() == 3;
    kernel.woven = kernel.packed && codes.getShape().back() != kernels::lutPanel;
  }

  void replace();
  /// What it does, for people.
  std::string chosen() const {
    return (looksUp() ? "codes are looked up for up to " : "codes are multiplied by up to ") +
           std::to_string(fewRows(kernel)) + " rows, and made bytes for more" +
           (kernel.woven ? "; those of four rows lie side by side" : "");
  }

private:
  Value memory(Type element, Value count);
  void precompute();
  /// Whether few rows look up what codes add.
  bool looksUp() const { return mad::looksUp(kernel, options.level); }
  void few();
  void many();
  void panels(Value low, Value high, Value from, Value to);
  void withUnit(function_ref<void(ByteUnit)> body, bool lookUps = false);
  /// Codes of a group, in whole blocks.
  int64_t groupCodes() const { return kernel.blocks(steps) * 4 * kernel.step(); }
  /// Groups that are decoded together.
  int64_t groupsAtOnce() const {
    return std::clamp<int64_t>(decodedCodes / groupCodes(), 1, format.groups(steps));
  }

  lut::GemmIntoOp op;
  KernelLibrary &library;
  ByteOptions options;
  ImplicitLocOpBuilder b;
  kernels::Index i;
  lut::Format format;
  LutKernel kernel;
  int64_t columns, steps;
  Value S, Y, T, tables, sums; ///< `tables`: or arranged rows
  SmallVector<Value> parts, sizes;
};

Value ByteProduct::memory(Type element, Value count) {
  auto type = MemRefType::get({ShapedType::kDynamic}, element);
  Value made = memref::AllocOp::create(b, type, ValueRange{count}, b.getI64IntegerAttr(64));
  return kernels::castTo(b, made, KernelLibrary::flat(element));
}

/// Both sides of the question whether the CPU has VNNI, or for look-ups VBMI.
void ByteProduct::withUnit(function_ref<void(ByteUnit)> body, bool lookUps) {
  int level = options.level;
  if (level < (lookUps ? 4 : 3) || !options.vnni)
    return body({level});
  func::FuncOp ask = lookUps ? library.hasVbmi() : library.hasVnni(level);
  Value has = func::CallOp::create(b, ask, ValueRange()).getResult(0);
  kernels::when(b, has, [&] { body({level, !lookUps, lookUps}); }, [&] { body({level}); });
}

/// The rows as kernels read them: of the op, or of its own.
void ByteProduct::precompute() {
  Type i8 = b.getI8Type(), i32 = b.getI32Type();
  if (op.getPrecomputed().empty()) {
    auto a = lut::Arrangement::of(format, steps);
    Value count = i.mul(T, a.stride);
    if (a.tables) {
      Value few = i.mul(i.min(T, i.constant(lut::tableRows)), lut::tableBytes / lut::tableCodes);
      count = i.max(count, i.mul(few, a.stride));
    }
    tables = memory(i8, count);
    sums = memory(i32, i.mul(T, a.groups * a.parts));
    lut::PrecomputeIntoOp::create(b, TypeRange(), op.getSource(), tables, sums, op.getFormat());
    return;
  }
  tables = kernels::castTo(b, op.getPrecomputed()[0], KernelLibrary::flat(i8));
  sums = kernels::castTo(b, op.getPrecomputed()[1], KernelLibrary::flat(i32));
}

void ByteProduct::few() {
  Value time = i.mul(T, fewTime * steps * columns);
  CutExtent across{i.constant(columns), kernels::lutPanel};
  forPieces(b, time, options.grain, across, [&](ArrayRef<PieceRange> range, const PieceGrid &) {
    auto call = [&](ByteUnit unit) {
      SmallVector<Value> values{tables, sums, S};
      values.append(parts);
      values.push_back(Y);
      values.append(sizes);
      values.append({i.constant(0), T, range[0].low, i.add(range[0].low, range[0].length)});
      func::CallOp::create(b,
                           looksUp() ? library.multiplyByteTables(kernel, unit)
                                     : library.multiplyBytes(kernel, unit),
                           values);
    };
    withUnit(call, looksUp());
  });
}

/// Some rows and panels.
void ByteProduct::panels(Value low, Value high, Value from, Value to) {
  constexpr int64_t wide = kernels::lutPanel;
  int64_t block = 4 * kernel.step(), groups = groupsAtOnce();
  // Of one long group some blocks.
  LutKernel kernel = this->kernel;
  kernel.oneSum = format.groups(steps) == 1 && groupCodes() > 2 * decodedCodes;
  int64_t each = kernel.oneSum ? decodedCodes / block : groups;
  int64_t codes = kernel.oneSum ? each * block : groups * groupCodes();
  Value panel = memory(b.getI8Type(), i.constant(codes * wide));
  Value scales = memory(b.getF32Type(), i.constant(groups * wide));
  Value zeros = memory(b.getI32Type(), i.constant(format.affine ? groups * wide : 1));
  Value all = i.constant(kernel.oneSum ? kernel.blocks(steps) : format.groups(steps));
  withUnit([&](ByteUnit unit) {
    kernels::forRange(b, from, to, 1, [&](Value number) {
      Value column = i.mul(number, wide);
      kernels::forRange(b, i.constant(0), all, each, [&](Value first) {
        Value last = i.min(i.add(first, each), all);
        SmallVector<Value> values(parts);
        values.append({panel, scales, zeros});
        values.append(sizes);
        values.append({first, last, column});
        func::CallOp::create(b, library.decodeBytes(kernel, unit), values);
        values = {tables, sums, S, panel, scales, zeros, Y};
        values.append(sizes);
        values.append({low, high, first, last, column,
                       arith::ConstantIntOp::create(b, kernel.timesSum(), 32)});
        func::CallOp::create(b, library.multiplyBytePanel(kernel, unit), values);
      });
    });
  });
}

void ByteProduct::many() {
  Value each = i.add(i.mul(T, manyTime), i.constant(decodeTime));
  Value count = i.constant(llvm::divideCeil(columns, kernels::lutPanel));
  SmallVector<CutExtent> dims{{count, 1}, {i.ceilDiv(T, tallRows), 1}};
  forPieces(b, i.mul(each, steps * columns), options.grain, dims,
            [&](ArrayRef<PieceRange> range, const PieceGrid &) {
              Value low = i.mul(range[1].low, tallRows);
              Value high = i.min(i.add(low, i.mul(range[1].length, tallRows)), T);
              Value end = i.add(range[0].low, range[0].length);
              panels(low, high, range[0].low, end);
            });
}

void ByteProduct::replace() {
  Value init = rowsToWrite(b, op.getInit());
  T = b.createOrFold<memref::DimOp>(init, int64_t(0));
  S = kernels::castTo(b, elementsToRead(b, op.getSourceScales()),
                      KernelLibrary::flat(b.getF32Type()));
  Y = kernels::castTo(b, init, KernelLibrary::rows(b.getF32Type()));
  for (auto [part, type] : llvm::zip_equal(op.getParts(), library.lutParts(kernel)))
    parts.push_back(kernels::castTo(b, part, cast<MemRefType>(type)));
  sizes = ByteShape::of(b, kernel, steps);
  precompute();
  int64_t most = fewRows(kernel);
  if (auto known = getConstantIntValue(T))
    *known <= most ? few() : many();
  else
    kernels::when(b, i.lessOrEqual(T, i.constant(most)), [&] { few(); }, [&] { many(); });
  rowsWritten(b, init, op.getInit());
  op.erase();
}

} // namespace

void multiplyBytes(lut::GemmIntoOp op, KernelLibrary &library, ByteOptions options) {
  // `gemm_into` and its name.
  std::string what = "product" + describe(op).substr(kindOf(op).size());
  ByteProduct product(op, library, options);
  remarkTaken(op.getLoc(), what + " of activations of 8 bits and " +
                               op.getFormat().getValue().str() + ": " + product.chosen() +
                               ofLevel(options.level));
  product.replace();
}

} // namespace mad
