#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=300
"""Completion of command lines: what 'torpor completion' offers, and that bash,
zsh and fish take it, typed on a terminal of theirs.
"""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

TORPOR = os.path.abspath(os.environ.get("TORPOR", "build/torpor"))
PATIENCE = 90 if "sanitize" in TORPOR else 30

PROGRAM = """
    import { signal } from "torpor:run";
    await Promise.all([signal("approve"), signal("reject")]);
    """

# A prompt that is told apart from what is typed; and 'torpor' says what it was
# called with, unless it is asked for completion.
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], """
        PS1='ready> '; bind 'set bell-style none'
        bind 'set enable-bracketed-paste off'
        torpor() { if [[ $1 == completion ]]; then command torpor "$@"
          else printf 'GOT<%s>\\n' "$*"; fi; }
        source <(command torpor completion bash)"""),
    "zsh": (["zsh", "-f", "-i"], """
        PS1='ready> '; unsetopt beep zle_bracketed_paste prompt_cr
        autoload -U compinit; compinit -u -D
        torpor() { if [[ $1 == completion ]]; then command torpor "$@"
          else printf 'GOT<%s>\\n' "$*"; fi }
        source <(command torpor completion zsh)"""),
    "fish": (["fish", "--no-config", "-i"], """
        function fish_prompt; echo -n 'ready> '; end
        function torpor
          if test "$argv[1]" = completion; command torpor $argv
          else; printf 'GOT<%s>\\n' "$argv"; end
        end
        command torpor completion fish | source"""),
}


class Folder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = os.path.realpath(tempfile.mkdtemp(prefix="torpor-tab-"))
        os.mkdir(os.path.join(cls.folder, "bin"))
        os.symlink(TORPOR, os.path.join(cls.folder, "bin", "torpor"))
        cls.environment = {
            name: value for name, value in os.environ.items()
            if name not in ("TORPOR_STORE", "FORCE_COLOR")}
        cls.environment.update(
            PATH=f"{cls.folder}/bin:{os.environ['PATH']}", HOME=cls.folder,
            TERM="dumb")
        with open(os.path.join(cls.folder, "program.mjs"), "w") as file:
            file.write(PROGRAM)
        for words in [["--id=order-1"], ["--id=order-2"], ["--id=pay"],
                      ["--id=zebra", "--store=other.db"]]:
            cls.torpor("run", "program.mjs", "--detach", *words)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def torpor(cls, *words):
        return subprocess.run([TORPOR, *words], cwd=cls.folder, text=True,
                              check=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE,
                              env=cls.environment)


class Words(Folder):
    def offered(self, *words):
        done = self.torpor("completion", "words", "--", *words)
        self.assertEqual(done.stderr, "")
        lines = done.stdout.splitlines()
        for line in lines:
            self.assertRegex(line, r"^(:files|:folders|[^\t]+\t[^\t]*)$")
        return [line.split("\t")[0] for line in lines]

    def test_commands(self):
        offered = self.offered("")
        listed = re.findall(r"^  (\w+) ", self.torpor("--help").stdout
                            .split("Options:")[0], re.MULTILINE)
        self.assertEqual(sorted(offered), sorted(listed[1:] + [":files"]))
        self.assertEqual(self.offered("sig"), ["signal", "signals", ":files"])
        self.assertEqual(self.offered("help", "ev"), ["eval"])

    def test_every_option_of_every_command(self):
        for command in self.offered("")[:-1]:
            text = self.torpor(command, "--help").stdout
            self.assertEqual(
                sorted(word.rstrip("=") for word in self.offered(command, "-")),
                sorted(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", text,
                                  re.MULTILINE)))

    def test_values(self):
        self.assertEqual(self.offered("list", "--color", ""),
                         ["auto", "always", "never"])
        self.assertEqual(self.offered("list", "--color=a"),
                         ["--color=auto", "--color=always"])
        self.assertEqual(self.offered("run", "--keep="), ["--keep=all"])
        self.assertEqual(self.offered("list", "--store="), [":files"])
        self.assertEqual(self.offered("x.mjs", "--allow-read="), [":files"])
        self.assertEqual(self.offered("--allow-read="), [":files"])
        self.assertEqual(self.offered("engine", "add", "-o", ""), [":folders"])
        self.assertEqual(self.offered("run", "--id="), [])
        self.assertEqual(self.offered("list", "--nothing="), [])
        self.assertEqual(self.offered("list", "--state=wa"),
                         ["--state=waiting"])
        self.assertEqual(self.offered("list", "--state", "waiting,de"),
                         ["waiting,deadlock"])
        self.assertEqual(self.offered("list", "--after=p"), ["--after=pay"])

    def test_arguments(self):
        self.assertEqual(self.offered("run", "p"), [":files"])
        self.assertEqual(self.offered("engine", ""), ["list", "add", "build"])
        self.assertEqual(self.offered("engine", "add", ""), [":files"])
        self.assertEqual(self.offered("engine", "list", ""), [])
        self.assertEqual(self.offered("extension", "build", "a", "b", ""),
                         [":files"])
        self.assertEqual(self.offered("list", ""), [])
        self.assertEqual(self.offered("eval", "1", "--pr"), ["--print"])
        self.assertEqual(self.offered("eval", "1", "--", "--pr"), [":files"])
        self.assertEqual(self.offered("program.mjs", "--pr"), [":files"])

    def test_runs(self):
        self.assertEqual(self.offered("show", "or"), ["order-1", "order-2"])
        self.assertEqual(self.offered("prune", "-n", "pay", "o"),
                         ["order-1", "order-2"])
        self.assertEqual(self.offered("inspect", "p"), ["pay", ":files"])
        self.assertEqual(self.offered("diff", "pay", "p"), ["pay", ":files"])
        for words in [["--store=other.db"], ["--store", "other.db"]]:
            self.assertEqual(self.offered("show", *words, ""), ["zebra"])

    def test_signals_that_a_run_waits_for(self):
        self.torpor("fork", "pay", "--id=waits")
        child = subprocess.Popen([TORPOR, "resume", "waits", "--json"],
                                 cwd=self.folder, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL,
                                 stdin=subprocess.DEVNULL)
        for line in child.stdout:
            if b'"commit"' in line:
                break
        self.assertEqual(self.offered("signal", "waits", "a"), ["approve"])
        child.kill()
        child.communicate()

    def test_no_store_is_made_or_missed(self):
        names = sorted(os.listdir(self.folder))
        for store in ["none.db", "program.mjs", "none/none.db", ".", "-"]:
            self.assertEqual(self.offered("show", f"--store={store}", ""), [])
        self.assertEqual(sorted(os.listdir(self.folder)), names)

    def test_the_scripts_are_of_their_language(self):
        for shell in SHELLS:
            if shutil.which(shell) is None:
                continue
            script = self.torpor("completion", shell).stdout
            done = subprocess.run([shell, "-n"], input=script, text=True,
                                  capture_output=True, check=False,
                                  timeout=PATIENCE)
            self.assertEqual((done.returncode, done.stderr), (0, ""), shell)


class Shell:
    """An interactive shell on a terminal."""

    def __init__(self, name, folder, environment):
        words, self.setup = SHELLS[name]
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.chdir(folder)
            os.execvpe(words[0], words, environment)
        self.said = ""
        with open(os.path.join(folder, "setup"), "w") as file:
            file.write(self.setup + "\n")
        self.send("source ./setup\n")
        self.send("torpor begin\n")
        self.wait_for("GOT<begin>")

    def send(self, text):
        os.write(self.terminal, text.encode())

    def wait_for(self, text):
        end = time.monotonic() + PATIENCE
        while text not in self.said:
            left = end - time.monotonic()
            if left < 0 or not select.select([self.terminal], [], [], left)[0]:
                raise AssertionError(f"no {text!r} in {self.said!r}")
            self.said += os.read(self.terminal, 65536).decode(errors="replace")

    def close(self):
        os.close(self.terminal)  # hangs up
        os.waitpid(self.child, 0)


class Shells(Folder):
    LINES = [("torpor lis\t", "list"),
             ("torpor show pa\t", "show pay"),
             ("torpor show order-\t2", "show order-2"),
             ("torpor list --col\tal\t", "list --color=always"),
             ("torpor run pro\t", "run program.mjs"),
             ("torpor list --store=ot\t", "list --store=other.db"),
             ("torpor show --store=other.db z\t",
              "show --store=other.db zebra"),
             ("torpor diff order-1 pa\t", "diff order-1 pay")]

    def check(self, name):
        if shutil.which(name) is None:
            self.skipTest(f"there is no {name} here")
        shell = Shell(name, self.folder, self.environment)
        try:
            for number, (typed, meant) in enumerate(self.LINES):
                shell.said = ""
                shell.send(f"{typed}\n")
                shell.wait_for(f"GOT<{meant}")
        finally:
            shell.close()

    def test_bash(self):
        self.check("bash")

    def test_zsh(self):
        self.check("zsh")

    def test_fish(self):
        self.check("fish")


if __name__ == "__main__":
    unittest.main()
