// RUN: mad-opt %s -pass-pipeline='builtin.module(gpu.module(mad-gpu-narrow-math))' | FileCheck %s

// CHECK-LABEL: gpu.func @narrow(
// CHECK-SAME: %[[X:.*]]: f32,
gpu.module @kernels {
  gpu.func @narrow(%x: f32, %a: memref<?xf16>, %b: memref<?xbf16>, %c: memref<?xf32>) kernel {
    %c0 = arith.constant 0 : index
    // One product and one power.
    // CHECK: %[[SCALED:.*]] = arith.mulf %[[X]], %{{.*}}
    // CHECK-NEXT: %[[POWER:.*]] = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"(%[[SCALED]])
    // CHECK-NEXT: arith.truncf %[[POWER]] : f32 to f16
    %0 = math.exp %x : f32
    %1 = arith.truncf %0 : f32 to f16
    memref.store %1, %a[%c0] : memref<?xf16>
    // Of bf16 the square of half as much, which is denormal where the result is.
    // CHECK: %[[ROOT:.*]] = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"
    // CHECK-NEXT: %[[SQUARE:.*]] = arith.mulf %[[ROOT]], %[[ROOT]]
    // CHECK-NEXT: arith.truncf %[[SQUARE]] : f32 to bf16
    %2 = math.exp %x : f32
    %3 = arith.truncf %2 : f32 to bf16
    memref.store %3, %b[%c0] : memref<?xbf16>
    // CHECK: %[[ABOVE:.*]] = arith.maximumf %[[X]], %{{.*}}
    // CHECK: %[[NEAR:.*]] = arith.minimumf %[[ABOVE]], %{{.*}}
    // CHECK: %[[SUM:.*]] = math.fma
    // CHECK-COUNT-7: math.fma
    // CHECK: %[[ERF:.*]] = arith.mulf %{{.*}}, %[[NEAR]]
    // CHECK: arith.truncf %[[ERF]] : f32 to f16
    %4 = math.erf %x : f32
    %5 = arith.truncf %4 : f32 to f16
    memref.store %5, %a[%c0] : memref<?xf16>
    // Where somebody needs all digits, and of strict code, functions stay.
    // CHECK: math.exp %[[X]] : f32
    // CHECK: math.erf %[[X]] {{.*}}"strict"{{.*}} : f32
    %6 = math.exp %x : f32
    %7 = arith.truncf %6 : f32 to f16
    memref.store %7, %a[%c0] : memref<?xf16>
    memref.store %6, %c[%c0] : memref<?xf32>
    %8 = math.erf %x {mad.fp = "strict"} : f32
    %9 = arith.truncf %8 : f32 to f16
    memref.store %9, %a[%c0] : memref<?xf16>
    gpu.return
  }
}
