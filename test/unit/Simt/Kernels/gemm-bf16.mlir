// threads 256, dynamic shared memory 24576 bytes
gpu.module @k {
  llvm.mlir.global external @smem() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<0 x i8>
  gpu.func @gemm(%A: !llvm.ptr<1> {llvm.noalias, llvm.align = 16 : i64}, %B: !llvm.ptr<1> {llvm.noalias, llvm.align = 16 : i64}, %C: !llvm.ptr<1> {llvm.noalias, llvm.align = 16 : i64}, %M: i32, %N: i32, %K: i32) kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    %c32_i32 = arith.constant 32 : i32
    %c2_i32 = arith.constant 2 : i32
    %c16_i32 = arith.constant 16 : i32
    %c64_i32 = arith.constant 64 : i32
    %c4_i32 = arith.constant 4 : i32
    %c1_i32 = arith.constant 1 : i32
    %c3_i32 = arith.constant 3 : i32
    %c8_i32 = arith.constant 8 : i32
    %c7_i32 = arith.constant 7 : i32
    %c4096_i32 = arith.constant 4096 : i32
    %c0_i32 = arith.constant 0 : i32
    %c8192_i32 = arith.constant 8192 : i32
    %c0p0_f32 = arith.constant 0.0 : f32
    %c16384_i32 = arith.constant 16384 : i32
    %c24576_i32 = arith.constant 24576 : i32
    %c24_i32 = arith.constant 24 : i32
    %v1 = nvvm.read.ptx.sreg.tid.x range <i32, 0, 256> : i32
    %v2 = nvvm.read.ptx.sreg.ctaid.y : i32
    %v3 = nvvm.read.ptx.sreg.ctaid.x : i32
    %v4 = arith.remui %v1, %c32_i32 : i32
    %v5 = arith.divui %v1, %c32_i32 : i32
    %v6 = arith.divui %v5, %c2_i32 : i32
    %v7 = arith.muli %v6, %c16_i32 overflow<nsw, nuw> : i32
    %v8 = arith.remui %v5, %c2_i32 : i32
    %v9 = arith.muli %v8, %c32_i32 overflow<nsw, nuw> : i32
    %v10 = arith.muli %v2, %c64_i32 overflow<nsw, nuw> : i32
    %v11 = arith.muli %v3, %c64_i32 overflow<nsw, nuw> : i32
    %v12 = llvm.mlir.addressof @smem : !llvm.ptr<3>
    %v13 = arith.divui %v1, %c4_i32 : i32
    %v14 = arith.remui %v1, %c4_i32 : i32
    %v15 = arith.muli %v13, %c4_i32 overflow<nsw, nuw> : i32
    %v16 = arith.shrui %v13, %c1_i32 : i32
    %v17 = arith.andi %v16, %c3_i32 : i32
    %v18 = arith.xori %v14, %v17 : i32
    %v19 = arith.addi %v15, %v18 overflow<nsw, nuw> : i32
    %v20 = arith.muli %v19, %c16_i32 overflow<nsw, nuw> : i32
    %v21 = arith.addi %v10, %v13 overflow<nsw, nuw> : i32
    %v22 = arith.muli %v21, %K overflow<nsw, nuw> : i32
    %v23 = arith.muli %v14, %c8_i32 overflow<nsw, nuw> : i32
    %v24 = arith.addi %v22, %v23 overflow<nsw, nuw> : i32
    %v25 = arith.extui %v24 : i32 to i64
    %v26 = llvm.getelementptr inbounds|nuw %A[%v25] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f16
    %v27 = arith.divui %v1, %c8_i32 : i32
    %v28 = arith.remui %v1, %c8_i32 : i32
    %v29 = arith.muli %v27, %c8_i32 overflow<nsw, nuw> : i32
    %v30 = arith.andi %v27, %c7_i32 : i32
    %v31 = arith.xori %v28, %v30 : i32
    %v32 = arith.addi %v29, %v31 overflow<nsw, nuw> : i32
    %v33 = arith.muli %v32, %c16_i32 overflow<nsw, nuw> : i32
    %v34 = arith.addi %v33, %c4096_i32 overflow<nsw, nuw> : i32
    %v35 = arith.muli %v27, %N overflow<nsw, nuw> : i32
    %v36 = arith.muli %v28, %c8_i32 overflow<nsw, nuw> : i32
    %v37 = arith.addi %v11, %v36 overflow<nsw, nuw> : i32
    %v38 = arith.addi %v35, %v37 overflow<nsw, nuw> : i32
    %v39 = arith.extui %v38 : i32 to i64
    %v40 = llvm.getelementptr inbounds|nuw %B[%v39] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f16
    %v41 = arith.cmpi ult, %c0_i32, %K : i32
    scf.if %v41 {
      %v42 = arith.addi %c0_i32, %v20 overflow<nsw, nuw> : i32
      %v43 = llvm.getelementptr inbounds|nuw %v12[%v42] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      %v44 = arith.extui %c0_i32 : i32 to i64
      %v45 = llvm.getelementptr inbounds|nuw %v26[%v44] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f16
      nvvm.cp.async.shared.global %v43, %v45, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
      %v46 = arith.muli %c0_i32, %N overflow<nsw, nuw> : i32
      %v47 = arith.addi %c0_i32, %v34 overflow<nsw, nuw> : i32
      %v48 = llvm.getelementptr inbounds|nuw %v12[%v47] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      %v49 = arith.extui %v46 : i32 to i64
      %v50 = llvm.getelementptr inbounds|nuw %v40[%v49] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f16
      nvvm.cp.async.shared.global %v48, %v50, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    }
    nvvm.cp.async.commit.group
    %v51 = arith.cmpi ult, %c32_i32, %K : i32
    scf.if %v51 {
      %v52 = arith.addi %c8192_i32, %v20 overflow<nsw, nuw> : i32
      %v53 = llvm.getelementptr inbounds|nuw %v12[%v52] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      %v54 = arith.extui %c32_i32 : i32 to i64
      %v55 = llvm.getelementptr inbounds|nuw %v26[%v54] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f16
      nvvm.cp.async.shared.global %v53, %v55, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
      %v56 = arith.muli %c32_i32, %N overflow<nsw, nuw> : i32
      %v57 = arith.addi %c8192_i32, %v34 overflow<nsw, nuw> : i32
      %v58 = llvm.getelementptr inbounds|nuw %v12[%v57] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      %v59 = arith.extui %v56 : i32 to i64
      %v60 = llvm.getelementptr inbounds|nuw %v40[%v59] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f16
      nvvm.cp.async.shared.global %v58, %v60, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    }
    nvvm.cp.async.commit.group
    %v61 = arith.remui %v4, %c16_i32 : i32
    %v62 = arith.divui %v4, %c16_i32 : i32
    %v63:18 = scf.for %iv63 = %c0_i32 to %K step %c32_i32 iter_args(%it63_0 = %c0_i32, %it63_1 = %c16384_i32, %it63_2 = %c0p0_f32, %it63_3 = %c0p0_f32, %it63_4 = %c0p0_f32, %it63_5 = %c0p0_f32, %it63_6 = %c0p0_f32, %it63_7 = %c0p0_f32, %it63_8 = %c0p0_f32, %it63_9 = %c0p0_f32, %it63_10 = %c0p0_f32, %it63_11 = %c0p0_f32, %it63_12 = %c0p0_f32, %it63_13 = %c0p0_f32, %it63_14 = %c0p0_f32, %it63_15 = %c0p0_f32, %it63_16 = %c0p0_f32, %it63_17 = %c0p0_f32) -> (i32, i32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32) : i32 {
      nvvm.cp.async.wait.group 1
      nvvm.barrier
      %v64 = arith.addi %iv63, %c64_i32 overflow<nsw, nuw> : i32
      %v65 = arith.cmpi ult, %v64, %K : i32
      scf.if %v65 {
        %v66 = arith.addi %it63_1, %v20 overflow<nsw, nuw> : i32
        %v67 = llvm.getelementptr inbounds|nuw %v12[%v66] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
        %v68 = arith.extui %v64 : i32 to i64
        %v69 = llvm.getelementptr inbounds|nuw %v26[%v68] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f16
        nvvm.cp.async.shared.global %v67, %v69, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
        %v70 = arith.muli %v64, %N overflow<nsw, nuw> : i32
        %v71 = arith.addi %it63_1, %v34 overflow<nsw, nuw> : i32
        %v72 = llvm.getelementptr inbounds|nuw %v12[%v71] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
        %v73 = arith.extui %v70 : i32 to i64
        %v74 = llvm.getelementptr inbounds|nuw %v40[%v73] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f16
        nvvm.cp.async.shared.global %v72, %v74, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
      }
      nvvm.cp.async.commit.group
      %v75 = arith.addi %v7, %v61 overflow<nsw, nuw> : i32
      %v76 = arith.muli %v75, %c4_i32 overflow<nsw, nuw> : i32
      %v77 = arith.shrui %v75, %c1_i32 : i32
      %v78 = arith.andi %v77, %c3_i32 : i32
      %v79 = arith.xori %v62, %v78 : i32
      %v80 = arith.addi %v76, %v79 overflow<nsw, nuw> : i32
      %v81 = arith.muli %v80, %c16_i32 overflow<nsw, nuw> : i32
      %v82 = arith.addi %it63_0, %v81 overflow<nsw, nuw> : i32
      %v83 = llvm.getelementptr inbounds|nuw %v12[%v82] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      %v84 = nvvm.ldmatrix %v83 {num = 4 : i32, layout = #nvvm.mma_layout<row>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
      %v85 = llvm.extractvalue %v84[0] : !llvm.struct<(i32, i32, i32, i32)>
      %v86 = llvm.extractvalue %v84[1] : !llvm.struct<(i32, i32, i32, i32)>
      %v87 = llvm.extractvalue %v84[2] : !llvm.struct<(i32, i32, i32, i32)>
      %v88 = llvm.extractvalue %v84[3] : !llvm.struct<(i32, i32, i32, i32)>
      %v89 = arith.divui %v9, %c8_i32 : i32
      %v90 = arith.addi %v89, %v62 overflow<nsw, nuw> : i32
      %v91 = arith.muli %v61, %c8_i32 overflow<nsw, nuw> : i32
      %v92 = arith.andi %v61, %c7_i32 : i32
      %v93 = arith.xori %v90, %v92 : i32
      %v94 = arith.addi %v91, %v93 overflow<nsw, nuw> : i32
      %v95 = arith.muli %v94, %c16_i32 overflow<nsw, nuw> : i32
      %v96 = arith.addi %it63_0, %v95 overflow<nsw, nuw> : i32
      %v97 = arith.addi %v96, %c4096_i32 overflow<nsw, nuw> : i32
      %v98 = llvm.getelementptr inbounds|nuw %v12[%v97] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      %v99 = nvvm.ldmatrix %v98 {num = 4 : i32, layout = #nvvm.mma_layout<col>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
      %v100 = llvm.extractvalue %v99[0] : !llvm.struct<(i32, i32, i32, i32)>
      %v101 = llvm.extractvalue %v99[1] : !llvm.struct<(i32, i32, i32, i32)>
      %v102 = llvm.extractvalue %v99[2] : !llvm.struct<(i32, i32, i32, i32)>
      %v103 = llvm.extractvalue %v99[3] : !llvm.struct<(i32, i32, i32, i32)>
      %v104 = arith.divui %v9, %c8_i32 : i32
      %v105 = arith.addi %v104, %v62 overflow<nsw, nuw> : i32
      %v106 = arith.addi %v105, %c2_i32 overflow<nsw, nuw> : i32
      %v107 = arith.muli %v61, %c8_i32 overflow<nsw, nuw> : i32
      %v108 = arith.andi %v61, %c7_i32 : i32
      %v109 = arith.xori %v106, %v108 : i32
      %v110 = arith.addi %v107, %v109 overflow<nsw, nuw> : i32
      %v111 = arith.muli %v110, %c16_i32 overflow<nsw, nuw> : i32
      %v112 = arith.addi %it63_0, %v111 overflow<nsw, nuw> : i32
      %v113 = arith.addi %v112, %c4096_i32 overflow<nsw, nuw> : i32
      %v114 = llvm.getelementptr inbounds|nuw %v12[%v113] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      %v115 = nvvm.ldmatrix %v114 {num = 4 : i32, layout = #nvvm.mma_layout<col>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
      %v116 = llvm.extractvalue %v115[0] : !llvm.struct<(i32, i32, i32, i32)>
      %v117 = llvm.extractvalue %v115[1] : !llvm.struct<(i32, i32, i32, i32)>
      %v118 = llvm.extractvalue %v115[2] : !llvm.struct<(i32, i32, i32, i32)>
      %v119 = llvm.extractvalue %v115[3] : !llvm.struct<(i32, i32, i32, i32)>
      %v120 = nvvm.mma.sync A[%v85, %v86, %v87, %v88] B[%v100, %v101] C[%it63_2, %it63_3, %it63_4, %it63_5] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 16>, multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
      %v121 = llvm.extractvalue %v120[0] : !llvm.struct<(f32, f32, f32, f32)>
      %v122 = llvm.extractvalue %v120[1] : !llvm.struct<(f32, f32, f32, f32)>
      %v123 = llvm.extractvalue %v120[2] : !llvm.struct<(f32, f32, f32, f32)>
      %v124 = llvm.extractvalue %v120[3] : !llvm.struct<(f32, f32, f32, f32)>
      %v125 = nvvm.mma.sync A[%v85, %v86, %v87, %v88] B[%v102, %v103] C[%it63_6, %it63_7, %it63_8, %it63_9] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 16>, multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
      %v126 = llvm.extractvalue %v125[0] : !llvm.struct<(f32, f32, f32, f32)>
      %v127 = llvm.extractvalue %v125[1] : !llvm.struct<(f32, f32, f32, f32)>
      %v128 = llvm.extractvalue %v125[2] : !llvm.struct<(f32, f32, f32, f32)>
      %v129 = llvm.extractvalue %v125[3] : !llvm.struct<(f32, f32, f32, f32)>
      %v130 = nvvm.mma.sync A[%v85, %v86, %v87, %v88] B[%v116, %v117] C[%it63_10, %it63_11, %it63_12, %it63_13] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 16>, multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
      %v131 = llvm.extractvalue %v130[0] : !llvm.struct<(f32, f32, f32, f32)>
      %v132 = llvm.extractvalue %v130[1] : !llvm.struct<(f32, f32, f32, f32)>
      %v133 = llvm.extractvalue %v130[2] : !llvm.struct<(f32, f32, f32, f32)>
      %v134 = llvm.extractvalue %v130[3] : !llvm.struct<(f32, f32, f32, f32)>
      %v135 = nvvm.mma.sync A[%v85, %v86, %v87, %v88] B[%v118, %v119] C[%it63_14, %it63_15, %it63_16, %it63_17] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 16>, multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
      %v136 = llvm.extractvalue %v135[0] : !llvm.struct<(f32, f32, f32, f32)>
      %v137 = llvm.extractvalue %v135[1] : !llvm.struct<(f32, f32, f32, f32)>
      %v138 = llvm.extractvalue %v135[2] : !llvm.struct<(f32, f32, f32, f32)>
      %v139 = llvm.extractvalue %v135[3] : !llvm.struct<(f32, f32, f32, f32)>
      %v140 = arith.addi %v7, %v61 overflow<nsw, nuw> : i32
      %v141 = arith.addi %v62, %c2_i32 overflow<nsw, nuw> : i32
      %v142 = arith.muli %v140, %c4_i32 overflow<nsw, nuw> : i32
      %v143 = arith.shrui %v140, %c1_i32 : i32
      %v144 = arith.andi %v143, %c3_i32 : i32
      %v145 = arith.xori %v141, %v144 : i32
      %v146 = arith.addi %v142, %v145 overflow<nsw, nuw> : i32
      %v147 = arith.muli %v146, %c16_i32 overflow<nsw, nuw> : i32
      %v148 = arith.addi %it63_0, %v147 overflow<nsw, nuw> : i32
      %v149 = llvm.getelementptr inbounds|nuw %v12[%v148] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      %v150 = nvvm.ldmatrix %v149 {num = 4 : i32, layout = #nvvm.mma_layout<row>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
      %v151 = llvm.extractvalue %v150[0] : !llvm.struct<(i32, i32, i32, i32)>
      %v152 = llvm.extractvalue %v150[1] : !llvm.struct<(i32, i32, i32, i32)>
      %v153 = llvm.extractvalue %v150[2] : !llvm.struct<(i32, i32, i32, i32)>
      %v154 = llvm.extractvalue %v150[3] : !llvm.struct<(i32, i32, i32, i32)>
      %v155 = arith.addi %v61, %c16_i32 overflow<nsw, nuw> : i32
      %v156 = arith.divui %v9, %c8_i32 : i32
      %v157 = arith.addi %v156, %v62 overflow<nsw, nuw> : i32
      %v158 = arith.muli %v155, %c8_i32 overflow<nsw, nuw> : i32
      %v159 = arith.andi %v155, %c7_i32 : i32
      %v160 = arith.xori %v157, %v159 : i32
      %v161 = arith.addi %v158, %v160 overflow<nsw, nuw> : i32
      %v162 = arith.muli %v161, %c16_i32 overflow<nsw, nuw> : i32
      %v163 = arith.addi %it63_0, %v162 overflow<nsw, nuw> : i32
      %v164 = arith.addi %v163, %c4096_i32 overflow<nsw, nuw> : i32
      %v165 = llvm.getelementptr inbounds|nuw %v12[%v164] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      %v166 = nvvm.ldmatrix %v165 {num = 4 : i32, layout = #nvvm.mma_layout<col>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
      %v167 = llvm.extractvalue %v166[0] : !llvm.struct<(i32, i32, i32, i32)>
      %v168 = llvm.extractvalue %v166[1] : !llvm.struct<(i32, i32, i32, i32)>
      %v169 = llvm.extractvalue %v166[2] : !llvm.struct<(i32, i32, i32, i32)>
      %v170 = llvm.extractvalue %v166[3] : !llvm.struct<(i32, i32, i32, i32)>
      %v171 = arith.addi %v61, %c16_i32 overflow<nsw, nuw> : i32
      %v172 = arith.divui %v9, %c8_i32 : i32
      %v173 = arith.addi %v172, %v62 overflow<nsw, nuw> : i32
      %v174 = arith.addi %v173, %c2_i32 overflow<nsw, nuw> : i32
      %v175 = arith.muli %v171, %c8_i32 overflow<nsw, nuw> : i32
      %v176 = arith.andi %v171, %c7_i32 : i32
      %v177 = arith.xori %v174, %v176 : i32
      %v178 = arith.addi %v175, %v177 overflow<nsw, nuw> : i32
      %v179 = arith.muli %v178, %c16_i32 overflow<nsw, nuw> : i32
      %v180 = arith.addi %it63_0, %v179 overflow<nsw, nuw> : i32
      %v181 = arith.addi %v180, %c4096_i32 overflow<nsw, nuw> : i32
      %v182 = llvm.getelementptr inbounds|nuw %v12[%v181] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      %v183 = nvvm.ldmatrix %v182 {num = 4 : i32, layout = #nvvm.mma_layout<col>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
      %v184 = llvm.extractvalue %v183[0] : !llvm.struct<(i32, i32, i32, i32)>
      %v185 = llvm.extractvalue %v183[1] : !llvm.struct<(i32, i32, i32, i32)>
      %v186 = llvm.extractvalue %v183[2] : !llvm.struct<(i32, i32, i32, i32)>
      %v187 = llvm.extractvalue %v183[3] : !llvm.struct<(i32, i32, i32, i32)>
      %v188 = nvvm.mma.sync A[%v151, %v152, %v153, %v154] B[%v167, %v168] C[%v121, %v122, %v123, %v124] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 16>, multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
      %v189 = llvm.extractvalue %v188[0] : !llvm.struct<(f32, f32, f32, f32)>
      %v190 = llvm.extractvalue %v188[1] : !llvm.struct<(f32, f32, f32, f32)>
      %v191 = llvm.extractvalue %v188[2] : !llvm.struct<(f32, f32, f32, f32)>
      %v192 = llvm.extractvalue %v188[3] : !llvm.struct<(f32, f32, f32, f32)>
      %v193 = nvvm.mma.sync A[%v151, %v152, %v153, %v154] B[%v169, %v170] C[%v126, %v127, %v128, %v129] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 16>, multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
      %v194 = llvm.extractvalue %v193[0] : !llvm.struct<(f32, f32, f32, f32)>
      %v195 = llvm.extractvalue %v193[1] : !llvm.struct<(f32, f32, f32, f32)>
      %v196 = llvm.extractvalue %v193[2] : !llvm.struct<(f32, f32, f32, f32)>
      %v197 = llvm.extractvalue %v193[3] : !llvm.struct<(f32, f32, f32, f32)>
      %v198 = nvvm.mma.sync A[%v151, %v152, %v153, %v154] B[%v184, %v185] C[%v131, %v132, %v133, %v134] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 16>, multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
      %v199 = llvm.extractvalue %v198[0] : !llvm.struct<(f32, f32, f32, f32)>
      %v200 = llvm.extractvalue %v198[1] : !llvm.struct<(f32, f32, f32, f32)>
      %v201 = llvm.extractvalue %v198[2] : !llvm.struct<(f32, f32, f32, f32)>
      %v202 = llvm.extractvalue %v198[3] : !llvm.struct<(f32, f32, f32, f32)>
      %v203 = nvvm.mma.sync A[%v151, %v152, %v153, %v154] B[%v186, %v187] C[%v136, %v137, %v138, %v139] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 16>, multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
      %v204 = llvm.extractvalue %v203[0] : !llvm.struct<(f32, f32, f32, f32)>
      %v205 = llvm.extractvalue %v203[1] : !llvm.struct<(f32, f32, f32, f32)>
      %v206 = llvm.extractvalue %v203[2] : !llvm.struct<(f32, f32, f32, f32)>
      %v207 = llvm.extractvalue %v203[3] : !llvm.struct<(f32, f32, f32, f32)>
      %v208 = arith.addi %it63_0, %c8192_i32 overflow<nsw, nuw> : i32
      %v209 = arith.cmpi eq, %v208, %c24576_i32 : i32
      %v210 = arith.select %v209, %c0_i32, %v208 : i32
      %v211 = arith.addi %it63_1, %c8192_i32 overflow<nsw, nuw> : i32
      %v212 = arith.cmpi eq, %v211, %c24576_i32 : i32
      %v213 = arith.select %v212, %c0_i32, %v211 : i32
      scf.yield %v210, %v213, %v189, %v190, %v191, %v192, %v194, %v195, %v196, %v197, %v199, %v200, %v201, %v202, %v204, %v205, %v206, %v207 : i32, i32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32
    }
    %v214 = arith.divui %v4, %c4_i32 : i32
    %v215 = arith.remui %v4, %c4_i32 : i32
    %v216 = arith.muli %v215, %c2_i32 overflow<nsw, nuw> : i32
    %v217 = llvm.mlir.poison : vector<2xf32>
    %v218 = arith.addi %v10, %v7 overflow<nsw, nuw> : i32
    %v219 = arith.addi %v218, %v214 overflow<nsw, nuw> : i32
    %v220 = arith.muli %v219, %N overflow<nsw, nuw> : i32
    %v221 = arith.extui %v220 : i32 to i64
    %v222 = llvm.getelementptr inbounds|nuw %C[%v221] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
    %v223 = vector.from_elements %v63#2, %v63#3 : vector<2xf32>
    %v224 = arith.addi %v11, %v9 overflow<nsw, nuw> : i32
    %v225 = arith.addi %v224, %v216 overflow<nsw, nuw> : i32
    %v226 = arith.extui %v225 : i32 to i64
    %v227 = llvm.getelementptr inbounds|nuw %v222[%v226] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
    llvm.store %v223, %v227 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
    %v228 = vector.from_elements %v63#6, %v63#7 : vector<2xf32>
    %v229 = arith.addi %v11, %v9 overflow<nsw, nuw> : i32
    %v230 = arith.addi %v216, %c8_i32 overflow<nsw, nuw> : i32
    %v231 = arith.addi %v229, %v230 overflow<nsw, nuw> : i32
    %v232 = arith.extui %v231 : i32 to i64
    %v233 = llvm.getelementptr inbounds|nuw %v222[%v232] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
    llvm.store %v228, %v233 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
    %v234 = vector.from_elements %v63#10, %v63#11 : vector<2xf32>
    %v235 = arith.addi %v11, %v9 overflow<nsw, nuw> : i32
    %v236 = arith.addi %v216, %c16_i32 overflow<nsw, nuw> : i32
    %v237 = arith.addi %v235, %v236 overflow<nsw, nuw> : i32
    %v238 = arith.extui %v237 : i32 to i64
    %v239 = llvm.getelementptr inbounds|nuw %v222[%v238] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
    llvm.store %v234, %v239 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
    %v240 = vector.from_elements %v63#14, %v63#15 : vector<2xf32>
    %v241 = arith.addi %v11, %v9 overflow<nsw, nuw> : i32
    %v242 = arith.addi %v216, %c24_i32 overflow<nsw, nuw> : i32
    %v243 = arith.addi %v241, %v242 overflow<nsw, nuw> : i32
    %v244 = arith.extui %v243 : i32 to i64
    %v245 = llvm.getelementptr inbounds|nuw %v222[%v244] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
    llvm.store %v240, %v245 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
    %v246 = arith.addi %v10, %v7 overflow<nsw, nuw> : i32
    %v247 = arith.addi %v214, %c8_i32 overflow<nsw, nuw> : i32
    %v248 = arith.addi %v246, %v247 overflow<nsw, nuw> : i32
    %v249 = arith.muli %v248, %N overflow<nsw, nuw> : i32
    %v250 = arith.extui %v249 : i32 to i64
    %v251 = llvm.getelementptr inbounds|nuw %C[%v250] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
    %v252 = vector.from_elements %v63#4, %v63#5 : vector<2xf32>
    %v253 = arith.addi %v11, %v9 overflow<nsw, nuw> : i32
    %v254 = arith.addi %v253, %v216 overflow<nsw, nuw> : i32
    %v255 = arith.extui %v254 : i32 to i64
    %v256 = llvm.getelementptr inbounds|nuw %v251[%v255] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
    llvm.store %v252, %v256 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
    %v257 = vector.from_elements %v63#8, %v63#9 : vector<2xf32>
    %v258 = arith.addi %v11, %v9 overflow<nsw, nuw> : i32
    %v259 = arith.addi %v216, %c8_i32 overflow<nsw, nuw> : i32
    %v260 = arith.addi %v258, %v259 overflow<nsw, nuw> : i32
    %v261 = arith.extui %v260 : i32 to i64
    %v262 = llvm.getelementptr inbounds|nuw %v251[%v261] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
    llvm.store %v257, %v262 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
    %v263 = vector.from_elements %v63#12, %v63#13 : vector<2xf32>
    %v264 = arith.addi %v11, %v9 overflow<nsw, nuw> : i32
    %v265 = arith.addi %v216, %c16_i32 overflow<nsw, nuw> : i32
    %v266 = arith.addi %v264, %v265 overflow<nsw, nuw> : i32
    %v267 = arith.extui %v266 : i32 to i64
    %v268 = llvm.getelementptr inbounds|nuw %v251[%v267] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
    llvm.store %v263, %v268 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
    %v269 = vector.from_elements %v63#16, %v63#17 : vector<2xf32>
    %v270 = arith.addi %v11, %v9 overflow<nsw, nuw> : i32
    %v271 = arith.addi %v216, %c24_i32 overflow<nsw, nuw> : i32
    %v272 = arith.addi %v270, %v271 overflow<nsw, nuw> : i32
    %v273 = arith.extui %v272 : i32 to i64
    %v274 = llvm.getelementptr inbounds|nuw %v251[%v273] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
    llvm.store %v269, %v274 {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
    gpu.return
  }
}

