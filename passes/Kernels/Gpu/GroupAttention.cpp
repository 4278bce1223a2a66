//===- GroupAttention.cpp - Attention on tensor cores, by groups of four warps ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For chips with wgmma, after FlashAttention-3 (Shah et al., 2024). One thread starts the copies by
// tensor map: Q once, then tiles of K and V, each with a ring of its own. Two groups of four warps
// have 64 rows each: while one computes powers, the other multiplies. Powers go to shared memory as
// the left factor of the second product, each group's own, with a fence for the tensor cores
// behind.
//
// Boxes have 64 columns and 64 rows. Of Q and K those of the same columns follow each other, so
// that 128 rows are one matrix; of V those of the same rows, because the product reads it across.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Kernels/Gpu/AttentionParts.h"
#include "passes/Kernels/Gpu/MatmulParts.h"
#include <cmath>

using namespace mlir;
using namespace mad::device;

llvm::Error mad::device::check(const GroupAttentionTile &tile, const AttentionSpec &spec) {
  if (!spec.element.isF16() && !spec.element.isBF16())
    return llvm::createStringError("groups of warps need elements of f16 or bf16");
  if (spec.width != spec.widthV || (spec.width != 64 && spec.width != 128))
    return llvm::createStringError("groups of warps need rows of 64 or 128 columns");
  if (llvm::Error fault = checkParameter("stages", tile.stages, 2, 4))
    return fault;
  return checkShared(tile.sharedBytes(spec), sharedOfSm90);
}

namespace {
constexpr double log2e = 1.4426950408889634;
constexpr int threadsOfGroup = 128, boxBytes = 64 * 64 * 2;

struct GroupAttention {
  GpuBuilder &g;
  const AttentionSpec &spec;
  const GroupAttentionTile &tile;
  Value q, k, v;                  ///< tensor maps: batch, row, column
  Value rows, keys, first, batch; ///< `first`: the first row of the block
  Value column0;                  ///< of the head
  Value group, thread, lane;
  Type f32;
  SmallVector<RowValues> mine; ///< the two rows of this lane
  Values seen;

  static constexpr int keysOfTile = GroupAttentionTile::keysOfTile;
  int across() const { return spec.width / 64; }
  int queryBytes() const { return tile.rowsOfBlock * spec.width * 2; }
  int tileBytes() const { return keysOfTile * spec.width * 2; }
  Value mul(Value x, Value y) { return arith::MulFOp::create(g.b, x, y); }
  Value add(Value x, Value y) { return arith::AddFOp::create(g.b, x, y); }
  Value inside(Value row) { return g.min(row, g.sub(rows, 1)); }

  // Shared memory: Q, tiles of K, tiles of V, powers of both groups, barriers.
  Value atK(Value stage) { return g.add(g.mul(stage, tileBytes()), queryBytes()); }
  Value atV(Value stage) {
    return g.add(g.mul(stage, tileBytes()), queryBytes() + tile.stages * tileBytes());
  }
  Value atPowers() {
    return g.add(g.mul(g.sub(group, 1), 2 * boxBytes),
                 queryBytes() + 2 * tile.stages * tileBytes());
  }
  enum Which { FullK, EmptyK, FullV, EmptyV };
  Value barrier(Value stage, Which which) {
    const int start = queryBytes() + 2 * tile.stages * tileBytes() + 4 * boxBytes;
    return g.bytesAt(g.shared(), g.add(g.mul(stage, 32), start + 8 + which * 8));
  }
  Value fullQ() {
    return g.bytesAt(g.shared(), queryBytes() + 2 * tile.stages * tileBytes() + 4 * boxBytes);
  }

  /// At least one: a tile is computed before it is known that there is another.
  Value keysOfBlock() {
    if (!spec.seen)
      return keys;
    Value all = keysOf(g, spec, spec.row(g, inside(g.add(first, tile.rowsOfBlock - 1))), keys);
    return g.select(g.equal(all, 0), g.number(1), all);
  }
  std::pair<Value, Value> after(Value stage, Value phase) {
    Value next = g.add(stage, 1), wraps = g.equal(next, tile.stages);
    return {g.select(wraps, g.number(0), next), g.select(wraps, g.bitXor(phase, 1), phase)};
  }

  void copyBox(Value to, Value map, Value barrier, int box, Value row) {
    g.copyTensor(g.bytesAt(g.shared(), to), map, barrier, {g.add(column0, box * 64), row, batch});
  }

  void copy() {
    g.barrierExpect(fullQ(), queryBytes());
    for (int c = 0; c < across(); ++c)
      for (int half = 0; half < tile.rowsOfBlock / 64; ++half)
        copyBox(g.number((c * tile.rowsOfBlock / 64 + half) * boxBytes), q, fullQ(), c,
                g.add(first, half * 64));
    // The first wait for each stage is for the phase before the first.
    g.loop(0, keysOfBlock(), keysOfTile, {g.number(0), g.number(1)},
           [&](Value key, ValueRange now) -> Values {
             g.barrierWait(barrier(now[0], EmptyK), now[1]);
             g.barrierExpect(barrier(now[0], FullK), tileBytes());
             for (int c = 0; c < across(); ++c)
               for (int half = 0; half < 2; ++half)
                 copyBox(g.add(atK(now[0]), (c * 2 + half) * boxBytes), k, barrier(now[0], FullK),
                         c, g.add(key, half * 64));
             g.barrierWait(barrier(now[0], EmptyV), now[1]);
             g.barrierExpect(barrier(now[0], FullV), tileBytes());
             for (int half = 0; half < 2; ++half)
               for (int c = 0; c < across(); ++c)
                 copyBox(g.add(atV(now[0]), (half * across() + c) * boxBytes), v,
                         barrier(now[0], FullV), c, g.add(key, half * 64));
             auto [stage, phase] = after(now[0], now[1]);
             return {stage, phase};
           });
  }

  Value descriptor(Value bytes, bool acrossRows = false) {
    return g.matrixDescriptor(g.bytesAt(g.shared(), bytes), acrossRows);
  }
  Value further(Value descriptor, int64_t units) {
    return arith::AddIOp::create(g.b, descriptor, g.wide(units));
  }
  void release(Value stage, Which which) {
    g.when(g.equal(thread, 0), [&] { g.barrierArrive(barrier(stage, which)); });
  }

  Value zeros(int columns) { return LLVM::ZeroOp::create(g.b, g.groupSums(columns)); }
  Values elements(Value sums, int count) {
    Values all;
    for (int64_t i = 0; i < count; ++i)
      all.push_back(LLVM::ExtractValueOp::create(g.b, sums, i));
    return all;
  }
  Value structure(ValueRange values, int columns) {
    Value made = LLVM::PoisonOp::create(g.b, g.groupSums(columns));
    for (auto [i, value] : llvm::enumerate(values))
      made = LLVM::InsertValueOp::create(g.b, made, value, static_cast<int64_t>(i));
    return made;
  }

  /// Starts the scores, before the scale: 64 rows of this group, all keys of a tile.
  Value startScores(Value stage) {
    Value mineQ = g.mul(g.sub(group, 1), boxBytes), sums = zeros(keysOfTile);
    g.fenceGroup();
    for (int c = 0; c < across(); ++c) {
      Value a = descriptor(g.add(mineQ, c * tile.rowsOfBlock * 128));
      Value b = descriptor(g.add(atK(stage), c * keysOfTile * 128));
      for (int step = 0; step < 4; ++step) // 16 columns are 32 bytes
        sums = g.multiplyGroup(spec.element, keysOfTile, further(a, 2 * step), further(b, 2 * step),
                               sums);
    }
    g.commitGroup();
    return sums;
  }

  /// Starts to add powers times V.
  Value startResult(Value stage, Value sums) {
    g.fenceGroup();
    for (int half = 0; half < 2; ++half) {
      Value a = descriptor(g.add(atPowers(), half * boxBytes));
      Value b = descriptor(g.add(atV(stage), half * across() * boxBytes), /*acrossRows=*/true);
      for (int step = 0; step < 4; ++step) // 16 keys: 32 bytes of a row of powers, 16 rows of V
        sums = g.multiplyGroup(spec.element, spec.width, further(a, 2 * step),
                               further(b, 128 * step), sums, /*across=*/true);
    }
    g.commitGroup();
    return sums;
  }

  Value columnOf(Value key, int j, int e) {
    return g.add(g.add(key, g.mul(g.rem(lane, 4), 2)), j * 8 + e);
  }
  void hide(Values &sums, Value key) {
    Value least =
        keysOf(g, spec, spec.row(g, inside(g.add(first, g.mul(g.sub(group, 1), 64)))), keys);
    SmallVector<Type> types(sums.size(), f32);
    auto branch = scf::IfOp::create(g.b, types, g.less(least, g.add(key, keysOfTile)),
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(g.b);
    g.b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(g.b, sums);
    g.b.setInsertionPointToStart(branch.thenBlock());
    Values hidden(sums);
    for (auto [i, sum] : llvm::enumerate(hidden))
      sum = g.select(g.less(columnOf(key, i / 4, i % 2), seen[i / 2 % 2]), sum, g.f32(-INFINITY));
    scf::YieldOp::create(g.b, hidden);
    sums = Values(branch.getResults());
  }

  /// Powers in place of the scores of one of the two rows. Returns what to scale the result by.
  Value toPowers(Values &all, int half, Value &most, Value &sum) {
    Value now = most;
    for (size_t i = 0; i < all.size(); ++i)
      if (int(i / 2 % 2) == half)
        now = arith::MaximumFOp::create(g.b, now, all[i]);
    for (int mask : {1, 2}) // the four lanes of a row
      now = arith::MaximumFOp::create(g.b, now, g.shuffleXor(now, mask));
    Value by = mul(spec.scale, g.f32(log2e)), base = baseOfScores(g, now);
    Value minus = arith::SubFOp::create(g.b, g.f32(0), mul(base, by));
    Value factor = g.exp2(g.fma(most, by, minus));
    most = now;
    sum = mul(sum, factor);
    for (size_t i = 0; i < all.size(); ++i)
      if (int(i / 2 % 2) == half) {
        all[i] = g.exp2(g.fma(all[i], by, minus));
        sum = add(sum, all[i]);
      }
    return factor;
  }
  /// Both rows; `state`: the largest score and the sum of each.
  Values toPowers(Values &all, Value key, Values &state) {
    hide(all, key);
    Values factors;
    for (int half = 0; half < 2; ++half)
      factors.push_back(toPowers(all, half, state[2 * half], state[2 * half + 1]));
    return factors;
  }

  /// To shared memory, as copies by tensor map would leave them.
  void storePowers(ValueRange all) {
    Value row = g.add(g.mul(g.div(thread, lanesOfWarp), 16), g.div(lane, 4));
    for (int j = 0; j < keysOfTile / 8; ++j)
      for (int half = 0; half < 2; ++half) {
        Value at = g.add(row, half * 8), chunk = g.bitXor(g.number(j % 8), g.bitAnd(at, 7));
        Value place = g.add(g.add(g.mul(at, 128), g.mul(chunk, 16)), g.mul(g.rem(lane, 4), 4));
        Value two =
            arith::TruncFOp::create(g.b, g.vectorOf(2, spec.element),
                                    g.pack({all[4 * j + 2 * half], all[4 * j + 2 * half + 1]}));
        g.store(g.bits(two, g.b.getI32Type()),
                g.bytesAt(g.shared(), g.add(atPowers(), g.add(place, j / 8 * boxBytes))));
      }
    auto *context = g.b.getContext();
    NVVM::FenceProxyOp::create(g.b,
                               NVVM::ProxyKindAttr::get(context, NVVM::ProxyKind::async_shared),
                               NVVM::SharedSpaceAttr::get(context, NVVM::SharedSpace::shared_cta));
    // All warps of the group have stored.
    NVVM::BarrierOp::create(g.b, TypeRange(), group, g.number(threadsOfGroup),
                            NVVM::BarrierReductionAttr(), Value());
  }

  void multiply() {
    for (int half = 0; half < 2; ++half) {
      mine.push_back(spec.row(g, inside(rowOf(half))));
      seen.push_back(keysOf(g, spec, mine.back(), keys));
    }
    g.barrierWait(fullQ(), g.number(0));
    const int count = spec.width / 2;
    Values state{g.f32(-INFINITY), g.f32(0), g.f32(-INFINITY), g.f32(0)};
    // While the result takes up one tile, the powers of the next are computed: its scores are ready
    // before. So the first tile's powers come before the loop, and its result after the second's
    // scores.
    Value first = g.number(0);
    g.barrierWait(barrier(first, FullK), first);
    Value sums = startScores(first);
    g.waitGroup(0);
    release(first, EmptyK);
    Values all = elements(sums, keysOfTile / 2);
    (void)toPowers(all, first, state);
    storePowers(all);
    auto [second, phase] = after(first, first);
    Values carried{first, first, second, phase};
    carried.append(state);
    carried.append(count, g.f32(0));
    Values last = g.loop(
        keysOfTile, keysOfBlock(), keysOfTile, carried, [&](Value key, ValueRange now) -> Values {
          Value stageV = now[0], phaseV = now[1], stage = now[2];
          g.barrierWait(barrier(stage, FullK), now[3]);
          Value next = startScores(stage);
          g.barrierWait(barrier(stageV, FullV), phaseV);
          Value result = startResult(stageV, structure(now.drop_front(8), spec.width));
          g.waitGroup(1);
          release(stage, EmptyK);
          Values all = elements(next, keysOfTile / 2), state(now.slice(4, 4));
          Values factors = toPowers(all, key, state);
          g.waitGroup(0);
          release(stageV, EmptyV);
          Values scaled = elements(result, count);
          for (auto [i, x] : llvm::enumerate(scaled))
            x = mul(x, factors[i / 2 % 2]);
          storePowers(all);
          auto [after1, phase1] = after(stage, now[3]);
          Values made{stage, now[3], after1, phase1};
          made.append(state);
          made.append(scaled);
          return made;
        });
    g.barrierWait(barrier(last[0], FullV), last[1]);
    Value result = startResult(last[0], structure(ValueRange(last).drop_front(8), spec.width));
    g.waitGroup(0);
    Values results(ArrayRef<Value>(last).slice(2, 6));
    results.append(elements(result, count));
    store(ValueRange(results).drop_front(2));
  }

  Value rowOf(int half) {
    Value warp = g.div(thread, lanesOfWarp);
    Value start = g.add(g.add(first, g.mul(g.sub(group, 1), 64)), g.mul(warp, 16));
    return g.add(g.add(start, g.div(lane, 4)), half * 8);
  }

  void store(ValueRange carried) {
    for (int half = 0; half < 2; ++half) {
      Value sum = carried[2 * half + 1], most = mul(carried[2 * half], spec.scale);
      for (int mask : {1, 2})
        sum = add(sum, g.shuffleXor(sum, mask));
      g.when(g.less(rowOf(half), rows), [&] {
        Values finished = spec.finish(g, mine[half], most, baseOfScores(g, most), sum);
        for (int j = 0; j < spec.width / 8; ++j)
          storeColumns(g, spec, mine[half], finished, g.add(g.mul(g.rem(lane, 4), 2), j * 8),
                       carried.slice(4 + 4 * j + 2 * half, 2));
      });
    }
  }

  void write() {
    f32 = g.b.getF32Type();
    group = g.div(g.thread(), threadsOfGroup);
    thread = g.rem(g.thread(), threadsOfGroup);
    lane = g.rem(g.thread(), lanesOfWarp);
    g.when(g.equal(g.thread(), 0), [&] {
      g.barrierInit(fullQ(), 1);
      for (int stage = 0; stage < tile.stages; ++stage)
        for (Which which : {FullK, EmptyK, FullV, EmptyV})
          g.barrierInit(barrier(g.number(stage), which), which == FullK || which == FullV ? 1 : 2);
      g.fenceBarrierInit();
    });
    g.barrier();
    g.when(
        g.equal(group, 0),
        [&] {
          g.setRegisters(tile.copierRegisters, /*more=*/false);
          g.when(g.equal(thread, 0), [&] { copy(); });
        },
        [&] {
          g.setRegisters(tile.multiplierRegisters, /*more=*/true);
          multiply();
        });
  }
};
} // namespace

llvm::Expected<Kernel> mad::device::makeGroupAttention(gpu::GPUModuleOp module, StringRef name,
                                                       const AttentionForm &form,
                                                       const GroupAttentionTile &tile) {
  AttentionSpec spec = attentionSpec(form);
  if (llvm::Error fault = check(tile, spec))
    return std::move(fault);
  KernelSignature signature;
  signature.name = name.str();
  signature.threads = GroupAttentionTile::threads;
  signature.sharedBytes = tile.sharedBytes(spec);
  signature.sharedAlignment = 1024; // of swizzled tiles
  signature.blocksAtOnce = 1;       // ptxas must know how many registers the block starts with
  signature.arguments = attentionTypes(module.getContext());
  for (int i : {0, 1, 2})
    signature.arguments[i] = tensorMap(module.getContext());
  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange all) {
    (void)setAttention(g, spec, form, all);
    Value tiles = g.ceilDiv(all[4], tile.rowsOfBlock);
    Value number = form.causal ? g.sub(g.sub(tiles, 1), g.block()) : g.block();
    GroupAttention made{g,
                        spec,
                        tile,
                        all[0],
                        all[1],
                        all[2],
                        all[4],
                        all[5],
                        g.mul(number, tile.rowsOfBlock),
                        g.block(2),
                        g.mul(g.block(1), form.width),
                        {},
                        {},
                        {},
                        {},
                        {},
                        {}};
    made.write();
  });
}
