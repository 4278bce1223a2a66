"""Prints a program with chains of up to N operators: long-chains.py N

All values are whole numbers that f32 holds exactly, so every order of adding gives the same bits and the
results are compared for equality.
"""
import sys

n = int(sys.argv[1])
few = n // 4


def chain(operator, term, count=n):
    return f" {operator} ".join(term(i) if callable(term) else term for i in range(count))


def signs(first, second):
    """first - second + first - second ..."""
    return first + "".join(f" {'+-'[i % 2]} {first if i % 2 == 0 else second}" for i in range(1, n))


ones = chain("+", "1")
print(f"""
// EXECUTE: sums x=3 y=[1,-2,3] rtol=0 atol=0
// EXECUTE: products y=[1,-1,1] rtol=0 atol=0
// EXECUTE: logic k={few - 1}
// EXECUTE: turned w=[[0,1,0],[0,0,1],[1,0,0]] x=[1,2,3] rtol=0 atol=0
// EXECUTE: links k={n - 1} x=[2,3] rtol=0 atol=0
// EXECUTE: links k=63 x=[2,3] rtol=0 atol=0
// EXECUTE: links k=64 x=[2,3] rtol=0 atol=0
// EXECUTE: links k=-5 x=[2,3] rtol=0 atol=0
// EXECUTE: updated x=random:1 rtol=0 atol=0
// EXECUTE: notation y=[1,-2,3] w=[[1,2,0],[0,1,-1],[3,0,1]] rtol=0 atol=0
// EXECUTE: sizes x=[4,5,6] rtol=0 atol=0

const count = {ones}
dim One = {ones} - {n - 1}

export fn sums(x: f32, y: f32[3]) -> (f32, f32[3], f32) {{
  let a = {chain("+", lambda i: "x" if i % 3 else "2.0")}
  let b = {chain("+", lambda i: "y" if i % 3 else "x * y")}
  (a, b, {signs("x", "1.0")})
}}

export fn products(y: f32[3]) -> (f32[3], f32) {{
  let a = {chain("*", lambda i: "y" if i % 3 else "-1.0", few)}
  let b = sum[k]({chain("*", "y[k]", few)})
  (a, b)
}}

export fn links(k: i64, x: f32[2]) -> (f32, f32[2], i64, f32[2]) {{
  let a = {" else ".join(f"if k == {i} {{ {i}.0 }}" for i in range(n))} else {{ -1.0 }}
  let (b, c) = {" else ".join(f"if k == {i} {{ ({i}.0 * x, {i}) }}" for i in range(70))} else {{ (-x, k) }}
  let d[i] = {" else ".join(f"if k + i == {i} {{ {i}.0 * x[i] }}" for i in range(70))} else {{ x[i] }}
  (a, b, c, d)
}}

export fn updated(x: f32[{few}]) -> f32[{few}] {{
  x{"".join(f" with [{i}] = {i}.0" for i in range(few - 1))}
}}

export fn logic(k: i64) -> (bool, bool, bool) {{
  let a = {chain("or", lambda i: f"k == {i}", few)}
  let b = {chain("and", lambda i: f"k != {i}", few)}
  (a, b, {chain("and", lambda i: f"{i} == {i}", few)})
}}

export fn turned(w: f32[3, 3], x: f32[3]) -> f32[3] {{ {chain("@", "w", 61)} @ x }}

export fn notation(y: f32[3], w: f32[3, 3]) -> f32[3] {{
  let a[i] = {chain("+", lambda i: "y[i]" if i % 100 else "sum[j](w[i, j] * y[j])", few)}
  a
}}

export fn sizes(x: f32[One + One + One]) -> (f32, i64)
  where {chain("and", "One >= 1")}
{{
  (x[{signs("1", "1")} + {1 - n % 2}], count)
}}

test "known results" {{
  assert sums(3.0, [1.0, -2.0, 3.0]).0 == {2.0 * len(range(0, n, 3)) + 3.0 * (n - len(range(0, n, 3)))}
  assert all(products([1.0, -1.0, 1.0]).0 == products([1.0, {(-1.0) ** (few - len(range(0, few, 3)))}, 1.0]).0)
  assert logic({few - 1}).0 and not logic({few}).0 and logic({few}).1 and not logic(0).1
  assert sizes([4.0, 5.0, 6.0]).1 == {n} and sizes([4.0, 5.0, 6.0]).0 == 5.0
}}""")
