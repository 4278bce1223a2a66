// RUN: mad-opt %s -pass-pipeline='builtin.module(gpu.module(mad-gpu-math))' | FileCheck %s

// CHECK-LABEL: gpu.func @f(
// CHECK-SAME: %[[X:.*]]: f32, %[[D:.*]]: f64, %[[I:.*]]: i32,
// CHECK: llvm.call_intrinsic "llvm.sqrt.f32"(%[[X]])
// CHECK: math.sqrt %[[D]] : f64
// CHECK: llvm.call_intrinsic "llvm.trunc.f64"(%[[D]])
// CHECK: %[[NEG:.*]] = arith.subi %{{.*}}, %[[I]]
// CHECK: arith.maxsi %[[I]], %[[NEG]]
// CHECK: llvm.intr.ctpop(%[[I]])
// CHECK: "llvm.intr.ctlz"(%[[I]])
// CHECK: "llvm.intr.cttz"(%[[I]])
gpu.module @kernels {
  gpu.func @f(%x: f32, %d: f64, %i: i32, %a: memref<?xf32>, %b: memref<?xf64>, %c: memref<?xi32>) kernel {
    %c0 = arith.constant 0 : index
    %0 = math.sqrt %x : f32
    memref.store %0, %a[%c0] : memref<?xf32>
    %1 = math.sqrt %d : f64
    %2 = math.trunc %d : f64
    %3 = arith.addf %1, %2 : f64
    memref.store %3, %b[%c0] : memref<?xf64>
    %4 = math.absi %i : i32
    %5 = math.ctpop %i : i32
    %6 = math.ctlz %i : i32
    %7 = math.cttz %i : i32
    %8 = arith.addi %4, %5 : i32
    %9 = arith.addi %6, %7 : i32
    %10 = arith.addi %8, %9 : i32
    memref.store %10, %c[%c0] : memref<?xi32>
    gpu.return
  }
}

// What is marked is an instruction of f32 each; other functions are those of the toolkit.
// CHECK-LABEL: gpu.func @approximate(
// CHECK-SAME: %[[X:.*]]: f32, %[[D:.*]]: f64,
// CHECK: %[[R:.*]] = llvm.call_intrinsic "llvm.nvvm.rcp.approx.ftz.f"(%[[X]])
// CHECK: %[[L:.*]] = llvm.call_intrinsic "llvm.nvvm.lg2.approx.ftz.f"(%[[R]])
// CHECK: %[[E:.*]] = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"(%[[L]])
// CHECK: math.exp2 %[[E]] : f32
// CHECK: math.log2 %[[D]] {approximate} : f64
gpu.module @marked {
  gpu.func @approximate(%x: f32, %d: f64, %a: memref<?xf32>, %b: memref<?xf64>) kernel {
    %c0 = arith.constant 0 : index
    %one = arith.constant 1.0 : f32
    %0 = arith.divf %one, %x {approximate} : f32
    %1 = math.log2 %0 {approximate} : f32
    %2 = math.exp2 %1 {approximate} : f32
    %3 = math.exp2 %2 : f32
    memref.store %3, %a[%c0] : memref<?xf32>
    %4 = math.log2 %d {approximate} : f64
    memref.store %4, %b[%c0] : memref<?xf64>
    gpu.return
  }
}

// The larger of two numbers, NaN where one is, is an instruction of f32 and of 16 bits.
// CHECK-LABEL: gpu.func @limits(
// CHECK-SAME: %[[X:.*]]: f32, %[[H:.*]]: f16, %[[D:.*]]: f64,
// CHECK: llvm.intr.maximum(%[[X]], %[[X]]) : (f32, f32) -> f32
// CHECK: llvm.intr.minimum(%[[H]], %[[H]]) : (f16, f16) -> f16
// CHECK: arith.maximumf %[[D]], %[[D]] : f64
gpu.module @limits {
  gpu.func @limits(%x: f32, %h: f16, %d: f64, %a: memref<?xf32>, %b: memref<?xf16>, %c: memref<?xf64>) kernel {
    %c0 = arith.constant 0 : index
    %0 = arith.maximumf %x, %x : f32
    memref.store %0, %a[%c0] : memref<?xf32>
    %1 = arith.minimumf %h, %h : f16
    memref.store %1, %b[%c0] : memref<?xf16>
    %2 = arith.maximumf %d, %d : f64
    memref.store %2, %c[%c0] : memref<?xf64>
    gpu.return
  }
}
