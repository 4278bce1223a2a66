//===- SimtPipeline.cpp - The way of a GPU kernel to the emulator ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Pipelines/SimtPipeline.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Conversion/Passes.h"
#include "passes/Pipelines/GpuPipeline.h"

using namespace mlir;

void mad::buildSimt(OpPassManager &manager, bool barePointers) {
  buildNvvm(manager, barePointers);
  // So that what an access is made to can be seen through descriptors.
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createNvvmToSimt());
}

void mad::registerSimtPipeline() {
  PassPipelineRegistration<>("mad-gpu-simt-pipeline", "GPU kernels for the emulator",
                             [](OpPassManager &manager) { buildSimt(manager); });
}
