//===- OdeOps.h - Differential equations in C++ -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_ODE_IR_ODEOPS_H
#define MAD_DIALECTS_ODE_IR_ODEOPS_H

#include "dialects/Mad/IR/MadOps.h"
#include "dialects/Mad/IR/MadRegionInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Ode/IR/OdeDialect.h.inc"
#define GET_OP_CLASSES
#include "dialects/Ode/IR/OdeOps.h.inc"

namespace mad::ode {
/// On `ode.solve`: the names of the elements of the states, for messages.
inline constexpr llvm::StringLiteral componentsAttr = "component_names";
} // namespace mad::ode

#endif // MAD_DIALECTS_ODE_IR_ODEOPS_H
