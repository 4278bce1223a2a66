//===- DeviceBehind.h - What is made of a single result ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEBEHIND_H
#define MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEBEHIND_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mad {

/// Makes elementwise ops of a load of a reduction's single result, numbers computed of it, and
/// their store: `opBehind` finds those.
void joinScalars(mlir::func::FuncOp function);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEBEHIND_H
