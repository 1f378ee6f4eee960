#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow full timeout=240 nosanitize
"""Kills a real worker at every named point of a run's life, one by one.

run/fault.h names each moment at which dying could matter. For every point and
every time that it is passed, a durable program is started whose process kills
itself there with SIGKILL, and resumed in a new process without faults. However it
died, the program must end as if nothing had happened: the same result, every line
of output once and in order, the same file.

In the full tier the resumed process is killed at each point as well.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ["TORPOR_SOURCE"])
TORPOR = os.environ["TORPOR_TESTING"]
FULL = os.environ.get("TORPOR_TIER") == "full"
# test_run_upgrade.c, test_run_kill.c
ELSEWHERE = ("upgrade-", "rewind-", "fork-", "prune-", "import-", "remove-",
             "sweep-")
PASSES_MAX = 60  # of one point; the program passes none as often

PROGRAM = """
import { sleep, signal, step } from "torpor:run";
import { readFile, writeFile } from "torpor:fs";

const seen = [];
function note(text) {
  seen.push(text);
  console.log(`${seen.length} ${text}`);
}

async function* ticks() {
  for (let i = 0; i < 2; i++) {
    await sleep(1);
    yield i;
  }
}

note("start");
for await (const i of ticks()) note(`tick ${i}`);
await Promise.all([sleep(1), sleep(2), sleep(1)]);
note("all");
note(`told ${(await signal("first")).n}`);
const controller = new AbortController();
const abandoned = signal("second", { signal: controller.signal });
controller.abort();
await abandoned.catch((error) => note(error.name));
note(`told ${(await signal("second")).n}`);
await writeFile("out.txt", seen.join());
note(await readFile("out.txt", "utf8"));
setTimeout(() => note("timeout"), 1);
await sleep(3);
console.error("last");
export default seen;
"""

NOTES = ["start", "tick 0", "tick 1", "all", "told 1", "AbortError", "told 2"]
NOTES += [",".join(NOTES), "timeout"]
LINES = [f"{i + 1} {note}" for i, note in enumerate(NOTES)] + ["last"]


def point_names():
    text = (SOURCE / "run" / "fault.h").read_text(encoding="utf-8")
    text = text[text.index("define TORPOR__FAULT_POINTS"):
                text.index("define TORPOR__BREAKS")]
    names = re.findall(r'X\(\w+, "([a-z-]+)"\)', text)
    return [name for name in names if not name.startswith(ELSEWHERE)]


class Run:
    """One life of the program in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "program.mjs").write_text(PROGRAM, encoding="utf-8")

    def command(self, *words, fault=None):
        environment = {**os.environ, "TORPOR_STORE": str(self.folder / "s.db")}
        environment.pop("TORPOR_FAULT", None)
        if fault is not None:
            environment["TORPOR_FAULT"] = fault
        return subprocess.run([TORPOR, *words], cwd=self.folder,
                              env=environment, capture_output=True, text=True,
                              timeout=60, check=False)

    def must(self, *words):
        done = self.command(*words)
        if done.returncode != 0:
            raise AssertionError(f"torpor {' '.join(words)} ended with "
                                 f"{done.returncode}: {done.stderr}")
        return done.stdout

    def is_there(self):
        """Whether the run was made: the store may not even exist."""
        return self.command("show", "r", "--json").returncode == 0

    def make(self, fault=None):
        return self.command("run", "program.mjs", "--id", "r", "--detach",
                            "--allow-read=.", "--allow-write=.", fault=fault)

    def send(self, name, number, fault=None):
        return self.command("signal", "r", name, json.dumps({"n": number}),
                            fault=fault)

    def resume(self, fault=None):
        return self.command("resume", "r", "--quiet", fault=fault)

    def signals(self):
        return json.loads(self.must("show", "r", "--json"))["signals"]

    def check(self):
        shown = json.loads(self.must("show", "r", "--json"))
        lines = [json.loads(line)["text"]
                 for line in self.must("logs", "r", "--json").splitlines()]
        written = (self.folder / "out.txt").read_text(encoding="utf-8")
        assert shown["state"] == "done", shown
        assert shown["value"] == NOTES, shown["value"]
        assert lines == LINES, lines
        assert written == ",".join(NOTES[:7]), written
        assert shown["signals"] == 0 and shown["operations"] == [], shown


def died(done):
    return done.returncode == -signal.SIGKILL


def expect(done):
    if done.returncode != 0:
        raise AssertionError(f"ended with {done.returncode}: {done.stderr}")


def live(folder, stage, fault, second=None):
    """One life that dies at 'fault' in 'stage'. False when it did not."""
    run = Run(folder)
    done = run.make(fault if stage == "make" else None)
    dead = stage == "make" and died(done)
    if not dead:
        expect(done)
    elif not run.is_there():
        expect(run.make())
    expect(run.send("first", 1))
    done = run.send("second", 2, fault if stage == "send" else None)
    if stage == "send" and died(done):
        dead = True
        if run.signals() == 1:
            expect(run.send("second", 2))
    else:
        expect(done)
    done = run.resume(fault if stage == "resume" else None)
    if stage == "resume" and died(done):
        dead = True
        done = run.resume(second)
        if second is not None and died(done):
            done = run.resume()
    # It may have died after its last commit.
    if not (dead and "has ended" in done.stderr):
        expect(done)
    run.check()
    return dead


def stage_of(point):
    if point.startswith(("store-", "create-")):
        return "make"
    return "send" if point.startswith("signal-") else "resume"


def main():
    passed = failed = 0
    points = point_names()
    assert len(points) >= 12, points
    for point in points:
        for number in range(1, PASSES_MAX):
            fault = f"{point}:{number}"
            seconds = [f"{other}:2" for other in points
                       if stage_of(other) == "resume"] if FULL else [None]
            dead = False
            for second in seconds:
                with tempfile.TemporaryDirectory() as name:
                    try:
                        dead = live(pathlib.Path(name), stage_of(point), fault,
                                    second)
                        passed += 1
                    except AssertionError as error:
                        failed += 1
                        print(f"{fault} {second or ''}: {error}")
                        dead = True
                if not dead:
                    break
            if not dead:
                break
        if number == 1:
            failed += 1
            print(f"{point}: was never passed, so nothing was tested")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
