// One op of each family as linalg, and what an entry looks like afterwards.
//
// RUN: mad-opt %s --mad-to-linalg --canonicalize --cse | FileCheck %s

!n = tensor<?xf32, #mad.dims<"N">>

// CHECK-DAG: #[[$ID:.+]] = affine_map<(d0) -> (d0)>
// CHECK-DAG: #[[$TURNED:.+]] = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-DAG: #[[$BOTH:.+]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[$ROWS:.+]] = affine_map<(d0, d1) -> (d0)>
// CHECK-DAG: #[[$COLUMNS:.+]] = affine_map<(d0, d1) -> (d1)>
// CHECK-DAG: #[[$NONE:.+]] = affine_map<(d0) -> ()>
// CHECK-DAG: #[[$LEFT:.+]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[$RIGHT:.+]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-DAG: #[[$OUT:.+]] = affine_map<(d0, d1, d2) -> (d0, d1)>

mad.weight_source @w1 from "a.npz" : "w1" : tensor<4xf32>
mad.weight_source @w2 from "a.npz" : "w2" : tensor<4xf32>
mad.weight_source @unused from "a.npz" : "w3" : tensor<4xf32>

// Parameters, status, inputs; the attribute keeps what the types have said.
// CHECK-LABEL: func.func @elementwise(
// CHECK-SAME: %[[N:[^:]*]]: index {mad.name = "N"}, %{{[^:]*}}: memref<13xi64>, %[[X:[^:]*]]: tensor<?xf32> {mad.name = "x"}) -> (tensor<?xf32> {mad.name = "y"})
// CHECK-SAME: entry = {
// CHECK-SAME: dims = ["N"], doc = "text", index_checks = [],
// CHECK-SAME: type = (tensor<?xf32, #mad.dims<"N">>) -> tensor<?xf32, #mad.dims<"N">>, weights = []}
// CHECK: %[[E:.*]] = tensor.empty(%[[N]]) : tensor<?xf32>
// CHECK: %[[Y:.*]] = linalg.generic {indexing_maps = [#[[$ID]], #[[$ID]]], iterator_types = ["parallel"]} ins(%[[X]] : tensor<?xf32>) outs(%[[E]] : tensor<?xf32>)
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT: %[[B:.*]] = arith.negf %[[A]]
// CHECK-NEXT: linalg.yield %[[B]]
// CHECK: return %[[Y]]
func.func @elementwise(%x: !n {mad.name = "x"}) -> (!n {mad.name = "y"})
    attributes {mad.dims = ["N"], mad.entry, mad.doc = "text"} {
  %0 = mad.neg %x : (!n) -> !n
  return %0 : !n
}

// In memory a bool is a byte.
// CHECK-LABEL: func.func @bools(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32>, %[[B:[^:]*]]: tensor<4xi8>) -> tensor<4xi8>
// CHECK: %[[LESS:.*]] = arith.cmpf olt, %{{.*}}, %{{.*}} : f32
// CHECK: %[[BYTE:.*]] = arith.extui %[[LESS]] : i1 to i8
// CHECK: linalg.yield %[[BYTE]] : i8
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[B]] : tensor<4xi8>, tensor<4xi8>)
// CHECK: arith.andi
func.func @bools(%x: tensor<4xf32>, %b: tensor<4xi1>) -> tensor<4xi1> attributes {mad.dims = [], mad.entry} {
  %0 = mad.compare lt %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  %1 = mad.and %0, %b : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  return %1 : tensor<4xi1>
}

// A machine traps on x / 0 and on the lowest number / -1: neither is divided.
// CHECK-LABEL: func.func @integer_division(
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : i64
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1 : i64
// CHECK-DAG: %[[MINUS:.*]] = arith.constant -1 : i64
// CHECK: ^bb0(%[[A:.*]]: i64, %[[B:.*]]: i64, %{{.*}}: i64):
// CHECK: %[[IS0:.*]] = arith.cmpi eq, %[[B]], %[[ZERO]]
// CHECK: %[[ISM:.*]] = arith.cmpi eq, %[[B]], %[[MINUS]]
// CHECK: %[[D:.*]] = arith.select %[[ISM]], %[[ONE]], %[[B]]
// CHECK: %[[SAFE:.*]] = arith.select %[[IS0]], %[[ONE]], %[[D]]
// CHECK: %[[Q:.*]] = arith.floordivsi %[[A]], %[[SAFE]]
// CHECK: %[[NEGATED:.*]] = arith.subi %[[ZERO]], %[[A]]
// CHECK: %[[R:.*]] = arith.select %[[ISM]], %[[NEGATED]], %[[Q]]
// CHECK: %[[S:.*]] = arith.select %[[IS0]], %[[ZERO]], %[[R]]
// CHECK: linalg.yield %[[S]]
func.func @integer_division(%x: tensor<4xi64>, %y: tensor<4xi64>) -> tensor<4xi64> attributes {mad.dims = [], mad.entry} {
  %0 = mad.div %x, %y : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64>
  return %0 : tensor<4xi64>
}

// Out of range saturates, and NaN is 0.
// CHECK-LABEL: func.func @casts(
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : i32
// CHECK-DAG: %[[LEAST:.*]] = arith.constant -2147483648 : i32
// CHECK-DAG: %[[MOST:.*]] = arith.constant 2147483647 : i32
// CHECK: ^bb0(%[[A:.*]]: f32, %{{.*}}: i32):
// CHECK: %[[I:.*]] = arith.fptosi %[[A]] : f32 to i32
// CHECK: %[[ABOVE:.*]] = arith.cmpf oge, %[[A]],
// CHECK: %[[J:.*]] = arith.select %[[ABOVE]], %[[MOST]], %[[I]]
// CHECK: %[[BELOW:.*]] = arith.cmpf olt, %[[A]],
// CHECK: %[[K:.*]] = arith.select %[[BELOW]], %[[LEAST]], %[[J]]
// CHECK: %[[NAN:.*]] = arith.cmpf uno, %[[A]], %[[A]]
// CHECK: %[[L:.*]] = arith.select %[[NAN]], %[[ZERO]], %[[K]]
// CHECK: linalg.yield %[[L]] : i32
// CHECK: %[[F:.*]] = arith.sitofp %{{.*}} : i64 to f32
// CHECK: linalg.yield %[[F]]
func.func @casts(%x: tensor<4xf32>, %y: tensor<4xi64>) -> (tensor<4xi32>, tensor<4xf32>) attributes {mad.dims = [], mad.entry} {
  %0 = mad.cast %x : (tensor<4xf32>) -> tensor<4xi32>
  %1 = mad.cast %y : (tensor<4xi64>) -> tensor<4xf32>
  return %0, %1 : tensor<4xi32>, tensor<4xf32>
}

// CHECK-LABEL: func.func @permuted(
// CHECK-SAME: %[[N:[^:]*]]: index {{.*}} %[[X:[^:]*]]: tensor<?x4xf32>)
// CHECK: %[[E:.*]] = tensor.empty(%[[N]]) : tensor<4x?xf32>
// CHECK: linalg.generic {indexing_maps = [#[[$TURNED]], #[[$BOTH]]], iterator_types = ["parallel", "parallel"]} ins(%[[X]] : tensor<?x4xf32>) outs(%[[E]] : tensor<4x?xf32>)
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT: linalg.yield %[[A]]
func.func @permuted(%x: tensor<?x4xf32, #mad.dims<"N", "">>) -> tensor<4x?xf32, #mad.dims<"", "N">> attributes {mad.dims = ["N"], mad.entry} {
  %0 = mad.view %x by affine_map<(d0, d1) -> (d1, d0)> inside : (tensor<?x4xf32, #mad.dims<"N", "">>) -> tensor<4x?xf32, #mad.dims<"", "N">>
  return %0 : tensor<4x?xf32, #mad.dims<"", "N">>
}

// CHECK-LABEL: func.func @repeated(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32>)
// CHECK: linalg.generic {indexing_maps = [#[[$COLUMNS]], #[[$BOTH]]], iterator_types = ["parallel", "parallel"]} ins(%[[X]] : tensor<4xf32>) outs(%{{.*}} : tensor<3x4xf32>)
func.func @repeated(%x: tensor<4xf32>) -> tensor<3x4xf32> attributes {mad.dims = [], mad.entry} {
  %0 = mad.view %x by affine_map<(d0, d1) -> (d1)> inside : (tensor<4xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// A slice is nothing but that.
// CHECK-LABEL: func.func @slice(
// CHECK-SAME: %[[N:[^:]*]]: index {{.*}} %[[X:[^:]*]]: tensor<?xf32>)
// CHECK: %[[C2:.*]] = arith.constant 2 : index
// CHECK: %[[M:.*]] = arith.subi %[[N]], %[[C2]]
// CHECK: %[[Y:.*]] = tensor.extract_slice %[[X]][1] [%[[M]]] [1]
// CHECK-NOT: linalg.generic
// CHECK: return %[[Y]]
func.func @slice(%x: !n) -> tensor<?xf32, #mad.dims<"N - 2">> attributes {mad.dims = ["N"], mad.entry} {
  %0 = mad.view %x by affine_map<(d0) -> (d0 + 1)> inside : (!n) -> tensor<?xf32, #mad.dims<"N - 2">>
  return %0 : tensor<?xf32, #mad.dims<"N - 2">>
}

// A position that lies outside is not read: another is, and its element dropped.
// CHECK-LABEL: func.func @zero_outside(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32>)
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C3:.*]] = arith.constant 3 : index
// CHECK-DAG: %[[C4:.*]] = arith.constant 4 : index
// CHECK: %[[I:.*]] = linalg.index 0
// CHECK: %[[AT:.*]] = arith.addi %[[I]], %{{.*}} : index
// CHECK: %[[FITS:.*]] = arith.cmpi ult, %[[AT]], %[[C4]]
// CHECK: %[[LOW:.*]] = arith.maxsi %[[AT]], %[[C0]]
// CHECK: %[[INSIDE:.*]] = arith.minsi %[[LOW]], %[[C3]]
// CHECK: %[[V:.*]] = tensor.extract %[[X]][%[[INSIDE]]]
// CHECK: %[[R:.*]] = arith.select %[[FITS]], %[[V]], %[[ZERO]]
// CHECK: linalg.yield %[[R]]
func.func @zero_outside(%x: tensor<4xf32>) -> tensor<4xf32> attributes {mad.dims = [], mad.entry} {
  %0 = mad.view %x by affine_map<(d0) -> (d0 - 1)> zero : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @clamped(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32>)
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C3:.*]] = arith.constant 3 : index
// CHECK: %[[LOW:.*]] = arith.maxsi %{{.*}}, %[[C0]]
// CHECK: %[[INSIDE:.*]] = arith.minsi %[[LOW]], %[[C3]]
// CHECK: %[[V:.*]] = tensor.extract %[[X]][%[[INSIDE]]]
// CHECK-NOT: arith.select
// CHECK: linalg.yield %[[V]]
func.func @clamped(%x: tensor<4xf32>) -> tensor<4xf32> attributes {mad.dims = [], mad.entry} {
  %0 = mad.view %x by affine_map<(d0) -> (d0 - 1)> clamp : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// No remainder in the loop: one period more is enough.
// CHECK-LABEL: func.func @periodic(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32>)
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C3:.*]] = arith.constant 3 : index
// CHECK-DAG: %[[BACK:.*]] = arith.constant -1 : index
// CHECK: %[[I:.*]] = linalg.index 0
// CHECK: %[[AT:.*]] = arith.addi %[[I]], %[[BACK]]
// CHECK: %[[NEXT:.*]] = arith.addi %[[I]], %[[C3]]
// CHECK: %[[BELOW:.*]] = arith.cmpi slt, %[[AT]], %[[C0]]
// CHECK: %[[INSIDE:.*]] = arith.select %[[BELOW]], %[[NEXT]], %[[AT]]
// CHECK: %[[V:.*]] = tensor.extract %[[X]][%[[INSIDE]]]
// CHECK: linalg.yield %[[V]]
func.func @periodic(%x: tensor<4xf32>) -> tensor<4xf32> attributes {mad.dims = [], mad.entry} {
  %0 = mad.view %x by affine_map<(d0) -> (d0 - 1)> periodic : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// The range of the indices is checked first; the elements are then read as they are.
// CHECK-LABEL: func.func @gather(
// CHECK-SAME: %[[N:[^:]*]]: index {{.*}} %[[STATUS:[^:]*]]: memref<13xi64>, %[[X:[^:]*]]: tensor<?xf32>, %[[I:[^:]*]]: tensor<4xi64>)
// CHECK-SAME: index_checks = {{\[\[}}"index out of range
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[FIRST:.*]] = arith.constant 1 : i64
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : i64
// CHECK: %[[RANGE:.*]]:2 = linalg.generic {indexing_maps = [#[[$ID]], #[[$NONE]], #[[$NONE]]], iterator_types = ["reduction"]} ins(%[[I]] : tensor<4xi64>)
// CHECK: arith.minsi
// CHECK: arith.maxsi
// CHECK: %[[LOWEST:.*]] = tensor.extract %[[RANGE]]#0[]
// CHECK: %[[HIGHEST:.*]] = tensor.extract %[[RANGE]]#1[]
// CHECK: %[[BOUND:.*]] = arith.index_cast %[[N]] : index to i64
// CHECK: %[[BELOW:.*]] = arith.cmpi slt, %[[LOWEST]], %[[ZERO]]
// CHECK: %[[ABOVE:.*]] = arith.cmpi sge, %[[HIGHEST]], %[[BOUND]]
// CHECK: %[[FAILED:.*]] = arith.ori %[[BELOW]], %[[ABOVE]]
// CHECK: %[[FOUND:.*]] = arith.select %[[BELOW]], %[[LOWEST]], %[[HIGHEST]]
// CHECK: scf.if %[[FAILED]] {
// CHECK: memref.store %[[FIRST]], %[[STATUS]][%[[C0]]]
// CHECK: memref.store %[[FOUND]], %[[STATUS]][%[[C1]]]
// CHECK: memref.store %[[BOUND]], %[[STATUS]][%[[C2]]]
// CHECK: %[[HOLDS:.*]] = arith.xori %[[FAILED]],
// CHECK: cf.assert %[[HOLDS]], "index out of range
// CHECK: linalg.generic {{.*}} ins(%[[I]] : tensor<4xi64>)
// CHECK-NEXT: ^bb0(%[[A:.*]]: i64, %{{.*}}: f32):
// CHECK-NEXT: %[[AT:.*]] = arith.index_cast %[[A]] : i64 to index
// CHECK-NEXT: %[[V:.*]] = tensor.extract %[[X]][%[[AT]]]
// CHECK-NEXT: linalg.yield %[[V]]
func.func @gather(%x: !n, %i: tensor<4xi64>) -> tensor<4xf32> attributes {mad.dims = ["N"], mad.entry} {
  %0 = mad.gather %x[%i] : (!n, tensor<4xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @reduce(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4x8xf32>)
// CHECK: %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK: %[[F:.*]] = linalg.fill ins(%[[ONE]] : f32)
// CHECK: linalg.generic {indexing_maps = [#[[$BOTH]], #[[$ROWS]]], iterator_types = ["parallel", "reduction"]} ins(%[[X]] : tensor<4x8xf32>) outs(%[[F]] : tensor<4xf32>)
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[P:.*]]: f32):
// CHECK-NEXT: arith.mulf %[[P]], %[[A]] fastmath<reassoc{{.*}}> : f32
func.func @reduce(%x: tensor<4x8xf32>) -> tensor<4xf32> attributes {mad.dims = [], mad.entry} {
  %0 = mad.reduce prod %x over [1] : (tensor<4x8xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// The best value and its position are carried together; the first of equals wins.
// CHECK-LABEL: func.func @argmax(
// CHECK-DAG: %[[LEAST:.*]] = arith.constant 0xFF800000 : f32
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : i64
// CHECK-DAG: %[[V:.*]] = linalg.fill ins(%[[LEAST]] : f32)
// CHECK-DAG: %[[P:.*]] = linalg.fill ins(%[[ZERO]] : i64)
// CHECK: %[[R:.*]]:2 = linalg.generic {{.*}} outs(%[[V]], %[[P]] : tensor<4xf32>, tensor<4xi64>)
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[BEST:.*]]: f32, %[[WHERE:.*]]: i64):
// CHECK-DAG: %[[GREATER:.*]] = arith.cmpf ugt, %[[A]], %[[BEST]]
// CHECK-DAG: %[[NUMBER:.*]] = arith.cmpf ord, %[[BEST]], %[[BEST]]
// CHECK: %[[TAKE:.*]] = arith.andi %[[GREATER]], %[[NUMBER]]
// CHECK: %[[I:.*]] = linalg.index 1
// CHECK: %[[HERE:.*]] = arith.index_cast %[[I]] : index to i64
// CHECK: %[[B:.*]] = arith.select %[[TAKE]], %[[A]], %[[BEST]]
// CHECK: %[[W:.*]] = arith.select %[[TAKE]], %[[HERE]], %[[WHERE]]
// CHECK: linalg.yield %[[B]], %[[W]]
// CHECK: return %[[R]]#1
func.func @argmax(%x: tensor<4x8xf32>) -> tensor<4xi64> attributes {mad.dims = [], mad.entry} {
  %0 = mad.reduce argmax %x over [1] : (tensor<4x8xf32>) -> tensor<4xi64>
  return %0 : tensor<4xi64>
}

// CHECK-LABEL: func.func @contract(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4x8xf32>, %[[Y:[^:]*]]: tensor<8x3xf32>)
// CHECK: linalg.generic {indexing_maps = [#[[$LEFT]], #[[$RIGHT]], #[[$OUT]]], iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[X]], %[[Y]] :
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32, %[[SUM:.*]]: f32):
// CHECK-NEXT: %[[P:.*]] = arith.mulf %[[A]], %[[B]] fastmath<{{.*}}contract> : f32
// CHECK-NEXT: %[[S:.*]] = arith.addf %[[SUM]], %[[P]] fastmath<reassoc,contract> : f32
// CHECK-NEXT: linalg.yield %[[S]]
func.func @contract(%x: tensor<4x8xf32>, %y: tensor<8x3xf32>) -> tensor<4x3xf32> attributes {mad.dims = [], mad.entry} {
  %0 = mad.contract %x by affine_map<(d0, d1, d2) -> (d0, d2)>, %y by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<4x8xf32>, tensor<8x3xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// CHECK-LABEL: func.func @split(
// CHECK-SAME: %[[N:[^:]*]]: index {{.*}} %[[X:[^:]*]]: tensor<?x6xf32>)
// CHECK-NEXT: %[[Y:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0], [1, 2]] output_shape [%[[N]], 2, 3]
// CHECK-NEXT: return %[[Y]]
func.func @split(%x: tensor<?x6xf32, #mad.dims<"N", "">>) -> tensor<?x2x3xf32, #mad.dims<"N", "", "">> attributes {mad.dims = ["N"], mad.entry} {
  %0 = mad.reshape %x : (tensor<?x6xf32, #mad.dims<"N", "">>) -> tensor<?x2x3xf32, #mad.dims<"N", "", "">>
  return %0 : tensor<?x2x3xf32, #mad.dims<"N", "", "">>
}

// CHECK-LABEL: func.func @regrouped(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4x3xf32>)
// CHECK-NEXT: %[[FLAT:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1]]
// CHECK-NEXT: %[[Y:.*]] = tensor.expand_shape %[[FLAT]] {{\[\[}}0, 1]] output_shape [2, 6]
// CHECK-NEXT: return %[[Y]]
func.func @regrouped(%x: tensor<4x3xf32>) -> tensor<2x6xf32> attributes {mad.dims = [], mad.entry} {
  %0 = mad.reshape %x : (tensor<4x3xf32>) -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// CHECK-LABEL: func.func @concat(
// CHECK-SAME: %[[N:[^:]*]]: index {{.*}} %[[X:[^:]*]]: tensor<?xf32>, %[[Y:[^:]*]]: tensor<3xf32>)
// CHECK: %[[C3:.*]] = arith.constant 3 : index
// CHECK: %[[SIZE:.*]] = arith.addi %[[N]], %[[C3]]
// CHECK: %[[E:.*]] = tensor.empty(%[[SIZE]])
// CHECK: %[[A:.*]] = tensor.insert_slice %[[X]] into %[[E]][0] [%[[N]]] [1]
// CHECK: %[[B:.*]] = tensor.insert_slice %[[Y]] into %[[A]][%[[N]]] [3] [1]
// CHECK: return %[[B]]
func.func @concat(%x: !n, %y: tensor<3xf32>) -> tensor<?xf32, #mad.dims<"N + 3">> attributes {mad.dims = ["N"], mad.entry} {
  %0 = mad.concat 0 of %x, %y : (!n, tensor<3xf32>) -> tensor<?xf32, #mad.dims<"N + 3">>
  return %0 : tensor<?xf32, #mad.dims<"N + 3">>
}

// Many scalars are elements.
// CHECK-LABEL: func.func @list(
// CHECK-SAME: %[[X:[^:]*]]: tensor<f32>)
// CHECK: %[[E:.*]] = tensor.extract %[[X]][]
// CHECK: %[[R:.*]] = tensor.from_elements %[[E]], %[[E]],{{.*}} : tensor<33xf32>
// CHECK-NOT: tensor.insert_slice
// CHECK: return %[[R]]
func.func @list(%x: tensor<f32>) -> tensor<33xf32> attributes {mad.dims = [], mad.entry} {
  %p = mad.reshape %x : (tensor<f32>) -> tensor<1xf32>
  %0 = mad.concat 0 of %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p, %p : (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<33xf32>
  return %0 : tensor<33xf32>
}

// CHECK-LABEL: func.func @if(
// CHECK-SAME: %[[C:[^:]*]]: tensor<i8>, %[[X:[^:]*]]: tensor<?xf32>, %[[Y:[^:]*]]: tensor<?xf32>)
// CHECK: %[[BYTE:.*]] = tensor.extract %[[C]][]
// CHECK: %[[BIT:.*]] = arith.trunci %[[BYTE]] : i8 to i1
// CHECK: %[[R:.*]] = scf.if %[[BIT]] -> (tensor<?xf32>) {
// CHECK: %[[A:.*]] = linalg.generic {{.*}} ins(%[[X]] : tensor<?xf32>)
// CHECK: arith.negf
// CHECK: scf.yield %[[A]]
// CHECK-NEXT: } else {
// CHECK-NEXT: scf.yield %[[Y]]
// CHECK-NEXT: }
// CHECK-NEXT: return %[[R]]
func.func @if(%c: tensor<i1>, %x: !n, %y: !n) -> !n attributes {mad.dims = ["N"], mad.entry} {
  %0 = mad.if %c : tensor<i1> -> !n {
    %1 = mad.neg %x : (!n) -> !n
    mad.yield %1 : !n
  } else {
    mad.yield %y : !n
  }
  return %0 : !n
}

// Two places take turns: a round reads one and writes the other.
// CHECK-LABEL: func.func @scan(
// CHECK-SAME: %[[N:[^:]*]]: index {{.*}} %[[X:[^:]*]]: tensor<?xf32>)
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK: %[[P:.*]] = memref.alloc(%[[N]])
// CHECK: bufferization.materialize_in_destination %[[X]] in restrict writable %[[P]]
// CHECK: %[[Q:.*]] = memref.alloc(%[[N]])
// CHECK: %[[R:.*]]:2 = scf.for %[[I:.*]] = %[[C0]] to %[[N]] step %[[C1]] iter_args(%[[A:.*]] = %[[P]], %[[B:.*]] = %[[Q]])
// CHECK: %[[OLD:.*]] = bufferization.to_tensor %[[A]] restrict
// CHECK: %[[NEW:.*]] = linalg.generic {{.*}} ins(%[[OLD]] : tensor<?xf32>)
// CHECK: arith.negf
// CHECK: bufferization.materialize_in_destination %[[NEW]] in restrict writable %[[B]]
// CHECK: scf.yield %[[B]], %[[A]]
// CHECK: %[[LAST:.*]] = bufferization.to_tensor %[[R]]#0 restrict
// CHECK: return %[[LAST]]
func.func @scan(%x: !n) -> !n attributes {mad.dims = ["N"], mad.entry} {
  %0 = mad.scan "0" to "N" carry %x : (!n) -> (!n) {
  ^bb0(%i: tensor<i64>, %a: !n):
    %1 = mad.neg %a : (!n) -> !n
    mad.yield %1 : !n
  }
  return %0 : !n
}

// One argument a weight, in the order of the first use.
// CHECK-LABEL: func.func @weights(
// CHECK-SAME: %{{[^:]*}}: memref<13xi64>, %[[W2:[^:]*]]: tensor<4xf32> {mad.name = "w2"}, %[[W1:[^:]*]]: tensor<4xf32> {mad.name = "w1"})
// CHECK-SAME: weights = ["w2", "w1"]
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}} ins(%[[W1]], %[[W2]] : tensor<4xf32>, tensor<4xf32>)
// CHECK: return %[[W2]], %[[SUM]]
func.func @weights() -> (tensor<4xf32>, tensor<4xf32>) attributes {mad.dims = [], mad.entry} {
  %0 = mad.weight @w2 : tensor<4xf32>
  %1 = mad.weight @w1 : tensor<4xf32>
  %2 = mad.weight @w2 : tensor<4xf32>
  %3 = mad.add %1, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %3 : tensor<4xf32>, tensor<4xf32>
}

// Sizes are computed from the parameters, not read from tensors.
// CHECK-LABEL: func.func @sizes(
// CHECK-SAME: %[[N:[^:]*]]: index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK-NOT: tensor.dim
// CHECK: %[[TWICE:.*]] = arith.muli %[[N]], %[[C2]]
// CHECK: %[[SIZE:.*]] = arith.addi %[[TWICE]], %[[C1]]
// CHECK: %[[WORD:.*]] = arith.index_cast %[[SIZE]] : index to i64
// CHECK: %[[SCALAR:.*]] = tensor.from_elements %[[WORD]] : tensor<i64>
// CHECK: %[[E:.*]] = tensor.empty(%[[SIZE]])
// CHECK: %[[IOTA:.*]] = linalg.generic {indexing_maps = [#[[$ID]]], iterator_types = ["parallel"]} outs(%[[E]] : tensor<?xi64>)
// CHECK: %[[I:.*]] = linalg.index 0
// CHECK: %[[J:.*]] = arith.index_cast %[[I]] : index to i64
// CHECK: linalg.yield %[[J]]
// CHECK: return %[[SCALAR]], %[[IOTA]]
func.func @sizes(%x: tensor<?xf32, #mad.dims<"2 * N + 1">>) -> (tensor<i64>, tensor<?xi64, #mad.dims<"2 * N + 1">>) attributes {mad.dims = ["N"], mad.entry} {
  %0 = mad.dim "2 * N + 1" : tensor<i64>
  %1 = mad.iota 0 : tensor<?xi64, #mad.dims<"2 * N + 1">>
  return %0, %1 : tensor<i64>, tensor<?xi64, #mad.dims<"2 * N + 1">>
}

// Positions that are known when compiling and inside need no check.
// CHECK-LABEL: func.func @known_positions(
// CHECK-NOT: cf.assert
// CHECK: func.func @known_outside(
// CHECK: cf.assert
func.func @known_positions(%x: tensor<4xf32>) -> tensor<3xf32> attributes {mad.entry} {
  %i = mad.constant dense<[3, 0, 2]> : tensor<3xi64>
  %0 = mad.gather %x[%i] : (tensor<4xf32>, tensor<3xi64>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}
func.func @known_outside(%x: tensor<4xf32>) -> tensor<3xf32> attributes {mad.entry} {
  %i = mad.constant dense<[4, 0, 2]> : tensor<3xi64>
  %0 = mad.gather %x[%i] : (tensor<4xf32>, tensor<3xi64>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}
