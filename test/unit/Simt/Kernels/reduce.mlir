// y[block] = sum of 256 of x. A tree in shared memory.
gpu.module @k {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<256 x f32>
  gpu.func @reduce(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c8 = arith.constant 8 : i32
    %half = arith.constant 128 : i32
    %size = arith.constant 256 : i32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %block = nvvm.read.ptx.sreg.ctaid.x : i32
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %first = arith.muli %block, %size : i32
    %i = arith.addi %first, %t : i32
    %from = llvm.getelementptr %x[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %value = llvm.load %from : !llvm.ptr<1> -> f32
    %mine = llvm.getelementptr %tile[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    llvm.store %value, %mine : f32, !llvm.ptr<3>
    nvvm.barrier // filled
    scf.for %step = %c0 to %c8 step %c1 : i32 {
      %stride = arith.shrui %half, %step : i32
      %works = arith.cmpi ult, %t, %stride : i32
      scf.if %works {
        %o = arith.addi %t, %stride : i32
        %other = llvm.getelementptr %tile[%o] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
        %a = llvm.load %mine : !llvm.ptr<3> -> f32
        %b = llvm.load %other : !llvm.ptr<3> -> f32
        %sum = arith.addf %a, %b : f32
        llvm.store %sum, %mine : f32, !llvm.ptr<3>
      }
      nvvm.barrier // added
    }
    %is0 = arith.cmpi eq, %t, %c0 : i32
    scf.if %is0 {
      %total = llvm.load %mine : !llvm.ptr<3> -> f32
      %to = llvm.getelementptr %y[%block] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
      llvm.store %total, %to : f32, !llvm.ptr<1>
    }
    gpu.return
  }
}
