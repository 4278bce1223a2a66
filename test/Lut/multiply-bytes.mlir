// RUN: mad-opt %s --mad-multiply-codes=level=4 --split-input-file | FileCheck %s --check-prefixes=CHECK,V4
// RUN: mad-opt %s --mad-multiply-codes=level=3 --split-input-file | FileCheck %s --check-prefixes=CHECK,V3
// RUN: mad-opt %s --mad-multiply-codes="level=3 vnni=false" --split-input-file | FileCheck %s --check-prefixes=PLAIN
// RUN: mad-opt %s --mad-multiply-codes=level=0 --split-input-file | FileCheck %s --check-prefixes=V0

// Activations are arranged once. How many rows there are, and whether the CPU has VNNI, is known when running.
// CHECK-LABEL: func.func @rows
// CHECK: call @arrange_bytes.8
// CHECK: scf.if
// CHECK: scf.parallel
// CHECK: call @has_vnni
// CHECK: call @multiply_bytes.int4.vnni
// CHECK: call @multiply_bytes.int4
// CHECK: else
// CHECK-NOT: call @arrange_bytes
// CHECK: scf.parallel
// CHECK: memref.alloc
// CHECK: call @decode_bytes.int4
// CHECK: call @multiply_byte_panel.8.vnni
// CHECK-NOT: lut.gemm_into

// CHECK-LABEL: func.func private @has_vnni
// CHECK: cpuid

// V4-LABEL: func.func private @multiply_bytes.int4.vnni
// V4-SAME: "+avx512vnni"
// Codes are multiplied where they stand, high ones 16 times too large until the group ends.
// V4-NOT: arith.shrui
// V4-COUNT-32: llvm.x86.avx512.vpdpbusd.512
// V4-COUNT-4: arith.shrsi
// V4: arith.sitofp
// V3-LABEL: func.func private @multiply_bytes.int4.vnni
// V3-SAME: "+avxvnni"
// V3: llvm.x86.avx512.vpdpbusd.256

// Without VNNI 16 bits hold the sum of 8 pairs of codes of 4 bits.
// PLAIN-NOT: has_vnni
// PLAIN-LABEL: func.func private @multiply_bytes.int4
// PLAIN-COUNT-8: llvm.x86.avx2.pmadd.ub.sw
// PLAIN: llvm.x86.avx2.pmadd.wd
// PLAIN-LABEL: func.func private @multiply_byte_panel.8.most15

// V0-NOT: has_vnni
// V0-LABEL: func.func private @multiply_bytes.int4
// V0-NOT: x86.avx
// V0: llvm.x86.sse2.pmadd.wd
func.func @rows(%x: memref<?x64xi8>, %r: memref<?xf32>, %c: memref<32x96xi8>, %s: memref<2x96xf32>, %y: memref<?x96xf32>) {
  lut.gemm_into %x, %r, %c, %s to %y as <int, bits = 4, group = 32> : (memref<?x64xi8>, memref<?xf32>, memref<32x96xi8>, memref<2x96xf32>, memref<?x96xf32>) -> ()
  return
}

// -----

// Groups that end inside of blocks of four steps have blocks of their own: 12 codes of a step of 5 take up to 4 steps.
// CHECK-LABEL: func.func @cut
// CHECK-NOT: scf.if
// CHECK: call @arrange_bytes.5.cut
// CHECK: call @multiply_bytes.ternary8.parts
// With VNNI each byte of base 3 is multiplied as it is, and 3 times that: no digits.
// V4-LABEL: func.func private @multiply_bytes.ternary8.parts.vnni
// V4-NOT: arith.shrui {{.*}} vector<32xi16>
// V4-COUNT-40: llvm.x86.avx512.vpdpbusd.512
// V4: arith.shrsi {{.*}} vector<16xi32>
func.func @cut(%x: memref<60xi8>, %r: memref<f32>, %c: memref<12x96xi8>, %s: memref<5x96xf32>, %y: memref<96xf32>) {
  lut.gemm_into %x, %r, %c, %s to %y as <ternary, packing = base3, group = 12> : (memref<60xi8>, memref<f32>, memref<12x96xi8>, memref<5x96xf32>, memref<96xf32>) -> ()
  return
}

// -----

// Rows that are precomputed are read as they are.
// CHECK-LABEL: func.func @precomputed
// CHECK: call @byte_tables(
// CHECK: call @multiply_byte_tables.int1(
// CHECK-NOT: call @byte_tables(
// CHECK: call @multiply_byte_tables.int1(
// CHECK: return
// V0-LABEL: func.func @precomputed
// V0: call @arrange_bytes.8(
// V0-COUNT-2: call @multiply_bytes.int1(
func.func @precomputed(%x: memref<2x64xi8>, %r: memref<2xf32>, %c: memref<8x96xi8>, %s: memref<1x96xf32>, %y: memref<2x96xf32>, %z: memref<2x96xf32>) {
  %t = memref.alloc() : memref<2048xi8>
  %u = memref.alloc() : memref<2xi32>
  lut.precompute_into %x to %t, %u for <int, bits = 1> : (memref<2x64xi8>, memref<2048xi8>, memref<2xi32>) -> ()
  lut.gemm_into %x, %r, %c, %s to %y as <int, bits = 1> of %t, %u : (memref<2x64xi8>, memref<2xf32>, memref<8x96xi8>, memref<1x96xf32>, memref<2048xi8>, memref<2xi32>, memref<2x96xf32>) -> ()
  lut.gemm_into %x, %r, %c, %s to %z as <int, bits = 1> of %t, %u : (memref<2x64xi8>, memref<2xf32>, memref<8x96xi8>, memref<1x96xf32>, memref<2048xi8>, memref<2xi32>, memref<2x96xf32>) -> ()
  return
}

// -----

// Of one bit, few rows look up what four codes add, where there is an instruction for it.
// CHECK-LABEL: func.func @one
// CHECK: call @byte_tables(
// V4: call @has_vbmi
// V4: call @multiply_byte_tables.int1.vbmi(
// V3-NOT: has_vbmi
// CHECK: call @multiply_byte_tables.int1(
// Permutations of whole registers take six bits of an index, of which tables need four: no mask.
// V4-LABEL: func.func private @multiply_byte_tables.int1.vbmi(
// V4-SAME: "+avx512vbmi"
// V4-NOT: arith.andi {{.*}} vector<64xi8>
// V4-COUNT-16: llvm.x86.avx512.permvar.qi.512
// CHECK-LABEL: func.func private @multiply_byte_tables.int1(
// V4-COUNT-16: llvm.x86.avx512.pshuf.b.512
// V3-COUNT-16: llvm.x86.avx2.pshuf.b
// V0-LABEL: func.func @one
// V0-NOT: byte_tables
// V0: call @multiply_bytes.int1(
func.func @one(%x: memref<?x64xi8>, %r: memref<?xf32>, %c: memref<8x96xi8>, %s: memref<1x96xf32>, %y: memref<?x96xf32>) {
  lut.gemm_into %x, %r, %c, %s to %y as <int, bits = 1> : (memref<?x64xi8>, memref<?xf32>, memref<8x96xi8>, memref<1x96xf32>, memref<?x96xf32>) -> ()
  return
}

// -----

// Registers of level 4 hold sums of all four places of codes of 2 bits, those of level 3 of two.
// V4-LABEL: func.func private @multiply_bytes.ternary2.one.vnni
// V4-NOT: arith.shrui
// V4-COUNT-12: arith.shrsi
// V3-LABEL: func.func private @multiply_bytes.ternary2.one.vnni
// V3-COUNT-8: arith.shrui
// V3-COUNT-4: arith.shrsi
func.func @two(%x: memref<1x64xi8>, %r: memref<1xf32>, %c: memref<16x96xi8>, %s: memref<1x1xf32>, %y: memref<1x96xf32>) {
  lut.gemm_into %x, %r, %c, %s to %y as <ternary> : (memref<1x64xi8>, memref<1xf32>, memref<16x96xi8>, memref<1x1xf32>, memref<1x96xf32>) -> ()
  return
}

// -----

// Woven codes are registers as they lie: nothing is interleaved.
// CHECK-LABEL: func.func private @multiply_bytes.int2.packed.woven
// CHECK-NOT: vector.shuffle {{.*}}xi8>
// CHECK: vector.load {{.*}} memref<?x?x256xi8, strided<[?, 256, 1], offset: ?>>
// CHECK-NOT: vector.shuffle {{.*}}xi8>
// CHECK: arith.sitofp
func.func @woven(%x: memref<1x64xi8>, %r: memref<1xf32>, %c: memref<2x4x256xi8>, %s: memref<2x2x64xf32>, %y: memref<1x96xf32>) {
  lut.gemm_into %x, %r, %c, %s to %y as <int, bits = 2, group = 32> : (memref<1x64xi8>, memref<1xf32>, memref<2x4x256xi8>, memref<2x2x64xf32>, memref<1x96xf32>) -> ()
  return
}

// -----

// Rows of codes in panels are asked for before they are needed, 56 lines of memory ahead. A group's are read in turns of four rows, by
// a loop that carries the sum and the means of all turns. Level 4 carries the sums of a group on, and finishes it behind the next one.
// CHECK-LABEL: func.func private @multiply_byte_tables.int1.packed
// V4: scf.for {{.*}} -> (vector<32xi16>, vector<32xi16>) {
// V4: %[[SUMS:[^ :]+]]:2 = scf.if
// V3: scf.if {{.*}} -> (vector<16xi16>, vector<16xi16>, vector<16xi16>, vector<16xi16>)
// CHECK: scf.for %{{.*}} to %c16{{[_0-9]*}} step %c4{{[_0-9]*}} iter_args(
// V4-SAME: -> (vector<64xi8>, vector<64xi8>, vector<64xi8>, vector<64xi8>, vector<64xi8>) {
// CHECK: %[[ROW:[^ ]+]] = arith.addi %{{.*}}, %c56{{.*}} : index
// CHECK-NEXT: memref.prefetch %{{.*}}[%{{.*}}, %[[ROW]], %{{.*}}], read, locality<3>, data
// V4: arith.subf
// V4: scf.yield %[[SUMS]]#0, %[[SUMS]]#1 : vector<32xi16>, vector<32xi16>
// V4: arith.subf
func.func @ahead(%x: memref<1x256xi8>, %r: memref<1xf32>, %c: memref<2x32x64xi8>, %s: memref<2x2x64xf32>, %y: memref<1x96xf32>) {
  lut.gemm_into %x, %r, %c, %s to %y as <int, bits = 1, group = 128> : (memref<1x256xi8>, memref<1xf32>, memref<2x32x64xi8>, memref<2x2x64xf32>, memref<1x96xf32>) -> ()
  return
}

// -----

// A row of integers and words of a dictionary: entries are taken apart and multiplied as bytes, where there are instructions for
// both. More rows are floats.
// CHECK-LABEL: func.func @words
// V4: call @multiply_words.16.ternary2
// V4: call @has_vnni
// V4: call @has_vbmi
// V4: call @word_row.bytes(
// V4: call @multiply_word_bytes.ternary2{{.*}}.vnni(
// V4: call @multiply_words.1.ternary2
// V3-NOT: multiply_word_bytes
// V4-LABEL: func.func private @multiply_word_bytes.ternary2
// V4-SAME: "+avx512vbmi,+avx512vnni"
// V4: llvm.x86.avx512.pmultishift.qb.256
// V4: llvm.x86.avx512.vpdpbusd.256
func.func @words(%x: memref<?x40xf32>, %c: memref<12x2xi8>, %s: memref<1x1xf32>, %b: memref<4x4xi8>, %d: memref<65536x8xi8>, %l: memref<65536x4xi8>, %y: memref<?x3xf32>) {
  lut.product_into %x, %c, %s, %b, %d, %l to %y as <dictionary, words = 12> of integers : (memref<?x40xf32>, memref<12x2xi8>, memref<1x1xf32>, memref<4x4xi8>, memref<65536x8xi8>, memref<65536x4xi8>, memref<?x3xf32>) -> ()
  return
}
