// RUN: mad-opt %s -mad-linalg-to-gpu -split-input-file | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// A thread for each element of the result, which takes the reduction in its order.
// CHECK-LABEL: func @sum(
// CHECK-SAME: %[[X:.*]]: memref<?x?xf32>, %[[Y:.*]]: memref<?xf32>
// CHECK: %[[ROWS:.*]] = memref.dim %[[X]], %c0
// CHECK: %[[BLOCKS:.*]] = arith.ceildivsi %[[ROWS]], %c256
// CHECK: gpu.launch_func @kernels::@sum$0 blocks in (%[[BLOCKS]], {{.*}}) threads in (%c256
// CHECK-NOT: linalg
// CHECK: gpu.func @sum$0({{.*}}) kernel attributes {choice = "a thread an element; not by rows: taken in order", known_block_size = array<i32: 256, 1, 1>}
// CHECK: %[[ID:.*]] = arith.addi
// CHECK: arith.cmpi ult, %[[ID]]
// CHECK: scf.if
// CHECK: %[[START:.*]] = memref.load %[[OUT:.*]][%[[ID]]]
// CHECK: %[[ALL:.*]] = scf.for %[[J:.*]] = {{.*}} iter_args(%[[S:.*]] = %[[START]])
// CHECK: memref.load %{{.*}}[%[[ID]], %[[J]]]
// CHECK: arith.addf %[[S]]
// CHECK: memref.store %[[ALL]], %[[OUT]][%[[ID]]]
func.func @sum(%x: memref<?x?xf32>, %y: memref<?xf32>) attributes {entry = {index_checks = []}} {
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%a: f32, %s: f32):
    %0 = arith.addf %s, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#v = affine_map<(d0) -> (d0)>

// One thread loads and checks; what it found is in cells, from which a later kernel reads
// it. Nothing runs after a failed check.
// CHECK-LABEL: func @at(
// CHECK-SAME: %{{.*}}: index, %[[STATUS:.*]]: memref<13xi64>, %[[X:.*]]: memref<?xf32>, %[[I:.*]]: memref<i64>
// CHECK: %[[CELL:.*]] = memref.alloc() : memref<i64>
// CHECK: gpu.launch_func @kernels::@at$0 blocks in (%c1{{.*}}) threads in (%c1{{.*}}) args(%[[STATUS]] : memref<13xi64>, %[[I]] : memref<i64>, {{.*}}%[[CELL]] : memref<i64>)
// CHECK: gpu.launch_func @kernels::@at$1 {{.*}} %[[CELL]] : memref<i64>
// CHECK: gpu.func @at$0
// CHECK: %[[NUMBER:.*]] = memref.load %arg0[%c0
// CHECK: %[[GOOD:.*]] = arith.cmpi eq, %[[NUMBER]]
// CHECK: scf.if %[[GOOD]] {
// CHECK: cf.assert
// CHECK: gpu.func @at$1
// CHECK: scf.if
// CHECK: arith.index_cast
// CHECK: memref.subview
func.func @at(%n: index, %status: memref<13xi64>, %x: memref<?xf32>, %i: memref<i64>, %y: memref<64xf32>)
    attributes {entry = {dims = ["N"], index_checks = [["index out of range", "a.mad:1:1"]],
                         type = (tensor<?xf32>, tensor<i64>) -> (tensor<64xf32>), weights = []}} {
  %zero = arith.constant 0 : i64
  %0 = memref.load %i[] : memref<i64>
  %good = arith.cmpi sge, %0, %zero : i64
  cf.assert %good, "index out of range"
  %at = arith.index_cast %0 : i64 to index
  %part = memref.subview %x[%at] [64] [1] : memref<?xf32> to memref<64xf32, strided<[1], offset: ?>>
  linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]}
      ins(%part : memref<64xf32, strided<[1], offset: ?>>) outs(%y : memref<64xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

#v = affine_map<(d0) -> (d0)>

// The host runs a loop around much work, and reads what it decides by.
// CHECK-LABEL: func @while(
// CHECK: %[[HERE:.*]] = memref.alloca() : memref<i1>
// CHECK: scf.while
// CHECK: gpu.launch_func @kernels::@while$0
// CHECK: gpu.launch_func @kernels::@while$1
// CHECK: gpu.memcpy %[[HERE]]
// CHECK: %[[V:.*]] = memref.load %[[HERE]][]
// CHECK: scf.condition(%[[V]])
// CHECK: gpu.launch_func @kernels::@while$2
func.func @while(%x: memref<?xf32>) attributes {entry = {index_checks = []}} {
  %c0 = arith.constant 0 : index
  %limit = arith.constant 100.0 : f32
  scf.while : () -> () {
    %first = memref.load %x[%c0] : memref<?xf32>
    %more = arith.cmpf olt, %first, %limit : f32
    scf.condition(%more)
  } do {
    linalg.generic {indexing_maps = [#v], iterator_types = ["parallel"]} outs(%x : memref<?xf32>) {
    ^bb0(%a: f32):
      %0 = arith.addf %a, %a : f32
      linalg.yield %0 : f32
    }
    scf.yield
  }
  return
}

// -----

#v = affine_map<(d0) -> (d0)>
memref.global "private" constant @table : memref<3x64xf32> = dense<1.0>

// Tables of constants lie with the kernels, views of them too.
// CHECK-LABEL: func @table_row(
// CHECK: gpu.launch_func @kernels::@table_row$0
// CHECK-NOT: memref<3x64xf32>
// CHECK: gpu.module @kernels
// CHECK: memref.global "private" constant @table
// CHECK: gpu.func @table_row$0
// CHECK: %[[T:.*]] = memref.get_global @table
// CHECK: memref.subview %[[T]]
func.func @table_row(%y: memref<64xf32>) attributes {entry = {index_checks = []}} {
  %t = memref.get_global @table : memref<3x64xf32>
  %row = memref.subview %t[1, 0] [1, 64] [1, 1] : memref<3x64xf32> to memref<64xf32, strided<[1], offset: 64>>
  linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]}
      ins(%row : memref<64xf32, strided<[1], offset: 64>>) outs(%y : memref<64xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

#at = affine_map<(d0) -> (d0)>
#all = affine_map<(d0) -> ()>

// What is made of a single result is computed where its pieces are taken up, and needs no kernel.
// CHECK-LABEL: func @mean(
// CHECK: gpu.launch_func @kernels::@mean$0
// CHECK: gpu.launch_func @kernels::@mean$1
// CHECK-NOT: gpu.launch_func
// CHECK: gpu.func @mean$1({{.*}}takes up pieces
// CHECK: %[[SUM:.*]] = arith.addf %{{.*}}, %{{.*}} : f32
// CHECK: %[[MEAN:.*]] = arith.divf %{{.*}}, %{{.*}} : f32
// CHECK: %[[ROUNDED:.*]] = arith.truncf %[[MEAN]] : f32 to f16
// CHECK: memref.store %[[ROUNDED]]
func.func @mean(%x: memref<100000xf32>, %y: memref<f16>) attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 1.0e5 : f32
  %sum = memref.alloc() : memref<f32>
  linalg.fill ins(%zero : f32) outs(%sum : memref<f32>)
  linalg.generic {indexing_maps = [#at, #all], iterator_types = ["reduction"]}
      ins(%x : memref<100000xf32>) outs(%sum : memref<f32>) {
  ^bb0(%a: f32, %s: f32):
    %0 = arith.addf %s, %a fastmath<reassoc> : f32
    linalg.yield %0 : f32
  }
  %0 = memref.load %sum[] : memref<f32>
  %1 = arith.divf %0, %count : f32
  %2 = arith.truncf %1 : f32 to f16
  memref.store %2, %y[] : memref<f16>
  return
}
