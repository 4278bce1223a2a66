//===- LimitsTest.cpp ------------------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Programs that are large, deep or cut off end in an error, not in a crash.
//
//===----------------------------------------------------------------------===//
#include "test/unit/Check/Checked.h"

using namespace mad;

namespace {

std::string repeated(const std::string &text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i)
    all += text;
  return all;
}

/// f0 calls f1 and so on, each inside `depth` constructs.
std::string chain(const std::string &open, const std::string &close, int depth, int length) {
  std::string text;
  for (int i = 0; i < length; ++i) {
    std::string call = i + 1 < length ? "f" + std::to_string(i + 1) + "(x)" : "x";
    text += "fn f" + std::to_string(i) + "(x: f32) -> f32 { " + repeated(open, depth) + call +
            repeated(close, depth) + " }\n";
  }
  return text;
}

TEST(Limits, DeepCallsAreRefused) {
  struct {
    const char *open, *close;
    int depth;
  } const cases[] = {{"-(", ")", 200},
                     {"abs(", ")", 100},
                     {"(if x > 0.0 { ", " } else { x })", 70},
                     {"(scan y = ", " over i in 0..2 { y })", 80},
                     {"sum[i in 0..2](x * ", ")", 80},
                     {"[", "][0]", 80}};
  for (const auto &c : cases) {
    std::string errors = errorsOf(chain(c.open, c.close, c.depth, 20));
    EXPECT_NE(errors.find("nested too deeply"), std::string::npos) << c.open << ": " << errors;
  }
}

TEST(Limits, OneFunctionMayBeAsDeepAsItsTree) {
  EXPECT_EQ(errorsOf(chain("-(", ")", 200, 1)), "");
  EXPECT_EQ(errorsOf(chain("abs(", ")", 100, 2)), "");
}

TEST(Limits, ManyInstancesAreRefused) {
  std::string text;
  for (int i = 0; i < 14; ++i) {
    std::string next = "f" + std::to_string(i + 1);
    text += "fn f" + std::to_string(i) + "(x: f32, n: const i64) -> f32 { " + next +
            "(x, 2 * n) + " + next + "(x, 2 * n + 1) }\n";
  }
  text += "fn f14(x: f32, n: const i64) -> f32 { x }\nfn all(x: f32) -> f32 { f0(x, 1) }\n";
  EXPECT_EQ(errorsOf(text), "the program needs too many instances of functions\n");
}

TEST(Limits, LargeDimensionsAreRefused) {
  std::string sum = "(A + B + C + D + E + F)";
  std::string text = "fn f[A, B, C, D, E, F](x: f32[A, B, C, D, E, F]) -> f32 { sum(zeros([" + sum +
                     repeated(" * " + sum, 30) + "])) }";
  EXPECT_NE(errorsOf(text).find("the size cannot be computed"), std::string::npos);
}

TEST(Limits, TwentyErrors) {
  std::string text;
  for (int i = 0; i < 50; ++i)
    text += "fn f" + std::to_string(i) + "(x: f32) -> i64 { x }\n";
  Checked checked(text);
  EXPECT_EQ(checked.diagnostics.all().size(), Diagnostics::maxErrors);
  EXPECT_TRUE(checked.diagnostics.truncated());
}

const char *const sample = R"(
use std.nn (softmax, conv2d)
dim N = 4, M = 2 * N
const rate: f32 = 0.5
weight w: f32[N, M] from "w.npz" : "w" transposed
fn scale[S..., T: type](x: T[S...], by_: T = 0.5) -> T[S...] where 1 == 1 { x * by_ }
export fn f[B](x: f32[B, N], t: i64[B]) -> (f32[B, M], f32) where B >= 2 {
  let h = scale(x @ w + 1.0)
  let (a, b) = (h ^ 2, sum[i, j](h[i, j] * h[i, j]))
  let y[i, j] = if j < i { a[i, j] } else { x[t[i], 0] } + a[i, M - 1 - j]
  let z[i, j] = y[i - 1, j] - 2.0 * y[i, j]  with boundary = periodic
  let s = scan u = z over k in 0..3 { u * rate + softmax(u, axis = 1) }
  (s[:, ..], b + mean(z[1.., 0..M by 2]))
}
test "t" {
  let (a, b) = f(ones([3, N]), [0, 1, 2])
  assert close(a, a) and b == b, "equal"
}
)";

TEST(Limits, TheSampleIsRight) { EXPECT_EQ(errorsOf(sample), ""); }

TEST(Limits, EveryPrefixEnds) {
  std::string text = sample;
  for (size_t end = 0; end < text.size(); end += 3) {
    Checked checked(text.substr(0, end));
    // Either a program or a reason.
    EXPECT_TRUE(checked.program || checked.diagnostics.hasErrors()) << end;
  }
}

TEST(Limits, ErrorsOfTheSyntaxDoNotHideOthers) {
  EXPECT_EQ(errorsOf(R"(
fn broken(x: f32[2, 2]) -> f32[2, 2] { x @ x @ }
fn user(x: f32[2, 2]) -> f32[2, 2] { broken(x) + x }
fn other(x: f32) -> i64 { x }
)"),
            "found `}`, expected an expression\n"
            "the result of `other` is `i64`, found `f32`\n");
}

/// Tokens that are left out or doubled, in a fixed order.
TEST(Limits, EveryMutationEnds) {
  std::string text = sample;
  const char *const parts[] = {"[", "]", "(", ")", ",", ":", "i", "x", "0", "1.5", "..", "-", "w"};
  uint32_t state = 12345;
  for (int round = 0; round < 400; ++round) {
    state = state * 1664525u + 1013904223u;
    size_t at = (state >> 8) % text.size();
    std::string changed = text;
    if (round % 3 == 0)
      changed.erase(at, 1 + (state >> 28));
    else
      changed.insert(at, parts[(state >> 4) % std::size(parts)]);
    Checked checked(changed);
    if (!checked.diagnostics.hasErrors())
      EXPECT_FALSE(dump(*checked.program).empty());
  }
}

} // namespace
