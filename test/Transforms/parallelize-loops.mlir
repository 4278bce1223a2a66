// RUN: mad-opt %s --mad-parallelize-loops --split-input-file | FileCheck %s

// Small for certain: nothing changes.
// CHECK-LABEL: func.func @small(
// CHECK-SAME: %{{.*}}: memref<64x64xf32>, %{{.*}}: memref<64x64xf32>) {
// CHECK-NEXT: linalg.generic
// CHECK-NOT: piece
func.func @small(%x: memref<64x64xf32>, %y: memref<64x64xf32>) {
  linalg.generic {
    indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
    iterator_types = ["parallel", "parallel"]
  } ins(%x : memref<64x64xf32>) outs(%y : memref<64x64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %n = arith.negf %a : f32
    linalg.yield %n : f32
  }
  return
}

// -----

// Without a parallel dimension there are no pieces.
// CHECK-LABEL: func.func @total(
// CHECK-SAME: %{{.*}}: memref<?xf32>, %{{.*}}: memref<f32>) {
// CHECK-NOT: piece
func.func @total(%x: memref<?xf32>, %y: memref<f32>) {
  linalg.generic {
    indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>],
    iterator_types = ["reduction"]
  } ins(%x : memref<?xf32>) outs(%y : memref<f32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  }
  return
}

