// y[b, i] = (b + 1) * the sum of x[., i] over six tiles of 64 numbers, which the two blocks b of a cluster share: each
// copies a half of a tile to both. A ring of two stages; 64 threads add, the 65th one copies.
gpu.module @k {
  // Two tiles, then two mbarriers for full ones and two for empty ones.
  llvm.mlir.global internal @memory() {addr_space = 3 : i32, alignment = 128 : i64} : !llvm.array<544 x i8>
  gpu.func @share(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>) kernel
      attributes {known_block_size = array<i32: 96, 1, 1>, nvvm.cluster_dim = array<i32: 2, 1, 1>} {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c2 = arith.constant 2 : i32
    %c6 = arith.constant 6 : i32
    %c8 = arith.constant 8 : i32
    %c16 = arith.constant 16 : i32
    %c64 = arith.constant 64 : i32
    %half = arith.constant 128 : i32
    %whole = arith.constant 256 : i32
    %ticks = arith.constant 1000 : i32
    %arrivals = arith.constant 128 : i32
    %both = arith.constant 3 : i16
    %zero = arith.constant 0.0 : f32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %block = nvvm.read.ptx.sreg.ctaid.x : i32
    %rank = nvvm.read.ptx.sreg.cluster.ctarank : i32
    %tiles = llvm.mlir.addressof @memory : !llvm.ptr<3>
    %full = llvm.getelementptr %tiles[512] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %is0 = arith.cmpi eq, %t, %c0 : i32
    scf.if %is0 {
      scf.for %s = %c0 to %c2 step %c1 : i32 {
        %f = llvm.getelementptr %full[%s] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
        %e = llvm.getelementptr %f[2] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i64
        nvvm.mbarrier.init %f, %c1 : !llvm.ptr<3>, i32
        nvvm.mbarrier.init %e, %arrivals : !llvm.ptr<3>, i32
      }
      nvvm.fence.mbarrier.init
    }
    nvvm.cluster.arrive {aligned}
    nvvm.cluster.wait {aligned} // made
    %copies = arith.cmpi eq, %t, %c64 : i32
    scf.if %copies {
      scf.for %k = %c0 to %c6 step %c1 : i32 {
        %s = arith.remui %k, %c2 : i32
        %round = arith.divui %k, %c2 : i32
        %phase = arith.addi %round, %c1 : i32
        %parity = arith.andi %phase, %c1 : i32
        %f = llvm.getelementptr %full[%s] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
        %e = llvm.getelementptr %f[2] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i64
        nvvm.mbarrier.try_wait.parity %e, %parity, %ticks : !llvm.ptr<3>, i32, i32
        nvvm.mbarrier.arrive.expect_tx %f, %whole : !llvm.ptr<3>, i32
        %place = arith.muli %rank, %half : i32
        %stage = arith.muli %s, %whole : i32
        %tile = arith.muli %k, %whole : i32
        %in = arith.addi %stage, %place : i32
        %out = arith.addi %tile, %place : i32
        %to = llvm.getelementptr %tiles[%in] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
        %anywhere = llvm.addrspacecast %to : !llvm.ptr<3> to !llvm.ptr<7>
        %from = llvm.getelementptr %x[%out] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i8
        nvvm.cp.async.bulk.shared.cluster.global %anywhere, %from, %f, %half multicast_mask = %both : !llvm.ptr<7>, !llvm.ptr<1>
      }
    }
    %adds = arith.cmpi ult, %t, %c64 : i32
    scf.if %adds {
      %number = arith.addi %rank, %c1 : i32
      %factor = arith.uitofp %number : i32 to f32
      %sum = scf.for %k = %c0 to %c6 step %c1 iter_args(%sum = %zero) -> f32 : i32 {
        %s = arith.remui %k, %c2 : i32
        %round = arith.divui %k, %c2 : i32
        %parity = arith.andi %round, %c1 : i32
        %f = llvm.getelementptr %full[%s] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
        %e = llvm.getelementptr %f[2] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i64
        nvvm.mbarrier.try_wait.parity %f, %parity, %ticks : !llvm.ptr<3>, i32, i32 // full
        %stage = arith.muli %s, %c64 : i32
        %at = arith.addi %stage, %t : i32
        %mine = llvm.getelementptr %tiles[%at] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
        %v = llvm.load %mine : !llvm.ptr<3> -> f32
        scf.for %other = %c0 to %c2 step %c1 : i32 {
          %theirs = nvvm.mapa %e, %other : !llvm.ptr<3> -> !llvm.ptr<7>
          nvvm.mbarrier.arrive %theirs {scope = #nvvm.mem_scope<cluster>} : !llvm.ptr<7>
        }
        %product = arith.mulf %v, %factor : f32
        %add = arith.addf %sum, %product : f32
        scf.yield %add : f32
      }
      %row = arith.muli %block, %c64 : i32
      %i = arith.addi %row, %t : i32
      %result = llvm.getelementptr %y[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
      llvm.store %sum, %result : f32, !llvm.ptr<1>
    }
    nvvm.cluster.arrive // over
    nvvm.cluster.wait
    gpu.return
  }
}
