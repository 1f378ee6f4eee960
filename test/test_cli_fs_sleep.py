#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: timeout=120
"""What sleep does to files, watchers, connections and listeners of torpor:fs and
torpor:net: a worker is killed with SIGKILL while a run has them open, and another
one goes on."""

import os
import pathlib
import socket
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import DONE, PATIENCE, Durable  # noqa: E402

IMPORT = """
import * as fs from "torpor:fs";
import { connect, listen } from "torpor:net";
import { signal } from "torpor:run";
const fails = async (promise) => {
  try { await promise; return "no failure"; }
  catch (error) { return `${error.name} ${error.code}: ${error.message}`; }
};
const decoder = new TextDecoder();
"""


class Sleep(Durable):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("in"))

    def asleep(self, text):
        """Starts a run that says 'ready', and kills its worker then."""
        self.detach(IMPORT + text, "--allow-all")
        child = self.start("resume", "main", "-q")
        self.wait_for_line("ready")
        child.kill()
        child.communicate(timeout=PATIENCE)

    def woken(self, code=DONE):
        """What the run prints when it goes on to its end."""
        self.torpor("signal", "main", "go")
        return self.torpor("resume", "main", "-q", code=code).stdout.splitlines()

    # ---- Files -------------------------------------------------------------

    def test_a_file_that_is_read_goes_on(self):
        self.write("in/text", "one\ntwo\nthree\n")
        self.asleep("""
            const file = await fs.open("in/text");
            console.log(JSON.stringify(decoder.decode(await file.read(6))));
            console.log("ready");
            await signal("go");
            console.log(file.position, JSON.stringify(decoder.decode(await file.read(3))));
            for await (const line of file.lines()) console.log(line);
        """)
        self.assertEqual(self.woken(), ['6 "o\\nt"', "hree"])

    def test_a_file_that_became_shorter_is_lost(self):
        self.write("in/text", "one\ntwo\nthree\n")
        self.asleep("""
            const file = await fs.open("in/text");
            await file.read(6);
            console.log("ready");
            await signal("go");
            console.log(await fails(file.read()));
        """)
        self.write("in/text", "one")
        self.assertEqual(self.woken(), [
            "LostError LOST: in/text is shorter now than what was read of it "
            "before the program slept"])

    def test_a_file_that_is_written_is_lost(self):
        self.asleep("""
            const file = await fs.open("in/out", "w");
            await file.write("before");
            console.log("ready");
            await signal("go");
            console.log((await fails(file.write("after"))).slice(0, 15));
            console.log((await fails(file.sync())).slice(0, 15));
            await file.close();
            console.log(await fs.readFile("in/out", "utf8"));
        """)
        self.assertEqual(self.woken(),
                         ["LostError LOST:", "LostError LOST:", "before"])

    def test_a_folder_is_listed_on(self):
        for i in range(1500):
            pathlib.Path(self.path(f"in/{i:04}")).touch()
        self.asleep("""
            const names = [];
            for await (const { name } of fs.iterateDir("in")) {
              names.push(name);
              if (names.length === 500) { console.log("ready"); await signal("go"); }
            }
            console.log(names.length, new Set(names).size);
        """)
        self.assertEqual(self.woken(), ["1500 1500"])

    # ---- Watchers ----------------------------------------------------------

    def test_a_watcher_says_that_it_may_have_missed_something(self):
        self.asleep("""
            const watcher = fs.watch("in");
            const first = watcher.next();
            await fs.exists("in");
            console.log("ready");
            console.log((await first).value.kind);
            await fs.mkdir("in/again");
            console.log((await watcher.next()).value.path);
        """)
        os.mkdir(self.path("in/meanwhile"))
        self.assertEqual(self.woken(), ["missed", "in/again"])

    def test_a_watcher_of_what_is_gone(self):
        self.asleep("""
            const watcher = fs.watch("in");
            const first = watcher.next();
            await fs.exists("in");
            console.log("ready");
            console.log((await first).value.kind);
            for await (const event of watcher) console.log(event.kind);
        """)
        os.rmdir(self.path("in"))
        self.assertEqual(self.woken(), ["missed", "gone"])

    # ---- Connections -------------------------------------------------------

    def test_a_connection_is_lost(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            self.asleep(f"""
                const c = await connect({{ port: {port} }});
                await c.write("before");
                const reading = fails(c.read());
                console.log("ready");
                console.log((await reading).slice(0, 15));
                console.log((await fails(c.write("after"))).slice(0, 15));
                console.log((await fails(c.read())).slice(0, 15));
                console.log((await fails(c.setNoDelay())).slice(0, 15));
                console.log((await fails(c.end())).slice(0, 15));
                await c.close();
                const d = await connect({{ port: {port} }});
                await d.write("again"); await d.close();
            """)
            with server.accept()[0] as peer:
                self.assertEqual(peer.recv(100), b"before")
                self.assertEqual(peer.recv(100), b"")
            lines = self.woken()
            with server.accept()[0] as peer:
                self.assertEqual(peer.recv(100), b"again")
        self.assertEqual(lines, ["LostError LOST:"] * 5)

    def listens_again(self, address, reach):
        """A run accepts one connection, sleeps, and accepts another."""
        self.asleep(f"""
            const server = await listen({address});
            await fs.writeFile("port", String(server.local.port));
            console.log("ready");
            for await (const c of server) {{
              console.log(await c.readable.text());
              await c.end();
              if (server.last) break;
              server.last = true;
            }}
        """)
        self.torpor("signal", "main", "go")
        child = self.start("resume", "main", "-q")
        for text in (b"one", b"two"):
            with self.reached(reach) as peer:
                peer.sendall(text)
                peer.shutdown(socket.SHUT_WR)
                self.assertEqual(peer.recv(10), b"")
        self.assertEqual(child.communicate(timeout=PATIENCE)[0], "one\ntwo\n")
        self.assertEqual(child.returncode, DONE)

    def reached(self, reach):
        found = []

        def attempt():
            try:
                found.append(reach())
            except OSError:
                return False
            return True

        self.wait_until(attempt, "the listener")
        return found[0]

    def test_a_listener_listens_again(self):
        self.listens_again("{ port: 0 }", lambda: socket.create_connection(
            ("127.0.0.1", int(pathlib.Path(self.path("port")).read_text()))))

    def test_a_listener_of_unix_listens_again(self):
        def reach():
            peer = socket.socket(socket.AF_UNIX)
            try:
                peer.connect(self.path("in/sock"))
            except OSError:
                peer.close()
                raise
            return peer

        self.listens_again('{ path: "in/sock" }', reach)
        self.assertFalse(os.path.lexists(self.path("in/sock")))

    def test_a_listener_whose_port_is_taken_is_lost(self):
        self.asleep("""
            const server = await listen({ port: 0 });
            await fs.writeFile("port", String(server.local.port));
            const accepting = fails(server.accept());
            console.log("ready");
            console.log(await accepting);
        """)
        port = int(pathlib.Path(self.path("port")).read_text())
        with socket.create_server(("127.0.0.1", port)):
            self.assertEqual(self.woken(), [
                "LostError LOST: the listener was left behind when the program "
                "slept, and cannot listen again: listening at 127.0.0.1:"
                f"{port}: address already in use"])


if __name__ == "__main__":
    unittest.main()
