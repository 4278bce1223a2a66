// RUN: mad-opt %s --canonicalize | FileCheck %s
// What a slice takes of a weight with leading dimensions, it takes of the parts.

#layer = affine_map<(d0, d1)[s0] -> (s0, d0, d1)>
#turned = affine_map<(d0, d1) -> (1, d1, d0)>
#some = affine_map<(d0, d1, d2) -> (d0 + 1, d1, d2)>
#rows = affine_map<(d0, d1)[s0] -> (0, s0 + d0, d1)>
#same = affine_map<(d0, d1) -> (d0, d1)>
#diagonal = affine_map<(d0, d1) -> (d0, d0, d1)>

// CHECK-LABEL: @layer
// CHECK-DAG: %[[C:.*]] = mad.view %arg0[%arg2] by {{.*}} checked {mad.subject = "w"} : (tensor<3x4x5xui8>, tensor<i64>) -> tensor<4x5xui8>
// CHECK-DAG: %[[S:.*]] = mad.view %arg1[%arg2] by {{.*}} checked {mad.subject = "w"} : (tensor<3x2x5xf32>, tensor<i64>) -> tensor<2x5xf32>
// CHECK: %[[W:.*]] = lut.dequant %[[C]], %[[S]] as <int, bits = 4, group = 4> : {{.*}} -> tensor<8x5xf32>
// CHECK-NEXT: return %[[W]]
func.func @layer(%c: tensor<3x4x5xui8>, %s: tensor<3x2x5xf32>, %i: tensor<i64>) -> tensor<8x5xf32> {
  %0 = lut.dequant %c, %s as <int, bits = 4, group = 4> : (tensor<3x4x5xui8>, tensor<3x2x5xf32>) -> tensor<3x8x5xf32>
  %1 = mad.view %0[%i] by #layer checked {mad.subject = "w"} : (tensor<3x8x5xf32>, tensor<i64>) -> tensor<8x5xf32>
  return %1 : tensor<8x5xf32>
}

// CHECK-LABEL: @turned
// CHECK: lut.dequant {{.*}} -> tensor<8x5xf32>
// CHECK: mad.view {{.*}} : (tensor<8x5xf32>) -> tensor<5x8xf32>
func.func @turned(%c: tensor<3x2x5xui8>, %s: tensor<3x1x1xf32>) -> tensor<5x8xf32> {
  %0 = lut.dequant %c, %s as <ternary> : (tensor<3x2x5xui8>, tensor<3x1x1xf32>) -> tensor<3x8x5xf32>
  %1 = mad.view %0 by #turned inside : (tensor<3x8x5xf32>) -> tensor<5x8xf32>
  return %1 : tensor<5x8xf32>
}

// CHECK-LABEL: @some
// CHECK: lut.dequant {{.*}} : (tensor<2x2x5xui8>, tensor<2x4x5xf32>) -> tensor<2x8x5xf32>
// CHECK-NEXT: return
func.func @some(%c: tensor<3x2x5xui8>, %s: tensor<3x4x5xf32>) -> tensor<2x8x5xf32> {
  %0 = lut.dequant %c, %s as <codebook, bits = 2, group = row> : (tensor<3x2x5xui8>, tensor<3x4x5xf32>) -> tensor<3x8x5xf32>
  %1 = mad.view %0 by #some inside : (tensor<3x8x5xf32>) -> tensor<2x8x5xf32>
  return %1 : tensor<2x8x5xf32>
}

// The check is of the rows: it stays. So does a diagonal, and a matrix that has no layers.
// CHECK-LABEL: @stays
// CHECK-COUNT-2: -> tensor<3x8x5xf32>
// CHECK: mad.view {{.*}} checked : (tensor<3x8x5xf32>, tensor<i64>)
// CHECK: mad.view {{.*}} inside : (tensor<3x8x5xf32>) -> tensor<3x5xf32>
func.func @stays(%c: tensor<3x2x5xui8>, %s: tensor<3x1x1xf32>, %t: tensor<3x1x1xf32>, %i: tensor<i64>) -> (tensor<2x5xf32>, tensor<3x5xf32>) {
  %0 = lut.dequant %c, %s as <ternary> : (tensor<3x2x5xui8>, tensor<3x1x1xf32>) -> tensor<3x8x5xf32>
  %1 = lut.dequant %c, %t as <ternary> : (tensor<3x2x5xui8>, tensor<3x1x1xf32>) -> tensor<3x8x5xf32>
  %2 = mad.view %0[%i] by #rows checked : (tensor<3x8x5xf32>, tensor<i64>) -> tensor<2x5xf32>
  %3 = mad.view %1 by #diagonal inside : (tensor<3x8x5xf32>) -> tensor<3x5xf32>
  return %2, %3 : tensor<2x5xf32>, tensor<3x5xf32>
}

// What functions call the dimensions of one tensor makes no two quantisations of it.
// CHECK-LABEL: @renamed
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32, #mad.dims<"T", "K">>
// CHECK-COUNT-2: lut.quantize_act %[[X]] : (tensor<?x8xf32, #mad.dims<"T", "K">>) -> (tensor<?x8xi8, #mad.dims<"T", "K">>, tensor<?xf32, #mad.dims<"T">>)
// CHECK: return
func.func @renamed(%x: tensor<?x8xf32, #mad.dims<"T", "K">>) -> (tensor<?x8xi8, #mad.dims<"T", "A">>, tensor<?x8xi8, #mad.dims<"T", "B">>) {
  %0 = mad.reshape %x : (tensor<?x8xf32, #mad.dims<"T", "K">>) -> tensor<?x8xf32, #mad.dims<"T", "A">>
  %1 = mad.reshape %x : (tensor<?x8xf32, #mad.dims<"T", "K">>) -> tensor<?x8xf32, #mad.dims<"T", "B">>
  %q, %s = lut.quantize_act %0 : (tensor<?x8xf32, #mad.dims<"T", "A">>) -> (tensor<?x8xi8, #mad.dims<"T", "A">>, tensor<?xf32, #mad.dims<"T">>)
  %p, %t = lut.quantize_act %1 : (tensor<?x8xf32, #mad.dims<"T", "B">>) -> (tensor<?x8xi8, #mad.dims<"T", "B">>, tensor<?xf32, #mad.dims<"T">>)
  return %q, %p : tensor<?x8xi8, #mad.dims<"T", "A">>, tensor<?x8xi8, #mad.dims<"T", "B">>
}

// Names of dimensions are those of the weight, whether they come from a function or a loop over layers.
// CHECK-LABEL: @names
// CHECK: lut.dequant {{.*}} -> tensor<8x5xf32>
// CHECK-NEXT: lut.dequant {{.*}} -> tensor<8x5xf32, #mad.dims<"K", "M">>
// CHECK-NEXT: lut.dequant {{.*}} -> tensor<8x5xf32, #mad.dims<"A", "B">>
// CHECK-NEXT: mad.reshape {{.*}} -> tensor<40xf32>
// CHECK-NEXT: return
func.func @names(%c: tensor<4x5xui8>, %s: tensor<1x5xf32>) -> (tensor<8x5xf32, #mad.dims<"K", "M">>, tensor<8x5xf32, #mad.dims<"A", "B">>, tensor<40xf32>) {
  %0 = lut.dequant %c, %s as <int, bits = 4> : (tensor<4x5xui8>, tensor<1x5xf32>) -> tensor<8x5xf32>
  %1 = mad.view %0 by #same inside : (tensor<8x5xf32>) -> tensor<8x5xf32, #mad.dims<"K", "M">>
  %2 = mad.reshape %0 : (tensor<8x5xf32>) -> tensor<8x5xf32, #mad.dims<"A", "B">>
  %3 = mad.reshape %0 : (tensor<8x5xf32>) -> tensor<40xf32>
  return %1, %2, %3 : tensor<8x5xf32, #mad.dims<"K", "M">>, tensor<8x5xf32, #mad.dims<"A", "B">>, tensor<40xf32>
}

// A product reads a transposed weight where it lies; not some of its rows.
// CHECK-LABEL: @transposed
// CHECK: %[[W:.*]] = lut.dequant
// CHECK: mad.contract %arg0 by #{{.*}}, %[[W]] by #[[MAP:.*]] : (tensor<3x8xf32>, tensor<8x5xf32>) -> tensor<3x5xf32>
// CHECK: %[[PART:.*]] = mad.view %[[W]]
// CHECK: mad.contract %arg1 by #{{.*}}, %[[PART]] by
func.func @transposed(%x: tensor<3x8xf32>, %z: tensor<3x4xf32>, %c: tensor<4x5xui8>, %s: tensor<1x5xf32>) -> (tensor<3x5xf32>, tensor<3x5xf32>) {
  %0 = lut.dequant %c, %s as <int, bits = 4> : (tensor<4x5xui8>, tensor<1x5xf32>) -> tensor<8x5xf32>
  %1 = mad.view %0 by affine_map<(d0, d1) -> (d1, d0)> inside : (tensor<8x5xf32>) -> tensor<5x8xf32>
  %2 = mad.contract %x by affine_map<(n, m, k) -> (n, k)>, %1 by affine_map<(n, m, k) -> (m, k)> : (tensor<3x8xf32>, tensor<5x8xf32>) -> tensor<3x5xf32>
  %3 = mad.view %0 by affine_map<(d0, d1) -> (d1, d0)> inside : (tensor<8x5xf32>) -> tensor<5x4xf32>
  %4 = mad.contract %z by affine_map<(n, m, k) -> (n, k)>, %3 by affine_map<(n, m, k) -> (m, k)> : (tensor<3x4xf32>, tensor<5x4xf32>) -> tensor<3x5xf32>
  return %2, %4 : tensor<3x5xf32>, tensor<3x5xf32>
}

// A range of columns is one of each part; one scale for all of them stays. A transposed one is read where it lies, too.
// CHECK-LABEL: @columns
// CHECK-DAG: %[[C:.*]] = mad.view %arg1 by [[AT2:.*]] inside : (tensor<4x5xui8>) -> tensor<4x2xui8>
// CHECK-DAG: %[[S:.*]] = mad.view %arg2 by [[AT2]] inside : (tensor<1x5xf32>) -> tensor<1x2xf32>
// CHECK: %[[W:.*]] = lut.dequant %[[C]], %[[S]] as <int, bits = 4> : {{.*}} -> tensor<8x2xf32>
// CHECK: %[[D:.*]] = mad.view %arg3 by {{.*}} : (tensor<2x5xui8>) -> tensor<2x4xui8>
// CHECK: %[[T:.*]] = lut.dequant %[[D]], %arg4 as <ternary> : {{.*}} -> tensor<8x4xf32>
// CHECK: mad.contract %arg0 by {{.*}}, %[[T]] by {{.*}} : (tensor<3x8xf32>, tensor<8x4xf32>) -> tensor<3x4xf32>
func.func @columns(%x: tensor<3x8xf32>, %c: tensor<4x5xui8>, %s: tensor<1x5xf32>, %d: tensor<2x5xui8>, %t: tensor<1x1xf32>) -> (tensor<8x2xf32>, tensor<3x4xf32>) {
  %0 = lut.dequant %c, %s as <int, bits = 4> : (tensor<4x5xui8>, tensor<1x5xf32>) -> tensor<8x5xf32>
  %1 = mad.view %0 by affine_map<(d0, d1) -> (d0, d1 + 2)> inside : (tensor<8x5xf32>) -> tensor<8x2xf32>
  %2 = lut.dequant %d, %t as <ternary> : (tensor<2x5xui8>, tensor<1x1xf32>) -> tensor<8x5xf32>
  %3 = mad.view %2 by affine_map<(d0, d1) -> (d1, d0 + 1)> inside : (tensor<8x5xf32>) -> tensor<4x8xf32>
  %4 = mad.contract %x by affine_map<(n, m, k) -> (n, k)>, %3 by affine_map<(n, m, k) -> (m, k)> : (tensor<3x8xf32>, tensor<4x8xf32>) -> tensor<3x4xf32>
  return %1, %4 : tensor<8x2xf32>, tensor<3x4xf32>
}

// Every other column, columns that are read outside of the weight, and words of a dictionary are decoded.
// CHECK-LABEL: @decoded
// CHECK-COUNT-2: lut.dequant {{.*}} -> tensor<8x5xf32>
// CHECK: lut.dequant {{.*}} -> tensor<8x3xf32>
func.func @decoded(%c: tensor<4x5xui8>, %s: tensor<1x5xf32>, %w: tensor<12x2xui8>, %u: tensor<1x1xf32>, %b: tensor<4x4xui8>, %d: tensor<65536x8xui8>, %l: tensor<65536x4xui8>) -> (tensor<8x2xf32>, tensor<8x4xf32>, tensor<8x2xf32>) {
  %0 = lut.dequant %c, %s as <int, bits = 4> : (tensor<4x5xui8>, tensor<1x5xf32>) -> tensor<8x5xf32>
  %1 = mad.view %0 by affine_map<(d0, d1) -> (d0, d1 * 2)> inside : (tensor<8x5xf32>) -> tensor<8x2xf32>
  %2 = lut.dequant %c, %s as <int, bits = 4> : (tensor<4x5xui8>, tensor<1x5xf32>) -> tensor<8x5xf32>
  %3 = mad.view %2 by affine_map<(d0, d1) -> (d0, d1 + 2)> zero : (tensor<8x5xf32>) -> tensor<8x4xf32>
  %4 = lut.dequant %w, %u, %b, %d, %l as <dictionary, words = 12> : (tensor<12x2xui8>, tensor<1x1xf32>, tensor<4x4xui8>, tensor<65536x8xui8>, tensor<65536x4xui8>) -> tensor<8x3xf32>
  %5 = mad.view %4 by affine_map<(d0, d1) -> (d0, d1 + 1)> inside : (tensor<8x3xf32>) -> tensor<8x2xf32>
  return %1, %3, %5 : tensor<8x2xf32>, tensor<8x4xf32>, tensor<8x2xf32>
}
