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

// Loops in pieces are shared with what is around them. Where a layer has its memory does not matter,
// nor which values it is given.
// CHECK-LABEL: func.func @nests(
// CHECK-SAME: %[[ARENA:[^:]*]]: memref<?xi8>, %[[X:[^:]*]]: memref<64xf32>, %[[FEW:[^:]*]]: i1, %[[N:[^:]*]]: index)
// CHECK: %[[Y:.*]] = memref.view
// CHECK: %[[V:.*]] = memref.view %[[ARENA]][%{{.*}}][]
// CHECK-NEXT: call @[[$NEST:.*]](%[[FEW]], %[[N]], %[[X]], %[[V]])
// CHECK: %[[W:.*]] = memref.view %[[ARENA]][%{{.*}}][]
// CHECK-NEXT: call @[[$NEST]](%[[FEW]], %[[N]], %[[Y]], %[[W]])
// CHECK-NOT: call
// CHECK: scf.parallel {{.*}} step (%c2)
// CHECK: return
func.func @nests(%arena: memref<?xi8>, %x: memref<64xf32>, %few: i1, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c256 = arith.constant 256 : index
  %c512 = arith.constant 512 : index
  %y = memref.view %arena[%c256][] : memref<?xi8> to memref<64xf32>
  scf.if %few {
    %v = memref.view %arena[%c256][] : memref<?xi8> to memref<64xf32>
    scf.parallel (%i) = (%c0) to (%n) step (%c1) {
      %0 = memref.load %x[%i] : memref<64xf32>
      memref.store %0, %v[%i] : memref<64xf32>
    }
  }
  scf.if %few {
    %v = memref.view %arena[%c512][] : memref<?xi8> to memref<64xf32>
    scf.parallel (%i) = (%c0) to (%n) step (%c1) {
      %0 = memref.load %y[%i] : memref<64xf32>
      memref.store %0, %v[%i] : memref<64xf32>
    }
  }
  scf.if %few {
    scf.parallel (%i) = (%c0) to (%n) step (%c2) {
      %0 = memref.load %y[%i] : memref<64xf32>
      memref.store %0, %x[%i] : memref<64xf32>
    }
  }
  return
}

// A check leaves the function of the entry: it stays, and what is equal behind it is shared.
// CHECK-LABEL: func.func @checks(
// CHECK: scf.if
// CHECK-NEXT: cf.assert
// CHECK-NEXT: call @[[FILL:.*]](%{{.*}}, %{{.*}})
// CHECK: scf.if
// CHECK-NEXT: cf.assert
// CHECK-NEXT: call @[[FILL]](%{{.*}}, %{{.*}})
//
// CHECK: func.func private @[[$NEST]](%[[FEW2:.*]]: i1, %[[N2:.*]]: index, %[[X2:.*]]: memref<64xf32>, %[[V2:.*]]: memref<64xf32>)
// CHECK: scf.if %[[FEW2]]
// CHECK-NOT: memref.view
// CHECK: scf.parallel {{.*}} to (%[[N2]])
// CHECK: memref.load %[[X2]]
// CHECK: memref.store %{{.*}}, %[[V2]]
func.func @checks(%x: memref<64xf32>, %good: i1, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5.0 : f32
  scf.if %good {
    cf.assert %good, "no"
    scf.parallel (%i) = (%c0) to (%n) step (%c1) {
      memref.store %c5, %x[%i] : memref<64xf32>
    }
  }
  scf.if %good {
    cf.assert %good, "no"
    scf.parallel (%i) = (%c0) to (%n) step (%c1) {
      memref.store %c5, %x[%i] : memref<64xf32>
    }
  }
  return
}
