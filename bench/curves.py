# SPDX-License-Identifier: MIT
"""curves.py - what sleeping and waking cost as the heap grows.

Every curve is one work of bench-heap or, of an npm package, of node-heap.mjs, a point
for each heap. A curve ends where its side cannot go on: out of memory, or out
of the time that a program has here.
"""

from dataclasses import dataclass
import statistics

import measure
import rows

SIZES = (100e3, 1e6, 10e6, 24e6, 100e6, 1e9)  # bytes of heap
QUICK_SIZES = (100e3, 1e6)


@dataclass(frozen=True)
class Curve:
    name: str
    side: str
    work: str


CURVES = (
    Curve("whole snapshot", rows.TORPOR, "save"),
    Curve("restore from bytes", rows.TORPOR, "restore"),
    Curve("a small change saved", rows.TORPOR, "delta"),
    Curve("fork", rows.TORPOR, "fork"),
    Curve("restore from a base", rows.TORPOR, "base"),
    Curve("quickjs-wasi: snapshot", rows.NPM, "save"),
    Curve("quickjs-wasi: restore", rows.NPM, "restore"),
)


def command_of(folder, curve, size, ms):
    if curve.side in rows.PACKAGES:
        return ("node", "--expose-gc", folder / "node-heap.mjs",
                rows.PACKAGES[curve.side], curve.work, f"{size:.0f}", ms)
    return (folder / "bench-heap", curve.work, f"{size:.0f}", ms)


def measure_curve(folder, curve, sizes, ms):
    """Points of [bytes, microseconds], as far as the side goes."""
    points = []
    for size in sizes:
        try:
            line = measure.run_program(command_of(folder, curve, size, ms),
                                       curve.side not in rows.PACKAGES)
        except measure.Failure:
            if curve.side == rows.TORPOR:
                raise
            break
        points.append([size, statistics.median(line["samples"])])
    return points


def measure_curves(folder, skipped, quick):
    """Every curve that has a point, as curves.json tells it."""
    sizes, ms = (QUICK_SIZES, 10) if quick else (SIZES, 200)
    found = []
    for curve in CURVES:
        if curve.side in skipped:
            continue
        points = measure_curve(folder, curve, sizes, ms)
        if points:
            found.append({"name": curve.name, "side": curve.side,
                          "points": points})
    return found
