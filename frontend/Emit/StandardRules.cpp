//===- StandardRules.cpp - The rewrite rules of the library -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Check.h"
#include "frontend/Emit/Emit.h"
#include "frontend/Parse/Parse.h"
#include "mlir/IR/BuiltinOps.h"

namespace mad {

namespace {
/// What all modules of rules hold. The same for everybody, and never changed.
struct Library {
  Sources sources;
  std::unique_ptr<ast::File> tree;
  std::unique_ptr<hir::Program> program;

  Library() {
    std::string text;
    for (const std::string &name : standardModules())
      if (name.starts_with("std.rules."))
        text += "use " + name + "\n";
    uint32_t file = sources.add("<std.rules>", text);
    Diagnostics diagnostics;
    tree = parse(sources, file, diagnostics);
    program = check(sources, *tree, diagnostics);
    // A test checks each of them.
    if (diagnostics.hasErrors())
      program->rules.clear();
  }
};
} // namespace

void emitStandardRules(mlir::ModuleOp module) {
  static const Library library;
  emitRules(*library.program, library.sources, module);
}

} // namespace mad
