// RUN: mad-opt %s --mad-rewrite --mad-drop-rules | FileCheck %s

mad.rule @twice permits [] of "float" where [] {
^bb0(%x: tensor<f32>):
  %two = mad.constant dense<2.0> : tensor<f32>
  %l = mad.mul %x, %two : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %r = mad.add %x, %x : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides (%l) and (%r) : tensor<f32> and tensor<f32>
}
#l = affine_map<(d0, d1, d2) -> (d0, d2)>
#r = affine_map<(d0, d1, d2) -> (d2, d1)>
mad.weight_source @a from "w.npz" : "a" : tensor<64x32xf32>
mad.weight_source @b from "w.npz" : "b" : tensor<64x16xf32>
mad.weight_source @c from "w.npz" : "c" : tensor<8x32xf32>

// CHECK-DAG: #[[$SECOND:.*]] = affine_map<(d0, d1) -> (d0, d1 + 32)>

// The bits of each product stay: also by "strict".
// CHECK-LABEL: func.func @parts
// CHECK: %[[W:.*]] = mad.concat 1 of %{{.*}}, %{{.*}} -> tensor<64x48xf32>
// CHECK: %[[P:.*]] = mad.contract %arg0 by #{{.*}}, %[[W]] by #{{.*}} {mad.fp = "strict"}
// CHECK: mad.view %[[P]] by #{{.*}} inside : (tensor<2x48xf32>) -> tensor<2x32xf32>
// CHECK: mad.view %[[P]] by #[[$SECOND]] inside : (tensor<2x48xf32>) -> tensor<2x16xf32>
func.func @parts(%x: tensor<2x64xf32>) -> (tensor<2x32xf32>, tensor<2x16xf32>) {
  %a = mad.weight @a : tensor<64x32xf32>
  %b = mad.weight @b : tensor<64x16xf32>
  %0 = mad.contract %x by #l, %a by #r {mad.fp = "strict"} : (tensor<2x64xf32>, tensor<64x32xf32>) -> tensor<2x32xf32>
  %1 = mad.contract %x by #l, %b by #r {mad.fp = "strict"} : (tensor<2x64xf32>, tensor<64x16xf32>) -> tensor<2x16xf32>
  return %0, %1 : tensor<2x32xf32>, tensor<2x16xf32>
}

// Of many rows each is a product of its own.
// CHECK-LABEL: func.func @many
// CHECK-NOT: mad.concat
func.func @many(%x: tensor<200x64xf32>) -> (tensor<200x32xf32>, tensor<200x16xf32>) {
  %a = mad.weight @a : tensor<64x32xf32>
  %b = mad.weight @b : tensor<64x16xf32>
  %0 = mad.contract %x by #l, %a by #r : (tensor<200x64xf32>, tensor<64x32xf32>) -> tensor<200x32xf32>
  %1 = mad.contract %x by #l, %b by #r : (tensor<200x64xf32>, tensor<64x16xf32>) -> tensor<200x16xf32>
  return %0, %1 : tensor<200x32xf32>, tensor<200x16xf32>
}

// CHECK-LABEL: func.func @sum
// CHECK-DAG: %[[X:.*]] = mad.concat 1 of %arg0, %arg1 {{.*}} -> tensor<2x72xf32>
// CHECK-DAG: %[[W:.*]] = mad.concat 0 of {{.*}} -> tensor<72x32xf32>
// CHECK: mad.contract %[[X]] by #{{.*}}, %[[W]]
// CHECK-NEXT: return
// CHECK-LABEL: func.func @apart
// CHECK-NOT: mad.concat
func.func @sum(%x: tensor<2x64xf32>, %y: tensor<2x8xf32>) -> tensor<2x32xf32> {
  %a = mad.weight @a : tensor<64x32xf32>
  %c = mad.weight @c : tensor<8x32xf32>
  %0 = mad.contract %x by #l, %a by #r {mad.fp = "fast"} : (tensor<2x64xf32>, tensor<64x32xf32>) -> tensor<2x32xf32>
  %1 = mad.contract %y by #l, %c by #r {mad.fp = "fast"} : (tensor<2x8xf32>, tensor<8x32xf32>) -> tensor<2x32xf32>
  %2 = mad.add %0, %1 {mad.fp = "fast"} : (tensor<2x32xf32>, tensor<2x32xf32>) -> tensor<2x32xf32>
  return %2 : tensor<2x32xf32>
}
func.func @apart(%x: tensor<2x64xf32>, %y: tensor<2x8xf32>) -> tensor<2x32xf32> {
  %a = mad.weight @a : tensor<64x32xf32>
  %c = mad.weight @c : tensor<8x32xf32>
  %0 = mad.contract %x by #l, %a by #r : (tensor<2x64xf32>, tensor<64x32xf32>) -> tensor<2x32xf32>
  %1 = mad.contract %y by #l, %c by #r : (tensor<2x8xf32>, tensor<8x32xf32>) -> tensor<2x32xf32>
  %2 = mad.add %0, %1 : (tensor<2x32xf32>, tensor<2x32xf32>) -> tensor<2x32xf32>
  return %2 : tensor<2x32xf32>
}
