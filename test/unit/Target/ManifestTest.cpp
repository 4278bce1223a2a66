//===- ManifestTest.cpp - The manifest of an artifact -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Models.h"
#include "runtime/artifact.h"
#include "llvm/Support/JSON.h"
#include <gtest/gtest.h>

using namespace mad;
using namespace mad::test;

TEST(Manifest, DescribesEntriesAndWeights) {
  std::string text =
      manifest({"affine", {0, 3}, ""}, affineEntries(), affineWeights({2, 3}), {128});
  auto parsed = llvm::json::parse(text);
  ASSERT_TRUE(bool(parsed)) << llvm::toString(parsed.takeError());
  const llvm::json::Object &all = *parsed->getAsObject();
  EXPECT_EQ(all.getString("name"), "affine");
  EXPECT_EQ(all.getInteger("abi"), int64_t(MAD_ABI_VERSION));
  const llvm::json::Array &variants = *all.getArray("variants");
  ASSERT_EQ(variants.size(), 2u);
  EXPECT_EQ(variants[1].getAsObject()->getString("name"), "x86-64-v3");
  const llvm::json::Object &entry = *(*all.getArray("entries"))[0].getAsObject();
  EXPECT_EQ(entry.getString("name"), "f");
  const llvm::json::Array &inputs = *entry.getArray("inputs");
  ASSERT_EQ(inputs.size(), 2u);
  EXPECT_EQ((*inputs[0].getAsObject()->getArray("dims"))[0].getAsString(), "N");
  EXPECT_EQ((*inputs[0].getAsObject()->getArray("sizes"))[0].kind(), llvm::json::Value::Null);
  EXPECT_EQ((*inputs[1].getAsObject()->getArray("sizes"))[0].getAsInteger(), 4);
  const llvm::json::Object &weight = *(*all.getArray("weights"))[0].getAsObject();
  EXPECT_EQ(weight.getString("dtype"), "f32");
  EXPECT_EQ(weight.getInteger("bytes"), 8);
  EXPECT_EQ(weight.getInteger("offset"), 128);
  EXPECT_EQ(weight.getString("checksum")->size(), 16u);
}

TEST(Manifest, ChecksumFollowsTheBytes) {
  auto text = [](float value) {
    return manifest({"a", {0}, ""}, {}, affineWeights({1, 2, 3, 4, 5, 6, 7, 8, value}), {0});
  };
  EXPECT_EQ(text(1), text(1));
  EXPECT_NE(text(1), text(2));
}

TEST(Manifest, TextThatIsNotUnicode) {
  std::vector<EntryDescription> entries = affineEntries();
  entries[0].doc = "\xff \"quoted\"";
  EXPECT_TRUE(bool(llvm::json::parse(manifest({"a", {0}, ""}, entries, affineWeights({1})))));
}
