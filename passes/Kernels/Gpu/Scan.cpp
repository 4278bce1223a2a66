//===- Scan.cpp - Kernels that cumulate -------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A warp has a segment of the tile, each lane groups of neighbours, one warp's width apart. A lane
// cumulates its group, the warp what groups come to (Hillis and Steele, "Data parallel
// algorithms", 1986), the groups follow each other, then warps, then tiles. Lines of which there
// are few are cut in chunks: a first kernel combines each, the second one combines those before its
// own and begins with that (Blelloch, "Prefix sums and their applications", 1990).
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/Scan.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Kernels/Gpu/Combining.h"

using namespace mlir;
using namespace mad::device;

Type ScanSpec::sum() const {
  MLIRContext *context = element.getContext();
  if (bytesOf(element) >= 4)
    return element;
  return isa<FloatType>(element) ? Type(Float32Type::get(context))
                                 : Type(IntegerType::get(context, 32));
}

/// For each warp what it comes to, twice, and once more for the chunks before.
int ScanTile::sharedBytes(const ScanSpec &spec) const {
  return warpsOfLine == 1 ? 0 : 3 * warpsOfLine * bytesOf(spec.sum());
}

ScanTile mad::device::scanTile(Type element, bool blockOfLine, bool aligned) {
  ScanTile tile;
  const int bytes = bytesOf(element);
  tile.warpsOfLine = blockOfLine ? tile.threads / lanesOfWarp : 1;
  tile.vector = aligned ? 16 / bytes : 1;
  tile.strips = std::max(1, (bytes == 8 ? 8 : 16) / tile.vector);
  return tile;
}

llvm::Error mad::device::check(const ScanTile &tile, const ScanSpec &spec) {
  if (tile.threads < 32 || tile.threads > 1024 || tile.threads % 32)
    return llvm::createStringError("threads = " + Twine(tile.threads) +
                                   ", expected a multiple of 32 from 32 to 1024");
  if (tile.warpsOfLine != 1 && tile.warpsOfLine * lanesOfWarp != tile.threads)
    return llvm::createStringError("warpsOfLine = " + Twine(tile.warpsOfLine) +
                                   ", expected 1 or all " + Twine(tile.threads / lanesOfWarp));
  if (tile.vector < 1 || !llvm::isPowerOf2_32(tile.vector) ||
      tile.vector * bytesOf(spec.element) > 16)
    return llvm::createStringError("vector = " + Twine(tile.vector) +
                                   ", expected a power of two of at most 16 bytes of elements");
  if (tile.strips < 1 || tile.strips * tile.vector > 32)
    return llvm::createStringError("strips = " + Twine(tile.strips) +
                                   ", expected 1 to 32 elements of a thread");
  return llvm::Error::success();
}

namespace {

/// One chunk of a line in the hands of a warp or a block.
class LineScan : Combining {
public:
  LineScan(GpuBuilder &g, const ScanSpec &spec, const ScanTile &tile,
           const ScanArguments &arguments)
      : Combining(g, spec), tile(tile), a(arguments) {
    lane = g.rem(g.thread(), lanesOfWarp);
    warp = g.div(g.thread(), lanesOfWarp);
    isFirst = g.equal(lane, 0);
  }

  void totals() {
    findChunk();
    Value sums = g.loop(begin, end, g.wide(tile.elements()), {none()},
                        [&](Value at, ValueRange carried) -> Values {
                          Value all = carried[0];
                          forTile(at, [&](ArrayRef<Values> groups) {
                            for (const Values &group : groups)
                              for (Value x : group)
                                all = combine(all, x);
                          });
                          return {all};
                        })[0];
    Value all = ofBlock(sums);
    g.when(g.equal(g.thread(), 0), [&] { g.store(all, g.at(a.totals, sum, unit)); });
  }

  void results() {
    if (tile.warpsOfLine > 1) {
      findChunk();
      return lines();
    }
    line = g.add(g.mul(g.extend(g.block()), g.wide(tile.linesOfBlock())), g.extend(warp));
    begin = g.wide(0), end = a.extent;
    Value isThere =
        arith::CmpIOp::create(g.b, arith::CmpIPredicate::slt, line, a.lines).getResult();
    g.when(isThere, [&] { lines(); });
  }

private:
  void findChunk() {
    Value number = g.block();
    unit = g.extend(number);
    line = g.extend(g.div(number, a.chunks));
    chunk = g.rem(number, a.chunks);
    begin = g.mul(g.extend(chunk), a.chunk);
    end = arith::MinSIOp::create(g.b, g.add(begin, a.chunk), a.extent);
  }
  Type group() {
    return tile.vector == 1 ? spec.element : Type(g.vectorOf(tile.vector, spec.element));
  }
  /// Where group `strip` of this lane begins in the tile.
  Value columnOf(int strip) {
    Value own = g.mul(lane, tile.vector);
    if (tile.warpsOfLine > 1)
      own = g.add(own, g.mul(warp, tile.segment()));
    return g.add(own, strip * lanesOfWarp * tile.vector);
  }
  Value pointer(Value memory, Value at) {
    return g.at(memory, spec.element, g.add(g.mul(line, a.extent), at));
  }
  Value isWhole(Value at) {
    left = g.sub(end, at);
    return arith::CmpIOp::create(g.b, arith::CmpIPredicate::sge, left, g.wide(tile.elements()));
  }

  /// Reads the groups of the tile at a place of the line, nothing changing `none` behind the end.
  void forTile(Value at, llvm::function_ref<void(ArrayRef<Values>)> use) {
    Value from = pointer(a.from, at);
    SmallVector<Type> types(tile.strips * tile.vector, sum);
    auto whole = scf::IfOp::create(g.b, types, isWhole(at), /*withElseRegion=*/true);
    auto fill = [&](Block *block, bool guarded) {
      OpBuilder::InsertionGuard guard(g.b);
      g.b.setInsertionPointToStart(block);
      Values all;
      for (int strip = 0; strip < tile.strips; ++strip)
        llvm::append_range(all,
                           guarded ? readPart(from, columnOf(strip)) : read(from, columnOf(strip)));
      scf::YieldOp::create(g.b, all);
    };
    fill(whole.thenBlock(), false);
    fill(whole.elseBlock(), true);
    SmallVector<Values> groups(tile.strips);
    for (auto [i, x] : llvm::enumerate(whole.getResults()))
      groups[i / tile.vector].push_back(x);
    use(groups);
  }
  Values read(Value from, Value column) {
    Values elements = g.unpack(g.load(group(), g.at(from, spec.element, column)));
    for (Value &x : elements)
      x = widen(x);
    return elements;
  }
  Value rest() { return arith::TruncIOp::create(g.b, g.b.getI32Type(), left); }
  /// Of the last tile of a line.
  Values readPart(Value from, Value column) {
    Values elements;
    Value there = rest();
    for (int e = 0; e < tile.vector; ++e) {
      Value place = g.add(column, e);
      auto one = scf::IfOp::create(g.b, sum, g.less(place, there), /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(g.b);
      g.b.setInsertionPointToStart(one.thenBlock());
      scf::YieldOp::create(g.b, widen(g.load(spec.element, g.at(from, spec.element, place))));
      g.b.setInsertionPointToStart(one.elseBlock());
      scf::YieldOp::create(g.b, none());
      elements.push_back(one.getResult(0));
    }
    return elements;
  }
  void write(Value at, ArrayRef<Values> groups) {
    Value to = pointer(a.to, at);
    g.when(
        isWhole(at),
        [&] {
          for (auto [strip, elements] : llvm::enumerate(groups))
            g.store(tile.vector == 1 ? elements[0] : g.pack(elements),
                    g.at(to, spec.element, columnOf(strip)));
        },
        [&] {
          Value there = rest();
          for (auto [strip, elements] : llvm::enumerate(groups))
            for (auto [e, x] : llvm::enumerate(elements)) {
              Value place = g.add(columnOf(strip), int(e)), value = x;
              g.when(g.less(place, there), [&] { g.store(value, g.at(to, spec.element, place)); });
            }
        });
  }

  /// What all lanes have, in the order of lanes: up to this one, and of those before.
  Value cumulateLanes(Value x) {
    for (int distance = 1; distance < lanesOfWarp; distance *= 2) {
      Value before = g.shuffleUp(x, distance);
      x = g.select(g.less(lane, distance), x, combine(before, x));
    }
    return x;
  }

  Value warpsMemory(Number half) { return g.at(g.shared(), sum, g.mul(half, tile.warpsOfLine)); }
  /// Of all threads of the block, the same for all.
  Value ofBlock(Value x) {
    x = g.reduceWarp(x, [&](Value x, Value y) { return combine(x, y); });
    Value memory = warpsMemory(2);
    g.when(isFirst, [&] { g.store(x, g.at(memory, sum, warp)); });
    g.barrier();
    Value all = g.load(sum, memory);
    for (int i = 1; i < tile.warpsOfLine; ++i)
      all = combine(all, g.load(sum, g.at(memory, sum, i)));
    return all;
  }
  /// The chunks before this one.
  Value before() {
    if (!a.totals || tile.warpsOfLine == 1)
      return none();
    Value first = g.mul(line, g.extend(a.chunks));
    Value some = g.loop(g.thread(), chunk, tile.threads, {none()},
                        [&](Value i, ValueRange carried) -> Values {
                          Value place = g.add(first, g.extend(i));
                          return {combine(carried[0], g.load(sum, g.at(a.totals, sum, place)))};
                        })[0];
    return ofBlock(some);
  }

  void lines() {
    Values start{before(), g.number(0)};
    g.loop(begin, end, g.wide(tile.elements()), start,
           [&](Value at, ValueRange carried) -> Values { return cumulateTile(at, carried); });
  }
  /// `carried`: what comes before the tile, and which half of shared memory is free.
  Values cumulateTile(Value at, ValueRange carried) {
    Value all = carried[0], half = carried[1];
    forTile(at, [&](ArrayRef<Values> read) {
      SmallVector<Values> groups(read);
      Value sumOfWarp;
      for (Values &group : groups) {
        for (int e = 1; e < tile.vector; ++e)
          group[e] = combine(group[e - 1], group[e]);
        Value upTo = cumulateLanes(group.back());
        Value before = g.select(isFirst, none(), g.shuffleUp(upTo, 1));
        if (sumOfWarp)
          before = combine(sumOfWarp, before);
        for (Value &x : group)
          x = combine(before, x);
        Value total = g.shuffleFrom(upTo, lanesOfWarp - 1);
        sumOfWarp = sumOfWarp ? combine(sumOfWarp, total) : total;
      }
      Value before = all;
      if (tile.warpsOfLine > 1) {
        Value memory = warpsMemory(half);
        g.when(isFirst, [&] { g.store(sumOfWarp, g.at(memory, sum, warp)); });
        g.barrier();
        for (int i = 0; i < tile.warpsOfLine; ++i) {
          Value one = g.load(sum, g.at(memory, sum, i));
          before = g.select(g.less(i, warp), combine(before, one), before);
          all = combine(all, one);
        }
        half = g.sub(1, half);
      } else {
        all = combine(all, sumOfWarp);
      }
      for (Values &group : groups)
        for (Value &x : group)
          x = narrow(combine(before, x));
      write(at, groups);
    });
    return {all, half};
  }

  const ScanTile &tile;
  const ScanArguments &a;
  Value lane, warp, isFirst;
  Value unit, line, chunk, begin, end; ///< i64, but the chunk
  Value left;                          ///< elements from the tile's start on
};

/// A thread with one chunk of a line.
class AcrossScan : Combining {
public:
  AcrossScan(GpuBuilder &g, const ScanSpec &spec, const ScanArguments &arguments)
      : Combining(g, spec), a(arguments) {}

  void run(bool totals) {
    Value id = g.add(g.mul(g.extend(g.block()), g.wide(acrossThreads)), g.extend(g.thread()));
    Value chunks = g.extend(a.chunks);
    Value all = g.mul(g.mul(a.lines, a.inner), chunks);
    Value isThere = arith::CmpIOp::create(g.b, arith::CmpIPredicate::ult, id, all);
    g.when(isThere, [&] {
      Value column = g.rem(id, a.inner), unit = g.div(id, a.inner);
      Value chunk = g.rem(unit, chunks), line = g.div(unit, chunks);
      Value begin = g.mul(chunk, a.chunk);
      Value rows = arith::MinSIOp::create(g.b, a.chunk, g.sub(a.extent, begin));
      first = g.add(g.mul(g.add(g.mul(line, a.extent), begin), a.inner), column);
      if (totals) {
        Value sums = walk(rows, none(), false);
        return g.store(sums, g.at(a.totals, sum, id));
      }
      Value before = none();
      if (a.totals) {
        Value start = g.add(g.mul(g.mul(line, chunks), a.inner), column);
        before = g.loop(g.wide(0), chunk, g.wide(1), {before},
                        [&](Value i, ValueRange carried) -> Values {
                          Value place = g.add(start, g.mul(i, a.inner));
                          return {combine(carried[0], g.load(sum, g.at(a.totals, sum, place)))};
                        })[0];
      }
      walk(rows, before, true);
    });
  }

private:
  /// Sums that are rounded are cut every 1024 elements (docs/architecture.md, "Long sums").
  Value walk(Value rows, Value start, bool writes) {
    constexpr int longest = 1024;
    bool rounds = isa<FloatType>(sum) && (spec.combination == Combination::Sum ||
                                          spec.combination == Combination::Product);
    if (!rounds)
      return along(g.wide(0), rows, start, {}, writes);
    return g.loop(g.wide(0), rows, g.wide(longest), {start},
                  [&](Value from, ValueRange carried) -> Values {
                    Value to = arith::MinSIOp::create(g.b, g.add(from, g.wide(longest)), rows);
                    Value part = along(from, to, none(), carried[0], writes);
                    return {combine(carried[0], part)};
                  })[0];
  }
  /// Several loads are on their way at a time. `before`: of each result, if there is one.
  Value along(Value from, Value to, Value start, Value before, bool writes) {
    constexpr int unroll = 8;
    Value many = g.sub(to, g.rem(g.sub(to, from), g.wide(unroll)));
    auto steps = [&](int count) {
      return [this, count, before, writes](Value row, ValueRange carried) -> Values {
        Value all = carried[0];
        Values places, elements;
        for (int i = 0; i < count; ++i) {
          Value place = g.add(first, g.mul(g.add(row, g.wide(i)), a.inner));
          places.push_back(place);
          elements.push_back(g.load(spec.element, g.at(a.from, spec.element, place)));
        }
        for (auto [place, x] : llvm::zip(places, elements)) {
          all = combine(all, widen(x));
          if (writes)
            g.store(narrow(before ? combine(before, all) : all), g.at(a.to, spec.element, place));
        }
        return {all};
      };
    };
    Value all = g.loop(from, many, g.wide(unroll), {start}, steps(unroll))[0];
    return g.loop(many, to, g.wide(1), {all}, steps(1))[0];
  }

  const ScanArguments &a;
  Value first;
};

} // namespace

void mad::device::writeScanTotals(GpuBuilder &g, const ScanSpec &spec, const ScanTile &tile,
                                  const ScanArguments &arguments) {
  LineScan(g, spec, tile, arguments).totals();
}
void mad::device::writeScan(GpuBuilder &g, const ScanSpec &spec, const ScanTile &tile,
                            const ScanArguments &arguments) {
  LineScan(g, spec, tile, arguments).results();
}
void mad::device::writeScanAcross(GpuBuilder &g, const ScanSpec &spec, bool totals,
                                  const ScanArguments &arguments) {
  AcrossScan(g, spec, arguments).run(totals);
}

static KernelSignature signatureOf(gpu::GPUModuleOp module, StringRef name, int pointers,
                                   int threads, int shared, bool inner) {
  KernelSignature signature;
  signature.name = name.str();
  signature.threads = threads;
  signature.sharedBytes = shared;
  MLIRContext *context = module.getContext();
  Type i32 = IntegerType::get(context, 32), i64 = IntegerType::get(context, 64);
  signature.arguments.assign(pointers, globalPointer(context));
  signature.arguments.append({i64, i64, i64, i32});
  if (inner)
    signature.arguments.push_back(i64);
  return signature;
}

static void setNumbers(ScanArguments &arguments, ValueRange numbers) {
  arguments.lines = numbers[0], arguments.extent = numbers[1];
  arguments.chunk = numbers[2], arguments.chunks = numbers[3];
}

llvm::Expected<Kernel> mad::device::makeScan(gpu::GPUModuleOp module, StringRef name,
                                             const ScanSpec &spec, const ScanTile &tile) {
  if (llvm::Error fault = check(tile, spec))
    return std::move(fault);
  auto signature = signatureOf(module, name, 3, tile.threads, tile.sharedBytes(spec), false);
  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange values) {
    ScanArguments arguments;
    arguments.from = values[0], arguments.to = values[1], arguments.totals = values[2];
    setNumbers(arguments, values.drop_front(3));
    writeScan(g, spec, tile, arguments);
  });
}

llvm::Expected<Kernel> mad::device::makeScanTotals(gpu::GPUModuleOp module, StringRef name,
                                                   const ScanSpec &spec, const ScanTile &tile) {
  if (llvm::Error fault = check(tile, spec))
    return std::move(fault);
  if (tile.warpsOfLine == 1)
    return llvm::createStringError("warpsOfLine = 1, expected a block for each chunk");
  auto signature = signatureOf(module, name, 2, tile.threads, tile.sharedBytes(spec), false);
  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange values) {
    ScanArguments arguments;
    arguments.from = values[0], arguments.totals = values[1];
    setNumbers(arguments, values.drop_front(2));
    writeScanTotals(g, spec, tile, arguments);
  });
}

llvm::Expected<Kernel> mad::device::makeScanAcross(gpu::GPUModuleOp module, StringRef name,
                                                   const ScanSpec &spec, bool totals) {
  auto signature = signatureOf(module, name, 3, acrossThreads, 0, true);
  signature.blocksAtOnce = acrossBlocks;
  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange values) {
    ScanArguments arguments;
    arguments.from = values[0], arguments.to = values[1], arguments.totals = values[2];
    setNumbers(arguments, values.drop_front(3));
    arguments.inner = values[7];
    writeScanAcross(g, spec, totals, arguments);
  });
}
