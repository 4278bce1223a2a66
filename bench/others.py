# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""NumPy, and PyTorch and ONNX Runtime where this Python has them, on one thread.

Import it before NumPy: libraries take their number of threads when they are loaded.
"""
import os

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

try:
    import torch
    torch.set_num_threads(1)
except ImportError:
    torch = None
try:
    import onnxruntime
except ImportError:
    onnxruntime = None


def versions():
    text = f"numpy {np.__version__}"
    text += f"; torch {torch.__version__}" if torch else ""
    return text + (f"; onnxruntime {onnxruntime.__version__}" if onnxruntime else "")


def onnx_call(model, x, out):
    """A function that runs a model, given as bytes, from `x` to `y`, which lie in these arrays."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_cpu_input("x", x)
    binding.bind_output("y", "cpu", 0, np.float32, out.shape, out.ctypes.data)
    return lambda: session.run_with_iobinding(binding)
