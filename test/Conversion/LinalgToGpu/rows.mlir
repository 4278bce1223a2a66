// RUN: mad-opt %s -mad-linalg-to-gpu -canonicalize -cse -split-input-file | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#flip = affine_map<(d0, d1) -> (d1, d0)>

// A long reduction of known length: one warp or block a row, and what a thread has read is in
// registers, four neighbours at a time. The fill is where the sum starts.
// CHECK-LABEL: func @max(
// CHECK-NOT: linalg
// CHECK: gpu.launch_func @kernels::@max$0 blocks in (%{{.*}}) threads in (%c128
// CHECK-NOT: gpu.launch_func
// CHECK: gpu.func @max$0
// CHECK-SAME: choice = "rows: a warp a row, 8 columns a thread in registers, 4 at a time"
// CHECK-COUNT-2: llvm.load {{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
// CHECK-NOT: {{(memref|llvm)}}.load
// CHECK-COUNT-5: nvvm.shfl.sync bfly
// CHECK: %[[ALL:.*]] = arith.maximumf %{{.*}}, %{{.*}} {{.*}}
// CHECK: memref.store
func.func @max(%x: memref<5x200xf32>, %y: memref<5xf32>) attributes {entry = {index_checks = []}} {
  %low = arith.constant 0xFF800000 : f32
  linalg.fill ins(%low : f32) outs(%y : memref<5xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<5x200xf32>) outs(%y : memref<5xf32>) {
  ^bb0(%a: f32, %s: f32):
    %0 = arith.maximumf %s, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// An unknown length: the host takes a warp a row or a block a row, and there pieces where rows
// are few.
// CHECK-LABEL: func @sum(
// CHECK: %[[SHORT:.*]] = arith.cmpi slt
// CHECK: scf.if %[[SHORT]] {
// CHECK: gpu.launch_func @kernels::@sum$0
// CHECK: } else {
// CHECK: %[[PARTS:.*]] = memref.alloc(%{{.*}}) : memref<?xf32>
// CHECK: scf.if
// CHECK: gpu.launch_func @kernels::@sum$1 {{.*}} %[[PARTS]]
// CHECK: gpu.launch_func @kernels::@sum$2 {{.*}} %[[PARTS]]
// CHECK: gpu.launch_func @kernels::@sum$3
// CHECK: gpu.func @sum$0{{.*}}choice = "rows: a warp a row, 4 at a time from anywhere"
// Blocks of a long sum, four accumulators, what is left, columns before and behind whole groups, then lanes.
// CHECK: scf.for
// CHECK: scf.for {{.*}} -> (f32, f32, f32, f32)
// CHECK: vector<4xf32>
// CHECK: scf.for
// CHECK: scf.if
// CHECK: memref.load
// CHECK: scf.if
// CHECK: memref.load
// CHECK: nvvm.shfl.sync bfly
// CHECK: gpu.func @sum$1{{.*}}choice = "rows: a block of 256 a row, 4 at a time from anywhere, in pieces"
// CHECK: nvvm.barrier
// CHECK: gpu.func @sum$2{{.*}}choice = "rows: a block of 256 a row takes up pieces"
// CHECK: gpu.func @sum$3{{.*}}choice = "rows: a block of 256 a row, 4 at a time from anywhere"
func.func @sum(%x: memref<?x?xf32>, %y: memref<?xf32>) attributes {entry = {index_checks = []}} {
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%a: f32, %s: f32):
    %0 = arith.addf %s, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#flip = affine_map<(d0, d1) -> (d1, d0)>
#row = affine_map<(d0, d1) -> (d0)>

// Results side by side: neighbouring threads read neighbouring columns, 16 bytes where columns are whole groups.
// Few blocks share rows in pieces.
// CHECK-LABEL: func @columns(
// CHECK: gpu.launch_func @kernels::@columns$0 blocks in (%c1, %c2, %c1)
// CHECK: gpu.launch_func @kernels::@columns$1 blocks in (%c2, %c1, %c1)
// CHECK: gpu.launch_func @kernels::@columns$2 blocks in (%c2, %c4, %c1)
// CHECK: gpu.func @columns$0{{.*}}choice = "columns: 4 a thread, 16 threads down the rows, in pieces"
// CHECK-COUNT-8: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
// CHECK: gpu.func @columns$1{{.*}}choice = "columns: pieces combined"
// CHECK: gpu.func @columns$2{{.*}}choice = "rows: 8 threads a row, 32 rows side by side
func.func @columns(%x: memref<300x40xf32>, %y: memref<40xf32>, %u: memref<2048x41xf32>, %v: memref<41xf32>) attributes {entry = {index_checks = []}} {
  linalg.generic {indexing_maps = [#flip, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<300x40xf32>) outs(%y : memref<40xf32>) {
  ^bb0(%a: f32, %s: f32):
    %0 = arith.addf %s, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#flip, #row], iterator_types = ["parallel", "reduction"]}
      ins(%u : memref<2048x41xf32>) outs(%v : memref<41xf32>) {
  ^bb0(%a: f32, %s: f32):
    %0 = arith.addf %s, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// What must be taken in order, and what is short, is a loop of a thread.
// CHECK-LABEL: func @order(
// CHECK: gpu.func @order$0{{.*}}choice = "a thread an element; not by rows: taken in order"
// CHECK: gpu.func @order$1{{.*}}choice = "a thread an element; not by rows: short"
func.func @order(%x: memref<50x90xf64>, %y: memref<50xf64>, %z: memref<50x4xi32>, %s: memref<50xi32>)
    attributes {entry = {index_checks = []}} {
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<50x90xf64>) outs(%y : memref<50xf64>) {
  ^bb0(%a: f64, %b: f64):
    %0 = arith.addf %b, %a : f64
    linalg.yield %0 : f64
  }
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%z : memref<50x4xi32>) outs(%s : memref<50xi32>) {
  ^bb0(%a: i32, %b: i32):
    %0 = arith.addi %b, %a : i32
    linalg.yield %0 : i32
  }
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// A softmax is one kernel, which reads each element once and writes it once; what lies between
// is in registers.
// CHECK-LABEL: func @softmax(
// CHECK-NOT: memref.alloc
// CHECK: gpu.launch_func @kernels::@softmax$0
// CHECK-NOT: gpu.launch_func
// CHECK: gpu.func @softmax$0
// CHECK-SAME: choice = "rows: 16 threads a row, 4 columns a thread in registers, 4 ops, 4 at a time"
// CHECK: llvm.load {{.*}} -> vector<4xf32>
// CHECK-NOT: {{(memref|llvm)}}.load
// CHECK-COUNT-4: nvvm.shfl.sync
// CHECK-COUNT-4: math.exp
// CHECK-COUNT-4: nvvm.shfl.sync
// CHECK-NOT: nvvm.shfl.sync
// CHECK: llvm.store {{.*}} : vector<4xf32>
// CHECK-NOT: {{(memref|llvm)}}.store
func.func @softmax(%x: memref<6x64xf32>, %y: memref<6x64xf32>) attributes {entry = {index_checks = []}} {
  %low = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %m = memref.alloc() : memref<6xf32>
  %e = memref.alloc() : memref<6x64xf32>
  %s = memref.alloc() : memref<6xf32>
  linalg.fill ins(%low : f32) outs(%m : memref<6xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<6x64xf32>) outs(%m : memref<6xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.maximumf %b, %a : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %m : memref<6x64xf32>, memref<6xf32>) outs(%e : memref<6x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.subf %a, %b : f32
    %1 = math.exp %0 : f32
    linalg.yield %1 : f32
  }
  linalg.fill ins(%zero : f32) outs(%s : memref<6xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%e : memref<6x64xf32>) outs(%s : memref<6xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %b, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%e, %s : memref<6x64xf32>, memref<6xf32>) outs(%y : memref<6x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.divf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// Of rows that registers do not hold the first step leaves what there is room for in shared memory; the rest is read
// again in each step. What lies between is computed again, not stored. All of a step is read before any of it is written.
// As many clusters take rows in turn as the device has room for: of 132 multiprocessors of a block, 15.
// CHECK-LABEL: func @long(
// CHECK: %[[FOUND:.*]] = call @mad.device_multiprocessors()
// CHECK: %[[COUNT:.*]] = arith.index_castui %[[FOUND]]
// CHECK: %[[MOST:.*]] = arith.divui %[[COUNT]], %c8
// CHECK: %[[SAFE:.*]] = arith.subi %[[MOST]], %c1
// CHECK: %[[FULL:.*]] = arith.muli %[[SAFE]], %c4
// CHECK: %[[CLUSTERS:.*]] = arith.maxsi %[[FULL]], %c1
// CHECK: %[[USED:.*]] = arith.minsi %[[CLUSTERS]], %c6
// CHECK: %[[BLOCKS:.*]] = arith.muli %[[USED]], %c8
// CHECK: gpu.launch_func @kernels_sm_90a::@long$0 blocks in (%[[BLOCKS]], %c1, %c1) threads in (%c160, %c1, %c1)
// CHECK: gpu.launch_func @kernels::@long$1 blocks in (%c6, %c1, %c1) threads in (%c1024, %c1, %c1)
// CHECK: gpu.func @long$1
// CHECK-SAME: choice = "rows: a block of 1024 a row, 36864 columns in shared memory, 4 ops, 4 at a time"
// CHECK: llvm.load {{.*}} !llvm.ptr<1> -> vector<4xf32>
// CHECK: llvm.store {{.*}} : vector<4xf32>, !llvm.ptr<3>
// CHECK: nvvm.barrier
// CHECK-NOT: llvm.store {{.*}} : vector<4xf32>
// CHECK: llvm.load {{.*}} !llvm.ptr<3> -> vector<4xf32>
// CHECK: llvm.load {{.*}} !llvm.ptr<1> -> vector<4xf32>
// CHECK-COUNT-4: math.exp
// CHECK-NOT: llvm.store {{.*}} : vector<4xf32>
// CHECK: nvvm.barrier
// CHECK: scf.for
// CHECK-COUNT-2: llvm.store {{.*}} : vector<4xf32>, !llvm.ptr<1>
// CHECK: gpu.return
// Registers of several blocks hold them: all is read once. A row comes to shared memory while the one before is computed, from
// when all threads of a block have theirs in registers. The first warp sends each block what its block has.
// CHECK: gpu.func @long$0
// CHECK-SAME: choice = "rows: 8 blocks of 160 a row, in turns, the next row on its way, 32 columns a thread in registers, 4 ops, 4 at a time", ends_apart, in_turns
// CHECK-SAME: nvvm.cluster_dim = array<i32: 8, 1, 1>
// CHECK-SAME: nvvm.minctasm = 4
// CHECK: nvvm.fence.mbarrier.init
// CHECK: nvvm.cluster.arrive
// CHECK: nvvm.cluster.wait
// CHECK: nvvm.mbarrier.arrive.expect_tx
// CHECK: nvvm.cp.async.bulk.shared.cluster.global
// CHECK: scf.for {{.*}} to %c6 step %arg
// CHECK: nvvm.mbarrier.try_wait.parity
// CHECK-NOT: llvm.load {{.*}} !llvm.ptr<1>
// CHECK-COUNT-8: llvm.load {{.*}} !llvm.ptr<3> -> vector<4xf32>
// CHECK: nvvm.barrier
// CHECK: nvvm.mbarrier.arrive.expect_tx
// CHECK: nvvm.cp.async.bulk.shared.cluster.global
// CHECK: nvvm.mapa
// CHECK: nvvm.inline_ptx "st.async
// CHECK: nvvm.mbarrier.try_wait.parity
// CHECK: nvvm.barrier
// CHECK-NOT: nvvm.cp.async.bulk
// CHECK: nvvm.inline_ptx "st.async
// CHECK: nvvm.mbarrier.try_wait.parity
// CHECK-COUNT-8: llvm.store {{.*}} : vector<4xf32>, !llvm.ptr<1>
// CHECK-NOT: nvvm.cluster.arrive
// CHECK: gpu.return
func.func @long(%x: memref<6x40000xf32>, %y: memref<6x40000xf32>) attributes {entry = {index_checks = []}} {
  %low = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %m = memref.alloc() : memref<6xf32>
  %e = memref.alloc() : memref<6x40000xf32>
  %s = memref.alloc() : memref<6xf32>
  linalg.fill ins(%low : f32) outs(%m : memref<6xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<6x40000xf32>) outs(%m : memref<6xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.maximumf %b, %a : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %m : memref<6x40000xf32>, memref<6xf32>) outs(%e : memref<6x40000xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.subf %a, %b : f32
    %1 = math.exp %0 : f32
    linalg.yield %1 : f32
  }
  linalg.fill ins(%zero : f32) outs(%s : memref<6xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%e : memref<6x40000xf32>) outs(%s : memref<6xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %b, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%e, %s : memref<6x40000xf32>, memref<6xf32>) outs(%y : memref<6x40000xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.divf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// Rows of an odd length begin anywhere: groups of columns begin at multiples of 16 bytes. Those that are partly of another
// row are read as a whole and written one column at a time. Of the last group of all, which ends behind the memory, the
// one in front is read, and then its own columns.
// CHECK-LABEL: func @odd(
// CHECK: gpu.func @odd$0
// CHECK-SAME: choice = "rows: a warp a row, 24 columns a thread in registers, 2 ops, 8 at a time from anywhere", ends_apart
// CHECK-NOT: in_turns
// CHECK: %[[SHIFT:.*]] = arith.remui
// CHECK: arith.select %[[THERE:.*]], %{{.*}}, %{{.*}} : index
// CHECK: llvm.load {{.*}}stray{{.*}} -> vector<8xf16>
// CHECK: scf.if %[[THERE]] -> (vector<8xf16>) {
// CHECK-NEXT: scf.yield
// CHECK: } else {
// CHECK-COUNT-8: memref.load
// CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<8xf16>
// CHECK-NOT: scf.if
// CHECK: llvm.load {{.*}}stray{{.*}} -> vector<8xf16>
// CHECK: scf.if %[[THERE]] -> (vector<8xf16>) {
// CHECK: nvvm.shfl.sync
// CHECK: scf.if
// CHECK: llvm.store {{.*}} : vector<8xf16>
// CHECK: } else {
// CHECK-COUNT-8: memref.store
func.func @odd(%x: memref<6x601xf16>, %y: memref<6x601xf16>) attributes {entry = {index_checks = []}} {
  %low = arith.constant 0xFC00 : f16
  %m = memref.alloc() : memref<6xf16>
  linalg.fill ins(%low : f16) outs(%m : memref<6xf16>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<6x601xf16>) outs(%m : memref<6xf16>) {
  ^bb0(%a: f16, %b: f16):
    %0 = arith.maximumf %b, %a : f16
    linalg.yield %0 : f16
  }
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %m : memref<6x601xf16>, memref<6xf16>) outs(%y : memref<6x601xf16>) {
  ^bb0(%a: f16, %b: f16, %o: f16):
    %0 = arith.subf %a, %b : f16
    linalg.yield %0 : f16
  }
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#last = affine_map<(d0, d1) -> (d1)>

// Many of such rows with a vector along them are one row: each block has the vector in shared memory, once for each column in
// a group that a group may begin with, here the even ones of 8.
// CHECK-LABEL: func @flat(
// CHECK: gpu.func @flat$0
// CHECK-SAME: choice = "elements: 8 neighbours a thread, of any rows, vectors in 4 copies; 
// CHECK-SAME: nvvm.minctasm = 1
// CHECK: scf.for {{.*}} to %c4032 step %c1024
// CHECK: llvm.store {{.*}} : f16, !llvm.ptr<3>
// CHECK: nvvm.barrier
// CHECK: scf.for
// CHECK: llvm.load {{.*}} !llvm.ptr<1> -> vector<8xf16>
// CHECK: llvm.load {{.*}} !llvm.ptr<3> -> vector<8xf16>
// CHECK: llvm.load {{.*}} !llvm.ptr<1> -> vector<8xf16>
// CHECK: llvm.load {{.*}} !llvm.ptr<3> -> vector<8xf16>
// CHECK-COUNT-2: llvm.store {{.*}} : vector<8xf16>, !llvm.ptr<1>
// CHECK: scf.for
// CHECK: llvm.store {{.*}} : vector<8xf16>, !llvm.ptr<1>
// CHECK: gpu.return
func.func @flat(%x: memref<2048x998xf16>, %g: memref<998xf16>, %y: memref<2048x998xf16>) attributes {entry = {index_checks = []}} {
  linalg.generic {indexing_maps = [#id, #last, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %g : memref<2048x998xf16>, memref<998xf16>) outs(%y : memref<2048x998xf16>) {
  ^bb0(%a: f16, %b: f16, %o: f16):
    %0 = arith.mulf %a, %b : f16
    linalg.yield %0 : f16
  }
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#last = affine_map<(d0, d1) -> (d1)>

// Few of them are rows.
// CHECK-LABEL: func @map(
// CHECK: gpu.func @map$0
// CHECK-SAME: choice = "rows: {{.*}} 4 at a time from anywhere"
func.func @map(%x: memref<6x333xf32>, %g: memref<333xf32>, %y: memref<6x333xf32>) attributes {entry = {index_checks = []}} {
  linalg.generic {indexing_maps = [#id, #last, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %g : memref<6x333xf32>, memref<333xf32>) outs(%y : memref<6x333xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#one = affine_map<(d0) -> (d0)>

// A conversion behind a sum is no kernel of its own, unless others read the sum.
// CHECK-LABEL: func @behind(
// CHECK-COUNT-3: gpu.launch_func
// CHECK-NOT: gpu.launch_func
// CHECK: gpu.func @behind$0{{.*}}choice = "rows: a warp a row
// CHECK: %[[HALF:.*]] = arith.truncf %{{.*}} : f32 to f16
// CHECK: memref.store %[[HALF]]
// CHECK: gpu.func @behind$1{{.*}}choice = "rows:
// CHECK-NOT: arith.truncf
// CHECK: gpu.func @behind$2{{.*}}choice = "elements:
func.func @behind(%x: memref<64x512xf32>, %y: memref<64xf16>, %v: memref<70x500xf32>, %z: memref<70xf16>, %w: memref<70xf32>) attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  %s = memref.alloc() : memref<64xf32>
  linalg.fill ins(%zero : f32) outs(%s : memref<64xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<64x512xf32>) outs(%s : memref<64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %b, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%s : memref<64xf32>) outs(%y : memref<64xf16>) {
  ^bb0(%a: f32, %b: f16):
    %0 = arith.truncf %a : f32 to f16
    linalg.yield %0 : f16
  }
  linalg.fill ins(%zero : f32) outs(%w : memref<70xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%v : memref<70x500xf32>) outs(%w : memref<70xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %b, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%w : memref<70xf32>) outs(%z : memref<70xf16>) {
  ^bb0(%a: f32, %b: f16):
    %0 = arith.truncf %a : f32 to f16
    linalg.yield %0 : f16
  }
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#one = affine_map<(d0) -> (d0)>

// Nor where the op behind needs what is only known then: here the number that it divides by.
// CHECK-LABEL: func @later(
// CHECK: gpu.func @later$0{{.*}}choice = "rows: a warp a row
// CHECK-NOT: arith.divf
// CHECK: gpu.func @later$1{{.*}}choice = "elements:
func.func @later(%x: memref<64x512xf32>, %y: memref<64xf32>, %n: i64) attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  %s = memref.alloc() : memref<64xf32>
  linalg.fill ins(%zero : f32) outs(%s : memref<64xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<64x512xf32>) outs(%s : memref<64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %b, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  %d = arith.sitofp %n : i64 to f32
  linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%s : memref<64xf32>) outs(%y : memref<64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.divf %a, %d : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#one = affine_map<(d0) -> (d0)>

// Memory that is made between is made before.
// CHECK-LABEL: func @between(
// CHECK: %[[H:.*]] = memref.alloc() : memref<64xf16>
// CHECK: gpu.launch_func @kernels::@between$0 {{.*}}%[[H]] : memref<64xf16>
// CHECK: gpu.launch_func @kernels::@between$1
// CHECK-NOT: gpu.launch_func
func.func @between(%x: memref<64x512xf32>, %y: memref<64x64xf16>) attributes {entry = {index_checks = []}} {
  %zero = arith.constant 0.0 : f32
  %s = memref.alloc() : memref<64xf32>
  linalg.fill ins(%zero : f32) outs(%s : memref<64xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<64x512xf32>) outs(%s : memref<64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %b, %a fastmath<reassoc,contract> : f32
    linalg.yield %0 : f32
  }
  %h = memref.alloc() : memref<64xf16>
  linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%s : memref<64xf32>) outs(%h : memref<64xf16>) {
  ^bb0(%a: f32, %b: f16):
    %0 = arith.truncf %a : f32 to f16
    linalg.yield %0 : f16
  }
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1)>, #id], iterator_types = ["parallel", "parallel"]}
      ins(%h : memref<64xf16>) outs(%y : memref<64x64xf16>) {
  ^bb0(%a: f16, %b: f16):
    linalg.yield %a : f16
  }
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#column = affine_map<(d0, d1) -> (d1)>

// Warps in turns whose registers are full have 5 blocks on a multiprocessor.
// CHECK-LABEL: func @full(
// CHECK: gpu.func @full$1
// CHECK-SAME: choice = "rows: a warp a row, in turns, 32 columns a thread in registers, 2 ops, 8 at a time from anywhere", ends_apart, in_turns
// CHECK-SAME: nvvm.minctasm = 5
func.func @full(%x: memref<8x999xf16>, %g: memref<999xf16>, %y: memref<8x999xf16>) attributes {entry = {index_checks = []}} {
  %low = arith.constant 0xFC00 : f16
  %m = memref.alloc() : memref<8xf16>
  linalg.fill ins(%low : f16) outs(%m : memref<8xf16>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<8x999xf16>) outs(%m : memref<8xf16>) {
  ^bb0(%a: f16, %b: f16):
    %0 = arith.maximumf %b, %a : f16
    linalg.yield %0 : f16
  }
  linalg.generic {indexing_maps = [#id, #row, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %m, %g : memref<8x999xf16>, memref<8xf16>, memref<999xf16>) outs(%y : memref<8x999xf16>) {
  ^bb0(%a: f16, %b: f16, %c: f16, %o: f16):
    %0 = arith.divf %a, %b : f16
    %1 = arith.mulf %0, %c : f16
    linalg.yield %1 : f16
  }
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// Of blocks of two warps, which wait for each other, 8 are on a multiprocessor.
// CHECK-LABEL: func @narrow(
// CHECK: gpu.func @narrow$0
// CHECK-SAME: choice = "rows: 8 blocks of 64 a row, in turns, the next row on its way, 32 columns a thread in registers, 2 ops, 8 at a time from anywhere"
// CHECK-SAME: nvvm.minctasm = 8
func.func @narrow(%x: memref<8x13999xf16>, %y: memref<8x13999xf16>) attributes {entry = {index_checks = []}} {
  %low = arith.constant 0xFC00 : f16
  %m = memref.alloc() : memref<8xf16>
  linalg.fill ins(%low : f16) outs(%m : memref<8xf16>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<8x13999xf16>) outs(%m : memref<8xf16>) {
  ^bb0(%a: f16, %b: f16):
    %0 = arith.maximumf %b, %a : f16
    linalg.yield %0 : f16
  }
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %m : memref<8x13999xf16>, memref<8xf16>) outs(%y : memref<8x13999xf16>) {
  ^bb0(%a: f16, %b: f16, %o: f16):
    %0 = arith.divf %a, %b : f16
    linalg.yield %0 : f16
  }
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#column = affine_map<(d0, d1) -> (d1)>

// A block alone has rows that begin anywhere, the next one on its way: 41 groups of 16 bytes, which are whole or not there, are
// between columns at the ends, which threads read and write one each, of the vector, too. Few rows are left to others.
// CHECK-LABEL: func @ends(
// CHECK: %[[CHIP:.*]] = arith.cmpi eq, %{{.*}}, %c90
// CHECK: %[[BOTH:.*]] = arith.andi %[[CHIP]], %{{.*}} : i1
// CHECK: scf.if %[[BOTH]]
// CHECK: gpu.launch_func @kernels_sm_90a::@ends$0 {{.*}} threads in (%c32,
// CHECK: } else {
// CHECK: gpu.launch_func @kernels::@ends$1
// CHECK: gpu.func @ends$0
// CHECK-SAME: choice = "rows: a warp a row, in turns, the next row on its way, 16 columns a thread in registers, 2 ops, 8 at a time from anywhere", ends_apart, in_turns
// CHECK-SAME: nvvm.minctasm = 32
// CHECK: scf.for
// CHECK-COUNT-2: llvm.load {{.*}} !llvm.ptr<3> -> vector<8xf16>
// CHECK: llvm.load {{.*}} !llvm.ptr<3> -> f16
// CHECK-COUNT-5: nvvm.shfl.sync bfly
// CHECK: nvvm.bar.warp.sync
// CHECK: nvvm.cp.async.bulk.shared.cluster.global
// CHECK: llvm.load {{.*}} !llvm.ptr<3> -> vector<8xf16>
// CHECK: llvm.store {{.*}} : vector<8xf16>, !llvm.ptr<1>
// CHECK: scf.if
// CHECK: llvm.store {{.*}} : vector<8xf16>, !llvm.ptr<1>
// CHECK-NOT: vector<8xf16>
// CHECK: llvm.load {{.*}} !llvm.ptr<3> -> f16
// CHECK: scf.if
// CHECK-NEXT: memref.store
// CHECK-NOT: store
// CHECK: gpu.return
func.func @ends(%x: memref<?x333xf16>, %g: memref<333xf16>, %y: memref<?x333xf16>, %m: memref<?xf16>) attributes {entry = {index_checks = []}} {
  %low = arith.constant 0xFC00 : f16
  linalg.fill ins(%low : f16) outs(%m : memref<?xf16>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x333xf16>) outs(%m : memref<?xf16>) {
  ^bb0(%a: f16, %b: f16):
    %0 = arith.maximumf %b, %a : f16
    linalg.yield %0 : f16
  }
  linalg.generic {indexing_maps = [#id, #row, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %m, %g : memref<?x333xf16>, memref<?xf16>, memref<333xf16>) outs(%y : memref<?x333xf16>) {
  ^bb0(%a: f16, %b: f16, %c: f16, %o: f16):
    %0 = arith.divf %a, %b fastmath<contract> : f16
    %1 = arith.mulf %0, %c fastmath<contract> : f16
    linalg.yield %1 : f16
  }
  return
}
