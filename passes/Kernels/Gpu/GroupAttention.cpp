//===- GroupAttention.cpp - Attention on tensor cores, by groups of four warps ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For chips with wgmma, after FlashAttention-3 (Shah et al., 2024). One thread starts the copies by
// tensor map: Q of a tile, then tiles of K and V, each with a ring of its own. Groups of four warps
// have 64 rows each: while one computes powers, others multiply. Powers go to shared memory as the
// left factor of the second product, each group's own, with a fence for the tensor cores behind.
//
// Blocks stay: each takes tiles of rows at a distance of the number of blocks, and copies for the
// next tile go on while this one ends. Where later rows see more keys a block takes tiles from both
// ends of a matrix, which together are the same work for all.
//
// Boxes have 64 columns and 64 rows. Of Q and K those of the same columns follow each other, so
// that 128 rows are one matrix; of V those of the same rows, because the product reads it across.
// What of a box is outside of the matrix are zeros.
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

static constexpr int threadsOfGroup = GroupAttentionTile::threadsOfGroup;

GroupAttentionTile mad::device::groupAttentionTile(int groups) {
  GroupAttentionTile tile;
  tile.groups = groups;
  if (groups == 3)
    tile.copierRegisters = 32, tile.multiplierRegisters = 160;
  return tile;
}

llvm::Error mad::device::check(const GroupAttentionTile &tile, const AttentionSpec &spec) {
  if (!spec.element.isF16() && !spec.element.isBF16())
    return llvm::createStringError("groups of warps need elements of f16 or bf16");
  const std::tuple<StringRef, int, int, int, int> parameters[] = {
      {"width", spec.width, 16, 128, 16},
      {"widthV", spec.widthV, 16, 128, 16},
      {"groups", tile.groups, 1, 3, 1},
      {"stages", tile.stages, 2, 4, 1},
      {"copierRegisters", tile.copierRegisters, 24, 240, 8},
      {"multiplierRegisters", tile.multiplierRegisters, 24, 240, 8}};
  for (auto [name, value, least, most, step] : parameters)
    if (llvm::Error fault = checkParameter(name, value, least, most, step))
      return fault;
  if (llvm::Error fault =
          checkGroupRegisters(tile.groups, tile.copierRegisters, tile.multiplierRegisters))
    return fault;
  return checkShared(tile.sharedBytes(spec), sharedOfSm90);
}

namespace {
constexpr double log2e = 1.4426950408889634;
constexpr int boxBytes = 64 * 64 * 2;

struct GroupAttention {
  GpuBuilder &g;
  const AttentionSpec &spec;
  const GroupAttentionTile &tile;
  const GroupFactors &factors;
  Value rows, keys;
  Value first; ///< row of the tile
  Value group, thread, lane;
  Type f32;
  SmallVector<RowValues> mine; ///< the two rows of this lane
  Values seen;

  static constexpr int keysOfTile = GroupAttentionTile::keysOfTile;
  int across() const { return tile.padded(spec.width) / 64; }
  int acrossV() const { return tile.padded(spec.widthV) / 64; }
  int queryBytes() const { return tile.rowsOfBlock() * tile.padded(spec.width) * 2; }
  int bytesOfK() const { return keysOfTile * tile.padded(spec.width) * 2; }
  int bytesOfV() const { return keysOfTile * tile.padded(spec.widthV) * 2; }
  int tilesBytes() const { return queryBytes() + tile.stages * (bytesOfK() + bytesOfV()); }
  int powersBytes() const { return 2 * boxBytes; } ///< of a group
  Value mul(Value x, Value y) { return arith::MulFOp::create(g.b, x, y); }
  Value add(Value x, Value y) { return arith::AddFOp::create(g.b, x, y); }
  Value inside(Value row) { return g.min(row, g.sub(rows, 1)); }

  // Shared memory: Q, tiles of K, tiles of V, powers of the groups, barriers.
  Value atK(Value stage) { return g.add(g.mul(stage, bytesOfK()), queryBytes()); }
  Value atV(Value stage) {
    return g.add(g.mul(stage, bytesOfV()), queryBytes() + tile.stages * bytesOfK());
  }
  Value atPowers() { return g.add(g.mul(g.sub(group, 1), powersBytes()), tilesBytes()); }
  enum Which { FullK, EmptyK, FullV, EmptyV };
  int barriers() const { return tilesBytes() + tile.groups * powersBytes(); }
  Value barrier(Value stage, Which which) {
    return g.bytesAt(g.shared(), g.add(g.mul(stage, 32), barriers() + 16 + which * 8));
  }
  Value fullQ() { return g.bytesAt(g.shared(), barriers()); }
  Value emptyQ() { return g.bytesAt(g.shared(), barriers() + 8); }

  /// At least one: a tile is computed before it is known that there is another.
  Value keysOfBlock() {
    if (!spec.seen)
      return keys;
    Value last = inside(g.add(first, tile.rowsOfBlock() - 1));
    Value all = keysOf(g, spec, spec.row(g, last), keys);
    return g.select(g.equal(all, 0), g.number(1), all);
  }
  struct Place {
    Value stage, phase;
  };
  Place after(Place at) {
    Value next = g.add(at.stage, 1), wraps = g.equal(next, tile.stages);
    return {g.select(wraps, g.number(0), next), g.select(wraps, g.bitXor(at.phase, 1), at.phase)};
  }

  /// What is carried from one tile of rows of this block to the next: the place in both rings, and
  /// the phase of Q.
  void forTiles(Value phaseQ, llvm::function_ref<Values(ValueRange)> body) {
    const bool pairs = bool(spec.seen);
    Value down = g.ceilDiv(rows, tile.rowsOfBlock());
    Value units = pairs ? g.ceilDiv(down, 2) : down;
    Values initial{g.number(0), phaseQ, phaseQ};
    g.loop(g.block(), g.mul(units, factors.matrices), g.blocks(), initial,
           [&](Value number, ValueRange carried) -> Values {
             factors.enter(g.div(number, units));
             Value unit = g.rem(number, units);
             if (!pairs) {
               first = g.mul(unit, tile.rowsOfBlock());
               return body(carried);
             }
             Value other = g.sub(g.sub(down, 1), unit);
             Value count = g.select(g.equal(unit, other), g.number(1), g.number(2));
             return g.loop(0, count, 1, carried, [&](Value i, ValueRange now) {
               first = g.mul(g.select(g.equal(i, 0), other, unit), tile.rowsOfBlock());
               return body(now);
             });
           });
  }

  using Coordinates = std::function<Values(Value, Value)>;
  void copyBox(Value to, Value map, const Coordinates &in, Value barrier, int box, Value row) {
    g.copyTensor(g.bytesAt(g.shared(), to), map, barrier, in(g.number(box * 64), row));
  }

  /// The first wait for each place is for the phase before the first.
  void copy() {
    forTiles(g.number(1), [&](ValueRange carried) -> Values {
      g.barrierWait(emptyQ(), carried[2]);
      g.barrierExpect(fullQ(), queryBytes());
      for (int c = 0; c < across(); ++c)
        for (int part = 0; part < tile.groups; ++part)
          copyBox(g.number((c * tile.groups + part) * boxBytes), factors.q, factors.inQ, fullQ(), c,
                  g.add(first, part * 64));
      Values next =
          g.loop(0, keysOfBlock(), keysOfTile, carried.take_front(2),
                 [&](Value key, ValueRange now) { return copyTile(key, {now[0], now[1]}); });
      next.push_back(g.bitXor(carried[2], 1));
      return next;
    });
  }
  Values copyTile(Value key, Place at) {
    g.barrierWait(barrier(at.stage, EmptyK), at.phase);
    g.barrierExpect(barrier(at.stage, FullK), bytesOfK());
    for (int c = 0; c < across(); ++c)
      for (int half = 0; half < 2; ++half)
        copyBox(g.add(atK(at.stage), (c * 2 + half) * boxBytes), factors.k, factors.inK,
                barrier(at.stage, FullK), c, g.add(key, half * 64));
    g.barrierWait(barrier(at.stage, EmptyV), at.phase);
    g.barrierExpect(barrier(at.stage, FullV), bytesOfV());
    for (int half = 0; half < 2; ++half)
      for (int c = 0; c < acrossV(); ++c)
        copyBox(g.add(atV(at.stage), (half * acrossV() + c) * boxBytes), factors.v, factors.inV,
                barrier(at.stage, FullV), c, g.add(key, half * 64));
    Place next = after(at);
    return {next.stage, next.phase};
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
      Value a = descriptor(g.add(mineQ, c * tile.groups * boxBytes));
      Value b = descriptor(g.add(atK(stage), c * keysOfTile * 128));
      for (int step = 0; step < 4 && c * 64 + step * 16 < spec.width; ++step)
        sums = g.multiplyGroup(spec.element, keysOfTile, further(a, 2 * step), further(b, 2 * step),
                               sums); // 16 columns are 32 bytes
    }
    g.commitGroup();
    return sums;
  }

  /// Starts to add powers times V.
  Value startResult(Value stage, Value sums) {
    g.fenceGroup();
    for (int half = 0; half < 2; ++half) {
      Value a = descriptor(g.add(atPowers(), half * boxBytes));
      Value b = descriptor(g.add(atV(stage), half * acrossV() * boxBytes), /*acrossRows=*/true);
      for (int step = 0; step < 4; ++step) // 16 keys: 32 bytes of a row of powers, 16 rows of V
        sums = g.multiplyGroup(spec.element, spec.widthV, further(a, 2 * step),
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
        now = maximum(g, now, all[i]);
    for (int mask : {1, 2}) // the four lanes of a row
      now = maximum(g, now, g.shuffleXor(now, mask));
    Value by = g.f32(log2e), base = baseOfScores(g, now);
    if (!spec.score)
      by = mul(spec.scale, by);
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
    if (spec.score)
      for (auto [i, sum] : llvm::enumerate(all)) {
        Value column = g.min(columnOf(key, i / 4, i % 2), g.sub(keys, 1));
        sum = spec.score(g, mine[i / 2 % 2], sum, column);
      }
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
    forTiles(g.number(0), [&](ValueRange carried) -> Values {
      mine.clear(), seen.clear();
      for (int half = 0; half < 2; ++half) {
        mine.push_back(spec.row(g, inside(rowOf(half))));
        seen.push_back(keysOf(g, spec, mine.back(), keys));
      }
      g.barrierWait(fullQ(), carried[2]);
      Values next = multiplyTile({carried[0], carried[1]}, keysOfBlock());
      next.push_back(g.bitXor(carried[2], 1));
      return next;
    });
  }

  /// The scores of the last tile of keys are there: Q of the next tile of rows may come.
  void releaseQuery(Value next, Value end) {
    Value last = g.equal(g.min(next, end), end);
    g.when(g.both(g.equal(thread, 0), last), [&] { g.barrierArrive(emptyQ()); });
  }

  /// While the result takes up one tile of keys, the powers of the next are computed: its scores
  /// are ready before. So the first tile's powers come before the loop, and its result after the
  /// second's scores. Returns the next place in the rings.
  Values multiplyTile(Place at, Value end) {
    const int count = spec.widthV / 2;
    Values state{g.f32(-INFINITY), g.f32(0), g.f32(-INFINITY), g.f32(0)};
    g.barrierWait(barrier(at.stage, FullK), at.phase);
    Value sums = startScores(at.stage);
    g.waitGroup(0);
    release(at.stage, EmptyK);
    releaseQuery(g.number(keysOfTile), end);
    Values all = elements(g.settled(sums), keysOfTile / 2);
    (void)toPowers(all, g.number(0), state);
    storePowers(all);
    Place second = after(at);
    Values carried{at.stage, at.phase, second.stage, second.phase};
    carried.append(state);
    carried.append(count, g.f32(0));
    Values last =
        g.loop(keysOfTile, end, keysOfTile, carried, [&](Value key, ValueRange now) -> Values {
          Value stageV = now[0], phaseV = now[1], stage = now[2];
          g.barrierWait(barrier(stage, FullK), now[3]);
          Value next = startScores(stage);
          g.barrierWait(barrier(stageV, FullV), phaseV);
          Value result = startResult(stageV, structure(now.drop_front(8), spec.widthV));
          g.waitGroup(1);
          release(stage, EmptyK);
          releaseQuery(g.add(key, keysOfTile), end);
          Values all = elements(g.settled(next), keysOfTile / 2), state(now.slice(4, 4));
          Values factors = toPowers(all, key, state);
          g.waitGroup(0);
          release(stageV, EmptyV);
          Values scaled = elements(g.settled(result), count);
          for (auto [i, x] : llvm::enumerate(scaled))
            x = mul(x, factors[i / 2 % 2]);
          storePowers(all);
          Place behind = after({stage, now[3]});
          Values made{stage, now[3], behind.stage, behind.phase};
          made.append(state);
          made.append(scaled);
          return made;
        });
    g.barrierWait(barrier(last[0], FullV), last[1]);
    Value result = startResult(last[0], structure(ValueRange(last).drop_front(8), spec.widthV));
    g.waitGroup(0);
    release(last[0], EmptyV);
    store(ArrayRef<Value>(last).slice(4, 4), elements(g.settled(result), count));
    return {last[2], last[3]};
  }

  Value rowOf(int half) {
    Value warp = g.div(thread, lanesOfWarp);
    Value start = g.add(g.add(first, g.mul(g.sub(group, 1), 64)), g.mul(warp, 16));
    return g.add(g.add(start, g.div(lane, 4)), half * 8);
  }

  void store(ValueRange state, ValueRange results) {
    Value zero = unknownZero(g, factors.memory, keys);
    for (int half = 0; half < 2; ++half) {
      Value most = state[2 * half], sum = state[2 * half + 1];
      if (!spec.score)
        most = mul(most, spec.scale);
      for (int mask : {1, 2})
        sum = add(sum, g.shuffleXor(sum, mask));
      // The four lanes of a row exchange pairs of columns, so that each has 8 neighbours.
      struct Stored {
        Value column;
        Values sums;
      };
      SmallVector<Stored> all;
      Value t = g.rem(lane, 4);
      int j = 0;
      for (; j + 4 <= spec.widthV / 8; j += 4) {
        Values even, odd, sums;
        for (int i = j; i < j + 4; ++i) {
          even.push_back(results[4 * i + 2 * half]);
          odd.push_back(results[4 * i + 2 * half + 1]);
        }
        exchangeQuads(g, even, t);
        exchangeQuads(g, odd, t);
        for (auto [x, y] : llvm::zip(even, odd))
          sums.append({x, y});
        all.push_back({g.add(g.mul(t, 8), j * 8), sums});
      }
      for (; j < spec.widthV / 8; ++j)
        all.push_back({g.add(g.mul(t, 2), j * 8), Values(results.slice(4 * j + 2 * half, 2))});
      // Computed here, and not before the loop, where they would take registers.
      Value row = g.add(rowOf(half), zero);
      g.when(g.less(row, rows), [&] {
        RowValues values = spec.row(g, row);
        Values finished = spec.finish(g, values, most, baseOfScores(g, most), sum);
        for (const Stored &group : all)
          storeColumns(g, spec, values, finished, group.column, group.sums);
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
      g.barrierInit(emptyQ(), tile.groups);
      for (int stage = 0; stage < tile.stages; ++stage)
        for (Which which : {FullK, EmptyK, FullV, EmptyV})
          g.barrierInit(barrier(g.number(stage), which),
                        which == FullK || which == FullV ? 1 : tile.groups);
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

void mad::device::writeGroupAttention(GpuBuilder &g, const AttentionSpec &spec,
                                      const GroupAttentionTile &tile, Value rows, Value keys,
                                      const GroupFactors &factors) {
  // Loops of one round would be none, and ptxas then lets products no longer overlap. The zero is
  // known to be at most 1: so it is made what might be many rounds.
  Value zero = g.shiftLeft(unknownZero(g, factors.memory, keys), 20);
  rows = g.add(rows, zero), keys = g.add(keys, zero);
  GroupAttention{g, spec, tile, factors, rows, keys, {}, {}, {}, {}, {}, {}, {}}.write();
}

llvm::Expected<Kernel> mad::device::makeGroupAttention(gpu::GPUModuleOp module, StringRef name,
                                                       const AttentionForm &form,
                                                       const GroupAttentionTile &tile) {
  AttentionSpec spec = attentionSpec(form);
  llvm::Expected<KernelSignature> signature = attentionSignature(module, name, tile, spec);
  if (!signature)
    return signature.takeError();
  signature->sharedAlignment = 1024; // of swizzled tiles
  signature->blocksAtOnce = 1;       // ptxas must know how many registers the block starts with
  for (int i : {0, 1, 2})
    signature->arguments[i] = tensorMap(module.getContext());
  signature->arguments.append(2, IntegerType::get(module.getContext(), 32));
  return makeKernel(module, *signature, [&](GpuBuilder &g, ValueRange all) {
    Value heads = all[7], head, batch;
    GroupFactors factors;
    factors.q = all[0], factors.k = all[1], factors.v = all[2], factors.memory = all[3];
    factors.matrices = g.mul(heads, all[8]);
    factors.enter = [&](Value matrix) {
      head = g.rem(matrix, heads), batch = g.div(matrix, heads);
      (void)setAttention(g, spec, form, all, {heads, head, batch});
    };
    factors.inQ = factors.inK = factors.inV = [&](Value column, Value row) -> Values {
      return {g.add(g.mul(head, form.width), column), row, batch};
    };
    factors.enter(g.number(0)); // Whether all rows see all keys.
    writeGroupAttention(g, spec, tile, all[4], all[5], factors);
  });
}
