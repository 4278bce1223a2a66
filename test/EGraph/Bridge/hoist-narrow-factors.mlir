// RUN: mad-opt %s --mad-hoist-weights --canonicalize | FileCheck %s

// A factor that is widened as the other one is stays narrow; what it is made of is folded.
// CHECK-LABEL: func.func @narrow
// CHECK: %[[X:.*]] = mad.cast %arg0
// CHECK: %[[N:.*]] = mad.weight @n
// CHECK: %[[A:.*]] = mad.cast %[[N]]
// CHECK: mad.contract %[[X]] {{.*}}, %[[A]]
// CHECK: %[[DOUBLE:.*]] = mad.weight @folded{{.*}} : tensor<4x8xf16>
// CHECK: %[[B:.*]] = mad.cast %[[DOUBLE]]
// CHECK: mad.contract %[[X]] {{.*}}, %[[B]]
mad.weight_source @n from "n.npy" : "" : tensor<8x4xf16>
mad.weight_source @v from "v.npy" : "" : tensor<4x8xf16>
func.func @narrow(%x: tensor<2x8xf16> {mad.name = "x"}) -> (tensor<2x4xf32> {mad.name = "a"}, tensor<2x4xf32> {mad.name = "b"}) attributes {mad.entry, mad.dims = []} {
  %0 = mad.cast %x : (tensor<2x8xf16>) -> tensor<2x8xf32>
  %n = mad.weight @n : tensor<8x4xf16>
  %1 = mad.cast %n : (tensor<8x4xf16>) -> tensor<8x4xf32>
  %2 = mad.contract %0 by affine_map<(d0, d1, d2) -> (d0, d2)>, %1 by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<2x8xf32>, tensor<8x4xf32>) -> tensor<2x4xf32>
  %v = mad.weight @v : tensor<4x8xf16>
  %3 = mad.add %v, %v : (tensor<4x8xf16>, tensor<4x8xf16>) -> tensor<4x8xf16>
  %4 = mad.cast %3 : (tensor<4x8xf16>) -> tensor<4x8xf32>
  %5 = mad.contract %0 by affine_map<(d0, d1, d2) -> (d0, d2)>, %4 by affine_map<(d0, d1, d2) -> (d1, d2)> : (tensor<2x8xf32>, tensor<4x8xf32>) -> tensor<2x4xf32>
  return %2, %5 : tensor<2x4xf32>, tensor<2x4xf32>
}

// Of another use, and beside a factor that was f32, it is a weight.
// CHECK-LABEL: func.func @wide
// CHECK-NOT: mad.cast
// CHECK: return
func.func @wide(%x: tensor<2x8xf32> {mad.name = "x"}) -> (tensor<2x4xf32> {mad.name = "a"}) attributes {mad.entry, mad.dims = []} {
  %n = mad.weight @n : tensor<8x4xf16>
  %0 = mad.cast %n : (tensor<8x4xf16>) -> tensor<8x4xf32>
  %1 = mad.contract %x by affine_map<(d0, d1, d2) -> (d0, d2)>, %0 by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<2x8xf32>, tensor<8x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}
