// y[0] = sum over all threads of the grid of 2, by atomics.
gpu.module @k {
  gpu.func @blocks(%y: !llvm.ptr<1>) kernel {
    %two = arith.constant 2 : i32
    %old = llvm.atomicrmw add %y, %two syncscope("device") monotonic : !llvm.ptr<1>, i32
    gpu.return
  }
}
