//===- WeightsTest.cpp - Weights in files of their own ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Model.h"
extern "C" {
#include "runtime/core/panels.h"
#include "runtime/core/weights.h"
}
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <numeric>
#include <string>
#include <unistd.h>
#include <vector>
#include <xmmintrin.h>

namespace {
/// What a file of weights is made of, so that a test can break each part.
struct Written {
  mad_weights_header header = {};
  std::vector<mad_weights_record> records;
  std::string tail; ///< shapes, names, data
  bool seal = true;

  std::string text() {
    std::string head(reinterpret_cast<char *>(records.data()),
                     records.size() * sizeof(mad_weights_record));
    std::string all = std::string(sizeof header, 0) + head + tail;
    if (seal) {
      header.checksum = 0;
      memcpy(all.data(), &header, sizeof header);
      mad_checksum sum;
      mad_checksum_start(&sum);
      mad_checksum_add(&sum, all.data(), std::min<size_t>(all.size(), header.head_bytes));
      header.checksum = mad_checksum_value(&sum);
    }
    memcpy(all.data(), &header, sizeof header);
    return all;
  }
};

uint64_t checksumOf(const std::string &bytes) {
  mad_checksum sum;
  mad_checksum_start(&sum);
  mad_checksum_add(&sum, bytes.data(), bytes.size());
  return mad_checksum_value(&sum);
}

/// `w: f32[1]` and `m: f32[2, 3]`, written by hand.
Written written(float w) {
  Written made;
  const uint64_t first = sizeof made.header + 2 * sizeof(mad_weights_record);
  const int64_t shapes[] = {1, 2, 3};
  const float m[] = {1, 2, 3, 4, 5, 6};
  std::string tail(reinterpret_cast<const char *>(shapes), sizeof shapes);
  tail += std::string("w\0\0m\0{}\0", 8);
  const uint64_t head = first + tail.size(), data = (head + 63) / 64 * 64;
  tail.resize(data - first);
  const std::string wBytes(reinterpret_cast<const char *>(&w), 4);
  const std::string mBytes(reinterpret_cast<const char *>(m), sizeof m);
  tail += wBytes;
  tail.resize(data + 64 - first);
  tail += mBytes;
  made.tail = tail;
  made.records = {{first + 24, first, MAD_F32, 0, 0, 1, data, 4, checksumOf(wBytes)},
                  {first + 27, first + 8, MAD_F32, 0, 0, 2, data + 64, 24, checksumOf(mBytes)}};
  made.header.magic = MAD_WEIGHTS_MAGIC;
  made.header.version = MAD_WEIGHTS_VERSION;
  made.header.size = sizeof made.header;
  strcpy(made.header.compiler, "mad 0.0 by hand");
  made.header.file_bytes = first + tail.size();
  made.header.head_bytes = head;
  made.header.num_weights = 2;
  return made;
}

/// `w: f32[1]`, and an `m` with these extents, which says that it lies in panels.
Written inPanels(std::vector<int64_t> shape, mad_dtype dtype, int panels, int weave,
                 const std::string &bytes, uint32_t version = MAD_WEIGHTS_VERSION) {
  Written made = written(7);
  const uint64_t first = sizeof made.header + 2 * sizeof(mad_weights_record);
  shape.insert(shape.begin(), 1);
  std::string tail(reinterpret_cast<const char *>(shape.data()), shape.size() * sizeof(int64_t));
  const uint64_t names = first + tail.size();
  tail += std::string("w\0\0m\0\0", 6);
  const uint64_t head = first + tail.size(), at = (head + 63) / 64 * 64;
  tail.resize(at + 64 - first);
  tail += bytes;
  made.tail = tail;
  made.records = {{names, first, MAD_F32, 0, 0, 1, at, 4, 0},
                  {names + 3, first + 8, uint16_t(dtype), uint8_t(panels), uint8_t(weave),
                   uint32_t(shape.size() - 1), at + 64, bytes.size(), 0}};
  made.header.version = version;
  made.header.head_bytes = head;
  made.header.file_bytes = first + tail.size();
  return made;
}

/// The lines of a .safetensors file.
std::string safetensors(const std::string &json, const std::string &data) {
  const uint64_t length = json.size();
  return std::string(reinterpret_cast<const char *>(&length), 8) + json + data;
}

std::string floats(std::vector<float> values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float)};
}

class Weights : public testing::Test {
protected:
  void SetUp() override {
    path = testing::TempDir() + "mad-weights-" + std::to_string(getpid());
    artifact = test_artifact();
    weights[0] = artifact.weights[0];
    weights[1] = {"m", "stored.m", MAD_F32, 2, shape, 1, 0, 0, 0, 0, 0, 0, nullptr, 24, 0};
    artifact.weights = weights;
    artifact.num_weights = 2;
    weights[1].data = values;
  }
  void TearDown() override {
    mad_weights_release(&memory);
    unlink(path.c_str());
  }
  void write(const std::string &bytes) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
  }
  /// The status; the message without the path in `message`.
  mad_status find(mad_verify verify = MAD_VERIFY_CODE) {
    mad_weights_release(&memory);
    const mad_load_options options = {sizeof options, path.c_str(), verify};
    mad_error error = {};
    const mad_status status = mad_weights_find(&artifact, &options, data, &memory, &error);
    message = error.message;
    const std::string name = "`" + path + "`";
    if (size_t at = message.find(name); at != std::string::npos)
      message.replace(at, name.size(), "FILE");
    if (status != MAD_OK) {
      EXPECT_EQ(memory.map, nullptr);
      EXPECT_EQ(memory.copies, nullptr);
    }
    return status;
  }
  mad_status find(const std::string &bytes, mad_verify verify = MAD_VERIFY_CODE) {
    write(bytes);
    return find(verify);
  }
  float at(int weight, int i) { return static_cast<const float *>(data[weight])[i]; }

  std::string path, message;
  mad_artifact artifact = {};
  mad_weight weights[2] = {};
  const int64_t shape[2] = {2, 3};
  alignas(64) const float values[6] = {};
  const void *data[2] = {};
  mad_weight_memory memory = {};
};
} // namespace

TEST_F(Weights, AreMapped) {
  ASSERT_EQ(find(written(7).text(), MAD_VERIFY_ALL), MAD_OK) << message;
  EXPECT_EQ(at(0, 0), 7);
  EXPECT_EQ(at(1, 5), 6);
  EXPECT_EQ(memory.copies, nullptr);
  for (const void *each : data)
    EXPECT_EQ(uintptr_t(each) % 64, 0u);
}

TEST_F(Weights, HaveNotesFromVersionThreeOn) {
  for (uint32_t version : {1, 2, 3}) {
    Written file = written(7);
    file.header.version = version;
    ASSERT_EQ(find(file.text()), MAD_OK) << message;
    mad_file opened;
    mad_stored_list list = {};
    mad_error error = {};
    ASSERT_EQ(mad_file_open(path.c_str(), &opened, &error), MAD_OK) << error.message;
    ASSERT_EQ(mad_weights_read(&opened, &list), MAD_OK) << error.message;
    if (version < 3)
      EXPECT_EQ(list.tensors[1].note, nullptr);
    else
      EXPECT_STREQ(list.tensors[1].note, "{}");
    mad_stored_free(&list);
    mad_file_close(&opened);
  }
}

/// From rows, from columns, and as they are stored by a build.
TEST_F(Weights, PanelsArePackedWhereTheFileHasNone) {
  weights[1].panel = 2;
  weights[1].axis = 1;
  weights[1].bytes = 32;
  const std::vector<float> panels = {1, 2, 4, 5, 3, 0, 6, 0};
  const auto m = [&] {
    const float *found = static_cast<const float *>(data[1]);
    return std::vector<float>(found, found + 8);
  };
  ASSERT_EQ(find(written(7).text(), MAD_VERIFY_ALL), MAD_OK) << message;
  EXPECT_EQ(m(), panels);
  EXPECT_NE(memory.copies, nullptr);
  const std::string header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                             R"("stored.m":{"dtype":"F32","shape":[3,2],"data_offsets":[4,28]}})";
  ASSERT_EQ(find(safetensors(header, floats({7, 1, 4, 2, 5, 3, 6}))), MAD_OK) << message;
  EXPECT_EQ(m(), panels);

  const Written packed = inPanels({2, 2, 2}, MAD_F32, 0, 0, floats(panels), 1);
  ASSERT_EQ(find(Written(packed).text()), MAD_OK) << message;
  EXPECT_EQ(m(), panels);
  EXPECT_EQ(memory.copies, nullptr);

  weights[1].panel = 4;
  weights[1].bytes = 32;
  EXPECT_EQ(find(Written(packed).text()), MAD_BAD_FORMAT);
}

/// All numbers of 16 bits, as the compiler of this test has them; NaN stay NaN.
static void widenAll(bool flushing) {
  constexpr unsigned denormalsAreZero = 0x40;
  std::vector<uint16_t> all(1 << 16);
  std::iota(all.begin(), all.end(), uint16_t(0));
  const int64_t shape[] = {int64_t(all.size())};
  for (mad_dtype dtype : {MAD_F16, MAD_BF16}) {
    mad_weight weights[2] = {};
    weights[0].dtype = MAD_F32, weights[0].bytes = 4;
    weights[1].dtype = dtype, weights[1].rank = 1, weights[1].shape = shape;
    weights[1].bytes = 2 * all.size(), weights[1].widened = 1;
    mad_artifact artifact = {};
    artifact.num_weights = 2, artifact.weights = weights;
    const void *data[] = {&shape, all.data()}, *wide[] = {&shape, nullptr};
    mad_weight_memory memory = {};
    const unsigned before = _mm_getcsr();
    if (flushing)
      _mm_setcsr(before | _MM_FLUSH_ZERO_ON | denormalsAreZero);
    const mad_status status = mad_weights_widen(&artifact, data, wide, &memory, nullptr);
    _mm_setcsr(before);
    ASSERT_EQ(status, MAD_OK);
    EXPECT_EQ(wide[0], &shape);
    const float *found = static_cast<const float *>(wide[1]);
    for (size_t i = 0; i < all.size(); ++i) {
      const uint32_t high = uint32_t(all[i]) << 16;
      const float expected =
          dtype == MAD_BF16 ? std::bit_cast<float>(high) : float(std::bit_cast<_Float16>(all[i]));
      if (std::isnan(expected))
        ASSERT_TRUE(std::isnan(found[i])) << i;
      else
        ASSERT_EQ(std::bit_cast<uint32_t>(found[i]), std::bit_cast<uint32_t>(expected)) << i;
    }
    mad_weights_release(&memory);
    EXPECT_EQ(memory.wide, nullptr);
  }
}

TEST(Widened, HaveTheSameNumbers) { widenAll(/*flushing=*/false); }

/// Libraries made with `-ffast-math` let threads take denormal numbers for 0.
TEST(Widened, HaveTheSameNumbersWhereDenormalsAreFlushed) { widenAll(/*flushing=*/true); }

/// Each byte at its place, of rows and of columns of a matrix, and back.
TEST(Panels, AreWoven) {
  for (int64_t weave : {1, 2, 4}) {
    const int64_t rows = 8 * weave, columns = 70, shape[] = {rows, columns};
    int transposed = 1;
    const mad_panels matrix = mad_panels_of(shape, 2, 1, 64, weave, 1, &transposed);
    EXPECT_EQ(transposed, 0);
    ASSERT_EQ(mad_panels_bytes(&matrix), uint64_t(2 * rows * 64));
    std::string plain, other(rows * columns, 0), packed(2 * rows * 64, 'x'), back = other;
    for (int64_t i = 0; i < rows * columns; ++i) {
      plain += char(i * 7 + i / 256);
      other[i % columns * rows + i / columns] = plain.back();
    }
    mad_panels_pack(&matrix, packed.data(), plain.data(), 0);
    // Column 37 is in the part of 16 from 32 on, there in the second four.
    for (int64_t row = 0; row < 4; ++row)
      EXPECT_EQ(packed[4 * weave * 64 + 64 + 32 + 4 + row],
                plain[(4 * weave + row * weave) * columns + 37]);
    // The last row of a step, in column 64: the first of the second panel.
    EXPECT_EQ(packed[rows * 64 + (weave - 1) * 256 + 3], plain[(4 * weave - 1) * columns + 64]);
    EXPECT_EQ(packed[rows * 64 + 64 + 8], 0); // column 70
    std::string again(packed.size(), 'y');
    mad_panels_pack(&matrix, again.data(), other.data(), 1);
    EXPECT_EQ(again, packed);
    mad_panels_unpack(&matrix, back.data(), packed.data(), 0);
    EXPECT_EQ(back, plain);
    mad_panels_unpack(&matrix, back.data(), packed.data(), 1);
    EXPECT_EQ(back, other);
  }
}

TEST_F(Weights, WovenPanelsArePackedWhereTheFileHasNone) {
  const int64_t four[] = {4, 3};
  weights[1] = {"m", nullptr, MAD_I8, 2, four, 0, 64, 1, 1, 0, 0, 0, values, 256, 0};
  const std::string plain = "abcdefghijkl";
  std::string packed(256, 0);
  for (int i = 0; i < 12; ++i)
    packed[i % 3 * 4 + i / 3] = plain[i];
  const auto read = [&](const std::string &shape, const std::string &bytes) {
    const std::string end = std::to_string(4 + bytes.size());
    return find(safetensors(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                            R"("m":{"dtype":"I8","shape":)" +
                                shape + R"(,"data_offsets":[4,)" + end + "]}}",
                            floats({7}) + bytes));
  };
  ASSERT_EQ(read("[4,3]", plain), MAD_OK) << message;
  EXPECT_EQ(std::string(static_cast<const char *>(data[1]), 256), packed);
  ASSERT_EQ(read("[1,1,256]", packed), MAD_OK) << message;
  EXPECT_EQ(std::string(static_cast<const char *>(data[1]), 256), packed);
  // In panels as other products read them.
  EXPECT_EQ(read("[1,4,64]", packed), MAD_BAD_FORMAT);
  EXPECT_NE(
      message.find("as i8[1, 4, 64], the model needs i8[4, 3]; it lies in the order of another "
                   "model's products, and the file does not say in which: write it again"),
      std::string::npos)
      << message;
}

/// Panels of any dimension and width, woven or not, to any others, of one and of more layers.
TEST_F(Weights, OtherOrdersAreConverted) {
  struct Order {
    int axis, panel, weave;
  };
  const Order orders[] = {{2, 64, 1}, {2, 64, 2}, {2, 64, 4}, {2, 64, 0}, {2, 16, 0},
                          {2, 3, 0},  {1, 16, 0}, {1, 5, 0},  {0, 0, 0}};
  for (int64_t layers : {1, 3}) {
    // As many rows as columns: panels of both have the same extents.
    const int64_t shape[] = {layers, 48, 48};
    std::string plain;
    for (int64_t i = 0; i < layers * 48 * 48; ++i)
      plain += char(i * 7 + i / 256);
    const auto pack = [&](Order order) {
      if (!order.panel)
        return plain;
      int transposed = 0;
      const mad_panels matrix =
          mad_panels_of(shape, 3, order.axis, order.panel, order.weave, 1, &transposed);
      const size_t bytes = mad_panels_bytes(&matrix), rows = matrix.rows * matrix.columns;
      std::string packed(plain.size() / rows * bytes, 'x');
      for (size_t i = 0; i * rows < plain.size(); ++i)
        mad_panels_pack(&matrix, &packed[i * bytes], &plain[i * rows], transposed);
      return packed;
    };
    for (Order from : orders)
      for (Order to : orders) {
        const std::string expected = pack(to), bytes = pack(from);
        weights[1] = {"m", nullptr, MAD_I8, 3,      shape,           0, to.panel, to.axis, to.weave,
                      0,   0,       0,      values, expected.size(), 0};
        const int64_t panels = from.panel ? (48 + from.panel - 1) / from.panel : 0;
        std::vector<int64_t> extents = {layers, panels, 48, from.panel};
        if (from.weave)
          extents = {layers, panels, 12, 256};
        if (!from.panel)
          extents = {layers, 48, 48};
        ASSERT_EQ(find(inPanels(extents, MAD_I8, from.panel ? from.axis + 1 : 0, from.weave, bytes)
                           .text()),
                  MAD_OK)
            << message;
        EXPECT_EQ(std::string(static_cast<const char *>(data[1]), expected.size()), expected)
            << from.axis << " " << from.panel << " " << from.weave << " to " << to.axis << " "
            << to.panel << " " << to.weave;
        const bool same = from.panel == to.panel && from.axis == to.axis && from.weave == to.weave;
        EXPECT_EQ(memory.copies == nullptr, same);
      }
  }
}

/// What a faulty writer could say of panels, and those of weights with other extents.
TEST_F(Weights, PanelsThatAreNotThereAreRefused) {
  const int64_t eight[] = {8, 3};
  weights[1] = {"m", nullptr, MAD_I8, 2, eight, 0, 0, 0, 0, 0, 0, 0, values, 24, 0};
  const auto fault = [&](std::vector<int64_t> shape, int panels, int weave,
                         mad_dtype dtype = MAD_I8) {
    uint64_t bytes = mad_dtype_size(dtype);
    for (int64_t extent : shape)
      bytes *= extent;
    return find(inPanels(shape, dtype, panels, weave, std::string(bytes, 1)).text()) == MAD_OK
               ? "none"
               : message;
  };
  const std::string damaged = "FILE is damaged: ",
                    none = damaged + "a weight lies in panels that "
                                     "there are not",
                    woven = damaged + "a weight is woven as none is";
  EXPECT_EQ(fault({1, 8, 4}, 2, 0), "none");
  EXPECT_EQ(fault({1, 2, 256}, 2, 2), "none");
  EXPECT_EQ(fault({8, 3}, 0, 1), damaged + "a weight is woven, but not in panels");
  EXPECT_EQ(fault({8, 3}, 2, 0), none);
  EXPECT_EQ(fault({1, 8, 4}, 3, 0), none);
  EXPECT_EQ(fault({1, 8, 0}, 2, 0), none);
  EXPECT_EQ(fault({1, 8, 4}, 2, 0, MAD_BOOL), none);
  EXPECT_EQ(fault({1, 2, 256}, 1, 1), woven);
  EXPECT_EQ(fault({1, 2, 256}, 2, 9), woven);
  EXPECT_EQ(fault({1, 2, 128}, 2, 1), woven);
  EXPECT_EQ(fault({1, 2, 256}, 2, 1, MAD_F32), woven);
  for (std::vector<int64_t> shape : {std::vector<int64_t>{2, 8, 4}, {1, 7, 4}, {1, 8, 2}}) {
    EXPECT_NE(fault(shape, 2, 0)
                  .find("the model needs i8[8, 3]; it lies in panels, of a weight "
                        "with other extents"),
              std::string::npos)
        << message;
  }
  EXPECT_EQ(fault({1, 3, 8}, 1, 0), "none");
  EXPECT_NE(fault({1, 8, 4}, 1, 0), "none");
  // A block of four rows, of which there are not as many.
  EXPECT_NE(fault({1, 2, 256}, 2, 4), "none");
}

/// Rows in groups: those that a file has as columns are read as they lie there.
TEST_F(Weights, PanelsOfAnotherDimension) {
  weights[1].panel = 2;
  weights[1].axis = 0;
  weights[1].bytes = 24;
  const std::vector<float> panels = {1, 4, 2, 5, 3, 6};
  const auto m = [&] {
    const float *found = static_cast<const float *>(data[1]);
    return std::vector<float>(found, found + 6);
  };
  ASSERT_EQ(find(written(7).text(), MAD_VERIFY_ALL), MAD_OK) << message;
  EXPECT_EQ(m(), panels);
  const std::string header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                             R"("stored.m":{"dtype":"F32","shape":[3,2],"data_offsets":[4,28]}})";
  ASSERT_EQ(find(safetensors(header, floats({7, 1, 4, 2, 5, 3, 6}))), MAD_OK) << message;
  EXPECT_EQ(m(), panels);
}

TEST_F(Weights, ModuleUsesThem) {
  write(written(7).text());
  const mad_load_options options = {sizeof options, path.c_str(), MAD_VERIFY_CODE};
  mad_module *module = nullptr;
  mad_context *context = nullptr;
  ASSERT_EQ(mad_module_create_with(&artifact, &options, &module, nullptr), MAD_OK);
  ASSERT_EQ(mad_context_create(module, &context, nullptr), MAD_OK);
  int64_t matrix[] = {1, 2};
  float x[2] = {1, 1}, y[2] = {};
  double k = 1, sum = 0;
  mad_tensor inputs[] = {{x, matrix, 2, MAD_F32}, {&k, nullptr, 0, MAD_F64}};
  mad_tensor outputs[] = {{y, matrix, 2, MAD_F32}, {&sum, nullptr, 0, MAD_F64}};
  EXPECT_EQ(mad_entry_call(context, 0, inputs, 2, outputs, 2), MAD_OK);
  EXPECT_EQ(sum, 14);
  mad_module_destroy(module);
  EXPECT_EQ(mad_entry_call(context, 0, inputs, 2, outputs, 2), MAD_OK);
  mad_context_destroy(context);
}

TEST_F(Weights, EveryTruncationIsRefused) {
  const std::string whole = written(7).text();
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(find(whole.substr(0, size)), MAD_BAD_FORMAT) << size;
    EXPECT_NE(message.find("FILE"), std::string::npos) << message;
  }
  EXPECT_EQ(find(whole + "x"), MAD_BAD_FORMAT);
  EXPECT_EQ(message, "FILE is truncated or was changed: it has " +
                         std::to_string(whole.size() + 1) + " bytes, expected " +
                         std::to_string(whole.size()));
}

/// All bytes of the head count; those of weights when that is asked for.
TEST_F(Weights, EveryChangeIsRefused) {
  const std::string whole = written(7).text();
  const size_t head = written(7).header.head_bytes, data = written(7).records[0].data;
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string bytes = whole;
    bytes[i] ^= char(1 << i % 8);
    const bool isWeight = (i >= data && i < data + 4) || i >= data + 64;
    EXPECT_EQ(find(bytes) == MAD_OK, i >= head) << i;
    EXPECT_EQ(find(bytes, MAD_VERIFY_ALL) == MAD_OK, i >= head && !isWeight) << i;
    if (isWeight)
      EXPECT_NE(message.find(i < data + 64
                                 ? "weight `w` in FILE is damaged or was changed: checksum"
                                 : "weight `m` in FILE is damaged"),
                std::string::npos)
          << message;
  }
}

TEST_F(Weights, OtherVersionNamesBothSides) {
  Written other = written(7);
  for (uint32_t version : {0, 9}) {
    other.header.version = version;
    EXPECT_EQ(find(other.text()), MAD_BAD_FORMAT);
  }
  EXPECT_EQ(message,
            "FILE has format 9, made by mad 0.0 by hand; this runtime reads 1 to 3; write the "
            "file again or take the runtime of its compiler");
}

/// With a checksum that fits: what a faulty writer could make.
TEST_F(Weights, TablesThatLieAreRefused) {
  const auto fault = [&](auto change) {
    Written broken = written(7);
    change(broken);
    EXPECT_EQ(find(broken.text()), MAD_BAD_FORMAT);
    return message.substr(0, message.find("byte"));
  };
  const std::string damaged = "FILE is damaged: ";
  EXPECT_EQ(fault([](Written &f) { f.header.size = 1; }), damaged + "its header has another size");
  EXPECT_EQ(fault([](Written &f) { f.header.head_bytes = 4; }),
            damaged + "its header has another size");
  EXPECT_EQ(fault([](Written &f) { f.header.head_bytes = UINT64_MAX; }),
            "FILE is truncated or damaged: its table ends at ");
  EXPECT_EQ(fault([](Written &f) { f.header.num_weights = UINT64_MAX; }),
            damaged + "its table is too short");
  for (uint64_t bad : {uint64_t(1) << 40, UINT64_MAX})
    EXPECT_EQ(fault([&](Written &f) { f.records[0].name = bad; }), damaged + "a name does not end");
  EXPECT_EQ(fault([](Written &f) {
              f.header.head_bytes -= 1;
              f.records[1].name = f.header.head_bytes - 1;
            }),
            damaged + "a name does not end");
  EXPECT_EQ(fault([](Written &f) { f.header.head_bytes -= 1; }), damaged + "a note does not end");
  EXPECT_EQ(fault([](Written &f) { f.header.head_bytes -= 3; }), damaged + "a note does not end");
  for (uint64_t bad : {uint64_t(4), uint64_t(1) << 40, UINT64_MAX - 7})
    EXPECT_EQ(fault([&](Written &f) { f.records[0].shape = bad; }),
              damaged + "a shape lies outside of the table");
  EXPECT_EQ(fault([](Written &f) { f.records[0].rank = 1000; }),
            damaged + "a shape lies outside of the table");
  EXPECT_EQ(fault([](Written &f) { f.records[0].dtype = 99; }),
            damaged + "an element type is not known");
  EXPECT_EQ(fault([](Written &f) { f.records[1].bytes = 20; }),
            damaged + "a shape does not fit the number of ");
  for (uint64_t bad : {uint64_t(4), uint64_t(1) << 40, UINT64_MAX - 63})
    EXPECT_EQ(fault([&](Written &f) { f.records[0].data = bad; }),
              damaged + "a weight lies outside of the file");
}

TEST_F(Weights, OtherNamesTypesAndShapesAreRefused) {
  Written file = written(7);
  file.tail[24] = 'v';
  EXPECT_EQ(find(file.text()), MAD_BAD_FORMAT);
  EXPECT_EQ(message, "FILE has no weight `w`, which the model needs as f32[1]");
  weights[0].computed = 1;
  EXPECT_EQ(find(file.text()), MAD_BAD_FORMAT);
  EXPECT_EQ(message, "FILE has no weight `w`, f32[1], which the compiler makes when the model is "
                     "built: build it again with these weights");
  file = written(7);
  std::swap(file.tail[8], file.tail[16]);
  EXPECT_EQ(find(file.text()), MAD_BAD_FORMAT);
  EXPECT_EQ(message, "FILE holds weight `m` as f32[3, 2], the model needs f32[2, 3]");
  file = written(7);
  file.records[1].dtype = MAD_I32;
  EXPECT_EQ(find(file.text()), MAD_BAD_FORMAT);
  EXPECT_EQ(message, "FILE holds weight `m` as i32[2, 3], the model needs f32[2, 3]");
}

TEST_F(Weights, AModelWithoutWeightsTakesNoFile) {
  artifact.num_weights = 0;
  EXPECT_EQ(find(written(7).text()), MAD_INVALID_ARGUMENT);
  EXPECT_EQ(message, "FILE replaces no weight: `model` has none; leave the file out");
}

TEST_F(Weights, OrderDoesNotMatter) {
  Written file = written(7);
  std::swap(file.records[0], file.records[1]);
  ASSERT_EQ(find(file.text(), MAD_VERIFY_ALL), MAD_OK) << message;
  EXPECT_EQ(at(0, 0), 7);
  EXPECT_EQ(at(1, 0), 1);
}

TEST_F(Weights, SafetensorsByTheirOwnNames) {
  const std::string json = R"({"__metadata__": {"format": "pt"},
    "w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
    "more": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [4, 6]},
    "m": {"data_offsets": [6, 30], "shape": [2, 3], "dtype": "F32"}} )";
  ASSERT_EQ(
      find(safetensors(json, floats({9}) + "xx" + floats({1, 2, 3, 4, 5, 6})), MAD_VERIFY_ALL),
      MAD_OK)
      << message;
  EXPECT_EQ(at(0, 0), 9);
  EXPECT_EQ(at(1, 4), 5);
  EXPECT_EQ(uintptr_t(data[1]) % 64, 0u);
}

/// By the names that the model reads, with its transposition.
TEST_F(Weights, SafetensorsByTheNamesOfTheSource) {
  const std::string json =
      R"({"stored.w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
      R"("\u0073tored\u002em":{"dtype":"F32","shape":[3,2],"data_offsets":[4,28]}})";
  ASSERT_EQ(find(safetensors(json, floats({9, 1, 4, 2, 5, 3, 6}))), MAD_OK) << message;
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(at(1, i), float(i + 1));
  const std::string straight = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                               R"("stored.m":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]}})";
  EXPECT_EQ(find(safetensors(straight, floats({9, 1, 4, 2, 5, 3, 6}))), MAD_BAD_FORMAT);
  EXPECT_EQ(message,
            "FILE holds weight `m` as f32[2, 3], the model needs f32[3, 2] (it is declared "
            "`transposed`)");
}

TEST_F(Weights, BoolsOfOtherProgramsBecomeZeroOrOne) {
  const int64_t four[] = {4};
  weights[1] = {"m", nullptr, MAD_BOOL, 1, four, 0, 0, 0, 0, 0, 0, 0, values, 4, 0};
  const std::string json = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                           R"("m":{"dtype":"BOOL","shape":[4],"data_offsets":[4,8]}})";
  ASSERT_EQ(find(safetensors(json, floats({9}) + std::string("\0\1\2\xff", 4))), MAD_OK) << message;
  EXPECT_EQ(memcmp(data[1], "\0\1\1\1", 4), 0);
}

TEST_F(Weights, SafetensorsThatAreDamaged) {
  const std::string form = "FILE is damaged: its header is not that of a .safetensors file";
  const auto fault = [&](const std::string &json) {
    EXPECT_EQ(find(safetensors(json, floats({1, 2}))), MAD_BAD_FORMAT) << json;
    return message;
  };
  for (const char *json :
       {"{", "{}x", "{\"w\"}", "{\"w\":1}", "{\"w\":{}}", "{\"w\":{\"dtype\":\"F32\"}}",
        "{\"w\":{\"x\":1}}", "{\"\\x\":{}}", "{\"\\u12\":{}}", "{\"\\ud800\":{}}",
        "{\"\\udc00\":{}}", "{\"\\u0000\":{}}", "{\"a\nb\":{}}", "{\"w\\",
        "{\"__metadata__\":{\"a\":1}}", "{\"__metadata__\":[]}",
        "{\"w\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", "{\"w\":{\"data_offsets\":[1,2,3]}}",
        "{\"w\":{\"data_offsets\":[99999999999999999999,2]}}"})
    EXPECT_EQ(fault(json), form) << json;
  EXPECT_EQ(fault(R"({"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})"),
            "FILE is damaged: a shape has no whole numbers, or more than 32");
  EXPECT_EQ(fault(R"({"w":{"dtype":"F32","shape":[3],"data_offsets":[0,4]}})"),
            "FILE is damaged: a shape does not fit the number of bytes");
  for (const char *offsets : {"0,12", "8,4"})
    EXPECT_EQ(
        fault(std::string(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[)") + offsets + "]}}"),
        "FILE is damaged: a tensor lies outside of the file");
  EXPECT_EQ(fault("{}"),
            "FILE has neither `stored.w` nor `w`; the model needs this weight as f32[1]");
  std::string cut = safetensors("{}", "");
  cut[0] = 100;
  EXPECT_EQ(find(cut), MAD_BAD_FORMAT);
  EXPECT_EQ(message, "FILE is truncated or damaged: its header ends at byte 108, the file has 10");
}

TEST_F(Weights, FilesOfOtherKinds) {
  for (const char *bytes : {"", "abc", "something else entirely"}) {
    EXPECT_EQ(find(bytes), MAD_BAD_FORMAT);
    EXPECT_EQ(message, "FILE is no file of weights: it starts neither like a .weights nor like a "
                       ".safetensors file");
  }
  path += ".missing";
  EXPECT_EQ(find(), MAD_FILE_ERROR);
  EXPECT_EQ(message, "cannot open FILE: No such file or directory");
  path = testing::TempDir();
  EXPECT_EQ(find(), MAD_FILE_ERROR);
  EXPECT_EQ(message, "cannot load FILE: it is not a regular file");
}

TEST_F(Weights, ChecksumsInMemory) {
  const float three = 3;
  weights[0].checksum = checksumOf(floats({three}));
  const mad_load_options all = {sizeof all, nullptr, MAD_VERIFY_ALL};
  mad_module *module = nullptr;
  mad_error error = {};
  EXPECT_EQ(mad_module_create_with(&artifact, &all, &module, &error), MAD_OK) << error.message;
  mad_module_destroy(module);
  weights[0].checksum ^= 1;
  EXPECT_EQ(mad_module_create_with(&artifact, &all, &module, &error), MAD_BAD_FORMAT);
  EXPECT_EQ(std::string(error.message).find("weight `w` in `model` is damaged or was changed"), 0u)
      << error.message;
}

TEST(Options, OfOtherVersions) {
  mad_artifact artifact = test_artifact();
  mad_module *module = nullptr;
  mad_error error = {};
  struct {
    mad_load_options options;
    uint64_t more;
  } newer = {{sizeof newer, nullptr, MAD_VERIFY_CODE}, 0};
  EXPECT_EQ(mad_module_create_with(&artifact, &newer.options, &module, &error), MAD_OK);
  mad_module_destroy(module);
  newer.more = 1;
  EXPECT_EQ(mad_module_create_with(&artifact, &newer.options, &module, &error),
            MAD_INVALID_ARGUMENT);
  EXPECT_EQ(std::string(error.message).find("the load options have struct_size "), 0u);
  mad_load_options options = {};
  EXPECT_EQ(mad_module_load_with("x.so", &options, &module, &error), MAD_INVALID_ARGUMENT);
  options.struct_size = sizeof options.struct_size; // of a host that knows no field
  EXPECT_EQ(mad_module_create_with(&artifact, &options, &module, &error), MAD_OK);
  mad_module_destroy(module);
  options.struct_size = sizeof options;
  options.verify = mad_verify(7);
  EXPECT_EQ(mad_module_create_with(&artifact, &options, &module, &error), MAD_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message,
               "the load options have verify 7, expected MAD_VERIFY_CODE or MAD_VERIFY_ALL");
}
