// RUN: mad-opt %s --pass-pipeline='builtin.module(func.func(mad-expand-solves,canonicalize,cse))' | FileCheck %s
// RUN: mad-opt %s --pass-pipeline='builtin.module(func.func(mad-expand-solves{scalars=0},canonicalize,cse))' | FileCheck %s --check-prefix=TENSORS
// RUN: mad-opt %s --pass-pipeline='builtin.module(func.func(mad-expand-solves,canonicalize,cse))' | FileCheck %s --check-prefix=FINITE

// y' = (0, x, y): W = s - J has the pivots s, so there are two divisions, by the step and by the pivot.
// CHECK-LABEL: func.func @rosenbrock
// CHECK: mad.iterate max "8"
// CHECK-COUNT-2: mad.div
// CHECK-NOT: mad.{{div|iterate}}
// CHECK: mad.yield

// Whether a pivot is finite is asked of itself: less itself it is not 0 where a product is fused with the difference.
// FINITE-LABEL: func.func @rosenbrock
// FINITE: mad.iterate max "8"
// FINITE: %[[FINITE:.*]] = mad.isfinite
// FINITE-NEXT: mad.select %[[FINITE]]

// Tensors have a loop of rows in the loop of steps, with a search for the pivot, and a product a stage.
// TENSORS-LABEL: func.func @rosenbrock
// TENSORS: mad.iterate max "8"
// TENSORS: mad.iterate max "3"
// TENSORS: mad.reduce argmax
// TENSORS-COUNT-3: mad.contract
// TENSORS: return
func.func @rosenbrock(%x: tensor<3xf64>, %a: tensor<f64>, %b: tensor<f64>) -> (tensor<3xf64>, tensor<i32>) {
  %r:6 = ode.solve "rosenbrock23" of "chain" ["u"](%x) from %a to %b steps "8"
    : (tensor<3xf64>, tensor<f64>, tensor<f64>) -> (tensor<3xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<3xf64>):
    %shifted = mad.view %y by affine_map<(d0) -> (d0 - 1)> zero : (tensor<3xf64>) -> tensor<3xf64>
    ode.yield %shifted : tensor<3xf64>
  }
  return %r#0, %r#2 : tensor<3xf64>, tensor<i32>
}

// Differences of orders 1 to 5: the matrix is factored in a branch, Newton's iteration is a loop in the loop.
// CHECK-LABEL: func.func @ndf
// CHECK: mad.iterate max "100000"
// CHECK: mad.if
// CHECK: mad.iterate max "4"
// CHECK: return
func.func @ndf(%x: tensor<f64>, %a: tensor<f64>, %b: tensor<f64>) -> tensor<f64> {
  %r:6 = ode.solve "bdf" of "pendulum" ["u"](%x) from %a to %b rtol %a atol %a
    : (tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<f64>):
    %f = mad.sin %y : (tensor<f64>) -> tensor<f64>
    ode.yield %f : tensor<f64>
  }
  return %r#0 : tensor<f64>
}
