// f16 and bf16 are computed with in f32, u8 as a byte without a sign.
//
// RUN: mad-opt %s --mad-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @half(
// CHECK: ^bb0(%[[A:.*]]: f16, %[[B:.*]]: f16, %{{.*}}: f16):
// CHECK-DAG: %[[X:.*]] = arith.extf %[[A]] : f16 to f32
// CHECK-DAG: %[[Y:.*]] = arith.extf %[[B]] : f16 to f32
// CHECK: %[[SUM:.*]] = arith.addf %[[X]], %[[Y]] {{.*}}: f32
// CHECK: %[[R:.*]] = arith.truncf %[[SUM]] : f32 to f16
// CHECK: linalg.yield %[[R]]
func.func @half(%x: tensor<4xf16>, %y: tensor<4xf16>) -> tensor<4xf16> attributes {mad.dims = [], mad.entry} {
  %0 = mad.add %x, %y : (tensor<4xf16>, tensor<4xf16>) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// One rounding, after the last term.
// CHECK-LABEL: func.func @contraction(
// CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK: linalg.fill ins(%[[ZERO]] : f32)
// CHECK: ^bb0(%[[A:.*]]: bf16, %[[B:.*]]: bf16, %[[SUM:.*]]: f32):
// CHECK-DAG: %[[X:.*]] = arith.extf %[[A]] : bf16 to f32
// CHECK-DAG: %[[Y:.*]] = arith.extf %[[B]] : bf16 to f32
// CHECK: %[[XY:.*]] = arith.mulf %[[X]], %[[Y]]
// CHECK: arith.addf %[[SUM]], %[[XY]]
// CHECK: ^bb0(%[[S:.*]]: f32, %{{.*}}: bf16):
// CHECK: arith.truncf %[[S]] : f32 to bf16
func.func @contraction(%x: tensor<4x8xbf16>, %y: tensor<8x2xbf16>) -> tensor<4x2xbf16> attributes {mad.dims = [], mad.entry} {
  %0 = mad.contract %x by affine_map<(d0, d1, d2) -> (d0, d2)>, %y by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<4x8xbf16>, tensor<8x2xbf16>) -> tensor<4x2xbf16>
  return %0 : tensor<4x2xbf16>
}

// CHECK-LABEL: func.func @bytes(
// CHECK-SAME: tensor<4xi8>, %{{.*}}: tensor<4xi8>) -> (tensor<4xi8>, tensor<4xi8>, tensor<4xi8>)
// CHECK-SAME: type = (tensor<4xi8>, tensor<4xui8>) -> (tensor<4xi1>, tensor<4xi8>, tensor<4xui8>)
// CHECK: arith.cmpi slt
// CHECK: arith.minsi
// CHECK: arith.minui
func.func @bytes(%i: tensor<4xi8>, %u: tensor<4xui8>) -> (tensor<4xi1>, tensor<4xi8>, tensor<4xui8>) attributes {mad.dims = [], mad.entry} {
  %z = mad.constant dense<-100> : tensor<4xi8>
  %v = mad.constant dense<200> : tensor<4xui8>
  %0 = mad.compare lt %i, %z : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi1>
  %1 = mad.min %i, %z : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
  %2 = mad.min %u, %v : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  return %0, %1, %2 : tensor<4xi1>, tensor<4xi8>, tensor<4xui8>
}

// CHECK-LABEL: func.func @casts(
// CHECK: arith.uitofp %{{.*}} : i8 to f16
// CHECK: arith.extui %{{.*}} : i8 to i32
// CHECK: arith.extsi %{{.*}} : i8 to i32
// CHECK: arith.truncf %{{.*}} : f64 to bf16
func.func @casts(%u: tensor<4xui8>, %i: tensor<4xi8>, %d: tensor<4xf64>) -> (tensor<4xf16>, tensor<4xi32>, tensor<4xi32>, tensor<4xbf16>) attributes {mad.dims = [], mad.entry} {
  %0 = mad.cast %u : (tensor<4xui8>) -> tensor<4xf16>
  %1 = mad.cast %u : (tensor<4xui8>) -> tensor<4xi32>
  %2 = mad.cast %i : (tensor<4xi8>) -> tensor<4xi32>
  %3 = mad.cast %d : (tensor<4xf64>) -> tensor<4xbf16>
  return %0, %1, %2, %3 : tensor<4xf16>, tensor<4xi32>, tensor<4xi32>, tensor<4xbf16>
}
