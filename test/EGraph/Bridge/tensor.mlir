// RUN: mad-opt %s --mad-rewrite --mad-drop-rules --canonicalize | FileCheck %s

#l = affine_map<(d0, d1, d2) -> (d0, d2)>
#r = affine_map<(d0, d1, d2) -> (d2, d1)>
!a = tensor<?x?xf32, #mad.dims<"M", "K">>
!b = tensor<?x?xf32, #mad.dims<"K", "N">>
!c = tensor<?x?xf32, #mad.dims<"N", "P">>
!ab = tensor<?x?xf32, #mad.dims<"M", "N">>
!bc = tensor<?x?xf32, #mad.dims<"K", "P">>
!d = tensor<?x?xf32, #mad.dims<"M", "P">>
mad.rule @assoc permits ["reassoc"] of "float" both where [] {
^bb0(%a: !a, %b: !b, %c: !c):
  %0 = mad.contract %a by #l, %b by #r : (!a, !b) -> !ab
  %1 = mad.contract %0 by #l, %c by #r : (!ab, !c) -> !d
  %2 = mad.contract %b by #l, %c by #r : (!b, !c) -> !bc
  %3 = mad.contract %a by #l, %2 by #r : (!a, !bc) -> !d
  mad.sides (%1) and (%3) : !d and !d
}
!x = tensor<?x?xf32, #mad.dims<"M", "K">>
!w = tensor<?x?xf32, #mad.dims<"K", "P">>
!la = tensor<?x?xf32, #mad.dims<"K", "R">>
!lb = tensor<?x?xf32, #mad.dims<"R", "P">>
!xr = tensor<?x?xf32, #mad.dims<"M", "R">>
mad.rule @lora permits ["reassoc"] of "float" where [] {
^bb0(%x: !x, %w: !w, %a: !la, %b: !lb):
  %0 = mad.contract %x by #l, %w by #r : (!x, !w) -> !d
  %1 = mad.contract %x by #l, %a by #r : (!x, !la) -> !xr
  %2 = mad.contract %1 by #l, %b by #r : (!xr, !lb) -> !d
  %3 = mad.add %0, %2 : (!d, !d) -> !d
  %4 = mad.contract %a by #l, %b by #r : (!la, !lb) -> !w
  %5 = mad.add %w, %4 : (!w, !w) -> !w
  %6 = mad.contract %x by #l, %5 by #r : (!x, !w) -> !d
  mad.sides (%3) and (%6) : !d and !d
}
// 10 x 100 x 5 + 10 x 5 x 50 steps instead of 100 x 5 x 50 + 10 x 100 x 50.
// CHECK-LABEL: func.func @chain
// CHECK: %[[AB:.*]] = mad.contract %arg0 by #{{.*}}, %arg1 by #{{.*}} -> tensor<10x5xf32>
// CHECK: mad.contract %[[AB]] by #{{.*}}, %arg2 by
func.func @chain(%a: tensor<10x100xf32>, %b: tensor<100x5xf32>, %c: tensor<5x50xf32>) -> tensor<10x50xf32> {
  %0 = mad.contract %b by #l, %c by #r : (tensor<100x5xf32>, tensor<5x50xf32>) -> tensor<100x50xf32>
  %1 = mad.contract %a by #l, %0 by #r : (tensor<10x100xf32>, tensor<100x50xf32>) -> tensor<10x50xf32>
  return %1 : tensor<10x50xf32>
}
// Of a batch, and with a factor that is kept transposed: one rule stands for all layouts.
// CHECK-LABEL: func.func @batched
// CHECK: %[[AB:.*]] = mad.contract %arg2 by #{{.*}}, %arg3 by #{{.*}} -> tensor<64x32xf32>
// CHECK: %[[W:.*]] = mad.add %arg1, %[[AB]] {mad.fp = "fast"}
// CHECK: mad.contract %arg0 by #{{.*}}, %[[W]] by
// CHECK-NEXT: return
#bl = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
#br = affine_map<(d0, d1, d2, d3) -> (d3, d2)>
#brt = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
func.func @batched(%x: tensor<8x200x64xf32>, %w: tensor<64x32xf32>, %a: tensor<64x4xf32>, %b: tensor<32x4xf32>) -> tensor<8x200x32xf32> {
  %0 = mad.contract %x by #bl, %w by #br {mad.fp="fast"} : (tensor<8x200x64xf32>, tensor<64x32xf32>) -> tensor<8x200x32xf32>
  %1 = mad.contract %x by #bl, %a by #br {mad.fp="fast"}: (tensor<8x200x64xf32>, tensor<64x4xf32>) -> tensor<8x200x4xf32>
  %2 = mad.contract %1 by #bl, %b by #brt {mad.fp="fast"}: (tensor<8x200x4xf32>, tensor<32x4xf32>) -> tensor<8x200x32xf32>
  %3 = mad.add %0, %2 {mad.fp="fast"}: (tensor<8x200x32xf32>, tensor<8x200x32xf32>) -> tensor<8x200x32xf32>
  return %3 : tensor<8x200x32xf32>
}

// By default sums of contractions may be formed in another order, other sums not.
// CHECK-LABEL: func.func @default
// CHECK-COUNT-3: mad.contract
// CHECK: mad.add
func.func @default(%x: tensor<200x64xf32>, %w: tensor<64x32xf32>, %a: tensor<64x4xf32>, %b: tensor<4x32xf32>) -> tensor<200x32xf32> {
  %0 = mad.contract %x by #l, %w by #r : (tensor<200x64xf32>, tensor<64x32xf32>) -> tensor<200x32xf32>
  %1 = mad.contract %x by #l, %a by #r : (tensor<200x64xf32>, tensor<64x4xf32>) -> tensor<200x4xf32>
  %2 = mad.contract %1 by #l, %b by #r : (tensor<200x4xf32>, tensor<4x32xf32>) -> tensor<200x32xf32>
  %3 = mad.add %0, %2 : (tensor<200x32xf32>, tensor<200x32xf32>) -> tensor<200x32xf32>
  return %3 : tensor<200x32xf32>
}

// f16 rounds what is between two products, and may overflow there.
// CHECK-LABEL: func.func @half
// CHECK: mad.contract %arg1 by
func.func @half(%a: tensor<10x100xf16>, %b: tensor<100x5xf16>, %c: tensor<5x50xf16>) -> tensor<10x50xf16> {
  %0 = mad.contract %b by #l, %c by #r : (tensor<100x5xf16>, tensor<5x50xf16>) -> tensor<100x50xf16>
  %1 = mad.contract %a by #l, %0 by #r : (tensor<10x100xf16>, tensor<100x50xf16>) -> tensor<10x50xf16>
  return %1 : tensor<10x50xf16>
}

// The square of the sum is no product of three factors: one index is summed twice.
// CHECK-LABEL: func.func @scaled
// CHECK: %[[AB:.*]] = mad.contract %arg0 by
// CHECK: %[[S:.*]] = mad.mul %[[AB]]
// CHECK: mad.contract %[[S]] by
func.func @scaled(%a: tensor<10x100xf32>, %b: tensor<100x5xf32>, %c: tensor<5x5xf32>) -> tensor<10x5xf32> {
  %0 = mad.contract %a by #l, %b by #r : (tensor<10x100xf32>, tensor<100x5xf32>) -> tensor<10x5xf32>
  %1 = mad.mul %0, %0 : (tensor<10x5xf32>, tensor<10x5xf32>) -> tensor<10x5xf32>
  %2 = mad.contract %1 by #l, %c by #r : (tensor<10x5xf32>, tensor<5x5xf32>) -> tensor<10x5xf32>
  return %2 : tensor<10x5xf32>
}
