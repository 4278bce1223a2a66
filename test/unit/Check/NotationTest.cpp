//===- NotationTest.cpp ----------------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Index notation as views, gathers, reductions and contractions.
//
//===----------------------------------------------------------------------===//
#include "test/unit/Check/Checked.h"

using namespace mad;

namespace {

TEST(Notation, ProductIsAContraction) {
  EXPECT_EQ(programOf(R"(
export fn product[N, K, M](a: f32[N, K], b: f32[K, M]) -> f32[N, M] {
  let y[i, j] = sum[k](a[i, k] * b[k, j])
  y
}
)"),
            R"(export fn product[N, K, M](%0_a: f32[N, K], %1_b: f32[K, M]) {
  %2_y = contract %0_a [0, 2], %1_b [2, 1] space 3 : f32[N, M]
  return %2_y
}
)");
}

TEST(Notation, Trace) {
  EXPECT_EQ(programOf(R"(
export fn trace[N](a: f32[N, N]) -> (f32, f32[N, N]) {
  let t[i, j] = a[j, i]
  (sum[i](a[i, i]), t)
}
)"),
            R"(export fn trace[N](%0_a: f32[N, N]) {
  %1_t = view %0_a (d1, d0) inside : f32[N, N]
  %2 = view %0_a (d0, d0) inside : f32[N]
  %3 = reduce sum %2 [0] : f32
  return %3, %1_t
}
)");
}

TEST(Notation, StencilsReadThroughBoundaries) {
  EXPECT_EQ(programOf(R"(
export fn heat[N](u: f32[N]) -> f32[N] {
  scan v = u over t in 0..10 {
    let w[i] = v[i] + 0.1 * (v[i - 1] - 2.0 * v[i] + v[i + 1]) with boundary = clamp
    w
  }
}
)"),
            R"(export fn heat[N](%0_u: f32[N]) {
  %1 = scan 0 to 10 %0_u : f32[N]
  { (%2_t: i64, %3_v: f32[N])
    %4 = view %3_v (d0 - 1) clamp : f32[N]
    %5 = constant [2] : f32
    %6 = view %5 () inside : f32[N]
    %7 = mul %6, %3_v : f32[N]
    %8 = sub %4, %7 : f32[N]
    %9 = view %3_v (d0 + 1) clamp : f32[N]
    %10 = add %8, %9 : f32[N]
    %11 = constant [0.1] : f32
    %12 = view %11 () inside : f32[N]
    %13 = mul %12, %10 : f32[N]
    %14_w = add %3_v, %13 : f32[N]
    return %14_w
  }
  return %1
}
)");
}

TEST(Notation, WindowsStayInside) {
  EXPECT_EQ(programOf(R"(
export fn window[H, W, K](x: f32[H, W], w: f32[K, K]) -> f32[H - K + 1, W - K + 1] {
  let y[i, j] = sum[di, dj](x[i + di, j + dj] * w[di, dj])
  y
}
)"),
            R"(export fn window[H, W, K](%0_x: f32[H, W], %1_w: f32[K, K]) {
  require H - K + 1 >= 0 else "the range of `i` ends before it begins"
  require W - K + 1 >= 0 else "the range of `j` ends before it begins"
  %2 = view %0_x (d0 + d2, d1 + d3) inside : f32[H - K + 1, W - K + 1, K, K]
  %3_y = contract %2 [0, 1, 2, 3], %1_w [2, 3] space 4 : f32[H - K + 1, W - K + 1]
  return %3_y
}
)");
}

TEST(Notation, Strides) {
  EXPECT_EQ(programOf(R"(
export fn strided[H, K](x: f32[H], w: f32[K]) -> f32[(H - K) / 2 + 1] {
  let y[i] = sum[d](x[2 * i + d] * w[d])
  y
}
)"),
            R"(export fn strided[H, K](%0_x: f32[H], %1_w: f32[K]) {
  require (H - K) / 2 + 1 >= 0 else "the range of `i` ends before it begins"
  %2 = view %0_x (2*d0 + d1) inside : f32[(H - K) / 2 + 1, K]
  %3_y = contract %2 [0, 1], %1_w [1] space 2 : f32[(H - K) / 2 + 1]
  return %3_y
}
)");
}

TEST(Notation, Reversal) {
  EXPECT_EQ(programOf(R"(
export fn backwards[N](x: f32[N]) -> f32[N] {
  let y[i in 0..N] = x[N - 1 - i]
  y
}
)"),
            R"(export fn backwards[N](%0_x: f32[N]) {
  %1 = dim N : i64
  %2_y = view %0_x, %1 (-d0 + s0 - 1) inside : f32[N]
  return %2_y
}
)");
}

TEST(Notation, IndicesAsNumbers) {
  EXPECT_EQ(programOf(R"(
export fn ramp[N, M](base: f32[N, M]) -> f32[N, M] {
  let y[i in 0..N, j in 0..M] = f32(i) * 10.0 + f32(j) + base[i, j]
  y
}
)"),
            R"(export fn ramp[N, M](%0_base: f32[N, M]) {
  %1 = iota along 0 : i64[N]
  %2 = cast %1 : f32[N]
  %3 = constant [10] : f32
  %4 = view %3 () inside : f32[N]
  %5 = mul %2, %4 : f32[N]
  %6 = iota along 0 : i64[M]
  %7 = cast %6 : f32[M]
  %8 = view %5 (d0) inside : f32[N, M]
  %9 = view %7 (d1) inside : f32[N, M]
  %10 = add %8, %9 : f32[N, M]
  %11_y = add %10, %0_base : f32[N, M]
  return %11_y
}
)");
}

TEST(Notation, ConditionsOnIndices) {
  EXPECT_EQ(programOf(R"(
export fn ranks[N](x: f32[N]) -> (i64[N], bool, bool, i64) {
  let below[i] = sum[j](if x[j] < x[i] { 1 } else { 0 })
  (below, all[i](x[i] < 100.0), any[i](x[i] > 100.0), argmax[i](x[i]))
}
)"),
            R"(export fn ranks[N](%0_x: f32[N]) {
  %1 = view %0_x (d1) inside : f32[N, N]
  %2 = view %0_x (d0) inside : f32[N, N]
  %3 = lt %1, %2 : bool[N, N]
  %4 = constant [1] : i64
  %5 = constant [0] : i64
  %6 = view %4 () inside : i64[N, N]
  %7 = view %5 () inside : i64[N, N]
  %8 = select %3, %6, %7 : i64[N, N]
  %9_below = reduce sum %8 [1] : i64[N]
  %10 = constant [100] : f32
  %11 = view %10 () inside : f32[N]
  %12 = lt %0_x, %11 : bool[N]
  %13 = reduce all %12 [0] : bool
  %14 = constant [100] : f32
  %15 = view %14 () inside : f32[N]
  %16 = gt %0_x, %15 : bool[N]
  %17 = reduce any %16 [0] : bool
  %18 = reduce argmax %0_x [0] : i64
  return %9_below, %13, %17, %18
}
)");
}

TEST(Notation, ComputedSubscripts) {
  EXPECT_EQ(programOf(R"(
export fn embed[V, D, T](table: f32[V, D], t: i32[T]) -> f32[T, D] {
  let y[n, d] = table[t[n], d]
  y
}
)"),
            R"(export fn embed[V, D, T](%0_table: f32[V, D], %1_t: i32[T]) {
  %2 = cast %1_t : i64[T]
  %3 = view %2 (d0) inside : i64[T, D]
  %4 = iota along 1 : i64[T, D]
  %5_y = gather %0_table, %3, %4 : f32[T, D]
  return %5_y
}
)");
}

TEST(Notation, BroadcastByIndices) {
  EXPECT_EQ(programOf(R"(
export fn outer[N, M](a: f32[N], b: f32[M]) -> f32[N, M] {
  let y[i, j] = a[i] * b[j]
  y
}
)"),
            R"(export fn outer[N, M](%0_a: f32[N], %1_b: f32[M]) {
  %2 = view %0_a (d0) inside : f32[N, M]
  %3 = view %1_b (d1) inside : f32[N, M]
  %4_y = mul %2, %3 : f32[N, M]
  return %4_y
}
)");
}

TEST(Notation, ThreeFactors) {
  EXPECT_EQ(programOf(R"(
export fn triple[N, M, K](a: f32[N, M], b: f32[M, K], c: f32[K, N]) -> f32 {
  sum[i, j, k](a[i, j] * b[j, k] * c[k, i])
}
)"),
            R"(export fn triple[N, M, K](%0_a: f32[N, M], %1_b: f32[M, K], %2_c: f32[K, N]) {
  %3 = contract %0_a [0, 2], %1_b [2, 1] space 3 : f32[N, K]
  %4 = contract %3 [0, 1], %2_c [1, 0] space 2 : f32
  return %4
}
)");
}

TEST(Notation, FreeFactorsStayOutside) {
  EXPECT_EQ(programOf(R"(
export fn quad[N, M](a: f32[N, M], u: f32[N], v: f32[M], s: f32) -> f32 {
  sum[i, j](2.0 * s * u[i] * a[i, j] * v[j])
}
)"),
            R"(export fn quad[N, M](%0_a: f32[N, M], %1_u: f32[N], %2_v: f32[M], %3_s: f32) {
  %4 = constant [2] : f32
  %5 = contract %1_u [1], %0_a [1, 0] space 2 : f32[M]
  %6 = contract %5 [0], %2_v [0] space 1 : f32
  %7 = mul %4, %3_s : f32
  %8 = mul %7, %6 : f32
  return %8
}
)");
}

TEST(Notation, CallsOfElementsAreInlined) {
  EXPECT_EQ(programOf(R"(
use std.nn
export fn relued[N](x: f32[N], w: f32[N, N]) -> f32[N] {
  let y[i] = nn.relu(sum[k](w[i, k] * x[k]))
  y
}
)"),
            R"(export fn relued[N](%0_x: f32[N], %1_w: f32[N, N]) {
  %2 = contract %1_w [0, 1], %0_x [1] space 2 : f32[N]
  %3 = constant [0] : f32
  %4 = view %3 () inside : f32[N]
  %5_y = max %2, %4 : f32[N]
  return %5_y
}
)");
}

TEST(Notation, CallsOfRowsAreInlined) {
  EXPECT_EQ(programOf(R"(
use std.nn
export fn rowwise[N, M](x: f32[N, M]) -> (f32[N], f32[N, M]) {
  let total[i] = sum(x[i, :])
  let soft[i, j] = nn.softmax(x[i, :], axis = 0)[j]
  (total, soft)
}
)"),
            R"(export fn rowwise[N, M](%0_x: f32[N, M]) {
  %1_total = reduce sum %0_x [1] : f32[N]
  %2 = reduce max %0_x [1] : f32[N]
  %3 = view %2 (d0) inside : f32[N, M]
  %4 = sub %0_x, %3 : f32[N, M]
  %5_powers = exp %4 : f32[N, M]
  %6 = reduce sum %5_powers [1] : f32[N]
  %7 = view %6 (d0) inside : f32[N, 1]
  %8 = constant [1] : f32
  %9 = view %8 () inside : f32[N, 1]
  %10 = div %9, %7 : f32[N, 1]
  %11 = view %10 (d0, 0) inside : f32[N, M]
  %12_soft = mul %5_powers, %11 : f32[N, M]
  return %1_total, %12_soft
}
)");
}

TEST(Notation, ScanUnderIndices) {
  EXPECT_EQ(programOf(R"(
export fn recur[N](x: f32[N]) -> f32[N] {
  let y[i] = scan s = 0.0 over k in 0..N { s * 0.5 + x[k] * x[i] }
  y
}
)"),
            R"(export fn recur[N](%0_x: f32[N]) {
  %1 = constant [0] : f32
  %2 = view %1 () inside : f32[N]
  %3_y = scan 0 to N %2 : f32[N]
  { (%4_k: i64, %5_s: f32[N])
    %6 = constant [0.5] : f32
    %7 = view %6 () inside : f32[N]
    %8 = mul %5_s, %7 : f32[N]
    %9 = view %0_x, %4_k (s0) inside : f32[N]
    %10 = mul %9, %0_x : f32[N]
    %11 = add %8, %10 : f32[N]
    return %11
  }
  return %3_y
}
)");
}

TEST(Notation, HeadsOfAttention) {
  EXPECT_EQ(programOf(R"(
export fn heads[S, D, Heads](x: f32[S, D], wq: f32[Heads, D, D / Heads]) -> f32[Heads, S, D / Heads] where D == Heads * (D / Heads) {
  let q[h, s, e] = sum[d](x[s, d] * wq[h, d, e])
  q
}
)"),
            R"(export fn heads[S, D, Heads](%0_x: f32[S, D], %1_wq: f32[Heads, D, D / Heads]) {
  require D == (D / Heads) * Heads else "`heads` needs `D == Heads * (D / Heads)`"
  %2_q = contract %0_x [1, 3], %1_wq [0, 3, 2] space 4 : f32[Heads, S, D / Heads]
  return %2_q
}
)");
}

TEST(Notation, ReductionIndexFromLow) {
  EXPECT_EQ(programOf(R"(
export fn f(x: f32[8]) -> (f32, i64) { (sum[i in 2..6](x[i]), argmax[i in 2..6](x[i])) }
)"),
            R"(export fn f(%0_x: f32[8]) {
  %1 = view %0_x (d0 + 2) inside : f32[4]
  %2 = reduce sum %1 [0] : f32
  %3 = view %0_x (d0 + 2) inside : f32[4]
  %4 = reduce argmax %3 [0] : i64
  %5 = constant [2] : i64
  %6 = add %4, %5 : i64
  return %2, %6
}
)");
}

TEST(Notation, ReductionWithoutItsIndex) {
  EXPECT_EQ(programOf(R"(
export fn f(x: f32[3]) -> f32[3] {
  let y[i] = sum[k in 0..5](x[i])
  y
}
)"),
            R"(export fn f(%0_x: f32[3]) {
  %1 = view %0_x (d0) inside : f32[3, 5]
  %2_y = reduce sum %1 [1] : f32[3]
  return %2_y
}
)");
}

TEST(Notation, IndexFromDeclaredType) {
  EXPECT_EQ(programOf(R"(
export fn f[N, M](x: f32[N], y: f32[M]) -> f32[M, N] {
  let z[i, j]: f32[M, N] = x[j]
  z
}
)"),
            R"(export fn f[N, M](%0_x: f32[N], %1_y: f32[M]) {
  %2_z = view %0_x (d1) inside : f32[M, N]
  return %2_z
}
)");
}

TEST(Notation, ConstantElements) {
  EXPECT_EQ(programOf(R"(
export fn f[N](x: f32[N]) -> f32[N] {
  let z[i in 0..N] = 1.0
  z
}
)"),
            R"(export fn f[N](%0_x: f32[N]) {
  %1 = constant [1] : f32
  %2_z = view %1 () inside : f32[N]
  return %2_z
}
)");
}

TEST(Notation, RuntimeOffset) {
  EXPECT_EQ(programOf(R"(
export fn f(x: f32[9], k: i64) -> f32[4] {
  let y[i in 0..4] = x[i + k]
  y
}
)"),
            R"(export fn f(%0_x: f32[9], %1_k: i64) {
  %2_y = view %0_x, %1_k (d0 + s0) checked : f32[4]
  return %2_y
}
)");
}

TEST(Notation, RuntimeOffsetWithBoundary) {
  EXPECT_EQ(programOf(R"(
export fn f(x: f32[9], k: i32) -> f32[9] {
  let y[i in 0..9] = x[i - 2 * k]  with boundary = periodic
  y
}
)"),
            R"(export fn f(%0_x: f32[9], %1_k: i32) {
  %2 = cast %1_k : i64
  %3_y = view %0_x, %2 (d0 - 2*s0) periodic : f32[9]
  return %3_y
}
)");
}

TEST(Notation, GatherWithBoundary) {
  EXPECT_EQ(programOf(R"(
export fn f[N](x: f32[N], k: i64[N]) -> (f32[N], f32[N]) {
  let y[i] = x[k[i] + 1]  with boundary = clamp
  let z[i] = x[k[i]]  with boundary = zero
  (y, z)
}
)"),
            R"(export fn f[N](%0_x: f32[N], %1_k: i64[N]) {
  %2 = constant [1] : i64
  %3 = view %2 () inside : i64[N]
  %4 = add %1_k, %3 : i64[N]
  %5 = constant [0] : i64
  %6 = view %5 () inside : i64[N]
  %7 = dim N - 1 : i64
  %8 = view %7 () inside : i64[N]
  %9 = min %4, %8 : i64[N]
  %10 = max %9, %6 : i64[N]
  %11_y = gather %0_x, %10 : f32[N]
  %12 = constant [0] : i64
  %13 = view %12 () inside : i64[N]
  %14 = dim N - 1 : i64
  %15 = view %14 () inside : i64[N]
  %16 = min %1_k, %15 : i64[N]
  %17 = max %16, %13 : i64[N]
  %18 = eq %1_k, %17 : bool[N]
  %19 = gather %0_x, %17 : f32[N]
  %20 = constant [0] : f32
  %21 = view %20 () inside : f32[N]
  %22_z = select %18, %19, %21 : f32[N]
  return %11_y, %22_z
}
)");
}

TEST(Notation, MixedGather) {
  EXPECT_EQ(programOf(R"(
export fn f[N](x: f32[N, 8], k: i64[4]) -> f32[4] {
  let y[i] = x[k[i], 2 * i + 1]
  y
}
)"),
            R"(export fn f[N](%0_x: f32[N, 8], %1_k: i64[4]) {
  %2 = constant [1] : i64
  %3 = view %2 () inside : i64[4]
  %4 = iota along 0 : i64[4]
  %5 = constant [2] : i64
  %6 = view %5 () inside : i64[4]
  %7 = mul %4, %6 : i64[4]
  %8 = add %3, %7 : i64[4]
  %9_y = gather %0_x, %1_k, %8 : f32[4]
  return %9_y
}
)");
}

TEST(Notation, NestedStatements) {
  EXPECT_EQ(programOf(R"(
export fn f[N, M](x: f32[N, M], c: bool) -> f32[N] {
  let y[i] = if c {
    let t[j] = x[i, j] * 2.0
    sum[j](t[j] * t[j])
  } else { x[i, 0] }
  y
}
)"),
            R"(export fn f[N, M](%0_x: f32[N, M], %1_c: bool) {
  require M >= 1 else "`x[i, 0]` leaves its dimension"
  %2_y = if %1_c : f32[N]
  {
    %3 = constant [2] : f32
    %4 = view %3 () inside : f32[N, M]
    %5_t = mul %0_x, %4 : f32[N, M]
    %6 = contract %5_t [0, 1], %5_t [0, 1] space 2 : f32[N]
    return %6
  }
  else {
    %7 = view %0_x (d0, 0) inside : f32[N]
    return %7
  }
  return %2_y
}
)");
}

TEST(Notation, SumOfIntegers) {
  EXPECT_EQ(programOf(R"(
export fn f[N](x: i64[N], y: i64[N]) -> (i64, i64) { (sum[i](x[i] * y[i]), sum[i](x[i] * i)) }
)"),
            R"(export fn f[N](%0_x: i64[N], %1_y: i64[N]) {
  %2 = contract %0_x [0], %1_y [0] space 1 : i64
  %3 = iota along 0 : i64[N]
  %4 = contract %0_x [0], %3 [0] space 1 : i64
  return %2, %4
}
)");
}

TEST(Notation, MatmulOfRows) {
  EXPECT_EQ(programOf(R"(
export fn f[N, M](x: f32[N, M], w: f32[M, 4], q: f32[N, M]) -> (f32[N, 4], f32[N]) {
  let y[i, j] = (x[i, :] @ w)[j]
  let z[i] = x[i, :] @ q[i, :]
  (y, z)
}
)"),
            R"(export fn f[N, M](%0_x: f32[N, M], %1_w: f32[M, 4], %2_q: f32[N, M]) {
  %3_y = contract %0_x [0, 2], %1_w [2, 1] space 3 : f32[N, 4]
  %4_z = contract %0_x [0, 1], %2_q [0, 1] space 2 : f32[N]
  return %3_y, %4_z
}
)");
}

TEST(Notation, BoundaryProvedAway) {
  EXPECT_EQ(programOf(R"(
export fn f[N](x: f32[N]) -> f32[N] {
  let y[i] = x[i] + x[N - 1 - i]  with boundary = zero
  y
}
)"),
            R"(export fn f[N](%0_x: f32[N]) {
  %1 = dim N : i64
  %2 = view %0_x, %1 (-d0 + s0 - 1) inside : f32[N]
  %3_y = add %0_x, %2 : f32[N]
  return %3_y
}
)");
}

TEST(Notation, RepeatedIndexNames) {
  EXPECT_EQ(programOf(R"(
export fn f[N](x: f32[N, N]) -> f32[N] {
  let y[i] = sum[k](x[i, k]) + max[k](x[k, i])
  y
}
)"),
            R"(export fn f[N](%0_x: f32[N, N]) {
  %1 = reduce sum %0_x [1] : f32[N]
  %2 = view %0_x (d1, d0) inside : f32[N, N]
  %3 = reduce max %2 [1] : f32[N]
  %4_y = add %1, %3 : f32[N]
  return %4_y
}
)");
}

} // namespace
