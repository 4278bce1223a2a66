# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the scripts of this folder that pack for another machine share."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] if len(Path(__file__).resolve().parents) > 2 else None


def copy_python(build, folder, lib="."):
    """The runtime, into the folder `lib`, and the Python package: what `mad.load` needs there."""
    folder = Path(folder)
    (folder / lib).mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(build) / "lib" / "libmad_runtime.so", folder / lib)
    shutil.copytree(ROOT / "runtime" / "python" / "mad", folder / "python" / "mad", dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("__pycache__"))


def pack_program(options, name, program, scripts):
    """Builds a program for CUDA into `options.folder`, as libNAME.so, beside what runs it there."""
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.mad").write_text(program)
    subprocess.run([str(options.build / "bin" / "mad"), "build", "--cache=off", "--target=cuda",
                    str(folder / f"{name}.mad"), "-o", str(folder)], check=True)
    copy_python(options.build, folder)
    for script in (*scripts, Path(__file__)):
        shutil.copy(script, folder)


def use_python(folder, lib="."):
    """There, before `import mad`."""
    folder = Path(folder).resolve()
    os.environ["MAD_LIBRARY_DIR"] = str(folder / lib)
    sys.path[:0] = [str(folder / "python"), str(folder)]
