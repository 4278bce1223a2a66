// RUN: mad-opt %s -mad-linalg-to-gpu -canonicalize -cse -split-input-file | FileCheck %s

// Few long lines are cut in chunks, whose totals come first: 32 tiles of 4096, a chunk each.
// CHECK-LABEL: func @long(
// CHECK: %[[T:.*]] = memref.alloc() : memref<32xf32>
// CHECK: gpu.launch_func @kernels::@long$0 blocks in (%c32,
// CHECK: gpu.launch_func @kernels::@long$1 blocks in (%c32,
// CHECK: gpu.func @long$0{{.*}}choice = "cumulated: totals of chunks"
// CHECK: gpu.func @long$1{{.*}}choice = "cumulated: a block a line, or chunks of it"
func.func @long(%x: memref<1x131072xf32>, %y: memref<1x131072xf32>) attributes {entry = {index_checks = []}} {
  mad.cumulate_memory sum %x along 1 to %y : memref<1x131072xf32>, memref<1x131072xf32>
  return
}

// -----

// Many lines need no chunks; rows that do not begin at 16 bytes are read one by one.
// CHECK-LABEL: func @many(
// CHECK: gpu.launch_func @kernels::@many$0 blocks in (%c300,
// CHECK: gpu.func @many$0{{.*}}choice = "cumulated: a block a line"
// CHECK-NOT: vector<
func.func @many(%x: memref<300x9999xf16>, %y: memref<300x9999xf16>) attributes {entry = {index_checks = []}} {
  mad.cumulate_memory prod %x along 1 to %y : memref<300x9999xf16>, memref<300x9999xf16>
  return
}

// -----

// Short lines: eight warps a block. The extent decides when the program runs.
// CHECK-LABEL: func @short(
// CHECK: %[[SHORT:.*]] = arith.cmpi slt, %{{.*}}, %c2049
// CHECK: scf.if %[[SHORT]]
// CHECK: gpu.launch_func @kernels::@short$0
// CHECK: gpu.func @short$0{{.*}}choice = "cumulated: a warp a line"
func.func @short(%x: memref<?x?xi64>, %y: memref<?x?xi64>) attributes {entry = {index_checks = []}} {
  mad.cumulate_memory min %x along 1 to %y : memref<?x?xi64>, memref<?x?xi64>
  return
}

// -----

// Lines side by side: 16 chunks of 64 elements for each of 1000.
// CHECK-LABEL: func @across(
// CHECK: gpu.launch_func @kernels::@across$0 blocks in (%c63,
// CHECK: gpu.launch_func @kernels::@across$1 blocks in (%c63,
// CHECK: gpu.func @across$0{{.*}}choice = "cumulated: totals of chunks, a thread each"
// CHECK: gpu.func @across$1{{.*}}choice = "cumulated: a thread a chunk of a line"
func.func @across(%x: memref<1024x1000xf32>, %y: memref<1024x1000xf32>) attributes {entry = {index_checks = []}} {
  mad.cumulate_memory sum %x along 0 to %y : memref<1024x1000xf32>, memref<1024x1000xf32>
  return
}

// -----

// Two lines of 1000 in each tile of 2048.
// CHECK-LABEL: func @tile(
// CHECK-NOT: memref.alloc
// CHECK: gpu.launch_func @kernels::@tile$0 blocks in (%c32,
// CHECK: gpu.func @tile$0{{.*}}choice = "sorted: lines of a tile"
func.func @tile(%x: memref<64x1000xf32>, %y: memref<64x1000xf32>) attributes {entry = {index_checks = []}} {
  mad.sort_memory %x to values %y : memref<64x1000xf32> whole : memref<64x1000xf32>
  return
}

// -----

// Tiles are sorted, then merged; the last round writes the result. Wide codes have places beside them.
// CHECK-LABEL: func @merged(
// CHECK: memref.alloc() : memref<30000xi64>
// CHECK: memref.alloc() : memref<30000xi32>
// CHECK: gpu.launch_func @kernels::@merged$0 blocks in (%c15,
// CHECK: scf.while
// CHECK: gpu.launch_func @kernels::@merged$1 blocks in (%c15,
// CHECK: gpu.launch_func @kernels::@merged$2 blocks in (%c15,
// CHECK: gpu.func @merged$0{{.*}}choice = "sorted: each tile"
// CHECK: gpu.func @merged$1{{.*}}choice = "sorted: a round of merging"
// CHECK: gpu.func @merged$2{{.*}}choice = "sorted: the last round of merging"
func.func @merged(%x: memref<30000xf64>, %p: memref<30000xi64>) attributes {entry = {index_checks = []}} {
  mad.sort_memory %x to positions %p : memref<30000xi64> whole : memref<30000xf64>
  return
}

// -----

// Of 15 tiles 32 each are left, which are a tile: nothing is merged.
// CHECK-LABEL: func @few(
// CHECK: memref.alloc() : memref<480xi64>
// CHECK-NOT: memref.alloc
// CHECK: gpu.launch_func @kernels::@few$0 blocks in (%c15,
// CHECK: gpu.launch_func @kernels::@few$1 blocks in (%c1,
// CHECK: gpu.func @few$0{{.*}}choice = "sorted: the first ones of each tile"
// CHECK: gpu.func @few$1{{.*}}choice = "sorted: the first ones of all tiles"
func.func @few(%x: memref<1x30000xf32>, %y: memref<1x32xf32>, %p: memref<1x32xi64>) attributes {entry = {index_checks = []}} {
  mad.sort_memory %x to values %y : memref<1x32xf32> positions %p : memref<1x32xi64> descending : memref<1x30000xf32>
  return
}

// -----

// A tile of updates is sorted by one block.
// CHECK-LABEL: func @few(
// CHECK: memref.alloc() : memref<1000xi64>
// CHECK: gpu.launch_func @kernels::@few$0 blocks in (%c1,
// CHECK: gpu.launch_func @kernels::@few$1 blocks in (%c4,
// CHECK: gpu.func @few$0{{.*}}choice = "scattered: updates sorted by one block"
// CHECK: gpu.func @few$1{{.*}}choice = "scattered: updates of a place in order"
func.func @few(%x: memref<1000xf32>, %p: memref<1000xi32>, %y: memref<77xf32>) attributes {entry = {index_checks = []}} {
  mad.scatter_memory add %x at %p to %y : memref<1000xf32>, memref<1000xi32>, memref<77xf32>
  return
}

// -----

// More go digit by digit: 17 bits are two of 9. Rows of 384 are 96 groups, for which 128 threads stand.
// CHECK-LABEL: func @rows(
// CHECK-DAG: memref.alloc() : memref<2560xi32>
// CHECK-DAG: memref.alloc() : memref<20000xi64>
// CHECK: gpu.launch_func @kernels::@rows$0 blocks in (%c5,
// CHECK: gpu.launch_func @kernels::@rows$1 blocks in (%c1,
// CHECK: gpu.launch_func @kernels::@rows$2 blocks in (%c5,
// CHECK: gpu.launch_func @kernels::@rows$3 blocks in (%c5,
// CHECK: gpu.launch_func @kernels::@rows$5 blocks in (%c5,
// CHECK: gpu.launch_func @kernels::@rows$6 blocks in (%c10000,
// CHECK: gpu.func @rows$0{{.*}}choice = "scattered: digits of updates counted"
// CHECK: gpu.func @rows$1{{.*}}choice = "cumulated: a block a line
// CHECK: gpu.func @rows$2{{.*}}choice = "scattered: updates moved by a digit"
// CHECK: gpu.func @rows$6{{.*}}choice = "scattered: rows of updates in order, 16 bytes a thread"
func.func @rows(%x: memref<20000x384xf32>, %p: memref<20000xi32>, %y: memref<100000x384xf32>) attributes {entry = {index_checks = []}} {
  mad.scatter_memory set %x at %p to %y : memref<20000x384xf32>, memref<20000xi32>, memref<100000x384xf32>
  return
}
