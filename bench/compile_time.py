#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How the time to compile grows with a program: compile_time.py MAD [--kinds=A,B] [--sizes=N,...]
[--steps=A,B] [--runs=N]

Programs of N equations, each of which uses two of the 16 before it:

    scalar  as a system of differential equations is written
    tensor  elementwise, with a mean now and then
    index   index notation: stencils, matrix products, elementwise

or one long expression:

    matmul  `w @ w @ ...`, N matrices of 8 x 8
    sum     `x + x + ...` N times, on a scalar and on a vector

Shows seconds of the processor of `mad check`, of the IR (`mad check --dump=mad`) and of `mad build` for
one CPU variant without the cache, the least of several runs in turn, each less what an empty program
takes, and how many times those of the size before. Linear is 2; more than 2.3 is shown with a mark. User
and system time together: the kernel knows their sum, but divides it by ticks of milliseconds.
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
    if kind == "matmul":
        return f"export fn f(w: f64[8, 8]) -> f64[8, 8] {{ {' @ '.join(['w'] * n)} }}\n"
    if kind == "sum":
        chain = " + ".join(["x"] * n)
        return (f"export fn f(x: f64) -> f64 {{ {chain} }}\n"
                f"export fn g[N](x: f64[N]) -> f64[N] {{ {chain} }}\n")
    parameters, result = HEADS[kind]
    lines = [f"export fn f({parameters}) -> ({result}, {result}, {result}) {{"]
    name = "x{i}[i in 0..8]" if kind == "index" else "x{i}"
    for i in range(1, n + 1):
        # No pattern of a short period.
        a, b = (max(i - step % 16 - 1, 0) for step in (i * 7 + i // 5, i * 11 + i // 3))
        lines.append(f"  let {name.replace('{i}', str(i))} = {BODIES[kind][i % 5].format(a=a, b=b)}")
    return "\n".join(lines) + f"\n  (x{n // 3}, x{2 * n // 3}, x{n})\n}}\n"


def seconds(*command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mad")
    parser.add_argument("--kinds", default="scalar,tensor,index")
    parser.add_argument("--sizes", default="1000,2000,4000,8000,16000")
    parser.add_argument("--steps", default="check,emit,build")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--print", action="store_true", help="shows the first program, no times")
    options = parser.parse_args()
    sizes = [int(n) for n in options.sizes.split(",")]
    if options.print:
        print(program(options.kinds.split(",")[0], sizes[0]), end="")
        return
    with tempfile.TemporaryDirectory() as folder:
        def words(step, path):
            return {"check": ["check", path], "emit": ["check", "--dump=mad", path],
                    "build": ["build", path, "--target=x86-64-v3", "--name=p", "-o", folder,
                              "--cache=off"]}[step]

        for kind in options.kinds.split(","):
            for n in [1] + sizes:
                with open(f"{folder}/{n}.mad", "w") as f:
                    f.write(program(kind, n))
            for step in options.steps.split(","):
                least = {}
                for _ in range(options.runs):
                    for n in [1] + sizes:
                        took = seconds(options.mad, *words(step, f"{folder}/{n}.mad"))
                        least[n] = min(took, least.get(n, took))
                row, before = f"{kind:7} {step:6}", 0
                for n in sizes:
                    took = max(least[n] - least[1], 1e-3)
                    times = f" x{took / before:4.2f}" if before else ""
                    mark = "!" if before and took > 2.3 * before else ""
                    row += f"   {n}: {took:.3f} s{times}{mark}"
                    before = took
                print(row, flush=True)


main()
