# SPDX-License-Identifier: MIT
"""rows.py - what is measured, against whom, and what is to be reached.

A *work* is one thing that a program measures in one call of it. It is measured
by several *sides*, each with a command of its own; every side must give the
same 'check'. A *row* compares Torpor with one peer in one work, or in the
geometric mean of several.

A goal is a ratio of at least that much (above 1 means that Torpor is better),
or, with most=True, a value of Torpor's of at most that much.
"""

from dataclasses import dataclass

TORPOR = "torpor"
NPM = "quickjs-wasi on Node"
NATIVE = "QuickJS-NG, native"
SQLITE = "SQLite alone"

PROGRAMS = {
    "fib": "fib(30)",
    "loop": "loop of 20 million",
    "objects": "objects, Map, JSON",
    "strings": "strings, regexp, sort",
}


@dataclass(frozen=True)
class Row:
    name: str
    unit: str
    peer: str
    works: tuple  # of more than one, the geometric mean of the ratios counts
    goal: float = None
    most: bool = False
    rate: bool = False  # more is better


ROWS = (
    Row("create, eval 1+2, close", "us", NPM, ("create",), 40),
    Row("snapshot of a small VM", "us", NPM, ("snapshot",), 10),
    Row("its size", "bytes", NPM, ("snapshot-bytes",), 6000, most=True),
    Row("restore, settle, read, close", "us", NPM, ("restore",), 25),
    Row("host call with a number", "ns", NPM, ("host-call",)),
    Row("private memory of an idle VM", "KB", NPM, ("memory",)),
    *(Row(name, "ms", NPM, (work,)) for work, name in PROGRAMS.items()),
    Row("these four, geometric mean", "ms", NPM, tuple(PROGRAMS), 1.6),
    *(Row(name, "ms", NATIVE, (work,)) for work, name in PROGRAMS.items()),
    Row("these four, geometric mean", "ms", NATIVE, tuple(PROGRAMS)),
    Row("durable steps, one run", "steps/s", SQLITE, ("steps-1",), 0.25,
        rate=True),
    Row("durable steps, 100 runs at once", "steps/s", SQLITE, ("steps-100",),
        0.25, rate=True),
)


def sides_of(work):
    """The sides that measure a work, Torpor first."""
    peers = [row.peer for row in ROWS if work in row.works]
    return [TORPOR, *dict.fromkeys(peers)]


def all_works():
    """Every work once, in the order of the rows."""
    return list(dict.fromkeys(work for row in ROWS for work in row.works))
