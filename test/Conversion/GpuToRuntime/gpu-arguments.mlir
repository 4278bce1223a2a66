// RUN: mad-opt %s -mad-gpu-arguments | FileCheck %s

// A pointer to the first element; what is known of sizes and strides is not passed, nor what the
// kernel does not ask for.
// CHECK-LABEL: func @launch(
// CHECK-SAME: %[[X:.*]]: memref<4x8xf32>, %[[Y:.*]]: memref<?x8xf32, strided<[?, 1], offset: ?>>, %[[Z:.*]]: memref<?xf16>, %[[N:.*]]: index
// CHECK: memref.extract_aligned_pointer_as_index %[[X]]
// CHECK: %{{.*}}, %[[OFFSET:.*]], %[[SIZES:.*]]:2, %[[STRIDES:.*]]:2 = memref.extract_strided_metadata %[[Y]]
// CHECK: %[[START:.*]] = memref.extract_aligned_pointer_as_index %[[Y]]
// CHECK: %[[BYTES:.*]] = arith.muli %[[OFFSET]], %c4
// CHECK: arith.addi %[[START]], %[[BYTES]]
// CHECK: arith.index_cast %[[SIZES]]#0
// CHECK: arith.index_cast %[[STRIDES]]#0
// CHECK: gpu.launch_func @kernels::@k {{.*}} args(%[[N]] : index, %{{.*}} : !llvm.ptr<1>, %{{.*}} : !llvm.ptr<1>, %{{.*}} : i64, %{{.*}} : i64, %{{.*}} : !llvm.ptr<1>)
module attributes {gpu.container_module} {
func.func @launch(%x: memref<4x8xf32>, %y: memref<?x8xf32, strided<[?, 1], offset: ?>>, %z: memref<?xf16>,
                  %n: index) {
  %one = arith.constant 1 : index
  gpu.launch_func @kernels::@k blocks in (%one, %one, %one) threads in (%one, %one, %one)
      args(%x : memref<4x8xf32>, %n : index, %y : memref<?x8xf32, strided<[?, 1], offset: ?>>, %z : memref<?xf16>)
  return
}


// CHECK: gpu.func @k(%[[I:.*]]: index, %[[PX:.*]]: !llvm.ptr<1>, %[[PY:.*]]: !llvm.ptr<1>, %{{.*}}: i64, %{{.*}}: i64, %[[PZ:.*]]: !llvm.ptr<1> {llvm.noalias})
// CHECK: llvm.insertvalue %[[PX]]
// CHECK: memref.load
// CHECK: llvm.load %[[PZ]]
gpu.module @kernels {
  gpu.func @k(%x: memref<4x8xf32>, %i: index, %y: memref<?x8xf32, strided<[?, 1], offset: ?>>,
              %z: memref<?xf16> {llvm.noalias}) kernel {
    %0 = memref.load %x[%i, %i] : memref<4x8xf32>
    memref.store %0, %y[%i, %i] : memref<?x8xf32, strided<[?, 1], offset: ?>>
    %1 = builtin.unrealized_conversion_cast %z : memref<?xf16> to !llvm.ptr<1>
    %2 = llvm.load %1 : !llvm.ptr<1> -> f16
    memref.store %0, %y[%i, %i] : memref<?x8xf32, strided<[?, 1], offset: ?>>
    gpu.return
  }
}
}
