//===- Passes.td - Passes from one dialect to another --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In alphabetical order.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_PASSES_TD
#define MAD_PASSES_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def GpuArguments : Pass<"mad-gpu-arguments", "::mlir::ModuleOp"> {
  let summary = "passes memory to kernels as a pointer and what sizes and strides they use";
  let description = [{
    A memref that a kernel is given becomes a pointer to its first element, and its dynamic
    sizes and strides, if the kernel needs them. Casts of such an argument to a pointer, from
    builders of kernels, become that pointer.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect"];
}

def GpuGlobalMemory : Pass<"mad-gpu-global-memory", "::mlir::gpu::GPUModuleOp"> {
  let summary = "says that the memory that kernels are given is global";
  let description = [{
    Every memref without a memory space gets `#gpu.address_space<global>`. When
    launches have become calls: a `gpu.launch_func` asks for equal types on both sides.
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect"];
}

def GpuMath : Pass<"mad-gpu-math", "::mlir::gpu::GPUModuleOp"> {
  let summary = "writes scalar functions in forms that convert-gpu-to-nvvm takes";
  let description = [{
    `math.absi`, `math.trunc`, `math.ctpop`, `math.ctlz` and `math.cttz` have none
    there, and `math.sqrt` of f32 would be approximate whatever its flags say.

    `math.log2`, `math.exp2` and 1 / x of f32 that are marked `approximate` become one instruction each.

    With `all` also those that NVVM has as functions of the toolkit, and that are instructions.
  }];
  let options = [Option<"all", "all", "bool", "false", "all that are instructions">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect"];
}

def GpuNarrowMath : Pass<"mad-gpu-narrow-math", "::mlir::gpu::GPUModuleOp"> {
  let summary = "writes functions whose results are rounded to 16 bits as a few instructions";
  let description = [{
    `math.exp` and `math.erf` of f32 of which only `arith.truncf` to f16, or to bf16, is left. Results are within
    0.52 units in the last place of f16, 0.51 of bf16. Strict ones stay.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::LLVM::LLVMDialect"];
}

def GpuToRuntime : Pass<"mad-gpu-to-runtime", "::mlir::ModuleOp"> {
  let summary = "makes calls of the runtime of launches and copies";
  let description = [{
    Entries take one more argument, the `mad_device` of runtime/artifact.h. A
    `gpu.launch_func` of the kernel `k` calls its `launch` with the address of the
    constant `k.kernel`, which the code of the kernels defines, the sizes of grid and
    block, and a pointer to each parameter; a `gpu.memcpy` to the host its `read`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect"];
}

def LinalgToGpu : Pass<"mad-linalg-to-gpu", "::mlir::ModuleOp"> {
  let summary = "makes kernels of all work on memory";
  let description = [{
    All memory of an entry is the device's. Each linalg op, or group of ops that share
    rows, becomes a kernel in the module `kernels`, whose attribute `choice` tells what
    kind of kernel and why no faster one (docs/gpu-kernels.md); single loads and
    stores, checks, and loops of little work become kernels of one thread. What else
    there is stays on the host, with a `gpu.launch_func` for each kernel; where the
    host decides by what the device computed, `gpu.memcpy` reads it. After a check has
    failed, kernels do nothing.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

def SetEqualKernelsAside : Pass<"mad-set-equal-kernels-aside", "::mlir::gpu::GPUModuleOp"> {
  let summary = "leaves one of equal kernels with its body";
  let description = [{
    Others of one block have none until `mad-copy-equal-kernels`, and name it. Passes between the
    two change each kernel by itself, as simplifying does.
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect"];
}

def CopyEqualKernels : Pass<"mad-copy-equal-kernels", "::mlir::gpu::GPUModuleOp"> {
  let summary = "gives kernels without a body that of the one they name";
  let description = [{
    Behind `mad-set-equal-kernels-aside`, when that one is simplified. Names and choices stay.
  }];
}

def MergeLaunches : Pass<"mad-merge-launches", "::mlir::ModuleOp"> {
  let summary = "launches small kernels together";
  let description = [{
    Behind `mad-linalg-to-gpu`. Of launches that follow each other, those of small
    kernels become one, of a kernel of one block that does what they do in turn, with
    barriers; others of up to 264 blocks that need nothing of each other become one
    side by side. Other launches may come earlier than they did, not before what they
    need.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
                           "::mlir::scf::SCFDialect"];
}

def OverlapLaunches : Pass<"mad-overlap-launches", "::mlir::ModuleOp"> {
  let summary = "lets a kernel start before the one in front of it has ended";
  let description = [{
    Each kernel waits for all that was before it ahead of the first op that may touch memory, and
    lets the next one of its stream start at its end, with few blocks when it has waited, and at once
    where that one has something to do meanwhile (`nvvm.griddepcontrol`). Kernels that wait by
    themselves stay as they are, unless they read memory before. All may be launched `early` then.
  }];
  let dependentDialects = ["::mlir::NVVM::NVVMDialect", "::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect"];
}

def LutToMad : Pass<"mad-lut-to-mad", "::mlir::ModuleOp"> {
  let summary = "writes weights of few bits as tensor expressions";
  let description = [{
    Every `lut.dequant` becomes shifts and masks of its codes, and the product with its scales or the
    look-up in its table, with the bits that its evaluation has. What reads codes itself has
    matched them before. Quantised activations and `lut.gemm` without `kernel` become their definitions, in strict
    ops: of groups a loop over sums of integers, in f32 where that holds them, else in i32. A `lut.encode` is an error: weights are encoded when they are computed.
  }];
  let options = [Option<"device", "device", "bool", /*default=*/"false",
                        "for many threads: products of integers have factors of f16">];
  let dependentDialects = ["::mad::MadDialect"];
}

def MadToLinalg : Pass<"mad-to-linalg", "::mlir::ModuleOp"> {
  let summary = "lowers tensor expressions to linalg on plain tensors";
  let description = [{
    Every entry (`mad.entry`, `mad.test`) gets these arguments, in this order:

    - one `index` a dimension parameter (`mad.dims`),
    - `memref<3xi64>`: the status. An index check that fails stores its number
      (from 1), the value found and the bound; the `cf.assert` behind it ends the
      run (mad-lower-checks),
    - the inputs as before,
    - one tensor a weight that is used, in the order of the first use.

    Sizes are computed from the polynomials in the types, so that no `tensor.dim`
    is left; then encodings are dropped. Bools are stored as i8, because vectors
    of i1 are packed to bits in memory.

    ```mlir
    func.func @f(%x: tensor<?xf32, #mad.dims<"N">>) -> tensor<?xf32, #mad.dims<"N">>
        attributes {mad.dims = ["N"], mad.entry} {
      %0 = mad.neg %x : (...) -> ...
    // becomes
    func.func @f(%N: index, %status: memref<3xi64>, %x: tensor<?xf32>) -> tensor<?xf32> {
      %e = tensor.empty(%N) : tensor<?xf32>
      %0 = linalg.generic ... ins(%x) outs(%e) { arith.negf ... }
    ```

    The function keeps what later passes need in the attribute `entry`, a
    dictionary: `dims`, `checks` and `doc` as they were under `mad.`; `type`, its
    type with encodings; `weights`, the names of its weights; `index_checks`, a
    pair of message and place an index check (and `plain` where no index is shown);
    `sizes`, pairs of a size that may overflow or divide by zero and its place.

    With `device`, sorting is merging by as many threads as there are elements, and what must be
    taken in order along lines is a loop of each line (`scf.parallel`).
  }];
  let options = [Option<"device", "device", "bool", "false", "many threads run the result">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::cf::ControlFlowDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect", "::mlir::vector::VectorDialect"];
}

def NvvmToSimt : Pass<"mad-nvvm-to-simt", "::mlir::ModuleOp"> {
  let summary = "turns GPU kernels into functions that the emulator runs on the CPU";
  let description = [{
    Runs after convert-gpu-to-nvvm and before convert-nvvm-to-llvm, so that the emulator and the
    device get the same IR up to here. The functions of each `gpu.module` move into
    the module, with the context of the emulated thread as first argument:

    - special registers are read from the context,
    - a call before each access to memory checks it,
    - other NVVM ops become calls of the emulator (runtime/simt/Ops.def),
    - variables in shared memory get offsets in the memory of the block,
    - functions of libdevice become those of libm,
    - all pointers are plain ones in the end.

    An NVVM op or a PTX text without an emulation is an error. A kernel `f` leaves the
    constant `f.simt`, a `simt_kernel` (runtime/simt/simt.h).

    ```mlir
    llvm.func @f(%p: !llvm.ptr<1>) attributes {nvvm.kernel} {
      %t = nvvm.read.ptx.sreg.tid.x : i32
      llvm.store %t, %p : i32, !llvm.ptr<1>
    // becomes
    llvm.func @f(%thread: !llvm.ptr, %p: !llvm.ptr) {
      %t = llvm.load %thread : !llvm.ptr -> i32
      llvm.call @mad_simt_global(%thread, %p, %c4, %c1, %place) : ...
      llvm.store %t, %p : i32, !llvm.ptr
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // MAD_PASSES_CONVERSION_PASSES_TD
