// RUN: mad-opt %s -pass-pipeline='builtin.module(gpu.module(mad-set-equal-kernels-aside,canonicalize,mad-copy-equal-kernels))' | FileCheck %s

// The others get what has become of it, with names and choices of their own.
// CHECK: gpu.func @first(
// CHECK-SAME: choice = "one"
// CHECK-NEXT: %[[C0:.*]] = arith.constant 0 : index
// CHECK-NEXT: %[[C3:.*]] = arith.constant 3.0
// CHECK-NEXT: memref.store
// CHECK-NEXT: gpu.return
// CHECK: gpu.func @equal(%[[Y:.*]]: memref<4xf32>
// CHECK-SAME: choice = "two"
// CHECK-NOT: mad.equal
// CHECK-NEXT: %[[C0:.*]] = arith.constant 0 : index
// CHECK-NEXT: %[[C3:.*]] = arith.constant 3.0
// CHECK-NEXT: memref.store %[[C3]], %[[Y]][%[[C0]]]
// CHECK-NEXT: gpu.return
module attributes {gpu.container_module} {
  gpu.module @kernels {
    gpu.func @first(%y: memref<4xf32>) kernel attributes {choice = "one"} {
      %c0 = arith.constant 0 : index
      %a = arith.constant 1.0 : f32
      %b = arith.constant 2.0 : f32
      %c = arith.addf %a, %b : f32
      memref.store %c, %y[%c0] : memref<4xf32>
      gpu.return
    }
    gpu.func @equal(%y: memref<4xf32>) kernel attributes {choice = "two"} {
      %c0 = arith.constant 0 : index
      %a = arith.constant 1.0 : f32
      %b = arith.constant 2.0 : f32
      %c = arith.addf %a, %b : f32
      memref.store %c, %y[%c0] : memref<4xf32>
      gpu.return
    }
  }
}
