#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=300
"""Snapshots in files and states of runs: inspect, diff, export, import, and
what they say to bytes that are no good."""

import json
import os
import pty
import random
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import (DONE, EXISTS, FILE, NOT_FOUND, PATIENCE, SANITIZED,
                     TORPOR, USAGE, Durable)

LIBRARY = """
    import { signal, sleep } from "torpor:run";
    globalThis.shelf = { books: [] };
    class Book { constructor(title) { this.title = title; } }
    const closing = new AbortController();
    async function lend(hours) {
      await sleep(`${hours} h`, closing);
    }
    lend(3).catch(() => {});
    for (;;) {
      const title = await signal("book", { timeout: "3 days" });
      for (let i = 0; i < 100; i++) shelf.books.push(new Book(title + i));
      console.log(title, shelf.books.length);
      if (title === "last") break;
    }
    closing.abort();
    """


class Snapshots(Durable):
    def library(self, *titles, run="main"):
        """A run that has taken the books and waits for more."""
        self.detach(LIBRARY, "--keep=all", name="library.mjs", run=run)
        self.take(*titles, run=run)

    def take(self, *titles, before=0, run="main"):
        """Gives it books, besides those that it has before."""
        worker = self.start("worker", "-q")
        self.wait_for_state("waiting", run)
        for i, title in enumerate(titles, before + 1):
            self.torpor("signal", run, "book", json.dumps(title))
            self.wait_for_line(f"{title} {100 * i}", run)
        self.wait_until(lambda: self.show(run)["attempts"] == 0)
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(PATIENCE), DONE)

    def export(self, run="main", *options, name="state"):
        self.torpor("export", run, "-o", name, *options)
        with open(self.path(name), "rb") as file:
            return file.read()

    def inspect(self, name="main", *options):
        done = self.torpor("inspect", name, "--json", *options)
        return json.loads(done.stdout)

    def key(self, name="key"):
        with open(self.path(name), "wb") as file:
            file.write(os.urandom(32))
        return name


class Inspecting(Snapshots):
    def test_a_run(self):
        self.library("a", "b")
        found = self.inspect()
        self.assertEqual((found["run"], found["missing"]), ("main", None))
        self.assertEqual(found["step"], self.show()["step"])
        self.assertTrue(found["engine_installed"])
        waits = {item["kind"]: item for item in found["operations"]}
        self.assertEqual(set(waits), {"timer", "signal"})
        self.assertEqual(waits["signal"]["topic"], "book")
        self.assertRegex(waits["timer"]["waits_for"], r"a timer, until .*in 3 h")
        places = {place["function"]: place for place in found["waiting"]}
        source = LIBRARY.splitlines()
        self.assertIn("sleep(", source[places["lend"]["line"] - 1])
        self.assertIn("await signal", source[places[""]["line"] - 1])
        self.assertEqual(places["lend"]["operation"], waits["timer"]["id"])
        self.assertEqual(places[""]["operation"], waits["signal"]["id"])
        self.assertTrue(places[""]["file"].endswith("library.mjs"))
        books, = [each for each in found["heap"]["classes"]
                  if each["class"] == "Book"]
        self.assertEqual(books["count"], 200)
        self.assertGreater(books["bytes"], 200 * 40)
        self.assertIn(["globalThis", ".shelf", ".books"],
                      [large["held_by"] for large in found["largest"]])

    def test_sizes_add_up(self):
        self.library("a")
        data = self.export()
        found = self.inspect("state")
        self.assertEqual(found["bytes"], len(data))
        sections = {each["name"]: each for each in found["sections"]}
        self.assertEqual(set(sections), {"globals", "operations", "waiting",
                                         "memory", "run"})
        self.assertEqual(sum(each["stored"] for each in found["sections"]) +
                         96 + 24 * len(sections) + 4, len(data))
        pages = found["pages"]
        self.assertLess(pages["data_bytes"], sections["memory"]["raw"])
        self.assertLessEqual(pages["data_bytes"] + pages["zero_bytes"],
                             pages["changed"] * pages["size"])
        self.assertEqual(found["exported"]["id"], "main")
        self.assertEqual(found["exported"]["step"], self.show()["step"])

    def test_words(self):
        self.library("a")
        self.export()
        for name in ["main", "state"]:
            text = self.torpor("inspect", name).stdout
            for pattern in [r"^awake +[\d.]+ KB of memory$",
                            r'^waits for +\d a timer, until .*\(in 3 h\)$',
                            r'the signal "book", until .*\(in 3 days\)$',
                            r"lend \(.*library\.mjs:7:\d+\), async, waits for ",
                            r"^heap +.* used \(\+.*B against a new VM\), .* free$", r" 100 +.* Book$",
                            r"held by globalThis\.shelf\.books$"]:
                self.assertRegex(text, f"(?m){pattern}")

    def test_what_every_vm_has_is_left_out(self):
        self.library("a")
        own, all_ = self.inspect(), self.inspect("main", "--all")
        self.assertEqual(own["waiting"], all_["waiting"])
        self.assertNotIn("own", all_["heap"])
        for key in ["used", "free"]:
            self.assertEqual(own["heap"][key], all_["heap"][key])
        self.assertGreater(own["heap"]["own"], 100 * 40)
        self.assertLess(own["heap"]["own"], own["heap"]["used"] // 2)
        classes = [{each["class"]: each for each in found["heap"]["classes"]}
                   for found in (own, all_)]
        self.assertEqual(classes[0]["Book"], classes[1]["Book"])
        self.assertIn("(realm)", classes[1])
        self.assertNotIn("(realm)", classes[0])
        self.assertNotIn("Error", classes[0])
        sizes = [each["bytes"] for each in own["heap"]["classes"]]
        self.assertEqual(sizes, sorted(sizes, reverse=True))
        self.assertGreater(len(all_["largest"]), len(own["largest"]))
        words = self.torpor("inspect", "main").stdout
        self.assertNotIn("globalThis.Symbol", words)
        words = self.torpor("inspect", "main", "--all").stdout
        self.assertRegex(words, r"(?m)^heap +.*B used, .*B free$")
        self.assertIn("(realm)", words)

    def test_keys(self):
        self.library("a")
        self.assertNotRegex(self.torpor("inspect", "main").stdout, "(?m)^keys")
        self.detach("""
            import { signal } from "torpor:run";
            const pair = ["sign", "verify"];
            globalThis.kept = await crypto.subtle.generateKey("Ed25519", false, pair);
            console.log("made");
            await signal("never");
            """, name="keys.mjs", run="keys")
        worker = self.start("worker", "-q")
        self.wait_for_line("made", "keys")
        self.wait_for_state("waiting", "keys")
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(PATIENCE), DONE)
        self.assertRegex(self.torpor("inspect", "keys").stdout,
                         r"(?m)^keys +2 of class CryptoKey: ")

    def test_each_step(self):
        self.library("a", "b")
        steps = [step["step"] for step in json.loads(
            self.torpor("show", "main", "--steps", "--json").stdout)]
        counts = []
        for step in steps:
            found = self.inspect(f"main@{step}")
            self.assertEqual(found["step"], step)
            self.assertEqual(found["id"],
                             self.inspect("main", f"--step={step}")["id"])
            self.assertEqual(found["chain"][0]["step"], step)
            counts.append(sum(each["count"] for each in
                              found["heap"]["classes"]
                              if each["class"] == "Book"))
        self.assertEqual(sorted(set(counts)), [0, 100, 200])
        self.assertEqual(counts, sorted(counts))

    def test_standard_input(self):
        self.library("a")
        data = self.export()
        done = subprocess.run([TORPOR, "inspect", "-", "--json"], input=data,
                              capture_output=True, cwd=self.folder,
                              timeout=PATIENCE)
        self.assertEqual(json.loads(done.stdout)["id"],
                         self.inspect("state")["id"])

    def test_without_the_engine(self):
        self.library("a")
        data = bytearray(self.export())
        data[16:48] = bytes(32)
        self.write_checked("other", data)
        found = self.inspect("other")
        self.assertFalse(found["engine_installed"])
        self.assertIn("engine", found["missing"])
        self.assertIsNone(found["heap"])
        self.assertEqual(len(found["operations"]), 2)
        self.assertEqual(sorted(place["function"]
                                for place in found["waiting"]), ["", "lend"])
        text = self.torpor("inspect", "other").stdout
        self.assertIn("not installed", text)
        self.assertRegex(text, "not known +the heap: ")

    def write_checked(self, name, data):
        """Writes a snapshot with the checksum that it should have."""
        import zlib
        data[-4:] = zlib.crc32(data[:-4]).to_bytes(4, "little")
        with open(self.path(name), "wb") as file:
            file.write(data)

    def test_what_is_not_there(self):
        self.library("a")
        done = self.torpor("inspect", "mian", code=NOT_FOUND)
        self.assertIn("did you mean 'main'", done.stderr)
        done = self.torpor("inspect", "main@77", code=NOT_FOUND)
        self.assertIn("77", done.stderr)
        self.torpor("inspect", "./main", code=FILE)
        for words in [("main@x",), ("main@",), ("main@1", "--step=1"),
                      ("main", "--step=-1"), (), ("a", "b")]:
            self.torpor("inspect", *words, code=USAGE)
        for command in ["inspect", "export", "fork", "show"]:
            self.torpor(command, "a" * 100, code=NOT_FOUND)
        os.mkdir(self.path("folder"))
        self.torpor("inspect", "folder", code=FILE)

    def test_a_program_cannot_steer_the_terminal(self):
        self.detach(r"""
            import { signal } from "torpor:run";
            const name = "\x1b[31mred\nsecond line";
            globalThis[name] = new Array(5000).fill(0);
            globalThis[name].constructor = { name };
            const object = { async [name]() { await signal(name); } };
            await object[name]();
            """)
        child = self.start("resume", "main")
        self.wait_for_state("waiting")
        child.kill()
        child.wait()
        for words in [("inspect", "main"), ("show", "main"),
                      ("diff", "main", "main"), ("inspect", "main", "--json")]:
            text = self.torpor(*words).stdout
            self.assertNotIn("\x1b", text)
            self.assertNotRegex(text, "(?m)^second line")


class Comparing(Snapshots):
    def test_two_steps_of_a_run(self):
        self.library("a", "b")
        steps = json.loads(
            self.torpor("show", "main", "--steps", "--json").stdout)
        first, last = steps[0]["step"], steps[-1]["step"]
        found = json.loads(self.torpor("diff", f"main@{first}", "main",
                                       "--json").stdout)
        books, = [each for each in found["heap"]["classes"]
                  if each["class"] == "Book"]
        self.assertEqual(books["count"], 200)
        self.assertGreater(found["memory"]["bytes"], 200 * 40)
        self.assertEqual([line["text"] for line in found["lines"]],
                         ["a 100", "b 200"])
        for side in ["begun", "gone"]:
            self.assertEqual([each["kind"] for each in
                              found["operations"][side]], ["signal"])
        self.assertEqual(found["waiting"], {"come": [], "gone": []})
        text = self.torpor("diff", f"main@{first}", f"main@{last}").stdout
        for pattern in [r"^memory +.* in \d+ pages$", r"\+200 .* Book$",
                        r"^printed +a 100$", "^begun ", "^gone "]:
            self.assertRegex(text, f"(?m){pattern}")

    def lines_between(self, a, b="main"):
        """The books that the lines tell."""
        found = json.loads(self.torpor("diff", f"main@{a}", b, "--json").stdout)
        return [line["text"].split()[0] for line in found["lines"]]

    def test_branches_that_were_left(self):
        self.library("a", "b", "c")
        way = ["a", "b", "c"]  # the state of step n has the first n - 1 of them
        for step, *titles in [(3, "d", "e"), (4, "f"), (4, "g"),
                              (2, "h", "i", "j")]:
            self.torpor("rewind", "main", str(step))
            way[step - 1:] = titles
            self.take(*titles, before=step - 1)
            for first in range(1, len(way) + 2):
                self.assertEqual(self.lines_between(first), way[first - 1:])
        self.assertEqual(self.lines_between(2, "main@3"), ["h"])
        logs = self.torpor("logs", "main").stdout.split()[::2]
        self.assertEqual("".join(logs), "abcdefghij")

    def test_a_program_that_the_run_was_upgraded_to(self):
        self.library("a")
        self.write("new.mjs", LIBRARY)
        self.write("old.mjs", "export default 1;")
        self.torpor("upgrade", "main", "new.mjs", "--exporter=old.mjs")
        self.take("b")
        self.assertEqual(self.lines_between(1), ["a", "b"])

    def test_the_other_way_round(self):
        self.library("a")
        there = json.loads(self.torpor("diff", "main@1", "main",
                                       "--json").stdout)
        back = json.loads(self.torpor("diff", "main", "main@1",
                                      "--json").stdout)
        self.assertEqual(there["bytes"], -back["bytes"])
        self.assertEqual(there["memory"], back["memory"])
        self.assertEqual(there["operations"]["begun"],
                         back["operations"]["gone"])
        self.assertEqual(there["heap"]["used"], -back["heap"]["used"])
        self.assertEqual(back["lines"], [])

    def test_what_is_the_same(self):
        self.library("a")
        self.export()
        for other in ["main", "state"]:
            text = self.torpor("diff", "main", other).stdout
            self.assertRegex(text, "memory +no change\nheap +no change\n$")

    def test_different_engines(self):
        self.library("a")
        data = bytearray(self.export())
        data[16:48] = bytes(32)
        Inspecting.write_checked(self, "other", data)
        text = self.torpor("diff", "main", "other").stdout
        self.assertIn("the engines differ", text)
        self.assertRegex(text, "heap +not known")

    def test_what_is_not_there(self):
        self.library("a")
        self.torpor("diff", "main", code=USAGE)
        self.torpor("diff", "main", "nobody", code=NOT_FOUND)
        self.torpor("diff", "./nothing", "main", code=FILE)


class Moving(Snapshots):
    def test_to_another_store(self):
        self.library("a")
        self.export()
        self.environment["TORPOR_STORE"] = "other.db"
        self.assertEqual(self.torpor("import", "state").stdout, "main\n")
        self.torpor("signal", "main", "book", '"last"')
        self.assertEqual(self.torpor("resume", "-q").stdout, "last 200\n")
        self.assertEqual(self.show()["state"], "done")
        del self.environment["TORPOR_STORE"]
        self.assertEqual(self.show()["state"], "waiting")

    def test_through_a_pipe_under_another_id(self):
        self.library("a")
        done = subprocess.run(
            f"{TORPOR} export main | {TORPOR} import - --id copy --json",
            shell=True, cwd=self.folder, env=self.environment,
            capture_output=True, timeout=PATIENCE)
        self.assertEqual(json.loads(done.stdout), {"run": "copy"})
        done = self.torpor("import", "-", code=FILE)
        self.export(name="again")
        done = self.torpor("import", "again", code=EXISTS)
        self.assertIn("--id", done.stderr + "--id")
        self.assertIn("main", done.stderr)

    def test_access_is_not_carried(self):
        self.write("note.txt", "a secret")
        self.detach("""
            import { signal } from "torpor:run";
            import { readFile } from "torpor:fs";
            await signal("go");
            const bytes = await readFile("note.txt").catch((error) => error);
            console.log(bytes instanceof Error ? "denied" : bytes.length);
            """, "--allow-read")
        child = self.start("resume", "main")
        self.wait_for_state("waiting")
        child.send_signal(signal.SIGINT)
        child.wait(PATIENCE)
        self.export()
        for options, line in [((), "denied"), (("--allow-read",), "8"),
                              (("--allow-read=elsewhere",), "denied")]:
            run = f"run{len(options)}{line}"
            self.torpor("import", "state", "--id", run, *options)
            self.torpor("signal", run, "go")
            self.assertEqual(self.torpor("resume", run, "-q").stdout,
                             f"{line}\n")

    def test_what_is_written_to_stays_what_it_is(self):
        """A file keeps its mode, a link its target, a device itself."""
        self.library("a")
        self.export(name="private")
        os.chmod(self.path("private"), 0o600)
        whole = self.export(name="private")
        self.assertEqual(os.stat(self.path("private")).st_mode & 0o777, 0o600)
        os.mkdir(self.path("far"))
        with open(self.path("far/file"), "w") as file:
            file.write("old")
        os.symlink("far/file", self.path("link"))
        self.assertEqual(self.export(name="link"), whole)
        self.assertTrue(os.path.islink(self.path("link")))
        with open(self.path("far/file"), "rb") as file:
            self.assertEqual(file.read(), whole)
        os.symlink("nowhere", self.path("broken"))
        self.torpor("export", "main", "-o", "broken", code=FILE)
        self.assertFalse(os.path.exists(self.path("nowhere")))
        os.mkfifo(self.path("pipe"))
        child = self.start("export", "main", "-o", "pipe")
        with open(self.path("pipe"), "rb") as file:
            self.assertEqual(file.read(), whole)
        self.assertEqual(child.wait(PATIENCE), DONE)
        self.assertEqual(sorted(os.listdir(self.path("far"))), ["file"])

    def test_a_file_is_whole_or_as_it_was(self):
        self.library("a")
        whole = self.export()
        os.mkdir(self.path("full"))
        for _ in range(5 if SANITIZED else 40):
            child = self.start("export", "main", "-o", "state")
            time.sleep(random.uniform(0, 0.03))
            child.kill()
            child.wait()
            with open(self.path("state"), "rb") as file:
                self.assertEqual(file.read(), whole)
        done = self.torpor("export", "main", "-o", "no/such/folder", code=FILE)
        self.assertIn("no/such/folder", done.stderr)
        self.torpor("export", "main", "-o", "full", code=FILE)
        self.torpor("export", "nobody", "-o", "state", code=NOT_FOUND)
        with open(self.path("state"), "rb") as file:
            self.assertEqual(file.read(), whole)
        self.assertEqual(oct(os.stat(self.path("state")).st_mode & 0o777),
                         oct(0o666 & ~self.mask()))

    def mask(self):
        mask = os.umask(0)
        os.umask(mask)
        return mask

    def test_a_terminal_is_refused(self):
        self.library("a")
        master, slave = pty.openpty()
        done = subprocess.run([TORPOR, "export", "main"], stdout=slave,
                              stderr=subprocess.PIPE, cwd=self.folder,
                              env=self.environment, timeout=PATIENCE)
        os.close(slave)
        os.close(master)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn(b"-o FILE", done.stderr)

    def test_under_a_key(self):
        self.library("a")
        key, other = self.key(), self.key("other")
        plain = self.export()
        for how in ["--encrypt", "--authenticate"]:
            data = self.export("main", f"{how}={key}", name="safe")
            self.assertNotEqual(data, plain)
            self.assertEqual(b"library.mjs" in data, how == "--authenticate")
            found = self.inspect("safe", f"--key-file={key}")
            self.assertTrue(found["protected"])
            self.assertEqual(found["id"], self.inspect("state")["id"])
            done = self.torpor("inspect", "safe", code=USAGE)
            self.assertIn("--key-file", done.stderr)
            done = self.torpor("import", "safe", "--id=x", code=USAGE)
            self.assertIn("--file-key", done.stderr)
            for command in [("inspect", "safe", f"--key-file={other}"),
                            ("import", "safe", "--id=x",
                             f"--file-key={other}")]:
                done = self.torpor(*command, code=FILE)
                self.assertIn("key", done.stderr)
            for at in range(0, len(data), 97):
                altered = bytearray(data)
                altered[at] ^= 1
                with open(self.path("altered"), "wb") as file:
                    file.write(altered)
                self.torpor("inspect", "altered", f"--key-file={key}",
                            code=FILE)
                if SANITIZED and at > 2000:
                    break
            self.torpor("import", "safe", f"--id={how[2:]}",
                        f"--file-key={key}")
            self.torpor("signal", how[2:], "book", '"last"')
            self.torpor("resume", how[2:], "-q")
        self.torpor("export", "main", "--encrypt=key", "--authenticate=key",
                    code=USAGE)
        self.torpor("export", "main", "--encrypt=nothing", "-o", "x",
                    code=FILE)


class Hostile(Snapshots):
    COMMANDS = [("inspect", "bad", "--json"), ("inspect", "bad"),
                ("diff", "state", "bad", "--json"),
                ("import", "bad", "--id", "bad", "--store=bad.db")]

    def check(self, data, codes=(DONE, USAGE, FILE), commands=None):
        """Every command that takes a file ends with a code of its own, and says
        what is wrong when it is not 0. Looking into a VM may take half a
        minute, when its memory leads in circles."""
        with open(self.path("bad"), "wb") as file:
            file.write(data)
        for words in commands or self.COMMANDS:
            done = subprocess.run([TORPOR, *words], cwd=self.folder,
                                  capture_output=True, timeout=60 + PATIENCE,
                                  env=self.environment)
            self.assertIn(done.returncode, codes, (words, done.stderr))
            if done.returncode != DONE:
                self.assertTrue(done.stderr.startswith(b"torpor: "),
                                (words, done.stderr))
            elif "--json" in words:
                json.loads(done.stdout)
            if words[0] == "import" and done.returncode == DONE:
                os.remove(self.path("bad.db"))

    def test_what_is_no_snapshot(self):
        self.library("a")
        data = self.export()
        for bad in [b"", b"\x89", b"hello\n", data[:95], data[:-1],
                    data + b"x", data[1:], bytes(5000)]:
            self.check(bad, [FILE])

    def test_bytes_that_were_altered(self):
        self.library("a")
        data = self.export()
        chance = random.Random(2)
        for _ in range(5 if SANITIZED else 25):
            bad = bytearray(data)
            bad[chance.randrange(12, len(bad))] ^= 1 << chance.randrange(8)
            self.check(bad, [FILE])

    def test_bytes_with_a_good_checksum(self):
        import zlib
        self.library("a")
        data = self.export()
        chance = random.Random(3)
        for i in range(6 if SANITIZED else 24):
            bad = bytearray(data)
            for _ in range(chance.choice([1, 1, 4, 40])):
                bad[chance.randrange(48, len(bad) - 4)] = chance.randrange(256)
            bad[-4:] = zlib.crc32(bad[:-4]).to_bytes(4, "little")
            self.check(bad, commands=[self.COMMANDS[i % 4]])


if __name__ == "__main__":
    unittest.main()
