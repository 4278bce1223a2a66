// RUN: mad-opt %s --mad-nvvm-to-simt | FileCheck %s

// Shared variables get offsets, the one without a size last.
gpu.module @k {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<10 x f32>
  llvm.mlir.global external @dynamic() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>

  // CHECK-DAG: llvm.mlir.global internal constant @simt_place_{{[0-9]+}}("{{.*}}nvvm-to-simt.mlir:{{[0-9]+}}:{{[0-9]+}}\00")

  // CHECK-LABEL: llvm.func @f(
  // CHECK-SAME: %[[T:.*]]: !llvm.ptr, %[[X:.*]]: !llvm.ptr, %[[MAP:.*]]: !llvm.ptr)
  llvm.func @f(%x: !llvm.ptr<1>, %map: !llvm.ptr) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 64, 2, 1>} {
    // CHECK: %[[TID:.*]] = llvm.getelementptr %[[T]][0]
    // CHECK: llvm.load %[[TID]] : !llvm.ptr -> i32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    // CHECK: %[[BASE:.*]] = llvm.load %{{.*}} : !llvm.ptr -> !llvm.ptr
    // CHECK: llvm.getelementptr %[[BASE]][0]
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    // CHECK: llvm.getelementptr %{{.*}}[1024]
    %more = llvm.mlir.addressof @dynamic : !llvm.ptr<3>
    // CHECK: llvm.call @mad_simt_global(%[[T]], %[[X]],
    // CHECK: %[[V:.*]] = llvm.load %[[X]] : !llvm.ptr -> f32
    %v = llvm.load %x : !llvm.ptr<1> -> f32
    // CHECK: llvm.call @mad_simt_shared(%[[T]],
    // CHECK: llvm.store %[[V]], %{{.*}} : f32, !llvm.ptr
    llvm.store %v, %tile : f32, !llvm.ptr<3>
    // CHECK: llvm.call @mad_simt_barrier(
    nvvm.barrier
    // CHECK: %[[ALL:.*]] = llvm.mlir.constant(-1 : i32)
    %all = llvm.mlir.constant(-1 : i32) : i32
    // CHECK: llvm.call @mad_simt_syncwarp(%[[T]], %[[ALL]],
    nvvm.bar.warp.sync %all : i32
    // CHECK: llvm.call @mad_simt_shared(
    // CHECK: llvm.atomicrmw add
    // CHECK-NOT: syncscope
    %old = llvm.atomicrmw add %more, %t syncscope("block") monotonic : !llvm.ptr<3>, i32
    // CHECK: llvm.return
    llvm.return
  }
  // CHECK: llvm.func internal @f.entry(%{{.*}}: !llvm.ptr, %[[PARAMS:.*]]: !llvm.ptr)
  // CHECK: %[[P0:.*]] = llvm.load
  // CHECK: %[[A0:.*]] = llvm.load %[[P0]]
  // The map is passed by value: the parameter is where it lies.
  // CHECK: %[[P1:.*]] = llvm.load
  // CHECK: llvm.call @f(%{{.*}}, %[[A0]], %[[P1]])
  // Shared bytes, no special needs, threads of a block.
  // CHECK: llvm.mlir.global external constant @f.simt()
  // CHECK: llvm.mlir.constant(1024 : i32)
  // CHECK: llvm.mlir.constant(0 : i32)
  // CHECK: llvm.mlir.constant(128 : i32)
}
