// What the verifiers reject, one fault a section.
//
// RUN: mad-opt %s --split-input-file --verify-diagnostics

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

// expected-error @+1 {{#mad.dims has 1 texts for 2 dimensions}}
func.func private @count(tensor<?x2xf32, #mad.dims<"N">>)

// -----

// expected-error @+1 {{text "N +" of dimension 0 is not a polynomial over dimension parameters}}
func.func private @unreadable(tensor<?xf32, #mad.dims<"N +">>)

// -----

// expected-error @+1 {{text "" of dimension 1 is not a polynomial over dimension parameters}}
func.func private @missing(tensor<2x?xf32, #mad.dims<"", "">>)

// -----

// expected-error @+1 {{dimension 0 is dynamic, but its text "2 + 2" is a constant}}
func.func private @constant(tensor<?xf32, #mad.dims<"2 + 2">>)

// -----

// expected-error @+1 {{text "1+N" of dimension 0 is not in normal form, expected "N + 1"}}
func.func private @normal(tensor<?xf32, #mad.dims<"1+N">>)

// -----

func.func @no_text(%x: tensor<?xf32>) {
  // expected-error @+1 {{dimension 0 of operand 0 is dynamic without a text in #mad.dims}}
  %0 = mad.neg %x : (tensor<?xf32>) -> tensor<?xf32>
  return
}

// -----

//===----------------------------------------------------------------------===//
// Attributes of functions and modules
//===----------------------------------------------------------------------===//

// expected-error @+1 {{`mad.doc` belongs on a function}}
module attributes {mad.doc = "text"} {}

// -----

// expected-error @+1 {{`mad.late_weights` belongs on a module}}
func.func private @late() attributes {mad.late_weights = ["w"]}

// -----

// expected-error @+1 {{`mad.late_weights` must be an array of strings}}
module attributes {mad.late_weights = "w"} {}

// -----

// expected-error @+1 {{`mad.late_weights` must be an array of strings}}
module attributes {mad.late_weights = ["v", @w]} {}

// -----

// expected-error @+1 {{"w" occurs twice in `mad.late_weights`}}
module attributes {mad.late_weights = ["w", "v", "w"]} {}

// -----

// expected-error @+1 {{`mad.entry` has no value}}
func.func private @entry() attributes {mad.entry = 1}

// -----

// expected-error @+1 {{argument 0 of an entry must be a ranked tensor, but is 'f32'}}
func.func private @entry(f32) attributes {mad.entry}

// -----

// expected-error @+1 {{dimension 0 of result 0 is dynamic without a text in #mad.dims}}
func.func private @entry() -> tensor<?xf32> attributes {mad.entry}

// -----

// expected-error @+1 {{argument 1 uses "M", which is not in `mad.dims`}}
func.func private @entry(tensor<?xf32, #mad.dims<"N">>, tensor<?xf32, #mad.dims<"M + N">>) attributes {mad.entry, mad.dims = ["N"]}

// -----

// expected-error @+1 {{`mad.doc` must be a string}}
func.func private @doc() attributes {mad.doc}

// -----

// expected-error @+1 {{`mad.test` must be a string, the title}}
func.func private @test() attributes {mad.test}

// -----

// expected-error @+1 {{a test takes no arguments}}
func.func private @test(tensor<f32>) attributes {mad.test = "title"}

// -----

// expected-error @+1 {{`mad.dims` must be an array of strings}}
func.func private @dims() attributes {mad.dims = "N"}

// -----

// expected-error @+1 {{"N + 1" in `mad.dims` is not a name}}
func.func private @dims() attributes {mad.dims = ["N + 1"]}

// -----

// expected-error @+1 {{"N" occurs twice in `mad.dims`}}
func.func private @dims() attributes {mad.dims = ["N", "N"]}

// -----

// expected-error @+1 {{`mad.checks` must be an array of #mad.check}}
func.func private @checks() attributes {mad.checks = ["N"]}

// -----

// expected-error @+1 {{"N +" in `mad.checks` is not a dimension}}
func.func private @checks() attributes {mad.checks = [#mad.check<"N +", eq, "2", "m", "p">]}

// -----

// expected-error @+1 {{`mad.checks` uses "N", which is not in `mad.dims`}}
func.func private @checks() attributes {mad.entry, mad.checks = [#mad.check<"N", ge, "2", "m", "p">]}

// -----

// expected-error @+1 {{`mad.asserts` must be an array of strings}}
func.func private @asserts() attributes {mad.asserts = [1]}

// -----

// expected-error @+1 {{`mad.asserts` has 2 messages for 1 results}}
func.func private @asserts() -> tensor<i1> attributes {mad.asserts = ["a", "b"]}

// -----

// expected-error @+1 {{result 0 of a test must be 'tensor<i1>', but is 'tensor<f32>'}}
func.func private @asserts() -> tensor<f32> attributes {mad.asserts = ["a"]}

// -----

// expected-error @+1 {{`mad.other` is not an attribute of the mad dialect}}
func.func private @other() attributes {mad.other}

// -----

// expected-error @+1 {{`mad.other` is not an attribute of an argument}}
func.func private @argument(tensor<f32> {mad.other})

// -----

// expected-error @+1 {{`mad.name` must be a string}}
func.func private @result() -> (tensor<f32> {mad.name = 1})

// -----

//===----------------------------------------------------------------------===//
// Sources
//===----------------------------------------------------------------------===//

func.func @constant() {
  // expected-error @+1 {{failed to verify that all of {value, result} have same type}}
  %0 = "mad.constant"() {value = sparse<0, 1.0> : tensor<1xf32>} : () -> tensor<?xf32, #mad.dims<"N">>
  return
}

// -----

func.func @constant() {
  // expected-error @+1 {{needs dense elements}}
  %0 = mad.constant sparse<0, 1.0> : tensor<1xf32>
  return
}

// -----

func.func @constant() {
  // expected-error @+1 {{result #0 must be ranked tensor of 16-bit float or bfloat16 type or 32-bit float or 64-bit float or 8-bit signless integer or 8-bit unsigned integer or 32-bit signless integer or 64-bit signless integer or 1-bit signless integer values}}
  %0 = mad.constant dense<1> : tensor<2xi16>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{@w is not a mad.weight_source}}
  %0 = mad.weight @w : tensor<2xf32>
  return
}

// -----

// expected-note @+1 {{@w is declared here}}
mad.weight_source @w from "file" : "entry" : tensor<2xf32>
func.func @weight() {
  // expected-error @+1 {{has type 'tensor<3xf32>', but @w holds 'tensor<2xf32>'}}
  %0 = mad.weight @w : tensor<3xf32>
  return
}

// -----

// expected-error @+1 {{needs a static tensor type, but has 'tensor<?xf32>'}}
mad.weight_source @w from "file" : "entry" : tensor<?xf32>

// -----

// expected-error @+1 {{cannot hold elements of type 'i16', expected f16, bf16, f32, f64, i8, ui8, i32, i64 or i1}}
mad.weight_source @w from "file" : "entry" : tensor<2xi16>

// -----

// expected-error @+1 {{is transposed, which needs two dimensions, but has 1}}
mad.weight_source @w from "file" : "entry" transposed : tensor<2xf32>

// -----

func.func @dim() {
  // expected-error @+1 {{cannot read the expression "N +" as a dimension}}
  %0 = mad.dim "N +" : tensor<i64>
  return
}

// -----

func.func @iota() {
  // expected-error @+1 {{axis 1 is not a dimension of the result, which has 1}}
  %0 = mad.iota 1 : tensor<2xi64>
  return
}

// -----

func.func @iota() {
  // expected-error @+1 {{axis -1 is not a dimension of the result, which has 1}}
  %0 = mad.iota -1 : tensor<2xi64>
  return
}

// -----

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

func.func @view(%x: tensor<4xf32>) {
  // expected-error @+1 {{source has elements of type 'f32', the result of 'f64'}}
  %0 = mad.view %x by affine_map<(d0) -> (d0)> inside : (tensor<4xf32>) -> tensor<4xf64>
  return
}

// -----

func.func @view(%x: tensor<4xf32>) {
  // expected-error @+1 {{map takes 2 dimensions, but the result has 1}}
  %0 = mad.view %x by affine_map<(d0, d1) -> (d0)> inside : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @view(%x: tensor<4xf32>) {
  // expected-error @+1 {{map takes 1 symbols, but there are 0 scalars}}
  %0 = mad.view %x by affine_map<(d0)[s0] -> (d0)> inside : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @view(%x: tensor<4xf32>) {
  // expected-error @+1 {{map gives 2 coordinates, but the source has 1 dimensions}}
  %0 = mad.view %x by affine_map<(d0) -> (d0, d0)> inside : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @view(%x: tensor<4xf32>) {
  // expected-error @+1 {{coordinate 0 of the map must be a sum of dimensions and scalars times constants}}
  %0 = mad.view %x by affine_map<(d0) -> (d0 floordiv 2)> inside : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @view(%x: tensor<4xf32>) {
  // expected-error @+1 {{reads [-1, 5] along dimension 0 of extent 4, so it is not `inside`}}
  %0 = mad.view %x by affine_map<(d0) -> (d0 * 2 - 1)> inside : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @gather(%x: tensor<4xf32>, %i: tensor<2xi64>) {
  // expected-error @+1 {{source has elements of type 'f32', the result of 'i64'}}
  %0 = mad.gather %x[%i] : (tensor<4xf32>, tensor<2xi64>) -> tensor<2xi64>
  return
}

// -----

func.func @gather(%x: tensor<4x4xf32>, %i: tensor<2xi64>) {
  // expected-error @+1 {{needs one index tensor a dimension of the source, which has 2, but has 1}}
  %0 = mad.gather %x[%i] : (tensor<4x4xf32>, tensor<2xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @gather(%x: tensor<4xf32>, %i: tensor<2xi64>) {
  // expected-error @+1 {{index 0 has shape [2], the result [3]}}
  %0 = mad.gather %x[%i] : (tensor<4xf32>, tensor<2xi64>) -> tensor<3xf32>
  return
}

// -----

func.func @gather(%x: tensor<4xf32>, %i: tensor<2xi32>) {
  // expected-error @+1 {{operand #1 must be variadic of ranked tensor of 64-bit signless integer values}}
  %0 = mad.gather %x[%i] : (tensor<4xf32>, tensor<2xi32>) -> tensor<2xf32>
  return
}

// -----

func.func @reshape(%x: tensor<4xf32>) {
  // expected-error @+1 {{source has elements of type 'f32', the result of 'i32'}}
  %0 = mad.reshape %x : (tensor<4xf32>) -> tensor<4xi32>
  return
}

// -----

func.func @reshape(%x: tensor<?x4xf32, #mad.dims<"N", "">>) {
  // expected-error @+1 {{source has 4 * N elements, the result 4 * N + 4}}
  %0 = mad.reshape %x : (tensor<?x4xf32, #mad.dims<"N", "">>) -> tensor<?xf32, #mad.dims<"4 * N + 4">>
  return
}

// -----

func.func @concat() {
  // expected-error @+1 {{needs at least one part}}
  %0 = "mad.concat"() {axis = 0 : i64} : () -> tensor<0xf32>
  return
}

// -----

func.func @concat(%x: tensor<4xf32>) {
  // expected-error @+1 {{axis 1 is not a dimension of the result, which has 1}}
  %0 = mad.concat 1 of %x : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @concat(%x: tensor<4xf32>, %y: tensor<4xf64>) {
  // expected-error @+1 {{part 1 has elements of type 'f64', the result of 'f32'}}
  %0 = mad.concat 0 of %x, %y : (tensor<4xf32>, tensor<4xf64>) -> tensor<8xf32>
  return
}

// -----

func.func @concat(%x: tensor<4xf32>, %y: tensor<4x1xf32>) {
  // expected-error @+1 {{part 1 has 2 dimensions, the result 1}}
  %0 = mad.concat 0 of %x, %y : (tensor<4xf32>, tensor<4x1xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @concat(%x: tensor<4x3xf32>, %y: tensor<4x2xf32>) {
  // expected-error @+1 {{part 1 has 2 along dimension 1, the result 3}}
  %0 = mad.concat 0 of %x, %y : (tensor<4x3xf32>, tensor<4x2xf32>) -> tensor<8x3xf32>
  return
}

// -----

func.func @concat(%x: tensor<?xf32, #mad.dims<"N">>, %y: tensor<4xf32>) {
  // expected-error @+1 {{parts have N + 4 along the axis in all, the result N + 5}}
  %0 = mad.concat 0 of %x, %y : (tensor<?xf32, #mad.dims<"N">>, tensor<4xf32>) -> tensor<?xf32, #mad.dims<"N + 5">>
  return
}

// -----

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

func.func @shape(%x: tensor<?x3xf32, #mad.dims<"N", "">>, %y: tensor<3xf32>) {
  // expected-error @+1 {{operand 1 has shape [3], the result [N, 3]; mad.view broadcasts}}
  %0 = mad.add %x, %y : (tensor<?x3xf32, #mad.dims<"N", "">>, tensor<3xf32>) -> tensor<?x3xf32, #mad.dims<"N", "">>
  return
}

// -----

func.func @shape(%x: tensor<?xf32, #mad.dims<"N">>) {
  // expected-error @+1 {{operand 0 has shape [N], the result [N - 1]}}
  %0 = mad.exp %x : (tensor<?xf32, #mad.dims<"N">>) -> tensor<?xf32, #mad.dims<"N - 1">>
  return
}

// -----

func.func @element(%x: tensor<3xf32>, %y: tensor<3xf64>) {
  // expected-error @+1 {{requires the same element type for all operands and results}}
  %0 = mad.add %x, %y : (tensor<3xf32>, tensor<3xf64>) -> tensor<3xf32>
  return
}

// -----

func.func @element(%x: tensor<3xi32>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of 16-bit float or bfloat16 type or 32-bit float or 64-bit float values}}
  %0 = mad.exp %x : (tensor<3xi32>) -> tensor<3xi32>
  return
}

// -----

func.func @compare(%x: tensor<3xf32>, %y: tensor<3xi32>) {
  // expected-error @+1 {{operand 0 has elements of type 'f32', operand 1 of 'i32'}}
  %0 = mad.compare lt %x, %y : (tensor<3xf32>, tensor<3xi32>) -> tensor<3xi1>
  return
}

// -----

func.func @select(%c: tensor<3xi1>, %x: tensor<3xf32>, %y: tensor<3xi32>) {
  // expected-error @+1 {{operand 2 has elements of type 'i32', the result of 'f32'}}
  %0 = mad.select %c, %x, %y : (tensor<3xi1>, tensor<3xf32>, tensor<3xi32>) -> tensor<3xf32>
  return
}

// -----

func.func @select(%c: tensor<3xi1>, %x: tensor<3xf32>) {
  // expected-error @+1 {{operand 1 has elements of type 'f32', the result of 'f64'}}
  %0 = mad.select %c, %x, %x : (tensor<3xi1>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf64>
  return
}

// -----

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

func.func @reduce(%x: tensor<3xi1>) {
  // expected-error @+1 {{sum takes numbers, but the source has elements of type 'i1'}}
  %0 = mad.reduce sum %x over [0] : (tensor<3xi1>) -> tensor<i1>
  return
}

// -----

func.func @reduce(%x: tensor<3xf32>) {
  // expected-error @+1 {{all takes i1, but the source has elements of type 'f32'}}
  %0 = mad.reduce all %x over [0] : (tensor<3xf32>) -> tensor<i1>
  return
}

// -----

func.func @reduce(%x: tensor<3xf32>) {
  // expected-error @+1 {{source has elements of type 'f32', the result of 'f64'}}
  %0 = mad.reduce sum %x over [0] : (tensor<3xf32>) -> tensor<f64>
  return
}

// -----

func.func @reduce(%x: tensor<3x3xf32>) {
  // expected-error @+1 {{argmax takes one dimension, but got 2}}
  %0 = mad.reduce argmax %x over [0, 1] : (tensor<3x3xf32>) -> tensor<i64>
  return
}

// -----

func.func @reduce(%x: tensor<3xf32>) {
  // expected-error @+1 {{argmax gives i64}}
  %0 = mad.reduce argmax %x over [0] : (tensor<3xf32>) -> tensor<f32>
  return
}

// -----

func.func @reduce(%x: tensor<3xf32>) {
  // expected-error @+1 {{dimension 1 is not one of the source, which has 1}}
  %0 = mad.reduce sum %x over [1] : (tensor<3xf32>) -> tensor<f32>
  return
}

// -----

func.func @reduce(%x: tensor<3x3xf32>) {
  // expected-error @+1 {{dimensions must ascend}}
  %0 = mad.reduce sum %x over [1, 0] : (tensor<3x3xf32>) -> tensor<f32>
  return
}

// -----

func.func @reduce(%x: tensor<?x3xf32, #mad.dims<"N", "">>) {
  // expected-error @+1 {{keeps [N], but the result has [3, 1]}}
  %0 = mad.reduce sum %x over [1] : (tensor<?x3xf32, #mad.dims<"N", "">>) -> tensor<3x1xf32>
  return
}

// -----

func.func @contract(%x: tensor<2x3xf32>, %y: tensor<3x4xf64>) {
  // expected-error @+1 {{left operand has elements of type 'f32', right operand of 'f64'}}
  %0 = mad.contract %x by affine_map<(d0, d1, d2) -> (d0, d2)>, %y by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<2x3xf32>, tensor<3x4xf64>) -> tensor<2x4xf32>
  return
}

// -----

func.func @contract(%x: tensor<2x3xf32>, %y: tensor<3x4xf32>) {
  // expected-error @+1 {{left operand has elements of type 'f32', the result of 'f64'}}
  %0 = mad.contract %x by affine_map<(d0, d1, d2) -> (d0, d2)>, %y by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf64>
  return
}

// -----

func.func @contract(%x: tensor<2x3xf32>, %y: tensor<3x4xf32>) {
  // expected-error @+1 {{maps take 3 and 4 dimensions, expected the same number}}
  %0 = mad.contract %x by affine_map<(d0, d1, d2) -> (d0, d2)>, %y by affine_map<(d0, d1, d2, d3) -> (d2, d1)> : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @contract(%x: tensor<2xf32>) {
  // expected-error @+1 {{maps take 1 dimensions, fewer than the result has}}
  %0 = mad.contract %x by affine_map<(d0) -> (d0)>, %x by affine_map<(d0) -> (d0)> : (tensor<2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @contract(%x: tensor<2xf32>) {
  // expected-error @+1 {{map of the left operand must have no symbols}}
  %0 = mad.contract %x by affine_map<(d0)[s0] -> (d0)>, %x by affine_map<(d0) -> (d0)> : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
  return
}

// -----

func.func @contract(%x: tensor<2xf32>) {
  // expected-error @+1 {{map of the right operand gives 0 coordinates, but the operand has 1 dimensions}}
  %0 = mad.contract %x by affine_map<(d0) -> (d0)>, %x by affine_map<(d0) -> ()> : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
  return
}

// -----

func.func @contract(%x: tensor<2xf32>) {
  // expected-error @+1 {{coordinate 0 of the left operand must be a plain dimension}}
  %0 = mad.contract %x by affine_map<(d0) -> (d0 + 1)>, %x by affine_map<(d0) -> (d0)> : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
  return
}

// -----

func.func @contract(%x: tensor<2x2xf32>, %y: tensor<2xf32>) {
  // expected-error @+1 {{dimension d0 occurs twice in the map of the left operand}}
  %0 = mad.contract %x by affine_map<(d0) -> (d0, d0)>, %y by affine_map<(d0) -> (d0)> : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<f32>
  return
}

// -----

func.func @contract(%x: tensor<2x3xf32>, %y: tensor<4x4xf32>) {
  // expected-error @+1 {{dimension d2 is 3, but 4 in the right operand}}
  %0 = mad.contract %x by affine_map<(d0, d1, d2) -> (d0, d2)>, %y by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<2x3xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @contract(%x: tensor<2xf32>) {
  // expected-error @+1 {{dimension d1 is in neither operand}}
  %0 = mad.contract %x by affine_map<(d0, d1) -> (d0)>, %x by affine_map<(d0, d1) -> (d0)> : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

func.func @if(%c: tensor<i1>, %x: tensor<2xf32>) {
  // expected-error @+1 {{the second region: found 0 values, expected 1}}
  %0 = mad.if %c : tensor<i1> -> tensor<2xf32> {
    mad.yield %x : tensor<2xf32>
  } else {
  }
  return
}

// -----

func.func @if(%c: tensor<i1>, %x: tensor<2xf32>) {
  // expected-error @+1 {{value 0 of the first region has type 'tensor<2xf32>', expected 'tensor<3xf32>'}}
  %0 = mad.if %c : tensor<i1> -> tensor<3xf32> {
    mad.yield %x : tensor<2xf32>
  } else {
    mad.yield %x : tensor<2xf32>
  }
  return
}

// -----

func.func @if(%c: tensor<i1>) {
  // expected-error @+1 {{the first region must have no arguments}}
  "mad.if"(%c) ({
  ^bb0(%x: tensor<f32>):
    mad.yield
  }, {
    mad.yield
  }) : (tensor<i1>) -> ()
  return
}

// -----

func.func @if(%c: tensor<1xi1>) {
  // expected-error @+1 {{operand #0 must be 0D tensor of 1-bit signless integer values}}
  mad.if %c : tensor<1xi1> {
  } else {
  }
  return
}

// -----

func.func @scan(%x: tensor<f32>) {
  // expected-error @+1 {{cannot read the lower bound "N +" as a dimension}}
  mad.scan "N +" to "4" : () -> () {
  ^bb0(%i: tensor<i64>):
  }
  return
}

// -----

func.func @scan(%x: tensor<f32>) {
  // expected-error @+1 {{cannot read the upper bound "" as a dimension}}
  mad.scan "0" to "" : () -> () {
  ^bb0(%i: tensor<i64>):
  }
  return
}

// -----

func.func @scan(%x: tensor<f32>) {
  // expected-error @+1 {{the arguments of the body: found 1 values, expected 2}}
  %0 = mad.scan "0" to "4" carry %x : (tensor<f32>) -> tensor<f32> {
  ^bb0(%i: tensor<i64>):
    mad.yield %x : tensor<f32>
  }
  return
}

// -----

func.func @scan(%x: tensor<f32>) {
  // expected-error @+1 {{value 0 of the arguments of the body has type 'tensor<i32>', expected 'tensor<i64>'}}
  mad.scan "0" to "4" : () -> () {
  ^bb0(%i: tensor<i32>):
  }
  return
}

// -----

func.func @scan(%x: tensor<f32>) {
  // expected-error @+1 {{value 0 of the arguments of the body has type 'index', expected 'tensor<i64>'}}
  mad.scan "0" to "4" : () -> () {
  ^bb0(%i: index):
  }
  return
}

// -----

func.func @scan(%x: tensor<f32>, %y: f32) {
  // expected-error @+1 {{value 0 of the body has type 'f32', expected 'tensor<f32>'}}
  %0 = mad.scan "0" to "4" carry %x : (tensor<f32>) -> tensor<f32> {
  ^bb0(%i: tensor<i64>, %a: tensor<f32>):
    "mad.yield"(%y) : (f32) -> ()
  }
  return
}

// -----

func.func @scan(%x: tensor<f32>, %y: tensor<2xf32>) {
  // expected-error @+1 {{value 0 of the body has type 'tensor<2xf32>', expected 'tensor<f32>'}}
  %0 = mad.scan "0" to "4" carry %x : (tensor<f32>) -> tensor<f32> {
  ^bb0(%i: tensor<i64>, %a: tensor<f32>):
    mad.yield %y : tensor<2xf32>
  }
  return
}

// -----

func.func @scan(%x: tensor<f32>) {
  // expected-error @+1 {{value 0 of the op has type 'tensor<f64>', expected 'tensor<f32>'}}
  %0 = mad.scan "0" to "4" carry %x : (tensor<f32>) -> tensor<f64> {
  ^bb0(%i: tensor<i64>, %a: tensor<f32>):
    mad.yield %a : tensor<f32>
  }
  return
}

// -----

func.func @yield() {
  // expected-error @+1 {{expects parent op to be one of 'mad.if, mad.scan, mad.iterate'}}
  mad.yield
}

// -----

func.func @precision(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{`mad.fp` must be "strict" or "fast"}}
  %0 = mad.exp %x {mad.fp = "exact"} : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @subject(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{`mad.subject` belongs on an op that checks positions}}
  %0 = mad.exp %x {mad.subject = "x"} : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @subject(%x: tensor<2xf32>, %i: tensor<4xi64>) -> tensor<4xf32> {
  // expected-error @below {{`mad.subject` must be a string}}
  %0 = mad.gather %x[%i] {mad.subject = 1 : i64} : (tensor<2xf32>, tensor<4xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @subject(%x: tensor<2xf32>, %i: tensor<4xi64>) -> tensor<4xf32> {
  // expected-error @below {{`mad.subject_dims` must be an array of i64, one for each of the 1 dimensions of the operand}}
  %0 = mad.gather %x[%i] {mad.subject = "x", mad.subject_dims = array<i64: 1, 0>} : (tensor<2xf32>, tensor<4xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
