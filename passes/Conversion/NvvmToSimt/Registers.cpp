//===- Registers.cpp - Special registers ------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/NvvmToSimt/Lowering.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mad::simt;

static int32_t wordOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, int32_t>(op)
      .Case<NVVM::ThreadIdXOp>([](auto) { return Tid; })
      .Case<NVVM::ThreadIdYOp>([](auto) { return Tid + 4; })
      .Case<NVVM::ThreadIdZOp>([](auto) { return Tid + 8; })
      .Case<NVVM::BlockDimXOp>([](auto) { return Ntid; })
      .Case<NVVM::BlockDimYOp>([](auto) { return Ntid + 4; })
      .Case<NVVM::BlockDimZOp>([](auto) { return Ntid + 8; })
      .Case<NVVM::BlockIdXOp>([](auto) { return Ctaid; })
      .Case<NVVM::BlockIdYOp>([](auto) { return Ctaid + 4; })
      .Case<NVVM::BlockIdZOp>([](auto) { return Ctaid + 8; })
      .Case<NVVM::GridDimXOp>([](auto) { return Nctaid; })
      .Case<NVVM::GridDimYOp>([](auto) { return Nctaid + 4; })
      .Case<NVVM::GridDimZOp>([](auto) { return Nctaid + 8; })
      .Case<NVVM::LaneIdOp>([](auto) { return Lane; })
      .Case<NVVM::WarpIdOp>([](auto) { return WarpNumber; })
      .Case<NVVM::DynamicSmemSize>([](auto) { return DynamicShared; })
      .Case<NVVM::ClusterId>([](auto) { return ClusterRank; })
      .Case<NVVM::ClusterDim>([](auto) { return ClusterSize; })
      .Case<NVVM::ClusterIdXOp>([](auto) { return ClusterId; })
      .Case<NVVM::ClusterIdYOp>([](auto) { return ClusterId + 4; })
      .Case<NVVM::ClusterIdZOp>([](auto) { return ClusterId + 8; })
      .Case<NVVM::ClusterDimXOp>([](auto) { return Nclusterid; })
      .Case<NVVM::ClusterDimYOp>([](auto) { return Nclusterid + 4; })
      .Case<NVVM::ClusterDimZOp>([](auto) { return Nclusterid + 8; })
      .Case<NVVM::BlockInClusterIdXOp>([](auto) { return ClusterCtaid; })
      .Case<NVVM::BlockInClusterIdYOp>([](auto) { return ClusterCtaid + 4; })
      .Case<NVVM::BlockInClusterIdZOp>([](auto) { return ClusterCtaid + 8; })
      .Case<NVVM::ClusterDimBlocksXOp>([](auto) { return ClusterNctaid; })
      .Case<NVVM::ClusterDimBlocksYOp>([](auto) { return ClusterNctaid + 4; })
      .Case<NVVM::ClusterDimBlocksZOp>([](auto) { return ClusterNctaid + 8; })
      .Default([](auto) { return -1; });
}

Lowering::Lowered Lowering::lowerRegister(Operation *op) {
  Location loc = op->getLoc();
  auto read = [&](int32_t byte) {
    return LLVM::LoadOp::create(b, loc, word, at(loc, thread, byte)).getResult();
  };
  Value made;
  if (int32_t byte = wordOf(op); byte >= 0) {
    made = read(byte);
  } else if (isa<NVVM::WarpSizeOp>(op)) {
    made = constant(loc, 32);
  } else if (isa<NVVM::LaneMaskEqOp, NVVM::LaneMaskLtOp, NVVM::LaneMaskLeOp, NVVM::LaneMaskGeOp,
                 NVVM::LaneMaskGtOp>(op)) {
    Value one = LLVM::ShlOp::create(b, loc, constant(loc, 1), read(Lane));
    Value below = LLVM::SubOp::create(b, loc, one, constant(loc, 1)), all = constant(loc, -1);
    if (isa<NVVM::LaneMaskEqOp>(op))
      made = one;
    else if (isa<NVVM::LaneMaskLtOp>(op))
      made = below;
    else if (isa<NVVM::LaneMaskLeOp>(op))
      made = LLVM::OrOp::create(b, loc, one, below);
    else if (isa<NVVM::LaneMaskGeOp>(op))
      made = LLVM::XOrOp::create(b, loc, below, all);
    else
      made = LLVM::XOrOp::create(b, loc, LLVM::OrOp::create(b, loc, one, below).getResult(), all);
  } else {
    return std::nullopt;
  }
  op->getResult(0).replaceAllUsesWith(made);
  op->erase();
  return success();
}
