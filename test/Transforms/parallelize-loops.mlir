// RUN: mad-opt %s --mad-parallelize-loops --split-input-file | FileCheck %s

// Sizes that are not known: the number of pieces follows from them at the call.
// CHECK-LABEL: func.func @product(
// CHECK-SAME: %[[A:.*]]: memref<?x64xf32>, %[[B:.*]]: memref<64x128xf32>, %[[C:.*]]: memref<?x128xf32>, %[[E:.*]]: !llvm.ptr)
// CHECK: %[[TASK:.*]] = llvm.alloca
// CHECK: %[[LARGE:.*]] = arith.cmpi sge, %{{.*}}, %{{.*}} : index
// CHECK: scf.if %[[LARGE]] {
// CHECK:   %[[F:.*]] = func.constant @product.piece : (!llvm.ptr, i64) -> ()
// CHECK:   %[[P:.*]] = builtin.unrealized_conversion_cast %[[F]]
// CHECK:   %[[AT:.*]] = llvm.getelementptr %[[E]][0]
// CHECK:   %[[CALLEE:.*]] = llvm.load %[[AT]]
// CHECK:   llvm.call %[[CALLEE]](%{{.*}}, %{{.*}}, %[[P]], %[[TASK]])
// CHECK: } else {
// CHECK:   %[[ZERO:.*]] = arith.constant 0 : i64
// CHECK:   call @product.piece(%[[TASK]], %[[ZERO]])
// CHECK: }
// CHECK-NOT: linalg

// A piece has memory of the same layout, and the fill with its own part.
// CHECK-LABEL: func.func private @product.piece(
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK: arith.minsi
// CHECK: %[[PA:.*]] = builtin.unrealized_conversion_cast %{{.*}} to memref<?x64xf32>
// CHECK: %[[PC:.*]] = builtin.unrealized_conversion_cast %{{.*}} to memref<?x128xf32>
// CHECK: linalg.fill ins(%[[ZERO]] : f32) outs(%[[PC]] : memref<?x128xf32>)
// CHECK: linalg.generic
// CHECK-SAME: ins(%[[PA]], %{{.*}} : memref<?x64xf32>, memref<64x128xf32>) outs(%[[PC]] : memref<?x128xf32>)
func.func @product(%a: memref<?x64xf32>, %b: memref<64x128xf32>, %c: memref<?x128xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<?x128xf32>)
  linalg.generic {
    indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>,
                     affine_map<(i, j, k) -> (i, j)>],
    iterator_types = ["parallel", "parallel", "reduction"]
  } ins(%a, %b : memref<?x64xf32>, memref<64x128xf32>) outs(%c : memref<?x128xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %p, %z : f32
    linalg.yield %s : f32
  }
  return
}

// -----

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

// -----

// Indices count from the start of the whole; a dimension of one is not cut, a dimension
// that lies inside is a subview.
// CHECK-LABEL: func.func @index(
// CHECK-LABEL: func.func private @index.piece(
// CHECK: %[[LOW:.*]] = arith.muli
// CHECK: memref.subview %{{.*}}[0, %[[LOW]]] [1, %{{.*}}] [1, 1]
// CHECK: linalg.generic
// CHECK: %[[I:.*]] = linalg.index 1
// CHECK: %[[J:.*]] = arith.addi %[[I]], %[[LOW]]
// CHECK: memref.load %{{.*}}[%{{.*}}, %[[J]]]
func.func @index(%x: memref<1x?xf32>, %y: memref<1x?xf32>) {
  linalg.generic {
    indexing_maps = [affine_map<(i, j) -> (i, j)>],
    iterator_types = ["parallel", "parallel"]
  } outs(%y : memref<1x?xf32>) {
  ^bb0(%b: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %v = memref.load %x[%i, %j] : memref<1x?xf32>
    linalg.yield %v : f32
  }
  return
}

// -----

// Functions that call one with pieces pass the executor on.
// CHECK-LABEL: func.func @caller(
// CHECK-SAME: %[[X:.*]]: memref<?xf32>, %[[E:.*]]: !llvm.ptr)
// CHECK: call @kernel(%[[X]], %[[E]])
// CHECK: func.func private @kernel(%{{.*}}: memref<?xf32>, %{{.*}}: !llvm.ptr)
func.func @caller(%x: memref<?xf32>) {
  call @kernel(%x) : (memref<?xf32>) -> ()
  return
}
func.func private @kernel(%x: memref<?xf32>) {
  linalg.generic {
    indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]
  } outs(%x : memref<?xf32>) {
  ^bb0(%a: f32):
    %n = arith.negf %a : f32
    linalg.yield %n : f32
  }
  return
}
