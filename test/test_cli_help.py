#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=300
"""What the command says about itself: help, the manual page, colours; and what
it says of command lines that are not quite right.

Every test runs the real command; terminals are real pseudo-terminals.
"""

import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from terminal import on_terminal  # noqa: E402

TORPOR = os.path.abspath(os.environ.get("TORPOR", "build/torpor"))
PATIENCE = 180 if "sanitize" in TORPOR else 60

DONE, THROWN, USAGE, INTERRUPTED, TRAPPED, DEADLOCK, FILE = range(7)
NOT_FOUND = 12
PLAIN = {name: value for name, value in os.environ.items()
         if name not in ("NO_COLOR", "FORCE_COLOR", "TORPOR_STORE")}
PLAIN["TERM"] = "xterm"


class Command(unittest.TestCase):
    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="torpor-help-"))

    def tearDown(self):
        shutil.rmtree(self.folder)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)

    def torpor(self, *words, code=DONE, text="", **environment):
        """What it writes, with 'text' as its input, to pipes."""
        done = subprocess.run([TORPOR, *words], cwd=self.folder, text=True,
                              input=text, capture_output=True, check=False,
                              env={**PLAIN, **environment}, timeout=PATIENCE)
        self.assertEqual(done.returncode, code,
                         f"{words}\n{done.stdout}\n{done.stderr}")
        return done

    def on_terminal(self, *words, columns=80, code=DONE, **environment):
        """What it writes to a terminal, both streams."""
        said, found = on_terminal([TORPOR, *words], columns, PATIENCE,
                                  cwd=self.folder,
                                  env={**PLAIN, **environment})
        self.assertEqual(found, code, said)
        return said

    def commands(self):
        text = self.torpor("--help").stdout.split("Options:")[0]
        return [name for name in re.findall(r"^  (\w+) ", text, re.MULTILINE)
                if name != "FILE"]


class Help(Command):
    def test_groups(self):
        text = self.torpor("--help").stdout
        groups = {}
        for title, rows in re.findall(r"^(\w[\w ]+):\n((?:  .*\n)+)", text,
                                      re.MULTILINE):
            groups[title] = re.findall(r"^  (\w+) ", rows, re.MULTILINE)
        self.assertEqual(groups["Run programs"],
                         ["FILE", "eval", "run", "resume", "worker"])
        self.assertIn("list", groups["Look at runs and snapshots"])
        self.assertIn("signal", groups["Change runs"])
        self.assertIn("export", groups["Carry runs and programs elsewhere"])
        for word in ["--allow-read", "--memory", "Exit codes", "141"]:
            self.assertIn(word, text)

    def test_every_form_is_the_same(self):
        text = self.torpor("--help").stdout
        for words in [["-h"], ["help"], ["--help", "--zzz"]]:
            self.assertEqual(self.torpor(*words).stdout, text)
        for name in self.commands():
            text = self.torpor(name, "--help").stdout
            self.assertTrue(text.startswith(f"Usage: torpor {name} "), text)
            self.assertEqual(self.torpor("help", name).stdout, text)
            self.assertEqual(self.torpor(name, "-h").stdout, text)

    def test_lines_fit(self):
        for name in ["help", *self.commands()]:
            for line in self.torpor("help", name).stdout.splitlines():
                self.assertLess(len(line), 80, line)

    def test_lines_are_as_wide_as_the_terminal(self):
        longest = {columns: max(map(len, self.on_terminal(
            "run", "--help", "--color=never", columns=columns).splitlines()))
            for columns in (60, 90, 1000)}
        self.assertLess(longest[60], 60)
        self.assertTrue(80 < longest[90] < 90, longest)
        self.assertTrue(90 < longest[1000] < 100, longest)

    def test_no_row_repeats_another(self):
        for name in self.commands():
            lines = [line.strip() for line in
                     self.torpor("help", name).stdout.splitlines()
                     if len(line.strip()) > 20]
            self.assertEqual(len(lines), len(set(lines)), name)

    def test_version(self):
        version, engine = self.torpor("--version").stdout.splitlines()
        self.assertRegex(version, r"^torpor \d+\.\d+\.\d+$")
        self.assertRegex(engine, r"^engine [0-9a-f]{64}$")
        for words in [["version"], ["-V"]]:
            self.assertEqual(self.torpor(*words).stdout,
                             f"{version}\n{engine}\n")


class Manual(Command):
    def setUp(self):
        super().setUp()
        self.page = self.torpor("help", "--man").stdout

    def test_it_says_all_that_help_says(self):
        plain = self.page.replace("\\-", "-").replace("\\(aq", "'")
        plain = plain.replace("\\e", "\\").replace("\\&", "")
        for name in self.commands():
            self.assertIn(f".SS torpor {name}", plain)
            section = re.split(rf"\.SS torpor {name}\b", plain)[1]
            section = section.split("\n.S")[0]
            options = re.findall(r"--[a-z-]+", self.torpor(name, "--help")
                                 .stdout.split("Options:")[1])
            for option in set(options) - {"--color", "--help"}:
                self.assertIn(option, section)
        for number, text in re.findall(
                r"^  (\d+) +(.*)$", self.torpor("--help").stdout, re.MULTILINE):
            self.assertIn(f".TP\n.B {number}\n{text}\n", plain)

    @unittest.skipUnless(shutil.which("groff"), "needs groff")
    def test_the_formatter_has_nothing_to_say(self):
        done = subprocess.run(["groff", "-K", "utf8", "-man", "-ww", "-Tutf8", "-P-cbou"],
                              input=self.page, text=True, capture_output=True,
                              check=True, timeout=PATIENCE)
        self.assertEqual(done.stderr, "")
        self.assertIn("TORPOR(1)", done.stdout)
        self.assertIn("--allow-read[=PATH,...]", done.stdout)

    def test_every_variable_that_is_read_is_there(self):
        source = os.environ.get("TORPOR_SOURCE", ".")
        found = set()
        for folder in ["cli", "extensions/kit", "engine"]:
            for path in pathlib.Path(source, folder).rglob("*.*"):
                if path.suffix in (".c", ".py"):
                    found |= set(re.findall(
                        r"(?:getenv\(|is_set\(|environ(?:\.get\(|\[))"
                        r"\"([A-Z_]+)\"", path.read_text()))
        self.assertIn("TORPOR_STORE", found)
        with open(os.path.join(source, "docs/cli.md")) as file:
            text = file.read()
        listed = self.page.split(".SH ENVIRONMENT")[1].split(".SH")[0]
        for name in re.findall(r"^\.B (\w+)$", listed, re.MULTILINE):
            self.assertIn(f"| `{name}` |", text)
        for name in found - {"PATH", "HOME"}:
            self.assertIn(f".B {name}\n", self.page)


class Colors(Command):
    RED, BOLD = "\033[31m", "\033[1m"

    def test_on_a_terminal(self):
        self.assertIn(self.RED, self.on_terminal("eval", "x", code=THROWN))
        self.assertIn(self.BOLD, self.on_terminal("list", "--help"))
        self.assertIn("\033[", self.on_terminal("eval", "-p", "[1]"))

    def test_not_in_pipes(self):
        for words in [["eval", "throw [1]"], ["--help"], ["eval", "-p", "[1]"]]:
            code = THROWN if "throw" in words[1:][-1:] or words[-1] == \
                "throw [1]" else DONE
            done = self.torpor(*words, code=code)
            self.assertNotIn("\033", done.stdout + done.stderr)

    def test_what_the_environment_says(self):
        for environment, colors in [
                ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True),
                ({"TERM": "dumb"}, False), ({"FORCE_COLOR": "0"}, False),
                ({"FORCE_COLOR": "false"}, False),
                ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False)]:
            with self.subTest(environment):
                said = self.on_terminal("eval", "console.log([1]); x",
                                        code=THROWN, **environment)
                self.assertEqual("\033" in said, colors, said)
        done = self.torpor("eval", "console.log([1]); x", code=THROWN,
                           FORCE_COLOR="1")
        self.assertIn("\033", done.stdout)
        self.assertIn(self.RED, done.stderr)

    def test_the_option_says_more_than_the_environment(self):
        self.write("x.mjs", "console.log([1]); x")
        for words in [["x.mjs"], ["eval", "console.log([1]); x"]]:
            option = ["--color=always"]
            line = option + words if len(words) == 1 else words + option
            done = self.torpor(*line, code=THROWN, NO_COLOR="1")
            self.assertIn("\033", done.stdout)
            self.assertIn(self.RED, done.stderr)
            option = ["--color", "never"]
            line = option + words if len(words) == 1 else words + option
            said = self.on_terminal(*line, code=THROWN, FORCE_COLOR="1")
            self.assertNotIn("\033", said)
        said = self.on_terminal("eval", "x", "--color=auto", code=THROWN)
        self.assertIn(self.RED, said)

    def test_states_of_runs(self):
        self.write("done.mjs", "export default 1;")
        self.write("bad.mjs", "throw new Error('bad');")
        self.torpor("run", "done.mjs", "-q", "--id=good")
        self.torpor("run", "bad.mjs", "-q", "--id=bad", code=THROWN)
        self.torpor("run", "done.mjs", "-d", "--id=new")
        for name, state in [("good", "\033[32mdone"), ("bad", "\033[31mfailed"),
                            ("new", "\033[36mready")]:
            self.assertIn(state, self.on_terminal("show", name))
            self.assertIn(state, self.on_terminal("list"))
        self.assertIn(self.BOLD, self.on_terminal("list"))
        for words in [["list"], ["show", "good"]]:
            self.assertNotIn("\033", self.torpor(*words).stdout)
            said = self.torpor(*words, "--json", "--color=always").stdout
            self.assertNotIn("\033", said)

    def test_help_is_coloured_wherever_the_option_stands(self):
        for words in [["--color=always", "--help"], ["--help", "--color=always"],
                      ["list", "-h", "--color=always"]]:
            self.assertIn(self.BOLD, self.torpor(*words).stdout)

    def test_other_values(self):
        done = self.torpor("list", "--color=al", code=USAGE)
        self.assertIn("auto|always|never", done.stderr)


class Odd(Command):
    """Command lines that people try."""

    def setUp(self):
        super().setUp()
        self.write("x.mjs", "import { args } from 'torpor:script';"
                   "console.log('ran', args().join('|'));")

    def said(self, *words, code=USAGE, **more):
        done = self.torpor(*words, code=code, **more)
        self.assertNotIn("ran", done.stdout)
        return done.stderr

    def test_standard_input(self):
        text = "import { args } from 'torpor:script';" \
            "console.log(import.meta.url, args().join('|'), await 1);"
        for name in ["-", "/dev/stdin"]:
            done = self.torpor(name, "a", "-p", text=text)
            self.assertEqual(done.stdout,
                             f"file://{self.folder}/[stdin] a|-p 1\n")
        self.write("from.mjs", text)
        done = subprocess.run(["bash", "-c", f"{TORPOR} <(cat from.mjs) b"],
                              text=True, capture_output=True, check=True,
                              cwd=self.folder, timeout=PATIENCE)
        self.assertIn("[stdin] b 1", done.stdout)
        done = self.torpor("-", code=THROWN, text="\n  throw new Error('e');")
        self.assertIn("[stdin]:2:", done.stderr)
        self.assertIn("throw new Error('e')", done.stderr)

    def test_imports_of_standard_input(self):
        self.write("lib.mjs", "export const name = 'lib';")
        text = "import { name } from './lib.mjs'; console.log(name);"
        done = self.torpor("-", code=THROWN, text=text)
        self.assertIn("--allow-read=", done.stderr)
        self.assertEqual(self.torpor("--allow-read=.", "-", text=text).stdout,
                         "lib\n")

    def test_await_in_eval(self):
        for words, output in [
                (["await 1"], ""), (["-p", "await 7"], "7\n"),
                (["-p", "const x = await 1; x + 1"], "2\n"),
                (["-p", "new Promise((f) => setTimeout(f, 10, 7))"], "7\n"),
                (["-p", "({ then: 1 })"], "{ then: 1 }\n"),
                (["-p", "'use strict'; this === globalThis"], "true\n"),
                (["-p", "function f() { return 3 } globalThis.f()"], "3\n")]:
            with self.subTest(words):
                self.assertEqual(self.torpor("eval", *words).stdout, output)
        said = self.torpor("eval", "let a = 1\nawait a\nb()", code=THROWN)
        self.assertIn("     3 | b()", said.stderr)

    def test_options_behind_code(self):
        args = "import('torpor:script').then((m) => m.args().join('|'))"
        for words, output in [(["-p"], ""), (["-p", "a", "-p"], "a|-p"),
                              (["-p", "--", "-p"], "-p"),
                              (["--print", "--deadline=5s", "--", "--", "-x"],
                               "--|-x")]:
            with self.subTest(words):
                self.assertEqual(self.torpor("eval", args, *words).stdout,
                                 output + "\n")
        self.assertIn("stands behind '--'", self.said("eval", args, "--zzz"))

    def test_a_value_in_the_next_word(self):
        for words, written in [
                (["--allow-read", "/tmp", "x.mjs"], "--allow-read=/tmp"),
                (["--allow-net", "a.example", "x.mjs"],
                 "--allow-net=a.example"),
                (["run", "--allow-read", "/tmp", "x.mjs"],
                 "--allow-read=/tmp"),
                (["run", "--allow-read", "x.mjs", "x.mjs"],
                 "--allow-read=x.mjs"),
                (["eval", "--allow-read", "/tmp", "1"], "--allow-read=/tmp")]:
            with self.subTest(words):
                self.assertIn(f"write {written}\n", self.said(*words))
        self.assertFalse(os.path.exists(os.path.join(self.folder, "torpor.db")))
        self.assertEqual(self.torpor("--allow-read", "x.mjs", "a").stdout,
                         "ran a\n")

    def test_what_is_no_program(self):
        self.assertIn("is a folder", self.said("/tmp", code=FILE))
        self.assertIn("no file './no'", self.said("./no", code=FILE))
        said = self.said("--color=never", "list")
        self.assertIn("torpor list ...", said)
        self.assertIn("no command 'lsit'; did you mean 'list'",
                      self.said("help", "lsit"))

    def test_paths_that_are_empty(self):
        for words in [["list", "--store="], ["list", "--store", ""],
                      ["--ca=", "x.mjs"], ["run", "--key-file=", "x.mjs"],
                      ["build", "-o", "", "x.mjs"],
                      ["export", "a", "--output="]]:
            with self.subTest(words):
                self.assertIn("it is empty", self.said(*words))

    def test_ids(self):
        for name in ["-x", ".", "..", ".x"]:
            with self.subTest(name):
                said = self.said("run", "x.mjs", "-d", f"--id={name}")
                self.assertIn("does not begin with", said)
        for name in ["x-", "x..", "_"]:
            self.torpor("run", "x.mjs", "-d", f"--id={name}")
        for words in [["show", "--", "-x"], ["show", ".."]]:
            self.assertIn(f"no run has the id '{words[-1]}'",
                          self.said(*words, code=NOT_FOUND))
        self.assertIn("stands behind '--'", self.said("show", "-x"))

    def test_a_sentence_is_said_once(self):
        for words in [["eval"], ["show"], ["show", "a", "b"], ["engine"],
                      ["engine", "bild"], ["run", "none.mjs"], ["show", "a"],
                      ["help", "x"], ["build", "none.mjs"], ["--zz", "x.mjs"],
                      ["extension", "x"], ["extension", "check", "x.mjs"],
                      ["engine", "add", "x.mjs"], ["import", "x.mjs"],
                      ["upgrade", "a", "b"], ["prune"], ["completion", "x"]]:
            done = subprocess.run([TORPOR, *words], cwd=self.folder, text=True,
                                  capture_output=True, env=PLAIN, check=False,
                                  stdin=subprocess.DEVNULL, timeout=PATIENCE)
            self.assertNotEqual(done.returncode, DONE, words)
            lines = done.stderr.splitlines()
            self.assertTrue(1 <= len(lines) <= 2, done.stderr)
            self.assertEqual(len(set(lines)), len(lines), done.stderr)
            self.assertEqual(sum(line.startswith("torpor: ")
                                 for line in lines), 1, done.stderr)


class Random(Command):
    """Command lines out of all commands, options and odd values: each ends, with
    an exit code that is listed, and says so in lines of text."""

    VALUES = ["", "-", "--", "-1", "0", "18446744073709551616", "a" * 5000,
              "%s%n", "..", "/", "/dev/null", "/dev/full", "@none", "=", ",",
              "a,b", "é", b"\xff\x80", "\x1b[31m", "all", "x.mjs", "none.mjs",
              "done", "done@0", "5s", "64M", "{}", "-x", "a\nb", "torpor.db"]

    def lines(self, dice):
        """Command lines that wait for nothing that never comes."""
        shown = self.torpor("completion", "words", "--", "").stdout
        for command in [line.split("\t")[0] for line in shown.splitlines()]:
            if command.startswith(":"):
                command = "x.mjs"
            offered = self.torpor("completion", "words", "--", command, "-")
            options = [line.split("\t")[0] for line in
                       offered.stdout.splitlines()] or ["--help"]
            for _ in range(6):
                words = []
                for _ in range(dice.randint(0, 4)):
                    word = dice.choice(options + self.VALUES)
                    if isinstance(word, str) and word.endswith("="):
                        value = dice.choice(self.VALUES)
                        word = os.fsencode(word) + os.fsencode(value)
                    words.append(word)
                if command == "worker":  # takes none, and would work for ever
                    words.append("x")
                yield [command, *words]

    def test_random(self):
        self.write("x.mjs", "export default 1;")
        self.torpor("run", "x.mjs", "-q", "--id=done")
        listed = {int(number) for number in re.findall(
            r"^  (\d+) ", self.torpor("--help").stdout, re.MULTILINE)}
        seed = os.environ.get("TORPOR_SEED", "16")
        for words in self.lines(random.Random(seed)):
            done = subprocess.run(
                [TORPOR, *words], cwd=self.folder, stdin=subprocess.DEVNULL,
                capture_output=True, env=PLAIN, timeout=PATIENCE, check=False)
            self.assertIn(done.returncode, listed, words)
            self.assertNotIn(b"\x1b", done.stdout + done.stderr, words)
            if done.returncode == USAGE:
                self.assertIn(b"torpor: ", done.stderr, words)

    @unittest.skipUnless(os.path.exists("/dev/full"), "needs /dev/full")
    def test_output_that_cannot_be_written(self):
        self.write("x.mjs", "console.log(1);")
        self.torpor("run", "x.mjs", "-q", "--id=done")
        for words in [["--help"], ["help", "--man"], ["version"], ["list"],
                      ["completion", "fish"], ["show", "done"], ["logs", "done"],
                      ["list", "--json"], ["x.mjs"], ["engine", "list"],
                      ["run", "x.mjs", "-d"], ["completion", "words", "l"]]:
            for where in [">/dev/full", ">&-"]:
                line = f"exec {TORPOR} {' '.join(words)} {where}"
                done = subprocess.run(["sh", "-c", line], cwd=self.folder,
                                      stdin=subprocess.DEVNULL, text=True,
                                      capture_output=True, env=PLAIN,
                                      timeout=PATIENCE, check=False)
                self.assertEqual(done.returncode, FILE, line)
                self.assertIn("writing output: ", done.stderr, line)


if __name__ == "__main__":
    unittest.main()
