// Casts by way of a type that holds all numbers go; by way of another they stay.
//
// RUN: mad-opt %s --canonicalize | FileCheck %s

!h = tensor<4xf16>
!b = tensor<4xbf16>
!f = tensor<4xf32>
!i = tensor<4xi8>
!u = tensor<4xui8>
!w = tensor<4xi32>

// CHECK-LABEL: func.func @there_and_back
// CHECK-SAME: %[[H:[^:]*]]: tensor<4xf16>, %[[U:[^:]*]]: tensor<4xui8>
// CHECK-NEXT: return %[[H]], %[[U]], %[[U]]
func.func @there_and_back(%h: !h, %u: !u) -> (!h, !u, !u) {
  %0 = mad.cast %h : (!h) -> !f
  %1 = mad.cast %0 : (!f) -> !h
  %2 = mad.cast %u : (!u) -> !w
  %3 = mad.cast %2 : (!w) -> !u
  %4 = mad.cast %u : (!u) -> !b
  %5 = mad.cast %4 : (!b) -> !u
  return %1, %3, %5 : !h, !u, !u
}

// f16 and bf16 lack numbers of each other.
// CHECK-LABEL: func.func @rounds
// CHECK-COUNT-2: mad.cast
func.func @rounds(%h: !h) -> !h {
  %0 = mad.cast %h : (!h) -> !b
  %1 = mad.cast %0 : (!b) -> !h
  return %1 : !h
}

// A float saturates to u8 where an integer wraps.
// CHECK-LABEL: func.func @saturates
// CHECK-COUNT-2: mad.cast
func.func @saturates(%i: !i) -> !u {
  %0 = mad.cast %i : (!i) -> !h
  %1 = mad.cast %0 : (!h) -> !u
  return %1 : !u
}

// CHECK-LABEL: func.func @constants
// CHECK-DAG: mad.constant dense<44> : tensor<ui8>
// CHECK-DAG: mad.constant dense<-56> : tensor<i8>
// CHECK-DAG: mad.constant dense<2.048000e+03> : tensor<f16>
// CHECK-DAG: mad.constant dense<2.560000e+02> : tensor<bf16>
// CHECK-DAG: mad.constant dense<0x7C00> : tensor<f16>
// CHECK-DAG: mad.constant dense<255> : tensor<ui8>
// CHECK-DAG: mad.constant dense<true> : tensor<i1>
// CHECK: return
func.func @constants() -> (tensor<ui8>, tensor<i8>, tensor<f16>, tensor<bf16>, tensor<f16>, tensor<ui8>, tensor<i1>) {
  %u = mad.constant dense<200> : tensor<ui8>
  %v = mad.constant dense<100> : tensor<ui8>
  %0 = mad.add %u, %v : (tensor<ui8>, tensor<ui8>) -> tensor<ui8>
  %1 = mad.cast %u : (tensor<ui8>) -> tensor<i8>
  // 2049 and 257 lie in the middle of two numbers: the even one.
  %w = mad.constant dense<2049> : tensor<i64>
  %2 = mad.cast %w : (tensor<i64>) -> tensor<f16>
  %x = mad.constant dense<257> : tensor<i32>
  %3 = mad.cast %x : (tensor<i32>) -> tensor<bf16>
  %y = mad.constant dense<65520.0> : tensor<f64>
  %4 = mad.cast %y : (tensor<f64>) -> tensor<f16>
  %5 = mad.cast %4 : (tensor<f16>) -> tensor<ui8>
  %6 = mad.compare gt %u, %v : (tensor<ui8>, tensor<ui8>) -> tensor<i1>
  return %0, %1, %2, %3, %4, %5, %6 : tensor<ui8>, tensor<i8>, tensor<f16>, tensor<bf16>, tensor<f16>, tensor<ui8>, tensor<i1>
}
