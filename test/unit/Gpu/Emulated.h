//===- Emulated.h - A kernel in the emulator ---------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_UNIT_GPU_EMULATED_H
#define MAD_TEST_UNIT_GPU_EMULATED_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/Kernels/Gpu/Catalogue.h"
#include "passes/Pipelines/GpuPipeline.h"
#include "passes/Pipelines/Pipelines.h"
#include "runtime/simt/jit/SimtModule.h"
#include "gtest/gtest.h"
#include <bit>
#include <functional>
#include <random>

namespace mad::test {

using Half = _Float16;
/// A bf16: the upper half of an f32. Here it is only made of numbers that it holds exactly.
struct Brain {
  Brain() = default;
  explicit Brain(double x) : bits(std::bit_cast<uint32_t>(static_cast<float>(x)) >> 16) {}
  explicit operator double() const { return std::bit_cast<float>(uint32_t(bits) << 16); }
  uint16_t bits = 0;
};
using Parameters = std::vector<void *>;

/// A kernel in the emulator.
class Emulated {
public:
  using Make =
      std::function<llvm::Expected<device::Kernel>(mlir::gpu::GPUModuleOp, llvm::StringRef)>;
  /// That of the catalogue with this name.
  explicit Emulated(const std::string &name)
      : Emulated(name, [](mlir::gpu::GPUModuleOp kernels, llvm::StringRef name) {
          for (const device::CatalogueEntry &entry : device::catalogue(kernels.getContext()))
            if (entry.name == name)
              return entry.make(kernels, name);
          return llvm::Expected<device::Kernel>(llvm::createStringError("no such kernel"));
        }) {}
  Emulated(const std::string &name, const Make &make) : name(name), device(simt_device_create()) {
    mlir::DialectRegistry registry;
    registerCpuDialects(registry);
    registerGpuDialects(registry);
    context = std::make_unique<mlir::MLIRContext>(registry, mlir::MLIRContext::Threading::DISABLED);
    context->loadAllAvailableDialects();
    mlir::OpBuilder b(context.get());
    mlir::OwningOpRef<mlir::ModuleOp> ir = mlir::ModuleOp::create(b, b.getUnknownLoc());
    b.setInsertionPointToStart(ir->getBody());
    auto kernels = mlir::gpu::GPUModuleOp::create(b, b.getUnknownLoc(), "kernels");
    kernel = llvm::cantFail(make(kernels, name));
    module = llvm::cantFail(SimtModule::compile(*ir));
  }
  ~Emulated() { simt_device_destroy(device); }

  template <typename T> T *upload(const std::vector<T> &values) {
    T *buffer = static_cast<T *>(simt_alloc(device, values.size() * sizeof(T)));
    simt_upload(device, buffer, values.data(), values.size() * sizeof(T));
    return buffer;
  }
  template <typename T> T *output(size_t count) {
    return static_cast<T *>(simt_alloc(device, count * sizeof(T)));
  }
  /// Runs it, in an order of threads that depends on the seed. Nothing may be found.
  void run(std::vector<uint32_t> grid, Parameters parameters, uint64_t seed = 1) {
    grid.resize(3, 1);
    simt_launch launch{};
    for (int i = 0; i < 3; ++i)
      launch.grid[i] = grid[i], launch.block[i] = 1;
    launch.block[0] = kernel.threads;
    launch.dynamic_shared = kernel.sharedBytes;
    launch.seed = seed;
    launch.global_races = SIMT_RACES_ALL;
    launch.found = [](void *, const simt_finding *finding) {
      ADD_FAILURE() << finding->kernel << ": " << simt_kind_name(finding->kind) << " at "
                    << finding->at.place << " " << finding->detail;
    };
    simt_result result{};
    EXPECT_EQ(
        simt_run(device, llvm::cantFail(module->kernel(name)), parameters.data(), &launch, &result),
        SIMT_OK)
        << result.message;
    EXPECT_EQ(result.findings, 0u);
  }

  std::string name;
  simt_device *device;
  std::unique_ptr<mlir::MLIRContext> context;
  device::Kernel kernel;
  std::unique_ptr<SimtModule> module;
};

/// A tensor map, which is a parameter by value: boxes of 128 bytes, or `width` elements, and
/// `height` rows.
struct alignas(128) Map {
  template <typename T>
  Map(T *memory, uint64_t rows, uint64_t columns, uint32_t height,
      uint32_t width = 128 / sizeof(T)) {
    const uint64_t dims[] = {columns, rows}, strides[] = {columns * sizeof(T)};
    const uint32_t box[] = {width, height};
    EXPECT_EQ(simt_tensor_map(bytes, sizeof(T), 2, memory, dims, strides, box, SIMT_SWIZZLE_128B),
              nullptr);
  }
  char bytes[128];
};

/// Multiples of 1/8 from -1 to 1.
template <typename T> std::vector<T> eighths(size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::vector<T> values(count);
  for (T &x : values)
    x = static_cast<T>((static_cast<int>(engine() % 17) - 8) / 8.0);
  return values;
}

} // namespace mad::test

#endif // MAD_TEST_UNIT_GPU_EMULATED_H
