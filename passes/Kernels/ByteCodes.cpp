//===- ByteCodes.cpp - Codes of few bits as bytes in registers --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/ByteCodes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace mad::kernels {

/// Elements that lie together in one column order: of two registers, four each.
static constexpr int64_t run = 8;

/// So many elements from a place on, zeros behind those that are left.
static Value loadLeft(ImplicitLocOpBuilder &b, int64_t count, Value memory, ValueRange place,
                      Value left) {
  auto type = VectorType::get({count}, getElementTypeOrSelf(memory.getType()));
  if (!left)
    return vector::LoadOp::create(b, type, memory, place);
  Value mask = vector::CreateMaskOp::create(b, VectorType::get({count}, b.getI1Type()), left);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  return vector::MaskedLoadOp::create(b, type, memory, place, mask, zero);
}

std::pair<Value, Value> TileOrder::load(Value memory, ValueRange place, Value left,
                                        function_ref<Value(Value)> widened) {
  Value low, high;
  for (int64_t part = 0; part < unit.bytes() / 16; ++part) {
    int64_t at = 16 * part;
    SmallVector<Value> from(place);
    from.back() = i.add(from.back(), at);
    Value read = loadLeft(b, run, memory, from, left ? i.sub(left, i.constant(at)) : left);
    read = widened(read);
    auto whole = VectorType::get({unit.lanes()}, getElementTypeOrSelf(read.getType()));
    if (!low) {
      low = arith::ConstantOp::create(b, b.getZeroAttr(whole));
      high = low;
    }
    auto half = [&](Value into, int64_t offset) -> Value {
      Value four = vector::ExtractStridedSliceOp::create(
          b, read, ArrayRef<int64_t>{offset}, ArrayRef<int64_t>{4}, ArrayRef<int64_t>{1});
      return vector::InsertStridedSliceOp::create(b, four, into, ArrayRef<int64_t>{4 * part},
                                                  ArrayRef<int64_t>{1});
    };
    low = half(low, 0);
    high = half(high, 4);
  }
  return {low, high};
}

void TileOrder::store(Value low, Value high, Value memory, ValueRange place, Value left) {
  for (int64_t part = 0; part < unit.bytes() / 16; ++part) {
    int64_t at = 16 * part;
    SmallVector<int64_t> chosen;
    for (int64_t e = 0; e < run; ++e)
      chosen.push_back(4 * part + e % 4 + (e < 4 ? 0 : unit.lanes()));
    Value eight = vector::ShuffleOp::create(b, low, high, chosen);
    SmallVector<Value> to(place);
    to.back() = i.add(to.back(), at);
    if (!left) {
      vector::StoreOp::create(b, eight, memory, to);
      continue;
    }
    Value mask = vector::CreateMaskOp::create(b, VectorType::get({run}, b.getI1Type()),
                                              i.sub(left, i.constant(at)));
    vector::MaskedStoreOp::create(b, memory, to, mask, eight);
  }
}

ByteCodes::ByteCodes(ImplicitLocOpBuilder &b, const LutKernel &kernel, ByteUnit unit,
                     ValueRange parts, Value K)
    : b(b), i(b), kernel(kernel), unit(unit), sums(b, unit, 1), order(b, unit), parts(parts) {
  if (unit.level < 4 && !kernel.packed)
    buffer = memref::AllocaOp::create(b, MemRefType::get({byteTile * unit.bytes()}, b.getI8Type()),
                                      b.getI64IntegerAttr(64));
  Value row = i.constant(0);
  auto source = [&](int width, int shift, int64_t perByte) {
    Value end = i.add(row, i.ceilDiv(K, perByte));
    sources.push_back({width, shift, row, i.sub(end, i.constant(1)), -1, {}});
    row = end;
  };
  if (kernel.format.isBase3()) {
    source(8, 0, 5);
    return;
  }
  for (const lut::Field &field : lut::fields(kernel.format.bits, 8))
    source(field.width, field.shift, field.perByte());
}

int64_t ByteCodes::mostCode() const {
  if (kernel.format.isBase3() || kernel.signs())
    return 2;
  return (int64_t(1) << kernel.format.bits) - 1;
}

ByteCodes::Columns ByteCodes::columns(Value first, Value left) {
  Columns made{first, left, {}, {}};
  if (!kernel.packed)
    return made;
  // Panels are filled up.
  made.left = Value();
  made.panel = b.createOrFold<arith::DivUIOp>(first, i.constant(lutPanel));
  made.inPanel = b.createOrFold<arith::RemUIOp>(first, i.constant(lutPanel));
  return made;
}

Value ByteCodes::row(Value row, Columns columns) {
  if (kernel.packed)
    return vector::LoadOp::create(b, sums.bytes(), parts[0],
                                  ValueRange{columns.panel, row, columns.inPanel});
  SmallVector<Value> place{row, columns.first};
  if (!columns.left)
    return vector::LoadOp::create(b, sums.bytes(), parts[0], place);
  Value mask =
      vector::CreateMaskOp::create(b, VectorType::get({unit.bytes()}, b.getI1Type()), columns.left);
  return vector::MaskedLoadOp::create(b, sums.bytes(), parts[0], place, mask,
                                      sums.splat(sums.bytes(), 0));
}

void ByteCodes::prefetch(Value row, Columns columns, int64_t ahead) {
  if (!kernel.packed)
    return;
  memref::PrefetchOp::create(b, parts[0],
                             ValueRange{columns.panel, i.add(row, ahead), columns.inPanel},
                             /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
}

Value ByteCodes::rowOf(Value step) const {
  return kernel.cutBlocks ? i.min(step, sources[0].lastRow) : step;
}

Value ByteCodes::interleaved(Value x, Value y, int64_t half) {
  int64_t elements = cast<VectorType>(x.getType()).getNumElements();
  int64_t part = elements / (unit.bytes() / 16);
  SmallVector<int64_t> chosen;
  for (int64_t e = 0; e < elements; ++e)
    chosen.push_back(e / part * part + half * part / 2 + e % part / 2 + e % 2 * elements);
  return vector::ShuffleOp::create(b, x, y, chosen);
}

/// Four rows of bytes, in parts of 16: lanes of four bytes.
SmallVector<Value> ByteCodes::woven(ArrayRef<Value> rows) {
  SmallVector<Value> result;
  for (int64_t half = 0; half < 2; ++half) {
    Value x = vector::BitCastOp::create(b, sums.halves(), interleaved(rows[0], rows[1], half));
    Value y = vector::BitCastOp::create(b, sums.halves(), interleaved(rows[2], rows[3], half));
    for (int64_t quarter = 0; quarter < 2; ++quarter)
      result.push_back(vector::BitCastOp::create(b, sums.words(), interleaved(x, y, quarter)));
  }
  return result;
}

/// The same of columns that are not all there, without loads under a mask, which are a branch for
/// each byte below level 4: through memory.
SmallVector<Value> ByteCodes::wovenByElement(ValueRange rows, Columns columns) {
  Value wide = i.constant(unit.bytes()), sixteen = i.constant(16), four = i.constant(4);
  forRange(b, i.constant(0), i.min(columns.left, wide), 1, [&](Value c) {
    // Part, register and lane of a column.
    Value part = b.createOrFold<arith::DivUIOp>(c, sixteen);
    Value inPart = b.createOrFold<arith::RemUIOp>(c, sixteen);
    Value number = b.createOrFold<arith::DivUIOp>(inPart, four);
    Value lane = i.add(i.mul(part, 4), b.createOrFold<arith::RemUIOp>(inPart, four));
    Value at = i.add(i.mul(number, unit.bytes()), i.mul(lane, 4));
    for (auto [n, row] : llvm::enumerate(rows)) {
      Value byte = memref::LoadOp::create(b, parts[0], ValueRange{row, i.add(columns.first, c)});
      memref::StoreOp::create(b, byte, buffer, ValueRange{i.add(at, n)});
    }
  });
  SmallVector<Value> words;
  for (unsigned v = 0; v < byteTile; ++v) {
    Value read =
        vector::LoadOp::create(b, sums.bytes(), buffer, ValueRange{i.constant(v * unit.bytes())});
    words.push_back(vector::BitCastOp::create(b, sums.words(), read));
  }
  return words;
}

/// Registers as they lie in panels: parts of 16 columns of each follow each other.
void ByteCodes::loadWoven(Source &source, Value step, int64_t byte, Columns columns) {
  Value block = b.createOrFold<arith::DivUIOp>(step, i.constant(4));
  int64_t rows = kernel.format.isBase3() ? 1 : source.width;
  Value row = i.add(i.mul(block, rows), byte);
  source.loaded = byte;
  source.words.clear();
  for (unsigned v = 0; v < byteTile; ++v) {
    SmallVector<Value> place{columns.panel, row, i.add(columns.inPanel, v * lutPanel)};
    Value read = vector::LoadOp::create(b, sums.bytes(), parts[0], place);
    source.words.push_back(vector::BitCastOp::create(b, sums.words(), read));
  }
}

void ByteCodes::load(Source &source, Value step, int64_t byte, Columns columns) {
  if (kernel.woven)
    return loadWoven(source, step, byte, columns);
  SmallVector<Value> rows;
  for (int64_t n = 0; n < 4; ++n) {
    int64_t perStep = kernel.format.isBase3() ? 1 : source.width;
    Value at = i.add(source.firstRow, i.add(i.mul(i.add(step, n), perStep), byte));
    if (kernel.cutBlocks)
      at = i.min(at, source.lastRow);
    rows.push_back(at);
  }
  source.loaded = byte;
  if (buffer && columns.left) {
    source.words = wovenByElement(rows, columns);
    return;
  }
  for (Value &at : rows)
    at = row(at, columns);
  source.words = woven(rows);
}

int64_t ByteCodes::together() const {
  // Saturating products of other units take one more bit at most, and codes of two fields are put
  // together first.
  if (!unit.vnni || kernel.format.isBase3() || sources.size() > 1)
    return 1;
  return std::min<int64_t>(8 / sources[0].width, unit.level >= 4 ? 4 : 2);
}

int64_t ByteCodes::standing(int64_t term, int64_t together) const {
  int64_t width = sources[0].width;
  return term * width % (together * width);
}

/// The bits of a term, where they stand in the code, and those of `together` places where they
/// stand in the byte.
Value ByteCodes::field(const Source &source, Value word, int64_t term, int64_t together) {
  if (source.width == 8)
    return word;
  int64_t place = term * source.width % 8;
  int64_t to = (kernel.signs() ? 1 : source.shift) + standing(term, together);
  auto shift = [&](int64_t by) { return sums.splat(sums.words(), by); };
  if (place > to)
    word = arith::ShRUIOp::create(b, word, shift(place - to));
  else if (place < to)
    word = arith::ShLIOp::create(b, word, shift(to - place));
  int64_t mask = ((int64_t(1) << source.width) - 1) << to;
  return arith::AndIOp::create(b, word, sums.splat(sums.words(), mask * 0x01010101));
}

void ByteCodes::block(Value step, Columns columns,
                      function_ref<void(int64_t, ArrayRef<Value>)> term, int64_t together) {
  if (kernel.format.isBase3())
    return digits(step, columns, term);
  for (Source &source : sources)
    source.loaded = -1;
  for (int64_t j = 0; j < 8; ++j) {
    SmallVector<Value> codes(byteTile);
    for (Source &source : sources) {
      if (int64_t byte = j * source.width / 8; byte != source.loaded)
        load(source, step, byte, columns);
      for (unsigned v = 0; v < byteTile; ++v) {
        Value bits = field(source, source.words[v], j, together);
        codes[v] = codes[v] ? arith::OrIOp::create(b, codes[v], bits).getResult() : bits;
      }
    }
    for (Value &code : codes)
      code = vector::BitCastOp::create(b, sums.bytes(), code);
    term(j, codes);
  }
}

SmallVector<Value> ByteCodes::fives(Value step, Columns columns) {
  load(sources[0], step, 0, columns);
  SmallVector<Value> bytes;
  for (Value word : sources[0].words)
    bytes.push_back(vector::BitCastOp::create(b, sums.bytes(), word));
  return bytes;
}

/// As `LutCodes::digits`, for bytes at even and at odd places apart.
void ByteCodes::digits(Value step, Columns columns,
                       function_ref<void(int64_t, ArrayRef<Value>)> term) {
  load(sources[0], step, 0, columns);
  Value eight = sums.splat(sums.halves(), 8), low = sums.splat(sums.halves(), 255),
        three = sums.splat(sums.halves(), 3), high = sums.splat(sums.halves(), -256);
  SmallVector<Value> even, odd;
  for (Value word : sources[0].words) {
    Value both = vector::BitCastOp::create(b, sums.halves(), word);
    even.push_back(arith::AndIOp::create(b, both, low));
    odd.push_back(arith::ShRUIOp::create(b, both, eight));
  }
  for (int64_t j = 0; j < 5; ++j) {
    SmallVector<Value> codes;
    for (unsigned v = 0; v < byteTile; ++v) {
      Value x = arith::MulIOp::create(b, even[v], three);
      Value y = arith::MulIOp::create(b, odd[v], three);
      Value code = arith::OrIOp::create(b, arith::ShRUIOp::create(b, x, eight),
                                        arith::AndIOp::create(b, y, high));
      codes.push_back(vector::BitCastOp::create(b, sums.bytes(), code));
      even[v] = arith::AndIOp::create(b, x, low);
      odd[v] = arith::AndIOp::create(b, y, low);
    }
    term(j, codes);
  }
}

SmallVector<Value> ByteCodes::along(unsigned part, Value group, Columns columns, VectorType type,
                                    function_ref<Value(Value)> widened, bool straight) {
  if (kernel.oneColumn) {
    Value one = memref::LoadOp::create(b, parts[part], ValueRange{group, i.constant(0)});
    Value wide = vector::BroadcastOp::create(b, type, widened(one));
    return SmallVector<Value>(byteTile, wide);
  }
  SmallVector<Value> place{group, columns.first}, result;
  if (kernel.isPacked(part))
    place = {columns.panel, group, columns.inPanel};
  Value left = columns.left;
  for (unsigned v = 0; straight && v < byteTile; ++v) {
    result.push_back(widened(loadLeft(b, unit.lanes(), parts[part], place, left)));
    place.back() = i.add(place.back(), unit.lanes());
    left = left ? i.sub(left, i.constant(unit.lanes())) : left;
  }
  for (unsigned v = 0; !straight && v < byteTile; v += 2) {
    auto [low, high] = order.load(parts[part], place, left, widened);
    result.append({low, high});
    place.back() = i.add(place.back(), 8);
    left = left ? i.sub(left, i.constant(8)) : left;
  }
  return result;
}

SmallVector<Value> ByteCodes::scales(Value group, Columns columns) {
  Type element = getElementTypeOrSelf(parts[1].getType());
  return along(1, group, columns, sums.floats(),
               [&](Value read) { return widen(b, read, element, b.getF32Type()); });
}

SmallVector<Value> ByteCodes::straightScales(Value group, Columns columns) {
  Type element = getElementTypeOrSelf(parts[1].getType());
  return along(
      1, group, columns, sums.floats(),
      [&](Value read) { return widen(b, read, element, b.getF32Type()); }, /*straight=*/true);
}

SmallVector<Value> ByteCodes::zeros(Value group, Columns columns) {
  return along(2, group, columns, sums.words(), [&](Value read) -> Value {
    Type i32 = b.getI32Type();
    auto vector = dyn_cast<VectorType>(read.getType());
    return arith::ExtUIOp::create(b, vector ? vector.clone(i32) : i32, read);
  });
}

} // namespace mad::kernels
