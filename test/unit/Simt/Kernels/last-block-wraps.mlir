// y[0] = sum of x, as compiled programs add up pieces: fences and a counter that wraps.
gpu.module @k {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<1 x i32>
  gpu.func @sum(%x: !llvm.ptr<1>, %parts: !llvm.ptr<1>, %counter: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c64 = arith.constant 64 : i32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %block = nvvm.read.ptx.sreg.ctaid.x : i32
    %blocks = nvvm.read.ptx.sreg.nctaid.x : i32
    %last = arith.subi %blocks, %c1 : i32
    %told = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %isFirst = arith.cmpi eq, %t, %c0 : i32
    %part = llvm.getelementptr %parts[%block] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    scf.if %isFirst {
      %begin = arith.muli %block, %c64 : i32
      %sum = scf.for %k = %c0 to %c64 step %c1 iter_args(%before = %c0) -> (i32) : i32 {
        %i = arith.addi %begin, %k : i32
        %from = llvm.getelementptr %x[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
        %value = llvm.load %from : !llvm.ptr<1> -> i32
        %next = arith.addi %before, %value : i32
        scf.yield %next : i32
      }
      llvm.store %sum, %part : i32, !llvm.ptr<1>
      llvm.fence syncscope("device") release
      %number = llvm.atomicrmw uinc_wrap %counter, %last syncscope("device") monotonic : !llvm.ptr<1>, i32
      llvm.fence syncscope("device") acquire
      llvm.store %number, %told : i32, !llvm.ptr<3>
    }
    nvvm.barrier // told
    %mine = llvm.load %told : !llvm.ptr<3> -> i32
    %isLast = arith.cmpi eq, %mine, %last : i32
    %isMine = arith.cmpi ult, %t, %blocks : i32
    %takes = arith.andi %isLast, %isMine : i1
    scf.if %takes {
      %at = llvm.getelementptr %parts[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
      %piece = llvm.load %at : !llvm.ptr<1> -> i32
      %all = llvm.atomicrmw add %y, %piece syncscope("block") monotonic : !llvm.ptr<1>, i32
    }
    gpu.return
  }
}
