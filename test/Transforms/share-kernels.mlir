// Equal contractions become calls of one function; what is small or occurs once
// stays.
//
// RUN: mad-opt %s --mad-share-kernels | FileCheck %s

#a = affine_map<(d0, d1, d2) -> (d0, d2)>
#b = affine_map<(d0, d1, d2) -> (d2, d1)>
#c = affine_map<(d0, d1, d2) -> (d0, d1)>
#i = affine_map<(d0) -> (d0)>
!m = memref<64x64xf32>

// CHECK-LABEL: func.func @layers(
// CHECK-SAME: %[[X:[^:]*]]: memref<64x64xf32>, %[[W:[^:]*]]: memref<64x64xf32>, %[[Y:[^:]*]]: memref<64x64xf32>, %[[Z:[^:]*]]: memref<64x64xf32>)
// CHECK-NOT: linalg.generic
// CHECK: call @[[KERNEL:.*]](%[[X]], %[[W]], %[[Y]])
// CHECK: call @[[KERNEL]](%[[Y]], %[[W]], %[[Z]])
func.func @layers(%x: !m, %w: !m, %y: !m, %z: !m) {
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : !m, !m) outs(%y : !m) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %o, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%y, %w : !m, !m) outs(%z : !m) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %o, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  return
}

// CHECK-LABEL: func.func @small(
// CHECK-COUNT-2: linalg.generic
// CHECK-NOT: call
func.func @small(%x: memref<3xf32>, %y: memref<3xf32>) {
  linalg.generic {indexing_maps = [#i], iterator_types = ["parallel"]} outs(%x : memref<3xf32>) {
  ^bb0(%o: f32):
    %0 = arith.negf %o : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#i], iterator_types = ["parallel"]} outs(%y : memref<3xf32>) {
  ^bb0(%o: f32):
    %0 = arith.negf %o : f32
    linalg.yield %0 : f32
  }
  return
}

// What runs in pieces has a function of its own: that one is not cut.
// CHECK-LABEL: func.func @pieces(
// CHECK: call @[[OUT:kernel_[0-9]+]](
// CHECK: call @[[OUT]](
// CHECK: scf.parallel
// CHECK-NOT: call @[[OUT]](
// CHECK: linalg.generic
func.func @pieces(%x: !m, %w: !m, %y: !m, %z: !m) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : !m, !m) outs(%y : !m) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %0 = arith.mulf %p, %q : f32
    %1 = arith.addf %o, %0 : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : !m, !m) outs(%z : !m) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %0 = arith.mulf %p, %q : f32
    %1 = arith.addf %o, %0 : f32
    linalg.yield %1 : f32
  }
  scf.parallel (%i) = (%c0) to (%c1) step (%c1) {
    linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : !m, !m) outs(%z : !m) {
    ^bb0(%p: f32, %q: f32, %o: f32):
      %0 = arith.mulf %p, %q : f32
      %1 = arith.addf %o, %0 : f32
      linalg.yield %1 : f32
    }
  }
  return
}
