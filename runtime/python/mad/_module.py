# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Modules and their entries as functions of Python."""
import collections
import ctypes
import inspect
import json
import keyword
import struct
import threading

from mad import _library
from mad._arguments import DTYPES, Gpu, memory_of, new, numpy, result_memory
from mad._errors import InvalidArgumentError, failure

_MAX_PLANS = 64
_MAX_THREADS = 1024  # what a pool of the runtime can have


class Value:
    """A parameter or result: its name, element type and dimensions."""

    def __init__(self, info):
        self.name = _library.decode(info.name)
        self._type = DTYPES[info.dtype]
        self.dtype = self._type.name
        self.dims = tuple(_library.decode(info.dims[i]) for i in range(info.rank))
        # Of a state: the number of the other end.
        self._other = info.state - 1 if info.state else None

    @property
    def state(self):
        """True for an array that the call updates in place."""
        return self._other is not None

    def __repr__(self):
        return ("state " if self.state else "") + self.dtype + ("[%s]" % ", ".join(self.dims) if self.dims else "")


class Entry:
    """What an exported function takes and gives."""

    def __init__(self, info):
        self.name = _library.decode(info.name)
        self.doc = _library.decode(info.doc)
        self.dims = tuple(_library.decode(info.dims[i]) for i in range(info.num_dims))
        self.inputs = tuple(Value(info.inputs[i]) for i in range(info.num_inputs))
        self.outputs = tuple(Value(info.outputs[i]) for i in range(info.num_outputs))
        # States are in the arrays that were passed.
        self.results = tuple(v for v in self.outputs if not v.state)

    def __repr__(self):
        dims = "[%s]" % ", ".join(self.dims) if self.dims else ""
        inputs = ", ".join("%s: %r" % (v.name, v) for v in self.inputs)
        outputs = ", ".join(repr(v) for v in self.results)
        return "%s%s(%s) -> %s" % (self.name, dims, inputs,
                                   outputs if len(self.results) == 1 else "(%s)" % outputs)


class _Pool:
    """Threads for large loops, which contexts share."""

    def __init__(self, library, threads):
        self.value, error = ctypes.c_void_p(), _library.ErrorText()
        self._destroy = library.mad_pool_destroy
        status = library.mad_pool_create(threads, ctypes.byref(self.value), ctypes.byref(error))
        if status:
            raise failure(status, error.text)
        self.executor = library.mad_pool_executor(self.value)

    def __del__(self):
        if getattr(self, "value", None):
            self._destroy(self.value)


_pools, _pools_lock = {}, threading.Lock()


def _pool(library, threads):
    """One a number of threads: those of all modules would only be in each other's way."""
    with _pools_lock:
        if threads not in _pools:
            _pools[threads] = _Pool(library, threads)
        return _pools[threads]


class _Context:
    """The memory of calls of one thread."""

    def __init__(self, handle):
        library = handle.library
        self.value, error = ctypes.c_void_p(), _library.ErrorText()
        self._destroy = library.mad_context_destroy
        # The code of a module that was compiled in memory lives as long as this.
        self._owner = handle.owner
        options = _library.ContextOptions(ctypes.sizeof(_library.ContextOptions))
        options.device = handle.device.encode() if handle.device is not None else None
        options.cuda_stream = handle.stream
        status = library.mad_context_create_with(handle.value, ctypes.byref(options),
                                                 ctypes.byref(self.value), ctypes.byref(error))
        if status:
            raise failure(status, error.text)
        self.handle = self.value.value
        self.device = _library.decode(library.mad_context_device(self.handle))
        self.gpu = None
        if self.device != "cpu":
            self.gpu = Gpu(int(self.device[5:]), library, self.handle)
        self.waits = handle.waits or self.gpu is None
        if not self.waits:
            library.mad_context_set_async(self.handle, 1)
        if handle.threads == 1:
            library.mad_context_set_threads(self.handle, 1)
        else:
            self._pool = _pool(library, handle.threads)
            library.mad_context_set_executor(self.handle, ctypes.byref(self._pool.executor))
        self.plans = collections.defaultdict(dict)

    def __del__(self):
        if getattr(self, "value", None):
            self._destroy(self.value)


class _Handle:
    """Owns a module of the runtime, and a context for each thread that calls it."""

    def __init__(self, library, value, owner, threads, device, stream, waits):
        self.library, self.value, self.owner = library, value, owner
        self.threads, self.device, self.stream, self.waits = threads, device, stream, waits
        self._destroy = library.mad_module_destroy
        self.local = threading.local()

    def context(self):
        try:
            return self.local.context
        except AttributeError:
            self.local.context = made = _Context(self)
            return made

    def synchronize(self, context):
        """Until the work of its calls is done."""
        status = self.library.mad_context_synchronize(context.handle)
        if status:
            raise failure(status, _library.decode(
                self.library.mad_context_message(context.handle)) or "a call failed")

    def __del__(self):
        self.local = None
        self._destroy(self.value)


_C_TYPES = {"f32": ctypes.c_float, "f64": ctypes.c_double, "i32": ctypes.c_int32,
            "i64": ctypes.c_int64, "bool": ctypes.c_bool, "f16": ctypes.c_uint16,
            "bf16": ctypes.c_uint16, "i8": ctypes.c_int8, "u8": ctypes.c_uint8}


def _scalar(name, cell):
    if name == "f16":
        return struct.unpack("e", struct.pack("H", cell.value))[0]
    if name == "bf16":
        return struct.unpack("f", struct.pack("I", cell.value << 16))[0]
    return cell.value


def _tensors(types, shapes):
    """An array of mad_tensor without data, and what keeps its shapes alive."""
    array, kept = (_library.Tensor * len(shapes))(), []
    for tensor, dtype, shape in zip(array, types, shapes):
        extents = (ctypes.c_int64 * len(shape))(*shape)
        kept.append(extents)
        tensor.shape = ctypes.cast(extents, ctypes.POINTER(ctypes.c_int64))
        tensor.rank, tensor.dtype = len(shape), dtype.number
    return array, kept


class _Plan:
    """The arguments of a call whose inputs have certain shapes, but for the data."""

    def __init__(self, caller, context, shapes):
        self.inputs, self.kept = _tensors(caller.input_types, shapes)
        self.input_list = list(self.inputs)
        ranks = [len(v.dims) for v in caller.entry.outputs]
        extents = (ctypes.c_int64 * max(1, sum(ranks)))()
        status = caller.library.mad_entry_shapes(context.handle, caller.number,
                                                 ctypes.addressof(self.inputs), len(shapes),
                                                 ctypes.addressof(extents))
        if status:
            raise caller.failure(status, context)
        self.shapes, at = [], 0
        for rank in ranks:
            self.shapes.append(tuple(extents[at:at + rank]))
            at += rank
        self.outputs, kept = _tensors(caller.output_types, self.shapes)
        self.output_list = list(self.outputs)
        self.kept += kept
        # Results that are numbers have their place here.
        self.cells = [None if rank else _C_TYPES[t.name]()
                      for rank, t in zip(ranks, caller.output_types)]
        for tensor, cell in zip(self.output_list, self.cells):
            if cell is not None:
                tensor.data = ctypes.addressof(cell)
        self.input_address = ctypes.addressof(self.inputs)
        self.output_address = ctypes.addressof(self.outputs)


def _python_names(values, taken=()):
    """What values are called in Python: the tensor `w.k` of a record is `w_k`, and a word of
    Python, or a name that is taken, has a `_` behind it."""
    names = []
    for value in values:
        name = value.name.replace(".", "_")
        while keyword.iskeyword(name) or name in names or name in taken:
            name += "_"
        names.append(name)
    return names


class _Caller:
    """Calls one entry."""

    def __init__(self, handle, number, entry):
        self.handle, self.number, self.entry = handle, number, entry
        self.library = handle.library
        self.input_types = [v._type for v in entry.inputs]
        self.output_types = [v._type for v in entry.outputs]
        self.names = [v.name for v in entry.inputs]
        self.parameters = _python_names(entry.inputs, ("out",))
        self.by_parameter = dict(zip(self.parameters, self.names))
        self.visible = [j for j, v in enumerate(entry.outputs) if not v.state]
        self.states = [(v._other, j) for j, v in enumerate(entry.outputs) if v.state]
        self.result = None
        if len(self.visible) != 1:
            self.result = collections.namedtuple(
                entry.name.replace(".", "_") + "_result", _python_names(entry.results), rename=True)

    def answer(self, results):
        if self.result is None:
            return results[0]
        return self.result(*results) if results else None

    def failure(self, status, context):
        return failure(status, _library.decode(
            self.library.mad_context_message(context.handle)) or "`%s` failed" % self.entry.name)

    def where(self, i):
        return "`%s` of `%s`" % (self.names[i], self.entry.name)

    def bind(self, args, kwargs):
        """Positional and named arguments in the order of the declaration."""
        name, names = self.entry.name, self.names
        takes = "it takes %s" % (", ".join("`%s`" % n for n in names) or "none")
        if len(args) > len(names):
            raise InvalidArgumentError("`%s` was given %d arguments; %s" % (name, len(args), takes))
        values = dict(zip(names, args))
        for key, value in kwargs.items():
            key = self.by_parameter.get(key, key)
            if key not in names:
                raise InvalidArgumentError("`%s` has no argument `%s`; %s" % (name, key, takes))
            if key in values:
                raise InvalidArgumentError("`%s` was given `%s` twice" % (name, key))
            values[key] = value
        for key in names:
            if key not in values:
                raise InvalidArgumentError("`%s` needs `%s`; %s" % (name, key, takes))
        return [values[key] for key in names]

    def plan(self, context, shapes):
        plans = context.plans[self.number]
        if len(plans) >= _MAX_PLANS:
            plans.clear()
        plans[shapes] = made = _Plan(self, context, shapes)
        return made

    def given(self, out, plan, gpu):
        """The results' memory that the caller gave, as an array of tensors."""
        values = self.entry.results
        if self.result is None:
            out = (out,)
        elif isinstance(out, dict):
            out = tuple(out.get(v.name, out.get(n))
                        for v, n in zip(values, _python_names(values)))
        if not isinstance(out, (tuple, list)) or len(out) != len(values):
            raise InvalidArgumentError("`out` of `%s` must hold %d arrays: %s" % (
                self.entry.name, len(values), ", ".join("`%s`" % v.name for v in values)))
        memory = [result_memory(o, v._type, "`out` (`%s`) of `%s`" % (v.name, self.entry.name), gpu)
                  for o, v in zip(out, values)]
        shapes = list(plan.shapes)
        for j, m in zip(self.visible, memory):
            shapes[j] = m.shape
        tensors, kept = _tensors(self.output_types, shapes)
        for j, m in zip(self.visible, memory):
            tensors[j].data = m.address
        for i, j in self.states:
            tensors[j].data = plan.inputs[i].data
        return out, tensors, (kept, memory), all(m.on_gpu for m in memory)


def _function(handle, number, entry):
    """The entry as a function. What it does most often, arrays of the right type in
    and new arrays out, stands here without calls, because it is counted in microseconds."""
    caller = _Caller(handle, number, entry)
    count, num_outputs = len(entry.inputs), len(entry.outputs)
    visible, states = caller.visible, caller.states
    input_types = caller.input_types
    # A state has to be writable, and a byte of a bool 0 or 1; that is looked at elsewhere.
    numpy_types = [None if v.state or v._type.name == "bool" else v._type.numpy
                   for v in entry.inputs]
    output_types = caller.output_types
    scalars = [not v.dims for v in entry.outputs]
    # Of a result that is one array.
    plain = output_types[0].numpy if num_outputs == 1 and not scalars[0] else None
    run, local = caller.library.mad_entry_call, handle.local
    addressof, from_buffer = ctypes.addressof, ctypes.c_char.from_buffer
    ndarray = numpy.ndarray if numpy else ()
    empty = numpy.empty if numpy else None

    def call(*args, out=None, **kwargs):
        if kwargs or len(args) != count:
            args = caller.bind(args, kwargs)
        try:
            context = local.context
        except AttributeError:
            context = handle.context()
        addresses, shapes, kept = [], [], []
        gpu = context.gpu
        if gpu:
            gpu.waited.clear()
        for i, value in enumerate(args):
            if type(value) is ndarray and value.dtype is numpy_types[i] \
                    and value.flags.c_contiguous:
                shapes.append(value.shape)
                try:
                    addresses.append(addressof(from_buffer(value)))
                except (TypeError, ValueError):  # read-only, or without elements
                    addresses.append(value.ctypes.data)
            else:
                memory = memory_of(value, input_types[i], caller.where(i), entry.inputs[i].state,
                                   gpu)
                shapes.append(memory.shape)
                addresses.append(memory.address)
                kept.append(memory)
        shapes = tuple(shapes)
        plan = context.plans[number].get(shapes) or caller.plan(context, shapes)
        for tensor, address in zip(plan.input_list, addresses):
            tensor.data = address
        for i, j in states:
            plan.output_list[j].data = addresses[i]
        if out is not None:
            if plain and type(out) is ndarray and out.dtype is plain \
                    and out.shape == plan.shapes[0] and out.flags.carray and out.size:
                plan.output_list[0].data = addressof(from_buffer(out))
                tensors = plan.outputs
                results, stays = (out,), False
            else:
                results, tensors, held, stays = caller.given(out, plan, gpu)
            status = run(context.handle, number, plan.input_address, count, addressof(tensors),
                         num_outputs)
            if status:
                raise caller.failure(status, context)
            # What lies in main memory may be gone, or looked at, when the work is done.
            if not context.waits and not (stays and len(kept) == count
                                          and all(m.on_gpu for m in kept)):
                handle.synchronize(context)
            return caller.answer(results)
        results = []
        for i in visible:
            if scalars[i]:
                results.append(None)
                continue
            if empty:
                result = empty(plan.shapes[i], output_types[i].numpy)
            else:
                result = new(plan.shapes[i], output_types[i])
            results.append(result)
            try:
                plan.output_list[i].data = addressof(from_buffer(result))
            except (TypeError, ValueError):  # without elements
                plan.output_list[i].data = None
        status = run(context.handle, number, plan.input_address, count, plan.output_address,
                     num_outputs)
        if status:
            raise caller.failure(status, context)
        if not context.waits:
            handle.synchronize(context)
        for k, i in enumerate(visible):
            if scalars[i]:
                results[k] = _scalar(output_types[i].name, plan.cells[i])
        return caller.answer(results)

    call.__name__ = call.__qualname__ = entry.name
    call.__module__ = "mad"
    call.entry = entry
    call.__doc__ = "%s\n\n%r" % (entry.doc, entry) if entry.doc else repr(entry)
    parameters = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=v)
                  for n, v in zip(caller.parameters, entry.inputs)]
    parameters.append(inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None))
    returns = entry.results[0] if len(visible) == 1 else entry.results
    call.__signature__ = inspect.Signature(parameters, return_annotation=returns)
    return call


class Module:
    """A compiled model. Its exported functions are attributes of it.

    Any number of threads may call them at once.
    """

    def __init__(self, library, value, owner=None, threads=0, device=None, stream=None,
                 waits=True):
        self._handle = handle = _Handle(library, value, owner, threads, device, stream, waits)
        self.entries = {}
        """The functions by their names."""
        for number in range(library.mad_module_num_entries(value)):
            entry = Entry(library.mad_module_entry(value, number).contents)
            self.entries[entry.name] = _function(handle, number, entry)

    @property
    def manifest(self):
        """What the compiler says of the model: entries, weights, target."""
        return json.loads(self._handle.library.mad_module_manifest(self._handle.value))

    @property
    def variant(self):
        """The code that calls run: `x86-64-v3`, `cuda`."""
        context = self._handle.context()
        return _library.decode(self._handle.library.mad_context_variant(context.handle))

    @property
    def device(self):
        """Where calls are computed: `cpu`, `cuda:0`."""
        return self._handle.context().device

    def synchronize(self):
        """Returns when the work of this thread's calls is done, and raises what failed in it; for
        modules that were loaded with `wait=False`."""
        self._handle.synchronize(self._handle.context())

    def __getattr__(self, name):
        entries = self.__dict__.get("entries", {})
        if name in entries:
            return entries[name]
        raise AttributeError("the model has no exported function `%s`; it has %s" % (
            name, ", ".join("`%s`" % n for n in entries) or "none"))

    def __dir__(self):
        return sorted([*super().__dir__(), *self.entries])

    def __repr__(self):
        return "<mad.Module %s>" % ", ".join(repr(f.entry) for f in self.entries.values())


def checked_threads(threads):
    if not isinstance(threads, int) or isinstance(threads, bool) or not 0 <= threads < 1 << 31:
        raise InvalidArgumentError("threads is %r, expected a number from 0 on" % (threads,))
    if threads > _MAX_THREADS:
        raise InvalidArgumentError("threads is %r, at most %d are possible"
                                   % (threads, _MAX_THREADS))
    return threads


def checked_device(device):
    if device is not None and (not isinstance(device, str) or "\0" in device):
        raise InvalidArgumentError("device is %r, expected 'cpu', 'cuda', 'cuda:1' or 'auto'"
                                   % (device,))
    return device


def load(path, *, weights=None, verify=False, threads=0, device=None, stream=None, wait=True):
    """Loads a compiled model, `libX.so`. The file is verified before its code runs.

    weights  a .weights or .safetensors file that replaces all weights
    verify   also compares the checksum of every weight, which reads all of them
    threads  how many threads a call may use; 0: one for each CPU. Results do not depend
             on it
    device   what computes: "cpu", "cuda", "cuda:1"; None: what MAD_DEVICE in the environment
             says, or else a GPU where there is one and the model has code for it
    stream   the number of a CUstream (`torch.cuda.Stream().cuda_stream`) that calls work on; 0 is
             CUDA's default stream, as for PyTorch; None: each thread that calls has its own
    wait     False: calls whose arguments and `out` all lie on the GPU return when their work is on
             `stream`, which must be the stream that the caller's own work is on. Then they can
             be captured in a CUDA graph. `Module.synchronize()` waits for it, and raises what
             failed, such as an index out of range. All other calls wait
    """
    threads, device = checked_threads(threads), checked_device(device)
    if not wait and stream is None:
        # Memory of tensors that are forgotten goes to what comes next on their own stream.
        raise InvalidArgumentError("wait=False needs `stream`, the number of the CUstream that the "
                                   "tensors are used on")
    if stream == 0:
        stream = _library.DEFAULT_STREAM
    library = _library.runtime()
    value, error = ctypes.c_void_p(), _library.ErrorText()
    options = _library.LoadOptions(ctypes.sizeof(_library.LoadOptions), _library.encode(weights),
                                   1 if verify else 0)
    status = library.mad_module_load_with(_library.encode(path), ctypes.byref(options),
                                          ctypes.byref(value), ctypes.byref(error))
    if status:
        raise failure(status, error.text)
    module = Module(library, value, None, threads, device, stream, bool(wait))
    module._handle.context()  # tells now what cannot be used
    return module
