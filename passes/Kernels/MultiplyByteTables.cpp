//===- MultiplyByteTables.cpp - Rows of bytes times a weight of one bit -----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Kernels/ByteTables.h"

using namespace mlir;

namespace mad::kernels {
namespace {

using lut::partBlocks, lut::fewLarge;
using lut::tableBytes, lut::tableCodes, lut::tableSums;

/// Rows of codes, a line of memory each, that are asked for before they are needed.
constexpr int64_t rowsAhead = 56;
/// Rows of a whole part that are read in one turn of a loop. Processors seem to fetch ahead by the
/// distance at which one instruction reads, which is too near with one for each row.
constexpr int64_t inTurn = 4;

/// Blocks of each group, where it is one part and there is a kernel for so many; 0: any number.
int64_t knownBlocks(const LutKernel &kernel) {
  int64_t group = kernel.format.group;
  bool few = group >= perBlock && group <= perPart && llvm::isPowerOf2_64(group);
  return few && !kernel.cutBlocks ? group / perBlock : 0;
}

class TableRows : public FewByteRows {
public:
  TableRows(ImplicitLocOpBuilder &b, const LutKernel &kernel, ByteUnit unit, ValueRange a)
      : FewByteRows(b, kernel, unit, a) {
    // All of a panel, so that lines of codes are read once, and one branch is for more columns.
    if (kernel.packed)
      tiles = lutPanel / unit.columns();
    known = knownBlocks(kernel);
    straight = unit.vbmi;
    late = known && unit.level >= 4; // AVX2 has no registers for it
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

  Value average(Value x, Value y) { return intrinsic("pavg.b", dot.bytes(), {x, y}); }

  Value table(Value at) {
    Value read = vector::LoadOp::create(b, VectorType::get({tableSums}, b.getI8Type()), rows, at);
    SmallVector<int64_t> chosen;
    for (int64_t e = 0; e < unit.bytes(); ++e)
      chosen.push_back(e % tableSums);
    return vector::ShuffleOp::create(b, read, read, chosen);
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
    auto groups = [&](function_ref<void(Value g)> body) {
      forRange(b, i.constant(0), shape.groups, 1, body);
    };
    if (!known)
      groups([&](Value g) { add(inWords(placeOf(t, g), t, g, all), g, all); });
    else if (late)
      addLate(t, all);
    else
      groups([&](Value g) { finish(sumsOf(t, g, all), t, g, all); });
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

  /// Where the tables of a group lie.
  Value placeOf(Value t, Value g) {
    return i.add(i.mul(i.mul(t, shape.stride), tableBytes / tableCodes),
                 i.mul(i.mul(g, shape.blocks), 2 * blockSums));
  }

  /// Sums of 16 bits of a group of few tables, but for what `finish` adds.
  SmallVector<Value> sumsOf(Value t, Value g, ArrayRef<ByteCodes::Columns> all) {
    Number number = numberOf(i.add(i.mul(t, shape.groups), g));
    SmallVector<Type> types(2 * all.size(), dot.halves());
    auto choice = scf::IfOp::create(b, types, number.halves, /*withElse=*/true);
    for (bool halves : {true, false}) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(halves ? choice.thenBlock() : choice.elseBlock());
      scf::YieldOp::create(b,
                           bytes(placeOf(t, g), shape.firstStep(g), all, known * inBlock, halves));
    }
    return llvm::to_vector(ValueRange(choice.getResults()));
  }

  /// Adds such sums to the totals, as f32. Behind 0x4b00 16 bits are those of 2^23 and more.
  void finish(SmallVector<Value> sums, Value t, Value g, ArrayRef<ByteCodes::Columns> all) {
    Number number = numberOf(i.add(i.mul(t, shape.groups), g));
    // There are none where all halves were looked up.
    if (known == partBlocks)
      sums = withLarge(sums, placeOf(t, g), shape.firstStep(g), all, number.large);
    Value high = dot.splat(dot.halves(), 0x4b00);
    Value less =
        arith::AddIOp::create(b, number.sizes, arith::ConstantIntOp::create(b, 0x4b000000, 32));
    less = vector::BroadcastOp::create(b, dot.words(), less);
    less = vector::BitCastOp::create(b, dot.floats(), less);
    SmallVector<Value> numbers;
    for (unsigned v = 0; v < 2 * sums.size(); ++v) {
      Value bits = codes.interleaved(sums[v / 2], high, v % 2);
      numbers.push_back(
          arith::SubFOp::create(b, vector::BitCastOp::create(b, dot.floats(), bits), less));
    }
    add(numbers, g, all);
  }

  /// All groups, each of which is finished behind the look-ups of the next one: instructions that
  /// wait for its last codes would keep those from being sent for the next ones.
  void addLate(Value t, ArrayRef<ByteCodes::Columns> all) {
    SmallVector<Value> none(2 * all.size(), dot.splat(dot.halves(), 0));
    auto loop = scf::ForOp::create(b, i.constant(0), shape.groups, i.constant(1), none);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value g = loop.getInductionVar();
      SmallVector<Value> sums = sumsOf(t, g, all);
      when(b, i.less(i.constant(0), g), [&] {
        finish(llvm::to_vector(ValueRange(loop.getRegionIterArgs())), t, i.sub(g, i.constant(1)),
               all);
      });
      scf::YieldOp::create(b, sums);
    }
    finish(llvm::to_vector(ValueRange(loop.getResults())), t, i.sub(shape.groups, i.constant(1)),
           all);
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
      Value wide = codes.interleaved(sums[v / 2], none, v % 2);
      wide = vector::BitCastOp::create(b, dot.words(), wide);
      words[v] = arith::SubIOp::create(b, arith::AddIOp::create(b, words[v], wide), less);
    }
  }

  /// Twice the sums of some steps, of half of the columns of a tile each, as `spread` says. With
  /// `halves` the averages are those of halves.
  SmallVector<Value> bytes(Value at, Value step, ArrayRef<ByteCodes::Columns> all, int64_t steps,
                           bool halves) {
    const int64_t turns = steps == partBlocks * inBlock ? steps / inTurn : 1;
    // Of each tile its sum, and the means of as many turns as there are.
    Value zero = dot.splat(dot.bytes(), 0);
    SmallVector<Value> sums(all.size(), zero), means(all.size() * turns, zero);
    auto turn = [&](Value first) {
      SmallVector<Value> made = lookUps(i.add(at, i.mul(first, inStep * tableSums)),
                                        i.add(step, first), all, steps / turns, halves, sums);
      for (size_t n = 0; n < all.size(); ++n) {
        auto own = means.begin() + n * turns;
        std::rotate(own, own + 1, own + turns);
        own[turns - 1] = made[n];
      }
    };
    if (turns == 1) {
      sums.assign(all.size(), Value());
      turn(i.constant(0));
    } else {
      SmallVector<Value> carried = llvm::to_vector(llvm::concat<Value>(sums, means));
      auto loop =
          scf::ForOp::create(b, i.constant(0), i.constant(steps), i.constant(inTurn), carried);
      auto taken = [&](ValueRange values) {
        sums = llvm::to_vector(values.take_front(all.size()));
        means = llvm::to_vector(values.drop_front(all.size()));
      };
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      taken(loop.getRegionIterArgs());
      turn(loop.getInductionVar());
      scf::YieldOp::create(b, llvm::to_vector(llvm::concat<Value>(sums, means)));
      taken(loop.getResults());
    }
    SmallVector<Value> made;
    for (size_t n = 0; n < all.size(); ++n) {
      Mean mean;
      for (int64_t k = 0; k < turns; ++k)
        mean.add(means[n * turns + k], [&](Value x, Value y) { return average(x, y); });
      auto [low, high] = doubled(sums[n], mean.result(), steps * inStep, halves);
      made.append({low, high});
    }
    return made;
  }

  /// Adds bytes of some steps to the sums of tiles, if there are any, and answers their means.
  SmallVector<Value> lookUps(Value at, Value step, ArrayRef<ByteCodes::Columns> all, int64_t steps,
                             bool halves, MutableArrayRef<Value> sums) {
    Value four = dot.splat(dot.halves(), 4);
    SmallVector<Mean> means(all.size());
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
          mean.add(halves ? lookUp(others[second], index) : entry,
                   [&](Value x, Value y) { return average(x, y); });
        }
        // LLVM would add the bytes up in another order, and hold them in memory until then.
        sum = inRegister(b, sum);
      }
    }
    return llvm::map_to_vector(means, [](const Mean &mean) { return mean.result(); });
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
        Value wide =
            vector::BitCastOp::create(b, dot.halves(), codes.interleaved(none, entry, half));
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
                             {codes.interleaved(mean, error, half), weights});
      return times == 2 ? made : arith::AddIOp::create(b, made, made);
    };
    return {part(0), part(1)};
  }

  int64_t known; ///< `knownBlocks`
  bool late;     ///< groups are finished behind the next one's look-ups
  bool straight; ///< registers have columns that follow each other
  Value totals;  ///< of the columns of all tiles
};

} // namespace

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
