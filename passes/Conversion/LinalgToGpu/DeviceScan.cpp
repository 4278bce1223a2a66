//===- DeviceScan.cpp - Cumulating on a device -------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds the builder (passes/Kernels/Gpu/Scan.h): short lines are a warp's, long ones a block's, few
// long ones are cut in chunks. What combines with what follows from sizes alone, not from the
// device.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "passes/Conversion/LinalgToGpu/DeviceFunction.h"
#include "passes/Kernels/Gpu/Scan.h"

using namespace mlir;

namespace mad {
namespace {

/// Elements up to which a warp takes a line.
constexpr int64_t shortLine = 2048;
/// Lines that need no chunks.
constexpr int64_t manyLines = 264;
/// Chunks of a line, of which a block combines the totals.
constexpr int64_t mostChunks = 1024;
/// Threads for lines that lie side by side, and least elements of a chunk of these.
constexpr int64_t manyAcross = 1 << 15, leastAcross = 64;

class Scan {
public:
  Scan(DeviceFunction &f, CumulateMemoryOp op) : f(f), op(op) {}
  bool lower();

private:
  std::optional<int64_t> known(Value v) { return getConstantIntValue(v); }
  Value constant(int64_t x) { return f.constant(x); }
  Value least(Value x, Value y) { return f.b.createOrFold<arith::MinSIOp>(x, y); }
  Value ceilDiv(Value x, Value y) { return f.b.createOrFold<arith::CeilDivSIOp>(x, y); }
  Value choose(Value condition, Value x, Value y) {
    return f.b.createOrFold<arith::SelectOp>(condition, x, y);
  }
  Value either(Value x, Value y) { return f.b.createOrFold<arith::OrIOp>(x, y); }
  void along(const device::ScanTile &tile);
  void across();
  using Write = llvm::function_ref<void(device::GpuBuilder &, const device::ScanArguments &)>;
  void launch(const llvm::Twine &choice, Value blocks, int threads, int shared, bool writesTotals,
              Write write);

  DeviceFunction &f;
  CumulateMemoryOp op;
  device::ScanSpec spec;
  Value lines, extent, inner;
  Value chunk, chunks, totals; ///< of a launch
};

void Scan::launch(const llvm::Twine &choice, Value blocks, int threads, int shared,
                  bool writesTotals, Write write) {
  bool guarded = (!writesTotals && !f.isScratch(op.getResult())) || f.isFoundPlace(op.getSource());
  DeviceKernel kernel = f.kernel(choice.str(), {}, guarded);
  kernel.setShared(shared, inner && known(inner) != 1 ? device::acrossBlocks : 0);
  device::KernelSignature signature;
  signature.threads = threads;
  ImplicitLocOpBuilder &k = kernel.builder();
  auto number = [&](Value host, Type type) -> Value {
    return host ? k.createOrFold<arith::IndexCastUIOp>(type, kernel.get(host)) : Value();
  };
  device::ScanArguments arguments;
  arguments.from = kernel.pointer(op.getSource(), false);
  if (!writesTotals)
    arguments.to = kernel.pointer(op.getResult(), false);
  if (totals)
    arguments.totals = kernel.pointer(totals, false);
  Type i64 = k.getI64Type();
  arguments.lines = number(lines, i64);
  arguments.extent = number(extent, i64);
  arguments.chunk = number(chunk, i64);
  arguments.chunks = number(chunks, k.getI32Type());
  arguments.inner = number(inner, i64);
  device::GpuBuilder g(k, signature);
  write(g, arguments);
  kernel.launch(f.b, blocks, threads);
}

/// Lines of neighbours.
void Scan::along(const device::ScanTile &tile) {
  totals = Value(), chunks = constant(1), chunk = extent;
  if (tile.warpsOfLine == 1)
    return launch("cumulated: a warp a line", f.ceilDiv(lines, tile.linesOfBlock()), tile.threads,
                  tile.sharedBytes(spec), false,
                  [&](device::GpuBuilder &g, const device::ScanArguments &a) {
                    device::writeScan(g, spec, tile, a);
                  });
  // The size of memory is computed even where the line is empty.
  Value tiles = f.b.createOrFold<arith::MaxSIOp>(f.ceilDiv(extent, tile.elements()), constant(1));
  // Two tiles are no more than two launches.
  Value whole = either(f.less(constant(manyLines - 1), lines), f.less(tiles, constant(3)));
  Value one = constant(1), tilesOfChunk;
  tilesOfChunk = choose(whole, tiles, ceilDiv(tiles, least(tiles, constant(mostChunks))));
  chunks = choose(whole, one, ceilDiv(tiles, tilesOfChunk));
  chunk = f.mul(tilesOfChunk, constant(tile.elements()));
  Value blocks = f.mul(lines, chunks);
  const std::string text = known(chunks) == 1 ? "cumulated: a block a line"
                                              : "cumulated: a block a line, or chunks of it";
  if (known(chunks) != 1) {
    totals =
        memref::AllocOp::create(f.b, MemRefType::get({ShapedType::kDynamic}, spec.sum()), blocks);
    auto totalsOf = [&] {
      launch("cumulated: totals of chunks", blocks, tile.threads, tile.sharedBytes(spec), true,
             [&](device::GpuBuilder &g, const device::ScanArguments &a) {
               device::writeScanTotals(g, spec, tile, a);
             });
    };
    auto many = scf::IfOp::create(f.b, f.less(one, chunks), /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(f.b);
    f.b.setInsertionPointToStart(many.thenBlock());
    totalsOf();
  }
  launch(text, blocks, tile.threads, tile.sharedBytes(spec), false,
         [&](device::GpuBuilder &g, const device::ScanArguments &a) {
           device::writeScan(g, spec, tile, a);
         });
}

/// Lines side by side.
void Scan::across() {
  totals = Value();
  Value one = constant(1);
  Value all = f.b.createOrFold<arith::MaxSIOp>(f.mul(lines, inner), one);
  Value wanted = least(ceilDiv(constant(manyAcross), all), constant(mostChunks));
  Value most = f.b.createOrFold<arith::MaxSIOp>(f.ceilDiv(extent, leastAcross), one);
  chunk = f.b.createOrFold<arith::MaxSIOp>(ceilDiv(extent, least(wanted, most)), one);
  chunks = ceilDiv(extent, chunk);
  Value units = f.mul(f.mul(lines, inner), chunks);
  Value blocks = f.ceilDiv(units, device::acrossThreads);
  auto step = [&](const char *choice, bool first) {
    launch(choice, blocks, device::acrossThreads, 0, first,
           [&](device::GpuBuilder &g, const device::ScanArguments &a) {
             device::writeScanAcross(g, spec, first, a);
           });
  };
  if (known(chunks).value_or(2) > 1) {
    totals =
        memref::AllocOp::create(f.b, MemRefType::get({ShapedType::kDynamic}, spec.sum()), units);
    auto many = scf::IfOp::create(f.b, f.less(one, chunks), /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(f.b);
    f.b.setInsertionPointToStart(many.thenBlock());
    step("cumulated: totals of chunks, a thread each", true);
  }
  step("cumulated: a thread a chunk of a line", false);
}

bool Scan::lower() {
  auto type = cast<MemRefType>(op.getSource().getType());
  int64_t axis = static_cast<int64_t>(op.getAxis());
  spec.element = type.getElementType();
  spec.isUnsigned = op.getIsUnsigned();
  spec.combination = op.getKind() == ReduceKind::sum    ? device::Combination::Sum
                     : op.getKind() == ReduceKind::prod ? device::Combination::Product
                     : op.getKind() == ReduceKind::max  ? device::Combination::Largest
                                                        : device::Combination::Smallest;
  lines = constant(1), inner = constant(1);
  for (int64_t d = 0; d < type.getRank(); ++d) {
    Value size = f.sizeOf(op.getSource(), d);
    if (!size)
      return false;
    if (d == axis)
      extent = size;
    else
      (d < axis ? lines : inner) = f.mul(d < axis ? lines : inner, size);
  }
  if (known(inner) != 1) {
    across();
    return true;
  }
  const int vector = 16 / device::bytesOf(spec.element);
  auto forTiles = [&](bool aligned) {
    f.branch(
        f.less(extent, constant(shortLine + 1)),
        [&] { along(device::scanTile(spec.element, false, aligned)); },
        [&] { along(device::scanTile(spec.element, true, aligned)); });
  };
  Value rest = f.b.createOrFold<arith::RemUIOp>(extent, constant(vector));
  Value isMultiple = f.b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, rest, constant(0));
  Value single = f.b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, lines, constant(1));
  f.branch(either(isMultiple, single), [&] { forTiles(true); }, [&] { forTiles(false); });
  return true;
}

} // namespace

bool lowerCumulate(DeviceFunction &f, CumulateMemoryOp op) {
  f.b.setInsertionPoint(op);
  f.b.setLoc(op.getLoc());
  if (!Scan(f, op).lower())
    return false;
  f.taken.insert(op);
  return true;
}

} // namespace mad
