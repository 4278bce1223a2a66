"""Programs whose constants would not fit into memory: large-constants.py FOLDER MAD

Each is compiled and run with 2 GB of address space (a small program needs less than 0.7): what has
few words takes little memory, however large its tensors are.
"""
import resource
import subprocess
import sys

folder, mad = sys.argv[1:]
HEAD = "export fn f(x: f32[2]) -> f32 {\n"


def grown(step, levels, first="[1.0, 2.0]"):
    lines = [f"  let a0 = {first}"] + [f"  let a{i + 1} = {step(f'a{i}')}" for i in range(levels)]
    return HEAD + "\n".join(lines) + f"\n  sum(a{levels}) + x[0]\n}}\n"


def wide(name):
    return "[" + ", ".join([name] * 50) + "]"


PROGRAMS = {
    "lists": grown(wide, 7),
    "parts": grown(lambda a: f"concat({a}, {a}, axis = 0)", 40),
    "mixed": grown(lambda a: f"concat({a}, {a} * 2.0 + 1.0, axis = 0)", 40),
    "groups": "record R { a: f32[2] }\n" + HEAD + "  let a0 = R([1.0, 2.0])\n"
              + "".join(f"  let a{i + 1} = {wide(f'a{i}')}\n" for i in range(6)) + "  sum(a6.a) + x[0]\n}\n",
    "splats": HEAD + "  let a = zeros([100000, 100000]) + ones([100000, 100000])\n  x[0] + a[0, 0]\n}\n",
    "joined": HEAD + "  let a = concat(f32(iota(1000000000)), full([1000000000], 2.0), axis = 0)\n  x[0] + a[5]\n}\n",
    "moved": HEAD + "  let a = transpose(reshape(f32(iota(1000000000)), [1000, 1000000]))\n  x[0] + sum(a)\n}\n",
    "stretched": HEAD + "  let a = broadcast([[1.0, 2.0], [3.0, 4.0]], [500000000, 2, 2])\n  x[0] + a[7, 0, 1]\n}\n",
}


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))


def run(*words):
    return subprocess.run([mad, *words], preexec_fn=limit, capture_output=True, text=True)


for name, text in PROGRAMS.items():
    path = f"{folder}/{name}.mad"
    with open(path, "w") as file:
        file.write(text)
    done = run("build", path, "--target=native", "-o", folder)
    assert done.returncode == 0, f"{name}: exit {done.returncode}\n{done.stderr}"
    for target in ("ref", "jit") if name == "lists" else ("jit",):
        done = run("run", path, "f", "x=[1,2]", "--target=" + target)
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        assert done.returncode == 0 or (done.returncode == 1 and len(errors) == 1), \
            f"{name} on {target}: exit {done.returncode}\n{done.stderr}"
        print(f"{name} on {target}: {errors[0] if errors else done.stdout.strip()}")
print("all good")
