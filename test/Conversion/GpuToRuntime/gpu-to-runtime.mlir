// RUN: mad-opt %s -mad-gpu-to-runtime | FileCheck %s

// CHECK: llvm.mlir.global external constant @f$0.kernel() {{.*}}: !llvm.array<0 x i8>
module attributes {gpu.container_module} {
  // The device is the last argument. A launch passes the kernel's constant, six sizes, the
  // bytes of shared memory, and a pointer to each parameter; memory is its descriptor.
  // CHECK-LABEL: func @f(
  // CHECK-SAME: %[[X:.*]]: memref<?xf32>, %[[N:.*]]: index, %[[DEVICE:.*]]: !llvm.ptr)
  // CHECK: llvm.alloca %{{.*}} x i64
  // CHECK: builtin.unrealized_conversion_cast %[[X]] : memref<?xf32> to !llvm.struct
  // CHECK: llvm.mlir.addressof @f$0.kernel
  // CHECK: %[[AT:.*]] = llvm.getelementptr %[[DEVICE]][8]
  // CHECK: %[[LAUNCH:.*]] = llvm.load %[[AT]]
  // CHECK: llvm.call %[[LAUNCH]](%{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i32, !llvm.ptr) -> i32
  // CHECK-NOT: gpu.launch_func
  // A copy to the host: of four bytes.
  // CHECK: llvm.getelementptr %[[DEVICE]][16]
  // CHECK: llvm.call %{{.*}} : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64) -> i32
  func.func @f(%x: memref<?xf32>, %n: index) attributes {entry = {}} {
    %one = arith.constant 1 : index
    %threads = arith.constant 256 : index
    gpu.launch_func @kernels::@f$0 blocks in (%n, %one, %one) threads in (%threads, %one, %one)
        args(%x : memref<?xf32>, %n : index)
    %here = memref.alloca() : memref<f32>
    %cell = memref.alloc() : memref<f32>
    gpu.memcpy %here, %cell : memref<f32>, memref<f32>
    return
  }
  gpu.module @kernels {
    gpu.func @f$0(%x: memref<?xf32>, %n: index) kernel {
      gpu.return
    }
  }
}
