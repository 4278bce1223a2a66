//===- PtxTest.cpp - What PTX must say -------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Target/Ptx.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
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

/// Whether a condition may differ between lanes: it is computed from the number of one.
bool dependsOnLane(mlir::Value value, llvm::SmallPtrSetImpl<mlir::Operation *> &seen) {
  mlir::Operation *op = value.getDefiningOp();
  if (!op || !seen.insert(op).second)
    return false;
  if (auto rest = llvm::dyn_cast<mlir::arith::RemUIOp>(op);
      rest && mlir::getConstantIntValue(rest.getRhs()) == device::lanesOfWarp)
    return true;
  return llvm::any_of(op->getOperands(),
                      [&](mlir::Value operand) { return dependsOnLane(operand, seen); });
}

/// Whether only some lanes use the result of a product of a warp.
bool isOfSomeLanes(mlir::Operation *product) {
  llvm::SmallVector<mlir::Operation *> users(product->getUsers());
  bool found = false;
  while (!users.empty()) {
    mlir::Operation *user = users.pop_back_val();
    if (llvm::isa<mlir::LLVM::ExtractValueOp>(user)) {
      llvm::append_range(users, user->getUsers());
      continue;
    }
    mlir::Operation *branch = product->getBlock()->findAncestorOpInBlock(*user);
    auto condition = llvm::dyn_cast_or_null<mlir::scf::IfOp>(branch);
    llvm::SmallPtrSet<mlir::Operation *, 32> seen;
    if (branch == user || !condition || !dependsOnLane(condition.getCondition(), seen))
      return false;
    found = true;
  }
  return found;
}

// Else LLVM moves it into a branch that some lanes do not take, and the others wait for ever.
TEST(Catalogue, ProductsOfWarpsAreUsedByAllLanes) {
  mlir::DialectRegistry registry;
  registerCpuDialects(registry);
  registerPtxDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  mlir::OpBuilder b(&context);
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(b, b.getUnknownLoc());
  b.setInsertionPointToStart(module->getBody());
  auto kernels = mlir::gpu::GPUModuleOp::create(b, b.getUnknownLoc(), "kernels");
  int products = 0;
  for (const device::CatalogueEntry &entry : device::catalogue(&context)) {
    device::Kernel kernel = llvm::cantFail(entry.make(kernels, entry.name));
    kernel.function.walk([&](mlir::NVVM::MmaOp product) {
      EXPECT_FALSE(isOfSomeLanes(product)) << entry.name;
      ++products;
    });
  }
  EXPECT_GT(products, 100);
}

/// PTX of a kernel of the catalogue.
llvm::Expected<std::string> ptxOf(llvm::StringRef name, const Chip &chip, PtxOptions options) {
  mlir::DialectRegistry registry;
  registerCpuDialects(registry);
  registerPtxDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  mlir::OpBuilder b(&context);
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(b, b.getUnknownLoc());
  b.setInsertionPointToStart(module->getBody());
  auto kernels = mlir::gpu::GPUModuleOp::create(b, b.getUnknownLoc(), "kernels");
  for (const device::CatalogueEntry &entry : device::catalogue(&context))
    if (entry.name == name)
      (void)llvm::cantFail(entry.make(kernels, name));
  mlir::PassManager manager(&context);
  buildNvvm(manager);
  buildPtx(manager);
  if (mlir::failed(manager.run(*module)))
    return llvm::createStringError("passes fail");
  return makePtx(kernels, chip, options);
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

} // namespace
