// y[warp of the grid] = sum of its 32 lanes, by shuffles; 128 threads a block.
gpu.module @k {
  gpu.func @shuffle(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c5 = arith.constant 5 : i32
    %c16 = arith.constant 16 : i32
    %c32 = arith.constant 32 : i32
    %c128 = arith.constant 128 : i32
    %clamp = arith.constant 31 : i32
    %mask = arith.constant -1 : i32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %block = nvvm.read.ptx.sreg.ctaid.x : i32
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %first = arith.muli %block, %c128 : i32
    %i = arith.addi %first, %t : i32
    %from = llvm.getelementptr %x[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %value = llvm.load %from : !llvm.ptr<1> -> f32
    %sum = scf.for %step = %c0 to %c5 step %c1 iter_args(%s = %value) -> (f32) : i32 {
      %distance = arith.shrui %c16, %step : i32
      %other = nvvm.shfl.sync bfly %mask, %s, %distance, %clamp : f32 -> f32
      %next = arith.addf %s, %other : f32
      scf.yield %next : f32
    }
    %is0 = arith.cmpi eq, %lane, %c0 : i32
    scf.if %is0 {
      %w = arith.divui %i, %c32 : i32
      %to = llvm.getelementptr %y[%w] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
      llvm.store %sum, %to : f32, !llvm.ptr<1>
    }
    gpu.return
  }
}
