//===- ByteTables.cpp - Few rows of bytes times a weight of one bit ---------===//
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
#include "dialects/Lut/Format/Arrangement.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Kernels/AccumulatorBounds.h"
#include "passes/Kernels/FewByteRows.h"

using namespace mlir;

namespace mad::kernels {
namespace {

using lut::partBlocks, lut::fewLarge;
using lut::tableBytes, lut::tableCodes, lut::tableSums;

/// Activations and tables of a step, steps and activations of a block, bytes of the sums of its
/// tables, and of their halves.
constexpr int64_t perStep = 8, inStep = perStep / tableCodes, inBlock = 4;
constexpr int64_t perBlock = inBlock * perStep, blockSums = inBlock * inStep * tableSums;
/// Activations and tables of a whole part, of which bytes hold the sums.
constexpr int64_t perPart = partBlocks * perBlock, inPart = partBlocks * inBlock * inStep;
// Sums are n times the mean less a remainder by 256; of halves twice that, and less up to n.
static_assert(meanError(inPart) < 256 && 2 * meanError(inPart) + inPart < 256);
static_assert(2 * inPart * mostOfTable < 65536);
/// Rows of codes, a line of memory each, that are asked for before they are needed.
constexpr int64_t rowsAhead = 64;

Value call(ImplicitLocOpBuilder &b, StringRef name, Type type, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), operands).getResult(0);
}

/// Blocks of each group, where it is one part and there is a kernel for so many; 0: any number.
int64_t knownBlocks(const LutKernel &kernel) {
  int64_t group = kernel.format.group;
  bool few = group >= perBlock && group <= perPart && llvm::isPowerOf2_64(group);
  return few && !kernel.cutBlocks ? group / perBlock : 0;
}

class TableMaker {
public:
  TableMaker(ImplicitLocOpBuilder &b, const LutKernel &kernel, ValueRange a)
      : b(b), i(b), kernel(kernel), source(a[0]), tables(a[1]), sums(a[2]),
        shape(b, kernel, a.slice(3, ByteShape::size)), from(a[7]), to(a[8]),
        bytes(VectorType::get({perBlock}, b.getI8Type())),
        words(VectorType::get({perBlock / 4}, b.getI32Type())) {
    if (kernel.cutBlocks)
      buffer = memref::AllocaOp::create(b, MemRefType::get({perBlock}, b.getI8Type()),
                                        b.getI64IntegerAttr(64));
  }

  void emit() {
    Value parts = i.ceilDiv(shape.blocks, partBlocks);
    forRange(b, from, to, 1, [&](Value t) {
      Value row = i.mul(i.mul(t, shape.stride), tableBytes / tableCodes);
      forRange(b, i.constant(0), shape.groups, 1, [&](Value g) {
        Value at = i.add(row, i.mul(i.mul(g, shape.blocks), 2 * blockSums));
        Value number = i.mul(i.add(i.mul(t, shape.groups), g), parts);
        forRange(b, i.constant(0), parts, 1, [&](Value p) {
          memref::StoreOp::create(b, part(t, g, p, at), sums, i.add(number, p));
        });
      });
    });
  }

private:
  Value number(int64_t value) { return arith::ConstantIntOp::create(b, value, 32); }
  Value splat(VectorType type, int64_t value) {
    Attribute element = b.getIntegerAttr(type.getElementType(), value);
    return arith::ConstantOp::create(b, DenseElementsAttr::get(type, element));
  }

  /// The tables of a part of a group. Answers what there is for it in `sums`.
  Value part(Value t, Value g, Value p, Value at) {
    Value low = i.mul(g, shape.group), high = i.min(i.add(low, shape.group), shape.K);
    Value first = i.mul(shape.firstStep(g), perStep);
    Value from = i.mul(p, partBlocks), to = i.min(i.add(from, partBlocks), shape.blocks);
    auto loop =
        scf::ForOp::create(b, from, to, i.constant(1), ValueRange{splat(words, 0), number(0)});
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value n = loop.getInductionVar();
      Value x = activations(t, i.add(first, i.mul(n, perBlock)), low, high);
      Value positive = arith::MaxSIOp::create(b, x, splat(bytes, 0));
      Value negative = arith::SubIOp::create(b, positive, x);
      Value sizes = fours(arith::AddIOp::create(b, positive, negative));
      Value place = i.add(at, i.mul(n, blockSums));
      store(positive, negative, place, i.add(place, i.mul(shape.blocks, blockSums)));
      scf::YieldOp::create(b,
                           ValueRange{arith::AddIOp::create(b, loop.getRegionIterArgs()[0], sizes),
                                      largeOf(sizes, loop.getRegionIterArgs()[1], i.sub(n, from))});
    }
    Value sum = vector::ReductionOp::create(b, vector::CombiningKind::ADD, loop.getResult(0));
    Value halves = i.add(at, i.mul(i.add(from, shape.blocks), blockSums));
    Value whole = i.lessOrEqual(i.constant(partBlocks), i.sub(to, from));
    return arith::AddIOp::create(b, arith::AddIOp::create(b, sum, sum),
                                 large(loop.getResult(1), whole, halves));
  }

  /// Adds a bit for each table of a block that has sums of more than 255.
  Value largeOf(Value sizes, Value before, Value block) {
    Value large = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, sizes, splat(words, 255));
    Value bits = vector::BitCastOp::create(b, VectorType::get({1}, b.getI8Type()), large);
    bits = vector::ExtractOp::create(b, bits, int64_t(0));
    bits = arith::ExtUIOp::create(b, b.getI32Type(), bits);
    Value place =
        arith::IndexCastOp::create(b, b.getI32Type(), i.mul(block, perBlock / tableCodes));
    return arith::OrIOp::create(b, before, arith::ShLIOp::create(b, bits, place));
  }

  /// What tables of a part with large sums add to its number: where they are few, they are told
  /// apart from `place` on.
  Value large(Value tables, Value whole, Value place) {
    Value count = LLVM::CtPopOp::create(b, b.getI32Type(), tables);
    Value few = arith::CmpIOp::create(b, arith::CmpIPredicate::sle, count, number(fewLarge));
    few = arith::AndIOp::create(b, few, whole);
    Value any = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, count, number(0));
    Value many = arith::ExtUIOp::create(b, b.getI32Type(), any);
    auto choice = scf::IfOp::create(b, b.getI32Type(), few, /*withElse=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.elseBlock());
    scf::YieldOp::create(b, many);
    b.setInsertionPointToStart(choice.thenBlock());
    each(tables, count, [&](Value table, Value n) { tell(table, n, place); });
    // Behind all of them: these bytes are halves of a table that may be one.
    each(tables, count, [&](Value table, Value n) {
      Value number = arith::TruncIOp::create(b, b.getI8Type(), table);
      memref::StoreOp::create(b, number, this->tables,
                              i.add(place, i.add(n, fewLarge * tableSums)));
    });
    scf::YieldOp::create(b, arith::ShLIOp::create(b, count, number(16)).getResult());
    return choice.getResult(0);
  }

  /// Each of `count` bits that are set, the lowest one first.
  void each(Value bits, Value count, function_ref<void(Value bit, Value n)> body) {
    Value end = arith::IndexCastOp::create(b, b.getIndexType(), count);
    auto loop = scf::ForOp::create(b, i.constant(0), end, i.constant(1), bits);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value left = loop.getRegionIterArgs()[0];
    body(LLVM::CountTrailingZerosOp::create(b, b.getI32Type(), left, true), loop.getInductionVar());
    Value others = arith::AndIOp::create(b, left, arith::SubIOp::create(b, left, number(1)));
    scf::YieldOp::create(b, others);
  }

  /// Which sums of a table are more than 255, those whose halves are, in place `n` of the halves.
  /// Its own are not overwritten before.
  void tell(Value table, Value n, Value place) {
    auto type = VectorType::get({tableSums}, b.getI8Type());
    Value offset = i.mul(arith::IndexCastOp::create(b, b.getIndexType(), table), tableSums);
    Value at = i.add(place, offset);
    Value half = vector::LoadOp::create(b, type, tables, at);
    Value sum = vector::LoadOp::create(b, type, tables, i.sub(at, i.mul(shape.blocks, blockSums)));
    // The half of 255, too, is 128.
    Value high = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, half, splat(type, 0));
    Value other = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, sum, splat(type, -1));
    Value more = arith::SelectOp::create(b, arith::AndIOp::create(b, high, other), splat(type, 2),
                                         splat(type, 0));
    vector::StoreOp::create(b, more, tables, i.add(place, i.mul(n, tableSums)));
  }

  /// The activations of a block; those of other groups count as 0.
  Value activations(Value t, Value k, Value low, Value high) {
    if (!kernel.cutBlocks)
      return vector::LoadOp::create(b, bytes, source, ValueRange{t, k});
    forRange(b, i.constant(0), i.constant(perBlock), 1, [&](Value n) {
      Value place = i.add(k, n), end = i.sub(shape.K, i.constant(1));
      Value inside = arith::AndIOp::create(b, i.lessOrEqual(low, place), i.less(place, high));
      Value read = memref::LoadOp::create(b, source, ValueRange{t, i.min(place, end)});
      Value zero = arith::ConstantIntOp::create(b, 0, 8);
      memref::StoreOp::create(b, arith::SelectOp::create(b, inside, read, zero), buffer, n);
    });
    return vector::LoadOp::create(b, bytes, buffer, ValueRange{i.constant(0)});
  }

  /// Sums of four bytes each, which are up to 127.
  Value fours(Value sizes) {
    auto halves = VectorType::get({perBlock / 2}, b.getI16Type());
    Value twos = call(b, "llvm.x86.avx2.pmadd.ub.sw", halves, {sizes, splat(bytes, 1)});
    return call(b, "llvm.x86.avx2.pmadd.wd", words, {twos, splat(halves, 1)});
  }

  /// `of(n)` of the 16 bytes of each half of `x`, or of all of `x` and `y` behind it.
  Value chosen(Value x, Value y, function_ref<int64_t(int64_t half, int64_t n)> of) {
    SmallVector<int64_t> places;
    for (int64_t e = 0; e < perBlock; ++e)
      places.push_back(of(e / 16, e % 16));
    return vector::ShuffleOp::create(b, x, y, places);
  }

  /// A bit that is set adds the activation if it is positive, and one that is not takes it off
  /// if it is negative.
  void store(Value positive, Value negative, Value sums, Value halves) {
    for (int64_t odd = 0; odd < 2; ++odd) {
      // Of the steps `odd` and `odd + 2`, one in each half: what codes 0 and 1 add.
      Value pairs = chosen(negative, positive, [&](int64_t half, int64_t n) {
        return 16 * half + 8 * odd + n / 2 + n % 2 * perBlock;
      });
      // What codes 0 and 1 of a table add together in four bytes, behind them codes 2 and 3.
      Value first = chosen(pairs, pairs,
                           [](int64_t half, int64_t n) { return 16 * half + n / 4 * 4 + n % 2; });
      Value second = chosen(pairs, pairs, [](int64_t half, int64_t n) {
        return 16 * half + n / 4 * 4 + 2 + n / 2 % 2;
      });
      Value both = arith::AddIOp::create(b, first, second);
      for (int64_t half = 0; half < 2; ++half) {
        int64_t offset = (odd + 2 * half) * inStep * tableSums;
        storeStep(both, half, i.add(sums, offset), i.add(halves, offset));
      }
    }
  }

  /// Both tables of the step in a half of `both`.
  void storeStep(Value both, int64_t half, Value sums, Value halves) {
    Value low =
        chosen(both, both, [&](int64_t table, int64_t n) { return 16 * half + 8 * table + n % 4; });
    Value high = chosen(
        both, both, [&](int64_t table, int64_t n) { return 16 * half + 8 * table + 4 + n / 4; });
    vector::StoreOp::create(b, arith::AddIOp::create(b, low, high), tables, sums);
    Value average = call(b, "llvm.x86.avx2.pavg.b", bytes, {low, high});
    vector::StoreOp::create(b, average, tables, halves);
  }

  ImplicitLocOpBuilder &b;
  Index i;
  const LutKernel &kernel;
  Value source, tables, sums;
  ByteShape shape;
  Value from, to;
  VectorType bytes, words;
  Value buffer; ///< of a block, where some of its activations are those of other groups
};

class TableRows : public FewByteRows {
public:
  TableRows(ImplicitLocOpBuilder &b, const LutKernel &kernel, ByteUnit unit, ValueRange a)
      : FewByteRows(b, kernel, unit, a) {
    // All of a panel, so that lines of codes are read once, and one branch is for more columns.
    if (kernel.packed)
      tiles = lutPanel / unit.columns();
    known = knownBlocks(kernel);
    straight = unit.vbmi;
    totals = memref::AllocaOp::create(b, MemRefType::get({tiles * unit.columns()}, b.getF32Type()),
                                      b.getI64IntegerAttr(64));
  }

private:
  Value intrinsic(StringRef name, Type type, ValueRange operands) {
    std::string all = unit.level >= 4 ? "llvm.x86.avx512." : "llvm.x86.avx2.";
    all += name;
    if (unit.level >= 4)
      all += ".512";
    return call(b, all, type, operands);
  }

  Value table(Value at) {
    Value read = vector::LoadOp::create(b, VectorType::get({tableSums}, b.getI8Type()), rows, at);
    SmallVector<int64_t> chosen;
    for (int64_t e = 0; e < unit.bytes(); ++e)
      chosen.push_back(e % tableSums);
    return vector::ShuffleOp::create(b, read, read, chosen);
  }

  /// Parts of 16 bytes of two registers, in turn.
  Value interleaved(Value x, Value y, int64_t half) {
    int64_t elements = cast<VectorType>(x.getType()).getNumElements();
    int64_t part = elements / (unit.bytes() / 16);
    SmallVector<int64_t> chosen;
    for (int64_t e = 0; e < elements; ++e)
      chosen.push_back(e / part * part + half * part / 2 + e % part / 2 + e % 2 * elements);
    return vector::ShuffleOp::create(b, x, y, chosen);
  }

  /// The columns of each tile. All are summed at once, so that tables are loaded once.
  using Tiles = SmallVector<ByteCodes::Columns>;

  void tile(Value t, Value column, Value left) override {
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(dot.floats()));
    for (int64_t n = 0; n < tiles * byteTile; ++n)
      vector::StoreOp::create(b, zero, totals, i.constant(n * unit.lanes()));
    Tiles all(tiles, codes.columns(column, left));
    for (int64_t n = 0; kernel.packed && n < tiles; ++n)
      all[n].inPanel = i.constant(n * unit.columns());
    forRange(b, i.constant(0), shape.groups, 1, [&](Value g) {
      Value row = i.add(i.mul(i.mul(t, shape.stride), tableBytes / tableCodes),
                        i.mul(i.mul(g, shape.blocks), 2 * blockSums));
      if (!known)
        return add(inWords(row, t, g, all), g, all);
      Number number = numberOf(i.add(i.mul(t, shape.groups), g));
      auto withHalves = [&](bool halves) {
        add(inFloats(row, shape.firstStep(g), all, number, halves), g, all);
      };
      when(b, number.halves, [&] { withHalves(true); }, [&] { withHalves(false); });
    });
    for (int64_t n = 0; n < tiles; ++n) {
      SmallVector<Value> sums;
      for (int64_t v = 0; v < byteTile; ++v)
        sums.push_back(vector::LoadOp::create(
            b, dot.floats(), totals, ValueRange{i.constant((n * byteTile + v) * unit.lanes())}));
      int64_t offset = n * unit.columns();
      store(t, i.add(column, offset), left ? i.sub(left, i.constant(offset)) : left, sums,
            straight);
    }
  }

  /// Of a part: the sum of the sizes of its activations, whether halves are needed, and else how
  /// many tables have large sums.
  struct Number {
    Value sizes, halves, large;
  };
  Number numberOf(Value place) {
    auto word = [&](int64_t value) { return arith::ConstantIntOp::create(b, value, 32); };
    Value all = memref::LoadOp::create(b, sums, place);
    Value sizes = arith::ShRUIOp::create(b, arith::AndIOp::create(b, all, word(65535)), word(1));
    Value large = arith::ShRUIOp::create(b, all, word(16));
    return {sizes, arith::TruncIOp::create(b, b.getI1Type(), all),
            arith::IndexCastUIOp::create(b, b.getIndexType(), large)};
  }

  /// Adds sums of a group to the totals.
  void add(ValueRange numbers, Value g, ArrayRef<ByteCodes::Columns> all) {
    for (auto [n, columns] : llvm::enumerate(all)) {
      SmallVector<Value> scales =
          straight ? codes.straightScales(g, columns) : codes.scales(g, columns);
      for (unsigned v = 0; v < byteTile; ++v) {
        int64_t number = int64_t(n) * byteTile + v;
        Value at = i.constant(number * unit.lanes());
        Value before = vector::LoadOp::create(b, dot.floats(), totals, at);
        Value product = arith::MulFOp::create(b, numbers[number], scales[v]);
        vector::StoreOp::create(b, arith::AddFOp::create(b, before, product), totals, at);
      }
    }
  }

  /// The sums of a group of few tables. Behind 0x4b00 16 bits are those of 2^23 and more in f32.
  SmallVector<Value> inFloats(Value row, Value step, ArrayRef<ByteCodes::Columns> all,
                              const Number &number, bool halves) {
    SmallVector<Value> sums = bytes(row, step, all, known * inBlock, halves);
    if (!halves && known == partBlocks)
      sums = withLarge(sums, row, step, all, number.large);
    Value high = dot.splat(dot.halves(), 0x4b00);
    Value less =
        arith::AddIOp::create(b, number.sizes, arith::ConstantIntOp::create(b, 0x4b000000, 32));
    less = vector::BroadcastOp::create(b, dot.words(), less);
    less = vector::BitCastOp::create(b, dot.floats(), less);
    SmallVector<Value> numbers;
    for (unsigned v = 0; v < 2 * sums.size(); ++v) {
      Value bits = interleaved(sums[v / 2], high, v % 2);
      numbers.push_back(
          arith::SubFOp::create(b, vector::BitCastOp::create(b, dot.floats(), bits), less));
    }
    return numbers;
  }

  /// The same of any group, part by part. The blocks of one that is not whole are taken one by one.
  SmallVector<Value> inWords(Value row, Value t, Value g, ArrayRef<ByteCodes::Columns> all) {
    Value step = shape.firstStep(g), parts = i.ceilDiv(shape.blocks, partBlocks);
    Value number = i.mul(i.add(i.mul(t, shape.groups), g), parts);
    Value whole = b.createOrFold<arith::DivUIOp>(shape.blocks, i.constant(partBlocks));
    SmallVector<Value> words(all.size() * byteTile, dot.splat(dot.words(), 0));
    auto loop = [&](Value from, Value to, function_ref<void(Value)> body) {
      auto loop = scf::ForOp::create(b, from, to, i.constant(1), words);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      words.assign(loop.getRegionIterArgs().begin(), loop.getRegionIterArgs().end());
      body(loop.getInductionVar());
      scf::YieldOp::create(b, words);
      words.assign(loop.getResults().begin(), loop.getResults().end());
    };
    auto blocks = [&](Value first, int64_t count, bool halves) {
      return bytes(i.add(row, i.mul(first, blockSums)), i.add(step, i.mul(first, inBlock)), all,
                   count * inBlock, halves);
    };
    loop(i.constant(0), whole, [&](Value p) {
      Number its = numberOf(i.add(number, p));
      SmallVector<Type> types(2 * all.size(), dot.halves());
      auto choice = scf::IfOp::create(b, types, its.halves, /*withElse=*/true);
      for (bool halves : {true, false}) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(halves ? choice.thenBlock() : choice.elseBlock());
        Value first = i.mul(p, partBlocks);
        SmallVector<Value> sums = blocks(first, partBlocks, halves);
        if (!halves)
          sums = withLarge(sums, i.add(row, i.mul(first, blockSums)),
                           i.add(step, i.mul(first, inBlock)), all, its.large);
        scf::YieldOp::create(b, sums);
      }
      widened(choice.getResults(), its.sizes, words);
    });
    Value none = arith::ConstantIntOp::create(b, 0, 32);
    loop(i.mul(whole, partBlocks), shape.blocks,
         [&](Value block) { widened(blocks(block, 1, /*halves=*/true), none, words); });
    // Once, where there are such blocks.
    Value rest = numberOf(i.add(number, i.sub(parts, i.constant(1)))).sizes;
    rest = arith::SelectOp::create(b, i.less(whole, parts), rest, none);
    rest = vector::BroadcastOp::create(b, dot.words(), rest);
    for (Value &word : words) {
      word = arith::SubIOp::create(b, word, rest);
      word = arith::SIToFPOp::create(b, dot.floats(), word);
    }
    return words;
  }

  /// Adds sums of 16 bits, less the sizes, to words.
  void widened(ValueRange sums, Value sizes, SmallVector<Value> &words) {
    Value less = vector::BroadcastOp::create(b, dot.words(), sizes);
    Value none = dot.splat(dot.halves(), 0);
    for (unsigned v = 0; v < words.size(); ++v) {
      Value wide = interleaved(sums[v / 2], none, v % 2);
      wide = vector::BitCastOp::create(b, dot.words(), wide);
      words[v] = arith::SubIOp::create(b, arith::AddIOp::create(b, words[v], wide), less);
    }
  }

  /// Twice the sums of some steps, of half of the columns of a tile each, as `spread` says. With
  /// `halves` the averages are those of halves.
  SmallVector<Value> bytes(Value at, Value step, ArrayRef<ByteCodes::Columns> all, int64_t steps,
                           bool halves) {
    Value four = dot.splat(dot.halves(), 4);
    SmallVector<Value> sums(all.size());
    SmallVector<Mean> means(all.size());
    auto average = [&](Value x, Value y) { return intrinsic("pavg.b", dot.bytes(), {x, y}); };
    for (int64_t n = 0; n < steps; ++n) {
      Value row = codes.rowOf(i.add(step, n)), place = i.add(at, n * inStep * tableSums);
      Value behind = i.mul(shape.blocks, blockSums), tables[inStep], others[inStep];
      codes.prefetch(row, all.front(), rowsAhead);
      for (int64_t second = 0; second < inStep; ++second) {
        tables[second] = table(i.add(place, second * tableSums));
        if (halves)
          others[second] = table(i.add(i.add(place, second * tableSums), behind));
      }
      for (auto [columns, sum, mean] : llvm::zip_equal(all, sums, means)) {
        Value read = codes.row(row, columns);
        for (int64_t second = 0; second < inStep; ++second) {
          Value index = indexOf(second ? shifted(read, four) : read);
          Value entry = lookUp(tables[second], index);
          sum = sum ? arith::AddIOp::create(b, sum, entry).getResult() : entry;
          mean.add(halves ? lookUp(others[second], index) : entry, average);
        }
        // LLVM would add the bytes up in another order, and hold them in memory until then.
        sum = inRegister(b, sum);
      }
    }
    SmallVector<Value> made;
    for (auto [sum, mean] : llvm::zip_equal(sums, means)) {
      auto [low, high] = doubled(sum, mean.result(), steps * inStep, halves);
      made.append({low, high});
    }
    return made;
  }

  /// Adds 256 for each sum of the tables with large ones that is more than 255. There are few.
  SmallVector<Value> withLarge(ValueRange sums, Value at, Value step,
                               ArrayRef<ByteCodes::Columns> all, Value count) {
    Value list = i.add(at, i.mul(shape.blocks, blockSums));
    auto loop = scf::ForOp::create(b, i.constant(0), count, i.constant(1), sums);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value n = loop.getInductionVar();
    Value byte = memref::LoadOp::create(b, rows, i.add(list, i.add(n, fewLarge * tableSums)));
    Value number = arith::IndexCastUIOp::create(b, b.getIndexType(), byte);
    Value inRow = b.createOrFold<arith::RemUIOp>(number, i.constant(inStep));
    Value offset = b.createOrFold<arith::DivUIOp>(number, i.constant(inStep));
    Value row = codes.rowOf(i.add(step, offset));
    Value by = arith::IndexCastOp::create(b, b.getI16Type(), i.mul(inRow, tableCodes));
    by = vector::BroadcastOp::create(b, dot.halves(), by);
    Value more = table(i.add(list, i.mul(n, tableSums))), none = dot.splat(dot.bytes(), 0);
    SmallVector<Value> made;
    for (auto [tile, columns] : llvm::enumerate(all)) {
      Value entry = spread(lookUp(more, indexOf(shifted(codes.row(row, columns), by))));
      for (int64_t half = 0; half < 2; ++half) {
        Value wide = vector::BitCastOp::create(b, dot.halves(), interleaved(none, entry, half));
        made.push_back(arith::AddIOp::create(b, loop.getRegionIterArgs()[2 * tile + half], wide));
      }
    }
    scf::YieldOp::create(b, made);
    return llvm::to_vector(ValueRange(loop.getResults()));
  }

  Value shifted(Value bytes, Value by) {
    Value bits = vector::BitCastOp::create(b, dot.halves(), bytes);
    return vector::BitCastOp::create(b, dot.bytes(), arith::ShRUIOp::create(b, bits, by));
  }

  /// The lowest four bits of each byte, if an instruction needs them alone: that of VBMI takes six,
  /// of which the table does not depend on the others.
  Value indexOf(Value bits) {
    return unit.vbmi ? bits
                     : arith::AndIOp::create(b, bits, dot.splat(dot.bytes(), 15)).getResult();
  }

  Value lookUp(Value table, Value index) {
    if (unit.vbmi)
      return call(b, "llvm.x86.avx512.permvar.qi.512", dot.bytes(), {table, index});
    return intrinsic("pshuf.b", dot.bytes(), {table, index});
  }

  /// Averages of pairs, of pairs of those and so on, of a power of two numbers.
  class Mean {
  public:
    void add(Value number, function_ref<Value(Value, Value)> average) {
      for (int64_t n = count++; n & 1; n >>= 1)
        number = average(open.pop_back_val(), number);
      open.push_back(number);
    }
    Value result() const {
      assert(open.size() == 1 && "not a power of two");
      return open.front();
    }

  private:
    int64_t count = 0;
    SmallVector<Value> open;
  };

  /// With `straight`, fours of columns in an order of which interleaving parts of 16 bytes, twice,
  /// makes registers of columns that follow each other.
  Value spread(Value bytes) {
    if (!straight)
      return bytes;
    int64_t parts = unit.bytes() / 16;
    SmallVector<int64_t> chosen;
    for (int64_t e = 0; e < unit.lanes(); ++e)
      chosen.push_back(e % 4 * parts + e / 4);
    Value fours = vector::BitCastOp::create(b, dot.words(), bytes);
    fours = vector::ShuffleOp::create(b, fours, fours, chosen);
    return vector::BitCastOp::create(b, dot.bytes(), fours);
  }

  /// Twice the sums of n bytes: n times the mean, of halves twice that, is too large by what
  /// differs from the sum modulo 256.
  std::pair<Value, Value> doubled(Value sum, Value mean, int64_t n, bool halves) {
    int64_t factor = halves ? 2 * n : n;
    Value shift = dot.splat(dot.bytes(), llvm::Log2_64(factor));
    Value error = arith::SubIOp::create(b, arith::ShLIOp::create(b, mean, shift), sum);
    mean = spread(mean), error = spread(error);
    // Weights are bytes with a sign.
    int64_t times = factor <= 63 ? 2 : 1;
    SmallVector<Attribute> values;
    for (int64_t e = 0; e < unit.bytes(); ++e)
      values.push_back(b.getI8IntegerAttr(int8_t(e % 2 ? -times : times * factor)));
    Value weights = arith::ConstantOp::create(b, DenseElementsAttr::get(dot.bytes(), values));
    auto part = [&](int64_t half) -> Value {
      Value made = intrinsic(unit.level >= 4 ? "pmaddubs.w" : "pmadd.ub.sw", dot.halves(),
                             {interleaved(mean, error, half), weights});
      return times == 2 ? made : arith::AddIOp::create(b, made, made);
    };
    return {part(0), part(1)};
  }

  int64_t known; ///< `knownBlocks`
  bool straight; ///< registers have columns that follow each other
  Value totals;  ///< of the columns of all tiles
};

} // namespace

func::FuncOp KernelLibrary::byteTables(const LutKernel &kernel) {
  Builder b(module.getContext());
  SmallVector<Type> types{rows(b.getI8Type()), flat(b.getI8Type()), flat(b.getI32Type())};
  types.append(ByteShape::size + 2, b.getIndexType());
  return find(kernel.cutBlocks ? "byte_tables.cut" : "byte_tables", types,
              [&](ImplicitLocOpBuilder &b, ValueRange a) { TableMaker(b, kernel, a).emit(); });
}

func::FuncOp KernelLibrary::multiplyByteTables(const LutKernel &kernel, const ByteUnit &unit) {
  Builder b(module.getContext());
  SmallVector<Type> types{flat(b.getI8Type()), flat(b.getI32Type()), flat(b.getF32Type())};
  llvm::append_range(types, lutParts(kernel));
  types.push_back(rows(b.getF32Type()));
  types.append(ByteShape::size + 4, b.getIndexType());
  std::string name = "multiply_byte_tables." + kernel.name();
  if (int64_t blocks = knownBlocks(kernel))
    name += "." + std::to_string(blocks * perBlock);
  return find(name, unit, types,
              [&](ImplicitLocOpBuilder &b, ValueRange a) { TableRows(b, kernel, unit, a).emit(); });
}

} // namespace mad::kernels
