// RUN: mad-opt --mad-to-linalg %s | FileCheck %s

// Functions in f64, by libm; arithmetic as it is, without permissions.
// CHECK-LABEL: func @strict
func.func @strict(%x: tensor<4x8xf32>, %w: tensor<8x5xf32>, %h: tensor<8xf16>)
    -> (tensor<4x8xf32>, tensor<4xf32>, tensor<4x5xf32>, tensor<8xf16>)
    attributes {mad.entry} {
  // CHECK:      %[[X:.*]] = arith.mulf %{{.*}}, %{{.*}} : f32
  %0 = mad.mul %x, %x {mad.fp = "strict"} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK:      %[[WIDE:.*]] = arith.extf %{{.*}} : f32 to f64
  // CHECK-NEXT: %[[EXP:.*]] = math.exp %[[WIDE]] {mad.fp = "strict"} : f64
  // CHECK-NEXT: arith.truncf %[[EXP]] : f64 to f32
  %1 = mad.exp %0 {mad.fp = "strict"} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // A sum of f64, rounded by a loop of its own.
  // CHECK:      linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]
  // CHECK-NEXT: ^bb0(%[[E:.*]]: f32, %[[SUM:.*]]: f64):
  // CHECK-NEXT:   %[[W:.*]] = arith.extf %[[E]] : f32 to f64
  // CHECK-NEXT:   arith.addf %[[SUM]], %[[W]] : f64
  // CHECK:        arith.truncf %{{.*}} : f64 to f32
  %2 = mad.reduce sum %1 over [1] {mad.fp = "strict"} : (tensor<4x8xf32>) -> tensor<4xf32>
  // The products are exact: fused or not, the bits are the same.
  // CHECK:      arith.mulf %{{.*}}, %{{.*}} fastmath<contract> : f64
  // CHECK-NEXT: arith.addf %{{.*}}, %{{.*}} fastmath<contract> : f64
  %3 = mad.contract %1 by affine_map<(i, j, k) -> (i, k)>, %w by affine_map<(i, j, k) -> (k, j)> {mad.fp = "strict"}
      : (tensor<4x8xf32>, tensor<8x5xf32>) -> tensor<4x5xf32>
  // CHECK:      arith.extf %{{.*}} : f16 to f64
  // CHECK-NEXT: math.tanh %{{.*}} {mad.fp = "strict"} : f64
  // CHECK-NEXT: arith.truncf %{{.*}} : f64 to f16
  %4 = mad.tanh %h {mad.fp = "strict"} : (tensor<8xf16>) -> tensor<8xf16>
  return %1, %2, %3, %4 : tensor<4x8xf32>, tensor<4xf32>, tensor<4x5xf32>, tensor<8xf16>
}

// Products of f64 are rounded: no permission.
// CHECK-LABEL: func @strict_f64
func.func @strict_f64(%x: tensor<4xf64>) -> tensor<f64> attributes {mad.entry} {
  // CHECK:      arith.mulf %{{[^ ]*}}, %{{[^ ]*}} : f64
  // CHECK-NEXT: arith.addf %{{[^ ]*}}, %{{[^ ]*}} : f64
  %0 = mad.contract %x by affine_map<(k) -> (k)>, %x by affine_map<(k) -> (k)> {mad.fp = "strict"}
      : (tensor<4xf64>, tensor<4xf64>) -> tensor<f64>
  return %0 : tensor<f64>
}

// CHECK-LABEL: func @fast
func.func @fast(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4xf32>) attributes {mad.entry} {
  // CHECK: arith.divf %{{.*}}, %{{.*}} fastmath<fast> : f32
  %0 = mad.div %x, %x {mad.fp = "fast"} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK: math.exp %{{.*}} fastmath<fast> : f32
  %1 = mad.exp %0 {mad.fp = "fast"} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK: arith.maximumf %{{.*}}, %{{.*}} fastmath<fast> : f32
  %2 = mad.reduce max %1 over [1] {mad.fp = "fast"} : (tensor<4x8xf32>) -> tensor<4xf32>
  return %1, %2 : tensor<4x8xf32>, tensor<4xf32>
}
