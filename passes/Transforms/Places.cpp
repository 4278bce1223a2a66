//===- Places.cpp - Locations of the IR as places in files ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/Places.h"
#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;

namespace mad {

static FileLineColLoc find(Location loc, llvm::StringRef file) {
  if (auto place = dyn_cast<FileLineColLoc>(loc))
    return file.empty() || place.getFilename() == file ? place : FileLineColLoc();
  if (auto name = dyn_cast<NameLoc>(loc))
    return find(name.getChildLoc(), file);
  if (auto call = dyn_cast<CallSiteLoc>(loc)) {
    FileLineColLoc place = find(call.getCallee(), file);
    return place ? place : find(call.getCaller(), file);
  }
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (FileLineColLoc place = find(part, file))
        return place;
  return {};
}

std::string placeIn(Location loc, llvm::StringRef file) {
  FileLineColLoc place = find(loc, file);
  if (!place)
    place = find(loc, "");
  if (!place)
    return {};
  return place.getFilename().str() + ":" + std::to_string(place.getLine()) + ":" +
         std::to_string(place.getColumn());
}

std::string fileOf(Location loc) {
  FileLineColLoc place = find(loc, "");
  return place ? place.getFilename().str() : std::string();
}

} // namespace mad
