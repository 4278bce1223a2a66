// RUN: mad-opt %s -mad-linalg-to-gpu -canonicalize -cse -split-input-file | FileCheck %s

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(d0, d1) -> (d0, d1)>
#across = affine_map<(d0, d1) -> (d1, d0)>

// Two products of %x are one launch; what is made of the first one comes behind it. The layer of
// %w lies at a multiple of 16 bytes, wherever that is.
// CHECK-LABEL: func @both(
// CHECK: gpu.launch_func @kernels::@both$0 blocks in (%c8, %c4, %c2)
// CHECK: gpu.launch_func @kernels::@both$1
// CHECK-NOT: gpu.launch_func
// CHECK: gpu.func @both$0{{.*}}choice = "product: plain, tiles of 16 x 32, 2 products of one factor"
// CHECK: arith.select {{.*}} !llvm.ptr<1>
// CHECK: nvvm.cp.async.shared.global {{.*}}, 16, cache = {{ *}}cg
// CHECK: gpu.func @both$1{{.*}}choice = "a thread an element
func.func @both(%x: memref<64x128xf32>, %w: memref<6x128x256xf32>, %layer: index,
                %y: memref<256x64xf32>, %z: memref<64x256xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  %t = memref.alloc() : memref<64x256xf32>
  %w0 = memref.subview %w[%layer, 0, 0] [1, 128, 256] [1, 1, 1]
      : memref<6x128x256xf32> to memref<128x256xf32, strided<[256, 1], offset: ?>>
  linalg.fill ins(%zero : f32) outs(%t : memref<64x256xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w0 : memref<64x128xf32>, memref<128x256xf32, strided<[256, 1], offset: ?>>)
      outs(%t : memref<64x256xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %s, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#across, #id], iterator_types = ["parallel", "parallel"]}
      ins(%t : memref<64x256xf32>) outs(%y : memref<256x64xf32>) {
  ^bb0(%p: f32, %o: f32):
    %0 = arith.negf %p : f32
    linalg.yield %0 : f32
  }
  %u = memref.alloc() : memref<64x256xf32>
  linalg.fill ins(%zero : f32) outs(%z : memref<64x256xf32>)
  %next = arith.addi %layer, %layer : index
  %w1 = memref.subview %w[%next, 0, 0] [1, 128, 256] [1, 1, 1]
      : memref<6x128x256xf32> to memref<128x256xf32, strided<[256, 1], offset: ?>>
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w1 : memref<64x128xf32>, memref<128x256xf32, strided<[256, 1], offset: ?>>)
      outs(%z : memref<64x256xf32>) {
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
#id = affine_map<(d0, d1) -> (d0, d1)>

// The second product reads what lies between them.
// CHECK-LABEL: func @later(
// CHECK: gpu.launch_func @kernels::@later$0 blocks in (%c8, %c4, %c1)
// CHECK: gpu.launch_func @kernels::@later$1
// CHECK: gpu.launch_func @kernels::@later$2 blocks in (%c8, %c4, %c1)
// CHECK-NOT: products of one factor
func.func @later(%x: memref<64x128xf32>, %w: memref<128x256xf32>, %v: memref<128x256xf32>,
                 %y: memref<64x256xf32>, %z: memref<64x256xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<64x256xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<64x128xf32>, memref<128x256xf32>) outs(%y : memref<64x256xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %s, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%w : memref<128x256xf32>) outs(%v : memref<128x256xf32>) {
  ^bb0(%p: f32, %o: f32):
    %0 = arith.negf %p : f32
    linalg.yield %0 : f32
  }
  linalg.fill ins(%zero : f32) outs(%z : memref<64x256xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %v : memref<64x128xf32>, memref<128x256xf32>) outs(%z : memref<64x256xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %0 = arith.mulf %p, %q fastmath<reassoc,contract> : f32
    %1 = arith.addf %s, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  return
}
