// y[0] = sum of x. Two warps of each block read x[0], one behind a named barrier; there are no fences.
gpu.module @k {
  gpu.func @sum(%x: !llvm.ptr<1>, %parts: !llvm.ptr<1>, %counter: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c4 = arith.constant 4 : i32
    %c5 = arith.constant 5 : i32
    %c32 = arith.constant 32 : i32
    %c64 = arith.constant 64 : i32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %block = nvvm.read.ptx.sreg.ctaid.x : i32
    %isFirst = arith.cmpi eq, %t, %c0 : i32
    %isOther = arith.cmpi eq, %t, %c32 : i32
    %first = arith.muli %block, %c64 : i32
    %i = arith.addi %first, %t : i32
    %from = llvm.getelementptr %x[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    %value = llvm.load %from : !llvm.ptr<1> -> i32
    %before = llvm.atomicrmw add %y, %value syncscope("device") monotonic : !llvm.ptr<1>, i32
    scf.if %isFirst {
      %one = llvm.load volatile %x : !llvm.ptr<1> -> i32
    }
    nvvm.barrier id = %c1 number_of_threads = %c64
    scf.if %isOther {
      %two = llvm.load volatile %x : !llvm.ptr<1> -> i32
      %number = llvm.atomicrmw add %counter, %c1 syncscope("device") monotonic : !llvm.ptr<1>, i32
      %isLast = arith.cmpi eq, %number, %c4 : i32
      scf.if %isLast {
        %five = llvm.atomicrmw sub %counter, %c5 syncscope("device") monotonic : !llvm.ptr<1>, i32
      }
    }
    gpu.return
  }
}
