//===- FloatTest.cpp - The JIT and the ahead-of-time build give the same bits ===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Models.h"
#include "runtime/artifact.h"
#include "runtime/jit/Jit.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

using namespace mad;
using namespace mad::test;

/// `g() -> f32[32]` of a constant input w: sums, products and a reduction whose
/// flags let LLVM round as it likes.
/// The product in `scale` meets its sum only where functions are inlined.
static const char freeModule[] = R"mlir(
llvm.func internal @scale(%x: f32, %y: f32) -> f32 {
  %z = llvm.fmul %x, %y {fastmathFlags = #llvm.fastmath<contract>} : f32
  llvm.return %z : f32
}
llvm.func @mad_prepare_g(%extents: !llvm.ptr, %dims: !llvm.ptr, %results: !llvm.ptr,
                         %arena: !llvm.ptr, %info: !llvm.ptr) -> i32 {
  %n = llvm.mlir.constant(32 : i64) : i64
  %zero = llvm.mlir.constant(0 : i64) : i64
  llvm.store %n, %results : i64, !llvm.ptr
  llvm.store %zero, %arena : i64, !llvm.ptr
  %r0 = llvm.mlir.constant(0 : i32) : i32
  llvm.return %r0 : i32
}
llvm.func @mad_run_g(%data: !llvm.ptr, %dims: !llvm.ptr, %arena: !llvm.ptr,
                     %info: !llvm.ptr, %executor: !llvm.ptr) -> i32 {
  %y = llvm.load %data : !llvm.ptr -> !llvm.ptr
  %pw = llvm.getelementptr %data[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %w = llvm.load %pw : !llvm.ptr -> !llvm.ptr
  %zero = llvm.mlir.constant(0 : i64) : i64
  %one = llvm.mlir.constant(1 : i64) : i64
  %end = llvm.mlir.constant(32 : i64) : i64
  %f0 = llvm.mlir.constant(0.1 : f32) : f32
  %f3 = llvm.mlir.constant(0.3 : f32) : f32
  %row = llvm.load %w {alignment = 4 : i64} : !llvm.ptr -> vector<16xf32>
  llvm.br ^head(%zero, %f0 : i64, f32)
^head(%i: i64, %sum: f32):
  %more = llvm.icmp "slt" %i, %end : i64
  llvm.cond_br %more, ^body, ^exit
^body:
  %p = llvm.getelementptr %w[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  %x = llvm.load %p : !llvm.ptr -> f32
  %a = llvm.fmul %x, %f3 {fastmathFlags = #llvm.fastmath<contract, reassoc>} : f32
  %b = llvm.call @scale(%a, %f3) : (f32, f32) -> f32
  %c = llvm.fadd %b, %sum {fastmathFlags = #llvm.fastmath<contract, reassoc>} : f32
  %d = llvm.fadd %c, %f3 {fastmathFlags = #llvm.fastmath<contract, reassoc>} : f32
  %e = llvm.fmul %x, %x {fastmathFlags = #llvm.fastmath<contract>} : f32
  %f = llvm.fsub %e, %d {fastmathFlags = #llvm.fastmath<contract>} : f32
  %g = llvm.fmul %f, %x {fastmathFlags = #llvm.fastmath<contract>} : f32
  %h = llvm.fsub %d, %g {fastmathFlags = #llvm.fastmath<contract>} : f32
  %py = llvm.getelementptr %y[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  llvm.store %h, %py : f32, !llvm.ptr
  %half = llvm.fmul %d, %f3 : f32
  %next = llvm.add %i, %one : i64
  llvm.br ^head(%next, %half : i64, f32)
^exit:
  %r = "llvm.intr.vector.reduce.fadd"(%sum, %row) <{fastmathFlags = #llvm.fastmath<reassoc>}>
    : (f32, vector<16xf32>) -> f32
  llvm.store %r, %y : f32, !llvm.ptr
  %r0 = llvm.mlir.constant(0 : i32) : i32
  llvm.return %r0 : i32
}
)mlir";

static std::vector<EntryDescription> freeEntries() {
  EntryDescription entry;
  entry.name = "g";
  entry.outputs = {{"y", MAD_F32, {"32"}, {32}}};
  entry.weights = {"scale.weight"};
  return {entry};
}

static std::vector<float> input() {
  std::vector<float> made(32);
  for (int i = 0; i < 32; ++i)
    made[i] = std::sin(float(i) * 1.7f) * 3;
  return made;
}

static std::vector<float> result(int level, bool quick) {
  auto context = makeContext();
  auto module = parse(*context, freeModule);
  if (!module)
    return {};
  auto object = compileObject(*module, freeEntries(), level, ".v" + std::to_string(level), quick);
  EXPECT_TRUE(bool(object)) << llvm::toString(object.takeError());
  Objects objects;
  objects.push_back(std::move(*object));
  auto jit = makeJit({"g", {level}}, freeEntries(), affineWeights(input()), std::move(objects));
  EXPECT_TRUE(bool(jit)) << llvm::toString(jit.takeError());
  mad_module *loaded = nullptr;
  mad_context *calls = nullptr;
  EXPECT_EQ(mad_module_create((*jit)->artifact(), &loaded, nullptr), MAD_OK);
  EXPECT_EQ(mad_context_create(loaded, &calls, nullptr), MAD_OK);
  std::vector<float> y(32);
  int64_t shape = 32;
  mad_tensor output = {y.data(), &shape, 1, MAD_F32};
  EXPECT_EQ(mad_entry_call(calls, 0, nullptr, 0, &output, 1), MAD_OK);
  mad_context_destroy(calls);
  mad_module_destroy(loaded);
  return y;
}

static void expectEqualBits(int level) {
  std::vector<float> quick = result(level, true), slow = result(level, false);
  ASSERT_EQ(quick.size(), 32u);
  EXPECT_EQ(memcmp(quick.data(), slow.data(), 32 * sizeof(float)), 0);
}

TEST(Floats, EqualBitsOnTheBaseline) { expectEqualBits(0); }

TEST(Floats, EqualBitsWithFma) {
  if (hostLevel() < 3)
    GTEST_SKIP() << "this CPU has no FMA";
  expectEqualBits(3);
  // The CPU's fma is used, so some bits differ from those of the baseline.
  EXPECT_NE(result(0, true), result(3, true));
}
