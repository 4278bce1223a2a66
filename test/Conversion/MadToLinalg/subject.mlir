// Checks say what the program says, and in its order.
//
// RUN: mad-opt %s --mad-to-linalg | FileCheck %s

// CHECK-LABEL: func.func @point
// CHECK-SAME: index_checks = {{\[\[}}"index out of range for dimension 0 of `s`", {{.*}}], ["index out of range for dimension 1 of `s`",
// CHECK: cf.assert {{.*}} "index out of range for dimension 0 of `s`
// CHECK: cf.assert {{.*}} "index out of range for dimension 1 of `s`
func.func @point(%x: tensor<2x3xf32>, %i: tensor<i64>, %j: tensor<i64>) -> tensor<f32> attributes {mad.dims = [], mad.entry} {
  %0 = mad.view %x[%i, %j] by affine_map<()[s0, s1] -> (s0, s1)> checked
      {mad.subject = "s", mad.subject_dims = array<i64: 1, 0>}
      : (tensor<2x3xf32>, tensor<i64>, tensor<i64>) -> tensor<f32>
  return %0 : tensor<f32>
}

// CHECK-LABEL: func.func @others
// CHECK-SAME: index_checks = {{\[\[}}"index out of range for dimension 0 of `table[k, :]`", {{.*}}], ["index out of range for dimension 0 of `x.bias`", {{.*}}], ["index out of range for dimension 0 of `base`",
func.func @others(%x: tensor<4xf32>, %p: tensor<2xi64>, %i: tensor<i64>, %v: tensor<f32>, %u: tensor<2xf32>)
    -> (tensor<2xf32>, tensor<4xf32>, tensor<4xf32>) attributes {mad.dims = [], mad.entry} {
  %0 = mad.gather %x[%p] {mad.subject = "table[k, :]"} : (tensor<4xf32>, tensor<2xi64>) -> tensor<2xf32>
  %1 = mad.update %x[%i] by affine_map<()[s0] -> (s0)> checked with %v {mad.subject = "x.bias"}
      : (tensor<4xf32>, tensor<f32>, tensor<i64>) -> tensor<4xf32>
  %2 = mad.scatter add %x[%p] = %u {mad.subject = "base"}
      : (tensor<4xf32>, tensor<2xi64>, tensor<2xf32>) -> tensor<4xf32>
  return %0, %1, %2 : tensor<2xf32>, tensor<4xf32>, tensor<4xf32>
}

// Without a subject the operand goes by its own name.
// CHECK-LABEL: func.func @unnamed
// CHECK-SAME: index_checks = {{\[\[}}"index out of range for dimension 0 of `h`",
func.func @unnamed(%x: tensor<4xf32> {mad.name = "h"}, %p: tensor<2xi64>) -> tensor<2xf32> attributes {mad.dims = [], mad.entry} {
  %0 = mad.gather %x[%p] : (tensor<4xf32>, tensor<2xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
