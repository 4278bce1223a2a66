//===- OdeSparseOps.td - Linear systems of one pattern -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_ODE_IR_ODESPARSEOPS_TD
#define MAD_DIALECTS_ODE_IR_ODESPARSEOPS_TD

include "dialects/Mad/IR/MadInterfaces.td"
include "dialects/Ode/IR/OdeDialect.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Ode_Vector : 1DTensorOf<[F32, F64]>;
def Ode_Scalar : 0DTensorOf<[F32, F64]>;

class Ode_SparseOp<string mnemonic> : Op<OdeDialect, mnemonic, [Pure,
                                         DeclareOpInterfaceMethods<ReferenceOpInterface>]> {
  let hasVerifier = 1;
}

def Ode_SparseFactorOp : Ode_SparseOp<"sparse_factor"> {
  let summary = "the LU factors of a sparse matrix, without pivoting";
  let description = [{
    Of `diagonal * I + scale * A`. `starts` and `columns` are the pattern of A, row by row, `values` its numbers
    in this order (SparsePattern); the diagonal need not be in it. `order` is that of elimination, of rows and
    columns alike. The result is [places of the factors] as SparseLu lays them out (dialects/Ode/Sparse), and -1, or
    the number of the first row whose pivot is 0 or not finite: then the factors are of no use.

    For matrices whose diagonal is large enough, as those of implicit methods with small steps. All tables
    are known when compiling; one call takes as many multiplications as SparseLu::work says.
  }];
  let arguments = (ins Ode_Vector:$values, Ode_Scalar:$diagonal, Ode_Scalar:$scale,
                       DenseI32ArrayAttr:$starts, DenseI32ArrayAttr:$columns,
                       DenseI32ArrayAttr:$order);
  let results = (outs Ode_Vector:$factors, 0DTensorOf<[I64]>:$bad);
  let assemblyFormat = [{
    $values `diagonal` $diagonal `scale` $scale `starts` $starts `columns` $columns `order` $order
    attr-dict `:` functional-type(operands, results)
  }];
}

def Ode_SparseSolveOp : Ode_SparseOp<"sparse_solve"> {
  let summary = "the solution of a linear system by its factors";
  let description = [{
    x with `(diagonal * I + scale * A) x = rhs`, by what `ode.sparse_factor` with the same pattern and order gives.
  }];
  let arguments = (ins Ode_Vector:$factors, Ode_Vector:$rhs, DenseI32ArrayAttr:$starts,
                       DenseI32ArrayAttr:$columns, DenseI32ArrayAttr:$order);
  let results = (outs Ode_Vector:$x);
  let assemblyFormat = [{
    $factors `rhs` $rhs `starts` $starts `columns` $columns `order` $order
    attr-dict `:` functional-type(operands, results)
  }];
}

#endif // MAD_DIALECTS_ODE_IR_ODESPARSEOPS_TD
