// RUN: mad-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(mad-vectorize-loops,canonicalize,cse))" | FileCheck %s
// RUN: mad-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(mad-vectorize-loops{level=0},canonicalize,cse))" | FileCheck %s --check-prefix=SSE
// RUN: mad-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(mad-vectorize-loops{level=4},canonicalize,cse))" | FileCheck %s --check-prefix=AVX512

// All dimensions are one; four vectors at a time, then one, then scalars.
// CHECK-LABEL: func @collapse
// CHECK: %[[X:.*]] = memref.collapse_shape %{{.*}} {{\[}}[0, 1]]
// CHECK: scf.for {{.*}} step %c32
// CHECK-COUNT-4: vector.load {{.*}} vector<8xf32>
// CHECK-COUNT-4: vector.store
// CHECK: scf.for {{.*}} step %c8
// CHECK: vector.load
// CHECK: vector.store
// CHECK: scf.for {{.*}} step %c1
// CHECK: memref.load
// CHECK: memref.store
// CHECK-NOT: linalg.generic
// SSE-LABEL: func @collapse
// SSE: vector.load {{.*}} vector<4xf32>
// AVX512-LABEL: func @collapse
// AVX512: vector.load {{.*}} vector<16xf32>
// AVX512: vector.maskedload
#id = affine_map<(i, j) -> (i, j)>
func.func @collapse(%x: memref<?x?xf32>, %y: memref<?x?xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// A static size that needs no rest has none.
// CHECK-LABEL: func @static
// CHECK: scf.for %{{.*}} = %c0 to %c64 step %c32
// CHECK-NOT: scf.for
// CHECK: return
#id = affine_map<(i) -> (i)>
func.func @static(%x: memref<64xf32>, %y: memref<64xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : memref<64xf32>) outs(%y : memref<64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// What does not vary along the vectors is computed once for them.
// CHECK-LABEL: func @broadcast
// CHECK: scf.for %[[I:.*]] = %c0
// CHECK: %[[S:.*]] = memref.load %{{.*}}[%[[I]]]
// CHECK: %[[ROOT:.*]] = math.sqrt %[[S]] : f32
// CHECK: scf.for %[[J:.*]] = %c0
// CHECK: vector.load %{{.*}}[%[[I]], %[[J]]]
// CHECK: vector.broadcast %[[ROOT]]
// CHECK: vector.load %{{.*}}[%[[J]]]
#id = affine_map<(i, j) -> (i, j)>
func.func @broadcast(%x: memref<?x?xf32>, %s: memref<?xf32>, %b: memref<?xf32>,
                     %y: memref<?x?xf32>) {
  linalg.generic {indexing_maps = [#id, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (j)>, #id],
                  iterator_types = ["parallel", "parallel"]}
      ins(%x, %s, %b : memref<?x?xf32>, memref<?xf32>, memref<?xf32>) outs(%y : memref<?x?xf32>) {
  ^bb0(%a: f32, %c: f32, %d: f32, %o: f32):
    %q = math.sqrt %c : f32
    %p = arith.divf %a, %q : f32
    %r = arith.addf %p, %d : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Lanes that are apart in memory are read one by one.
// CHECK-LABEL: func @strided
// CHECK-COUNT-8: memref.load
// CHECK: vector.from_elements
// CHECK: vector.store
func.func @strided(%x: memref<?xf32, strided<[3], offset: ?>>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                  iterator_types = ["parallel"]}
      ins(%x : memref<?xf32, strided<[3], offset: ?>>) outs(%y : memref<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

// Blocks of 8 x 8 go through registers.
// CHECK-LABEL: func @transpose
// CHECK-COUNT-8: vector.load
// CHECK-COUNT-24: vector.shuffle
// CHECK-COUNT-8: vector.load
// CHECK-COUNT-24: vector.shuffle
// CHECK-COUNT-16: vector.store
func.func @transpose(%x: memref<?x?xf32>, %y: memref<?x?xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

// CHECK-LABEL: func @reversed
// CHECK: %[[V:.*]] = vector.load
// CHECK: vector.shuffle %[[V]], %[[V]] [7, 6, 5, 4, 3, 2, 1, 0]
func.func @reversed(%x: memref<?xf32>, %last: index, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      outs(%y : memref<?xf32>) {
  ^bb0(%o: f32):
    %i = linalg.index 0 : index
    %j = arith.subi %last, %i : index
    %a = memref.load %x[%j] : memref<?xf32>
    linalg.yield %a : f32
  }
  return
}

// -----

// Inside, a stencil has no conditions: bounds, scalars before, vectors, scalars.
// CHECK-LABEL: func @stencil
// CHECK: arith.maxsi
// CHECK: scf.for
// CHECK: arith.remsi
// CHECK: scf.for
// CHECK-NOT: arith.remsi
// CHECK: vector.load
// CHECK-NOT: arith.remsi
// CHECK: vector.store
// CHECK: scf.for
// CHECK: arith.remsi
func.func @stencil(%n: index, %x: memref<?xf32>, %y: memref<?xf32>) {
  %zero = arith.constant 0 : index
  %minus = arith.constant -1 : index
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      outs(%y : memref<?xf32>) {
  ^bb0(%o: f32):
    %i = linalg.index 0 : index
    %p = arith.addi %i, %minus : index
    %r = arith.remsi %p, %n : index
    %u = arith.addi %r, %n : index
    %c = arith.cmpi slt, %r, %zero : index
    %q = arith.select %c, %u, %r : index
    %a = memref.load %x[%q] : memref<?xf32>
    linalg.yield %a : f32
  }
  return
}

// -----

// The widest type fills the register; bytes are loaded as 4 lanes.
// CHECK-LABEL: func @mixed
// CHECK: vector.load {{.*}} vector<4xi8>
// CHECK: arith.sitofp {{.*}} vector<4xi8> to vector<4xf64>
// CHECK: vector.store {{.*}} vector<4xf64>
func.func @mixed(%x: memref<?xi8>, %y: memref<?xf64>) {
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                  iterator_types = ["parallel"]}
      ins(%x : memref<?xi8>) outs(%y : memref<?xf64>) {
  ^bb0(%a: i8, %o: f64):
    %r = arith.sitofp %a : i8 to f64
    linalg.yield %r : f64
  }
  return
}

// -----

// CHECK-LABEL: func @scalar
// CHECK: memref.load %{{.*}}[] : memref<f32>
// CHECK: memref.store
// CHECK-NOT: linalg
func.func @scalar(%x: memref<f32>, %y: memref<f32>) {
  linalg.generic {indexing_maps = [affine_map<() -> ()>, affine_map<() -> ()>],
                  iterator_types = []}
      ins(%x : memref<f32>) outs(%y : memref<f32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// CHECK-LABEL: func @fill
// CHECK: vector.store {{.*}} vector<8xf32>
// CHECK-LABEL: func @copy
// CHECK: vector.load {{.*}} vector<8xf32>
// CHECK: vector.store {{.*}} vector<8xf32>
func.func @fill(%x: memref<?xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%x : memref<?xf32>)
  return
}
func.func @copy(%x: memref<?x?xf32, strided<[?, 1], offset: ?>>, %y: memref<?x?xf32>) {
  memref.copy %x, %y : memref<?x?xf32, strided<[?, 1], offset: ?>> to memref<?x?xf32>
  return
}

// -----

// A loop in the body, or vectors of bits: left for scalar loops.
// CHECK-LABEL: func @left
// CHECK-COUNT-2: linalg.generic
func.func @left(%x: memref<?xi64>, %y: memref<?xi64>, %b: memref<?xi1>) {
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                  iterator_types = ["parallel"]}
      ins(%x : memref<?xi64>) outs(%y : memref<?xi64>) {
  ^bb0(%a: i64, %o: i64):
    %zero = arith.constant 0 : i64
    %c = arith.cmpi slt, %a, %zero : i64
    %r = scf.if %c -> i64 {
      scf.yield %zero : i64
    } else {
      scf.yield %a : i64
    }
    linalg.yield %r : i64
  }
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      outs(%b : memref<?xi1>) {
  ^bb0(%o: i1):
    %true = arith.constant true
    linalg.yield %true : i1
  }
  return
}

// -----

// A part of one row, of any size: as one dimension it would have no known stride.
// CHECK-LABEL: func @part_of_row
// CHECK: vector.load {{.*}} strided<[3584, 1], offset: ?>>, vector<8xf32>
// CHECK: math.exp {{.*}} : vector<8xf32>
#both = affine_map<(i, j) -> (i, j)>
func.func @part_of_row(%x: memref<1x?xf32, strided<[3584, 1], offset: ?>>, %y: memref<1x?xf32>) {
  linalg.generic {indexing_maps = [#both, #both], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<1x?xf32, strided<[3584, 1], offset: ?>>) outs(%y : memref<1x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = math.exp %a : f32
    linalg.yield %r : f32
  }
  return
}
