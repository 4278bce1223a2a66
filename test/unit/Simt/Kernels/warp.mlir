// Each warp turns 32 bytes around in its own piece of shared memory; 64 threads.
gpu.module @k {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<64 x i8>
  gpu.func @warp(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
    %c31 = arith.constant 31 : i32
    %mask = arith.constant -1 : i32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %from = llvm.getelementptr %x[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i8
    %to = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i8
    %mine = llvm.getelementptr %tile[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %o = arith.xori %t, %c31 : i32
    %other = llvm.getelementptr %tile[%o] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    %v = llvm.load %from : !llvm.ptr<1> -> i8
    llvm.store %v, %mine : i8, !llvm.ptr<3>
    nvvm.bar.warp.sync %mask : i32
    %w = llvm.load %other : !llvm.ptr<3> -> i8
    llvm.store %w, %to : i8, !llvm.ptr<1>
    gpu.return
  }
}
