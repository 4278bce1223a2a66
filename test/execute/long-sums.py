#!/usr/bin/env python3
"""Long sums of f32 against the f64 sums of NumPy: long-sums.py MAD LIBRARIES

A number that goes through d additions on its way into a sum is rounded d times, and a product once
more: |error| <= gamma(d + 1) times the sum of the absolute values, gamma(d) = d u / (1 - d u), u =
2^-24 (Higham 1993). Here d is a block and the number of blocks, not the length:

- registers: blocks of 256 steps, 256 of them a block of blocks; then the accumulators of all lanes,
  their tails, and what a tile of a product leaves: 256 + 256 + n / 256^2 + 32.
- a step may also be one element (narrow outputs, reductions that do not collapse): the same.
- products of packed matrices, and panels and streams of other sums for many columns: blocks of 1024
  steps, and K / 1024 of them.

One accumulator would make it n. The numbers are near 1000 or near 1, all of one sign, so that
accumulators become large and round the same way often: that is the worst case in practice. With VERBOSE
in the environment every error is shown.
"""
import os
import subprocess
import sys
import tempfile

import numpy as np

mad, os.environ["MAD_LIBRARY_DIR"] = sys.argv[1:3]
root = __file__.rsplit("/test/", 1)[0]
sys.path.insert(0, f"{root}/runtime/python")
import mad as host  # noqa: E402

SOURCE = """
export fn total[N](x: f32[N]) -> f32 { sum(x) }
export fn average[N](x: f32[N]) -> f32 { mean(x) }
export fn dot[N](x: f32[N], y: f32[N]) -> f32 { sum[k](x[k] * y[k]) }
export fn half[N](x: f16[N]) -> f32 { sum(f32(x)) }
export fn brain[N](x: f32[N]) -> bf16 { sum(bf16(x)) }
export fn apart[N](x: f32[N]) -> (f32, f32) { (sum(x), max(x)) }
export fn powers[N](x: f32[N]) -> f32 { sum(exp(x / 1000.0)) }
export fn known(x: f32[3000000]) -> f32 { sum(x) }
export fn rows[M, N](x: f32[M, N]) -> f32[M] { sum(x, axis = N) }
export fn columns[M, N](x: f32[M, N]) -> f32[N] { sum(x, axis = M) }
export fn few[M](x: f32[M, 24]) -> f32[24] { sum(x, axis = M) }
export fn middle[A, B, C](x: f32[A, B, C]) -> f32[A, C] { mean(x, axis = B) }
export fn crossed[M, N](x: f32[M, N], y: f32[N, M]) -> f32 { sum[i, j](x[i, j] * y[j, i]) }
export fn outer[M, N](x: f32[M, N, 4]) -> f32[N] { sum(sum(x, axis = 2), axis = M) }
export fn vector[K, N](x: f32[K], w: f32[K, N]) -> f32[N] {
  let y[n] = sum[k](x[k] * w[k, n])
  y
}
export fn row[K, N](x: f32[1, K], w: f32[K, N]) -> f32[1, N] { x @ w }
export fn times[M, K](w: f32[M, K], x: f32[K]) -> f32[M] { w @ x }
export fn product[M, K, N](x: f32[M, K], w: f32[K, N]) -> f32[M, N] { x @ w }
export fn three[K, N](x: f32[3, K], w: f32[K, N]) -> f32[3, N] { x @ w }
export fn added[M, K, N](x: f32[M, K], w: f32[K, N], c: f32[M, N]) -> f32[M, N] { c + x @ w }
export fn turned[M, K, N](x: f32[M, K], w: f32[N, K]) -> f32[M, N] {
  let y[m, n] = sum[k](x[m, k] * w[n, k])
  y
}
export fn narrow[M, K, N](x: f32[M, K], w: f16[K, N]) -> f32[M, N] { x @ f32(w) }
export fn distances[M, K, N](x: f32[M, K], y: f32[K, N]) -> f32[M, N] {
  let d[m, n] = sum[k]((x[m, k] - y[k, n]) * (x[m, k] - y[k, n]))
  d
}
export fn windows[C, L, O](x: f32[C, L], w: f32[O, C, 3]) -> f32[O, L - 2] {
  let y[o, i] = sum[c, d](x[c, i + d] * w[o, c, d])
  y
}
"""
U = 2.0 ** -24
N, K = 3_000_000, 300_000


def gamma(d):
    return d * U / (1 - d * U)


registers = lambda n: 512 + n / 65536 + 32
packed = lambda n: max(1024 + n / 1024, registers(n))
windows = lambda x, w: sum(w[:, :, d].astype("f8") @ x[:, d:x.shape[1] - 2 + d] for d in range(3))


def cases(rng):
    """Name, entry, reference, inputs, roundings, error of the result's own type."""
    def near(*shape, about=1000, dtype="f4"):
        return (about * rng.uniform(0.999, 1.001, shape)).astype(dtype)

    def full(*shape):
        return np.full(shape, 1000.1, "f4")

    sum64 = lambda x, **k: np.sum(x, dtype="f8", **k)
    x = near(N)
    yield "total", sum64, [x], registers(N), 0
    yield "total", sum64, [full(N)], registers(N), 0
    yield "total", sum64, [full(10_000_019)], registers(1e7), 0
    # Of both signs.
    signs = np.where(np.arange(10_000_000) % 2, -999, 1000).astype("f4")
    yield "total", sum64, [signs], registers(1e7), 0
    yield "known", sum64, [x], registers(N), 0
    yield "average", lambda x: sum64(x) / x.size, [full(N)], registers(N) + 1, 0
    yield "dot", lambda x, y: np.dot(x.astype("f8"), y), [full(N), near(N, about=1)], registers(N), 0
    yield "half", sum64, [near(N, dtype="f2")], registers(N), 0
    yield "brain", lambda x: np.float64(1000 * x.size), [np.full(N, 1000, "f4")], registers(N), 2 ** -8
    yield "apart", lambda x: np.array([sum64(x), x.max()]), [full(N)], registers(N), 0
    # exp itself is off by less than two units.
    yield "powers", lambda x: sum64(np.exp((x / np.float32(1000)).astype("f8"))), [full(N)], registers(N) + 4, 0
    yield "rows", lambda x: sum64(x, axis=1), [full(3, N)], registers(N), 0
    for width in (1, 5, 24, 70, 1000):
        m = K if width < 1000 else K // 10
        yield "columns", lambda x: sum64(x, axis=0), [full(m, width)], packed(m), 0
    yield "few", lambda x: sum64(x, axis=0), [full(N // 4, 24)], registers(N // 4), 0
    yield "middle", lambda x: sum64(x, axis=1) / x.shape[1], [full(2, K, 9)], packed(K) + 1, 0
    for shape in ((3000, 1000), (1_000_000, 3)):
        y = near(*shape[::-1], about=1)
        yield "crossed", lambda x, y: np.einsum("ij,ji->", x.astype("f8"), y), [full(*shape), y], registers(N) + 256, 0
    yield "outer", lambda x: sum64(x, axis=(0, 2)), [full(K, 7, 4)], registers(4 * K), 0
    multiply = lambda x, w: x.astype("f8") @ w
    for n in (3, 64, 700):
        k = K if n < 700 else K // 20
        yield "vector", multiply, [full(k), near(k, n, about=1)], packed(k), 0
        yield "row", multiply, [full(1, k), near(k, n, about=1)], packed(k), 0
        yield "three", multiply, [full(3, k), near(k, n, about=1)], packed(k), 0
    yield "times", multiply, [near(5, K, about=1), full(K)], registers(K), 0
    for m, n in ((7, 33), (17, 20)):
        yield "product", multiply, [full(m, K), near(K, n, about=1)], packed(K), 0
        yield "turned", lambda x, w: x.astype("f8") @ w.T, [full(m, K), near(n, K, about=1)], packed(K), 0
    yield "added", lambda x, w, c: c + x.astype("f8") @ w, [full(17, K), near(K, 20, about=1), full(17, 20)], packed(K) + 1, 0
    yield "narrow", multiply, [full(17, K), near(K, 20, about=1, dtype="f2")], packed(K), 0
    apart = lambda x, y: np.array([[np.sum((a.astype("f8") - b) ** 2) for b in y.T] for a in x])
    # A difference is rounded as well, and its square doubles that.
    for m, n in ((2, 300), (33, 130)):
        yield "distances", apart, [full(m, 6000), near(6000, n, about=1)], packed(6000) + 3, 0
    yield "windows", windows, [full(30000, 18), near(8, 30000, 3, about=1)], packed(90000), 0


def main():
    count, worst = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/m.mad", "w") as f:
            f.write(SOURCE)
        for target in ("x86-64", "x86-64-v3", "x86-64-v4"):
            name = "m" + target[-2:]
            done = subprocess.run([mad, "build", f"{folder}/m.mad", f"--name={name}", f"--target={target}",
                                   "-o", folder], capture_output=True, text=True)
            if done.returncode:
                sys.exit(done.stderr)
            try:
                model = host.load(f"{folder}/lib{name}.so")
            except host.Error as error:
                print(f"{target} cannot run here: {error}")
                continue
            for entry, reference, inputs, roundings, own in cases(np.random.default_rng(1)):
                got = getattr(model, entry)(*inputs)
                if isinstance(got, tuple):
                    got = np.array([np.asarray(g).item() for g in got])
                got, want = np.asarray(got).astype("f8"), reference(*inputs)
                size = np.max(np.abs(want)) if entry != "total" else np.sum(np.abs(inputs[0]), dtype="f8")
                error, bound = np.max(np.abs(got - want)) / size, gamma(roundings + 1) + own
                if os.environ.get("VERBOSE"):
                    print(target, entry, [i.shape for i in inputs], f"{error:.2e} {bound:.2e}", "" if error <= bound else "BAD")
                    continue
                if got.shape != want.shape or not error <= bound:
                    sys.exit(f"{target}: {entry} of {[i.shape for i in inputs]}: off by {error:.2e}, more than {bound:.2e}")
                count += 1
    print(f"{count} long sums are right")


main()
