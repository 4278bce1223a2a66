#!/usr/bin/env python3
"""Compares std.linalg with NumPy: numpy-linalg.py MAD PROGRAM.mad

Every check is a residual against the bound of the theory (Higham 2002; chapters as in linalg.mad):
c * n * eps * the norms that stand there, where n is the longest sum and c = 4 pays for the products
that are rounded along the way, in all of them. NumPy computes in f64; for f64 results its own error
is of the size of the bound and inside of c.
"""
import os
import sys
import tempfile

import numpy as np

from compiled import Program

C = 4.0
norm = np.linalg.norm


class Typed(Program):
    """Entries for f32 and f64 have that in their names."""

    def __call__(self, entry, dtype, **inputs):
        entry += "_f32" if dtype == np.float32 else "_f64"
        return super().__call__(entry, **{n: np.asarray(v, dtype) for n, v in inputs.items()})


def within(what, error, bound):
    if not np.all(error <= bound):  # not with NaN either
        sys.exit(f"{what}: error {np.max(error):.3g}, bound {np.max(bound):.3g}")


def spread(rng, m, n, dtype, condition):
    """A matrix with singular values from 1 down to 1 / condition."""
    u = np.linalg.qr(rng.standard_normal((m, max(n, 1))))[0][:, :n]
    v = np.linalg.qr(rng.standard_normal((n, max(n, 1))))[0][:, :n]
    s = condition ** -(np.arange(n) / max(n - 1, 1))
    return ((u * s) @ v.T).astype(dtype).astype(np.float64)


def cholesky(run, rng, n, dtype, eps):
    b = spread(rng, n, n, dtype, 30.0)
    a = (b @ b.T + 1e-3 * np.eye(n)).astype(dtype).astype(np.float64)
    a = np.tril(a) + np.tril(a, -1).T
    l = run("cholesky", dtype, a=np.tril(a) + np.triu(np.full((n, n), np.nan), 1))
    within("triangle", norm(np.triu(l, 1)), 0)
    within("cholesky", norm(l @ l.T - a), C * n * eps * norm(a))
    rhs = rng.standard_normal(n).astype(dtype).astype(np.float64)
    x = run("positive", dtype, a=a, b=rhs)
    within("solve_cholesky", norm(a @ x - rhs), 3 * C * n * eps * norm(a) * norm(x))


def triangular(run, rng, n, dtype, eps):
    a = (rng.standard_normal((n, n)) + np.sqrt(n + 1) * np.eye(n)).astype(dtype).astype(np.float64)
    b = rng.standard_normal((n, 3)).astype(dtype).astype(np.float64)
    xs = run("triangular", dtype, a=a, b=b)
    unit = np.tril(a, -1) + np.eye(n)
    for which, (t, x) in enumerate(zip(
            [np.tril(a), np.triu(a), np.tril(a).T, np.triu(a).T, unit], xs)):
        if which == 4 and not np.all(np.abs(x) < 1e30):
            continue  # a random unit triangle is as ill conditioned as it is large
        within(f"solve_triangular {which}", np.abs(t @ x - b), C * max(n, 1) * eps * (abs(t) @ abs(x)) + 1e-300)


def lu(run, rng, n, dtype, eps):
    a = spread(rng, n, n, dtype, 100.0)
    f, p, det = run("lu", dtype, a=a)
    if n and not np.array_equal(np.sort(p), np.arange(n)):
        sys.exit("lu: no permutation")
    l, u = np.tril(f, -1) + np.eye(n), np.triu(f)
    within("pivots", np.max(abs(l), initial=0), 1)
    within("lu", np.abs(l @ u - a[p]), C * max(n, 1) * eps * (abs(l) @ abs(u)))
    # The determinant of a + d, to first order: |d| cond(a) n relative.
    within("det", abs(det - np.linalg.det(a)), C * n * eps * norm(a) * 100 * np.sqrt(max(n, 1)) * n * abs(np.linalg.det(a)) + 1e-300)
    b = rng.standard_normal((n, 2)).astype(dtype).astype(np.float64)
    x, inverse = run("solve", dtype, a=a, b=b)
    bound = 3 * C * max(n, 1) * eps * norm(abs(l) @ abs(u))
    within("solve", norm(a @ x - b), bound * norm(x))
    within("inv", norm(a @ inverse - np.eye(n)), bound * norm(inverse))


def qr(run, rng, n, dtype, eps):
    for extra in (0, 5):
        m = n + extra
        a = spread(rng, m, n, dtype, 100.0)
        b = rng.standard_normal(m).astype(dtype).astype(np.float64)
        q, r, x = run("qr", dtype, a=a, b=b)
        within("triangle", norm(np.tril(r, -1)), 0)
        within("qr", norm(q @ r - a), C * m * eps * np.sqrt(n) * norm(a))
        within("orthonormal", norm(q.T @ q - np.eye(n)), C * m * eps * n)
        best = np.linalg.lstsq(a, b, rcond=None)[0] if n else np.zeros(0)
        # Higham 20.1: of cond, and of its square times the residual.
        rest = norm(b - a @ best)
        within("lstsq", norm(x - best), C * m * n * eps * (100 * norm(best) + 1e4 * rest) + 1e-300)


def jacobi(run, rng, n, dtype, eps):
    a = rng.standard_normal((n, n))
    a = (a + a.T).astype(dtype).astype(np.float64)
    w, v = run("eigh", dtype, a=a)
    bound = C * n * 10 * eps
    within("eigh", norm(a @ v - v * w), bound * norm(a))
    within("eigenvectors", norm(v.T @ v - np.eye(n)), bound)
    within("eigenvalues", norm(w - np.linalg.eigvalsh(a)), bound * norm(a))
    for extra in (0, 4):
        a = spread(rng, n + extra, n, dtype, 1000.0)
        u, s, v = run("svd", dtype, a=a)
        within("svd", norm(u * s @ v.T - a), bound * norm(a))
        within("u", norm(u.T @ u - np.eye(n)), bound * 10)
        within("v", norm(v.T @ v - np.eye(n)), bound)
        if n:
            within("singular values", np.abs(s - np.linalg.svd(a, compute_uv=False)), bound * norm(a))


def batch(run, rng, n, dtype, eps):
    b = rng.standard_normal((3, n, n))
    a = (b @ b.transpose(0, 2, 1) / max(n, 1) + np.eye(n)).astype(dtype).astype(np.float64)
    l, d = run("batch", dtype, a=a)
    for i in range(3):
        within("batch", norm(l[i] @ l[i].T - a[i]), C * n * eps * norm(a[i]))
        within("dets", abs(d[i] - np.linalg.det(a[i])), C * n * eps * 10 * n * abs(np.linalg.det(a[i])) + 1e-300)


def main():
    mad, path = (os.path.abspath(p) for p in sys.argv[1:])
    checks = 0
    with tempfile.TemporaryDirectory() as folder:
        run = Typed(mad, path, folder)
        for dtype in (np.float32, np.float64):
            eps = float(np.finfo(dtype).eps)
            for n in (0, 1, 2, 7, 33):
                rng = np.random.default_rng(n)
                for check in (cholesky, triangular, lu, qr, jacobi, batch):
                    check(run, rng, n, dtype, eps)
                    checks += 1
    print(f"{checks} checks within their bounds")


main()
