// Kernels wait for what was before them ahead of any memory. They let the next one start at their end, and with few blocks when they have waited.
// RUN: mad-opt %s -pass-pipeline='builtin.module(mad-overlap-launches)' | FileCheck %s

// What needs no memory may come first.
// CHECK-LABEL: gpu.func @plain({{.*}} kernel attributes {early} {
// CHECK-NEXT: gpu.thread_id
// CHECK-NEXT: nvvm.griddepcontrol wait
// CHECK-NEXT: %[[X:.*]] = gpu.grid_dim x
// CHECK-NEXT: %[[Y:.*]] = gpu.grid_dim y
// CHECK-NEXT: %[[XY:.*]] = arith.muli %[[X]], %[[Y]] : index
// CHECK-NEXT: %[[Z:.*]] = gpu.grid_dim z
// CHECK-NEXT: %[[BLOCKS:.*]] = arith.muli %[[XY]], %[[Z]] : index
// CHECK-NEXT: %[[MOST:.*]] = arith.constant 32 : index
// CHECK-NEXT: %[[FEW:.*]] = arith.cmpi ule, %[[BLOCKS]], %[[MOST]] : index
// CHECK-NEXT: scf.if %[[FEW]] {
// CHECK-NEXT: nvvm.griddepcontrol launch_dependents
// CHECK-NEXT: }
// CHECK-NEXT: memref.load
// CHECK-NEXT: memref.store
// CHECK-NEXT: nvvm.griddepcontrol launch_dependents
// CHECK-NEXT: gpu.return

// A branch that reads is behind, as a whole.
// CHECK-LABEL: gpu.func @branch(
// CHECK-SAME: %[[C:[^:]*]]: i1,
// CHECK-NEXT: nvvm.griddepcontrol wait
// CHECK: scf.if %{{.*}} {
// CHECK-NEXT: nvvm.griddepcontrol launch_dependents
// CHECK-NEXT: }
// CHECK-NEXT: scf.if %[[C]]
// CHECK: }
// CHECK-NEXT: nvvm.griddepcontrol launch_dependents
// CHECK-NEXT: gpu.return

// CHECK-LABEL: gpu.func @empty(
// CHECK-NEXT: nvvm.griddepcontrol wait
// CHECK: }
// CHECK-NEXT: nvvm.griddepcontrol launch_dependents
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
// CHECK-NEXT: nvvm.griddepcontrol wait
// CHECK: memref.load
// CHECK-NEXT: nvvm.griddepcontrol wait
// CHECK-NEXT: memref.store
// CHECK-NEXT: nvvm.griddepcontrol launch_dependents
// CHECK-NEXT: gpu.return

// No kernel.
// CHECK-LABEL: gpu.func @helper(
// CHECK-NOT: griddepcontrol

// In front of one that copies, wherever it is launched: at once.
// CHECK-LABEL: gpu.func @ahead({{.*}} kernel attributes {early} {
// CHECK-NEXT: nvvm.griddepcontrol launch_dependents
// CHECK-NEXT: nvvm.griddepcontrol wait
// CHECK-NEXT: memref.load
// CHECK-NEXT: memref.store
// CHECK-NEXT: gpu.return

// Of few blocks, which may as well wait.
// CHECK-LABEL: gpu.func @pieces({{.*}} kernel attributes {early} {
// CHECK-NEXT: nvvm.griddepcontrol launch_dependents
// CHECK-NEXT: nvvm.griddepcontrol wait
// CHECK-NEXT: memref.load
// CHECK-LABEL: gpu.func @few({{.*}} kernel attributes {early} {
// CHECK-NEXT: nvvm.griddepcontrol wait
// CHECK: scf.if
// CHECK: memref.store
// CHECK-NEXT: nvvm.griddepcontrol launch_dependents
// CHECK-NEXT: gpu.return

// Threads that end apart do not meet at the end.
// CHECK-LABEL: gpu.func @apart({{.*}} kernel attributes {early, ends_apart} {
// CHECK-NEXT: nvvm.griddepcontrol wait
// CHECK: scf.if
// CHECK-NEXT: nvvm.griddepcontrol launch_dependents
// CHECK-NEXT: }
// CHECK-NOT: nvvm.griddepcontrol
// CHECK: gpu.return

module attributes {gpu.container_module} {
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
  gpu.func @ahead(%x: memref<f32>) kernel {
    %v = memref.load %x[] : memref<f32>
    memref.store %v, %x[] : memref<f32>
    gpu.return
  }
  gpu.func @pieces(%x: memref<f32>) kernel {
    %v = memref.load %x[] : memref<f32>
    memref.store %v, %x[] : memref<f32>
    gpu.return
  }
  gpu.func @few(%x: memref<f32>) kernel attributes {early} {
    %v = memref.load %x[] : memref<f32>
    memref.store %v, %x[] : memref<f32>
    gpu.return
  }
  gpu.func @apart(%x: memref<f32>) kernel attributes {ends_apart} {
    %v = memref.load %x[] : memref<f32>
    memref.store %v, %x[] : memref<f32>
    gpu.return
  }
}
func.func @main(%n: index, %c: i1, %x: memref<f32>, %a: memref<64xf32>, %to: !llvm.ptr<3>, %w: !llvm.ptr<1>) {
  gpu.launch_func @kernels::@ahead blocks in (%n, %n, %n) threads in (%n, %n, %n) args(%x : memref<f32>)
  gpu.launch_func @kernels::@own blocks in (%n, %n, %n) threads in (%n, %n, %n) args(%c : i1, %to : !llvm.ptr<3>, %w : !llvm.ptr<1>)
  gpu.launch_func @kernels::@plain blocks in (%n, %n, %n) threads in (%n, %n, %n) args(%a : memref<64xf32>, %a : memref<64xf32>)
  gpu.launch_func @kernels::@ahead blocks in (%n, %n, %n) threads in (%n, %n, %n) args(%x : memref<f32>)
  gpu.launch_func @kernels::@paced blocks in (%n, %n, %n) threads in (%n, %n, %n) args(%to : !llvm.ptr<3>, %w : !llvm.ptr<1>)
  // Once in front of one that copies, once not.
  gpu.launch_func @kernels::@plain blocks in (%n, %n, %n) threads in (%n, %n, %n) args(%a : memref<64xf32>, %a : memref<64xf32>)
  gpu.launch_func @kernels::@own blocks in (%n, %n, %n) threads in (%n, %n, %n) args(%c : i1, %to : !llvm.ptr<3>, %w : !llvm.ptr<1>)
  gpu.launch_func @kernels::@pieces blocks in (%n, %n, %n) threads in (%n, %n, %n) args(%x : memref<f32>)
  gpu.launch_func @kernels::@few blocks in (%n, %n, %n) threads in (%n, %n, %n) args(%x : memref<f32>)
  return
}
}
