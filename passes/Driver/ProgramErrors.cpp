//===- ProgramErrors.cpp - Errors of a program that the compiler finds late -===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a derivative depends on is known where it is built, behind the checker. Such messages are
// shown like those of the checker, with their place in the text.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/Derivatives/Differentiate.h"
#include "frontend/Diag/Codes.h"
#include "passes/Driver/CompilationImpl.h"

using namespace mlir;

namespace mad {

/// The innermost places of a location, behind those of the calls that lead there.
static void placesOf(Location loc, SmallVectorImpl<FileLineColLoc> &places) {
  if (auto call = dyn_cast<CallSiteLoc>(loc)) {
    placesOf(call.getCallee(), places);
    placesOf(call.getCaller(), places);
  } else if (auto named = dyn_cast<NameLoc>(loc)) {
    placesOf(named.getChildLoc(), places);
  } else if (auto fused = dyn_cast<FusedLoc>(loc)) {
    if (!fused.getLocations().empty())
      placesOf(fused.getLocations().front(), places);
  } else if (auto place = dyn_cast<FileLineColLoc>(loc)) {
    places.push_back(place);
  }
}

/// The word that stands there; none of a file that nobody has read.
static std::optional<Span> spanOf(const Sources &sources, FileLineColLoc place) {
  for (uint32_t file = 0; file < sources.size(); ++file) {
    const std::string &text = sources[file].text;
    if (sources[file].path != place.getFilename().getValue())
      continue;
    size_t at = 0;
    for (unsigned line = 1; line < place.getLine() && at < text.size(); ++at)
      line += text[at] == '\n';
    auto isInside = [&](size_t i) { return (text[i] & 0xC0) == 0x80; }; // of a code point
    for (unsigned column = 1; column < place.getColumn() && at < text.size(); ++column)
      do
        ++at;
      while (at < text.size() && isInside(at));
    size_t end = at;
    while (end < text.size() &&
           (isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_'))
      ++end;
    return Span{uint32_t(at), uint32_t(std::max(end, at + 1)), file};
  }
  return std::nullopt;
}

CollectDiagnostics::CollectDiagnostics(MLIRContext &context)
    : handler(&context, [this](mlir::Diagnostic &d) {
        if (d.getSeverity() != DiagnosticSeverity::Error)
          return success();
        if (!ofProgram && isNoDerivative(d)) {
          ofProgram.emplace(ProgramError{d.getLocation(), d.str(), ""});
          for (mlir::Diagnostic &note : d.getNotes())
            ofProgram->help = note.str();
        }
        llvm::raw_string_ostream os(text);
        os << (text.empty() ? "" : "\n") << d.getLocation() << ": " << d;
        for (mlir::Diagnostic &note : d.getNotes())
          os << "\n" << note.getLocation() << ": note: " << note;
        return success();
      }) {}

bool Compilation::Impl::lost(const std::string &what, const CollectDiagnostics &collected) {
  SmallVector<FileLineColLoc> places;
  if (collected.ofProgram)
    placesOf(collected.ofProgram->loc, places);
  std::vector<Span> spans;
  for (FileLineColLoc place : places)
    if (std::optional<Span> span = spanOf(sources, place))
      spans.push_back(*span);
  if (spans.empty())
    return bug(what + "\n" + collected.text);
  mad::Diagnostic &error = diagnostics.error(code::E0430, spans[0], collected.ofProgram->text);
  error.help = collected.ofProgram->help;
  for (const Span &caller : llvm::drop_begin(spans))
    error.notes.push_back({"called from here", caller, true});
  return false;
}

} // namespace mad
