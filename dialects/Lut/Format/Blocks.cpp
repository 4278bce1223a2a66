//===- Blocks.cpp - Block formats of .gguf files ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// runtime/io/GgufBlocks.cpp reads the same blocks as numbers; here their codes and scales stay.
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Scalars.h"

#include <cstring>

namespace mad::lut {

namespace {

/// What a block holds, apart.
struct Block {
  uint8_t codes[256];
  uint8_t scales[16] = {}, mins[16] = {};
  uint16_t scale = 0, min = 0; ///< f16
};

uint16_t u16(const uint8_t *at) { return uint16_t(at[0] | at[1] << 8); }

/// Element j in the low half of byte j, element j + 16 in its high half; fifth bits in 32 bits.
void read32(const uint8_t *b, const BlockType &type, Block &to) {
  to.scale = u16(b);
  to.min = u16(b + 2);
  const uint8_t *high = b + 4, *low = type.bits == 5 ? b + 8 : b + 4;
  for (int j = 0; j < 32; ++j) {
    to.codes[j] = j < 16 ? low[j] & 15 : low[j - 16] >> 4;
    if (type.bits == 5)
      to.codes[j] |= uint8_t((high[j / 8] >> j % 8 & 1) << 4);
  }
}

/// Element 128h + 32j + l has the bits 2j of byte 32h + l.
uint8_t twoBits(const uint8_t *codes, int e) {
  return codes[e / 128 * 32 + e % 32] >> e % 128 / 32 * 2 & 3;
}

void readQ2K(const uint8_t *b, Block &to) {
  memcpy(to.scales, b, 16); // minima in their high halves
  for (int e = 0; e < 256; ++e)
    to.codes[e] = twoBits(b + 16, e);
  to.scale = u16(b + 80);
  to.min = u16(b + 82);
}

void readQ3K(const uint8_t *b, Block &to) {
  const uint8_t *high = b, *codes = b + 32, *scales = b + 96;
  for (int i = 0; i < 16; ++i) {
    int low = i < 8 ? scales[i] & 15 : scales[i - 8] >> 4;
    to.scales[i] = uint8_t(low | (scales[8 + i % 4] >> 2 * (i / 4) & 3) << 4);
  }
  for (int e = 0; e < 256; ++e)
    to.codes[e] = uint8_t(twoBits(codes, e) | (high[e % 32] >> e / 32 & 1) << 2);
  to.scale = u16(b + 108);
}

/// Eight scales and eight minima of six bits in twelve bytes; Q5_K has its fifth bits in front of
/// codes.
void readQ45K(const uint8_t *b, const BlockType &type, Block &to) {
  to.scale = u16(b);
  to.min = u16(b + 2);
  const uint8_t *s = b + 4, *high = b + 16, *codes = type.bits == 5 ? b + 48 : b + 16;
  for (int j = 0; j < 8; ++j) {
    to.scales[j] = j < 4 ? s[j] & 63 : uint8_t((s[j + 4] & 15) | s[j - 4] >> 6 << 4);
    to.mins[j] = j < 4 ? s[j + 4] & 63 : uint8_t(s[j + 4] >> 4 | s[j] >> 6 << 4);
  }
  for (int e = 0; e < 256; ++e) {
    int group = e / 32, l = e % 32;
    to.codes[e] = codes[group / 2 * 32 + l] >> group % 2 * 4 & 15;
    if (type.bits == 5)
      to.codes[e] |= uint8_t((high[l] >> group & 1) << 4);
  }
}

void readQ6K(const uint8_t *b, Block &to) {
  const uint8_t *low = b, *high = b + 128, *scales = b + 192;
  for (int i = 0; i < 16; ++i)
    to.scales[i] = uint8_t(int(int8_t(scales[i])) + 128);
  for (int e = 0; e < 256; ++e) {
    int h = e / 128, in = e % 128, quarter = in / 32, l = in % 32;
    to.codes[e] = uint8_t((low[64 * h + in % 64] >> quarter / 2 * 4 & 15) |
                          (high[32 * h + l] >> 2 * quarter & 3) << 4);
  }
  to.scale = u16(b + 208);
}

void read(const BlockType &type, const uint8_t *b, Block &to) {
  if (type.block == 32)
    read32(b, type, to);
  else if (type.bits == 2)
    readQ2K(b, to);
  else if (type.bits == 3)
    readQ3K(b, to);
  else if (type.bits == 6)
    readQ6K(b, to);
  else
    readQ45K(b, type, to);
}

float half(const void *values, int64_t at) {
  uint16_t bits;
  memcpy(&bits, static_cast<const char *>(values) + 2 * at, 2);
  return floatOf(bits);
}

} // namespace

int64_t blockBytes(const BlockType &type) {
  int64_t codes = type.block * type.bits / 8;
  if (type.block == 32)
    return codes + 4;
  return codes + (type.minima ? 4 : 2) + (type.bits == 2 || type.bits == 6 ? 16 : 12);
}

void fromBlocks(const Format &format, const uint8_t *bytes, int64_t k, int64_t m,
                std::vector<Bytes> &parts) {
  const BlockType &type = *format.blockType();
  bool two = type.block > type.group;
  std::vector<Part> described = format.parts({k, m});
  parts.clear();
  for (const Part &part : described)
    parts.emplace_back(part.bytes());
  auto store = [&](size_t part, int64_t at, uint16_t value, bool wide) {
    memcpy(parts[part].data() + (wide ? 2 * at : at), &value, wide ? 2 : 1);
  };
  std::vector<uint8_t> codes(k * m);
  int64_t blocks = k / type.block, groups = type.block / type.group, each = blockBytes(type);
  bool minCodes = type.minima == 2;
  for (int64_t column = 0; column < m; ++column)
    for (int64_t i = 0; i < blocks; ++i) {
      Block block;
      read(type, bytes + (column * blocks + i) * each, block);
      for (int64_t e = 0; e < type.block; ++e)
        codes[(i * type.block + e) * m + column] = block.codes[e];
      if (!two) {
        store(1, i * m + column, block.scale, true);
        store(2, i * m + column, block.min, true);
        continue;
      }
      for (int64_t g = 0; g < groups; ++g) {
        store(1, (i * groups + g) * m + column, block.scales[g], false);
        if (minCodes)
          store(2, (i * groups + g) * m + column, block.mins[g], false);
      }
      store(minCodes ? 3 : 2, i * m + column, block.scale, true);
      if (type.minima)
        store(minCodes ? 4 : 3, i * m + column, block.min, true);
    }
  packCodes(format, codes.data(), k, m, reinterpret_cast<uint8_t *>(parts[0].data()));
}

void decodeBlocks(const Format &format, const uint8_t *codes,
                  const std::vector<const void *> &parts, int64_t k, int64_t m, float *values) {
  const BlockType &type = *format.blockType();
  bool two = type.block > type.group, minCodes = type.minima == 2;
  for (int64_t row = 0; row < k; ++row)
    for (int64_t column = 0; column < m; ++column) {
      int64_t at = row / type.group * m + column, super = row / type.block * m + column;
      float scale, min = 0;
      if (two) {
        auto numbers = [&](size_t part) { return static_cast<const uint8_t *>(parts[part])[at]; };
        int code = numbers(1);
        if (type.minima)
          min = half(parts[minCodes ? 4 : 3], super) * float(minCodes ? numbers(2) : code >> 4);
        scale = half(parts[minCodes ? 3 : 2], super) *
                float((type.minima == 3 ? code & 15 : code) - type.bias);
      } else {
        scale = half(parts[1], at);
        min = -half(parts[2], at);
      }
      // Products are exact, so that it does not matter whether they are rounded.
      float product = scale * float(int(codes[row * m + column]) - type.middle);
      values[row * m + column] = type.minima ? product - min : product;
    }
}

} // namespace mad::lut
