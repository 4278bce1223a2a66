"""Numbers of the element types of MAD in NumPy, written apart from the compiler.

f16 is NumPy's; bf16, which NumPy lacks, is held in f32. Floats of any type are compared in f64.
"""
import json
from fractions import Fraction

import numpy as np

FLOATS = ("f16", "bf16", "f32", "f64")
INTEGERS = ("i8", "u8", "i32", "i64")
TYPES = FLOATS + INTEGERS
#: Bits of the fraction with the leading one, least exponent of a normal number, greatest exponent.
LAYOUT = {"f16": (11, -14, 15), "bf16": (8, -126, 127), "f32": (24, -126, 127),
          "f64": (53, -1022, 1023)}
NUMPY = {"f16": np.float16, "bf16": np.float32, "f32": np.float32, "f64": np.float64,
         "i8": np.int8, "u8": np.uint8, "i32": np.int32, "i64": np.int64, "bool": np.bool_}


def ulp(element, value):
    """The distance of neighbouring numbers at a magnitude."""
    precision, least, _ = LAYOUT[element]
    magnitude = np.abs(np.asarray(value, np.float64))
    with np.errstate(all="ignore"):
        exponent = np.where((magnitude > 0) & np.isfinite(magnitude),
                            np.frexp(magnitude)[1] - 1, least)
    return np.ldexp(1.0, np.maximum(exponent, least) - (precision - 1))


def round_one(element, value):
    """The nearest number, ties to even, of a float or an integer of any size, as a float."""
    if isinstance(value, float) and (value != value or value in (np.inf, -np.inf) or value == 0):
        return value
    if value == 0:
        return 0.0
    precision, least, greatest = LAYOUT[element]
    exact = Fraction(value)
    size = abs(exact)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    while Fraction(2) ** exponent > size:
        exponent -= 1
    while Fraction(2) ** (exponent + 1) <= size:
        exponent += 1
    unit = Fraction(2) ** (max(exponent, least) - (precision - 1))
    nearest = round(exact / unit) * unit  # Python rounds halves to even
    if abs(nearest) >= Fraction(2) ** (greatest + 1):
        return float("inf") if exact > 0 else float("-inf")
    return -0.0 if nearest == 0 and exact < 0 else float(nearest)


def rounded(element, values):
    values = np.asarray(values)
    flat = [round_one(element, v) for v in values.reshape(-1).tolist()]
    return np.array(flat, np.float64).reshape(values.shape)


def bits_of(element):
    return {"i8": 8, "u8": 8, "i32": 32, "i64": 64}[element]


def limits(element):
    bits = bits_of(element)
    return (0, 2**bits - 1) if element == "u8" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def wrap(element, value):
    low, high = limits(element)
    return (value - low) % (high - low + 1) + low


def saturate(element, value):
    low, high = limits(element)
    if value != value:
        return 0
    if value in (np.inf, -np.inf):
        return high if value > 0 else low
    return min(max(int(value), low), high)


def integers(element, values, shape=None):
    """Python integers, each wrapped, as an array."""
    array = np.array([wrap(element, int(v)) for v in values], NUMPY[element])
    return array if shape is None else array.reshape(shape)


def write_safetensors(path, tensors):
    """`tensors`: name -> (element, array). bf16 arrays are f32 and exact."""
    codes = {"f16": "F16", "bf16": "BF16", "f32": "F32", "f64": "F64", "i8": "I8", "u8": "U8",
             "i32": "I32", "i64": "I64", "bool": "BOOL"}
    header, blobs, at = {}, [], 0
    for name, (element, array) in tensors.items():
        array = np.array(array, NUMPY[element], order="C")
        if element == "bf16":
            array = (array.reshape(-1).view(np.uint32) >> 16).astype(np.uint16).reshape(array.shape)
        data = array.tobytes()
        header[name] = {"dtype": codes[element], "shape": list(array.shape),
                        "data_offsets": [at, at + len(data)]}
        blobs.append(data)
        at += len(data)
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def read_safetensors(path):
    """name -> (element, array)."""
    with open(path, "rb") as f:
        data = f.read()
    size = int.from_bytes(data[:8], "little")
    result = {}
    for name, entry in json.loads(data[8 : 8 + size]).items():
        element = entry["dtype"].lower()
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        raw = data[begin:end]
        if element == "bf16":
            array = (np.frombuffer(raw, np.uint16).astype(np.uint32) << 16).view(np.float32)
        else:
            array = np.frombuffer(raw, NUMPY[element])
        result[name] = (element, array.reshape(entry["shape"]))
    return result
