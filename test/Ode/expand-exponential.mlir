// RUN: mad-opt %s --pass-pipeline='builtin.module(func.func(mad-expand-solves,canonicalize,cse))' | FileCheck %s

// Functions of the linear part are computed once, in front of the loop; a step has the four stages and no exponential.
// CHECK-LABEL: func.func @diagonal
// CHECK: mad.exp
// CHECK: mad.expm1
// CHECK: mad.iterate max "10" carry
// CHECK: do {
// CHECK-NOT: mad.exp
// CHECK-COUNT-4: mad.sin
// CHECK-NOT: mad.sin
// CHECK-NOT: mad.exp
// CHECK: return
func.func @diagonal(%x: tensor<?xf64, #mad.dims<"N">>, %l: tensor<?xf64, #mad.dims<"N">>, %a: tensor<f64>, %b: tensor<f64>) -> tensor<?xf64, #mad.dims<"N">> attributes {mad.dims = ["N"]} {
  %r:6 = ode.solve "etdrk4" of "f" ["u"](%x) from %a to %b steps "10" with %l {linear = array<i64: 0>}
    : (tensor<?xf64, #mad.dims<"N">>, tensor<f64>, tensor<f64>, tensor<?xf64, #mad.dims<"N">>) -> (tensor<?xf64, #mad.dims<"N">>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %u: tensor<?xf64, #mad.dims<"N">>, %p: tensor<?xf64, #mad.dims<"N">>):
    %f = mad.sin %u : (tensor<?xf64, #mad.dims<"N">>) -> tensor<?xf64, #mad.dims<"N">>
    ode.yield %f : tensor<?xf64, #mad.dims<"N">>
  } and {
  ^bb0(%t: tensor<f64>, %u: tensor<?xf64, #mad.dims<"N">>, %p: tensor<?xf64, #mad.dims<"N">>):
    ode.yield %p : tensor<?xf64, #mad.dims<"N">>
  }
  return %r#0 : tensor<?xf64, #mad.dims<"N">>
}

// What is known when compiling is folded. exp(-1/2), and (1 - exp(-1/2)) / 1 of the step 1/2.
// CHECK-LABEL: func.func @constant
// CHECK-NOT: mad.exp
// CHECK-DAG: mad.constant dense<0.60653{{[0-9]*}}> : tensor<f64>
// CHECK-DAG: mad.constant dense<0.39346{{[0-9]*}}> : tensor<f64>
// CHECK: return
func.func @constant(%x: tensor<f64>) -> tensor<f64> {
  %a = mad.constant dense<0.0> : tensor<f64>
  %b = mad.constant dense<5.0> : tensor<f64>
  %r:6 = ode.solve "etd1" of "f" ["u"](%x) from %a to %b steps "10" {linear = array<i64: 0>}
    : (tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %u: tensor<f64>):
    %f = mad.sin %u : (tensor<f64>) -> tensor<f64>
    ode.yield %f : tensor<f64>
  } and {
  ^bb0(%t: tensor<f64>, %u: tensor<f64>):
    %p = mad.constant dense<-1.0> : tensor<f64>
    ode.yield %p : tensor<f64>
  }
  return %r#0 : tensor<f64>
}
