// Ops on constants are constants; steps are rounded as they are when the model runs.
//
// RUN: mad-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @scatter
// CHECK: mad.constant dense<[1.000000e+08, 2.000000e+00]>
func.func @scatter() -> tensor<2xf32> {
  %x = mad.constant dense<[1.0e8, 2.0]> : tensor<2xf32>
  %i = mad.constant dense<[0, 0]> : tensor<2xi64>
  %u = mad.constant dense<[1.0, 1.0]> : tensor<2xf32>
  %0 = mad.scatter add %x[%i] = %u : (tensor<2xf32>, tensor<2xi64>, tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// What fails stays, and fails when the model runs.
// CHECK-LABEL: func.func @outside
// CHECK: mad.scatter set
func.func @outside() -> tensor<2xf32> {
  %x = mad.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %i = mad.constant dense<[0, 2]> : tensor<2xi64>
  %0 = mad.scatter set %x[%i] = %x : (tensor<2xf32>, tensor<2xi64>, tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// CHECK-LABEL: func.func @nothing(
// CHECK-SAME: %[[X:.+]]: tensor<2xf32>,
// CHECK: return %[[X]]
func.func @nothing(%x: tensor<2xf32>, %i: tensor<0xi64>, %u: tensor<0xf32>) -> tensor<2xf32> {
  %0 = mad.scatter add %x[%i] = %u : (tensor<2xf32>, tensor<0xi64>, tensor<0xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// CHECK-LABEL: func.func @sort
// CHECK-DAG: mad.constant dense<[0x7FC00000, 3.000000e+00]>
// CHECK-DAG: mad.constant dense<[2, 0]>
func.func @sort() -> (tensor<2xf32>, tensor<2xi64>) {
  %x = mad.constant dense<[3.0, 1.0, 0x7FC00000]> : tensor<3xf32>
  %0:2 = mad.sort %x along 0 descending : (tensor<3xf32>) -> (tensor<2xf32>, tensor<2xi64>)
  return %0#0, %0#1 : tensor<2xf32>, tensor<2xi64>
}

// CHECK-LABEL: func.func @cumulate
// CHECK: mad.constant dense<[1.000000e+08, 1.000000e+08, 0.000000e+00]>
func.func @cumulate() -> tensor<3xf32> {
  %x = mad.constant dense<[1.0e8, 1.0, -1.0e8]> : tensor<3xf32>
  %0 = mad.cumulate sum %x along 0 : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @one(
// CHECK-SAME: %[[X:.+]]: tensor<2x1xf32>
// CHECK: return %[[X]]
func.func @one(%x: tensor<2x1xf32>) -> tensor<2x1xf32> {
  %0 = mad.cumulate prod %x along 1 : (tensor<2x1xf32>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// CHECK-LABEL: func.func @philox
// CHECK: mad.constant dense<[1713891541, -513161843, -1135104948, -1694442536]>
func.func @philox() -> tensor<4xi32> {
  %k = mad.constant dense<0> : tensor<2xi32>
  %c = mad.constant dense<0> : tensor<4xi32>
  %0 = mad.philox %k at %c : (tensor<2xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}
