// RUN: mad-opt %s -mad-linalg-to-gpu -canonicalize -cse -split-input-file | FileCheck %s

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(d0, d1) -> (d0, d1)>
#bias = affine_map<(d0, d1) -> (d1)>

// The bias and the maximum are computed before the sum is stored: the product itself has no memory.
// CHECK-LABEL: func @layer(
// CHECK-NOT: memref.alloc
// CHECK: gpu.launch_func @kernels::@layer$0 blocks in (%{{.*}}, %{{.*}}, %{{.*}}) threads in (%c256{{.*}}dynamic_shared_memory_size
// CHECK-NOT: gpu.launch_func
// CHECK: gpu.func @layer$0(%{{.*}}: memref<256xf32> {llvm.noalias}, %{{.*}}: memref<64x128xf32> {llvm.noalias}, %{{.*}}: memref<128x256xf32> {llvm.noalias}, %{{.*}}: memref<64x256xf32>)
// CHECK-SAME: choice = "product: plain, tiles of 16 x 32, then 1 op"
// CHECK: llvm.intr.fma
// CHECK: arith.maximumf
// CHECK: llvm.store
func.func @layer(%x: memref<64x128xf32>, %w: memref<128x256xf32>, %b: memref<256xf32>, %y: memref<64x256xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  %t = memref.alloc() : memref<64x256xf32>
  linalg.fill ins(%zero : f32) outs(%t : memref<64x256xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<64x128xf32>, memref<128x256xf32>) outs(%t : memref<64x256xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %s, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#id, #bias, #id], iterator_types = ["parallel", "parallel"]}
      ins(%t, %b : memref<64x256xf32>, memref<256xf32>) outs(%y : memref<64x256xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %0 = arith.addf %p, %q : f32
    %1 = arith.maximumf %0, %zero : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (n, k)>
#c = affine_map<(m, n, k) -> (m, n)>

// Sizes of the run: the host chooses the tile, and what takes any size.
// CHECK-LABEL: func @sizes(
// CHECK: call @mad.device_multiprocessors
// CHECK: call @mad.device_chip
// CHECK: arith.remui %{{.*}}, %c8
// CHECK: scf.if
// CHECK: scf.if
// CHECK: gpu.launch_func @kernels_sm_90a::@sizes$0
// CHECK: gpu.launch_func @kernels_sm_90a::@sizes$1
// CHECK: gpu.launch_func @kernels_sm_90a::@sizes$2
// CHECK: gpu.launch_func @kernels_sm_90a::@sizes$3
// Else both factors are copied to scratch memory first.
// CHECK: %[[A:.*]] = memref.alloc(%{{.*}}, %{{.*}}) : memref<?x?xf16>
// CHECK: gpu.launch_func @kernels::@sizes$4 {{.*}}%[[A]] : memref<?x?xf16>
// CHECK: %[[B:.*]] = memref.alloc(%{{.*}}, %{{.*}}) : memref<?x?xf16>
// CHECK: gpu.launch_func @kernels::@sizes$5 {{.*}}%[[B]] : memref<?x?xf16>
// CHECK: gpu.launch_func @kernels_sm_90a::@sizes$6
// CHECK: gpu.launch_func @kernels_sm_90a::@sizes$9
// CHECK: gpu.launch_func @kernels::@sizes$10
// CHECK: gpu.launch_func @kernels::@sizes$11
// CHECK: gpu.launch_func @kernels::@sizes$12
// CHECK: gpu.module @kernels {
// CHECK-NOT: wgmma
// CHECK: gpu.func @sizes$4{{.*}}choice = "rows to multiples of 16 bytes"
// CHECK: gpu.func @sizes$10{{.*}}choice = "product: tensor cores by warp, tiles of 128 x 128"
// CHECK: nvvm.mma.sync
// CHECK: gpu.func @sizes$11{{.*}}choice = "product: tensor cores by warp, tiles of 64 x 64"
// CHECK: gpu.func @sizes$12{{.*}}choice = "a thread an element; for sizes that tiles cannot count"
// CHECK: gpu.module @kernels_sm_90a {
// CHECK: gpu.func @sizes$0(%{{.*}}: memref<?x?xf16> {mad.boxes = array<i32: 64, 128>}, %{{.*}}: memref<?x?xf16> {mad.boxes = array<i32: 64, 128>}, {{.*}}choice = "product: groups of warps, tiles of 128 x 256"
// CHECK: gpu.func @sizes$1{{.*}}choice = "product: groups of warps, tiles of 128 x 192"
// CHECK: gpu.func @sizes$2{{.*}}choice = "product: groups of warps, tiles of 128 x 128"
// CHECK: gpu.func @sizes$3({{.*}}array<i32: 64, 64>}, {{.*}}choice = "product: groups of warps, tiles of 128 x 64"
func.func @sizes(%x: memref<?x?xf16>, %w: memref<?x?xf16>, %y: memref<?x?xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<?x?xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x?xf16>, memref<?x?xf16>) outs(%y : memref<?x?xf32>) {
  ^bb0(%p: f16, %q: f16, %s: f32):
    %0 = arith.extf %p : f16 to f32
    %1 = arith.extf %q : f16 to f32
    %2 = arith.mulf %0, %1 fastmath<reassoc,contract> : f32
    %3 = arith.addf %s, %2 fastmath<reassoc,contract> : f32
    linalg.yield %3 : f32
  }
  return
}

// -----

#a = affine_map<(z, m, n, k) -> (z, m, k)>
#b = affine_map<(z, m, n, k) -> (z, k, n)>
#c = affine_map<(z, m, n, k) -> (z, m, n)>

// A batch is the third dimension of the grid.
// CHECK-LABEL: func @batch(
// CHECK: gpu.launch_func @kernels::@batch$0 blocks in (%c2{{.*}}, %c3{{.*}}, %c6{{.*}})
// CHECK: gpu.func @batch$0{{.*}}choice = "product: plain, tiles of 16 x 32, a batch"
// CHECK: gpu.block_id z
func.func @batch(%x: memref<6x40x64xf32>, %w: memref<6x64x48xf32>, %y: memref<6x40x48xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<6x40x48xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<6x40x64xf32>, memref<6x64x48xf32>) outs(%y : memref<6x40x48xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %s, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// What is strict is taken in order; sums in f64 have no tiles; few rows of half precision do.
// CHECK-LABEL: func @others(
// CHECK: gpu.func @others$0{{.*}}choice = "a thread an element; no tiles: taken in order; not by rows: taken in order"
// CHECK: gpu.func @others$1{{.*}}choice = "a thread an element; no tiles: sums in f64; not by rows: a product"
// CHECK: gpu.func @others$2{{.*}}choice = "product: up to 8 rows"
func.func @others(%x: memref<90x90xf32>, %y: memref<90x90xf32>, %u: memref<90x90xf64>, %v: memref<90x90xf64>,
                  %p: memref<5x64xbf16>, %q: memref<64x96xbf16>, %r: memref<5x96xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  %zero64 = arith.constant 0.0 : f64
  linalg.fill ins(%zero : f32) outs(%y : memref<90x90xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %x : memref<90x90xf32>, memref<90x90xf32>) outs(%y : memref<90x90xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %s, %0 : f32
    linalg.yield %1 : f32
  }
  linalg.fill ins(%zero64 : f64) outs(%v : memref<90x90xf64>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%u, %u : memref<90x90xf64>, memref<90x90xf64>) outs(%v : memref<90x90xf64>) {
  ^bb0(%a: f64, %b: f64, %s: f64):
    %0 = arith.mulf %a, %b fastmath<reassoc,contract> : f64
    %1 = arith.addf %s, %0 fastmath<reassoc,contract> : f64
    linalg.yield %1 : f64
  }
  linalg.fill ins(%zero : f32) outs(%r : memref<5x96xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%p, %q : memref<5x64xbf16>, memref<64x96xbf16>) outs(%r : memref<5x96xf32>) {
  ^bb0(%a: bf16, %b: bf16, %s: f32):
    %0 = arith.extf %a : bf16 to f32
    %1 = arith.extf %b : bf16 to f32
    %2 = arith.mulf %0, %1 fastmath<reassoc,contract> : f32
    %3 = arith.addf %s, %2 fastmath<reassoc,contract> : f32
    linalg.yield %3 : f32
  }
  return
}

// -----

#a = affine_map<(z, y, m, n, k) -> (z, m, y, k)>
#b = affine_map<(z, y, m, n, k) -> (z, k, y, n)>
#c = affine_map<(z, y, m, n, k) -> (z, y, m, n)>

// Rows of a matrix lie between those of others: the map has four dimensions. Of known sizes there is
// one tile.
// CHECK-LABEL: func @heads(
// CHECK: gpu.launch_func @kernels_sm_90a::@heads$0
// CHECK: gpu.launch_func @kernels::@heads$1
// CHECK-NOT: gpu.launch_func
// CHECK: gpu.func @heads$0({{.*}}memref<2x200x3x64xbf16> {mad.boxes = array<i32: 64, 1, 128, 1>}, {{.*}}memref<2x64x3x200xbf16> {mad.boxes = array<i32: 64, 1, 64, 1>}
// CHECK-SAME: choice = "product: groups of warps, tiles of 128 x 64, a batch"
func.func @heads(%x: memref<2x200x3x64xbf16>, %w: memref<2x64x3x200xbf16>, %y: memref<2x3x200x200xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<2x3x200x200xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<2x200x3x64xbf16>, memref<2x64x3x200xbf16>) outs(%y : memref<2x3x200x200xf32>) {
  ^bb0(%p: bf16, %q: bf16, %s: f32):
    %0 = arith.extf %p : bf16 to f32
    %1 = arith.extf %q : bf16 to f32
    %2 = arith.mulf %0, %1 fastmath<reassoc,contract> : f32
    %3 = arith.addf %s, %2 fastmath<reassoc,contract> : f32
    linalg.yield %3 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(d0, d1) -> (d0, d1)>

// Few rows of half precision, whose number only the run knows. The memory of what follows comes between.
// CHECK-LABEL: func @few(
// CHECK: scf.if
// CHECK: gpu.func @few$0{{.*}}choice = "product: up to 8 rows, then 2 ops"
// CHECK: nvvm.cp.async.shared.global
// CHECK: nvvm.mma.sync
// CHECK: gpu.func @few$1{{.*}}choice = "product: up to 16 rows, then 2 ops"
// CHECK: gpu.func @few$2{{.*}}choice = "product: up to 32 rows, then 2 ops"
// CHECK: gpu.func @few$3{{.*}}choice = "product: up to 64 rows, then 2 ops"
// CHECK: gpu.func @few${{[0-9]+}}{{.*}}choice = "product: tensor cores by warp, tiles of 128 x 128, then 2 ops"
func.func @few(%x: memref<?x64xf16>, %w: memref<64x96xf16>, %y: memref<?x96xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %rows = memref.dim %x, %c0 : memref<?x64xf16>
  %t = memref.alloc(%rows) : memref<?x96xf32>
  linalg.fill ins(%zero : f32) outs(%t : memref<?x96xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x64xf16>, memref<64x96xf16>) outs(%t : memref<?x96xf32>) {
  ^bb0(%p: f16, %q: f16, %s: f32):
    %0 = arith.extf %p : f16 to f32
    %1 = arith.extf %q : f16 to f32
    %2 = arith.mulf %0, %1 fastmath<reassoc,contract> : f32
    %3 = arith.addf %s, %2 fastmath<reassoc,contract> : f32
    linalg.yield %3 : f32
  }
  %u = memref.alloc(%rows) : memref<?x96xf16>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%t : memref<?x96xf32>) outs(%u : memref<?x96xf16>) {
  ^bb0(%p: f32, %o: f16):
    %0 = arith.truncf %p : f32 to f16
    linalg.yield %0 : f16
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%u : memref<?x96xf16>) outs(%y : memref<?x96xf32>) {
  ^bb0(%p: f16, %o: f32):
    %0 = arith.extf %p : f16 to f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// Scratch memory is written after a failed check, too; what the caller sees is not. A column that the
// run knows may begin anywhere, a row begins at a multiple of its length.
// CHECK-LABEL: func @guarded(
// CHECK-SAME: %{{.*}}: index, %[[STATUS:.*]]: memref<13xi64>,
// CHECK: gpu.launch_func @kernels::@guarded$0
// CHECK-NOT: %[[STATUS]]
// CHECK: gpu.launch_func @kernels::@guarded$1 {{.*}}%[[STATUS]] : memref<13xi64>
// CHECK: gpu.func @guarded$0(
// CHECK-NOT: shared.global {{.*}}, 16, cache
// CHECK: gpu.func @guarded$1(
// CHECK: memref.load
// CHECK: scf.if
// CHECK: shared.global {{.*}}, 16, cache
func.func @guarded(%at: index, %status: memref<13xi64>, %x: memref<64x512xf32>, %w: memref<128x1024xf32>,
                   %v: memref<512x256xf32>, %y: memref<64x256xf32>)
    attributes {entry = {dims = ["N"], index_checks = [["index out of range", "a.mad:1:1"]],
                         type = (tensor<64x512xf32>, tensor<128x1024xf32>, tensor<512x256xf32>)
                                -> (tensor<64x256xf32>), weights = []}} {
  %zero = arith.constant 0.0 : f32
  %left = memref.subview %x[0, %at] [64, 128] [1, 1]
      : memref<64x512xf32> to memref<64x128xf32, strided<[512, 1], offset: ?>>
  %right = memref.subview %w[0, %at] [128, 256] [1, 1]
      : memref<128x1024xf32> to memref<128x256xf32, strided<[1024, 1], offset: ?>>
  %t = memref.alloc() : memref<64x256xf32>
  linalg.fill ins(%zero : f32) outs(%t : memref<64x256xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%left, %right : memref<64x128xf32, strided<[512, 1], offset: ?>>,
          memref<128x256xf32, strided<[1024, 1], offset: ?>>) outs(%t : memref<64x256xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %s, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  %rows = memref.subview %v[%at, 0] [256, 256] [1, 1]
      : memref<512x256xf32> to memref<256x256xf32, strided<[256, 1], offset: ?>>
  linalg.fill ins(%zero : f32) outs(%y : memref<64x256xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%t, %rows : memref<64x256xf32>, memref<256x256xf32, strided<[256, 1], offset: ?>>)
      outs(%y : memref<64x256xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %s, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (k, m)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// f32 that is worth it: where the chip has groups of warps, parts of both factors are made first, whose rows are filled up to 64.
// CHECK-LABEL: func @parts(
// CHECK: call @mad.device_chip
// CHECK: scf.if
// CHECK: %[[A:.*]] = memref.alloc() {{.*}}memref<512x2112xbf16>
// CHECK: %[[B:.*]] = memref.alloc() {{.*}}memref<512x1536xbf16>
// CHECK: gpu.launch_func @kernels::@parts$0 {{.*}}%[[A]] : memref<512x2112xbf16>{{.*}}%[[B]] : memref<512x1536xbf16>
// CHECK: gpu.launch_func @kernels_sm_90a::@parts$1
// CHECK: else
// CHECK: gpu.launch_func @kernels::@parts$2
// CHECK: gpu.func @parts$0{{.*}}choice = "parts of f32"
// CHECK: gpu.func @parts$2{{.*}}choice = "product: plain, tiles of 32 x 32"
// CHECK: gpu.module @kernels_sm_90a {
// CHECK: gpu.func @parts$1(%{{.*}}: memref<512x2112xbf16> {mad.boxes = array<i32: 64, 64>}, %{{.*}}: memref<512x1536xbf16> {mad.boxes = array<i32: 64, 64>}, {{.*}}choice = "product: groups of warps, f32 in parts, tiles of 128 x 64"
// CHECK-COUNT-24: nvvm.wgmma.mma_async
// CHECK-NOT: nvvm.wgmma.mma_async
func.func @parts(%x: memref<512x645xf32>, %w: memref<512x512xf32>, %y: memref<645x512xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<645x512xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<512x645xf32>, memref<512x512xf32>) outs(%y : memref<645x512xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %s, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (n, k)>
#c = affine_map<(m, n, k) -> (m, n)>

// 32 tiles of 128 x 128: four pieces of k each.
// CHECK-LABEL: func @pieces(
// CHECK: %[[SUMS:.*]] = memref.alloc() {{.*}}memref<4x128x4096xf32>
// CHECK: gpu.launch_func @kernels_sm_90a::@pieces$0 {{.*}}%[[SUMS]] : memref<4x128x4096xf32>
// CHECK: gpu.launch_func @kernels::@pieces$1 blocks in (%c1024, %c1, %c1) {{.*}}%[[SUMS]] : memref<4x128x4096xf32>
// CHECK-NOT: gpu.launch_func @kernels_sm_90a
// CHECK: gpu.func @pieces$1{{.*}}choice = "product: sums of pieces of k"
// CHECK: gpu.func @pieces$0{{.*}}choice = "product: groups of warps, tiles of 128 x 128, in pieces of k"
func.func @pieces(%x: memref<128x11008xf16>, %w: memref<4096x11008xf16>, %y: memref<128x4096xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<128x4096xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<128x11008xf16>, memref<4096x11008xf16>) outs(%y : memref<128x4096xf32>) {
  ^bb0(%p: f16, %q: f16, %s: f32):
    %0 = arith.extf %p : f16 to f32
    %1 = arith.extf %q : f16 to f32
    %2 = arith.mulf %0, %1 fastmath<reassoc,contract> : f32
    %3 = arith.addf %s, %2 fastmath<reassoc,contract> : f32
    linalg.yield %3 : f32
  }
  return
}

// -----

// A factor whose rows are known to begin at multiples of 16 bytes is not copied: here the right one is odd.
#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
// CHECK-LABEL: func.func @oddRight
// CHECK-SAME: %[[X:[^:]*]]: memref<512x512xf16>, %[[W:[^:]*]]: memref<512x511xf16>
// CHECK-NOT: memref.alloc
// CHECK: memref.alloc() {{.*}}memref<512x512xf16>
// CHECK-NEXT: gpu.launch_func {{.*}}args(%[[W]] : memref<512x511xf16>
// CHECK-NOT: memref.alloc
// CHECK: gpu.launch_func @kernels_sm_90a::
// CHECK-NOT: memref.alloc
// CHECK: gpu.module
func.func @oddRight(%x: memref<512x512xf16>, %w: memref<512x511xf16>, %y: memref<512x511xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<512x511xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<512x512xf16>, memref<512x511xf16>) outs(%y : memref<512x511xf32>) {
  ^bb0(%p: f16, %q: f16, %s: f32):
    %0 = arith.extf %p : f16 to f32
    %1 = arith.extf %q : f16 to f32
    %2 = arith.mulf %0, %1 fastmath<reassoc,contract> : f32
    %3 = arith.addf %s, %2 fastmath<reassoc,contract> : f32
    linalg.yield %3 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// Products with 256 tiles of 128 x 128 are work enough for groups of warps: a chip that has these takes the next smaller tile where
// there is no room for parts, and never runs the kernel.
// CHECK-LABEL: func.func @covered
// CHECK: gpu.launch_func @kernels_sm_90a::@covered$1
// CHECK: gpu.launch_func @kernels_sm_90a::@covered$2
// CHECK: %[[FREE:.*]] = arith.andi {{.*}} : i1
// CHECK-NEXT: %[[GOOD:.*]] = arith.select %{{.*}}, %false{{.*}}, %[[FREE]] : i1
// CHECK-NEXT: scf.if %[[GOOD]]
// CHECK-NEXT: gpu.launch_func @kernels::@covered$3
// CHECK: gpu.launch_func @kernels::@covered$4
// CHECK: gpu.func @covered$3({{.*}}choice = "product: plain, tiles of 128 x 128"{{.*}}groupless
// CHECK: gpu.func @covered$4({{.*}}choice = "product: plain, tiles of 64 x 64"
// CHECK-NOT: groupless
func.func @covered(%x: memref<?x384xf32>, %w: memref<384x384xf32>, %y: memref<?x384xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<?x384xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x384xf32>, memref<384x384xf32>) outs(%y : memref<?x384xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %s, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// 128 columns use an element too seldom for parts, however many rows there are.
// CHECK-LABEL: func.func @narrow
// CHECK-NOT: groupless
func.func @narrow(%x: memref<?x384xf32>, %w: memref<384x128xf32>, %y: memref<?x128xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<?x128xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x384xf32>, memref<384x128xf32>) outs(%y : memref<?x128xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %s, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// Known sizes: the other kernels are for chips without groups alone.
// CHECK-LABEL: func.func @whole
// CHECK: scf.if
// CHECK: gpu.launch_func @kernels_sm_90a::@whole$0
// CHECK: else
// CHECK: gpu.launch_func @kernels::@whole$1
// CHECK: gpu.func @whole$1({{.*}}choice = "product: tensor cores by warp, tiles of 64 x 64"{{.*}}groupless
func.func @whole(%x: memref<512x512xf16>, %w: memref<512x512xf16>, %y: memref<512x512xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<512x512xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<512x512xf16>, memref<512x512xf16>) outs(%y : memref<512x512xf32>) {
  ^bb0(%p: f16, %q: f16, %s: f32):
    %0 = arith.extf %p : f16 to f32
    %1 = arith.extf %q : f16 to f32
    %2 = arith.mulf %0, %1 fastmath<reassoc,contract> : f32
    %3 = arith.addf %s, %2 fastmath<reassoc,contract> : f32
    linalg.yield %3 : f32
  }
  return
}

// -----

#a = affine_map<(b, m, n, k) -> (b, m, k)>
#b = affine_map<(b, m, n, k) -> (b, k, n)>
#c = affine_map<(b, m, n, k) -> (b, m, n)>

// The rows of all products of a batch are more than 32 bits count.
// CHECK-LABEL: func @rows(
// CHECK-NOT: "product:
// CHECK: choice = "a thread an element; for sizes that tiles cannot count"
func.func @rows(%x: memref<60000x40000x8xf32>, %w: memref<60000x8x8xf32>, %y: memref<60000x40000x8xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<60000x40000x8xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<60000x40000x8xf32>, memref<60000x8x8xf32>) outs(%y : memref<60000x40000x8xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %s, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// More rows than 65535 tiles of 16 have are those of larger tiles.
// CHECK-LABEL: func @tall(
// CHECK: blocks in (%c1{{.*}}, %c31250{{.*}}, %c1{{.*}})
// CHECK: choice = "product: plain, tiles of 128 x 128"
// CHECK-NOT: tiles cannot count
func.func @tall(%x: memref<4000000x64xf32>, %w: memref<64x64xf32>, %y: memref<4000000x64xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<4000000x64xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<4000000x64xf32>, memref<64x64xf32>) outs(%y : memref<4000000x64xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %s, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// Of a height that is known when running, the host takes tiles up to 65535 of 64 rows. Those of
// 32 and 16 rows are for few tiles, so no launch has more than 65535 blocks in its second dimension.
// CHECK-LABEL: func @of_any_height(
// CHECK-DAG: %[[LIMIT:.*]] = arith.constant 4194241 : index
// CHECK-DAG: %[[BELOW:.*]] = arith.constant -1 : index
// CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
// CHECK-DAG: %[[C32:.*]] = arith.constant 32 : index
// CHECK-DAG: %[[C64:.*]] = arith.constant 64 : index
// CHECK-DAG: %[[C127:.*]] = arith.constant 127 : index
// CHECK-DAG: %[[C128:.*]] = arith.constant 128 : index
// CHECK-DAG: %[[C255:.*]] = arith.constant 255 : index
// CHECK-DAG: %[[M:.*]] = memref.dim
// CHECK-DAG: %[[SOME:.*]] = arith.cmpi sgt, %[[M]], %[[BELOW]]
// CHECK-DAG: %[[COUNTED:.*]] = arith.cmpi slt, %[[M]], %[[LIMIT]]
// CHECK: %[[GOOD:.*]] = arith.andi %[[SOME]], %[[COUNTED]]
// CHECK: scf.if %[[GOOD]] {
// CHECK: threads in (%c384{{.*}}
// CHECK: } else {
// CHECK: %[[TALL:.*]] = arith.ceildivsi %[[M]], %[[C128]]
// CHECK: arith.cmpi sgt, %[[TALL]], %[[C255]]
// CHECK: blocks in (%c1{{.*}}, %[[TALL]], %c1{{.*}})
// CHECK: %[[OF64:.*]] = arith.ceildivsi %[[M]], %[[C64]]
// CHECK: arith.cmpi sgt, %[[OF64]], %[[C127]]
// CHECK: blocks in (%c1{{.*}}, %[[OF64]], %c1{{.*}})
// CHECK: %[[OF32:.*]] = arith.ceildivsi %[[M]], %[[C32]]
// CHECK: blocks in (%c2{{.*}}, %[[OF32]], %c1{{.*}})
// CHECK: %[[OF16:.*]] = arith.ceildivsi %[[M]], %[[C16]]
// CHECK: blocks in (%c2{{.*}}, %[[OF16]], %c1{{.*}})
// CHECK: } else {
// CHECK: gpu.launch_func @kernels::@of_any_height$6 blocks in (%{{.*}}, %c1{{.*}}, %c1{{.*}}) threads in (%c256{{.*}}args(%{{.*}}: memref<?x64xf32>, %{{.*}} : memref<64x64xf32>, %{{.*}} : memref<?x64xf32>
func.func @of_any_height(%x: memref<?x64xf32>, %w: memref<64x64xf32>, %y: memref<?x64xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<?x64xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x64xf32>, memref<64x64xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %s, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// The last height that tiles count, of few columns: 65535 blocks, at most.
// CHECK-LABEL: func @tallest(
// CHECK: blocks in (%c1{{.*}}, %c32768{{.*}}, %c1{{.*}})
// CHECK: choice = "product: tensor cores by warp, tiles of 128 x 128;
// CHECK-NOT: tiles cannot count
func.func @tallest(%x: memref<4194240x16xf16>, %w: memref<16x2xf16>, %y: memref<4194240x2xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<4194240x2xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<4194240x16xf16>, memref<16x2xf16>) outs(%y : memref<4194240x2xf32>) {
  ^bb0(%p: f16, %q: f16, %s: f32):
    %a = arith.extf %p : f16 to f32
    %b = arith.extf %q : f16 to f32
    %0 = arith.mulf %a, %b fastmath<reassoc,contract> : f32
    %1 = arith.addf %s, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// One row more has a thread an element.
// CHECK-LABEL: func @too_tall(
// CHECK: blocks in (%c32768{{.*}}, %c1{{.*}}, %c1{{.*}})
// CHECK-NOT: product:
// CHECK: for sizes that tiles cannot count
// CHECK-NOT: product:
func.func @too_tall(%x: memref<4194241x16xf16>, %w: memref<16x2xf16>, %y: memref<4194241x2xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<4194241x2xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<4194241x16xf16>, memref<16x2xf16>) outs(%y : memref<4194241x2xf32>) {
  ^bb0(%p: f16, %q: f16, %s: f32):
    %a = arith.extf %p : f16 to f32
    %b = arith.extf %q : f16 to f32
    %0 = arith.mulf %a, %b fastmath<reassoc,contract> : f32
    %1 = arith.addf %s, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(d0, d1) -> (d0, d1)>
#none = affine_map<(d0, d1) -> ()>

// What follows reads four tensors, and a single number.
// CHECK-LABEL: func @four(
// CHECK: gpu.launch_func
// CHECK-NOT: gpu.launch_func
// CHECK: choice = "product: plain, tiles of 16 x 32, then 1 op"
func.func @four(%x: memref<64x128xf32>, %w: memref<128x256xf32>, %scale: memref<f32>, %r0: memref<64x256xf32>, %r1: memref<64x256xf32>, %r2: memref<64x256xf32>, %r3: memref<64x256xf32>, %y: memref<64x256xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  %t = memref.alloc() : memref<64x256xf32>
  linalg.fill ins(%zero : f32) outs(%t : memref<64x256xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<64x128xf32>, memref<128x256xf32>) outs(%t : memref<64x256xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %s, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#id, #none, #id, #id, #id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%t, %scale, %r0, %r1, %r2, %r3 : memref<64x256xf32>, memref<f32>, memref<64x256xf32>, memref<64x256xf32>, memref<64x256xf32>, memref<64x256xf32>) outs(%y : memref<64x256xf32>) {
  ^bb0(%p: f32, %q: f32, %z0: f32, %z1: f32, %z2: f32, %z3: f32, %o: f32):
    %s0 = arith.mulf %p, %q : f32
    %s1 = arith.addf %s0, %z0 : f32
    %s2 = arith.addf %s1, %z1 : f32
    %s3 = arith.addf %s2, %z2 : f32
    %s4 = arith.addf %s3, %z3 : f32
    linalg.yield %s4 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(d0, d1) -> (d0, d1)>
#none = affine_map<(d0, d1) -> ()>

// Elements of five would not fit into the registers.
// CHECK-LABEL: func @five(
// CHECK: gpu.launch_func
// CHECK: gpu.launch_func
// CHECK: choice = "product: plain, tiles of 16 x 32"
func.func @five(%x: memref<64x128xf32>, %w: memref<128x256xf32>, %scale: memref<f32>, %r0: memref<64x256xf32>, %r1: memref<64x256xf32>, %r2: memref<64x256xf32>, %r3: memref<64x256xf32>, %r4: memref<64x256xf32>, %y: memref<64x256xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  %t = memref.alloc() : memref<64x256xf32>
  linalg.fill ins(%zero : f32) outs(%t : memref<64x256xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<64x128xf32>, memref<128x256xf32>) outs(%t : memref<64x256xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %s, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#id, #none, #id, #id, #id, #id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%t, %scale, %r0, %r1, %r2, %r3, %r4 : memref<64x256xf32>, memref<f32>, memref<64x256xf32>, memref<64x256xf32>, memref<64x256xf32>, memref<64x256xf32>, memref<64x256xf32>) outs(%y : memref<64x256xf32>) {
  ^bb0(%p: f32, %q: f32, %z0: f32, %z1: f32, %z2: f32, %z3: f32, %z4: f32, %o: f32):
    %s0 = arith.mulf %p, %q : f32
    %s1 = arith.addf %s0, %z0 : f32
    %s2 = arith.addf %s1, %z1 : f32
    %s3 = arith.addf %s2, %z2 : f32
    %s4 = arith.addf %s3, %z3 : f32
    %s5 = arith.addf %s4, %z4 : f32
    linalg.yield %s5 : f32
  }
  return
}
