// RUN: mad-opt %s --mad-pad-windows | FileCheck %s

// A window across the boundary: a copy with a margin, and a window inside of it.
// CHECK-DAG: #[[$SHIFT:.*]] = affine_map<(d0, d1) -> (d0, d1 - 1)>
// CHECK-DAG: #[[$WINDOW:.*]] = affine_map<(d0, d1, d2) -> (d0, d1 + d2)>
// CHECK-LABEL: func.func @window
// CHECK: %[[COPY:.*]] = mad.view %{{.*}} by #[[$SHIFT]] zero : (tensor<4x10xf32>) -> tensor<4x12xf32>
// CHECK: mad.view %[[COPY]] by #[[$WINDOW]] inside : (tensor<4x12xf32>) -> tensor<4x10x3xf32>
func.func @window(%x: tensor<4x10xf32>) -> tensor<4x10x3xf32> {
  %0 = mad.view %x by affine_map<(c, i, d) -> (c, i + d - 1)> zero : (tensor<4x10xf32>) -> tensor<4x10x3xf32>
  return %0 : tensor<4x10x3xf32>
}

// Sizes that are known when running, steps, another boundary.
// CHECK-LABEL: func.func @step
// CHECK: mad.view %{{.*}} by #{{.*}} clamp : ({{.*}}) -> tensor<?xf32, #mad.dims<"2 * (N / 2) + 1">>
// CHECK: mad.view %{{.*}} by #{{.*}} inside
func.func @step(%x: tensor<?xf32, #mad.dims<"N">>) -> tensor<?x3xf32, #mad.dims<"N / 2", "">> {
  %0 = mad.view %x by affine_map<(i, d) -> (2 * i + d - 1)> clamp : (tensor<?xf32, #mad.dims<"N">>) -> tensor<?x3xf32, #mad.dims<"N / 2", "">>
  return %0 : tensor<?x3xf32, #mad.dims<"N / 2", "">>
}

// One read an element needs no copy; neither does a window that never leaves, nor one that
// runs backwards.
// CHECK-LABEL: func.func @others
// CHECK-COUNT-3: mad.view
// CHECK-NOT: mad.view
func.func @others(%x: tensor<10xf32>) -> (tensor<10xf32>, tensor<8x3xf32>, tensor<10x3xf32>) {
  %0 = mad.view %x by affine_map<(i) -> (i - 1)> zero : (tensor<10xf32>) -> tensor<10xf32>
  %1 = mad.view %x by affine_map<(i, d) -> (i + d)> inside : (tensor<10xf32>) -> tensor<8x3xf32>
  %2 = mad.view %x by affine_map<(i, d) -> (i - d)> zero : (tensor<10xf32>) -> tensor<10x3xf32>
  return %0, %1, %2 : tensor<10xf32>, tensor<8x3xf32>, tensor<10x3xf32>
}
