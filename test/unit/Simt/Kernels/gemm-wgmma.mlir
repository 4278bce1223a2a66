// threads 384, dynamic shared memory 61488 bytes
gpu.module @k {
  llvm.mlir.global external @smem() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  gpu.func @wg(%tA: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>, llvm.align = 64 : i64}, %tB: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>, llvm.align = 64 : i64}, %C: !llvm.ptr<1> {llvm.noalias, llvm.align = 16 : i64}, %M: i32, %N: i32, %K: i32) kernel attributes {known_block_size = array<i32: 384, 1, 1>} {
    %c128_i32 = arith.constant 128 : i32
    %c32_i32 = arith.constant 32 : i32
    %c64_i32 = arith.constant 64 : i32
    %c10000000_i32 = arith.constant 10000000 : i32
    %c0_i32 = arith.constant 0 : i32
    %c16_i32 = arith.constant 16 : i32
    %c61440_i32 = arith.constant 61440 : i32
    %c1_i32 = arith.constant 1 : i32
    %c61448_i32 = arith.constant 61448 : i32
    %c2_i32 = arith.constant 2 : i32
    %c20480_i32 = arith.constant 20480 : i32
    %c16384_i32 = arith.constant 16384 : i32
    %c3_i32 = arith.constant 3 : i32
    %c4611686293305360384_i64 = arith.constant 4611686293305360384 : i64
    %c8192_i32 = arith.constant 8192 : i32
    %c4_i32 = arith.constant 4 : i32
    %c16383_i32 = arith.constant 16383 : i32
    %c0_i64 = arith.constant 0 : i64
    %c2_i64 = arith.constant 2 : i64
    %c4_i64 = arith.constant 4 : i64
    %c6_i64 = arith.constant 6 : i64
    %c8_i32 = arith.constant 8 : i32
    %c24_i32 = arith.constant 24 : i32
    %v1 = nvvm.read.ptx.sreg.tid.x range <i32, 0, 384> : i32
    %v2 = nvvm.read.ptx.sreg.ctaid.y : i32
    %v3 = nvvm.read.ptx.sreg.ctaid.x : i32
    %v4 = llvm.mlir.addressof @smem : !llvm.ptr<3>
    %v5 = arith.divui %v1, %c128_i32 : i32
    %v6 = arith.remui %v1, %c128_i32 : i32
    %v7 = arith.muli %v2, %c128_i32 overflow<nsw, nuw> : i32
    %v8 = arith.muli %v3, %c32_i32 overflow<nsw, nuw> : i32
    %v9 = arith.divui %K, %c64_i32 : i32
    %v10 = arith.cmpi eq, %v1, %c0_i32 : i32
    scf.if %v10 {
      %v11 = arith.muli %c0_i32, %c16_i32 overflow<nsw, nuw> : i32
      %v12 = arith.addi %v11, %c61440_i32 overflow<nsw, nuw> : i32
      %v13 = llvm.getelementptr inbounds|nuw %v4[%v12] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      nvvm.mbarrier.init %v13, %c1_i32 : !llvm.ptr<3>, i32
      %v14 = arith.muli %c0_i32, %c16_i32 overflow<nsw, nuw> : i32
      %v15 = arith.addi %v14, %c61448_i32 overflow<nsw, nuw> : i32
      %v16 = llvm.getelementptr inbounds|nuw %v4[%v15] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      nvvm.mbarrier.init %v16, %c2_i32 : !llvm.ptr<3>, i32
      %v17 = arith.muli %c1_i32, %c16_i32 overflow<nsw, nuw> : i32
      %v18 = arith.addi %v17, %c61440_i32 overflow<nsw, nuw> : i32
      %v19 = llvm.getelementptr inbounds|nuw %v4[%v18] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      nvvm.mbarrier.init %v19, %c1_i32 : !llvm.ptr<3>, i32
      %v20 = arith.muli %c1_i32, %c16_i32 overflow<nsw, nuw> : i32
      %v21 = arith.addi %v20, %c61448_i32 overflow<nsw, nuw> : i32
      %v22 = llvm.getelementptr inbounds|nuw %v4[%v21] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      nvvm.mbarrier.init %v22, %c2_i32 : !llvm.ptr<3>, i32
      %v23 = arith.muli %c2_i32, %c16_i32 overflow<nsw, nuw> : i32
      %v24 = arith.addi %v23, %c61440_i32 overflow<nsw, nuw> : i32
      %v25 = llvm.getelementptr inbounds|nuw %v4[%v24] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      nvvm.mbarrier.init %v25, %c1_i32 : !llvm.ptr<3>, i32
      %v26 = arith.muli %c2_i32, %c16_i32 overflow<nsw, nuw> : i32
      %v27 = arith.addi %v26, %c61448_i32 overflow<nsw, nuw> : i32
      %v28 = llvm.getelementptr inbounds|nuw %v4[%v27] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      nvvm.mbarrier.init %v28, %c2_i32 : !llvm.ptr<3>, i32
      nvvm.fence.mbarrier.init
    }
    nvvm.barrier
    %v29 = arith.cmpi eq, %v5, %c0_i32 : i32
    scf.if %v29 {
      nvvm.setmaxregister decrease 40
      %v30 = arith.cmpi eq, %v6, %c0_i32 : i32
      scf.if %v30 {
        %v31:2 = scf.for %iv31 = %c0_i32 to %v9 step %c1_i32 iter_args(%it31_0 = %c0_i32, %it31_1 = %c1_i32) -> (i32, i32) : i32 {
          %v32 = arith.muli %it31_0, %c16_i32 overflow<nsw, nuw> : i32
          %v33 = arith.addi %v32, %c61448_i32 overflow<nsw, nuw> : i32
          %v34 = llvm.getelementptr inbounds|nuw %v4[%v33] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
          nvvm.mbarrier.try_wait.parity %v34, %it31_1, %c10000000_i32 : !llvm.ptr<3>, i32, i32
          %v35 = arith.muli %it31_0, %c16_i32 overflow<nsw, nuw> : i32
          %v36 = arith.addi %v35, %c61440_i32 overflow<nsw, nuw> : i32
          %v37 = llvm.getelementptr inbounds|nuw %v4[%v36] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
          nvvm.mbarrier.arrive.expect_tx %v37, %c20480_i32 : !llvm.ptr<3>, i32
          %v38 = arith.muli %it31_0, %c20480_i32 overflow<nsw, nuw> : i32
          %v39 = arith.muli %iv31, %c64_i32 overflow<nsw, nuw> : i32
          %v40 = llvm.getelementptr inbounds|nuw %v4[%v38] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
          %v41 = llvm.addrspacecast %v40 : !llvm.ptr<3> to !llvm.ptr<7>
          %v42 = arith.muli %it31_0, %c16_i32 overflow<nsw, nuw> : i32
          %v43 = arith.addi %v42, %c61440_i32 overflow<nsw, nuw> : i32
          %v44 = llvm.getelementptr inbounds|nuw %v4[%v43] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
          nvvm.cp.async.bulk.tensor.shared.cluster.global %v41, %tA, %v44, box [%v39, %v7] : !llvm.ptr<7>, !llvm.ptr
          %v45 = arith.addi %v38, %c16384_i32 overflow<nsw, nuw> : i32
          %v46 = llvm.getelementptr inbounds|nuw %v4[%v45] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
          %v47 = llvm.addrspacecast %v46 : !llvm.ptr<3> to !llvm.ptr<7>
          %v48 = arith.muli %it31_0, %c16_i32 overflow<nsw, nuw> : i32
          %v49 = arith.addi %v48, %c61440_i32 overflow<nsw, nuw> : i32
          %v50 = llvm.getelementptr inbounds|nuw %v4[%v49] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
          nvvm.cp.async.bulk.tensor.shared.cluster.global %v47, %tB, %v50, box [%v39, %v8] : !llvm.ptr<7>, !llvm.ptr
          %v51 = arith.addi %it31_0, %c1_i32 overflow<nsw, nuw> : i32
          %v52 = arith.cmpi eq, %v51, %c3_i32 : i32
          %v53 = arith.select %v52, %c0_i32, %v51 : i32
          %v54 = arith.xori %it31_1, %c1_i32 : i32
          %v55 = arith.select %v52, %v54, %it31_1 : i32
          scf.yield %v53, %v55 : i32, i32
        }
      }
    } else {
      nvvm.setmaxregister increase 232
      %v56 = llvm.mlir.zero : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
      %v57 = arith.subi %v5, %c1_i32 : i32
      %v58:3 = scf.for %iv58 = %c0_i32 to %v9 step %c1_i32 iter_args(%it58_0 = %c0_i32, %it58_1 = %c0_i32, %it58_2 = %v56) -> (i32, i32, !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>) : i32 {
        %v59 = arith.muli %it58_0, %c16_i32 overflow<nsw, nuw> : i32
        %v60 = arith.addi %v59, %c61440_i32 overflow<nsw, nuw> : i32
        %v61 = llvm.getelementptr inbounds|nuw %v4[%v60] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
        nvvm.mbarrier.try_wait.parity %v61, %it58_1, %c10000000_i32 : !llvm.ptr<3>, i32, i32
        %v62 = arith.muli %it58_0, %c20480_i32 overflow<nsw, nuw> : i32
        %v63 = arith.muli %v57, %c8192_i32 overflow<nsw, nuw> : i32
        %v64 = arith.addi %v62, %v63 overflow<nsw, nuw> : i32
        %v65 = llvm.getelementptr inbounds|nuw %v4[%v64] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
        %v66 = llvm.ptrtoint %v65 : !llvm.ptr<3> to i32
        %v67 = arith.shrui %v66, %c4_i32 : i32
        %v68 = arith.andi %v67, %c16383_i32 : i32
        %v69 = arith.extui %v68 : i32 to i64
        %v70 = arith.ori %v69, %c4611686293305360384_i64 : i64
        %v71 = arith.addi %v62, %c16384_i32 overflow<nsw, nuw> : i32
        %v72 = llvm.getelementptr inbounds|nuw %v4[%v71] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
        %v73 = llvm.ptrtoint %v72 : !llvm.ptr<3> to i32
        %v74 = arith.shrui %v73, %c4_i32 : i32
        %v75 = arith.andi %v74, %c16383_i32 : i32
        %v76 = arith.extui %v75 : i32 to i64
        %v77 = arith.ori %v76, %c4611686293305360384_i64 : i64
        nvvm.wgmma.fence.aligned
        %v78 = arith.addi %v70, %c0_i64 : i64
        %v79 = arith.addi %v77, %c0_i64 : i64
        %v80 = nvvm.wgmma.mma_async %v78, %v79, %it58_2, #nvvm.shape<m = 64, n = 32, k = 16>, D [<f32>, #nvvm.wgmma_scale_out<one>], A [<f16>, #nvvm.wgmma_scale_in<one>, <row>], B [<f16>, #nvvm.wgmma_scale_in<one>, <col>] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
        %v81 = arith.addi %v70, %c2_i64 : i64
        %v82 = arith.addi %v77, %c2_i64 : i64
        %v83 = nvvm.wgmma.mma_async %v81, %v82, %v80, #nvvm.shape<m = 64, n = 32, k = 16>, D [<f32>, #nvvm.wgmma_scale_out<one>], A [<f16>, #nvvm.wgmma_scale_in<one>, <row>], B [<f16>, #nvvm.wgmma_scale_in<one>, <col>] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
        %v84 = arith.addi %v70, %c4_i64 : i64
        %v85 = arith.addi %v77, %c4_i64 : i64
        %v86 = nvvm.wgmma.mma_async %v84, %v85, %v83, #nvvm.shape<m = 64, n = 32, k = 16>, D [<f32>, #nvvm.wgmma_scale_out<one>], A [<f16>, #nvvm.wgmma_scale_in<one>, <row>], B [<f16>, #nvvm.wgmma_scale_in<one>, <col>] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
        %v87 = arith.addi %v70, %c6_i64 : i64
        %v88 = arith.addi %v77, %c6_i64 : i64
        %v89 = nvvm.wgmma.mma_async %v87, %v88, %v86, #nvvm.shape<m = 64, n = 32, k = 16>, D [<f32>, #nvvm.wgmma_scale_out<one>], A [<f16>, #nvvm.wgmma_scale_in<one>, <row>], B [<f16>, #nvvm.wgmma_scale_in<one>, <col>] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
        nvvm.wgmma.commit.group.sync.aligned
        nvvm.wgmma.wait.group.sync.aligned 1
        %v90 = arith.cmpi eq, %it58_0, %c0_i32 : i32
        %v91 = arith.subi %it58_0, %c1_i32 : i32
        %v92 = arith.select %v90, %c2_i32, %v91 : i32
        %v93 = arith.cmpi eq, %v6, %c0_i32 : i32
        %v94 = arith.cmpi ne, %iv58, %c0_i32 : i32
        %v95 = arith.andi %v93, %v94 : i1
        scf.if %v95 {
          %v96 = arith.muli %v92, %c16_i32 overflow<nsw, nuw> : i32
          %v97 = arith.addi %v96, %c61448_i32 overflow<nsw, nuw> : i32
          %v98 = llvm.getelementptr inbounds|nuw %v4[%v97] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
          %v99 = nvvm.mbarrier.arrive %v98 : !llvm.ptr<3> -> i64
        }
        %v100 = arith.addi %it58_0, %c1_i32 overflow<nsw, nuw> : i32
        %v101 = arith.cmpi eq, %v100, %c3_i32 : i32
        %v102 = arith.select %v101, %c0_i32, %v100 : i32
        %v103 = arith.xori %it58_1, %c1_i32 : i32
        %v104 = arith.select %v101, %v103, %it58_1 : i32
        scf.yield %v102, %v104, %v89 : i32, i32, !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
      }
      nvvm.wgmma.wait.group.sync.aligned 0
      %v105 = arith.remui %v1, %c32_i32 : i32
      %v106 = arith.divui %v1, %c32_i32 : i32
      %v107 = arith.remui %v106, %c4_i32 : i32
      %v108 = arith.divui %v105, %c4_i32 : i32
      %v109 = arith.remui %v105, %c4_i32 : i32
      %v110 = arith.muli %v109, %c2_i32 overflow<nsw, nuw> : i32
      %v111 = arith.muli %v57, %c64_i32 overflow<nsw, nuw> : i32
      %v112 = arith.addi %v7, %v111 overflow<nsw, nuw> : i32
      %v113 = arith.muli %v107, %c16_i32 overflow<nsw, nuw> : i32
      %v114 = arith.addi %v113, %v108 overflow<nsw, nuw> : i32
      %v115 = arith.addi %v112, %v114 overflow<nsw, nuw> : i32
      %v116 = arith.muli %v115, %N overflow<nsw, nuw> : i32
      %v117 = arith.addi %v8, %v110 overflow<nsw, nuw> : i32
      %v118 = arith.addi %v116, %v117 overflow<nsw, nuw> : i32
      %v119 = arith.extui %v118 : i32 to i64
      %v120 = llvm.getelementptr inbounds|nuw %C[%v119] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      %v121 = llvm.extractvalue %v58#2[0] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
      %v122 = llvm.extractvalue %v58#2[1] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
      %v123 = vector.from_elements %v121, %v122 : vector<2xf32>
      %v124 = arith.extui %c0_i32 : i32 to i64
      %v125 = llvm.getelementptr inbounds|nuw %v120[%v124] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      llvm.store %v123, %v125 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
      %v126 = llvm.extractvalue %v58#2[4] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
      %v127 = llvm.extractvalue %v58#2[5] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
      %v128 = vector.from_elements %v126, %v127 : vector<2xf32>
      %v129 = arith.extui %c8_i32 : i32 to i64
      %v130 = llvm.getelementptr inbounds|nuw %v120[%v129] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      llvm.store %v128, %v130 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
      %v131 = llvm.extractvalue %v58#2[8] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
      %v132 = llvm.extractvalue %v58#2[9] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
      %v133 = vector.from_elements %v131, %v132 : vector<2xf32>
      %v134 = arith.extui %c16_i32 : i32 to i64
      %v135 = llvm.getelementptr inbounds|nuw %v120[%v134] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      llvm.store %v133, %v135 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
      %v136 = llvm.extractvalue %v58#2[12] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
      %v137 = llvm.extractvalue %v58#2[13] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
      %v138 = vector.from_elements %v136, %v137 : vector<2xf32>
      %v139 = arith.extui %c24_i32 : i32 to i64
      %v140 = llvm.getelementptr inbounds|nuw %v120[%v139] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      llvm.store %v138, %v140 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
      %v141 = arith.muli %v57, %c64_i32 overflow<nsw, nuw> : i32
      %v142 = arith.addi %v7, %v141 overflow<nsw, nuw> : i32
      %v143 = arith.muli %v107, %c16_i32 overflow<nsw, nuw> : i32
      %v144 = arith.addi %v108, %c8_i32 overflow<nsw, nuw> : i32
      %v145 = arith.addi %v143, %v144 overflow<nsw, nuw> : i32
      %v146 = arith.addi %v142, %v145 overflow<nsw, nuw> : i32
      %v147 = arith.muli %v146, %N overflow<nsw, nuw> : i32
      %v148 = arith.addi %v8, %v110 overflow<nsw, nuw> : i32
      %v149 = arith.addi %v147, %v148 overflow<nsw, nuw> : i32
      %v150 = arith.extui %v149 : i32 to i64
      %v151 = llvm.getelementptr inbounds|nuw %C[%v150] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      %v152 = llvm.extractvalue %v58#2[2] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
      %v153 = llvm.extractvalue %v58#2[3] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
      %v154 = vector.from_elements %v152, %v153 : vector<2xf32>
      %v155 = arith.extui %c0_i32 : i32 to i64
      %v156 = llvm.getelementptr inbounds|nuw %v151[%v155] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      llvm.store %v154, %v156 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
      %v157 = llvm.extractvalue %v58#2[6] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
      %v158 = llvm.extractvalue %v58#2[7] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
      %v159 = vector.from_elements %v157, %v158 : vector<2xf32>
      %v160 = arith.extui %c8_i32 : i32 to i64
      %v161 = llvm.getelementptr inbounds|nuw %v151[%v160] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      llvm.store %v159, %v161 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
      %v162 = llvm.extractvalue %v58#2[10] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
      %v163 = llvm.extractvalue %v58#2[11] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
      %v164 = vector.from_elements %v162, %v163 : vector<2xf32>
      %v165 = arith.extui %c16_i32 : i32 to i64
      %v166 = llvm.getelementptr inbounds|nuw %v151[%v165] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      llvm.store %v164, %v166 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
      %v167 = llvm.extractvalue %v58#2[14] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
      %v168 = llvm.extractvalue %v58#2[15] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)>
      %v169 = vector.from_elements %v167, %v168 : vector<2xf32>
      %v170 = arith.extui %c24_i32 : i32 to i64
      %v171 = llvm.getelementptr inbounds|nuw %v151[%v170] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      llvm.store %v169, %v171 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
    }
    gpu.return
  }
}

