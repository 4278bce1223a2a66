// Kernels let the next one start, and wait for what was before them ahead of any memory.
// RUN: mad-opt %s -pass-pipeline='builtin.module(gpu.module(mad-overlap-launches))' | FileCheck %s

// What needs no memory may come first.
// CHECK-LABEL: gpu.func @plain({{.*}} kernel {
// CHECK-NEXT: gpu.thread_id
// CHECK-NEXT: nvvm.griddepcontrol launch_dependents
// CHECK-NEXT: nvvm.griddepcontrol wait
// CHECK-NEXT: memref.load
// CHECK-NOT: griddepcontrol

// A branch that reads is behind, as a whole.
// CHECK-LABEL: gpu.func @branch(
// CHECK-NEXT: nvvm.griddepcontrol launch_dependents
// CHECK-NEXT: nvvm.griddepcontrol wait
// CHECK-NEXT: scf.if

// CHECK-LABEL: gpu.func @empty(
// CHECK-NEXT: nvvm.griddepcontrol launch_dependents
// CHECK-NEXT: nvvm.griddepcontrol wait
// CHECK-NEXT: gpu.return

// One that starts copies and waits by itself stays as it is.
// CHECK-LABEL: gpu.func @own({{.*}} kernel attributes {early} {
// CHECK-NEXT: nvvm.griddepcontrol launch_dependents
// CHECK-NEXT: scf.if
// CHECK-NEXT: nvvm.cp.async
// CHECK-NEXT: }
// CHECK-NEXT: nvvm.griddepcontrol wait
// CHECK-NEXT: gpu.return

// Its copies may be a loop that waits for places in shared memory.
// CHECK-LABEL: gpu.func @ring({{.*}} kernel attributes {early} {
// CHECK-NOT: nvvm.griddepcontrol
// CHECK: scf.for
// CHECK: nvvm.mbarrier.try_wait.parity
// CHECK: nvvm.griddepcontrol wait
// CHECK-NOT: nvvm.griddepcontrol

// It may wait for those copies, so that they come one at a time.
// CHECK-LABEL: gpu.func @paced({{.*}} kernel attributes {early} {
// CHECK-NEXT: nvvm.cp.async
// CHECK-NEXT: nvvm.cp.async.commit.group
// CHECK-NEXT: nvvm.cp.async.wait.group 0
// CHECK-NEXT: nvvm.griddepcontrol wait
// CHECK-NEXT: gpu.return

// Unless it reads before: what it reads may not be there yet.
// CHECK-LABEL: gpu.func @late(
// CHECK-NEXT: arith.constant
// CHECK-NEXT: nvvm.griddepcontrol launch_dependents
// CHECK-NEXT: nvvm.griddepcontrol wait
// CHECK-NEXT: memref.load
// CHECK-NEXT: nvvm.griddepcontrol wait

// No kernel.
// CHECK-LABEL: gpu.func @helper(
// CHECK-NOT: griddepcontrol
gpu.module @kernels {
  gpu.func @plain(%x: memref<64xf32>, %y: memref<64xf32>) kernel {
    %i = gpu.thread_id x
    %v = memref.load %x[%i] : memref<64xf32>
    memref.store %v, %y[%i] : memref<64xf32>
    gpu.return
  }
  gpu.func @branch(%c: i1, %x: memref<f32>, %y: memref<f32>) kernel {
    scf.if %c {
      %v = memref.load %x[] : memref<f32>
      memref.store %v, %y[] : memref<f32>
    }
    gpu.return
  }
  gpu.func @empty() kernel {
    gpu.return
  }
  gpu.func @own(%c: i1, %to: !llvm.ptr<3>, %w: !llvm.ptr<1>) kernel {
    nvvm.griddepcontrol launch_dependents
    scf.if %c {
      nvvm.cp.async.shared.global %to, %w, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    }
    nvvm.griddepcontrol wait
    gpu.return
  }
  gpu.func @ring(%n: index, %to: !llvm.ptr<3>, %w: !llvm.ptr<1>, %empty: !llvm.ptr<3>) kernel {
    %zero = arith.constant 0 : index
    %one = arith.constant 1 : index
    %phase = arith.constant 0 : i32
    %ticks = arith.constant 1000 : i32
    scf.for %i = %zero to %n step %one {
      nvvm.mbarrier.try_wait.parity %empty, %phase, %ticks : !llvm.ptr<3>, i32, i32
      nvvm.cp.async.shared.global %to, %w, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    }
    %all = arith.constant -1 : i32
    nvvm.bar.warp.sync %all : i32
    nvvm.griddepcontrol wait
    gpu.return
  }
  gpu.func @paced(%to: !llvm.ptr<3>, %w: !llvm.ptr<1>) kernel {
    nvvm.cp.async.shared.global %to, %w, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    nvvm.cp.async.commit.group
    nvvm.cp.async.wait.group 0
    nvvm.griddepcontrol wait
    gpu.return
  }
  gpu.func @late(%x: memref<1xf32>, %y: memref<1xf32>) kernel {
    %zero = arith.constant 0 : index
    %v = memref.load %x[%zero] : memref<1xf32>
    nvvm.griddepcontrol wait
    memref.store %v, %y[%zero] : memref<1xf32>
    gpu.return
  }
  gpu.func @helper(%x: memref<f32>) -> f32 {
    %v = memref.load %x[] : memref<f32>
    gpu.return %v : f32
  }
}
