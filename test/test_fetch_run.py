#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=240
"""fetch in durable runs: what is repeated when a worker dies, by which key, and
what is lost."""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import TESTING, Durable  # noqa: E402
import web  # noqa: E402

POINTS = ["flush-begun", "run-written", "commit-before", "commit-after",
          "driver-stopped", "driver-started", "line-shown", "delivery",
          "step-run", "release"]
PASSES_MAX = 60


class Runs(Durable):
    def setUp(self):
        super().setUp()
        self.server = web.Server()
        self.server.__enter__()
        for name in list(self.environment):
            if name.lower().endswith("_proxy"):
                del self.environment[name]

    def tearDown(self):
        super().tearDown()
        self.server.__exit__()

    def begin(self, text, run="main"):
        """Drives a new run of a program that may reach the server, as 'url'."""
        self.write("main.mjs", f"const url = '{self.server.url}';\n{text}")
        return self.start("run", "main.mjs", "--id", run,
                          "--allow-net=127.0.0.1", "-q")

    def kill(self, child):
        child.kill()
        child.communicate()

    def seen(self, path):
        with self.server.lock:
            return [one for one in self.server.seen if one[1] == path]

    def keys(self, path):
        return [{name.lower(): value for name, value in headers.items()}
                .get("idempotency-key")
                for _, _, headers, _ in self.seen(path)]

    def wait_for_line(self, line, run="main"):
        self.wait_until(lambda: self.show_or_none(run) is not None, "the run")
        super().wait_for_line(line, run)

    def kill_when_asked(self, child, path):
        self.wait_until(lambda: self.seen(path), f"a request for {path}")
        self.kill(child)

    def resume(self, run="main", code=0):
        return self.torpor("resume", run, "-q", code=code).stdout


class Repeating(Runs):
    def test_a_safe_method(self):
        child = self.begin("""
            const r = await fetch(url + "/slow/1");
            console.log(r.status, await r.text());
            """)
        self.kill_when_asked(child, "/slow/1")
        self.assertEqual(self.resume(), "200 slow\n")
        keys = self.keys("/slow/1")
        self.assertEqual(len(keys), 2)
        self.assertEqual(keys[0], keys[1])
        self.assertRegex(keys[0], r"^main/\d+/\d+/[0-9a-f]{32}$")

    def test_an_unsafe_method_by_default(self):
        child = self.begin("""
            try {
              await fetch(url + "/slow/1", { method: "POST", body: "b" });
            } catch (e) {
              console.log(e.name, e.code, e.message.includes("repeat: true"));
              console.log(e.message.startsWith("POST http://"));
            }
            """)
        self.kill_when_asked(child, "/slow/1")
        self.assertEqual(self.resume(), "LostError LOST true\ntrue\n")
        self.assertEqual(self.keys("/slow/1"), [None])

    def test_an_unsafe_method_by_choice(self):
        child = self.begin("""
            const r = await fetch(url + "/slow/1", { method: "POST", body: "b",
              repeat: true });
            console.log(await r.text());
            """)
        self.kill_when_asked(child, "/slow/1")
        self.assertEqual(self.resume(), "slow\n")
        seen = self.seen("/slow/1")
        self.assertEqual([one[3] for one in seen], [b"b", b"b"])
        keys = self.keys("/slow/1")
        self.assertIsNotNone(keys[0])
        self.assertEqual(keys[0], keys[1])

    def test_a_key_of_the_program(self):
        child = self.begin("""
            const r = await fetch(url + "/slow/1", { method: "PUT", body: "b",
              repeat: true, headers: { "Idempotency-Key": "mine" } });
            console.log(await r.text());
            """)
        self.kill_when_asked(child, "/slow/1")
        self.assertEqual(self.resume(), "slow\n")
        self.assertEqual(self.keys("/slow/1"), ["mine", "mine"])

    def test_every_call_has_a_key_of_its_own(self):
        text = """
            for (let i = 0; i < 3; i++) await (await fetch(url + "/echo")).text();
            """
        for store in ["a.db", "b.db"]:
            self.environment["TORPOR_STORE"] = store
            child = self.begin(text)
            child.communicate(timeout=60)
            self.assertEqual(child.returncode, 0)
        keys = self.keys("/echo")
        self.assertEqual(len(keys), 6)
        self.assertEqual(len(set(keys)), 6)

    def test_a_fork_repeats_with_the_same_key(self):
        child = self.begin("""
            console.log(await (await fetch(url + "/slow/1")).text());
            """)
        self.kill_when_asked(child, "/slow/1")
        self.torpor("fork", "main", "--id", "copy")
        self.assertEqual(self.resume(), "slow\n")
        self.assertEqual(self.resume("copy"), "slow\n")
        self.assertEqual(len(set(self.keys("/slow/1"))), 1)


class Losing(Runs):
    def test_a_body_that_streams(self):
        child = self.begin("""
            import { signal } from "torpor:run";
            const r = await fetch(url + "/bytes/5000000");
            const reader = r.body.getReader();
            const { value } = await reader.read();
            console.log("part", value.length > 0);
            await signal("go");
            try {
              for (;;) if ((await reader.read()).done) break;
              console.log("all of it");
            } catch (e) {
              console.log(e.name, e.code);
            }
            """)
        self.wait_for_line("part true")
        self.kill(child)
        self.torpor("signal", "main", "go")
        self.assertEqual(self.resume(), "LostError LOST\n")
        self.assertEqual(len(self.seen("/bytes/5000000")), 1)

    def test_a_read_under_way(self):
        child = self.begin("""
            const r = await fetch(url + "/drip/20", { stream: true });
            console.log("head", r.status);
            try { await r.text(); } catch (e) { console.log(e.name, e.code); }
            """)
        self.wait_for_line("head 200")
        self.kill(child)
        self.assertEqual(self.resume(), "LostError LOST\n")

    def test_a_body_that_is_sent_as_a_stream(self):
        child = self.begin("""
            import { sleep } from "torpor:run";
            async function* parts() {
              yield new Uint8Array([65]);
              console.log("sending");
              await sleep("20 s");
            }
            try {
              await fetch(url + "/echo", { method: "PUT", repeat: true,
                body: ReadableStream.from(parts()) });
            } catch (e) {
              console.log(e.name, e.message.includes("stream"));
            }
            """)
        self.wait_for_line("sending")
        self.kill(child)
        self.assertEqual(self.resume(), "LostError true\n")


class Sleeping(Runs):
    def test_small_bodies_sleep_with_the_program(self):
        """Up to 1 MiB."""
        child = self.begin("""
            import { signal } from "torpor:run";
            const small = await fetch(url + "/bytes/1048576");
            const streamed = await fetch(url + "/chunked/3");
            console.log("waiting");
            await signal("go");
            console.log((await small.bytes()).length, (await streamed.text()).length);
            """)
        self.wait_for_line("waiting")
        self.kill(child)
        self.torpor("signal", "main", "go")
        self.assertEqual(self.resume(), "1048576 24\n")
        self.assertEqual(len(self.server.seen), 2)

    def test_large_bodies_stream(self):
        child = self.begin("""
            let size = 0;
            for await (const part of (await fetch(url + "/bytes/5000000")).body)
              size += part.length;
            console.log(size);
            """)
        self.assertEqual(child.communicate(timeout=60)[0], "5000000\n")

    def test_events_come_at_once(self):
        child = self.begin("""
            const r = await fetch(url + "/events");
            const reader = r.body.getReader();
            const { value } = await reader.read();
            console.log(value.length >= 9);
            await reader.cancel();
            """)
        self.assertEqual(child.communicate(timeout=60)[0], "true\n")

    def test_abort(self):
        child = self.begin("""
            const signal = AbortSignal.timeout(100);
            await fetch(url + "/slow/20", { signal }).catch((e) => console.log(e.name));
            """)
        self.assertEqual(child.communicate(timeout=60)[0], "TimeoutError\n")


class Dying(Runs):
    """A worker that dies at every named point of a run's life."""

    PROGRAM = """
        const text = async (path, init) => (await fetch(url + path, init)).text();
        console.log("1", (await text("/echo?get")).length > 0);
        console.log("2", (await text("/echo?post", { method: "POST", body: "b",
          repeat: true })).length > 0);
        const [a, b] = await Promise.all([text("/chunked/1"), text("/chunked/2")]);
        console.log("3", a.length, b.length);
        """

    def live(self, fault, run):
        child = self.start("run", "main.mjs", "--id", run, "-q",
                           "--allow-net=127.0.0.1", command=TESTING,
                           environment={"TORPOR_FAULT": fault})
        child.communicate(timeout=60)
        died = child.returncode == -signal.SIGKILL
        if died and self.show_or_none(run) is not None and \
                self.show(run)["state"] != "done":
            self.torpor("resume", run, "-q")
        elif not died:
            self.assertEqual(child.returncode, 0)
        self.assertEqual(self.logs(run), ["1 true", "2 true", "3 8 16"], fault)
        return died

    def test_at_every_point(self):
        self.write("main.mjs", f"const url = '{self.server.url}';" +
                   self.PROGRAM)
        for point in POINTS:
            died = True
            number = 0
            while died:
                number += 1
                self.assertLess(number, PASSES_MAX)
                run = f"{point}-{number}"
                self.server.seen.clear()
                died = self.live(f"{point}:{number}", run)
                for path in ["/echo?get", "/echo?post", "/chunked/1",
                             "/chunked/2"]:
                    keys = self.keys(path)
                    self.assertIn(len(keys), [1, 2], f"{run} {path}")
                    self.assertEqual(len(set(keys)), 1, f"{run} {path}")
            self.assertGreater(number, 1, f"{point} was never passed")


if __name__ == "__main__":
    unittest.main()
