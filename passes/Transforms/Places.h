//===- Places.h - Locations of the IR as places in files ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_PLACES_H
#define MAD_PASSES_TRANSFORMS_PLACES_H

#include "mlir/IR/Location.h"
#include <string>

namespace mad {

/// `model.mad:3:4`: the innermost place in `file`, which is the one that the user
/// wrote and not the library that it calls; else the innermost of all, or nothing.
std::string placeIn(mlir::Location loc, llvm::StringRef file);
/// The file of a location that has one place.
std::string fileOf(mlir::Location loc);

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_PLACES_H
