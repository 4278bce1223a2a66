// RUN: mad-opt %s --mad-rewrite --mad-drop-rules | FileCheck %s

// The rule is not of use here, but without one nothing is rewritten.
mad.rule @twice permits [] of "float" where [] {
^bb0(%x: tensor<f32>):
  %two = mad.constant dense<2.0> : tensor<f32>
  %l = mad.mul %x, %two : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %r = mad.add %x, %x : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides (%l) and (%r) : tensor<f32> and tensor<f32>
}

// Sixteen roots and quotients instead of 16 x 100.
// CHECK-LABEL: func.func @repeated
// CHECK: %[[R:.*]] = mad.sqrt %arg1 {mad.fp = "strict"} : (tensor<16xf32>) -> tensor<16xf32>
// CHECK: %[[D:.*]] = mad.div %{{.*}}, %[[R]] {mad.fp = "strict"} : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
// CHECK: %[[V:.*]] = mad.view %[[D]]
// CHECK: mad.mul %arg0, %[[V]] {mad.fp = "strict"} : (tensor<16x100xf32>
func.func @repeated(%x: tensor<16x100xf32>, %s: tensor<16xf32>) -> tensor<16x100xf32> {
  %one = mad.constant dense<1.0> : tensor<16x100xf32>
  %v = mad.view %s by affine_map<(d0, d1) -> (d0)> inside : (tensor<16xf32>) -> tensor<16x100xf32>
  %r = mad.sqrt %v {mad.fp = "strict"} : (tensor<16x100xf32>) -> tensor<16x100xf32>
  %d = mad.div %one, %r {mad.fp = "strict"} : (tensor<16x100xf32>, tensor<16x100xf32>) -> tensor<16x100xf32>
  %m = mad.mul %x, %d {mad.fp = "strict"} : (tensor<16x100xf32>, tensor<16x100xf32>) -> tensor<16x100xf32>
  return %m : tensor<16x100xf32>
}

// A transpose is read by the product itself.
// CHECK-LABEL: func.func @transposed
// CHECK-NOT: mad.view
// CHECK: mad.contract %arg0 by #{{.*}}, %arg1 by
func.func @transposed(%a: tensor<16x100xf32>, %b: tensor<20x100xf32>) -> tensor<16x20xf32> {
  %t = mad.view %b by affine_map<(d0, d1) -> (d1, d0)> inside : (tensor<20x100xf32>) -> tensor<100x20xf32>
  %0 = mad.contract %a by affine_map<(d0, d1, d2) -> (d0, d2)>, %t by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<16x100xf32>, tensor<100x20xf32>) -> tensor<16x20xf32>
  return %0 : tensor<16x20xf32>
}
