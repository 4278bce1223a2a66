// Pairs of blocks, a cluster each, exchange 64 numbers by memory of the device: y of a block is x of the other
// one. Bytes, so that blocks write to the same words.
gpu.module @k {
  gpu.func @exchange(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel attributes {nvvm.cluster_dim = array<i32: 2>} {
    %c1 = arith.constant 1 : i32
    %c2 = arith.constant 2 : i32
    %c8 = arith.constant 8 : i32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %block = nvvm.read.ptx.sreg.ctaid.x : i32
    %blocks = nvvm.read.ptx.sreg.nctaid.x : i32
    %neighbour = arith.xori %block, %c1 : i32
    // Thread t of all blocks writes beside one another.
    %first = arith.muli %t, %blocks : i32
    %i = arith.addi %first, %block : i32
    %j = arith.addi %first, %neighbour : i32
    %value = arith.trunci %i : i32 to i8
    %mine = llvm.getelementptr %x[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i8
    llvm.store %value, %mine : i8, !llvm.ptr<1>
    nvvm.cluster.arrive {aligned}
    nvvm.cluster.wait {aligned} // written
    %theirs = llvm.getelementptr %x[%j] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i8
    %other = llvm.load %theirs : !llvm.ptr<1> -> i8
    %to = llvm.getelementptr %y[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i8
    llvm.store %other, %to : i8, !llvm.ptr<1>
    gpu.return
  }
}
