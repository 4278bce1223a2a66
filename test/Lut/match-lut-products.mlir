// RUN: mad-opt %s --mad-match-lut-products --split-input-file | FileCheck %s

// Rows, of any dimensions in front, times a matrix. The factors may be in either order.
// CHECK-LABEL: @matches
// CHECK-SAME: %[[X:.*]]: tensor<?x2x10xf32{{.*}}>, %[[C:.*]]: tensor<5x3xui8>, %[[S:.*]]: tensor<1x3xf32>
// CHECK-NEXT: lut.product %[[X]], %[[C]], %[[S]] as <int, bits = 4> : {{.*}} -> tensor<?x2x3xf32
// CHECK-NEXT: lut.product %{{.*}}, %[[C]], %[[S]] as <int, bits = 4> : {{.*}} -> tensor<3xf32>
// CHECK-NOT: lut.dequant
// CHECK-NOT: mad.contract
func.func @matches(%x: tensor<?x2x10xf32, #mad.dims<"N", "", "">>, %c: tensor<5x3xui8>, %s: tensor<1x3xf32>, %v: tensor<10xf32>) -> (tensor<?x2x3xf32, #mad.dims<"N", "", "">>, tensor<3xf32>) {
  %w = lut.dequant %c, %s as <int, bits = 4> : (tensor<5x3xui8>, tensor<1x3xf32>) -> tensor<10x3xf32>
  %0 = mad.contract %x by affine_map<(n, b, m, k) -> (n, b, k)>, %w by affine_map<(n, b, m, k) -> (k, m)> : (tensor<?x2x10xf32, #mad.dims<"N", "", "">>, tensor<10x3xf32>) -> tensor<?x2x3xf32, #mad.dims<"N", "", "">>
  %1 = mad.contract %w by affine_map<(m, k) -> (k, m)>, %v by affine_map<(m, k) -> (k)> : (tensor<10x3xf32>, tensor<10xf32>) -> tensor<3xf32>
  return %0, %1 : tensor<?x2x3xf32, #mad.dims<"N", "", "">>, tensor<3xf32>
}

// -----

// A table for each column.
// CHECK-LABEL: @tables
// CHECK: lut.product %arg0, %arg1, %arg2 as <codebook, bits = 4, group = row>
func.func @tables(%x: tensor<4x10xf32>, %c: tensor<5x3xui8>, %t: tensor<16x3xf32>) -> tensor<4x3xf32> {
  %w = lut.dequant %c, %t as <codebook, bits = 4, group = row> : (tensor<5x3xui8>, tensor<16x3xf32>) -> tensor<10x3xf32>
  %0 = mad.contract %x by affine_map<(n, m, k) -> (n, k)>, %w by affine_map<(n, m, k) -> (k, m)> : (tensor<4x10xf32>, tensor<10x3xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

// Dimensions in any order: rows and results are put in order, of an expert for each of some rows, too.
// CHECK-LABEL: @turned
// CHECK: %[[X:.*]] = mad.view %arg0 by {{.*}} : (tensor<10x?xf32{{.*}}>) -> tensor<?x10xf32
// CHECK: %[[Y:.*]] = lut.product %[[X]], %arg2, %arg3 as <int, bits = 4> : {{.*}} -> tensor<?x3xf32
// CHECK: mad.view %[[Y]] by {{.*}} -> tensor<3x?xf32
// CHECK: %[[Z:.*]] = mad.view %arg1 by {{.*}} : (tensor<7x2x10xf32>) -> tensor<2x7x10xf32>
// CHECK: mad.scan "0" to "2"
// CHECK: lut.product {{.*}} : (tensor<7x10xf32>, tensor<5x3xui8>, tensor<1x3xf32>) -> tensor<7x3xf32>
// CHECK-NOT: mad.contract
// CHECK: mad.view {{.*}} : (tensor<2x7x3xf32>) -> tensor<7x2x3xf32>
func.func @turned(%x: tensor<10x?xf32, #mad.dims<"", "T">>, %z: tensor<7x2x10xf32>, %c: tensor<5x3xui8>, %s: tensor<1x3xf32>, %d: tensor<2x5x3xui8>, %t: tensor<2x1x3xf32>) -> (tensor<3x?xf32, #mad.dims<"", "T">>, tensor<7x2x3xf32>) {
  %w = lut.dequant %c, %s as <int, bits = 4> : (tensor<5x3xui8>, tensor<1x3xf32>) -> tensor<10x3xf32>
  %0 = mad.contract %w by affine_map<(m, t, k) -> (k, m)>, %x by affine_map<(m, t, k) -> (k, t)> : (tensor<10x3xf32>, tensor<10x?xf32, #mad.dims<"", "T">>) -> tensor<3x?xf32, #mad.dims<"", "T">>
  %v = lut.dequant %d, %t as <int, bits = 4> : (tensor<2x5x3xui8>, tensor<2x1x3xf32>) -> tensor<2x10x3xf32>
  %1 = mad.contract %z by affine_map<(n, e, m, k) -> (n, e, k)>, %v by affine_map<(n, e, m, k) -> (e, k, m)> : (tensor<7x2x10xf32>, tensor<2x10x3xf32>) -> tensor<7x2x3xf32>
  return %0, %1 : tensor<3x?xf32, #mad.dims<"", "T">>, tensor<7x2x3xf32>
}

// -----

// Strict sums, sums over columns, and sums in f16 have no kernel.
// CHECK-LABEL: @stays
// CHECK-NOT: lut.product
func.func @stays(%x: tensor<4x10xf32>, %z: tensor<4x3xf32>, %c: tensor<5x3xui8>, %s: tensor<1x3xf32>) -> (tensor<4x3xf32>, tensor<4x10xf32>, tensor<4x3xf32>) {
  %w = lut.dequant %c, %s as <int, bits = 4> : (tensor<5x3xui8>, tensor<1x3xf32>) -> tensor<10x3xf32>
  %0 = mad.contract %x by affine_map<(n, m, k) -> (n, k)>, %w by affine_map<(n, m, k) -> (k, m)> {mad.fp = "strict"} : (tensor<4x10xf32>, tensor<10x3xf32>) -> tensor<4x3xf32>
  %1 = mad.contract %z by affine_map<(n, k, m) -> (n, m)>, %w by affine_map<(n, k, m) -> (k, m)> : (tensor<4x3xf32>, tensor<10x3xf32>) -> tensor<4x10xf32>
  %h = lut.dequant %c, %s as <int, bits = 4> : (tensor<5x3xui8>, tensor<1x3xf32>) -> tensor<10x3xf16>
  %i = mad.cast %x : (tensor<4x10xf32>) -> tensor<4x10xf16>
  %3 = mad.contract %i by affine_map<(n, m, k) -> (n, k)>, %h by affine_map<(n, m, k) -> (k, m)> : (tensor<4x10xf16>, tensor<10x3xf16>) -> tensor<4x3xf16>
  %4 = mad.cast %3 : (tensor<4x3xf16>) -> tensor<4x3xf32>
  return %0, %1, %4 : tensor<4x3xf32>, tensor<4x10xf32>, tensor<4x3xf32>
}

// -----

// Products of integers are for kernels, one matrix after the other.
// CHECK-LABEL: func.func @gemm
// CHECK: lut.gemm {{.*}} kernel
// CHECK: mad.scan "0" to "3"
// CHECK: lut.gemm {{.*}} kernel : (tensor<4x10xi8>, tensor<4xf32>, tensor<5x6xui8>, tensor<1x6xf32>) -> tensor<4x6xf32>
// CHECK: return
func.func @gemm(%q: tensor<3x4x10xi8>, %r: tensor<3x4xf32>, %c: tensor<5x6xui8>, %s: tensor<1x6xf32>, %d: tensor<3x5x6xui8>, %t: tensor<3x1x6xf32>) -> (tensor<3x4x6xf32>, tensor<3x4x6xf32>) {
  %0 = lut.gemm %q, %r, %c, %s as <int, bits = 4> : (tensor<3x4x10xi8>, tensor<3x4xf32>, tensor<5x6xui8>, tensor<1x6xf32>) -> tensor<3x4x6xf32>
  %1 = lut.gemm %q, %r, %d, %t as <int, bits = 4> : (tensor<3x4x10xi8>, tensor<3x4xf32>, tensor<3x5x6xui8>, tensor<3x1x6xf32>) -> tensor<3x4x6xf32>
  return %0, %1 : tensor<3x4x6xf32>, tensor<3x4x6xf32>
}

// -----

// A matrix for each of a batch: one after the other.
// CHECK-LABEL: @batch
// CHECK-SAME: %[[X:.*]]: tensor<4x?x10xf32{{.*}}>, %[[C:.*]]: tensor<4x5x3xui8>, %[[S:.*]]: tensor<4x1x3xf32>
// CHECK: mad.scan "0" to "4"
// CHECK-DAG: %[[XE:.*]] = mad.view %[[X]]{{.*}} -> tensor<?x10xf32
// CHECK-DAG: %[[CE:.*]] = mad.view %[[C]]{{.*}} -> tensor<5x3xui8>
// CHECK-DAG: %[[SE:.*]] = mad.view %[[S]]{{.*}} -> tensor<1x3xf32>
// CHECK: lut.product %[[XE]], %[[CE]], %[[SE]] as <int, bits = 4> : {{.*}} -> tensor<?x3xf32
// CHECK-NOT: mad.contract
func.func @batch(%x: tensor<4x?x10xf32, #mad.dims<"", "N", "">>, %c: tensor<4x5x3xui8>, %s: tensor<4x1x3xf32>) -> tensor<4x?x3xf32, #mad.dims<"", "N", "">> {
  %w = lut.dequant %c, %s as <int, bits = 4> : (tensor<4x5x3xui8>, tensor<4x1x3xf32>) -> tensor<4x10x3xf32>
  %0 = mad.contract %x by affine_map<(e, n, m, k) -> (e, n, k)>, %w by affine_map<(e, n, m, k) -> (e, k, m)> : (tensor<4x?x10xf32, #mad.dims<"", "N", "">>, tensor<4x10x3xf32>) -> tensor<4x?x3xf32, #mad.dims<"", "N", "">>
  return %0 : tensor<4x?x3xf32, #mad.dims<"", "N", "">>
}

// -----

// Rows that all matrices share.
// CHECK-LABEL: @shared
// CHECK-SAME: %[[X:.*]]: tensor<2x7x10xf32>
// CHECK: mad.scan "0" to "4"
// CHECK: lut.product %[[X]], {{.*}} as <int, bits = 4> : (tensor<2x7x10xf32>, tensor<5x3xui8>, tensor<1x3xf32>) -> tensor<2x7x3xf32>
// CHECK-NOT: mad.contract
func.func @shared(%x: tensor<2x7x10xf32>, %c: tensor<4x5x3xui8>, %s: tensor<4x1x3xf32>) -> tensor<4x2x7x3xf32> {
  %w = lut.dequant %c, %s as <int, bits = 4> : (tensor<4x5x3xui8>, tensor<4x1x3xf32>) -> tensor<4x10x3xf32>
  %0 = mad.contract %x by affine_map<(e, b, n, m, k) -> (b, n, k)>, %w by affine_map<(e, b, n, m, k) -> (e, k, m)> : (tensor<2x7x10xf32>, tensor<4x10x3xf32>) -> tensor<4x2x7x3xf32>
  return %0 : tensor<4x2x7x3xf32>
}

// -----

// Blocks of .gguf files: their codes, with scales that are multiplied out, and minima times sums of groups.
// CHECK-LABEL: @blocks
// CHECK: %[[SCALE:.*]] = mad.mul
// CHECK: lut.product %{{.*}}, %{{.*}}, %[[SCALE]] as <int, bits = 4, group = 32> : {{.*}} -> tensor<4x3xf32>
// CHECK: %[[SUMS:.*]] = mad.reduce sum {{.*}} -> tensor<4x8xf32>
// CHECK: mad.contract %[[SUMS]]
// CHECK: mad.add
// CHECK-NOT: lut.dequant
func.func @blocks(%x: tensor<4x256xf32>, %c: tensor<128x3xui8>, %s: tensor<8x3xui8>, %m: tensor<8x3xui8>, %d: tensor<1x3xf16>, %e: tensor<1x3xf16>) -> tensor<4x3xf32> {
  %w = lut.dequant %c, %s, %m, %d, %e as <gguf, type = Q4_K> : (tensor<128x3xui8>, tensor<8x3xui8>, tensor<8x3xui8>, tensor<1x3xf16>, tensor<1x3xf16>) -> tensor<256x3xf32>
  %0 = mad.contract %x by affine_map<(n, m, k) -> (n, k)>, %w by affine_map<(n, m, k) -> (k, m)> : (tensor<4x256xf32>, tensor<256x3xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

// Of several matrices all but the dictionary is sliced. Sums of integers that f32 holds are a product of floats; where groups
// are shorter, kernels on bytes get codes of 2 bits.
// CHECK-LABEL: @words
// CHECK-SAME: %[[D:[a-z0-9]+]]: tensor<65536x8xui8>, %[[T:[a-z0-9]+]]: tensor<65536x4xui8>
// CHECK: mad.scan
// CHECK: lut.product %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[D]], %[[T]] as <dictionary, words = 12> : (tensor<4x10xf32>, tensor<12x2xui8>, tensor<1x1xf32>, tensor<4x4xui8>, tensor<65536x8xui8>, tensor<65536x4xui8>) -> tensor<4x3xf32>
// CHECK: %[[Q:.*]] = mad.cast %{{.*}} : (tensor<4x10xi8>) -> tensor<4x10xf32>
// CHECK: %[[P:.*]] = lut.product %[[Q]], %{{.*}}, %{{.*}}, %{{.*}}, %[[D]], %[[T]] as <dictionary, words = 12> of integers
// CHECK: %[[SCALES:.*]] = mad.view {{.*}} : (tensor<4xf32>) -> tensor<4x3xf32>
// CHECK: mad.mul %[[P]], %[[SCALES]]
// CHECK: %[[CODES:.*]] = lut.expand {{.*}} of 10 : {{.*}} -> tensor<3x3xui8>
// CHECK: lut.gemm %{{.*}}, %{{.*}}, %[[CODES]], %{{.*}} as <ternary, group = 5> kernel
// CHECK: mad.scan
// CHECK: lut.product %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[D]], %[[T]] as <dictionary, words = 12>
func.func @words(%x: tensor<2x4x10xf32>, %c: tensor<2x12x2xui8>, %s: tensor<2x1x1xf32>, %b: tensor<2x4x4xui8>, %d: tensor<65536x8xui8>, %l: tensor<65536x4xui8>, %q: tensor<4x10xi8>, %t: tensor<4xf32>, %e: tensor<12x2xui8>, %u: tensor<1x1xf32>, %f: tensor<4x4xui8>, %g: tensor<2x3xf32>, %r: tensor<2x4x10xi8>, %v: tensor<2x4xf32>) -> (tensor<2x4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<2x4x3xf32>) {
  %w = lut.dequant %c, %s, %b, %d, %l as <dictionary, words = 12> : (tensor<2x12x2xui8>, tensor<2x1x1xf32>, tensor<2x4x4xui8>, tensor<65536x8xui8>, tensor<65536x4xui8>) -> tensor<2x10x3xf32>
  %0 = mad.contract %x by affine_map<(e, n, m, k) -> (e, n, k)>, %w by affine_map<(e, n, m, k) -> (e, k, m)> : (tensor<2x4x10xf32>, tensor<2x10x3xf32>) -> tensor<2x4x3xf32>
  %1 = lut.gemm %q, %t, %e, %u, %f, %d, %l as <dictionary, words = 12> : (tensor<4x10xi8>, tensor<4xf32>, tensor<12x2xui8>, tensor<1x1xf32>, tensor<4x4xui8>, tensor<65536x8xui8>, tensor<65536x4xui8>) -> tensor<4x3xf32>
  %2 = lut.gemm %q, %t, %e, %g, %f, %d, %l as <dictionary, words = 12, group = 5> : (tensor<4x10xi8>, tensor<4xf32>, tensor<12x2xui8>, tensor<2x3xf32>, tensor<4x4xui8>, tensor<65536x8xui8>, tensor<65536x4xui8>) -> tensor<4x3xf32>
  %3 = lut.gemm %r, %v, %c, %s, %b, %d, %l as <dictionary, words = 12> : (tensor<2x4x10xi8>, tensor<2x4xf32>, tensor<2x12x2xui8>, tensor<2x1x1xf32>, tensor<2x4x4xui8>, tensor<65536x8xui8>, tensor<65536x4xui8>) -> tensor<2x4x3xf32>
  return %0, %1, %2, %3 : tensor<2x4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<2x4x3xf32>
}

// -----

// Many rows: words are decoded to codes, and bytes multiplied.
// CHECK-LABEL: @many_words
// CHECK: lut.expand
// CHECK: lut.gemm {{.*}} as <ternary> kernel
func.func @many_words(%q: tensor<64x10xi8>, %t: tensor<64xf32>, %c: tensor<12x2xui8>, %s: tensor<1x1xf32>, %b: tensor<4x4xui8>, %d: tensor<65536x8xui8>, %l: tensor<65536x4xui8>) -> tensor<64x3xf32> {
  %0 = lut.gemm %q, %t, %c, %s, %b, %d, %l as <dictionary, words = 12> : (tensor<64x10xi8>, tensor<64xf32>, tensor<12x2xui8>, tensor<1x1xf32>, tensor<4x4xui8>, tensor<65536x8xui8>, tensor<65536x4xui8>) -> tensor<64x3xf32>
  return %0 : tensor<64x3xf32>
}
