// RUN: mad-opt %s -mad-pack-weights | FileCheck %s

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-DAG: #[[$A:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[$P:.*]] = affine_map<(d0, d1, d2) -> (d1 floordiv 16, d2, d1 mod 16)>

// `w` is a factor everywhere. `u` is read in another way, too.
// CHECK-LABEL: func @whole
// CHECK-SAME: %arg2: tensor<2x40x16xf32>, %arg3: tensor<20x20xf32>
// CHECK-SAME: panels = array<i64: 16, 0>
// CHECK: linalg.generic {indexing_maps = [#[[$A]], #[[$P]],
// CHECK-SAME: tensor<2x40x16xf32>
func.func @whole(%s: memref<13xi64>, %x: tensor<5x40xf32>, %w: tensor<40x20xf32>,
                 %u: tensor<20x20xf32>, %y: tensor<5x20xf32>)
    -> (tensor<5x20xf32>, tensor<20x20xf32>)
    attributes {entry = {type = (tensor<5x40xf32>) -> (tensor<5x20xf32>, tensor<20x20xf32>), weights = ["w", "u"]}} {
  %0 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<5x40xf32>, tensor<40x20xf32>) outs(%y : tensor<5x20xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %2 = arith.mulf %p, %q : f32
    %3 = arith.addf %r, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<5x20xf32>
  %1 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%0, %u : tensor<5x20xf32>, tensor<20x20xf32>) outs(%y : tensor<5x20xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %2 = arith.mulf %p, %q : f32
    %3 = arith.addf %r, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<5x20xf32>
  return %1, %u : tensor<5x20xf32>, tensor<20x20xf32>
}

// One of a group, for each layer.
// CHECK-LABEL: func @layers
// CHECK-SAME: %[[G:arg3]]: tensor<6x2x20x16xf32>
// CHECK-SAME: panels = array<i64: 16>
// CHECK: tensor.extract_slice %[[G]][%{{.*}}, 0, 0, 0] [1, 2, 20, 16] [1, 1, 1, 1] : tensor<6x2x20x16xf32> to tensor<2x20x16xf32>
func.func @layers(%n: index, %s: memref<13xi64>, %x: tensor<5x20xf32>, %g: tensor<6x20x20xf32>)
    -> tensor<5x20xf32>
    attributes {entry = {dims = ["N"], type = (tensor<5x20xf32>) -> tensor<5x20xf32>, weights = ["g"]}} {
  %w = tensor.extract_slice %g[%n, 0, 0] [1, 20, 20] [1, 1, 1] : tensor<6x20x20xf32> to tensor<20x20xf32>
  %0 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<5x20xf32>, tensor<20x20xf32>) outs(%x : tensor<5x20xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %2 = arith.mulf %p, %q : f32
    %3 = arith.addf %r, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<5x20xf32>
  return %0 : tensor<5x20xf32>
}

#t = affine_map<(m, n, k) -> (n, k)>

// Columns as rows, and the rows of windows behind a dimension of size 1.
// CHECK-LABEL: func @others
// CHECK-SAME: %[[T:arg3]]: tensor<2x40x16xf32>, %[[W:arg4]]: tensor<2x4x5x6xf32>
// CHECK-SAME: axes = array<i64: 0, 0>
// CHECK-SAME: panels = array<i64: 16, 6>
// CHECK: linalg.generic {indexing_maps = [#[[$A]], #[[$P]],
// CHECK-SAME: ins(%{{.*}}, %[[T]] :
// CHECK-NOT: expand_shape
// CHECK: linalg.generic
// CHECK-SAME: ins(%{{.*}}, %[[W]] :
func.func @others(%s: memref<6xi64>, %x: tensor<5x40xf32>, %image: tensor<4x30xf32>, %t: tensor<20x40xf32>,
                  %w: tensor<9x4x5xf32>, %y: tensor<5x20xf32>, %z: tensor<1x9x26xf32>)
    -> (tensor<5x20xf32>, tensor<1x9x26xf32>)
    attributes {entry = {type = (tensor<5x40xf32>, tensor<4x30xf32>) -> (tensor<5x20xf32>, tensor<1x9x26xf32>), weights = ["t", "v"]}} {
  %0 = linalg.generic {indexing_maps = [#a, #t, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %t : tensor<5x40xf32>, tensor<20x40xf32>) outs(%y : tensor<5x20xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %2 = arith.mulf %p, %q : f32
    %3 = arith.addf %r, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<5x20xf32>
  %e = tensor.expand_shape %w [[0, 1], [2], [3]] output_shape [1, 9, 4, 5] : tensor<9x4x5xf32> into tensor<1x9x4x5xf32>
  %1 = linalg.generic {indexing_maps = [
        affine_map<(g, o, i, c, d) -> (c, i + d)>, affine_map<(g, o, i, c, d) -> (g, o, c, d)>,
        affine_map<(g, o, i, c, d) -> (g, o, i)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%image, %e : tensor<4x30xf32>, tensor<1x9x4x5xf32>) outs(%z : tensor<1x9x26xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32):
    %2 = arith.mulf %p, %q : f32
    %3 = arith.addf %r, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<1x9x26xf32>
  return %0, %1 : tensor<5x20xf32>, tensor<1x9x26xf32>
}
