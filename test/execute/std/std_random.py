"""std.random against Philox4x32-10 (Salmon et al., 2011) and its formulas in NumPy."""
import numpy as np

from harness import Input, case, given, i32s, main, normal

LOW = np.uint64(0xFFFFFFFF)
KEYS = ([7, -9], [0, 0], [-1, 2147483647])


def philox(key, counter, count):
    """`count` words, as uint64: blocks follow the counter."""
    start = sum(int(np.uint32(int(c) & 0xFFFFFFFF)) << 32 * i for i, c in enumerate(counter))
    blocks = [start + b for b in range(-(-count // 4))]
    c = [np.array([n >> 32 * i & 0xFFFFFFFF for n in blocks], np.uint64) for i in range(4)]
    k = [int(v) & 0xFFFFFFFF for v in key]
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        high, low = a >> np.uint64(32), a & LOW
        c = [(b >> np.uint64(32)) ^ c[1] ^ np.uint64(k[0]), b & LOW, high ^ c[3] ^ np.uint64(k[1]), low]
        k = [k[0] + 0x9E3779B9 & 0xFFFFFFFF, k[1] + 0xBB67AE85 & 0xFFFFFFFF]
    return np.stack(c, 1).reshape(-1)[:count] if count else np.zeros(0, np.uint64)


def words(key, stream, n):
    return philox(key, [0, 0, stream, 0], n).astype(np.uint32).view(np.int32)


def doubles(key, upper, lower, n):
    """Two streams as the words of i64."""
    return (words(key, upper, n).astype(np.int64) << 32) + words(key, lower, n).view(np.uint32)


def bits64(key, n):
    return doubles(key, 0, 1, n)


def uniform(wide):
    if wide:
        return lambda k, n: (bits64(k, n) // 2048 + 2**52) * 2.0**-53
    return lambda k, n: (words(k, 0, n) // 256 + 2**23) * 2.0**-24


def uniform_pair(k, n):
    """u and v of the transform of Box and Muller, f32 and f64."""
    return (abs(words(k, 0, n) + 0.5) * 2.0**-31, words(k, 1, n) * (np.pi * 2.0**-31),
            abs(bits64(k, n) + 0.5) * 2.0**-63, doubles(k, 2, 3, n) * (np.pi * 2.0**-63))


def pick(x, single, double):
    """1 + 2^-30 is 1 in f32: the element type of a run by its input `m`."""
    return single if x == 1 else double


MARK = given(1 + 2.0**-30)


def draw(text, single, double, rounds=4, scale=0.0):
    """`text` makes N numbers; `x` gives N, `m` tells the type."""
    for key in KEYS:
        case(f"let r: $T[N] = {text}\n  r + 0.0 * m",
             lambda x, k, m: pick(m, single, double)(k, len(x)), rounds=rounds,
             scale=scale, special="differs", x=normal("N"), k=i32s(key), m=MARK)


draw("random.uniform(k, [N])", uniform(False), uniform(True))
draw("random.uniform(k, [N], low = -2.0, high = 3.0)",
     lambda k, n: 5 * uniform(False)(k, n) - 2, lambda k, n: 5 * uniform(True)(k, n) - 2, scale=2.0)


def box(wide):
    def make(k, n):
        u, v = uniform_pair(k, n)[2 * wide:2 * wide + 2]
        return np.sqrt(-2 * np.log(u)) * np.cos(v)
    return make


# u near 1 has lost its digits when it is rounded: the root is wrong by sqrt(2^-24) there at most,
# and not at all for these keys. cos has the error of an angle of up to pi.
draw("random.normal(k, [N])", box(False), box(True), rounds=40, scale=1.0)
draw("random.normal(k, [N], mean = 10.0, deviation = 2.0)", lambda k, n: 10 + 2 * box(False)(k, n),
     lambda k, n: 10 + 2 * box(True)(k, n), rounds=40, scale=1.0)


def waiting(wide):
    def make(k, n):
        u = abs(bits64(k, n) + 0.5) * 2.0**-63 if wide else abs(words(k, 0, n) + 0.5) * 2.0**-31 * (1 - 2.0**-24)
        return -np.log1p(-u)
    return make


# 1 - u has an error of u 2^-24 / (1 - u), for these draws below 40 roundings.
draw("random.exponential(k, [N], rate = 2.0)", lambda k, n: waiting(False)(k, n) / 2,
     lambda k, n: waiting(True)(k, n) / 2, rounds=40, scale=1.0)

for key in KEYS:
    some = dict(x=normal("N"), k=i32s(key), special="differs")
    case("random.bits(k, [N])", lambda x, k: words(k, 0, len(x)), **some)
    case("random.bits64(k, [N])", lambda x, k: bits64(k, len(x)), **some)
    case("random.bernoulli(k, [N], p = 0.3)",
         lambda x, k: uniform(False)(k, len(x)) < np.float32(0.3), **some)
    case("random.randint(k, [N], low = -5, high = 12)",
         lambda x, k: -5 + (bits64(k, len(x)) // 2 + 2**62) % 17, **some)
    case("random.permutation(k, N)", lambda x, k: np.argsort(bits64(k, len(x)), kind="stable"), **some)
    case("random.shuffle(k, x)", lambda x, k: x[np.argsort(bits64(k, len(x)), kind="stable")],
         x=normal("N", 3), k=i32s(key))
    case("random.split(k, 3)",
         lambda k: philox(k, [0, 0, 0, 1], 12).astype(np.uint32).view(np.int32).reshape(3, 4)[:, :2],
         k=i32s(key))


def races(x, k):
    """f32 and f64 draw other numbers; with these logits the class does not depend on the last digits."""
    t = pick_type(x)(k, x.size).reshape(x.shape)
    return np.argmax(x - np.log(t), -1)


def pick_type(x):
    return waiting(not np.array_equal(x, x.astype(np.float32)))


case("random.categorical(k, x)", races, special="differs", x=normal("N", 3), k=i32s(KEYS[0]))
case("random.key(n[0])", lambda n: np.array([5, 3], np.int32), 
     n=Input((1,), lambda s: np.array([3 * 2**32 + 5]), "i64"))

main(["random"])
