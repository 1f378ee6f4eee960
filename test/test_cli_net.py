#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: timeout=120
"""torpor:net over real sockets: clients and servers of Python on the other side,
TCP on 127.0.0.1 and sockets of Unix."""

import os
import socket
import struct
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import PATIENCE, SANITIZED, Durable  # noqa: E402

IMPORT = """
import { connect, listen } from "torpor:net";
import { readDir, readFile } from "torpor:fs";
const fails = async (promise) => {
  try { await promise; return "no failure"; }
  catch (error) { return `${error.name} ${error.code}: ${error.message}`; }
};
const decoder = new TextDecoder();
"""
MANY = 200 if SANITIZED else 1000


class Peer:
    """A server in a thread, which handles each connection by 'serve'."""

    def __init__(self, serve, family=socket.AF_INET, address=("127.0.0.1", 0)):
        self.socket = socket.socket(family)
        self.socket.bind(address)
        self.socket.listen(128)
        self.serve = serve
        self.failure = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @property
    def port(self):
        return self.socket.getsockname()[1]

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                try:
                    self.serve(connection)
                except OSError as error:
                    self.failure = error

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(PATIENCE)


def read_all(connection):
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def reset(connection):
    """Closes it so that the other side gets a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          struct.pack("ii", 1, 0))
    connection.close()


class Net(Durable):
    def peer(self, serve, **how):
        peer = Peer(serve, **how)
        self.addCleanup(peer.close)
        return peer

    def lines(self, text, *flags):
        self.write("script.mjs", IMPORT + text)
        return self.torpor(*(flags or ("--allow-net",)),
                           "script.mjs").stdout.splitlines()

    def serving(self, text, *flags):
        """A script that listens and has printed its port; and the port."""
        self.write("script.mjs", IMPORT + text)
        child = self.start(*(flags or ("--allow-net",)), "script.mjs")
        return child, int(child.stdout.readline())

    # ---- Connecting --------------------------------------------------------

    def test_a_client(self):
        def serve(connection):
            connection.sendall(b"hello\nworld\n")
            self.said = read_all(connection)
            connection.sendall(b"bye " + self.said)

        peer = self.peer(serve)
        self.assertEqual(self.lines(f"""
            const c = await connect({{ port: {peer.port} }});
            console.log(c.remote.host, c.remote.port === {peer.port}, c.local.port > 0);
            await c.setNoDelay(); await c.setNoDelay(false); await c.setKeepAlive(60);
            console.log(decoder.decode(await c.read(5)));
            await c.write("a"); await c.write(new Uint8Array([98])); await c.end();
            await c.end();
            console.log(JSON.stringify(await c.readable.text()));
            console.log(await fails(c.read()));
            console.log(await fails(c.write("x")));
        """), ["127.0.0.1 true true", "hello", '"\\nworld\\nbye ab"',
               "Error EBADF: the stream was closed",
               "Error EBADF: the stream was closed"])
        self.assertEqual(self.said, b"ab")

    def test_what_cannot_be_reached(self):
        lines = self.lines(f"""
            for (const to of [{{ port: 1 }}, {{ host: "nowhere.invalid", port: 80 }},
              {{ path: "none.sock" }}, {{ path: "script.mjs" }}, {{ port: 70000 }}, {{ host: "a b", port: 1 }},
              {{ path: "" }}, {{ host: "[::1]", port: 1 }}, {{}}, undefined])
              console.log(await fails(connect(to)));
        """)
        self.assertEqual(lines[0], "Error ECONNREFUSED: connecting to "
                         "127.0.0.1:1: connection refused")
        self.assertRegex(lines[1], "^Error EAI_.*: looking up nowhere.invalid:80")
        self.assertEqual(lines[2], f"Error ENOENT: connecting to unix:"
                         f"{self.folder}/none.sock: no such file or directory")
        self.assertRegex(lines[3], "^Error ENOTSOCK: ")
        self.assertEqual(lines[4], "TypeError undefined: connect: the port is a "
                         "number from 0 to 65535")
        self.assertRegex(lines[5], "^Error EINVAL: .* that is no name of one")
        self.assertRegex(lines[6], "^TypeError undefined: ")
        self.assertRegex(lines[7], r"^Error E\w+: connecting to \[::1\]:1: ")
        self.assertRegex(lines[8], "^TypeError undefined: ")
        self.assertRegex(lines[9], "^TypeError undefined: ")

    def test_all_addresses_of_a_name_are_tried(self):
        """localhost is ::1 first where there is that; nobody listens there."""
        peer = self.peer(lambda connection: connection.sendall(b"here"))
        self.assertEqual(self.lines(f"""
            const c = await connect({{ host: "LocalHost.", port: {peer.port} }});
            console.log(await c.readable.text());
        """, f"--allow-net=localhost:{peer.port}"), ["here"])

    def test_an_address_that_does_not_answer_is_given_up(self):
        """A listener whose queue is full answers nothing."""
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            others = []
            for _ in range(4):
                other = socket.socket()
                other.setblocking(False)
                other.connect_ex(full.getsockname())
                others.append(other)
            began = time.monotonic()
            self.assertEqual(self.lines(f"""
                console.log((await fails(connect({{ port: {full.getsockname()[1]},
                  signal: AbortSignal.timeout(100) }}))).split(" ")[0]);
            """), ["TimeoutError"])
            self.assertLess(time.monotonic() - began, PATIENCE)
            for other in others:
                other.close()

    def test_peers_that_go_away(self):
        def serve(connection):
            connection.sendall(b"x")
            connection.recv(1)
            reset(connection)

        peer = self.peer(serve)
        self.assertEqual(self.lines(f"""
            const c = await connect({{ port: {peer.port} }});
            await c.read();
            await c.write("y");
            console.log((await fails(c.read())).split(":")[0]);
            let failed = "none";
            for (let i = 0; i < 100 && failed === "none"; i++)
              failed = await c.write("z").then(() => "none", (e) => e.code);
            console.log(["EPIPE", "ECONNRESET"].includes(failed));
            await c.close(); await c.close();
            const d = await connect({{ port: {peer.port} }});
            const reading = fails(d.read().then(() => d.read()));
            await d.close();
            console.log((await reading).split(":")[0]);
        """), ["Error ECONNRESET", "true", "Error EBADF"])

    def test_a_read_can_be_given_up_and_loses_nothing(self):
        go = threading.Event()

        def serve(connection):
            go.wait(PATIENCE)
            connection.sendall(b"later")

        peer = self.peer(serve)
        timer = threading.Timer(0.5, go.set)
        timer.start()
        self.assertEqual(self.lines(f"""
            const c = await connect({{ port: {peer.port} }});
            console.log((await fails(c.read(10, {{ signal: AbortSignal.timeout(20) }}))).split(" ")[0]);
            console.log(await c.readable.text());
        """), ["TimeoutError", "later"])
        timer.cancel()

    # ---- Listening ---------------------------------------------------------

    def test_a_server(self):
        child, port = self.serving("""
            const server = await listen({ port: 0 });
            console.log(server.local.port);
            let left = 3;
            for await (const c of server) {
              (async () => {
                const said = await c.readable.text();
                await c.write(`you said ${said}`);
                await c.end();
              })();
              if (--left === 0) break;
            }
            console.log(await fails(server.accept()) !== "no failure");
        """)
        peers = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        for i, peer in reversed(list(enumerate(peers))):
            with peer:
                peer.sendall(str(i).encode())
                peer.shutdown(socket.SHUT_WR)
                self.assertEqual(read_all(peer), f"you said {i}".encode())
        self.assertEqual(child.communicate(timeout=PATIENCE)[0], "true\n")
        self.assertEqual(child.returncode, 0)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))

    def test_where_nobody_may_listen(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            lines = self.lines(f"""
                console.log(await fails(listen({{ port: {port} }})));
                console.log(await fails(listen({{ host: "203.0.113.1", port: 0 }})));
                console.log(await fails(listen({{ path: "script.mjs" }})));
                console.log(await fails(listen({{ path: "none/x.sock" }})));
            """)
        self.assertEqual(lines[0], f"Error EADDRINUSE: listening at 127.0.0.1:"
                         f"{port}: address already in use")
        self.assertRegex(lines[1], "^Error EADDRNOTAVAIL: ")
        self.assertRegex(lines[2], "^Error EADDRINUSE: ")
        self.assertRegex(lines[3], "^Error ENOENT: ")

    def test_a_listener_is_given_up(self):
        self.assertEqual(self.lines("""
            const stop = new AbortController();
            const server = await listen({ port: 0, signal: stop.signal });
            setTimeout(() => stop.abort(), 20);
            console.log(await fails((async () => { for await (const c of server); })()));
            const other = await listen({ port: 0 });
            setTimeout(() => other.close(), 20);
            for await (const c of other);
            console.log((await fails(other.accept({ signal: AbortSignal.abort() }))).split(" ")[0]);
        """), ["AbortError 20: This operation was aborted", "AbortError"])

    def test_many_connections_one_after_another_leave_nothing(self):
        self.assertEqual(self.lines(f"""
            const fds = async () => (await readDir("/proc/self/fd")).length;
            const server = await listen({{ port: 0 }});
            (async () => {{
              for await (const c of server) {{ await c.write("x"); await c.close(); }}
            }})();
            const before = await fds();
            let got = 0;
            for (let i = 0; i < {MANY}; i++) {{
              const c = await connect(server.local);
              for await (const chunk of c) got += chunk.length;
              await c.close();
            }}
            console.log(got);
            for (let i = 0; i < 50; i++) {{
              const stop = new AbortController();
              const c = connect({{ ...server.local, signal: stop.signal }});
              if (i % 2) await null;
              stop.abort();
              await c.then((c) => c.close(), () => {{}});
            }}
            await new Promise((resolve) => setTimeout(resolve, 50));
            console.log(await fds() - before <= 1);
            await server.close();
        """, "--allow-net", "--allow-read"), [str(MANY), "true"])

    # ---- Much data ---------------------------------------------------------

    def hundred(self, script, peak_kb):
        lines = self.lines(script + """
            const status = await (await import("torpor:fs")).readFile("/proc/self/status", "utf8");
            console.log(/VmHWM:\\s+(\\d+)/.exec(status)[1]);
        """, "--allow-net", "--allow-read")
        self.assertLess(int(lines[-1]), 800000 if SANITIZED else peak_kb)
        return lines[:-1]

    def test_100_mb_to_a_slow_reader(self):
        size = 10 << 20 if SANITIZED else 100 << 20
        got = []

        def serve(connection):
            total = 0
            time.sleep(0.3)
            while part := connection.recv(1 << 20):
                total += len(part)
            got.append(total)
            connection.sendall(b"done")

        peer = self.peer(serve)
        self.assertEqual(self.hundred(f"""
            const c = await connect({{ port: {peer.port} }});
            const chunk = new Uint8Array(1 << 16);
            for (let i = 0; i < {size >> 16}; i++) await c.write(chunk);
            await c.end();
            console.log(await c.readable.text());
        """, 40000), ["done"])
        self.assertEqual(got, [size])

    def test_100_mb_from_a_fast_writer(self):
        size = 10 << 20 if SANITIZED else 100 << 20

        def serve(connection):
            part = b"x" * (1 << 20)
            for _ in range(size >> 20):
                connection.sendall(part)

        peer = self.peer(serve)
        self.assertEqual(self.hundred(f"""
            const c = await connect({{ port: {peer.port} }});
            await new Promise((resolve) => setTimeout(resolve, 200));
            let total = 0;
            for await (const chunk of c) total += chunk.length;
            console.log(total);
        """, 40000), [str(size)])

    def test_100_mb_through_a_socket_of_unix_and_a_pipe(self):
        size = 10 << 20 if SANITIZED else 100 << 20
        self.write("script.mjs", IMPORT + f"""
            import {{ spawn }} from "torpor:process";
            const server = await listen({{ path: "in.sock" }});
            const cat = spawn("cat", [], {{ stdin: "pipe", stdout: "pipe" }});
            (async () => {{
              for await (const chunk of await server.accept()) await cat.stdin.write(chunk);
              await cat.stdin.end();
            }})();
            const client = await connect({{ path: "in.sock" }});
            (async () => {{
              const chunk = new Uint8Array(1 << 16);
              for (let i = 0; i < {size >> 16}; i++) await client.write(chunk);
              await client.close();
            }})();
            let total = 0;
            for await (const chunk of cat.stdout) total += chunk.length;
            await server.close();
            const status = await readFile("/proc/self/status", "utf8");
            console.log(total, /VmHWM:\\s+(\\d+)/.exec(status)[1]);
        """)
        total, peak = self.torpor("--allow-all", "script.mjs").stdout.split()
        self.assertEqual(int(total), size)
        self.assertLess(int(peak), 800000 if SANITIZED else 40000)
        self.assertFalse(os.path.lexists(self.path("in.sock")))

    # ---- Sockets of Unix ---------------------------------------------------

    def test_unix_sockets(self):
        deep = "deep/" + "/".join(["x" * 50] * 4)
        os.makedirs(self.path(deep))
        self.assertEqual(self.lines(f"""
            for (const path of ["a.sock", "{deep}/long.sock"]) {{
              const server = await listen({{ path }});
              const client = await connect({{ path }});
              const other = await server.accept();
              await client.setNoDelay();
              await client.write("over unix"); await client.end();
              console.log(await other.readable.text(), client.remote.path === path,
                other.local.path === path, server.local.path === path);
              await server.close();
              console.log(await fails(connect({{ path }})) !== "no failure");
            }}
        """), ["over unix true true true", "true"] * 2)

    def test_a_socket_that_was_left_is_replaced_one_in_use_is_not(self):
        left = socket.socket(socket.AF_UNIX)
        left.bind(self.path("left.sock"))
        left.close()
        used = socket.socket(socket.AF_UNIX)
        used.bind(self.path("used.sock"))
        used.listen()
        self.addCleanup(used.close)
        self.assertEqual(self.lines("""
            const server = await listen({ path: "left.sock" });
            console.log((await fails(listen({ path: "used.sock" }))).split(":")[0]);
            await server.close();
        """), ["Error EADDRINUSE"])
        self.assertTrue(os.path.exists(self.path("used.sock")))
        self.assertFalse(os.path.exists(self.path("left.sock")))

    def test_a_peer_of_unix_that_is_busy(self):
        """A full queue is waited for."""
        busy = socket.socket(socket.AF_UNIX)
        busy.bind(self.path("busy.sock"))
        busy.listen(0)
        first = socket.socket(socket.AF_UNIX)
        first.connect(self.path("busy.sock"))
        self.addCleanup(first.close)
        self.addCleanup(busy.close)

        def accept():
            time.sleep(0.3)
            busy.accept()[0].close()
            with busy.accept()[0] as peer:
                peer.sendall(b"at last")

        thread = threading.Thread(target=accept)
        thread.start()
        self.assertEqual(self.lines("""
            const c = await connect({ path: "busy.sock" });
            console.log(await c.readable.text());
        """), ["at last"])
        thread.join(PATIENCE)

    # ---- Access ------------------------------------------------------------

    def refused(self, text, *flags):
        for line in self.lines(text, *flags):
            self.assertRegex(line, "^NotAllowedError EACCES: reaching .* is not "
                             "allowed; run with --allow-net=")

    def test_nothing_is_reached_that_was_not_granted(self):
        peer = self.peer(lambda connection: None)
        port = peer.port
        spellings = ["127.0.0.1", "localhost", "LOCALHOST", "localhost.",
                     "127.1", "127.0.1", "2130706433", "0x7f000001", "0177.0.0.1",
                     "0", "0.0.0.0", "::1", "[::1]", "::ffff:127.0.0.1",
                     "[::ffff:7f00:1]", "ip6-localhost"]
        self.refused("".join(f"""
            console.log(await fails(connect({{ host: "{host}", port: {port} }})));
            console.log(await fails(listen({{ host: "{host}", port: 0 }})));
        """ for host in spellings), f"--allow-net=127.0.0.1:{port + 1}",
            "--allow-net=example.org")
        self.refused("".join(f"""
            console.log(await fails(connect({{ host: "{host}", port: {port} }})));
        """ for host in spellings[1:]), f"--allow-net=127.0.0.1:{port}")

    def test_a_port_that_the_system_chooses_needs_the_host(self):
        self.refused("""
            console.log(await fails(listen({ port: 0 })));
        """, "--allow-net=127.0.0.1:80")
        self.assertEqual(self.lines("""
            console.log((await listen({ port: 0 })).local.port > 0);
        """, "--allow-net=127.0.0.1"), ["true"])

    def test_sockets_of_unix_that_were_not_granted(self):
        os.mkdir(self.path("other"))
        server = self.peer(lambda connection: connection.sendall(b"secret"),
                           family=socket.AF_UNIX,
                           address=self.path("other/secret.sock"))
        os.symlink("other", self.path("folder"))
        os.symlink("other/secret.sock", self.path("link.sock"))
        os.symlink("other/new.sock", self.path("new.sock"))
        full = self.path("other/secret.sock")
        ways = [full, "other/secret.sock", "folder/secret.sock", "link.sock",
                f"/proc/self/root{full}", "/proc/self/cwd/other/secret.sock",
                "./x/../other/secret.sock", "unix:" + full]
        self.refused("".join(f"""
            console.log(await fails(connect({{ path: "{path}" }})));
            console.log(await fails(listen({{ path: "{path}" }})));
        """ for path in ways) + """
            console.log(await fails(listen({ path: "new.sock" })));
            console.log(await fails(connect({ host: "unix", port: 1 })));
        """, "--allow-net=unix:own.sock", "--allow-net=localhost")
        self.assertEqual(os.listdir(self.path("other")), ["secret.sock"])
        self.assertIsNone(server.failure)


if __name__ == "__main__":
    unittest.main()
