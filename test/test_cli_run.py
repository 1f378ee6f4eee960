#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=120
"""The life of a durable run as a user sees it: run, resume, signal, cancel, and
what list, show and logs tell."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import (DEADLOCK, DONE, ENDED, EXISTS, KILLED, NOT_FOUND,
                     PATIENCE, STOPPED, THROWN, TORPOR, USAGE, Durable)
from terminal import on_terminal  # noqa: E402

COMMANDS = ["run", "resume", "worker", "list", "show", "logs", "signal",
            "signals", "cancel", "fork", "rewind", "upgrade", "prune", "inspect", "diff",
            "export", "import"]
WAITING = """
    import { signal, sleep } from "torpor:run";
    console.log("waiting");
    console.log("got", await signal("go"));
    """


class Living(Durable):
    def test_a_run_ends_with_its_value(self):
        done = self.run_program("""
            import { input, runId, sleep, step } from "torpor:run";
            console.log(runId(), input().n, step());
            await Promise.all([sleep(30), sleep("0.02 s"), sleep(10)]);
            console.error("slept", step());
            export default { twice: input().n * 2 };
            """, "--input", '{"n": 21}')
        self.assertEqual(done.stdout, "main 21 1\n")
        self.assertIn("torpor: run main in torpor.db\n", done.stderr)
        self.assertIn("slept ", done.stderr)
        self.assertRegex(done.stderr, r"torpor: done after \d steps\n$")
        run = self.show()
        self.assertEqual(run["state"], "done")
        self.assertEqual(run["value"], {"twice": 42})
        self.assertEqual(run["operations"], [])
        self.assertGreater(run["snapshot_bytes"], 0)

    def test_quiet_shows_the_program_only(self):
        done = self.run_program("console.log('only this')", "-q")
        self.assertEqual((done.stdout, done.stderr), ("only this\n", ""))

    def test_ids_are_made(self):
        self.write("main.mjs", "")
        ids = {self.torpor("run", "-d", "main.mjs").stdout for i in range(3)}
        self.assertEqual(len(ids), 3)
        for run in ids:
            self.assertRegex(run, r"^[a-z2-9]{10}\n$")

    def test_modules_are_fixed_when_the_run_is_made(self):
        self.write("part.mjs", "export const word = 'old';")
        self.detach("""
            import { word } from "./part.mjs";
            console.log(word);""")
        self.write("part.mjs", "export const word = 'new';")
        os.remove(self.path("main.mjs"))
        self.assertEqual(self.torpor("resume", "main").stdout, "old\n")

    def test_timers(self):
        done = self.run_program("""
            let count = 0;
            const interval = setInterval(() => {
              console.log("tick", ++count);
              if (count === 3) clearInterval(interval);
            }, 20);
            clearTimeout(setTimeout(() => console.log("never"), 50));
            setTimeout((...words) => console.log(...words), 30, "a", "b");
            """)
        self.assertEqual(done.stdout, "tick 1\na b\ntick 2\ntick 3\n")

    def test_cyclic_values_are_kept(self):
        self.run_program("const a = { n: 1 }; a.self = a; export default a;")
        self.assertEqual(self.show()["value"]["n"], 1)
        self.torpor("show", "main")

    def test_shared_values_are_shown_in_full(self):
        self.run_program("""
            const address = { city: "X" };
            export default { billing: address, shipping: address };
            """)
        value = {"billing": {"city": "X"}, "shipping": {"city": "X"}}
        self.assertEqual(self.show()["value"], value)

    def test_ctrl_c_leaves_the_run_and_says_how_to_go_on(self):
        self.write("main.mjs", WAITING)
        for number in [signal.SIGINT, signal.SIGTERM]:
            run = f"stopped-{number}"
            child = self.start("run", "main.mjs", "--id", run)
            self.assertEqual(child.stdout.readline(), "waiting\n")
            child.send_signal(number)
            output, errors = child.communicate(timeout=PATIENCE)
            self.assertEqual(child.returncode, 128 + number)
            how = re.search(r"  torpor (resume .*)\n", errors).group(1)
            self.assertEqual(how, f"resume {run} --store torpor.db")
            self.torpor("signal", run, "go", '"on"')
            self.assertEqual(self.torpor(*how.split()).stdout, "got on\n")
        self.assertEqual(STOPPED, 128 + signal.SIGINT)

    def test_ctrl_c_stops_a_busy_program(self):
        self.write("main.mjs", "for (;;);")
        child = self.start("run", "main.mjs", "--id", "main")
        self.wait_until(lambda: os.path.exists(self.path("torpor.db")) and
                        self.show_or_none() is not None)
        time.sleep(0.3)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=PATIENCE)
        self.assertEqual(child.returncode, STOPPED)
        self.assertEqual(self.show()["state"], "ready")

    def test_resume(self):
        self.detach(WAITING, run="a")
        self.detach("console.log('b runs')", name="b.mjs", run="b")
        done = self.torpor("resume", code=USAGE)
        self.assertIn("several runs have not ended", done.stderr)
        self.torpor("resume", "a", "--all", code=USAGE)
        self.assertEqual(self.torpor("resume", "b").stdout, "b runs\n")
        done = self.torpor("resume", "b")
        self.assertIn("has ended: done", done.stderr)
        self.torpor("signal", "a", "go")
        self.assertEqual(self.torpor("resume", "-q").stdout,
                         "waiting\ngot undefined\n")
        self.assertIn("every run of the store has ended",
                      self.torpor("resume").stderr)

    def test_resume_of_several(self):
        for run in "abc":
            self.detach(WAITING, run=run)
            self.torpor("signal", run, "go", f'"{run}"')
        self.detach("throw new Error('bad')", name="bad.mjs", run="bad")
        self.torpor("resume", "bad", "-q", code=THROWN)
        self.torpor("resume", "bad", code=THROWN)
        self.torpor("resume", "a")
        done = self.torpor("resume", "b", "a", "b", "bad")
        self.assertEqual(done.stdout, "waiting\ngot b\n")
        self.assertIn("'a' has ended: done", done.stderr)
        self.assertIn("'bad' has ended: failed", done.stderr)
        self.assertIn("b: done after ", done.stderr)
        done = self.torpor("resume", "a", "bad")
        self.assertIn("'bad' has ended: failed", done.stderr)
        self.torpor("resume", "c", "nobody", code=NOT_FOUND)
        self.assertEqual(self.show("c")["step"], 0)
        self.torpor("run", "bad.mjs", "--id=worse", "-d")
        self.torpor("cancel", "c", "--kill")
        self.torpor("resume", "--all", "-q")
        self.assertEqual(self.show("worse")["state"], "failed")

    def test_the_store_can_be_named(self):
        self.write("main.mjs", "")
        self.environment["TORPOR_STORE"] = "named.db"
        self.torpor("run", "-d", "main.mjs", "--id", "one")
        self.torpor("run", "-d", "main.mjs", "--id", "two", "--store=other.db")
        self.assertIn("one", self.torpor("list").stdout)
        self.assertNotIn("two", self.torpor("list").stdout)
        self.assertIn("two", self.torpor("list", "--store", "other.db").stdout)
        self.assertFalse(os.path.exists(self.path("torpor.db")))


class Signals(Durable):
    def test_a_signal_waits_in_the_mailbox(self):
        self.detach("""
            import { signal } from "torpor:run";
            for (let i = 0; i < 3; i++) console.log(await signal("item"));
            """)
        for value in ['{"n":1}', "[2]", "null"]:
            self.torpor("signal", "main", "item", value)
        self.assertEqual(self.show()["signals"], 3)
        self.assertEqual(self.torpor("resume").stdout, "{ n: 1 }\n[ 2 ]\nnull\n")
        self.assertEqual(self.show()["signals"], 0)

    def test_a_signal_times_out(self):
        done = self.run_program("""
            import { signal } from "torpor:run";
            const error = await signal("never", { timeout: "50ms" })
              .catch((error) => error);
            console.log(error.name, error instanceof Error);
            """)
        self.assertEqual(done.stdout, "TimeoutError true\n")

    def test_an_aborted_wait_leaves_the_message(self):
        self.detach("""
            import { signal, sleep } from "torpor:run";
            const controller = new AbortController();
            const first = signal("m", { signal: controller.signal })
              .catch((error) => error.name);
            await sleep(10);
            controller.abort();
            console.log(await first);
            console.log("got", await signal("m"));
            """)
        child = self.start("resume", "main", "-q")
        self.assertEqual(child.stdout.readline(), "AbortError\n")
        self.torpor("signal", "main", "m", '"late"')
        self.assertEqual(child.communicate(timeout=PATIENCE)[0], "got late\n")

    def test_what_is_no_json(self):
        self.detach(WAITING)
        done = self.torpor("signal", "main", "go", "text", code=USAGE)
        self.assertIn("is not JSON", done.stderr)
        self.assertIn("--text", done.stderr)
        self.assertEqual(self.show()["signals"], 0)

    def test_to_a_run_that_has_ended(self):
        self.run_program("")
        done = self.torpor("signal", "main", "go", code=ENDED)
        self.assertIn("has ended", done.stderr)


class Cancelling(Durable):
    def test_a_program_may_tidy_up(self):
        self.detach("""
            import { signal, sleep } from "torpor:run";
            try {
              await signal("never");
            } catch (error) {
              console.log(error.name, error.code, error instanceof Error);
              await sleep(20);
              console.log("tidied");
            }
            export default "bye";
            """)
        child = self.start("resume", "main", "-q")
        self.wait_for_state("waiting")
        self.torpor("cancel", "main")
        output, _ = child.communicate(timeout=PATIENCE)
        self.assertEqual(child.returncode, DONE)
        self.assertEqual(output, "Cancelled CANCELLED true\ntidied\n")
        self.assertEqual(self.show()["value"], "bye")

    def cancelled(self, text, code, lines, reason="", run="main"):
        """A run of 'text' that is cancelled: what it then says, and why it
        ended."""
        self.detach(text, run=run)
        child = self.start("resume", run, "-q")
        self.wait_for_state("waiting", run)
        self.torpor("cancel", run)
        output, errors = child.communicate(timeout=PATIENCE)
        self.assertEqual((child.returncode, output.splitlines()),
                         (code, lines), errors)
        self.assertEqual(self.show(run)["reason"], reason)

    def test_nothing_keeps_it_from_tidying_up(self):
        for number, begin in enumerate([
                "globalThis.beat = setInterval(() => {}, 60000);",
                "setTimeout(() => {}, 60000);",
                "AbortSignal.timeout(60000);",
                "sleep(60000);",  # nobody catches that
                "(async () => { await sleep(60000); })();"]):
            self.cancelled(f"""
                import {{ signal, sleep }} from "torpor:run";
                {begin}
                try {{ await signal("go"); }} catch (error) {{
                  clearInterval(globalThis.beat);
                  console.log(error.name);
                  await sleep(10);
                  console.log("tidied up");
                }}
                """, DONE, ["Cancelled", "tidied up"], run=f"r{number}")

    def test_what_nobody_catches_fails_it_in_the_end(self):
        self.cancelled("""
            import { sleep } from "torpor:run";
            sleep(60000);
            """, THROWN, [], "unhandled rejection: Cancelled: "
            "the run was cancelled { code: 'CANCELLED' }")

    def test_another_error_fails_it_at_once(self):
        self.cancelled("""
            import { signal, sleep } from "torpor:run";
            sleep(60000).catch(() => { throw new Error("mine"); });
            await signal("go").catch(() => sleep(60000));
            """, THROWN, [], "unhandled rejection: Error: mine "
            f"({self.path('main.mjs')}:3:50)")

    def test_one_that_waits_for_a_timer_only_ends(self):
        self.cancelled("""
            await new Promise((resolve) => setTimeout(resolve, 60000));
            """, THROWN, [], "Cancelled: the run was cancelled")

    def test_one_that_does_not_catch_it_fails(self):
        self.detach(WAITING)
        self.torpor("cancel", "main")
        self.assertTrue(self.show()["cancelling"])
        done = self.torpor("resume", code=THROWN)
        self.assertIn("failed after 2 steps: Cancelled", done.stderr)
        self.assertFalse(self.show()["cancelling"])
        self.torpor("cancel", "main", code=ENDED)

    def test_kill_asks_nobody(self):
        self.write("main.mjs", """
            import { signal } from "torpor:run";
            await signal("x").catch(() => console.log("asked"));""")
        self.torpor("run", "main.mjs", "--id", "idle", "-d")
        self.torpor("cancel", "idle", "--kill")
        self.assertEqual(self.show("idle")["state"], "killed")
        self.assertIn("killed",
                      self.torpor("resume", "idle", code=KILLED).stderr)
        child = self.start("run", "main.mjs", "--id", "driven")
        self.wait_until(lambda: "driven" in self.torpor("list").stdout)
        self.wait_for_state("waiting", "driven")
        self.torpor("cancel", "driven", "--kill")
        output, errors = child.communicate(timeout=PATIENCE)
        self.assertEqual(output, "")
        self.assertIn("killed by request", errors)
        self.assertEqual(child.returncode, KILLED)


class Telling(Durable):
    def test_show_tells_what_a_run_waits_for(self):
        self.detach("""
            import { signal, sleep } from "torpor:run";
            await Promise.all([sleep("3 days"), signal("yes"),
                               signal("no", { timeout: "2 hours" })]);
            """, "--allow-read=data")
        child = self.start("resume", "main")
        self.wait_for_state("waiting")
        run = self.show()
        self.assertTrue(run["worked"])
        self.assertEqual(
            [(one["kind"], one["topic"], one["waking"], one["begun_step"])
             for one in run["operations"]],
            [("timer", None, "re-arm", 1), ("signal", "yes", "reattach", 1),
             ("signal", "no", "reattach", 1)])
        self.assertIsNone(run["operations"][1]["due"])
        self.assertRegex(run["operations"][0]["due"],
                         r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(len({one["key"] for one in run["operations"]}), 3)
        self.assertRegex(run["engine"], "^[0-9a-f]{64}$")
        self.assertIn(f"read {self.path('data')}", run["access"])
        text = self.torpor("show", "main").stdout
        for part in ["state      waiting, driven by a process now",
                     "waits for  a timer, until ", "(in 3 days)",
                     '           the signal "yes"\n',
                     '           the signal "no", until ', "(in 2 h)",
                     "step 1; after waking: re-arm", "may        read /"]:
            self.assertIn(part, text)
        child.send_signal(signal.SIGINT)
        child.wait(PATIENCE)
        self.assertFalse(self.show()["worked"])

    def test_what_it_was_made_with(self):
        self.detach("")
        run = self.show()
        self.assertEqual([run[key] for key in ["input", "parent", "memory",
                                               "fuel", "deadline_ms", "keep"]],
                         [None, None, 512 << 20, 10000000, 60000, 10])
        self.assertEqual([(one["number"], one["file"], one["start"])
                          for one in run["versions"]],
                         [(0, self.path("main.mjs"), 0)])
        text = self.torpor("show", "main").stdout
        self.assertNotRegex(text, "(?m)^(input|forked|versions) ")
        self.assertIn("limits     512 MB of memory; a step has 10,000,000 of "
                      "fuel and 1 min\nkeeps      10 states, 10,000 console "
                      "lines\n", text)
        long = ["\u00e9" * 1000, {"n": -5}]
        self.detach("", "--input", json.dumps(long), "--memory=64M",
                    "--fuel=7", "--deadline=90s", "--keep=all",
                    "--keep-lines=1", run="other")
        run = self.show("other")
        self.assertEqual([run[key] for key in ["input", "memory", "fuel",
                                               "deadline_ms", "keep"]],
                         [long, 64 << 20, 7, 90000, None])
        text = self.torpor("show", "other").stdout
        self.assertRegex(text, '(?m)^input      \\["\u00e9{395}\\.\\.\\.$')
        self.assertIn("64 MB of memory; a step has 7 of fuel and 90 s\n"
                      "keeps      all states, 1 console line\n", text)

    def test_members_of_json(self):
        self.detach("")
        listed, = json.loads(self.torpor("list", "--json").stdout)
        both = {"id", "file", "state", "step", "branch", "attempts", "created",
                "changed", "snapshot_bytes", "signals", "worked", "cancelling",
                "reason"}
        self.assertEqual(set(listed), both | {"operations", "waits"})
        self.assertEqual(set(self.show()), both | {
            "operations", "engine", "access", "value", "input", "parent",
            "memory", "fuel", "deadline_ms", "keep", "keep_lines", "lines",
            "lines_dropped", "versions"})
        self.assertEqual(json.loads(
            self.torpor("list", "--json", "--store", "torpor.db").stdout)[0]
            ["file"], self.path("main.mjs"))

    def test_events_of_json(self):
        self.write("main.mjs", """
            import { sleep } from "torpor:run";
            console.log("one\\u0007\\"quoted\\"");
            await sleep(10);
            console.warn("two");
            export default [1];
            """)
        made = json.loads(self.torpor("run", "-d", "--json", "main.mjs",
                                      "--id=main").stdout)
        self.assertEqual(made, {"event": "made", "run": "main", "step": 0})
        done = self.torpor("resume", "main", "--json")
        self.assertEqual(done.stderr, "")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([event["event"] for event in events],
                         ["started", "line", "commit", "line", "commit",
                          "ended"])
        for event in events:
            self.assertEqual(event["run"], "main")
        line, commit, end = events[1], events[2], events[-1]
        self.assertEqual((line["level"], line["text"], line["step"]),
                         ("log", 'one\u0007"quoted"', 1))
        self.assertEqual((commit["step"], commit["operations"]), (1, 1))
        self.assertGreater(commit["bytes"], 100)
        self.assertRegex(commit["next_due"], "Z$")
        self.assertEqual(events[3]["level"], "warn")
        self.assertEqual((end["state"], end["value"], end["reason"]),
                         ("done", [1], ""))

    def test_waking_is_told(self):
        self.detach(WAITING)
        child = self.start("resume", "main", "-q")
        self.assertEqual(child.stdout.readline(), "waiting\n")
        child.kill()
        child.wait()
        self.torpor("signal", "main", "go", "1")
        woken = json.loads(self.torpor("resume", "--json").stdout
                           .splitlines()[0])
        self.assertEqual((woken["event"], woken["step"]), ("woken", 1))
        self.assertGreater(woken["us"], 0)
        self.assertGreater(woken["bytes"], 100)

    def test_what_a_program_makes_up_steers_no_terminal(self):
        self.write("main.mjs", """
            import { signal } from "torpor:run";
            const controller = new AbortController();
            setTimeout(() => controller.abort(), 3e6);
            await signal("a\\u001b[31m\\nb\\u009bc", controller)
              .catch((error) => { throw new Error("x\\u001b[2Jy\\nz"); });
            """)
        child = self.start("run", "main.mjs", "--id", "main")
        self.wait_until(lambda: self.show_or_none() is not None)
        self.wait_for_state("waiting")
        text = self.torpor("show", "main").stdout
        self.assertIn('the signal "a [31m b c"\n', text)
        self.torpor("cancel", "main")
        _, errors = child.communicate(timeout=PATIENCE)
        self.assertIn("Error: x [2Jy z (", errors)
        self.assertNotIn("\x1b", errors + self.torpor("show", "main").stdout)

    def test_texts_of_any_kind_are_json(self):
        for cut in range(4):
            text = "x" * cut + "\u20ac\U0001f600" * 400
            run = f"r{cut}"
            self.run_program(f"console.log('a\\0b\\ud800');"
                             f"throw new Error('{text}');", run=run,
                             code=THROWN)
            self.assertTrue(text.startswith(
                self.show(run)["reason"].removeprefix("Error: ")))
            line, = self.logs(run, "--json")
            self.assertEqual(json.loads(line)["text"], "a\0b\ufffd")

    def test_logs(self):
        self.run_program("""
            import { sleep } from "torpor:run";
            console.log("first");
            await sleep(5);
            console.error("second\\nline");
            """)
        self.assertEqual(self.logs(), ["first"])
        done = self.torpor("logs", "main", "--since", "1")
        self.assertEqual((done.stdout, done.stderr), ("", "second\nline\n"))
        lines = [json.loads(line) for line in self.logs("main", "--json")]
        self.assertEqual([(line["step"], line["level"], line["text"])
                          for line in lines],
                         [(1, "log", "first"), (2, "error", "second\nline")])
        self.assertRegex(lines[0]["written"], "^20.*Z$")

    def test_logs_follow_until_the_end(self):
        self.detach(WAITING)
        follower = self.start("logs", "-f", "main")
        worker = self.start("worker", "-q")
        self.assertEqual(follower.stdout.readline(), "waiting\n")
        self.torpor("signal", "main", "go", "[1]")
        self.assertEqual(follower.communicate(timeout=PATIENCE)[0],
                         "got [ 1 ]\n")
        self.assertEqual(follower.returncode, DONE)
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(PATIENCE), DONE)

    def test_output_appears_only_when_it_is_committed(self):
        self.write("main.mjs", """
            console.log("said");
            for (let end = Date.now() + 600; Date.now() < end;);
            console.log("late");
            """)
        child = self.start("run", "main.mjs", "--id", "main", "-q")
        self.wait_until(lambda: os.path.exists(self.path("torpor.db")))
        time.sleep(0.3)
        child.kill()
        self.assertEqual(child.communicate(timeout=PATIENCE)[0], "")
        self.assertEqual(self.torpor("resume", "main").stdout, "said\nlate\n")

    def test_a_terminal_shows_a_line_that_is_replaced(self):
        self.write("main.mjs", """
            import { sleep } from "torpor:run";
            await sleep(100);
            console.log("between");
            await sleep(100);
            """)
        text, code = on_terminal([TORPOR, "run", "main.mjs", "--id", "main"],
                                 cwd=self.folder, env=self.environment)
        self.assertEqual(code, DONE, text)
        self.assertEqual(text.count("step 1, asleep in "), 1, text)
        self.assertIn("waits for 1 operation, next ", text)
        self.assertIn("\r\x1b[Kbetween\n", text)
        self.assertRegex(text, r"\r\x1b\[Ktorpor: done after 3 steps\n$")


class CommandLine(Durable):
    def test_help_of_every_command(self):
        for command in COMMANDS:
            with self.subTest(command):
                text = self.torpor(command, "--help").stdout
                self.assertIn(f"Usage: torpor {command} [OPTIONS]", text)
                self.assertIn("--store=PATH", text)
                self.assertEqual(self.torpor("help", command).stdout, text)
                self.assertIn(f"  {command} ", self.torpor("--help").stdout)
                for line in text.splitlines():
                    self.assertLessEqual(len(line), 80, line)

    def test_what_is_wrong_is_said_and_nothing_is_done(self):
        self.detach(WAITING)
        before = self.show()
        with open(os.path.join(os.fsencode(self.folder), b"\xff.mjs"), "w"):
            pass
        cases = {
            ("run",): "missing argument: FILE",
            ("run", "main.mjs", "--inptu=1"): "did you mean '--input'",
            ("run", "main.mjs", "--input={a"): "--input is not JSON",
            ("run", "main.mjs", "--id", ""): "has 1 to 64 letters",
            ("run", "main.mjs", "--id", "a b"): "has 1 to 64 letters",
            ("run", "main.mjs", "--id", "x" * 65): "at most 64",
            ("run", "main.mjs", "--memory=1K"): "from 4M",
            ("run", "main.mjs", "extra"): "unexpected argument",
            ("logs", "main", "--since=x"): "takes a number",
            ("signal", "main"): "missing argument: NAME",
            ("signal", "main", ""): "has a name",
            ("signal", "main", "n" * 5000): "at most",
            ("cancel", "main", "--kil"): "did you mean '--kill'",
            ("worker", "main"): "unexpected argument",
            ("sho", "main"): "did you mean 'show'",
            ("signal", "main", "go", "-x"): "unknown option '-x'",
            ("signal", "main", "go", "--text"): "there is none",
            ("run", "main.mjs", "--text"): "there is none",
            ("run", b"\xff.mjs"): "is UTF-8; rename",
        }
        missing = {
            ("resume", "none"): "no run has the id 'none'",
            ("resume", "main", "none"): "no run has the id 'none'",
            ("resume", "man"): "did you mean 'main'",
            ("show", "none"): "'torpor list' shows those",
            ("show", "none", "--json"): "no run has the id",
            ("logs", "none"): "no run has the id",
            ("signal", "none", "go"): "no run has the id",
            ("cancel", "none"): "no run has the id",
            ("list", "--store", "none.db"): "there is no store 'none.db'",
            ("signal", "main", "go", "--store=none.db"): "there is no store",
        }
        exists = {("run", "main.mjs", "--id", "main"): "choose another id"}
        for code, words, text in [
                *((USAGE, *case) for case in cases.items()),
                *((NOT_FOUND, *case) for case in missing.items()),
                *((EXISTS, *case) for case in exists.items())]:
            with self.subTest(words):
                done = self.torpor(*words, code=code)
                self.assertIn(text, done.stderr)
                self.assertEqual(done.stdout, "")
        self.assertEqual(self.show(), before)
        self.assertEqual(len(json.loads(self.torpor("list", "--json").stdout)),
                         1)
        self.assertFalse(os.path.exists(self.path("none.db")))

    def test_an_empty_store(self):
        self.write("main.mjs", "let x = ;")
        self.torpor("run", "main.mjs", code=THROWN)
        done = self.torpor("list")
        self.assertEqual(done.stdout, "")
        self.assertIn("no runs", done.stderr)
        self.assertEqual(self.torpor("list", "--json").stdout, "[]\n")
        self.assertEqual(self.torpor("resume").stdout, "")

    def test_the_exit_code_is_that_of_the_run(self):
        self.run_program("await new Promise(() => {});", code=DEADLOCK)
        self.torpor("resume", "main", code=DEADLOCK)


if __name__ == "__main__":
    unittest.main()
