//===- GgufBlocks.cpp - Element formats of GGUF files ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiled without contraction to fused multiply-adds: `d * q - m` rounds twice,
// as the formats define it.
//
//===----------------------------------------------------------------------===//
#include "runtime/io/GgufBlocks.h"

#include "runtime/io/GgufGrids.h"
#include "runtime/io/Half.h"
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <iterator>

using namespace mad::io;

namespace {

uint16_t u16(const uint8_t *at) { return static_cast<uint16_t>(at[0] | at[1] << 8); }
uint32_t u32(const uint8_t *at) { return u16(at) | static_cast<uint32_t>(u16(at + 2)) << 16; }
float half(const uint8_t *at) { return halfToFloat(u16(at)); }
/// Signed bytes are stored as such.
float i8(uint8_t byte) { return static_cast<int8_t>(byte); }
float number(int value) { return static_cast<float>(value); }

// Formats of 32 elements a block: element j in the low half of byte j, element
// j + 16 in its high half.

/// The numbers of four bits in 16 bytes, by way of a function of element and code.
template <typename Function> void nibbles16(const uint8_t *codes, Function value) {
  for (int j = 0; j < 16; ++j) {
    value(j, codes[j] & 15);
    value(j + 16, codes[j] >> 4);
  }
}

bool q4_0(const uint8_t *b, float *y) {
  float d = half(b);
  nibbles16(b + 2, [&](int j, int q) { y[j] = number(q - 8) * d; });
  return std::isfinite(d);
}

bool q4_1(const uint8_t *b, float *y) {
  float d = half(b), m = half(b + 2);
  nibbles16(b + 4, [&](int j, int q) { y[j] = number(q) * d + m; });
  return std::isfinite(d) && std::isfinite(m);
}

bool q5_0(const uint8_t *b, float *y) {
  float d = half(b);
  uint32_t high = u32(b + 2);
  nibbles16(b + 6, [&](int j, int q) {
    y[j] = number((q | static_cast<int>(high >> j & 1) << 4) - 16) * d;
  });
  return std::isfinite(d);
}

bool q5_1(const uint8_t *b, float *y) {
  float d = half(b), m = half(b + 2);
  uint32_t high = u32(b + 4);
  nibbles16(b + 8,
            [&](int j, int q) { y[j] = number(q | static_cast<int>(high >> j & 1) << 4) * d + m; });
  return std::isfinite(d) && std::isfinite(m);
}

bool q8_0(const uint8_t *b, float *y) {
  float d = half(b);
  for (int j = 0; j < 32; ++j)
    y[j] = i8(b[2 + j]) * d;
  return std::isfinite(d);
}

bool q8_1(const uint8_t *b, float *y) {
  float d = half(b);
  for (int j = 0; j < 32; ++j)
    y[j] = i8(b[4 + j]) * d;
  return std::isfinite(d);
}

bool q1_0(const uint8_t *b, float *y) {
  float d = half(b);
  for (int j = 0; j < 128; ++j)
    y[j] = b[2 + j / 8] >> j % 8 & 1 ? d : -d;
  return std::isfinite(d);
}

bool q2_0(const uint8_t *b, float *y) {
  float d = half(b);
  for (int j = 0; j < 64; ++j)
    y[j] = number((b[2 + j / 4] >> 2 * (j % 4) & 3) - 1) * d;
  return std::isfinite(d);
}

// Formats of 256 elements a block, whose scales have a scale in turn.

bool q8_k(const uint8_t *b, float *y) {
  float d = std::bit_cast<float>(u32(b));
  for (int j = 0; j < 256; ++j)
    y[j] = d * i8(b[4 + j]);
  return std::isfinite(d);
}

/// Element 128h + 32j + l has the bits 2j of byte 32h + l.
int twoBits(const uint8_t *codes, int element) {
  return codes[element / 128 * 32 + element % 32] >> element % 128 / 32 * 2 & 3;
}

bool q2_k(const uint8_t *b, float *y) {
  const uint8_t *scales = b, *codes = b + 16;
  float d = half(b + 80), dmin = half(b + 82);
  for (int e = 0; e < 256; ++e) {
    uint8_t scale = scales[e / 16];
    float dl = d * number(scale & 15), ml = dmin * number(scale >> 4);
    y[e] = dl * number(twoBits(codes, e)) - ml;
  }
  return std::isfinite(d) && std::isfinite(dmin);
}

bool q3_k(const uint8_t *b, float *y) {
  const uint8_t *high = b, *codes = b + 32, *scales = b + 96;
  float d = half(b + 108);
  for (int e = 0; e < 256; ++e) {
    int i = e / 16;
    int low = i < 8 ? scales[i] & 15 : scales[i - 8] >> 4;
    int scale = (low | (scales[8 + i % 4] >> 2 * (i / 4) & 3) << 4) - 32;
    bool set = high[e % 32] >> e / 32 & 1;
    float dl = d * number(scale);
    y[e] = dl * number(twoBits(codes, e) - (set ? 0 : 4));
  }
  return std::isfinite(d);
}

/// Scale and minimum of the sub-block `j` of 8, six bits each, in 12 bytes.
void scaleAndMin(const uint8_t *s, int j, int &scale, int &min) {
  if (j < 4) {
    scale = s[j] & 63;
    min = s[j + 4] & 63;
  } else {
    scale = (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
    min = s[j + 4] >> 4 | s[j] >> 6 << 4;
  }
}

/// Q4_K, and with `high` the fifth bits of Q5_K.
bool q45_k(const uint8_t *b, const uint8_t *high, const uint8_t *codes, float *y) {
  float d = half(b), dmin = half(b + 2);
  for (int s = 0; s < 8; ++s) {
    int scale, min;
    scaleAndMin(b + 4, s, scale, min);
    float dl = d * number(scale), ml = dmin * number(min);
    for (int l = 0; l < 32; ++l) {
      int q = codes[s / 2 * 32 + l] >> s % 2 * 4 & 15;
      if (high)
        q |= (high[l] >> s & 1) << 4;
      y[32 * s + l] = dl * number(q) - ml;
    }
  }
  return std::isfinite(d) && std::isfinite(dmin);
}
bool q4_k(const uint8_t *b, float *y) { return q45_k(b, nullptr, b + 16, y); }
bool q5_k(const uint8_t *b, float *y) { return q45_k(b, b + 16, b + 48, y); }

bool q6_k(const uint8_t *b, float *y) {
  const uint8_t *low = b, *high = b + 128, *scales = b + 192;
  float d = half(b + 208);
  for (int h = 0; h < 2; ++h)
    for (int e = 0; e < 128; ++e) {
      int quarter = e / 32, l = e % 32;
      int q = low[64 * h + e % 64] >> quarter / 2 * 4 & 15;
      q |= (high[32 * h + l] >> 2 * quarter & 3) << 4;
      float dl = d * i8(scales[8 * h + e / 16]);
      y[128 * h + e] = dl * number(q - 32);
    }
  return std::isfinite(d);
}

// Ternary numbers.

/// Five digits of base 3 a byte, the first one most significant; the byte holds
/// the number times 256 / 243, rounded up.
int ternary(uint8_t byte, int digit) {
  static constexpr int powers[] = {1, 3, 9, 27, 81};
  return (byte * powers[digit] & 255) * 3 >> 8;
}

bool tq1_0(const uint8_t *b, float *y) {
  float d = half(b + 52);
  for (int e = 0; e < 256; ++e) {
    int digit = e < 160   ? ternary(b[e % 32], e / 32)
                : e < 240 ? ternary(b[32 + e % 16], (e - 160) / 16)
                          : ternary(b[48 + e % 4], (e - 240) / 4);
    y[e] = number(digit - 1) * d;
  }
  return std::isfinite(d);
}

bool tq2_0(const uint8_t *b, float *y) {
  float d = half(b + 64);
  for (int e = 0; e < 256; ++e)
    y[e] = number(twoBits(b, e) - 1) * d;
  return std::isfinite(d);
}

// Codes that number the entries of a table.

constexpr int8_t nonlinear[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                  1,    13,   25,  38,  53,  69,  89,  113};
/// The numbers of E2M1, doubled.
constexpr int8_t e2m1[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

bool iq4_nl(const uint8_t *b, float *y) {
  float d = half(b);
  nibbles16(b + 2, [&](int j, int q) { y[j] = d * number(nonlinear[q]); });
  return std::isfinite(d);
}

bool iq4_xs(const uint8_t *b, float *y) {
  float d = half(b);
  uint16_t high = u16(b + 2);
  for (int s = 0; s < 8; ++s) {
    int scale = (b[4 + s / 2] >> s % 2 * 4 & 15) | (high >> 2 * s & 3) << 4;
    float dl = d * number(scale - 32);
    nibbles16(b + 8 + 16 * s, [&](int j, int q) { y[32 * s + j] = dl * number(nonlinear[q]); });
  }
  return std::isfinite(d);
}

bool mxfp4(const uint8_t *b, float *y) {
  // 255 is the NaN of E8M0. The table is doubled, so the scale is halved.
  float d = std::ldexp(1.0f, b[0] - 128);
  nibbles16(b + 1, [&](int j, int q) { y[j] = number(e2m1[q]) * d; });
  return b[0] != 255;
}

bool nvfp4(const uint8_t *b, float *y) {
  for (int s = 0; s < 4; ++s) {
    // E4M3 without sign; halved for the doubled table. 0 and 127 stand for 0.
    int code = b[s], exponent = code >> 3 & 15, fraction = code & 7;
    float scale = exponent ? std::ldexp(1 + number(fraction) / 8, exponent - 7)
                           : std::ldexp(number(fraction), -9);
    float d = code == 0 || code == 127 ? 0 : scale * 0.5f;
    for (int j = 0; j < 8; ++j) {
      uint8_t codes = b[4 + 8 * s + j];
      y[16 * s + j] = number(e2m1[codes & 15]) * d;
      y[16 * s + j + 8] = number(e2m1[codes >> 4]) * d;
    }
  }
  return true;
}

/// Eight elements: the entry of a grid, a sign each, times `scale`.
void gridElements(uint16_t entry, int signs, float scale, float *y) {
  static constexpr float levels[3] = {8, 25, 43};
  for (int j = 0; j < 8; ++j, entry = static_cast<uint16_t>(entry / 3))
    y[j] = scale * levels[entry % 3] * (signs >> j & 1 ? -1.0f : 1.0f);
}

/// Seven bits of signs; the eighth makes their number even.
int evenSigns(uint32_t seven) { return static_cast<int>(seven | (std::popcount(seven) & 1u) << 7); }

bool iq2_xxs(const uint8_t *b, float *y) {
  float d = half(b);
  for (int s = 0; s < 8; ++s) {
    const uint8_t *index = b + 2 + 8 * s;
    uint32_t rest = u32(index + 4);
    float scale = d * (0.5f + static_cast<float>(rest >> 28)) * 0.25f;
    for (int l = 0; l < 4; ++l)
      gridElements(gridIq2Xxs[index[l]], evenSigns(rest >> 7 * l & 127), scale, y + 32 * s + 8 * l);
  }
  return std::isfinite(d);
}

bool iq2_xs(const uint8_t *b, float *y) {
  float d = half(b);
  for (int g = 0; g < 32; ++g) {
    uint16_t code = u16(b + 2 + 2 * g);
    float scale = d * (0.5f + number(b[66 + g / 4] >> g % 4 / 2 * 4 & 15)) * 0.25f;
    gridElements(gridIq2Xs[code & 511], evenSigns(code >> 9), scale, y + 8 * g);
  }
  return std::isfinite(d);
}

bool iq2_s(const uint8_t *b, float *y) {
  const uint8_t *low = b + 2, *signs = b + 34, *high = b + 66, *scales = b + 74;
  float d = half(b);
  for (int g = 0; g < 32; ++g) {
    int index = low[g] | (high[g / 4] << (8 - 2 * (g % 4)) & 0x300);
    float scale = d * (0.5f + number(scales[g / 4] >> g % 4 / 2 * 4 & 15)) * 0.25f;
    gridElements(gridIq2S[index], signs[g], scale, y + 8 * g);
  }
  return std::isfinite(d);
}

/// The entries of IQ1 in order.
constexpr std::array<uint16_t, 2048> gridIq1 = [] {
  std::array<uint16_t, 2048> entries{};
  size_t count = 0;
  for (uint16_t c = 0; c < 6561; ++c)
    if (setIq1[c / 64] >> c % 64 & 1)
      entries[count++] = c;
  return entries;
}();

/// Eight elements: the digits of an entry less 1, all moved by an eighth, times `scale`.
void ternaryElements(int index, bool down, float scale, float *y) {
  uint16_t entry = gridIq1[static_cast<size_t>(index)];
  for (int j = 0; j < 8; ++j, entry = static_cast<uint16_t>(entry / 3))
    y[j] = scale * (number(entry % 3 - 1) + (down ? -0.125f : 0.125f));
}

bool iq1_s(const uint8_t *b, float *y) {
  float d = half(b);
  for (int s = 0; s < 8; ++s) {
    // High bits of four indices, the scale, the direction.
    uint16_t more = u16(b + 34 + 2 * s);
    float scale = d * number(2 * (more >> 12 & 7) + 1);
    for (int l = 0; l < 4; ++l)
      ternaryElements(b[2 + 4 * s + l] | (more >> 3 * l & 7) << 8, more >> 15 & 1, scale,
                      y + 32 * s + 8 * l);
  }
  return std::isfinite(d);
}

bool iq1_m(const uint8_t *b, float *y) {
  const uint8_t *low = b, *high = b + 32, *scales = b + 48;
  // The f16 lies in the upper four bits of the four words of scales.
  uint8_t bits[2] = {static_cast<uint8_t>(scales[1] >> 4 | (scales[3] & 0xf0)),
                     static_cast<uint8_t>(scales[5] >> 4 | (scales[7] & 0xf0))};
  float d = half(bits);
  for (int g = 0; g < 32; ++g) {
    // Three high bits of the index, and the direction.
    int more = high[g / 2] >> g % 2 * 4 & 15;
    int three = u16(scales + g / 8 * 2) >> (g / 2 % 4 * 3) & 7;
    ternaryElements(low[g] | (more & 7) << 8, more >> 3, d * number(2 * three + 1), y + 8 * g);
  }
  return std::isfinite(d);
}

/// Four elements: the entry of a grid of octal digits, a sign each, times `scale`.
void octalElements(uint16_t entry, const float *levels, int signs, float scale, float *y) {
  for (int j = 0; j < 4; ++j)
    y[j] = scale * levels[entry >> 3 * j & 7] * (signs >> j & 1 ? -1.0f : 1.0f);
}

bool iq3_xxs(const uint8_t *b, float *y) {
  static constexpr float levels[8] = {4, 12, 20, 28, 36, 44, 52, 62};
  float d = half(b);
  for (int s = 0; s < 8; ++s) {
    uint32_t rest = u32(b + 66 + 4 * s);
    float scale = d * (0.5f + static_cast<float>(rest >> 28)) * 0.5f;
    for (int l = 0; l < 8; ++l) {
      int signs = evenSigns(rest >> 7 * (l / 2) & 127);
      octalElements(gridIq3Xxs[b[2 + 8 * s + l]], levels, signs >> 4 * (l % 2), scale,
                    y + 32 * s + 4 * l);
    }
  }
  return std::isfinite(d);
}

bool iq3_s(const uint8_t *b, float *y) {
  static constexpr float levels[8] = {1, 3, 5, 7, 9, 11, 13, 15};
  const uint8_t *low = b + 2, *high = b + 66, *signs = b + 74, *scales = b + 106;
  float d = half(b);
  for (int g = 0; g < 64; ++g) {
    int index = low[g] | (high[g / 8] >> g % 8 & 1) << 8;
    float scale = d * number(1 + 2 * (scales[g / 16] >> g % 16 / 8 * 4 & 15));
    octalElements(gridIq3S[index], levels, signs[g / 2] >> 4 * (g % 2), scale, y + 4 * g);
  }
  return std::isfinite(d);
}

// Ordered by number.
constexpr GgufType types[] = {
    {0, "F32", 1, 4, DType::F32, nullptr},         {1, "F16", 1, 2, DType::F16, nullptr},
    {2, "Q4_0", 32, 18, DType::F32, q4_0},         {3, "Q4_1", 32, 20, DType::F32, q4_1},
    {6, "Q5_0", 32, 22, DType::F32, q5_0},         {7, "Q5_1", 32, 24, DType::F32, q5_1},
    {8, "Q8_0", 32, 34, DType::F32, q8_0},         {9, "Q8_1", 32, 36, DType::F32, q8_1},
    {10, "Q2_K", 256, 84, DType::F32, q2_k},       {11, "Q3_K", 256, 110, DType::F32, q3_k},
    {12, "Q4_K", 256, 144, DType::F32, q4_k},      {13, "Q5_K", 256, 176, DType::F32, q5_k},
    {14, "Q6_K", 256, 210, DType::F32, q6_k},      {15, "Q8_K", 256, 292, DType::F32, q8_k},
    {16, "IQ2_XXS", 256, 66, DType::F32, iq2_xxs}, {17, "IQ2_XS", 256, 74, DType::F32, iq2_xs},
    {18, "IQ3_XXS", 256, 98, DType::F32, iq3_xxs}, {19, "IQ1_S", 256, 50, DType::F32, iq1_s},
    {20, "IQ4_NL", 32, 18, DType::F32, iq4_nl},    {21, "IQ3_S", 256, 110, DType::F32, iq3_s},
    {22, "IQ2_S", 256, 82, DType::F32, iq2_s},     {23, "IQ4_XS", 256, 136, DType::F32, iq4_xs},
    {24, "I8", 1, 1, DType::I8, nullptr},          {25, "I16", 1, 2, DType::I16, nullptr},
    {26, "I32", 1, 4, DType::I32, nullptr},        {27, "I64", 1, 8, DType::I64, nullptr},
    {28, "F64", 1, 8, DType::F64, nullptr},        {29, "IQ1_M", 256, 56, DType::F32, iq1_m},
    {30, "BF16", 1, 2, DType::BF16, nullptr},      {34, "TQ1_0", 256, 54, DType::F32, tq1_0},
    {35, "TQ2_0", 256, 66, DType::F32, tq2_0},     {39, "MXFP4", 32, 17, DType::F32, mxfp4},
    {40, "NVFP4", 64, 36, DType::F32, nvfp4},      {41, "Q1_0", 128, 18, DType::F32, q1_0},
    {42, "Q2_0", 64, 18, DType::F32, q2_0},
};

} // namespace

const GgufType *mad::io::ggufType(uint32_t id) {
  const GgufType *type = std::find_if(std::begin(types), std::end(types),
                                      [&](const GgufType &type) { return type.id == id; });
  return type == std::end(types) ? nullptr : type;
}
