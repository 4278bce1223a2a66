// Writes 32 rows of 64 numbers, twice, through a tile and the tensor unit; 64 threads.
gpu.module @k {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<4096 x i8>
  gpu.func @store(%map: !llvm.ptr) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c2 = arith.constant 2 : i32
    %c4 = arith.constant 4 : i32
    %c7 = arith.constant 7 : i32
    %c32 = arith.constant 32 : i32
    %c64 = arith.constant 64 : i32
    %c112 = arith.constant 112 : i32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %is0 = arith.cmpi eq, %t, %c0 : i32
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    scf.for %half = %c0 to %c2 step %c1 : i32 {
      %first = arith.muli %half, %c32 : i32
      scf.for %row = %c0 to %c32 step %c1 : i32 {
        %r = arith.addi %first, %row : i32
        %product = arith.muli %r, %c64 : i32
        %number = arith.addi %product, %t : i32
        %value = arith.trunci %number : i32 to i16
        // The swizzle: chunks of 16 bytes change places within 128 bytes.
        %rows = arith.muli %row, %c64 : i32
        %place = arith.addi %rows, %t : i32
        %byte = arith.muli %place, %c2 : i32
        %swap = arith.andi %row, %c7 : i32
        %bits = arith.shli %swap, %c4 : i32
        %at = arith.xori %byte, %bits : i32
        %to = llvm.getelementptr %tile[%at] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
        llvm.store %value, %to : i16, !llvm.ptr<3>
      }
      nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
      nvvm.barrier // written
      scf.if %is0 {
        nvvm.cp.async.bulk.tensor.global.shared.cta %map, %tile, box [%c0, %first] : !llvm.ptr, !llvm.ptr<3>
        nvvm.cp.async.bulk.commit.group
        nvvm.cp.async.bulk.wait_group 0 {read}
      }
      nvvm.barrier // stored
    }
    gpu.return
  }
}
