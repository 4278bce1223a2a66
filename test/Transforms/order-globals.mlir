// RUN: mad-opt --mad-order-globals %s | FileCheck %s

// In the order of the uses, whatever the order before; other globals stay.
//      CHECK: module
// CHECK-NEXT:   memref.global "private" constant @__constant_2xf32 : memref<2xf32> = dense<3.0
// CHECK-NEXT:   memref.global "private" constant @__constant_1x2xi8 : memref<1x2xi8>
// CHECK-NEXT:   memref.global "private" constant @__constant_2xf32_0 : memref<2xf32> = dense<1.0
// CHECK-NEXT:   memref.global "private" constant @table
memref.global "private" constant @__constant_1x2xi8 : memref<1x2xi8> = dense<7>
memref.global "private" constant @__constant_2xf32 : memref<2xf32> = dense<1.0>
memref.global "private" constant @table : memref<2xf32> = dense<2.0>
memref.global "private" constant @__constant_2xf32_5 : memref<2xf32> = dense<3.0>

// CHECK-LABEL: func.func @f
//  CHECK-NEXT:   memref.get_global @__constant_2xf32 :
//  CHECK-NEXT:   memref.get_global @__constant_1x2xi8 :
//  CHECK-NEXT:   memref.get_global @table :
//  CHECK-NEXT:   memref.get_global @__constant_2xf32_0 :
//  CHECK-NEXT:   return
// CHECK-LABEL: func.func @g
//  CHECK-NEXT:   memref.get_global @__constant_2xf32 :
func.func @f() -> (memref<2xf32>, memref<1x2xi8>, memref<2xf32>, memref<2xf32>) {
  %a = memref.get_global @__constant_2xf32_5 : memref<2xf32>
  %b = memref.get_global @__constant_1x2xi8 : memref<1x2xi8>
  %c = memref.get_global @table : memref<2xf32>
  %d = memref.get_global @__constant_2xf32 : memref<2xf32>
  return %a, %b, %c, %d : memref<2xf32>, memref<1x2xi8>, memref<2xf32>, memref<2xf32>
}
func.func @g() -> memref<2xf32> {
  %a = memref.get_global @__constant_2xf32_5 : memref<2xf32>
  return %a : memref<2xf32>
}
