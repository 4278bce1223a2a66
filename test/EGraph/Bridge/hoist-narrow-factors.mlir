// RUN: mad-opt %s --mad-hoist-weights --canonicalize | FileCheck %s
// RUN: mad-opt %s --mad-hoist-weights=orders=false --canonicalize | FileCheck %s --check-prefix=ONE

// A factor that is widened as the other one is stays narrow; what it is made of is folded.
// CHECK-LABEL: func.func @narrow
// CHECK: %[[X:.*]] = mad.cast %arg0
// CHECK: %[[N:.*]] = mad.weight @n
// CHECK: %[[A:.*]] = mad.cast %[[N]]
// CHECK: mad.contract %[[X]] {{.*}}, %[[A]]
// CHECK: %[[DOUBLE:.*]] = mad.weight @folded{{.*}} : tensor<4x8xf16>
// CHECK: %[[B:.*]] = mad.cast %[[DOUBLE]]
// CHECK: mad.contract %[[X]] {{.*}}, %[[B]]
mad.weight_source @n from "n.npy" : "" : tensor<8x4xf16>
mad.weight_source @v from "v.npy" : "" : tensor<4x8xf16>
func.func @narrow(%x: tensor<2x8xf16> {mad.name = "x"}) -> (tensor<2x4xf32> {mad.name = "a"}, tensor<2x4xf32> {mad.name = "b"}) attributes {mad.entry, mad.dims = []} {
  %0 = mad.cast %x : (tensor<2x8xf16>) -> tensor<2x8xf32>
  %n = mad.weight @n : tensor<8x4xf16>
  %1 = mad.cast %n : (tensor<8x4xf16>) -> tensor<8x4xf32>
  %2 = mad.contract %0 by affine_map<(d0, d1, d2) -> (d0, d2)>, %1 by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<2x8xf32>, tensor<8x4xf32>) -> tensor<2x4xf32>
  %v = mad.weight @v : tensor<4x8xf16>
  %3 = mad.add %v, %v : (tensor<4x8xf16>, tensor<4x8xf16>) -> tensor<4x8xf16>
  %4 = mad.cast %3 : (tensor<4x8xf16>) -> tensor<4x8xf32>
  %5 = mad.contract %0 by affine_map<(d0, d1, d2) -> (d0, d2)>, %4 by affine_map<(d0, d1, d2) -> (d1, d2)> : (tensor<2x8xf32>, tensor<4x8xf32>) -> tensor<2x4xf32>
  return %2, %5 : tensor<2x4xf32>, tensor<2x4xf32>
}

// Of products that were made one the factors are joined: as they are, and turned.
// CHECK-LABEL: func.func @joined
// CHECK: %[[X:.*]] = mad.cast %arg0
// CHECK: %[[W:.*]] = mad.weight @folded{{.*}} : tensor<8x8xf16>
// CHECK: %[[WIDE:.*]] = mad.cast %[[W]]
// CHECK: mad.contract %[[X]] {{.*}}, %[[WIDE]]
func.func @joined(%x: tensor<2x8xf16> {mad.name = "x"}) -> (tensor<2x8xf32> {mad.name = "a"}) attributes {mad.entry, mad.dims = []} {
  %0 = mad.cast %x : (tensor<2x8xf16>) -> tensor<2x8xf32>
  %n = mad.weight @n : tensor<8x4xf16>
  %1 = mad.cast %n : (tensor<8x4xf16>) -> tensor<8x4xf32>
  %v = mad.weight @v : tensor<4x8xf16>
  %2 = mad.cast %v : (tensor<4x8xf16>) -> tensor<4x8xf32>
  %3 = mad.view %2 by affine_map<(d0, d1) -> (d1, d0)> inside : (tensor<4x8xf32>) -> tensor<8x4xf32>
  %4 = mad.concat 1 of %1, %3 : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x8xf32>
  %5 = mad.contract %0 by affine_map<(d0, d1, d2) -> (d0, d2)>, %4 by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<2x8xf32>, tensor<8x8xf32>) -> tensor<2x8xf32>
  return %5 : tensor<2x8xf32>
}

// Rows, too: the weight beside them stays narrow.
// CHECK-LABEL: func.func @rows
// CHECK: %[[ROWS:.*]] = mad.concat 0 of %arg0, %arg1 {{.*}} -> tensor<5x8xf16>
// CHECK: mad.cast %[[ROWS]]
// CHECK: mad.weight @n : tensor<8x4xf16>
func.func @rows(%x: tensor<2x8xf16> {mad.name = "x"}, %y: tensor<3x8xf16> {mad.name = "y"}) -> (tensor<5x4xf32> {mad.name = "a"}) attributes {mad.entry, mad.dims = []} {
  %0 = mad.cast %x : (tensor<2x8xf16>) -> tensor<2x8xf32>
  %1 = mad.cast %y : (tensor<3x8xf16>) -> tensor<3x8xf32>
  %2 = mad.concat 0 of %0, %1 : (tensor<2x8xf32>, tensor<3x8xf32>) -> tensor<5x8xf32>
  %n = mad.weight @n : tensor<8x4xf16>
  %3 = mad.cast %n : (tensor<8x4xf16>) -> tensor<8x4xf32>
  %4 = mad.contract %2 by affine_map<(d0, d1, d2) -> (d0, d2)>, %3 by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<5x8xf32>, tensor<8x4xf32>) -> tensor<5x4xf32>
  return %4 : tensor<5x4xf32>
}

// What is widened of different types is not: that is a weight of f32.
// CHECK-LABEL: func.func @mixed
// CHECK: mad.weight @folded{{.*}} : tensor<8x8xf32>
mad.weight_source @c from "c.npy" : "" : tensor<8x4xbf16>
func.func @mixed(%x: tensor<2x8xf16> {mad.name = "x"}) -> (tensor<2x8xf32> {mad.name = "a"}) attributes {mad.entry, mad.dims = []} {
  %0 = mad.cast %x : (tensor<2x8xf16>) -> tensor<2x8xf32>
  %n = mad.weight @n : tensor<8x4xf16>
  %1 = mad.cast %n : (tensor<8x4xf16>) -> tensor<8x4xf32>
  %c = mad.weight @c : tensor<8x4xbf16>
  %2 = mad.cast %c : (tensor<8x4xbf16>) -> tensor<8x4xf32>
  %3 = mad.concat 1 of %1, %2 : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x8xf32>
  %4 = mad.contract %0 by affine_map<(d0, d1, d2) -> (d0, d2)>, %3 by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<2x8xf32>, tensor<8x8xf32>) -> tensor<2x8xf32>
  return %4 : tensor<2x8xf32>
}

// Of another use, and beside a factor that was f32, it is a weight.
// CHECK-LABEL: func.func @wide
// CHECK-NOT: mad.cast
// CHECK: return
func.func @wide(%x: tensor<2x8xf32> {mad.name = "x"}) -> (tensor<2x4xf32> {mad.name = "a"}) attributes {mad.entry, mad.dims = []} {
  %n = mad.weight @n : tensor<8x4xf16>
  %0 = mad.cast %n : (tensor<8x4xf16>) -> tensor<8x4xf32>
  %1 = mad.contract %x by affine_map<(d0, d1, d2) -> (d0, d2)>, %0 by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<2x8xf32>, tensor<8x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// Of two orders each has a weight, in all functions; which is turned, so that a product with it sums over its first dimension.
// CHECK-LABEL: func.func @orders
// CHECK-DAG: %[[T:.*]] = mad.weight @folded{{.*}} : tensor<16x32xf16>
// CHECK-DAG: %[[TURNED:.*]] = mad.cast %[[T]]
// CHECK-DAG: %[[O:.*]] = mad.weight @o : tensor<32x16xf16>
// CHECK-DAG: %[[AS:.*]] = mad.cast %[[O]]
// CHECK: mad.contract %{{.*}} by #[[X:.*]], %[[AS]] by #[[W:[a-z0-9]+]] :
// CHECK: mad.contract %[[TURNED]] by #[[W]], %{{.*}} by #[[X]] :
// ONE-LABEL: func.func @orders
// ONE: mad.weight @o
// ONE-NOT: mad.weight @
// ONE: return
mad.weight_source @o from "o.npy" : "" : tensor<32x16xf16>
func.func @orders(%x: tensor<2x32xf16> {mad.name = "x"}, %y: tensor<2x16xf16> {mad.name = "y"}) -> (tensor<2x16xf32> {mad.name = "a"}, tensor<2x32xf32> {mad.name = "b"}) attributes {mad.entry, mad.dims = []} {
  %0 = mad.cast %x : (tensor<2x32xf16>) -> tensor<2x32xf32>
  %o = mad.weight @o : tensor<32x16xf16>
  %1 = mad.cast %o : (tensor<32x16xf16>) -> tensor<32x16xf32>
  %2 = mad.contract %0 by affine_map<(d0, d1, d2) -> (d0, d2)>, %1 by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<2x32xf32>, tensor<32x16xf32>) -> tensor<2x16xf32>
  %3 = mad.cast %y : (tensor<2x16xf16>) -> tensor<2x16xf32>
  %4 = mad.contract %1 by affine_map<(d0, d1, d2) -> (d1, d2)>, %3 by affine_map<(d0, d1, d2) -> (d0, d2)> : (tensor<32x16xf32>, tensor<2x16xf32>) -> tensor<2x32xf32>
  return %2, %4 : tensor<2x16xf32>, tensor<2x32xf32>
}

// CHECK-LABEL: func.func @another
// CHECK: mad.weight @folded{{.*}} : tensor<16x32xf16>
// CHECK: return
func.func @another(%y: tensor<2x16xf16> {mad.name = "y"}) -> (tensor<2x32xf32> {mad.name = "b"}) attributes {mad.entry, mad.dims = []} {
  %o = mad.weight @o : tensor<32x16xf16>
  %1 = mad.cast %o : (tensor<32x16xf16>) -> tensor<32x16xf32>
  %3 = mad.cast %y : (tensor<2x16xf16>) -> tensor<2x16xf32>
  %4 = mad.contract %3 by affine_map<(d0, d1, d2) -> (d0, d2)>, %1 by affine_map<(d0, d1, d2) -> (d1, d2)> : (tensor<2x16xf32>, tensor<32x16xf32>) -> tensor<2x32xf32>
  return %4 : tensor<2x32xf32>
}

// What has another use keeps its order for that. The same order twice is one weight.
// CHECK-LABEL: func.func @taken
// CHECK-DAG: mad.weight @g : tensor<32x16xf16>
// CHECK-DAG: %[[G:.*]] = mad.weight @folded{{.*}} : tensor<32x16xf16>
// CHECK: mad.contract
// CHECK: mad.contract
// CHECK: mad.add
// CHECK: return
mad.weight_source @g from "g.npy" : "" : tensor<32x16xf16>
func.func @taken(%x: tensor<2x32xf16> {mad.name = "x"}, %v: tensor<32x16xf16> {mad.name = "v"}) -> (tensor<2x16xf32> {mad.name = "a"}, tensor<2x16xf32> {mad.name = "c"}, tensor<32x16xf16> {mad.name = "b"}) attributes {mad.entry, mad.dims = []} {
  %0 = mad.cast %x : (tensor<2x32xf16>) -> tensor<2x32xf32>
  %g = mad.weight @g : tensor<32x16xf16>
  %1 = mad.cast %g : (tensor<32x16xf16>) -> tensor<32x16xf32>
  %2 = mad.contract %0 by affine_map<(d0, d1, d2) -> (d0, d2)>, %1 by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<2x32xf32>, tensor<32x16xf32>) -> tensor<2x16xf32>
  %s = mad.add %x, %x : (tensor<2x32xf16>, tensor<2x32xf16>) -> tensor<2x32xf16>
  %s2 = mad.cast %s : (tensor<2x32xf16>) -> tensor<2x32xf32>
  %3 = mad.contract %s2 by affine_map<(d0, d1, d2) -> (d0, d2)>, %1 by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<2x32xf32>, tensor<32x16xf32>) -> tensor<2x16xf32>
  %4 = mad.add %v, %g : (tensor<32x16xf16>, tensor<32x16xf16>) -> tensor<32x16xf16>
  return %2, %3, %4 : tensor<2x16xf32>, tensor<2x16xf32>, tensor<32x16xf16>
}

// Below the size of a panel, and of one order, it is one weight.
// CHECK-LABEL: func.func @small
// CHECK: mad.weight @n
// CHECK-NOT: mad.weight @
// CHECK: return
func.func @small(%x: tensor<2x8xf16> {mad.name = "x"}, %y: tensor<2x4xf16> {mad.name = "y"}) -> (tensor<2x4xf32> {mad.name = "a"}, tensor<2x8xf32> {mad.name = "b"}) attributes {mad.entry, mad.dims = []} {
  %0 = mad.cast %x : (tensor<2x8xf16>) -> tensor<2x8xf32>
  %n = mad.weight @n : tensor<8x4xf16>
  %1 = mad.cast %n : (tensor<8x4xf16>) -> tensor<8x4xf32>
  %2 = mad.contract %0 by affine_map<(d0, d1, d2) -> (d0, d2)>, %1 by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<2x8xf32>, tensor<8x4xf32>) -> tensor<2x4xf32>
  %3 = mad.cast %y : (tensor<2x4xf16>) -> tensor<2x4xf32>
  %4 = mad.contract %3 by affine_map<(d0, d1, d2) -> (d0, d2)>, %1 by affine_map<(d0, d1, d2) -> (d1, d2)> : (tensor<2x4xf32>, tensor<8x4xf32>) -> tensor<2x8xf32>
  return %2, %4 : tensor<2x4xf32>, tensor<2x8xf32>
}
