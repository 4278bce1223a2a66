//===- LutMultiply.cpp - Few rows times a weight of few bits ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The codes are read in blocks along K, from left to right. Within a block fields of
// 1, 2 and (where registers hold 16 floats) 4 bits, and digits of base 3, are never made numbers: a
// table holds what the next codes together contribute to the sum, for all values that their bits
// can have, and the bits are its index. It is made of the elements of a row once for all columns,
// as in Park et al., "LUT-GEMM" (2022) and Wei et al., "T-MAC" (2024), but in f32: nothing is
// rounded that a sum of products would not round. Wider fields are converted and multiplied.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Kernels/LutCodes.h"

using namespace mlir;

namespace mad::kernels {
namespace {

/// Codes of a block, a multiple of a step. Tables take up to 64 bytes for each code, and beside
/// those of a block its codes must stay in the first cache (docs/performance/low-bit.md).
int64_t blockCodes(const lut::Format &format) {
  if (format.isBase3())
    return 80;
  return format.bits == 2 ? 32 : 64;
}
/// Vectors of columns that are computed together.
constexpr int64_t tileVectors = 4;

/// Bits of a byte that are an index together.
struct Unit {
  lut::Field field;
  int64_t byte;  ///< of the step
  int64_t place; ///< the lowest bit
  int64_t first; ///< code of the step
  int64_t codes; ///< how many
};

/// How wide an index is where a table is a register of `lanes`; 0 without such look-ups.
int64_t indexBits(int64_t lanes) { return lanes == 16 ? 4 : lanes == 8 ? 3 : 0; }

SmallVector<Unit> unitsOf(const lut::Format &format, int64_t lanes) {
  SmallVector<Unit> units;
  // Nine values of two digits, where a register holds them.
  if (format.isBase3())
    for (int64_t n = 0; n < 5; n += units.back().codes)
      units.push_back({{1}, 0, 0, n, lanes < 16 || n == 4 ? 1 : 2});
  if (format.isBase3())
    return units;
  int64_t byte = 0;
  for (const lut::Field &field : lut::fields(format.bits, 8)) {
    int64_t most = std::max<int64_t>(1, indexBits(lanes) / field.width);
    for (int64_t n = 0; n < 8; n += 0) {
      int64_t inByte = n % field.perByte();
      int64_t codes = std::min<int64_t>(most, field.perByte() - inByte);
      units.push_back({field, byte + n / field.perByte(), inByte * field.width, n, codes});
      n += codes;
    }
    byte += field.width;
  }
  return units;
}

class FewRows {
public:
  FewRows(ImplicitLocOpBuilder &b, const LutKernel &kernel, ValueRange a, int64_t lanes)
      : b(b), i(b), kernel(kernel), lanes(lanes), X(a[0]), parts(a.slice(1, a.size() - 6)),
        Y(a.end()[-5]), K(a.end()[-4]), group(a.end()[-3]), first(a.end()[-2]), last(a.end()[-1]),
        codes(b, kernel, parts, K, lanes), f32(b.getF32Type()) {
    T = memref::DimOp::create(b, X, 0);
    if (kernel.cutSteps)
      own = memref::AllocaOp::create(b, MemRefType::get({blockCodes(kernel.format)}, f32));
    direct = (kernel.format.isBase3() && lanes < 8) || !hasTables();
    if (direct)
      return;
    units = unitsOf(kernel.format, lanes);
    for (const Unit &unit : units)
      numTables += isLookedUp(unit);
    if (numTables) {
      int64_t steps = blockCodes(kernel.format) / kernel.step();
      auto type = MemRefType::get({steps * numTables * lanes}, f32);
      tables = memref::AllocaOp::create(b, type, b.getI64IntegerAttr(64));
    }
    if (kernel.format.affine)
      rowSums = memref::AllocaOp::create(b, MemRefType::get({blockCodes(kernel.format)}, f32));
    if (kernel.format.family == lut::Family::Codebook)
      for (int64_t e = 0; e < kernel.format.levels(); ++e)
        entries.push_back(codes.entry(e));
  }

  /// Blocks hold whole groups, or are parts of one.
  void emit() {
    Value most = i.constant(blockCodes(kernel.format));
    length = i.min(group, most);
    if (kernel.cutSteps)
      return emitCut(most);
    Value block = i.mul(b.createOrFold<arith::DivUIOp>(most, length), length);
    Value step = i.max(group, block);
    forRange(b, i.constant(0), K, step, [&](Value start) {
      Value end = i.min(i.add(start, step), K);
      forRange(b, start, end, block, [&](Value low) {
        Value high = i.min(i.add(low, block), end);
        forRange(b, i.constant(0), T, 1, [&](Value t) { this->block(t, low, high); });
      });
    });
  }

private:
  /// Where groups end inside of steps: such a step belongs to two blocks, of one group each, and
  /// in each the elements of the other count as 0. The other blocks end with steps.
  void emitCut(Value most) {
    forRange(b, i.constant(0), K, group, [&](Value start) {
      Value end = i.min(i.add(start, group), K);
      Value cut = b.createOrFold<arith::RemUIOp>(start, i.constant(kernel.step()));
      forRange(b, i.sub(start, cut), end, most, [&](Value low) {
        Value high = i.min(i.add(low, most), end);
        low = i.max(low, start);
        forRange(b, i.constant(0), T, 1, [&](Value t) { this->block(t, low, high); });
      });
    });
  }

  /// Whether fields of a code contribute for themselves, or the code is an index.
  bool hasTables() const {
    if (kernel.format.family != lut::Family::Codebook)
      return true;
    if (kernel.ownTables())
      return false;
    std::vector<lut::Field> fields = lut::fields(kernel.format.bits, 8);
    return fields.size() == 1 && fields[0].width <= indexBits(lanes);
  }
  bool isLookedUp(const Unit &unit) const { return unit.field.width <= indexBits(lanes); }

  /// An element of a row; 0 behind its end.
  Value element(Value t, Value k) {
    if (kernel.cutSteps)
      return memref::LoadOp::create(b, own, ValueRange{i.sub(k, ownStart)});
    if (!kernel.ragged)
      return memref::LoadOp::create(b, X, ValueRange{t, k});
    Value inside = i.min(k, i.sub(K, i.constant(1)));
    Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
    return arith::SelectOp::create(b, i.less(k, K),
                                   memref::LoadOp::create(b, X, ValueRange{t, inside}), zero);
  }

  /// Copies the elements of a block, and zeros up to the ends of its steps.
  void copyOwn(Value t, Value low, Value high, Value firstStep, Value lastStep) {
    Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
    ownStart = i.mul(firstStep, kernel.step());
    Value end = i.mul(lastStep, kernel.step());
    auto zeros = [&](Value from, Value to) {
      forRange(b, from, to, 1, [&](Value k) {
        memref::StoreOp::create(b, zero, own, ValueRange{i.sub(k, ownStart)});
      });
    };
    zeros(ownStart, low);
    forRange(b, low, high, 1, [&](Value k) {
      Value x = memref::LoadOp::create(b, X, ValueRange{t, k});
      memref::StoreOp::create(b, x, own, ValueRange{i.sub(k, ownStart)});
    });
    zeros(high, end);
  }

  /// What bits of a field stand for. Those of all fields make the code, less its middle.
  float contribution(const lut::Field &field, int64_t bits) const {
    if (kernel.signs())
      return float(2 * bits - 1);
    if (kernel.format.isBase3())
      return float(bits - 1);
    bool highest = field.shift + field.width == kernel.format.bits;
    return float((bits << field.shift) - (highest ? kernel.middle() : 0));
  }

  /// What code `number` of each index of a table stands for.
  Value factors(const Unit &unit, int64_t number) {
    auto bitsOf = [&](int64_t index) -> int64_t {
      if (kernel.format.isBase3())
        return (number + 1 < unit.codes ? index / 3 : index) % 3;
      return index >> (number * unit.field.width) & ((1 << unit.field.width) - 1);
    };
    if (!entries.empty()) {
      SmallVector<Value> all;
      for (int64_t e = 0; e < lanes; ++e)
        all.push_back(entries[bitsOf(e)]);
      return vector::FromElementsOp::create(b, codes.floats(), all);
    }
    SmallVector<float> all;
    for (int64_t e = 0; e < lanes; ++e)
      all.push_back(contribution(unit.field, bitsOf(e)));
    return arith::ConstantOp::create(b, DenseElementsAttr::get(codes.floats(), ArrayRef(all)));
  }

  /// The tables of a block, step by step.
  void fillTables(Value t, Value firstStep, Value lastStep) {
    forRange(b, firstStep, lastStep, 1, [&](Value step) {
      Value k = i.mul(step, kernel.step());
      Value place = i.mul(i.sub(step, firstStep), numTables * lanes);
      for (const Unit &unit : units) {
        if (!isLookedUp(unit))
          continue;
        Value sum;
        for (int64_t n = 0; n < unit.codes; ++n) {
          Value x = codes.splat(element(t, i.add(k, unit.first + n)));
          Value factor = factors(unit, n);
          sum = sum ? multiplyAdd(b, x, factor, sum, kernel.fma)
                    : arith::MulFOp::create(b, x, factor).getResult();
        }
        vector::StoreOp::create(b, sum, tables, ValueRange{place});
        place = i.add(place, lanes);
      }
    });
  }

  /// `sum` and what `read` gives for each `step` of a range.
  Value added(Value from, Value to, int64_t step, Value sum,
              llvm::function_ref<Value(Value)> read) {
    auto loop = scf::ForOp::create(b, from, to, i.constant(step), ValueRange{sum});
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value element = read(loop.getInductionVar());
    scf::YieldOp::create(
        b, arith::AddFOp::create(b, loop.getRegionIterArgs()[0], element).getResult());
    return loop.getResult(0);
  }

  /// Sums of the elements of each group, for zero points: what the middle of the codes does not
  /// account for.
  void fillSums(Value t, Value low, Value high) {
    forRange(b, low, high, length, [&](Value start) {
      Value end = i.min(i.add(start, length), high);
      Value rest = b.createOrFold<arith::RemUIOp>(i.sub(end, start), i.constant(lanes));
      Value whole = i.sub(end, rest);
      Value sums = added(start, whole, lanes, codes.number(0.0), [&](Value k) -> Value {
        return vector::LoadOp::create(b, codes.floats(), X, ValueRange{t, k});
      });
      Value sum = vector::ReductionOp::create(b, vector::CombiningKind::ADD, sums);
      sum = added(whole, end, 1, sum,
                  [&](Value k) -> Value { return memref::LoadOp::create(b, X, ValueRange{t, k}); });
      memref::StoreOp::create(b, sum, rowSums, ValueRange{i.sub(start, low)});
    });
  }

  /// One row and one block of K: all columns.
  void block(Value t, Value low, Value high) {
    Value firstStep = b.createOrFold<arith::DivUIOp>(low, i.constant(kernel.step()));
    Value lastStep = i.ceilDiv(high, kernel.step());
    if (kernel.cutSteps)
      copyOwn(t, low, high, firstStep, lastStep);
    if (numTables)
      fillTables(t, firstStep, lastStep);
    if (kernel.format.affine)
      fillSums(t, low, high);
    int64_t wide = tileVectors * lanes;
    Value rest = b.createOrFold<arith::RemUIOp>(i.sub(last, first), i.constant(wide));
    Value end = i.sub(last, rest);
    forRange(b, first, end, wide, [&](Value column) {
      SmallVector<LutCodes::Columns> all;
      for (int64_t v = 0; v < tileVectors; ++v)
        all.push_back(codes.columns(column, v * lanes));
      tile(t, low, high, firstStep, all);
    });
    forRange(b, end, last, lanes, [&](Value column) {
      Value mask = vector::CreateMaskOp::create(b, VectorType::get({lanes}, b.getI1Type()),
                                                i.sub(last, column));
      tile(t, low, high, firstStep, codes.columns(column, 0, mask));
    });
  }

  /// Some columns of a row, for a block.
  void tile(Value t, Value low, Value high, Value firstStep, ArrayRef<LutCodes::Columns> columns) {
    Value starts = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, low, i.constant(0));
    SmallVector<Value> results, sums(columns.size(), codes.number(0.0));
    for (const LutCodes::Columns &part : columns) {
      SmallVector<Value> place{t, part.first};
      Value before = part.mask ? vector::MaskedLoadOp::create(b, codes.floats(), Y, place,
                                                              part.mask, codes.number(0.0))
                                     .getResult()
                               : vector::LoadOp::create(b, codes.floats(), Y, place).getResult();
      results.push_back(arith::SelectOp::create(b, starts, codes.number(0.0), before));
    }
    auto groups = scf::ForOp::create(b, low, high, length, results);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(groups.getBody());
      Value start = groups.getInductionVar(), end = i.min(i.add(start, length), high);
      Value from = b.createOrFold<arith::DivUIOp>(start, i.constant(kernel.step()));
      auto loop = scf::ForOp::create(b, from, i.ceilDiv(end, kernel.step()), i.constant(1), sums);
      {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(loop.getBody());
        sums.assign(loop.getRegionIterArgs().begin(), loop.getRegionIterArgs().end());
        step(t, loop.getInductionVar(), firstStep, columns, sums);
        scf::YieldOp::create(b, sums);
      }
      Value sum;
      if (rowSums)
        sum = codes.splat(memref::LoadOp::create(b, rowSums, ValueRange{i.sub(start, low)}));
      Value number = b.createOrFold<arith::DivUIOp>(start, group);
      for (auto [v, part] : llvm::enumerate(columns))
        results[v] = scaled(number, loop.getResult(v), sum, groups.getRegionIterArgs()[v], part);
      scf::YieldOp::create(b, results);
    }
    for (auto [v, part] : llvm::enumerate(columns)) {
      SmallVector<Value> place{t, part.first};
      if (part.mask)
        vector::MaskedStoreOp::create(b, Y, place, part.mask, groups.getResult(v));
      else
        vector::StoreOp::create(b, groups.getResult(v), Y, place);
    }
  }

  /// Adds the products of a step to the sums.
  void step(Value t, Value step, Value firstStep, ArrayRef<LutCodes::Columns> columns,
            SmallVector<Value> &sums) {
    Value k = i.mul(step, kernel.step());
    auto product = [&](Value code, Value x, unsigned v) {
      sums[v] =
          multiplyAdd(b, arith::SIToFPOp::create(b, codes.floats(), code), x, sums[v], kernel.fma);
    };
    if (direct) {
      SmallVector<Value> x;
      for (int64_t n = 0; n < kernel.step(); ++n)
        x.push_back(codes.splat(element(t, i.add(k, n))));
      for (auto [v, part] : llvm::enumerate(columns))
        for (auto [n, code] : llvm::enumerate(codes.codes(step, part)))
          sums[v] = multiplyAdd(b, codes.value(code, Value(), part), x[n], sums[v], kernel.fma);
      return;
    }
    Value place = i.mul(i.sub(step, firstStep), numTables * lanes);
    SmallVector<Value> bytes(columns.size());
    if (kernel.format.isBase3())
      return digits(step, place, columns, sums);
    int64_t loaded = -1;
    for (const Unit &unit : units) {
      if (unit.byte != loaded) {
        bool whole = columns.size() > 1;
        for (auto [v, part] : llvm::enumerate(columns))
          bytes[v] = codes.byte(step, unit.byte, part, whole && v == 0 ? 256 : 0);
        loaded = unit.byte;
      }
      auto moved = [&](Value byte) {
        return unit.place ? arith::ShRUIOp::create(b, byte, codes.number(unit.place)).getResult()
                          : byte;
      };
      if (isLookedUp(unit)) {
        Value table = vector::LoadOp::create(b, codes.floats(), tables, ValueRange{place});
        for (unsigned v = 0; v < columns.size(); ++v)
          sums[v] = arith::AddFOp::create(b, sums[v], lookUp(b, table, moved(bytes[v])));
        place = i.add(place, lanes);
        continue;
      }
      Value x = codes.splat(element(t, i.add(k, unit.first)));
      for (unsigned v = 0; v < columns.size(); ++v)
        product(number(unit.field, moved(bytes[v])), x, v);
    }
  }

  /// Of base 3: what 3 or 9 times the byte carries over is the next index.
  void digits(Value step, Value place, ArrayRef<LutCodes::Columns> columns,
              SmallVector<Value> &sums) {
    SmallVector<Value> bytes;
    for (const LutCodes::Columns &part : columns)
      bytes.push_back(codes.fraction(codes.byte(step, 0, part)));
    for (const Unit &unit : units) {
      Value table = vector::LoadOp::create(b, codes.floats(), tables, ValueRange{place});
      for (unsigned v = 0; v < columns.size(); ++v) {
        auto [index, rest] = codes.carried(bytes[v], unit.codes == 2 ? 9 : 3);
        sums[v] = arith::AddFOp::create(b, sums[v], lookUp(b, table, index));
        bytes[v] = rest;
      }
      place = i.add(place, lanes);
    }
  }

  /// `contribution` of bits that are the lowest of `bits`, as integers.
  Value number(const lut::Field &field, Value bits) {
    if (field.width < 8)
      bits = arith::AndIOp::create(b, bits, codes.number(int64_t((1 << field.width) - 1)));
    if (int64_t shift = kernel.signs() ? 1 : field.shift)
      bits = arith::ShLIOp::create(b, bits, codes.number(shift));
    if (kernel.signs() || field.shift + field.width == kernel.format.bits)
      bits = arith::SubIOp::create(b, bits, codes.number(kernel.middle()));
    return bits;
  }

  /// The sums of a group, scaled and added to those before.
  Value scaled(Value number, Value total, Value sum, Value before, LutCodes::Columns columns) {
    if (sum) {
      Value rest =
          arith::SubIOp::create(b, codes.number(kernel.middle()), codes.zero(number, columns));
      total =
          multiplyAdd(b, arith::SIToFPOp::create(b, codes.floats(), rest), sum, total, kernel.fma);
    }
    if (kernel.format.family == lut::Family::Codebook)
      return arith::AddFOp::create(b, before, total);
    return multiplyAdd(b, codes.scale(number, columns), total, before, kernel.fma);
  }

  ImplicitLocOpBuilder &b;
  Index i;
  const LutKernel &kernel;
  int64_t lanes;
  Value X;
  ValueRange parts;
  Value Y, K, group, first, last, T;
  LutCodes codes;
  Type f32;
  SmallVector<Unit> units;
  int64_t numTables = 0; ///< of a step
  bool direct = false;   ///< all codes are made numbers
  Value tables, rowSums;
  Value length;        ///< codes that are scaled together
  Value own, ownStart; ///< elements of a block, where steps are cut
  SmallVector<Value> entries;
};

} // namespace

func::FuncOp KernelLibrary::multiplyCodes(const LutKernel &kernel) {
  Builder b(module.getContext());
  Type f32 = b.getF32Type();
  SmallVector<Type> types{rows(f32)};
  llvm::append_range(types, lutParts(kernel));
  types.push_back(rows(f32));
  types.append(4, b.getIndexType());
  return find("multiply_codes." + kernel.name(), types, [&](ImplicitLocOpBuilder &b, ValueRange a) {
    FewRows(b, kernel, a, sizes(b.getF32Type()).lanes).emit();
  });
}

} // namespace mad::kernels
