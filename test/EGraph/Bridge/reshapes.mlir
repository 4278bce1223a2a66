// RUN: mad-opt %s --mad-rewrite --mad-drop-rules --canonicalize | FileCheck %s

mad.rule @twice permits [] of "float" where [] {
^bb0(%x: tensor<f32>):
  %two = mad.constant dense<2.0> : tensor<f32>
  %l = mad.mul %x, %two : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %r = mad.add %x, %x : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides (%l) and (%r) : tensor<f32> and tensor<f32>
}

// A scale of each channel is one of each group and channel of the group; then nothing is left of
// the reshapes there and back.
// CHECK-LABEL: func.func @groups
// CHECK: %[[S:.*]] = mad.reshape %arg1 : (tensor<6xf32>) -> tensor<2x3xf32>
// CHECK: %[[V:.*]] = mad.view %[[S]] by
// CHECK: %[[M:.*]] = mad.mul %arg0, %[[V]] {mad.fp = "strict"} : (tensor<2x2x3x2x2xf32>
// CHECK-NEXT: return %[[M]]
func.func @groups(%x: tensor<2x2x3x2x2xf32>, %s: tensor<6xf32>) -> tensor<2x2x3x2x2xf32> {
  %r = mad.reshape %x : (tensor<2x2x3x2x2xf32>) -> tensor<2x6x4xf32>
  %v = mad.view %s by affine_map<(d0, d1, d2) -> (d1)> inside : (tensor<6xf32>) -> tensor<2x6x4xf32>
  %m = mad.mul %r, %v {mad.fp = "strict"} : (tensor<2x6x4xf32>, tensor<2x6x4xf32>) -> tensor<2x6x4xf32>
  %b = mad.reshape %m : (tensor<2x6x4xf32>) -> tensor<2x2x3x2x2xf32>
  return %b : tensor<2x2x3x2x2xf32>
}

// What depends on a part of a merged dimension alone cannot be seen through it.
// CHECK-LABEL: func.func @across
// CHECK: mad.reshape
// CHECK: mad.mul {{.*}} : (tensor<2x10x6xf32>
// CHECK: mad.reshape
func.func @across(%x: tensor<2x60xf32>, %s: tensor<10xf32>) -> tensor<2x60xf32> {
  %r = mad.reshape %x : (tensor<2x60xf32>) -> tensor<2x10x6xf32>
  %v = mad.view %s by affine_map<(d0, d1, d2) -> (d1)> inside : (tensor<10xf32>) -> tensor<2x10x6xf32>
  %m = mad.mul %r, %v {mad.fp = "strict"} : (tensor<2x10x6xf32>, tensor<2x10x6xf32>) -> tensor<2x10x6xf32>
  %b = mad.reshape %m : (tensor<2x10x6xf32>) -> tensor<2x60xf32>
  return %b : tensor<2x60xf32>
}
