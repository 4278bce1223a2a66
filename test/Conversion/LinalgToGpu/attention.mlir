// RUN: mad-opt %s -mad-linalg-to-gpu -canonicalize -cse -split-input-file | FileCheck %s

#q = affine_map<(h, i, j, d) -> (h, i, d)>
#k = affine_map<(h, i, j, d) -> (h, j, d)>
#s = affine_map<(h, i, j, d) -> (h, i, j)>
#w = affine_map<(h, i, c, j) -> (h, i, j)>
#v = affine_map<(h, i, c, j) -> (h, j, c)>
#o = affine_map<(h, i, c, j) -> (h, i, c)>
#id = affine_map<(h, i, j) -> (h, i, j)>
#row = affine_map<(h, i, j) -> (h, i)>
#first = affine_map<(h, i, j) -> (h, 0)>
#column = affine_map<(h, i, j) -> (j)>
#turned = affine_map<(i, h, c) -> (h, i, c)>
#back = affine_map<(h, i, c) -> (i, h, c)>
#plain = affine_map<(i, h, c) -> (i, h, c)>

// One kernel, no scores in memory. The queries are read where they were before the copy that turns
// heads, and the result is stored with heads beside each other.
// CHECK-LABEL: func @attention(
// CHECK-NOT: memref.alloc
// CHECK: gpu.launch_func @kernels::@attention$0
// CHECK-NOT: gpu.launch_func
// CHECK: gpu.func @attention$0(
// CHECK-SAME: choice = "attention: plain, 32 rows, keys in turn by 8 warps, 9 ops, 1 copy not made"
// CHECK: nvvm.cp.async.shared.global
// CHECK: math.exp
func.func @attention(%x: memref<48x4x32xf32>, %k: memref<4x64x32xf32>, %v: memref<4x64x32xf32>,
                     %seen: memref<64xi8>, %y: memref<48x4x32xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %q = memref.alloc() : memref<4x48x32xf32>
  linalg.generic {indexing_maps = [#back, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : memref<48x4x32xf32>) outs(%q : memref<4x48x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  }
  %s = memref.alloc() : memref<4x48x64xf32>
  linalg.fill ins(%zero : f32) outs(%s : memref<4x48x64xf32>)
  linalg.generic {indexing_maps = [#q, #k, #s], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : memref<4x48x32xf32>, memref<4x64x32xf32>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b fastmath<reassoc,contract> : f32
    %1 = arith.addf %out, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#column, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%seen : memref<64xi8>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%m: i8, %out: f32):
    %0 = arith.trunci %m : i8 to i1
    %1 = arith.select %0, %out, %lowest : f32
    linalg.yield %1 : f32
  }
  %most = memref.alloc() : memref<4x48xf32>
  linalg.fill ins(%lowest : f32) outs(%most : memref<4x48xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s : memref<4x48x64xf32>) outs(%most : memref<4x48xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.maximumf %out, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%most : memref<4x48xf32>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%m: f32, %out: f32):
    %0 = arith.subf %out, %m fastmath<contract> : f32
    %1 = math.exp %0 : f32
    linalg.yield %1 : f32
  }
  %total = memref.alloc() : memref<4x48xf32>
  linalg.fill ins(%zero : f32) outs(%total : memref<4x48xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s : memref<4x48x64xf32>) outs(%total : memref<4x48xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.addf %out, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%total : memref<4x48xf32>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%t: f32, %out: f32):
    %0 = arith.divf %out, %t fastmath<contract> : f32
    linalg.yield %0 : f32
  }
  %o = memref.alloc() : memref<4x48x32xf32>
  linalg.fill ins(%zero : f32) outs(%o : memref<4x48x32xf32>)
  linalg.generic {indexing_maps = [#w, #v, #o], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%s, %v : memref<4x48x64xf32>, memref<4x64x32xf32>) outs(%o : memref<4x48x32xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b fastmath<reassoc,contract> : f32
    %1 = arith.addf %out, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#turned, #plain], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%o : memref<4x48x32xf32>) outs(%y : memref<48x4x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

#q = affine_map<(h, i, j, d) -> (h, i, d)>
#k = affine_map<(h, i, j, d) -> (h, j, d)>
#s = affine_map<(h, i, j, d) -> (h, i, j)>
#w = affine_map<(h, i, c, j) -> (h, i, j)>
#v = affine_map<(h, i, c, j) -> (h, j, c)>
#o = affine_map<(h, i, c, j) -> (h, i, c)>
#id = affine_map<(h, i, j) -> (h, i, j)>
#row = affine_map<(h, i, j) -> (h, i)>
#first = affine_map<(h, i, j) -> (h, 0)>
#column = affine_map<(h, i, j) -> (j)>
#turned = affine_map<(i, h, c) -> (h, i, c)>
#back = affine_map<(h, i, c) -> (i, h, c)>
#plain = affine_map<(i, h, c) -> (i, h, c)>

// Somebody else reads the weights.
// CHECK-LABEL: func @wanted(
// CHECK-NOT: choice = "attention
// CHECK: choice = "product: plain
func.func @wanted(%x: memref<48x4x32xf32>, %k: memref<4x64x32xf32>, %v: memref<4x64x32xf32>,
                     %seen: memref<64xi8>, %y: memref<48x4x32xf32>,
                     %s: memref<4x48x64xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %q = memref.alloc() : memref<4x48x32xf32>
  linalg.generic {indexing_maps = [#back, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : memref<48x4x32xf32>) outs(%q : memref<4x48x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  }
    linalg.fill ins(%zero : f32) outs(%s : memref<4x48x64xf32>)
  linalg.generic {indexing_maps = [#q, #k, #s], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : memref<4x48x32xf32>, memref<4x64x32xf32>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b fastmath<reassoc,contract> : f32
    %1 = arith.addf %out, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#column, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%seen : memref<64xi8>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%m: i8, %out: f32):
    %0 = arith.trunci %m : i8 to i1
    %1 = arith.select %0, %out, %lowest : f32
    linalg.yield %1 : f32
  }
  %most = memref.alloc() : memref<4x48xf32>
  linalg.fill ins(%lowest : f32) outs(%most : memref<4x48xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s : memref<4x48x64xf32>) outs(%most : memref<4x48xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.maximumf %out, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%most : memref<4x48xf32>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%m: f32, %out: f32):
    %0 = arith.subf %out, %m fastmath<contract> : f32
    %1 = math.exp %0 : f32
    linalg.yield %1 : f32
  }
  %total = memref.alloc() : memref<4x48xf32>
  linalg.fill ins(%zero : f32) outs(%total : memref<4x48xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s : memref<4x48x64xf32>) outs(%total : memref<4x48xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.addf %out, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%total : memref<4x48xf32>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%t: f32, %out: f32):
    %0 = arith.divf %out, %t fastmath<contract> : f32
    linalg.yield %0 : f32
  }
  %o = memref.alloc() : memref<4x48x32xf32>
  linalg.fill ins(%zero : f32) outs(%o : memref<4x48x32xf32>)
  linalg.generic {indexing_maps = [#w, #v, #o], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%s, %v : memref<4x48x64xf32>, memref<4x64x32xf32>) outs(%o : memref<4x48x32xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b fastmath<reassoc,contract> : f32
    %1 = arith.addf %out, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#turned, #plain], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%o : memref<4x48x32xf32>) outs(%y : memref<48x4x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

#q = affine_map<(h, i, j, d) -> (h, i, d)>
#k = affine_map<(h, i, j, d) -> (h, j, d)>
#s = affine_map<(h, i, j, d) -> (h, i, j)>
#w = affine_map<(h, i, c, j) -> (h, i, j)>
#v = affine_map<(h, i, c, j) -> (h, j, c)>
#o = affine_map<(h, i, c, j) -> (h, i, c)>
#id = affine_map<(h, i, j) -> (h, i, j)>
#row = affine_map<(h, i, j) -> (h, i)>
#first = affine_map<(h, i, j) -> (h, 0)>
#column = affine_map<(h, i, j) -> (j)>
#turned = affine_map<(i, h, c) -> (h, i, c)>
#back = affine_map<(h, i, c) -> (i, h, c)>
#plain = affine_map<(i, h, c) -> (i, h, c)>

// Sums in order.
// CHECK-LABEL: func @strict(
// CHECK-NOT: choice = "attention
// CHECK: no tiles: taken in order
func.func @strict(%x: memref<48x4x32xf32>, %k: memref<4x64x32xf32>, %v: memref<4x64x32xf32>,
                     %seen: memref<64xi8>, %y: memref<48x4x32xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %q = memref.alloc() : memref<4x48x32xf32>
  linalg.generic {indexing_maps = [#back, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : memref<48x4x32xf32>) outs(%q : memref<4x48x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  }
  %s = memref.alloc() : memref<4x48x64xf32>
  linalg.fill ins(%zero : f32) outs(%s : memref<4x48x64xf32>)
  linalg.generic {indexing_maps = [#q, #k, #s], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : memref<4x48x32xf32>, memref<4x64x32xf32>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b fastmath<contract> : f32
    %1 = arith.addf %out, %0 fastmath<contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#column, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%seen : memref<64xi8>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%m: i8, %out: f32):
    %0 = arith.trunci %m : i8 to i1
    %1 = arith.select %0, %out, %lowest : f32
    linalg.yield %1 : f32
  }
  %most = memref.alloc() : memref<4x48xf32>
  linalg.fill ins(%lowest : f32) outs(%most : memref<4x48xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s : memref<4x48x64xf32>) outs(%most : memref<4x48xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.maximumf %out, %a fastmath<contract> : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%most : memref<4x48xf32>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%m: f32, %out: f32):
    %0 = arith.subf %out, %m fastmath<contract> : f32
    %1 = math.exp %0 : f32
    linalg.yield %1 : f32
  }
  %total = memref.alloc() : memref<4x48xf32>
  linalg.fill ins(%zero : f32) outs(%total : memref<4x48xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s : memref<4x48x64xf32>) outs(%total : memref<4x48xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.addf %out, %a fastmath<contract> : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%total : memref<4x48xf32>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%t: f32, %out: f32):
    %0 = arith.divf %out, %t fastmath<contract> : f32
    linalg.yield %0 : f32
  }
  %o = memref.alloc() : memref<4x48x32xf32>
  linalg.fill ins(%zero : f32) outs(%o : memref<4x48x32xf32>)
  linalg.generic {indexing_maps = [#w, #v, #o], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%s, %v : memref<4x48x64xf32>, memref<4x64x32xf32>) outs(%o : memref<4x48x32xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b fastmath<contract> : f32
    %1 = arith.addf %out, %0 fastmath<contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#turned, #plain], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%o : memref<4x48x32xf32>) outs(%y : memref<48x4x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

#q = affine_map<(h, i, j, d) -> (h, i, d)>
#k = affine_map<(h, i, j, d) -> (h, j, d)>
#s = affine_map<(h, i, j, d) -> (h, i, j)>
#w = affine_map<(h, i, c, j) -> (h, i, j)>
#v = affine_map<(h, i, c, j) -> (h, j, c)>
#o = affine_map<(h, i, c, j) -> (h, i, c)>
#id = affine_map<(h, i, j) -> (h, i, j)>
#row = affine_map<(h, i, j) -> (h, i)>
#first = affine_map<(h, i, j) -> (h, 0)>
#column = affine_map<(h, i, j) -> (j)>
#turned = affine_map<(i, h, c) -> (h, i, c)>
#back = affine_map<(h, i, c) -> (i, h, c)>
#plain = affine_map<(i, h, c) -> (i, h, c)>

// The keys are written before the result is computed.
// CHECK-LABEL: func @overwritten(
// CHECK-NOT: choice = "attention
// CHECK: choice = "product: plain
func.func @overwritten(%x: memref<48x4x32xf32>, %k: memref<4x64x32xf32>, %v: memref<4x64x32xf32>,
                     %seen: memref<64xi8>, %y: memref<48x4x32xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %q = memref.alloc() : memref<4x48x32xf32>
  linalg.generic {indexing_maps = [#back, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : memref<48x4x32xf32>) outs(%q : memref<4x48x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  }
  %s = memref.alloc() : memref<4x48x64xf32>
  linalg.fill ins(%zero : f32) outs(%s : memref<4x48x64xf32>)
  linalg.generic {indexing_maps = [#q, #k, #s], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : memref<4x48x32xf32>, memref<4x64x32xf32>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b fastmath<reassoc,contract> : f32
    %1 = arith.addf %out, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#column, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%seen : memref<64xi8>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%m: i8, %out: f32):
    %0 = arith.trunci %m : i8 to i1
    %1 = arith.select %0, %out, %lowest : f32
    linalg.yield %1 : f32
  }
  %most = memref.alloc() : memref<4x48xf32>
  linalg.fill ins(%lowest : f32) outs(%most : memref<4x48xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s : memref<4x48x64xf32>) outs(%most : memref<4x48xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.maximumf %out, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%most : memref<4x48xf32>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%m: f32, %out: f32):
    %0 = arith.subf %out, %m fastmath<contract> : f32
    %1 = math.exp %0 : f32
    linalg.yield %1 : f32
  }
  %total = memref.alloc() : memref<4x48xf32>
  linalg.fill ins(%zero : f32) outs(%total : memref<4x48xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s : memref<4x48x64xf32>) outs(%total : memref<4x48xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.addf %out, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%total : memref<4x48xf32>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%t: f32, %out: f32):
    %0 = arith.divf %out, %t fastmath<contract> : f32
    linalg.yield %0 : f32
  }
  linalg.fill ins(%zero : f32) outs(%k : memref<4x64x32xf32>)
  %o = memref.alloc() : memref<4x48x32xf32>
  linalg.fill ins(%zero : f32) outs(%o : memref<4x48x32xf32>)
  linalg.generic {indexing_maps = [#w, #v, #o], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%s, %v : memref<4x48x64xf32>, memref<4x64x32xf32>) outs(%o : memref<4x48x32xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b fastmath<reassoc,contract> : f32
    %1 = arith.addf %out, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#turned, #plain], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%o : memref<4x48x32xf32>) outs(%y : memref<48x4x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

#q = affine_map<(h, i, j, d) -> (h, i, d)>
#k = affine_map<(h, i, j, d) -> (h, j, d)>
#s = affine_map<(h, i, j, d) -> (h, i, j)>
#w = affine_map<(h, i, c, j) -> (h, i, j)>
#v = affine_map<(h, i, c, j) -> (h, j, c)>
#o = affine_map<(h, i, c, j) -> (h, i, c)>
#id = affine_map<(h, i, j) -> (h, i, j)>
#row = affine_map<(h, i, j) -> (h, i)>
#first = affine_map<(h, i, j) -> (h, 0)>
#column = affine_map<(h, i, j) -> (j)>
#turned = affine_map<(i, h, c) -> (h, i, c)>
#back = affine_map<(h, i, c) -> (i, h, c)>
#plain = affine_map<(i, h, c) -> (i, h, c)>

// The power is for another row.
// CHECK-LABEL: func @otherRow(
// CHECK-NOT: choice = "attention
// CHECK: choice = "product: plain
func.func @otherRow(%x: memref<48x4x32xf32>, %k: memref<4x64x32xf32>, %v: memref<4x64x32xf32>,
                     %seen: memref<64xi8>, %y: memref<48x4x32xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %q = memref.alloc() : memref<4x48x32xf32>
  linalg.generic {indexing_maps = [#back, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : memref<48x4x32xf32>) outs(%q : memref<4x48x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  }
  %s = memref.alloc() : memref<4x48x64xf32>
  linalg.fill ins(%zero : f32) outs(%s : memref<4x48x64xf32>)
  linalg.generic {indexing_maps = [#q, #k, #s], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : memref<4x48x32xf32>, memref<4x64x32xf32>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b fastmath<reassoc,contract> : f32
    %1 = arith.addf %out, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#column, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%seen : memref<64xi8>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%m: i8, %out: f32):
    %0 = arith.trunci %m : i8 to i1
    %1 = arith.select %0, %out, %lowest : f32
    linalg.yield %1 : f32
  }
  %most = memref.alloc() : memref<4x48xf32>
  linalg.fill ins(%lowest : f32) outs(%most : memref<4x48xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s : memref<4x48x64xf32>) outs(%most : memref<4x48xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.maximumf %out, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#first, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%most : memref<4x48xf32>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%m: f32, %out: f32):
    %0 = arith.subf %out, %m fastmath<contract> : f32
    %1 = math.exp %0 : f32
    linalg.yield %1 : f32
  }
  %total = memref.alloc() : memref<4x48xf32>
  linalg.fill ins(%zero : f32) outs(%total : memref<4x48xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s : memref<4x48x64xf32>) outs(%total : memref<4x48xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.addf %out, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%total : memref<4x48xf32>) outs(%s : memref<4x48x64xf32>) {
  ^bb0(%t: f32, %out: f32):
    %0 = arith.divf %out, %t fastmath<contract> : f32
    linalg.yield %0 : f32
  }
  %o = memref.alloc() : memref<4x48x32xf32>
  linalg.fill ins(%zero : f32) outs(%o : memref<4x48x32xf32>)
  linalg.generic {indexing_maps = [#w, #v, #o], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%s, %v : memref<4x48x64xf32>, memref<4x64x32xf32>) outs(%o : memref<4x48x32xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b fastmath<reassoc,contract> : f32
    %1 = arith.addf %out, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#turned, #plain], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%o : memref<4x48x32xf32>) outs(%y : memref<48x4x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

#q = affine_map<(h, i, j, d) -> (h, i, d)>
#k = affine_map<(h, i, j, d) -> (h, j, d)>
#s = affine_map<(h, i, j, d) -> (h, i, j)>
#w = affine_map<(h, i, c, j) -> (h, i, j)>
#v = affine_map<(h, i, c, j) -> (h, j, c)>
#o = affine_map<(h, i, c, j) -> (h, i, c)>
#id = affine_map<(h, i, j) -> (h, i, j)>
#row = affine_map<(h, i, j) -> (h, i)>
#first = affine_map<(h, i, j) -> (h, 0)>
#column = affine_map<(h, i, j) -> (j)>
#turned = affine_map<(i, h, c) -> (h, i, c)>
#back = affine_map<(h, i, c) -> (i, h, c)>
#plain = affine_map<(i, h, c) -> (i, h, c)>

// Narrow factors and enough rows: groups of warps where the chip has them, with tensor maps of Q, K
// and V. The queries' boxes have 64 rows of the memory that was to be copied.
// CHECK-LABEL: func @narrow(
// CHECK: call @mad.device_chip
// CHECK: scf.if
// CHECK: gpu.launch_func @kernels_sm_90a::@narrow$0
// CHECK: else
// CHECK: gpu.launch_func @kernels::@narrow$1
// CHECK: gpu.func @narrow$1({{.*}}choice = "attention: tensor cores by warp
// CHECK: gpu.module @kernels_sm_90a
// CHECK: gpu.func @narrow$0(%{{.*}}: memref<96x4x32xf16> {mad.boxes = array<i32: 64, 1, 64>}, %{{.*}}: memref<4x64x32xf16> {mad.boxes = array<i32: 64, 64, 1>}, %{{.*}}: memref<4x64x32xf16> {mad.boxes = array<i32: 64, 64, 1>}){{.*}}choice = "attention: groups of warps, 128 rows, 128 keys at a time, 9 ops, 1 copy not made"
// CHECK: nvvm.wgmma.mma_async
func.func @narrow(%x: memref<96x4x32xf16>, %k: memref<4x64x32xf16>, %v: memref<4x64x32xf16>,
                     %seen: memref<64xi8>, %y: memref<96x4x32xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %q = memref.alloc() : memref<4x96x32xf16>
  linalg.generic {indexing_maps = [#back, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : memref<96x4x32xf16>) outs(%q : memref<4x96x32xf16>) {
  ^bb0(%a: f16, %out: f16):
    linalg.yield %a : f16
  }
  %s = memref.alloc() : memref<4x96x64xf32>
  linalg.fill ins(%zero : f32) outs(%s : memref<4x96x64xf32>)
  linalg.generic {indexing_maps = [#q, #k, #s], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : memref<4x96x32xf16>, memref<4x64x32xf16>) outs(%s : memref<4x96x64xf32>) {
  ^bb0(%a: f16, %b: f16, %out: f32):
    %wa = arith.extf %a : f16 to f32
    %wb = arith.extf %b : f16 to f32
    %0 = arith.mulf %wa, %wb fastmath<reassoc,contract> : f32
    %1 = arith.addf %out, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#column, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%seen : memref<64xi8>) outs(%s : memref<4x96x64xf32>) {
  ^bb0(%m: i8, %out: f32):
    %0 = arith.trunci %m : i8 to i1
    %1 = arith.select %0, %out, %lowest : f32
    linalg.yield %1 : f32
  }
  %most = memref.alloc() : memref<4x96xf32>
  linalg.fill ins(%lowest : f32) outs(%most : memref<4x96xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s : memref<4x96x64xf32>) outs(%most : memref<4x96xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.maximumf %out, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%most : memref<4x96xf32>) outs(%s : memref<4x96x64xf32>) {
  ^bb0(%m: f32, %out: f32):
    %0 = arith.subf %out, %m fastmath<contract> : f32
    %1 = math.exp %0 : f32
    linalg.yield %1 : f32
  }
  %total = memref.alloc() : memref<4x96xf32>
  linalg.fill ins(%zero : f32) outs(%total : memref<4x96xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s : memref<4x96x64xf32>) outs(%total : memref<4x96xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.addf %out, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  %n = memref.alloc() : memref<4x96x64xf16>
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %total : memref<4x96x64xf32>, memref<4x96xf32>) outs(%n : memref<4x96x64xf16>) {
  ^bb0(%a: f32, %t: f32, %out: f16):
    %0 = arith.divf %a, %t fastmath<contract> : f32
    %1 = arith.truncf %0 : f32 to f16
    linalg.yield %1 : f16
  }
  %o = memref.alloc() : memref<4x96x32xf32>
  linalg.fill ins(%zero : f32) outs(%o : memref<4x96x32xf32>)
  linalg.generic {indexing_maps = [#w, #v, #o], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%n, %v : memref<4x96x64xf16>, memref<4x64x32xf16>) outs(%o : memref<4x96x32xf32>) {
  ^bb0(%a: f16, %b: f16, %out: f32):
    %wa = arith.extf %a : f16 to f32
    %wb = arith.extf %b : f16 to f32
    %0 = arith.mulf %wa, %wb fastmath<reassoc,contract> : f32
    %1 = arith.addf %out, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#turned, #plain], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%o : memref<4x96x32xf32>) outs(%y : memref<96x4x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

#q = affine_map<(h, i, j, d) -> (h, i, d)>
#k = affine_map<(h, i, j, d) -> (h, j, d)>
#s = affine_map<(h, i, j, d) -> (h, i, j)>
#w = affine_map<(h, i, c, j) -> (h, i, j)>
#v = affine_map<(h, i, c, j) -> (h, j, c)>
#o = affine_map<(h, i, c, j) -> (h, i, c)>
#id = affine_map<(h, i, j) -> (h, i, j)>
#row = affine_map<(h, i, j) -> (h, i)>
#first = affine_map<(h, i, j) -> (h, 0)>
#column = affine_map<(h, i, j) -> (j)>
#turned = affine_map<(i, h, c) -> (h, i, c)>
#back = affine_map<(h, i, c) -> (i, h, c)>
#plain = affine_map<(i, h, c) -> (i, h, c)>

// Few rows and many keys: blocks share the keys.
// CHECK-LABEL: func @few(
// CHECK: memref.alloc
// CHECK: gpu.launch_func @kernels::@few$0 blocks in (%{{.*}}, %c4{{.*}}, %c5{{.*}})
// CHECK: gpu.launch_func @kernels::@few$1 blocks in (%c3{{.*}}, %c4{{.*}}, %c1{{.*}})
// CHECK: gpu.func @few$0({{.*}}choice = "attention: plain, 32 rows, keys in turn by 8 warps, keys in parts
// CHECK: gpu.func @few$1({{.*}}choice = "attention: parts of keys added up
func.func @few(%x: memref<3x4x32xf32>, %k: memref<4x640x32xf32>, %v: memref<4x640x32xf32>,
                     %seen: memref<640xi8>, %y: memref<3x4x32xf32>)
    attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %q = memref.alloc() : memref<4x3x32xf32>
  linalg.generic {indexing_maps = [#back, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : memref<3x4x32xf32>) outs(%q : memref<4x3x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  }
  %s = memref.alloc() : memref<4x3x640xf32>
  linalg.fill ins(%zero : f32) outs(%s : memref<4x3x640xf32>)
  linalg.generic {indexing_maps = [#q, #k, #s], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : memref<4x3x32xf32>, memref<4x640x32xf32>) outs(%s : memref<4x3x640xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b fastmath<reassoc,contract> : f32
    %1 = arith.addf %out, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#column, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%seen : memref<640xi8>) outs(%s : memref<4x3x640xf32>) {
  ^bb0(%m: i8, %out: f32):
    %0 = arith.trunci %m : i8 to i1
    %1 = arith.select %0, %out, %lowest : f32
    linalg.yield %1 : f32
  }
  %most = memref.alloc() : memref<4x3xf32>
  linalg.fill ins(%lowest : f32) outs(%most : memref<4x3xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s : memref<4x3x640xf32>) outs(%most : memref<4x3xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.maximumf %out, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%most : memref<4x3xf32>) outs(%s : memref<4x3x640xf32>) {
  ^bb0(%m: f32, %out: f32):
    %0 = arith.subf %out, %m fastmath<contract> : f32
    %1 = math.exp %0 : f32
    linalg.yield %1 : f32
  }
  %total = memref.alloc() : memref<4x3xf32>
  linalg.fill ins(%zero : f32) outs(%total : memref<4x3xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s : memref<4x3x640xf32>) outs(%total : memref<4x3xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.addf %out, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%total : memref<4x3xf32>) outs(%s : memref<4x3x640xf32>) {
  ^bb0(%t: f32, %out: f32):
    %0 = arith.divf %out, %t fastmath<contract> : f32
    linalg.yield %0 : f32
  }
  %o = memref.alloc() : memref<4x3x32xf32>
  linalg.fill ins(%zero : f32) outs(%o : memref<4x3x32xf32>)
  linalg.generic {indexing_maps = [#w, #v, #o], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%s, %v : memref<4x3x640xf32>, memref<4x640x32xf32>) outs(%o : memref<4x3x32xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b fastmath<reassoc,contract> : f32
    %1 = arith.addf %out, %0 fastmath<reassoc,contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#turned, #plain], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%o : memref<4x3x32xf32>) outs(%y : memref<3x4x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  }
  return
}

