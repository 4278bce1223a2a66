"""std.math against NumPy."""
import math

import numpy as np

from harness import Input, bools, case, given, integers, main, normal, uniform

specials = given([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-30, -88.0, 88.0, 0.5])
erfc = np.vectorize(math.erfc, otypes=[np.float64])


def trapezoid(x, dx):
    return dx * (x.sum(-1) - 0.5 * (x[..., 0] + x[..., -1]))


def logsumexp(x, axis):
    most = x.max(axis, keepdims=True)
    pivot = np.where(np.isfinite(most), most, 0.0)
    return np.log(np.exp(x - pivot).sum(axis)) + pivot.squeeze(axis)


for x in (normal("N", 13), specials):
    case("math.clamp(x, low = -0.5, high = 0.75)", lambda x: np.clip(x, -0.5, 0.75), x=x)
    case("math.square(x)", np.square, x=x)
    case("math.degrees(x)", np.degrees, x=x)
    case("math.radians(x)", np.radians, x=x)
    # log1p, exp and the difference.
    case("math.log_sigmoid(x)", lambda x: np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x))), rounds=12,
         x=x)
    # The exponent has 2 roundings, which exp multiplies by itself.
    case("math.normal_pdf(x)", lambda x: np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi), rounds=8,
         scale=lambda x: np.exp(-0.5 * x * x) * x * x, x=x)
    # So has the argument of erfc, which takes them x^2 + 1 times into its tail.
    case("math.normal_cdf(x)", lambda x: 0.5 * erfc(-x / np.sqrt(2)), rounds=12,
         scale=lambda x: 0.5 * erfc(-x / np.sqrt(2)) * x * x, x=x)

case("math.fract(x)", lambda x: x - np.floor(x), scale=1.0, x=normal("N", 13, scale=20))
case("math.hypot(x, y)", lambda x, y: np.hypot(x, y), rounds=6, x=normal("N", 5), y=normal("N", 5))
case("math.hypot(x, y)", lambda x, y: np.hypot(x, y), rounds=6,
     x=given([3e30, 3e-30, 0.0, np.inf, -np.inf, 0.0, 1.0]),
     y=given([4e30, 4e-30, 0.0, 1.0, np.inf, -2.0, np.nan]))
case("math.lerp(a, b, 0.25)", lambda a, b: a + (b - a) * 0.25, scale=lambda a, b: abs(a) + abs(b),
     a=normal("N", 5), b=normal("N", 5))
case("math.inverse_lerp(x, -1.0, 3.0)", lambda x: (x + 1) / 4, scale=1.0, x=normal("N", 5))
case("math.smoothstep(x, -0.5, 1.0)",
     lambda x: (lambda t: t * t * (3 - 2 * t))(np.clip((x + 0.5) / 1.5, 0, 1)), rounds=12, scale=1.0,
     x=normal("N", 5))
# sin near a multiple of pi has the error of its argument, pi * x.
case("math.sinc(x)", np.sinc, rounds=8, scale=1.0, x=normal("N", 13))
case("math.sinc(x)", np.sinc, rounds=8, scale=1.0, x=given([0.0, -0.0, 1e-20, np.nan, 0.5]))
case("math.logit(p)", lambda p: np.log(p) - np.log1p(-p), rounds=8,
     scale=lambda p: abs(np.log(p)) + abs(np.log1p(-p)), p=uniform("N", 13))
case("math.logit(p)", lambda p: np.log(p) - np.log1p(-p), rounds=8, p=given([0.0, 1.0, 2.0, -1.0]))
case("math.logaddexp(x, y)", np.logaddexp, rounds=12, scale=1.0, x=normal("N", 5), y=normal("N", 5))
case("math.logaddexp(x, y)", np.logaddexp, rounds=12, x=given([1e4, -np.inf, np.inf, 0.0, np.nan]),
     y=given([0.0, -np.inf, np.inf, -np.inf, 0.0]))
case("math.xlogy(x, y)", lambda x, y: np.where((x == 0) & ~np.isnan(y), 0.0, x * np.log(y)), rounds=8,
     x=given([0.0, 0.0, 2.0, 0.0, np.nan]), y=given([0.0, -1.0, 3.0, np.nan, 1.0]))
case("math.xlogy(x, y)", lambda x, y: np.where((x == 0) & ~np.isnan(y), 0.0, x * np.log(y)), rounds=8,
     x=normal("N", 3), y=uniform("N", 3))


def phi(k):
    """The sum of x^j / (j + k)!, in more than f64: by its terms where few are enough and none cancels."""
    def value(x):
        x = np.asarray(x, np.longdouble)
        near = np.abs(x) < 4
        some = np.where(near, x, 0)
        term, total = np.ones_like(x) / math.factorial(k), 0
        for j in range(60):
            total, term = total + term, term * some / (j + k + 1)
        some = np.where(near, 4, x)
        far = np.exp(some)
        for j in range(k):
            far = (far - np.longdouble(1) / math.factorial(j)) / some
        far = np.where(np.isposinf(x), x, far)
        return np.where(near, total, far).astype("f8")
    return value


# By mpmath, with 60 digits.
PHI_AT = [-1e6, -50.0, -2.0, -1.0, -1e-8, 0.0, 1e-8, 1.0, 2.0, 30.0]
PHI = {
    1: [1.0e-6, 0.02, 0.43233235838169365, 0.63212055882855768, 0.99999999500000002,
        1.0, 1.000000005, 1.7182818284590452, 3.1945280494653251, 356215819384.1154],
    2: [9.99999e-7, 0.0196, 0.28383382080915317, 0.36787944117144232, 0.49999999833333334,
        0.5, 0.50000000166666667, 0.71828182845904524, 1.0972640247326626, 11873860646.103847],
    3: [4.99999000001e-7, 0.009608, 0.10808308959542341, 0.13212055882855768, 0.16666666625,
        0.16666666666666667, 0.16666666708333333, 0.21828182845904524, 0.29863201236633128, 395795354.85346156],
}
# The bounds of the library, in units in the last place, each of at most two units of roundoff.
for k, ulps in ((1, 6), (2, 12), (3, 18)):
    case(f"math.phi{k}(x)", phi(k), rounds=2 * ulps, x=normal("N", 7, scale=3.0))
    case(f"math.phi{k}(x)", lambda x, k=k: np.array(PHI[k]), rounds=2 * ulps, x=given(PHI_AT))
    case(f"math.phi{k}(x)", lambda x: np.array([0.0, np.inf, np.inf, np.nan]),
         x=given([-np.inf, np.inf, 1000.0, np.nan]))
case("math.gcd(a, b)", np.gcd, a=integers("N", 7, low=-1000, high=1000),
     b=integers("N", 7, low=-1000, high=1000))
case("math.lcm(a, b)", np.lcm, a=integers("N", 7, low=-1000, high=1000),
     b=integers("N", 7, low=-1000, high=1000))
# The least number, and neighbours in the sequence of Fibonacci.
case("math.gcd(a, b)", lambda a, b: np.array([2, 2, 1, 1, 5, 0]),
     a=Input((6,), lambda s: np.array([6, -2**63, 7540113804746346429, 4660046610375530309, 0, 0]), "i64"),
     b=Input((6,), lambda s: np.array([-2**63, 6, 4660046610375530309, 7540113804746346429, -5, 0]), "i64"))

# A sum of n terms has n roundings at most.
case("math.variance(x, 1)", lambda x: np.var(x, axis=1), rounds=40, x=normal("N", 13))
case("math.variance(x, 0, ddof = 1)", lambda x: np.var(x, axis=0, ddof=1), rounds=40,
     x=normal(11, "N"))
case("math.variance(x, 1, ddof = 1)", lambda x: np.full(2, np.nan), x=given(np.ones((2, 1))))
case("math.variance(x, 1, ddof = 1)", lambda x: np.full(2, np.nan), x=given(np.ones((2, 0))))
case("math.std(x, 1)", lambda x: np.std(x, axis=1), rounds=40, x=normal("N", 13))
case("math.rms(x, 1)", lambda x: np.sqrt(np.mean(x * x, axis=1)), rounds=20, x=normal("N", 13))
case("math.logsumexp(x, 1)", lambda x: logsumexp(x, 1), rounds=30, scale=1.0,
     x=normal("N", 13, scale=50))
case("math.logsumexp(x, 1)", lambda x: logsumexp(x, 1), rounds=12,
     x=given([[-np.inf, -np.inf], [np.inf, 0.0], [-np.inf, 1.0], [np.nan, 0.0], [88.0, 89.0]]))
case("math.diff(x)", lambda x: np.diff(x), scale=4.0, x=normal("N", 2, 7))
case("math.diff(x)", lambda x: np.diff(x), scale=4.0, x=normal(1))
case("math.trapezoid(x, 0.5)", lambda x: trapezoid(x, 0.5), rounds=12,
     scale=lambda x: abs(x).sum(-1), x=normal("N", 2, 7))
case("math.linspace($T(0.1), $T(2.3), n = 12) + 0.0 * x[0]", lambda x: np.linspace(0.1, 2.3, 12), rounds=6,
     scale=1.0, x=given([0.0, 0.0]))
case("math.linspace($T(1.5), 4.0, n = 1) + 0.0 * x[0]", lambda x: np.array([1.5]), x=given([0.0, 0.0]))
case("math.polynomial(x, c)", lambda x, c: np.polynomial.polynomial.polyval(x, c), rounds=12,
     scale=lambda x, c: np.polynomial.polynomial.polyval(abs(x), abs(c)), x=normal("N", 5),
     c=normal(6))
case("math.polynomial(x, c)", lambda x, c: np.zeros_like(x), x=normal("N", 5), c=normal(0))
# As many coefficients as one pass takes, and 64 more.
case("math.polynomial(x, c)", lambda x, c: np.polynomial.polynomial.polyval(x, c), rounds=150,
     scale=lambda x, c: np.polynomial.polynomial.polyval(abs(x), abs(c)), x=uniform("N", 5, low=-1.0),
     c=normal(70))
knots = given([-2.0, -1.0, 0.0, 0.5, 3.0])
case("math.search_sorted(s, x)",
     lambda s, x: np.where(np.isnan(x), 0, np.searchsorted(s, x, side="right")), s=knots, x=normal("N", 5, scale=2))
case("math.search_sorted(s, x)", lambda s, x: np.searchsorted(s, x, side="right"), s=knots, x=knots)
for k in (129, 300):
    many = given(np.sort(np.round(np.random.default_rng(k).standard_normal(k), 1)))
    case("math.search_sorted(s, x)",
         lambda s, x: np.where(np.isnan(x), 0, np.searchsorted(s, x, side="right")), s=many, x=normal("N", 7))
    case("math.search_sorted(s, x)", lambda s, x: np.searchsorted(s, x, side="right"), s=many, x=many)
# Of infinite y the line has no slope; NumPy tries its other end, too.
case("math.interpolate(x, s, y)", np.interp, rounds=12, scale=10.0, x=normal("N", 5, scale=2), s=knots,
     y=given(np.arange(5) ** 1.5))
# Exact beyond the ends, where two points at one place have no slope.
case("math.interpolate(x, s, y)", lambda x, s, y: np.append(y[[0, 0, 4, 4]], np.nan), rounds=0,
     x=given([-9.0, 0.0, 3.0, 9.0, np.nan]), s=given([0.0, 0.0, 1.0, 3.0, 3.0]), y=given([0.1, 0.1, 0.3, 0.7, 1.7]))

main(["math"])
