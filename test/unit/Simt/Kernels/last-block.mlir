// y[0] = sum of x. Each block of 64 threads adds up its part; the one that comes last, by a counter,
// adds up the parts.
gpu.module @k {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<65 x i32>
  gpu.func @sum(%x: !llvm.ptr<1>, %parts: !llvm.ptr<1>, %counter: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c64 = arith.constant 64 : i32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %block = nvvm.read.ptx.sreg.ctaid.x : i32
    %blocks = nvvm.read.ptx.sreg.nctaid.x : i32
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %told = llvm.getelementptr %tile[64] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i32
    %isFirst = arith.cmpi eq, %t, %c0 : i32
    %first = arith.muli %block, %c64 : i32
    %i = arith.addi %first, %t : i32
    %from = llvm.getelementptr %x[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    %value = llvm.load %from : !llvm.ptr<1> -> i32
    %part = llvm.getelementptr %parts[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %value, %part : i32, !llvm.ptr<1>
    nvvm.barrier // written
    scf.if %isFirst {
      nvvm.memory.barrier #nvvm.mem_scope<gpu> // release
      %before = llvm.atomicrmw add %counter, %c1 syncscope("device") monotonic : !llvm.ptr<1>, i32
      nvvm.memory.barrier #nvvm.mem_scope<gpu> // acquire
      llvm.store %before, %told : i32, !llvm.ptr<3>
    }
    nvvm.barrier // told
    %number = llvm.load %told : !llvm.ptr<3> -> i32
    %last = arith.subi %blocks, %c1 : i32
    %isLast = arith.cmpi eq, %number, %last : i32
    scf.if %isLast {
      // Each thread adds up its elements of all parts.
      %total = scf.for %b = %c0 to %blocks step %c1 iter_args(%sum = %c0) -> (i32) : i32 {
        %start = arith.muli %b, %c64 : i32
        %k = arith.addi %start, %t : i32
        %at = llvm.getelementptr %parts[%k] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
        %more = llvm.load %at : !llvm.ptr<1> -> i32
        %next = arith.addi %sum, %more : i32
        scf.yield %next : i32
      }
      %all = llvm.atomicrmw add %y, %total syncscope("block") monotonic : !llvm.ptr<1>, i32
      // The next launch begins at zero.
      scf.if %isFirst { llvm.store %c0, %counter : i32, !llvm.ptr<1> }
    }
    gpu.return
  }
}
