//===- ModuleTest.cpp - Modules, contexts and names ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Model.h"
#include <gtest/gtest.h>

TEST(Names, OfStatuses) {
  EXPECT_STREQ(mad_status_name(MAD_OK), "MAD_OK");
  EXPECT_STREQ(mad_status_name(MAD_OUT_OF_RANGE), "MAD_OUT_OF_RANGE");
  EXPECT_STREQ(mad_status_name(MAD_INTERNAL), "MAD_INTERNAL");
  EXPECT_STREQ(mad_status_name(MAD_COMPILE_ERROR), "MAD_COMPILE_ERROR");
  EXPECT_STREQ(mad_status_name(mad_status(10)), "MAD_UNKNOWN_STATUS");
  EXPECT_STREQ(mad_status_name(mad_status(-1)), "MAD_UNKNOWN_STATUS");
}

TEST(Names, OfElementTypes) {
  EXPECT_STREQ(mad_dtype_name(MAD_BOOL), "bool");
  EXPECT_STREQ(mad_dtype_name(MAD_F16), "f16");
  EXPECT_STREQ(mad_dtype_name(MAD_U8), "u8");
  EXPECT_STREQ(mad_dtype_name(mad_dtype(9)), "?");
  EXPECT_EQ(mad_dtype_size(MAD_F32), 4u);
  EXPECT_EQ(mad_dtype_size(MAD_F64), 8u);
  EXPECT_EQ(mad_dtype_size(MAD_I32), 4u);
  EXPECT_EQ(mad_dtype_size(MAD_I64), 8u);
  EXPECT_EQ(mad_dtype_size(MAD_BOOL), 1u);
  EXPECT_EQ(mad_dtype_size(MAD_F16), 2u);
  EXPECT_EQ(mad_dtype_size(MAD_BF16), 2u);
  EXPECT_EQ(mad_dtype_size(MAD_I8), 1u);
  EXPECT_EQ(mad_dtype_size(MAD_U8), 1u);
  EXPECT_EQ(mad_dtype_size(mad_dtype(-1)), 0u);
}

TEST(Module, DescribesItsEntries) {
  mad_artifact artifact = test_artifact();
  mad_module *module = nullptr;
  ASSERT_EQ(mad_module_create(&artifact, &module, nullptr), MAD_OK);
  EXPECT_STREQ(mad_module_manifest(module), "{}");
  EXPECT_EQ(mad_module_num_entries(module), 4);
  EXPECT_EQ(mad_module_find(module, "scale"), 0);
  EXPECT_EQ(mad_module_find(module, "none"), 1);
  EXPECT_EQ(mad_module_find(module, "other"), -1);
  EXPECT_EQ(mad_module_find(module, nullptr), -1);
  const mad_entry_info *info = mad_module_entry(module, 0);
  ASSERT_TRUE(info);
  EXPECT_STREQ(info->doc, "Doc.");
  EXPECT_STREQ(info->outputs[1].name, "sum");
  EXPECT_EQ(mad_module_entry(module, 4), nullptr);
  EXPECT_EQ(mad_module_entry(module, -1), nullptr);
  mad_module_destroy(module);
}

TEST(Module, NullIsHarmless) {
  mad_module_destroy(nullptr);
  mad_context_destroy(nullptr);
  EXPECT_STREQ(mad_module_manifest(nullptr), "");
  EXPECT_STREQ(mad_module_variant(nullptr), "");
  EXPECT_EQ(mad_module_num_entries(nullptr), 0);
  EXPECT_EQ(mad_module_entry(nullptr, 0), nullptr);
  EXPECT_EQ(mad_module_find(nullptr, "scale"), -1);
  EXPECT_STREQ(mad_context_message(nullptr), "");
  mad_module *module = nullptr;
  mad_error error = {};
  EXPECT_EQ(mad_module_load(nullptr, &module, &error), MAD_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "the path is a null pointer");
  EXPECT_EQ(mad_module_load("x.so", nullptr, nullptr), MAD_INVALID_ARGUMENT);
  mad_context *context = nullptr;
  EXPECT_EQ(mad_context_create(nullptr, &context, &error), MAD_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "the module is a null pointer");
  EXPECT_EQ(mad_entry_call(nullptr, 0, nullptr, 0, nullptr, 0), MAD_INVALID_ARGUMENT);
  EXPECT_EQ(mad_entry_shapes(nullptr, 0, nullptr, 0, nullptr), MAD_INVALID_ARGUMENT);
}

TEST(Module, LivesAsLongAsItsContexts) {
  mad_artifact artifact = test_artifact();
  mad_module *module = nullptr;
  mad_context *context = nullptr;
  ASSERT_EQ(mad_module_create(&artifact, &module, nullptr), MAD_OK);
  ASSERT_EQ(mad_context_create(module, &context, nullptr), MAD_OK);
  mad_module_destroy(module);
  uint8_t flag = 0;
  mad_tensor output = {&flag, nullptr, 0, MAD_BOOL};
  EXPECT_EQ(mad_entry_call(context, 1, nullptr, 0, &output, 1), MAD_OK);
  EXPECT_EQ(flag, 1);
  mad_context_destroy(context);
}

TEST(Module, LongMessagesEndWithDots) {
  std::string path(2000, 'x');
  for (size_t i = 0; i + 1 < path.size(); i += 2)
    path[i] = '\xc3', path[i + 1] = '\xa4';
  mad_module *module = nullptr;
  mad_error error = {};
  EXPECT_EQ(mad_module_load(path.c_str(), &module, &error), MAD_FILE_ERROR);
  std::string text = error.message;
  EXPECT_LT(text.size(), sizeof error.message);
  ASSERT_GT(text.size(), 500u);
  EXPECT_EQ(text.substr(text.size() - 4), "\xa4...");
}
