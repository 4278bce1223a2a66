//===- Passes.td - Passes across dialects -----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sorted by name.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_PASSES_TD
#define MAD_PASSES_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def BindDestinations : Pass<"mad-bind-destinations", "::mlir::ModuleOp"> {
  let summary = "makes entries write their results to memory of the caller";
  let description = [{
    Tensor arguments become memrefs that are read, and each result a memref
    argument, behind the others, that is written. Before bufferization.

    ```mlir
    func.func @f(%x: tensor<?xf32>) -> tensor<?xf32> { ... return %y }
    // becomes
    func.func @f(%x: memref<?xf32>, %out: memref<?xf32>) {
      %t = bufferization.to_tensor %x restrict
      ...
      bufferization.materialize_in_destination %y in restrict writable %out
    ```
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::tensor::TensorDialect"];
}

def EliminateEmptyTensors : Pass<"mad-eliminate-empty-tensors", "::mlir::ModuleOp"> {
  let summary = "makes values where they are inserted";
  let description = [{
    As `eliminate-empty-tensors`, but no write to a part of a tensor moves before a check
    (`cf.assert`) that stands between the computation of the value and its insertion.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect",
                           "::mlir::tensor::TensorDialect"];
}

def ExpandMath : Pass<"mad-expand-math", "::mlir::ModuleOp"> {
  let summary = "replaces math functions by polynomials and calls of libm";
  let description = [{
    Functions of f32, and the usual ones of f64, scalar or vector, become arithmetic
    written in place; see docs/performance/functions.md for their errors. The scalar and the vector form of a
    function give the same bits, so that a result does not depend on where a loop
    is split. From level 3 on they use fused multiply-add, and `exp`, `tanh` and `erf`
    of f32 read tables by permutations of lanes: intrinsics of x86, other ones at
    level 4 with the same result.

    Everything without an expansion here becomes a call of libm, lane
    by lane. What is left of the math dialect then are instructions, for
    convert-to-llvm: convert-math-to-libm would make calls of them, too. Must run
    before convert-scf-to-cf.
  }];
  let options = [
    Option<"level", "level", "int", /*default=*/"3",
           "x86-64 level of the code: 0, 3 or 4">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
                           "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

def ExpandStrictMaxima : Pass<"mad-expand-strict-maxima"> {
  let summary = "writes maxima and minima of strict code as comparisons that order zeros";
  let description = [{
    Every `arith.maximumf` and `arith.minimumf` without flags, on scalars and vectors, becomes
    comparisons and selections of which -0 is less than +0, and a NaN is the result (IEEE 754-2019,
    9.6). Those with flags stay: `arith-expand` makes fewer operations of them, which give either zero.
  }];
}

def ExpandNarrowFloats : Pass<"mad-expand-narrow-floats", "::mlir::ModuleOp"> {
  let summary = "writes conversions of f16 and bf16 as what the CPU has";
  let description = [{
    Every `arith.extf` from f16 or bf16, and every `arith.truncf`, `arith.sitofp`
    and `arith.uitofp` (of at most 24 bits) to them, on scalars and on vectors,
    becomes integer arithmetic on bits, so that no call of a compiler's runtime
    library is left. They round to nearest even, once: from f64 by way of an f32
    that is rounded to odd (Boldo and Melquiond, "Emulation of a FMA and correctly
    rounded sums: proved algorithms using rounding to odd", 2008). NaN stays NaN,
    and quiet. From level 3 on, f16 and f32 convert by instruction and these stay.

    Values, memory and constants of bf16 (below level 3 of f16 too) become i16 of
    the same bits, everywhere in the module.
  }];
  let options = [
    Option<"level", "level", "int", /*default=*/"3",
           "x86-64 level of the code: 0, 3 or 4">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def DropRules : Pass<"mad-drop-rules", "::mlir::ModuleOp"> {
  let summary = "removes rewrite rules";
  let description = [{
    Behind the passes that read them: `mad.rule` has no lowering.
  }];
}

def FoldTables : Pass<"mad-fold-tables", "::mlir::func::FuncOp"> {
  let summary = "evaluates dear functions of constants and positions when compiling";
  let description = [{
    Tables such as windows and twiddle factors become constants, up to 16384 elements.
    Positions by themselves stay: counting is cheaper than reading. Exact in the sense
    of constant folding: each op is rounded as its type says. On the mad dialect, after
    inlining; what a table was made of is left for the canonicalizer.
  }];
  let statistics = [Statistic<"numTables", "num-tables", "ops that became constants">];
}

def PackWindows : Pass<"mad-pack-windows", "::mlir::ModuleOp"> {
  let summary = "multiplies the windows of images in packed blocks";
  let description = [{
    A sum of products of which one factor is read in windows, as of a convolution of any
    sizes, steps, dilations and groups, becomes calls of the functions that passes/Kernels
    builds: windows are packed a few panels at a time, right before they are used. The
    order of each sum is that of the op. After bufferization, before `mad-pack-contractions`.
  }];
  let options = [
    Option<"level", "level", "int", /*default=*/"3",
           "x86-64 level of the code: 0, 3 or 4">,
    Option<"grain", "grain", "int64_t", /*default=*/"20000000",
           "estimated time of a piece in picoseconds">,
    Option<"tiles", "tiles", "std::string", /*default=*/"\"\"",
           "tile parameters, as those of mad-pack-contractions">];
  let statistics = [Statistic<"numPacked", "num-packed", "ops replaced by calls">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def PadWindows : Pass<"mad-pad-windows", "::mlir::func::FuncOp"> {
  let summary = "lets windows across a boundary read a padded copy";
  let description = [{
    A `mad.view` with boundary `zero`, `periodic` or `clamp`, of which a coordinate that may
    leave its source is a sum of dims (`x[s * i + d - p]`), becomes a copy of the source with a margin,
    by the same boundary, and a view inside of that copy. The second one fuses with what reads it,
    such as the products of a convolution. On the mad dialect.
  }];
  let statistics = [Statistic<"numCopies", "num-copies", "padded copies">];
}

def FunctionsToLlvm : Pass<"mad-functions-to-llvm", "::mlir::ModuleOp"> {
  let summary = "converts to the LLVM dialect, one function after the other";
  let description = [{
    What convert-to-llvm does with the module at once: it keeps the old ops beside
    the new ones until all are made, which for long programs are more than the
    caches of the CPU hold.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def FuseElementwise : Pass<"mad-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "computes elementwise ops where their values are read";
  let description = [{
    Inlines elementwise linalg ops on tensors into the ops that read them. What only
    moves elements (broadcasts, transposes, windows) or widens floats goes everywhere; a cheap
    function of one tensor goes where each element is read once; what is dear (math
    functions, divisions, computed positions, several operands) only into one
    kernel that reads each element once. So a window of a convolution never exists,
    and no exponential is computed twice.

    No kernel takes in so much that it reads more than `most-reads` tensors: registers would not hold
    the elements, and caches follow few streams. The part of it that reads the most stays in memory.
  }];
  let options = [Option<"mostReads", "most-reads", "unsigned", /*default=*/"24",
                        "tensors that a kernel may read">];
  let statistics = [Statistic<"numFused", "num-fused", "ops inlined">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FuseRows : Pass<"mad-fuse-rows", "::mlir::func::FuncOp"> {
  let summary = "computes ops that share rows block by block";
  let description = [{
    Takes linalg.generic ops on memrefs that follow each other and share parallel
    dimensions, such as the four of a softmax (the rows), those of a norm, or the
    contractions of an attention with the softmax between them (batch, head and
    query). They become one `scf.parallel` with a loop over blocks of rows inside:
    a few rows that stay in the cache, or 24 where there are contractions. Memory
    that only the group uses shrinks to a block, one for each piece.

    Needs a reduction along rows, and memory that several of the ops access. A
    contraction takes part when the matrix that its rows meet is small, or belongs to
    a batch. No element changes: the order of each reduction stays. Where there are
    few and long rows, which is decided at the call when it is not known, the ops
    stay as they were, so that threads can share a row. After bufferization, before
    mad-plan-arena.
  }];
  let statistics = [Statistic<"numFused", "num-fused", "ops in groups">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def LegalizeMemrefs : Pass<"mad-legalize-memrefs", "::mlir::func::FuncOp"> {
  let summary = "replaces ops on memrefs that upstream cannot lower";
  let description = [{
    Copies between strided layouts become linalg.generic, which vectorises; an
    expand_shape with several dynamic sizes in a group becomes a reinterpret_cast.
    Before the passes that make loops.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect"];
}

def LowerBranches : Pass<"mad-lower-branches", "::mlir::func::FuncOp"> {
  let summary = "makes branches of each `scf.if` outside of loops";
  let description = [{
    The same as convert-scf-to-cf, from the last one to the first: what follows a
    branch moves to a block of its own, so that going forward takes time with the
    square of the branches of a block. Loops, and what is in them, are left to
    convert-scf-to-cf.
  }];
  let dependentDialects = ["::mlir::cf::ControlFlowDialect"];
}

def LowerChecks : InterfacePass<"mad-lower-checks", "::mlir::FunctionOpInterface"> {
  let summary = "makes a failed `cf.assert` end its function";
  let description = [{
    The function returns nothing; the status that it was given says what failed.
    Upstream would end the process. After convert-scf-to-cf.
  }];
  let dependentDialects = ["::mlir::cf::ControlFlowDialect"];
}

def LowerEntries : Pass<"mad-lower-entries", "::mlir::ModuleOp"> {
  let summary = "makes the C functions of each entry";
  let description = [{
    `mad_prepare_f` binds the dimension parameters from the extents of the inputs,
    checks them and sizes results and scratch memory; `mad_run_f` calls `f` itself,
    whose memref arguments become pointers with the facts LLVM can use. The
    signatures are in runtime/artifact.h.
  }];
  let options = [Option<"device", "device", "bool", "false",
                        "the status is memory of the `mad_device` that `run` is given">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

def MergeEqualOps : Pass<"mad-merge-equal-ops", "::mlir::func::FuncOp"> {
  let summary = "keeps one of ops that compute the same";
  let description = [{
    Common subexpressions among ops without effects, within a block and what it
    holds. Upstream's pass looks an op up without what its body uses from outside,
    so ops that differ in that alone (gathers, broadcasts of scalars) are compared
    each with each other: its time grows with their square, that of this pass does
    not. For stages on values; upstream's also knows what reads memory.
  }];
  let statistics = [Statistic<"numMerged", "num-merged", "ops replaced by an equal one">];
}

def OrderGlobals : Pass<"mad-order-globals", "::mlir::ModuleOp"> {
  let summary = "brings the constants of bufferization into the order of their uses";
  let description = [{
    Bufferization goes through the functions of a module in an order that depends on
    addresses, so the globals that it makes of constants, and their names, differed
    from one run to the next. Here they come to the front of the module in the order
    in which the code uses them, and are named in that order.
  }];
}

def PackContractions : Pass<"mad-pack-contractions", "::mlir::ModuleOp"> {
  let summary = "multiplies large matrices in packed blocks";
  let description = [{
    Products of matrices in memory, of any sizes and strides, become calls of the
    functions that passes/Kernels builds: operands that are large or whose elements are
    not neighbours are packed into buffers, then tiles of the result are computed in
    registers. What is too small to pay for it stays; where sizes are known when running only, the code decides then. The order of
    each sum is that of the op. After bufferization, before the arena is planned.

    In loops over blocks of rows (mad-fuse-rows) the right factor is packed in front of
    the loop, where it does not change in it.
  }];
  let options = [
    Option<"level", "level", "int", /*default=*/"3",
           "x86-64 level of the code: 0, 3 or 4">,
    Option<"grain", "grain", "int64_t", /*default=*/"20000000",
           "estimated time of a piece in picoseconds">,
    Option<"tiles", "tiles", "std::string", /*default=*/"\"\"",
           "tile parameters, as in f32:MR=6,KC=1024;f64:MR=6; default: those of the level">];
  let statistics = [Statistic<"numPacked", "num-packed", "ops replaced by calls">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def PackWeights : Pass<"mad-pack-weights", "::mlir::ModuleOp"> {
  let summary = "lets entries take weights in the order in which products read them";
  let description = [{
    A weight, or a group of one for each layer, that is nothing but the right factor of
    products becomes an argument in panels of columns, `[layers,] ceil(N / panel), K,
    panel`. The entry's attribute `panels` tells the driver, which packs it once. On
    tensors, after fusion.
  }];
  let statistics = [Statistic<"numPacked", "num-packed", "weights packed">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def WidenWeights : Pass<"mad-widen-weights", "::mlir::ModuleOp"> {
  let summary = "lets entries take weights of 16-bit floats as f32, where they widen them all";
  let description = [{
    For code of CPUs without an instruction that widens f16: there it takes longer than the product. A
    weight that is nothing but a factor of products that widen it to f32, in all entries, becomes an argument of f32. The
    entry's attribute `widened` tells the driver, and the loader of such code widens the weight once.
    On tensors, after fusion, and after `mad-pack-weights`, so that the order does not depend on it.
  }];
  let statistics = [Statistic<"numWidened", "num-widened", "weights that are widened when loaded">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def ParallelizeLoops : Pass<"mad-parallelize-loops", "::mlir::ModuleOp"> {
  let summary = "cuts large linalg ops on memrefs into pieces for several threads";
  let description = [{
    A piece is a range of one or two parallel dimensions, so pieces write to different
    memory and every element is computed as before. The op becomes a function of the
    number of a piece, called by the executor of the host (runtime/mad.h), which the
    functions of the module get as a new last argument.

    How many pieces there are follows from the sizes alone, at run time where they are
    not known before: results have the same bits for any number of threads. Ops that
    take less than two grains of time are one piece, on the thread of the caller.

    Iterations of an `scf.parallel` that counts from 0 in steps of 1 are pieces as they
    are: who made the loop has chosen how many there are (passes/Transforms/Pieces.h),
    and ops in it are not cut again. Other parallel loops run in order.
    After bufferization, before the passes that make loops.
  }];
  let options = [
    Option<"grain", "grain", "int64_t", /*default=*/"20000000",
           "estimated time of a piece in picoseconds">];
  let statistics = [Statistic<"numCut", "num-cut", "ops cut into pieces">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def PlanArena : Pass<"mad-plan-arena", "::mlir::ModuleOp"> {
  let summary = "places all buffers of an entry in one block of memory";
  let description = [{
    Every `memref.alloc` becomes a view of a new last argument, `memref<?xi8>`;
    buffers that are not alive together share memory. The function `f.arena`
    computes from the dimension parameters how many bytes are needed. A buffer that is
    allocated in a loop with pieces (`scf.parallel` from 0 in steps of 1) exists once
    for each of them.
  }];
  let statistics = [Statistic<"numBuffers", "num-buffers", "buffers placed">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::memref::MemRefDialect"];
}

def ReuseOperands : Pass<"mad-reuse-operands", "::mlir::func::FuncOp"> {
  let summary = "lets elementwise ops write over an operand that dies";
  let description = [{
    The epilogue of a contraction then works in the memory of its result. Still on
    tensors: bufferization copies where this turns out to be wrong.

    A chain of ops in place, updates among them, ends after 16: there an update
    takes a copy. The time of bufferization grows faster than such a chain.
  }];
  let statistics = [Statistic<"numReused", "num-reused", "operands written over">,
                    Statistic<"numCopied", "num-copied", "copies that end a chain">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::bufferization::BufferizationDialect"];
}

def SettleRules : Pass<"mad-settle-rules", "::mlir::ModuleOp"> {
  let summary = "writes rewrite rules as programs are written after folding";
  let description = [{
    Both sides of each `mad.rule` are canonicalized and equal ops merged, so that they look
    like the programs that they are looked for in. Folders know some rules already: one
    whose sides have become equal, or that would match everything or a constant, goes.
    One that is good for one direction alone is turned to it.
  }];
}

def ShareKernels : Pass<"mad-share-kernels", "::mlir::ModuleOp"> {
  let summary = "makes one function of equal linalg ops and loops in pieces on memrefs";
  let description = [{
    Layers of a model mostly have equal shapes. Their ops become calls of one
    function each, so that the code grows with the number of different ops. Ops
    with few iterations or small bodies stay. Loops that run in pieces are shared
    with what is around them, views of memory outside being arguments. Before the
    passes that make loops.
  }];
  let statistics = [Statistic<"numShared", "num-shared", "ops replaced by calls">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def SplitFunctions : Pass<"mad-split-functions", "::mlir::ModuleOp"> {
  let summary = "cuts blocks with many loops into functions";
  let description = [{
    The time that LLVM takes grows with the square of the number of loops in a
    function. A block with at least two times `max-loops` loops, or two times
    `max-ops` ops, becomes a sequence of calls: each function takes the values
    that its part of the block uses and returns those that are used behind it;
    constants and views of constants and arguments are made again inside. Code
    without loops stays that would take and return more than a value for four ops. Ops
    with a check stay, because a failed one ends the run. After the passes that
    make loops, before those that make branches.
  }];
  let options = [
    Option<"maxLoops", "max-loops", "int64_t", "64", "loops of one part">,
    Option<"maxOps", "max-ops", "int64_t", "1000", "ops of one part">];
  let statistics = [Statistic<"numParts", "num-parts", "functions made">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::func::FuncDialect"];
}

def TraceKernels : Pass<"mad-trace-kernels", "::mlir::ModuleOp"> {
  let summary = "calls a hook around the kernels of entries";
  let description = [{
    Numbers the linalg ops, copies and the loops and branches that hold some, in
    the entries of a bufferized module. Before each stands
    `call @mad_trace(@mad_trace_sink, 2 * number)`, behind each the same with
    `2 * number + 1`; the fills that start a kernel are within. The module's
    attribute `mad.trace_sites` lists kind, name and place of each.

    Only for code that runs in this process: whoever loads it defines both
    symbols.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::func::FuncDialect"];
}

def VectorizeLoops : Pass<"mad-vectorize-loops", "::mlir::func::FuncOp"> {
  let summary = "turns structured ops on memrefs into loops over vectors";
  let description = [{
    Takes linalg ops and memref.copy on memrefs, of static or dynamic shape, and
    writes scf.for loops over vectors of one register (1-D). Must run after
    bufferization; what it does not know is left for convert-linalg-to-loops.

    - Without a reduction: the last dimension of the output is vectorised.
      Conditions on an index are decided for the inside of that dimension, so that
      stencils with a boundary rule run as vectors there.
    - From level 3 on, sums of products that carry `contract` are fused.
    - With reductions: a tile of accumulators is carried through the reduction
      loops, along a parallel dimension (matmul, convolution) or, where the
      combiner allows another order, along the innermost reduction dimension.
    - Long sums whose order is free become sums of blocks
      (VectorizeLoopsCascade.h), so that their error hardly grows with their length.

    ```mlir
    linalg.generic {... ["parallel"]} ins(%x : memref<?xf32>) outs(%y : memref<?xf32>) {...}
    // becomes
    scf.for %i = %c0 to %main step %c8 {
      %0 = vector.load %x[%i] : memref<?xf32>, vector<8xf32>
      ...
    }
    scf.for %i = %main to %n step %c1 { ... }
    ```
  }];
  let options = [
    Option<"level", "level", "int", /*default=*/"3",
           "x86-64 level of the code: 0 (128-bit), 3 (256-bit) or 4 (512-bit)">];
  let statistics = [
    Statistic<"vectorized", "num-vectorized", "ops turned into vector loops">,
    Statistic<"left", "num-left", "ops left for scalar loops">];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

#endif // MAD_PASSES_TRANSFORMS_PASSES_TD
