// RUN: mad-opt %s --mad-lut-to-mad --split-input-file --verify-diagnostics | FileCheck %s

// Two codes in a byte: shifted by 0 and 4, and the scales repeated for the rows of their group.
// CHECK-LABEL: @four
// CHECK-SAME: %[[CODES:.*]]: tensor<3x2xui8>, %[[SCALES:.*]]: tensor<2x2xf32>
// CHECK: %[[BYTES:.*]] = mad.view %[[CODES]] by {{.*}} inside : (tensor<3x2xui8>) -> tensor<3x2x2xui8>
// CHECK: mad.constant dense<[0, 4]> : tensor<2xui8>
// CHECK: %[[MOVED:.*]] = mad.shift_right %[[BYTES]]
// CHECK: mad.constant dense<15>
// CHECK: mad.bit_and %[[MOVED]]
// CHECK: mad.reshape {{.*}} : (tensor<3x2x2xui8>) -> tensor<6x2xui8>
// CHECK: mad.view {{.*}} -> tensor<5x2xui8>
// CHECK: mad.constant dense<8.000000e+00>
// CHECK: mad.sub
// CHECK: mad.view %[[SCALES]] {{.*}} -> tensor<2x3x2xf32>
// CHECK: mad.mul {{.*}} {mad.fp = "strict"}
// CHECK-NOT: lut.
func.func @four(%codes: tensor<3x2xui8>, %scales: tensor<2x2xf32>) -> tensor<5x2xf32> {
  %0 = lut.dequant %codes, %scales as <int, bits = 4, group = 3> : (tensor<3x2xui8>, tensor<2x2xf32>) -> tensor<5x2xf32>
  return %0 : tensor<5x2xf32>
}

// -----

// CHECK-LABEL: @table
// CHECK: mad.gather %{{.*}}[%{{.*}}, %{{.*}}] : (tensor<16x1xf32>
// CHECK: mad.cast {{.*}} : (tensor<5x2xf32>) -> tensor<5x2xf16>
func.func @table(%codes: tensor<3x2xui8>, %table: tensor<16x1xf32>) -> tensor<5x2xf16> {
  %0 = lut.dequant %codes, %table as <codebook, bits = 4> : (tensor<3x2xui8>, tensor<16x1xf32>) -> tensor<5x2xf16>
  return %0 : tensor<5x2xf16>
}

// -----

func.func @encode(%w: tensor<5x2xf32>) -> tensor<3x2xui8> {
  // expected-error @+1 {{is evaluated when a model is compiled, and has no lowering}}
  %0:2 = lut.encode %w as <int, bits = 4> : (tensor<5x2xf32>) -> (tensor<3x2xui8>, tensor<1x2xf32>)
  return %0#0 : tensor<3x2xui8>
}

// -----

// Rows as codes: all that rounds is strict. A row without a scale is divided by 1.
// CHECK-LABEL: @quantize
// CHECK: mad.cast {{.*}} : (tensor<4x5xf16>) -> tensor<4x5xf32>
// CHECK: mad.abs
// CHECK: mad.reduce max {{.*}} over [1]
// CHECK: %[[S:.*]] = mad.div {{.*}} {mad.fp = "strict"}
// CHECK: mad.compare eq %[[S]]
// CHECK: mad.select
// CHECK: mad.div {{.*}} {mad.fp = "strict"}
// CHECK: mad.round
// CHECK: mad.cast {{.*}} : (tensor<4x5xf32>) -> tensor<4x5xi8>
// CHECK: mad.mul {{.*}} {mad.fp = "strict"}
// CHECK: mad.cast {{.*}} -> tensor<4x5xf16>
// CHECK-NOT: lut.
func.func @quantize(%x: tensor<4x5xf16>) -> tensor<4x5xf16> {
  %q, %s = lut.quantize_act %x : (tensor<4x5xf16>) -> (tensor<4x5xi8>, tensor<4xf32>)
  %d = lut.dequant_act %q, %s : (tensor<4x5xi8>, tensor<4xf32>) -> tensor<4x5xf16>
  return %d : tensor<4x5xf16>
}

// -----

// Group by group: a sum of integers, which f32 holds, then two roundings. The last group is filled up with zeros.
// CHECK-LABEL: @groups
// CHECK: mad.scan "0" to "2" carry
// CHECK: mad.view %arg0[%{{.*}}] by {{.*}} zero : (tensor<?x5xi8, {{.*}}) -> tensor<?x3xi8,
// CHECK: %[[SUM:.*]] = mad.contract {{.*}} -> tensor<?x2xf32,
// CHECK: mad.mul %[[SUM]], {{.*}} {mad.fp = "strict"}
// CHECK: mad.add {{.*}} {mad.fp = "strict"}
// CHECK: mad.yield
// CHECK: mad.mul {{.*}} {mad.fp = "strict"}
// CHECK-NOT: lut.
func.func @groups(%q: tensor<?x5xi8, #mad.dims<"T", "">>, %s: tensor<?xf32, #mad.dims<"T">>, %c: tensor<3x2xui8>, %t: tensor<2x2xf16>) -> tensor<?x2xf32, #mad.dims<"T", "">> {
  %0 = lut.gemm %q, %s, %c, %t as <int, bits = 4, group = 3, scale = f16> : (tensor<?x5xi8, #mad.dims<"T", "">>, tensor<?xf32, #mad.dims<"T">>, tensor<3x2xui8>, tensor<2x2xf16>) -> tensor<?x2xf32, #mad.dims<"T", "">>
  return %0 : tensor<?x2xf32, #mad.dims<"T", "">>
}

// -----

// A group of 70000 elements is summed in two pieces, so that i32 holds them. f32 does up to 1032 elements of 8 bits.
// CHECK-LABEL: @pieces
// CHECK: mad.contract {{.*}} : (tensor<65536xi32>, tensor<65536x1xi32>)
// CHECK: mad.contract {{.*}} : (tensor<4464xi32>, tensor<4464x1xi32>)
// CHECK-NOT: mad.contract
func.func @pieces(%q: tensor<70000xi8>, %s: tensor<f32>, %c: tensor<70000x1xui8>, %t: tensor<1x1xf32>) -> tensor<1xf32> {
  %0 = lut.gemm %q, %s, %c, %t as <int, bits = 8> : (tensor<70000xi8>, tensor<f32>, tensor<70000x1xui8>, tensor<1x1xf32>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// -----

// What a kernel computes stays.
// CHECK-LABEL: @kernel
// CHECK: lut.gemm
func.func @kernel(%q: tensor<10xi8>, %s: tensor<f32>, %c: tensor<5x3xui8>, %t: tensor<1x3xf32>) -> tensor<3xf32> {
  %0 = lut.gemm %q, %s, %c, %t as <int, bits = 4> kernel : (tensor<10xi8>, tensor<f32>, tensor<5x3xui8>, tensor<1x3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// Words of a dictionary become codes of 2 bits, and those numbers.
// CHECK-LABEL: @words
// CHECK: %[[CODES:.*]] = lut.expand %arg0, %arg2, %arg3 of 10 : {{.*}} -> tensor<3x3xui8>
// CHECK: mad.view %[[CODES]]
// CHECK-NOT: lut.
func.func @words(%c: tensor<12x2xui8>, %s: tensor<1x1xf32>, %b: tensor<4x4xui8>, %d: tensor<65536x8xui8>, %t: tensor<65536x4xui8>) -> tensor<10x3xf32> {
  %0 = lut.dequant %c, %s, %b, %d, %t as <dictionary, words = 12> : (tensor<12x2xui8>, tensor<1x1xf32>, tensor<4x4xui8>, tensor<65536x8xui8>, tensor<65536x4xui8>) -> tensor<10x3xf32>
  return %0 : tensor<10x3xf32>
}
