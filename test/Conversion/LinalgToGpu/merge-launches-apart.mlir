// Kernels that stay launches of their own.
// RUN: mad-opt %s -mad-merge-launches -canonicalize | FileCheck %s

// What the second one reads may be what the first one writes in this round: one of two buffers.
// CHECK-LABEL: func @chosen(
// CHECK: scf.for
// CHECK: gpu.launch_func @kernels::@copy blocks in (%c4,
// CHECK: gpu.launch_func @kernels::@other blocks in (%c3,

// Threads of the one that asks for failed checks might not agree while the other one notes them.
// CHECK-LABEL: func @checks(
// CHECK: gpu.launch_func @kernels::@asks blocks in (%c4,
// CHECK: gpu.launch_func @kernels::@notes blocks in (%c3,
module attributes {gpu.container_module} {
  func.func @chosen(%status: memref<13xi64>, %x: memref<1024xf32>, %y: memref<1024xf32>)
      attributes {entry = {dims = [], index_checks = [], states = [-1], weights = [],
                           type = (tensor<1024xf32>) -> tensor<1024xf32>}} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c256 = arith.constant 256 : index
    scf.for %i = %c0 to %c4 step %c1 {
      %p = memref.alloc() : memref<1024xf32>
      %q = memref.alloc() : memref<1024xf32>
      gpu.launch_func @kernels::@copy blocks in (%c4, %c1, %c1) threads in (%c256, %c1, %c1)
          args(%x : memref<1024xf32>, %p : memref<1024xf32>)
      %late = arith.cmpi ult, %c1, %i : index
      %r = arith.select %late, %p, %q : memref<1024xf32>
      gpu.launch_func @kernels::@other blocks in (%c3, %c1, %c1) threads in (%c256, %c1, %c1)
          args(%r : memref<1024xf32>, %y : memref<1024xf32>)
    }
    return
  }
  func.func @checks(%status: memref<13xi64>, %x: memref<1024xf32>, %y: memref<1024xf32>)
      attributes {entry = {dims = [], index_checks = [], states = [-1], weights = [],
                           type = (tensor<1024xf32>) -> tensor<1024xf32>}} {
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c256 = arith.constant 256 : index
    gpu.launch_func @kernels::@asks blocks in (%c4, %c1, %c1) threads in (%c256, %c1, %c1)
        args(%status : memref<13xi64>, %y : memref<1024xf32>)
    gpu.launch_func @kernels::@notes blocks in (%c3, %c1, %c1) threads in (%c256, %c1, %c1)
        args(%x : memref<1024xf32>, %status : memref<13xi64>)
    return
  }
  gpu.module @kernels {
    gpu.func @copy(%from: memref<1024xf32>, %to: memref<1024xf32>) kernel {
      %i = gpu.block_id x
      gpu.barrier
      %v = memref.load %from[%i] : memref<1024xf32>
      memref.store %v, %to[%i] : memref<1024xf32>
      gpu.return
    }
    gpu.func @other(%from: memref<1024xf32>, %to: memref<1024xf32>) kernel {
      %i = gpu.block_id x
      gpu.barrier
      %v = memref.load %from[%i] : memref<1024xf32>
      memref.store %v, %to[%i] : memref<1024xf32>
      gpu.return
    }
    gpu.func @asks(%status: memref<13xi64>, %to: memref<1024xf32>) kernel {
      %i = gpu.block_id x
      gpu.barrier
      %v = memref.load %status[%i] : memref<13xi64>
      %f = arith.sitofp %v : i64 to f32
      memref.store %f, %to[%i] : memref<1024xf32>
      gpu.return
    }
    gpu.func @notes(%from: memref<1024xf32>, %status: memref<13xi64>) kernel {
      %i = gpu.block_id x
      gpu.barrier
      %v = memref.load %from[%i] : memref<1024xf32>
      %n = arith.fptosi %v : f32 to i64
      memref.store %n, %status[%i] : memref<13xi64>
      gpu.return
    }
  }
}
