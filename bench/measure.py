# SPDX-License-Identifier: MIT
"""measure.py - runs the sides of each work and keeps what they measured.

Every side of every work is a small program that prints one line of JSON with
samples and a check (see probe.h). Sides take turns within a round (A B A B), so
that other work of the computer affects all of them alike. A value is the median
over the rounds of each round's median.

The programs in C, ours and the peers, are pinned to one core, but for works
of several threads. Node is not: it may use all of them for its compiler and
garbage collector.
"""

import json
import os
import shutil
import statistics
import subprocess
from pathlib import Path

import report
import rows

HERE = Path(__file__).resolve().parent
TIMEOUT = 300  # seconds, of one program


class Failure(Exception):
    """Something that the user has to know, in a sentence."""


def pin():
    """Leaves this process the last of the cores that it may use."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def run_program(command, pinned, environment=None, timeout=TIMEOUT):
    """Runs a side's program; what its line of JSON says."""
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True,
                              text=True, timeout=timeout, check=False,
                              preexec_fn=pin if pinned else None,
                              env={**os.environ, **(environment or {})})
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(str(error)) from error
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))} ended with exit code "
                      f"{done.returncode}: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout)


def find_runtime(side):
    """The program of another runtime, or None: it is not here."""
    modules = HERE.parent / "js/node_modules"
    places = {rows.DENO: "@deno/*/deno", rows.BUN: "@oven/*/bin/bun"}
    for found in modules.glob(places[side]) if side in places else ():
        return found
    return shutil.which(side.lower())


def version_of(command):
    """The last word of what --version prints first."""
    done = subprocess.run([command, "--version"], capture_output=True,
                          text=True, timeout=TIMEOUT, check=False)
    words = done.stdout.split("\n")[0].split("(")[0].split()
    return words[-1].lstrip("v") if words else "unknown"


def quiet_folder(folder):
    """Where syncing costs nothing, or else 'folder'."""
    shared = Path("/dev/shm")
    return shared if os.access(shared, os.W_OK) else folder


class Bench:
    """One run of the benchmarks.

    medians    of each round, by (work, side)
    checks     what each side of a work computed
    versions   of the sides
    """

    def __init__(self, folder, ms, skipped, old_step=100_000, many=100_000):
        self.folder = folder
        self.ms = ms
        self.skipped = skipped
        self.old_step = old_step  # when a run has lived for long
        self.many = many  # sleeping runs
        self.medians = {}
        self.checks = {}
        self.versions = {}

    def arguments(self, work, side):
        if side in rows.WITHIN:
            return (*rows.WITHIN[side], self.ms)
        if work in rows.PROGRAMS:
            return ("program", HERE / "programs" / f"{work}.js")
        if work in rows.HEAP:
            return (*rows.HEAP[work], self.ms)
        if work in rows.EXTENSIONS:
            how, file, names = rows.EXTENSIONS[work]
            folder = HERE / "programs/extensions"
            return (how, folder / file, names, self.ms)
        return (work, self.ms)

    def command(self, work, side):
        heap = work in rows.HEAP
        if side in rows.PACKAGES:
            return self.node_command(work, side)
        program = "bench-heap" if heap else "bench-vm"
        if work in rows.EXTENSIONS:
            program = "bench-extension"
        if side in rows.NATIVES:
            program = rows.NATIVES[side]
        return (self.folder / program, *self.arguments(work, side))

    def node_command(self, work, side):
        package, what = rows.PACKAGES[side], self.arguments(work, side)
        if work == "first":
            return ("node", self.folder / "first.mjs", package, self.ms)
        if side == rows.EMSCRIPTEN:
            return ("node", "--expose-gc", self.folder / "emscripten.mjs", *what)
        program = "node-heap.mjs" if work in rows.HEAP else "node.mjs"
        if work in rows.EXTENSIONS:
            program = "extension.mjs"
        return ("node", "--expose-gc", self.folder / program, package, *what)

    def record(self, work, side, line):
        key = (work, side)
        median = statistics.median(line["samples"])
        self.medians.setdefault(key, []).append(median)
        self.checks.setdefault(work, {})[side] = line["check"]
        if side in (rows.TORPOR, *rows.PACKAGES, *rows.NATIVES, rows.SQLITE,
                    *rows.RUNTIMES):
            self.versions[side] = line["version"]
        for note, name in rows.NOTES.get(work, {}).items():
            self.medians.setdefault((name, side), []).append(line[note])

    def measure_steps(self, work):
        """Torpor first: SQLite alone is given its sizes and batches."""
        runs = int(work.split("-")[1])
        ms = 4 * self.ms
        line = run_program((self.folder / "bench-steps",
                            self.folder / "steps.db",
                            HERE / "programs/steps.mjs", runs, ms), True)
        self.record(work, rows.TORPOR, line)
        batch = min(runs, max(1, round(line["batch"])))
        line = run_program((self.folder / "bench-sqlite",
                            self.folder / "sqlite.db", runs, batch,
                            round(line["bytes"]), ms), True)
        self.record(work, rows.SQLITE, line)

    def measure_threads(self, work):
        """Short turns: what else the computer does moves this most."""
        for side, how in 4 * ((rows.TORPOR, "threads"),
                              (rows.PROCESSES, "processes")):
            line = run_program((self.folder / "bench-threads", how, self.ms),
                               False)
            self.record(work, side, line)

    def measure_life(self, work):
        """Both sides are measured by one program, by turns."""
        store = quiet_folder(self.folder) / f"torpor-bench-{os.getpid()}.db"
        line = run_program((self.folder / "bench-life", store,
                            HERE / "programs/steps.mjs", self.old_step, 500),
                           True)
        self.record(work, rows.TORPOR, line)
        early = {"samples": [line["early"]], "check": line["check"],
                 "wake": line["early_wake"], "store": line["early_store"]}
        self.record(work, rows.EARLY, early)

    def measure_many(self, work):
        """A great number of sleeping runs, in a store on the disk."""
        line = run_program((self.folder / "bench-many",
                            self.folder / "many.db",
                            HERE / "programs/many.mjs", self.many), True,
                           timeout=3 * TIMEOUT)
        self.record(work, rows.TORPOR, line)

    def start_command(self, side):
        """The words that start hello world; None: they are not here."""
        program = HERE / "programs/hello.mjs"
        torpor = self.folder.parent / "torpor"
        if side == rows.TORPOR:
            return torpor, program
        if side == rows.ALONE:
            alone = self.folder / "hello"
            subprocess.run([torpor, "build", "--strip", program, "-o", alone],
                           check=True)
            return (alone,)
        runtime = find_runtime(side)
        return runtime and ((runtime, "run", program) if side == rows.DENO
                            else (runtime, program))

    def measure_start(self, work):
        """Runtimes may use all cores, and so may ours."""
        for side in rows.sides_of(work):
            words = self.start_command(side)
            if words:
                version = version_of(words[0]) if side != rows.ALONE else ""
                line = run_program((self.folder / "bench-start", self.ms,
                                    version or "unknown", *words), False)
                self.record(work, side, line)

    def world_command(self, side, *words):
        """The words that run a program with all permissions; None: the runtime is
        not here."""
        if side == rows.TORPOR:
            return (self.folder.parent / "torpor", "--allow-all", *words)
        runtime = find_runtime(side)
        if runtime and side == rows.DENO:
            return (runtime, "run", "--allow-all", *words)
        return runtime and (runtime, *words)

    def measure_outside(self, work):
        for side in rows.sides_of(work):
            words = self.world_command(side, HERE / "programs/outside.mjs",
                                       work)
            if words:
                line = run_program(words, False)
                line["version"] = version_of(words[0])
                self.record(work, side, line)

    def measure_fetch(self, work):
        """All sides ask one server, a Node of its own."""
        with subprocess.Popen(["node", HERE / "web.mjs"], text=True,
                              stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as server:
            url = server.stdout.readline().strip()
            for side in rows.sides_of(work):
                words = self.world_command(
                    side, HERE / "programs/fetch.mjs", url)
                if words:
                    line = run_program(words, False, {"FETCH_URL": url})
                    line["version"] = version_of(words[0])
                    self.record(work, side, line)
            server.communicate()

    def measure(self, work):
        """All sides of a work, once each."""
        if work == "fetch-500":
            self.measure_fetch(work)
            return
        if work in rows.OUTSIDE:
            self.measure_outside(work)
            return
        if work == "start":
            self.measure_start(work)
            return
        if work.startswith("steps-"):
            self.measure_steps(work)
            return
        if work == "threads":
            self.measure_threads(work)
            return
        if work == "life":
            self.measure_life(work)
            return
        if work == "many":
            self.measure_many(work)
            return
        for side in rows.sides_of(work):
            if side not in self.skipped:
                pinned = (side not in rows.PACKAGES
                          and work not in rows.THREADED)
                line = run_program(self.command(work, side), pinned)
                self.record(work, side, line)

    def check(self):
        """Fails unless all sides of each work computed the same."""
        for work, found in self.checks.items():
            if len(set(found.values())) != 1:
                raise Failure(f"the sides of '{work}' do not agree: {found}")

    def results(self):
        values = {key: statistics.median(medians)
                  for key, medians in self.medians.items()}
        return [report.make_result(row, values) for row in rows.ROWS
                if all((work, row.ours) in values for work in row.works)]
