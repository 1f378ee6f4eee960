#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=180
"""Modules os and std on files: what they give, what they refuse, and that no
function of theirs gets at what the program was not granted.

Every test runs the real command in a folder of its own.
"""

import http.server
import json
import os
import re
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))

from scripts import OS_PRELUDE, TORPOR, Scripts  # noqa: E402


class Command(Scripts):
    maxDiff = 4000

    def run_script(self, text, *options, code=0, **more):
        self.write("main.mjs", OS_PRELUDE + text)
        done = subprocess.run([TORPOR, *options, "main.mjs"], cwd=self.folder,
                              text=True, capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL, **more)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def shown(self, text, *options, **more):
        """What show() gave in a script that may use its own folder."""
        options = options or ("--allow-read=.", "--allow-write=.")
        out = self.run_script(text, *options, **more).stdout
        return [json.loads(line) for line in out.splitlines()]


class Descriptors(Command):
    def test_open_read_write_seek_close(self):
        self.assertEqual(self.shown("""
            const fd = os.open("f", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600);
            show(fd > 2, os.write(fd, bytes("hello world"), 0, 11));
            show(os.seek(fd, 6, std.SEEK_SET), os.seek(fd, 0n, 1) === 6n);
            const buffer = new ArrayBuffer(16);
            show(os.read(fd, buffer, 2, 14), text(buffer).slice(2, 7));
            show(os.read(fd, buffer, 0, 16), os.seek(fd, -5, std.SEEK_END));
            show(os.seek(fd, -50, std.SEEK_CUR), os.close(fd), os.close(fd));
            show(os.read(fd, buffer, 0, 1), os.write(99, buffer, 0, 1));
            show(os.open("f", os.O_RDWR | os.O_CREAT | os.O_EXCL));
            show(os.open("none", os.O_RDONLY), os.open("f/x", os.O_RDONLY));
            show(os.stat("f")[0].mode.toString(8));
            """), [
                [True, 11], [6, True], [5, "world"], [0, 6], [-22, 0, -9],
                [-9, -9], [-17], [-2, -20], ["100600"]])

    def test_numbers_that_are_none(self):
        self.assertEqual(self.shown("""
            const of = (call) => { try { return call(); }
                                   catch (e) { return e.name; } };
            const buffer = new ArrayBuffer(4);
            for (const fd of [-1, 1.5, NaN, "0", null, {}, 2 ** 32])
              show(of(() => os.read(fd, buffer, 0, 4)),
                   of(() => os.close(fd)), of(() => os.dup(fd)));
            show(of(() => os.read(0, buffer, 0, 5)),
                 of(() => os.read(0, buffer, 5, 0)),
                 of(() => os.read(0, {}, 0, 0)),
                 of(() => os.read(0, buffer, -1, 1)));
            show(of(() => os.open("f\\0g", 0)), of(() => os.open(7, 0)),
                 of(() => os.open("f", 1 << 30)), of(() => os.open("f", -1)));
            """), [["TypeError"] * 3] * 7 + [
                ["RangeError", "RangeError", "TypeError", "RangeError"],
                ["TypeError", "TypeError", -22, -22]])

    def test_append_and_truncate(self):
        self.write("f", "one\n")
        self.shown("""
            const f = std.open("f", "a"); f.puts("two\\n");
            show(f.tell()); f.close();
            const g = std.open("g", "w"); g.puts("x"); g.close();
            const h = std.open("g", "w"); h.close();
            """)
        self.assertEqual(self.read("f"), "one\ntwo\n")
        self.assertEqual(self.read("g"), "")

    def test_dup_shares_the_place_in_a_file(self):
        self.write("f", "abcdef")
        self.assertEqual(self.shown("""
            const fd = os.open("f", os.O_RDONLY), other = os.dup(fd);
            const b = new ArrayBuffer(2);
            const next = (fd) => (os.read(fd, b, 0, 2), text(b));
            show(next(fd), next(other), os.close(fd), next(other));
            show(os.read(fd, b, 0, 2), os.close(other), os.close(other));
            show(os.dup(99), os.dup2(99, 1));
            """), [["ab", "cd", 0, "ef"], [-9, 0, -9], [-9, -9]])

    def test_dup2_puts_a_file_in_the_place_of_standard_output(self):
        done = self.run_script("""
            std.out.puts("before\\n");
            const kept = os.dup(1);
            const fd = os.open("f", os.O_WRONLY | os.O_CREAT);
            show(os.dup2(fd, 1) === 1); os.close(fd);
            std.out.puts("into "); std.puts("the file\\n");
            std.out.flush();
            os.dup2(kept, 1);
            std.out.puts("after\\n");
            """, "--allow-write=.")
        self.assertEqual(done.stdout, "before\n[true]\nafter\n")
        self.assertEqual(self.read("f"), "into the file\n")

    def test_dup2_many_times(self):
        """No number leads to the wrong place, whatever is closed when."""
        self.write("a", "a" * 9)
        self.write("b", "b" * 9)
        self.assertEqual(self.shown("""
            const a = os.open("a", 0), b = os.open("b", 0);
            const buffer = new ArrayBuffer(1);
            const at = (fd) => os.read(fd, buffer, 0, 1) === 1
              ? text(buffer) : null;
            os.dup2(a, 9); os.dup2(b, a);
            const c = [os.dup(9), os.dup(a)];
            const opened = []; /* these step over number 9 */
            for (let i = 0; i < 6; i++) opened.push(os.open("a", 0));
            show(at(9), at(a), at(b), at(c[0]), at(c[1]));
            show(opened.includes(9), opened.map(at).join(""));
            os.close(9); os.close(b);
            show(at(a), at(9), at(b), at(c[0]));
            os.close(a); os.close(c[1]);
            show(at(a), at(c[0]), at(c[1]));
            """), [["a", "b", "b", "a", "b"], [False, "a" * 6],
                   ["b", None, None, "a"], [None, "a", None]])

    def test_a_read_handler_on_a_file(self):
        self.write("f", "abcdef")
        self.assertEqual(self.shown("""
            const fd = os.open("f", 0), b = new ArrayBuffer(4), got = [];
            os.setReadHandler(fd, () => {
              const n = os.read(fd, b, 0, 4);
              got.push(text(b.slice(0, n)));
              if (n > 0) return;
              os.setReadHandler(fd, null);
              show(got);
            });"""), [[["abcd", "ef", ""]]])


class Names(Command):
    def test_files_folders_links(self):
        self.write("f", "12345")
        self.assertEqual(self.shown("""
            show(os.mkdir("d"), os.mkdir("d"), os.mkdir("none/d"));
            show(os.rename("f", "d/g"), os.rename("f", "h"));
            show(os.symlink("d/g", "l"), os.readlink("l"), os.readlink("d"));
            show(os.realpath("l")[0].endsWith("/d/g"), os.realpath("none"));
            const kind = ([s]) => (s.mode & os.S_IFMT);
            show(kind(os.stat("l")) === os.S_IFREG,
                 kind(os.lstat("l")) === os.S_IFLNK,
                 kind(os.stat("d")) === os.S_IFDIR);
            show(os.readdir("d")[0].sort(), os.readdir("l")[1]);
            const now = Date.now();
            show(os.utimes("l", now + 0.5, 86400000));
            const [stat, errno] = os.stat("d/g");
            show(stat.size, stat.atime - now, stat.mtime, errno,
                 os.stat("none"));
            show(os.remove("d"), os.remove("l"), os.remove("d/g"),
                 os.remove("d"), os.remove("d"));
            """), [
                [0, -17, -2], [0, -2], [0, ["d/g", 0], ["", 22]],
                [True, ["", 2]], [True, True, True],
                [[".", "..", "g"], 20], [0], [5, 0, 86400000, 0, [None, 2]],
                [-39, 0, 0, 0, -2]])

    def test_the_folder_is_the_programs_own(self):
        os.mkdir(self.path("d"))
        self.write("d/f", "in d")
        self.assertEqual(self.shown("""
            const [start] = os.getcwd();
            show(os.chdir("d"), os.getcwd()[0] === start + "/d");
            show(std.loadFile("f"), os.readdir("..")[0].includes("main.mjs"));
            show(os.chdir("f"), os.chdir("none"), os.chdir(".."));
            show(os.getcwd()[0] === start, std.loadFile("f"));
            """), [[0, True], ["in d", True], [-20, -2, 0], [True, None]])

    def test_children_run_in_that_folder(self):
        os.mkdir(self.path("d"))
        done = self.run_script("""
            os.chdir("d"); os.exec(["pwd"]);
            std.out.puts(std.popen("pwd", "r").readAsString());
            os.exec(["pwd"], { cwd: ".." });
            """, "--allow-read=.", "--allow-run")
        d = self.path("d")
        self.assertEqual(done.stdout, f"{d}\n{d}\n{d}/..\n".replace(
            f"{d}/..", self.folder))


class Buffers(Command):
    def test_a_file_that_is_written_and_read(self):
        self.assertEqual(self.shown("""
            const f = std.open("f", "w+");
            f.puts("one\\n", "two\\n"); f.putByte(0xe9); f.putByte(10);
            show(f.printf("%03d\\n", 7), f.tell(), f.tello() === 14n);
            show(f.seek(0, std.SEEK_SET), f.getline(), f.tell());
            f.puts("TWO");                       /* where it stands */
            show(f.getline(), f.getByte(), f.getline());
            show(f.readAsString(), f.eof(), f.getByte(), f.getline());
            f.seek(4, std.SEEK_SET);
            show(f.eof(), f.readAsString(3), f.error());
            const b = new ArrayBuffer(8);
            show(f.read(b, 2, 3), new Uint8Array(b)[3]);
            show(f.write(b, 0, 8), f.close());
            show((() => { try { f.tell(); } catch (e) { return e.name; } })());
            """), [
                [4, 14, True], [0, "one", 4], ["", 0xe9, ""],
                ["007\n", True, -1, None], [False, "TWO", False],
                [3, 0xe9], [8, 0], ["TypeError"]])

    def test_modes(self):
        self.write("f", "text")
        self.assertEqual(self.shown("""
            const errno = (name, mode) => {
              const e = {}; const f = std.open(name, mode, e);
              return f === null ? e.errno : 0;
            };
            show(errno("f", "r"), errno("none", "r"), errno("none", "r+"),
                 errno("f", "wx"), errno("f", "rb"));
            const r = std.open("f", "r"); r.puts("no");
            show(r.error(), (r.clearerr(), r.error()), r.readAsString());
            const w = std.open("f", "r+"); w.puts("T"); w.close();
            const o = std.open("f", "a"); show(o.getByte(), o.error());
            show(std.loadFile("f"));
            for (const mode of ["", "q", "rw", "r++q"])
              try { std.open("f", mode); } catch (e) { show(e.name); }
            show(std.fdopen(77, "r"), std.fdopen(os.open("f", 0), "r")
              .readAsString());
            """), [
                [0, 2, 2, 17, 0], [True, False, "text"], [-1, True], ["Text"],
                ["TypeError"], ["TypeError"], ["TypeError"], ["TypeError"],
                [None, "Text"]])

    def test_what_was_written_is_there_when_the_program_ends(self):
        for end in ("", "std.exit(0);", "os.setTimeout(() => {}, 1);",
                    "globalThis.never = new Promise(() => {});"):
            self.run_script(f"""
                const f = std.open("f", "w");
                for (let i = 0; i < 9999; i++) f.puts("line " + i + "\\n");
                {end}""", "--allow-write=.")
            self.assertEqual(self.read("f").count("\n"), 9999, end)

    def test_a_full_disk_is_told(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        done = self.run_script("""
            const f = std.open("/dev/full", "w"); f.puts("x");
            show(f.flush(), f.error(), f.close());
            std.open("/dev/full", "w").puts("nobody asks");""",
            "--allow-write", code=1)
        self.assertEqual(done.stdout, "[-28,true,0]\n")
        self.assertIn("writing a FILE", done.stderr)

    def test_a_temporary_file(self):
        before = set(os.listdir("/tmp"))
        self.assertEqual(self.shown("""
            const f = std.tmpfile(); f.puts("kept");
            f.seek(0, 0); show(f.readAsString());
            try { const g = os.stat("/tmp"); show(g[1]); } catch (e) { }
            """, "--allow-read=/tmp", "--allow-write=/tmp",
            env={**os.environ, "TMPDIR": "/tmp"})[0], ["kept"])
        left = set(os.listdir("/tmp")) - before
        self.assertFalse([name for name in left if "torpor-tmp" in name])

    def test_load_file_and_scripts(self):
        self.write("data", "caf\u00e9")
        self.write("s.js", "var loaded = 41; loaded + 1")
        self.write("bad.js", "\n\nlet 1")
        self.assertEqual(self.shown("""
            show(std.loadFile("data"), std.loadFile("none"));
            show([...std.loadFile("data", { binary: true })].length);
            const head = std.open("data", "r").readAsArrayBuffer(4);
            std.writeFile("copy", head);
            std.writeFile("view", new Uint8Array(head, 1, 2));
            std.writeFile("text", "caf\u00e9");
            show(head.byteLength, std.loadFile("copy").length,
                 std.loadFile("view"), std.loadFile("text"));
            try { std.writeFile("none/x", ""); } catch (e) { show(e.errno); }
            show(std.loadScript("s.js"), globalThis.loaded);
            show(std.evalScript("let inner = 2; inner * 3"),
                 await std.evalScript("await 7", { async: true }));
            for (const name of ["bad.js", "none"])
              try { std.loadScript(name); } catch (e) {
                show(e.name, e.errno ?? 0, e.stack.includes("bad.js:3"));
              }
            std.gc();
            show(std.strerror(2), std.Error.EINVAL, std.SEEK_END);
            """), [["caf\u00e9", None], [5], [4, 4, "af", "caf\u00e9"], [2],
                   [42, 41], [6, 7],
                   ["SyntaxError", 0, True], ["Error", 2, False],
                   ["No such file or directory", 22, 2]])


class Formats(Command):
    # What C's printf gives; checked against it below.
    CASES = [
        ("%d|%5d|%-5d|%05d|%+d|% d", [42, 42, 42, 42, 42, 42]),
        ("%d %i", [-7, 3]), ("%.3d|%5.3d|%.0d", [7, 7, 0]),
        ("%u %o %x %X %#x %#o %#X", [42, 8, 255, 255, 255, 8, 255]),
        ("%x", [-1]), ("%lx", [-1]), ("%5c|%-3c|", [65, 66]),
        ("%s|%10s|%-10s|%.2s", ["abc", "abc", "abc", "abc"]),
        ("%f %.2f %10.3f %-10.1f| %+.1f %010.2f",
         [1.5, 3.14159, 2.5, 2.25, 1.25, -3.5]),
        ("%.0f %.0f %#.0f", [0.5, 2.5, 2]),
        ("%f", [1e22]), ("%.3f", [1e300]), ("%.20f", [0.1]),
        ("%e %.2e %E %.0e", [12345.678, 0.00012, 1e-10, 5]),
        ("%e", [1e100]), ("%g %g %g %g %g", [100000, 1e6, 1e-4, 1e-5, 0]),
        ("%.3g %#g %G %.10g", [1234.5, 1.5, 1e-10, 0.1]),
        ("%a %a %a %.2a", [1, 0.5, 10, 1.999]),
        ("%f %5.1f %e %g", ["inf", "inf", "-inf", "nan"]),
        ("%*d|%-*d|%.*f", [5, 42, 5, 42, 2, 1.005]),
        ("100%%|%ld|%hd|%zu", [7, 8, 9]),
        ("%f|%d", [-0.0, 0]),
    ]

    def test_like_c(self):
        def js(value):
            words = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}
            return words.get(value, json.dumps(value))
        calls = ", ".join(
            f"std.sprintf({json.dumps(format)}, {', '.join(map(js, values))})"
            for format, values in self.CASES)
        ours = self.shown(f"show({calls});")[0]
        for (format, values), given in zip(self.CASES, ours):
            self.assertEqual(given, self.in_c(format, values), format)

    def in_c(self, format, values):
        """The same by the C library, through printf(1) of the shell where that
        is enough, else by Python, which uses C's formats."""
        import ctypes
        library = ctypes.CDLL(None)
        library.snprintf.restype = ctypes.c_int
        arguments = []
        codes = [c for c in self.codes(format)]
        for value, code in zip(values, codes):
            if code in "feEgGa":
                arguments.append(ctypes.c_double(float(value)))
            elif code == "s":
                arguments.append(ctypes.c_char_p(value.encode()))
            elif code in "lz":
                arguments.append(ctypes.c_long(value))
            else:
                arguments.append(ctypes.c_int(value))
        room = ctypes.create_string_buffer(1024)
        library.snprintf(room, ctypes.c_size_t(1024), format.encode(),
                         *arguments)
        return room.value.decode()

    @staticmethod
    def codes(format):
        """For each argument what it is: a conversion, "l" or "z", "*"."""
        at = 0
        while at < len(format):
            if format[at] != "%":
                at += 1
                continue
            at += 1
            if format[at] == "%":
                at += 1
                continue
            size = ""
            while format[at] not in "diuoxXcsfFeEgGaA":
                if format[at] == "*":
                    yield "*"
                if format[at] in "lz":
                    size = format[at]
                at += 1
            yield size or format[at]
            at += 1

    def test_refused(self):
        self.assertEqual(self.shown("""
            for (const args of [["%d"], ["%q", 1], ["%"], ["%9999999d", 1],
                                ["%.9999999f", 1], ["%*d", 1e9, 1]])
              try { std.sprintf(...args); show("no"); }
              catch (e) { show(e.name); }
            show(std.sprintf("%d %s %d", 2n ** 70n, {}, "12"));
            """), [["TypeError"]] * 3 + [["RangeError"]] * 3 + [
                ["1180591620717411303424 [object Object] 12"]])

    def test_extended_json(self):
        self.assertEqual(self.shown(r"""
            show(std.parseExtJSON(String.raw`{
              // a comment
              name: 'it\'s', "two": "a\
b", /* another */ $x_1: [1, +2, .5, 0x1F, 0o17, 0b11, 1e3,],
              nested: { deep: [[], {}, null, true] },
            }`));
            show(Object.is(std.parseExtJSON("-0"), -0),
                 std.parseExtJSON(" NaN ") + "",
                 std.parseExtJSON("-Infinity") + "");
            const own = std.parseExtJSON('{"__proto__": 1}');
            show(Object.keys(own), Object.getPrototypeOf(own) ===
              Object.prototype);
            for (const bad of ["", "{", "[1", "{a}", "{a:1 b:2}", "'x", "1 2",
                               "/*", "\"\n\"", "[,]", "{1:2}", "\\", "tru",
                               "[".repeat(201), "1_0", "\"\\u12\""])
              try { std.parseExtJSON(bad); show("no", bad); }
              catch (e) { if (e.name !== "SyntaxError") show(e.name, bad); }
            try { std.parseExtJSON('{\n  "a": x\n}'); }
            catch (e) { show(e.message); }
            """), [
                [{"name": "it's", "two": "ab",
                  "$x_1": [1, 2, 0.5, 31, 15, 3, 1000],
                  "nested": {"deep": [[], {}, None, True]}}],
                [True, "NaN", "-Infinity"], [["__proto__"], True],
                ["expected a value in line 2, column 8"]])


class Hostile(Command):
    def test_a_program_that_breaks_the_language(self):
        """The library calls nothing that a program has replaced, but for the
        length of typed arrays."""
        self.write("f", "one\ntwo\n")
        done = self.run_script("""
            const { log } = console, { ownKeys } = Reflect;
            const { defineProperty } = Object;
            for (const C of [Array, Map, Set, Promise, String, Number, BigInt,
                             Uint8Array, Object.getPrototypeOf(Uint8Array),
                             Function, Reflect, JSON, Math]) {
              const object = C.prototype ?? C;
              for (const key of ownKeys(object))
                if (key !== "constructor" && key !== Symbol.iterator &&
                    key !== "length")
                  try { defineProperty(object, key, {
                    value() { throw new Error("broken"); } }); } catch { }
            }
            const f = std.open("f", "r+");
            const a = f.getline(); f.puts("T"); f.flush();
            const e = os.exec(["true"]), s = std.sprintf("%5.1f|%x", 2.25, 10n);
            const j = std.parseExtJSON("{a: [1, 'x']}").a[1];
            os.close(os.dup(1)); const [r, w] = os.pipe(); os.close(r);
            std.setenv("A", "b"); os.signal(os.SIGUSR1, () => {});
            os.setReadHandler(0, () => os.setReadHandler(0, null));
            log(a, e, s, j, std.getenv("A"), os.stat("f")[0].size);
            std.out.puts("end\\n");
            """, "--allow-read=.", "--allow-write=.", "--allow-run")
        self.assertEqual(done.stdout, "one 0   2.2|a x b 8\nend\n")

    def test_handlers_of_what_is_not_open(self):
        self.assertEqual(self.shown("""
            for (const set of [os.setReadHandler, os.setWriteHandler])
              try { set(77, () => {}); } catch (e) { show(e.name); }
            show(os.read(77, new ArrayBuffer(1), 0, 1));
            """), [["TypeError"], ["TypeError"], [-9]])


class Urls(Command):
    def test_url_get(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                good = self.path == "/good"
                self.send_response(200 if good else 404)
                self.send_header("x-test", "yes")
                self.send_header("content-length", "5")
                self.end_headers()
                self.wfile.write(b"hello")

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            port = server.server_address[1]
            self.assertEqual(self.shown(f"""
                const url = "http://127.0.0.1:{port}";
                show(await std.urlGet(url + "/good"),
                     await std.urlGet(url + "/bad"),
                     [...await std.urlGet(url + "/good", {{ binary: true }})]);
                const full = await std.urlGet(url + "/bad", {{ full: true }});
                show(full.status, full.response,
                     /x-test: yes/i.test(full.responseHeaders));
                try {{ await std.urlGet("http://localhost:1/"); }}
                catch (e) {{ show(e.name, /--allow-net/.test(e.message)); }}
                """, f"--allow-net=127.0.0.1:{port}"), [
                    ["hello", None, list(b"hello")], [404, "hello", True],
                    ["NotAllowedError", True]])
        finally:
            server.shutdown()
            server.server_close()


class Environment(Command):
    def test_needs_a_grant_and_is_the_programs_own(self):
        env = {**os.environ, "SEEN": "yes", "HIDDEN": "no"}
        self.assertEqual(self.shown("""
            show(std.getenv("SEEN"), std.getenv("UNSET_XYZ") === undefined);
            try { std.getenv("HIDDEN"); } catch (e) { show(e.name, e.message); }
            try { std.getenviron(); } catch (e) { show(e.name); }
            std.setenv("HIDDEN", "mine"); show(std.getenv("HIDDEN"));
            std.unsetenv("HIDDEN"); show(std.getenv("HIDDEN") === undefined);
            for (const name of ["", "A=B"])
              try { std.setenv(name, "x"); } catch (e) { show(e.name); }
            """, "--allow-env=SEEN,UNSET_XYZ", env=env), [
                ["yes", True],
                ["NotAllowedError", "reading the environment variable HIDDEN "
                 "is not allowed; run with --allow-env=HIDDEN"],
                ["NotAllowedError"], ["mine"], [True],
                ["TypeError"], ["TypeError"]])
        self.assertEqual(self.shown("""
            std.setenv("SEEN", "changed"); std.unsetenv("HIDDEN");
            const all = std.getenviron();
            show(all.SEEN, "HIDDEN" in all, all.PATH === std.getenv("PATH"));
            """, "--allow-env", env=env), [["changed", False, True]])

    def test_children_get_the_changes(self):
        done = self.run_script("""
            std.setenv("SEEN", "changed"); std.unsetenv("HIDDEN");
            std.setenv("NEW", "a=b");
            const command = "echo $SEEN-$HIDDEN-$NEW-$KEPT";
            os.exec(["sh", "-c", command]);
            std.puts(std.popen(command, "r").readAsString());
            os.exec(["/bin/sh", "-c", command], { env: { KEPT: "only" } });
            """, "--allow-run", env={**os.environ, "SEEN": "yes",
                                     "HIDDEN": "no", "KEPT": "kept"})
        self.assertEqual(done.stdout, "changed--a=b-kept\nchanged--a=b-kept\n"
                         "changed--a=b-only\n")


class Escapes(Command):
    """Each function of the two modules that touches something, asked for what
    was not granted: it throws, names the flag, and touches nothing."""

    READS = ["os.open(P, os.O_RDONLY)", "os.stat(P)", "os.lstat(P)",
             "os.realpath(P)", "os.readlink(P)", "os.readdir(P)", "os.chdir(P)",
             'std.open(P, "r")', "std.loadFile(P)", "std.loadScript(P)",
             "new os.Worker(P)"]
    WRITES = ["os.open(P, os.O_WRONLY)", "os.open(P, os.O_RDWR)",
              "os.open(P, os.O_CREAT)", "os.open(P, os.O_RDONLY | os.O_TRUNC)",
              "os.open(P, os.O_WRONLY | os.O_APPEND)", "os.remove(P)",
              'os.rename(P, "in/x")', 'os.rename("in/f", P)', "os.mkdir(P)",
              "os.utimes(P, 0, 0)", 'os.symlink("in/f", P)',
              'os.symlink(P, "in/new")', 'std.open(P, "w")',
              'std.open(P, "a")', 'std.open(P, "r+")', 'std.open(P, "wx")']
    RUNS = ['os.exec(["true"])', 'os.exec(["/bin/sh", "-c", "id"])',
            'os.exec(["x"], { file: "/bin/true" })', 'std.popen("id", "r")',
            "os.kill(1, 0)", "os.kill(0, 0)", "os.kill(-1, 15)"]
    OTHERS = ['std.getenv("HOME")', "std.getenviron()"]

    def setUp(self):
        super().setUp()
        os.makedirs(self.path("in"))
        os.makedirs(self.path("out/d"))
        self.write("in/f", "ours")
        self.write("out/secret", "console.log(1);")
        os.symlink("../out/secret", self.path("in/link"))
        os.symlink("../out", self.path("in/folder"))
        os.symlink("../out/new", self.path("in/dangling"))

    def test_table(self):
        paths = ["out/secret", "in/../out/secret", "in/link",
                 "in/folder/secret", "in/folder/new", "in/dangling", "../x",
                 self.path("out/secret"), "in/./folder/../out/d", "/etc/passwd",
                 "/proc/self/root/etc/passwd", "/proc/self/cwd/out/secret"]
        # The entry of a link that lies in the folder is the program's own.
        own = {"in/link", "in/dangling"}
        on_entries = ("os.lstat", "os.readlink", "os.remove", "os.rename(P",
                      'os.rename("in/f", P', 'os.symlink("in/f", P')
        rows = []
        for path in paths:
            for call in self.READS + self.WRITES:
                if path in own and call.startswith(on_entries):
                    continue
                flags = "read|write" if call in self.WRITES else "read"
                if "/../" in path and "Worker" in call:
                    continue  # a module's name is looked at as text
                given = path
                if call.startswith("os.symlink(P"):
                    given = os.path.join(self.folder, path)
                rows.append((re.sub(r"\bP\b", json.dumps(given), call), flags))
        rows += [(call, "run") for call in self.RUNS]
        rows += [(call, "env") for call in self.OTHERS]
        tries = "\n".join(
            f"await attempt({json.dumps(call)}, /--allow-({flags})/, "
            f"() => {call});" for call, flags in rows)
        done = self.run_script("""
            let failed;
            const attempt = async (name, flag, call) => {
              let error;
              try {
                const given = call();
                if (given instanceof os.Worker) await new Promise((resolve) => {
                  given.onerror = (e) => { error = e; resolve(); };
                  os.setTimeout(resolve, 2000);
                });
                else console.log("got through:", name, given);
              } catch (e) { error = e; }
              if (error === undefined) return console.log("no error:", name);
              if (error.name !== "NotAllowedError" || !flag.test(error.message))
                console.log("other error:", name, error.name, error.message);
            };
            """ + tries, "--allow-read=in", "--allow-write=in")
        self.assertEqual(done.stdout, "")
        self.assertEqual(self.read("out/secret"), "console.log(1);")
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["d", "secret"])
        self.assertEqual(self.read("in/f"), "ours")
        self.assertGreater(len(rows), 250)

    def test_a_link_that_leads_nowhere_makes_nothing(self):
        calls = [call for call in self.WRITES
                 if not call.startswith(("os.remove", "os.rename",
                                         'os.symlink("in/f"'))]
        for call in calls:
            given = self.path("in/dangling") if "symlink" in call \
                else "in/dangling"
            self.run_script(
                re.sub(r"\bP\b", json.dumps(given),
                       f"try {{ show({call}); }} catch (e) {{}}"),
                "--allow-read=in", "--allow-write=in")
            self.assertEqual(sorted(os.listdir(self.path("out"))),
                             ["d", "secret"], call)
            self.assertFalse(os.path.lexists(self.path("in/new")), call)

    def test_reading_is_not_writing(self):
        for flag, calls in (("--allow-read", self.WRITES),
                            ("--allow-write", self.READS)):
            for call in calls:
                if "Worker" in call:
                    continue
                text = call.replace("(P", '("in/f"')
                text = text.replace(", P)", ', "in/g")')
                done = self.run_script(f"""
                    try {{ {text}; console.log("got through"); }}
                    catch (e) {{ console.log(e.name); }}""", flag + "=in")
                self.assertEqual(done.stdout, "NotAllowedError\n", call)

    def test_a_worker_has_the_same_access(self):
        self.write("in/w.mjs", """
            import * as std from "std"; import * as os from "os";
            const tries = [() => std.loadFile("out/secret"),
              () => os.open("in/f", os.O_WRONLY), () => std.getenv("HOME"),
              () => os.exec(["true"]), () => std.loadFile("in/f") && 0];
            os.Worker.parent.postMessage(tries.map((call) => {
              try { call(); return "got through"; } catch (e) { return e.name; }
            }));""")
        self.assertEqual(self.shown("""
            const w = new os.Worker("./in/w.mjs");
            w.onmessage = ({ data }) => { show(data); w.onmessage = null; };
            """, "--allow-read=in"), [[["NotAllowedError"] * 4 +
                                      ["got through"]]])

    def test_descriptors_are_the_programs_own(self):
        """A script reaches no file that its process has open."""
        secret = os.open(self.path("out/secret"), os.O_RDONLY)
        try:
            self.assertEqual(self.shown(f"""
                const b = new ArrayBuffer(64); const found = [];
                for (let fd = 3; fd < 300; fd++)
                  if (os.read(fd, b, 0, 64) !== -9 || os.dup(fd) !== -9 ||
                      os.close(fd) !== -9 || std.fdopen(fd, "r") !== null)
                    found.push(fd);
                show(found);""", pass_fds=(secret,)), [[[]]])
        finally:
            os.close(secret)

    def test_a_link_that_is_moved_meanwhile(self):
        """The check and the opening cannot be told apart by a race."""
        swap = subprocess.Popen(
            ["sh", "-c", 'while :; do ln -sfn ../out "$0/in/race"; '
             'rm -rf "$0/in/race"; mkdir "$0/in/race"; '
             'echo ours > "$0/in/race/secret"; rm -rf "$0/in/race"; done',
             self.folder], stderr=subprocess.DEVNULL)
        try:
            done = self.run_script("""
                const seen = {};
                const until = os.now() + 1500;
                while (os.now() < until) {
                  let got;
                  try { got = std.loadFile("in/race/secret"); }
                  catch (e) { got = e.name; }
                  seen[got] = (seen[got] ?? 0) + 1;
                }
                for (const got in seen) console.log(got.trim());
                """, "--allow-read=in")
        finally:
            swap.kill()
            swap.wait()
        self.assertNotIn("console.log(1)", done.stdout)


class Durable(Command):
    def test_a_run_reads_a_file_from_step_to_step(self):
        """Each step may be computed by another process than the last."""
        self.write("f", "one\ntwo\nthree\n")
        self.write("run.mjs", OS_PRELUDE + """
            import { sleep } from "torpor:run";
            const f = std.open("f", "r"), fd = os.open("f", os.O_RDONLY);
            std.out.puts(f.getline(), "\\n");
            await sleep(20);
            std.out.printf("%s\\n", f.getline());
            const b = new ArrayBuffer(3);
            await os.sleepAsync(20);
            for (const call of [() => std.open("g", "w"), () => os.remove("f"),
                                () => std.exit(0), () => os.sleep(1)])
              try { call(); show("no"); } catch (e) { show(e.code); }
            show(f.getline(), os.read(fd, b, 0, 3), text(b));
            """)
        done = subprocess.run(
            [TORPOR, "run", "--allow-read=.", "--allow-write=.", "run.mjs",
             "--store", "runs.db"], cwd=self.folder, text=True,
            capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.splitlines(), [
            "one", "two"] + ['["ENOTSUP"]'] * 4 + ['["three",3,"one"]'])
        self.assertEqual(self.read("f"), "one\ntwo\nthree\n")


if __name__ == "__main__":
    unittest.main()
