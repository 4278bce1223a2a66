//===- Timeline.cpp - Passes on the timeline ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Pipelines/Timeline.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;

namespace mad {

namespace {

struct Recorder : PassInstrumentation {
  explicit Recorder(Timeline &timeline) : timeline(timeline) {}

  void runBeforePass(Pass *, Operation *) override { begins.push_back(timeline.now()); }
  void runAfterPass(Pass *pass, Operation *) override { end(pass); }
  void runAfterPassFailed(Pass *pass, Operation *) override { end(pass); }

  void end(Pass *pass) {
    double begin = begins.pop_back_val();
    // What only holds the passes of nested functions has no argument.
    if (!pass->getArgument().empty())
      timeline.add(pass->getArgument().str(), "pass", begin);
  }

  Timeline &timeline;
  SmallVector<double> begins;
};

} // namespace

void recordPasses(PassManager &manager, Timeline &timeline) {
  manager.addInstrumentation(std::make_unique<Recorder>(timeline));
}

} // namespace mad
