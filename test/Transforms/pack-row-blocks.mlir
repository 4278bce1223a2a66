// RUN: mad-opt %s -mad-pack-contractions -split-input-file | FileCheck %s

#a = affine_map<(m, n, k) -> (m, k)>
#t = affine_map<(m, n, k) -> (n, k)>
#c = affine_map<(m, n, k) -> (m, n)>

// The keys of a head are packed in front of the loop over its blocks of rows, into memory
// of the piece; the rows are read where they are.
// CHECK-LABEL: func @keys
// CHECK: scf.parallel
// CHECK: %[[PANELS:.*]] = memref.alloc(%{{.*}}) {alignment = 64 : i64} : memref<?xf32>
// CHECK: scf.for %[[HEAD:.*]] =
// CHECK: %[[MATRIX:.*]] = memref.subview %arg1[%[[HEAD]], 0, 0]
// CHECK: %[[LARGE:.*]] = arith.andi
// CHECK: scf.if %[[LARGE]]
// CHECK: call @pack_panels.f32.f32.columns
// CHECK: scf.for
// CHECK: scf.if %[[LARGE]]
// CHECK: call @multiply_rows.f32.f32(
// CHECK: else
// CHECK: linalg.fill
// CHECK: linalg.generic
func.func @keys(%q: memref<?x?x64xf32>, %k: memref<?x?x64xf32>, %y: memref<?x?x?xf32>, %heads: index,
                %rows: index) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c24 = arith.constant 24 : index
  %keys = memref.dim %k, %c1 : memref<?x?x64xf32>
  scf.parallel (%p) = (%c0) to (%heads) step (%c1) {
    %end = arith.addi %p, %c1 : index
    scf.for %h = %p to %end step %c1 {
      scf.for %i = %c0 to %rows step %c24 {
        %rest = arith.subi %rows, %i : index
        %length = arith.minsi %rest, %c24 : index
        %x = memref.subview %q[%h, %i, 0] [1, %length, 64] [1, 1, 1]
            : memref<?x?x64xf32> to memref<?x64xf32, strided<[64, 1], offset: ?>>
        %w = memref.subview %k[%h, 0, 0] [1, %keys, 64] [1, 1, 1]
            : memref<?x?x64xf32> to memref<?x64xf32, strided<[64, 1], offset: ?>>
        %s = memref.subview %y[%h, %i, 0] [1, %length, %keys] [1, 1, 1]
            : memref<?x?x?xf32> to memref<?x?xf32, strided<[?, 1], offset: ?>>
        linalg.fill ins(%zero : f32) outs(%s : memref<?x?xf32, strided<[?, 1], offset: ?>>)
        linalg.generic {indexing_maps = [#a, #t, #c], iterator_types = ["parallel", "parallel", "reduction"]}
            ins(%x, %w : memref<?x64xf32, strided<[64, 1], offset: ?>>, memref<?x64xf32, strided<[64, 1], offset: ?>>)
            outs(%s : memref<?x?xf32, strided<[?, 1], offset: ?>>) {
        ^bb0(%e: f32, %f: f32, %g: f32):
          %0 = arith.mulf %e, %f fastmath<contract> : f32
          %1 = arith.addf %g, %0 fastmath<contract> : f32
          linalg.yield %1 : f32
        }
      }
    }
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// Each block has a matrix of its own.
// CHECK-LABEL: func @own
// CHECK-NOT: call
// CHECK: linalg.generic
// CHECK-NOT: call
// CHECK: return
func.func @own(%q: memref<?x64x32xf32>, %k: memref<?x32x48xf32>, %y: memref<?x64x48xf32>, %count: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%p) = (%c0) to (%count) step (%c1) {
    scf.for %i = %c0 to %count step %c1 {
      %x = memref.subview %q[%i, 0, 0] [1, 64, 32] [1, 1, 1]
          : memref<?x64x32xf32> to memref<64x32xf32, strided<[32, 1], offset: ?>>
      %w = memref.subview %k[%i, 0, 0] [1, 32, 48] [1, 1, 1]
          : memref<?x32x48xf32> to memref<32x48xf32, strided<[48, 1], offset: ?>>
      %s = memref.subview %y[%i, 0, 0] [1, 64, 48] [1, 1, 1]
          : memref<?x64x48xf32> to memref<64x48xf32, strided<[48, 1], offset: ?>>
      linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%x, %w : memref<64x32xf32, strided<[32, 1], offset: ?>>, memref<32x48xf32, strided<[48, 1], offset: ?>>)
          outs(%s : memref<64x48xf32, strided<[48, 1], offset: ?>>) {
      ^bb0(%e: f32, %f: f32, %g: f32):
        %0 = arith.mulf %e, %f : f32
        %1 = arith.addf %g, %0 : f32
        linalg.yield %1 : f32
      }
    }
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// The loop writes what the next block reads.
// CHECK-LABEL: func @written
// CHECK-NOT: call
// CHECK: linalg.generic
// CHECK-NOT: call
// CHECK: return
func.func @written(%q: memref<?x64xf32>, %w: memref<64x64xf32>, %count: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c24 = arith.constant 24 : index
  %rows = memref.dim %q, %c0 : memref<?x64xf32>
  scf.parallel (%p) = (%c0) to (%c1) step (%c1) {
    scf.for %i = %c0 to %rows step %c24 {
      %x = memref.subview %q[%i, 0] [24, 64] [1, 1] : memref<?x64xf32> to memref<24x64xf32, strided<[64, 1], offset: ?>>
      %s = memref.subview %w[0, 0] [24, 64] [1, 1] : memref<64x64xf32> to memref<24x64xf32, strided<[64, 1]>>
      linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%x, %w : memref<24x64xf32, strided<[64, 1], offset: ?>>, memref<64x64xf32>)
          outs(%s : memref<24x64xf32, strided<[64, 1]>>) {
      ^bb0(%e: f32, %f: f32, %g: f32):
        %0 = arith.mulf %e, %f : f32
        %1 = arith.addf %g, %0 : f32
        linalg.yield %1 : f32
      }
    }
  }
  return
}
