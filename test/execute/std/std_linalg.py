"""std.linalg against NumPy, element by element, on every target; test/execute/linalg.mad has the bounds
of the theory for larger and worse matrices. Here all are well conditioned: an error of `rounds` units of
the largest element is one of the backward error, some n, times the condition, below 10."""
import numpy as np

from harness import Input, case, given, integers, main, normal, random

det, inv, solve = np.linalg.det, np.linalg.inv, np.linalg.solve


def matrix(make):
    """N x N."""
    return Input(("N", "N"), lambda s: make(s[0]))


def strong(n):
    """The diagonal outweighs the rest."""
    return random.uniform(-1, 1, (n, n)) + (n + 1) * np.eye(n)


def positive(n):
    a = strong(n) / (n + 1)
    return a @ a.T


def symmetric(n):
    """Eigenvalues 1, 2, ..."""
    q = np.linalg.qr(random.standard_normal((n, n)))[0]
    return q * np.arange(1, n + 1) @ q.T


def apart(rows):
    """rows more rows than columns, singular values 1, 2, ...."""
    def make(s):
        m, n = s
        u = np.linalg.qr(random.standard_normal((m, n)))[0]
        return u * np.arange(1, n + 1) @ np.linalg.qr(random.standard_normal((n, n)))[0].T
    return Input((rows, "N"), make)


def cholesky(a):
    return np.linalg.cholesky(a) if len(a) else a


near = dict(rounds=200, scale=1.0, special="taints")

case("linalg.eye([N, 3], one = $T(2.0)) + 0.0 * x", lambda x: 2 * np.eye(len(x), 3), special="differs",
     x=normal("N", 3))
case("linalg.trace(a)", np.trace, rounds=8, scale=lambda a: abs(np.diag(a)).sum(), a=matrix(strong))
case("linalg.diagonal(a)", np.diag, a=matrix(strong))
case("linalg.outer(a, b)", np.outer, a=normal("N"), b=normal(3))
case("linalg.norm(a)", lambda a: np.linalg.norm(a), rounds=12, special="taints", a=matrix(strong))
case("linalg.norm(a)", lambda a: np.linalg.norm(a / 1e30) * 1e30, rounds=12, a=given([3e30, 4e30, -1e29]))
case("linalg.norm(a)", lambda a: np.nan, a=given([1.0, np.nan]))
case("linalg.norm(a)", lambda a: np.inf, a=given([1.0, -np.inf]))

case("linalg.cholesky(a)", cholesky, **near, a=matrix(positive))
case("linalg.cholesky(a)", lambda a: np.array([[1, 0, 0], [2, np.nan, 0], [0, np.nan, np.nan]]),
     a=given([[1.0, 2, 0], [2, 1, 0], [0, 0, 1]]))
case("linalg.solve_triangular(a, b)", lambda a, b: solve(np.tril(a), b), **near, a=matrix(strong),
     b=normal("N", 3))
case("linalg.solve_triangular(a, b, lower = false, transpose_a = true)",
     lambda a, b: solve(np.triu(a).T, b[:, None])[:, 0], **near, a=matrix(strong), b=normal("N"))
case("linalg.solve_triangular(a, b, lower = false)", lambda a, b: np.array([-np.inf, np.inf]),
     a=given([[1.0, 1.0], [0.0, 0.0]]), b=given([-np.inf, 1.0]))
case("linalg.solve_cholesky(linalg.cholesky(a), b)", solve, **near, a=matrix(positive), b=normal("N", 2))
case("let (f, p) = linalg.lu(a)\n  f + 0.0 * $T(p[0])",
     lambda a: np.array([[4, 5, 6], [0.25, 0.75, 0.5], [0.5, -2 / 3, -2 / 3]]),
     rounds=20, scale=8.0, a=given([[1.0, 2, 2], [4, 5, 6], [2, 2, 2]]))
case("let (f, p) = linalg.lu(a)\n  let (l, u) = (select(broadcast(reshape(iota(N), [N, 1]), [N, N]) > iota(N), f, "
     "linalg.eye([N, N], one = $T(1.0))), select(broadcast(reshape(iota(N), [N, 1]), [N, N]) <= iota(N), f, 0.0))\n  "
     "scatter_set(zeros([N, N], type = $T), p, l @ u)", lambda a: a, rounds=40, scale=10.0, special="taints",
     a=matrix(strong))
case("linalg.solve(a, b)", solve, **near, a=matrix(strong), b=normal("N", 2))
case("linalg.inv(a)", inv, **near, a=matrix(strong))
case("linalg.det(a)", det, rounds=200, special="taints", a=matrix(strong))
case("linalg.det(a)", lambda a: 0.0, a=given([[1.0, 2], [2, 4]]))
case("let (q, r) = linalg.qr(a)\n  q @ r", lambda a: a, **near, a=apart(7))
case("let (q, r) = linalg.qr(a)\n  transpose(q) @ q", lambda a: np.eye(a.shape[1]), **near, a=apart(7))
case("linalg.lstsq(a, b)", lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0], **near, a=apart(7), b=normal(7))

power = np.linalg.matrix_power
for k in (0, 1, 5):
    case(f"linalg.matrix_power(a, {k})", lambda a, k=k: power(a, k), rounds=100 * max(k, 1),
         scale=lambda a, k=k: np.linalg.norm(a)**k if len(a) else 0.0, special="differs" if k == 0 else "taints",
         a=matrix(strong))
case("linalg.matrix_power(a, k[0])", lambda a, k: power(np.linalg.inv(a), -k[0]), rounds=800, scale=1.0,
     special="taints", a=matrix(strong), k=integers(1, low=-4, high=0))


def exponential(a):
    """Of a symmetric one."""
    w, v = np.linalg.eigh(a)
    return v * np.exp(w) @ v.T


# Eigenvalues up to 5, one squaring at most: an error of some N roundings of norm(a) exp(norm(a)).
case("linalg.expm(a)", exponential, rounds=300, scale=lambda a: np.exp(len(a)), special="taints",
     a=matrix(symmetric))
# Nilpotent; a rotation of 40, which takes four squarings; nothing but infinities.
case("linalg.expm(a)", lambda a: np.array([[1.0, 2, 6], [0, 1, 4], [0, 0, 1]]), rounds=20, scale=1.0,
     a=given([[0.0, 2, 2], [0, 0, 4], [0, 0, 0]]))
case("linalg.expm(a)", lambda a: np.array([[np.cos(40), -np.sin(40)], [np.sin(40), np.cos(40)]]), rounds=400,
     scale=1.0, a=given([[0.0, -40.0], [40.0, 0.0]]))
case("linalg.expm(a)", lambda a: np.full((2, 2), np.nan), a=given([[np.inf, 1.0], [0.0, 1.0]]))


def symmetric_phi(k):
    """Of a symmetric one, by its eigenvalues: 1, 2, ..., where the recurrence loses few digits."""
    def value(a):
        w, v = np.linalg.eigh(a)
        y = np.exp(w)
        for j in range(k):
            y = (y - 1 / [1, 1, 2][j]) / w
        return v * y @ v.T
    return value


# phi[k] of a is the block beside exp(a) of a larger matrix, as `expm` of that.
for k in (1, 2, 3):
    case(f"linalg.phi(a, {k})", symmetric_phi(k), rounds=300, scale=lambda a: np.exp(len(a)), special="taints",
         a=matrix(symmetric))
# Nilpotent: a singular one.
case("linalg.phi(a, 1)", lambda a: np.array([[1.0, 1, 7 / 3], [0, 1, 2], [0, 0, 1]]), rounds=40, scale=1.0,
     a=given([[0.0, 2, 2], [0, 0, 4], [0, 0, 0]]))
try:
    from scipy.linalg import expm

    def factor(a):
        size = np.linalg.norm(a, 1) if a.size else 0.0
        return np.exp(min(size, 30.0))

    case("linalg.expm(a)", lambda a: expm(a) if a.size else a, rounds=100, scale=factor, special="taints",
         a=normal("N", "N"))
except ImportError:
    print("without SciPy: expm is compared with closed forms alone")

case("linalg.pinv(a)", lambda a: np.linalg.pinv(a), rounds=4000, scale=1.0, special="taints", a=apart(7))
case("linalg.pinv(a)", lambda a: np.array([[0.12, 0.16], [0, 0]]), rounds=200, a=given([[3.0, 0], [4, 0]]))
case("linalg.cond(a)", np.linalg.cond, rounds=4000, special="differs",
     a=Input((7, 3), lambda s: np.linalg.qr(random.standard_normal((7, 3)))[0] * [1.0, 2.0, 5.0]))
case("linalg.cond(a)", lambda a: np.inf, a=given([[1.0, 0], [0, 0]]))
case("linalg.cond(a)", lambda a: np.inf, a=given([[0.0, 0], [0, 0]]))
case("linalg.cond(a)", lambda a: np.nan, a=given([[np.nan, 0], [0, 1]]))

# Ten sweeps of rotations, each of which adds some roundings.
slow = dict(rounds=2000, scale=1.0, special="taints")
case("let (w, v) = linalg.eigh(a)\n  w", lambda a: np.linalg.eigvalsh(a), **slow, a=matrix(symmetric))
case("let (w, v) = linalg.eigh(a)\n  (v * w) @ transpose(v)", lambda a: a, **slow, a=matrix(symmetric))
case("let (u, s, v) = linalg.svd(a)\n  s", lambda a: np.linalg.svd(a, compute_uv=False), **slow, a=apart(7))
case("let (u, s, v) = linalg.svd(a)\n  (u * s) @ transpose(v)", lambda a: a, **slow, a=apart(7))


# An even number of rows: nobody rests. A quotient that overflows is no rotation.
case("let (w, v) = linalg.eigh(a)\n  (v * w) @ transpose(v)", lambda a: a, rounds=2000, scale=6.0, special="taints",
     a=Input((6, 6), lambda s: symmetric(6)))
case("let (w, v) = linalg.eigh(a)\n  w", lambda a: np.array([-1e20, 1e20]), a=given([[1e20, 1e-20], [1e-20, -1e20]]))

main(["linalg"])
