//===- Models.cpp - Models in the LLVM dialect, written by hand ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Models.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <fstream>
#include <sstream>

using namespace mad;

std::unique_ptr<mlir::MLIRContext> test::makeContext() {
  mlir::DialectRegistry registry;
  registry.insert<mlir::LLVM::LLVMDialect>();
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  return std::make_unique<mlir::MLIRContext>(registry, mlir::MLIRContext::Threading::DISABLED);
}

mlir::OwningOpRef<mlir::ModuleOp> test::parse(mlir::MLIRContext &context, llvm::StringRef text) {
  return mlir::parseSourceString<mlir::ModuleOp>(text, &context);
}

llvm::StringRef test::affineModule() {
  return R"mlir(
llvm.func @expf(f32) -> f32
llvm.func @mad_prepare_f(%extents: !llvm.ptr, %dims: !llvm.ptr, %results: !llvm.ptr,
                         %arena: !llvm.ptr, %info: !llvm.ptr) -> i32 {
  %n = llvm.load %extents : !llvm.ptr -> i64
  %pk = llvm.getelementptr %extents[1] : (!llvm.ptr) -> !llvm.ptr, i64
  %k = llvm.load %pk : !llvm.ptr -> i64
  %four = llvm.mlir.constant(4 : i64) : i64
  %one = llvm.mlir.constant(1 : i64) : i64
  %info1 = llvm.getelementptr %info[1] : (!llvm.ptr) -> !llvm.ptr, i64
  %bad = llvm.icmp "ne" %k, %four : i64
  llvm.cond_br %bad, ^extent, ^next
^extent:
  llvm.store %k, %info : i64, !llvm.ptr
  llvm.store %four, %info1 : i64, !llvm.ptr
  %r1 = llvm.mlir.constant(1 : i32) : i32
  llvm.return %r1 : i32
^next:
  %small = llvm.icmp "slt" %n, %one : i64
  llvm.cond_br %small, ^size, ^good
^size:
  llvm.store %n, %info : i64, !llvm.ptr
  llvm.store %one, %info1 : i64, !llvm.ptr
  %r2 = llvm.mlir.constant(2 : i32) : i32
  llvm.return %r2 : i32
^good:
  llvm.store %n, %dims : i64, !llvm.ptr
  llvm.store %n, %results : i64, !llvm.ptr
  %line = llvm.mlir.constant(64 : i64) : i64
  %bytes = llvm.mul %n, %line : i64
  llvm.store %bytes, %arena : i64, !llvm.ptr
  %r0 = llvm.mlir.constant(0 : i32) : i32
  llvm.return %r0 : i32
}
llvm.func internal @scale(%x: f32, %w: f32) -> f32 {
  %y = llvm.fmul %x, %w : f32
  llvm.return %y : f32
}
llvm.func @helper(%x: f32) -> f32 {
  %e = llvm.call @expf(%x) : (f32) -> f32
  llvm.return %e : f32
}
llvm.func @mad_run_f(%data: !llvm.ptr, %dims: !llvm.ptr, %arena: !llvm.ptr,
                     %info: !llvm.ptr, %executor: !llvm.ptr) -> i32 {
  %x = llvm.load %data : !llvm.ptr -> !llvm.ptr
  %pk = llvm.getelementptr %data[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %k = llvm.load %pk : !llvm.ptr -> !llvm.ptr
  %py = llvm.getelementptr %data[2] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %y = llvm.load %py : !llvm.ptr -> !llvm.ptr
  %pw = llvm.getelementptr %data[3] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %w = llvm.load %pw : !llvm.ptr -> !llvm.ptr
  %n = llvm.load %dims : !llvm.ptr -> i64
  %zero = llvm.mlir.constant(0 : i64) : i64
  %one = llvm.mlir.constant(1 : i64) : i64
  %fzero = llvm.mlir.constant(0.0 : f32) : f32
  %fone = llvm.mlir.constant(1.0 : f32) : f32
  %x0 = llvm.load %x : !llvm.ptr -> f32
  %negative = llvm.fcmp "olt" %x0, %fzero : f32
  llvm.cond_br %negative, ^index, ^head(%zero : i64)
^index:
  %found = llvm.fptosi %x0 : f32 to i64
  %info1 = llvm.getelementptr %info[1] : (!llvm.ptr) -> !llvm.ptr, i64
  llvm.store %found, %info : i64, !llvm.ptr
  llvm.store %n, %info1 : i64, !llvm.ptr
  %r3 = llvm.mlir.constant(3 : i32) : i32
  llvm.return %r3 : i32
^head(%i: i64):
  %more = llvm.icmp "slt" %i, %n : i64
  llvm.cond_br %more, ^body, ^exit
^body:
  %px = llvm.getelementptr %x[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  %vx = llvm.load %px : !llvm.ptr -> f32
  %vw = llvm.load %w : !llvm.ptr -> f32
  %vk = llvm.load %k : !llvm.ptr -> f32
  %xw = llvm.call @scale(%vx, %vw) : (f32, f32) -> f32
  %sum = llvm.fadd %xw, %vk : f32
  %e = llvm.call @helper(%fzero) : (f32) -> f32
  %more1 = llvm.fadd %sum, %e : f32
  %r = llvm.fsub %more1, %fone : f32
  %sixteen = llvm.mlir.constant(16 : i64) : i64
  %at = llvm.mul %i, %sixteen : i64
  %pa = llvm.getelementptr %arena[%at] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  llvm.store volatile %r, %pa : f32, !llvm.ptr
  %back = llvm.load volatile %pa : !llvm.ptr -> f32
  %pyi = llvm.getelementptr %y[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  llvm.store %back, %pyi : f32, !llvm.ptr
  %next = llvm.add %i, %one : i64
  llvm.br ^head(%next : i64)
^exit:
  %r0 = llvm.mlir.constant(0 : i32) : i32
  llvm.return %r0 : i32
}
)mlir";
}

std::vector<EntryDescription> test::affineEntries() {
  EntryDescription entry;
  entry.name = "f";
  entry.doc = "Scales and shifts.";
  entry.dims = {"N"};
  entry.inputs = {{"x", MAD_F32, {"N"}, {-1}}, {"k", MAD_F32, {"4"}, {4}}};
  entry.outputs = {{"result", MAD_F32, {"N"}, {-1}}};
  entry.weights = {"scale.weight"};
  entry.checks = {{0, "extent of dimension 0 of `k`", "affine.mad:3:10"},
                  {1, "size of `N`", "affine.mad:3:8"},
                  {2, "index into `x`", "affine.mad:4:5"}};
  return {entry};
}

std::vector<WeightBytes> test::affineWeights(std::vector<float> values) {
  auto held = std::make_shared<std::vector<float>>(std::move(values));
  WeightBytes weight;
  weight.name = "scale.weight";
  weight.shape = {int64_t(held->size())};
  weight.bytes = held->size() * sizeof(float);
  weight.data = std::shared_ptr<const void>(held, held->data());
  return {weight};
}

llvm::Expected<test::Objects> test::affineObjects(const std::vector<int> &levels, bool quick) {
  auto context = makeContext();
  auto module = parse(*context, affineModule());
  if (!module)
    return llvm::createStringError("the model does not parse");
  Objects objects;
  for (int level : levels) {
    auto object =
        compileObject(*module, affineEntries(), level, ".v" + std::to_string(level), quick);
    if (!object)
      return object.takeError();
    objects.push_back(std::move(*object));
  }
  return objects;
}

namespace {
struct Folder {
  Folder() { (void)llvm::sys::fs::createUniqueDirectory("mad-target-test", path); }
  ~Folder() { (void)llvm::sys::fs::remove_directories(path); }
  llvm::SmallString<128> path;
};
} // namespace

std::string test::folder() {
  static const Folder made;
  return made.path.str().str();
}

void test::write(const std::string &path, llvm::StringRef bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
}

std::string test::read(const std::string &path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

llvm::Expected<std::string> test::buildAffine(const std::string &name,
                                              const std::vector<int> &levels,
                                              std::vector<float> weights) {
  auto objects = affineObjects(levels, /*quick=*/false);
  if (!objects)
    return objects.takeError();
  // One line of padding before the weights, so that an offset is not zero.
  std::string bytes(64, '\0'), file = folder() + "/" + name + ".weights";
  bytes.append(reinterpret_cast<const char *>(weights.data()), weights.size() * sizeof(float));
  write(file, bytes);
  auto artifact = artifactObject({name, levels, ""}, affineEntries(), affineWeights(weights), file,
                                 /*offsets=*/{64});
  if (!artifact)
    return artifact.takeError();
  objects->push_back(std::move(*artifact));
  std::string path = folder() + "/lib" + name + ".so";
  if (llvm::Error error = linkSharedLibrary(*objects, path))
    return error;
  return path;
}

mad_status test::callAffine(mad_module *module, std::vector<float> x, std::vector<float> k,
                            std::vector<float> &y, std::string &message) {
  mad_context *context = nullptr;
  mad_error error = {};
  mad_status status = mad_context_create(module, &context, &error);
  if (status != MAD_OK) {
    message = error.message;
    return status;
  }
  int64_t n = int64_t(x.size()), four = int64_t(k.size());
  y.assign(x.size(), 0);
  mad_tensor inputs[] = {{x.data(), &n, 1, MAD_F32}, {k.data(), &four, 1, MAD_F32}};
  mad_tensor output = {y.data(), &n, 1, MAD_F32};
  status = mad_entry_call(context, mad_module_find(module, "f"), inputs, 2, &output, 1);
  message = mad_context_message(context);
  mad_context_destroy(context);
  return status;
}
