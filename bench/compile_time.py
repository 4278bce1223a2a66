#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How the time to compile grows with a program: compile_time.py MAD [--kinds=A,B] [--sizes=N,...]

Programs of N equations, each of which uses two of the 16 before it:

    scalar  as a system of differential equations is written
    tensor  elementwise, with a mean now and then
    index   index notation: stencils, matrix products, elementwise

Shows user seconds of `mad check`, of the IR (`mad check --dump=mad`) and of `mad build` for one CPU
variant, each less what an empty program takes, and how many times those of the size before. Linear is 2;
more than 2.3 is shown with a mark.
"""
import argparse
import resource
import subprocess
import tempfile

# No equation makes a difference in what it uses larger, so results of targets can be compared.
BODIES = {
    "scalar": ["0.5 * x{a} + 0.25 * x{b}", "0.5 * sin(x{a}) - 0.25 * x{b} + 0.4",
               "x{a} / (2.0 + x{b} * x{b})", "0.5 * x{a} - 0.25 * x{b}",
               "0.5 * exp(-x{a} * x{a}) + 0.25 * x{b}"],
    "tensor": ["0.5 * x{a} + 0.25 * x{b}", "0.5 * sin(x{a}) - 0.25 * x{b} + 0.4",
               "0.5 * max(x{a}, 0.1) + 0.25 * x{b}", "0.5 * x{a} - 0.5 * mean(x{b})",
               "0.5 * tanh(x{a}) + 0.25 * x{b} * x{b}"],
    "index": ["0.5 * x{a}[i] + 0.25 * x{b}[i]",
              "0.5 * x{a}[i - 1] - 0.25 * x{b}[i + 1] + 0.4  with boundary = periodic",
              "0.1 * sum[j](w[i, j] * x{a}[j]) + 0.25 * x{b}[i]",
              "0.5 * max(x{a}[i], 0.1) + 0.25 * x{b}[i]", "0.5 * x{a}[i] - 0.25 * x{b}[i]"],
}
HEADS = {
    "scalar": ("x0: f64", "f64"),
    "tensor": ("x0: f64[64]", "f64[64]"),
    "index": ("x0: f64[8], w: f64[8, 8]", "f64[8]"),
}


def program(kind, n):
    parameters, result = HEADS[kind]
    lines = [f"export fn f({parameters}) -> ({result}, {result}, {result}) {{"]
    name = "x{i}[i in 0..8]" if kind == "index" else "x{i}"
    for i in range(1, n + 1):
        # No pattern of a short period.
        a, b = (max(i - step % 16 - 1, 0) for step in (i * 7 + i // 5, i * 11 + i // 3))
        lines.append(f"  let {name.replace('{i}', str(i))} = {BODIES[kind][i % 5].format(a=a, b=b)}")
    return "\n".join(lines) + f"\n  (x{n // 3}, x{2 * n // 3}, x{n})\n}}\n"


def seconds(*command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mad")
    parser.add_argument("--kinds", default="scalar,tensor,index")
    parser.add_argument("--sizes", default="1000,2000,4000,8000,16000")
    parser.add_argument("--print", action="store_true", help="shows the first program, no times")
    options = parser.parse_args()
    sizes = [int(n) for n in options.sizes.split(",")]
    if options.print:
        print(program(options.kinds.split(",")[0], sizes[0]), end="")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/p.mad"
        steps = {"check": ["check", path], "emit": ["check", "--dump=mad", path],
                 "build": ["build", path, "--target=x86-64-v3", "--name=p", "-o", folder]}
        for kind in options.kinds.split(","):
            before, rest = {}, {}
            for n in [1] + sizes:
                with open(path, "w") as f:
                    f.write(program(kind, n))
                row = f"{kind:8} {n:6}"
                for step, words in steps.items():
                    took = seconds(options.mad, *words)
                    if n == 1:
                        rest[step] = took
                        continue
                    took = max(took - rest[step], 1e-3)
                    times = took / before[step] if step in before else 0
                    before[step] = took
                    mark = " !" if times > 2.3 else "  "
                    row += f"   {step} {took:7.2f} s" + (f" x{times:4.2f}{mark}" if times else " " * 8)
                if n != 1:
                    print(row, flush=True)


main()
