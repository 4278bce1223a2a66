// RUN: mad-opt %s -mad-linalg-to-gpu -canonicalize -cse | FileCheck %s

// Lanes with loops over elements a block each, and memory of a block is its own: it begins at a multiple of its bytes.
// CHECK-LABEL: func @systems(
// CHECK-NOT: scf.for
// CHECK: %[[ALL:.*]] = memref.alloc(%{{.*}}) : memref<?xi8>
// CHECK: gpu.launch_func @kernels::@systems$0 blocks in {{.*}} threads in (%c32, %c1, %c1)
// CHECK: gpu.func @systems$0{{.*}}choice = "a block a system, of 32 threads"
// CHECK-DAG: %[[BYTES:.*]] = arith.constant 336 : index
// CHECK-DAG: %[[BLOCK:.*]] = gpu.block_id x
// CHECK-DAG: %[[BLOCKS:.*]] = gpu.grid_dim x
// CHECK: %[[BEGIN:.*]] = arith.muli %[[BLOCK]], %[[BYTES]]
// CHECK: scf.for %{{.*}} = %[[BLOCK]] to %{{.*}} step %[[BLOCKS]]
// CHECK: %[[AT:.*]] = arith.addi %[[BEGIN]], %{{.*}}
// CHECK: memref.view %{{.*}}[%[[AT]]][] : memref<?xi8> to memref<40xf64>
// CHECK: scf.for
// CHECK: memref.store
// CHECK: gpu.barrier
// CHECK: scf.for
// CHECK: memref.store
func.func @systems(%x: memref<?x40xf64>, %n: index) attributes {entry = {index_checks = []}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c39 = arith.constant 39 : index
  scf.for %i = %c0 to %n step %c1 {
    %own = memref.subview %x[%i, 0] [1, 40] [1, 1] : memref<?x40xf64> to memref<40xf64, strided<[1], offset: ?>>
    %copy = memref.alloc() : memref<40xf64>
    memref.copy %own, %copy : memref<40xf64, strided<[1], offset: ?>> to memref<40xf64>
    linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} outs(%own : memref<40xf64, strided<[1], offset: ?>>) {
    ^bb0(%out: f64):
      %d = linalg.index 0 : index
      %turned = arith.subi %c39, %d : index
      %v = memref.load %copy[%turned] : memref<40xf64>
      linalg.yield %v : f64
    }
  } {ode.lanes}
  return
}
