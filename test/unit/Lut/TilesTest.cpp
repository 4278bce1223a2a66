//===- TilesTest.cpp - Weights in the order of tensor cores ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tiles are read as a warp reads them, fragment by fragment, and give what the codec decodes.
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Tiles.h"
#include "dialects/Lut/Format/Codec.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstring>
#include <random>

using namespace mad::lut;

namespace {

template <typename T> T read(const std::vector<uint8_t> &bytes, int64_t at) {
  T value;
  std::memcpy(&value, &bytes[at], sizeof(T));
  return value;
}

/// The code of register i, half e of a fragment in lane `lane`.
int codeOf(const TileLayout &layout, const std::vector<uint8_t> &bytes, int64_t record, int f,
           int lane, int i, int e) {
  int code = 0, shift = 0;
  int64_t at = record;
  for (int width : {8, 4, 2, 1}) {
    if (!(layout.bits() & width))
      continue;
    const int ofFragment = width * 8; // bits of a lane
    const int words = width * 2, together = std::min(words, 4);
    int word = f * ofFragment / 32 + (width == 8 ? i / 2 : 0);
    int bit = width == 8   ? 8 * (i % 2)
              : width == 4 ? 4 * i
              : width == 2 ? 8 * (f % 2) + 2 * i
                           : 4 * (f % 4) + i;
    int64_t place = at + (word / together * 32 + lane) * together * 4 + word % together * 4;
    code |= int(read<uint32_t>(bytes, place) >> (bit + 16 * e) & ((1u << width) - 1)) << shift;
    shift += width;
    at += words * 4 * 32;
  }
  return code;
}

float valueOf(const TileLayout &layout, const std::vector<uint8_t> &bytes, int64_t m, int64_t k) {
  const int64_t tile = m / 16, block = k / 128, g = m % 8, h = m / 8 % 2, step = k % 128;
  const int64_t record = (tile * layout.records() + block) * layout.recordBytes();
  const int f = int(step / 16), r = int(step % 16 / 8), e = int(step % 2);
  int code = codeOf(layout, bytes, record, f, int(4 * g + step % 8 / 2), int(h + 2 * r), e);
  const Format &format = layout.format;
  if (layout.isTable())
    return read<float>(bytes, layout.lateOffset() +
                                  4 * (code + (layout.hasColumnTables() ? m << layout.bits() : 0)));
  float scale;
  int zero = format.family == Family::Ternary ? 1 : 1 << (format.bits - 1);
  if (layout.hasLateScale()) {
    scale = read<float>(bytes, layout.lateOffset() + 4 * m);
    if (format.affine)
      zero = bytes[layout.lateZerosOffset() + m];
  } else {
    const int64_t place = (step * layout.groups() / 128 * 8 + g) * 2 + h;
    scale = format.half ? floatOf(read<uint16_t>(bytes, record + layout.scalesOffset() + 2 * place))
                        : read<float>(bytes, record + layout.scalesOffset() + 4 * place);
    if (format.affine)
      zero = bytes[record + layout.zerosOffset() + place];
  }
  if (format.family == Family::Int && format.bits == 1 && !format.affine)
    return scale * float(2 * code - 1);
  return scale * float(code - zero);
}

void expectSame(Format format, int64_t k, int64_t m) {
  SCOPED_TRACE(format.str() + " " + std::to_string(k) + " x " + std::to_string(m));
  TileLayout layout{format, k, m};
  ASSERT_EQ(layout.check(), "");
  EXPECT_EQ(layout.recordBytes() % 16, 0);
  std::mt19937 engine(5);
  std::normal_distribution<float> normal;
  std::vector<float> values(k * m), decoded(k * m);
  for (float &x : values)
    x = normal(engine);
  std::vector<Bytes> parts;
  std::string error;
  ASSERT_TRUE(encode(format, values.data(), {k, m}, Mode::Round, parts, error)) << error;
  std::vector<const void *> pointers;
  for (const Bytes &part : parts)
    pointers.push_back(part.data());
  decode(format, pointers, {k, m}, decoded.data());
  std::vector<uint8_t> bytes(layout.bytes(), 0xff);
  packTiles(layout, pointers, bytes.data());
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < m; ++j)
      ASSERT_EQ(valueOf(layout, bytes, j, i), decoded[i * m + j]) << i << ", " << j;
}

Format integers(int bits, int64_t group, bool affine = false, bool half = false) {
  Format format;
  format.bits = bits, format.group = group, format.affine = affine, format.half = half;
  return format;
}

TEST(Tiles, HoldWhatTheCodecDecodes) {
  const int64_t groups[] = {0, 32, 64, 16, 128, 256};
  for (int bits = 1; bits <= 8; ++bits)
    for (bool affine : {false, true})
      expectSame(integers(bits, groups[(bits + 3 * affine) % 6], affine, bits % 2), 300, 37);
  for (int64_t group : {int64_t(Format::wholeTensor), int64_t(0), int64_t(64)})
    for (int bits : {2, 8}) {
      Format ternary = integers(bits, group);
      ternary.family = Family::Ternary;
      expectSame(ternary, 130, 16);
    }
  Format table = integers(4, Format::wholeTensor);
  table.family = Family::Codebook;
  expectSame(table, 64, 20);
  table.group = Format::wholeRow;
  expectSame(table, 64, 20);
}

TEST(Tiles, SaysWhatItCannotHold) {
  auto wrong = [](Format format) { return TileLayout{format, 256, 16}.check(); };
  EXPECT_EQ(wrong(integers(4, 48)), "groups of 48 are neither 16, 32 or 64 nor a multiple of 128");
  EXPECT_EQ(wrong(integers(4, 8)), "groups of 8 are neither 16, 32 or 64 nor a multiple of 128");
  // Kernels count with 32 bits.
  Format table = integers(8, Format::wholeRow);
  table.family = Family::Codebook;
  constexpr int64_t most = int64_t(1) << 30;
  EXPECT_EQ((TileLayout{table, 256, most / 256}.check()), "");
  EXPECT_EQ((TileLayout{table, 256, most / 256 + 1}.check()),
            "the tables of all columns have more than 2^30 numbers");
  EXPECT_EQ((TileLayout{integers(8, 0), most + 1, 16}.check()), "more than 2^30 rows or columns");
  EXPECT_EQ((TileLayout{integers(8, 0), 16, most + 1}.check()), "more than 2^30 rows or columns");
}

} // namespace
