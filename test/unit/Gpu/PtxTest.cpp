//===- PtxTest.cpp - What PTX must say -------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Target/Ptx.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Kernels/Gpu/Catalogue.h"
#include "passes/Kernels/Gpu/GpuBuilder.h"
#include "passes/Pipelines/GpuPipeline.h"
#include "passes/Pipelines/Pipelines.h"
#include "passes/Pipelines/PtxPipeline.h"
#include "gtest/gtest.h"
#include <cstdlib>

using namespace mad;

namespace {

const Chip &ampere() { return *llvm::cantFail(chipOf("sm_80")); }

std::string fault(llvm::StringRef ptx) {
  return llvm::toString(checkPtx(ptx, ampere(), PtxOptions()));
}

TEST(CheckPtx, VersionAndChip) {
  EXPECT_EQ(fault(".version 8.0\n.target sm_80\n"), "");
  EXPECT_EQ(fault(".version 8.0\n.target sm_80, debug\n"), "");
  EXPECT_EQ(fault(".version 7.8\n.target sm_80\n"),
            "LLVM wrote PTX of version `7.8`, expected 8.0: it does not know this version for "
            "sm_80");
  EXPECT_EQ(fault(".version 8.0\n.target sm_90a\n"), "LLVM wrote PTX for `sm_90a`, expected sm_80");
  EXPECT_EQ(fault(""), "LLVM wrote PTX of version ``, expected 8.0: it does not know this version "
                       "for sm_80");
}

TEST(CheckPtx, UndefinedFunctions) {
  EXPECT_EQ(fault(".version 8.0\n.target sm_80\n.extern .func  (.param .b32 r) __nv_expf\n(\n"),
            "the kernel calls `__nv_expf`, which nothing defines: the library libdevice.10.bc of "
            "the CUDA toolkit has it; install the toolkit or say where it is");
}

/// PTX of a module of kernels.
llvm::Expected<std::string> ptxOf(llvm::function_ref<void(mlir::gpu::GPUModuleOp)> make,
                                  const Chip &chip, PtxOptions options) {
  mlir::DialectRegistry registry;
  registerCpuDialects(registry);
  registerPtxDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  mlir::OpBuilder b(&context);
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(b, b.getUnknownLoc());
  b.setInsertionPointToStart(module->getBody());
  auto kernels = mlir::gpu::GPUModuleOp::create(b, b.getUnknownLoc(), "kernels");
  make(kernels);
  mlir::PassManager manager(&context);
  buildNvvm(manager);
  buildPtx(manager);
  if (mlir::failed(manager.run(*module)))
    return llvm::createStringError("passes fail");
  return makePtx(kernels, chip, options);
}

/// Of a kernel of the catalogue.
llvm::Expected<std::string> ptxOf(llvm::StringRef name, const Chip &chip, PtxOptions options) {
  auto make = [&](mlir::gpu::GPUModuleOp kernels) {
    for (const device::CatalogueEntry &entry : device::catalogue(kernels.getContext()))
      if (entry.name == name)
        (void)llvm::cantFail(entry.make(kernels, name));
  };
  return ptxOf(make, chip, options);
}

TEST(MakePtx, UnknownVersionIsFound) {
  // LLVM itself only falls back to the oldest one.
  PtxOptions options;
  options.version = 99;
  auto ptx = ptxOf("scaled_sum_f32", ampere(), options);
  ASSERT_FALSE(bool(ptx));
  EXPECT_TRUE(llvm::StringRef(llvm::toString(ptx.takeError()))
                  .ends_with("expected 9.9: it does not know this version for sm_80"));
}

TEST(MakePtx, MissingLibraryIsFound) {
  for (const char *name : {"CUDA_HOME", "CUDA_PATH", "CUDA_ROOT"})
    unsetenv(name);
  auto ptx = ptxOf("exp_f32", ampere(), PtxOptions());
  ASSERT_FALSE(bool(ptx));
  EXPECT_TRUE(llvm::StringRef(llvm::toString(ptx.takeError()))
                  .starts_with("the kernel calls `__nv_expf`, which nothing defines"));

  PtxOptions wrong;
  wrong.toolkit = "/no/such/folder";
  auto other = ptxOf("scaled_sum_f32", ampere(), wrong);
  ASSERT_FALSE(bool(other));
  EXPECT_EQ(llvm::toString(other.takeError()),
            "the CUDA toolkit `/no/such/folder` has no file nvvm/libdevice/libdevice.10.bc");
}

/// Of a kernel with so many pointers as parameters.
llvm::Expected<std::string> ptxOfPointers(int count) {
  auto make = [&](mlir::gpu::GPUModuleOp kernels) {
    device::KernelSignature signature;
    signature.name = "many";
    signature.arguments.assign(count, device::globalPointer(kernels.getContext()));
    device::makeKernel(kernels, signature, [](device::GpuBuilder &g, mlir::ValueRange arguments) {
      g.store(g.number(1), arguments.back());
    });
  };
  return ptxOf(make, ampere(), PtxOptions());
}

TEST(MakePtx, ManyParametersNeedALaterVersion) {
  EXPECT_TRUE(llvm::StringRef(llvm::cantFail(ptxOfPointers(544))).contains(".version 8.0"));
  EXPECT_TRUE(llvm::StringRef(llvm::cantFail(ptxOfPointers(545))).contains(".version 8.1"));
  auto ptx = ptxOfPointers(4096);
  ASSERT_FALSE(bool(ptx));
  EXPECT_EQ(llvm::toString(ptx.takeError()), "the parameters of `many` take 32768 bytes, more than "
                                             "the 32764 that a GPU takes");
}

// A product of a warp between two branches of the same lanes: LLVM would put one into both of what
// it makes of them, and each part of the warp would wait for the other for ever.
TEST(MakePtx, ProductsOfWarpsStayOutOfBranches) {
  auto make = [](mlir::gpu::GPUModuleOp kernels) {
    device::KernelSignature signature;
    signature.name = "pair";
    signature.threads = device::lanesOfWarp;
    signature.arguments = {device::globalPointer(kernels.getContext())};
    device::makeKernel(kernels, signature, [](device::GpuBuilder &g, mlir::ValueRange arguments) {
      mlir::Value lane = g.rem(g.thread(), device::lanesOfWarp), one = g.number(0x01010101);
      mlir::Type word = g.b.getI32Type();
      device::Values words = g.unpack(g.load(g.vectorOf(4, word), arguments[0]));
      for (int i = 0; i < 4; ++i) {
        device::Values sums(4, g.number(0));
        sums = g.multiplyBytes({one, one, one, one}, {words[i], words[i]}, sums);
        mlir::Value place = g.at(g.bytesAt(arguments[0], 64 * i + 64), word, lane);
        g.when(g.less(lane, 4), [&] { g.store(sums[0], place); });
      }
    });
  };
  std::string ptx = llvm::cantFail(ptxOf(make, ampere(), PtxOptions()));
  EXPECT_EQ(llvm::StringRef(ptx).count("mma.sync"), 4u);
}

} // namespace
