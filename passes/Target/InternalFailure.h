//===- InternalFailure.h - Faults of the compiler as values -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TARGET_INTERNALFAILURE_H
#define MAD_PASSES_TARGET_INTERNALFAILURE_H

#include "llvm/Support/Error.h"
#include <string>

namespace mad {

/// A fault of the compiler, or of what it makes code with. All other errors are for users: of the
/// program, of files, of what a machine lacks.
class InternalFailure : public llvm::ErrorInfo<InternalFailure> {
public:
  static char ID;
  explicit InternalFailure(std::string text) : text(std::move(text)) {}
  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override;

private:
  std::string text;
};

llvm::Error internalFailure(const llvm::Twine &text);
/// What the user of a faulty compiler is told behind the error; one line.
std::string howToReport();

} // namespace mad

#endif // MAD_PASSES_TARGET_INTERNALFAILURE_H
