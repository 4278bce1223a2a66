//===- MadElementwise.td - What elementwise ops are made of --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADELEMENTWISE_TD
#define MAD_DIALECTS_MAD_IR_MADELEMENTWISE_TD

include "dialects/Mad/IR/MadBase.td"

class Mad_ElementwiseOp<string name, list<Trait> traits = []>
    : Mad_PureOp<name, !listconcat([DeclareOpInterfaceMethods<ElementwiseOpInterface>], traits)> {
  let hasVerifier = 1;
  let hasFolder = 1;
  // All elementwise ops share one verifier, one evaluation and one folder.
  let extraClassDefinition = [{
    ::mlir::OpFoldResult $cppClass::fold(FoldAdaptor adaptor) {
      return ::mad::foldElementwise(*this, adaptor.getOperands());
    }
    ::llvm::LogicalResult $cppClass::verify() { return ::mad::verifyElementwise(*this); }
    ::llvm::LogicalResult $cppClass::evaluate(
        ::llvm::ArrayRef<const ::mad::RefTensor *> operands,
        ::llvm::MutableArrayRef<::mad::RefTensor> results, ::mad::RefContext &context) {
      return ::mad::evaluateElementwise(*this, operands, results, context);
    }
  }];
}
class Mad_UnaryOp<string name, Type type, string what, list<Trait> traits = []>
    : Mad_ElementwiseOp<name, !listconcat([SameOperandsAndResultElementType], traits)> {
  let summary = what;
  let arguments = (ins type:$operand);
  let results = (outs type:$result);
  let assemblyFormat = "$operand attr-dict `:` functional-type(operands, results)";
}
class Mad_BinaryOp<string name, Type type, string what, list<Trait> traits = []>
    : Mad_ElementwiseOp<name, !listconcat([SameOperandsAndResultElementType], traits)> {
  let summary = what;
  let arguments = (ins type:$lhs, type:$rhs);
  let results = (outs type:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
}

#endif // MAD_DIALECTS_MAD_IR_MADELEMENTWISE_TD
