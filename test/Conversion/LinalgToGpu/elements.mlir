// RUN: mad-opt %s -mad-linalg-to-gpu -canonicalize -cse -split-input-file | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>

// Whole memory is one dimension, of which the last group may be short; its length is the host's.
// CHECK-LABEL: func @whole(
// CHECK: memref.collapse_shape
// CHECK: gpu.func @whole$0{{.*}}choice = "elements: 4 neighbours a thread"
// CHECK: scf.if
// CHECK: %[[WHOLE:.*]] = arith.cmpi ule
// CHECK: scf.if %[[WHOLE]] {
// CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
// CHECK-COUNT-4: arith.negf
// CHECK: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xf32>
// CHECK: } else {
// CHECK: scf.for
// CHECK: memref.load
func.func @whole(%x: memref<?x?xf32>, %y: memref<?x?xf32>) attributes {entry = {index_checks = []}} {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.negf %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#column = affine_map<(d0, d1) -> (d1)>

// Rows of whole groups: a number a column is read like them, a number a row once. The widest type
// decides how many.
// CHECK-LABEL: func @rows(
// CHECK: gpu.func @rows$0{{.*}}choice = "elements: 4 neighbours a thread"
// CHECK-DAG: llvm.load %{{.*}} {alignment = 8 : i64} : !llvm.ptr<1> -> vector<4xf16>
// CHECK-DAG: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
// CHECK-DAG: memref.load
// CHECK: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xf32>
// CHECK-NOT: scf.for
func.func @rows(%x: memref<?x24xf16>, %r: memref<?xf32>, %c: memref<24xf32>, %y: memref<?x24xf32>)
    attributes {entry = {index_checks = []}} {
  linalg.generic {indexing_maps = [#id, #row, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %r, %c : memref<?x24xf16>, memref<?xf32>, memref<24xf32>) outs(%y : memref<?x24xf32>) {
  ^bb0(%a: f16, %b: f32, %d: f32, %o: f32):
    %0 = arith.extf %a : f16 to f32
    %1 = arith.mulf %0, %b : f32
    %2 = arith.addf %1, %d : f32
    linalg.yield %2 : f32
  }
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#turn = affine_map<(d0, d1) -> (d1, d0)>

// What has no neighbours, or rows with a rest, is an element a thread.
// CHECK-LABEL: func @others(
// CHECK: gpu.func @others$0{{.*}}choice = "a thread an element; not wide: no neighbours"
// CHECK: gpu.func @others$1{{.*}}choice = "a thread an element; not wide: rows of other lengths"
func.func @others(%x: memref<16x16xf32>, %y: memref<16x16xf32>, %c: memref<9xf32>, %z: memref<16x9xf32>)
    attributes {entry = {index_checks = []}} {
  linalg.generic {indexing_maps = [#turn, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<16x16xf32>) outs(%y : memref<16x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  }
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1)>, #id], iterator_types = ["parallel", "parallel"]}
      ins(%c : memref<9xf32>) outs(%z : memref<16x9xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// Rows at computed places are read 16 bytes at a time; where only the host knows whether rows are whole groups it
// branches.
// CHECK-LABEL: func @table(
// CHECK: gpu.launch_func @kernels::@table$0
// CHECK: arith.remui %{{.*}}, %c4
// CHECK: scf.if
// CHECK: gpu.func @table$0{{.*}}choice = "rows at computed places: 8 neighbours a thread"
// CHECK: memref.load %{{.*}} : memref<?xi64>
// CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<8xf16>
// CHECK: llvm.store %{{.*}} {alignment = 16 : i64} : vector<8xf16>
// CHECK: gpu.func @table$1{{.*}}choice = "rows at computed places: 4 neighbours a thread"
// CHECK: gpu.func @table$2{{.*}}choice = "a thread an element; not wide: rows of other lengths"
func.func @table(%x: memref<?x384xf16>, %z: memref<?x?xf32>, %i: memref<?xi64>, %y: memref<?x384xf16>, %w: memref<?x?xf32>)
    attributes {entry = {index_checks = []}} {
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%i : memref<?xi64>) outs(%y : memref<?x384xf16>) {
  ^bb0(%a: i64, %o: f16):
    %c = linalg.index 1 : index
    %r = arith.index_cast %a : i64 to index
    %0 = memref.load %x[%r, %c] : memref<?x384xf16>
    linalg.yield %0 : f16
  }
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%i : memref<?xi64>) outs(%w : memref<?x?xf32>) {
  ^bb0(%a: i64, %o: f32):
    %c = linalg.index 1 : index
    %r = arith.index_cast %a : i64 to index
    %0 = memref.load %z[%r, %c] : memref<?x?xf32>
    linalg.yield %0 : f32
  }
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// The place of a row that depends on the column is none.
// CHECK-LABEL: func @bent(
// CHECK: gpu.func @bent$0{{.*}}choice = "a thread an element; not wide: reads of other places"
func.func @bent(%x: memref<64x64xf32>, %i: memref<16xindex>, %y: memref<16x64xf32>) attributes {entry = {index_checks = []}} {
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%i : memref<16xindex>) outs(%y : memref<16x64xf32>) {
  ^bb0(%a: index, %o: f32):
    %c = linalg.index 1 : index
    %r = arith.minui %a, %c : index
    %0 = memref.load %x[%r, %c] : memref<64x64xf32>
    linalg.yield %0 : f32
  }
  return
}
