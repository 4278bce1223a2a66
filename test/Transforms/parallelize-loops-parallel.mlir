// Loops that an earlier pass has cut.
//
// RUN: mad-opt %s --mad-parallelize-loops --split-input-file | FileCheck %s

// Every iteration is a piece. What is small runs without the executor. The op inside
// is large enough to be cut, but it is in a piece, and so is what the piece calls.
// CHECK-LABEL: func.func @rows(
// CHECK-SAME: %[[X:.*]]: memref<?x400000xf32>, %[[Y:.*]]: memref<400000xf32>, %[[N:.*]]: index, %[[E:.*]]: !llvm.ptr)
// CHECK: %[[TASK:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(
// CHECK: %[[SEVERAL:.*]] = arith.cmpi sgt, %[[N]], %{{.*}} : index
// CHECK: scf.if %[[SEVERAL]] {
// CHECK:   %[[F:.*]] = func.constant @rows.piece : (!llvm.ptr, i64) -> ()
// CHECK:   llvm.call %{{.*}}(%{{.*}}, %{{.*}}, %{{.*}}, %[[TASK]])
// CHECK: } else {
// CHECK:   scf.for %[[I:.*]] = %{{.*}} to %[[N]] step %{{.*}} {
// CHECK:     %[[NUMBER:.*]] = arith.index_cast %[[I]] : index to i64
// CHECK:     func.call @rows.piece(%[[TASK]], %[[NUMBER]])
// CHECK-LABEL: func.func private @rows.piece(
// CHECK-SAME: %[[T:.*]]: !llvm.ptr, %[[P:.*]]: i64)
// CHECK: %[[MEMORY:.*]] = builtin.unrealized_conversion_cast %{{.*}} to memref<?x400000xf32>
// CHECK: %[[AT:.*]] = arith.index_cast %[[P]] : i64 to index
// CHECK: scf.for
// CHECK: memref.subview %[[MEMORY]][%[[AT]], 0]
// CHECK: linalg.generic
// CHECK: call @kernel(
// CHECK-NOT: piece
func.func @rows(%x: memref<?x400000xf32>, %y: memref<400000xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    scf.parallel (%j) = (%c0) to (%c2) step (%c1) {
      %row = memref.subview %x[%i, 0] [1, 400000] [1, 1] : memref<?x400000xf32> to memref<400000xf32, strided<[1], offset: ?>>
      linalg.generic {
        indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]
      } outs(%row : memref<400000xf32, strided<[1], offset: ?>>) {
      ^bb0(%a: f32):
        %e = math.exp %a : f32
        linalg.yield %e : f32
      }
      func.call @kernel(%y) : (memref<400000xf32>) -> ()
    }
  }
  return
}
func.func private @kernel(%x: memref<400000xf32>) {
  linalg.generic {
    indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]
  } outs(%x : memref<400000xf32>) {
  ^bb0(%a: f32):
    %e = math.exp %a : f32
    linalg.yield %e : f32
  }
  return
}

// -----

// Two dimensions, or another start: in order, and what is inside can be cut.
// CHECK-LABEL: func.func @plain(
// CHECK-SAME: %{{.*}}: memref<400000xf32>, %{{.*}}: index, %{{.*}}: !llvm.ptr)
// CHECK: scf.for
// CHECK-NEXT: scf.for
// CHECK: func.constant @plain.piece
// CHECK-NOT: scf.parallel
func.func @plain(%x: memref<400000xf32>, %n: index) {
  %c1 = arith.constant 1 : index
  scf.parallel (%i, %j) = (%c1, %c1) to (%n, %n) step (%c1, %c1) {
    linalg.generic {
      indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]
    } outs(%x : memref<400000xf32>) {
    ^bb0(%a: f32):
      %e = math.exp %a : f32
      linalg.yield %e : f32
    }
  }
  return
}
