// RUN: mad-opt %s --mad-nvvm-to-simt --split-input-file | FileCheck %s

// Named barriers need clocks: flag 1.
// CHECK: @named.simt()
// CHECK: llvm.mlir.constant(1 : i32)
gpu.module @k {
  llvm.func @named() attributes {nvvm.kernel} {
    %id = llvm.mlir.constant(3 : i32) : i32
    %count = llvm.mlir.constant(64 : i32) : i32
    nvvm.barrier id = %id number_of_threads = %count
    llvm.return
  }
}

// -----

// Single bytes need cells of one byte: flag 2; those of buffers are less than a word: flag 4.
// CHECK: @bytes.simt()
// CHECK: llvm.mlir.constant(6 : i32)
gpu.module @k {
  llvm.func @bytes(%x: !llvm.ptr<1>, %v: i8) attributes {nvvm.kernel} {
    llvm.store %v, %x : i8, !llvm.ptr<1>
    llvm.return
  }
}

// -----

// CHECK: @halves.simt()
// CHECK: llvm.mlir.constant(4 : i32)
gpu.module @k {
  llvm.func @halves(%x: !llvm.ptr<1>, %v: f16) attributes {nvvm.kernel} {
    llvm.store %v, %x : f16, !llvm.ptr<1>
    llvm.return
  }
}

// -----

// Loads that take along what others write: 8.
// CHECK-LABEL: llvm.func @stray
// CHECK: %[[STRAY:.*]] = llvm.mlir.constant(8 : i32)
// CHECK: call @mad_simt_global(%{{.*}}, %{{.*}}, %{{.*}}, %[[STRAY]],
gpu.module @k {
  llvm.func @stray(%x: !llvm.ptr<1>) -> vector<4xf32> {
    %0 = llvm.load %x {alignment = 16 : i64, stray} : !llvm.ptr<1> -> vector<4xf32>
    llvm.return %0 : vector<4xf32>
  }
}

// -----

// Threads that exchange values by buffers, which a kernel says: flag 16.
// CHECK: @words.simt()
// CHECK: llvm.mlir.constant(16 : i32)
gpu.module @k {
  llvm.func @words(%x: !llvm.ptr<1>, %v: f32) attributes {nvvm.kernel, exchanges} {
    llvm.store %v, %x : f32, !llvm.ptr<1>
    llvm.return
  }
}

// -----

// Fences for other blocks: flag 8. Those of narrower scopes are none, and atomics of the block's scope are atomic
// in the block alone (4).
// CHECK-LABEL: llvm.func @fences
// CHECK: call @mad_simt_fence(
// CHECK: %[[ATOMIC:.*]] = llvm.mlir.constant(3 : i32)
// CHECK: call @mad_simt_global(%{{.*}}, %{{.*}}, %{{.*}}, %[[ATOMIC]],
// CHECK: llvm.atomicrmw add
// CHECK-NOT: call @mad_simt_fence
// CHECK: call @mad_simt_global
// CHECK: llvm.atomicrmw add
// CHECK-NEXT: call @mad_simt_fence(
// CHECK: %[[NEAR:.*]] = llvm.mlir.constant(7 : i32)
// CHECK: call @mad_simt_global(%{{.*}}, %{{.*}}, %{{.*}}, %[[NEAR]],
// CHECK: llvm.atomicrmw add
// CHECK-NOT: call @mad_simt_fence
// CHECK: @fences.simt()
// CHECK: llvm.mlir.constant(8 : i32)
gpu.module @k {
  llvm.func @fences(%x: !llvm.ptr<1>, %v: i32) attributes {nvvm.kernel} {
    nvvm.memory.barrier #nvvm.mem_scope<gpu>
    %0 = llvm.atomicrmw add %x, %v syncscope("device") monotonic : !llvm.ptr<1>, i32
    nvvm.memory.barrier #nvvm.mem_scope<cta>
    %1 = llvm.atomicrmw add %x, %v syncscope("device") acquire : !llvm.ptr<1>, i32
    %2 = llvm.atomicrmw add %x, %v syncscope("block") acq_rel : !llvm.ptr<1>, i32
    llvm.return
  }
}

// -----

// Functions of libdevice become those of libm; predicates become branches.
// CHECK-DAG: llvm.func @expf(f32) -> f32
// CHECK-LABEL: llvm.func @calls
// CHECK: llvm.call @expf(
// CHECK: llvm.cond_br %{{.*}}, ^[[DO:bb[0-9]+]], ^[[ON:bb[0-9]+]]
// CHECK: ^[[DO]]:
// CHECK: llvm.call @mad_simt_mbarrier_init
// CHECK: llvm.br ^[[ON]]
gpu.module @k {
  llvm.mlir.global internal @bar() {addr_space = 3 : i32} : i64
  llvm.func @__nv_expf(f32) -> f32
  llvm.func @calls(%x: !llvm.ptr<1>, %v: f32, %p: i1) attributes {nvvm.kernel} {
    %bar = llvm.mlir.addressof @bar : !llvm.ptr<3>
    %one = llvm.mlir.constant(1 : i32) : i32
    %e = llvm.call @__nv_expf(%v) : (f32) -> f32
    nvvm.mbarrier.init %bar, %one, predicate = %p : !llvm.ptr<3>, i32, i1
    llvm.store %e, %x : f32, !llvm.ptr<1>
    llvm.return
  }
}

// -----

// Kernels for chips 9.0 alone: flag 32; those that such a chip never runs: flag 64.
// CHECK: @groups.simt()
// CHECK: llvm.mlir.constant(32 : i32)
gpu.module @kernels_sm_90a {
  llvm.func @groups() attributes {nvvm.kernel} {
    llvm.return
  }
}

// -----

// CHECK: @others.simt()
// CHECK: llvm.mlir.constant(64 : i32)
gpu.module @k {
  llvm.func @others() attributes {nvvm.kernel, groupless} {
    llvm.return
  }
}
