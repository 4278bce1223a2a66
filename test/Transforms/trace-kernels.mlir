// Hooks around kernels and the loops that hold them. A place is the innermost one in
// the file of the entry: what the library does is told where it is called.
//
// RUN: mad-opt %s --mad-trace-kernels | FileCheck %s

// CHECK: module attributes {mad.trace_sites = [
// CHECK-SAME: {kind = "for", name = "u", place = "a.mad:2:3"}
// CHECK-SAME: {kind = "elementwise", name = "", place = "a.mad:4:5"}
// CHECK-SAME: {kind = "copy", name = "", place = ""}
// CHECK: func.func private @mad_trace(!llvm.ptr, i64)
// CHECK: llvm.mlir.global external @mad_trace_sink

// The fill stays with what it starts.
// CHECK-LABEL: func.func @loop(
// CHECK: %[[BEGIN:.*]] = llvm.mlir.constant(0 : i64)
// CHECK-NEXT: call @mad_trace(%{{.*}}, %[[BEGIN]])
// CHECK-NEXT: scf.for
// CHECK: %[[INNER:.*]] = llvm.mlir.constant(2 : i64)
// CHECK-NEXT: call @mad_trace(%{{.*}}, %[[INNER]])
// CHECK-NEXT: linalg.fill
// CHECK-NEXT: linalg.generic
// CHECK: %[[END:.*]] = llvm.mlir.constant(3 : i64)
// CHECK-NEXT: call @mad_trace(%{{.*}}, %[[END]])
// CHECK: }
// CHECK: llvm.mlir.constant(1 : i64)
// CHECK: llvm.mlir.constant(4 : i64)
// CHECK-NEXT: call @mad_trace
// CHECK-NEXT: memref.copy
// CHECK: llvm.mlir.constant(5 : i64)
#id = affine_map<(d0) -> (d0)>
func.func @loop(%status: memref<13xi64>, %a: memref<4xf32>, %b: memref<4xf32>)
    attributes {entry = {dims = [], type = () -> (), weights = []}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  %zero = arith.constant 0.0 : f32
  scf.for %i = %c0 to %c9 step %c1 {
    linalg.fill ins(%zero : f32) outs(%b : memref<4xf32>)
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%a : memref<4xf32>) outs(%b : memref<4xf32>) {
    ^bb0(%x: f32, %y: f32):
      %s = arith.addf %x, %y : f32
      linalg.yield %s : f32
    } loc(callsite("std/nn.mad":9:9 at "a.mad":4:5))
  } loc("u"("a.mad":2:3))
  memref.copy %b, %a : memref<4xf32> to memref<4xf32> loc(unknown)
  return
} loc("a.mad":1:1)

// No entry: nothing happens.
// CHECK-LABEL: func.func @other(
// CHECK-NEXT: memref.copy
func.func @other(%a: memref<4xf32>, %b: memref<4xf32>) {
  memref.copy %b, %a : memref<4xf32> to memref<4xf32>
  return
}

// One hook for all iterations of a parallel loop, which threads run.
// CHECK-LABEL: func.func @parallel(
// CHECK: call @mad_trace
// CHECK-NEXT: scf.parallel
// CHECK-NOT: call @mad_trace
// CHECK: linalg.generic
// CHECK-NOT: call @mad_trace
// CHECK: }
// CHECK: call @mad_trace
// CHECK-NOT: call @mad_trace
// CHECK: return
func.func @parallel(%status: memref<13xi64>, %a: memref<4xf32>, %b: memref<4xf32>)
    attributes {entry = {dims = [], type = () -> (), weights = []}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  scf.parallel (%i) = (%c0) to (%c9) step (%c1) {
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%a : memref<4xf32>) outs(%b : memref<4xf32>) {
    ^bb0(%x: f32, %o: f32):
      linalg.yield %x : f32
    }
  }
  return
}
