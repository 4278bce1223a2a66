//===- WriteStandardRules.cpp - Makes the bytecode of the library's rules ---===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mad-write-rules FILE: run by the build. Writes the bytes as numbers for an array of C.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "frontend/Emit/Emit.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Transforms/Passes.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

int main(int argc, char **argv) {
  if (argc != 2) {
    llvm::errs() << "usage: mad-write-rules FILE\n";
    return 1;
  }
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.loadDialect<mad::MadDialect, func::FuncDialect>();
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  mad::emitStandardRules(*module);
  PassManager manager(&context);
  manager.addPass(mad::createSettleRules());
  std::string bytes;
  llvm::raw_string_ostream os(bytes);
  if (module->getBody()->empty() || failed(manager.run(*module)) ||
      failed(writeBytecodeToFile(*module, os))) {
    llvm::errs()
        << "mad-write-rules: the standard rules have errors; see `mad test` of their files\n";
    return 1;
  }
  std::error_code error;
  llvm::ToolOutputFile out(argv[1], error, llvm::sys::fs::OF_None);
  if (error) {
    llvm::errs() << "mad-write-rules: cannot write " << argv[1] << ": " << error.message() << "\n";
    return 1;
  }
  for (size_t i = 0; i < bytes.size(); ++i)
    out.os() << unsigned(static_cast<unsigned char>(bytes[i])) << (i % 20 == 19 ? ",\n" : ",");
  out.os() << "\n";
  out.keep();
  return 0;
}
