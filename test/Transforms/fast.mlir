// What fast code becomes: maxima and exponentials that care for no NaN and no
// infinity, quotients by what does not change as products.
// RUN: mad-opt %s --mad-expand-math --split-input-file | FileCheck %s --check-prefix=MATH
// RUN: mad-opt %s --mad-vectorize-loops --split-input-file | FileCheck %s --check-prefix=LOOPS

// MATH-LABEL: func @maxima
// MATH:         %[[A:.*]] = arith.cmpf ogt, %[[X:.*]], %[[Y:.*]] : vector<8xf32>
// MATH-NEXT:    arith.select %[[A]], %[[X]], %[[Y]]
// MATH:         %[[B:.*]] = arith.cmpf olt, %[[X]], %[[Y]] : vector<8xf32>
// MATH-NEXT:    arith.select %[[B]], %[[X]], %[[Y]]
// MATH:         arith.maximumf
func.func @maxima(%x: vector<8xf32>, %y: vector<8xf32>) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>) {
  %0 = arith.maximumf %x, %y fastmath<nnan,nsz> : vector<8xf32>
  %1 = arith.minimumf %x, %y fastmath<fast> : vector<8xf32>
  %2 = arith.maximumf %x, %y fastmath<nnan> : vector<8xf32>
  return %0, %1, %2 : vector<8xf32>, vector<8xf32>, vector<8xf32>
}

// No selection of an overflow, one product with a power of two.
// MATH-LABEL: func @exponential
// MATH-COUNT-8: math.fma
// MATH:         arith.shli
// MATH-NOT:     arith.shli
// MATH:         arith.mulf
// MATH-NEXT:    return
func.func @exponential(%x: vector<8xf32>) -> vector<8xf32> {
  %0 = math.exp %x fastmath<fast> : vector<8xf32>
  return %0 : vector<8xf32>
}

// -----

#rows = affine_map<(i, j) -> (i, j)>
#sums = affine_map<(i, j) -> (i)>
#columns = affine_map<(i, j) -> (j)>

// One quotient a row, outside of the loop over its vectors.
// LOOPS-LABEL: func @rows
// LOOPS:         scf.for
// LOOPS:           %[[SUM:.*]] = memref.load
// LOOPS:           arith.divf %{{.*}}, %[[SUM]]
// LOOPS:           scf.for
// LOOPS-NOT:         arith.divf
// LOOPS:             arith.mulf
func.func @rows(%x: memref<64x64xf32>, %s: memref<64xf32>, %y: memref<64x64xf32>) {
  linalg.generic {indexing_maps = [#rows, #sums, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : memref<64x64xf32>, memref<64xf32>) outs(%y : memref<64x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.divf %a, %b fastmath<fast> : f32
    linalg.yield %0 : f32
  }
  return
}

// Without the permission, and where each element has its own divisor, nothing changes.
// LOOPS-LABEL: func @others
// LOOPS-NOT:     arith.mulf %{{.*}} : vector
// LOOPS:         arith.divf %{{.*}} : vector
// LOOPS-NOT:     arith.mulf %{{.*}} : vector
// LOOPS:         return
func.func @others(%x: memref<64x64xf32>, %s: memref<64xf32>, %y: memref<64x64xf32>) {
  linalg.generic {indexing_maps = [#rows, #sums, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : memref<64x64xf32>, memref<64xf32>) outs(%y : memref<64x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.divf %a, %b fastmath<contract> : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#rows, #columns, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : memref<64x64xf32>, memref<64xf32>) outs(%y : memref<64x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.divf %a, %b fastmath<fast> : f32
    linalg.yield %0 : f32
  }
  return
}
