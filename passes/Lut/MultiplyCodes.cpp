//===- MultiplyCodes.cpp - Products with weights of few bits --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pieces are columns, and rows where there are many: each reads its part of the codes from
// memory once. For few rows that is what takes the time; for many, a block of the weight is
// decoded once for all rows of the piece and stays in a cache.
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/IR/LutOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Kernels/KernelLibrary.h"
#include "passes/Lut/ByteProduct.h"
#include "passes/Lut/ExpandWords.h"
#include "passes/Lut/Passes.h"
#include "passes/Lut/Precompute.h"
#include "passes/Lut/Rows.h"
#include "passes/Lut/WordProduct.h"
#include "passes/Transforms/PackedProduct.h"
#include "passes/Transforms/Pieces.h"
#include "passes/Transforms/Remarks.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_MULTIPLYCODES
#include "passes/Lut/Passes.h.inc"

namespace {

using kernels::KernelLibrary;
using kernels::LutKernel;
using kernels::panelBytes;
using kernels::pieceRows;

/// Rows up to which a product by look-ups takes less time than decoding
/// (docs/performance/low-bit.md), with registers of so many floats.
int64_t fewRows(const LutKernel &kernel, int64_t lanes) {
  const int row = lanes >= 16 ? 2 : lanes >= 8 ? 1 : 0, bits = kernel.format.bits;
  // A step that a group ends in is read for both, and each group has tables of its own.
  const bool cut = kernel.cutSteps;
  if (cut && kernel.format.group < 32)
    return 0;
  // Entries of tables are looked up again for each row.
  constexpr int64_t ofTables[3][3] = {{0, 1, 1}, {0, 16, 3}, {0, 20, 12}};
  if (kernel.ownTables())
    return bits == 1 && row > 0 ? 2 : 1;
  if (kernel.format.family == lut::Family::Codebook)
    return bits <= 2 ? ofTables[row][bits] : 1;
  if (kernel.format.isBase3())
    return row == 0 ? (cut ? 3 : 1) : row == 1 ? 2 : cut && kernel.format.group >= 256 ? 4 : 3;
  // By bits: those of several fields are looked up once for each.
  constexpr int64_t ofCodes[3][9] = {
      {0, 1, 1, 1, 1, 1, 1, 1, 2}, {0, 40, 3, 2, 3, 3, 2, 2, 4}, {0, 64, 12, 4, 3, 2, 2, 2, 4}};
  constexpr int64_t ofCut[3][9] = {
      {0, 1, 1, 1, 2, 1, 1, 1, 2}, {0, 16, 3, 2, 3, 3, 2, 1, 3}, {0, 20, 8, 3, 2, 1, 1, 1, 4}};
  return (cut ? ofCut : ofCodes)[row][bits];
}
/// Columns of a piece are a multiple of a line of bytes.
constexpr int64_t pieceColumns = 64, piecePanels = 8;
/// Panels that are decoded together for no more than `pieceRows` rows: they are in a nearer cache
/// when they are read. More rows would be read too often.
constexpr int64_t nearPanels = 4;
/// Rows of a piece with decoding.
constexpr int64_t tallRows = 8 * pieceRows;
/// Estimated picoseconds: of a product of decoded numbers, of decoding a code.
constexpr int64_t productTime = 20, decodeTime = 200;
/// Of a product from a code. Each piece makes tables of the rows, so it must have enough columns.
int64_t codeTime(const lut::Format &format) {
  bool few = format.family == lut::Family::Int && format.bits <= 2;
  return few ? 20 * format.bits : 60;
}
/// Rows up to which codes of decoded words are looked up.
constexpr int64_t wordRows = 8;
/// Columns of a dictionary that are decoded together: for few rows, and for many.
constexpr int64_t fewWords = 64, manyWords = 256;
/// Steps on a pass, a multiple of 5 and 8 where codes are five in a byte.
constexpr int64_t base3Steps = 960;

class Product {
public:
  Product(lut::ProductIntoOp op, KernelLibrary &library, ByteOptions options)
      : op(op), library(library), sizes(library.sizes(Builder(op).getF32Type())),
        grain(options.grain), b(op.getLoc(), op), i(b), format(op.getFormat().getValue()) {
    ArrayRef<int64_t> shape = cast<MemRefType>(op.getInit().getType()).getShape();
    columns = shape.back();
    steps = cast<MemRefType>(op.getSource().getType()).getShape().back();
    words = format.dictionary;
    walks = mad::walksWords(format, steps);
    format = format.expanded();
    kernel = LutKernel::of(format, steps, columns, /*fma=*/options.level >= 3);
    multipliesBytes = options.level >= 4 && options.vnni;
    auto inPanels = [](Value part) { return cast<MemRefType>(part.getType()).getRank() == 3; };
    kernel.packed = inPanels(op.getParts().front());
    kernel.packedTables = kernel.ownTables() && !kernel.packed && inPanels(op.getParts()[1]);
  }

  void replace();
  /// The same for all CPUs where words are decoded: both ways need other memory for them.
  int64_t mostFew() const { return words ? wordRows : fewRows(kernel, sizes.lanes); }
  bool walksWords() const { return walks; }

private:
  void few();
  void fewBesideMany();
  void many();
  bool isManyElsewhere(int64_t rows) const;
  void forPanels(llvm::function_ref<void(ArrayRef<PieceRange>, Value)> body);
  void walk();
  ExpandedColumns expanded(int64_t width) {
    return ExpandedColumns(b, library, op.getParts()[0], op.getParts()[2], op.getParts()[3], steps,
                           width);
  }
  SmallVector<Value> partsOf(ExpandedColumns &memory, Value from, Value to);
  void multiplyPanels(Value panels, Value low, Value high, Value from, Value to, Value k, Value end,
                      Value apart);

  lut::ProductIntoOp op;
  KernelLibrary &library;
  kernels::TileSizes sizes;
  int64_t grain;
  ImplicitLocOpBuilder b;
  kernels::Index i;
  lut::Format format;
  LutKernel kernel;
  int64_t columns, steps;
  bool words = false;           ///< codes are those of a dictionary
  bool walks = false;           ///< they are not decoded, but where x is not finite
  bool multipliesBytes = false; ///< where the CPU has instructions for it
  Value X, Y, T, K, M, group;
  SmallVector<Value> parts;
};

/// The parts of some columns, of codes that are decoded for it.
SmallVector<Value> Product::partsOf(ExpandedColumns &memory, Value from, Value to) {
  Value codes = memory.columns(from, to);
  return {codes, kernel.oneColumn ? parts[1] : columnsOf(b, parts[1], from, to)};
}

void Product::few() {
  Value time = i.mul(i.mul(T, codeTime(format)), steps * columns);
  CutExtent across{M, pieceColumns};
  forPieces(b, time, grain, across, [&](ArrayRef<PieceRange> range, const PieceGrid &) {
    auto multiply = [&](ValueRange parts, Value y, Value low, Value high) {
      SmallVector<Value> values{X};
      values.append(parts.begin(), parts.end());
      values.append({y, K, group, low, high});
      func::CallOp::create(b, library.multiplyCodes(kernel), values);
    };
    Value last = i.add(range[0].low, range[0].length);
    if (!words)
      return multiply(parts, Y, range[0].low, last);
    ExpandedColumns memory = expanded(fewWords);
    kernels::forRange(b, range[0].low, last, fewWords, [&](Value from) {
      Value to = i.min(i.add(from, fewWords), last);
      multiply(partsOf(memory, from, to), columnsOf(b, Y, from, to), i.constant(0),
               i.sub(to, from));
    });
  });
}

/// Whether code for other CPUs decodes for so many rows.
bool Product::isManyElsewhere(int64_t rows) const {
  return !words && llvm::any_of(ArrayRef<int64_t>{4, 8, 16},
                                [&](int64_t lanes) { return rows > fewRows(kernel, lanes); });
}

/// Few rows, with the pieces and the memory of decoding: levels of CPUs share what a call asks for.
void Product::fewBesideMany() {
  forPanels([&](ArrayRef<PieceRange> range, Value) {
    Value from = i.mul(range[0].low, sizes.NR);
    Value last = i.min(i.mul(i.add(range[0].low, range[0].length), sizes.NR), M);
    SmallVector<Value> values{X};
    values.append(parts.begin(), parts.end());
    values.append({Y, K, group, from, last});
    func::CallOp::create(b, library.multiplyCodes(kernel), values);
  });
}

/// Some rows and panels, for a range of steps.
void Product::multiplyPanels(Value panels, Value low, Value high, Value from, Value to, Value k,
                             Value end, Value apart) {
  Value height = i.constant(sizes.MR), wide = i.constant(sizes.NR);
  auto [left, row, column] = kernels::flatten(b, X);
  Value stride = i.mul(i.sub(end, k), sizes.NR);
  Value add = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ne, k, i.constant(0));
  func::FuncOp function = library.multiplyStrided(b.getF32Type(), b.getF32Type(), kernel.fma);
  Value last = i.ceilDiv(high, height);
  int64_t most = std::max<int64_t>(1, sizes.MC / sizes.MR);
  kernels::forRange(b, b.createOrFold<arith::DivUIOp>(low, height), last, most, [&](Value block) {
    func::CallOp::create(b, function,
                         ValueRange{left, panels, Y, i.mul(k, column), i.mul(row, height), row,
                                    column, i.sub(i.constant(0), i.mul(from, stride)), stride, wide,
                                    i.sub(end, k), block, i.min(i.add(block, most), last), from, to,
                                    height, add, apart});
  });
}

/// Pieces of panels and rows, each with memory for panels of decoded numbers.
void Product::forPanels(llvm::function_ref<void(ArrayRef<PieceRange>, Value)> body) {
  Type f32 = b.getF32Type();
  Value each = i.add(i.mul(T, productTime), i.constant(decodeTime));
  Value panels = i.ceilDiv(M, sizes.NR);
  SmallVector<CutExtent> dims{{panels, piecePanels}, {i.ceilDiv(T, tallRows), 1}};
  forPieces(b, i.mul(each, steps * columns), grain, dims,
            [&](ArrayRef<PieceRange> range, const PieceGrid &grid) {
              Value count = i.mul(grid.steps[0], steps * sizes.NR);
              Value most = i.constant(panelBytes / 4);
              auto type = MemRefType::get({ShapedType::kDynamic}, f32);
              Value buffer = memref::AllocOp::create(b, type, ValueRange{i.min(count, most)},
                                                     b.getI64IntegerAttr(64));
              Value panel = kernels::castTo(b, buffer, KernelLibrary::flat(f32));
              // Other levels may use it.
              func::CallOp::create(b, library.keep(f32), panel);
              body(range, panel);
            });
}

void Product::many() {
  forPanels([&](ArrayRef<PieceRange> range, Value panel) {
    Value low = i.mul(range[1].low, tallRows);
    Value high = i.min(i.add(low, i.mul(range[1].length, tallRows)), T);
    Value last = i.add(range[0].low, range[0].length);
    kernels::Passes passes = kernels::passesOf(b, sizes, b.getF32Type(), K, /*inOrder=*/false);
    passes.columns = b.createOrFold<arith::SelectOp>(i.lessOrEqual(T, i.constant(pieceRows)),
                                                     i.min(passes.columns, i.constant(nearPanels)),
                                                     passes.columns);
    if (format.isBase3())
      passes.steps = i.min(passes.steps, i.constant(base3Steps));
    std::optional<ExpandedColumns> memory;
    if (words) {
      memory.emplace(expanded(manyWords));
      passes.columns = i.min(passes.columns, i.constant(manyWords / sizes.NR));
    }
    kernels::forRange(b, range[0].low, last, passes.columns, [&](Value from) {
      Value to = i.min(i.add(from, passes.columns), last);
      SmallVector<Value> parts = this->parts;
      Value first = from, behind = to;
      if (words) {
        Value most = i.min(i.mul(to, sizes.NR), M);
        parts = partsOf(*memory, i.mul(from, sizes.NR), most);
        first = i.constant(0), behind = i.sub(to, from);
      }
      kernels::forRange(b, i.constant(0), K, passes.steps, [&](Value k) {
        Value end = i.min(i.add(k, passes.steps), K);
        SmallVector<Value> values(parts);
        values.append({panel, K, group, first, behind, k, end});
        func::CallOp::create(b, library.decodePanels(kernel), values);
        multiplyPanels(panel, low, high, from, to, k, end, passes.apart);
      });
    });
  });
}

void Product::walk() {
  Type i8 = b.getI8Type();
  ValueRange all = op.getParts();
  auto bytes = [&](Value part) { return kernels::castTo(b, part, KernelLibrary::rows(i8)); };
  // Parts are words, scales, starts, the dictionary and its terms.
  WordProduct product{b,
                      library,
                      kernel,
                      X,
                      bytes(all[0]),
                      bytes(all[2]),
                      bytes(all[3]),
                      bytes(all[4]),
                      parts[1],
                      Y,
                      T,
                      steps,
                      columns,
                      op.getIntegers() && multipliesBytes};
  kernels::when(b, product.isFinite(), [&] { product.emit(grain); }, [&] { many(); });
}

void Product::replace() {
  Value source = rowsToRead(b, op.getSource()), init = rowsToWrite(b, op.getInit());
  Type f32 = b.getF32Type();
  T = b.createOrFold<memref::DimOp>(source, int64_t(0));
  X = kernels::castTo(b, source, KernelLibrary::rows(f32));
  Y = kernels::castTo(b, init, KernelLibrary::rows(f32));
  for (auto [part, type] : llvm::zip(op.getParts(), library.lutParts(kernel)))
    // The codes of a dictionary are not there yet.
    if (words && parts.empty())
      parts.push_back(part);
    else
      parts.push_back(kernels::castTo(b, part, cast<MemRefType>(type)));
  K = i.constant(steps), M = i.constant(columns);
  group = i.constant(format.groupLength(steps));
  if (walks)
    walk();
  else if (!mostFew())
    many();
  else if (auto known = getConstantIntValue(T))
    *known > mostFew() ? many() : isManyElsewhere(*known) ? fewBesideMany() : few();
  else
    kernels::when(b, i.lessOrEqual(T, i.constant(mostFew())), [&] { few(); }, [&] { many(); });
  rowsWritten(b, init, op.getInit());
  op.erase();
}

struct MultiplyCodesPass : impl::MultiplyCodesBase<MultiplyCodesPass> {
  using MultiplyCodesBase::MultiplyCodesBase;

  void runOnOperation() override {
    SmallVector<lut::ProductIntoOp> ops;
    SmallVector<lut::GemmIntoOp> gemms;
    getOperation().walk([&](lut::ProductIntoOp op) { ops.push_back(op); });
    getOperation().walk([&](lut::GemmIntoOp op) { gemms.push_back(op); });
    SmallVector<lut::ExpandIntoOp> expands;
    getOperation().walk([&](lut::ExpandIntoOp op) { expands.push_back(op); });
    auto precomputed =
        getOperation().walk([](lut::PrecomputeIntoOp) { return WalkResult::interrupt(); });
    if (ops.empty() && gemms.empty() && expands.empty() && !precomputed.wasInterrupted())
      return;
    auto table = tilesOf(getOperation(), tiles, level);
    if (failed(table))
      return signalPassFailure();
    KernelLibrary library(getOperation(), std::move(*table));
    for (lut::ProductIntoOp op : ops) {
      Product product(op, library, {level, grain, vnni});
      // `product` and its name.
      std::string what = "product" + describe(op).substr(kindOf(op).size());
      std::string most = std::to_string(product.mostFew());
      std::string chosen = product.mostFew() ? "codes are multiplied by up to " + most +
                                                   " rows, and decoded in blocks for more"
                                             : "codes are decoded in blocks";
      if (product.walksWords())
        chosen = "walks over words, for 16 rows at a time; where x is not finite they are decoded";
      else if (op.getFormat().getValue().dictionary)
        chosen = "words are decoded to codes of 64 columns, or 256; " + chosen;
      remarkTaken(op.getLoc(),
                  what + " of " + op.getFormat().getValue().str() + ": " + chosen + ofLevel(level));
      product.replace();
    }
    for (lut::ExpandIntoOp op : expands)
      expandWords(op, library, grain);
    for (lut::GemmIntoOp op : gemms)
      multiplyBytes(op, library, {level, grain, vnni});
    // Those of products, too.
    SmallVector<lut::PrecomputeIntoOp> tables;
    getOperation().walk([&](lut::PrecomputeIntoOp op) { tables.push_back(op); });
    for (lut::PrecomputeIntoOp op : tables)
      precompute(op, library, level, grain);
  }
};

} // namespace
} // namespace mad
