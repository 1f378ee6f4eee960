# SPDX-License-Identifier: MIT
"""Programs that run as scripts, in a folder of their own."""

import os
import shutil
import subprocess
import tempfile
import unittest

TORPOR = os.path.abspath(os.environ.get("TORPOR", "build/torpor"))
SANITIZED = "sanitize" in TORPOR
PATIENCE = float(os.environ.get("TORPOR_PATIENCE", 180 if SANITIZED else 60))


# What programs that try modules os and std begin with.
OS_PRELUDE = """
    import * as os from "os";
    import * as std from "std";
    const show = (...values) => console.log(JSON.stringify(values));
    const bytes = (text) => new TextEncoder().encode(text).buffer;
    const text = (buffer) => new TextDecoder().decode(buffer);
"""


class Scripts(unittest.TestCase):
    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="torpor-test-"))
        # Proxies and certificates of whoever runs the tests.
        self.environment = {
            name: value for name, value in os.environ.items()
            if not name.lower().endswith("_proxy") and name != "SSL_CERT_FILE"}

    def tearDown(self):
        shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        with open(self.path(name), encoding="utf-8", newline="") as file:
            return file.read()

    def script(self, text, *flags, code=0, name="main.mjs", environment=None):
        """What a program writes to standard output; with a 'code' that is not
        0, to standard error."""
        self.write(name, text)
        done = subprocess.run([TORPOR, *flags, name], cwd=self.folder,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=PATIENCE, check=False,
                              env={**self.environment, **(environment or {})})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr
