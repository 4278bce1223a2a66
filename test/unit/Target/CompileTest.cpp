//===- CompileTest.cpp - From the LLVM dialect to results in memory -----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Models.h"
#include "passes/Target/Codegen.h"
#include "passes/Target/InternalFailure.h"
#include "runtime/artifact.h"
#include "runtime/jit/Jit.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/ErrorHandling.h"
#include <cstdio>
#include <gtest/gtest.h>
#include <set>
#include <unistd.h>

using namespace mad;
using namespace mad::test;

static std::vector<int> levels() {
  return hostLevel() >= 3 ? std::vector<int>{0, 3} : std::vector<int>{0};
}

/// Compiles a module that has no entries; the text of the failure.
static std::string failure(llvm::StringRef text, int level = 0) {
  auto context = makeContext();
  auto module = parse(*context, text);
  if (!module)
    return "the test does not parse";
  auto object = compileObject(*module, {}, level, "", /*quick=*/true);
  if (object)
    return "";
  llvm::Error error = object.takeError();
  const std::string kind = error.isA<InternalFailure>() ? "internal: " : "";
  return kind + llvm::toString(std::move(error));
}

static void expectJitRuns(const std::vector<int> &levels, bool quick) {
  auto objects = affineObjects(levels, quick);
  ASSERT_TRUE(bool(objects)) << llvm::toString(objects.takeError());
  auto jit =
      makeJit({"affine", levels}, affineEntries(), affineWeights({2, 3}), std::move(*objects));
  ASSERT_TRUE(bool(jit)) << llvm::toString(jit.takeError());
  mad_module *module = nullptr;
  mad_error error = {};
  ASSERT_EQ(mad_module_create((*jit)->artifact(), &module, &error), MAD_OK) << error.message;
  EXPECT_STREQ(mad_module_variant(module), variant(levels.back()).name.c_str());
  std::vector<float> y;
  std::string message;
  EXPECT_EQ(callAffine(module, {1, 2, 3}, {10, 0, 0, 0}, y, message), MAD_OK) << message;
  EXPECT_EQ(y, (std::vector<float>{12, 14, 16}));
  mad_module_destroy(module);
}

TEST(Compile, JitRunsQuick) { expectJitRuns(levels(), /*quick=*/true); }
TEST(Compile, JitRunsOptimised) { expectJitRuns(levels(), /*quick=*/false); }
TEST(Compile, JitRunsTheBaseline) { expectJitRuns({0}, /*quick=*/true); }

TEST(Compile, FailuresOfTheModelAreStatuses) {
  auto objects = affineObjects({0}, /*quick=*/true);
  ASSERT_TRUE(bool(objects)) << llvm::toString(objects.takeError());
  auto jit = makeJit({"affine", {0}}, affineEntries(), affineWeights({2}), std::move(*objects));
  ASSERT_TRUE(bool(jit)) << llvm::toString(jit.takeError());
  mad_module *module = nullptr;
  ASSERT_EQ(mad_module_create((*jit)->artifact(), &module, nullptr), MAD_OK);
  std::vector<float> y;
  std::string message;
  EXPECT_EQ(callAffine(module, {1}, {10, 0}, y, message), MAD_SHAPE_MISMATCH);
  EXPECT_EQ(message, "affine.mad:3:10: extent of dimension 0 of `k`: found 2, expected 4");
  EXPECT_EQ(callAffine(module, {}, {1, 2, 3, 4}, y, message), MAD_SHAPE_MISMATCH);
  EXPECT_EQ(message, "affine.mad:3:8: size of `N`: found 0, expected at least 1");
  EXPECT_EQ(callAffine(module, {-7, 1}, {1, 2, 3, 4}, y, message), MAD_OUT_OF_RANGE);
  EXPECT_EQ(message, "affine.mad:4:5: index into `x`: found -7, expected 0 <= index < 2");
  EXPECT_EQ(callAffine(module, {1}, {1, 2, 3, 4}, y, message), MAD_OK);
  EXPECT_EQ(message, "");
  mad_module_destroy(module);
}

TEST(Compile, ArtifactOfTheJitDescribesTheEntry) {
  auto objects = affineObjects({0}, /*quick=*/true);
  ASSERT_TRUE(bool(objects)) << llvm::toString(objects.takeError());
  std::vector<WeightBytes> weights = affineWeights({2, 3});
  const void *data = weights[0].data.get();
  auto jit = makeJit({"affine", {0}}, affineEntries(), std::move(weights), std::move(*objects));
  ASSERT_TRUE(bool(jit)) << llvm::toString(jit.takeError());
  const mad_artifact *artifact = (*jit)->artifact();
  EXPECT_EQ(artifact->magic, MAD_ARTIFACT_MAGIC);
  EXPECT_STREQ(artifact->name, "affine");
  ASSERT_EQ(artifact->num_entries, 1);
  const mad_entry &entry = artifact->entries[0];
  EXPECT_STREQ(entry.info.doc, "Scales and shifts.");
  ASSERT_EQ(entry.info.num_inputs, 2);
  EXPECT_STREQ(entry.info.inputs[1].name, "k");
  EXPECT_STREQ(entry.info.inputs[1].dims[0], "4");
  EXPECT_EQ(entry.info.outputs[0].rank, 1);
  EXPECT_STREQ(entry.info.dims[0], "N");
  EXPECT_EQ(entry.num_checks, 3);
  ASSERT_EQ(artifact->num_weights, 1);
  EXPECT_STREQ(artifact->weights[0].name, "scale.weight");
  EXPECT_EQ(artifact->weights[0].data, data);
  EXPECT_EQ(artifact->weights[0].shape[0], 2);
}

TEST(Compile, OnlyTheFunctionsOfEntriesAreVisible) {
  auto objects = affineObjects({0}, /*quick=*/false);
  ASSERT_TRUE(bool(objects)) << llvm::toString(objects.takeError());
  auto elf = llvm::object::ObjectFile::createELFObjectFile(objects->front()->getMemBufferRef());
  ASSERT_TRUE(bool(elf)) << llvm::toString(elf.takeError());
  std::set<std::string> defined;
  for (const llvm::object::SymbolRef &symbol : (*elf)->symbols()) {
    auto flags = symbol.getFlags();
    ASSERT_TRUE(bool(flags));
    if ((*flags & llvm::object::SymbolRef::SF_Global) &&
        !(*flags & llvm::object::SymbolRef::SF_Undefined))
      defined.insert(llvm::cantFail(symbol.getName()).str());
  }
  EXPECT_EQ(defined, (std::set<std::string>{"mad_prepare_f.v0", "mad_run_f.v0"}));
}

TEST(Compile, EqualInputGivesEqualBytes) {
  auto first = affineObjects({0, 3}, /*quick=*/false), second = affineObjects({0, 3}, false);
  ASSERT_TRUE(bool(first)) << llvm::toString(first.takeError());
  ASSERT_TRUE(bool(second)) << llvm::toString(second.takeError());
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ((*first)[i]->getBuffer(), (*second)[i]->getBuffer());
}

TEST(CompileFailure, UnknownLevel) {
  EXPECT_EQ(failure("", 9), "there is no CPU level 9, code is made for levels 0, 3 and 4");
  EXPECT_EQ(failure("", -1), "there is no CPU level -1, code is made for levels 0, 3 and 4");
  EXPECT_EQ(failure("", 0), "");
}

TEST(CompileFailure, AssemblyThatIsNone) {
  std::string text = failure(R"mlir(
    llvm.func @g() {
      llvm.inline_asm has_side_effects "no such thing", "" : () -> ()
      llvm.return
    })mlir");
  EXPECT_NE(text.find("LLVM cannot make code for this"), std::string::npos) << text;
  EXPECT_EQ(failure("llvm.func @g() { llvm.return }"), "");
}

TEST(CompileFailure, FatalErrorOfInstructionSelection) {
  std::string text = failure(R"mlir(
    llvm.func @g(%x: vector<16xf32>) -> vector<16xf32> {
      %s = llvm.mlir.constant(0 : i32) : i32
      %m = llvm.mlir.constant(-1 : i16) : i16
      %r = llvm.mlir.constant(4 : i32) : i32
      %y = llvm.call_intrinsic "llvm.x86.avx512.mask.rndscale.ps.512"(%x, %s, %x, %m, %r)
        : (vector<16xf32>, i32, vector<16xf32>, i16, i32) -> vector<16xf32>
      llvm.return %y : vector<16xf32>
    })mlir");
  EXPECT_EQ(text.find("internal: LLVM cannot make code for this"), 0u) << text;
  // The next compilation is not harmed, and what a tool wants of other fatal errors stays.
  EXPECT_EQ(failure("llvm.func @g() { llvm.return }"), "");
}

TEST(CompileFailure, FatalErrorsOutsideOfCodeAreForTools) {
  const auto end = [](void *, const char *reason, bool) {
    fputs(reason, stderr);
    _exit(70);
  };
  EXPECT_EXIT(
      {
        onFatalError(end);
        const bool inside = failure("llvm.func @g() { llvm.return }").empty();
        llvm::report_fatal_error(inside ? "a fault" : "no code");
      },
      testing::ExitedWithCode(70), "a fault");
}

TEST(CompileFailure, EntryThatIsNotThere) {
  auto context = makeContext();
  auto module = parse(*context, "llvm.func @g() { llvm.return }");
  auto object = compileObject(*module, affineEntries(), 0, ".v0", true);
  ASSERT_FALSE(bool(object));
  EXPECT_EQ(llvm::toString(object.takeError()),
            "the lowered module does not define `mad_prepare_f`");
}

TEST(CompileFailure, ModuleThatIsNotInTheLlvmDialect) {
  auto context = makeContext();
  context->allowUnregisteredDialects();
  auto module = parse(*context, "\"other.op\"() : () -> ()");
  auto object = compileObject(*module, {}, 0, "", true);
  ASSERT_FALSE(bool(object));
  EXPECT_NE(llvm::toString(object.takeError()).find("cannot translate the module to LLVM IR"),
            std::string::npos);
}

TEST(CompileFailure, ArtifactsThatCannotBe) {
  auto text = [](const ArtifactOptions &options, std::vector<WeightBytes> weights) {
    auto object = artifactObject(options, affineEntries(), weights);
    return object ? "" : llvm::toString(object.takeError());
  };
  EXPECT_EQ(text({"a-b", {0}}, affineWeights({1})),
            "`a-b` cannot name an artifact, it is not a C identifier");
  EXPECT_NE(text({"mad", {0}}, affineWeights({1})).find("cannot name an artifact"),
            std::string::npos);
  EXPECT_EQ(text({"a", {}}, affineWeights({1})),
            "an artifact needs at least one variant, and CPU levels in ascending order");
  EXPECT_EQ(text({"a", {0}}, {}), "entry `f` uses weight `scale.weight`, which has no bytes");
  EXPECT_EQ(text({"a", {0}}, affineWeights({1})), "");
}

TEST(CompileFailure, CodeThatCallsWhatIsNotThere) {
  auto context = makeContext();
  std::string text = affineModule().str();
  for (size_t at; (at = text.find("@expf")) != std::string::npos;)
    text.replace(at, 5, "@mad_no_such_function");
  auto module = parse(*context, text);
  ASSERT_TRUE(module);
  auto object = compileObject(*module, affineEntries(), 0, ".v0", true);
  ASSERT_TRUE(bool(object)) << llvm::toString(object.takeError());
  Objects objects;
  objects.push_back(std::move(*object));
  testing::internal::CaptureStderr();
  auto jit = makeJit({"a", {0}}, affineEntries(), affineWeights({1}), std::move(objects));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  ASSERT_FALSE(bool(jit));
  std::string message = llvm::toString(jit.takeError());
  EXPECT_NE(message.find("cannot load the code: "), std::string::npos) << message;
  EXPECT_NE(message.find("mad_no_such_function"), std::string::npos) << message;
}

TEST(CompileFailure, WeightFileThatIsNotThere) {
  auto object = artifactObject({"a", {0}}, affineEntries(), affineWeights({1}),
                               folder() + "/no \"such\" file", {0});
  ASSERT_FALSE(bool(object));
  std::string text = llvm::toString(object.takeError());
  EXPECT_NE(text.find("no \"such\" file"), std::string::npos) << text;
}
