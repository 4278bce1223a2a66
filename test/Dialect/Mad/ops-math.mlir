// RUN: mad-opt %s | mad-opt | FileCheck %s
// RUN: mad-opt %s --mlir-print-op-generic | mad-opt | FileCheck %s

!f = tensor<4xf32>
!i = tensor<4xi32>

// CHECK-LABEL: func.func @math
func.func @math(%x: !f, %i: !i) {
  // CHECK: mad.acos %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %0 = mad.acos %x : (!f) -> !f
  // CHECK: mad.acosh %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = mad.acosh %x : (!f) -> !f
  // CHECK: mad.asin %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = mad.asin %x : (!f) -> !f
  // CHECK: mad.asinh %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %3 = mad.asinh %x : (!f) -> !f
  // CHECK: mad.atan %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %4 = mad.atan %x : (!f) -> !f
  // CHECK: mad.atanh %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %5 = mad.atanh %x : (!f) -> !f
  // CHECK: mad.bit_not %{{.*}} : (tensor<4xi32>) -> tensor<4xi32>
  %6 = mad.bit_not %i : (!i) -> !i
  // CHECK: mad.cbrt %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %7 = mad.cbrt %x : (!f) -> !f
  // CHECK: mad.cosh %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %8 = mad.cosh %x : (!f) -> !f
  // CHECK: mad.erfc %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %9 = mad.erfc %x : (!f) -> !f
  // CHECK: mad.exp2 %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %10 = mad.exp2 %x : (!f) -> !f
  // CHECK: mad.log10 %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %11 = mad.log10 %x : (!f) -> !f
  // CHECK: mad.log2 %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %12 = mad.log2 %x : (!f) -> !f
  // CHECK: mad.sinh %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %13 = mad.sinh %x : (!f) -> !f
  // CHECK: mad.trunc %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %14 = mad.trunc %x : (!f) -> !f
  // CHECK: mad.atan2 %{{.*}}, %{{.*}} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %15 = mad.atan2 %x, %x : (!f, !f) -> !f
  // CHECK: mad.bit_and %{{.*}}, %{{.*}} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %16 = mad.bit_and %i, %i : (!i, !i) -> !i
  // CHECK: mad.bit_or %{{.*}}, %{{.*}} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %17 = mad.bit_or %i, %i : (!i, !i) -> !i
  // CHECK: mad.bit_xor %{{.*}}, %{{.*}} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %18 = mad.bit_xor %i, %i : (!i, !i) -> !i
  // CHECK: mad.shift_left %{{.*}}, %{{.*}} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %19 = mad.shift_left %i, %i : (!i, !i) -> !i
  // CHECK: mad.shift_right %{{.*}}, %{{.*}} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %20 = mad.shift_right %i, %i : (!i, !i) -> !i
  // CHECK: mad.fma %{{.*}}, %{{.*}}, %{{.*}} : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %21 = mad.fma %x, %x, %x : (!f, !f, !f) -> !f
  // CHECK: mad.isfinite %{{.*}} : (tensor<4xf32>) -> tensor<4xi1>
  %22 = mad.isfinite %x : (!f) -> tensor<4xi1>
  // CHECK: mad.isinf %{{.*}} : (tensor<4xf32>) -> tensor<4xi1>
  %23 = mad.isinf %x : (!f) -> tensor<4xi1>
  // CHECK: mad.isnan %{{.*}} : (tensor<4xf32>) -> tensor<4xi1>
  %24 = mad.isnan %x : (!f) -> tensor<4xi1>
  return
}
