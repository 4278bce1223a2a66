// RUN: mad-opt %s --canonicalize | FileCheck %s

!i = tensor<4xi32>

// CHECK-LABEL: func.func @identities
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xi32>, %[[F:[^:]*]]: tensor<4xf32>
// CHECK: %[[T:.*]] = mad.trunc %[[F]]
// CHECK-NEXT: return %[[X]], %[[X]], %[[X]], %[[X]], %[[T]]
func.func @identities(%x: !i, %f: tensor<4xf32>) -> (!i, !i, !i, !i, tensor<4xf32>) {
  %zero = mad.constant dense<0> : !i
  %0 = mad.bit_and %x, %x : (!i, !i) -> !i
  %1 = mad.bit_not %x : (!i) -> !i
  %2 = mad.bit_not %1 : (!i) -> !i
  %3 = mad.bit_xor %x, %zero : (!i, !i) -> !i
  %4 = mad.shift_left %x, %zero : (!i, !i) -> !i
  %5 = mad.trunc %f : (tensor<4xf32>) -> tensor<4xf32>
  %6 = mad.trunc %5 : (tensor<4xf32>) -> tensor<4xf32>
  return %0, %2, %3, %4, %6 : !i, !i, !i, !i, tensor<4xf32>
}

// CHECK-LABEL: func.func @constants
// CHECK-DAG: mad.constant dense<-2> : tensor<i8>
// CHECK-DAG: mad.constant dense<0> : tensor<i8>
// CHECK-DAG: mad.constant dense<-1> : tensor<i8>
// CHECK-DAG: mad.constant dense<127> : tensor<ui8>
// CHECK-DAG: mad.constant dense<true> : tensor<i1>
// CHECK-DAG: mad.constant dense<-2.000000e+00> : tensor<f32>
// CHECK-DAG: mad.constant dense<3.14159274> : tensor<f32>
// CHECK: return
func.func @constants() -> (tensor<i8>, tensor<i8>, tensor<i8>, tensor<ui8>, tensor<i1>, tensor<f32>, tensor<f32>) {
  %i = mad.constant dense<-1> : tensor<i8>
  %one = mad.constant dense<1> : tensor<i8>
  %eight = mad.constant dense<8> : tensor<i8>
  %0 = mad.shift_left %i, %one : (tensor<i8>, tensor<i8>) -> tensor<i8>
  %1 = mad.shift_left %i, %eight : (tensor<i8>, tensor<i8>) -> tensor<i8>
  %2 = mad.shift_right %i, %eight : (tensor<i8>, tensor<i8>) -> tensor<i8>
  %u = mad.constant dense<255> : tensor<ui8>
  %v = mad.constant dense<1> : tensor<ui8>
  %3 = mad.shift_right %u, %v : (tensor<ui8>, tensor<ui8>) -> tensor<ui8>
  %nan = mad.constant dense<0x7FC00000> : tensor<f32>
  %4 = mad.isnan %nan : (tensor<f32>) -> tensor<i1>
  %m = mad.constant dense<-8.0> : tensor<f32>
  %5 = mad.cbrt %m : (tensor<f32>) -> tensor<f32>
  %z = mad.constant dense<0.0> : tensor<f32>
  %6 = mad.atan2 %z, %m : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0, %1, %2, %3, %4, %5, %6 : tensor<i8>, tensor<i8>, tensor<i8>, tensor<ui8>, tensor<i1>, tensor<f32>, tensor<f32>
}

// The square of an f32 is the same by pow on f64; of an f64 it need not be.
// CHECK-LABEL: func.func @square_of_strict
// CHECK-SAME: %[[X:.*]]: tensor<f32>, %[[Y:.*]]: tensor<f64>
// CHECK: %[[A:.*]] = mad.mul %[[X]], %[[X]] {mad.fp = "strict"}
// CHECK: %[[B:.*]] = mad.pow %[[Y]], %{{.*}} {mad.fp = "strict"}
// CHECK: %[[C:.*]] = mad.mul %[[Y]], %[[Y]] {mad.fp = "fast"}
// CHECK: return %[[A]], %[[B]], %[[C]]
func.func @square_of_strict(%x: tensor<f32>, %y: tensor<f64>) -> (tensor<f32>, tensor<f64>, tensor<f64>) {
  %two = mad.constant dense<2.0> : tensor<f32>
  %wide = mad.constant dense<2.0> : tensor<f64>
  %0 = mad.pow %x, %two {mad.fp = "strict"} : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %1 = mad.pow %y, %wide {mad.fp = "strict"} : (tensor<f64>, tensor<f64>) -> tensor<f64>
  %2 = mad.pow %y, %wide {mad.fp = "fast"} : (tensor<f64>, tensor<f64>) -> tensor<f64>
  return %0, %1, %2 : tensor<f32>, tensor<f64>, tensor<f64>
}
