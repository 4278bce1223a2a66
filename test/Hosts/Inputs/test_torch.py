"""Tensors of PyTorch on a GPU go without DLPack, and its stream is waited for once a call: with a module that
looks like PyTorch, and a runtime that writes down what it is asked."""
import sys
import types

torch = types.ModuleType("torch")
for name in ("float32", "float64", "float16", "bfloat16", "int8", "uint8", "int32", "int64", "bool", "strided"):
    setattr(torch, name, object())


class Stream:
    cuda_stream = 77


torch.cuda = types.SimpleNamespace(current_stream=lambda number: Stream)


class Tensor:
    requires_grad, layout = False, torch.strided

    def __init__(self, dtype, number=1, contiguous=True, negative=False):
        self.dtype, self.number, self.contiguous, self.negative = dtype, number, contiguous, negative
        self.shape = (2, 3)

    def get_device(self):
        return self.number

    def is_contiguous(self):
        return self.contiguous

    def is_neg(self):
        return self.negative

    def data_ptr(self):
        return 4096

    def __dlpack__(self, stream=None):
        raise AssertionError

    def __dlpack_device__(self):
        raise RuntimeError("by DLPack")


Tensor.__module__ = "torch"
torch.Tensor = Tensor
sys.modules["torch"] = torch

from mad import DTypeError, _arguments  # noqa: E402


class Runtime:
    def __init__(self, status=0):
        self.status, self.waited = status, []

    def mad_context_cuda_stream(self, context):
        return 5

    def mad_context_wait_for(self, context, stream):
        self.waited.append((context, stream))
        return self.status

    def mad_context_message(self, context):
        return b"cannot wait"


types_ = {dtype.name: dtype for dtype in _arguments.DTYPES.values()}
runtime = Runtime()
gpu = _arguments.Gpu(1, runtime, "context")
for name, theirs in (("f32", "float32"), ("bf16", "bfloat16"), ("bool", "bool"), ("i64", "int64")):
    memory = _arguments.memory_of(Tensor(getattr(torch, theirs)), types_[name], "`x`", gpu=gpu)
    assert (memory.address, memory.shape, memory.on_gpu) == (4096, (2, 3), True)
assert runtime.waited == [("context", 77)], runtime.waited
gpu.waited.clear()  # the next call
_arguments.result_memory(Tensor(torch.float32), types_["f32"], "`out`", gpu)
assert runtime.waited == [("context", 77)] * 2

# What is not a plain tensor there is DLPack's to judge.
grad = Tensor(torch.float32)
grad.requires_grad = True
for other in (Tensor(torch.float64), Tensor(torch.float32, number=0), grad, Tensor(torch.float32, contiguous=False),
              Tensor(torch.float32, negative=True)):
    try:
        _arguments.memory_of(other, types_["f32"], "`x`", gpu=gpu)
    except DTypeError as error:
        assert "by DLPack" in str(error), error
    else:
        raise AssertionError("taken")
assert len(runtime.waited) == 2

gpu = _arguments.Gpu(1, Runtime(7), "context")
try:
    _arguments.memory_of(Tensor(torch.float32), types_["f32"], "`x`", gpu=gpu)
except Exception as error:
    print(type(error).__name__, error)
print("all good")
