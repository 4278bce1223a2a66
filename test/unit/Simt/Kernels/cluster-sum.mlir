// y[i] = the sum of x over the elements at the place of i in the four blocks of its cluster. 64 threads.
gpu.module @k {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<64 x f32>
  gpu.func @sum(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel
      attributes {known_block_size = array<i32: 64, 1, 1>, nvvm.cluster_dim = array<i32: 4, 1, 1>} {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c64 = arith.constant 64 : i32
    %zero = arith.constant 0.0 : f32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %block = nvvm.read.ptx.sreg.ctaid.x : i32
    %rank = nvvm.read.ptx.sreg.cluster.ctarank : i32
    %blocks = nvvm.read.ptx.sreg.cluster.nctarank : i32
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %first = arith.muli %block, %c64 : i32
    %i = arith.addi %first, %t : i32
    %from = llvm.getelementptr %x[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %to = llvm.getelementptr %y[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %value = llvm.load %from : !llvm.ptr<1> -> f32
    %mine = llvm.getelementptr %tile[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    llvm.store %value, %mine : f32, !llvm.ptr<3>
    nvvm.cluster.arrive {aligned}
    nvvm.cluster.wait {aligned} // filled
    // Each block begins with another one.
    %sum = scf.for %step = %c0 to %blocks step %c1 iter_args(%s = %zero) -> f32 : i32 {
      %next = arith.addi %step, %rank : i32
      %other = arith.remui %next, %blocks : i32
      %theirs = nvvm.mapa %mine, %other : !llvm.ptr<3> -> !llvm.ptr<7>
      %v = llvm.load %theirs : !llvm.ptr<7> -> f32
      %add = arith.addf %s, %v : f32
      scf.yield %add : f32
    }
    llvm.store %sum, %to : f32, !llvm.ptr<1>
    nvvm.cluster.arrive {aligned} // read
    nvvm.cluster.wait {aligned}
    gpu.return
  }
}
