// RUN: mad-opt %s --mad-nvvm-to-simt --split-input-file --verify-diagnostics

gpu.module @k {
  llvm.func @f() attributes {nvvm.kernel} {
    // expected-error@+1 {{'nvvm.fence.sc.cluster' op has no emulation}}
    nvvm.fence.sc.cluster
    llvm.return
  }
}

// -----

gpu.module @k {
  llvm.func @f(%x: i32) attributes {nvvm.kernel} {
    // expected-error@+1 {{'nvvm.inline_ptx' op has no emulation of `brev.b32 $0, $1;`}}
    %y = nvvm.inline_ptx "brev.b32 $0, $1;" ro(%x : i32) -> i32
    llvm.return
  }
}

// -----

gpu.module @k {
  llvm.func @f(%x: i32) attributes {nvvm.kernel} {
    // expected-error@+1 {{'llvm.inline_asm' op has no emulation}}
    %y = llvm.inline_asm "brev.b32 $0, $1;", "=r,r" %x : (i32) -> i32
    llvm.return
  }
}

// -----

gpu.module @k {
  llvm.func @__nv_powif(f32, i32) -> f32
  llvm.func @f(%x: f32, %n: i32) attributes {nvvm.kernel} {
    // expected-error@+1 {{'llvm.call' op has no emulation: `__nv_powif` is not known}}
    %y = llvm.call @__nv_powif(%x, %n) : (f32, i32) -> f32
    llvm.return
  }
}

// -----

gpu.module @k {
  llvm.func @f(%n: i32) attributes {nvvm.kernel} {
    // expected-error@+1 {{'llvm.alloca' op has no emulation: its size is not a constant}}
    %x = llvm.alloca %n x f32 : (i32) -> !llvm.ptr
    llvm.return
  }
}

// -----

gpu.module @k {
  llvm.func @f() attributes {nvvm.kernel} {
    %n = llvm.mlir.constant(8192 : i32) : i32
    // expected-error@+1 {{'llvm.alloca' op has no emulation: variables of one thread take more than 16384 bytes}}
    %x = llvm.alloca %n x f32 : (i32) -> !llvm.ptr
    llvm.return
  }
}

// -----

gpu.module @k {
  llvm.func @f(%x: !llvm.ptr<1>, %y: !llvm.ptr<3>, %n: i32) attributes {nvvm.kernel} {
    // expected-error@+1 {{'llvm.intr.memcpy' op has no emulation}}
    "llvm.intr.memcpy"(%y, %x, %n) <{isVolatile = false}> : (!llvm.ptr<3>, !llvm.ptr<1>, i32) -> ()
    llvm.return
  }
}

// -----

gpu.module @k {
  llvm.func @f(%bar: !llvm.ptr<7>) attributes {nvvm.kernel} {
    // expected-error@+1 {{'nvvm.mbarrier.arrive' op has no emulation: relaxed, or of another block in the scope of one}}
    nvvm.mbarrier.arrive %bar : !llvm.ptr<7>
    llvm.return
  }
}
