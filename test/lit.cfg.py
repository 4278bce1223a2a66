# How the text tests are found and run. Loaded through lit.site.cfg.py of a
# build folder, which says where the tools are.
import ctypes
import importlib.util
import os
import shutil
import sys

import lit.formats

if not hasattr(config, "mad_build"):
    lit_config.fatal("run lit on <build>/test, not on the source folder")

config.name = "mad"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mad", ".mlir", ".test"]
config.excludes = ["Inputs", "unit", "fuzz"]
config.test_source_root = config.mad_source + "/test"
config.test_exec_root = config.mad_build + "/test"

# Tools of this build come before those of LLVM: `mad`, `mad-opt`, then `FileCheck`, `not`, `count`.
path = [config.mad_build + "/bin", config.llvm_tools, os.environ.get("PATH", "")]
config.environment["PATH"] = os.pathsep.join(path)
# Tests are of the compiler, not of what an earlier one has made.
config.environment["MAD_CACHE"] = "off"
config.environment["FILECHECK_OPTS"] = "--enable-var-scope"

config.substitutions.append(("%source", config.mad_source))
config.substitutions.append(("%build", config.mad_build))
config.substitutions.append(("%python", sys.executable))
config.substitutions.append(("%cxx", shutil.which("g++") or "c++"))
config.substitutions.append(("%clangxx", config.llvm_tools + "/clang++"))

# A test that needs more than the compiler says so: `// REQUIRES: python`.
for feature, program in [("python", "python3"), ("cc", "cc"), ("objdump", "llvm-objdump"),
                         ("mca", "llvm-mca")]:
    if shutil.which(program, path=os.pathsep.join(path)):
        config.available_features.add(feature)
# NVIDIA's toolkit: the assembler, and the library of functions (passes/Target/Ptx.h).
cuda = [os.environ.get(name, "") for name in ("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT")]
cuda = next((folder for folder in cuda + ["/usr/local/cuda"]
             if folder and os.path.exists(folder + "/nvvm/libdevice/libdevice.10.bc")), None)
if cuda:
    config.environment["CUDA_HOME"] = cuda
    if shutil.which("ptxas", path=os.pathsep.join(path + [cuda + "/bin"])):
        config.available_features.add("cuda")
# A GPU: then whole programs run there, too (test/execute/compare.py).
def has_gpu():
    try:
        driver, count = ctypes.CDLL("libcuda.so.1"), ctypes.c_int()
        return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 \
            and count.value > 0
    except OSError:
        return False


if has_gpu():
    config.available_features.add("gpu")
    config.environment["MAD_TEST_GPU"] = "1"
else:
    lit_config.note("there is no GPU: programs of test/execute are not run on the target cuda")
# tools/dev/prove-rules.py wants z3, of this Python or of another one.
z3_python = os.environ.get("MAD_Z3_PYTHON") or (sys.executable if importlib.util.find_spec("z3") else None)
if z3_python:
    config.substitutions.append(("%z3python", z3_python))
    config.available_features.add("z3")
else:
    lit_config.note("there is no z3: rules are not proved (tools/setup.sh --prove, or a Python that "
                    "has z3-solver in MAD_Z3_PYTHON)")
# What tests say does not depend on it; and a driver for those that want one.
config.environment["MAD_DEVICE"] = "cpu"
fake_gpu = config.mad_build + "/test/unit/Cuda/libfake_gpu.so"
config.substitutions.append(("%fakegpu", fake_gpu))
if os.path.exists(fake_gpu):
    config.available_features.add("fake-gpu")
config.mad_numpy = importlib.util.find_spec("numpy") is not None
