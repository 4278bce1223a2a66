#!/usr/bin/env python3
"""usage: check-runtime-errors.py ROOT

Checks that each failure of the runtime, which is a function of runtime/core/errors.h, is reached by a
test that expects its message. The list below says which words of it the tests hold.
"""
import re
import sys
from pathlib import Path

EXPECTED = {
    # Arguments of calls.
    "null": "is a null pointer",
    "no_entry": "`mad_module_find` gives the number of a name",
    "count": "was called with",
    "rank": "of `scale` has rank 1, expected 2",
    "dtype": "has elements of type",
    "no_shape": "but its shape is a null pointer",
    "negative": "has extent -1 in dimension 0",
    "too_long": "in dimension 0 (`N`), expected at most 140737488355328",
    "too_large": "has a shape of more bytes than memory can hold",
    "no_data": "has a null pointer for its data",
    "misaligned": "is not aligned to its elements of",
    "extent": "has extent 4 in dimension 0 (`N`), expected 3",
    "overlap": "an output needs memory of its own",
    "state": "is the new value of the state `s`; its data must be",
    "no_result": "gives no memory for",
    "threads": "threads, expected from 1 to",
    # Inside of calls.
    "check": "expected 0 <= index <",
    "bad_code": "this is a fault of the compiler",
    "bad_arena": "bytes of scratch memory; this is a fault of the compiler",
    "arena": "the system does not give them",
    "memory": "no memory for",
    "no_device": "the code is for a device, and the context has none",
    "device": "on the device: no ",
    "has_device": "cannot be given another device",
    "device_name": "expected `cpu`, `cuda`, `cuda:1` or `auto`",
    "no_cpu_code": "has code for GPUs alone",
    "no_cuda_code": "has no code for CUDA",
    "gpu_number": "there is no GPU `cuda:3`",
    "chip": "has no code for this GPU (sm_75)",
    # Artifacts in memory.
    "magic": "its first bytes are not those of one",
    "abi": "the artifact has binary interface 1, this runtime reads",
    "struct_size": "the head of the artifact has",
    "inconsistent": "the artifact is damaged",
    "level": "artifact `model` needs a CPU of level x86-64-v99",
    "options_size": "the load options have struct_size",
    "verify": "expected MAD_VERIFY_CODE or MAD_VERIFY_ALL",
    # Artifacts in files.
    "open": "/missing.so`: No such file or directory",
    "read": "it became shorter meanwhile",
    "not_regular": "it is not a regular file",
    "short": "bytes, too few for a shared library",
    "not_elf": "magic bytes",
    "wrong_elf": "an object file or a program",
    "cut": "is truncated or damaged: the section of weights ends at byte",
    "foreign": "no compiled model: it has no section",
    "header_size": "its section .mad.header has 64 bytes",
    "file_abi": "binary interface 77, made by mad 9.9",
    "file_format": "has format 9, made by mad 9.9",
    "target": "is made for aarch64-unknown-linux-gnu",
    "file_level": "needs a CPU of level x86-64-v9,",
    "map": "` into memory: Cannot allocate memory",
    "file_size": "is truncated or was changed: it has",
    "checksum": "was changed after its build: checksum",
    "load": "object file has no dynamic section",
    "replaced": "another version",
    "no_symbol": "it does not export mad_artifact_v1",
    # Files of weights.
    "side_file": "put the file beside the library, or name it in the load options",
    "not_weights": "it starts neither like a .weights nor like a .safetensors file",
    "weights_version": "has format 9, made by mad 0.0 by hand",
    "weights_damaged": "FILE is damaged: ",
    "no_weight": "the model needs this weight as",
    "replaces_none": "FILE replaces no weight: `model` has none; leave the file out",
    "weight_type": "it is declared `transposed`",
    "other_weights": "than the library was built with",
    "weight_checksum": "is damaged or was changed: checksum",
    "dictionary": "holds another dictionary as `lut.terms`",
    "words_range": "column 0 of matrix 0 has words 40 to",
    "words_length": "elements, the column has 101",
    "zero_point": "as a zero point of weight `w.zeros`, expected at most 4",
}

root = Path(sys.argv[1])
header = (root / "runtime/core/errors.h").read_text()
failures = re.findall(r"^mad_status mad_error_(\w+)\(", header, re.M)
tests = ""
for folder in "test/unit", "test/Hosts", "test/Tools":
    for path in sorted((root / folder).rglob("*")):
        if path.suffix in {".c", ".cpp", ".h", ".py", ".test"}:
            # A text that goes on in the next line is one.
            tests += re.sub(r'"\s*"', "", path.read_text()).replace('\\"', '"')
problems = [f"mad_error_{name} is not in the list of {Path(__file__).name}"
            for name in failures if name not in EXPECTED]
problems += [f"there is no mad_error_{name}" for name in EXPECTED if name not in failures]
problems += [f"no test expects `{text}`, a message of mad_error_{name}"
             for name, text in EXPECTED.items() if text not in tests]
print("\n".join(problems) or f"all {len(failures)} failures of the runtime have tests")
sys.exit(1 if problems else 0)
