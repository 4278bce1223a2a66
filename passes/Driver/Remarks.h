//===- Remarks.h - Remarks of a compilation as text -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_DRIVER_REMARKS_H
#define MAD_PASSES_DRIVER_REMARKS_H

#include "mlir/IR/MLIRContext.h"
#include <set>
#include <string>
#include <vector>

namespace mad {

/// What passes told (passes/Transforms/Remarks.h), each once and in their order.
struct RemarkList {
  std::string file; ///< whose places count
  std::vector<std::string> texts;
  std::set<std::string> known;
  bool wanted = true; ///< else they are dropped

  std::string text() const;
};

/// From now on the passes of the context tell the list, which must outlive it.
void collectRemarks(mlir::MLIRContext &context, RemarkList &list);

} // namespace mad

#endif // MAD_PASSES_DRIVER_REMARKS_H
