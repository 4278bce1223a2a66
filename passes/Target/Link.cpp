//===- Link.cpp - Shared libraries --------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLD as a library makes the file, or a C compiler.
// All work is done in a folder beside the result, which is put in place by a
// rename: a failure leaves nothing behind and the old file as it was. Messages name
// the library, not what lies in that folder.
//
//===----------------------------------------------------------------------===//
#include "passes/Target/InternalFailure.h"
#include "passes/Target/Object.h"
#include "passes/Target/RunProgram.h"
#include "runtime/artifact.h"
#include "runtime/core/checksum.h"
#include "runtime/io/Files.h"
#include "runtime/io/Temporaries.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include <cerrno>
#include <csignal>
#include <mutex>
#ifdef MAD_HAVE_LLD
#include "lld/Common/Driver.h"
LLD_HAS_DRIVER(elf)
#endif

using namespace llvm;
using namespace mad;

/// Hosts see these names alone.
static const char versionScript[] = "{ global: mad_artifact_v1; *_artifact; local: *; };\n";

static Error fileError(const Twine &what, StringRef path, std::error_code code) {
  return createStringError(what + " `" + path + "`: " + code.message());
}

/// Errors name `result`: what the user asked for, not our temporary beside it.
static Error writeFile(const std::string &path, StringRef bytes, StringRef result) {
  std::error_code code;
  raw_fd_ostream stream(path, code, sys::fs::OF_None);
  if (code)
    return fileError("cannot write", result, code);
  stream << bytes;
  stream.close();
  // Unless it is cleared, the stream ends the process.
  code = stream.error();
  stream.clear_error();
  return code ? fileError("cannot write", result, code) : Error::success();
}

/// What the code may call: memcpy, expf and the like. Their versions are bound
/// where the libraries are there; else the loader finds them in the host.
static std::vector<std::string> systemLibraries() {
  for (StringRef folder :
       {"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/usr/lib"}) {
    std::string c = (folder + "/libc.so.6").str(), m = (folder + "/libm.so.6").str();
    if (sys::fs::exists(c) && sys::fs::exists(m))
      return {m, c};
  }
  return {};
}

/// Whether the machine is at fault by what a linker says. Objects and options are ours: all else is
/// a fault of the compiler or the linker.
static bool isOfMachine(StringRef text) {
  for (int code :
       {ENOSPC, EDQUOT, EFBIG, EMFILE, ENFILE, ENOMEM, EACCES, EPERM, EROFS, EIO, ENOENT})
    if (text.contains(io::systemText(code)))
      return true;
  // Libraries of the system, and a linker behind `cc` that is not there, has no memory, or that the
  // system has ended.
  for (const char *known :
       {"cannot find -l", "unable to find library -l", "[Killed]", "Killed signal terminated",
        "[Bus error]", "[Terminated]", "memory exhausted", "cannot find 'ld'"})
    if (text.contains(known))
      return true;
  return false;
}

static Error linkFailure(StringRef name, bool ofMachine, const Twine &text) {
  const std::string message = ("cannot link `" + name + "`: " + text).str();
  return ofMachine ? createStringError(message) : internalFailure(message);
}

#ifdef MAD_HAVE_LLD
static Error linkInside(const std::vector<std::string> &objects, const std::string &script,
                        const std::string &output, StringRef name) {
  std::vector<std::string> words = {"ld.lld",
                                    "-shared",
                                    "--gc-sections",
                                    "-z",
                                    "now",
                                    "--hash-style=gnu",
                                    "--eh-frame-hdr",
                                    "--build-id=none",
                                    "--threads=1",
                                    "--version-script=" + script,
                                    "-soname=" + name.str(),
                                    "-o",
                                    output};
  words.insert(words.end(), objects.begin(), objects.end());
  std::vector<std::string> libraries = systemLibraries();
  words.push_back("--as-needed");
  words.insert(words.end(), libraries.begin(), libraries.end());
  if (!libraries.empty())
    words.push_back("--no-undefined");
  std::vector<const char *> arguments;
  for (const std::string &word : words)
    arguments.push_back(word.c_str());

  // Its state is global. After a crash of its own it must not be run again.
  static std::mutex oneAtATime;
  static bool broken = false;
  std::lock_guard<std::mutex> lock(oneAtATime);
  if (broken)
    return internalFailure("the linker failed before and cannot run again in this process");
  std::string text;
  raw_string_ostream stream(text);
  // Some errors of LLD end the process unless recovery is on.
  CrashRecoveryContext::Enable();
  lld::Result result = lld::lldMain(arguments, stream, stream, {{lld::Gnu, &lld::elf::link}});
  CrashRecoveryContext::Disable();
  broken = !result.canRunAgain;
  if (result.retCode == 0)
    return Error::success();
  const StringRef said = StringRef(text).trim();
  if (said.empty())
    return linkFailure(name, /*ofMachine=*/false,
                       "LLD ends with exit code " + Twine(result.retCode) + " and no message");
  return linkFailure(name, isOfMachine(said), said);
}
#endif

/// A program of the user that says nothing, not even that something is wrong with the objects.
static Error silentFailure(StringRef name, StringRef program, const ProgramEnd &end) {
  const std::string how = end.code >= 0 ? ", fails with exit code " + std::to_string(end.code)
                                        : ", fails: " + end.reason;
  return linkFailure(name, /*ofMachine=*/true,
                     "the linker that was given, `" + program + "`" + how +
                         "; it has written nothing. Leave `--linker` out, or give a program that "
                         "links objects as `cc -shared` does");
}

/// How a program ended that should have linked, with what it has written. Memory mapped to a file
/// that has no room on the disk gives a SIGBUS.
static Error programFailure(StringRef name, StringRef program, bool isGiven, const ProgramEnd &end,
                            const std::string &log) {
  std::string said;
  if (auto text = MemoryBuffer::getFile(log))
    said = (*text)->getBuffer().trim().str();
  const bool crashed =
      is_contained({SIGSEGV, SIGABRT, SIGILL, SIGFPE, SIGSYS, SIGTRAP}, end.signal);
  if (said.empty() && isGiven && (end.code >= 0 || crashed))
    return silentFailure(name, program, end);
  const std::string behind =
      said.empty() ? "; it has written nothing" : "; it has written:\n" + said;
  if (end.code >= 0)
    return linkFailure(name, isOfMachine(said),
                       "`" + program + "` ends with exit code " + Twine(end.code) + behind);
  if (!end.signal)
    return linkFailure(name, /*ofMachine=*/true, "cannot run `" + program + "`: " + end.reason);
  return linkFailure(name, !crashed, "`" + program + "`: " + end.reason + behind);
}

static Error linkByCompiler(const std::vector<std::string> &objects, const std::string &script,
                            const std::string &output, StringRef name, const Linker &linker) {
  const std::string program = linker.program.empty() ? "cc" : linker.program;
  auto compiler = sys::findProgramByName(program);
  if (!compiler)
    return linkFailure(name, /*ofMachine=*/true, "there is no `" + program + "` on the path");
  std::vector<std::string> words = {*compiler,
                                    "-shared",
                                    "-nostartfiles",
                                    "-Wl,-z,now",
                                    "-Wl,--build-id=none",
                                    "-Wl,--version-script=" + script,
                                    "-Wl,-soname=" + name.str(),
                                    "-o",
                                    output};
  words.insert(words.end(), objects.begin(), objects.end());
  words.insert(words.end(), {"-Wl,--as-needed", "-Wl,--no-undefined", "-lm"});
  // Not beside the library: that disk may be what is full.
  io::TemporaryFolder folder;
  if (std::string error; !folder.makeApart("mad-link", error))
    return createStringError("cannot link `" + name + "`: " + error);
  std::string log = folder.path() + "/log";
  // What it leaves when it is killed goes with the folder.
  ProgramEnd end = runProgram(*compiler, words, log, folder.path(), /*seconds=*/0);
  if (end.code != 0)
    return programFailure(name, *compiler, !linker.program.empty(), end, log);
  if (uint64_t size = 0; sys::fs::file_size(output, size) || size == 0)
    return linkFailure(name, /*ofMachine=*/true,
                       "`" + *compiler + "` ends with exit code 0 and has written no library");
  return Error::success();
}

static Error link(const std::vector<std::string> &objects, const std::string &script,
                  const std::string &output, StringRef name, const Linker &linker) {
#ifdef MAD_HAVE_LLD
  if (linker.program.empty())
    return linkInside(objects, script, output, name);
#endif
  return linkByCompiler(objects, script, output, name, linker);
}

/// A message with `path` for every file in `folder`.
static std::string withoutFolder(StringRef message, StringRef folder, StringRef path) {
  std::string text, inside = (folder + "/").str();
  for (size_t at; (at = message.find(inside)) != StringRef::npos;) {
    text += (message.take_front(at) + path).str();
    message = message.drop_front(at + inside.size());
    message = message.drop_while([](char c) { return isAlnum(c) || c == '.'; });
  }
  return text + message.str();
}

static uint64_t checksum(StringRef before, StringRef behind) {
  mad_checksum sum;
  mad_checksum_start(&sum);
  mad_checksum_add(&sum, before.data(), before.size());
  mad_checksum_add(&sum, behind.data(), behind.size());
  return mad_checksum_value(&sum);
}

/// Writes size and checksum of the file into its header.
static Error seal(char *file, size_t size) {
  StringRef bytes(file, size);
  auto elf = object::ELF64LEFile::create(bytes);
  if (!elf)
    return elf.takeError();
  auto sections = elf->sections();
  if (!sections)
    return sections.takeError();
  mad_file_header *header = nullptr;
  uint64_t weightsOffset = 0, weightsBytes = 0;
  for (const auto &section : *sections) {
    auto name = elf->getSectionName(section);
    if (!name)
      return name.takeError();
    if (*name == MAD_HEADER_SECTION && section.sh_size == sizeof *header)
      header = reinterpret_cast<mad_file_header *>(file + section.sh_offset);
    if (*name == MAD_WEIGHTS_SECTION)
      weightsOffset = section.sh_offset, weightsBytes = section.sh_size;
  }
  if (!header)
    return createStringError("none of the objects holds an artifact");
  header->file_bytes = bytes.size();
  header->weights_offset = weightsOffset;
  header->weights_bytes = weightsBytes;
  header->checksum = 0;
  header->checksum =
      checksum(bytes.take_front(weightsOffset), bytes.drop_front(weightsOffset + weightsBytes));
  return Error::success();
}

/// Links into `output`.
static Error linkIn(StringRef folder, const std::vector<std::unique_ptr<MemoryBuffer>> &objects,
                    const std::string &output, const std::string &path, const Linker &linker) {
  std::vector<std::string> files;
  for (const auto &object : objects) {
    files.push_back((folder + "/" + Twine(files.size()) + ".o").str());
    if (Error error = writeFile(files.back(), object->getBuffer(), path))
      return error;
  }
  std::string script = (folder + "/exports").str();
  if (Error error = writeFile(script, versionScript, path))
    return error;
  if (Error error = link(files, script, output, sys::path::filename(path), linker)) {
    const bool isInternal = error.isA<InternalFailure>();
    std::string text = withoutFolder(toString(std::move(error)), folder, path);
    return isInternal ? internalFailure(text) : createStringError(text);
  }
  for (const std::string &object : files)
    (void)sys::fs::remove(object);
  return Error::success();
}

/// Seals what the linker wrote, and copies it: linkers write through a mapping, and what is written
/// so the system keeps in scattered pages of 4 KiB (io::AtomicFile).
static Error finish(const std::string &output, const std::string &path, io::AtomicFile &file) {
  auto linked = sys::fs::openNativeFileForRead(output);
  if (!linked)
    return fileError("cannot read", path, errorToErrorCode(linked.takeError()));
  llvm::scope_exit close([&] { (void)sys::fs::closeFile(*linked); });
  sys::fs::file_status status;
  if (std::error_code code = sys::fs::status(*linked, status))
    return fileError("cannot read", path, code);
  std::error_code code;
  sys::fs::mapped_file_region map(*linked, sys::fs::mapped_file_region::priv, status.getSize(), 0,
                                  code);
  if (code)
    return fileError("cannot read", path, code);
  if (Error error = seal(map.data(), map.size()))
    return error;
  std::string text;
  return file.write(map.data(), map.size(), text)
             ? Error::success()
             : createStringError(io::ticked(path) + " " + text);
}

Error mad::linkSharedLibrary(const std::vector<std::unique_ptr<MemoryBuffer>> &objects,
                             const std::string &path, io::AtomicFile &file, const Linker &linker) {
  std::string text;
  if (!file.openRegular(path, text, 0777))
    return createStringError(io::ticked(path) + " " + text);
  SmallString<128> absolute(file.place());
  if (std::error_code code = sys::fs::make_absolute(absolute))
    return fileError("cannot write", path, code);
  io::TemporaryFolder folder;
  if (int code = 0; !folder.makeBeside(absolute.str().str(), code))
    return fileError("cannot write", path, std::error_code(code, std::generic_category()));
  std::string output = folder.path() + "/out.so";
  if (Error error = linkIn(folder.path(), objects, output, path, linker))
    return error;
  return finish(output, path, file);
}

Error mad::linkSharedLibrary(const std::vector<std::unique_ptr<MemoryBuffer>> &objects,
                             const std::string &path, const Linker &linker) {
  io::AtomicFile file;
  if (Error error = linkSharedLibrary(objects, path, file, linker))
    return error;
  std::string text;
  return file.commit(text) ? Error::success() : createStringError(io::ticked(path) + " " + text);
}
