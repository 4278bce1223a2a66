// Four groups of 64 threads reverse 64 numbers each, twice, with a barrier of their own.
gpu.module @k {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<256 x i32>
  gpu.func @named(%x: !llvm.ptr<1>) kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c2 = arith.constant 2 : i32
    %c63 = arith.constant 63 : i32
    %c64 = arith.constant 64 : i32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %group = arith.divui %t, %c64 : i32
    %id = arith.addi %group, %c1 : i32
    %count = arith.constant 64 : i32
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %mine = llvm.getelementptr %tile[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %o = arith.xori %t, %c63 : i32
    %other = llvm.getelementptr %tile[%o] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %at = llvm.getelementptr %x[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    scf.for %k = %c0 to %c2 step %c1 : i32 {
      %v = llvm.load %at : !llvm.ptr<1> -> i32
      llvm.store %v, %mine : i32, !llvm.ptr<3>
      nvvm.barrier id = %id number_of_threads = %count // written
      %w = llvm.load %other : !llvm.ptr<3> -> i32
      %u = arith.addi %w, %c1 : i32
      llvm.store %u, %at : i32, !llvm.ptr<1>
      nvvm.barrier id = %id number_of_threads = %count // read
    }
    gpu.return
  }
}
