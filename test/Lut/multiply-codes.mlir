// RUN: mad-opt %s --mad-multiply-codes=level=4 --split-input-file | FileCheck %s --check-prefixes=CHECK,V4
// RUN: mad-opt %s --mad-multiply-codes=level=3 --split-input-file | FileCheck %s --check-prefixes=CHECK,V3
// RUN: mad-opt %s --mad-multiply-codes=level=0 --split-input-file | FileCheck %s --check-prefixes=CHECK,V0

// How many rows there are is known when running.
// CHECK-LABEL: func.func @rows
// CHECK: scf.if
// CHECK: scf.parallel
// CHECK: call @multiply_codes.int4
// CHECK: else
// CHECK: scf.parallel
// CHECK: memref.alloc
// CHECK: call @decode_panels.int4
// CHECK: call @multiply.f32.f32
// CHECK-NOT: lut.product_into

// Where registers hold 16 floats, 4 bits are an index.
// CHECK-LABEL: func.func private @multiply_codes.int4
// V4: memref.alloca() {{.*}} : memref<1024xf32>
// V4: llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"
// V3-NOT: permps
// V3: arith.sitofp {{.*}} vector<8xi32> to vector<8xf32>
// V3: math.fma
// V0: arith.sitofp {{.*}} vector<4xi32> to vector<4xf32>
// V0-NOT: math.fma
func.func @rows(%x: memref<?x64xf32>, %c: memref<32x96xi8>, %s: memref<2x96xf32>, %y: memref<?x96xf32>) {
  lut.product_into %x, %c, %s to %y as <int, bits = 4, group = 32> : (memref<?x64xf32>, memref<32x96xi8>, memref<2x96xf32>, memref<?x96xf32>) -> ()
  return
}

// -----

// One bit: a table of what 4 codes (AVX2: 3, 3 and 2) add to the sum.
// CHECK-LABEL: func.func @one
// CHECK-NOT: scf.if
// CHECK: call @multiply_codes.int1
// CHECK-NOT: call @decode_panels
// CHECK: func.func private @multiply_codes.int1
// V4: memref.alloca() {{.*}} : memref<256xf32>
// V3: memref.alloca() {{.*}} : memref<192xf32>
// V3: llvm.call_intrinsic "llvm.x86.avx2.permps"
// V0-NOT: llvm.call_intrinsic
func.func @one(%x: memref<64xf32>, %c: memref<8x96xi8>, %s: memref<1x96xf32>, %y: memref<96xf32>) {
  lut.product_into %x, %c, %s to %y as <int, bits = 1> : (memref<64xf32>, memref<8x96xi8>, memref<1x96xf32>, memref<96xf32>) -> ()
  return
}

// -----

// Short groups that end inside of steps are decoded; rows of several dimensions are one, where they lie so.
// CHECK-LABEL: func.func @cut
// CHECK: memref.collapse_shape
// CHECK-NOT: multiply_codes
// CHECK: call @decode_panels.int4.ragged.cut
func.func @cut(%x: memref<2x3x60xf32>, %c: memref<30x96xi8>, %s: memref<5x96xf32>, %y: memref<2x3x96xf32>) {
  lut.product_into %x, %c, %s to %y as <int, bits = 4, group = 12> : (memref<2x3x60xf32>, memref<30x96xi8>, memref<5x96xf32>, memref<2x3x96xf32>) -> ()
  return
}

// -----

// Of longer ones a step is read for both groups that it has codes of. Each block copies its own elements of a row, with zeros beside them.
// CHECK-LABEL: func.func @inside
// CHECK: call @multiply_codes.int4.ragged.cut
// CHECK: func.func private @multiply_codes.int4.ragged.cut
// CHECK: %[[OWN:.*]] = memref.alloca() : memref<64xf32>
// CHECK: arith.remui
// CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK: memref.store %[[ZERO]], %[[OWN]]
// CHECK: %[[X:.*]] = memref.load
// CHECK: memref.store %[[X]], %[[OWN]]
// CHECK: memref.store %[[ZERO]], %[[OWN]]
func.func @inside(%x: memref<2x100xf32>, %c: memref<50x96xi8>, %s: memref<3x96xf32>, %y: memref<2x96xf32>) {
  lut.product_into %x, %c, %s to %y as <int, bits = 4, group = 36> : (memref<2x100xf32>, memref<50x96xi8>, memref<3x96xf32>, memref<2x96xf32>) -> ()
  return
}

// -----

// Parts in panels of 64 columns.
// CHECK-LABEL: func.func @panels
// CHECK: call @multiply_codes.int2.packed
// CHECK: func.func private @multiply_codes.int2.packed{{.*}}(%{{.*}}: memref<?x?xf32, strided<[?, 1], offset: ?>>, %[[CODES:[^:]*]]: memref<?x?x64xi8, strided<[?, 64, 1], offset: ?>>, %[[SCALES:[^:]*]]: memref<?x?x64xf32, strided<[?, 64, 1], offset: ?>>
// CHECK: vector.load %[[CODES]][%{{.*}}, %{{.*}}, %{{.*}}] : memref<?x?x64xi8, strided<[?, 64, 1], offset: ?>>, vector<
// CHECK: vector.load %[[SCALES]]
func.func @panels(%x: memref<1x64xf32>, %c: memref<2x16x64xi8>, %s: memref<2x1x64xf32>, %y: memref<1x96xf32>) {
  lut.product_into %x, %c, %s to %y as <int, bits = 2> : (memref<1x64xf32>, memref<2x16x64xi8>, memref<2x1x64xf32>, memref<1x96xf32>) -> ()
  return
}

// -----

// Two digits of base 3 are an index where registers hold 16 floats: three tables for the five of a byte. With 8 each is one.
// CHECK-LABEL: func.func @digits
// CHECK: func.func private @multiply_codes.ternary8
// V4: memref.alloca() {{.*}} : memref<768xf32>
// V4-COUNT-3: llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"
// V4-NOT: arith.sitofp
// V3: memref.alloca() {{.*}} : memref<640xf32>
// V3: llvm.call_intrinsic "llvm.x86.avx2.pmulhu.w"
// V3-COUNT-5: llvm.call_intrinsic "llvm.x86.avx2.permps"
// V3-NOT: arith.sitofp
// V0: llvm.call_intrinsic "llvm.x86.sse2.pmulhu.w"
// V0: arith.sitofp {{.*}} vector<4xi32> to vector<4xf32>
func.func @digits(%x: memref<1x60xf32>, %c: memref<12x16xi8>, %s: memref<1x16xf32>, %y: memref<1x16xf32>) {
  lut.product_into %x, %c, %s to %y as <ternary, packing = base3, group = row> : (memref<1x60xf32>, memref<12x16xi8>, memref<1x16xf32>, memref<1x16xf32>) -> ()
  return
}

// -----

// A table for each column: each lane reads its own, of tables in panels from there. Of few entries all are read, and each lane takes one.
// CHECK-LABEL: func.func @tables
// CHECK: call @multiply_codes.codebook2.own.packed
// CHECK: func.func private @multiply_codes.codebook2.own.packed{{.*}}%[[TABLES:[^:]*]]: memref<?x?x64xf32, strided<[?, 64, 1], offset: ?>>
// V4-COUNT-4: vector.load %[[TABLES]]{{.*}} vector<16xf32>
// V4-COUNT-3: arith.select {{.*}} vector<16xf32>
// V3-COUNT-4: vector.load %[[TABLES]]{{.*}} vector<8xf32>
// V3-COUNT-3: arith.select {{.*}} vector<8xf32>
// V0: vector.gather %[[TABLES]][%{{.*}}, %{{.*}}, %{{.*}}]
func.func @tables(%x: memref<1x64xf32>, %c: memref<2x16x64xi8>, %t: memref<2x4x64xf32>, %y: memref<1x96xf32>) {
  lut.product_into %x, %c, %t to %y as <codebook, bits = 2, group = row> : (memref<1x64xf32>, memref<2x16x64xi8>, memref<2x4x64xf32>, memref<1x96xf32>) -> ()
  return
}

// -----

// More of them are gathered.
// CHECK-LABEL: func.func @many
// CHECK: func.func private @multiply_codes.codebook5.own.packed{{.*}}%[[TABLES:[^:]*]]: memref<?x?x64xf32, strided<[?, 64, 1], offset: ?>>
// CHECK: vector.gather %[[TABLES]][%{{.*}}, %{{.*}}, %{{.*}}]
func.func @many(%x: memref<1x64xf32>, %c: memref<2x40x64xi8>, %t: memref<2x32x64xf32>, %y: memref<1x96xf32>) {
  lut.product_into %x, %c, %t to %y as <codebook, bits = 5, group = row> : (memref<1x64xf32>, memref<2x40x64xi8>, memref<2x32x64xf32>, memref<1x96xf32>) -> ()
  return
}

// -----

// One table of 64 entries: in registers, of which AVX-512 looks up in two at once. Its product with one row reads codes, and two are multiplied decoded.
// CHECK-LABEL: func.func @one
// CHECK: arith.cmpi sle, {{.*}}, %c1{{[_0-9]*}}
// CHECK: func.func private @multiply_codes.codebook6{{.*}}
// V4-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.ps.512"
// V4: arith.select {{.*}} vector<16xf32>
// V3-COUNT-8: llvm.call_intrinsic "llvm.x86.avx2.permps"
// V3-COUNT-7: arith.select {{.*}} vector<8xf32>
// V0: vector.gather
func.func @one(%x: memref<?x64xf32>, %c: memref<48x128xi8>, %t: memref<64x1xf32>, %y: memref<?x128xf32>) {
  lut.product_into %x, %c, %t to %y as <codebook, bits = 6> : (memref<?x64xf32>, memref<48x128xi8>, memref<64x1xf32>, memref<?x128xf32>) -> ()
  return
}

// -----

// Each field of a code is looked up for itself: of 6 bits two rows read codes, and one where nothing is looked up.
// CHECK-LABEL: func.func @fields
// V4: arith.cmpi sle, {{.*}}, %c2{{[_0-9]*}}
// V3: arith.cmpi sle, {{.*}}, %c2{{[_0-9]*}}
// V0: arith.cmpi sle, {{.*}}, %c1{{[_0-9]*}}
// CHECK: call @multiply_codes.int6
func.func @fields(%x: memref<?x64xf32>, %c: memref<48x128xi8>, %s: memref<1x128xf32>, %y: memref<?x128xf32>) {
  lut.product_into %x, %c, %s to %y as <int, bits = 6> : (memref<?x64xf32>, memref<48x128xi8>, memref<1x128xf32>, memref<?x128xf32>) -> ()
  return
}

// -----

// Where other CPUs decode for so many rows, memory for that is asked for, and not read.
// CHECK-LABEL: func.func @levels
// CHECK: scf.parallel
// CHECK: %[[MEMORY:.*]] = memref.alloc({{.*}}) {alignment = 64 : i64} : memref<?xf32>
// CHECK: %[[FLAT:.*]] = memref.cast %[[MEMORY]]
// CHECK: call @keep.f32(%[[FLAT]])
// V4-NOT: call @decode_panels
// V4: call @multiply_codes.ternary8
// V4-NOT: call @decode_panels
// V3: call @decode_panels.ternary8
// V0: call @decode_panels.ternary8
// CHECK: return
func.func @levels(%x: memref<3x60xf32>, %c: memref<12x200xi8>, %s: memref<1x200xf32>, %y: memref<3x200xf32>) {
  lut.product_into %x, %c, %s to %y as <ternary, packing = base3, group = row> : (memref<3x60xf32>, memref<12x200xi8>, memref<1x200xf32>, memref<3x200xf32>) -> ()
  return
}

// -----

// Tables in panels, beside codes that are none.
// CHECK-LABEL: func.func @beside
// CHECK: func.func private @multiply_codes.codebook5.own.tables{{.*}}: memref<?x?xi8, {{.*}}%[[TABLES:[^:]*]]: memref<?x?x64xf32, strided<[?, 64, 1], offset: ?>>
// CHECK: vector.gather %[[TABLES]][%{{.*}}, %{{.*}}, %{{.*}}]
func.func @beside(%x: memref<1x64xf32>, %c: memref<40x96xi8>, %t: memref<2x32x64xf32>, %y: memref<1x96xf32>) {
  lut.product_into %x, %c, %t to %y as <codebook, bits = 5, group = row> : (memref<1x64xf32>, memref<40x96xi8>, memref<2x32x64xf32>, memref<1x96xf32>) -> ()
  return
}
