//===- Harness.cpp - Runs kernels in text in the emulator -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/unit/Simt/Harness.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "passes/Pipelines/GpuPipeline.h"
#include "passes/Pipelines/Pipelines.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"
#include <bit>

using namespace mad;
using namespace mad::test;

std::unique_ptr<Kernel> Kernel::parse(const std::string &text, const std::string &name,
                                      const std::string &file) {
  mlir::DialectRegistry registry;
  registerCpuDialects(registry);
  registerGpuDialects(registry);
  mlir::MLIRContext context(registry);
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, file), llvm::SMLoc());
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(sources, &context);
  if (!module)
    return nullptr;
  auto code = SimtModule::compile(*module);
  if (!code) {
    llvm::errs() << toString(code.takeError()) << "\n";
    return nullptr;
  }
  auto kernel = (*code)->kernel(name);
  if (!kernel) {
    llvm::errs() << toString(kernel.takeError()) << "\n";
    return nullptr;
  }
  auto made = std::make_unique<Kernel>();
  made->module = std::move(*code);
  made->kernel = *kernel;
  return made;
}

std::unique_ptr<Kernel> Kernel::load(const std::string &file, const std::string &name,
                                     const std::vector<Edit> &edits) {
  auto buffer = llvm::MemoryBuffer::getFile(SIMT_KERNELS "/" + file);
  if (!buffer) {
    llvm::errs() << file << ": " << buffer.getError().message() << "\n";
    return nullptr;
  }
  std::string text = (*buffer)->getBuffer().str();
  for (const Edit &edit : edits) {
    size_t at = text.find(edit.from);
    if (at == std::string::npos || text.find(edit.from, at + 1) != std::string::npos) {
      llvm::errs() << file << ": `" << edit.from << "` is not there, or not once\n";
      return nullptr;
    }
    text.replace(at, edit.from.size(), edit.to);
  }
  return parse(text, name, file);
}

std::string Outcome::text() const {
  std::string all = result.message;
  for (const std::string &line : texts)
    all += "\n" + line;
  return all;
}

static void receive(void *user, const simt_finding *f) {
  auto &outcome = *static_cast<Outcome *>(user);
  outcome.kinds.insert(f->kind);
  std::string line = std::string(f->at.place) + ": " + simt_kind_name(f->kind) + ": thread " +
                     std::to_string(f->at.thread) + " of block " + std::to_string(f->at.block[0]);
  if (*f->other.place)
    line += "; thread " + std::to_string(f->other.thread) + " at " + f->other.place;
  if (*f->detail)
    line += std::string("; ") + f->detail;
  outcome.texts.push_back(line);
}

Outcome Device::run(const simt_kernel &kernel, std::vector<void *> params, simt_launch launch) {
  Outcome outcome;
  launch.found = receive;
  launch.user = &outcome;
  simt_run(device, &kernel, params.data(), &launch, &outcome.result);
  return outcome;
}

simt_launch mad::test::launchOf(unsigned gridX, unsigned gridY, unsigned threads,
                                unsigned dynamicShared, uint64_t seed) {
  simt_launch launch{};
  launch.grid[0] = gridX;
  launch.grid[1] = gridY;
  launch.grid[2] = 1;
  launch.block[0] = threads;
  launch.block[1] = launch.block[2] = 1;
  launch.dynamic_shared = dynamicShared;
  launch.seed = seed;
  return launch;
}

float mad::test::eighth(unsigned i) { return (int((i * 2654435761u) >> 13) % 9) / 8.0f; }
uint16_t mad::test::toHalf(float x) { return std::bit_cast<uint16_t>(_Float16(x)); }
uint16_t mad::test::toBfloat(float x) { return uint16_t(std::bit_cast<uint32_t>(x) >> 16); }
