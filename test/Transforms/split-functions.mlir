// RUN: mad-opt --mad-split-functions="max-loops=2 max-ops=1000" %s | FileCheck %s

// Two loops a part. What a part uses comes in as arguments, constants and views are made again; what is
// used behind it goes out.
// CHECK-LABEL: func.func @long(
// CHECK-SAME:    %[[X:.*]]: memref<8xf32>, %[[ARENA:.*]]: memref<?xi8>) {
// CHECK-NOT:     scf.for
// CHECK:         %[[SUM:.*]] = call @[[ONE:.*]](%{{.*}}) : ({{.*}}) -> f32
// CHECK-NOT:     scf.for
// CHECK:         call @[[TWO:.*]](%{{.*}}) : ({{.*}}f32{{.*}}) -> ()
// CHECK:         return
//      CHECK: func.func private @[[TWO]](
// CHECK-SAME:   f32
// CHECK-SAME:   attributes {llvm.linkage = #llvm.linkage<internal>, passthrough = ["noinline"]} {
//      CHECK:   arith.constant 64 : index
//      CHECK:   memref.view
//      CHECK:   scf.for
//      CHECK:   scf.for
//      CHECK:   return
//      CHECK: func.func private @[[ONE]](
//      CHECK:   memref.view
//      CHECK:   %[[S:.*]] = scf.for
//      CHECK:   scf.for
//      CHECK:   return %[[S]] : f32
func.func @long(%x: memref<8xf32>, %arena: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %y = memref.view %arena[%c64][] : memref<?xi8> to memref<8xf32>
  %sum = scf.for %i = %c0 to %c8 step %c1 iter_args(%s = %zero) -> f32 {
    %v = memref.load %x[%i] : memref<8xf32>
    %n = arith.addf %s, %v : f32
    scf.yield %n : f32
  }
  scf.for %i = %c0 to %c8 step %c1 {
    %v = memref.load %x[%i] : memref<8xf32>
    memref.store %v, %y[%i] : memref<8xf32>
  }
  scf.for %i = %c0 to %c8 step %c1 {
    %v = memref.load %y[%i] : memref<8xf32>
    %w = arith.mulf %v, %sum : f32
    memref.store %w, %y[%i] : memref<8xf32>
  }
  scf.for %i = %c0 to %c8 step %c1 {
    %v = memref.load %y[%i] : memref<8xf32>
    memref.store %v, %x[%i] : memref<8xf32>
  }
  return
}

// A check ends the run of the entry: it stays there.
// CHECK-LABEL: func.func @checked(
// CHECK:         call @
// CHECK:         scf.for
// CHECK:           cf.assert
// CHECK:         call @
func.func @checked(%x: memref<8xf32>, %k: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  scf.for %i = %c0 to %c8 step %c1 {
    memref.store %zero, %x[%i] : memref<8xf32>
  }
  scf.for %i = %c0 to %c8 step %c1 {
    memref.store %zero, %x[%i] : memref<8xf32>
  }
  scf.for %i = %c0 to %c8 step %c1 {
    cf.assert %k, "0"
  }
  scf.for %i = %c0 to %c8 step %c1 {
    memref.store %zero, %x[%i] : memref<8xf32>
  }
  scf.for %i = %c0 to %c8 step %c1 {
    memref.store %zero, %x[%i] : memref<8xf32>
  }
  return
}

// Short enough.
// CHECK-LABEL: func.func @short(
// CHECK:         scf.for
// CHECK-NOT:     call
// CHECK:         return
func.func @short(%x: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  scf.for %i = %c0 to %c8 step %c1 {
    memref.store %zero, %x[%i] : memref<8xf32>
  }
  return
}

// Stack memory stays in the first function and comes in as an argument.
// CHECK-LABEL: func.func @stack(
// CHECK:         %[[A:.*]] = memref.alloca
// CHECK:         call @{{.*}}(%[[A]]) : (memref<8xf32>) -> ()
// CHECK:         call @{{.*}}%[[A]]
// CHECK:         return
func.func @stack(%x: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %a = memref.alloca() : memref<8xf32>
  scf.for %i = %c0 to %c8 step %c1 {
    memref.store %zero, %a[%i] : memref<8xf32>
  }
  scf.for %i = %c0 to %c8 step %c1 {
    memref.store %zero, %a[%i] : memref<8xf32>
  }
  scf.for %i = %c0 to %c8 step %c1 {
    %v = memref.load %a[%i] : memref<8xf32>
    memref.store %v, %x[%i] : memref<8xf32>
  }
  scf.for %i = %c0 to %c8 step %c1 {
    %v = memref.load %x[%i] : memref<8xf32>
    memref.store %v, %x[%i] : memref<8xf32>
  }
  return
}

// Kernels are as long as they must be.
// CHECK-LABEL: func.func private @kernel(
// CHECK-NOT: call
// CHECK-COUNT-4: scf.for
// CHECK: return
func.func private @kernel(%x: memref<8xf32>) attributes {kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  scf.for %i = %c0 to %c8 step %c1 { memref.store %zero, %x[%i] : memref<8xf32> }
  scf.for %i = %c0 to %c8 step %c1 { memref.store %zero, %x[%i] : memref<8xf32> }
  scf.for %i = %c0 to %c8 step %c1 { memref.store %zero, %x[%i] : memref<8xf32> }
  scf.for %i = %c0 to %c8 step %c1 { memref.store %zero, %x[%i] : memref<8xf32> }
  return
}
