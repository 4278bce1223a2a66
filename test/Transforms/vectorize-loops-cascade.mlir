// RUN: mad-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(mad-vectorize-loops,canonicalize,cse))" | FileCheck %s

// Long sums: the accumulators of a block, of its blocks, and of blocks of those. Each starts
// from -0, which adds nothing; the innermost loop is the one that a short sum has.

// 1e6 numbers: 31250 steps of 4 x 8 are 123 blocks of 256.
// CHECK-LABEL: func @known
// CHECK-DAG: %[[NONE:.*]] = arith.constant dense<-0.000000e+00> : vector<8xf32>
// CHECK-DAG: %[[BLOCK:.*]] = arith.constant 8192 : index
// CHECK: scf.for %[[B:.*]] = %c0 to %c1000000 step %[[BLOCK]] iter_args(%[[T:.*]] = %[[NONE]], %{{.*}} = %[[NONE]], %{{.*}} = %[[NONE]], %{{.*}} = %[[NONE]])
// CHECK: llvm.inline_asm
// CHECK: %[[R:.*]]:4 = scf.for {{.*}} step %c32 iter_args(%{{.*}} = %[[NONE]], %{{.*}} = %[[NONE]], %{{.*}} = %[[NONE]], %{{.*}} = %[[NONE]])
// CHECK-COUNT-4: arith.addf {{.*}} vector<8xf32>
// CHECK: scf.yield
// CHECK: arith.addf %[[T]], %[[R]]#0 : vector<8xf32>
// CHECK-COUNT-3: arith.addf {{.*}} vector<8xf32>
// CHECK: scf.yield
// CHECK-NOT: scf.if
// CHECK: vector.shuffle
#id = affine_map<(k) -> (k)>
#one = affine_map<(k) -> ()>
func.func @known(%x: memref<1000000xf32>, %y: memref<f32>) {
  linalg.generic {indexing_maps = [#id, #one], iterator_types = ["reduction"]}
      ins(%x : memref<1000000xf32>) outs(%y : memref<f32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %o, %a fastmath<reassoc> : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// One block: a loop.
// CHECK-LABEL: func @short
// CHECK: scf.for {{.*}} = %c0 to %c8192 step %c32
// CHECK-NOT: scf.for
// CHECK: return
#id = affine_map<(k) -> (k)>
#one = affine_map<(k) -> ()>
func.func @short(%x: memref<8192xf32>, %y: memref<f32>) {
  linalg.generic {indexing_maps = [#id, #one], iterator_types = ["reduction"]}
      ins(%x : memref<8192xf32>) outs(%y : memref<f32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %o, %a fastmath<reassoc> : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Of unknown length: three loops where it is long, else the one that it was.
// CHECK-LABEL: func @unknown
// CHECK-DAG: %[[BLOCK:.*]] = arith.constant 8192 : index
// CHECK-DAG: %[[BLOCKS:.*]] = arith.constant 2097152 : index
// CHECK: %[[LONG:.*]] = arith.cmpi ugt, %{{.*}}, %[[BLOCK]] : index
// CHECK: %[[EXPECTED:.*]] = llvm.intr.expect %[[LONG]], %false : i1
// CHECK: scf.if %[[EXPECTED]]
// CHECK: scf.for {{.*}} step %[[BLOCKS]]
// CHECK: scf.for {{.*}} step %[[BLOCK]]
// CHECK: scf.for {{.*}} step %c32
// CHECK: } else {
// CHECK: scf.for {{.*}} step %c32
#id = affine_map<(k) -> (k)>
#one = affine_map<(k) -> ()>
func.func @unknown(%x: memref<?xf32>, %w: memref<?xf32>, %y: memref<f32>) {
  linalg.generic {indexing_maps = [#id, #id, #one], iterator_types = ["reduction"]}
      ins(%x, %w : memref<?xf32>, memref<?xf32>) outs(%y : memref<f32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b fastmath<reassoc, contract> : f32
    %r = arith.addf %o, %p fastmath<reassoc, contract> : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// A maximum loses nothing, and sums of integers neither.
// CHECK-LABEL: func @exact
// CHECK-NOT: scf.if
// CHECK: scf.for {{.*}} step %c32
// CHECK-NOT: llvm.inline_asm
// CHECK: return
#id = affine_map<(k) -> (k)>
#one = affine_map<(k) -> ()>
func.func @exact(%x: memref<?xf32>, %i: memref<?xi32>, %y: memref<f32>, %z: memref<i32>) {
  linalg.generic {indexing_maps = [#id, #id, #one, #one], iterator_types = ["reduction"]}
      ins(%x, %i : memref<?xf32>, memref<?xi32>) outs(%y, %z : memref<f32>, memref<i32>) {
  ^bb0(%a: f32, %b: i32, %o: f32, %p: i32):
    %r = arith.maximumf %o, %a : f32
    %s = arith.addi %p, %b : i32
    linalg.yield %r, %s : f32, i32
  }
  return
}

// -----

// A reduction around another one: an iteration of the outer one adds 21 steps, so that 12 of
// them are a block.
// CHECK-LABEL: func @two
// CHECK: scf.for {{.*}} = %c0 to %c4000 step %c3072
// CHECK: scf.for {{.*}} step %c12
// CHECK: scf.for {{.*}} step %c1
// CHECK: scf.for {{.*}} = %c0 to %c640 step %c32
func.func @two(%x: memref<4000x640xf32, strided<[1000, 1]>>, %w: memref<640xf32>, %y: memref<f32>) {
  linalg.generic {indexing_maps = [affine_map<(i, k) -> (i, k)>, affine_map<(i, k) -> (k)>, affine_map<(i, k) -> ()>],
                  iterator_types = ["reduction", "reduction"]}
      ins(%x, %w : memref<4000x640xf32, strided<[1000, 1]>>, memref<640xf32>) outs(%y : memref<f32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b fastmath<reassoc, contract> : f32
    %r = arith.addf %o, %p fastmath<reassoc, contract> : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Lanes across elements: the same, in the registers of a strip.
// CHECK-LABEL: func @few_columns
// CHECK-DAG: %[[NONE:.*]] = arith.constant dense<-0.000000e+00> : vector<8xf32>
// CHECK: scf.for {{.*}} = %c0 to %c100000 step %c65536 iter_args
// CHECK: scf.for {{.*}} step %c256 iter_args({{.*}} = %[[NONE]]
// CHECK: scf.for {{.*}} step %c1 iter_args({{.*}} = %[[NONE]]
#in = affine_map<(k, n) -> (k, n)>
#out = affine_map<(k, n) -> (n)>
func.func @few_columns(%x: memref<100000x16xf32>, %y: memref<16xf32>) {
  linalg.generic {indexing_maps = [#in, #out], iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<100000x16xf32>) outs(%y : memref<16xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %o, %a fastmath<reassoc> : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// The order must stay: one loop.
// CHECK-LABEL: func @in_order
// CHECK: scf.for {{.*}} = %c0 to %c100000 step %c1 iter_args
// CHECK-NOT: scf.for
// CHECK: return
#in = affine_map<(k, n) -> (k, n)>
#out = affine_map<(k, n) -> (n)>
func.func @in_order(%x: memref<100000x8xf32>, %y: memref<8xf32>) {
  linalg.generic {indexing_maps = [#in, #out], iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<100000x8xf32>) outs(%y : memref<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %o, %a : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Streams add to the output; every 1024 steps it goes to the totals and starts again. A
// part of the output is as large as they are.
// CHECK-LABEL: func @streams
// CHECK-DAG: %[[NONE:.*]] = arith.constant dense<-0.000000e+00> : vector<8xf32>
// CHECK: %[[TOTALS:.*]] = memref.alloca() {alignment = 64 : i64, totals} : memref<8192xf32>
// CHECK: scf.for %[[C:.*]] = %c0 to %c20000 step %c8192
// CHECK: scf.for %[[K:.*]] = %c0 to %c50000 step %c1024
// CHECK: scf.for {{.*}} = %[[K]] to %{{.*}} step %c8
// CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[K]], %c0
// CHECK: %[[LAST:.*]] = arith.cmpi eq, %{{.*}}, %c50000
// CHECK: scf.for
// CHECK: %[[PART:.*]] = vector.load
// CHECK: %[[TOTAL:.*]] = vector.load %[[TOTALS]]
// CHECK: %[[SUM:.*]] = arith.addf %[[TOTAL]], %[[PART]]
// CHECK: %[[NEXT:.*]] = arith.select %[[FIRST]], %[[PART]], %[[SUM]]
// CHECK: vector.store %[[NEXT]], %[[TOTALS]]
// CHECK: %[[OUT:.*]] = arith.select %[[LAST]], %[[NEXT]], %[[NONE]]
// CHECK: vector.store %[[OUT]]
#in = affine_map<(k, n) -> (k, n)>
#out = affine_map<(k, n) -> (n)>
func.func @streams(%x: memref<50000x20000xf32>, %y: memref<20000xf32>) {
  linalg.generic {indexing_maps = [#in, #out], iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<50000x20000xf32>) outs(%y : memref<20000xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %o, %a fastmath<reassoc> : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// A strip of panels goes through the whole reduction: blocks of 1024 steps, packed 256 at a
// time, add to the output, and that to the totals of its rows.
// CHECK-LABEL: func @panels
// CHECK-DAG: %[[NONE:.*]] = arith.constant dense<-0.000000e+00> : vector<8xf32>
// CHECK: %[[PANEL:.*]] = memref.alloca() {alignment = 64 : i64, panel}
// CHECK: %[[TOTALS:.*]] = memref.alloca() {alignment = 64 : i64, totals} : memref<8192xf32>
// CHECK: scf.for %[[R:.*]] = %c0 to %c480 step %c126
// CHECK: scf.for %{{.*}} = %c0 to %c320 step %c16
// CHECK: scf.for %[[K:.*]] = %c0 to %c5000 step %c1024
// CHECK: scf.for {{.*}} = %[[K]] to %{{.*}} step %c256
// CHECK: vector.store {{.*}}, %[[PANEL]]
// CHECK: math.fma
// CHECK: arith.cmpi eq, %[[K]], %c0
// CHECK: scf.for {{.*}} = %[[R]] to
// CHECK-COUNT-2: vector.store {{.*}}, %[[TOTALS]]
func.func @panels(%x: memref<480x5000xf32>, %w: memref<5000x320xf32>, %y: memref<480x320xf32>) {
  linalg.generic {indexing_maps = [affine_map<(t, m, k) -> (t, k)>, affine_map<(t, m, k) -> (k, m)>,
                                   affine_map<(t, m, k) -> (t, m)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<480x5000xf32>, memref<5000x320xf32>) outs(%y : memref<480x320xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b fastmath<reassoc, contract> : f32
    %r = arith.addf %o, %p fastmath<reassoc, contract> : f32
    linalg.yield %r : f32
  }
  return
}
