// RUN: mad-opt %s -mad-linalg-to-gpu -canonicalize -cse | FileCheck %s

// Lines that have an order each: a thread each.
// CHECK-LABEL: func @lines(
// CHECK-SAME: %[[X:.*]]: memref<?x?xf32>, %[[N:.*]]: index, %[[M:.*]]: index)
// CHECK-NOT: scf.parallel
// CHECK: %[[BLOCKS:.*]] = arith.ceildivsi %[[N]], %c64
// CHECK: gpu.launch_func @kernels::@lines$0 blocks in (%[[BLOCKS]], %c1, %c1) threads in (%c64, %c1, %c1)
// CHECK: gpu.func @lines$0{{.*}}choice = "a thread a line, in order"
// CHECK: gpu.block_id
// CHECK: scf.if
// CHECK: scf.for
// CHECK: memref.store
func.func @lines(%x: memref<?x?xf32>, %n: index, %m: index) attributes {entry = {index_checks = []}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    scf.for %j = %c1 to %m step %c1 {
      %before = arith.subi %j, %c1 : index
      %0 = memref.load %x[%i, %before] : memref<?x?xf32>
      %1 = memref.load %x[%i, %j] : memref<?x?xf32>
      %2 = arith.addf %0, %1 : f32
      memref.store %2, %x[%i, %j] : memref<?x?xf32>
    }
  }
  return
}
