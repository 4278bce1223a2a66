// RUN: mad-opt %s --mad-differentiate="function=f" | FileCheck %s
// RUN: mad-opt %s --mad-differentiate="function=f arguments=1 directions=D" | FileCheck %s --check-prefix=MANY
// RUN: mad-opt %s --mad-differentiate="function=loop" | FileCheck %s --check-prefix=LOOP
// RUN: not mad-opt %s --mad-differentiate="function=absent" 2>&1 | FileCheck %s --check-prefix=ABSENT
// RUN: not mad-opt %s --mad-differentiate="function=f arguments=2" 2>&1 | FileCheck %s --check-prefix=WHOLE
// RUN: not mad-opt %s --mad-differentiate="function=coarse" 2>&1 | FileCheck %s --check-prefix=COARSE

// Both factors vary; what only depends on %n, and the bool, have no tangent.
// CHECK-LABEL: func.func private @f.jvp(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<3xf32>, %[[Y:[a-z0-9]+]]: tensor<3xf32>, %[[N:[a-z0-9]+]]: tensor<3xi32>,
// CHECK-SAME: %[[DX:[a-z0-9]+]]: tensor<3xf32>, %[[DY:[a-z0-9]+]]: tensor<3xf32>)
// CHECK-SAME: -> (tensor<3xf32>, tensor<3xi1>, tensor<3xf32>)
// CHECK: %[[S:.*]] = mad.sin %[[X]]
// CHECK: %[[C:.*]] = mad.cos %[[X]]
// CHECK: %[[DS:.*]] = mad.mul %[[DX]], %[[C]]
// CHECK: %[[M:.*]] = mad.cast %[[N]]
// CHECK: %[[P:.*]] = mad.mul %[[S]], %[[Y]] {mad.fp = "strict"}
// CHECK: %[[A:.*]] = mad.mul %[[DS]], %[[Y]] {mad.fp = "strict"}
// CHECK: %[[B:.*]] = mad.mul %[[DY]], %[[S]] {mad.fp = "strict"}
// CHECK: %[[DP:.*]] = mad.add %[[A]], %[[B]] {mad.fp = "strict"}
// CHECK: %[[R:.*]] = mad.add %[[P]], %[[M]]
// CHECK-NEXT: %[[L:.*]] = mad.compare lt
// CHECK-NEXT: return %[[R]], %[[L]], %[[DP]]

// Only %y varies, in D directions; what does not vary is computed once.
// MANY-LABEL: func.func private @f.jvp(
// MANY-SAME: %[[DY:[a-z0-9]+]]: tensor<?x3xf32, #mad.dims<"D", "">>)
// MANY: %[[S:.*]] = mad.sin
// MANY-NOT: mad.cos
// MANY: %[[W:.*]] = mad.view %[[S]] by #{{.*}} inside : (tensor<3xf32>) -> tensor<?x3xf32
// MANY: mad.mul %[[DY]], %[[W]]
func.func @f(%x: tensor<3xf32>, %y: tensor<3xf32>, %n: tensor<3xi32>) -> (tensor<3xf32>, tensor<3xi1>) {
  %0 = mad.sin %x : (tensor<3xf32>) -> tensor<3xf32>
  %1 = mad.cast %n : (tensor<3xi32>) -> tensor<3xf32>
  %2 = mad.mul %0, %y {mad.fp = "strict"} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %3 = mad.add %2, %1 : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %4 = mad.compare lt %0, %y : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  return %3, %4 : tensor<3xf32>, tensor<3xi1>
}

// The loop carries the tangent of %a behind what it carried.
// LOOP-LABEL: func.func private @loop.jvp(
// LOOP: mad.scan "0" to "N" carry %{{.*}}, %{{.*}}, %{{.*}} : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>) {
// LOOP: func.call @square.jvp
// LOOP: return %{{.*}}, %{{.*}} : tensor<f32>, tensor<f32>
func.func @loop(%x: tensor<f32>, %n: tensor<?xi64, #mad.dims<"N">>) -> tensor<f32> {
  %c = mad.constant dense<2.0> : tensor<f32>
  %0:2 = mad.scan "0" to "N" carry %x, %c : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  ^bb0(%i: tensor<i64>, %a: tensor<f32>, %b: tensor<f32>):
    %1 = func.call @square(%a) : (tensor<f32>) -> tensor<f32>
    mad.yield %1, %b : tensor<f32>, tensor<f32>
  }
  return %0#0 : tensor<f32>
}
func.func private @square(%x: tensor<f32>) -> tensor<f32> {
  %0 = mad.mul %x, %x : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// ABSENT: error: the module has no function `absent`
// WHOLE: error: argument 2 of `f` is no tensor of floats
// COARSE: differentiate.mlir:[[@LINE+2]]:12: error: `lut.quantize_act` has no derivative
func.func @coarse(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0, %1 = lut.quantize_act %x : (tensor<2x4xf32>) -> (tensor<2x4xi8>, tensor<2xf32>)
  %2 = lut.dequant_act %0, %1 : (tensor<2x4xi8>, tensor<2xf32>) -> tensor<2x4xf32>
  return %2 : tensor<2x4xf32>
}

// RUN: mad-opt %s --mad-differentiate="function=codes directions=2" | FileCheck %s --check-prefix=CODES
// CODES-LABEL: func.func private @codes.jvp(
// CODES: lut.product %arg{{.*}} : (tensor<2x3x64xf32>, tensor<32x8xui8>, tensor<1x8xf32>) -> tensor<2x3x8xf32>
func.func @codes(%x: tensor<3x64xf32>, %c: tensor<32x8xui8>) -> tensor<3x8xf32> {
  %s = mad.constant dense<1.0> : tensor<1x8xf32>
  %0 = lut.product %x, %c, %s as <int, bits = 4> : (tensor<3x64xf32>, tensor<32x8xui8>, tensor<1x8xf32>) -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}
