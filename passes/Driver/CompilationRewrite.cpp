//===- CompilationRewrite.cpp - Cheaper programs that are equal -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Pass/PassManager.h"
#include "passes/Driver/CompilationImpl.h"
#include "passes/Pipelines/Common.h"

using namespace mlir;

namespace mad {

void Compilation::useRewriting(bool wanted) { impl->wantsRewriting = wanted; }

bool Compilation::rewrite() {
  if (!impl->wantsRewriting || std::exchange(impl->isRewritten, true))
    return true;
  StepTimer timer(impl->times, "rewrite");
  CollectDiagnostics collected(*impl->context);
  PassManager manager(impl->context.get());
  buildRewrite(manager);
  recordPasses(manager, impl->times);
  if (failed(manager.run(module())))
    return impl->bug("rewriting failed\n" + collected.text);
  return impl->dumpFolder.empty() || impl->dumpModule(2, "rewrite", *impl->module);
}

} // namespace mad
