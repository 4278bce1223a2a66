// The C functions of an entry: what they bind, check, size and pass on.
//
// RUN: mad-opt %s --mad-lower-entries --canonicalize --cse | FileCheck %s

// CHECK: llvm.mlir.global internal constant @mad_nothing(dense<0> : tensor<8xi64>)

// CHECK: func.func private @rows.arena(%{{.*}}: index) -> index attributes {llvm.linkage = #llvm.linkage<internal>}
func.func private @rows.arena(%n: index) -> index {
  return %n : index
}

// N is the first extent of x; the second must be 4. Results: extents, then the arena.
// CHECK-LABEL: func.func @mad_prepare_rows(
// CHECK-SAME: %[[INPUTS:[^:]*]]: !llvm.ptr, %[[DIMS:[^:]*]]: !llvm.ptr, %[[RESULTS:[^:]*]]: !llvm.ptr, %[[ARENA:[^:]*]]: !llvm.ptr, %[[INFO:[^:]*]]: !llvm.ptr) -> i32
// CHECK-DAG: %[[C4:.*]] = arith.constant 4 : index
// CHECK-DAG: %[[WORD4:.*]] = arith.constant 4 : i64
// CHECK-DAG: %[[OK:.*]] = arith.constant 0 : i32
// CHECK-DAG: %[[FIRST:.*]] = arith.constant 1 : i32
// CHECK: %[[N:.*]] = llvm.load %[[INPUTS]] : !llvm.ptr -> i64
// CHECK: %[[INDEX:.*]] = arith.index_cast %[[N]] : i64 to index
// CHECK: %[[AT1:.*]] = llvm.getelementptr %[[INPUTS]][1]
// CHECK: %[[FOUND:.*]] = llvm.load %[[AT1]] : !llvm.ptr -> i64
// CHECK: %[[EXTENT:.*]] = arith.index_cast %[[FOUND]] : i64 to index
// CHECK: %[[GOOD:.*]] = arith.cmpi eq, %[[EXTENT]], %[[C4]] : index
// CHECK: cf.cond_br %[[GOOD]], ^[[NEXT:.*]], ^[[BAD:.*]]
// CHECK: ^[[NEXT]]:
// CHECK: llvm.store %[[N]], %[[DIMS]] : i64
// CHECK: llvm.store %[[N]], %[[RESULTS]] : i64
// CHECK: %[[RESULTS1:.*]] = llvm.getelementptr %[[RESULTS]][1]
// CHECK: llvm.store %[[WORD4]], %[[RESULTS1]] : i64
// CHECK: %[[BYTES:.*]] = call @rows.arena(%[[INDEX]])
// CHECK: %[[SIZE:.*]] = arith.index_cast %[[BYTES]] : index to i64
// CHECK: llvm.store %[[SIZE]], %[[ARENA]] : i64
// CHECK: return %[[OK]] : i32
// CHECK: ^[[BAD]]:
// CHECK: llvm.store %[[FOUND]], %[[INFO]] : i64
// CHECK: %[[INFO1:.*]] = llvm.getelementptr %[[INFO]][1]
// CHECK: llvm.store %[[WORD4]], %[[INFO1]] : i64
// CHECK: return %[[FIRST]] : i32

// Pointers come as inputs, outputs, weights. An empty tensor points to what can be read.
// CHECK-LABEL: func.func @mad_run_rows(
// CHECK-SAME: %[[DATA:[^:]*]]: !llvm.ptr, %[[DIMS:[^:]*]]: !llvm.ptr, %[[ARENA:[^:]*]]: !llvm.ptr, %{{[^:]*}}: !llvm.ptr, %{{[^:]*}}: !llvm.ptr) -> i32
// CHECK-DAG: %[[NOTHING:.*]] = llvm.mlir.addressof @mad_nothing
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C4:.*]] = arith.constant 4 : index
// CHECK-DAG: %[[WORD0:.*]] = arith.constant 0 : i64
// CHECK-DAG: %[[OK:.*]] = arith.constant 0 : i32
// CHECK: %[[WORD:.*]] = llvm.load %[[DIMS]] : !llvm.ptr -> i64
// CHECK: %[[N:.*]] = arith.index_cast %[[WORD]] : i64 to index
// CHECK: %[[STATUS:.*]] = llvm.alloca
// CHECK: llvm.store %[[WORD0]], %[[STATUS]] : i64
// CHECK: %[[DATA0:.*]] = llvm.load %[[DATA]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[COUNT:.*]] = arith.muli %[[N]], %[[C4]]
// CHECK: %[[EMPTY:.*]] = arith.cmpi sle, %[[COUNT]], %[[C0]]
// CHECK: %[[X:.*]] = arith.select %[[EMPTY]], %[[NOTHING]], %[[DATA0]]
// CHECK: %[[AT2:.*]] = llvm.getelementptr %[[DATA]][2]
// CHECK: %[[W:.*]] = llvm.load %[[AT2]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[AT1:.*]] = llvm.getelementptr %[[DATA]][1]
// CHECK: %[[DATA1:.*]] = llvm.load %[[AT1]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[Y:.*]] = arith.select %{{.*}}, %[[NOTHING]], %[[DATA1]]
// CHECK: call @rows.body(%[[N]], %[[STATUS]], %[[X]], %[[W]], %[[Y]], %[[ARENA]])
// No index check: nothing can fail.
// CHECK-NOT: llvm.load
// CHECK: return %[[OK]] : i32

// CHECK-LABEL: func.func private @rows.body(
// CHECK-SAME: %[[N:[^:]*]]: index, %{{[^:]*}}: !llvm.ptr {llvm.noalias},
// CHECK-SAME: %[[X:[^:]*]]: !llvm.ptr {llvm.noalias, llvm.readonly}, %{{[^:]*}}: !llvm.ptr {llvm.noalias, llvm.readonly},
// CHECK-SAME: %[[Y:[^:]*]]: !llvm.ptr {llvm.noalias}, %{{[^:]*}}: !llvm.ptr {llvm.align = 64 : i64, llvm.noalias})
// CHECK-SAME: attributes {llvm.linkage = #llvm.linkage<internal>}
// CHECK: %[[WORD4:.*]] = arith.constant 4 : i64
// CHECK: llvm.insertvalue %[[X]], %{{.*}}[1]
// CHECK: %[[SIZE:.*]] = arith.index_cast %[[N]] : index to i64
// CHECK: %[[D1:.*]] = llvm.insertvalue %[[SIZE]], %{{.*}}[3, 0]
// CHECK: %[[D2:.*]] = llvm.insertvalue %[[WORD4]], %[[D1]][4, 0]
// CHECK: %[[FROM:.*]] = builtin.unrealized_conversion_cast %[[D2]] : {{.*}} to memref<?x4xf32>
// CHECK: llvm.insertvalue %[[Y]], %{{.*}}[1]
// CHECK: %[[TO:.*]] = builtin.unrealized_conversion_cast %{{.*}} to memref<?x4xf32>
// CHECK: memref.copy %[[FROM]], %[[TO]]
func.func @rows(%n: index {mad.name = "N"}, %status: memref<13xi64>, %x: memref<?x4xf32> {mad.name = "x"}, %w: memref<4xf32>, %y: memref<?x4xf32> {mad.name = "y"}, %arena: memref<?xi8>)
    attributes {entry = {arena = @rows.arena, dims = ["N"], index_checks = [], weights = ["w"],
                         type = (tensor<?x4xf32, #mad.dims<"N", "">>) -> tensor<?x4xf32, #mad.dims<"N", "">>}} {
  memref.copy %x, %y : memref<?x4xf32> to memref<?x4xf32>
  return
}

func.func private @checked.arena(%n: index) -> index {
  %c0 = arith.constant 0 : index
  return %c0 : index
}

// From 2 * N + 1 follows N, which must not be negative; then the extent is
// checked, and then what the program says.
// CHECK-LABEL: func.func @mad_prepare_checked(
// CHECK-SAME: %[[INPUTS:[^:]*]]: !llvm.ptr, %[[DIMS:[^:]*]]: !llvm.ptr,
// CHECK-DAG: %[[CODE1:.*]] = arith.constant 1 : i32
// CHECK-DAG: %[[CODE2:.*]] = arith.constant 2 : i32
// CHECK-DAG: %[[CODE3:.*]] = arith.constant 3 : i32
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[C7:.*]] = arith.constant 7 : index
// CHECK: %[[WORD:.*]] = llvm.load %[[INPUTS]] : !llvm.ptr -> i64
// CHECK: %[[EXTENT:.*]] = arith.index_cast %[[WORD]]
// CHECK: %[[MORE:.*]] = arith.addi %[[EXTENT]], %[[C1]]
// CHECK: %[[HALF:.*]] = arith.floordivsi %[[MORE]], %[[C2]]
// CHECK: %[[N:.*]] = arith.subi %[[HALF]], %[[C1]]
// CHECK: %[[GOOD1:.*]] = arith.cmpi sge, %[[N]], %[[C0]]
// CHECK: cf.cond_br %[[GOOD1]], ^[[NEXT1:.*]], ^[[BAD1:.*]]
// CHECK: ^[[NEXT1]]:
// CHECK: %[[GOOD2:.*]] = arith.cmpi eq, %[[EXTENT]], %{{.*}}
// CHECK: cf.cond_br %[[GOOD2]], ^[[NEXT2:.*]], ^[[BAD2:.*]]
// CHECK: ^[[NEXT2]]:
// CHECK: %[[GOOD3:.*]] = arith.cmpi sge, %[[N]], %[[C7]]
// CHECK: cf.cond_br %[[GOOD3]], ^[[NEXT3:.*]], ^[[BAD3:.*]]
// CHECK: ^[[BAD1]]:
// CHECK: return %[[CODE1]] : i32
// CHECK: ^[[BAD2]]:
// CHECK: return %[[CODE2]] : i32
// CHECK: ^[[BAD3]]:
// CHECK: return %[[CODE3]] : i32

// Index checks are numbered behind those three.
// CHECK-LABEL: func.func @mad_run_checked(
// CHECK-SAME: %{{[^:]*}}: !llvm.ptr, %{{[^:]*}}: !llvm.ptr, %{{[^:]*}}: !llvm.ptr, %[[INFO:[^:]*]]: !llvm.ptr, %{{[^:]*}}: !llvm.ptr) -> i32
// CHECK-DAG: %[[BEFORE:.*]] = arith.constant 3 : i64
// CHECK-DAG: %[[NONE:.*]] = arith.constant 0 : i64
// CHECK: %[[STATUS:.*]] = llvm.alloca
// CHECK: call @checked.body(
// CHECK: %[[NUMBER:.*]] = llvm.load %[[STATUS]] : !llvm.ptr -> i64
// CHECK: %[[GOOD:.*]] = arith.cmpi eq, %[[NUMBER]], %[[NONE]] : i64
// CHECK: cf.cond_br %[[GOOD]], ^[[NEXT:.*]], ^[[BAD:.*]]
// CHECK: ^[[BAD]]:
// CHECK: %[[STATUS1:.*]] = llvm.getelementptr %[[STATUS]][1]
// CHECK: %[[FOUND:.*]] = llvm.load %[[STATUS1]]
// CHECK: llvm.store %[[FOUND]], %[[INFO]] : i64
// CHECK: %[[CODE:.*]] = arith.addi %[[NUMBER]], %[[BEFORE]] : i64
// CHECK: %[[SHORT:.*]] = arith.trunci %[[CODE]] : i64 to i32
// CHECK: return %[[SHORT]] : i32
func.func @checked(%n: index, %status: memref<13xi64>, %x: memref<?xf32> {mad.name = "x"}, %arena: memref<?xi8>)
    attributes {entry = {arena = @checked.arena, dims = ["N"], weights = [],
                         index_checks = [["index out of range", "a.mad:1:2"]],
                         checks = [#mad.check<"N", ge, "7", "rows", "a.mad:1:3">],
                         type = (tensor<?xf32, #mad.dims<"2 * N + 1">>) -> ()}} {
  return
}

// CHECK-NOT: @mad_prepare_no_entry
// CHECK-LABEL: func.func @no_entry(
// CHECK-SAME: %[[X:[^:]*]]: memref<4xf32>)
// CHECK-NEXT: return
func.func @no_entry(%x: memref<4xf32>) {
  return
}
