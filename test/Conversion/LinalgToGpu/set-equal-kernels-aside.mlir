// RUN: mad-opt %s -pass-pipeline='builtin.module(gpu.module(mad-set-equal-kernels-aside))' | FileCheck %s

// Of equal kernels the first one has its body, whatever they were chosen for. Another number, type or attribute makes another one.
// CHECK: gpu.func @first(
// CHECK: memref.store
// CHECK: gpu.func @equal(
// CHECK-SAME: mad.equal = @first
// CHECK-NEXT: gpu.return
// CHECK: gpu.func @number(
// CHECK: memref.store
// CHECK: gpu.func @type(
// CHECK: memref.store
// CHECK: gpu.func @attribute(
// CHECK: memref.store
// CHECK-NOT: mad.equal

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
    gpu.func @number(%y: memref<4xf32>) kernel attributes {choice = "one"} {
      %c0 = arith.constant 0 : index
      %a = arith.constant 2.0 : f32
      %b = arith.constant 2.0 : f32
      %c = arith.addf %a, %b : f32
      memref.store %c, %y[%c0] : memref<4xf32>
      gpu.return
    }
    gpu.func @type(%y: memref<5xf32>) kernel attributes {choice = "one"} {
      %c0 = arith.constant 0 : index
      %a = arith.constant 1.0 : f32
      %b = arith.constant 2.0 : f32
      %c = arith.addf %a, %b : f32
      memref.store %c, %y[%c0] : memref<5xf32>
      gpu.return
    }
    gpu.func @attribute(%y: memref<4xf32>) kernel attributes {choice = "one", groupless} {
      %c0 = arith.constant 0 : index
      %a = arith.constant 1.0 : f32
      %b = arith.constant 2.0 : f32
      %c = arith.addf %a, %b : f32
      memref.store %c, %y[%c0] : memref<4xf32>
      gpu.return
    }
  }
}
