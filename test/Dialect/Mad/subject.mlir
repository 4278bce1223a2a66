// What the program calls a tensor where it subscripts it: printed and parsed, and kept right by inlining and
// by the folding of views.
//
// RUN: mad-opt %s | mad-opt | FileCheck %s --check-prefix=TEXT
// RUN: mad-opt %s --inline --canonicalize | FileCheck %s

// CHECK-DAG: #[[$POINT:.*]] = affine_map<()[s0, s1] -> (s1, s0)>

// The coordinates change places, and keep the numbers that the program gives them.
// TEXT-LABEL: func.func @turned
// TEXT: mad.view {{.*}} checked {mad.subject = "s"} :
// CHECK-LABEL: func.func @turned
// CHECK-SAME: %[[X:.*]]: tensor<2x3xf32>
// CHECK: mad.view %[[X]][{{.*}}] by #[[$POINT]] checked {mad.subject = "s", mad.subject_dims = array<i64: 1, 0>} : (tensor<2x3xf32>,
func.func @turned(%x: tensor<2x3xf32>, %i: tensor<i64>, %j: tensor<i64>) -> tensor<f32> {
  %0 = mad.view %x by affine_map<(d0, d1) -> (d1, d0)> inside : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = mad.view %0[%i, %j] by affine_map<()[s0, s1] -> (s0, s1)> checked {mad.subject = "s"}
      : (tensor<3x2xf32>, tensor<i64>, tensor<i64>) -> tensor<f32>
  return %1 : tensor<f32>
}

// Numbers that differ from those of the operand already; turned back they need no mention.
// TEXT: mad.view {{.*}} checked {mad.subject = "t", mad.subject_dims = array<i64: 1, 0>} :
// CHECK-LABEL: func.func @turned_back
// CHECK: mad.view {{.*}} checked {mad.subject = "t"} :
func.func @turned_back(%x: tensor<2x3xf32>, %i: tensor<i64>, %j: tensor<i64>) -> tensor<f32> {
  %0 = mad.view %x by affine_map<(d0, d1) -> (d1, d0)> inside : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = mad.view %0[%i, %j] by affine_map<()[s0, s1] -> (s0, s1)> checked
      {mad.subject = "t", mad.subject_dims = array<i64: 1, 0>}
      : (tensor<3x2xf32>, tensor<i64>, tensor<i64>) -> tensor<f32>
  return %1 : tensor<f32>
}

// The check is that of the inner view, whose tensor is called so.
// CHECK-LABEL: func.func @turned_part
// CHECK: mad.view {{.*}} checked {mad.subject = "x", mad.subject_dims = array<i64: -1, 0>} :
func.func @turned_part(%x: tensor<5x9xf32>, %i: tensor<i64>) -> tensor<4x5xf32> {
  %0 = mad.view %x[%i] by affine_map<(d0, d1)[s0] -> (d0, d1 + s0)> checked
      {mad.subject = "x", mad.subject_dims = array<i64: -1, 0>}
      : (tensor<5x9xf32>, tensor<i64>) -> tensor<5x4xf32>
  %1 = mad.view %0 by affine_map<(d0, d1) -> (d1, d0)> inside : (tensor<5x4xf32>) -> tensor<4x5xf32>
  return %1 : tensor<4x5xf32>
}

// What is proved needs no name, so that equal views are equal.
// CHECK-LABEL: func.func @proved
// CHECK: mad.view {{.*}} inside : (tensor<4xf32>)
func.func @proved(%x: tensor<4xf32>) -> tensor<2xf32> {
  %0 = mad.view %x by affine_map<(d0) -> (d0 + 1)> checked {mad.subject = "x"} : (tensor<4xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// CHECK-NOT: @pick
func.func private @pick(%t: tensor<4xf32>, %i: tensor<2xi64>) -> tensor<2xf32> {
  %0 = mad.gather %t[%i] {mad.subject = "t"} : (tensor<4xf32>, tensor<2xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// CHECK-LABEL: func.func @inlined
// CHECK: mad.gather %{{.*}}[%{{.*}}] {mad.subject = "t"}
func.func @inlined(%other: tensor<4xf32>, %i: tensor<2xi64>) -> tensor<2xf32> {
  %0 = call @pick(%other, %i) : (tensor<4xf32>, tensor<2xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// TEXT-LABEL: func.func @written
// TEXT: mad.update {{.*}} {mad.subject = "x.bias"} :
// TEXT: mad.scatter {{.*}} {mad.subject = "x.bias"} :
func.func @written(%x: tensor<4xf32>, %i: tensor<i64>, %p: tensor<2xi64>, %v: tensor<f32>, %u: tensor<2xf32>) {
  %0 = mad.update %x[%i] by affine_map<()[s0] -> (s0)> checked with %v {mad.subject = "x.bias"}
      : (tensor<4xf32>, tensor<f32>, tensor<i64>) -> tensor<4xf32>
  %1 = mad.scatter add %x[%p] = %u {mad.subject = "x.bias"}
      : (tensor<4xf32>, tensor<2xi64>, tensor<2xf32>) -> tensor<4xf32>
  return
}
