//===- MadRegionInterface.cpp - Reference semantics of ops with regions -----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadRegionInterface.h"

#include "dialects/Mad/IR/MadRegionInterface.cpp.inc"
