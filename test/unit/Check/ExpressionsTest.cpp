//===- ExpressionsTest.cpp -------------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators, literals, conditions, loops and builtins as whole-tensor operations.
//
//===----------------------------------------------------------------------===//
#include "test/unit/Check/Checked.h"

using namespace mad;

namespace {

TEST(Expressions, ConstantsFold) {
  EXPECT_EQ(programOf(R"(
export fn fold(x: f32[3]) -> f32[3] { x * (8.0 / 3.0) + 2.0 ^ 3 - -1.5 }
)"),
            R"(export fn fold(%0_x: f32[3]) {
  %1 = constant [2.66667] : f32
  %2 = view %1 () inside : f32[3]
  %3 = mul %0_x, %2 : f32[3]
  %4 = constant [8] : f32
  %5 = view %4 () inside : f32[3]
  %6 = add %3, %5 : f32[3]
  %7 = constant [-1.5] : f32
  %8 = view %7 () inside : f32[3]
  %9 = sub %6, %8 : f32[3]
  return %9
}
)");
}

TEST(Expressions, IntegersFloor) {
  EXPECT_EQ(programOf(R"(
export fn ints(i: i32[3], j: i64[3]) -> (i32[3], i64[3]) { (i + 7 / 2, j % (-7 % 4)) }
)"),
            R"(export fn ints(%0_i: i32[3], %1_j: i64[3]) {
  %2 = constant [3] : i32
  %3 = view %2 () inside : i32[3]
  %4 = add %0_i, %3 : i32[3]
  %5 = constant [1] : i64
  %6 = view %5 () inside : i64[3]
  %7 = rem %1_j, %6 : i64[3]
  return %4, %7
}
)");
}

TEST(Expressions, PowersOfWholeNumbersAreProducts) {
  EXPECT_EQ(programOf(R"(
export fn powers[N](x: f32[N], i: i64[N]) -> (f32[N], f32[N], f32[N], i64[N], i64[N], f32[N]) { (x ^ 2, x ^ 3, x ^ 0.5, i ^ 2, i ^ 5, x ^ x) }
)"),
            R"(export fn powers[N](%0_x: f32[N], %1_i: i64[N]) {
  %2 = mul %0_x, %0_x : f32[N]
  %3 = mul %0_x, %0_x : f32[N]
  %4 = mul %3, %0_x : f32[N]
  %5 = constant [0.5] : f32
  %6 = view %5 () inside : f32[N]
  %7 = pow %0_x, %6 : f32[N]
  %8 = mul %1_i, %1_i : i64[N]
  %9 = constant [5] : i64
  %10 = view %9 () inside : i64[N]
  %11 = pow %1_i, %10 : i64[N]
  %12 = pow %0_x, %0_x : f32[N]
  return %2, %4, %7, %8, %11, %12
}
)");
}

TEST(Expressions, Casts) {
  EXPECT_EQ(programOf(R"(
export fn casts(x: f32[2], i: i64[2]) -> (i64[2], f64[2], bool[2], i32[2]) { (i64(x), f64(i), bool(x), i32(i)) }
)"),
            R"(export fn casts(%0_x: f32[2], %1_i: i64[2]) {
  %2 = cast %0_x : i64[2]
  %3 = cast %1_i : f64[2]
  %4 = cast %0_x : bool[2]
  %5 = cast %1_i : i32[2]
  return %2, %3, %4, %5
}
)");
}

TEST(Expressions, SizesAreIntegers) {
  EXPECT_EQ(programOf(R"(
export fn dims[N, M](x: f32[N, M]) -> (i64, f32, i32, i64[N]) { let k: i32 = 3; (N * M + 1, f32(N), k + i32(N), iota(N)) }
)"),
            R"(export fn dims[N, M](%0_x: f32[N, M]) {
  %1 = dim N : i64
  %2 = cast %1 : f32
  %3 = dim N : i64
  %4 = cast %3 : i32
  %5 = constant [3] : i32
  %6 = add %5, %4 : i32
  %7 = iota along 0 : i64[N]
  %8 = dim M * N + 1 : i64
  return %8, %2, %6, %7
}
)");
}

TEST(Expressions, FilledTensors) {
  EXPECT_EQ(programOf(R"(
export fn fills[N](x: f64[N]) -> (f64[N], f64[N], i64[2], f64[2, N], bool[N]) { (x + zeros([N]), full([N], 2.0) * x, ones([2], type = i64), broadcast(x, [2, N]), zeros([N], type = bool)) }
)"),
            R"(export fn fills[N](%0_x: f64[N]) {
  %1 = constant [0] : f64
  %2 = view %1 () inside : f64[N]
  %3 = add %0_x, %2 : f64[N]
  %4 = constant [2] : f64
  %5 = view %4 () inside : f64[N]
  %6 = mul %5, %0_x : f64[N]
  %7 = constant [1] : i64
  %8 = view %7 () inside : i64[2]
  %9 = view %0_x (d1) inside : f64[2, N]
  %10 = constant [0] : bool
  %11 = view %10 () inside : bool[N]
  return %3, %6, %8, %9, %11
}
)");
}

TEST(Expressions, Lists) {
  EXPECT_EQ(programOf(R"(
export fn lists(x: f32, y: f32[2]) -> (f32[3], f32[2, 2], i64[2, 2], f32[1, 2]) { ([x, 1.0, x * 2.0], [y, y + 1.0], [[1, 2], [3, 4]], [y]) }
)"),
            R"(export fn lists(%0_x: f32, %1_y: f32[2]) {
  %2 = constant [2] : f32
  %3 = mul %0_x, %2 : f32
  %4 = constant [1] : f32
  %5 = reshape %0_x : f32[1]
  %6 = reshape %4 : f32[1]
  %7 = reshape %3 : f32[1]
  %8 = concat %5, %6, %7 along 0 : f32[3]
  %9 = constant [1] : f32
  %10 = view %9 () inside : f32[2]
  %11 = add %1_y, %10 : f32[2]
  %12 = reshape %1_y : f32[1, 2]
  %13 = reshape %11 : f32[1, 2]
  %14 = concat %12, %13 along 0 : f32[2, 2]
  %15 = constant [1, 2, 3, 4] : i64[2, 2]
  %16 = reshape %1_y : f32[1, 2]
  return %8, %14, %15, %16
}
)");
}

TEST(Expressions, Select) {
  EXPECT_EQ(programOf(R"(
export fn select3(c: bool[3], x: f32) -> f32[3] { select(c, x, 0.0) }
)"),
            R"(export fn select3(%0_c: bool[3], %1_x: f32) {
  %2 = constant [0] : f32
  %3 = view %1_x () inside : f32[3]
  %4 = view %2 () inside : f32[3]
  %5 = select %0_c, %3, %4 : f32[3]
  return %5
}
)");
}

TEST(Expressions, Logic) {
  EXPECT_EQ(programOf(R"(
export fn logic(a: bool, b: bool) -> bool { not a or (b and true) == false }
)"),
            R"(export fn logic(%0_a: bool, %1_b: bool) {
  %2 = not %0_a : bool
  %3 = constant [1] : bool
  %4 = and %1_b, %3 : bool
  %5 = constant [0] : bool
  %6 = eq %4, %5 : bool
  %7 = or %2, %6 : bool
  return %7
}
)");
}

TEST(Expressions, Comparisons) {
  EXPECT_EQ(programOf(R"(
export fn compare(x: f32[3]) -> bool { any(1.0 < x) and all(x != 2.0) }
)"),
            R"(export fn compare(%0_x: f32[3]) {
  %1 = constant [1] : f32
  %2 = view %1 () inside : f32[3]
  %3 = lt %2, %0_x : bool[3]
  %4 = reduce any %3 [0] : bool
  %5 = constant [2] : f32
  %6 = view %5 () inside : f32[3]
  %7 = ne %0_x, %6 : bool[3]
  %8 = reduce all %7 [0] : bool
  %9 = and %4, %8 : bool
  return %9
}
)");
}

TEST(Expressions, ConditionsKnownWhenCompiling) {
  EXPECT_EQ(programOf(R"(
export fn known[N](x: f32[N]) -> f32[N] { if 2 < 3 { x } else { x + 1.0 } }
export fn knownsize[N](x: f32[N]) -> f32 { let c = if N >= 0 { 1.0 } else { 2.0 }; c * sum(x) }
)"),
            R"(export fn known[N](%0_x: f32[N]) {
  return %0_x
}

export fn knownsize[N](%0_x: f32[N]) {
  %1 = reduce sum %0_x [0] : f32
  %2 = constant [1] : f32
  %3 = mul %2, %1 : f32
  return %3
}
)");
}

TEST(Expressions, RuntimeConditions) {
  EXPECT_EQ(programOf(R"(
export fn runtime(x: f32, n: i64) -> (f32, i64) { if n > 0 { (x, 1) } else { (0.0, n) } }
)"),
            R"(export fn runtime(%0_x: f32, %1_n: i64) {
  %2 = constant [0] : i64
  %3 = gt %1_n, %2 : bool
  %4 = if %3 : f32, i64
  {
    %5 = constant [1] : i64
    return %0_x, %5
  }
  else {
    %6 = constant [0] : f32
    return %6, %1_n
  }
  return %4#0, %4#1
}
)");
}

TEST(Expressions, NestedConditions) {
  EXPECT_EQ(programOf(R"(
export fn nested(x: f32, n: i64) -> f32 { if n > 0 { x } else if n == 0 { 1.0 } else { -x } }
)"),
            R"(export fn nested(%0_x: f32, %1_n: i64) {
  %2 = constant [0] : i64
  %3 = gt %1_n, %2 : bool
  %4 = if %3 : f32
  {
    return %0_x
  }
  else {
    %5 = constant [0] : i64
    %6 = eq %1_n, %5 : bool
    %7 = if %6 : f32
    {
      %8 = constant [1] : f32
      return %8
    }
    else {
      %9 = neg %0_x : f32
      return %9
    }
    return %7
  }
  return %4
}
)");
}

TEST(Expressions, ScanCarriesTuples) {
  EXPECT_EQ(programOf(R"(
export fn scans(x: f32[4]) -> (f32, f32[4], i64) {
  let (s, y, n) = scan (a, b, k) = (0.0, x, 0) over i in 0..4 { (a + b[i], b * 2.0, k + i) }
  (s, y, n)
}
)"),
            R"(export fn scans(%0_x: f32[4]) {
  %1 = constant [0] : f32
  %2 = constant [0] : i64
  %3 = scan 0 to 4 %1, %0_x, %2 : f32, f32[4], i64
  { (%4_i: i64, %5_a: f32, %6_b: f32[4], %7_k: i64)
    %8 = view %6_b, %4_i (s0) inside : f32
    %9 = add %5_a, %8 : f32
    %10 = constant [2] : f32
    %11 = view %10 () inside : f32[4]
    %12 = mul %6_b, %11 : f32[4]
    %13 = add %7_k, %4_i : i64
    return %9, %12, %13
  }
  return %3#0, %3#1, %3#2
}
)");
}

TEST(Expressions, ScanCounterMayLeave) {
  EXPECT_EQ(programOf(R"(
export fn outside(x: f32[4]) -> f32 { scan a = 0.0 over i in 0..5 { a + x[i] } }
)"),
            R"(export fn outside(%0_x: f32[4]) {
  %1 = constant [0] : f32
  %2 = scan 0 to 5 %1 : f32
  { (%3_i: i64, %4_a: f32)
    %5 = view %0_x, %3_i (s0) checked : f32
    %6 = add %4_a, %5 : f32
    return %6
  }
  return %2
}
)");
}

TEST(Expressions, Tuples) {
  EXPECT_EQ(programOf(R"(
export fn tuple(p: f32) -> f32 { let t = ((p, 2.0), p); t.0.1 * t.1 }
)"),
            R"(export fn tuple(%0_p: f32) {
  %1 = constant [2] : f32
  %2 = mul %1, %0_p : f32
  return %2
}
)");
}

TEST(Expressions, ReductionsOverAxes) {
  EXPECT_EQ(programOf(R"(
export fn mean3[A, B, C](x: f32[A, B, C]) -> (f32[B], f32[A, 1, 1], f32, i64, f32[A, B]) {
  (mean(x, axis = (0, 2)), max(x, axis = (1, -1), keep = true), mean(x), argmax(x), prod(x, axis = C))
}
)"),
            R"(export fn mean3[A, B, C](%0_x: f32[A, B, C]) {
  %1 = reduce sum %0_x [0, 2] : f32[B]
  %2 = dim A * C : i64
  %3 = cast %2 : f32
  %4 = view %3 () inside : f32[B]
  %5 = div %1, %4 : f32[B]
  %6 = reduce max %0_x [1, 2] : f32[A]
  %7 = view %6 (d0) inside : f32[A, 1, 1]
  %8 = reduce sum %0_x [0, 1, 2] : f32
  %9 = dim A * B * C : i64
  %10 = cast %9 : f32
  %11 = div %8, %10 : f32
  %12 = reshape %0_x : f32[A * B * C]
  %13 = reduce argmax %12 [0] : i64
  %14 = reduce prod %0_x [2] : f32[A, B]
  return %5, %7, %11, %13, %14
}
)");
}

TEST(Expressions, Close) {
  EXPECT_EQ(programOf(R"(
export fn near[N](x: f64[N], y: f64[N]) -> bool { close(x, y, rtol = 1e-3) }
)"),
            R"(export fn near[N](%0_x: f64[N], %1_y: f64[N]) {
  %2 = constant [1e-06] : f64
  %3 = constant [0.001] : f64
  %4 = sub %0_x, %1_y : f64[N]
  %5 = abs %4 : f64[N]
  %6 = abs %1_y : f64[N]
  %7 = view %3 () inside : f64[N]
  %8 = mul %7, %6 : f64[N]
  %9 = view %2 () inside : f64[N]
  %10 = add %9, %8 : f64[N]
  %11 = le %5, %10 : bool[N]
  %12 = reduce all %11 [0] : bool
  return %12
}
)");
}

TEST(Expressions, BatchedProducts) {
  EXPECT_EQ(programOf(R"(
export fn bat(x: f32[2, 1, 3, 4], y: f32[5, 4, 6], z: f32[4]) -> (f32[2, 5, 3, 6], f32[2, 1, 3], f32[5, 6]) { (x @ y, x @ z, z @ y) }
)"),
            R"(export fn bat(%0_x: f32[2, 1, 3, 4], %1_y: f32[5, 4, 6], %2_z: f32[4]) {
  %3 = view %0_x (d0, 0, d1, d2) inside : f32[2, 3, 4]
  %4 = contract %3 [0, 2, 4], %1_y [1, 4, 3] space 5 : f32[2, 5, 3, 6]
  %5 = contract %0_x [0, 1, 2, 3], %2_z [3] space 4 : f32[2, 1, 3]
  %6 = contract %2_z [2], %1_y [0, 2, 1] space 3 : f32[5, 6]
  return %4, %5, %6
}
)");
}

TEST(Expressions, Concat) {
  EXPECT_EQ(programOf(R"(
export fn cat[N](x: f32[N, 2], y: f32[3, 2]) -> (f32[N + 3, 2], f32[N, 4]) { (concat(x, y), concat(x, x, axis = -1)) }
)"),
            R"(export fn cat[N](%0_x: f32[N, 2], %1_y: f32[3, 2]) {
  %2 = concat %0_x, %1_y along 0 : f32[N + 3, 2]
  %3 = concat %0_x, %0_x along 1 : f32[N, 4]
  return %2, %3
}
)");
}

TEST(Expressions, Transpose) {
  EXPECT_EQ(programOf(R"(
export fn perm[A, B, C](x: f32[A, B, C]) -> (f32[C, A, B], f32[B, A, C]) { (transpose(x, 2, 0, 1), transpose(x, B, A, C)) }
)"),
            R"(export fn perm[A, B, C](%0_x: f32[A, B, C]) {
  %1 = view %0_x (d1, d2, d0) inside : f32[C, A, B]
  %2 = view %0_x (d1, d0, d2) inside : f32[B, A, C]
  return %1, %2
}
)");
}

TEST(Expressions, MinMax) {
  EXPECT_EQ(programOf(R"(
export fn minmax[N](x: f32[N]) -> (f32[N], i64, f32[N]) { (min(x, 1.0), max(3, 4), max(0.0, x)) }
)"),
            R"(export fn minmax[N](%0_x: f32[N]) {
  %1 = constant [1] : f32
  %2 = view %1 () inside : f32[N]
  %3 = min %0_x, %2 : f32[N]
  %4 = constant [0] : f32
  %5 = view %4 () inside : f32[N]
  %6 = max %5, %0_x : f32[N]
  %7 = constant [4] : i64
  return %3, %7, %6
}
)");
}

TEST(Expressions, Slices) {
  EXPECT_EQ(programOf(R"(
export fn slices[N](x: f32[N, 8], k: i64) -> (f32[8], f32[N, 4], f32[N, 2], f32, f32[N], f32[2, 8], f32[N, 3]) where N >= 2 {
  (x[1], x[:, ..4], x[:, 1..7 by 3], x[0, -1], x[:, k], x[-2..], x[:, k..k + 3])
}
)"),
            R"(export fn slices[N](%0_x: f32[N, 8], %1_k: i64) {
  require N >= 2 else "`slices` needs `N >= 2`"
  %2 = view %0_x (1, d0) inside : f32[8]
  %3 = view %0_x (d0, d1) inside : f32[N, 4]
  %4 = view %0_x (d0, 3*d1 + 1) inside : f32[N, 2]
  %5 = view %0_x (0, 7) inside : f32
  %6 = view %0_x, %1_k (d0, s0) checked : f32[N]
  %7 = dim N : i64
  %8 = view %0_x, %7 (d0 + s0 - 2, d1) inside : f32[2, 8]
  %9 = view %0_x, %1_k (d0, d1 + s0) checked : f32[N, 3]
  return %2, %3, %4, %5, %6, %8, %9
}
)");
}

} // namespace
