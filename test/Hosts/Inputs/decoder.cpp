// usage: decoder LIBRARY     a compiled model with a state, and halves, from C++
#include "mad.hpp"

#include <cmath>
#include <cstdio>
#include <limits>

static int failures = 0;
#define EXPECT(condition)                                                                          \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      std::printf("line %d: %s\n", __LINE__, #condition);                                          \
      ++failures;                                                                                  \
    }                                                                                              \
  } while (0)

static void steps(const mad::Module &model) {
  constexpr int64_t count = 7, width = 4;
  mad::Context context(model);
  std::vector<float> x(count * width);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(i * i % 11) / 8.0f - 0.5f;
  const mad::Tensor<float> expected = context.call<float>("whole", mad::view(x, {count, width}));
  mad::Tensor<float> keys({count + 1, width}), values({count + 1, width});
  for (int64_t i = 0; i < keys.size(); ++i)
    keys[i] = values[i] = 100;
  const float *memory = keys.data();
  for (int64_t i = 0; i < count; ++i) {
    const mad::View<float> row = mad::view(x.data() + i * width, {width});
    // The bound is that of decoder.c.
    const mad::Tensor<float> y = context.call<float>("step", row, i, keys, values);
    for (int64_t d = 0; d < width; ++d)
      EXPECT(std::fabs(y[d] - expected[i * width + d]) <= 1e-5f);
    EXPECT(keys[(i + 1) * width] == 100 && keys[i * width] != 100 && keys.data() == memory);
  }
  const auto outside =
      context.tryCall<float>("step", mad::view(x.data(), {width}), count + 1, keys, values);
  EXPECT(outside.status().code == MAD_OUT_OF_RANGE);
}

// All numbers there and back, and as the compiled model rounds.
static void halves(const mad::Module &model) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const mad::f16 h = mad::f16::fromBits(static_cast<uint16_t>(bits));
    const mad::bf16 b = mad::bf16::fromBits(static_cast<uint16_t>(bits));
    EXPECT(std::isnan(static_cast<float>(h)) ? std::isnan(static_cast<float>(mad::f16(h)))
                                             : mad::f16(h).bits == bits);
    EXPECT(std::isnan(static_cast<float>(b)) ? std::isnan(static_cast<float>(mad::bf16(b)))
                                             : mad::bf16(b).bits == bits);
  }
  EXPECT(mad::f16(1.0f).bits == 0x3c00 && mad::f16(65519.0f).bits == 0x7bff);
  EXPECT(mad::f16(65520.0f).bits == 0x7c00 && mad::f16(-1e-8f).bits == 0x8000);
  EXPECT(std::ldexp(3.0f, -26) == mad::f16(std::ldexp(3.0f, -26)) - std::ldexp(1.0f, -26));
  EXPECT(mad::bf16(1.00390625f).bits == 0x3f80 && mad::bf16(3e38f * 10).bits == 0x7f80);

  // Every exponent with tails around the places where rounding changes, both signs.
  std::vector<float> x;
  for (uint32_t top = 0; top < 0x10000; top += 7)
    for (uint32_t low : {0u, 1u, 0x0fffu, 0x1000u, 0x1001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu})
      x.push_back(mad::detail::floatOf(top << 16 | low));
  mad::Context context(model);
  const auto [h, b] = context.call<mad::f16, mad::bf16>("halves", x);
  int64_t other = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const int64_t at = static_cast<int64_t>(i);
    if (std::isnan(x[i]))
      other += !std::isnan(h[at]) || !std::isnan(b[at]);
    else
      other += h[at].bits != mad::f16(x[i]).bits || b[at].bits != mad::bf16(x[i]).bits;
  }
  EXPECT(other == 0);

  // As arguments, results and states.
  std::vector<mad::f16> half(3, mad::f16(0.5f)), sum(3, mad::f16(0));
  for (int i = 0; i < 3; ++i)
    EXPECT(context.call<mad::bf16>("average", half, mad::bf16(3.0f), sum).item() == 1.5f);
  EXPECT(sum[2] == 1.5f);
  EXPECT(context.tryCall<mad::f16>("average", half, mad::bf16(3.0f), sum).status().message ==
         "`result` of `average` is bf16, not f16");
}

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  mad::Module model(argv[1]);
  steps(model);
  halves(model);
  std::printf(failures ? "%d failures\n" : "all good\n", failures);
  return failures != 0;
}
