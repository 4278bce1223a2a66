"""usage: gguf.py MAD FOLDER

Encodes tensors in every block format of GGUF, from codes that are chosen here,
and compares what `mad run` reads with the formula of the format, bit for bit.
The encoders follow the description of the formats and share nothing with the
reader: they work on whole arrays of codes [blocks, elements].
"""
import os
import struct
import subprocess
import sys

import numpy as np

mad, folder = sys.argv[1:3]
random = np.random.default_rng(7)
F = np.float32
BLOCKS = 6


def halves(count=BLOCKS):
    """Scales as f16, some of them subnormal, negative or zero."""
    d = random.normal(0, 0.1, count).astype(np.float16)
    d[1] = np.float16(3e-7)
    d[2] = -d[2]
    d[3] = 0
    return d


def raw(array):
    """The bytes of each row."""
    return np.ascontiguousarray(array).view(np.uint8).reshape(len(array), -1)


def codes(bits, elements, count=BLOCKS):
    q = random.integers(0, 1 << bits, (count, elements))
    q[0, : 1 << bits] = np.arange(1 << bits)[:elements]
    return q


def nibbles(q):
    """Element j low, j + half high, of each row."""
    h = q.shape[-1] // 2
    return (q[..., :h] | q[..., h:] << 4).astype(np.uint8)


def bits(flags):
    """Packs the last axis into bytes, the first one lowest."""
    return np.packbits(flags.astype(np.uint8), axis=-1, bitorder="little")


def column(x):
    return x.astype(F)[:, None]


def q4_0():
    d, q = halves(), codes(4, 32)
    return 32, np.hstack([raw(d), nibbles(q)]), (q - 8).astype(F) * column(d)


def q4_1():
    d, m, q = halves(), halves(), codes(4, 32)
    return 32, np.hstack([raw(d), raw(m), nibbles(q)]), q.astype(F) * column(d) + column(m)


def q5_0():
    d, q = halves(), codes(5, 32)
    return 32, np.hstack([raw(d), bits(q >> 4), nibbles(q & 15)]), (q - 16).astype(F) * column(d)


def q5_1():
    d, m, q = halves(), halves(), codes(5, 32)
    packed = np.hstack([raw(d), raw(m), bits(q >> 4), nibbles(q & 15)])
    return 32, packed, q.astype(F) * column(d) + column(m)


def q8_0():
    d, q = halves(), codes(8, 32) - 128
    return 32, np.hstack([raw(d), raw(q.astype(np.int8))]), q.astype(F) * column(d)


def q8_1():
    d, s, q = halves(), halves(), codes(8, 32) - 128
    return 32, np.hstack([raw(d), raw(s), raw(q.astype(np.int8))]), q.astype(F) * column(d)


def q1_0():
    d, q = halves(), codes(1, 128)
    return 128, np.hstack([raw(d), bits(q)]), np.where(q, column(d), -column(d))


def fours(q):
    """Four elements of two bits a byte, side by side."""
    q = q.reshape(len(q), -1, 4)
    return (q << np.array([0, 2, 4, 6])).sum(-1).astype(np.uint8)


def q2_0():
    d, q = halves(), codes(2, 64)
    return 64, np.hstack([raw(d), fours(q)]), (q - 1).astype(F) * column(d)


def planes(q):
    """Two bits an element: in each half of 128, four runs of 32 share 32 bytes."""
    q = q.reshape(len(q), 2, 4, 32)
    return (q << np.array([0, 2, 4, 6])[:, None]).sum(2).astype(np.uint8).reshape(len(q), 64)


def spread(scales, run):
    return np.repeat(scales, run, axis=1)


def q8_k():
    d = random.normal(size=BLOCKS).astype(F)
    q = codes(8, 256) - 128
    sums = q.reshape(BLOCKS, 16, 16).sum(-1).astype(np.int16)
    return 256, np.hstack([raw(d), raw(q.astype(np.int8)), raw(sums)]), column(d) * q.astype(F)


def q2_k():
    d, dmin, q, sc, mn = halves(), halves(), codes(2, 256), codes(4, 16), codes(4, 16)
    packed = np.hstack([(sc | mn << 4).astype(np.uint8), planes(q), raw(d), raw(dmin)])
    scale = spread(column(d) * sc.astype(F), 16)
    least = spread(column(dmin) * mn.astype(F), 16)
    return 256, packed, scale * q.astype(F) - least


def q3_k():
    d, q, sc = halves(), codes(3, 256), codes(6, 16)
    # Bit j of byte l is the high bit of element 32j + l.
    high = bits((q >> 2).reshape(BLOCKS, 8, 32).transpose(0, 2, 1)).reshape(BLOCKS, 32)
    low = (sc[:, :8] & 15 | (sc[:, 8:] & 15) << 4).astype(np.uint8)
    top = (sc >> 4).reshape(BLOCKS, 4, 4)
    top = (top << np.array([0, 2, 4, 6])[:, None]).sum(1).astype(np.uint8)
    packed = np.hstack([high, planes(q & 3), low, top, raw(d)])
    scale = spread(column(d) * (sc - 32).astype(F), 16)
    return 256, packed, scale * (q - 4).astype(F)


def pairs_of_six(sc, mn):
    """Eight scales and eight minima of six bits in twelve bytes."""
    first = sc[:, :4] | (sc[:, 4:] >> 4) << 6
    second = mn[:, :4] | (mn[:, 4:] >> 4) << 6
    third = sc[:, 4:] & 15 | (mn[:, 4:] & 15) << 4
    return np.hstack([first, second, third]).astype(np.uint8)


def q45_k(width):
    d, dmin, q = halves(), halves(), codes(width, 256)
    sc, mn = codes(6, 8), codes(6, 8)
    low = nibbles((q & 15).reshape(BLOCKS * 4, 64)).reshape(BLOCKS, 128)
    parts = [raw(d), raw(dmin), pairs_of_six(sc, mn)]
    if width == 5:
        parts.append(bits((q >> 4).reshape(BLOCKS, 8, 32).transpose(0, 2, 1)).reshape(BLOCKS, 32))
    scale = spread(column(d) * sc.astype(F), 32)
    least = spread(column(dmin) * mn.astype(F), 32)
    return 256, np.hstack(parts + [low]), scale * q.astype(F) - least


def q6_k():
    d, q, sc = halves(), codes(6, 256), codes(8, 16) - 128
    half = q.reshape(BLOCKS, 2, 4, 32)
    low = half[:, :, :2] & 15 | (half[:, :, 2:] & 15) << 4
    high = (half >> 4 << np.array([0, 2, 4, 6])[:, None]).sum(2)
    packed = np.hstack([low.astype(np.uint8).reshape(BLOCKS, 128),
                        high.astype(np.uint8).reshape(BLOCKS, 64), raw(sc.astype(np.int8)), raw(d)])
    return 256, packed, spread(column(d) * sc.astype(F), 16) * (q - 32).astype(F)


def base3(digits):
    """Five digits (the last ones 0 when there are four) as a byte."""
    value = np.zeros(digits.shape[:-1], int)
    for n in range(5):
        value = value * 3 + (digits[..., n] if n < digits.shape[-1] else 0)
    return ((value * 256 + 242) // 243).astype(np.uint8)


def tq1_0():
    d = halves()
    q = random.integers(0, 3, (BLOCKS, 256))
    first = base3(q[:, :160].reshape(BLOCKS, 5, 32).transpose(0, 2, 1))
    second = base3(q[:, 160:240].reshape(BLOCKS, 5, 16).transpose(0, 2, 1))
    third = base3(q[:, 240:].reshape(BLOCKS, 4, 4).transpose(0, 2, 1))
    return 256, np.hstack([first, second, third, raw(d)]), (q - 1).astype(F) * column(d)


def tq2_0():
    d = halves()
    q = random.integers(0, 3, (BLOCKS, 256))
    return 256, np.hstack([planes(q), raw(d)]), (q - 1).astype(F) * column(d)


NONLINEAR = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], F)
E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6], F)


def iq4_nl():
    d, q = halves(), codes(4, 32)
    return 32, np.hstack([raw(d), nibbles(q)]), column(d) * NONLINEAR[q]


def iq4_xs():
    d, q, sc = halves(), codes(4, 256), codes(6, 8)
    high = (sc >> 4 << 2 * np.arange(8)).sum(1).astype(np.uint16)
    low = (sc[:, ::2] & 15 | (sc[:, 1::2] & 15) << 4).astype(np.uint8)
    body = nibbles(q.reshape(BLOCKS * 8, 32)).reshape(BLOCKS, 128)
    scale = spread(column(d) * (sc - 32).astype(F), 32)
    return 256, np.hstack([raw(d), raw(high), low, body]), scale * NONLINEAR[q]


def mxfp4():
    # Exponents at both ends: the products are exact, subnormal ones too.
    e, q = np.array([127, 0, 1, 2, 250, 130], np.uint8), codes(4, 32)
    scale = np.ldexp(1.0, e.astype(int) - 127)[:, None]
    return 32, np.hstack([raw(e), nibbles(q)]), (scale * E2M1[q].astype(float)).astype(F)


def nvfp4():
    sc, q = codes(7, 4), codes(4, 64)
    sc[0] = [0, 127, 1, 126]
    exponent, fraction = sc >> 3, sc & 7
    scale = np.where(exponent, (1 + fraction / 8) * 2.0 ** (exponent - 7), fraction * 2.0**-9)
    scale = np.where((sc == 0) | (sc == 127), 0, scale)
    body = nibbles(q.reshape(BLOCKS * 4, 16)).reshape(BLOCKS, 32)
    value = spread(scale, 16) * E2M1[q].astype(float)
    return 64, np.hstack([sc.astype(np.uint8), body]), value.astype(F)


GGUF_TYPES = {
    2: q4_0, 3: q4_1, 6: q5_0, 7: q5_1, 8: q8_0, 9: q8_1, 10: q2_k, 11: q3_k,
    12: lambda: q45_k(4), 13: lambda: q45_k(5), 14: q6_k, 15: q8_k, 20: iq4_nl, 23: iq4_xs,
    34: tq1_0, 35: tq2_0, 39: mxfp4, 40: nvfp4, 41: q1_0, 42: q2_0,
}


def text(string):
    return struct.pack("<Q", len(string)) + string.encode()


def container(tensors, version=3, alignment=64):
    """tensors: (name, type, shape row-major, bytes)"""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), 3)
    head += text("general.architecture") + struct.pack("<I", 8) + text("none")
    head += text("general.alignment") + struct.pack("<II", 4, alignment)
    head += text("tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("bc")
    data = b""
    for name, kind, shape, content in tensors:
        data += bytes(-len(data) % alignment)
        head += text(name) + struct.pack("<I", len(shape))
        head += struct.pack("<%dQ" % len(shape), *reversed(shape))
        head += struct.pack("<IQ", kind, len(data))
        data += content
    return head + bytes(-len(head) % alignment) + data


def write(name, content):
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content)


def read(name):
    """What the compiler reads, through a model that answers with its input."""
    out = os.path.join(folder, "out.npy")
    subprocess.run([mad, "run", "--target=ref", os.path.join(folder, "same.mad"), "same",
                    "x=" + os.path.join(folder, "all.gguf") + ":" + name, "-o", out], check=True)
    return np.load(out)


write("same.mad", b"export fn same[N, K](x: f32[N, K]) -> f32[N, K] { x }\n")
tensors, expected = [], {}
with np.errstate(all="ignore"):
    for kind, encode in GGUF_TYPES.items():
        block, packed, values = encode()
        name = "blk.0.type%d.weight" % kind
        assert values.dtype == F and packed.dtype == np.uint8, kind
        # Rows of several blocks, the contracted dimension last.
        shape = (BLOCKS // 2, 2 * block)
        tensors.append((name, kind, shape, packed.tobytes()))
        expected[name] = values.reshape(shape)
    # Of a second layer, for gguf-kept.mad.
    shape = (BLOCKS // 2, 512)
    tensors.append(("blk.1.type12.weight", 12, shape, GGUF_TYPES[12]()[1].tobytes()))
plain = random.normal(size=(3, 5))
brain = plain.astype(F).view(np.uint32) >> 16
tensors += [("f32", 0, (3, 5), plain.astype(F).tobytes()),
            ("f16", 1, (3, 5), plain.astype(np.float16).tobytes()),
            ("bf16", 30, (3, 5), brain.astype(np.uint16).tobytes()),
            ("i8", 24, (3, 5), np.arange(-7, 8, dtype=np.int8).tobytes())]
expected["f32"] = plain.astype(F)
expected["f16"] = plain.astype(np.float16).astype(F)
expected["bf16"] = (brain << 16).astype(np.uint32).view(F)
expected["i8"] = np.arange(-7, 8).reshape(3, 5).astype(F)
for version in 2, 3:
    write("all.gguf", container(tensors, version))
    for name, values in expected.items():
        actual = read(name)
        same = actual.view(np.uint32) == values.view(np.uint32)
        assert actual.shape == values.shape and same.all(), (name, actual, values)
    print("version", version, "read", len(expected), "formats")
