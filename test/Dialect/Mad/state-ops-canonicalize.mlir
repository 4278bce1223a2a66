// Folders of `mad.update` and `mad.iterate`, each with a case that must stay as it is.
//
// RUN: mad-opt %s --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @updates
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32>, %[[V:[^:]*]]: tensor<4xf32>, %[[N:[^:]*]]: tensor<0xf32>, %[[I:[^:]*]]: tensor<i64>
func.func @updates(%x: tensor<4xf32>, %v: tensor<4xf32>, %n: tensor<0xf32>, %i: tensor<i64>, %h: tensor<2xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  // All of it.
  %0 = mad.update %x by affine_map<(d0) -> (d0)> inside with %v : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // Nothing of it.
  %1 = mad.update %x by affine_map<(d0) -> (d0)> inside with %n : (tensor<4xf32>, tensor<0xf32>) -> tensor<4xf32>
  // CHECK: %[[A:.*]] = mad.update %[[X]][%[[I]]]
  %2 = mad.update %x[%i] by affine_map<(d0)[s0] -> (d0 + s0)> checked with %v : (tensor<4xf32>, tensor<4xf32>, tensor<i64>) -> tensor<4xf32>
  // CHECK: %[[B:.*]] = mad.update %[[X]]
  %3 = mad.update %x by affine_map<(d0) -> (d0)> inside with %h : (tensor<4xf32>, tensor<2xf32>) -> tensor<4xf32>
  // CHECK: return %[[V]], %[[X]], %[[A]], %[[B]]
  return %0, %1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @iterates
// CHECK-SAME: %[[X:[^:]*]]: tensor<f32>
func.func @iterates(%x: tensor<f32>, %c: tensor<i1>) -> (tensor<f32>, tensor<i64>, tensor<f32>) {
  // CHECK: %[[ZERO:.*]] = mad.constant dense<0> : tensor<i64>
  %0:2 = mad.iterate max "0" carry %x : (tensor<f32>) -> (tensor<f32>, tensor<i64>) while {
  ^bb0(%i: tensor<i64>, %a: tensor<f32>):
    mad.yield %c : tensor<i1>
  } do {
  ^bb0(%i: tensor<i64>, %a: tensor<f32>):
    mad.yield %a : tensor<f32>
  }
  // CHECK: %[[SOME:.*]]:2 = mad.iterate max "N"
  %1:2 = mad.iterate max "N" carry %x : (tensor<f32>) -> (tensor<f32>, tensor<i64>) while {
  ^bb0(%i: tensor<i64>, %a: tensor<f32>):
    mad.yield %c : tensor<i1>
  } do {
  ^bb0(%i: tensor<i64>, %a: tensor<f32>):
    %n = mad.neg %a : (tensor<f32>) -> tensor<f32>
    mad.yield %n : tensor<f32>
  }
  // CHECK: return %[[X]], %[[ZERO]], %[[SOME]]#0
  return %0#0, %0#1, %1#0 : tensor<f32>, tensor<i64>, tensor<f32>
}
