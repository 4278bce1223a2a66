//===- MadDialect.td - The tensor dialect --------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values only, named dimensions kept, few ops with exact definitions. README.md
// in dialects/Mad has the reasons.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADDIALECT_TD
#define MAD_DIALECTS_MAD_IR_MADDIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/DialectBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/TensorEncoding.td"

def MadDialect : Dialect {
  let name = "mad";
  let cppNamespace = "::mad";
  let summary = "tensor programs as the frontend emits them";
  let description = [{
    Every value is a `tensor` of f32, f64, i32, i64 or i1; a scalar has rank 0.
    Operands are never broadcast implicitly: `mad.view` spells it. A dynamic size
    carries its polynomial over the dimension parameters of the entry in the
    type's encoding, so any size can be computed without looking at other ops.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::func::FuncDialect"];
  let hasConstantMaterializer = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
}

/// `tensor<?x64xf32, #mad.dims<"Batch", "Pixels">>`
def Mad_DimsAttr : AttrDef<MadDialect, "Dims", [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let mnemonic = "dims";
  let summary = "name or polynomial of each dimension of a tensor type";
  let description = [{
    One text a dimension. Where the size is dynamic it is the canonical text of a
    `DimExpr` over the entry's dimension parameters. Where the size is static it
    is a name for people, or empty; two types that differ only in these are the
    same to every op.
  }];
  let parameters = (ins ArrayRefParameter<"::mlir::StringAttr">:$names);
  let assemblyFormat = "`<` $names `>`";
  let genVerifyDecl = 0;
}

/// `#mad.check<"H", eq, "2 * K", "message", "file.mad:3:4">`
def Mad_CheckAttr : AttrDef<MadDialect, "Check"> {
  let mnemonic = "check";
  let summary = "what must hold between dimensions when an entry is called";
  let parameters = (ins "::mlir::StringAttr":$left, "::mad::CheckRelation":$relation,
                        "::mlir::StringAttr":$right, "::mlir::StringAttr":$message,
                        "::mlir::StringAttr":$place);
  let assemblyFormat = "`<` $left `,` $relation `,` $right `,` $message `,` $place `>`";
}

class Mad_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::mad";
  let genSpecializedAttr = 0;
}
def Mad_CheckRelation : Mad_Enum<"CheckRelation", "relation between two dimensions",
    [I32EnumAttrCase<"eq", 0>, I32EnumAttrCase<"ge", 1>]>;
def Mad_ReduceKind : Mad_Enum<"ReduceKind", "what a reduction does",
    [I32EnumAttrCase<"sum", 0>, I32EnumAttrCase<"prod", 1>, I32EnumAttrCase<"max", 2>,
     I32EnumAttrCase<"min", 3>, I32EnumAttrCase<"argmax", 4>, I32EnumAttrCase<"all", 5>,
     I32EnumAttrCase<"any", 6>]>;
def Mad_ReduceKindAttr : EnumAttr<MadDialect, Mad_ReduceKind, "reduce_kind"> {
  let assemblyFormat = "$value";
}
def Mad_ScatterKind : Mad_Enum<"ScatterKind", "what an update does to an element",
    [I32EnumAttrCase<"set", 0>, I32EnumAttrCase<"add", 1>, I32EnumAttrCase<"max", 2>,
     I32EnumAttrCase<"min", 3>]>;
def Mad_ScatterKindAttr : EnumAttr<MadDialect, Mad_ScatterKind, "scatter_kind"> {
  let assemblyFormat = "$value";
}
def Mad_Predicate : Mad_Enum<"Predicate", "a comparison",
    [I32EnumAttrCase<"eq", 0>, I32EnumAttrCase<"ne", 1>, I32EnumAttrCase<"lt", 2>,
     I32EnumAttrCase<"le", 3>, I32EnumAttrCase<"gt", 4>, I32EnumAttrCase<"ge", 5>]>;
def Mad_PredicateAttr : EnumAttr<MadDialect, Mad_Predicate, "predicate"> {
  let assemblyFormat = "$value";
}
def Mad_Boundary : Mad_Enum<"Boundary", "what a view reads outside of its operand",
    [I32EnumAttrCase<"inside", 0>, I32EnumAttrCase<"checked", 1>, I32EnumAttrCase<"zero", 2>,
     I32EnumAttrCase<"periodic", 3>, I32EnumAttrCase<"clamp", 4>]>;
def Mad_BoundaryAttr : EnumAttr<MadDialect, Mad_Boundary, "boundary"> {
  let assemblyFormat = "$value";
}

#endif // MAD_DIALECTS_MAD_IR_MADDIALECT_TD
