// Where buffers are placed, and what size the arena has.
//
// RUN: mad-opt %s --mad-plan-arena --canonicalize | FileCheck %s

func.func private @use(memref<4xf32>)
func.func private @use_both(memref<4xf32>, memref<4xf32>)
func.func private @use_dynamic(memref<?xf32>)
func.func private @use_both_dynamic(memref<?xf32>, memref<?xf32>)

// 64 bytes are spare: behind the last buffer one element can be read.
// CHECK-LABEL: func.func private @no_buffers.arena() -> index
// CHECK: %[[SIZE:.*]] = arith.constant 64 : index
// CHECK: return %[[SIZE]]
// CHECK-LABEL: func.func @no_buffers(
// CHECK-SAME: %{{.*}}: memref<13xi64>, %{{.*}}: memref<4xf32>, %{{.*}}: memref<?xi8>)
// CHECK-SAME: arena = @no_buffers.arena
// CHECK-NOT: memref.view
func.func @no_buffers(%status: memref<13xi64>, %out: memref<4xf32>)
    attributes {entry = {dims = [], type = () -> tensor<4xf32>, weights = []}} {
  call @use(%out) : (memref<4xf32>) -> ()
  return
}

// Both are alive in the second call: 2 * 64 bytes, and the spare ones.
// CHECK-LABEL: func.func private @alive_together.arena
// CHECK: arith.constant 192 : index
// CHECK-LABEL: func.func @alive_together(
// CHECK-SAME: %[[ARENA:[^ ]*]]: memref<?xi8>)
// CHECK-NOT: memref.alloc
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C64:.*]] = arith.constant 64 : index
// CHECK-DAG: %[[A:.*]] = memref.view %[[ARENA]][%[[C0]]][] : memref<?xi8> to memref<4xf32>
// CHECK-DAG: %[[B:.*]] = memref.view %[[ARENA]][%[[C64]]][] : memref<?xi8> to memref<4xf32>
// CHECK: call @use_both(%[[A]], %[[B]])
// CHECK-NOT: memref.alloc
func.func @alive_together(%status: memref<13xi64>)
    attributes {entry = {dims = [], type = () -> (), weights = []}} {
  %a = memref.alloc() : memref<4xf32>
  call @use(%a) : (memref<4xf32>) -> ()
  %b = memref.alloc() : memref<4xf32>
  call @use_both(%a, %b) : (memref<4xf32>, memref<4xf32>) -> ()
  return
}

// The second starts when the first has ended.
// CHECK-LABEL: func.func private @one_after_the_other.arena
// CHECK: arith.constant 128 : index
// CHECK-LABEL: func.func @one_after_the_other(
// CHECK-SAME: %[[ARENA:[^ ]*]]: memref<?xi8>)
// CHECK: %[[C0:.*]] = arith.constant 0 : index
// CHECK: %[[A:.*]] = memref.view %[[ARENA]][%[[C0]]][]
// CHECK: call @use(%[[A]])
// CHECK: %[[B:.*]] = memref.view %[[ARENA]][%[[C0]]][]
// CHECK: call @use(%[[B]])
func.func @one_after_the_other(%status: memref<13xi64>)
    attributes {entry = {dims = [], type = () -> (), weights = []}} {
  %a = memref.alloc() : memref<4xf32>
  call @use(%a) : (memref<4xf32>) -> ()
  %b = memref.alloc() : memref<4xf32>
  call @use(%b) : (memref<4xf32>) -> ()
  return
}

// A use in a loop lasts as long as the loop.
// CHECK-LABEL: func.func private @used_in_loop.arena
// CHECK: arith.constant 192 : index
// CHECK-LABEL: func.func @used_in_loop(
// CHECK-SAME: %[[ARENA:[^ ]*]]: memref<?xi8>)
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C64:.*]] = arith.constant 64 : index
// CHECK-DAG: %[[A:.*]] = memref.view %[[ARENA]][%[[C0]]][]
// CHECK: scf.for
// CHECK: call @use(%[[A]])
// CHECK: %[[B:.*]] = memref.view %[[ARENA]][%[[C64]]][]
// CHECK: call @use(%[[B]])
func.func @used_in_loop(%status: memref<13xi64>)
    attributes {entry = {dims = [], type = () -> (), weights = []}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %a = memref.alloc() : memref<4xf32>
  scf.for %i = %c0 to %c8 step %c1 {
    func.call @use(%a) : (memref<4xf32>) -> ()
    %b = memref.alloc() : memref<4xf32>
    func.call @use(%b) : (memref<4xf32>) -> ()
  }
  return
}

// A view is used: so is the buffer.
// CHECK-LABEL: func.func private @used_through_view.arena
// CHECK: arith.constant 192 : index
// CHECK-LABEL: func.func @used_through_view(
func.func @used_through_view(%status: memref<13xi64>)
    attributes {entry = {dims = [], type = () -> (), weights = []}} {
  %a = memref.alloc() : memref<2x2xf32>
  %flat = memref.collapse_shape %a [[0, 1]] : memref<2x2xf32> into memref<4xf32>
  %b = memref.alloc() : memref<4xf32>
  call @use(%b) : (memref<4xf32>) -> ()
  call @use(%flat) : (memref<4xf32>) -> ()
  return
}

// Sizes from the dimension parameters: 4 * 3 bytes a row, in steps of 64 bytes.
// CHECK-LABEL: func.func private @unknown_size.arena(
// CHECK-SAME: %[[N:.*]]: index) -> index
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C12:.*]] = arith.constant 12 : index
// CHECK-DAG: %[[C63:.*]] = arith.constant 63 : index
// CHECK-DAG: %[[CM64:.*]] = arith.constant -64 : index
// CHECK-DAG: %[[C64:.*]] = arith.constant 64 : index
// CHECK: %[[ROWS:.*]] = arith.maxsi %[[N]], %[[C0]]
// CHECK: %[[BYTES:.*]] = arith.muli %[[ROWS]], %[[C12]]
// CHECK: %[[UP:.*]] = arith.addi %[[BYTES]], %[[C63]]
// CHECK: %[[ROUND:.*]] = arith.andi %[[UP]], %[[CM64]]
// CHECK: %[[TOTAL:.*]] = arith.addi %[[ROUND]], %[[C64]]
// The same in f64 says when that does not fit.
// CHECK: %[[BIG:.*]] = arith.addf
// CHECK: %[[TOOBIG:.*]] = arith.cmpf ugt, %[[BIG]]
// CHECK: %[[BYTES:.*]] = arith.select %[[TOOBIG]], %{{.*}}, %[[TOTAL]]
// CHECK: return %[[BYTES]]
// CHECK-LABEL: func.func @unknown_size(
// CHECK-SAME: %[[N:.*]]: index, %{{.*}}: memref<13xi64>, %{{.*}}: memref<?x3xf32>, %[[ARENA:.*]]: memref<?xi8>)
// CHECK: %[[A:.*]] = memref.view %[[ARENA]][%{{.*}}][%[[N]]] : memref<?xi8> to memref<?x3xf32>
// CHECK: memref.copy %{{.*}}, %[[A]]
func.func @unknown_size(%n: index, %status: memref<13xi64>, %x: memref<?x3xf32>)
    attributes {entry = {dims = ["N"], type = (tensor<?x3xf32, #mad.dims<"N", "">>) -> (), weights = []}} {
  %a = memref.alloc(%n) : memref<?x3xf32>
  memref.copy %x, %a : memref<?x3xf32> to memref<?x3xf32>
  return
}

// An extent of an input is what its type says.
// CHECK-LABEL: func.func private @size_from_extent.arena(
// CHECK-SAME: %[[N:.*]]: index) -> index
// CHECK: %[[C2:.*]] = arith.constant 2 : index
// CHECK: arith.muli %[[N]], %[[C2]]
// CHECK: return
// CHECK-LABEL: func.func @size_from_extent(
func.func @size_from_extent(%n: index, %status: memref<13xi64>, %x: memref<?xf32>)
    attributes {entry = {dims = ["N"], type = (tensor<?xf32, #mad.dims<"2 * N">>) -> (), weights = []}} {
  %c0 = arith.constant 0 : index
  %size = memref.dim %x, %c0 : memref<?xf32>
  %a = memref.alloc(%size) : memref<?xf32>
  call @use_dynamic(%a) : (memref<?xf32>) -> ()
  return
}

// Buffers of an unknown size share a slot as well, which has the size of the larger.
// CHECK-LABEL: func.func private @shared_slot.arena(
// CHECK-COUNT-2: arith.andi
// CHECK: arith.maxsi
// CHECK: return
// CHECK-LABEL: func.func @shared_slot(
// CHECK-SAME: %[[N:.*]]: index, %[[M:.*]]: index, %{{.*}}: memref<13xi64>, %[[ARENA:.*]]: memref<?xi8>)
// CHECK: %[[A:.*]] = memref.view %[[ARENA]][%[[SLOT:.*]]][%[[N]]]
// CHECK: call @use_dynamic(%[[A]])
// CHECK: %[[B:.*]] = memref.view %[[ARENA]][%[[SLOT]]][%[[M]]]
// CHECK: call @use_dynamic(%[[B]])
func.func @shared_slot(%n: index, %m: index, %status: memref<13xi64>)
    attributes {entry = {dims = ["N", "M"], type = () -> (), weights = []}} {
  %a = memref.alloc(%n) : memref<?xf32>
  call @use_dynamic(%a) : (memref<?xf32>) -> ()
  %b = memref.alloc(%m) : memref<?xf32>
  call @use_dynamic(%b) : (memref<?xf32>) -> ()
  return
}

// CHECK-LABEL: func.func private @two_slots.arena(
// CHECK-LABEL: func.func @two_slots(
// CHECK-SAME: %[[ARENA:[^ ]*]]: memref<?xi8>)
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[BYTES:.*]] = arith.andi
// CHECK: %[[A:.*]] = memref.view %[[ARENA]][%[[C0]]]
// CHECK: %[[B:.*]] = memref.view %[[ARENA]][%[[BYTES]]]
// CHECK: call @use_both_dynamic(%[[A]], %[[B]])
func.func @two_slots(%n: index, %status: memref<13xi64>)
    attributes {entry = {dims = ["N"], type = () -> (), weights = []}} {
  %a = memref.alloc(%n) : memref<?xf32>
  %b = memref.alloc(%n) : memref<?xf32>
  call @use_both_dynamic(%a, %b) : (memref<?xf32>, memref<?xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @no_entry(
// CHECK: memref.alloc()
func.func @no_entry() {
  %a = memref.alloc() : memref<4xf32>
  call @use(%a) : (memref<4xf32>) -> ()
  return
}

// Iterations of scf.parallel run at once: each has its own 64 bytes, 64 spare.
// CHECK-LABEL: func.func private @in_parallel.arena(
// CHECK-SAME: %[[N:.*]]: index) -> index
// CHECK-DAG: %[[ROUND:.*]] = arith.constant 64 : index
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C3:.*]] = arith.constant 3 : index
// CHECK: %[[PIECES:.*]] = arith.ceildivsi %[[N]], %[[C3]]
// CHECK: math.ceil
// CHECK: %[[COUNT:.*]] = arith.maxsi %[[PIECES]], %[[C0]]
// CHECK: %[[BYTES:.*]] = arith.muli %[[COUNT]], %[[ROUND]]
// CHECK: arith.addi %[[BYTES]]
// CHECK-LABEL: func.func @in_parallel(
// CHECK-SAME: %[[ARENA:[^ ]*]]: memref<?xi8>)
// CHECK: scf.parallel (%[[I:.*]]) =
// CHECK: %[[AT:.*]] = arith.muli %[[I]], %{{.*}}
// CHECK: memref.view %[[ARENA]][%[[AT]]][] : memref<?xi8> to memref<4xf32>
// CHECK: %[[AT2:.*]] = arith.muli %[[I]], %{{.*}}
// CHECK: %[[START:.*]] = arith.addi %{{.*}}, %[[AT2]]
// CHECK: memref.view %[[ARENA]][%[[START]]][] : memref<?xi8> to memref<4xf32>
func.func @in_parallel(%n: index, %status: memref<13xi64>)
    attributes {entry = {dims = ["N"], type = () -> (), weights = []}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %count = arith.ceildivsi %n, %c3 : index
  scf.parallel (%i) = (%c0) to (%count) step (%c1) {
    %a = memref.alloc() : memref<4xf32>
    func.call @use(%a) : (memref<4xf32>) -> ()
    %b = memref.alloc() : memref<4xf32>
    func.call @use(%b) : (memref<4xf32>) -> ()
  }
  return
}

// Of a known number: the buffers of all iterations are one, in front of the loop, which does not
// say where they lie.
// CHECK-LABEL: func.func @in_known_pieces(
// CHECK-SAME: %[[ARENA:[^ ]*]]: memref<?xi8>)
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C192:.*]] = arith.constant 192 : index
// CHECK-DAG: %[[A:.*]] = memref.view %[[ARENA]][%[[C0]]][] : memref<?xi8> to memref<192xi8>
// CHECK-DAG: %[[B:.*]] = memref.view %[[ARENA]][%[[C192]]][] : memref<?xi8> to memref<192xi8>
// CHECK: scf.parallel (%[[I:.*]]) =
// CHECK: %[[AT:.*]] = arith.muli %[[I]], %{{.*}}
// CHECK: memref.view %[[A]][%[[AT]]][] : memref<192xi8> to memref<4xf32>
// CHECK: %[[AT2:.*]] = arith.muli %[[I]], %{{.*}}
// CHECK: memref.view %[[B]][%[[AT2]]][] : memref<192xi8> to memref<4xf32>
func.func @in_known_pieces(%status: memref<13xi64>)
    attributes {entry = {dims = [], type = () -> (), weights = []}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  scf.parallel (%i) = (%c0) to (%c3) step (%c1) {
    %a = memref.alloc() : memref<4xf32>
    func.call @use(%a) : (memref<4xf32>) -> ()
    %b = memref.alloc() : memref<4xf32>
    func.call @use(%b) : (memref<4xf32>) -> ()
  }
  return
}
