//===- ByteTables.cpp - Few rows of bytes times a weight of one bit ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Four codes of one bit are an index of what their activations add to a sum, as in Wei et al.,
// "T-MAC" (2024), but nothing is rounded: less the smallest one, entries are 0 to 508, and lie as
// two digits of base 23 in two tables of 16 bytes, which one instruction looks up for all columns.
// Bytes hold the sums of the 8 digits of a block; then the digits of a column are put together.
//
//===----------------------------------------------------------------------===//
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

/// Activations of a table, its entries, and bytes of both digits; tables of a block.
constexpr int64_t together = 4, entries = 16, tableBytes = 2 * entries, inBlock = 8;
/// Codes stand for 1 and -1: twice the entries are added.
constexpr int64_t factor = 2;
constexpr int64_t blocksIn16Bits = entriesIn16Bits / (factor * inBlock);
static_assert(inBlock <= digitsIn8Bits && blocksIn16Bits == 8);

class TableMaker {
public:
  TableMaker(ImplicitLocOpBuilder &b, const LutKernel &kernel, ValueRange a)
      : b(b), i(b), kernel(kernel), source(a[0]), tables(a[1]), sums(a[2]),
        shape(b, kernel, a.slice(3, ByteShape::size)), from(a[7]), to(a[8]) {}

  void emit() {
    forRange(b, from, to, 1, [&](Value t) {
      Value row = i.mul(i.mul(t, shape.stride), tableBytes / together);
      forRange(b, i.constant(0), shape.groups, 1, [&](Value g) {
        Value at = i.add(row, i.mul(i.mul(g, shape.blocks), inBlock * tableBytes));
        memref::StoreOp::create(b, group(t, g, at), sums,
                                ValueRange{i.add(i.mul(t, shape.groups), g)});
      });
    });
  }

private:
  Value number(int64_t value) { return arith::ConstantIntOp::create(b, value, 32); }

  /// The tables of a group. Answers what its sums begin with: twice the smallest entries, less the
  /// sum of the activations.
  Value group(Value t, Value g, Value at) {
    Value low = i.mul(g, shape.group), high = i.min(i.add(low, shape.group), shape.K);
    Value first = i.mul(shape.firstStep(g), kernel.step());
    auto loop = scf::ForOp::create(b, i.constant(0), i.mul(shape.blocks, inBlock), i.constant(1),
                                   number(0));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value n = loop.getInductionVar(), left = loop.getRegionIterArgs()[0];
    Value k = i.add(first, i.mul(n, together));
    SmallVector<Value> x;
    Value lowest = number(0);
    for (int64_t j = 0; j < together; ++j) {
      x.push_back(activation(t, i.add(k, j), low, high));
      lowest = arith::AddIOp::create(b, lowest, arith::MinSIOp::create(b, x[j], number(0)));
      left = arith::SubIOp::create(b, left, x[j]);
    }
    store(x, lowest, i.add(at, i.mul(n, tableBytes)));
    left = arith::AddIOp::create(b, left, arith::MulIOp::create(b, lowest, number(factor)));
    scf::YieldOp::create(b, left);
    return loop.getResult(0);
  }

  Value activation(Value t, Value k, Value low, Value high) {
    Type i32 = b.getI32Type();
    if (!kernel.cutBlocks)
      return arith::ExtSIOp::create(b, i32, memref::LoadOp::create(b, source, ValueRange{t, k}));
    Value inside = arith::AndIOp::create(b, i.lessOrEqual(low, k), i.less(k, high));
    Value read =
        memref::LoadOp::create(b, source, ValueRange{t, i.min(k, i.sub(shape.K, i.constant(1)))});
    return arith::SelectOp::create(b, inside, arith::ExtSIOp::create(b, i32, read), number(0));
  }

  void store(ArrayRef<Value> x, Value lowest, Value at) {
    Type i16 = b.getI16Type();
    auto halves = VectorType::get({entries}, i16),
         bytes = VectorType::get({entries}, b.getI8Type());
    auto all = [&](Value word) -> Value {
      return vector::BroadcastOp::create(b, halves, arith::TruncIOp::create(b, i16, word));
    };
    auto constant = [&](function_ref<int64_t(int64_t)> of) -> Value {
      SmallVector<Attribute> values;
      for (int64_t e = 0; e < entries; ++e)
        values.push_back(b.getIntegerAttr(i16, of(e)));
      return arith::ConstantOp::create(b, DenseElementsAttr::get(halves, values));
    };
    Value entry = all(arith::SubIOp::create(b, number(0), lowest));
    for (int64_t j = 0; j < together; ++j) {
      Value chosen = constant([&](int64_t e) { return e >> j & 1 ? -1 : 0; });
      entry = arith::AddIOp::create(b, entry, arith::AndIOp::create(b, chosen, all(x[j])));
    }
    // A quotient by a product: exact up to 508.
    static_assert((mostOfTable * (65536 / tableBase + 1)) >> 16 == mostOfTable / tableBase);
    Value inverse = constant([](int64_t) { return 65536 / tableBase + 1; });
    Value high = arith::MulUIExtendedOp::create(b, entry, inverse).getHigh();
    Value low = arith::SubIOp::create(
        b, entry, arith::MulIOp::create(b, high, constant([](int64_t) { return tableBase; })));
    vector::StoreOp::create(b, arith::TruncIOp::create(b, bytes, low), tables, at);
    vector::StoreOp::create(b, arith::TruncIOp::create(b, bytes, high), tables, i.add(at, entries));
  }

  ImplicitLocOpBuilder &b;
  Index i;
  const LutKernel &kernel;
  Value source, tables, sums;
  ByteShape shape;
  Value from, to;
};

class TableRows : public FewByteRows {
public:
  using FewByteRows::FewByteRows;

private:
  Value call(StringRef name, Type type, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), operands).getResult(0);
  }

  /// Of 16 bytes the ones that the lowest bits of each byte say.
  Value lookUp(Value table, Value index) {
    StringRef name = unit.level >= 4 ? "llvm.x86.avx512.pshuf.b.512" : "llvm.x86.avx2.pshuf.b";
    return call(name, dot.bytes(), {table, index});
  }

  Value table(Value at) {
    Value read = vector::LoadOp::create(b, VectorType::get({entries}, b.getI8Type()), rows, at);
    SmallVector<int64_t> chosen;
    for (int64_t e = 0; e < unit.bytes(); ++e)
      chosen.push_back(e % entries);
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

  /// The sums of a group: as many blocks as 16 bits hold, then of 32 bits.
  SmallVector<Value> group(Value t, Value g, ByteCodes::Columns columns) override {
    Value step = shape.firstStep(g);
    Value row = i.add(i.mul(i.mul(t, shape.stride), tableBytes / together),
                      i.mul(i.mul(g, shape.blocks), inBlock * tableBytes));
    Value each = i.constant(blocksIn16Bits), none = dot.splat(dot.halves(), 0);
    auto outer = scf::ForOp::create(b, i.constant(0), shape.blocks, each,
                                    SmallVector<Value>(byteTile, bias(t, g, 1)));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(outer.getBody());
    Value low = outer.getInductionVar(), high = i.min(i.add(low, each), shape.blocks);
    auto inner = scf::ForOp::create(b, low, high, i.constant(1), ValueRange{none, none});
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(inner.getBody());
      Value block = inner.getInductionVar();
      auto [x, y] = this->block(i.add(row, i.mul(block, inBlock * tableBytes)),
                                i.add(step, i.mul(block, 4)), columns);
      ValueRange before = inner.getRegionIterArgs();
      scf::YieldOp::create(b, ValueRange{arith::AddIOp::create(b, before[0], x),
                                         arith::AddIOp::create(b, before[1], y)});
    }
    SmallVector<Value> words(outer.getRegionIterArgs());
    for (unsigned v = 0; v < byteTile; ++v) {
      Value wide = vector::BitCastOp::create(b, dot.words(),
                                             interleaved(inner.getResult(v / 2), none, v % 2));
      words[v] = arith::AddIOp::create(b, words[v], wide);
    }
    scf::YieldOp::create(b, words);
    return llvm::to_vector(ValueRange(outer.getResults()));
  }

  /// Twice the entries of a block, of the columns that are lower and higher in parts of 16.
  std::pair<Value, Value> block(Value at, Value step, ByteCodes::Columns columns) {
    Value ones, many;
    Value mask = dot.splat(dot.bytes(), 15), four = dot.splat(dot.halves(), 4);
    auto add = [&](Value &sum, Value digit) {
      sum = sum ? arith::AddIOp::create(b, sum, digit).getResult() : digit;
    };
    for (int64_t n = 0; n < inBlock; ++n) {
      if (n % 2 == 0)
        loaded = codes.row(codes.rowOf(i.add(step, n / 2)), columns);
      Value bits = loaded;
      if (n % 2) {
        Value shifted = vector::BitCastOp::create(b, dot.halves(), loaded);
        shifted = arith::ShRUIOp::create(b, shifted, four);
        bits = vector::BitCastOp::create(b, dot.bytes(), shifted);
      }
      Value index = arith::AndIOp::create(b, bits, mask);
      Value place = i.add(at, n * tableBytes);
      add(ones, lookUp(table(place), index));
      add(many, lookUp(table(i.add(place, entries)), index));
    }
    SmallVector<Attribute> values;
    for (int64_t e = 0; e < unit.bytes(); ++e)
      values.push_back(b.getI8IntegerAttr(int8_t(e % 2 ? factor * tableBase : factor)));
    Value weights = arith::ConstantOp::create(b, DenseElementsAttr::get(dot.bytes(), values));
    StringRef name =
        unit.level >= 4 ? "llvm.x86.avx512.pmaddubs.w.512" : "llvm.x86.avx2.pmadd.ub.sw";
    auto half = [&](int64_t which) {
      return call(name, dot.halves(), {interleaved(ones, many, which), weights});
    };
    return {half(0), half(1)};
  }

  Value loaded;
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
  return find("multiply_byte_tables." + kernel.name(), types,
              [&](ImplicitLocOpBuilder &b, ValueRange a) { TableRows(b, kernel, unit, a).emit(); });
}

} // namespace mad::kernels
