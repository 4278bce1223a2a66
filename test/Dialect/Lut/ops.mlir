// RUN: mad-opt %s | mad-opt | FileCheck %s
// Usual values are not printed, and every argument survives a round trip.

// CHECK-LABEL: @integers
func.func @integers(%w: tensor<10x3xf32>) -> tensor<10x3xf16> {
  // CHECK: lut.encode %{{.*}} as <int, bits = 4> : (tensor<10x3xf32>) -> (tensor<5x3xui8>, tensor<1x3xf32>)
  %a:2 = lut.encode %w as <int, bits = 4, group = row, zero = symmetric, scale = f32> : (tensor<10x3xf32>) -> (tensor<5x3xui8>, tensor<1x3xf32>)
  // 3 bits are 2 and 1: 3 rows of bytes and 2.
  // CHECK: lut.encode %{{.*}} as <int, bits = 3, group = 4, zero = affine, scale = f16> exact : (tensor<10x3xf32>) -> (tensor<5x3xui8>, tensor<3x3xf16>, tensor<3x3xui8>)
  %b:3 = lut.encode %w as <int, bits = 3, group = 4, scale = f16, zero = affine> exact : (tensor<10x3xf32>) -> (tensor<5x3xui8>, tensor<3x3xf16>, tensor<3x3xui8>)
  // CHECK: lut.dequant %{{.*}}#0, %{{.*}}#1, %{{.*}}#2 as <int, bits = 3, group = 4, zero = affine, scale = f16>
  %c = lut.dequant %b#0, %b#1, %b#2 as <int, bits = 3, group = 4, scale = f16, zero = affine> : (tensor<5x3xui8>, tensor<3x3xf16>, tensor<3x3xui8>) -> tensor<10x3xf16>
  return %c : tensor<10x3xf16>
}

// CHECK-LABEL: @others
func.func @others(%w: tensor<2x10x3xf64>) -> (tensor<2x3x3xui8>, tensor<2x2x3xui8>, tensor<2x5x3xui8>) {
  // CHECK: as <ternary> :
  %a:2 = lut.encode %w as <ternary> : (tensor<2x10x3xf64>) -> (tensor<2x3x3xui8>, tensor<2x1x1xf32>)
  // CHECK: as <ternary, packing = base3, group = row> :
  %b:2 = lut.encode %w as <ternary, packing = base3, group = row> : (tensor<2x10x3xf64>) -> (tensor<2x2x3xui8>, tensor<2x1x3xf32>)
  // CHECK: as <codebook, bits = 4, group = row> :
  %c:2 = lut.encode %w as <codebook, bits = 4, group = row> : (tensor<2x10x3xf64>) -> (tensor<2x5x3xui8>, tensor<2x16x3xf32>)
  return %a#0, %b#0, %c#0 : tensor<2x3x3xui8>, tensor<2x2x3xui8>, tensor<2x5x3xui8>
}

// CHECK-LABEL: @products
func.func @products(%x: tensor<4x10xf32>, %c: tensor<5x3xui8>, %s: tensor<1x3xf32>, %m: memref<?x10xf32>, %b: memref<5x3xi8>, %t: memref<1x3xf32>, %y: memref<?x3xf32>, %to: tensor<4x3xf32>, %d: tensor<5x3xi8>) -> tensor<4x3xf32> {
  // CHECK: lut.product %{{.*}}, %{{.*}}, %{{.*}} as <int, bits = 4> : (tensor<4x10xf32>, tensor<5x3xui8>, tensor<1x3xf32>) -> tensor<4x3xf32>
  %0 = lut.product %x, %c, %s as <int, bits = 4> : (tensor<4x10xf32>, tensor<5x3xui8>, tensor<1x3xf32>) -> tensor<4x3xf32>
  // CHECK: lut.product_into %{{.*}}, %{{.*}}, %{{.*}} to %{{.*}} as <int, bits = 4> : (memref<?x10xf32>, memref<5x3xi8>, memref<1x3xf32>, memref<?x3xf32>) -> ()
  lut.product_into %m, %b, %t to %y as <int, bits = 4> : (memref<?x10xf32>, memref<5x3xi8>, memref<1x3xf32>, memref<?x3xf32>) -> ()
  // CHECK: lut.product_into {{.*}} -> tensor<4x3xf32>
  %1 = lut.product_into %x, %d, %s to %to as <int, bits = 4> : (tensor<4x10xf32>, tensor<5x3xi8>, tensor<1x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// CHECK-LABEL: @activations
func.func @activations(%x: tensor<?x10xf32, #mad.dims<"T", "">>, %h: tensor<4x10xf16>, %c: tensor<5x3xui8>, %s: tensor<1x3xf32>) -> tensor<?x3xf32, #mad.dims<"T", "">> {
  // CHECK: %[[Q:.*]], %[[S:.*]] = lut.quantize_act %{{.*}} : (tensor<?x10xf32, {{.*}}>) -> (tensor<?x10xi8, {{.*}}>, tensor<?xf32, {{.*}}>)
  %q, %e = lut.quantize_act %x : (tensor<?x10xf32, #mad.dims<"T", "">>) -> (tensor<?x10xi8, #mad.dims<"T", "">>, tensor<?xf32, #mad.dims<"T">>)
  // CHECK: lut.dequant_act %{{.*}}, %{{.*}} : (tensor<4x10xi8>, tensor<4xf32>) -> tensor<4x10xf16>
  %p, %f = lut.quantize_act %h : (tensor<4x10xf16>) -> (tensor<4x10xi8>, tensor<4xf32>)
  %d = lut.dequant_act %p, %f : (tensor<4x10xi8>, tensor<4xf32>) -> tensor<4x10xf16>
  // CHECK: lut.gemm %[[Q]], %[[S]], %{{.*}}, %{{.*}} as <int, bits = 4> : (tensor<?x10xi8, {{.*}}>, tensor<?xf32, {{.*}}>, tensor<5x3xui8>, tensor<1x3xf32>) -> tensor<?x3xf32, {{.*}}>
  %0 = lut.gemm %q, %e, %c, %s as <int, bits = 4> : (tensor<?x10xi8, #mad.dims<"T", "">>, tensor<?xf32, #mad.dims<"T">>, tensor<5x3xui8>, tensor<1x3xf32>) -> tensor<?x3xf32, #mad.dims<"T", "">>
  return %0 : tensor<?x3xf32, #mad.dims<"T", "">>
}

// A row alone, and a matrix for each of some rows.
// CHECK-LABEL: @gemms
func.func @gemms(%q: tensor<10xi8>, %s: tensor<f32>, %p: tensor<2x4x10xi8>, %r: tensor<2x4xf32>, %c: tensor<5x3xui8>, %t: tensor<1x3xf32>, %d: tensor<2x3x3xui8>, %u: tensor<2x1x1xf32>) -> (tensor<3xf32>, tensor<2x4x3xf32>) {
  // CHECK: lut.gemm {{.*}} as <int, bits = 4> kernel : (tensor<10xi8>, tensor<f32>,
  %0 = lut.gemm %q, %s, %c, %t as <int, bits = 4> kernel : (tensor<10xi8>, tensor<f32>, tensor<5x3xui8>, tensor<1x3xf32>) -> tensor<3xf32>
  // CHECK: lut.gemm {{.*}} as <ternary> : (tensor<2x4x10xi8>, tensor<2x4xf32>,
  %1 = lut.gemm %p, %r, %d, %u as <ternary> : (tensor<2x4x10xi8>, tensor<2x4xf32>, tensor<2x3x3xui8>, tensor<2x1x1xf32>) -> tensor<2x4x3xf32>
  return %0, %1 : tensor<3xf32>, tensor<2x4x3xf32>
}

// CHECK-LABEL: @gemms_into
func.func @gemms_into(%q: tensor<4x10xi8>, %s: tensor<4xf32>, %c: tensor<5x3xi8>, %t: tensor<1x3xf32>, %to: tensor<4x3xf32>, %m: memref<?x10xi8>, %n: memref<?xf32>, %b: memref<1x5x64xi8>, %u: memref<1x1x64xf32>, %y: memref<?x3xf32>) -> tensor<4x3xf32> {
  // CHECK: lut.gemm_into %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} to %{{.*}} as <int, bits = 4> : {{.*}} -> tensor<4x3xf32>
  %0 = lut.gemm_into %q, %s, %c, %t to %to as <int, bits = 4> : (tensor<4x10xi8>, tensor<4xf32>, tensor<5x3xi8>, tensor<1x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  // CHECK: lut.gemm_into {{.*}} : (memref<?x10xi8>, memref<?xf32>, memref<1x5x64xi8>, memref<1x1x64xf32>, memref<?x3xf32>) -> ()
  lut.gemm_into %m, %n, %b, %u to %y as <int, bits = 4> : (memref<?x10xi8>, memref<?xf32>, memref<1x5x64xi8>, memref<1x1x64xf32>, memref<?x3xf32>) -> ()
  return %0 : tensor<4x3xf32>
}

// What kernels read of rows: tables of one bit, the order of bytes of all others.
// CHECK-LABEL: @tables
func.func @tables(%q: tensor<2x3x64xi8>, %s: tensor<2x3xf32>, %c: tensor<8x3xui8>, %t: tensor<1x3xf32>, %r: memref<?x60xi8>, %o: memref<?xi8>, %p: memref<?xi32>, %to: tensor<6144xi8>, %u: tensor<6xi32>, %m: memref<?xf32>, %b: memref<30x3xi8>, %y: memref<?x3xf32>) -> tensor<2x3x3xf32> {
  // CHECK: %[[T:.*]], %[[S:.*]] = lut.precompute %{{.*}} for <int, bits = 1> : (tensor<2x3x64xi8>) -> (tensor<6144xi8>, tensor<6xi32>)
  %a, %e = lut.precompute %q for <int, bits = 1> : (tensor<2x3x64xi8>) -> (tensor<6144xi8>, tensor<6xi32>)
  // CHECK: lut.gemm %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} as <int, bits = 1> kernel of %[[T]], %[[S]] : {{.*}} -> tensor<2x3x3xf32>
  %0 = lut.gemm %q, %s, %c, %t as <int, bits = 1> kernel of %a, %e : (tensor<2x3x64xi8>, tensor<2x3xf32>, tensor<8x3xui8>, tensor<1x3xf32>, tensor<6144xi8>, tensor<6xi32>) -> tensor<2x3x3xf32>
  // CHECK: lut.precompute_into %{{.*}} to %{{.*}}, %{{.*}} for <int, bits = 1> : {{.*}} -> (tensor<6144xi8>, tensor<6xi32>)
  %1:2 = lut.precompute_into %q to %to, %u for <int, bits = 1> : (tensor<2x3x64xi8>, tensor<6144xi8>, tensor<6xi32>) -> (tensor<6144xi8>, tensor<6xi32>)
  // CHECK: lut.precompute_into %{{.*}} to %{{.*}}, %{{.*}} for <int, bits = 8, group = 20> : (memref<?x60xi8>, memref<?xi8>, memref<?xi32>) -> ()
  lut.precompute_into %r to %o, %p for <int, bits = 8, group = 20> : (memref<?x60xi8>, memref<?xi8>, memref<?xi32>) -> ()
  // CHECK: lut.gemm_into {{.*}} to %{{.*}} as <int, bits = 4> of %{{.*}}, %{{.*}} : (memref<?x60xi8>,
  %w = memref.alloc() : memref<1x3xf32>
  lut.gemm_into %r, %m, %b, %w to %y as <int, bits = 4> of %o, %p : (memref<?x60xi8>, memref<?xf32>, memref<30x3xi8>, memref<1x3xf32>, memref<?xi8>, memref<?xi32>, memref<?x3xf32>) -> ()
  return %0 : tensor<2x3x3xf32>
}

// CHECK-LABEL: @gptq
func.func @gptq(%w: tensor<2x10x3xf32>, %h: tensor<2x10x10xf32>) -> tensor<2x10x3xf32> {
  // CHECK: lut.gptq %{{.*}}, %{{.*}} as <int, bits = 3, group = 5> {damp = 1.000000e-01 : f64, ordered, searched} : (tensor<2x10x3xf32>, tensor<2x10x10xf32>) -> tensor<2x10x3xf32>
  %0 = lut.gptq %w, %h as <int, bits = 3, group = 5> {damp = 0.1 : f64, ordered, searched} : (tensor<2x10x3xf32>, tensor<2x10x10xf32>) -> tensor<2x10x3xf32>
  // CHECK: lut.gptq %{{.*}}, %{{.*}} as <int, bits = 3, group = 5> : (
  %1 = lut.gptq %0, %h as <int, bits = 3, group = 5> : (tensor<2x10x3xf32>, tensor<2x10x10xf32>) -> tensor<2x10x3xf32>
  return %1 : tensor<2x10x3xf32>
}

// CHECK-LABEL: @dictionary
func.func @dictionary(%w: tensor<2x10x3xf32>, %m: memref<12x2xi8>, %n: memref<4x4xi8>, %e: memref<65536x8xi8>, %y: memref<3x3xi8>) -> (tensor<2x10x3xf32>, tensor<2x3x3xui8>) {
  // CHECK: lut.dictionary : tensor<65536x8xui8>
  %d = lut.dictionary : tensor<65536x8xui8>
  // CHECK: lut.dictionary : tensor<65536x4xui8>
  %t = lut.dictionary : tensor<65536x4xui8>
  // Without a number there is room for any words: five for a column.
  // CHECK: lut.encode %{{.*}} as <dictionary> exact : {{.*}} -> (tensor<2x15x2xui8>, tensor<2x1x1xf32>, tensor<2x4x4xui8>)
  %c, %s, %b = lut.encode %w as <dictionary> exact : (tensor<2x10x3xf32>) -> (tensor<2x15x2xui8>, tensor<2x1x1xf32>, tensor<2x4x4xui8>)
  // CHECK: lut.encode %{{.*}} as <dictionary, words = 7, group = 5, scale = f16> : {{.*}} -> (tensor<2x7x2xui8>, tensor<2x2x3xf16>, tensor<2x4x4xui8>)
  %i, %j, %k = lut.encode %w as <dictionary, words = 7, group = 5, scale = f16> : (tensor<2x10x3xf32>) -> (tensor<2x7x2xui8>, tensor<2x2x3xf16>, tensor<2x4x4xui8>)
  // CHECK: lut.dequant {{.*}} as <dictionary> : (tensor<2x15x2xui8>, tensor<2x1x1xf32>, tensor<2x4x4xui8>, tensor<65536x8xui8>, tensor<65536x4xui8>) -> tensor<2x10x3xf32>
  %0 = lut.dequant %c, %s, %b, %d, %t as <dictionary> : (tensor<2x15x2xui8>, tensor<2x1x1xf32>, tensor<2x4x4xui8>, tensor<65536x8xui8>, tensor<65536x4xui8>) -> tensor<2x10x3xf32>
  // CHECK: lut.expand %{{.*}}, %{{.*}}, %{{.*}} of 10 : (tensor<2x15x2xui8>, tensor<2x4x4xui8>, tensor<65536x8xui8>) -> tensor<2x3x3xui8>
  %1 = lut.expand %c, %b, %d of 10 : (tensor<2x15x2xui8>, tensor<2x4x4xui8>, tensor<65536x8xui8>) -> tensor<2x3x3xui8>
  // CHECK: lut.expand_into %{{.*}}, %{{.*}}, %{{.*}} to %{{.*}} of 10 : (memref<12x2xi8>, memref<4x4xi8>, memref<65536x8xi8>, memref<3x3xi8>) -> ()
  lut.expand_into %m, %n, %e to %y of 10 : (memref<12x2xi8>, memref<4x4xi8>, memref<65536x8xi8>, memref<3x3xi8>) -> ()
  return %0, %1 : tensor<2x10x3xf32>, tensor<2x3x3xui8>
}
