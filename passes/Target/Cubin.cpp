//===- Cubin.cpp - From PTX to machine code of a GPU ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Target/Cubin.h"
#include "passes/Target/InternalFailure.h"
#include "passes/Target/Ptx.h"
#include "passes/Target/RunProgram.h"
#include "runtime/io/Temporaries.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace mad;

/// The number that `pattern` has in its group, or 0.
static int numberIn(StringRef line, StringRef pattern) {
  SmallVector<StringRef> groups;
  int number = 0;
  if (!Regex(pattern).match(line, &groups) || groups[1].getAsInteger(10, number))
    return 0;
  return number;
}

PtxasReport mad::readPtxasReport(StringRef text) {
  PtxasReport report;
  PtxasKernel none, *kernel = &none;
  SmallVector<StringRef> groups;
  const Regex entry("(Compiling entry function|Function properties for) '?([^' ]+)'?");
  for (StringRef line : split(text, '\n')) {
    line = line.trim();
    if (entry.match(line, &groups)) {
      kernel = &report.kernels[groups[2].str()];
    } else if (line.contains("bytes stack frame")) {
      kernel->stackBytes = numberIn(line, "([0-9]+) bytes stack frame");
      kernel->spillStoreBytes = numberIn(line, "([0-9]+) bytes spill stores");
      kernel->spillLoadBytes = numberIn(line, "([0-9]+) bytes spill loads");
    } else if (line.contains("Used ") && line.contains(" registers")) {
      kernel->registers = numberIn(line, "Used ([0-9]+) registers");
      kernel->barriers = numberIn(line, "used ([0-9]+) barriers");
      kernel->sharedBytes = numberIn(line, "([0-9]+) bytes smem");
    } else if (line.contains("Potential Performance Loss")) {
      report.losses.push_back(line.str());
    } else if (line.contains("error") || line.contains("fatal")) {
      report.errors.push_back(line.str());
    } else if (line.contains("warning")) {
      report.warnings.push_back(line.str());
    }
  }
  return report;
}

PtxasSearch mad::ptxasSearch(StringRef given) {
  return {given.str(), sys::Process::GetEnv("PATH").value_or(""), findCudaToolkit()};
}

Expected<std::string> mad::findPtxas(const PtxasSearch &search) {
  if (!search.given.empty()) {
    if (sys::fs::can_execute(search.given))
      return search.given;
    return createStringError("there is no program `" + search.given +
                             "`, expected the ptxas of a CUDA toolkit");
  }
  SmallVector<StringRef> folders;
  StringRef(search.path).split(folders, ':', -1, /*KeepEmpty=*/false);
  std::string ofToolkit = search.toolkit + "/bin";
  if (!search.toolkit.empty())
    folders.push_back(ofToolkit);
  for (StringRef folder : folders) {
    std::string program = (folder + "/ptxas").str();
    if (sys::fs::can_execute(program))
      return program;
  }
  return "";
}

/// Where it was looked for.
static const char notFound[] = "there is no `ptxas` on the path, nor a CUDA toolkit in CUDA_HOME, "
                               "CUDA_PATH, CUDA_ROOT or /usr/local/cuda";

static Error fileError(const Twine &what, StringRef path, std::error_code code) {
  return createStringError(what + " `" + path + "`: " + code.message());
}

static Error writeFile(const std::string &path, StringRef bytes) {
  std::error_code code;
  raw_fd_ostream stream(path, code, sys::fs::OF_None);
  if (code)
    return fileError("cannot create", path, code);
  stream << bytes;
  stream.close();
  // Unless it is cleared, the stream ends the process.
  code = stream.error();
  stream.clear_error();
  return code ? fileError("cannot write", path, code) : Error::success();
}

/// The first few of them, as one text.
static std::string joined(ArrayRef<std::string> lines) { return join(lines.take_front(4), "; "); }

/// It does not know the version or the chip.
static bool isTooOld(StringRef line) {
  return line.contains("Unsupported .version") || line.contains("is not defined for option");
}

/// What a program that is no ptxas says: the beginning of it, without what is no text.
static std::string beginningOf(StringRef log) {
  constexpr size_t most = 200;
  std::string text;
  for (char c : log.trim().take_front(most))
    text += isPrint(c) ? c : ' ';
  return text.empty() ? "it says nothing" : text;
}

/// What went wrong, or success.
static Error judge(const PtxasReport &report, StringRef program, const ProgramEnd &end,
                   StringRef log, const CubinOptions &options) {
  const int code = end.code;
  if (code < 0)
    return createStringError("cannot run `" + program + "`: " + end.reason);
  if (code > 0 && any_of(report.errors, isTooOld))
    return createStringError("`" + program + "` is older than the code (" + joined(report.errors) +
                             "); take that of a newer CUDA toolkit, or PTX alone with none");
  if (code > 0)
    return internalFailure("`" + program + "` refuses the code (exit code " + Twine(code) + "): " +
                           (report.errors.empty() ? beginningOf(log) : joined(report.errors)));
  if (!report.losses.empty() && !options.acceptLosses)
    return internalFailure("ptxas gives up what a kernel was written for: " +
                           joined(report.losses));
  return Error::success();
}

/// Whether a file is an ELF of a GPU. Another program may take the same flags, and end well.
static bool isMachineCode(StringRef bytes) {
  constexpr size_t machine = 18;
  return bytes.size() > sizeof(ELF::Elf64_Ehdr) && bytes.starts_with(ELF::ElfMagic) &&
         support::endian::read16le(bytes.data() + machine) == ELF::EM_CUDA;
}

Expected<std::string> mad::ptxasVersion(const PtxasSearch &search) {
  auto program = findPtxas(search);
  if (!program)
    return program.takeError();
  if (program->empty())
    return createStringError(notFound);
  io::TemporaryFolder folder;
  if (std::string error; !folder.makeApart("mad-ptxas", error))
    return createStringError("`" + *program + "`: " + error);
  const std::string log = folder.path() + "/log";
  runProgram(*program, {*program, "--version"}, log, folder.path(), /*seconds=*/30);
  auto text = MemoryBuffer::getFile(log);
  SmallVector<StringRef> groups;
  if (!text || !Regex(", V([0-9]+(\\.[0-9]+)*)").match((*text)->getBuffer(), &groups))
    return createStringError("`" + *program + " --version` tells no version");
  return groups[1].str();
}

Expected<Cubin> mad::makeCubin(StringRef ptx, const Chip &chip, const CubinOptions &options) {
  auto program = findPtxas(options.search);
  if (!program)
    return program.takeError();
  Cubin cubin;
  if (program->empty()) {
    cubin.missing = notFound;
    return cubin;
  }

  io::TemporaryFolder folder;
  if (std::string error; !folder.makeApart("mad-ptxas", error))
    return createStringError("`" + *program + "`: " + error);
  const std::string input = folder.path() + "/code.ptx", output = folder.path() + "/code.cubin",
                    log = folder.path() + "/log";
  if (Error error = writeFile(input, ptx))
    return std::move(error);

  std::string architecture = "-arch=" + chip.name.str();
  const ProgramEnd end = runProgram(
      *program, {*program, "-v", "-O3", "--warn-on-spills", architecture, input, "-o", output}, log,
      folder.path(), options.seconds);
  auto text = MemoryBuffer::getFile(log);
  const StringRef said = text ? (*text)->getBuffer() : "";
  cubin.report = readPtxasReport(said);
  if (Error error = judge(cubin.report, *program, end, said, options))
    return std::move(error);
  auto bytes = MemoryBuffer::getFile(output, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!bytes || !isMachineCode((*bytes)->getBuffer()))
    return createStringError("`" + *program + "` has written no machine code of a GPU" +
                             (bytes ? "" : ": " + bytes.getError().message()) +
                             ", expected the ptxas of a CUDA toolkit");
  cubin.bytes = (*bytes)->getBuffer().str();
  return cubin;
}
