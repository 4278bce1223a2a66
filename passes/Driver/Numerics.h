//===- Numerics.h - Where numbers stop being finite -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_DRIVER_NUMERICS_H
#define MAD_PASSES_DRIVER_NUMERICS_H

#include "passes/Driver/Executable.h"
#include "passes/Driver/Exposed.h"

namespace mad {

/// The first value, in program order, that holds NaN or an infinity.
struct NumericFault {
  std::string value; ///< `` the result of `log` ``, `` input `x` ``
  std::string place; ///< empty for inputs
  std::string found; ///< `NaN`, `inf`, `-inf`
  std::vector<int64_t> index;
  int64_t count = 0;                 ///< of such elements
  uint64_t run = 1;                  ///< how often the operation had run then, this time included
  bool holdsOps = false;             ///< see ExposedOp
  std::vector<std::string> operands; ///< `` `x`: from -1 to 2 ``
};

/// Looks at the inputs, the weights, and then the exposed results, which are the
/// last of `outputs`.
std::optional<NumericFault> findFault(const Compilation &compilation, const Signature &signature,
                                      const std::vector<io::Tensor> &inputs,
                                      const std::vector<io::Tensor> &outputs,
                                      const std::vector<ExposedOp> &ops);

/// Runs the entry by the reference interpreter and stops at the first such value,
/// also inside of loops. False when the run itself fails.
bool findFaultByReference(Compilation &compilation, const Signature &signature,
                          const std::vector<io::Tensor> &inputs, bool f64,
                          std::optional<NumericFault> &fault, std::string &error);

/// As it is told to users.
std::string text(const NumericFault &fault);

} // namespace mad

#endif // MAD_PASSES_DRIVER_NUMERICS_H
