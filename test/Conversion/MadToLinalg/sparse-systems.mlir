// RUN: mad-opt %s -split-input-file -mad-to-linalg -verify-diagnostics | FileCheck %s
// Factors of sparse matrices are loops over constant tables.

// Rows 1 and 0 in this order: [d, a10; a01, a00 + d]; L has one entry, U one, and there is a diagonal.
// CHECK-LABEL: func.func @factor
// CHECK-DAG: arith.constant dense<[0, 2, 4]> : tensor<3xi32>
// CHECK-DAG: arith.constant dense<[0, 1, 0, 1]> : tensor<4xi32>
// CHECK-DAG: arith.constant dense<[0, 3]> : tensor<2xi32>
// CHECK-DAG: arith.constant dense<[2, 1, 0]> : tensor<3xi32>
// CHECK-DAG: memref.alloc() : memref<4xf64>
// CHECK: scf.for
// CHECK: arith.divf
// CHECK-NOT: ode.
func.func @factor(%values: tensor<3xf64>, %d: tensor<f64>) -> (tensor<4xf64>, tensor<i64>) attributes {mad.entry} {
  %lu, %bad = ode.sparse_factor %values diagonal %d scale %d starts [0, 2, 3] columns [0, 1, 0] order [1, 0]
    : (tensor<3xf64>, tensor<f64>, tensor<f64>) -> (tensor<4xf64>, tensor<i64>)
  return %lu, %bad : tensor<4xf64>, tensor<i64>
}

// -----

// CHECK-LABEL: func.func @solve
// CHECK: scf.for
// CHECK: scf.for
// CHECK: bufferization.to_tensor
// CHECK-NOT: ode.
func.func @solve(%lu: tensor<4xf64>, %rhs: tensor<2xf64>) -> tensor<2xf64> attributes {mad.entry} {
  %x = ode.sparse_solve %lu rhs %rhs starts [0, 2, 3] columns [0, 1, 0] order [1, 0] : (tensor<4xf64>, tensor<2xf64>) -> tensor<2xf64>
  return %x : tensor<2xf64>
}

// -----

func.func @size(%lu: tensor<5xf64>, %rhs: tensor<2xf64>) -> tensor<2xf64> attributes {mad.entry} {
  // expected-error @+2 {{has 5 factors, the pattern gives 4}}
  // expected-error @+1 {{failed to legalize}}
  %x = ode.sparse_solve %lu rhs %rhs starts [0, 2, 3] columns [0, 1, 0] order [1, 0] : (tensor<5xf64>, tensor<2xf64>) -> tensor<2xf64>
  return %x : tensor<2xf64>
}
