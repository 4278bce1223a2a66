//===- Passes.td - Rewriting by equality saturation -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_BRIDGE_PASSES_TD
#define MAD_PASSES_EGRAPH_BRIDGE_PASSES_TD

include "mlir/Pass/PassBase.td"

def Rewrite : Pass<"mad-rewrite", "::mlir::ModuleOp"> {
  let summary = "replaces what functions compute by the cheapest that the rules prove equal";
  let description = [{
    The values of each block become an e-graph, which grows by the rules of the module (`mad.rule`)
    until nothing is new or a limit is reached; then the cheapest program in it takes the place
    of the block's, if it costs less. Ops with effects, with regions and of dialects without a
    `RewriteInterface` stay in their order. The rules stay, too: `mad-drop-rules` removes them.
    No limit is one of time, so that a program is always compiled the same way.
  }];
  let options = [
    Option<"iterations", "iterations", "unsigned", /*default=*/"10", "of the rules, at most">,
    Option<"nodes", "nodes", "unsigned", /*default=*/"3000",
           "of the graph of a block, at most; more where it is large itself">,
    Option<"report", "report", "bool", /*default=*/"false",
           "remarks what the graph of each block became">];
  let statistics = [Statistic<"numBlocks", "num-blocks", "blocks that compute something else now">];
  let dependentDialects = ["::mad::MadDialect"];
}

def HoistWeights : Pass<"mad-hoist-weights", "::mlir::ModuleOp"> {
  let summary = "makes weights of what weights alone decide";
  let description = [{
    The largest values of entries and tests that follow from weights and constants, and compute
    something, become weights that are computed once, when the program is compiled. What would
    be much larger than the weights that it is made of stays, and so does what widens 16-bit floats
    for products with factors that are widened, too, which are joined before that. Matrices of 16 bits whose products need
    them in two orders, or something else does, become a weight for each order (`orders`): code for
    CPUs reads panels, and a weight has panels of one order. For the same reason products with codes have tables of columns
    of their own, where something else reads these.
  }];
  let options = [
    Option<"orders", "orders", "bool", /*default=*/"true",
           "products read panels">];
  let statistics = [Statistic<"numHoisted", "num-hoisted", "weights that were made">];
}

#endif // MAD_PASSES_EGRAPH_BRIDGE_PASSES_TD
