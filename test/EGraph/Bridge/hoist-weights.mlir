// RUN: mad-opt %s --mad-hoist-weights --canonicalize | FileCheck %s

// Its name is a hash of what it is made of, so that two that are the same are one.
// CHECK-LABEL: func.func private @weight.folded.
// CHECK-SAME: [[$HASH:[0-9a-f]+]]() -> tensor<8x4xf32>
// CHECK-NOT: @weight.folded
// CHECK: mad.weight_source @w from
// CHECK: mad.weight_source @folded.[[$HASH]] from "" : "" {computed = @weight.folded.[[$HASH]], folded} : tensor<8x4xf32>
// CHECK-NOT: mad.weight_source
mad.weight_source @w from "a.npy" : "" : tensor<8x4xf32>

// CHECK-LABEL: func.func @f
// CHECK: %[[W:.*]] = mad.weight @folded.[[$HASH]] :
// CHECK: mad.add %arg0, %[[W]]
func.func @f(%x: tensor<8x4xf32> {mad.name = "x"}) -> (tensor<8x4xf32> {mad.name = "y"}) attributes {mad.entry, mad.dims = []} {
  %w = mad.weight @w : tensor<8x4xf32>
  %0 = mad.mul %w, %w : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  %1 = mad.exp %0 : (tensor<8x4xf32>) -> tensor<8x4xf32>
  %2 = mad.add %x, %1 : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  return %2 : tensor<8x4xf32>
}

// CHECK-LABEL: func.func @same
// CHECK: mad.weight @folded.[[$HASH]] :
func.func @same() -> (tensor<8x4xf32> {mad.name = "y"}) attributes {mad.entry, mad.dims = []} {
  %w = mad.weight @w : tensor<8x4xf32>
  %0 = mad.mul %w, %w : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  %1 = mad.exp %0 : (tensor<8x4xf32>) -> tensor<8x4xf32>
  return %1 : tensor<8x4xf32>
}

// What only moves elements, and what is much larger than the weights, stays.
// CHECK-LABEL: func.func @g
// CHECK: mad.weight @w
// CHECK: mad.view
// CHECK: mad.exp
func.func @g() -> (tensor<4x8xf32> {mad.name = "a"}, tensor<100x100x8x4xf32> {mad.name = "b"}) attributes {mad.entry, mad.dims = []} {
  %w = mad.weight @w : tensor<8x4xf32>
  %0 = mad.view %w by affine_map<(d0, d1) -> (d1, d0)> inside : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %1 = mad.view %w by affine_map<(d0, d1, d2, d3) -> (d2, d3)> inside : (tensor<8x4xf32>) -> tensor<100x100x8x4xf32>
  %2 = mad.exp %1 : (tensor<100x100x8x4xf32>) -> tensor<100x100x8x4xf32>
  return %0, %2 : tensor<4x8xf32>, tensor<100x100x8x4xf32>
}
