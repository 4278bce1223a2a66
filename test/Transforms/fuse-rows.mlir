// Ops that share rows become loops over blocks of rows.
//
// RUN: mad-opt %s --mad-fuse-rows --canonicalize --cse | FileCheck %s

#ij = affine_map<(i, j) -> (i, j)>
#i = affine_map<(i, j) -> (i)>
#j = affine_map<(i, j) -> (j)>

// The sum of a row and its use. Where there are few and long rows the ops stay.
// CHECK-LABEL: func.func @normal(
// CHECK-SAME: %[[X:.*]]: memref<?x?xf32>, %[[Y:.*]]: memref<?x?xf32>)
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// 16 KB of the longest rows, at least one row.
// CHECK: %[[MOST:.*]] = arith.divui %{{.*}}, %{{.*}} : index
// CHECK: %[[BLOCK:.*]] = arith.maxsi %[[MOST]], %[[C1]]
// CHECK: scf.if
// CHECK-NEXT: scf.parallel (%[[P:.*]]) = (%[[C0]]) to (%{{.*}}) step (%[[C1]]) {
// CHECK-NEXT:   %[[SUM:.*]] = memref.alloc(%[[BLOCK]]) {alignment = 64 : i64} : memref<?xf32>
// CHECK:   scf.for %[[I:.*]] = %{{.*}} to %[[END:.*]] step %[[BLOCK]] {
// CHECK-NEXT: %[[REST:.*]] = arith.subi %[[END]], %[[I]]
// CHECK-NEXT: %[[LENGTH:.*]] = arith.minsi %[[BLOCK]], %[[REST]]
// CHECK:     %[[XS:.*]] = memref.subview %[[X]][%[[I]], 0] [%[[LENGTH]], %{{.*}}] [1, 1]
// CHECK:     %[[S:.*]] = memref.subview %[[SUM]][0] [%[[LENGTH]]] [1]
// CHECK:     linalg.fill ins(%{{.*}}) outs(%[[S]]
// CHECK:     linalg.generic
// CHECK-SAME: ["parallel", "reduction"]
// CHECK-SAME: ins(%[[XS]]
// CHECK-SAME: outs(%[[S]]
// CHECK:     %[[YS:.*]] = memref.subview %[[Y]][%[[I]], 0] [%[[LENGTH]], %{{.*}}] [1, 1]
// CHECK:     linalg.generic
// CHECK-SAME: ins(%[[XS]], %[[S]]
// CHECK-SAME: outs(%[[YS]]
// The position of a row counts from the first of all.
// CHECK:     %[[AT:.*]] = linalg.index 0
// CHECK:     arith.addi %[[AT]], %[[I]]
// CHECK: } else {
// CHECK-NEXT: linalg.fill
// CHECK-NEXT: linalg.generic
// CHECK: linalg.generic
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @normal(%x: memref<?x?xf32>, %y: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %rows = memref.dim %x, %c0 : memref<?x?xf32>
  %s = memref.alloc(%rows) : memref<?xf32>
  linalg.fill ins(%zero : f32) outs(%s : memref<?xf32>)
  linalg.generic {indexing_maps = [#ij, #i], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x?xf32>) outs(%s : memref<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %a, %o : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#ij, #i, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : memref<?x?xf32>, memref<?xf32>) outs(%y : memref<?x?xf32>) {
  ^bb0(%a: f32, %t: f32, %o: f32):
    %k = linalg.index 0 : index
    %w = arith.index_cast %k : index to i64
    %f = arith.sitofp %w : i64 to f32
    %0 = arith.divf %a, %t : f32
    %1 = arith.addf %0, %f : f32
    linalg.yield %1 : f32
  }
  return
}

// Attention of known sizes: 24 rows of scores, one block for each piece, and the batch
// outside of the blocks. An op that has nothing to do with it comes before.
// CHECK-LABEL: func.func @attention(
// CHECK-SAME: %[[Q:[^:]*]]: memref<6x100x16xf32>, %[[K:[^:]*]]: memref<6x80x16xf32>, %[[Y:[^:]*]]: memref<6x100x16xf32>, %[[Z:[^:]*]]: memref<8xf32>)
// CHECK-NOT: memref.alloc
// CHECK: linalg.generic
// CHECK-SAME: outs(%[[Z]]
// CHECK: scf.parallel
// CHECK-DAG: memref.alloc() {alignment = 64 : i64} : memref<24x80xf32>
// CHECK-DAG: memref.alloc() {alignment = 64 : i64} : memref<24xf32>
// CHECK: scf.for %[[B:.*]] =
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %{{.*}}
// CHECK: %[[L:.*]] = arith.minsi
// CHECK: memref.subview %[[Q]][%[[B]], %[[I]], 0] [1, %[[L]], 16] [1, 1, 1] : memref<6x100x16xf32> to memref<?x16xf32
// CHECK: memref.subview %[[K]][%[[B]], 0, 0] [1, 80, 16] [1, 1, 1] : memref<6x80x16xf32> to memref<80x16xf32
// CHECK: linalg.generic
// CHECK-SAME: ["parallel", "parallel", "reduction"]
// CHECK: linalg.generic
// CHECK-SAME: ["parallel", "reduction"]
// CHECK: linalg.generic
// CHECK-SAME: ["parallel", "parallel"]
// CHECK: memref.subview %[[Y]][%[[B]], %[[I]], 0]
// CHECK: linalg.generic
// CHECK-SAME: ["parallel", "parallel", "reduction"]
// CHECK-NOT: scf.if
// CHECK: return
#qd = affine_map<(n, i, j, d) -> (n, i, d)>
#kd = affine_map<(n, i, j, d) -> (n, j, d)>
#nij = affine_map<(n, i, j, d) -> (n, i, j)>
#v = affine_map<(n, i, d, j) -> (n, j, d)>
#p = affine_map<(n, i, d, j) -> (n, i, j)>
#out = affine_map<(n, i, d, j) -> (n, i, d)>
#s3 = affine_map<(n, i, j) -> (n, i, j)>
#s2 = affine_map<(n, i, j) -> (n, i)>
#e = affine_map<(i) -> (i)>
func.func @attention(%q: memref<6x100x16xf32>, %k: memref<6x80x16xf32>, %y: memref<6x100x16xf32>,
                     %z: memref<8xf32>) {
  %zero = arith.constant 0.0 : f32
  %s = memref.alloc() : memref<6x100x80xf32>
  %t = memref.alloc() : memref<6x100xf32>
  linalg.fill ins(%zero : f32) outs(%t : memref<6x100xf32>)
  linalg.fill ins(%zero : f32) outs(%s : memref<6x100x80xf32>)
  linalg.generic {indexing_maps = [#qd, #kd, #nij],
                  iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : memref<6x100x16xf32>, memref<6x80x16xf32>) outs(%s : memref<6x100x80xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %o, %0 : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#s3, #s2], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s : memref<6x100x80xf32>) outs(%t : memref<6x100xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %o, %a : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#e], iterator_types = ["parallel"]} outs(%z : memref<8xf32>) {
  ^bb0(%o: f32):
    linalg.yield %zero : f32
  }
  linalg.generic {indexing_maps = [#s2, #s3], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%t : memref<6x100xf32>) outs(%s : memref<6x100x80xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.divf %o, %a : f32
    linalg.yield %0 : f32
  }
  linalg.fill ins(%zero : f32) outs(%y : memref<6x100x16xf32>)
  linalg.generic {indexing_maps = [#p, #v, #out],
                  iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%s, %k : memref<6x100x80xf32>, memref<6x80x16xf32>) outs(%y : memref<6x100x16xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %o, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// A large matrix would be read for each block: the contraction stays alone.
// CHECK-LABEL: func.func @wide(
// CHECK: linalg.generic
// CHECK-SAME: memref<512x1000xf32>
// CHECK: scf.parallel
// CHECK-NOT: memref<512x1000xf32>
// CHECK: return
#xa = affine_map<(i, j, k) -> (i, k)>
#xb = affine_map<(i, j, k) -> (k, j)>
#xc = affine_map<(i, j, k) -> (i, j)>
func.func @wide(%x: memref<6400x512xf32>, %w: memref<512x1000xf32>, %y: memref<6400x1000xf32>) {
  %zero = arith.constant 0.0 : f32
  %t = memref.alloc() : memref<6400xf32>
  linalg.generic {indexing_maps = [#xa, #xb, #xc], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<6400x512xf32>, memref<512x1000xf32>) outs(%y : memref<6400x1000xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %o, %0 : f32
    linalg.yield %1 : f32
  }
  linalg.fill ins(%zero : f32) outs(%t : memref<6400xf32>)
  linalg.generic {indexing_maps = [#ij, #i], iterator_types = ["parallel", "reduction"]}
      ins(%y : memref<6400x1000xf32>) outs(%t : memref<6400xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %o, %a : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#i, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%t : memref<6400xf32>) outs(%y : memref<6400x1000xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.divf %o, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// The second op needs sums of all rows: other rows than its own.
// CHECK-LABEL: func.func @crossed(
// CHECK-NOT: scf.parallel
// CHECK: return
func.func @crossed(%x: memref<64x64xf32>, %y: memref<64x64xf32>) {
  %t = memref.alloc() : memref<64xf32>
  linalg.generic {indexing_maps = [#ij, #i], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<64x64xf32>) outs(%t : memref<64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %o, %a : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#i, #j, #ij, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%t, %t, %x : memref<64xf32>, memref<64xf32>, memref<64x64xf32>) outs(%y : memref<64x64xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %o: f32):
    %0 = arith.divf %b, %a : f32
    %1 = arith.divf %c, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// Two long rows: threads had better share them.
// CHECK-LABEL: func.func @long(
// CHECK-NOT: scf.parallel
// CHECK: return
func.func @long(%x: memref<2x8000000xf32>) {
  %t = memref.alloc() : memref<2xf32>
  linalg.generic {indexing_maps = [#ij, #i], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<2x8000000xf32>) outs(%t : memref<2xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %o, %a : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#i, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%t : memref<2xf32>) outs(%x : memref<2x8000000xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.divf %o, %a : f32
    linalg.yield %0 : f32
  }
  return
}
