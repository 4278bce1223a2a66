//===- OdeReferenceMethods.h - Steps of each family of methods --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_ODE_IR_ODEREFERENCEMETHODS_H
#define MAD_DIALECTS_ODE_IR_ODEREFERENCEMETHODS_H

#include "dialects/Ode/IR/OdeReferenceProblem.h"

namespace mad::ode {

std::unique_ptr<ReferenceMethod> referenceRosenbrock(ReferenceProblem &problem);
std::unique_ptr<ReferenceMethod> referenceEsdirk(ReferenceProblem &problem);
std::unique_ptr<ReferenceMethod> referenceExponential(ReferenceProblem &problem);
std::unique_ptr<ReferenceMethod> referenceNdf(ReferenceProblem &problem);
std::unique_ptr<ReferenceMethod> referenceStochastic(ReferenceProblem &problem);
std::unique_ptr<ReferenceMethod> referenceSymplectic(ReferenceProblem &problem);

} // namespace mad::ode

#endif // MAD_DIALECTS_ODE_IR_ODEREFERENCEMETHODS_H
