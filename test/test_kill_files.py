#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow full timeout=240 nosanitize
"""Kills a worker whose run changes files and folders, at every named point of a
step and at moments by chance.

What must not be done twice ends with a LostError then, and the program looks
whether it was done. However often it is killed, the files are the same in the
end, and so is the result.
"""
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
import test_kill_points  # noqa: E402

TORPOR = os.environ["TORPOR_TESTING"]
FULL = os.environ.get("TORPOR_TIER") == "full"

PROGRAM = """
import * as fs from "torpor:fs";
import { sleep } from "torpor:run";

/* Does it once, also if nobody can say whether it was done. */
async function once(go, done) {
  try {
    await go();
  } catch (error) {
    if (error.name !== "LostError" || error.code !== "LOST") throw error;
    if (!(await done())) await once(go, done);
  }
}
const there = (path) => () => fs.lstat(path).then(() => true, () => false);
const gone = (path) => async () => !(await there(path)());

await fs.writeFile("d/a", "text");
await once(() => fs.mkdir("d/x"), there("d/x"));
await once(() => fs.rename("d/a", "d/x/b"), there("d/x/b"));
await once(() => fs.link("d/x/b", "d/x/c"), there("d/x/c"));
await once(() => fs.symlink("b", "d/x/s"), there("d/x/s"));
await once(() => fs.appendFile("d/x/b", "-end"),
  async () => (await fs.readFile("d/x/b", "utf8")) === "text-end");
await fs.copyFile("d/x/b", "d/copy");
await fs.mkdir("d/deep/er/still", { recursive: true });
await fs.chmod("d/copy", 0o600);
await fs.utimes("d/copy", 1000, 2000);
await once(() => fs.remove("d/x/c"), gone("d/x/c"));
await fs.remove("d/deep", { recursive: true, force: true });
const file = await fs.open("d/copy");
let read = "";
for (;;) {
  const chunk = await file.read(3);
  if (chunk === null) break;
  read += new TextDecoder().decode(chunk);
  await sleep(1);
}
const stat = await fs.stat("d/copy");
export default [read, stat.mode, stat.mtimeMs, await fs.readLink("d/x/s")];
"""
VALUE = ["text-end", 0o600, 2000, "b"]


class Run(test_kill_points.Run):
    def __init__(self, folder):
        super().__init__(folder)
        (folder / "program.mjs").write_text(PROGRAM, encoding="utf-8")
        (folder / "d").mkdir()

    def check(self):
        shown = test_kill_points.json.loads(self.must("show", "r", "--json"))
        assert shown["state"] == "done", shown
        assert shown["value"] == VALUE, shown["value"]
        files = sorted(str(path.relative_to(self.folder / "d"))
                       for path in (self.folder / "d").rglob("*")
                       if not path.name.startswith(".torpor-"))
        assert files == ["copy", "x", "x/b", "x/s"], files
        assert (self.folder / "d/x/b").read_text() == "text-end"

    def kill_by_chance(self, seconds):
        """Whether the worker was killed before it had ended."""
        environment = {**os.environ, "TORPOR_STORE": str(self.folder / "s.db")}
        child = subprocess.Popen([TORPOR, "resume", "r", "--quiet"],
                                 cwd=self.folder, env=environment,
                                 stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        child.kill()
        return child.wait() == -signal.SIGKILL


def at_points(run, fault):
    """A life that dies at 'fault'. False when it did not."""
    test_kill_points.expect(run.make())
    done = run.resume(fault)
    if not test_kill_points.died(done):
        test_kill_points.expect(done)
        run.check()
        return False
    done = run.resume()
    if "has ended" not in done.stderr:
        test_kill_points.expect(done)
    run.check()
    return True


def by_chance(run, chance):
    test_kill_points.expect(run.make())
    for _ in range(6):
        if not run.kill_by_chance(chance.uniform(0.005, 0.12)):
            break
    done = run.resume()
    if "has ended" not in done.stderr:
        test_kill_points.expect(done)
    run.check()


def main():
    lives = deaths = 0
    points = [point for point in test_kill_points.point_names()
              if test_kill_points.stage_of(point) == "resume"]
    assert len(points) >= 5, points
    for point in points:
        # In the quick tier every third pass of a point.
        for number in range(1, 200, 1 if FULL else 3):
            with tempfile.TemporaryDirectory() as name:
                lives += 1
                if not at_points(Run(pathlib.Path(name)), f"{point}:{number}"):
                    break
                deaths += 1
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    for i in range(100 if FULL else 20):
        with tempfile.TemporaryDirectory() as name:
            by_chance(Run(pathlib.Path(name)), random.Random(seed + i))
            lives += 1
    assert deaths > 20, deaths
    print(f"{lives} lives, {deaths} deaths at points")


if __name__ == "__main__":
    main()
