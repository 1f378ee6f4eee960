#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: timeout=120
"""torpor:fs on real files: what each function does and says, open files, folders,
watchers, and ways out of what was granted."""

import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import PATIENCE, SANITIZED, Durable  # noqa: E402

IMPORT = 'import * as fs from "torpor:fs";\n' + """
const fails = async (promise) => {
  try { await promise; return "no failure"; }
  catch (error) { return `${error.name} ${error.code}: ${error.message}`; }
};
"""


class Scripts(Durable):
    def script(self, text, *flags, **more):
        """What a script prints; it may touch 'in'."""
        os.makedirs(self.path("in"), exist_ok=True)
        self.write("script.mjs", IMPORT + text)
        if not flags:
            flags = ("--allow-read=in", "--allow-write=in")
        done = self.torpor(*flags, "script.mjs", **more)
        return done.stdout

    def lines(self, text, *flags, **more):
        return self.script(text, *flags, **more).splitlines()


class Files(Scripts):
    def test_whole_files(self):
        self.assertEqual(self.lines("""
            await fs.writeFile("in/a", "one\\n");
            await fs.appendFile("in/a", "two\\n");
            await fs.appendFile("in/b", new Uint8Array([104, 105]), {mode: 0o600});
            await fs.copyFile("in/a", "in/c");
            console.log(JSON.stringify(await fs.readFile("in/c", "utf8")),
              (await fs.readFile("in/b")).length,
              (await fs.stat("in/b")).mode.toString(8));
            console.log(await fails(fs.readFile("in/none")));
            console.log(await fails(fs.copyFile("in", "in/d")));
            console.log(await fails(fs.appendFile("in", "x")));
            console.log(await fails(fs.appendFile("in/a", 1)));
            console.log(await fails(fs.appendFile("in/a", "x", {mode: 0o4755})));
            console.log(await fails(fs.readFile("in/\\0")));
            console.log(await fails(fs.stat("")));
        """), [
            '"one\\ntwo\\n" 2 600',
            f"Error ENOENT: reading {self.folder}/in/none: no such file or "
            "directory",
            f"Error EISDIR: copying {self.folder}/in to {self.folder}/in/d: "
            "illegal operation on a directory",
            f"Error EISDIR: appending to {self.folder}/in: illegal operation on "
            "a directory",
            "TypeError undefined: appendFile: expected a string or a Uint8Array",
            "TypeError EINVAL: a mode is a number from 0 to 0o777",
            "TypeError EINVAL: the path of a file must be a text without U+0000",
            "TypeError undefined: stat: expected the path of a file",
        ])

    def test_looking(self):
        self.write("in/file", "12345")
        os.symlink("file", self.path("in/link"))
        os.symlink("nowhere", self.path("in/dangling"))
        os.mkfifo(self.path("in/fifo"))
        self.assertEqual(self.lines("""
            const s = await fs.stat("in/link"), l = await fs.lstat("in/link");
            console.log(s.kind, s.size, s.isFile, l.kind, l.isSymlink, l.size);
            console.log(s.mtimeMs > 1e12, s.nlink, s.ino === (await fs.stat("in/file")).ino);
            console.log((await fs.stat("in")).isDirectory, (await fs.stat("in/fifo")).kind);
            console.log(await fs.exists("in/file"), await fs.exists("in/none"),
              await fs.exists("in/file/none"));
            console.log(await fs.readLink("in/link"), await fs.realPath("in/./x/../link")
              .catch((e) => e.code), (await fs.realPath("in/link")).endsWith("/in/file"));
            console.log(await fails(fs.stat("in/dangling")));
            console.log((await fs.lstat("in/dangling")).kind);
            console.log(await fails(fs.open("in/fifo")));
        """), [
            "file 5 true symlink true 4", "true 1 true", "true fifo",
            "true false false", "file ENOENT true",
            "Error ENOENT: reading " + self.folder
            + "/in/dangling: no such file or directory",
            "symlink",
            f"Error EINVAL: opening {self.folder}/in/fifo: not a regular file"])

    def test_changing(self):
        self.assertEqual(self.lines("""
            await fs.mkdir("in/a/b/c", {recursive: true});
            await fs.mkdir("in/a/b/c", {recursive: true});
            console.log(await fails(fs.mkdir("in/a")), await fails(fs.mkdir("in/x/y")));
            await fs.writeFile("in/a/f", "f");
            await fs.rename("in/a/f", "in/a/g");
            await fs.link("in/a/g", "in/a/h");
            await fs.symlink("g", "in/a/s");
            console.log((await fs.readDir("in/a")).map((e) => e.name + " " + e.kind).join());
            console.log(await fails(fs.remove("in/a")), await fails(fs.remove("in/none")));
            await fs.remove("in/none", {force: true});
            await fs.chmod("in/a/g", 0o640);
            await fs.utimes("in/a/g", 1000, new Date(2500));
            const s = await fs.stat("in/a/h");
            console.log(s.mode.toString(8), s.atimeMs, s.mtimeMs);
            await fs.remove("in/a/s");
            await fs.remove("in/a/g");
            console.log((await fs.readDir("in/a")).map((e) => e.name).join());
            await fs.remove("in/a", {recursive: true});
            console.log((await fs.readDir("in")).length);
            console.log(await fails(fs.chmod("in", 0o4777)));
            const t = await fs.makeTempDir({dir: "in", prefix: "job-"});
            console.log((await fs.stat(t)).mode.toString(8), /\\/in\\/job-.{6}$/.test(t));
        """), [
            f"Error EEXIST: making the folder {self.folder}/in/a: file already "
            f"exists Error ENOENT: making the folder {self.folder}/in/x/y: no "
            "such file or directory",
            "b directory,g file,h file,s symlink",
            f"Error ENOTEMPTY: removing {self.folder}/in/a: directory not empty "
            f"Error ENOENT: removing {self.folder}/in/none: no such file or "
            "directory",
            "640 1000 2500", "b,h", "0",
            "TypeError undefined: chmod: the mode is a number from 0 to 0o777",
            "700 true"])

    def test_open_files(self):
        self.write("in/text", "one\ntwo\r\n\nlast")
        self.assertEqual(self.lines("""
            const file = await fs.open("in/text");
            const first = await file.read(4);
            console.log(new TextDecoder().decode(first).trim(), file.position);
            console.log(await file.seek(-4, "end"), await file.seek(2, "current"));
            console.log((await file.stat()).size, await file.seek(0));
            const lines = [];
            for await (const line of file.lines()) lines.push(line);
            console.log(JSON.stringify(lines), await fails(file.read()));
            const out = await fs.open("in/out", "w+", {mode: 0o600});
            await Promise.all(["ab", "cd", "ef"].map((text) => out.write(text)));
            await out.truncate(5);
            await out.sync();
            await out.seek(1);
            await out.write("X");
            await out.seek(0);
            let all = "";
            for await (const chunk of out) all += new TextDecoder().decode(chunk);
            console.log(all, (await fs.stat("in/out")).mode.toString(8));
            const more = await fs.open("in/out", "a");
            await more.write("!!"); await more.write("?"); await more.close();
            await more.close();
            console.log(await fs.readFile("in/out", "utf8"));
            console.log(await fails(fs.open("in/out", "wx")));
            console.log(await fails(fs.open("in/out", "z")));
            console.log(await fails((await fs.open("in/out")).write("x")));
            const far = await fs.open("in/out", "r+");
            await far.seek(10); await far.write("far"); await far.close();
            console.log((await fs.readFile("in/out")).length);
        """), [
            "one 4", "10 12", "14 0",
            '["one","two","","last"] Error EBADF: the file was closed',
            "aXcde 600", "aXcde!!?",
            f"Error EEXIST: opening {self.folder}/in/out: file already exists",
            'TypeError undefined: open: the mode is "r", "w", "wx" or "a", or one '
            'of them with "+"',
            f"Error EBADF: writing {self.folder}/in/out: bad file descriptor",
            "13"])

    def test_large_folders_come_in_parts(self):
        os.mkdir(self.path("in"))
        for i in range(2500):
            pathlib.Path(self.path(f"in/{i:05}")).touch()
        pathlib.Path(os.fsdecode(os.fsencode(self.path("in/")) + b"\xffz")).touch()
        self.assertEqual(self.lines("""
            let names = [];
            for await (const entry of fs.iterateDir("in")) names.push(entry.name);
            const all = await fs.readDir("in");
            console.log(names.length, all.length, new Set(names).size,
              all.every((entry, i) => entry.name === names[i]), names.at(-1));
        """), ["2501 2501 2501 true \ufffdz"])

    def test_much_at_once_leaves_nothing_open(self):
        self.write("in/file", "x" * 1000)
        self.assertEqual(self.lines("""
            const before = (await fs.readDir("/proc/self/fd")).length;
            for (let round = 0; round < 3; round++) {
              const files = await Promise.all(Array.from({length: 200}, () => fs.open("in/file")));
              const read = await Promise.all(files.map((file) => file.read()));
              console.log(read.reduce((sum, chunk) => sum + chunk.length, 0));
              await Promise.all(files.map((file) => file.close()));
            }
            for (let i = 0; i < 50; i++) {
              const stop = new AbortController();
              const opening = fs.open("in/file", "r", {signal: stop.signal});
              stop.abort();
              await opening.catch(() => {});
            }
            await fs.readFile("in/file");
            await new Promise((resolve) => setTimeout(resolve, 20));
            console.log((await fs.readDir("/proc/self/fd")).length - before);
        """, "--allow-read", "--allow-write=in"), ["200000"] * 3 + ["0"])

    def test_a_long_file_is_read_in_bounded_memory(self):
        os.mkdir(self.path("in"))
        with open(self.path("in/long"), "wb") as file:
            file.truncate(100 << 20)
        self.assertEqual(self.lines("""
            let size = 0;
            for await (const chunk of await fs.open("in/long")) size += chunk.length;
            console.log(size);
            const peak = /VmHWM:\\s+(\\d+)/.exec(await fs.readFile("/proc/self/status", "utf8")
              .catch(async () => (await fs.open("/proc/self/status")).text()))[1];
            console.log(peak < %d);
        """ % (600000 if SANITIZED else 40000), "--allow-read"),
            [str(100 << 20), "true"])


class Watching(Scripts):
    def test_a_folder_and_a_file(self):
        self.write("in/file", "x")
        self.assertEqual(self.lines("""
            const seen = [];
            const folder = fs.watch("in"), file = fs.watch("in/file");
            const next = folder.next(), other = file.next();
            await new Promise((resolve) => setTimeout(resolve, 30));
            await fs.appendFile("in/file", "y");
            console.log((await next).value.kind, (await next).value.path, (await other).value.kind,
              JSON.stringify((await other).value.name));
            await fs.mkdir("in/new");
            await fs.rename("in/new", "in/newer");
            await fs.remove("in/newer");
            for await (const event of folder) {
              seen.push(`${event.kind} ${event.name}`);
              if (seen.length === 4) break;
            }
            console.log(seen.join());
            await fs.remove("in/file");
            for await (const event of file) if (event.kind === "gone") console.log("gone");
            console.log((await file.next()).done);
            console.log(await fails(fs.watch("in/none").next()));
            try { fs.watch("in", {recursive: true}); }
            catch (error) { console.log(error.code, error.message); }
            const stop = new AbortController();
            setTimeout(() => stop.abort(), 10);
            console.log(await fails(fs.watch("in", {signal: stop.signal}).next()));
        """), [
            'change in/file change ""',
            "create new,remove new,create newer,remove newer", "gone", "true",
            f"Error ENOENT: watching {self.folder}/in/none: no such file or "
            "directory",
            "ENOTSUP watch: 'recursive' is not there on Linux; watch each folder",
            "AbortError 20: This operation was aborted"])

    def test_what_was_missed_is_said(self):
        with open("/proc/sys/fs/inotify/max_queued_events") as file:
            most = int(file.read())
        if most > 20000:
            self.skipTest("the system keeps too many events")
        os.mkdir(self.path("in"))
        self.write("script.mjs", IMPORT + """
            const watcher = fs.watch("in");
            const first = watcher.next();
            await fs.exists("in");
            console.log("armed");
            await first;
            while (!(await fs.exists("go"))) await new Promise((go) => setTimeout(go, 10));
            for await (const event of watcher)
              if (event.kind === "missed") break;
            console.log("missed");
        """)
        child = self.start("--allow-read=.", "script.mjs")
        self.assertEqual(child.stdout.readline(), "armed\n")
        # The program takes some hundreds of them with its first look.
        for i in range(most + 2000):
            os.close(os.open(self.path(f"in/{i}"), os.O_CREAT))
        self.write("go", "")
        self.assertEqual(child.communicate(timeout=4 * PATIENCE)[0], "missed\n")


# Calls that try to touch a path outside of 'in', each in a script of its own.
CALLS = {
    "readFile": "fs.readFile(P)",
    "writeFile": 'fs.writeFile(P, "x")',
    "appendFile": 'fs.appendFile(P, "x")',
    "copyFile out": 'fs.copyFile("in/own", P)',
    "copyFile in": 'fs.copyFile(P, "in/got")',
    "open r": "fs.open(P)",
    "open r+": 'fs.open(P, "r+")',
    "open w": 'fs.open(P, "w")',
    "open a": 'fs.open(P, "a")',
    "readDir": 'fs.readDir(P + "/..")',
    "iterateDir": 'fs.iterateDir(P + "/..").next()',
    "stat": "fs.stat(P)",
    "exists": "fs.exists(P)",
    "realPath": "fs.realPath(P)",
    "mkdir": 'fs.mkdir(P + "/../new", {recursive: true})',
    "makeTempDir": 'fs.makeTempDir({dir: P + "/.."})',
    "chmod": "fs.chmod(P, 0o777)",
    "utimes": "fs.utimes(P, 0, 0)",
    "watch": "fs.watch(P).next()",
}
# These are about the name itself: a link in 'in' is theirs.
NAMES = {
    "lstat": "fs.lstat(P)",
    "readLink": "fs.readLink(P)",
    "remove": "fs.remove(P, {recursive: true})",
    "rename out": 'fs.rename("in/own", P)',
    "rename in": 'fs.rename(P, "in/got")',
    "link out": 'fs.link("in/own", P)',
    "link in": 'fs.link(P, "in/got")',
    "symlink out": 'fs.symlink("own", P)',
    "symlink": 'fs.symlink(P[0] === "/" ? P : "../" + P, "in/got")',
}


class Access(Scripts):
    def setUp(self):
        super().setUp()
        self.write("secret/file", "secret")
        self.write("in/own", "own")
        os.symlink("../secret/file", self.path("in/link"))
        os.symlink("../secret", self.path("in/folder"))
        os.symlink(self.path("secret"), self.path("in/absolute"))
        os.symlink("/proc/self/root", self.path("in/root"))
        os.symlink("/proc/self/cwd", self.path("in/cwd"))

    def ways(self):
        """Paths that lead to secret/file."""
        full = self.path("secret/file")
        return [full, "secret/file", "in/../secret/file", "in/folder/file",
                "in/absolute/file", "in//../in/./folder/file",
                "/proc/self/root" + full, "/proc/self/cwd/secret/file",
                "in/root" + full, "in/cwd/secret/file",
                f"/proc/self/fd/../root{full}", full + "/", "//" + full]

    def refused(self, calls, ways):
        text = "const own = await fs.open('in/own');\n"
        names = []
        for name, call in calls.items():
            for way in ways:
                names.append(f"{name} {way}")
                text += f"{{ const P = {way!r};\n" \
                        f"console.log(await fails({call})); }}\n"
        lines = self.lines(text)
        for name, line in zip(names, lines):
            self.assertRegex(line, "^NotAllowedError EACCES: .* run with "
                             "--allow-(read|write)", name)
        self.assertEqual(len(lines), len(names))
        self.assertEqual(pathlib.Path(self.path("secret/file")).read_text(),
                         "secret")
        self.assertEqual(os.listdir(self.path("secret")), ["file"])
        self.assertFalse(os.path.lexists(self.path("in/got")))

    def test_no_function_gets_out(self):
        self.refused(CALLS, self.ways() + ["in/link"])

    def test_no_name_outside_is_touched(self):
        self.refused(NAMES, self.ways())

    def test_descriptors_of_others_are_no_way_out(self):
        done = self.lines("""
            const own = await fs.open("in/own");
            for (let fd = 0; fd < 20; fd++) {
              const said = await fails(fs.readFile("/proc/self/fd/" + fd));
              if (!/NotAllowed|^Error/.test(said)) console.log(fd, said);
            }
            console.log(await fails(fs.readFile("/proc/self/environ")));
            console.log(await fails(fs.writeFile("/proc/self/mem", "x")));
        """)
        # The descriptor of in/own is that of a file which may be read.
        self.assertIn(len(done), (2, 3))
        self.assertIn("NotAllowedError", done[-1])
        self.assertIn("NotAllowedError", done[-2])

    def test_removing_a_link_leaves_what_it_leads_to(self):
        self.assertEqual(self.lines("""
            await fs.remove("in/folder", {recursive: true});
            await fs.remove("in/link", {recursive: true});
            await fs.mkdir("in/tree/deep", {recursive: true});
            await fs.rename("in/absolute", "in/tree/deep/absolute");
            await fs.rename("in/cwd", "in/tree/cwd");
            await fs.remove("in/tree", {recursive: true});
            console.log((await fs.readDir("in")).map((e) => e.name).join());
        """), ["own,root"])
        self.assertEqual(os.listdir(self.path("secret")), ["file"])

    def test_a_folder_that_becomes_a_link(self):
        """Another process swaps them all the time; the program tries to meet the
        moment in which a path was checked and is then used."""
        self.write("in/sub/file", "inside")
        self.write("secret/only", "secret")
        exchange = subprocess.Popen([sys.executable, "-c", """
import ctypes
libc = ctypes.CDLL(None)
while True:
    libc.renameat2(-100, b"in/sub", -100, b"in/folder", 2)
"""], cwd=self.folder)
        self.children.append(exchange)
        lines = self.lines("""
            const codes = new Set();
            let done = 0;
            const attempt = (call) => call.then(() => done++, (error) => codes.add(error.code));
            const end = Date.now() + 1500;
            while (Date.now() < end) {
              await Promise.all([
                attempt(fs.readFile("in/sub/file", "utf8").then((text) => {
                  if (text !== "inside") console.log("read", text);
                })),
                attempt(fs.readDir("in/sub").then((list) => {
                  if (list.some(({ name }) => name === "only")) console.log("listed");
                })),
                attempt(fs.appendFile("in/sub/log", "x")),
                attempt(fs.mkdir("in/sub/new").then(() => fs.remove("in/sub/new"))),
                attempt(fs.rename("in/sub/only", "in/got")),
                attempt(fs.copyFile("in/sub/only", "in/got")),
                attempt(fs.remove("in/sub/only")),
                attempt(fs.open("in/sub/only")),
              ]);
            }
            console.log(done > 0, codes.has("EACCES"), codes.has("ENOENT"));
        """)
        exchange.kill()
        exchange.wait()
        self.assertEqual(lines, ["true true true"])
        self.assertEqual(sorted(os.listdir(self.path("secret"))),
                         ["file", "only"])
        self.assertFalse(os.path.lexists(self.path("in/got")))

    def test_what_may_be_read_only_is_not_changed(self):
        self.assertEqual(self.lines("""
            for (const call of [fs.writeFile("in/own", "x"), fs.remove("in/own"),
              fs.rename("in/own", "in/b"), fs.link("in/own", "in/b"), fs.symlink("own", "in/b"),
              fs.chmod("in/own", 0), fs.utimes("in/own", 0, 0), fs.mkdir("in/b"),
              fs.appendFile("in/own", "x"), fs.open("in/own", "r+"), fs.makeTempDir({dir: "in"})])
              console.log(/^NotAllowedError EACCES: writing .*--allow-write=/.test(await fails(call)));
        """, "--allow-read=in"), ["true"] * 11)
        self.assertEqual(sorted(os.listdir(self.path("in"))),
                         ["absolute", "cwd", "folder", "link", "own", "root"])

    def test_what_may_be_written_only_is_not_read(self):
        """Nor brought to where it could be read."""
        self.write("read/x", "x")
        self.assertEqual(self.lines("""
            for (const call of [fs.readFile("in/own"), fs.stat("in/own"), fs.open("in/own", "r+"),
              fs.copyFile("in/own", "read/got"), fs.rename("in/own", "read/got"),
              fs.link("in/own", "read/got"), fs.symlink("../in/own", "read/got"), fs.readDir("in")])
              console.log(/^NotAllowedError EACCES: reading .*--allow-read=/.test(await fails(call)));
        """, "--allow-write=in", "--allow-read=read", "--allow-write=read"),
            ["true"] * 8)
        self.assertEqual(os.listdir(self.path("read")), ["x"])

    def test_a_store_stays(self):
        self.write("program.mjs", "export default 1;")
        self.environment["TORPOR_STORE"] = self.path("in/store.db")
        self.torpor("run", "program.mjs", "--id", "r")
        self.assertEqual(self.lines("""
            for (const call of [fs.readFile("in/store.db"), fs.remove("in/store.db"),
              fs.rename("in/store.db", "in/b"), fs.link("in/store.db", "in/b"),
              fs.rename("in/own", "in/store.db"), fs.copyFile("in/own", "in/store.db"),
              fs.open("in/store.db", "a"), fs.chmod("in/store.db", 0)])
              console.log((await fails(call)).includes("it is part of a store"));
            await fs.remove("in/own");
            console.log((await fails(fs.remove("in", {recursive: true}))).split(":")[0]);
        """, "--allow-read", "--allow-write"), ["true"] * 8 + ["Error EACCES"])
        self.assertEqual(self.torpor("show", "r", "--json").returncode, 0)


if __name__ == "__main__":
    unittest.main()
