//===- LibraryTest.cpp -----------------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every function of the standard library, where it is defined and called.
//
//===----------------------------------------------------------------------===//
#include "test/unit/Check/Checked.h"

using namespace mad;

namespace {

TEST(Library, DefinitionsAreRight) {
  for (const char *name : {"std.math", "std.nn"}) {
    ASSERT_TRUE(standardModule(name)) << name;
    EXPECT_EQ(errorsOf(standardModule(name)), "") << name;
  }
  EXPECT_EQ(standardModule("std.other"), nullptr);
}

TEST(Library, EveryFunctionIsDocumented) {
  for (const char *name : {"std.math", "std.nn"}) {
    Checked module(standardModule(name));
    for (const ast::Node *item : module.tree->items)
      EXPECT_FALSE(item->doc.empty()) << name << " " << item->text;
  }
}

/// Calls of everything; T is an element type.
const char *const calls = R"(
use std.nn
use std.math
dim B = 2, C = 3, H = 8, W = 6
fn on(x: T[B, H], i: T[B, C, H, W], k: T[4, C, 3, 3]) -> T {
  let a = nn.relu(x) + nn.leaky_relu(x) + nn.leaky_relu(x, slope = 0.2) + nn.sigmoid(x)
  let b = nn.silu(x) + nn.gelu(x) + nn.gelu_tanh(x) + nn.softplus(x)
  let c = nn.softmax(x, axis = H) + nn.log_softmax(x, axis = -1)
  let d: T[B, 5] = nn.linear(x, ones([H, 5]), zeros([5]))
  let e = nn.layer_norm(x, ones([H]), zeros([H])) + nn.rms_norm(x, ones([H]), eps = 1e-6)
  let f: T[B, 4, 6, 4] = nn.conv2d(i, k)
  let g: T[B, 4, 4, 3] = nn.conv2d(i, k, stride = 2, padding = 1)
  let h: T[B, C, 4, 3] = nn.max_pool2d(i)
  let j: T[B, C, 6, 4] = nn.avg_pool2d(i, size = 3, stride = 1)
  let l: T[B, C * H * W] = nn.flatten(i)
  let m = math.clamp(x, 0.0, 1.0) + math.square(x) + math.hypot(x, x) + math.lerp(x, a, 0.5)
  let n: T[B] = math.variance(x, axis = H) + math.logsumexp(x, axis = 1) * math.pi * math.e
  sum(a + b + c + e + m) + sum(d) + sum(f) + sum(g) + sum(h) + sum(j) + sum(l) + sum(n)
}
export fn all(x: T[B, H], i: T[B, C, H, W], k: T[4, C, 3, 3]) -> T { on(x, i, k) }
)";

std::string callsOf(const std::string &element) {
  std::string text;
  for (const char *c = calls; *c; ++c)
    if (*c == 'T' && !isalnum(c[1]) && !isalnum(c[-1]))
      text += element;
    else
      text += *c;
  return text;
}

TEST(Library, CallsInBothFloatTypes) {
  EXPECT_EQ(errorsOf(callsOf("f32")), "");
  EXPECT_EQ(errorsOf(callsOf("f64")), "");
}

TEST(Library, CallsInIntegersAreErrors) {
  EXPECT_NE(errorsOf("use std.nn\nfn f(x: i64[3]) -> i64[3] { nn.relu(x) }"), "");
}

TEST(Library, ConvolutionWithoutPaddingStaysInside) {
  std::string text = programOf(R"(
use std.nn
export fn f[H, W](x: f32[1, 3, H, W], w: f32[4, 3, 3, 3]) -> f32[1, 4, (H - 3) / 2 + 1, (W - 3) / 2 + 1] {
  nn.conv2d(x, w, stride = 2)
}
export fn g[H, W](x: f32[1, 3, H, W], w: f32[4, 3, 3, 3]) -> f32[1, 4, H, W] { nn.conv2d(x, w, padding = 1) }
)");
  EXPECT_NE(text.find("view %3_xs (d0, d1, d4, 2*d2 + d5, 2*d3 + d6) inside"), std::string::npos)
      << text;
  EXPECT_NE(text.find("view %3_xs (d0, d1, d4, d2 + d5 - 1, d3 + d6 - 1) zero"), std::string::npos)
      << text;
  // One contraction each: no copy of the kernels.
  EXPECT_NE(text.find("%4_ws [1, 2, 5, 6, 7] space 8"), std::string::npos) << text;
}

} // namespace
