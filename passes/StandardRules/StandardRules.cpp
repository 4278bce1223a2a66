//===- StandardRules.cpp - The rewrite rules of the library, ready for use --===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/StandardRules/StandardRules.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;

namespace mad {

alignas(64) static const unsigned char bytecode[] = {
#include "StandardRules.inc"
};

OwningOpRef<ModuleOp> loadStandardRules(MLIRContext &context) {
  // They were verified when they were written.
  ParserConfig config(&context, /*verifyAfterParse=*/false);
  StringRef bytes(reinterpret_cast<const char *>(bytecode), sizeof bytecode);
  return parseSourceString<ModuleOp>(bytes, config, "<std.rules>");
}

} // namespace mad
