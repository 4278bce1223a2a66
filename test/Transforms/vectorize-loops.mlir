// Loops over vectors: elementwise, with tails, tiles of products, sums; and what
// is left alone.
//
// RUN: mad-opt %s --mad-vectorize-loops --canonicalize --cse | FileCheck %s
// RUN: mad-opt %s --mad-vectorize-loops=level=4 | FileCheck %s --check-prefix=WIDE
// RUN: mad-opt %s --mad-vectorize-loops=level=0 | FileCheck %s --check-prefix=SHORT

#id = affine_map<(d0) -> (d0)>
#none = affine_map<(d0) -> ()>
#both = affine_map<(d0, d1) -> (d0, d1)>
#rows = affine_map<(d0, d1) -> (d0)>
#left = affine_map<(d0, d1, d2) -> (d0, d2)>
#right = affine_map<(d0, d1, d2) -> (d2, d1)>
#out = affine_map<(d0, d1, d2) -> (d0, d1)>

// CHECK-LABEL: func.func @contiguous(
// CHECK-SAME: %[[X:[^:]*]]: memref<64xf32>, %[[Y:[^:]*]]: memref<64xf32>, %[[Z:[^:]*]]: memref<64xf32>)
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C64:.*]] = arith.constant 64 : index
// CHECK: scf.for %[[I:.*]] = %[[C0]] to %[[C64]] step %{{.*}} {
// CHECK: %[[A:.*]] = vector.load %[[X]][%[[I]]] : memref<64xf32>, vector<8xf32>
// CHECK: %[[B:.*]] = vector.load %[[Y]][%[[I]]] : memref<64xf32>, vector<8xf32>
// CHECK: %[[S:.*]] = arith.addf %[[A]], %[[B]] : vector<8xf32>
// CHECK: vector.store %[[S]], %[[Z]][%[[I]]] : memref<64xf32>, vector<8xf32>
// 64 is a multiple: no other loop, no mask.
// CHECK-NOT: scf.for
// CHECK-NOT: mask
// CHECK-NOT: linalg.generic
// CHECK: return
// WIDE-LABEL: func.func @contiguous(
// WIDE: arith.addf {{.*}} : vector<16xf32>
// SHORT-LABEL: func.func @contiguous(
// SHORT: arith.addf {{.*}} : vector<4xf32>
func.func @contiguous(%x: memref<64xf32>, %y: memref<64xf32>, %z: memref<64xf32>) {
  linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]} ins(%x, %y : memref<64xf32>, memref<64xf32>) outs(%z : memref<64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  }
  return
}

// What is the same for a row is read once, before the loop along the row.
// CHECK-LABEL: func.func @broadcast(
// CHECK-SAME: %[[X:[^:]*]]: memref<4x64xf32>, %[[Y:[^:]*]]: memref<4xf32>, %[[Z:[^:]*]]: memref<4x64xf32>)
// CHECK: scf.for %[[I:.*]] =
// CHECK: %[[F:.*]] = memref.load %[[Y]][%[[I]]] : memref<4xf32>
// CHECK: scf.for %[[J:.*]] =
// CHECK-DAG: %[[A:.*]] = vector.load %[[X]][%[[I]], %[[J]]] : memref<4x64xf32>, vector<8xf32>
// CHECK-DAG: %[[B:.*]] = vector.broadcast %[[F]] : f32 to vector<8xf32>
// CHECK: %[[P:.*]] = arith.mulf %[[A]], %[[B]] : vector<8xf32>
// CHECK: vector.store %[[P]], %[[Z]][%[[I]], %[[J]]]
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @broadcast(%x: memref<4x64xf32>, %y: memref<4xf32>, %z: memref<4x64xf32>) {
  linalg.generic {indexing_maps = [#both, #rows, #both], iterator_types = ["parallel", "parallel"]} ins(%x, %y : memref<4x64xf32>, memref<4xf32>) outs(%z : memref<4x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    linalg.yield %p : f32
  }
  return
}

// Several vectors a step, then one, then single elements.
// CHECK-LABEL: func.func @tail(
// CHECK-SAME: %[[X:[^:]*]]: memref<?xf32>, %[[Y:[^:]*]]: memref<?xf32>)
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C8:.*]] = arith.constant 8 : index
// CHECK: %[[N:.*]] = memref.dim %[[X]], %[[C0]]
// CHECK: scf.for %{{.*}} = %[[C0]] to %[[MAIN:.*]] step
// CHECK-COUNT-2: vector.store
// CHECK: scf.for %[[I:.*]] = %[[MAIN]] to %[[END:.*]] step %[[C8]] {
// CHECK: %[[V:.*]] = vector.load %[[X]][%[[I]]]
// CHECK: %[[W:.*]] = arith.negf %[[V]] : vector<8xf32>
// CHECK: vector.store %[[W]], %[[Y]][%[[I]]]
// CHECK: scf.for %[[J:.*]] = %[[END]] to %[[N]] step %[[C1]] {
// CHECK: %[[A:.*]] = memref.load %[[X]][%[[J]]]
// CHECK: %[[B:.*]] = arith.negf %[[A]] : f32
// CHECK: memref.store %[[B]], %[[Y]][%[[J]]]
// CHECK: return
func.func @tail(%x: memref<?xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : memref<?xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.negf %a : f32
    linalg.yield %n : f32
  }
  return
}

// A tile of the result is in registers while the sums grow: each vector of y
// serves several rows, each element of x several vectors.
// CHECK-LABEL: func.func @matmul(
// CHECK-SAME: %[[X:[^:]*]]: memref<8x32xf32>, %[[Y:[^:]*]]: memref<32x32xf32>, %[[Z:[^:]*]]: memref<8x32xf32>)
// The columns of y are copied to where they are next to each other.
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C8:.*]] = arith.constant 8 : index
// CHECK-DAG: %[[PANEL:.*]] = memref.alloca() {{.*}} : memref<{{[0-9]+}}x16xf32>
// CHECK: scf.for %[[J:.*]] =
// CHECK-NEXT: scf.for %[[R:.*]] =
// CHECK: %[[PART:.*]] = vector.load %[[Y]][%[[R]], %[[J]]]
// CHECK: vector.store %[[PART]], %[[PANEL]][%[[R]], %[[C0]]]
// CHECK: %[[PART1:.*]] = vector.load %[[Y]][%[[R]], %{{.*}}]
// CHECK: vector.store %[[PART1]], %[[PANEL]][%[[R]], %[[C8]]]
// CHECK: %[[Z0:.*]] = vector.load %[[Z]][%[[I:.*]], %[[J]]] : memref<8x32xf32>, vector<8xf32>
// CHECK: %[[Z1:.*]] = vector.load %[[Z]][%[[I]], %[[J1:.*]]] : memref<8x32xf32>, vector<8xf32>
// CHECK: %[[Z2:.*]] = vector.load %[[Z]][%[[I1:.*]], %[[J]]] : memref<8x32xf32>, vector<8xf32>
// CHECK: %[[SUMS:.*]]:{{[0-9]+}} = scf.for %[[K:.*]] = %{{.*}} iter_args(%[[S0:[^ ,]*]] = %[[Z0]], %[[S1:[^ ,]*]] = %[[Z1]], %[[S2:[^ ]*]] = %[[Z2]]
// CHECK: %[[A:.*]] = memref.load %[[X]][%[[I]], %[[K]]]
// CHECK: %[[B:.*]] = vector.load %[[PANEL]][%[[K]], %[[C0]]]
// CHECK: %[[AA:.*]] = vector.broadcast %[[A]] : f32 to vector<8xf32>
// CHECK: math.fma %[[AA]], %[[B]], %[[S0]] : vector<8xf32>
// CHECK: %[[B1:.*]] = vector.load %[[PANEL]][%[[K]], %[[C8]]]
// CHECK: math.fma %[[AA]], %[[B1]], %[[S1]] : vector<8xf32>
// CHECK: %[[A1:.*]] = memref.load %[[X]][%[[I1]], %[[K]]]
// CHECK: %[[AA1:.*]] = vector.broadcast %[[A1]]
// CHECK: math.fma %[[AA1]], %[[B]], %[[S2]] : vector<8xf32>
// CHECK: scf.yield
// CHECK: vector.store %[[SUMS]]#0, %[[Z]][%[[I]], %[[J]]]
// CHECK: vector.store %[[SUMS]]#1, %[[Z]][%[[I]], %[[J1]]]
// CHECK: vector.store %[[SUMS]]#2, %[[Z]][%[[I1]], %[[J]]]
// CHECK: return
// Without an instruction for it nothing is fused.
// SHORT-LABEL: func.func @matmul(
// SHORT-NOT: math.fma
// SHORT: arith.mulf {{.*}} : vector<4xf32>
// SHORT: return
func.func @matmul(%x: memref<8x32xf32>, %y: memref<32x32xf32>, %z: memref<8x32xf32>) {
  linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %y : memref<8x32xf32>, memref<32x32xf32>) outs(%z : memref<8x32xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b fastmath<reassoc,contract> : f32
    %s = arith.addf %o, %p fastmath<reassoc,contract> : f32
    linalg.yield %s : f32
  }
  return
}

// Several sums along the row, halved to one number at its end.
// CHECK-LABEL: func.func @row_sum(
// CHECK-SAME: %[[X:[^:]*]]: memref<4x64xf32>, %[[Z:[^:]*]]: memref<4xf32>)
// CHECK: %[[ZERO:.*]] = arith.constant dense<-0.000000e+00> : vector<8xf32>
// CHECK: scf.for %[[I:.*]] =
// CHECK: %[[OLD:.*]] = memref.load %[[Z]][%[[I]]]
// CHECK: %[[SUMS:.*]]:4 = scf.for %[[J:.*]] = {{.*}} iter_args(%[[S0:[^ ,]*]] = %[[ZERO]], %[[S1:[^ ,]*]] = %[[ZERO]],
// CHECK: %[[A:.*]] = vector.load %[[X]][%[[I]], %[[J]]] : memref<4x64xf32>, vector<8xf32>
// CHECK: arith.addf %[[S0]], %[[A]] : vector<8xf32>
// CHECK: %[[B:.*]] = vector.load %[[X]][%[[I]], %{{.*}}]
// CHECK: arith.addf %[[S1]], %[[B]] : vector<8xf32>
// CHECK: scf.yield
// CHECK: arith.addf %[[SUMS]]#0, %[[SUMS]]#1 : vector<8xf32>
// CHECK: arith.addf %[[SUMS]]#2, %[[SUMS]]#3 : vector<8xf32>
// CHECK: %[[ALL:.*]] = arith.addf %{{.*}}, %{{.*}} : vector<8xf32>
// CHECK: vector.shuffle %[[ALL]], %[[ALL]] [0, 1, 2, 3]
// CHECK: vector.shuffle %[[ALL]], %[[ALL]] [4, 5, 6, 7]
// CHECK: %[[PAIR:.*]] = arith.addf %{{.*}}, %{{.*}} : vector<2xf32>
// CHECK: %[[P0:.*]] = vector.extract %[[PAIR]][0]
// CHECK: %[[P1:.*]] = vector.extract %[[PAIR]][1]
// CHECK: %[[P:.*]] = arith.addf %[[P0]], %[[P1]] : f32
// CHECK: %[[SUM:.*]] = arith.addf %[[OLD]], %[[P]] : f32
// CHECK: memref.store %[[SUM]], %[[Z]][%[[I]]]
// CHECK: return
func.func @row_sum(%x: memref<4x64xf32>, %z: memref<4xf32>) {
  linalg.generic {indexing_maps = [#both, #rows], iterator_types = ["parallel", "reduction"]} ins(%x : memref<4x64xf32>) outs(%z : memref<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a fastmath<reassoc> : f32
    linalg.yield %s : f32
  }
  return
}

// Without `reassoc` the order of a sum is kept, so that no vector is possible.
// CHECK-LABEL: func.func @ordered_sum(
// CHECK-NOT: vector
// CHECK: linalg.generic
// CHECK: arith.addf %{{.*}}, %{{.*}} : f32
// CHECK-NOT: vector
// CHECK: return
func.func @ordered_sum(%x: memref<64xf32>, %z: memref<f32>) {
  linalg.generic {indexing_maps = [#id, #none], iterator_types = ["reduction"]} ins(%x : memref<64xf32>) outs(%z : memref<f32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  }
  return
}
