// RUN: mad-opt %s -mad-pack-weights -mad-widen-weights | FileCheck %s

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
#e = affine_map<(m, n) -> (m, n)>

// `w` is widened by products alone, in both entries; nothing reads `u`, and `v` is not widened.
// CHECK-LABEL: func @first
// CHECK-SAME: %arg2: tensor<2x40x16xf32>, %arg3: tensor<20x20xf16>, %arg4: tensor<40x20xf16>
// CHECK-SAME: panels = array<i64: 16, 0, 0>
// CHECK-SAME: widened = array<i64: 1, 0, 0>
// CHECK: linalg.generic
// CHECK-SAME: ins(%arg1, %arg2 : tensor<5x40xf16>, tensor<2x40x16xf32>)
// CHECK-NEXT: ^bb0(%[[X:.*]]: f16, %[[W:.*]]: f32, %[[S:.*]]: f32):
// CHECK-NEXT: %[[WIDE:.*]] = arith.extf %[[X]]
// CHECK-NEXT: arith.mulf %[[WIDE]], %[[W]]
func.func @first(%s: memref<13xi64>, %x: tensor<5x40xf16>, %w: tensor<40x20xf16>, %u: tensor<20x20xf16>,
                 %v: tensor<40x20xf16>, %y: tensor<5x20xf32>, %z: tensor<40x20xf16>)
    -> (tensor<5x20xf32>, tensor<40x20xf16>)
    attributes {entry = {type = (tensor<5x40xf16>) -> (tensor<5x20xf32>, tensor<40x20xf16>), weights = ["w", "u", "v"]}} {
  %0 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<5x40xf16>, tensor<40x20xf16>) outs(%y : tensor<5x20xf32>) {
  ^bb0(%p: f16, %q: f16, %r: f32):
    %2 = arith.extf %p : f16 to f32
    %3 = arith.extf %q : f16 to f32
    %4 = arith.mulf %2, %3 : f32
    %5 = arith.addf %r, %4 : f32
    linalg.yield %5 : f32
  } -> tensor<5x20xf32>
  %1 = linalg.generic {indexing_maps = [#e, #e], iterator_types = ["parallel", "parallel"]}
      ins(%v : tensor<40x20xf16>) outs(%z : tensor<40x20xf16>) {
  ^bb0(%p: f16, %r: f16):
    %2 = arith.negf %p : f16
    linalg.yield %2 : f16
  } -> tensor<40x20xf16>
  return %0, %1 : tensor<5x20xf32>, tensor<40x20xf16>
}

// Layers of a group, by the same product.
// CHECK-LABEL: func @second
// CHECK-SAME: %[[G:arg3]]: tensor<6x2x40x16xf32>, %[[W:arg4]]: tensor<2x40x16xf32>
// CHECK-SAME: widened = array<i64: 1, 1>
// CHECK: %[[LAYER:.*]] = tensor.extract_slice %[[G]][%{{.*}}] [1, 2, 40, 16] [1, 1, 1, 1] : tensor<6x2x40x16xf32> to tensor<2x40x16xf32>
// CHECK: linalg.generic
// CHECK-SAME: tensor<2x40x16xf32>
func.func @second(%n: index, %s: memref<13xi64>, %x: tensor<5x40xf16>, %g: tensor<6x40x20xf16>, %w: tensor<40x20xf16>,
                  %y: tensor<5x20xf32>) -> tensor<5x20xf32>
    attributes {entry = {dims = ["N"], type = (tensor<5x40xf16>) -> tensor<5x20xf32>, weights = ["g", "w"]}} {
  %l = tensor.extract_slice %g[%n, 0, 0] [1, 40, 20] [1, 1, 1] : tensor<6x40x20xf16> to tensor<40x20xf16>
  %0 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %l : tensor<5x40xf16>, tensor<40x20xf16>) outs(%y : tensor<5x20xf32>) {
  ^bb0(%p: f16, %q: f16, %r: f32):
    %2 = arith.extf %p : f16 to f32
    %3 = arith.extf %q : f16 to f32
    %4 = arith.mulf %2, %3 : f32
    %5 = arith.addf %r, %4 : f32
    linalg.yield %5 : f32
  } -> tensor<5x20xf32>
  %1 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<5x40xf16>, tensor<40x20xf16>) outs(%0 : tensor<5x20xf32>) {
  ^bb0(%p: f16, %q: f16, %r: f32):
    %2 = arith.extf %p : f16 to f32
    %3 = arith.extf %q : f16 to f32
    %4 = arith.mulf %2, %3 : f32
    %5 = arith.addf %r, %4 : f32
    linalg.yield %5 : f32
  } -> tensor<5x20xf32>
  return %1 : tensor<5x20xf32>
}
