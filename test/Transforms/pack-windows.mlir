// RUN: mad-opt %s -mad-pack-windows -split-input-file | FileCheck %s

#x = affine_map<(b, o, i, j, c, d, e) -> (b, c, i + d, j + e)>
#w = affine_map<(b, o, i, j, c, d, e) -> (o, c, d, e)>
#y = affine_map<(b, o, i, j, c, d, e) -> (b, o, i, j)>
#row = affine_map<(b, o, i, j) -> (o)>
#all = affine_map<(b, o, i, j) -> (b, o, i, j)>

// The op behind the product goes with it and is not looked at again (lit.local.cfg).
// Rows once; then windows, products and what follows, a few panels at a time.
// CHECK-LABEL: func @convolution
// CHECK-NOT: linalg.fill
// CHECK: scf.parallel
// CHECK: call @pack_rows.f32.f32
// CHECK: scf.parallel
// CHECK: memref.alloc
// CHECK: scf.for
// CHECK: call @pack_windows.f32.f32.4.one
// CHECK: call @multiply_panels.f32.f32(
// CHECK: linalg.generic
// CHECK: arith.maximumf
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @convolution(%x: memref<?x8x12x12xf32>, %w: memref<16x8x3x3xf32>, %bias: memref<16xf32>, %y: memref<?x16x10x10xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<?x16x10x10xf32>)
  linalg.generic {indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : memref<?x8x12x12xf32>, memref<16x8x3x3xf32>) outs(%y : memref<?x16x10x10xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %r, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%y, %bias : memref<?x16x10x10xf32>, memref<16xf32>) outs(%y : memref<?x16x10x10xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %0 = arith.addf %p, %q : f32
    %1 = arith.maximumf %0, %zero : f32
    linalg.yield %1 : f32
  }
  return
}
// CHECK: func.func private @pack_windows.f32.f32.4.one
// CHECK: vector.maskedload

// -----

#x = affine_map<(o, i, c, d) -> (c, i * 2 + d)>
#w = affine_map<(o, i, c, d) -> (o, c, d)>
#y = affine_map<(o, i, c, d) -> (o, i)>

// Steps of two; sums go on from what the result holds, so there are no products that could
// be the first ones.
// CHECK-LABEL: func @steps
// CHECK: call @pack_windows.f64.f64.2.two
// CHECK: %[[ADD:.*]] = arith.constant true
// CHECK: call @multiply_panels.f64.f64.rounded({{.*}}, %[[ADD]], %[[APART:.*]])
func.func @steps(%x: memref<8x21xf64>, %w: memref<6x8x3xf64>, %y: memref<6x10xf64>) {
  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : memref<8x21xf64>, memref<6x8x3xf64>) outs(%y : memref<6x10xf64>) {
  ^bb0(%p: f64, %q: f64, %r: f64):
    %0 = arith.mulf %p, %q : f64
    %1 = arith.addf %r, %0 : f64
    linalg.yield %1 : f64
  }
  return
}

// -----

#x = affine_map<(c, i, d) -> (c, i + d)>
#w = affine_map<(c, i, d) -> (c, d)>
#y = affine_map<(c, i, d) -> (c, i)>
#m = affine_map<(m, n, k) -> (m, k)>
#n = affine_map<(m, n, k) -> (k, n)>
#r = affine_map<(m, n, k) -> (m, n)>

// A window for each channel has no rows to share it; a product of matrices is for
// mad-pack-contractions.
// CHECK-LABEL: func @others
// CHECK-NOT: call
// CHECK: linalg.generic
// CHECK: linalg.generic
func.func @others(%x: memref<8x21xf32>, %w: memref<8x3xf32>, %y: memref<8x19xf32>,
                  %p: memref<64x64xf32>, %q: memref<64x64xf32>) {
  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<8x21xf32>, memref<8x3xf32>) outs(%y : memref<8x19xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %c, %0 : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#m, #n, #r], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%p, %p : memref<64x64xf32>, memref<64x64xf32>) outs(%q : memref<64x64xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %c, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#x = affine_map<(b, o, i, j, c, d, e) -> (b, c, i + d, j + e)>
#w = affine_map<(b, o, i, j, c, d, e) -> (o, c, d, e)>
#y = affine_map<(b, o, i, j, c, d, e) -> (b, o, i, j)>
#row = affine_map<(b, g, o, i, j) -> (o)>
#all = affine_map<(b, g, o, i, j) -> (b, g, o, i, j)>

// A block of 20 rows has each of the 10 numbers twice.
// CHECK-LABEL: func @groups_of_rows
// CHECK: call @multiply_panels
// CHECK-NOT: memref.subview
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %arg2 : memref<?x2x10x10x10xf32>, memref<10xf32>)
// CHECK: return
func.func @groups_of_rows(%x: memref<?x8x12x12xf32>, %w: memref<20x8x3x3xf32>, %bias: memref<10xf32>, %y: memref<?x20x10x10xf32>) {
  %c0 = arith.constant 0 : index
  %batch = memref.dim %y, %c0 : memref<?x20x10x10xf32>
  linalg.generic {indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : memref<?x8x12x12xf32>, memref<20x8x3x3xf32>) outs(%y : memref<?x20x10x10xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %0 = arith.mulf %p, %q : f32
    %1 = arith.addf %r, %0 : f32
    linalg.yield %1 : f32
  }
  %z = memref.expand_shape %y [[0], [1, 2], [3], [4]] output_shape [%batch, 2, 10, 10, 10] : memref<?x20x10x10xf32> into memref<?x2x10x10x10xf32>
  linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%z, %bias : memref<?x2x10x10x10xf32>, memref<10xf32>) outs(%z : memref<?x2x10x10x10xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %0 = arith.addf %p, %q : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Steps that are neighbours in both factors are one: this is a product of two matrices, and left to that pass.
// CHECK-LABEL: func @neighbours
// CHECK-DAG: %[[A:.*]] = memref.collapse_shape %{{.*}} {{\[\[}}0], [1, 2]]
// CHECK-DAG: %[[B:.*]] = memref.collapse_shape %{{.*}} {{\[\[}}0, 1], [2]]
// CHECK-NOT: call
// CHECK: linalg.generic {{.*}}["parallel", "parallel", "reduction"]} ins(%[[A]], %[[B]]
// CHECK-NOT: call
// CHECK: return
func.func @neighbours(%a: memref<30x31x32xf32>, %b: memref<31x32x50xf32>, %c: memref<30x50xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, n, j, k) -> (m, j, k)>, affine_map<(m, n, j, k) -> (j, k, n)>, affine_map<(m, n, j, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%a, %b : memref<30x31x32xf32>, memref<31x32x50xf32>) outs(%c : memref<30x50xf32>) {
  ^bb0(%x: f32, %y: f32, %s: f32):
    %0 = arith.mulf %x, %y fastmath<reassoc,contract> : f32
    %1 = arith.addf %s, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  return
}
