// RUN: mad-opt %s -mad-gpu-arguments | FileCheck %s --check-prefix=ARGUMENTS
// RUN: mad-opt %s -mad-gpu-arguments -mad-gpu-to-runtime -canonicalize -cse | FileCheck %s

// A tensor map is an argument of its own: a pointer without a space, on both sides.
// ARGUMENTS-LABEL: func @f(
// ARGUMENTS: %[[MAP:.*]] = builtin.unrealized_conversion_cast %{{.*}} : memref<?x?x64xbf16> to !llvm.ptr {boxes = array<i32: 64, 128, 1>}
// ARGUMENTS: gpu.launch_func @kernels_sm_90a::@k {{.*}} args(%{{.*}} : i32, %[[MAP]] : !llvm.ptr, %{{.*}} : !llvm.ptr<1>)
// ARGUMENTS: gpu.func @k(%{{.*}}: i32, %[[IN:.*]]: !llvm.ptr, %{{.*}}: !llvm.ptr<1>)
// ARGUMENTS: llvm.load %[[IN]] : !llvm.ptr

// The device is asked for its chip and its size; the launch is given the map itself, and the next launch
// a cell in its place again.
// CHECK-NOT: func.func private
// CHECK-LABEL: func @f(
// CHECK-SAME: %[[X:.*]]: memref<?x?x64xbf16>, %{{.*}}: !llvm.ptr)
// CHECK-DAG: %[[MAPS:.*]] = llvm.alloca %c128{{.*}} x i8 {alignment = 128 : i64}
// CHECK-DAG: %[[BOXES:.*]] = llvm.alloca %c18{{.*}} x i64
// CHECK: %[[CHIP:.*]] = llvm.getelementptr %arg1[32]
// CHECK: llvm.load %[[CHIP]] : !llvm.ptr -> i32
// CHECK: %[[MANY:.*]] = llvm.getelementptr %arg1[36]
// CHECK: llvm.load %[[MANY]] : !llvm.ptr -> i32
// bf16, rank 3
// CHECK: llvm.store %c6{{.*}}, %[[BOXES]]
// CHECK: llvm.store %c3
// CHECK: %[[FUNCTION:.*]] = llvm.getelementptr %arg1[40]
// CHECK: %[[CODE:.*]] = llvm.load %[[FUNCTION]]
// CHECK: llvm.call %[[CODE]](%{{.*}}, %[[MAPS]], %[[BOXES]]) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
// CHECK: llvm.store %[[MAPS]], %[[SLOT:.*]] : !llvm.ptr, !llvm.ptr
// CHECK: llvm.call
// CHECK: llvm.store %{{.*}}, %[[SLOT]] : !llvm.ptr, !llvm.ptr
module attributes {gpu.container_module} {
  func.func private @mad.device_chip() -> i32
  func.func private @mad.device_multiprocessors() -> i32
  func.func @f(%x: memref<?x?x64xbf16>) attributes {entry = {}} {
    %one = arith.constant 1 : index
    %chip = call @mad.device_chip() : () -> i32
    %many = call @mad.device_multiprocessors() : () -> i32
    %sum = arith.addi %chip, %many : i32
    gpu.launch_func @kernels_sm_90a::@k blocks in (%one, %one, %one) threads in (%one, %one, %one)
        args(%x : memref<?x?x64xbf16>, %sum : i32, %x : memref<?x?x64xbf16>)
    return
  }
  gpu.module @kernels_sm_90a {
    gpu.func @k(%map: memref<?x?x64xbf16> {mad.boxes = array<i32: 64, 128, 1>}, %n: i32, %x: memref<?x?x64xbf16>) kernel {
      %0 = builtin.unrealized_conversion_cast %map : memref<?x?x64xbf16> to !llvm.ptr
      %1 = llvm.load %0 : !llvm.ptr -> i32
      %2 = builtin.unrealized_conversion_cast %x : memref<?x?x64xbf16> to !llvm.ptr<1>
      llvm.store %1, %2 : i32, !llvm.ptr<1>
      gpu.return
    }
  }
}
