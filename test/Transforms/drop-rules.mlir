// Rewrite rules go; nothing else does.
//
// RUN: mad-opt %s --mad-drop-rules | FileCheck %s

// CHECK-NOT: mad.rule
mad.rule @double permits [] of "number" where [] {
^bb0(%x: tensor<f32>, %y: tensor<f32>):
  %0 = mad.add %x, %y : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %1 = mad.add %y, %x : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides(%0) and (%1) : tensor<f32> and tensor<f32>
}

// CHECK: func.func @kept
func.func @kept(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}
// CHECK-NOT: mad.rule
