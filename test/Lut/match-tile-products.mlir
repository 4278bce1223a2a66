// RUN: mad-opt %s --mad-match-tile-products --split-input-file --mlir-print-local-scope | FileCheck %s

// A product with a weight reads the transposed matrix of its tiles, which are a weight that is computed once. Tiles are bytes
// of one record for each 16 columns and 128 steps, 1024 of codes; one scale for all steps is behind them, in f32.
// CHECK-LABEL: @matches
// CHECK-SAME: %[[X:.*]]: tensor<?x2x128xf16{{.*}}>, %[[V:.*]]: tensor<128xf16>
// CHECK-DAG: %[[T:.*]] = mad.weight @w.tiles : tensor<1088xui8>
// CHECK-DAG: %[[W:.*]] = lut.unpack %[[T]] as <int, bits = 4, group = 128, scale = f16> : (tensor<1088xui8>) -> tensor<3x128xf16>
// CHECK: mad.contract %[[X]] by affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>, %[[W]] by affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// A vector is a row.
// CHECK: %[[ROW:.*]] = mad.reshape %[[V]] : {{.*}} -> tensor<1x128xf16>
// CHECK: mad.contract %[[ROW]] by affine_map<(d0, d1, d2) -> (d0, d2)>, %{{.*}} by affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK: mad.reshape %{{.*}} -> tensor<3xf16>
// CHECK-NOT: lut.dequant
// CHECK: func.func private @weight.w.tiles() -> tensor<1088xui8>
// CHECK-DAG: %[[C:.*]] = mad.weight @w.codes
// CHECK-DAG: %[[S:.*]] = mad.weight @w.scales
// CHECK: lut.pack %[[C]], %[[S]] as <int, bits = 4, group = 128, scale = f16> to 128
// CHECK: mad.weight_source @w.tiles
// CHECK-SAME: computed = @weight.w.tiles
mad.weight_source @w.codes from "" : "" : tensor<64x3xui8>
mad.weight_source @w.scales from "" : "" : tensor<1x3xf16>
func.func @matches(%x: tensor<?x2x128xf16, #mad.dims<"N", "", "">>, %v: tensor<128xf16>) -> (tensor<?x2x3xf16, #mad.dims<"N", "", "">>, tensor<3xf16>) {
  %c = mad.weight @w.codes : tensor<64x3xui8>
  %s = mad.weight @w.scales : tensor<1x3xf16>
  %w = lut.dequant %c, %s as <int, bits = 4, group = 128, scale = f16> : (tensor<64x3xui8>, tensor<1x3xf16>) -> tensor<128x3xf16>
  %0 = mad.contract %x by affine_map<(n, b, m, k) -> (n, b, k)>, %w by affine_map<(n, b, m, k) -> (k, m)> : (tensor<?x2x128xf16, #mad.dims<"N", "", "">>, tensor<128x3xf16>) -> tensor<?x2x3xf16, #mad.dims<"N", "", "">>
  %1 = mad.contract %w by affine_map<(m, k) -> (k, m)>, %v by affine_map<(m, k) -> (k)> : (tensor<128x3xf16>, tensor<128xf16>) -> tensor<3xf16>
  return %0, %1 : tensor<?x2x3xf16, #mad.dims<"N", "", "">>, tensor<3xf16>
}

// -----

// Rows of x that lie along the sum, and results with the rows last, are put in order.
// CHECK-LABEL: @turned
// CHECK: %[[X:.*]] = mad.view %arg0 by {{.*}} : (tensor<128x4xf16>) -> tensor<4x128xf16>
// CHECK: %[[Y:.*]] = mad.contract %[[X]] by {{.*}} -> tensor<4x3xf16>
// CHECK: mad.view %[[Y]] by {{.*}} : (tensor<4x3xf16>) -> tensor<3x4xf16>
// CHECK-NOT: lut.dequant
// CHECK: lut.pack
mad.weight_source @w.codes from "" : "" : tensor<64x3xui8>
mad.weight_source @w.scales from "" : "" : tensor<1x3xf16>
func.func @turned(%x: tensor<128x4xf16>) -> tensor<3x4xf16> {
  %c = mad.weight @w.codes : tensor<64x3xui8>
  %s = mad.weight @w.scales : tensor<1x3xf16>
  %w = lut.dequant %c, %s as <int, bits = 4, group = 128, scale = f16> : (tensor<64x3xui8>, tensor<1x3xf16>) -> tensor<128x3xf16>
  %0 = mad.contract %w by affine_map<(m, t, k) -> (k, m)>, %x by affine_map<(m, t, k) -> (k, t)> : (tensor<128x3xf16>, tensor<128x4xf16>) -> tensor<3x4xf16>
  return %0 : tensor<3x4xf16>
}

// -----

// The view that chooses a matrix chooses its tiles, which are one behind the other.
// CHECK-LABEL: @chooses
// CHECK-SAME: %[[I:[a-z0-9]+]]: tensor<i64>
// CHECK: %[[ALL:.*]] = mad.weight @w.tiles : tensor<2x5x1088xui8>
// CHECK: %[[ONE:.*]] = mad.view %[[ALL]][%[[I]]] by affine_map<(d0)[s0] -> (1, s0, d0)> checked {mad.subject = "w"} : {{.*}} -> tensor<1088xui8>
// CHECK: lut.unpack %[[ONE]] as <int, bits = 4> : (tensor<1088xui8>) -> tensor<3x128xf16>
// CHECK-NOT: lut.dequant
// CHECK: lut.pack {{.*}} to 128 : (tensor<2x5x64x3xui8>, tensor<2x5x1x3xf32>) -> tensor<2x5x1088xui8>
mad.weight_source @w.codes from "" : "" : tensor<2x5x64x3xui8>
mad.weight_source @w.scales from "" : "" : tensor<2x5x1x3xf32>
func.func @chooses(%x: tensor<4x128xf16>, %i: tensor<i64>) -> tensor<4x3xf16> {
  %c = mad.weight @w.codes : tensor<2x5x64x3xui8>
  %s = mad.weight @w.scales : tensor<2x5x1x3xf32>
  %0 = mad.view %c[%i] by affine_map<(k, m)[i] -> (1, i, k, m)> checked {mad.subject = "w"} : (tensor<2x5x64x3xui8>, tensor<i64>) -> tensor<64x3xui8>
  %1 = mad.view %s[%i] by affine_map<(k, m)[i] -> (1, i, k, m)> checked {mad.subject = "w"} : (tensor<2x5x1x3xf32>, tensor<i64>) -> tensor<1x3xf32>
  %w = lut.dequant %0, %1 as <int, bits = 4> : (tensor<64x3xui8>, tensor<1x3xf32>) -> tensor<128x3xf16>
  %2 = mad.contract %x by affine_map<(n, m, k) -> (n, k)>, %w by affine_map<(n, m, k) -> (k, m)> : (tensor<4x128xf16>, tensor<128x3xf16>) -> tensor<4x3xf16>
  return %2 : tensor<4x3xf16>
}

// -----

// A product with all matrices is one with each in turn, of rows that they share.
// CHECK-LABEL: @each
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<4x128xf16>
// CHECK: mad.scan "0" to "5"
// CHECK: ^bb0(%[[I:.*]]: tensor<i64>):
// CHECK: %[[ONE:.*]] = mad.view %{{.*}}[%[[I]]] by affine_map<(d0)[s0] -> (s0, d0)> inside : {{.*}} -> tensor<1088xui8>
// CHECK: %[[W:.*]] = lut.unpack %[[ONE]]
// CHECK: mad.contract %[[X]] by {{.*}}, %[[W]] by {{.*}} -> tensor<4x3xf16>
mad.weight_source @w.codes from "" : "" : tensor<5x64x3xui8>
mad.weight_source @w.scales from "" : "" : tensor<5x1x3xf32>
func.func @each(%x: tensor<4x128xf16>) -> tensor<5x4x3xf16> {
  %c = mad.weight @w.codes : tensor<5x64x3xui8>
  %s = mad.weight @w.scales : tensor<5x1x3xf32>
  %w = lut.dequant %c, %s as <int, bits = 4> : (tensor<5x64x3xui8>, tensor<5x1x3xf32>) -> tensor<5x128x3xf16>
  %0 = mad.contract %x by affine_map<(e, n, m, k) -> (n, k)>, %w by affine_map<(e, n, m, k) -> (e, k, m)> : (tensor<4x128xf16>, tensor<5x128x3xf16>) -> tensor<5x4x3xf16>
  return %0 : tensor<5x4x3xf16>
}

// -----

// Blocks of a .gguf file are integers with one scale a group, which is computed of both levels; minima are multiplied with the sums of
// groups in f32.
// CHECK-LABEL: @blocks
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<4x256xf16>
// CHECK: %[[T:.*]] = mad.weight @w.tiles
// CHECK: %[[W:.*]] = lut.unpack %[[T]] as <int, bits = 4, group = 32> : {{.*}} -> tensor<3x256xf16>
// CHECK: %[[M:.*]] = mad.weight @w.tile_minima : tensor<8x3xf32>
// CHECK: %[[F:.*]] = mad.cast %[[X]] : {{.*}} -> tensor<4x256xf32>
// CHECK: %[[G:.*]] = mad.reshape %[[F]] : {{.*}} -> tensor<4x8x32xf32>
// CHECK: %[[S:.*]] = mad.reduce sum %[[G]]
// CHECK: %[[L:.*]] = mad.contract %[[S]] by {{.*}}, %[[M]] by {{.*}} -> tensor<4x3xf32>
// CHECK: %[[P:.*]] = mad.contract %[[X]] by {{.*}}, %[[W]] by {{.*}} -> tensor<4x3xf16>
// CHECK: %[[R:.*]] = mad.cast %[[P]] : {{.*}} -> tensor<4x3xf32>
// CHECK: %[[A:.*]] = mad.add %[[R]], %[[L]]
// CHECK: mad.cast %[[A]] : {{.*}} -> tensor<4x3xf16>
// CHECK: func.func private @weight.w.tiles
// CHECK: %[[C:.*]] = mad.weight @w.tile_scales
// CHECK: lut.pack %{{.*}}, %[[C]] as <int, bits = 4, group = 32> to 256
// Weights are computed in their order.
// CHECK: func.func private @weight.w.tile_scales() -> tensor<8x3xf32>
// CHECK: mad.weight_source @w.tile_scales
// CHECK: mad.weight_source @w.tiles
// CHECK: func.func private @weight.w.tile_minima
mad.weight_source @w.codes from "" : "" : tensor<128x3xui8>
mad.weight_source @w.scales from "" : "" : tensor<8x3xui8>
mad.weight_source @w.mins from "" : "" : tensor<8x3xui8>
mad.weight_source @w.supers from "" : "" : tensor<1x3xf16>
mad.weight_source @w.supermins from "" : "" : tensor<1x3xf16>
func.func @blocks(%x: tensor<4x256xf16>) -> tensor<4x3xf16> {
  %c = mad.weight @w.codes : tensor<128x3xui8>
  %s = mad.weight @w.scales : tensor<8x3xui8>
  %m = mad.weight @w.mins : tensor<8x3xui8>
  %t = mad.weight @w.supers : tensor<1x3xf16>
  %n = mad.weight @w.supermins : tensor<1x3xf16>
  %w = lut.dequant %c, %s, %m, %t, %n as <gguf, type = Q4_K> : (tensor<128x3xui8>, tensor<8x3xui8>, tensor<8x3xui8>, tensor<1x3xf16>, tensor<1x3xf16>) -> tensor<256x3xf16>
  %0 = mad.contract %x by affine_map<(n, m, k) -> (n, k)>, %w by affine_map<(n, m, k) -> (k, m)> : (tensor<4x256xf16>, tensor<256x3xf16>) -> tensor<4x3xf16>
  return %0 : tensor<4x3xf16>
}

// -----

// Of several matrices of blocks with minima each product takes its own rows, tiles and minima: sums of the groups g of row n times the
// minima of g and column m.
// CHECK-LABEL: @each_blocks
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<5x4x256xf32>
// CHECK: ^bb0(%[[I:.*]]: tensor<i64>):
// CHECK: %[[ROWS:.*]] = mad.view %[[X]][%[[I]]] by affine_map<(d0, d1)[s0] -> (s0, d0, d1)> inside : {{.*}} -> tensor<4x256xf32>
// CHECK: %[[T:.*]] = mad.view %{{.*}}[%[[I]]] by affine_map<(d0)[s0] -> (s0, d0)> inside : {{.*}} -> tensor<2560xui8>
// CHECK: %[[W:.*]] = lut.unpack %[[T]] as <int, bits = 4, group = 32> : {{.*}} -> tensor<3x256xf32>
// CHECK: %[[ALL:.*]] = mad.weight @w.tile_minima : tensor<5x8x3xf32>
// CHECK: %[[M:.*]] = mad.view %[[ALL]][%[[I]]] by affine_map<(d0, d1)[s0] -> (s0, d0, d1)> inside : {{.*}} -> tensor<8x3xf32>
// CHECK: %[[G:.*]] = mad.reshape %[[ROWS]] : {{.*}} -> tensor<4x8x32xf32>
// CHECK: %[[S:.*]] = mad.reduce sum %[[G]] over [2]
// CHECK: %[[L:.*]] = mad.contract %[[S]] by affine_map<(d0, d1, d2) -> (d0, d2)>, %[[M]] by affine_map<(d0, d1, d2) -> (d2, d1)> : {{.*}} -> tensor<4x3xf32>
// CHECK: %[[P:.*]] = mad.contract %[[ROWS]] by affine_map<(d0, d1, d2) -> (d0, d2)>, %[[W]] by affine_map<(d0, d1, d2) -> (d1, d2)> : {{.*}} -> tensor<4x3xf32>
// CHECK: %[[A:.*]] = mad.add %[[P]], %[[L]]
// CHECK: mad.yield %[[A]]
mad.weight_source @w.codes from "" : "" : tensor<5x128x3xui8>
mad.weight_source @w.scales from "" : "" : tensor<5x8x3xui8>
mad.weight_source @w.mins from "" : "" : tensor<5x8x3xui8>
mad.weight_source @w.supers from "" : "" : tensor<5x1x3xf16>
mad.weight_source @w.supermins from "" : "" : tensor<5x1x3xf16>
func.func @each_blocks(%x: tensor<5x4x256xf32>) -> tensor<5x4x3xf32> {
  %c = mad.weight @w.codes : tensor<5x128x3xui8>
  %s = mad.weight @w.scales : tensor<5x8x3xui8>
  %m = mad.weight @w.mins : tensor<5x8x3xui8>
  %t = mad.weight @w.supers : tensor<5x1x3xf16>
  %n = mad.weight @w.supermins : tensor<5x1x3xf16>
  %w = lut.dequant %c, %s, %m, %t, %n as <gguf, type = Q4_K> : (tensor<5x128x3xui8>, tensor<5x8x3xui8>, tensor<5x8x3xui8>, tensor<5x1x3xf16>, tensor<5x1x3xf16>) -> tensor<5x256x3xf32>
  %0 = mad.contract %x by affine_map<(b, n, m, k) -> (b, n, k)>, %w by affine_map<(b, n, m, k) -> (b, k, m)> : (tensor<5x4x256xf32>, tensor<5x256x3xf32>) -> tensor<5x4x3xf32>
  return %0 : tensor<5x4x3xf32>
}

// -----

// Parts of different matrices are no matrix of the weight.
// CHECK-LABEL: @mixed
// CHECK-NOT: lut.unpack
mad.weight_source @w.codes from "" : "" : tensor<5x64x3xui8>
mad.weight_source @w.scales from "" : "" : tensor<5x1x3xf32>
func.func @mixed(%x: tensor<4x128xf16>) -> tensor<4x3xf16> {
  %c = mad.weight @w.codes : tensor<5x64x3xui8>
  %s = mad.weight @w.scales : tensor<5x1x3xf32>
  %0 = mad.view %c by affine_map<(k, m) -> (1, k, m)> inside : (tensor<5x64x3xui8>) -> tensor<64x3xui8>
  %1 = mad.view %s by affine_map<(k, m) -> (2, k, m)> inside : (tensor<5x1x3xf32>) -> tensor<1x3xf32>
  %w = lut.dequant %0, %1 as <int, bits = 4> : (tensor<64x3xui8>, tensor<1x3xf32>) -> tensor<128x3xf16>
  %2 = mad.contract %x by affine_map<(n, m, k) -> (n, k)>, %w by affine_map<(n, m, k) -> (k, m)> : (tensor<4x128xf16>, tensor<128x3xf16>) -> tensor<4x3xf16>
  return %2 : tensor<4x3xf16>
}

// -----

// Strict sums, sums over columns, groups that end inside of a fragment, and what is no weight.
// CHECK-LABEL: @stays
// CHECK-NOT: lut.unpack
mad.weight_source @w.codes from "" : "" : tensor<64x3xui8>
mad.weight_source @w.scales from "" : "" : tensor<1x3xf32>
mad.weight_source @u.scales from "" : "" : tensor<3x3xf32>
func.func @stays(%x: tensor<4x128xf32>, %z: tensor<4x3xf32>, %d: tensor<64x3xui8>) -> (tensor<4x3xf32>, tensor<4x128xf32>, tensor<4x3xf32>, tensor<4x3xf32>) {
  %c = mad.weight @w.codes : tensor<64x3xui8>
  %s = mad.weight @w.scales : tensor<1x3xf32>
  %w = lut.dequant %c, %s as <int, bits = 4> : (tensor<64x3xui8>, tensor<1x3xf32>) -> tensor<128x3xf32>
  %0 = mad.contract %x by affine_map<(n, m, k) -> (n, k)>, %w by affine_map<(n, m, k) -> (k, m)> {mad.fp = "strict"} : (tensor<4x128xf32>, tensor<128x3xf32>) -> tensor<4x3xf32>
  %1 = mad.contract %z by affine_map<(n, k, m) -> (n, m)>, %w by affine_map<(n, k, m) -> (k, m)> : (tensor<4x3xf32>, tensor<128x3xf32>) -> tensor<4x128xf32>
  %t = mad.weight @u.scales : tensor<3x3xf32>
  %u = lut.dequant %c, %t as <int, bits = 4, group = 48> : (tensor<64x3xui8>, tensor<3x3xf32>) -> tensor<128x3xf32>
  %2 = mad.contract %x by affine_map<(n, m, k) -> (n, k)>, %u by affine_map<(n, m, k) -> (k, m)> : (tensor<4x128xf32>, tensor<128x3xf32>) -> tensor<4x3xf32>
  %y = lut.dequant %d, %s as <int, bits = 4> : (tensor<64x3xui8>, tensor<1x3xf32>) -> tensor<128x3xf32>
  %3 = mad.contract %x by affine_map<(n, m, k) -> (n, k)>, %y by affine_map<(n, m, k) -> (k, m)> : (tensor<4x128xf32>, tensor<128x3xf32>) -> tensor<4x3xf32>
  return %0, %1, %2, %3 : tensor<4x3xf32>, tensor<4x128xf32>, tensor<4x3xf32>, tensor<4x3xf32>
}
