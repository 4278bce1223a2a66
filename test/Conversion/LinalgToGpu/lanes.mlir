// RUN: mad-opt %s -mad-linalg-to-gpu -canonicalize -cse | FileCheck %s

// Lanes have a thread each.
// CHECK-LABEL: func @lanes(
// CHECK-NOT: scf.for
// CHECK: gpu.launch_func @kernels::@lanes$0 blocks in {{.*}} threads in (%c128, %c1, %c1)
// CHECK: gpu.func @lanes$0{{.*}}choice = "a thread a lane"
// CHECK: scf.if
// CHECK: scf.while
// CHECK: memref.store
func.func @lanes(%x: memref<?xf32>, %n: index) attributes {entry = {index_checks = []}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %one = arith.constant 1.0 : f32
  %half = arith.constant 0.5 : f32
  scf.for %i = %c0 to %n step %c1 {
    %0 = memref.load %x[%i] : memref<?xf32>
    %1 = scf.while (%v = %0) : (f32) -> f32 {
      %more = arith.cmpf ogt, %v, %one : f32
      scf.condition(%more) %v : f32
    } do {
    ^bb0(%v: f32):
      %h = arith.mulf %v, %half : f32
      scf.yield %h : f32
    }
    memref.store %1, %x[%i] : memref<?xf32>
  } {ode.lanes}
  return
}
