// RUN: mad-opt %s -pass-pipeline='builtin.module(gpu.module(mad-gpu-global-memory))' | FileCheck %s

// CHECK: gpu.func @f(%{{.*}}: memref<?xf32, #gpu.address_space<global>>, %{{.*}}: memref<4xf32, #gpu.address_space<workgroup>>)
// CHECK: memref.load %{{.*}} : memref<?xf32, #gpu.address_space<global>>
gpu.module @kernels {
  gpu.func @f(%x: memref<?xf32>, %s: memref<4xf32, #gpu.address_space<workgroup>>) kernel {
    %c0 = arith.constant 0 : index
    %0 = memref.load %x[%c0] : memref<?xf32>
    memref.store %0, %s[%c0] : memref<4xf32, #gpu.address_space<workgroup>>
    gpu.return
  }
}
