#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=300
"""Programs that run other programs: the real curl from a real server, pipes
between processes, many of them, much through them, and what is left behind.
In durable runs, with workers that are killed.

Every test runs the real command, in a folder of its own.
"""

import http.server
import os
import re
import signal
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "support"))
from durable import (DONE, Durable, SANITIZED, THROWN, TORPOR,  # noqa: E402
                     USAGE)


class Slow(http.server.BaseHTTPRequestHandler):
    """Answers /NAME with NAME, five times, a moment between each two."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        for _ in range(5):
            self.wfile.write((self.path[1:] + "\n").encode())
            self.wfile.flush()
            time.sleep(0.1)

    def log_message(self, *words):
        pass


def running(words):
    """How many processes have these words in their command line."""
    done = subprocess.run(["pgrep", "-fc", "--", words], text=True,
                          capture_output=True, check=False)
    return int(done.stdout or 0)


class Processes(Durable):
    def script(self, text, *options, code=DONE, **more):
        self.write("main.mjs", text)
        return self.torpor(*options, "main.mjs", code=code, **more)

    def test_downloads_at_once(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        done = self.script(f"""
            import {{ open, close }} from "process";
            import * as os from "os";
            const download = (name) => {{
              const fd = open(`curl -sN {url}/${{name}}`, "r");
              const bytes = new Uint8Array(100);
              os.setReadHandler(fd, async () => {{
                const size = os.read(fd, bytes.buffer, 0, bytes.length);
                if (size > 0) {{
                  const text = String.fromCharCode(...bytes.subarray(0, size));
                  return console.log(text.trim());
                }}
                os.setReadHandler(fd, null);
                console.log(name, "status", await close(fd));
              }});
            }};
            for (const name of ["a", "b", "c"]) download(name);
            console.log("started");
            """, "--allow-run")
        server.shutdown()
        server.server_close()
        lines = done.stdout.split("\n")
        self.assertEqual(lines[0], "started")
        chunks = [line for line in lines if re.fullmatch("[abc]", line)]
        self.assertEqual(sorted(chunks), list("aaaaabbbbbccccc"))
        self.assertLess(chunks.index("c"), len(chunks) - chunks[::-1].index("a"),
                        "the downloads came one after another")
        for name in "abc":
            self.assertIn(f"{name} status 0", lines)

    def test_piped_into_each_other(self):
        done = self.script("""
            import { spawn } from "process";
            const numbers = spawn("seq", ["1000"]);
            const odd = spawn("grep", ["-v", "[02468]$"], { stdin: "pipe" });
            const count = spawn("wc", ["-l"], { stdin: "pipe" });
            const pump = async (from, to) => {
              for await (const chunk of from.stdout) await to.stdin.write(chunk);
              await to.stdin.end();
            };
            await Promise.all([pump(numbers, odd), pump(odd, count)]);
            console.log((await count.stdout.text()).trim());
            """, "--allow-run=seq,grep,wc")
        self.assertEqual(done.stdout, "500\n")

    def test_inherited_streams(self):
        self.write("main.mjs", """
            import { spawn } from "process";
            await spawn("cat", [], { stdin: "inherit", stdout: "inherit" }).status;
            await spawn("sh", ["-c", "echo err >&2"]).status;""")
        done = subprocess.run([TORPOR, "--allow-run", "main.mjs"], text=True,
                              cwd=self.folder, input="through", timeout=60,
                              capture_output=True, check=True)
        self.assertEqual((done.stdout, done.stderr), ("through", "err\n"))

    def test_many_one_after_another(self):
        count = 100 if SANITIZED else 1000
        done = self.script(f"""
            import {{ exec }} from "process";
            let ended = 0;
            for (let i = 0; i < {count}; i++)
              ended += (await exec("true", [])).success;
            const left = await exec("ls /proc/$PPID/fd | wc -l");
            const zombies = await exec("ps --ppid $PPID -o stat= | grep -c Z");
            console.log(ended, +left.stdout < 40, zombies.stdout.trim());
            """, "--allow-run")
        self.assertEqual(done.stdout, f"{count} true 0\n")

    def test_much_in_bounded_memory(self):
        self.write("main.mjs", """
            import { spawn } from "process";
            const from = spawn("head", ["-c", "100000000", "/dev/zero"]);
            const to = spawn("wc", ["-c"], { stdin: "pipe" });
            for await (const chunk of from.stdout) await to.stdin.write(chunk);
            await to.stdin.end();
            console.log((await to.stdout.text()).trim());""")
        child = subprocess.Popen([TORPOR, "--allow-run", "main.mjs"],
                                 cwd=self.folder, stdout=subprocess.PIPE,
                                 text=True)
        out = child.stdout.read()
        child.stdout.close()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual((out, child.returncode), ("100000000\n", 0))
        if not SANITIZED:
            self.assertLess(usage.ru_maxrss, 40 * 1024, "kilobytes at most")

    def test_nothing_outlives_the_program(self):
        self.write("main.mjs", """
            import { spawn } from "process";
            spawn("sleep", ["4321.5"]);
            spawn("sleep", ["4321.5"], { group: true });
            setTimeout(() => console.log("there"), 50);""")
        for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
            child = self.start("--allow-run", "main.mjs")
            self.assertEqual(child.stdout.readline(), "there\n")
            self.assertEqual(running("sleep 4321.5"), 2)
            child.send_signal(how)
            child.wait(timeout=60)
            self.wait_until(lambda: running("sleep 4321.5") == 0,
                            f"the end of what ran at {how}")

    def test_flags_are_named(self):
        program = """
            import { exec } from "process";
            await exec("true", []);"""
        done = self.script(program, code=THROWN)
        self.assertIn("run with --allow-run=true", done.stderr)
        self.script(program, "--allow-run=true")
        self.script(program, "--allow-all")
        self.script(program, "-A")
        done = self.script(program, "--allow-run=no-such-program", code=USAGE)
        self.assertIn("the program 'no-such-program' cannot be granted: there "
                      "is no such program", done.stderr)
        done = self.script(program, "--allow-net=a:b", code=USAGE)
        self.assertIn("the host 'a:b' cannot be granted", done.stderr)


class Runs(Durable):
    def test_a_run_runs_processes(self):
        self.write("main.mjs", """
            import { exec, spawn } from "process";
            import { sleep } from "torpor:run";
            console.log((await exec("echo", ["one"])).stdout.trim());
            await sleep(20);
            const cat = spawn("cat", [], { stdin: "pipe" });
            await cat.stdin.write("two\\n");
            await cat.stdin.end();
            for await (const line of cat.stdout.lines()) console.log(line);
            export default (await cat.status).code;""")
        done = self.torpor("run", "--allow-run=echo,cat", "--id=r", "main.mjs",
                           "--quiet")
        self.assertEqual(done.stdout, "one\ntwo\n")

    def test_a_killed_worker_loses_what_it_ran(self):
        """The process ends with its worker, and the program hears of it."""
        self.write("main.mjs", """
            import { exec } from "process";
            console.log("begins");
            const lost = await exec("sleep", ["8765.5"]).catch((e) => e);
            console.log(lost.name, lost.code);
            export default (await exec("echo", ["again"])).stdout.trim();""")
        words = ("--allow-run=sleep,echo", "--id=r", "main.mjs")
        child = self.start("run", *words)
        self.wait_until(lambda: running("sleep 8765.5") == 1, "the process")
        child.kill()
        child.wait()
        self.wait_until(lambda: running("sleep 8765.5") == 0, "its end")
        done = self.torpor("resume", "r", "--quiet")
        self.assertEqual(done.stdout, "LostError LOST\n")
        self.assertEqual(self.show("r")["value"], "again")

    def test_a_run_imports_what_plain_programs_import(self):
        """Linking alone loads the library's files, without a world."""
        for name in ("os", "std", "process", "torpor:net", "torpor:fs"):
            self.write("main.mjs", f"""
                import * as all from "{name}";
                export default typeof fetch + Object.keys(all).length;""")
            self.torpor("run", f"--id={name[-2:]}", "main.mjs", "--quiet")
            self.assertRegex(self.show(name[-2:])["value"], "^function[1-9]")
        self.write("main.mjs", 'import "torpor:fetch";')
        done = self.torpor("run", "main.mjs", "--quiet", code=None)
        self.assertIn("no library module 'torpor:fetch'", done.stderr)

    def test_what_a_cancelled_read_brought_is_not_lost(self):
        """Lines come while a long step takes the handler away."""
        self.write("main.mjs", """
            import { spawn } from "process";
            import * as os from "os";
            const { stdout } = spawn("sh",
              ["-c", "for i in 1 2 3; do sleep 0.2; echo line$i; done"]);
            const { fd } = stdout;
            const bytes = new Uint8Array(100);
            let all = "";
            let over = false;
            const handler = () => {
              const size = os.read(fd, bytes.buffer, 0, 100);
              if (size > 0)
                all += String.fromCharCode(...bytes.subarray(0, size));
              over = size === 0;
              if (over) os.setReadHandler(fd, null);
            };
            const pause = (ms) => new Promise((done) => setTimeout(done, ms));
            while (!over) {
              os.setReadHandler(fd, handler);
              await pause(20);
              const began = performance.now();
              while (performance.now() - began < 400) continue;
              if (!over) os.setReadHandler(fd, null);
              await pause(5);
            }
            export default all;""")
        self.torpor("run", "--allow-run=sh", "--id=r", "main.mjs", "--quiet")
        self.assertEqual(self.show("r")["value"], "line1\nline2\nline3\n")

    def test_a_run_reads_the_environment_it_was_granted(self):
        self.environment["GIVEN"] = "yes"
        self.write("main.mjs", """
            import { exec } from "process";
            export default (await exec("echo $GIVEN")).stdout.trim();""")
        self.torpor("run", "--allow-run", "--id=r", "main.mjs", "--quiet")
        self.assertEqual(self.show("r")["value"], "yes")
        self.assertIn("run", self.show("r")["access"])


if __name__ == "__main__":
    unittest.main()
