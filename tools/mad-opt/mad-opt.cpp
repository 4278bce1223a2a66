//===- mad-opt.cpp - Runs passes on IR in text ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Knows the dialects and passes of the compiler, and of upstream only those that
// its pipelines use, so that it starts quickly.
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Pipelines/GpuPipeline.h"
#include "passes/Pipelines/Pipelines.h"
#include "passes/Pipelines/SimtPipeline.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mad::registerCpuDialects(registry);
  mad::registerGpuDialects(registry);
  mad::registerMadPasses();
  mad::registerGpuPipelines();
  mad::registerSimtPipeline();
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  mlir::registerInlinerPass();
  mlir::registerSymbolDCEPass();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Runs passes of the MAD compiler on IR in text\n", registry));
}
