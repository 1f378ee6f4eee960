#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=180
"""Every command has examples in its help, and each of them can be run as it
stands there."""

import os
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import DONE, PATIENCE, TORPOR, Durable  # noqa: E402

ORDER = """
    import { exportState, input, signal } from "torpor:run";
    exportState(() => input());
    console.log("asked for", input());
    await signal("note");
    export default await signal("decision");
    """

FILES = {
    "order.mjs": ORDER,
    "order-2.mjs": ORDER,
    "exporter.mjs": "export default { item: 'coffee' };",
    "orders.jsonl": '{"item": "tea"}\n{"item": "milk"}\n',
    "decision.json": '{"ok": true}',
    "data/numbers.txt": "1 2 3",
    "report.mjs": "import { readFile } from 'torpor:fs';"
                  "export default (await readFile('data/numbers.txt')).length;",
    "app.mjs": "import { args } from 'torpor:script'; console.log(args());",
}

ENDED = "torpor signal order-1 decision 1 && torpor resume order-1"

# What is done before the examples of a command.
BEFORE = {
    "run": "rm torpor.db*",
    "resume": "torpor cancel order-2 && torpor signal order-1 decision 1",
    "logs": ENDED,
    "remove": ENDED,
    "worker": "torpor run report.mjs --allow-read --id r --store=shop.db -d",
}


class Examples(Durable):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("data"))
        for name, text in FILES.items():
            self.write(name, text)
        for run in ["order-1", "order-2"]:
            self.torpor("run", "order.mjs", "--id", run, "--detach")
        self.torpor("signal", "order-1", "note")
        child = self.start("resume", "order-1")
        self.wait_until(lambda: self.show("order-1")["step"] == 2)
        self.wait_until(lambda: self.show("order-1")["state"] == "waiting")
        child.send_signal(signal.SIGTERM)
        child.wait(PATIENCE)
        self.torpor("export", "order-1", "-o", "order-1.snap")
        self.prepared = self.folder

    def shell(self, line):
        """What a person's shell makes of it."""
        with subprocess.Popen(
                ["bash", "-c", line], text=True,
                cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env={**self.environment, "PATH": os.pathsep.join(
                    [os.path.dirname(TORPOR), os.environ["PATH"]])}) as child:
            if line.startswith("torpor worker"):
                self.wait_until(lambda: "done" in self.torpor(
                    "show", "r", "--store=shop.db").stdout)
                child.send_signal(signal.SIGTERM)
            said, _ = child.communicate(timeout=4 * PATIENCE)
            self.assertEqual(child.returncode, DONE, f"{line}\n{said}")

    def examples(self, *command):
        """The lines of the help's section."""
        said = self.torpor("help", *command).stdout
        section = said.split("\nExamples:\n")[1].split("\n\n")[0]
        return [line.strip() for line in section.splitlines()]

    def test_examples(self):
        offered = self.torpor("completion", "words", "--", "").stdout
        commands = [line.split("\t")[0] for line in offered.splitlines()
                    if "\t" in line]
        self.assertGreater(len(commands), 20)
        for command in [""] + commands:
            with self.subTest(command):
                self.run_examples(command)

    def run_examples(self, command):
        """In a copy of the folder, which they may change."""
        self.folder = f"{self.prepared}-{command}"
        shutil.copytree(self.prepared, self.folder)
        try:
            lines = self.examples(*[command] if command else [])
            self.assertGreater(len(lines), 0)
            for line in [BEFORE.get(command, "true"), *lines]:
                self.shell(line)
        finally:
            shutil.rmtree(self.folder)
            self.folder = self.prepared


if __name__ == "__main__":
    unittest.main()
