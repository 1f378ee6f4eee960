#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=300 engine=older nosanitize
"""A run that began under an older release is finished under a newer one.

The older release is this one, linked with an engine of the older QuickJS as
its own. To the newer one that engine is a file.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["TORPOR_SOURCE"], "test/support"))
import durable
import engines

PROGRAM = """
    import { input, signal, sleep } from "torpor:run";
    const words = new Map([["one", 1], ["two", 2], ["three", 3]]);
    const keys = words.keys();
    const seen = [keys.next().value];
    function* count() { let n = 40; while (true) yield ++n; }
    const counter = count();
    seen.push(counter.next().value, DOMException.length);
    console.log("waiting");
    const { name } = await signal("go");
    seen.push(...keys, counter.next().value, name, DOMException.length);
    await sleep(10);
    export default seen;
"""
RESULT = ["one", 41, 2, "two", "three", 42, "Ada", 2]


def link_release(library):
    """A command whose own engine is the one of 'library'."""
    command = library.with_name("torpor-older")
    objects = (engines.BUILD / "test/objects.txt").read_text().split()
    libraries = []
    for name in ("torpor-run", "torpor-loop", "torpor"):
        pc = (engines.BUILD / f"{name}-static.pc").read_text()
        libraries += re.findall(r" (-l\S+)", pc)
    subprocess.run([os.environ["TORPOR_CC"], *objects,
                    library.with_suffix(".o"), *libraries, "-o", command],
                   check=True)
    return command


class OlderRelease(durable.Durable):
    @classmethod
    def setUpClass(cls):
        cls.library = engines.native(engines.older_wasm())
        cls.older = link_release(cls.library)
        cls.id = cls.library.stem

    def setUp(self):
        super().setUp()
        self.environment.pop("TORPOR_ENGINE_PATH", None)

    def begin(self, run="main", program=PROGRAM):
        """Begins the run under the older release, until it waits."""
        self.write("main.mjs", program)
        child = subprocess.Popen([self.older, "run", "main.mjs", "--id", run],
                                 cwd=self.folder, env=self.environment,
                                 stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        self.children.append(child)
        self.wait_until(lambda: (self.show_or_none(run) or {}).get("state") ==
                        "waiting", "the run's first step")
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(30), durable.STOPPED)

    def install(self, library=None):
        """Makes the older engine one that is here."""
        folder = pathlib.Path(self.folder, "engines")
        folder.mkdir()
        self.environment["TORPOR_ENGINE_PATH"] = str(folder)
        if library:
            shutil.copyfile(library, folder / f"{self.id}.so")
        return folder

    def listed(self):
        said = self.torpor("engine", "list").stdout
        self.assertIn("(built in)", said)
        return said

    def test_the_older_is_older(self):
        for command, version in ((self.older, "0.16.2"),
                                 (durable.TORPOR, "0.17.0")):
            said = subprocess.run([command, "engine", "list"], text=True,
                                  capture_output=True, check=True).stdout
            self.assertRegex(said, rf"{version} +\(built in\)")

    def test_goes_on_under_the_newer(self):
        self.begin()
        self.install()
        added = self.torpor("engine", "add", str(self.library)).stdout
        self.assertIn(self.id, added)
        self.assertIn(self.id, self.listed())
        self.torpor("signal", "main", "go", '{"name": "Ada"}')
        self.torpor("resume", "main")
        shown = self.show()
        self.assertEqual(shown["state"], "done")
        self.assertEqual(shown["value"], RESULT)

    def test_is_upgraded_to_the_newer(self):
        """Its data goes over; from then on the older engine is not needed."""
        self.begin(program="""
            import { exportState, signal } from "torpor:run";
            const words = new Map([["one", DOMException.length]]);
            exportState(() => ({ words }));
            await signal("never");
        """)
        self.write("next.mjs", """
            import { onUpgrade, signal } from "torpor:run";
            const got = onUpgrade((state, from) => [state.words, from.engine]);
            const { name } = await signal("go");
            export default [...got[0], got[1], name, DOMException.length];
        """)
        folder = self.install(self.library)
        self.torpor("signal", "main", "go", '{"name": "Ada"}')
        before = self.show()
        said = self.torpor("upgrade", "main", "next.mjs", "--dry-run").stdout
        self.assertIn(self.id, said)
        self.assertEqual(self.show(), before)
        self.torpor("upgrade", "main", "next.mjs")
        (folder / f"{self.id}.so").unlink()
        self.torpor("resume", "main")
        self.assertEqual(self.show()["value"],
                         [["one", 2], self.id, "Ada", 0])

    def test_two_engines_in_one_worker(self):
        self.begin("older")
        self.install(self.library)
        self.detach(PROGRAM, run="newer")
        worker = self.start("worker")
        self.wait_for_state("waiting", "newer")
        for run in ("older", "newer"):
            self.torpor("signal", run, "go", '{"name": "Ada"}')
            self.wait_for_state("done", run)
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(30), 0)
        self.assertEqual(self.show("older")["value"], RESULT)
        self.assertEqual(self.show("newer")["value"],
                         [0 if word == 2 else word for word in RESULT])

    def test_missing(self):
        self.begin()
        before = self.show()
        said = self.torpor("resume", "main", code=durable.NOT_FOUND).stderr
        self.assertIn("not installed", said)
        self.assertIn("torpor engine add", said)
        self.assertIn(self.id, said)
        self.assertEqual(self.show(), before)

    def test_wrong_file(self):
        self.begin()
        folder = self.install()
        own = next((engines.BUILD / "lib/torpor/engines").glob("*.so"))
        for content, words in ((own.read_bytes(), "another engine"),
                               (b"nonsense", "cannot be loaded")):
            (folder / f"{self.id}.so").write_bytes(content)
            said = self.torpor("resume", "main", code=durable.NOT_FOUND).stderr
            self.assertIn(words, said)
            self.assertIn("not usable: its file", self.listed())
        shutil.copyfile(self.library, folder / f"{self.id}.so")
        self.torpor("signal", "main", "go", '{"name": "Ada"}')
        self.torpor("resume", "main")
        self.assertEqual(self.show()["value"], RESULT)


if __name__ == "__main__":
    unittest.main()
