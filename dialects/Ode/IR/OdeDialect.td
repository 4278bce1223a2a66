//===- OdeDialect.td - Differential equations ----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_ODE_IR_ODEDIALECT_TD
#define MAD_DIALECTS_ODE_IR_ODEDIALECT_TD

include "mlir/IR/DialectBase.td"

def OdeDialect : Dialect {
  let name = "ode";
  let cppNamespace = "::mad::ode";
  let summary = "solutions of differential equations";
  let description = [{
    What is solved, and by which method; dialects/Ode/README.md defines how.
  }];
}

#endif // MAD_DIALECTS_ODE_IR_ODEDIALECT_TD
