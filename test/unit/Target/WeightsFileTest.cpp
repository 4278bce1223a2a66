//===- WeightsFileTest.cpp - Where weights lie ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Target/Object.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include <gtest/gtest.h>

using namespace mad;

namespace {

WeightBytes weight(const std::string &name, bool isPart, std::vector<float> values) {
  auto held = std::make_shared<std::vector<float>>(std::move(values));
  WeightBytes made;
  made.name = name;
  made.shape = {int64_t(held->size())};
  made.bytes = held->size() * sizeof(float);
  made.data = std::shared_ptr<const void>(held, held->data());
  if (isPart)
    made.part = PartOf{"lut.int(bits = 1, group = 128)", MAD_F32, {}};
  return made;
}

std::vector<WeightBytes> twoLayers() {
  return {weight("a.codes", true, {1}),    weight("a.scales", true, {2}),
          weight("a.bias", false, {3}),    weight("b.codes", true, {4}),
          weight("b.x.scales", true, {5}), weight("b.bias", false, {6})};
}

} // namespace

TEST(WeightsFile, PartsOfAKindLieBesideEachOther) {
  EXPECT_EQ(orderInMemory(twoLayers()), (std::vector<size_t>{0, 3, 1, 4, 2, 5}));
  EXPECT_TRUE(orderInMemory({}).empty());
  // What is no part keeps its place, whatever it is called.
  EXPECT_EQ(orderInMemory(
                {weight("x.a", false, {1}), weight("x.b", false, {2}), weight("y.a", false, {3})}),
            (std::vector<size_t>{0, 1, 2}));
}

TEST(WeightsFile, WeightsInMemoryLieInOrderInOneBlock) {
  std::vector<WeightBytes> weights = twoLayers();
  std::vector<WeightBytes> before = weights;
  weights.push_back(weight("none", false, {}));
  weights.back().bytes = 0;
  std::vector<float> many(1 << 20, 7);
  weights.push_back(weight("large", false, {}));
  weights.back().bytes = many.size() * sizeof(float);
  weights.back().data = std::shared_ptr<const void>(std::shared_ptr<void>(), many.data());
  gatherWeights(weights);
  auto at = [&](size_t i) { return static_cast<const char *>(weights[i].data.get()); };
  size_t place = 0;
  for (size_t i : {0, 3, 1, 4, 2, 5}) {
    EXPECT_EQ(at(i), at(0) + 64 * place++) << weights[i].name;
    EXPECT_NE(weights[i].data, before[i].data);
    EXPECT_EQ(*reinterpret_cast<const float *>(at(i)), float(i + 1));
  }
  EXPECT_EQ(reinterpret_cast<uintptr_t>(at(0)) % 64, 0u);
  EXPECT_EQ(weights[7].data.get(), many.data());
  // The block lives as long as the last of them.
  std::shared_ptr<const void> last = weights[5].data;
  weights.clear();
  EXPECT_EQ(*static_cast<const float *>(last.get()), 6);
  gatherWeights(weights);
}

TEST(WeightsFile, OffsetsAreThoseOfTheList) {
  llvm::SmallString<128> path;
  ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("order", "weights", path));
  llvm::FileRemover remover(path);
  std::vector<uint64_t> offsets;
  ASSERT_FALSE(bool(writeWeightsFile(twoLayers(), path.str().str(), offsets)));
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  ASSERT_TRUE(bool(file));
  ASSERT_EQ(offsets.size(), 6u);
  for (size_t i = 0; i < offsets.size(); ++i) {
    ASSERT_LE(offsets[i] + sizeof(float), (*file)->getBufferSize());
    float value = 0;
    memcpy(&value, (*file)->getBufferStart() + offsets[i], sizeof value);
    EXPECT_EQ(value, float(i + 1));
    EXPECT_EQ(offsets[i] % 64, 0u);
  }
  EXPECT_EQ(offsets[3], offsets[0] + 64); // codes behind codes
}
