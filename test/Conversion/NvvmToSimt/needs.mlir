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

// Single bytes need cells of one byte: flag 2.
// CHECK: @bytes.simt()
// CHECK: llvm.mlir.constant(2 : i32)
gpu.module @k {
  llvm.func @bytes(%x: !llvm.ptr<1>, %v: i8) attributes {nvvm.kernel} {
    llvm.store %v, %x : i8, !llvm.ptr<1>
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
