// What the operations of a warp say, 16 words a lane.
gpu.module @k {
  gpu.func @votes(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c3 = arith.constant 3 : i32
    %c4 = arith.constant 4 : i32
    %c16 = arith.constant 16 : i32
    %clamp = arith.constant 31 : i32
    %up = arith.constant 0 : i32
    %quads = arith.constant 7199 : i32 // segments of 4: 0x1c1f
    %all = arith.constant -1 : i32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %from = llvm.getelementptr %x[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    %v = llvm.load %from : !llvm.ptr<1> -> i32
    %small = arith.cmpi ult, %v, %c16 : i32
    %0 = nvvm.shfl.sync up %all, %v, %c3, %up : i32 -> i32
    %1 = nvvm.shfl.sync down %all, %v, %c3, %clamp : i32 -> i32
    %2 = nvvm.shfl.sync idx %all, %v, %c3, %clamp : i32 -> i32
    %3 = nvvm.shfl.sync idx %all, %v, %c3, %quads : i32 -> i32
    %4 = nvvm.vote.sync ballot %all, %small -> i32
    %p5 = nvvm.vote.sync any %all, %small -> i1
    %5 = arith.extui %p5 : i1 to i32
    %p6 = nvvm.vote.sync all %all, %small -> i1
    %6 = arith.extui %p6 : i1 to i32
    %7 = nvvm.redux.sync add %v, %all : i32 -> i32
    %8 = nvvm.redux.sync umax %v, %all : i32 -> i32
    %9 = nvvm.redux.sync xor %v, %all : i32 -> i32
    %10 = nvvm.match.sync any %all, %v : i32 -> i32
    %p11 = nvvm.elect.sync -> i1
    %11 = arith.extui %p11 : i1 to i32
    %12 = nvvm.read.ptx.sreg.lanemask.lt : i32
    %q = nvvm.shfl.sync down %all, %v, %c4, %clamp {return_value_and_is_valid} : i32 -> !llvm.struct<(i32, i1)>
    %13 = llvm.extractvalue %q[0] : !llvm.struct<(i32, i1)>
    %p14 = llvm.extractvalue %q[1] : !llvm.struct<(i32, i1)>
    %14 = arith.extui %p14 : i1 to i32
    %15 = nvvm.inline_ptx "lop3.b32 $0, $1, $2, $3, 0xea;" ro(%v, %c3, %c16 : i32, i32, i32) -> i32
    %words = vector.from_elements %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15 : vector<16xi32>
    %at = arith.muli %t, %c16 : i32
    %to = llvm.getelementptr %y[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %words, %to {alignment = 16 : i64} : vector<16xi32>, !llvm.ptr<1>
    gpu.return
  }
}
