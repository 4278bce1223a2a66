"""Checks a Chrome trace: check-trace.py TRACE MODEL CATEGORY...

Events have what the viewers need, those of a row are nested or apart, each
category occurs, and every kernel is in a line of the model.
"""
import json
import sys

trace, model, wanted = sys.argv[1], sys.argv[2], set(sys.argv[3:])
with open(trace) as f:
    events = json.load(f)["traceEvents"]
with open(model) as f:
    lines = f.read().splitlines()
found, rows = set(), {}
for e in events:
    assert isinstance(e["name"], str) and isinstance(e["pid"], int) and isinstance(e["tid"], int), e
    if e["ph"] == "M":
        continue
    assert e["ph"] == "X" and e["ts"] >= 0 and e["dur"] >= 0, e
    found.add(e["cat"])
    rows.setdefault(e["tid"], []).append((e["ts"], e["ts"] + e["dur"], e["name"]))
    if e["cat"] == "kernel":
        path, line, column = e["args"]["source"].rsplit(":", 2)
        assert path.endswith(model.rsplit("/", 1)[-1]), e
        assert int(column) <= len(lines[int(line) - 1]), e
assert wanted <= found, f"no events of {wanted - found}"
for row in rows.values():
    open_ends = []
    for begin, end, name in sorted(row, key=lambda r: (r[0], -r[1])):
        while open_ends and open_ends[-1] <= begin:
            open_ends.pop()
        # Both are rounded to doubles: 1e-3 microseconds are less than a clock tick.
        assert not open_ends or end <= open_ends[-1] + 1e-3, f"{name} overlaps what is around it"
        open_ends.append(end)
print("trace is good")
