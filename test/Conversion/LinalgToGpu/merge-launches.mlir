// RUN: mad-opt %s -mad-merge-launches -canonicalize | FileCheck %s

// The small kernels @a and @c become one, in which @c waits for what @a has written; @b, which needs @a,
// runs beside @d. @e needs both.
// CHECK-LABEL: func @f(
// CHECK: gpu.launch_func @kernels::@a blocks in (%c1, %c1, %c1) threads in (%c128, %c1, %c1)
// CHECK: gpu.launch_func @kernels::@b blocks in (%c7, %c1, %c1) threads in (%c256, %c1, %c1) dynamic_shared_memory_size %c4096_i32
// CHECK: gpu.launch_func @kernels::@e
// CHECK-NOT: gpu.launch_func

// CHECK: gpu.func @a(
// CHECK-SAME: choice = "in one block: first; third"
// CHECK: %[[THREAD:.*]] = gpu.thread_id x
// CHECK: arith.cmpi ult, %[[THREAD]], %c64
// CHECK: memref.store
// CHECK: gpu.barrier
// CHECK: arith.cmpi ult, %[[THREAD]], %c128
// CHECK: arith.remui %[[THREAD]], %c32
// CHECK: arith.divui %[[THREAD]], %c32

// CHECK: gpu.func @b({{.*}} {llvm.noalias}
// CHECK-SAME: choice = "side by side: second; fourth"
// CHECK: %[[BLOCK:.*]] = gpu.block_id x
// CHECK: arith.cmpi ult, %[[BLOCK]], %c4
// CHECK: gpu.barrier
// CHECK: arith.subi %[[BLOCK]], %c4
// CHECK: gpu.barrier
module attributes {gpu.container_module} {
  func.func @f(%status: memref<13xi64>, %x: memref<1024xf32>, %y: memref<1024xf32>)
      attributes {entry = {dims = [], index_checks = [], states = [-1], weights = [],
                           type = (tensor<1024xf32>) -> tensor<1024xf32>}} {
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c32 = arith.constant 32 : index
    %c64 = arith.constant 64 : index
    %c256 = arith.constant 256 : index
    %few = arith.constant 2048 : i32
    %more = arith.constant 4096 : i32
    %p = memref.alloc() : memref<1024xf32>
    %q = memref.alloc() : memref<1024xf32>
    %r = memref.alloc() : memref<1024xf32>
    gpu.launch_func @kernels::@a blocks in (%c1, %c1, %c1) threads in (%c64, %c1, %c1)
        args(%x : memref<1024xf32>, %p : memref<1024xf32>)
    gpu.launch_func @kernels::@b blocks in (%c4, %c1, %c1) threads in (%c256, %c1, %c1)
        dynamic_shared_memory_size %few args(%p : memref<1024xf32>, %q : memref<1024xf32>)
    gpu.launch_func @kernels::@c blocks in (%c4, %c1, %c1) threads in (%c32, %c1, %c1)
        args(%p : memref<1024xf32>, %y : memref<1024xf32>)
    gpu.launch_func @kernels::@d blocks in (%c3, %c1, %c1) threads in (%c256, %c1, %c1)
        dynamic_shared_memory_size %more args(%p : memref<1024xf32>, %r : memref<1024xf32>)
    gpu.launch_func @kernels::@e blocks in (%c4, %c1, %c1) threads in (%c256, %c1, %c1)
        args(%q : memref<1024xf32>, %r : memref<1024xf32>)
    return
  }
  gpu.module @kernels {
    gpu.func @a(%from: memref<1024xf32> {llvm.noalias}, %to: memref<1024xf32>) kernel
        attributes {choice = "first"} {
      %i = gpu.thread_id x
      %v = memref.load %from[%i] : memref<1024xf32>
      memref.store %v, %to[%i] : memref<1024xf32>
      gpu.return
    }
    gpu.func @b(%from: memref<1024xf32> {llvm.noalias}, %to: memref<1024xf32>) kernel
        attributes {choice = "second"} {
      %i = gpu.block_id x
      gpu.barrier
      %v = memref.load %from[%i] : memref<1024xf32>
      memref.store %v, %to[%i] : memref<1024xf32>
      gpu.return
    }
    gpu.func @c(%from: memref<1024xf32>, %to: memref<1024xf32>) kernel
        attributes {choice = "third"} {
      %i = gpu.thread_id x
      %j = gpu.block_id x
      %v = memref.load %from[%i] : memref<1024xf32>
      memref.store %v, %to[%j] : memref<1024xf32>
      gpu.return
    }
    gpu.func @d(%from: memref<1024xf32> {llvm.noalias}, %to: memref<1024xf32>) kernel
        attributes {choice = "fourth"} {
      %i = gpu.block_id x
      gpu.barrier
      %v = memref.load %from[%i] : memref<1024xf32>
      memref.store %v, %to[%i] : memref<1024xf32>
      gpu.return
    }
    gpu.func @e(%from: memref<1024xf32>, %to: memref<1024xf32>) kernel
        attributes {choice = "fifth"} {
      %i = gpu.block_id x
      %v = memref.load %from[%i] : memref<1024xf32>
      memref.store %v, %to[%i] : memref<1024xf32>
      gpu.return
    }
  }
}
