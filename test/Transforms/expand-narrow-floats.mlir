// RUN: mad-opt %s --mad-expand-narrow-floats | FileCheck %s --check-prefixes=CHECK,V3
// RUN: mad-opt %s --mad-expand-narrow-floats=level=0 | FileCheck %s --check-prefixes=CHECK,BASE

// With F16C these are instructions.
// CHECK-LABEL: func @half
// V3: arith.extf %{{.*}} : vector<8xf16> to vector<8xf32>
// V3: arith.truncf %{{.*}} : vector<8xf32> to vector<8xf16>
// BASE-NOT: arith.extf
// BASE: arith.extui %{{.*}} : vector<8xi16> to vector<8xi32>
// BASE-NOT: arith.truncf
// BASE: arith.trunci %{{.*}} : vector<8xi32> to vector<8xi16>
// CHECK: return
func.func @half(%x: vector<8xf16>) -> vector<8xf16> {
  %0 = arith.extf %x : vector<8xf16> to vector<8xf32>
  %1 = arith.addf %0, %0 : vector<8xf32>
  %2 = arith.truncf %1 : vector<8xf32> to vector<8xf16>
  return %2 : vector<8xf16>
}

// CHECK-LABEL: func @brain
// CHECK-SAME: (%{{.*}}: i16) -> i16
// CHECK-NOT: arith.extf
// CHECK: arith.shli
// CHECK-NOT: arith.truncf
// CHECK: %[[R:.*]] = arith.trunci %{{.*}} : i32 to i16
// CHECK: return %[[R]] : i16
func.func @brain(%x: bf16) -> bf16 {
  %0 = arith.extf %x : bf16 to f32
  %1 = arith.addf %0, %0 : f32
  %2 = arith.truncf %1 : f32 to bf16
  return %2 : bf16
}

// By way of an f32 that is rounded to odd, so that there is one rounding.
// CHECK-LABEL: func @double
// CHECK: %[[F:.*]] = arith.truncf %{{.*}} : f64 to f32
// CHECK: arith.bitcast %[[F]] : f32 to i32
// CHECK: arith.extf %[[F]] : f32 to f64
// CHECK: arith.cmpf olt
// CHECK: arith.cmpf ogt
// V3: arith.truncf %{{.*}} : f32 to f16
// BASE: arith.trunci %{{.*}} : i32 to i16
func.func @double(%x: f64) -> f16 {
  %0 = arith.truncf %x : f64 to f16
  return %0 : f16
}

// CHECK-LABEL: func @integers
// CHECK: arith.sitofp %{{.*}} : i32 to f32
// CHECK: arith.sitofp %{{.*}} : i32 to f64
// CHECK: arith.andi
// CHECK: arith.sitofp %{{.*}} : i64 to f64
// CHECK: arith.uitofp %{{.*}} : i8 to f32
// CHECK: return
func.func @integers(%x: i32, %y: i64, %z: i8) -> (f16, bf16, bf16, bf16) {
  %0 = arith.sitofp %x : i32 to f16
  %1 = arith.sitofp %x : i32 to bf16
  %2 = arith.sitofp %y : i64 to bf16
  %3 = arith.uitofp %z : i8 to bf16
  return %0, %1, %2, %3 : f16, bf16, bf16, bf16
}

// Conversions of other types stay as they are.
// CHECK-LABEL: func @others
// CHECK-NEXT: arith.extf %{{.*}} : f32 to f64
// CHECK-NEXT: arith.sitofp %{{.*}} : i32 to f32
// CHECK-NEXT: return
func.func @others(%x: f32, %y: i32) -> (f64, f32) {
  %0 = arith.extf %x : f32 to f64
  %1 = arith.sitofp %y : i32 to f32
  return %0, %1 : f64, f32
}

// What only moves is bits, in memory too.
// CHECK-LABEL: func @moves
// CHECK-SAME: (%[[M:.*]]: memref<8xi16>) -> vector<4xi16>
// CHECK: arith.constant dense<16256> : vector<4xi16>
// CHECK: vector.load %[[M]]{{.*}} : memref<8xi16>, vector<4xi16>
func.func @moves(%m: memref<8xbf16>) -> vector<4xbf16> {
  %c = arith.constant 0 : index
  %one = arith.constant dense<1.0> : vector<4xbf16>
  %x = vector.load %m[%c] : memref<8xbf16>, vector<4xbf16>
  vector.store %one, %m[%c] : memref<8xbf16>, vector<4xbf16>
  return %x : vector<4xbf16>
}
