#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=120
"""States that runs keep: fork, rewind, prune, --keep, show --steps, and keys."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import (DONE, EXISTS, FILE, HELD, NOT_FOUND, PATIENCE, SANITIZED,
                     TORPOR, USAGE, Durable)

# Remembers what it was told, a step for each.
LISTENING = """
    import { signal } from "torpor:run";
    const heard = [];
    torpor.onwake = ({ clone }) => { if (clone) console.log("a copy"); };
    while (heard.length < 4) {
      heard.push(await signal("say"));
      console.log(heard.join(" "));
    }
    export default heard;
    """


class States(Durable):
    def say(self, run, *words):
        for word in words:
            self.torpor("signal", run, "say", json.dumps(word))

    def listening(self, *options, words="abcd"):
        """A run that has been told 'words'; with four it has ended."""
        self.detach(LISTENING, *options)
        keys = [word for word in options if word.startswith("--key-file")]
        worker = self.start("worker", "-q", *keys)
        for i, word in enumerate(words):
            self.say("main", word)
            self.wait_for_line(" ".join(words[:i + 1]))
        if len(words) == 4:
            self.wait_for_state("done")
        else:
            self.wait_until(lambda: self.show()["attempts"] == 0)
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(PATIENCE), DONE)

    def steps(self, run="main"):
        done = self.torpor("show", run, "--steps", "--json")
        return json.loads(done.stdout)

    def numbers(self, run="main"):
        return [step["step"] for step in self.steps(run)]


class Forking(States):
    def test_a_copy_goes_its_own_way(self):
        self.listening(words="ab")
        done = self.torpor("fork", "main", "--id", "other")
        self.assertEqual(done.stdout, "other\n")
        self.say("main", "c", "d")
        self.say("other", "x", "y")
        self.assertEqual(self.torpor("resume", "main", "-q").stdout,
                         "a b c\na b c d\n")
        self.assertEqual(self.torpor("resume", "other", "-q").stdout,
                         "a copy\na b x\na b x y\n")
        self.assertEqual(self.show()["value"], list("abcd"))
        self.assertEqual(self.show("other")["value"], list("abxy"))

    def test_from_an_earlier_state_of_a_run_that_ended(self):
        self.listening()
        for step in self.numbers()[:-1]:
            fork = json.loads(self.torpor("fork", "main", "--step", str(step),
                                          "--json").stdout)
            self.assertEqual((fork["from"], fork["step"]), ("main", step))
            self.say(fork["run"], *"wxyz")
            self.torpor("resume", fork["run"], "-q")
            value = self.show(fork["run"])["value"]
            told = sum(a == b for a, b in zip(value, "abcd"))
            self.assertEqual("".join(value), "abcd"[:told] + "wxyz"[:4 - told])

    def test_from_the_beginning(self):
        self.listening(words="ab")
        self.torpor("fork", "main@0", "--id", "again")
        self.say("again", *"wxyz")
        self.torpor("resume", "again")
        self.assertEqual(self.show("again")["value"], list("wxyz"))

    def test_a_copy_of_a_copy_and_one_that_is_driven(self):
        self.listening(words="a")
        worker = self.start("worker", "-q")
        self.torpor("fork", "main", "--id", "b")
        self.torpor("fork", "b", "--id", "c")
        for run in ["main", "b", "c"]:
            self.say(run, run, "2", "3")
            self.wait_for_state("done", run)
            self.assertEqual(self.show(run)["value"], ["a", run, "2", "3"])
        worker.kill()
        self.assertEqual([self.show(run)["parent"] for run in
                          ["main", "b", "c"]], [None, "main", "b"])
        self.assertRegex(self.torpor("show", "c").stdout, "(?m)^forked     from b$")

    def test_what_is_refused(self):
        self.listening(words="a")
        done = self.torpor("fork", "mian", code=NOT_FOUND)
        self.assertIn("did you mean 'main'", done.stderr)
        done = self.torpor("fork", "main", "--step=99", code=NOT_FOUND)
        self.assertRegex(done.stderr, "99.* is not kept; there are")
        self.torpor("fork", "main", "--id=main", code=EXISTS)
        self.torpor("fork", "main", "--id=not an id", code=USAGE)
        for step in ["-1", "x", "", "1" * 30]:
            self.torpor("fork", "main", f"--step={step}", code=USAGE)
            self.torpor("fork", f"main@{step}", code=USAGE)
        self.torpor("fork", code=USAGE)

    def test_the_example(self):
        example = os.path.join(os.environ.get("TORPOR_SOURCE", "."),
                               "examples/what-if.mjs")
        self.torpor("run", example, "--id", "trip", "--detach")
        worker = self.start("worker", "-q")
        self.wait_for_line("5 nights for 355", "trip")
        self.wait_for_state("waiting", "trip")
        for run, price in [("by-train", 89), ("by-bus", 25)]:
            self.torpor("fork", "trip", "--id", run)
            self.torpor("signal", run, "transport",
                        json.dumps({"name": run[3:], "price": price}))
            self.wait_for_state("done", run)
            self.assertEqual(self.show(run)["value"],
                             {"by": run[3:], "total": 355 + 2 * price})
            self.assertEqual(self.logs(run)[0],
                             f"{run} goes its own way from here")
        worker.kill()


class Rewinding(States):
    def test_to_each_state(self):
        self.listening()
        for step in reversed(self.numbers()[:-1]):
            branch = self.show()["branch"]
            self.torpor("rewind", "main", str(step))
            run = self.show()
            self.assertEqual((run["state"], run["step"]), ("waiting", step))
            self.assertGreater(run["branch"], branch)
            self.assertEqual(self.numbers()[-1], step)
        self.say("main", *"wxyz")
        self.torpor("resume")
        self.assertEqual(len(self.show()["value"]), 4)

    def test_to_the_beginning(self):
        self.listening()
        self.torpor("rewind", "main@0")
        self.assertEqual(self.show()["state"], "ready")
        self.say("main", *"wxyz")
        self.torpor("resume")
        self.assertEqual(self.show()["value"], list("wxyz"))

    def test_who_follows_loses_no_line(self):
        """The steps of a run that is rewound begin again."""
        program = """
            import { signal, step } from "torpor:run";
            for (let word = ""; word !== "end";) {
              word = await signal("word");
              console.log(word, step());
            }
            """
        self.detach(program)
        followers = [self.start("logs", "main", "-f", *words)
                     for words in [[], ["--json"], ["--since=2"]]]
        written, first = [], None
        for words in ["abc", "de", "fgh", ["i", "end"]]:
            for word in words:
                self.torpor("signal", "main", "word", f'"{word}"')
            worker = self.start("worker", "-q")
            self.wait_for_line(f"{words[-1]} {len(words) + 1}")
            worker.terminate()
            worker.wait(PATIENCE)
            written += [f"{word} {at + 2}" for at, word in enumerate(words)]
            first = first or [child.stdout.readline() for child in followers]
            if "end" not in words:
                self.torpor("rewind", "main", "1")
        plain, objects, later = [
            (line + child.stdout.read()).splitlines()
            for line, child in zip(first, followers)]
        self.assertEqual(plain, written)
        lines = [json.loads(line) for line in objects]
        self.assertEqual([line["text"] for line in lines], written)
        self.assertEqual([line["branch"] for line in lines],
                         [0] * 3 + [1] * 2 + [2] * 3 + [3] * 2)
        self.assertEqual(self.logs(), written)
        self.assertIn("c 4", later)
        self.assertEqual(later[-len(written[3:]):], written[3:])
        self.assertEqual(self.logs("main", "--since=3"), ["c 4", "h 4"])

    def test_a_run_that_is_driven_is_refused(self):
        self.listening(words="ab")
        worker = self.start("resume", "main", "-q")
        self.wait_until(lambda: self.show()["worked"])
        self.torpor("rewind", "main", "1", code=HELD)
        worker.kill()

    def test_what_is_refused(self):
        self.listening(words="a")
        done = self.torpor("rewind", "main", "99", code=NOT_FOUND)
        self.assertIn("not kept", done.stderr)
        done = self.torpor("rewind", "man", "1", code=NOT_FOUND)
        self.assertIn("did you mean 'main'", done.stderr)
        self.torpor("rewind", "main", "x", code=USAGE)
        self.torpor("rewind", "main@x", code=USAGE)
        self.torpor("rewind", "main@1", "1", code=USAGE)
        done = self.torpor("rewind", "main", code=USAGE)
        self.assertIn("main@STEP", done.stderr)


class Keeping(States):
    def test_keep_says_how_many_states_stay(self):
        self.listening("--keep=2")
        self.assertEqual(len(self.steps()), 2)

    def test_keep_all(self):
        self.listening("--keep", "all")
        last = self.show()["step"]
        self.assertEqual(self.numbers(), list(range(1, last)))

    def test_keep_takes_a_number_or_all(self):
        self.write("main.mjs", "")
        for keep in ["0", "-1", "few", "", "1K"]:
            done = self.torpor("run", "main.mjs", f"--keep={keep}", code=USAGE)
            self.assertIn("--keep", done.stderr)

    def test_prune(self):
        self.listening("--keep=all")
        before = self.steps()
        gone = {"states": len(before) - 2,
                "bytes": sum(step["bytes"] for step in before[:-2])}
        for changed in False, True:
            words = [] if changed else ["--dry-run"]
            done = self.torpor("prune", "main", "--keep=2", "--json", *words)
            self.assertEqual(json.loads(done.stdout),
                             {"changed": changed, **gone})
            self.assertEqual(self.steps(), before[-2:] if changed else before)
        done = self.torpor("prune", "main", "--keep=1", "-n")
        self.assertIn("1 state would be dropped, ", done.stdout)
        done = self.torpor("prune", "--all", "--keep=2")
        self.assertEqual(done.stdout, "0 states dropped, 0 bytes freed\n")
        self.torpor("prune", "main", "--keep=0")
        self.assertEqual(self.steps(), [])
        self.assertIn("keeps no state",
                      self.torpor("show", "main", "--steps").stderr)

    def test_prune_says_what_is_missing(self):
        self.listening(words="a")
        for words in [("main",), ("--keep=1",), ("main", "--all", "--keep=1"),
                      ("main", "--keep=x")]:
            self.torpor("prune", *words, code=USAGE)
        kept = self.steps()
        self.assertGreater(len(kept), 1)
        for words in [("mani",), ("main", "mani"), ("mani", "main")]:
            done = self.torpor("prune", *words, "--keep=0", code=NOT_FOUND)
            self.assertIn("did you mean 'main'", done.stderr)
            self.assertEqual(done.stdout, "")
            self.assertEqual(self.steps(), kept)

    def test_a_long_run_takes_bounded_space(self):
        self.run_program("""
            import { sleep } from "torpor:run";
            for (let i = 0; i < 600; i++) await sleep(0);
            """, "-q")
        self.assertLess(len(self.steps()), 30)
        store = sqlite3.connect(self.path("torpor.db"))
        (size,), = store.execute("SELECT sum(length(snapshot)) FROM state")
        store.close()
        self.assertLess(size, 200000)

    def test_steps_for_people(self):
        self.listening(words="ab")
        lines = self.torpor("show", "main", "--steps").stdout.splitlines()
        self.assertRegex(lines[0], "STEP +BRANCH +BYTES")
        self.assertEqual(len(lines), 1 + len(self.steps()))


class Keys(States):
    def key(self, name="key"):
        with open(self.path(name), "wb") as file:
            file.write(os.urandom(32))
        return f"--key-file={name}"

    def test_states_are_encrypted(self):
        key = self.key()
        secret = "correct horse battery staple"
        self.detach(f"""
            import {{ signal }} from "torpor:run";
            const hidden = {json.dumps(secret)} + "!";
            await signal("say");
            console.log(hidden.length);
            """, key)
        child = self.start("resume", "main", key)
        self.wait_for_state("waiting")
        child.send_signal(signal.SIGINT)
        child.wait(PATIENCE)
        store = sqlite3.connect(self.path("torpor.db"))
        (state,), = store.execute("SELECT snapshot FROM state LIMIT 1")
        store.close()
        self.assertNotIn(secret.encode(), state)
        self.say("main", "x")
        done = self.torpor("resume", "main", key)
        self.assertEqual(done.stdout, f"{len(secret) + 1}\n")

    def test_hex_keys(self):
        for text in ["5a" * 32, "5A" * 32 + "\n", "5a" * 32 + "\r\n"]:
            self.write("hex", text)
            self.listening("--key-file=hex", words="a")
            self.torpor("inspect", "main", "--key-file=hex")
            os.remove(self.path("torpor.db"))

    def test_another_key_or_none_is_refused(self):
        key = self.key()
        other = self.key("other")
        self.listening(key, words="a")
        for words in [("inspect", "main"), ("fork", "main"),
                      ("diff", "main@1", "main")]:
            for wrong in [(), (other,)]:
                with self.subTest((words, wrong)):
                    done = self.torpor(*words, *wrong, code=FILE)
                    self.assertIn("key", done.stderr)
            self.torpor(*words, key)

    def test_what_is_no_key(self):
        self.write("main.mjs", "")
        self.write("short", "abc")
        self.write("long", "a" * 100)
        self.write("letters", "g" * 64)
        for name in ["short", "long", "letters"]:
            done = self.torpor("run", "main.mjs", f"--key-file={name}",
                               code=USAGE)
            self.assertIn("is not a key", done.stderr)
        done = self.torpor("run", "main.mjs", "--key-file=nothing", code=FILE)
        self.assertIn("nothing", done.stderr)
        self.assertFalse(os.path.exists(self.path("torpor.db")))


class Killed(States):
    def test_kill_nine_at_any_moment(self):
        self.listening("--keep=all", words="ab")
        chance = random.Random(4)
        ids = 0
        for _ in range(10 if SANITIZED else 60):
            ids += 1
            words = chance.choice([
                ("fork", "main", "--id", f"f{ids}"),
                ("rewind", "main", str(chance.choice([1, 2]))),
                ("prune", "--all", "--keep=3")])
            child = self.start(*words)
            time.sleep(chance.uniform(0, 0.02))
            child.kill()
            child.wait()
            runs = json.loads(self.torpor("list", "--json").stdout)
            self.assertIn("main", [run["id"] for run in runs])
            for run in runs:
                self.assertEqual(run["state"], "waiting", run)
        for run in runs:
            self.torpor("inspect", run["id"])
            self.say(run["id"], *"wxyz")
        self.torpor("resume", "--all", "-q")
        for run in json.loads(self.torpor("list", "--json").stdout):
            self.assertEqual(run["state"], "done", run)
            self.assertEqual(len(self.show(run["id"])["value"]), 4)


if __name__ == "__main__":
    unittest.main()
