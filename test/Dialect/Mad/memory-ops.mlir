// Ops on memory are read back as they were printed.
//
// RUN: mad-opt %s | mad-opt | FileCheck %s
// RUN: mad-opt %s --mlir-print-op-generic | mad-opt | FileCheck %s

// CHECK-LABEL: func.func @cumulate
func.func @cumulate(%x: memref<?x5xf32>, %y: memref<?x5xf32>, %n: memref<7xi8>) {
  // CHECK: mad.cumulate_memory sum %{{.*}} along 1 to %{{.*}} : memref<?x5xf32>, memref<?x5xf32>
  mad.cumulate_memory sum %x along 1 to %y : memref<?x5xf32>, memref<?x5xf32>
  // CHECK: mad.cumulate_memory max %{{.*}} along 0 to %{{.*}} unsigned : memref<7xi8>, memref<7xi8>
  mad.cumulate_memory max %n along 0 to %n unsigned : memref<7xi8>, memref<7xi8>
  return
}

// CHECK-LABEL: func.func @sort
func.func @sort(%x: memref<?x5xf32>, %y: memref<?x5xf32>, %few: memref<?x2xf32>, %p: memref<?x2xi64>) {
  // CHECK: mad.sort_memory %{{.*}} to values %{{.*}} : memref<?x5xf32> whole : memref<?x5xf32>
  mad.sort_memory %x to values %y : memref<?x5xf32> whole : memref<?x5xf32>
  // CHECK: mad.sort_memory %{{.*}} to values %{{.*}} : memref<?x2xf32> positions %{{.*}} : memref<?x2xi64> descending : memref<?x5xf32>
  mad.sort_memory %x to values %few : memref<?x2xf32> positions %p : memref<?x2xi64> descending : memref<?x5xf32>
  // CHECK: mad.sort_memory %{{.*}} to positions %{{.*}} : memref<?x2xi64> unsigned : memref<?x5xf32>
  mad.sort_memory %x to positions %p : memref<?x2xi64> unsigned : memref<?x5xf32>
  return
}

// CHECK-LABEL: func.func @scatter
func.func @scatter(%x: memref<?x5xf32>, %p: memref<?xi32>, %y: memref<9x5xf32>, %n: memref<3x4xi8>, %q: memref<3x4xi32>, %z: memref<2x?xi8>) {
  // CHECK: mad.scatter_memory add %{{.*}} at %{{.*}} to %{{.*}} : memref<?x5xf32>, memref<?xi32>, memref<9x5xf32>
  mad.scatter_memory add %x at %p to %y : memref<?x5xf32>, memref<?xi32>, memref<9x5xf32>
  // CHECK: mad.scatter_memory max %{{.*}} at %{{.*}} to %{{.*}} unsigned : memref<3x4xi8>, memref<3x4xi32>, memref<2x?xi8>
  mad.scatter_memory max %n at %q to %z unsigned : memref<3x4xi8>, memref<3x4xi32>, memref<2x?xi8>
  return
}
