// RUN: mad-opt %s --mad-expand-math | FileCheck %s
// RUN: mad-opt %s --mad-expand-math=level=0 | FileCheck %s --check-prefix=SSE
// RUN: mad-opt %s --mad-expand-math=level=4 | FileCheck %s --check-prefix=AVX512

// Scalars and vectors go the same way.
// CHECK-LABEL: func @test_exp
// CHECK: math.fma {{.*}} : f32
// CHECK: arith.shli {{.*}} : i32
// CHECK: math.fma {{.*}} : vector<8xf32>
// CHECK: arith.shli {{.*}} : vector<8xi32>
// CHECK-NOT: math.exp
// SSE-LABEL: func @test_exp
// SSE-NOT: math.fma
// SSE: arith.mulf
// SSE: arith.addf
// SSE: return
func.func @test_exp(%x: f32, %y: vector<8xf32>) -> (f32, vector<8xf32>) {
  %0 = math.exp %x : f32
  %1 = math.exp %y : vector<8xf32>
  return %0, %1 : f32, vector<8xf32>
}

// A table of 16 numbers is one register with AVX-512, two with AVX2. A scalar reads
// it from memory. Vectors of two registers are taken apart.
// CHECK-LABEL: func @test_tables
// CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx2.permps"
// CHECK-NOT: avx512
// CHECK: return
// SSE-LABEL: func @test_tables
// SSE-NOT: llvm.x86
// SSE: return
// AVX512: memref.global "private" constant @mad_table : memref<16xf32>
// AVX512-LABEL: func @test_tables
// AVX512: memref.load {{.*}} : memref<16xf32>
// AVX512-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"
// AVX512-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.mask.scalef.ps.512"
// AVX512-COUNT-6: llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"
// AVX512-COUNT-12: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.ps.256"
// AVX512: return
func.func @test_tables(%x: f32, %y: vector<32xf32>, %z: vector<16xf32>, %w: vector<4xf32>)
    -> (f32, vector<32xf32>, vector<16xf32>, vector<4xf32>) {
  %0 = math.exp %x : f32
  %1 = math.exp %y : vector<32xf32>
  %2 = math.erf %z : vector<16xf32>
  %3 = math.tanh %w : vector<4xf32>
  return %0, %1, %2, %3 : f32, vector<32xf32>, vector<16xf32>, vector<4xf32>
}

// Large arguments are left to libm, those lanes only.
// CHECK-LABEL: func @test_sin
// CHECK: %[[LARGE:.*]] = arith.cmpf ogt
// CHECK: %[[SOME:.*]] = vector.reduction <or>, %[[LARGE]]
// CHECK: scf.if %[[SOME]]
// CHECK-COUNT-4: call @sinf
// CHECK: arith.select %[[LARGE]]
// CHECK: else
func.func @test_sin(%x: vector<4xf32>) -> vector<4xf32> {
  %0 = math.sin %x : vector<4xf32>
  return %0 : vector<4xf32>
}

// CHECK-LABEL: func @test_double
// CHECK: call @atanh(%{{.*}}) : (f64) -> f64
// CHECK-COUNT-2: call @cbrt(%{{.*}}) : (f64) -> f64
// CHECK: vector.from_elements
func.func @test_double(%x: f64, %y: vector<2xf64>) -> (f64, vector<2xf64>) {
  %0 = math.atanh %x : f64
  %1 = math.cbrt %y : vector<2xf64>
  return %0, %1 : f64, vector<2xf64>
}

// No shift with the sign: AVX2 has none of 64 bits.
// CHECK-LABEL: func @test_double_expanded
// CHECK: math.fma {{.*}} : f64
// CHECK: arith.shli {{.*}} : i64
// CHECK-NOT: arith.shrsi
// CHECK-NOT: call
// CHECK: arith.shrui {{.*}} : vector<4xi64>
// CHECK-NOT: arith.shrsi
// CHECK: math.fma {{.*}} : vector<4xf64>
// CHECK-NOT: call
// CHECK: return
// SSE-LABEL: func @test_double_expanded
// SSE-NOT: math.fma
// SSE: call @exp(
// SSE-COUNT-4: call @log(
// SSE-NOT: call
// SSE: return
func.func @test_double_expanded(%x: f64, %y: vector<4xf64>) -> (f64, vector<4xf64>, f64) {
  %0 = math.exp %x : f64
  %1 = math.log %y : vector<4xf64>
  %2 = math.tanh %x : f64
  return %0, %1, %2 : f64, vector<4xf64>, f64
}

// CHECK-LABEL: func @test_power
// CHECK: arith.mulf %[[X:.*]], %[[X]]
// CHECK: math.sqrt
// CHECK: arith.extf %{{.*}} : f32 to f64
// CHECK: call @pow(
func.func @test_power(%x: f32, %y: f32, %z: f64) -> (f32, f32, f32, f64) {
  %two = arith.constant 2.0 : f32
  %half = arith.constant 0.5 : f32
  %0 = math.powf %x, %two : f32
  %1 = math.powf %x, %half : f32
  %2 = math.powf %x, %y : f32
  %3 = math.powf %z, %z : f64
  return %0, %1, %2, %3 : f32, f32, f32, f64
}

// CHECK-LABEL: func @test_instructions
// CHECK: math.sqrt
// CHECK: math.floor
// CHECK: math.fma
// CHECK: %[[ROOT:.*]] = math.sqrt
// CHECK: arith.divf %{{.*}}, %[[ROOT]]
func.func @test_instructions(%x: vector<8xf32>) -> (vector<8xf32>, vector<8xf32>) {
  %0 = math.sqrt %x : vector<8xf32>
  %1 = math.floor %0 : vector<8xf32>
  %2 = math.fma %x, %0, %1 : vector<8xf32>
  %3 = math.rsqrt %x : vector<8xf32>
  return %2, %3 : vector<8xf32>, vector<8xf32>
}

// A strict function is the one of libm, whatever its exponent is.
// CHECK-LABEL: func @test_strict
// CHECK-NOT: arith.mulf
// CHECK: call @pow(
// CHECK: arith.mulf
func.func @test_strict(%x: f64) -> (f64, f64) {
  %two = arith.constant 2.0 : f64
  %0 = math.powf %x, %two {mad.fp = "strict"} : f64
  %1 = math.powf %x, %two : f64
  return %0, %1 : f64, f64
}
