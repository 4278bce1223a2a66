// RUN: mad-opt %s --pass-pipeline='builtin.module(func.func(mad-expand-solves,canonicalize,cse))' | FileCheck %s

// A step has one force for each drift: that of the last kick is the one of the next step, and what a kick does not need
// of the body is not there.
// CHECK-LABEL: func.func @pendulum
// CHECK: mad.sin
// CHECK: mad.iterate max "10" carry
// CHECK: do {
// CHECK-COUNT-3: mad.sin
// CHECK-NOT: mad.sin
// CHECK: return
func.func @pendulum(%x: tensor<f64>, %a: tensor<f64>, %b: tensor<f64>) -> tensor<f64> {
  %r:7 = ode.solve "yoshida4" of "pendulum" ["q", "v"](%x, %x) from %a to %b steps "10" {positions = array<i1: true, false>}
    : (tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<f64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %q: tensor<f64>, %v: tensor<f64>):
    %f = mad.sin %q : (tensor<f64>) -> tensor<f64>
    %g = mad.neg %f : (tensor<f64>) -> tensor<f64>
    ode.yield %v, %g : tensor<f64>, tensor<f64>
  }
  return %r#0 : tensor<f64>
}
