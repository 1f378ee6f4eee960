# SPDX-License-Identifier: MIT
"""rows.py - what is measured, against whom, and with which goals.

A *work* is one thing that is measured. It is measured by several *sides*; every
side must give the same 'check'. measure.py knows which program measures it. A
*row* compares Torpor with one peer in one work, or in the geometric mean of
several.

A goal is a ratio of at least that much (above 1 means that Torpor is better),
or, with most=True, a value of Torpor's of at most that much.
"""

from dataclasses import dataclass

TORPOR = "torpor"
NODE = "torpor-vm on Node"
NPM = "quickjs-wasi on Node"
EMSCRIPTEN = "quickjs-emscripten on Node"
NATIVE = "QuickJS-NG, native"
PATCHED = "the same with our patches"
SQLITE = "SQLite alone"
PROCESSES = "two processes"
EARLY = "a young run"
COPY = "copying it"
ZSTD = "zstd alone"
ALONE = "an executable of torpor build"
NODE_ALONE = "Node"
DENO = "Deno"
BUN = "Bun"

PROGRAMS = {
    "fib": "fib(30)",
    "loop": "loop of 20 million",
    "objects": "objects, Map, JSON",
    "strings": "strings, regexp, sort",
}

LARGE = 24e6  # bytes of the heap of the rows about a large one

# The npm package that each side on Node measures.
PACKAGES = {
    NODE: "torpor-vm",
    NPM: "quickjs-wasi",
    EMSCRIPTEN: "quickjs-emscripten",
}

# The program that each side measures which is compiled natively.
NATIVES = {NATIVE: "bench-native", PATCHED: "bench-patched"}

# Other runtimes that run a program from beginning to end.
RUNTIMES = (NODE_ALONE, DENO, BUN)

# What bench-heap and node-heap.mjs measure: work and heap.
HEAP = {
    "snapshot": ("save", 0),
    "delta": ("delta", 0),
    "restore": ("restore", 0),
    "base": ("base", 0),
    "fork": ("fork", 0),
    "large-save": ("save", LARGE),
    "large-pack": ("pack", LARGE),
    "large-pack-2": ("pack-2", LARGE),
    "large-delta": ("delta", LARGE),
    "large-restore": ("restore", LARGE),
    "large-unpack": ("unpack", LARGE),
    "large-base": ("base", LARGE),
    "large-fork": ("fork", LARGE),
}

# What bench-extension and extension.mjs measure: how, the guest code, and the
# extensions that it needs.
EVERY = "url,encoding,headers,structured-clone,crypto,base64"
EXTENSIONS = {
    "extension-load": ("open", "load.js", "url"),
    "extension-load-all": ("open", "load.js", EVERY),
    "extension-call": ("call", "call.js", "headers"),
    "extension-url": ("call", "url.js", "url"),
    "extension-encode": ("call", "encode.js", "encoding"),
    "extension-decode": ("call", "decode.js", "encoding"),
    "extension-base64": ("call", "base64.js", "base64"),
    "extension-clone": ("call", "clone.js", "structured-clone"),
    "extension-sha": ("call", "sha.js", "crypto"),
    "extension-aes": ("call", "aes.js", "crypto"),
}

# Sides that bench-heap measures as well, and by which work of its own.
WITHIN = {COPY: ("copy", LARGE), ZSTD: ("zstd", LARGE)}

# Works that use several threads, and so are pinned to no core.
THREADED = {"large-pack-2"}

# What else a work's program tells, as a work of its own.
NOTES = {
    "snapshot": {"bytes": "snapshot-bytes"},
    "large-delta": {"bytes": "large-delta-bytes"},
    "life": {"wake": "life-wake", "store": "life-store"},
    "many": {name: f"many-{name}" for name in
             ("sleep", "signal", "wake", "time", "memory", "bytes",
              "takeover")},
    "start": {"memory": "start-memory"},
}

# Works that take long: in at most so many rounds.
ROUNDS = {"crowd": 1, "life": 1, "many": 1, "large-save": 3, "large-pack": 3,
          "large-pack-2": 3, "large-restore": 3, "large-unpack": 3,
          "large-fork": 3}


@dataclass(frozen=True)
class Row:
    name: str
    unit: str
    peer: str  # None: there is nothing to compare it with
    works: tuple  # of more than one, the geometric mean of the ratios counts
    goal: float = None
    most: bool = False
    rate: bool = False  # more is better
    ours: str = TORPOR  # which of Torpor's sides



def node_row(name, *rest, **more):
    """A row of the npm package."""
    return Row(f"npm: {name}", *rest, **more, ours=NODE)


def start_rows():
    """Rows about programs that print a line: torpor FILE, and an executable."""
    for ours, name in ((TORPOR, "torpor FILE"), (ALONE, "an executable")):
        for peer in RUNTIMES:
            # A goal for the time itself, and to be ahead of each.
            goal = {"goal": 5, "most": True} if ours == ALONE else {"goal": 1}
            yield Row(f"hello world, start to end: {name}", "ms", peer,
                      ("start",), ours=ours, **goal)
        for peer in RUNTIMES:
            yield Row(f"its most memory: {name}", "KB", peer,
                      ("start-memory",), 1, ours=ours)


# What bench/programs/outside.mjs measures: its argument and our work, and the
# name of the row.
OUTSIDE = {
    "timers": "20,000 timers, at once",
    "pipe": "100 MB through a pipe from a process",
    "spawn": "100 processes, one after another",
}


def world_rows():
    """Rows about what runtimes do with the world."""
    for work, name in OUTSIDE.items():
        for peer in RUNTIMES:
            yield Row(name, "ms", peer, (work,))
    for peer in RUNTIMES:
        yield Row("500 fetches at once", "ms", peer, ("fetch-500",))


# Rows that a host in C and Node have alike: name, unit, work.
EXTENSION_ROWS = (
    ("new VM that loads url and uses it", "us", "extension-load"),
    ("the same, with all extensions", "us", "extension-load-all"),
    ("20,000 calls of a method of Headers", "ms", "extension-call"),
    ("10,000 addresses parsed", "ms", "extension-url"),
    ("10 MB of text encoded", "ms", "extension-encode"),
    ("10 MB of text decoded", "ms", "extension-decode"),
    ("10 MB to base64 and back", "ms", "extension-base64"),
    ("structuredClone of 10,000 objects", "ms", "extension-clone"),
    ("SHA-256 of 10 MB", "ms", "extension-sha"),
    ("AES-GCM of 10 MB", "ms", "extension-aes"),
)

ROWS = (
    Row("create, eval 1+2, close", "us", NPM, ("create",), 100),
    Row("snapshot of a small VM", "us", NPM, ("snapshot",), 20),
    Row("its size", "bytes", NPM, ("snapshot-bytes",), 4096, most=True),
    Row("its difference after a change", "us", NPM, ("delta",)),
    Row("restore, settle, read, close", "us", NPM, ("restore",), 80),
    Row("the same from a base", "us", NPM, ("base",)),
    Row("fork, settle, read, close", "us", NPM, ("fork",), 30, most=True),
    Row("host call with a number", "ns", NPM, ("host-call",), 10),
    Row("host call that reads a string", "ns", NPM, ("text-call",)),
    Row("host call that reads a property", "ns", NPM, ("object-call",)),
    Row("property read by the host", "ns", NPM, ("get",)),
    Row("property set by the host", "ns", NPM, ("set",)),
    Row("call of a function of the program", "ns", NPM, ("call",)),
    Row("dump 10,000 small objects", "ms", NPM, ("dump",), 60),
    Row("build 10,000 small objects", "ms", NPM, ("build",), 30),
    Row("a string of 1 MB of ASCII, in", "us", NPM, ("string-in",)),
    Row("the same, out", "us", NPM, ("string-out",)),
    Row("24 MB heap: a small change saved", "us", NPM, ("large-delta",), 40),
    Row("its size", "bytes", NPM, ("large-delta-bytes",)),
    Row("24 MB heap: restore, settle", "us", NPM, ("large-base",), 250),
    Row("the same from bytes", "us", NPM, ("large-restore",), 1),
    Row("the same from packed bytes", "us", NPM, ("large-unpack",)),
    Row("24 MB heap: whole snapshot", "us", NPM, ("large-save",), 1),
    Row("the same", "us", COPY, ("large-save",), 1),
    Row("the same, packed", "us", ZSTD, ("large-pack",), 1),
    Row("the same, packed by two threads", "us", ZSTD, ("large-pack-2",), 2),
    Row("24 MB heap: fork, settle", "us", NPM, ("large-fork",)),
    Row("private memory of an idle mapped VM", "KB", NPM, ("memory",), 128,
        most=True),
    Row("a process with 5,000 idle VMs", "MB", None, ("crowd",), 1024,
        most=True),
    Row("VMs opened and closed by two threads", "VMs/s", PROCESSES,
        ("threads",), 0.95, rate=True),
    *(Row(name, "ms", NPM, (work,)) for work, name in PROGRAMS.items()),
    Row("these four, geometric mean", "ms", NPM, tuple(PROGRAMS), 2.3),
    *(Row(name, "ms", NATIVE, (work,)) for work, name in PROGRAMS.items()),
    Row("these four, geometric mean", "ms", NATIVE, tuple(PROGRAMS), 1.1),
    Row("these four, geometric mean", "ms", PATCHED, tuple(PROGRAMS)),
    *(Row(name, unit, NPM, (work,), 1.5)
      for name, unit, work in EXTENSION_ROWS),
    *start_rows(),
    *world_rows(),
    Row("durable steps, one run", "steps/s", SQLITE, ("steps-1",), 0.5,
        rate=True),
    Row("durable steps, 100 runs at once", "steps/s", SQLITE, ("steps-100",),
        0.5, rate=True),
    # Goal: the same. What is less than a tenth is noise.
    Row("a step of a run at step 100,000", "us", EARLY, ("life",), 0.9),
    Row("a wake of it", "us", EARLY, ("life-wake",), 0.9),
    Row("its store", "bytes", EARLY, ("life-store",)),
    Row("100,000 runs made", "runs/s", None, ("many",), rate=True),
    Row("put to sleep", "runs/s", None, ("many-sleep",), rate=True),
    Row("sent a signal", "runs/s", None, ("many-signal",), rate=True),
    Row("woken by it", "runs/s", None, ("many-wake",), rate=True),
    Row("woken by time", "runs/s", None, ("many-time",), rate=True),
    Row("memory of their worker", "KB", None, ("many-memory",)),
    Row("their store, for each", "bytes", None, ("many-bytes",)),
    Row("a worker's first commit after a kill", "ms", None,
        ("many-takeover",)),
    *(node_row(*row) for row in (
        ("create, eval 1+2, dispose", "us", NPM, ("create",), 40),
        ("the same", "us", EMSCRIPTEN, ("create",)),
        ("the same, in a new instance", "us", NPM, ("fresh",), 3),
        ("first use in a process", "ms", NPM, ("first",), 1),
        ("the same", "ms", EMSCRIPTEN, ("first",)),
        ("snapshot of a small VM", "us", NPM, ("snapshot",), 6),
        ("restore, settle, read, dispose", "us", NPM, ("restore",), 60),
        ("the same from a pool", "us", NPM, ("base",)),
        ("fork, settle, read, dispose", "us", NPM, ("fork",)),
        ("24 MB heap: a small change saved", "us", NPM, ("large-delta",), 8),
        ("24 MB heap: restore, settle", "us", NPM, ("large-restore",), 10),
        ("24 MB heap: whole snapshot", "us", NPM, ("large-save",)),
        ("host call with a number", "ns", NPM, ("host-call",), 6),
        ("the same", "ns", EMSCRIPTEN, ("host-call",)),
        ("host call that reads a string", "ns", NPM, ("text-call",)),
        ("host call that reads a property", "ns", NPM, ("object-call",)),
        ("property read by the host", "ns", NPM, ("get",)),
        ("property set by the host", "ns", NPM, ("set",)),
        ("call of a function of the program", "ns", NPM, ("call",)),
        ("dump 10,000 small objects", "ms", NPM, ("dump",), 30),
        ("the same", "ms", EMSCRIPTEN, ("dump",)),
        ("build 10,000 small objects", "ms", NPM, ("build",), 12),
        ("a string of 1 MB of ASCII, in", "us", NPM, ("string-in",)),
        ("the same, out", "us", NPM, ("string-out",)),
        ("memory of an idle VM", "KB", NPM, ("memory",)),
        ("four programs, geometric mean", "ms", NPM, tuple(PROGRAMS), 1),
        ("the same", "ms", EMSCRIPTEN, tuple(PROGRAMS)),
    )),
    *(node_row(name, unit, NPM, (work,), 1)
      for name, unit, work in EXTENSION_ROWS),
    node_row("size of a small snapshot", "bytes", NPM, ("snapshot-bytes",),
             4096, most=True),
)


def sides_of(work):
    """The sides that measure a work, Torpor's first."""
    found = [row for row in ROWS if work in row.works]
    ours = [row.ours for row in found]
    return list(dict.fromkeys(ours + [row.peer for row in found if row.peer]))


def all_works():
    """What is to be run: every work once, in the order of the rows."""
    noted = {work for notes in NOTES.values() for work in notes.values()}
    works = dict.fromkeys(work for row in ROWS for work in row.works)
    return [work for work in works if work not in noted]
