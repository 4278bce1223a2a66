// RUN: mad-opt %s --mad-eliminate-empty-tensors | FileCheck %s

// The value is made in its place, which was checked before.
// CHECK-LABEL: func.func @checked_before(
// CHECK-NOT: tensor.empty
// CHECK: cf.assert
// CHECK: %[[PLACE:.*]] = tensor.extract_slice %{{.*}}[%{{.*}}, 0] [1, 4] [1, 1]
// CHECK: linalg.fill ins(%{{.*}} : f32) outs(%[[PLACE]] : tensor<4xf32>)
// CHECK: tensor.insert_slice
func.func @checked_before(%s: tensor<?x4xf32>, %at: index, %ok: i1, %v: f32) -> tensor<?x4xf32> {
  cf.assert %ok, "outside"
  %e = tensor.empty() : tensor<4xf32>
  %f = linalg.fill ins(%v : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %r = tensor.insert_slice %f into %s[%at, 0] [1, 4] [1, 1] : tensor<4xf32> into tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// Here the place may lie outside when the value is made.
// CHECK-LABEL: func.func @checked_between(
// CHECK: %[[E:.*]] = tensor.empty
// CHECK: linalg.fill ins(%{{.*}} : f32) outs(%[[E]] : tensor<4xf32>)
// CHECK: cf.assert
// CHECK: tensor.insert_slice
func.func @checked_between(%s: tensor<?x4xf32>, %at: index, %ok: i1, %v: f32) -> tensor<?x4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %f = linalg.fill ins(%v : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  cf.assert %ok, "outside"
  %r = tensor.insert_slice %f into %s[%at, 0] [1, 4] [1, 1] : tensor<4xf32> into tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// The same within a loop between.
// CHECK-LABEL: func.func @checked_in_a_loop(
// CHECK: %[[E:.*]] = tensor.empty
// CHECK: linalg.fill ins(%{{.*}} : f32) outs(%[[E]] : tensor<4xf32>)
// CHECK: tensor.insert_slice
func.func @checked_in_a_loop(%s: tensor<?x4xf32>, %at: index, %ok: i1, %v: f32,
                             %n: index) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %e = tensor.empty() : tensor<4xf32>
  %f = linalg.fill ins(%v : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  scf.for %i = %c0 to %n step %c1 {
    cf.assert %ok, "outside"
  }
  %r = tensor.insert_slice %f into %s[%at, 0] [1, 4] [1, 1] : tensor<4xf32> into tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}
