//===- NumPyTest.cpp - What NumPy writes and reads ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Skipped, with a message, where Python or NumPy is missing.
//
//===----------------------------------------------------------------------===//
#include "test/unit/Io/Support.h"

using namespace mad::io;
using namespace mad::io::test;

namespace {

class NumPy : public IoTest {
protected:
  void SetUp() override {
    IoTest::SetUp();
    if (std::system("python3 -c 'import numpy' 2> /dev/null") != 0)
      GTEST_SKIP() << "python3 with NumPy is not installed";
  }
  /// Runs a program in the folder of the test.
  void python(const std::string &program) {
    put("import numpy as np\n" + program, "program.py");
    EXPECT_EQ(std::system(("cd '" + folder.string() + "' && python3 program.py").c_str()), 0);
  }
};

TEST_F(NumPy, WritesWhatWeRead) {
  python("a = np.arange(24, dtype=np.float32).reshape(2, 3, 4)\n"
         "np.save('c.npy', a)\n"
         "np.save('f.npy', np.asfortranarray(a))\n"
         "np.save('b.npy', a.astype('>f8'))\n"
         "np.savez('s.npz', a=a, h=a.astype(np.float16), t=a > 3, n=np.int64(-5))\n"
         "np.savez_compressed('d.npz', a=a, u=a.astype(np.uint8))\n");
  std::vector<float> expected(24);
  for (size_t i = 0; i < 24; ++i)
    expected[i] = static_cast<float>(i);
  struct Case {
    const char *file, *name;
  };
  for (auto [file, name] :
       {Case{"c.npy", ""}, Case{"f.npy", ""}, Case{"b.npy", ""}, Case{"s.npz", "a"},
        Case{"s.npz", "h"}, Case{"d.npz", "a"}, Case{"d.npz", "u"}}) {
    Tensor tensor;
    std::string error;
    ASSERT_TRUE(read(path(file), name, tensor, error)) << error;
    EXPECT_EQ(tensor.shape, (std::vector<int64_t>{2, 3, 4}));
    EXPECT_EQ(values<float>(*tensor.convert(DType::F32)), expected) << file << " " << name;
  }
  Tensor number;
  std::string error;
  ASSERT_TRUE(read(path("s.npz"), "n", number, error)) << error;
  EXPECT_EQ(values<int64_t>(number), (std::vector<int64_t>{-5}));
}

TEST_F(NumPy, ReadsWhatWeWrite) {
  Tensor a = tensor<float>(DType::F32, {2, 3}, {0, 1, 2, 3, 4, 5});
  Tensor b = tensor<uint8_t>(DType::Bool, {2}, {0, 1});
  std::string error;
  ASSERT_TRUE(writeNpy(path("a.npy"), a, error)) << error;
  ASSERT_TRUE(writeNpz(path("ab.npz"), {{"a", a}, {"b", b}, {"layer/1", a}}, error)) << error;
  python("a = np.arange(6, dtype=np.float32).reshape(2, 3)\n"
         "one = np.load('a.npy')\n"
         "assert one.dtype == a.dtype and (one == a).all()\n"
         "many = np.load('ab.npz')\n"
         "assert sorted(many.files) == ['a', 'b', 'layer/1']\n"
         "assert (many['a'] == a).all() and (many['layer/1'] == a).all()\n"
         "assert many['b'].dtype == bool and many['b'].tolist() == [False, True]\n"
         "import zipfile\n"
         "assert zipfile.ZipFile('ab.npz').testzip() is None\n");
}

} // namespace
