//===- Digits.cpp - Kernels that bring equal keys together -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sorting by digits with counts of tiles (Satish, Harris and Garland, "Designing efficient sorting
// algorithms for manycore GPUs", 2009). A warp has a segment of the tile and takes 32 neighbours at
// a time: lanes with the same digit find each other, their rank is that of the lane among them
// behind what the warp has met of the digit before. So equal digits stay in order, and nothing
// depends on which block or warp is first.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/Digits.h"

using namespace mlir;
using namespace mad::device;

llvm::Error mad::device::check(const DigitTile &tile) {
  if (tile.threads < 32 || tile.threads > 1024 || tile.threads % 32)
    return llvm::createStringError("threads = " + Twine(tile.threads) +
                                   ", expected a multiple of 32 from 32 to 1024");
  if (tile.items < 1 || tile.items > 32)
    return llvm::createStringError("items = " + Twine(tile.items) + ", expected 1 to 32");
  if (tile.mostBits < 1 || tile.bytesForMoves() > 48 * 1024)
    return llvm::createStringError("mostBits = " + Twine(tile.mostBits) +
                                   ", expected 1 up to what 48 KB of counts hold");
  return llvm::Error::success();
}

namespace {

class Digits {
public:
  Digits(GpuBuilder &g, bool fromKeys, const DigitTile &tile, const DigitArguments &arguments)
      : g(g), fromKeys(fromKeys), tile(tile), a(arguments), i32(g.b.getI32Type()),
        i64(g.b.getI64Type()) {
    lane = g.rem(g.thread(), lanesOfWarp);
    warp = g.div(g.thread(), lanesOfWarp);
    digits = g.shiftLeft(g.number(1), a.bits);
  }

  void count() {
    forDigits(digits, [&](Value d) { g.store(g.number(0), slot(d)); });
    g.barrier();
    for (const Item &item : read())
      g.when(g.both(item.isThere, item.isFirst),
             [&] { g.addTo(slot(item.digit), g.countBits(item.like)); });
    g.barrier();
    forDigits(digits,
              [&](Value d) { g.store(g.load(i32, slot(d)), g.at(a.counts, i32, ofTile(d))); });
  }

  void move() {
    forDigits(g.mul(digits, tile.warps()), [&](Value d) { g.store(g.number(0), slot(d)); });
    g.barrier();
    Value own = g.mul(warp, digits);
    SmallVector<Item> items = read();
    Values ranks, slots;
    for (const Item &item : items) {
      slots.push_back(slot(g.add(own, item.digit)));
      Value before = g.load(i32, slots.back());
      g.syncWarp();
      g.when(g.both(item.isThere, item.isFirst),
             [&] { g.store(g.add(before, g.countBits(item.like)), slots.back()); });
      g.syncWarp();
      ranks.push_back(g.add(before, g.countBits(g.bitAnd(item.like, lanesBefore()))));
    }
    g.barrier();
    // Where the first item of each digit of each warp goes.
    forDigits(digits, [&](Value d) {
      Value at = ofTile(d), isNone = g.equal(at, 0);
      Value before = g.load(i32, g.at(a.counts, i32, g.sub(g.select(isNone, g.number(1), at), 1)));
      Value start = g.select(isNone, g.number(0), before);
      for (int w = 0; w < tile.warps(); ++w) {
        Value place = slot(g.add(g.mul(digits, w), d)), number = g.load(i32, place);
        g.store(start, place);
        start = g.add(start, number);
      }
    });
    g.barrier();
    for (auto [item, rank, slot] : llvm::zip(items, ranks, slots)) {
      Value to = g.add(g.load(i32, slot), rank), bits = item.bits;
      g.when(item.isThere, [&] { g.store(bits, g.at(a.to, i64, to)); });
    }
  }

private:
  struct Item {
    Value bits;             ///< i64
    Value isThere, isFirst; ///< isFirst: of the lanes that have its digit
    Value digit;            ///< 0 where there is none
    Value like;             ///< the lanes that have it, a bit each
  };

  Value slot(Value number) { return g.at(g.shared(), i32, number); }
  Value ofTile(Value digit) { return g.add(g.mul(digit, a.tiles), g.block()); }
  Value lanesBefore() { return g.sub(g.shiftLeft(g.number(1), lane), 1); }
  void forDigits(Value end, llvm::function_ref<void(Value)> body) {
    g.loop(g.thread(), end, tile.threads, {}, [&](Value d, ValueRange) -> Values {
      body(d);
      return {};
    });
  }
  /// All are on their way before the first one is looked at.
  SmallVector<Item> read() {
    Value first =
        g.add(g.mul(g.block(), tile.slots()), g.add(g.mul(warp, tile.items * lanesOfWarp), lane));
    Value last = g.sub(a.count, 1);
    Type type = fromKeys ? i32 : i64;
    SmallVector<Item> items;
    Values places;
    for (int i = 0; i < tile.items; ++i) {
      Item item;
      Value place = g.add(first, i * lanesOfWarp);
      item.isThere = g.less(place, a.count);
      places.push_back(g.min(place, last));
      item.bits = g.load(type, g.at(a.from, type, places.back()));
      items.push_back(item);
    }
    for (auto [item, place] : llvm::zip(items, places)) {
      Value key = item.bits;
      if (fromKeys)
        item.bits = g.bitOr(g.shiftLeft(g.extend(key), g.wide(32)), g.extend(place));
      else
        key = arith::TruncIOp::create(g.b, i32, g.shiftRight(key, g.wide(32)));
      Value digit = g.bitAnd(g.shiftRight(key, a.shift), g.sub(digits, 1));
      // No digit is as large.
      item.like = g.lanesLike(g.select(item.isThere, digit, digits));
      item.isFirst = g.equal(g.bitAnd(item.like, lanesBefore()), 0);
      item.digit = g.select(item.isThere, digit, g.number(0));
    }
    return items;
  }

  GpuBuilder &g;
  const bool fromKeys;
  const DigitTile &tile;
  const DigitArguments &a;
  Type i32, i64;
  Value lane, warp, digits;
};

llvm::Expected<Kernel> make(gpu::GPUModuleOp module, StringRef name, bool fromKeys,
                            const DigitTile &tile, bool moves) {
  if (llvm::Error fault = check(tile))
    return std::move(fault);
  MLIRContext *context = module.getContext();
  KernelSignature signature;
  signature.name = name.str();
  signature.threads = tile.threads;
  signature.sharedBytes = moves ? tile.bytesForMoves() : tile.bytesForCounts();
  signature.arguments.assign(moves ? 3 : 2, globalPointer(context));
  signature.arguments.append(4, IntegerType::get(context, 32));
  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange values) {
    DigitArguments a;
    a.from = values[0];
    if (moves)
      a.to = values[1];
    values = values.drop_front(moves ? 2 : 1);
    a.counts = values[0], a.count = values[1], a.tiles = values[2];
    a.shift = values[3], a.bits = values[4];
    if (moves)
      writeMoveByDigit(g, fromKeys, tile, a);
    else
      writeCountDigits(g, fromKeys, tile, a);
  });
}

} // namespace

void mad::device::writeCountDigits(GpuBuilder &g, bool fromKeys, const DigitTile &tile,
                                   const DigitArguments &arguments) {
  Digits(g, fromKeys, tile, arguments).count();
}
void mad::device::writeMoveByDigit(GpuBuilder &g, bool fromKeys, const DigitTile &tile,
                                   const DigitArguments &arguments) {
  Digits(g, fromKeys, tile, arguments).move();
}
llvm::Expected<Kernel> mad::device::makeCountDigits(gpu::GPUModuleOp module, StringRef name,
                                                    bool fromKeys, const DigitTile &tile) {
  return make(module, name, fromKeys, tile, false);
}
llvm::Expected<Kernel> mad::device::makeMoveByDigit(gpu::GPUModuleOp module, StringRef name,
                                                    bool fromKeys, const DigitTile &tile) {
  return make(module, name, fromKeys, tile, true);
}
