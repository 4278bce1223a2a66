// RUN: mad-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(mad-vectorize-loops,canonicalize,cse))" | FileCheck %s
// RUN: mad-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(mad-vectorize-loops{level=0},canonicalize,cse))" | FileCheck %s --check-prefix=SSE

// 6 rows x 2 vectors of accumulators, the shared operand packed; 4 steps are
// written out.
// CHECK-LABEL: func @matmul
// CHECK: %[[PANEL:.*]] = memref.alloca() {alignment = 64 : i64, panel} : memref<256x16xf32>
// CHECK: vector.store %{{.*}}, %[[PANEL]]
// CHECK: scf.for {{.*}} step %c6
// CHECK-COUNT-12: vector.load
// CHECK: scf.for {{.*}} step %c4 iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
// CHECK: vector.load %[[PANEL]]
// CHECK-COUNT-48: math.fma
// CHECK: scf.yield
// CHECK-COUNT-12: vector.store
// CHECK-NOT: math.fma
// CHECK: return
// SSE-LABEL: func @matmul
// SSE-NOT: math.fma
// SSE: arith.mulf {{.*}} vector<4xf32>
func.func @matmul(%x: memref<48x64xf32>, %w: memref<64x32xf32>, %y: memref<48x32xf32>) {
  linalg.generic {indexing_maps = [affine_map<(t, m, k) -> (t, k)>, affine_map<(t, m, k) -> (k, m)>,
                                   affine_map<(t, m, k) -> (t, m)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<48x64xf32>, memref<64x32xf32>) outs(%y : memref<48x32xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b fastmath<reassoc, contract> : f32
    %r = arith.addf %o, %p fastmath<reassoc, contract> : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Few rows: a few steps of the reduction for all of the row, then the next ones.
// CHECK-LABEL: func @one_row
// CHECK: scf.for %[[K:.*]] = %c0 to %c4096 step %c8
// CHECK-COUNT-8: memref.load
// CHECK: scf.for {{.*}} step %c32
// CHECK-NOT: scf.for
// CHECK-COUNT-32: math.fma
#t = affine_map<(m, k) -> (k)>
#w = affine_map<(m, k) -> (k, m)>
#y = affine_map<(m, k) -> (m)>
func.func @one_row(%x: memref<4096xf32>, %w: memref<4096x4096xf32>, %y: memref<4096xf32>) {
  linalg.generic {indexing_maps = [#t, #w, #y], iterator_types = ["parallel", "reduction"]}
      ins(%x, %w : memref<4096xf32>, memref<4096x4096xf32>) outs(%y : memref<4096xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b fastmath<contract> : f32
    %r = arith.addf %o, %p fastmath<contract> : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Both operands run along the reduction: partial results in the lanes.
// CHECK-LABEL: func @dot
// CHECK-COUNT-4: math.fma {{.*}} vector<8xf32>
// CHECK: vector.maskedload
// CHECK: vector.shuffle
// CHECK: memref.store
#id = affine_map<(k) -> (k)>
func.func @dot(%x: memref<?xf32>, %w: memref<?xf32>, %y: memref<f32>) {
  linalg.generic {indexing_maps = [#id, #id, affine_map<(k) -> ()>],
                  iterator_types = ["reduction"]}
      ins(%x, %w : memref<?xf32>, memref<?xf32>) outs(%y : memref<f32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b fastmath<reassoc, contract> : f32
    %r = arith.addf %o, %p fastmath<reassoc, contract> : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Without leave to reorder the sum stays a loop over scalars.
// CHECK-LABEL: func @ordered
// CHECK: linalg.generic
func.func @ordered(%x: memref<?xf32>, %y: memref<f32>) {
  linalg.generic {indexing_maps = [affine_map<(k) -> (k)>, affine_map<(k) -> ()>],
                  iterator_types = ["reduction"]}
      ins(%x : memref<?xf32>) outs(%y : memref<f32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %o, %a : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// A maximum needs no leave; it starts from -inf. One of numbers is a comparison and a
// selection; whether there was a NaN is kept apart, looked at for two vectors at once.
// CHECK-LABEL: func @row_max
// CHECK: dense<0xFF800000> : vector<8xf32>
// CHECK: scf.for %[[I:.*]] = %c0
// CHECK: scf.for {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xi32>) {
// CHECK-COUNT-2: arith.cmpf olt
// CHECK: %[[NAN:.*]] = arith.cmpf uno
// CHECK: arith.select %[[NAN]], {{.*}} : vector<8xi1>, vector<8xi32>
// CHECK-COUNT-2: arith.cmpf olt
// CHECK: arith.cmpf uno
// CHECK: scf.yield
// CHECK: %[[ANY:.*]] = vector.reduction <or>
// CHECK: arith.select %[[ANY]], %{{.*}}, %{{.*}} : f32
// CHECK: memref.store %{{.*}}[%[[I]]]
func.func @row_max(%x: memref<?x?xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.maximumf %o, %a fastmath<contract> : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// In strict code -0 is less than 0, which a comparison does not tell.
// CHECK-LABEL: func @row_max_strict
// CHECK: scf.for {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// CHECK-NOT: arith.cmpf
// CHECK: arith.maximumf {{.*}} : vector<8xf32>
// CHECK-NOT: arith.cmpf
// CHECK: memref.store
func.func @row_max_strict(%x: memref<?x?xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.maximumf %o, %a : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Along the output, the order of the sum does not matter.
// CHECK-LABEL: func @column_sum
// CHECK: arith.addf {{.*}} vector<8xf32>
// CHECK: vector.store
// CHECK-NOT: linalg
func.func @column_sum(%x: memref<?x?xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>],
                  iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %o, %a : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Output channels are the rows of the tile, the image row its vectors; the window's
// row is written out.
// CHECK-LABEL: func @convolution
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<8xf32>, {{.*}})
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-36: math.fma
// CHECK: scf.yield
#x = affine_map<(c, y, x, i, v, u) -> (i, y + v, x + u)>
#w = affine_map<(c, y, x, i, v, u) -> (c, i, v, u)>
#y = affine_map<(c, y, x, i, v, u) -> (c, y, x)>
func.func @convolution(%x: memref<8x18x18xf32>, %w: memref<12x8x3x3xf32>, %y: memref<12x16x16xf32>) {
  linalg.generic {indexing_maps = [#x, #w, #y],
                  iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction",
                                    "reduction"]}
      ins(%x, %w : memref<8x18x18xf32>, memref<12x8x3x3xf32>) outs(%y : memref<12x16x16xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b fastmath<reassoc, contract> : f32
    %r = arith.addf %o, %p fastmath<reassoc, contract> : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// A fill before a reduction is the start of its accumulators.
// CHECK-LABEL: func @filled
// CHECK-SAME: %[[X:.*]]: memref<16x32xf32>, %[[Y:.*]]: memref<32xf32>
// CHECK-NOT: vector.load %[[Y]]
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[ZERO:.*]], %{{.*}} = %[[ZERO]],
// CHECK-NOT: vector.load %[[Y]]
// CHECK: vector.store {{.*}}, %[[Y]]
func.func @filled(%x: memref<16x32xf32>, %y: memref<32xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<32xf32>)
  linalg.generic {indexing_maps = [affine_map<(j, i) -> (i, j)>, affine_map<(j, i) -> (j)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<16x32xf32>) outs(%y : memref<32xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %o, %a : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Of an unknown number of steps, in blocks, there may be none: the fill stays.
// CHECK-LABEL: func @filled_unknown
// CHECK: vector.store
// CHECK: scf.for
func.func @filled_unknown(%x: memref<?x32xf32>, %y: memref<32xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<32xf32>)
  linalg.generic {indexing_maps = [affine_map<(j, i) -> (i, j)>, affine_map<(j, i) -> (j)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x32xf32>) outs(%y : memref<32xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %o, %a : f32
    linalg.yield %r : f32
  }
  return
}
