//===- DeviceTiles.cpp - Products that read weights of few bits --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/LinalgToGpu/DeviceTiles.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "passes/Conversion/LinalgToGpu/ProductKernels.h"
#include "passes/Kernels/Gpu/LutMatmul.h"
#include "passes/Transforms/Memory.h"
#include "passes/Transforms/Remarks.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {

/// Whether `uses` holds for all ops that read the memory, but for the one that makes it.
static bool allReaders(Value memory, lut::UnpackIntoOp maker,
                       llvm::function_ref<bool(Operation *)> holds) {
  return llvm::all_of(memory.getUsers(), [&](Operation *user) {
    if (user == maker)
      return true;
    if (isa<ViewLikeOpInterface>(user))
      return allReaders(user->getResult(0), maker, holds);
    return holds(user);
  });
}

/// Of an op whose matrix is made where it is needed.
static constexpr llvm::StringLiteral lateAttribute = "late";

void takeTiles(DeviceFunction &f, lut::UnpackIntoOp op,
               llvm::function_ref<bool(Operation *)> mayRead) {
  Value matrix = op.getInit();
  f.taken.insert(op);
  if (matrix.getDefiningOp<memref::AllocOp>() && allReaders(matrix, op, mayRead)) {
    op->setAttr(lateAttribute, f.b.getUnitAttr());
    return;
  }
  f.b.setInsertionPoint(op);
  f.b.setLoc(op.getLoc());
  decodeTiles(f, op);
}

lut::UnpackIntoOp tilesOf(Value memory) {
  if (Value base = baseOf(memory))
    for (Operation *user : base.getUsers())
      if (auto op = dyn_cast<lut::UnpackIntoOp>(user);
          op && op.getInit() == base && op->hasAttr(lateAttribute))
        return op;
  return {};
}

static lut::TileLayout layoutOf(lut::UnpackIntoOp op) {
  auto type = cast<MemRefType>(op.getInit().getType());
  return {op.getFormat().getValue(), type.getDimSize(1), type.getDimSize(0)};
}

void decodeTiles(DeviceFunction &f, lut::UnpackIntoOp op) {
  device::LutSpec spec;
  spec.layout = layoutOf(op);
  spec.element = cast<MemRefType>(op.getInit().getType()).getElementType();
  device::LutDecodeTile tile;
  DeviceKernel kernel = f.kernel("codes to numbers", {}, f.isFoundPlace(op.getTiles()));
  device::KernelSignature signature;
  signature.threads = tile.threads();
  device::GpuBuilder g(kernel.builder(), signature);
  device::writeLutDecode(g, spec, tile, kernel.pointer(op.getTiles(), /*apart=*/true),
                         kernel.pointer(op.getInit(), /*apart=*/false), spec.layout.k);
  int64_t records = spec.layout.tiles() * spec.layout.records();
  kernel.launch(f.b, f.constant((records + tile.warps - 1) / tile.warps), tile.threads());
}

void decodeTilesOf(DeviceFunction &f, GenericOp op) {
  llvm::SmallDenseSet<Operation *> done;
  for (Value operand : op->getOperands())
    if (isa<MemRefType>(operand.getType()))
      if (lut::UnpackIntoOp tiles = tilesOf(operand); tiles && done.insert(tiles).second)
        decodeTiles(f, tiles);
}

void expandWords(DeviceFunction &f, lut::ExpandIntoOp op) {
  auto words = cast<MemRefType>(op.getWords().getType()),
       codes = cast<MemRefType>(op.getInit().getType());
  device::LutExpandSpec spec;
  llvm::append_range(spec.batch, codes.getShape().drop_back(2));
  auto steps = [&](MemRefType type) {
    SmallVector<int64_t> strides = type.getStridesAndOffset().first;
    return SmallVector<int64_t>(ArrayRef(strides).drop_back(2));
  };
  spec.wordSteps = steps(words);
  spec.startSteps = steps(cast<MemRefType>(op.getStarts().getType()));
  spec.k = int64_t(op.getRows()), spec.m = codes.getShape().back();
  spec.words = words.getShape()[words.getRank() - 2];
  remarkMissed(op.getLoc(),
               "the words of the weight are decoded whole, to codes of 2 bits, because "
               "no kernel for GPUs multiplies with them");
  f.taken.insert(op);
  f.b.setInsertionPoint(op);
  f.b.setLoc(op.getLoc());
  DeviceKernel kernel = f.kernel("words to codes", {}, f.isFoundPlace(op.getWords()));
  device::KernelSignature signature;
  signature.threads = device::LutExpandSpec::threads;
  device::GpuBuilder g(kernel.builder(), signature);
  auto read = [&](Value memory) { return kernel.pointer(memory, /*apart=*/true); };
  device::LutExpandArguments arguments{read(op.getWords()), read(op.getStarts()),
                                       read(op.getDictionary()),
                                       kernel.pointer(op.getInit(), /*apart=*/false)};
  device::writeLutExpand(g, spec, arguments);
  int64_t columns = spec.matrices() * spec.m;
  kernel.launch(f.b, f.constant((columns + signature.threads - 1) / signature.threads),
                signature.threads);
}

namespace product {

std::optional<device::LutSpec> Product::lutSpec() {
  if (!tiled || !outer.empty() || spec.orderA != device::Order::RowMajor ||
      b.memory != tiled.getInit())
    return std::nullopt;
  device::LutSpec made;
  made.layout = layoutOf(tiled);
  made.element = spec.element;
  made.output = spec.output;
  const int whole = 16 / device::bytesOf(spec.element);
  made.vectorX = spec.vectorA == whole ? whole : 1;
  return made;
}

/// Few rows by the least kernel that holds them; `more`: where there are more than a number.
void Product::launchLutRows(const device::LutSpec &lut, ArrayRef<int> choices, int handled,
                            llvm::function_ref<void(int)> more) {
  if (choices.empty())
    return more(handled);
  const int rows = choices.front();
  auto tileOf = [&](bool large) {
    std::optional<device::LutRowsTile> tile = device::lutRowsTile(rows, lut, large);
    if (tile)
      tile->early = isWeight(tiled.getTiles());
    return tile;
  };
  std::optional<device::LutRowsTile> any = tileOf(false), large = tileOf(true);
  if (!any || llvm::errorToBool(device::check(*any, lut)) ||
      llvm::errorToBool(device::check(*large, lut)))
    return launchLutRows(lut, choices.drop_front(), handled, more);
  f.branch(
      f.less(m, constant(rows + 1)),
      [&] {
        f.branch(f.hasGroups(), [&] { launchLut(lut, *large); }, [&] { launchLut(lut, *any); });
      },
      [&] { launchLutRows(lut, choices.drop_front(), rows, more); });
}

void Product::chooseTiled() {
  std::optional<device::LutSpec> lut = lutSpec();
  auto dense = [&](int handled) {
    decodeTiles(f, tiled);
    chooseDense(handled);
  };
  if (!lut)
    return dense(0);
  SmallVector<int> few{device::mostLutRows / 2, device::mostLutRows};
  // A row alone, as decoding one sequence has it, is worth a kernel where it takes digits.
  if (device::takesLutDigits(*lut) && lut->layout.bits() <= 4)
    few.insert(few.begin(), 1);
  if (auto rows = known(m); rows && *rows <= device::mostLutRows)
    few = {int(std::max<int64_t>(*rows, 1))};
  launchLutRows(*lut, few, 0, [&](int handled) {
    const bool narrow = !spec.element.isF32();
    bool fits = narrow && !llvm::errorToBool(
                              device::checkLutGroup(device::lutGroupTile(*lut, 192, 128), *lut));
    Value good = fits ? mayGroupTiled() : Value();
    if (!good)
      return dense(handled);
    f.branch(
        good, [&] { launchTiledGroups(*lut); },
        [&] {
          // Without groups on the chip, unless rows of x begin anywhere.
          Value ofDense = groups;
          hasNoGroups = known(isAligned(a, c.k)).value_or(0) != 0;
          if (hasNoGroups)
            groups = {};
          dense(handled);
          groups = ofDense, hasNoGroups = false;
        });
  });
}

void Product::launchLut(device::LutSpec lut, const device::LutRowsTile &tile) {
  std::string text =
      "product: " + (tile.digits ? "1 row in digits" : std::to_string(tile.rows) + " rows") +
      ", codes of " + lut.layout.format.str() + " in registers";
  DeviceKernel kernel = tile.large ? f.groupKernel(textOf(text), work.refusals, isGuarded())
                                   : f.kernel(textOf(text), work.refusals, isGuarded());
  kernel.setShared(tile.sharedBytes(lut), tile.blocksAtOnce(lut));
  Followers behind = followers;
  behind.prepare(f, kernel);
  Followers::Alternatives alternatives;
  if (initial)
    kernel.get(initial);
  device::KernelSignature signature;
  signature.threads = tile.threads();
  device::GpuBuilder g(kernel.builder(), signature);
  device::MatmulSpec whole = spec;
  spec.longestSum = 0;
  device::MatmulArguments arguments = numbersIn(kernel, g);
  device::LutArguments own;
  own.x = pointerIn(kernel, g, a, a.memory, spec.element, {});
  findMatrices(kernel, g, Value(), arguments);
  Value above = g.number(0);
  setEpilogue(kernel, behind, arguments, above, alternatives);
  own.tiles = kernel.pointer(tiled.getTiles(), /*apart=*/true);
  own.y = arguments.c, own.rows = arguments.m;
  own.rowX = arguments.rowA, own.rowY = arguments.rowC;
  lut.epilogue = spec.epilogue;
  device::writeLutRows(g, lut, tile, own);
  spec = whole;
  spec.epilogue = device::Epilogue();
  Value blocks = f.b.createOrFold<arith::MinUIOp>(constant(tile.work(lut)), f.multiprocessors());
  kernel.launch(f.b, {blocks, f.ceilDiv(m, tile.rows), constant(1)}, tile.threads());
}

} // namespace product
} // namespace mad
