// What the control of steps needs of f32 is an instruction each on devices, and a polynomial or a quotient elsewhere.
// RUN: mad-opt %s --mad-to-linalg=device --canonicalize | FileCheck %s
// RUN: mad-opt %s --mad-to-linalg --canonicalize | FileCheck %s --check-prefix=HOST

// CHECK-LABEL: func.func @narrow(
// CHECK: math.log2 %{{.*}} {approximate} : f32
// CHECK: math.exp2 %{{.*}} {approximate} : f32
// NaN of what is not finite.
// CHECK: %[[NONE:.*]] = arith.mulf %[[X:.*]], %cst{{.*}} : f32
// CHECK: %[[SHARE:.*]] = arith.divf %cst{{.*}}, %[[X]] {approximate} : f32
// CHECK: arith.addf %[[SHARE]], %[[NONE]]
// CHECK-NOT: arith.select

// HOST-LABEL: func.func @narrow(
// HOST-NOT: math.
// HOST: arith.divf
// HOST: arith.select
func.func @narrow(%x: tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>) attributes {mad.entry} {
  %l = ode.log2 %x : (tensor<f32>) -> tensor<f32>
  %e = ode.exp2 %x : (tensor<f32>) -> tensor<f32>
  %r = ode.reciprocal %x : (tensor<f32>) -> tensor<f32>
  return %l, %e, %r : tensor<f32>, tensor<f32>, tensor<f32>
}

// CHECK-LABEL: func.func @wide(
// CHECK-NOT: approximate
// CHECK: return
func.func @wide(%x: tensor<f64>) -> (tensor<f64>, tensor<f64>, tensor<f64>) attributes {mad.entry} {
  %l = ode.log2 %x : (tensor<f64>) -> tensor<f64>
  %e = ode.exp2 %x : (tensor<f64>) -> tensor<f64>
  %r = ode.reciprocal %x : (tensor<f64>) -> tensor<f64>
  return %l, %e, %r : tensor<f64>, tensor<f64>, tensor<f64>
}
