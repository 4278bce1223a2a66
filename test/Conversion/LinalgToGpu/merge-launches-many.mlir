// RUN: mad-opt %s -mad-merge-launches -canonicalize | FileCheck %s

// Merged kernels have at most 480 parameters of 8 bytes, and each of these memrefs may become 17: @b has no room beside @a.
// @c is passed what @a is.
// CHECK-LABEL: func @f(
// CHECK: gpu.launch_func @kernels::@a
// CHECK: gpu.launch_func @kernels::@b
// CHECK-NOT: gpu.launch_func
// CHECK: gpu.func @a({{.*}}choice = "in one block: first; third"
// CHECK: gpu.func @b({{.*}}choice = "second"
!t = memref<?x?x?x?x?x?x?x?xf32>
module attributes {gpu.container_module} {
  func.func @f(%status: memref<13xi64>, %a0: !t, %a1: !t, %a2: !t, %a3: !t, %a4: !t, %a5: !t, %a6: !t, %a7: !t, %a8: !t, %a9: !t, %a10: !t, %a11: !t, %a12: !t, %a13: !t, %a14: !t, %b0: !t, %b1: !t, %b2: !t, %b3: !t, %b4: !t, %b5: !t, %b6: !t, %b7: !t, %b8: !t, %b9: !t, %b10: !t, %b11: !t, %b12: !t, %b13: !t, %b14: !t)
      attributes {entry = {dims = [], index_checks = [], states = [], weights = [], type = () -> ()}} {
    %c1 = arith.constant 1 : index
    %c32 = arith.constant 32 : index
    gpu.launch_func @kernels::@a blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1) args(%a0 : !t, %a1 : !t, %a2 : !t, %a3 : !t, %a4 : !t, %a5 : !t, %a6 : !t, %a7 : !t, %a8 : !t, %a9 : !t, %a10 : !t, %a11 : !t, %a12 : !t, %a13 : !t, %a14 : !t)
    gpu.launch_func @kernels::@b blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1) args(%b0 : !t, %b1 : !t, %b2 : !t, %b3 : !t, %b4 : !t, %b5 : !t, %b6 : !t, %b7 : !t, %b8 : !t, %b9 : !t, %b10 : !t, %b11 : !t, %b12 : !t, %b13 : !t, %b14 : !t)
    gpu.launch_func @kernels::@c blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1) args(%a0 : !t, %a1 : !t)
    return
  }
  gpu.module @kernels {
    gpu.func @a(%x0: !t, %x1: !t, %x2: !t, %x3: !t, %x4: !t, %x5: !t, %x6: !t, %x7: !t, %x8: !t, %x9: !t, %x10: !t, %x11: !t, %x12: !t, %x13: !t, %x14: !t) kernel attributes {choice = "first", known_block_size = array<i32: 32, 1, 1>} {
      %c0 = arith.constant 0 : index
      %one = arith.constant 1.0 : f32
      memref.store %one, %x0[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x1[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x2[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x3[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x4[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x5[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x6[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x7[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x8[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x9[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x10[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x11[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x12[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x13[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x14[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      gpu.return
    }
    gpu.func @b(%x0: !t, %x1: !t, %x2: !t, %x3: !t, %x4: !t, %x5: !t, %x6: !t, %x7: !t, %x8: !t, %x9: !t, %x10: !t, %x11: !t, %x12: !t, %x13: !t, %x14: !t) kernel attributes {choice = "second", known_block_size = array<i32: 32, 1, 1>} {
      %c0 = arith.constant 0 : index
      %one = arith.constant 1.0 : f32
      memref.store %one, %x0[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x1[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x2[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x3[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x4[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x5[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x6[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x7[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x8[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x9[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x10[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x11[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x12[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x13[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x14[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      gpu.return
    }
    gpu.func @c(%x0: !t, %x1: !t) kernel attributes {choice = "third", known_block_size = array<i32: 32, 1, 1>} {
      %c0 = arith.constant 0 : index
      %one = arith.constant 1.0 : f32
      memref.store %one, %x0[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      memref.store %one, %x1[%c0, %c0, %c0, %c0, %c0, %c0, %c0, %c0] : !t
      gpu.return
    }
  }
}
