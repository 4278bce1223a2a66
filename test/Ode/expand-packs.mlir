// RUN: mad-opt %s --pass-pipeline='builtin.module(func.func(mad-expand-solves{packs},canonicalize,cse))' | FileCheck %s
// RUN: mad-opt %s --pass-pipeline='builtin.module(func.func(mad-expand-solves,canonicalize,cse))' | FileCheck %s --check-prefix=SCALARS

// The six cells are one pack, of eight lanes: two are copies of the last cell. Neighbours are moves between lanes.
// CHECK-LABEL: func.func @ring
// CHECK: %[[U:.*]] = ode.pack %[[A:.*]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[F:.*]], %[[F]], %[[F]] : tensor<f64>
// CHECK: mad.iterate max "10" carry %{{.*}}, %{{.*}}, %[[U]] : (tensor<f64>, tensor<i64>, tensor<f64>) ->
// CHECK-COUNT-1: ode.shuffle %{{.*}} of [1, 2, 3, 4, 5, 0, 0, 0] : tensor<f64>
// CHECK: mad.sub
// CHECK-COUNT-6: ode.shuffle
// CHECK: mad.concat

// SCALARS-LABEL: func.func @ring
// SCALARS-NOT: ode.pack
func.func @ring(%x: tensor<6xf64>, %a: tensor<f64>, %b: tensor<f64>) -> tensor<6xf64> {
  %r:6 = ode.solve "euler" of "ring" ["u"](%x) from %a to %b steps "10"
    : (tensor<6xf64>, tensor<f64>, tensor<f64>) -> (tensor<6xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<6xf64>):
    %next = mad.view %y by affine_map<(d0) -> (d0 + 1)> periodic : (tensor<6xf64>) -> tensor<6xf64>
    %d = mad.sub %next, %y : (tensor<6xf64>, tensor<6xf64>) -> tensor<6xf64>
    %f = mad.mul %d, %d : (tensor<6xf64>, tensor<6xf64>) -> tensor<6xf64>
    ode.yield %f : tensor<6xf64>
  }
  return %r#0 : tensor<6xf64>
}

// A sum over all lanes: halves are added until one lane has it. The norm of the error is one, too, without the copies.
// CHECK-LABEL: func.func @mean
// CHECK: mad.iterate
// CHECK: mad.sin
// CHECK-NOT: mad.sin
// CHECK: ode.shuffle %{{.*}} of [4, 5, 6, 7, 0, 1, 2, 3]
// CHECK: ode.shuffle %{{.*}} of [2, 3, 4, 5, 6, 7, 0, 1]
// CHECK: ode.shuffle %{{.*}} of [1, 2, 3, 4, 5, 6, 7, 0]
// CHECK: ode.shuffle %{{.*}} of [0, 0, 0, 0, 0, 0, 0, 0]
func.func @mean(%x: tensor<8xf32>, %a: tensor<f64>) -> tensor<8xf32> {
  %r:6 = ode.solve "euler" of "mean" ["u"](%x) from %a to %a steps "10"
    : (tensor<8xf32>, tensor<f64>, tensor<f64>) -> (tensor<8xf32>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f32>, %y: tensor<8xf32>):
    %s = mad.sin %y : (tensor<8xf32>) -> tensor<8xf32>
    %sum = mad.reduce sum %s over [0] : (tensor<8xf32>) -> tensor<f32>
    %all = mad.view %sum by affine_map<(d0) -> ()> inside : (tensor<f32>) -> tensor<8xf32>
    %f = mad.mul %all, %y : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
    ode.yield %f : tensor<8xf32>
  }
  return %r#0 : tensor<8xf32>
}

// Elements that do different things stay scalars.
// CHECK-LABEL: func.func @different
// CHECK-NOT: ode.pack
// CHECK: return
func.func @different(%x: tensor<3xf64>, %a: tensor<f64>) -> tensor<3xf64> {
  %r:6 = ode.solve "euler" of "different" ["u"](%x) from %a to %a steps "10"
    : (tensor<3xf64>, tensor<f64>, tensor<f64>) -> (tensor<3xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<3xf64>):
    %0 = mad.view %y by affine_map<(d0) -> (0)> inside : (tensor<3xf64>) -> tensor<1xf64>
    %1 = mad.view %y by affine_map<(d0) -> (1)> inside : (tensor<3xf64>) -> tensor<1xf64>
    %s = mad.sin %0 : (tensor<1xf64>) -> tensor<1xf64>
    %c = mad.cos %1 : (tensor<1xf64>) -> tensor<1xf64>
    %p = mad.mul %0, %1 : (tensor<1xf64>, tensor<1xf64>) -> tensor<1xf64>
    %f = mad.concat 0 of %s, %c, %p : (tensor<1xf64>, tensor<1xf64>, tensor<1xf64>) -> tensor<3xf64>
    ode.yield %f : tensor<3xf64>
  }
  return %r#0 : tensor<3xf64>
}
