#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=240
"""Modules os and std on streams: standard input from a pipe, a file, a socket
and a terminal, pipes, terminals, signals, and programs that run outside.

Every test runs the real command, with real processes and a real terminal.
"""

import errno
import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))

from scripts import OS_PRELUDE, TORPOR, Scripts  # noqa: E402


class Command(Scripts):
    maxDiff = 4000

    def start(self, source, *options, **more):
        self.write("main.mjs", OS_PRELUDE + source)
        more = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE, "text": True, **more}
        return subprocess.Popen([TORPOR, *options, "main.mjs"],
                                cwd=self.folder, **more)

    def finish(self, process, code=0):
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, code, f"{out}\n{err}")
        return out

    def run_script(self, text, *options, code=0, input=None, **more):
        process = self.start(text, *options, **more)
        out, err = process.communicate(input, timeout=60)
        self.assertEqual(process.returncode, code, f"{out}\n{err}")
        return out

    def shown(self, text, *options, **more):
        out = self.run_script(text, *options, **more)
        return [json.loads(line) for line in out.splitlines()]


READ_LINES = """
    let line;
    while ((line = std.in.getline()) !== null) show(line);
    show("end", std.in.eof(), std.in.error());
"""
LINES = [["one"], ["two"], [""], ["caf\u00e9"], ["end", True, False]]


class Input(Command):
    def test_lines_from_a_pipe_as_they_come(self):
        process = self.start(READ_LINES, bufsize=0, text=False)
        for line in ("one\n", "two\n\n", "caf\u00e9"):
            process.stdin.write(line.encode())
            time.sleep(0.05)
        out = self.finish(process)
        self.assertEqual([json.loads(x) for x in out.splitlines()], LINES)

    def test_each_line_is_answered_before_the_next_is_read(self):
        process = self.start("""
            for (;;) {
              std.out.puts("> "); std.out.flush();
              const line = std.in.getline();
              if (line === null) break;
              std.out.puts("[" + line + "]"); std.out.flush();
            }""", bufsize=0, text=False)
        for word in (b"a", b"bc"):
            self.assertEqual(self.read_until(process.stdout, b"> "), b"> ")
            process.stdin.write(word + b"\n")
            self.assertEqual(self.read_until(process.stdout, b"]"),
                             b"[" + word + b"]")
        self.finish(process)

    def read_until(self, stream, end):
        got = b""
        while not got.endswith(end):
            more = os.read(stream.fileno(), 1)
            self.assertNotEqual(more, b"", got)
            got += more
        return got

    def test_lines_from_a_file(self):
        self.write("in", "one\ntwo\n\ncaf\u00e9")
        with open(self.path("in")) as file:
            self.assertEqual(self.shown(READ_LINES, stdin=file), LINES)

    def test_a_file_is_read_on_by_the_next(self):
        """Who reads bytes, and not through a buffer, takes no more of them."""
        self.write("in", "abcdef")
        self.write("main.mjs", OS_PRELUDE + """
            const b = new ArrayBuffer(2); os.read(0, b, 0, 2); show(text(b));
            show(os.seek(0, 1, std.SEEK_CUR));
            """)
        out = subprocess.run(f"({TORPOR} main.mjs; cat) < in", shell=True,
                             cwd=self.folder, text=True, capture_output=True,
                             timeout=60).stdout
        self.assertEqual(out, '["ab"]\n[3]\ndef')

    def test_lines_from_a_socket(self):
        ours, its = socket.socketpair()
        process = self.start(READ_LINES, stdin=its)
        its.close()
        ours.sendall("one\ntwo\n\ncaf\u00e9".encode())
        ours.close()
        out = self.finish(process)
        self.assertEqual([json.loads(x) for x in out.splitlines()], LINES)

    def test_none(self):
        self.assertEqual(self.shown(READ_LINES, stdin=subprocess.DEVNULL),
                         LINES[-1:])

    def test_closed(self):
        self.write("main.mjs", OS_PRELUDE + READ_LINES)
        done = subprocess.run(f"{TORPOR} main.mjs <&-", shell=True,
                              cwd=self.folder, capture_output=True, text=True,
                              timeout=60)
        self.assertNotEqual(done.stdout, "")
        self.assertLess(done.returncode, 128)

    def test_the_pipe_of_others_is_left_as_it_is(self):
        """The flag O_NONBLOCK belongs to the open file, which is shared."""
        read, write = os.pipe()
        process = self.start("""
            os.setReadHandler(0, () => {
              os.read(0, new ArrayBuffer(9), 0, 9);
              os.setReadHandler(0, null); show("read");
            }); show("waiting");""", stdin=read)
        self.assertEqual(process.stdout.readline(), '["waiting"]\n')
        time.sleep(0.1)
        self.assertFalse(fcntl.fcntl(read, fcntl.F_GETFL) & os.O_NONBLOCK)
        os.write(write, b"x")
        self.finish(process)
        os.close(read)
        os.close(write)

    def test_by_a_handler_then_at_once(self):
        process = self.start("""
            const b = new ArrayBuffer(3);
            os.setReadHandler(0, () => {
              show(os.read(0, b, 0, 2), text(b.slice(0, 2)));
              os.setReadHandler(0, null);
              show(std.in.getline(), std.in.readAsString());
            });""", bufsize=0, text=False)
        process.stdin.write(b"abcd\n")
        time.sleep(0.3)
        process.stdin.write(b"rest")
        self.assertEqual(self.finish(process).decode(),
                         '[2,"ab"]\n["cd","rest"]\n')

    def test_a_large_input(self):
        size = 20_000_000
        self.assertEqual(self.shown("""
            let n = 0; const b = new ArrayBuffer(1 << 16);
            for (let c; (c = std.in.read(b, 0, b.byteLength)) > 0;) n += c;
            show(n);""", input="x" * size), [[size]])

    def test_a_signal_ends_a_program_that_reads(self):
        for sent, read in ((signal.SIGINT, "std.in.getline()"),
                           (signal.SIGTERM, "os.sleep(60000)"),
                           (signal.SIGINT, 'os.exec(["sleep", "60"])')):
            process = self.start(f'show("now"); std.out.flush(); {read};',
                                 "--allow-run=sleep")
            process.stdout.readline()
            time.sleep(0.2)
            process.send_signal(sent)
            self.finish(process, code=-sent)


class Output(Command):
    def test_in_order_with_the_console(self):
        self.assertEqual(self.run_script("""
            std.out.puts("1 "); console.log("2"); std.printf("%d ", 3);
            os.write(1, bytes("4 "), 0, 2); std.puts("5\\n");
            console.error("e1"); std.err.puts("e2\\n"); std.out.puts("6\\n");
            """, stderr=subprocess.STDOUT),
            "1 2\n3 4 5\ne1\ne2\n6\n")

    def test_a_reader_that_goes_away(self):
        self.write("main.mjs", OS_PRELUDE + """
            for (;;) std.out.puts("y\\n");""")
        done = subprocess.run(f"{TORPOR} main.mjs | head -n 2", shell=True,
                              cwd=self.folder, capture_output=True, text=True,
                              timeout=60)
        self.assertEqual((done.stdout, done.stderr), "y\ny\n" and
                         ("y\ny\n", ""))

    def test_exit_flushes_and_gives_its_code(self):
        for text in ('std.exit(7)', 'os.setTimeout(() => std.exit(7), 1)',
                     'await null; try { std.exit(7) } finally { show("no") }',
                     'for (;;) std.exit(7)'):
            self.assertEqual(self.run_script(
                f'std.out.puts("said");{text};', code=7), "said", text)
        self.run_script("std.exit();")
        self.run_script("std.exit(256 + 3);", code=3)


class Pipes(Command):
    def test_both_ends(self):
        self.assertEqual(self.shown("""
            const [from, to] = os.pipe();
            show(os.write(to, bytes("hello"), 0, 5));
            const b = new ArrayBuffer(8);
            show(os.read(from, b, 0, 8), text(b.slice(0, 5)));
            show(os.seek(from, 0, 0), os.read(to, b, 0, 8) < 0);
            os.close(to); show(os.read(from, b, 0, 8), os.close(from));
            """), [[5], [5, "hello"], [-29, True], [0, 0]])

    def test_nobody_reads(self):
        self.assertEqual(self.shown("""
            const [from, to] = os.pipe(); os.close(from);
            show(os.write(to, bytes("x"), 0, 1));"""), [[-errno.EPIPE]])

    def test_a_slow_reader_holds_the_writer_up(self):
        self.assertEqual(self.shown("""
            const [from, to] = os.pipe();
            const piece = new ArrayBuffer(100000), b = new ArrayBuffer(65536);
            let wrote = 0, read = 0, most = 0;
            os.setWriteHandler(to, () => {
              const n = os.write(to, piece, 0, piece.byteLength);
              if (n > 0) wrote += n;
              if (wrote - read > most) most = wrote - read;
              if (wrote < 3e6) return;
              os.setWriteHandler(to, null); os.close(to);
            });
            os.setReadHandler(from, () => {
              const n = os.read(from, b, 0, b.byteLength);
              read += n;
              if (n === 0) {
                os.setReadHandler(from, null); os.close(from);
                show(read === wrote, most < 4e5);
              }
            });"""), [[True, True]])

    def test_a_named_pipe(self):
        os.mkfifo(self.path("pipe"))
        process = self.start("""
            const f = std.open("pipe", "r"); show(f.readAsString()); f.close();
            const g = std.open("pipe", "w"); g.puts("answer"); g.close();
            """, "--allow-read=.", "--allow-write=.")
        time.sleep(0.2)
        with open(self.path("pipe"), "w") as file:
            file.write("question")
        time.sleep(0.2)
        with open(self.path("pipe")) as file:
            self.assertEqual(file.read(), "answer")
        self.assertEqual(self.finish(process), '["question"]\n')


class Processes(Command):
    def test_exec(self):
        self.assertEqual(self.shown("""
            show(os.exec(["true"]), os.exec(["false"]),
                 os.exec(["sh", "-c", "exit 42"]),
                 os.exec(["sh", "-c", "kill -9 $$"]));
            show(os.exec(["none-such-program"]), os.exec(["/etc/passwd"]),
                 os.exec(["/bin/sh", "-c", "exit 4"], { usePath: false }));
            show(os.exec(["name", "-c", 'exit ${#0}'], { file: "/bin/sh" }));
            for (const args of [[], "x", undefined])
              try { os.exec(args); } catch (e) { show(e.name); }
            for (const options of [{ uid: 0 }, { gid: 0 }])
              try { os.exec(["true"], options); } catch (e) { show(e.name); }
            """, "--allow-run"), [
                [0, 1, 42, -9], [-2, -2, 4], [4]] + [["TypeError"]] * 5)

    def test_streams_of_a_process(self):
        self.assertEqual(self.shown("""
            const [from, to] = os.pipe();
            const pid = os.exec(["tr", "a-z", "A-Z"], { block: false,
              stdin: os.open("in", os.O_RDONLY), stdout: to });
            os.close(to);
            show(std.fdopen(from, "r").readAsString(), os.waitpid(pid));
            const fd = os.open("out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC);
            os.write(fd, bytes("1 "), 0, 2);
            os.exec(["sh", "-c", "printf '2 '; printf '3 ' >&2"],
                    { stdout: fd, stderr: fd });
            os.write(fd, bytes("4"), 0, 1); show(os.seek(fd, 0, 1));
            show(std.loadFile("out"));
            """.replace("os.waitpid(pid)", "os.waitpid(pid)[1]"),
            "--allow-run=tr,sh", "--allow-read=.", "--allow-write=.",
            **self.with_input("text\n")), [
                ["TEXT\n", 0], [7], ["1 2 3 4"]])

    def with_input(self, text):
        self.write("in", text)
        return {}

    def test_waitpid(self):
        self.assertEqual(self.shown("""
            const [from, to] = os.pipe();
            const a = os.exec(["cat"], { block: false, stdin: from });
            const b = os.exec(["sh", "-c", "exit 3"], { block: false });
            show(os.waitpid(a, os.WNOHANG));
            const first = os.waitpid(-1);
            show(first[0] === b, first[1] >> 8);
            os.close(to); // the end of what it reads
            show(os.waitpid(a)[0] === a, os.waitpid(a), os.waitpid(-1),
                 os.waitpid(1));
            """, "--allow-run=cat,sh"), [
                [[0, 0]], [True, 3], [True, [-10, 0], [-10, 0], [-10, 0]]])

    def test_kill(self):
        self.assertEqual(self.shown("""
            const pid = os.exec(["sleep", "60"], { block: false });
            show(os.kill(pid, 0), os.kill(pid, os.SIGTERM));
            show(os.waitpid(pid)[1] & 127, );
            try { show(os.kill(pid, 0)); } catch (e) { show(e.name); }
            try { show(os.kill(1, 0)); } catch (e) { show(e.name); }
            """, "--allow-run=sleep"), [
                [0, 0], [15], ["NotAllowedError"], ["NotAllowedError"]])
        other = subprocess.Popen(["sleep", "60"])
        self.assertEqual(self.shown(
            f"show(os.kill({other.pid}, os.SIGINT), os.kill(2 ** 22 + 5, 0),"
            " os.kill(1.5, 0), os.kill(1, 999));",
            "--allow-run"), [[0, -3, -22, -22]])
        self.assertEqual(other.wait(), -signal.SIGINT)

    def test_popen(self):
        self.assertEqual(self.shown("""
            const f = std.popen("echo out; exit 3", "r");
            show(f.readAsString(), f.close() >> 8);
            const g = std.popen("cat; exit 1", "w");
            g.puts('["through"]\\n'); show(g.close() >> 8);
            const h = std.popen("kill -9 $$", "r"); show(h.close());
            """, "--allow-run"), [["out\n", 3], ["through"], [1], [9]])

    def test_nothing_is_left(self):
        """No descriptor, no process, after hundreds of each."""
        self.assertEqual(self.shown("""
            const open = () => os.readdir("/proc/self/fd")[0].length;
            const children = () => {
              const [pid] = os.readlink("/proc/self");
              return std.loadFile(
                `/proc/${pid}/task/${pid}/children`).trim();
            };
            let before;
            for (let i = 0; i < 100; i++) {
              if (i === 5) {
                await os.sleepAsync(200);
                before = open();
              }
              const f = std.popen("echo x", "r"); f.readAsString(); f.close();
              os.exec(["true"]);
              const fd = os.open("main.mjs", 0); os.close(os.dup(fd));
              os.close(fd);
              const ends = os.pipe(); os.close(ends[0]); os.close(ends[1]);
              os.signal(os.SIGUSR1, () => {}); os.signal(os.SIGUSR1, null);
              if (i % 10 === 0) await os.sleepAsync(5);
            }
            await os.sleepAsync(200);
            show(open() - before, children());
            """, "--allow-run", "--allow-read"), [[0, ""]])

    def test_children_end_with_the_program(self):
        out = self.shown("""
            show(os.exec(["sleep", "600"], { block: false }));
            """, "--allow-run=sleep")
        time.sleep(0.1)
        with self.assertRaises(ProcessLookupError):
            os.kill(out[0][0], 0)


class Signals(Command):
    def test_handlers(self):
        process = self.start("""
            let count = 0;
            os.signal(os.SIGUSR1, () => show("usr1", ++count));
            os.signal(os.SIGUSR2, undefined);
            os.signal(os.SIGTERM, () => { show("term"); std.exit(5); });
            show("ready"); std.out.flush();
            os.setTimeout(() => {}, 20000);""")
        process.stdout.readline()
        for _ in range(3):
            process.send_signal(signal.SIGUSR1)
            self.assertIn("usr1", process.stdout.readline())
        process.send_signal(signal.SIGUSR2)
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(process, code=5), '["term"]\n')

    def test_a_handler_can_be_taken_back(self):
        process = self.start("""
            os.signal(os.SIGINT, () => {
              show("once"); os.signal(os.SIGINT, null);
            });
            show("ready"); std.out.flush(); os.setTimeout(() => {}, 20000);""")
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.stdout.readline(), '["once"]\n')
        process.send_signal(signal.SIGINT)
        self.finish(process, code=-signal.SIGINT)

    def test_one_that_came_while_the_program_was_busy(self):
        process = self.start("""
            os.signal(os.SIGUSR1, () => show("seen"));
            show("ready"); std.out.flush(); os.sleep(500);
            os.setTimeout(() => {}, 100);""")
        process.stdout.readline()
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(self.finish(process), '["seen"]\n')

    def test_a_handler_does_not_keep_the_program(self):
        began = time.monotonic()
        self.run_script("os.signal(os.SIGUSR1, () => {});")
        self.assertLess(time.monotonic() - began, 10)

    def test_what_cannot_be_handled(self):
        self.assertEqual(self.shown("""
            for (const s of [os.SIGSEGV, os.SIGKILL, os.SIGSTOP, os.SIGFPE,
                             os.SIGCHLD, 0, 99, -1, 1.5])
              try { os.signal(s, () => {}); show("no", s); }
              catch (e) { if (e.name !== "RangeError") show(s, e.name); }
            for (const f of [1, {}, "x"])
              try { os.signal(os.SIGUSR1, f); show("no"); }
              catch (e) { if (e.name !== "TypeError") show(e.name); }
            try { os.signal("SIGINT", () => {}); } catch (e) { show(e.name); }
            """), [["TypeError"]])


class Terminal(Command):
    """With a terminal as standard input, output and error."""

    def open_terminal(self, text, *options):
        self.write("main.mjs", OS_PRELUDE + text)
        ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
        self.before = termios.tcgetattr(its)
        process = subprocess.Popen([TORPOR, *options, "main.mjs"], stdin=its,
                                   stdout=its, stderr=its, cwd=self.folder,
                                   start_new_session=True)
        self.addCleanup(os.close, ours)
        self.addCleanup(os.close, its)
        self.its = its
        return process, ours

    def expect(self, ours, text):
        got = b""
        end = time.monotonic() + 20
        while text.encode() not in got:
            ready, _, _ = select.select([ours], [], [], 1)
            if ready:
                got += os.read(ours, 4096)
            self.assertLess(time.monotonic(), end, (text, got))
        return got.decode()

    def test_size_and_kind(self):
        process, ours = self.open_terminal("""
            show(os.isatty(0), os.isatty(1), os.isatty(2), os.isatty(3),
                 os.ttyGetWinSize(1), os.ttyGetWinSize(0));""")
        self.expect(ours, "[true,true,true,false,[77,33],[77,33]]")
        process.wait(20)
        self.assertEqual(self.shown("""
            show(os.isatty(1), os.ttyGetWinSize(1), os.ttySetRaw(0));"""),
            [[False, None, -25]])

    def test_a_line_is_asked_for(self):
        process, ours = self.open_terminal("""
            std.out.puts("name? "); std.out.flush();
            const name = std.in.getline();
            std.out.puts("hello " + name + "\\n");
            show(std.in.getline(), std.in.eof());""")
        self.expect(ours, "name? ")
        os.write(ours, b"world\n")
        self.expect(ours, "hello world")
        os.write(ours, b"\x04")
        self.expect(ours, "[null,true]")
        self.assertEqual(process.wait(20), 0)

    def test_raw_keys_and_the_mode_afterwards(self):
        process, ours = self.open_terminal("""
            show(os.ttySetRaw(0), os.ttySetRaw(0));
            const b = new Uint8Array(8);
            os.setReadHandler(0, () => {
              const n = os.read(0, b.buffer, 0, 8);
              show([...b.subarray(0, n)]);
              if (b[0] === 113) os.setReadHandler(0, null);
            });""")
        self.expect(ours, "[0,0]")
        os.write(ours, b"a")
        self.expect(ours, "[[97]]")
        os.write(ours, b"\x1b[A")
        self.expect(ours, "[[27,91,65]]")
        os.write(ours, b"q")
        self.expect(ours, "[[113]]")
        self.assertEqual(process.wait(20), 0)
        self.assertEqual(termios.tcgetattr(self.its), self.before)

    def test_the_mode_after_a_signal(self):
        process, ours = self.open_terminal("""
            os.ttySetRaw(0); show("raw"); std.out.flush();
            std.in.getByte();""")
        self.expect(ours, "raw")
        self.assertNotEqual(termios.tcgetattr(self.its), self.before)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), -signal.SIGTERM)
        self.assertEqual(termios.tcgetattr(self.its), self.before)

    def test_the_window_changes(self):
        process, ours = self.open_terminal("""
            os.signal(os.SIGWINCH, () => {
              show(os.ttyGetWinSize(1)); std.exit(0);
            });
            show("ready"); std.out.flush(); os.setTimeout(() => {}, 20000);""")
        self.expect(ours, "ready")
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 20, 0, 0))
        process.send_signal(signal.SIGWINCH)
        self.expect(ours, "[[20,10]]")
        self.assertEqual(process.wait(20), 0)

    def test_output_comes_line_by_line(self):
        process, ours = self.open_terminal("""
            std.out.puts("first\\n"); os.sleep(60000);""")
        self.expect(ours, "first")
        process.kill()
        process.wait(20)


class Workers(Command):
    def test_messages_both_ways_in_order(self):
        self.write("w.mjs", """
            import { Worker } from "os";
            let sum = 0;
            Worker.parent.onmessage = ({ data }) => {
              if (data === null) {
                Worker.parent.postMessage(["sum", sum]);
                Worker.parent.onmessage = null;
              } else { sum += data.n; Worker.parent.postMessage(data.n); }
            };""")
        self.assertEqual(self.shown("""
            const w = new os.Worker("./w.mjs"), got = [];
            w.onmessage = ({ data }) => {
              if (typeof data === "number") return got.push(data);
              show(data, got.length, got.every((n, i) => n === i));
              w.onmessage = null;
            };
            for (let i = 0; i < 2000; i++) w.postMessage({ n: i });
            w.postMessage(null);
            show(os.Worker.parent === undefined);
            """, "--allow-read=."), [[True], [["sum", 1999000], 2000, True]])

    def test_values(self):
        self.write("w.mjs", """
            import { Worker } from "os";
            Worker.parent.onmessage = (e) => {
              const { data: d } = e;
              Worker.parent.postMessage([d.map instanceof Map,
                d.map.get(1) === d.self, d.self === d, d.date.getTime(),
                [...d.bytes], d.big === 2n ** 70n, d.error.message,
                Object.is(d.zero, -0), d.undef === undefined && "undef" in d]);
              Worker.parent.onmessage = null;
            };""")
        self.assertEqual(self.shown("""
            const w = new os.Worker("./w.mjs");
            const d = { date: new Date(5), bytes: new Uint8Array([1, 2]),
              big: 2n ** 70n, error: new TypeError("x"), zero: -0,
              undef: undefined };
            d.self = d; d.map = new Map([[1, d]]);
            w.postMessage(d);
            w.onmessage = ({ data }) => { show(...data); w.onmessage = null; };
            const shared = new SharedArrayBuffer(4);
            for (const bad of [shared, new Uint8Array(shared), [[shared]],
                { a: new Map([[1, new DataView(shared)]]) }, new Set([shared]),
                () => 1, Symbol(), new WeakMap(), new Proxy({}, {})])
              try { w.postMessage(bad); show("no"); }
              catch (e) { if (e.name !== "TypeError") show(e.name); }
            """, "--allow-read=."), [
                [True, True, True, 5, [1, 2], True, "x", True, True]])

    def test_errors(self):
        self.write("throws.mjs", 'await null; throw new RangeError("boom");')
        self.write("rejects.mjs", 'Promise.reject(new Error("alone")); '
                   'setTimeout(() => {}, 60000);')
        self.write("wrong.mjs", "}")
        self.write("waits.mjs", "await new Promise(() => {});")
        self.assertEqual(self.shown("""
            for (const name of ["throws", "rejects", "wrong", "waits", "none"])
              await new Promise((resolve) => {
                const w = new os.Worker(`./${name}.mjs`);
                w.onmessage = () => {};
                w.onerror = (e) => { show(e.name, e.message.slice(0, 27));
                                     resolve(); };
              });
            """.replace("${name}", "${name}"), "--allow-read=.")[:3], [
                ["RangeError", "boom"], ["Error", "alone"],
                ["SyntaxError", "unexpected token in express"]])
        process = self.start("""
            const w = new os.Worker("./throws.mjs"); w.onmessage = () => {};
            """, "--allow-read=.")
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertIn("boom", err)

    def test_ends_with_its_parent(self):
        for body in ("for (;;);", "'x'.repeat(1e6).split('').sort();for(;;);",
                     'import * as os from "os"; os.sleep(60000);',
                     'import * as std from "std"; std.in.getline();',
                     'import * as os from "os"; '
                     'os.exec(["sleep", "60"]);',
                     "setTimeout(() => {}, 60000);",
                     "await new Promise((r) => setTimeout(r, 60000));"):
            self.write("w.mjs", body)
            began = time.monotonic()
            process = self.start("""
                new os.Worker("./w.mjs"); new os.Worker("./w.mjs");
                os.setTimeout(() => show("over"), 200);""",
                "--allow-read=.", "--allow-run=sleep")
            process.stdout.readline()
            process.wait(30)
            self.assertEqual(process.returncode, 0, body)
            self.assertLess(time.monotonic() - began, 20, body)
            process.communicate()

    def test_many(self):
        self.write("w.mjs", """
            import { Worker } from "os";
            Worker.parent.postMessage(1);""")
        self.assertEqual(self.shown("""
            let got = 0;
            for (let i = 0; i < 40; i++) {
              const w = new os.Worker("./w.mjs");
              w.onmessage = () => { got++; w.onmessage = null;
                                    if (got === 40) show("all"); };
            }
            let more = 40;
            try { for (;;) { new os.Worker("./w.mjs"); more++; } }
            catch (e) { show(e.name, more); }
            """, "--allow-read=."), [["RangeError", 64], ["all"]])

    def test_its_own_things(self):
        """exit ends the worker alone; modules are found beside it; no signals;
        standard output is shared."""
        os.mkdir(self.path("d"))
        self.write("d/other.mjs", "export default 'imported';")
        self.write("d/w.mjs", """
            import * as os from "os"; import * as std from "std";
            import other from "./other.mjs";
            const p = os.Worker.parent;
            let refused;
            try { os.signal(os.SIGINT, () => {}); } catch (e) {
              refused = e.name; }
            p.postMessage([other, refused, os.getcwd()[0]]);
            std.out.puts("from the worker\\n");
            std.exit(3);""")
        out = self.run_script("""
            const w = new os.Worker("./d/w.mjs");
            w.onmessage = ({ data }) => {
              w.onmessage = null;
              os.setTimeout(() => show(data[0], data[1],
                                       data[2] === os.getcwd()[0]), 200);
            };""", "--allow-read=.")
        self.assertEqual(sorted(out.splitlines()), [
            '["imported","NotAllowedError",true]', "from the worker"])


if __name__ == "__main__":
    unittest.main()
