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
