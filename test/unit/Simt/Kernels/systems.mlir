// y[i] = x[i] + x[63 - i] in rows of 64, by way of memory that each block has for itself. Blocks take rows in
// turns.
gpu.module @k {
  gpu.func @systems(%x: !llvm.ptr<1>, %scratch: !llvm.ptr<1>, %y: !llvm.ptr<1>, %rows: i32) kernel {
    %c63 = arith.constant 63 : i32
    %c64 = arith.constant 64 : i32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %block = nvvm.read.ptx.sreg.ctaid.x : i32
    %blocks = nvvm.read.ptx.sreg.nctaid.x : i32
    %own = arith.muli %block, %c64 : i32
    %mirror = arith.subi %c63, %t : i32
    scf.for %row = %block to %rows step %blocks : i32 {
      %first = arith.muli %row, %c64 : i32
      %i = arith.addi %first, %t : i32
      %from = llvm.getelementptr %x[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
      %value = llvm.load %from : !llvm.ptr<1> -> i32
      %o = arith.addi %own, %t : i32
      %mine = llvm.getelementptr %scratch[%o] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
      llvm.store %value, %mine : i32, !llvm.ptr<1>
      nvvm.barrier // written
      %p = arith.addi %own, %mirror : i32
      %other = llvm.getelementptr %scratch[%p] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
      %theirs = llvm.load %other : !llvm.ptr<1> -> i32
      %sum = arith.addi %value, %theirs : i32
      %to = llvm.getelementptr %y[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
      llvm.store %sum, %to : i32, !llvm.ptr<1>
      nvvm.barrier // read
    }
    gpu.return
  }
}
