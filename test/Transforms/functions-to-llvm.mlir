// RUN: mad-opt --mad-functions-to-llvm %s | FileCheck %s

// Functions and globals become what convert-to-llvm makes of the whole module, calls among them too.
// CHECK:     llvm.mlir.global private constant @table({{.*}}) {{.*}} : !llvm.array<4 x f32>
// CHECK:     llvm.func @abs(f32) -> f32
// CHECK-NOT: func.func
// CHECK:     llvm.func @part(%{{.*}}: !llvm.ptr
// CHECK:       llvm.mlir.addressof @table
// CHECK:       llvm.call @abs(%{{.*}}) : (f32) -> f32
// CHECK:     llvm.func @whole(
// CHECK:       llvm.call @part(
memref.global "private" constant @table : memref<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]>
func.func private @abs(f32) -> f32
func.func private @part(%x: memref<4xf32>, %i: index) -> f32 {
  %table = memref.get_global @table : memref<4xf32>
  %a = memref.load %table[%i] : memref<4xf32>
  %b = memref.load %x[%i] : memref<4xf32>
  %sum = arith.addf %a, %b : f32
  %abs = call @abs(%sum) : (f32) -> f32
  return %abs : f32
}
func.func @whole(%x: memref<4xf32>, %flag: i1) -> f32 {
  %c1 = arith.constant 1 : index
  %y = call @part(%x, %c1) : (memref<4xf32>, index) -> f32
  cf.cond_br %flag, ^next(%y : f32), ^next(%y : f32)
^next(%z: f32):
  return %z : f32
}
