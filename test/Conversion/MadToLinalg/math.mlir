// RUN: mad-opt %s --mad-to-linalg --canonicalize --cse | FileCheck %s

!f = tensor<4xf32>
!u = tensor<4xui8>
!i = tensor<4xi32>

// CHECK-LABEL: func.func @floats(
// CHECK: math.asin
// CHECK: math.atan2
// CHECK: math.cbrt
// CHECK: math.fma
// CHECK: arith.cmpf uno
// CHECK: arith.cmpf olt
func.func @floats(%x: !f) -> (!f, !f, !f, !f, tensor<4xi1>, tensor<4xi1>) attributes {mad.dims = [], mad.entry} {
  %0 = mad.asin %x : (!f) -> !f
  %1 = mad.atan2 %x, %0 : (!f, !f) -> !f
  %2 = mad.cbrt %x : (!f) -> !f
  %3 = mad.fma %x, %0, %1 : (!f, !f, !f) -> !f
  %4 = mad.isnan %x : (!f) -> tensor<4xi1>
  %5 = mad.isfinite %x : (!f) -> tensor<4xi1>
  return %0, %1, %2, %3, %4, %5 : !f, !f, !f, !f, tensor<4xi1>, tensor<4xi1>
}

// A count beyond the width shifts everything out; the machine would take it modulo.
// CHECK-LABEL: func.func @shifts(
// CHECK: %[[FITS:.*]] = arith.cmpi ult, %[[Y:.*]], %{{.*}} : i32
// CHECK: %[[COUNT:.*]] = arith.select %[[FITS]], %[[Y]], %{{.*}} : i32
// CHECK: arith.shrsi %{{.*}}, %[[COUNT]] : i32
// CHECK: arith.shrui %{{.*}}, %{{.*}} : i8
func.func @shifts(%x: !i, %y: !i, %u: !u) -> (!i, !u) attributes {mad.dims = [], mad.entry} {
  %0 = mad.shift_right %x, %y : (!i, !i) -> !i
  %1 = mad.shift_right %u, %u : (!u, !u) -> !u
  return %0, %1 : !i, !u
}
