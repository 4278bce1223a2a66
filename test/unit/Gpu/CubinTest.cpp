//===- CubinTest.cpp - ptxas and its report -------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Programs of the shell stand for ptxas: they print what it printed once.
//
//===----------------------------------------------------------------------===//
#include "passes/Target/InternalFailure.h"
#include "passes/Target/KernelCompiler.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <chrono>
#include <csignal>
#include <future>
#include <unistd.h>

using namespace mad;

namespace {

const Chip &ampere() { return *llvm::cantFail(chipOf("sm_80")); }

TEST(PtxasReport, OfTwoKernels) {
  PtxasReport report = readPtxasReport(R"(ptxas info    : 8 bytes gmem
ptxas info    : Compiling entry function 'first' for 'sm_80'
ptxas info    : Function properties for first
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 124 registers, used 1 barriers, 400 bytes cmem[0]
ptxas info    : Compile time = 91.0 ms
ptxas info    : Compiling entry function 'second' for 'sm_80'
ptxas warning : Registers are spilled to local memory in function 'second', 12 bytes spill stores, 16 bytes spill loads
ptxas info    : Function properties for second
    24 bytes stack frame, 12 bytes spill stores, 16 bytes spill loads
ptxas info    : Used 255 registers, used 2 barriers, 24 bytes cumulative stack size, 2048 bytes smem, 376 bytes cmem[0]
)");
  ASSERT_EQ(report.kernels.size(), 2u);
  const PtxasKernel &first = report.kernels["first"], &second = report.kernels["second"];
  EXPECT_EQ(first.registers, 124);
  EXPECT_EQ(first.stackBytes + first.spillLoadBytes + first.spillStoreBytes, 0);
  EXPECT_EQ(first.sharedBytes, 0);
  EXPECT_EQ(first.barriers, 1);
  EXPECT_EQ(second.registers, 255);
  EXPECT_EQ(second.stackBytes, 24);
  EXPECT_EQ(second.spillStoreBytes, 12);
  EXPECT_EQ(second.spillLoadBytes, 16);
  EXPECT_EQ(second.sharedBytes, 2048);
  EXPECT_EQ(second.barriers, 2);
  EXPECT_EQ(report.warnings.size(), 1u);
  EXPECT_TRUE(report.losses.empty() && report.errors.empty());
}

TEST(PtxasReport, LossesAndErrors) {
  PtxasReport report = readPtxasReport(
      "ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async instructions are "
      "serialized due to insufficient register resources for the wgmma pipeline in the function "
      "'f'\n"
      "ptxas code.ptx, line 9; error   : Unknown symbol 'x'\n"
      "ptxas fatal   : Ptx assembly aborted due to errors\n");
  EXPECT_EQ(report.losses.size(), 1u);
  EXPECT_EQ(report.errors.size(), 2u);
  EXPECT_TRUE(report.kernels.empty());
  EXPECT_TRUE(readPtxasReport("").kernels.empty());
}

TEST(FindPtxas, SaysWhatIsMissing) {
  auto found = findPtxas({"/no/such/ptxas", "", ""});
  ASSERT_FALSE(bool(found));
  EXPECT_EQ(llvm::toString(found.takeError()),
            "there is no program `/no/such/ptxas`, expected the ptxas of a CUDA toolkit");
  EXPECT_EQ(llvm::cantFail(findPtxas({"", "/no/such:/nor/this", "/no"})), "");

  CubinOptions options;
  options.search = {"", "/no/such", ""};
  Cubin cubin = llvm::cantFail(makeCubin("", ampere(), options));
  EXPECT_FALSE(cubin.made());
  EXPECT_TRUE(cubin.bytes.empty());
  EXPECT_EQ(cubin.missing, "there is no `ptxas` on the path, nor a CUDA toolkit in CUDA_HOME, "
                           "CUDA_PATH, CUDA_ROOT or /usr/local/cuda");
}

/// Runs a script in the place of ptxas. Its folder is the only one for temporary files.
class Script : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("mad-test", folder));
    options.search.given = (folder + "/ptxas").str();
  }
  void TearDown() override { (void)llvm::sys::fs::remove_directories(folder); }

  llvm::Expected<Cubin> run(llvm::StringRef body) {
    std::error_code code;
    {
      llvm::raw_fd_ostream file(options.search.given, code);
      file << "#!/bin/sh\n" << body;
    }
    llvm::sys::fs::setPermissions(options.search.given, llvm::sys::fs::all_all);
    return makeCubin("text", ampere(), options);
  }
  std::string errorOf(llvm::Expected<Cubin> cubin) {
    return cubin ? "" : llvm::toString(cubin.takeError());
  }
  llvm::SmallString<128> folder;
  CubinOptions options;
};

/// Writes the head of machine code, and behind it the PTX.
const char writesCode[] = "while [ $1 != -o ]; do last=$1; shift; done\n"
                          "{ printf '\\177ELF.%013d\\276\\000%044d' 0 0; cat $last; } > $2\n";
/// What lies behind that head.
std::string textIn(llvm::StringRef code) { return code.drop_front(64).str(); }

TEST_F(Script, WritesTheCode) {
  auto cubin = run(std::string("echo 'cubin of '\n") + writesCode);
  ASSERT_TRUE(bool(cubin)) << llvm::toString(cubin.takeError());
  EXPECT_EQ(textIn(cubin->bytes), "text");
}

/// A program that takes the flags and is no ptxas.
TEST_F(Script, WritesSomethingElse) {
  const std::string expected = "`" + options.search.given +
                               "` has written no machine code of a GPU, expected the ptxas of a "
                               "CUDA toolkit";
  const std::string code = "while [ $1 != -o ]; do shift; done\n";
  EXPECT_EQ(errorOf(run(code + "echo nonsense > $2\n")), expected);
  EXPECT_EQ(errorOf(run(code + ": > $2\n")), expected);
  EXPECT_EQ(errorOf(run(code + "cp /bin/sh $2\n")), expected); // of the CPU
}

TEST_F(Script, TellsItsVersion) {
  (void)errorOf(run("echo 'Cuda compilation tools, release 13.0, V13.0.88'\n"));
  EXPECT_EQ(llvm::cantFail(ptxasVersion(options.search)), "13.0.88");
  (void)errorOf(run("echo 'release 13.0'\n"));
  auto none = ptxasVersion(options.search);
  ASSERT_FALSE(bool(none));
  EXPECT_EQ(llvm::toString(none.takeError()),
            "`" + options.search.given + " --version` tells no version");
}

TEST_F(Script, ChipsThatOverlapKernelsGetTheInstructions) {
  ASSERT_EQ(errorOf(run(writesCode)), "");
  const std::string known = ".version 8.0\n.target sm_80\n\t//overlap: griddepcontrol.wait;\nret;",
                    opened = ".version 8.0\n.target sm_90\n\tgriddepcontrol.wait;\nret;";
  CudaOptions how;
  how.ptxas = options.search.given;
  KernelCompiler compiler({{"k", "", "k"}}, how);
  compiler.add({0}, [&] { return known; });
  auto code = compiler.finish();
  ASSERT_TRUE(bool(code)) << llvm::toString(code.takeError());
  ASSERT_EQ(code->images.size(), 3u);
  EXPECT_EQ(code->images[0].bytes, known); // PTX for all chips
  EXPECT_EQ(code->images[1].chip->name, "sm_80");
  EXPECT_EQ(textIn(code->images[1].bytes), known);
  EXPECT_EQ(code->images[2].chip->name, "sm_90a");
  EXPECT_EQ(textIn(code->images[2].bytes), opened);
}

TEST_F(Script, ChipsThatAreNotNamedGetNoCode) {
  ASSERT_EQ(errorOf(run(writesCode)), "");
  auto make = [&](const char *chip) {
    CudaOptions how;
    how.ptxas = options.search.given;
    how.chips = {chip};
    KernelCompiler compiler({{"k", "", "k"}, {"g", "", "g", 90}}, how);
    compiler.add({0}, [] { return std::string(".target sm_80\n"); });
    compiler.add({1}, [] { return std::string(".target sm_90a\n"); });
    std::string text;
    auto code = compiler.finish();
    if (!code)
      return llvm::toString(code.takeError());
    for (const ImageDescription &image : code->images)
      text += (image.ptx ? "ptx " : "code ") + image.chip->name.str() + " of " +
              std::to_string(image.kernels.front()) + "; ";
    return text + code->withoutPtxas;
  };
  EXPECT_EQ(make("sm_80"), "ptx sm_80 of 0; ptx sm_90a of 1; code sm_80 of 0; ");
  EXPECT_EQ(make("sm_90a"), "ptx sm_80 of 0; code sm_90a of 0; code sm_90a of 1; ");
}

TEST_F(Script, KernelsThatOneChipNeverRunsHaveNoCodeForIt) {
  ASSERT_EQ(errorOf(run(writesCode)), "");
  CudaOptions how;
  how.ptxas = options.search.given;
  const std::vector<KernelDescription> kernels = {
      {"k", "", "k"}, {"p", "", "p", -90}, {"q", "", "q"}};
  KernelCompiler compiler(kernels, how);
  for (int part : {0, 1, 2})
    compiler.add({part}, [=] { return ".target sm_80\n" + std::to_string(part); });
  auto code = compiler.finish();
  ASSERT_TRUE(bool(code)) << llvm::toString(code.takeError());
  std::string text;
  for (const ImageDescription &image : code->images) {
    text += (image.ptx ? "ptx " : "code ") + image.chip->name.str() + " of " +
            std::to_string(image.kernels.front()) + "; ";
    EXPECT_EQ(image.kernels.size(), 1u);
    EXPECT_EQ(image.bytes.back(), char('0' + image.kernels.front()));
  }
  EXPECT_EQ(text, "ptx sm_80 of 0; ptx sm_80 of 1; ptx sm_80 of 2; code sm_80 of 0; "
                  "code sm_80 of 1; code sm_80 of 2; code sm_90a of 0; code sm_90a of 2; ");
}

TEST(CudaCode, KernelsOfOneChipHaveAnImageOfTheirOwn) {
  CudaOptions how;
  how.ptxas = "none";
  const std::vector<KernelDescription> kernels = {{"k", "", "k"}, {"g", "", "g", 90}};
  KernelCompiler compiler(kernels, how);
  compiler.add({1}, [] { return std::string(".target sm_90a\n\t//overlap: x;\n"); });
  compiler.add({0}, [] { return std::string(".target sm_80\n"); });
  auto code = compiler.finish();
  ASSERT_TRUE(bool(code)) << llvm::toString(code.takeError());
  ASSERT_EQ(code->images.size(), 2u);
  EXPECT_EQ(code->images[0].kernels, std::vector<int32_t>{0});
  EXPECT_EQ(code->images[1].kernels, std::vector<int32_t>{1});
  EXPECT_EQ(code->images[1].chip->name, "sm_90a");
  EXPECT_EQ(code->images[1].bytes, ".target sm_90a\n\tx;\n");
  EXPECT_EQ(code->withoutPtxas, "it was not asked for");

  // Faults of the compiler are told as such, behind those that a user can mend.
  auto fault = []() -> llvm::Expected<std::string> { return internalFailure("no instruction"); };
  KernelCompiler faulty(kernels, how);
  faulty.add({0}, fault);
  faulty.add({1}, fault);
  llvm::Error internal = faulty.finish().takeError();
  EXPECT_TRUE(internal.isA<InternalFailure>());
  EXPECT_EQ(llvm::toString(std::move(internal)), "no instruction");

  KernelCompiler fails(kernels, how);
  fails.add({0}, fault);
  auto none = []() -> llvm::Expected<std::string> { return llvm::createStringError("no PTX"); };
  fails.add({1}, none);
  llvm::Error ofUser = fails.finish().takeError();
  EXPECT_FALSE(ofUser.isA<InternalFailure>());
  EXPECT_EQ(llvm::toString(std::move(ofUser)), "no PTX");
}

TEST(WithOverlap, LoadsStayBehindTheWait) {
  auto of = [](llvm::StringRef ptx) {
    auto text = withOverlap(ptx);
    return text ? *text : llvm::toString(text.takeError());
  };
  EXPECT_EQ(of(".target sm_90a\n\t//overlap: x;\n"), ".target sm_90a\n\tx;\n");
  EXPECT_EQ(of(""), "");
  // ptxas moves loads of what is said to be constant.
  EXPECT_EQ(of(".entry k(\n//overlap: griddepcontrol.wait;\nld.global.nc.b32 %r1, [%rd1];"),
            ".entry k(\ngriddepcontrol.wait;\nld.global.b32 %r1, [%rd1];");
  EXPECT_EQ(of(".entry a()\n//overlap: griddepcontrol.wait;\nld.global.b32 %r1, [%rd1];\n"
               ".entry b(\nld.global.b32 %r1, [%rd1];\n//overlap: griddepcontrol.wait;"),
            "LLVM moved what the kernel `b` reads to before it waits for the kernel in front");
}

TEST_F(Script, FilesOfItsOwnAreRemoved) {
  std::string note = (folder + "/note").str();
  std::string error = errorOf(run("while [ $1 != -o ]; do last=$1; shift; done\n"
                                  "printf %s $(dirname $last) > " +
                                  note + "; exit 3\n"));
  EXPECT_NE(error, "");
  auto text = llvm::MemoryBuffer::getFile(note);
  ASSERT_TRUE(bool(text));
  EXPECT_NE((*text)->getBuffer(), "");
  EXPECT_FALSE(llvm::sys::fs::exists((*text)->getBuffer()));
}

TEST_F(Script, Refuses) {
  EXPECT_EQ(errorOf(run("echo \"ptxas code.ptx, line 9; error : Unknown symbol 'x'\"; exit 255\n")),
            "`" + options.search.given +
                "` refuses the code (exit code 255): ptxas code.ptx, line 9; error : Unknown "
                "symbol 'x'");
  // What it is too old for is no fault of the code.
  auto refused = [&](const char *text) {
    llvm::Error error = run(std::string("echo \"") + text + "\"; exit 255\n").takeError();
    const bool internal = error.isA<InternalFailure>();
    return (internal ? "internal: " : "") + llvm::toString(std::move(error));
  };
  EXPECT_EQ(refused("error : syntax").find("internal: "), 0u);
  // What says nothing of errors is quoted.
  const std::string said =
      "internal: `" + options.search.given + "` refuses the code (exit code 255): ";
  EXPECT_EQ(refused("no\alicence"), said + "no licence");
  EXPECT_EQ(refused(""), said + "it says nothing");
  for (const char *text :
       {"ptxas code.ptx, line 6; fatal   : Unsupported .version 8.0; current version is '7.4'",
        "ptxas fatal   : Value 'sm_90a' is not defined for option 'gpu-name'"})
    EXPECT_EQ(refused(text), "`" + options.search.given + "` is older than the code (" + text +
                                 "); take that of a newer CUDA toolkit, or PTX alone with none");
}

TEST_F(Script, LossIsAnError) {
  std::string script =
      std::string(writesCode) + "echo 'ptxas info : (C7510) Potential Performance Loss: wgmma'\n";
  EXPECT_EQ(errorOf(run(script)),
            "ptxas gives up what a kernel was written for: ptxas info : (C7510) Potential "
            "Performance Loss: wgmma");
  options.acceptLosses = true;
  auto cubin = run(script);
  ASSERT_TRUE(bool(cubin));
  EXPECT_EQ(cubin->report.losses.size(), 1u);
}

/// Limits of several at the same time do not meet.
TEST_F(Script, TakesNoLongerThanItsLimit) {
  ASSERT_NE(errorOf(run("exit 0\n")).find("has written no machine code"), std::string::npos);
  const auto start = std::chrono::steady_clock::now();
  CubinOptions patient = options;
  patient.search.given = (folder + "/slow").str();
  patient.seconds = 60;
  std::error_code code;
  {
    llvm::raw_fd_ostream file(patient.search.given, code);
    file << "#!/bin/sh\nsleep 2\n" << writesCode;
  }
  llvm::sys::fs::setPermissions(patient.search.given, llvm::sys::fs::all_all);
  std::vector<std::future<std::string>> slow;
  for (int i = 0; i < 3; ++i)
    slow.push_back(std::async(std::launch::async,
                              [&] { return errorOf(makeCubin("text", ampere(), patient)); }));
  options.seconds = 1;
  std::vector<std::future<std::string>> hang;
  ASSERT_EQ(errorOf(run("exec sleep 1000\n")),
            "cannot run `" + options.search.given + "`: it has not ended after 1 s");
  for (int i = 0; i < 3; ++i)
    hang.push_back(std::async(std::launch::async,
                              [&] { return errorOf(makeCubin("text", ampere(), options)); }));
  for (auto &one : hang)
    EXPECT_EQ(one.get(), "cannot run `" + options.search.given + "`: it has not ended after 1 s");
  for (auto &one : slow)
    EXPECT_EQ(one.get(), "");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(50));
}

TEST_F(Script, LeavesTheAlarmOfTheHost) {
  static volatile std::sig_atomic_t rung = 0;
  rung = 0;
  auto before = std::signal(SIGALRM, [](int) { rung = 1; });
  alarm(1);
  EXPECT_NE(errorOf(run("sleep 2; exit 3\n")).find("(exit code 3)"), std::string::npos);
  EXPECT_EQ(rung, 1);
  std::signal(SIGALRM, before);
}

TEST_F(Script, IsKilled) {
  EXPECT_EQ(errorOf(run("kill -9 $$\n")),
            "cannot run `" + options.search.given + "`: it was ended by signal 9 (Killed)");
  options.search.given = folder.str().str();
  EXPECT_NE(errorOf(makeCubin("text", ampere(), options)), "");
}

TEST_F(Script, WritesNothing) {
  std::string error = errorOf(run("exit 0\n"));
  EXPECT_EQ(error, "`" + options.search.given +
                       "` has written no machine code of a GPU: No such file or directory, "
                       "expected the ptxas of a CUDA toolkit");
}

} // namespace
