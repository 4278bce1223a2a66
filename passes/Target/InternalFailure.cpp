//===- InternalFailure.cpp - Faults of the compiler as values ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Target/InternalFailure.h"
#include "passes/Target/Codegen.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/raw_ostream.h"

using namespace mad;

char InternalFailure::ID = 0;

void InternalFailure::log(llvm::raw_ostream &os) const { os << text; }

std::error_code InternalFailure::convertToErrorCode() const {
  return llvm::inconvertibleErrorCode();
}

llvm::Error mad::internalFailure(const llvm::Twine &text) {
  return llvm::make_error<InternalFailure>(text.str());
}

std::string mad::howToReport() {
  return "note: this is a fault of the compiler, not of the program; report it with the program, "
         "the command line and the version, " +
         compilerVersion() + "\n";
}
