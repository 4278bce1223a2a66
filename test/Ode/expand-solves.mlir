// RUN: mad-opt %s --pass-pipeline='builtin.module(func.func(mad-expand-solves,canonicalize,cse))' | FileCheck %s
// RUN: mad-opt %s --pass-pipeline='builtin.module(func.func(mad-expand-solves{scalars=0},canonicalize,cse))' | FileCheck %s --check-prefix=TENSORS

// States of few elements are scalars, which the loop carries; no tensor is left in it.
// CHECK-LABEL: func.func @fixed
// CHECK-DAG: mad.view %arg0 by #{{.*}} inside : (tensor<2xf64>) -> tensor<f64>
// CHECK: mad.iterate max "10" carry {{.*}} : (tensor<f64>, tensor<i64>, tensor<f64>, tensor<f64>) ->
// CHECK-NOT: tensor<2xf64>
// CHECK: mad.concat 0 of %{{.*}}, %{{.*}} : (tensor<1xf64>, tensor<1xf64>) -> tensor<2xf64>
// CHECK-NOT: ode.

// TENSORS-LABEL: func.func @fixed
// TENSORS: mad.iterate max "10" carry {{.*}} : (tensor<f64>, tensor<i64>, tensor<2xf64>) ->
// TENSORS-NOT: ode.
// TENSORS-LABEL: func.func @adaptive
func.func @fixed(%x: tensor<2xf64>, %a: tensor<f64>, %b: tensor<f64>) -> (tensor<2xf64>, tensor<i32>) {
  %r:6 = ode.solve "rk4" of "decay" ["u"](%x) from %a to %b steps "10"
    : (tensor<2xf64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    %f = mad.neg %y : (tensor<2xf64>) -> tensor<2xf64>
    ode.yield %f : tensor<2xf64>
  }
  return %r#0, %r#2 : tensor<2xf64>, tensor<i32>
}

// Steps are chosen by the error: each stage is one body, a rejected step keeps the state.
// CHECK-LABEL: func.func @adaptive
// CHECK: mad.iterate max "100000" carry
// CHECK: mad.compare ne
// CHECK: do {
// CHECK-COUNT-3: mad.sin
// CHECK: ode.log2
// CHECK: ode.exp2
// CHECK: mad.select
// CHECK: ode.check %{{.*}} at %{{.*}} step %{{.*}} component %{{.*}} error %{{.*}} of "pendulum" ["u"] [tensor<f64>]
// CHECK: return
func.func @adaptive(%x: tensor<f64>, %a: tensor<f64>, %b: tensor<f64>) -> tensor<f64> {
  %r:6 = ode.solve "bs3" of "pendulum" ["u"](%x) from %a to %b rtol %a atol %a {fails}
    : (tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<f64>):
    %f = mad.sin %y : (tensor<f64>) -> tensor<f64>
    ode.yield %f : tensor<f64>
  }
  return %r#0 : tensor<f64>
}

// What cannot be written out, or has no known size, stays tensors.
// CHECK-LABEL: func.func @unknown
// CHECK: mad.iterate max "N" carry {{.*}}tensor<?xf32, #mad.dims<"N">>
func.func @unknown(%x: tensor<?xf32, #mad.dims<"N">>, %a: tensor<f64>) -> tensor<?xf32, #mad.dims<"N">> attributes {mad.dims = ["N"]} {
  %r:6 = ode.solve "euler" of "f" ["u"](%x) from %a to %a steps "N"
    : (tensor<?xf32, #mad.dims<"N">>, tensor<f64>, tensor<f64>)
      -> (tensor<?xf32, #mad.dims<"N">>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f32>, %y: tensor<?xf32, #mad.dims<"N">>):
    ode.yield %y : tensor<?xf32, #mad.dims<"N">>
  }
  return %r#0 : tensor<?xf32, #mad.dims<"N">>
}

// The square of x - y is that of y - x: a root for a pair, not two.
// CHECK-LABEL: func.func @pair
// CHECK: mad.iterate
// CHECK: do {
// CHECK-COUNT-2: mad.sub %{{.*}}, %{{.*}} : (tensor<f64>, tensor<f64>)
// CHECK-COUNT-1: mad.sqrt
// CHECK-NOT: mad.sqrt
// CHECK: return
func.func @pair(%x: tensor<2xf64>, %a: tensor<f64>) -> tensor<2xf64> {
  %r:6 = ode.solve "euler" of "pair" ["u"](%x) from %a to %a steps "10"
    : (tensor<2xf64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    %other = mad.view %y by affine_map<(d0) -> (1 - d0)> inside : (tensor<2xf64>) -> tensor<2xf64>
    %d = mad.sub %other, %y : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
    %s = mad.mul %d, %d : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
    %w = mad.sqrt %s : (tensor<2xf64>) -> tensor<2xf64>
    %f = mad.mul %w, %d : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
    ode.yield %f : tensor<2xf64>
  }
  return %r#0 : tensor<2xf64>
}

// An ensemble is a loop over systems, each with a loop of its own. The first that failed ends the call.
// CHECK-LABEL: func.func @lanes
// CHECK: mad.scan "0" to "B" carry
// CHECK: ^bb0(%[[I:.*]]: tensor<i64>, %{{.*}}: tensor<?x2xf64, #mad.dims<"B"{{.*}}>>):
// CHECK: mad.view %arg0[%[[I]]] by {{.*}} inside : {{.*}} -> tensor<f64>
// CHECK: mad.iterate max "100000"
// CHECK: ode.exp2
// CHECK: mad.update %{{.*}}[%[[I]]] by {{.*}} inside
// CHECK: mad.update %{{.*}}[%[[I]]] by {{.*}} inside
// CHECK: {ode.lanes}
// CHECK: mad.reduce min
// CHECK: ode.check %{{.*}} at %{{.*}} trajectory step
func.func @lanes(%x: tensor<?x2xf64, #mad.dims<"B", "2">>, %k: tensor<?xf64, #mad.dims<"B">>, %a: tensor<f64>) -> tensor<?x2xf64, #mad.dims<"B", "2">> attributes {mad.dims = ["B"]} {
  %r:6 = ode.solve "tsit5" of "decay" ["u"](%x) from %a to %a rtol %a atol %a with %k {fails}
    : (tensor<?x2xf64, #mad.dims<"B", "2">>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<?xf64, #mad.dims<"B">>)
      -> (tensor<?x2xf64, #mad.dims<"B", "2">>, tensor<?xf64, #mad.dims<"B">>, tensor<?xi32, #mad.dims<"B">>, tensor<?xi64, #mad.dims<"B">>, tensor<?xi64, #mad.dims<"B">>, tensor<?xi64, #mad.dims<"B">>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>, %rate: tensor<f64>):
    ode.yield %y : tensor<2xf64>
  }
  return %r#0 : tensor<?x2xf64, #mad.dims<"B", "2">>
}
