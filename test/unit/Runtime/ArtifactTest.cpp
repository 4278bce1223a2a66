//===- ArtifactTest.cpp - Artifacts are checked before they are believed ===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Model.h"
#include <gtest/gtest.h>
#include <string>

/// The message of `mad_module_create`; empty when it succeeds.
static std::string fault(const mad_artifact *artifact, mad_status expected) {
  mad_module *module = reinterpret_cast<mad_module *>(1);
  mad_error error = {};
  mad_status status = mad_module_create(artifact, &module, &error);
  EXPECT_EQ(status, expected) << error.message;
  EXPECT_EQ(status == MAD_OK, module != nullptr);
  mad_module_destroy(module);
  return error.message;
}

TEST(Artifact, GoodOneIsTaken) {
  mad_artifact artifact = test_artifact();
  EXPECT_EQ(fault(&artifact, MAD_OK), "");
}

TEST(Artifact, NullPointers) {
  mad_artifact artifact = test_artifact();
  EXPECT_EQ(fault(nullptr, MAD_INVALID_ARGUMENT), "the artifact is a null pointer");
  EXPECT_EQ(mad_module_create(&artifact, nullptr, nullptr), MAD_INVALID_ARGUMENT);
  mad_module *module = nullptr;
  EXPECT_EQ(mad_module_create(nullptr, &module, nullptr), MAD_INVALID_ARGUMENT);
}

TEST(Artifact, HeadOfAnotherVersion) {
  mad_artifact artifact = test_artifact();
  artifact.magic ^= 1;
  EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT),
            "this is not an artifact: its first bytes are not those of one");
  artifact = test_artifact();
  artifact.abi_version = 1;
  EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT),
            "the artifact has binary interface 1, this runtime reads " +
                std::to_string(MAD_ABI_VERSION) +
                "; compile the model again or take the runtime of its compiler");
  artifact = test_artifact();
  artifact.size -= 8;
  EXPECT_NE(fault(&artifact, MAD_BAD_FORMAT).find("the head of the artifact has"),
            std::string::npos);
}

TEST(Artifact, VariantsAreChosenByLevel) {
  mad_artifact artifact = test_artifact();
  mad_module *module = nullptr;
  ASSERT_EQ(mad_module_create(&artifact, &module, nullptr), MAD_OK);
  EXPECT_STREQ(mad_module_variant(module), "x86-64");
  mad_module_destroy(module);
  artifact.variants += 1;
  artifact.num_variants = 1;
  std::string text = fault(&artifact, MAD_UNSUPPORTED);
  EXPECT_EQ(text.find("artifact `model` needs a CPU of level x86-64-v99, this one reaches x86-64"),
            0u)
      << text;
  EXPECT_NE(text.find(" (no bit 63); compile the model for x86-64"), std::string::npos) << text;
}

TEST(Artifact, MissingParts) {
  const std::string damaged = "the artifact is damaged: ";
  mad_artifact artifact = test_artifact();
  artifact.manifest = nullptr;
  EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT), damaged + "it has no name, compiler or manifest");
  artifact = test_artifact();
  artifact.num_variants = 0;
  EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT), damaged + "it has no code variants");
  artifact = test_artifact();
  artifact.entries = nullptr;
  EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT), damaged + "its entries are missing");
  artifact = test_artifact();
  artifact.num_weights = 0;
  EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT),
            damaged + "an entry names a weight that is not there");
  artifact = test_artifact();
  artifact = test_artifact();
  mad_weight weight = artifact.weights[0];
  weight.data = nullptr;
  artifact.weights = &weight;
  EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT), damaged + "a weight has no name, shape or data");
  // Woven are bytes in panels of 64 columns, in whole blocks of rows.
  const int64_t rows[] = {8, 96};
  weight = artifact.weights[0];
  weight.data = rows, weight.rank = 2, weight.shape = rows, weight.dtype = MAD_I8;
  weight.panel = 64, weight.axis = 1, weight.weave = 2;
  EXPECT_EQ(fault(&artifact, MAD_OK), "");
  for (int32_t weave : {-1, 3, 9}) {
    weight.weave = weave;
    EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT), damaged + "a weight has no name, shape or data");
  }
  weight.weave = 1, weight.panel = 16;
  EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT), damaged + "a weight has no name, shape or data");
  // Widened are numbers of 16 bits.
  weight.weave = 0, weight.panel = 0, weight.widened = 1;
  EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT), damaged + "a weight has no name, shape or data");
  weight.dtype = MAD_F16, weight.widened = 2;
  EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT), damaged + "a weight has no name, shape or data");
  artifact.num_weights = -1;
  EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT), damaged + "its weights are missing");
}

TEST(Artifact, DamagedEntries) {
  const std::string damaged = "the artifact is damaged: ";
  mad_artifact artifact = test_artifact();
  mad_entry entry = test_entry(0);
  artifact.entries = &entry;
  artifact.num_entries = 1;
  EXPECT_EQ(fault(&artifact, MAD_OK), "");
  entry.prepare = nullptr;
  EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT), damaged + "an entry has no code");
  entry = test_entry(0);
  const mad_run_fn half[] = {entry.run[0], nullptr};
  entry.run = half;
  EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT), damaged + "an entry has no code for a variant");
  entry = test_entry(0);
  entry.info.name = nullptr;
  EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT), damaged + "an entry has no name or no dimensions");
  entry = test_entry(0);
  entry.num_weights = -1;
  EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT), damaged + "an entry has no list of weights");
  entry = test_entry(0);
  const int32_t missing = 7;
  entry.device_weights = nullptr;
  EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT), damaged + "an entry has no list of weights");
  entry.device_weights = &missing;
  EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT),
            damaged + "an entry names a weight that is not there");
  entry = test_entry(3);
  mad_value_info lonely = entry.info.outputs[0];
  lonely.state = 2;
  entry.info.outputs = &lonely;
  EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT),
            damaged + "the states of an entry do not fit together");
  entry = test_entry(0);
  mad_value_info values[] = {entry.info.inputs[0], entry.info.inputs[1]};
  values[1].dtype = mad_dtype(9);
  entry.info.inputs = values;
  EXPECT_EQ(fault(&artifact, MAD_BAD_FORMAT),
            damaged + "an input or output has no name, type or dimensions");
}
