#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# test_bench - the benchmarks themselves: one short round gives every row, and
# all sides of each agree on what they computed. Never looks at a time.
#
# The npm peer takes part where it is installed ("make bench" does that).
#
# ctest: slow nosanitize timeout=600
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

SOURCE = Path(os.environ["TORPOR_SOURCE"])
BUILD = Path(os.environ["TORPOR_BUILD"])
FIELDS = {"name", "unit", "torpor", "peer", "peer_value", "ratio", "goal",
          "goal_is", "met"}

sys.path.insert(0, str(SOURCE / "bench"))
sys.dont_write_bytecode = True

import curves  # noqa: E402
import measure  # noqa: E402
import rows  # noqa: E402


def run_quick(*options):
    """The rows that one short round gives; fails when the sides differ."""
    output = BUILD / "bench" / "quick"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    command = [SOURCE / "bench/run", BUILD, "--quick", "--no-build",
               "--output", output, *options]
    subprocess.run(command, check=True)
    return json.loads((output / "bench.json").read_text(encoding="utf-8"))


def npm_options():
    """Leaves the npm peer out where it is not installed."""
    peer = BUILD / "bench/node_modules/quickjs-wasi"
    return [] if peer.exists() else ["--no-npm"]


def check_row(row, found, options):
    assert set(found) == FIELDS, found
    assert (found["name"], found["peer"]) == (row.name, row.peer), found
    assert found["torpor"] > 0, found
    if row.peer is None or (
            options and row.peer in (rows.NPM, rows.EMSCRIPTEN)) or (
            row.peer in (rows.DENO, rows.BUN)
            and measure.find_runtime(row.peer) is None):
        assert found["peer_value"] is None and found["ratio"] is None, found
    else:
        assert found["peer_value"] > 0 and found["ratio"] > 0, found
    decided = row.goal is not None and (row.most or found["ratio"] is not None)
    assert (found["met"] is not None) == decided, found


def check_curves(options):
    """A point for each heap, and a picture that can be read as XML."""
    output = BUILD / "bench" / "quick"
    found = json.loads((output / "curves.json").read_text(encoding="utf-8"))
    wanted = [curve.name for curve in curves.CURVES
              if not (options and curve.side == rows.NPM)]
    assert [curve["name"] for curve in found] == wanted, found
    for curve in found:
        sizes = [size for size, _ in curve["points"]]
        assert sizes == list(curves.QUICK_SIZES), curve
        assert all(us > 0 for _, us in curve["points"]), curve
    drawing = ElementTree.parse(output / "curves.svg").getroot()
    text = "".join(drawing.itertext())
    assert all(name in text for name in wanted), text


def check_refusal():
    """Sides that do not agree are an error."""
    bench = measure.Bench(BUILD, 1, set())
    for side, result in (("one", "1"), ("other", "2")):
        bench.record("fib", side,
                     {"samples": [1], "check": result, "version": "0"})
    try:
        bench.check()
    except measure.Failure as failure:
        assert "do not agree" in str(failure), failure
    else:
        raise AssertionError("sides that differ were let through")


def main():
    options = npm_options()
    found = run_quick(*options)
    assert len(found) == len(rows.ROWS), [row["name"] for row in found]
    for row, result in zip(rows.ROWS, found):
        check_row(row, result, options)
    check_curves(options)
    check_refusal()
    print(f"bench: {len(found)} rows")


main()
