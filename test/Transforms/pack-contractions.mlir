// RUN: mad-opt %s -mad-pack-contractions -split-input-file | FileCheck %s
// RUN: mad-opt %s -mad-pack-contractions="tiles=f32:KC=8;f64:KC=8" -split-input-file | FileCheck %s --check-prefix=ODD

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// Known to be large: the fill goes, because the first steps write. A piece packs its
// columns; rows of neighbours stay where they are.
// CHECK-LABEL: func @large
// CHECK-NOT: linalg
// CHECK-NOT: call @pack_rows
// CHECK: scf.parallel
// CHECK: %[[PANELS:.*]] = memref.alloc(%{{.*}}) {alignment = 64 : i64} : memref<?xf32>
// CHECK: call @pack_panels.f32.f32.rows
// CHECK: memref.extract_strided_metadata
// CHECK: call @multiply.f32.f32(
func.func @large(%x: memref<64x1000xf32>, %w: memref<1000x480xf32>, %y: memref<64x480xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<64x480xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<64x1000xf32>, memref<1000x480xf32>) outs(%y : memref<64x480xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %r, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  return
}
// CHECK: func.func private @multiply.f32.f32
// CHECK: math.fma

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// Few columns are not packed either, but memory is kept for the levels that must.
// CHECK-LABEL: func @plain
// CHECK-NOT: call @pack
// CHECK: memref.alloc
// CHECK: call @keep.f32
// CHECK-NOT: call @pack
// CHECK: call @multiply.f32.f32(
// CHECK-NOT: call @pack
// CHECK: return
func.func @plain(%x: memref<64x100xf32>, %w: memref<100x48xf32>, %y: memref<64x48xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<64x48xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<64x100xf32>, memref<100x48xf32>) outs(%y : memref<64x48xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %r, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>

// What follows writes to where the rows are, while other columns still need them: they
// are packed before.
// CHECK-LABEL: func @overwritten
// CHECK: scf.parallel
// CHECK: call @pack_rows.f32.f32
// CHECK: scf.parallel
// CHECK: call @multiply.f32.f32.rounded(
// CHECK: linalg.generic {{.*}} outs({{.*}} : memref<?x?xf32, strided<[64, 1], offset: ?>>)
func.func @overwritten(%x: memref<64x64xf32>, %w: memref<64x64xf32>, %y: memref<64x64xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<64x64xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<64x64xf32>, memref<64x64xf32>) outs(%y : memref<64x64xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %0 = arith.mulf %p, %q : f32
    %1 = arith.addf %r, %0 : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%y : memref<64x64xf32>) outs(%x : memref<64x64xf32>) {
  ^bb0(%p: f32, %r: f32):
    %1 = arith.negf %p : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#t = affine_map<(m, n, k) -> (n, k)>
#c = affine_map<(m, n, k) -> (m, n)>

// Sizes are known when running: small products stay as they are. Products that must be
// rounded are.
// CHECK-LABEL: func @some
// CHECK: %[[M:.*]] = memref.dim
// CHECK: arith.andi
// CHECK: %[[LARGE:.*]] = arith.andi
// CHECK: scf.if %[[LARGE]]
// CHECK: call @pack_panels.f32.f32.columns
// CHECK: call @multiply.f32.f32.rounded
// CHECK: else
// CHECK: linalg.fill
// CHECK: linalg.generic
func.func @some(%x: memref<?x?xf32>, %w: memref<?x?xf32>, %y: memref<?x?xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<?x?xf32>)
  linalg.generic {indexing_maps = [#a, #t, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x?xf32>, memref<?x?xf32>) outs(%y : memref<?x?xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %0 = arith.mulf %p, %q : f32
    %1 = arith.addf %r, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// Few rows do not pay for packing the other factor.
// CHECK-LABEL: func @few
// CHECK-NOT: call
// CHECK: linalg.generic
// CHECK-NOT: func.func private
func.func @few(%x: memref<4x100xf32>, %w: memref<100x48xf32>, %y: memref<4x48xf32>) {
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<4x100xf32>, memref<100x48xf32>) outs(%y : memref<4x48xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %0 = arith.mulf %p, %q : f32
    %1 = arith.addf %r, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (n)>
#turned = affine_map<(m, n) -> (n, m)>

// A bias runs on each block; what reads elsewhere waits.
// CHECK-LABEL: func @epilogue
// CHECK: call @multiply.f32.f32.rounded(
// CHECK: %[[BIAS:.*]] = memref.subview %arg2
// CHECK: %[[BLOCK:.*]] = memref.subview %arg3
// CHECK: linalg.generic {{.*}} ins(%[[BIAS]] : {{.*}}) outs(%[[BLOCK]] :
// CHECK: arith.addf
// CHECK: scf.reduce
// CHECK: linalg.generic {{.*}} ins(%arg3 : memref<64x64xf32>) outs(%arg4 :
func.func @epilogue(%x: memref<64x100xf32>, %w: memref<100x64xf32>, %bias: memref<64xf32>,
                    %y: memref<64x64xf32>, %z: memref<64x64xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<64x64xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<64x100xf32>, memref<100x64xf32>) outs(%y : memref<64x64xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %0 = arith.mulf %p, %q : f32
    %1 = arith.addf %r, %0 : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%bias : memref<64xf32>) outs(%y : memref<64x64xf32>) {
  ^bb0(%p: f32, %r: f32):
    %1 = arith.addf %r, %p : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#turned, #id], iterator_types = ["parallel", "parallel"]}
      ins(%y : memref<64x64xf32>) outs(%z : memref<64x64xf32>) {
  ^bb0(%p: f32, %r: f32):
    linalg.yield %p : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
#all = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (n)>

// The last row of the result is there when all blocks are.
// CHECK-LABEL: func @part_of_result
// CHECK: call @multiply.f32.f32.rounded(
// CHECK-NOT: linalg.generic
// CHECK: memref.subview %arg2[63, 0]
// CHECK: linalg.generic {{.*}} ins(%arg2, %{{.*}} : memref<64x64xf32>, memref<64xf32,
func.func @part_of_result(%x: memref<64x100xf32>, %w: memref<100x64xf32>, %y: memref<64x64xf32>, %z: memref<64x64xf32>) {
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<64x100xf32>, memref<100x64xf32>) outs(%y : memref<64x64xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %0 = arith.mulf %p, %q : f32
    %1 = arith.addf %r, %0 : f32
    linalg.yield %1 : f32
  }
  %last = memref.subview %y[63, 0] [1, 64] [1, 1] : memref<64x64xf32> to memref<64xf32, strided<[1], offset: 4032>>
  linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
      ins(%y, %last : memref<64x64xf32>, memref<64xf32, strided<[1], offset: 4032>>) outs(%z : memref<64x64xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %0 = arith.subf %p, %q : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// A long sum is one of sums of 1024 products: a pass starts at zero, and adds to the result
// in the end. So it is with any tile sizes.
// CHECK-LABEL: func @long
// CHECK: scf.for {{.*}} step %c1024
// CHECK: call @multiply.f32.f32({{.*}}, %{{[^,]*}}, %true{{[_0-9]*}})
// ODD-LABEL: func @long
// ODD: scf.for {{.*}} step %c1024
// ODD: call @multiply.f32.f32({{.*}}, %{{[^,]*}}, %true{{[_0-9]*}})
func.func @long(%x: memref<64x3000xf32>, %w: memref<3000x480xf32>, %y: memref<64x480xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<64x480xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<64x3000xf32>, memref<3000x480xf32>) outs(%y : memref<64x480xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %r, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// A block of rows is small, also where its one piece is no loop any more.
// CHECK-LABEL: func @block_of_rows
// CHECK-NOT: call
// CHECK: scf.for
// CHECK: linalg.generic
func.func @block_of_rows(%x: memref<200x33xf32>, %w: memref<33x48xf32>, %y: memref<200x48xf32>) {
  %c0 = arith.constant 0 : index
  %c24 = arith.constant 24 : index
  %c200 = arith.constant 200 : index
  scf.for %i = %c0 to %c200 step %c24 {
    %rest = arith.subi %c200, %i : index
    %rows = arith.minsi %rest, %c24 : index
    %left = memref.subview %x[%i, 0] [%rows, 33] [1, 1] : memref<200x33xf32> to memref<?x33xf32, strided<[33, 1], offset: ?>>
    %to = memref.subview %y[%i, 0] [%rows, 48] [1, 1] : memref<200x48xf32> to memref<?x48xf32, strided<[48, 1], offset: ?>>
    linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%left, %w : memref<?x33xf32, strided<[33, 1], offset: ?>>, memref<33x48xf32>)
        outs(%to : memref<?x48xf32, strided<[48, 1], offset: ?>>) {
    ^bb0(%p: f32, %q: f32, %r: f32):
      %0 = arith.mulf %p, %q : f32
      %1 = arith.addf %r, %0 : f32
      linalg.yield %1 : f32
    }
  } {blocks}
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// Where the order counts, passes go on with the one sum.
// CHECK-LABEL: func @in_order
// CHECK: call @multiply.f64.f64.rounded({{.*}}, %{{[^,]*}}, %false{{[_0-9]*}})
// ODD-LABEL: func @in_order
// ODD: scf.for {{.*}} step %c8
// ODD: call @multiply.f64.f64.rounded({{.*}}, %{{[^,]*}}, %false{{[_0-9]*}})
func.func @in_order(%x: memref<64x3000xf64>, %w: memref<3000x480xf64>, %y: memref<64x480xf64>) {
  %zero = arith.constant 0.0 : f64
  linalg.fill ins(%zero : f64) outs(%y : memref<64x480xf64>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<64x3000xf64>, memref<3000x480xf64>) outs(%y : memref<64x480xf64>) {
  ^bb0(%p: f64, %q: f64, %r: f64):
    %0 = arith.mulf %p, %q : f64
    %1 = arith.addf %r, %0 : f64
    linalg.yield %1 : f64
  }
  return
}
