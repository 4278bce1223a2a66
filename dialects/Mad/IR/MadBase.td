//===- MadBase.td - What all ops of the tensor dialect are made of -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ops are defined in several files, one a theme; each includes this one.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADBASE_TD
#define MAD_DIALECTS_MAD_IR_MADBASE_TD

include "dialects/Mad/IR/MadDialect.td"
include "dialects/Mad/IR/MadInterfaces.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

// f16 and bf16 are storage: an op computes in f32 and rounds its result once.
// Integers without a sign in their type are signed.
def Mad_Element : AnyTypeOf<[F16, BF16, F32, F64, I8, UI8, I32, I64, I1]>;
def Mad_Tensor : RankedTensorOf<[Mad_Element]>;
def Mad_FloatTensor : RankedTensorOf<[F16, BF16, F32, F64]>;
def Mad_NumberTensor : RankedTensorOf<[F16, BF16, F32, F64, I8, UI8, I32, I64]>;
def Mad_BoolTensor : RankedTensorOf<[I1]>;
def Mad_Index : RankedTensorOf<[I64]>;
def Mad_BoolScalar : 0DTensorOf<[I1]>;
def Mad_IndexScalar : 0DTensorOf<[I64]>;

class Mad_Op<string name, list<Trait> traits = []>
    : Op<MadDialect, name, !listconcat([DeclareOpInterfaceMethods<ReferenceOpInterface>], traits)>;
class Mad_PureOp<string name, list<Trait> traits = []> : Mad_Op<name, !listconcat([Pure], traits)>;

#endif // MAD_DIALECTS_MAD_IR_MADBASE_TD
