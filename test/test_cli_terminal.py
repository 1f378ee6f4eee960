#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=120
"""Nothing that a program or a file says steers a terminal.

A program gives control characters to everything of it that has a name or a
text. No command lets one of them through, and what is printed as JSON is valid
and means the same. Only the lines of a program's own console are its own.
"""

import json
import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import (DONE, FILE, NOT_FOUND, PATIENCE, THROWN, TORPOR, USAGE,
                     Durable)

# ESC, BEL, CR, DEL, and CSI as the one character U+009B.
EVIL = "a\x1b[31m\x1b]0;t\x07\r\x7f\x9bz"
SCRIPT = json.dumps(EVIL)

WAITING = f"""
    import {{ exportState, signal }} from "torpor:run";
    import {{ readFile }} from "torpor:fs";
    const evil = {SCRIPT};
    class Kept {{}}
    Object.defineProperty(Kept, "name", {{ value: evil }});
    globalThis[evil] = Array.from({{ length: 2000 }}, () => new Kept());
    globalThis.more = {{ [evil]: "x".repeat(100000) }};
    exportState(() => ({{ [evil]: evil }}));
    const wait = {{ async [evil]() {{ return await signal(evil); }} }};
    await Promise.race([wait[evil](), signal("go")]);
    throw Object.assign(new Error(evil, {{ cause: new Error(evil) }}),
                        {{ name: evil }});
    """

EXPORTER = f"""
    export default () => {{
      throw Object.assign(new Error({SCRIPT}), {{ name: {SCRIPT} }});
    }};
    """


class Terminal(Durable):
    def said(self, *words, code=DONE):
        """What a command writes, which must be plain text."""
        done = subprocess.run([TORPOR, *words], cwd=self.folder,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=4 * PATIENCE, env=self.environment)
        both = done.stdout + done.stderr
        self.assertEqual(done.returncode, code, f"{words}\n{both}")
        for letter in both.decode("utf-8"):
            self.assertTrue(letter == "\n" or " " <= letter < "\x7f" or
                            letter > "\x9f", f"{words}: {both}")
        return done.stdout.decode("utf-8")

    def waiting_run(self):
        self.name = f"p{EVIL}.mjs"
        self.detach(WAITING, "--allow-read=" + self.path(f"f{EVIL}"),
                    name=self.name)
        child = self.start("worker", "-q")
        self.wait_for_state("waiting")
        self.wait_until(lambda: self.show()["attempts"] == 0)
        child.send_signal(signal.SIGTERM)
        child.wait(PATIENCE)

    def test_a_run(self):
        self.waiting_run()
        for words in [("show", "main"), ("list",), ("inspect", "main"),
                      ("show", "main", "--steps")]:
            self.said(*words)
            json.loads(self.said(*words, "--json"))
        self.assertEqual(json.loads(self.said("show", "main", "--json"))["file"],
                         self.path(self.name))
        self.said("fork", "main", "--id", "other")
        self.said("signal", "other", EVIL, "1", code=DONE)
        self.said("resume", "other", code=THROWN)
        self.said("show", "other")
        self.said("diff", "main", "other@2", code=NOT_FOUND)
        self.said("diff", "main@1", "main@0", code=NOT_FOUND)
        self.write("new.mjs", "export default 1;")
        self.said("upgrade", "main", "new.mjs", "--dry-run")
        json.loads(self.said("upgrade", "main", "new.mjs", "--dry-run",
                             "--json"))
        self.write("exporter.mjs", EXPORTER)
        self.said("upgrade", "main", "new.mjs", "--exporter=exporter.mjs",
                  code=THROWN)
        self.write(f"e{EVIL}.mjs", f"import {SCRIPT};")
        self.said("upgrade", "main", f"e{EVIL}.mjs", code=FILE)
        self.said("export", "main", "-o", f"s{EVIL}")
        self.said("inspect", f"s{EVIL}")
        json.loads(self.said("inspect", f"s{EVIL}", "--json"))
        self.said("prune", "main", "--keep=1", "--dry-run")

    def test_names_that_are_nothing(self):
        self.waiting_run()
        for command in ["show", "resume", "logs", "inspect", "cancel"]:
            self.said(command, EVIL, code=NOT_FOUND)
        self.said(EVIL, code=USAGE)
        self.said("import", EVIL, code=FILE)
        self.said("show", "main", f"--store={EVIL}/x", code=NOT_FOUND)
        self.said("run", f"{EVIL}.mjs", code=FILE)

    def test_scripts(self):
        for text in [f"throw new Error({SCRIPT}, {{ cause: {SCRIPT} }})",
                     f"throw {SCRIPT}", f"const e = new Error();"
                     f"e.stack = {SCRIPT} + '\\n' + {SCRIPT}; throw e",
                     f"globalThis[{SCRIPT}].x", f"nothing({SCRIPT}); // {EVIL}",
                     f"import({SCRIPT})", f"({{ [{SCRIPT}]() {{ y }} }})"
                     f"[{SCRIPT}]()", f"const x{EVIL} = 1;"]:
            self.said("eval", "-m", text, code=THROWN)

    def test_bytes_that_are_no_utf8(self):
        name = os.fsencode(self.path("p")) + b"\xff\x9b\xc2.mjs"
        with open(name, "w") as file:
            file.write("throw new Error('x')")
        self.said(name, code=THROWN)
        self.said("run", name, "--id", "main", code=USAGE)

    def test_a_console_is_the_program_s_own(self):
        self.write("main.mjs", "console.log('\x1b[1mbold\x1b[0m')")
        done = self.torpor("main.mjs")
        self.assertEqual(done.stdout, "\x1b[1mbold\x1b[0m\n")


if __name__ == "__main__":
    unittest.main()
