//===- FunctionsToLlvm.cpp - The LLVM dialect, one function at a time -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Conversion/ConvertToLLVM/ToLLVMInterface.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Transforms/DialectConversion.h"
#include "passes/Transforms/Passes.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_FUNCTIONSTOLLVM
#include "passes/Transforms/Passes.h.inc"

namespace {

struct FunctionsToLlvmPass : impl::FunctionsToLlvmBase<FunctionsToLlvmPass> {
  using FunctionsToLlvmBase::FunctionsToLlvmBase;

  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    ConversionTarget target(*context);
    target.addLegalDialect<LLVM::LLVMDialect>();
    LLVMTypeConverter types(context);
    for (Dialect *dialect : context->getLoadedDialects()) {
      // Promised but not there where nothing of the dialect is left to convert.
      auto id = ConvertToLLVMPatternInterface::getInterfaceID();
      if (dialect->hasPromisedInterface(dialect->getTypeID(), id))
        continue;
      if (auto *interface = dyn_cast<ConvertToLLVMPatternInterface>(dialect))
        interface->populateConvertToLLVMConversionPatterns(target, types, patterns);
    }
    FrozenRewritePatternSet frozen(std::move(patterns));
    // A conversion replaces the function itself.
    SmallVector<Operation *> all;
    for (Operation &op : *getOperation().getBody())
      all.push_back(&op);
    ConversionConfig config;
    // All is folded before, and again behind.
    config.foldingMode = DialectConversionFoldingMode::Never;
    for (Operation *op : all)
      if (failed(applyPartialConversion(op, target, frozen, config)))
        return signalPassFailure();
  }
};

} // namespace
} // namespace mad
