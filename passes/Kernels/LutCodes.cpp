//===- LutCodes.cpp - Reading codes of few bits in registers ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/LutCodes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/FormatVariadic.h"
#include <numeric>

using namespace mlir;

namespace mad::kernels {

std::string LutKernel::name() const {
  std::string name = format.family == lut::Family::Int       ? "int"
                     : format.family == lut::Family::Ternary ? "ternary"
                                                             : "codebook";
  name += std::to_string(format.bits);
  for (auto [is, text] :
       {std::pair(format.affine, ".affine"), std::pair(format.half, ".f16"),
        std::pair(ownTables(), ".own"), std::pair(oneColumn, ".one"), std::pair(ragged, ".ragged"),
        std::pair(cutSteps, ".cut"), std::pair(cutBlocks, ".parts"), std::pair(oneSum, ".one_sum"),
        std::pair(packed, ".packed"), std::pair(packedTables, ".tables"),
        std::pair(woven, ".woven"), std::pair(!fma, ".rounded")})
    if (is)
      name += text;
  return name;
}

std::string LutKernel::nameOfWords() const {
  LutKernel named = *this;
  named.ragged = named.cutSteps = named.packed = false;
  return named.name();
}

Value multiplyAdd(ImplicitLocOpBuilder &b, Value x, Value y, Value sum, bool fma) {
  if (fma)
    return math::FmaOp::create(b, x, y, sum);
  return arith::AddFOp::create(b, sum, arith::MulFOp::create(b, x, y));
}

Value lookUp(ImplicitLocOpBuilder &b, Value table, Value index) {
  auto type = cast<VectorType>(table.getType());
  StringRef name =
      type.getNumElements() == 16 ? "llvm.x86.avx512.permvar.sf.512" : "llvm.x86.avx2.permps";
  return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), ValueRange{table, index})
      .getResult(0);
}

/// The same with the entries of two vectors, of 16 lanes.
static Value lookUpTwo(ImplicitLocOpBuilder &b, Value low, Value high, Value index) {
  return LLVM::CallIntrinsicOp::create(b, low.getType(),
                                       b.getStringAttr("llvm.x86.avx512.vpermi2var.ps.512"),
                                       ValueRange{low, index, high})
      .getResult(0);
}

LutCodes::LutCodes(ImplicitLocOpBuilder &b, const LutKernel &kernel, ValueRange parts, Value K,
                   int64_t lanes)
    : b(b), i(b), kernel(kernel), parts(parts), lanes(lanes) {
  Value row = i.constant(0);
  if (kernel.format.isBase3()) {
    firstRow = {row};
    lastRow = {i.sub(i.ceilDiv(K, 5), i.constant(1))};
    return;
  }
  for (const lut::Field &field : lut::fields(kernel.format.bits, 8)) {
    fields.push_back(field);
    firstRow.push_back(row);
    row = i.add(row, i.ceilDiv(K, field.perByte()));
    lastRow.push_back(i.sub(row, i.constant(1)));
  }
  if (kernel.format.family != lut::Family::Codebook || lanes < 8 || kernel.ownTables())
    return;
  // Tables in registers.
  int64_t levels = kernel.format.levels();
  if (kernel.format.bits > 4) {
    // With AVX2 all of 128 entries and more would be looked up in turn, of which a gather reads
    // one.
    if (lanes == 16 || kernel.format.bits <= 6)
      for (int64_t from = 0; from < levels; from += lanes)
        tables.push_back(gathered(consecutive(from)));
    return;
  }
  for (int64_t from = 0; from < std::max<int64_t>(levels, 1); from += lanes) {
    SmallVector<Value> entries;
    for (int64_t e = 0; e < lanes; ++e)
      entries.push_back(entry((from + e) % levels));
    tables.push_back(vector::FromElementsOp::create(b, floats(), entries));
  }
}

VectorType LutCodes::floats() const { return VectorType::get({lanes}, b.getF32Type()); }
VectorType LutCodes::integers() const { return VectorType::get({lanes}, b.getI32Type()); }

Value LutCodes::number(int64_t value) {
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(integers(), b.getI32IntegerAttr(int32_t(value))));
}

Value LutCodes::number(double value) {
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(floats(), b.getF32FloatAttr(float(value))));
}

Value LutCodes::consecutive(int64_t first) {
  SmallVector<int32_t> all(lanes);
  std::iota(all.begin(), all.end(), int32_t(first));
  return arith::ConstantOp::create(b, DenseElementsAttr::get(integers(), ArrayRef(all)));
}

Value LutCodes::splat(Value scalar) {
  return vector::BroadcastOp::create(b, VectorType::get({lanes}, scalar.getType()), scalar);
}

LutCodes::Columns LutCodes::columns(Value first, int64_t offset, Value mask) {
  Columns made{i.add(first, offset), mask, {}, {}};
  if (!kernel.packed && !kernel.packedTables)
    return made;
  made.panel = b.createOrFold<arith::DivUIOp>(first, i.constant(lutPanel));
  made.inPanel = i.add(b.createOrFold<arith::RemUIOp>(first, i.constant(lutPanel)), offset);
  return made;
}

Value LutCodes::load(unsigned part, Value row, Columns columns, Type element) {
  auto type = VectorType::get({lanes}, element);
  // Panels are filled up.
  if (kernel.isPacked(part))
    return vector::LoadOp::create(b, type, parts[part],
                                  ValueRange{columns.panel, row, columns.inPanel});
  SmallVector<Value> place{row, columns.first};
  if (!columns.mask)
    return vector::LoadOp::create(b, type, parts[part], place);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  return vector::MaskedLoadOp::create(b, type, parts[part], place, columns.mask, zero);
}

/// A row of a part, or its one column for all.
Value LutCodes::alongColumns(unsigned part, Value group, Columns columns, Type element) {
  if (!kernel.oneColumn)
    return load(part, group, columns, element);
  return splat(memref::LoadOp::create(b, parts[part], ValueRange{group, i.constant(0)}));
}

Value LutCodes::byte(Value step, int64_t number, Columns columns, int64_t ahead) {
  unsigned field = 0;
  int64_t inField = number, width = 1;
  if (!kernel.format.isBase3()) {
    while (inField >= fields[field].width)
      inField -= fields[field++].width;
    width = fields[field].width;
  }
  Value row = i.add(firstRow[field], i.add(i.mul(step, width), inField));
  if (kernel.ragged)
    row = i.min(row, lastRow[field]);
  if (ahead && !kernel.packed)
    memref::PrefetchOp::create(b, parts[0], ValueRange{row, i.add(columns.first, ahead)},
                               /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
  return arith::ExtUIOp::create(b, integers(), load(0, row, columns, b.getI8Type()));
}

Value LutCodes::fraction(Value byte) { return arith::ShLIOp::create(b, byte, number(int64_t(8))); }

/// Products of 16 bits: there is an instruction for their upper halves, of which LLVM makes more
/// than one where it knows what it computes, and the lower ones are what is left.
std::pair<Value, Value> LutCodes::carried(Value fraction, int64_t factor) {
  auto halves = VectorType::get({2 * lanes}, b.getI16Type());
  Value times = arith::ConstantOp::create(
      b, DenseElementsAttr::get(halves, b.getI16IntegerAttr(int16_t(factor))));
  StringRef name = lanes == 16  ? "llvm.x86.avx512.pmulhu.w.512"
                   : lanes == 8 ? "llvm.x86.avx2.pmulhu.w"
                                : "llvm.x86.sse2.pmulhu.w";
  Value all = vector::BitCastOp::create(b, halves, fraction);
  Value high =
      LLVM::CallIntrinsicOp::create(b, halves, b.getStringAttr(name), ValueRange{all, times})
          .getResult(0);
  Value low = arith::MulIOp::create(b, all, times);
  return {vector::BitCastOp::create(b, integers(), high),
          vector::BitCastOp::create(b, integers(), low)};
}

SmallVector<Value> LutCodes::digits(Value byte) {
  SmallVector<Value> digits;
  for (Value rest = fraction(byte); digits.size() < 5;) {
    auto [digit, next] = carried(rest, 3);
    digits.push_back(digit);
    rest = next;
  }
  return digits;
}

SmallVector<Value> LutCodes::codes(Value step, Columns columns) {
  SmallVector<Value> bytes, codes;
  for (int64_t n = 0; n < this->bytes(); ++n)
    bytes.push_back(byte(step, n, columns));
  if (kernel.format.isBase3())
    return digits(bytes[0]);
  for (int64_t n = 0; n < 8; ++n) {
    Value code;
    int64_t first = 0;
    for (const lut::Field &field : fields) {
      Value bits = bytes[first + n * field.width / 8];
      if (int64_t place = n * field.width % 8)
        bits = arith::ShRUIOp::create(b, bits, number(place));
      if (field.width < 8)
        bits = arith::AndIOp::create(b, bits, number(int64_t((1 << field.width) - 1)));
      if (field.shift)
        bits = arith::ShLIOp::create(b, bits, number(int64_t(field.shift)));
      code = code ? arith::OrIOp::create(b, code, bits).getResult() : bits;
      first += field.width;
    }
    codes.push_back(code);
  }
  return codes;
}

Value LutCodes::value(Value code, Value zero, Columns columns) {
  const lut::Format &format = kernel.format;
  if (kernel.ownTables())
    return fromTables(code, columns);
  if (format.family == lut::Family::Codebook)
    return fromTable(code);
  if (kernel.signs())
    code = arith::ShLIOp::create(b, code, number(int64_t(1)));
  code = arith::SubIOp::create(b, code, format.affine ? zero : number(kernel.middle()));
  return arith::SIToFPOp::create(b, floats(), code);
}

/// Entries of the table for all columns, from memory.
Value LutCodes::gathered(Value code) {
  Value all = arith::ConstantOp::create(
      b, DenseElementsAttr::get(VectorType::get({lanes}, b.getI1Type()), true));
  Value zero = i.constant(0);
  Value stride = memref::ExtractStridedMetadataOp::create(b, parts[1]).getStrides()[0];
  return vector::GatherOp::create(b, floats(), parts[1], ValueRange{zero, zero},
                                  times(code, stride), all, number(0.0));
}

/// Of two values for each bit of the code from `bit` on the one that it says, and so on: of n
/// values one.
Value LutCodes::chosen(Value code, SmallVector<Value> values, int64_t bit) {
  for (; values.size() > 1; ++bit) {
    Value high = arith::ShLIOp::create(b, code, number(31 - bit));
    high = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, high, number(int64_t(0)));
    for (size_t n = 0; n < values.size() / 2; ++n)
      values[n] = arith::SelectOp::create(b, high, values[2 * n + 1], values[2 * n]);
    values.resize(values.size() / 2);
  }
  return values.front();
}

Value LutCodes::fromTable(Value code) {
  if (tables.empty())
    return gathered(code);
  if (kernel.format.bits > 4) {
    // One instruction reads two tables of 16.
    SmallVector<Value> found;
    const bool pairs = lanes == 16;
    for (size_t n = 0; n < tables.size(); n += pairs ? 2 : 1)
      found.push_back(pairs ? lookUpTwo(b, tables[n], tables[n + 1], code)
                            : lookUp(b, tables[n], code));
    return chosen(code, found, pairs ? 5 : 3);
  }
  Value result = lookUp(b, tables[0], code);
  if (tables.size() == 1)
    return result;
  Value high = arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, code, number(int64_t(7)));
  return arith::SelectOp::create(b, high, lookUp(b, tables[1], code), result);
}

Value LutCodes::times(Value code, Value stride) {
  return arith::MulIOp::create(b, code,
                               splat(arith::IndexCastOp::create(b, b.getI32Type(), stride)));
}

/// Entries of the tables of some columns, one after the other.
ArrayRef<Value> LutCodes::ownEntries(Columns columns) {
  // What was read in this block for other codes of the same columns is there.
  std::array<void *, 4> place = {b.getInsertionBlock(), columns.first.getAsOpaquePointer(),
                                 columns.mask.getAsOpaquePointer(),
                                 columns.inPanel.getAsOpaquePointer()};
  if (place == ownPlace)
    return own;
  ownPlace = place;
  own.clear();
  for (int64_t e = 0; e < kernel.format.levels(); ++e)
    own.push_back(load(1, i.constant(e), columns, b.getF32Type()));
  return own;
}

/// Each lane reads the table of its column.
Value LutCodes::fromTables(Value code, Columns columns) {
  // Few entries are all read, and each lane takes one: that is quicker than a gather.
  if (lanes >= 8 && kernel.format.bits <= (lanes == 16 ? 4 : 3))
    return chosen(code, SmallVector<Value>(ownEntries(columns)), 0);
  SmallVector<Value> first{i.constant(0), columns.first};
  Value mask = columns.mask, stride = i.constant(lutPanel);
  if (kernel.isPacked(1))
    first = {columns.panel, i.constant(0), columns.inPanel};
  else
    stride = memref::ExtractStridedMetadataOp::create(b, parts[1]).getStrides()[0];
  // Panels are filled up.
  if (!mask || kernel.isPacked(1))
    mask = arith::ConstantOp::create(
        b, DenseElementsAttr::get(VectorType::get({lanes}, b.getI1Type()), true));
  return vector::GatherOp::create(b, floats(), parts[1], first,
                                  arith::AddIOp::create(b, times(code, stride), consecutive(0)),
                                  mask, number(0.0));
}

Value LutCodes::scale(Value group, Columns columns) {
  Type element = getElementTypeOrSelf(parts[1].getType());
  return widen(b, alongColumns(1, group, columns, element), element, b.getF32Type());
}

Value LutCodes::zero(Value group, Columns columns) {
  return arith::ExtUIOp::create(b, integers(), alongColumns(2, group, columns, b.getI8Type()));
}

Value LutCodes::entry(int64_t code) {
  return memref::LoadOp::create(b, parts[1], ValueRange{i.constant(code), i.constant(0)});
}

} // namespace mad::kernels
