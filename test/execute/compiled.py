"""Compiled programs, for tests that call them many times."""
import os
import subprocess
import sys
import tempfile

import numpy as np

TARGETS = ("x86-64", "x86-64-v3", "x86-64-v4")


def build(mad, path, folder, *more, name="m"):
    """Compiles a program, or ends the test. The path of the library."""
    done = subprocess.run([mad, "build", path, f"--name={name}", "-o", folder, *more],
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{path}: {done.stderr}")
    return f"{folder}/lib{name}.so"


class Variants:
    """A program, loaded for one variant of the code after the other by the Python package."""

    def __init__(self, mad, libraries, source, folder):
        os.environ["MAD_LIBRARY_DIR"] = libraries
        root = os.path.abspath(__file__).rsplit("/test/", 1)[0]
        sys.path.insert(0, f"{root}/runtime/python")
        self.mad, self.folder, self.path = mad, folder, f"{folder}/m.mad"
        with open(self.path, "w") as f:
            f.write(source)

    def load(self, target, *more, name="m"):
        """The module, or None where the CPU lacks the variant."""
        import mad as host
        # A library that is loaded keeps its name.
        name += target.replace("-", "_")
        library = build(self.mad, self.path, self.folder, f"--target={target}", *more, name=name)
        try:
            return host.load(library)
        except host.Error as error:
            print(f"{target} cannot run here: {error}")


def variants(mad, libraries, source):
    """Pairs of a target and the module of `source` for it, those that the CPU has."""
    with tempfile.TemporaryDirectory() as folder:
        program = Variants(mad, libraries, source, folder)
        for target in TARGETS:
            if model := program.load(target):
                yield target, model


class Program:
    """A program that was compiled once and is called by `mad run`."""

    def __init__(self, mad, path, folder):
        self.mad, self.folder = mad, folder
        self.library = build(mad, path, folder, "--target=x86-64-v3")

    def __call__(self, entry, **inputs):
        """The results in f64; one alone, or in the order of their names."""
        words = []
        for name, value in inputs.items():
            np.save(f"{self.folder}/{name}.npy", np.asarray(value, order="C"))
            words.append(f"{name}={self.folder}/{name}.npy")
        out = f"{self.folder}/out.npz"
        done = subprocess.run([self.mad, "run", self.library, entry, *words, "-o", out],
                              capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{entry}: {done.stderr}")
        with np.load(out) as data:
            results = [data[name] for name in sorted(data.files)]
        results = [r.astype(np.float64) if r.dtype.kind == "f" else r for r in results]
        return results[0] if len(results) == 1 else results
