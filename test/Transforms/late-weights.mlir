// RUN: mad-opt %s -mad-pack-weights -mad-widen-weights | FileCheck %s

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK: module attributes {mad.late_weights = ["late", "elsewhere"]}
module attributes {mad.late_weights = ["late", "elsewhere"]} {

// The module computes `late`, so it stays as the function returns it. `known` is there before, and read in the same way.
// CHECK-LABEL: func @both
// CHECK-SAME: %[[LATE:arg2]]: tensor<40x20xf16>, %[[KNOWN:arg3]]: tensor<2x40x16xf32>
// CHECK-SAME: panels = array<i64: 0, 16>
// CHECK-SAME: widened = array<i64: 0, 1>
// CHECK: linalg.generic
// CHECK-SAME: ins(%arg1, %[[LATE]] : tensor<5x40xf16>, tensor<40x20xf16>)
// CHECK: linalg.generic
// CHECK-SAME: ins(%arg1, %[[KNOWN]] : tensor<5x40xf16>, tensor<2x40x16xf32>)
func.func @both(%s: memref<13xi64>, %x: tensor<5x40xf16>, %late: tensor<40x20xf16>,
                %known: tensor<40x20xf16>, %y: tensor<5x20xf32>) -> tensor<5x20xf32>
    attributes {entry = {type = (tensor<5x40xf16>) -> tensor<5x20xf32>, weights = ["late", "known"]}} {
  %0 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %late : tensor<5x40xf16>, tensor<40x20xf16>) outs(%y : tensor<5x20xf32>) {
  ^bb0(%p: f16, %q: f16, %r: f32):
    %2 = arith.extf %p : f16 to f32
    %3 = arith.extf %q : f16 to f32
    %4 = arith.mulf %2, %3 : f32
    %5 = arith.addf %r, %4 : f32
    linalg.yield %5 : f32
  } -> tensor<5x20xf32>
  %1 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %known : tensor<5x40xf16>, tensor<40x20xf16>) outs(%0 : tensor<5x20xf32>) {
  ^bb0(%p: f16, %q: f16, %r: f32):
    %2 = arith.extf %p : f16 to f32
    %3 = arith.extf %q : f16 to f32
    %4 = arith.mulf %2, %3 : f32
    %5 = arith.addf %r, %4 : f32
    linalg.yield %5 : f32
  } -> tensor<5x20xf32>
  return %1 : tensor<5x20xf32>
}

}
