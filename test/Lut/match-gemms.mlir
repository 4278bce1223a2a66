// RUN: mad-opt %s --mad-match-gemms --split-input-file | FileCheck %s

// The factors in either order; names that differ; a row alone.
// CHECK-LABEL: @matches
// CHECK: %[[Q:.*]], %[[S:.*]] = lut.quantize_act %{{.*}} : (tensor<?x10xf32
// CHECK: lut.gemm %[[Q]], %[[S]], %{{.*}}, %{{.*}} as <int, bits = 4> : {{.*}} -> tensor<?x3xf32
// CHECK: lut.gemm {{.*}} -> tensor<3xf32>
// CHECK-NOT: mad.contract
func.func @matches(%x: tensor<?x10xf32, #mad.dims<"N", "">>, %c: tensor<5x3xui8>, %s: tensor<1x3xf32>, %v: tensor<10xf32>) -> (tensor<?x3xf32, #mad.dims<"N", "">>, tensor<3xf32>) {
  %w = lut.dequant %c, %s as <int, bits = 4> : (tensor<5x3xui8>, tensor<1x3xf32>) -> tensor<10x3xf32>
  %r = mad.reshape %w : (tensor<10x3xf32>) -> tensor<10x3xf32, #mad.dims<"K", "M">>
  %q, %e = lut.quantize_act %x : (tensor<?x10xf32, #mad.dims<"N", "">>) -> (tensor<?x10xi8, #mad.dims<"N", "">>, tensor<?xf32, #mad.dims<"N">>)
  %d = lut.dequant_act %q, %e : (tensor<?x10xi8, #mad.dims<"N", "">>, tensor<?xf32, #mad.dims<"N">>) -> tensor<?x10xf32, #mad.dims<"N", "">>
  %0 = mad.contract %d by affine_map<(n, m, k) -> (n, k)>, %r by affine_map<(n, m, k) -> (k, m)> : (tensor<?x10xf32, #mad.dims<"N", "">>, tensor<10x3xf32, #mad.dims<"K", "M">>) -> tensor<?x3xf32, #mad.dims<"N", "">>
  %p, %f = lut.quantize_act %v : (tensor<10xf32>) -> (tensor<10xi8>, tensor<f32>)
  %g = lut.dequant_act %p, %f : (tensor<10xi8>, tensor<f32>) -> tensor<10xf32>
  %1 = mad.contract %w by affine_map<(m, k) -> (k, m)>, %g by affine_map<(m, k) -> (k)> {mad.fp = "strict"} : (tensor<10x3xf32>, tensor<10xf32>) -> tensor<3xf32>
  return %0, %1 : tensor<?x3xf32, #mad.dims<"N", "">>, tensor<3xf32>
}

// -----

// Columns in front of rows: the result is turned. Rows that two matrices share: they are spread.
// CHECK-LABEL: @orders
// CHECK: lut.gemm {{.*}} : (tensor<4x10xi8>, tensor<4xf32>, {{.*}}) -> tensor<4x3xf32>
// CHECK: mad.view {{.*}} : (tensor<4x3xf32>) -> tensor<3x4xf32>
// CHECK: mad.view {{.*}} : (tensor<4x10xi8>) -> tensor<2x4x10xi8>
// CHECK: mad.view {{.*}} : (tensor<4xf32>) -> tensor<2x4xf32>
// CHECK: lut.gemm {{.*}} : (tensor<2x4x10xi8>, tensor<2x4xf32>, {{.*}}) -> tensor<2x4x3xf32>
// CHECK-NOT: mad.contract
func.func @orders(%x: tensor<4x10xf32>, %c: tensor<5x3xui8>, %s: tensor<1x3xf32>, %b: tensor<2x5x3xui8>, %t: tensor<2x1x3xf32>) -> (tensor<3x4xf32>, tensor<2x4x3xf32>) {
  %q, %e = lut.quantize_act %x : (tensor<4x10xf32>) -> (tensor<4x10xi8>, tensor<4xf32>)
  %d = lut.dequant_act %q, %e : (tensor<4x10xi8>, tensor<4xf32>) -> tensor<4x10xf32>
  %w = lut.dequant %c, %s as <int, bits = 4> : (tensor<5x3xui8>, tensor<1x3xf32>) -> tensor<10x3xf32>
  %0 = mad.contract %d by affine_map<(m, n, k) -> (n, k)>, %w by affine_map<(m, n, k) -> (k, m)> : (tensor<4x10xf32>, tensor<10x3xf32>) -> tensor<3x4xf32>
  %v = lut.dequant %b, %t as <int, bits = 4> : (tensor<2x5x3xui8>, tensor<2x1x3xf32>) -> tensor<2x10x3xf32>
  %1 = mad.contract %d by affine_map<(b, n, m, k) -> (n, k)>, %v by affine_map<(b, n, m, k) -> (b, k, m)> : (tensor<4x10xf32>, tensor<2x10x3xf32>) -> tensor<2x4x3xf32>
  return %0, %1 : tensor<3x4xf32>, tensor<2x4x3xf32>
}

// -----

// Tables, sums along the columns of a weight, weights of other types and two sums stay products of floats.
// CHECK-LABEL: @stays
// CHECK-NOT: lut.gemm
// CHECK-COUNT-3: mad.contract
// CHECK-NOT: mad.contract
func.func @stays(%x: tensor<4x10xf32>, %z: tensor<4x3xf32>, %c: tensor<5x3xui8>, %s: tensor<1x3xf32>, %t: tensor<16x1xf32>) -> (tensor<4x3xf32>, tensor<4x10xf32>, tensor<4xf32>) {
  %q, %e = lut.quantize_act %x : (tensor<4x10xf32>) -> (tensor<4x10xi8>, tensor<4xf32>)
  %d = lut.dequant_act %q, %e : (tensor<4x10xi8>, tensor<4xf32>) -> tensor<4x10xf32>
  %u = lut.dequant %c, %t as <codebook, bits = 4> : (tensor<5x3xui8>, tensor<16x1xf32>) -> tensor<10x3xf32>
  %0 = mad.contract %d by affine_map<(n, m, k) -> (n, k)>, %u by affine_map<(n, m, k) -> (k, m)> : (tensor<4x10xf32>, tensor<10x3xf32>) -> tensor<4x3xf32>
  %w = lut.dequant %c, %s as <int, bits = 4> : (tensor<5x3xui8>, tensor<1x3xf32>) -> tensor<10x3xf32>
  %p, %f = lut.quantize_act %z : (tensor<4x3xf32>) -> (tensor<4x3xi8>, tensor<4xf32>)
  %g = lut.dequant_act %p, %f : (tensor<4x3xi8>, tensor<4xf32>) -> tensor<4x3xf32>
  %1 = mad.contract %g by affine_map<(n, k, m) -> (n, m)>, %w by affine_map<(n, k, m) -> (k, m)> : (tensor<4x3xf32>, tensor<10x3xf32>) -> tensor<4x10xf32>
  %2 = mad.contract %d by affine_map<(n, k, m) -> (n, k)>, %w by affine_map<(n, k, m) -> (k, m)> : (tensor<4x10xf32>, tensor<10x3xf32>) -> tensor<4xf32>
  return %0, %1, %2 : tensor<4x3xf32>, tensor<4x10xf32>, tensor<4xf32>
}
