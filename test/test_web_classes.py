#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: timeout=120
"""ReadableStream, Blob, File, FormData and navigator, without a network; and the
library that fetch needs."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from scripts import Scripts  # noqa: E402


class Streams(Scripts):
    def check(self, text, expected):
        self.assertEqual(self.script(text), expected)

    def test_pulling(self):
        self.check("""
            const log = [];
            const s = new ReadableStream({
              start(c) { log.push("start " + c.desiredSize); },
              pull(c) { log.push("pull " + c.desiredSize); c.enqueue(log.length); },
            }, { highWaterMark: 2 });
            await 0; await 0; await 0; await 0; await 0; await 0; await 0;
            console.log(log.join(", "));
            const r = s.getReader();
            console.log(await r.read(), s.locked);
            r.releaseLock();
            console.log(s.locked, await r.read().catch((e) => e.name));
            """, "start 2, pull 2, pull 1\n{ value: 2, done: false } true\n"
                 "false TypeError\n")

    def test_ends(self):
        self.check("""
            const make = (start) => new ReadableStream({ start });
            const closed = make((c) => { c.enqueue("a"); c.close(); });
            for await (const x of closed) console.log(x);
            console.log((await closed.getReader().read()).done);
            const broken = make((c) => c.error(new Error("no")));
            await broken.getReader().closed.catch((e) => console.log(e.message));
            try { for await (const x of make((c) => { c.enqueue(1); c.error(2); })); }
            catch (e) { console.log(e); }
            const thrown = new ReadableStream({ pull() { throw new Error("pull"); } });
            await thrown.getReader().read().catch((e) => console.log(e.message));
            try { make(() => { throw new Error("start"); }); }
            catch (e) { console.log(e.message); }
            try { make((c) => { c.close(); c.enqueue(1); }); }
            catch (e) { console.log(e.name); }
            for (const bad of [{ type: "bytes" }, { pull: 1 }])
              try { new ReadableStream(bad); } catch (e) { console.log(e.name); }
            try { new ReadableStream({}, { highWaterMark: -1 }); }
            catch (e) { console.log(e.name); }
            try { make().getReader({ mode: "byob" }); } catch (e) { console.log(e.name); }
            """.replace("make().getReader", "make(() => 0).getReader"),
            "a\ntrue\nno\n2\npull\nstart\nTypeError\nRangeError\nTypeError\n"
            "RangeError\nTypeError\n")

    def test_cancelling(self):
        self.check("""
            const log = [];
            const make = () => new ReadableStream({
              pull(c) { c.enqueue(1); }, cancel(why) { log.push(why); },
            });
            await make().cancel("a");
            for await (const x of make()) break;
            const kept = make();
            for await (const x of kept.values({ preventCancel: true })) break;
            console.log(log, kept.locked);
            const r = kept.getReader();
            await kept.cancel().catch((e) => console.log(e.name));
            const waiting = new ReadableStream().getReader();
            const read = waiting.read();
            await waiting.cancel();
            console.log((await read).done);
            """, "[ 'a', undefined ] false\nTypeError\ntrue\n")

    def test_tee_and_from(self):
        self.check("""
            const [a, b] = ReadableStream.from([1, 2, 3]).tee();
            const all = async (s) => { const l = []; for await (const x of s) l.push(x); return l; };
            console.log(await all(a), await all(b));
            let ended = false;
            async function* words() { try { yield "x"; yield "y"; } finally { ended = true; } }
            const [c, d] = ReadableStream.from(words()).tee();
            const one = c.cancel("1");
            console.log(ended);
            await d.cancel("2");
            await one;
            console.log(ended);
            const [e, f] = new ReadableStream({ start(c) { c.error("bad"); } }).tee();
            await all(e).catch(console.log);
            await all(f).catch(console.log);
            for (const bad of [5, null, {}])
              try { ReadableStream.from(bad); } catch (e) { console.log(e.name); }
            """, "[ 1, 2, 3 ] [ 1, 2, 3 ]\nfalse\nfalse\nbad\nbad\n"
                 "TypeError\nTypeError\nTypeError\n")

    def test_strategies(self):
        self.check("""
            const s = new ByteLengthQueuingStrategy({ highWaterMark: 10 });
            let c;
            new ReadableStream({ start(x) { c = x; } }, s);
            c.enqueue(new Uint8Array(4));
            console.log(c.desiredSize, s.highWaterMark);
            new ReadableStream({ start(x) { c = x; } },
              new CountQueuingStrategy({ highWaterMark: 3 }));
            c.enqueue("long text");
            console.log(c.desiredSize);
            """, "6 10\n2\n")


class Blobs(Scripts):
    def test_blobs(self):
        self.assertEqual(self.script(r"""
            const b = new Blob(["gr\u00f6", new Uint8Array([33]), new Blob(["x"])],
              { type: "Text/Plain" });
            console.log(b.size, b.type, await b.text(), `${b}`);
            console.log(await b.slice(-2).text(), await b.slice(0, 2, "a/b").text(),
              b.slice(3, 1).size, b.slice(0, 2, "a/b").type);
            console.log((await b.bytes()).length, (await b.arrayBuffer()).byteLength);
            let size = 0;
            for await (const part of new Blob([new Uint8Array(200000)]).stream())
              size += part.length;
            console.log(size);
            console.log(JSON.stringify(await new Blob(["a\r\nb\rc\n"],
              { endings: "native" }).text()), new Blob([], { type: "\u00f6" }).type === "");
            const f = new File(["data"], "name", { lastModified: 5 });
            console.log(f.name, f.lastModified, f.size, f instanceof Blob, `${f}`);
            for (const bad of [() => new Blob("x"), () => new File([]),
                               () => new Blob([], { endings: "x" })])
              try { bad(); } catch (e) { console.log(e.name); }
            """), "6 text/plain grö!x [object Blob]\n!x gr 0 a/b\n6 6\n200000\n"
                  '"a\\nb\\nc\\n" true\nname 5 4 true [object File]\n'
                  "TypeError\nTypeError\nTypeError\n")

    def test_forms(self):
        self.assertEqual(self.script("""
            const f = new FormData();
            f.append("a", 1);
            f.append("b", new Blob(["x"]), "n");
            f.append("a", "2");
            console.log([...f.keys()].join(), f.get("a"), f.getAll("a"), f.has("c"));
            f.set("a", "3");
            console.log([...f].length, f.get("b").name, f.get("b") instanceof File);
            f.delete("b");
            console.log([...f]);
            f.forEach((value, name, form) => console.log(name, value, form === f));
            try { f.append("a"); } catch (e) { console.log(e.name); }
            try { f.append("a", "x", "name"); } catch (e) { console.log(e.name); }
            """), "a,b,a 1 [ '1', '2' ] false\n2 n true\n[ [ 'a', '3' ] ]\n"
                  "a 3 true\nTypeError\nTypeError\n")


class Programs(Scripts):
    def test_navigator(self):
        self.assertRegex(self.script("""
            console.log(navigator.userAgent, `${navigator}`);
            try { new navigator.constructor(); } catch (e) { console.log(e.name); }
            """), r"^Torpor/\d+\.\d+\.\d+ \[object Navigator\]\nTypeError\n$")

    def test_globals_can_be_replaced(self):
        self.assertEqual(self.script("""
            globalThis.fetch = () => "mine";
            console.log(fetch(), typeof Response);
            """), "mine function\n")

    def test_damaged_prototypes(self):
        """What a program does to them, after it has used these, they do not
        notice."""
        self.assertEqual(self.script("""
            const { log } = console;
            [fetch, Blob, ReadableStream, FormData];
            for (const proto of [Array.prototype, Map.prototype, Promise.prototype,
                                 Uint8Array.prototype, RegExp.prototype])
              for (const name of ["push", "then", "get", "set", "slice", "exec"])
                if (name in proto && !(proto === Promise.prototype))
                  Object.defineProperty(proto, name, { value() { throw 1; } });
            const r = await fetch("data:text/x;base64,YWJj");
            log(await r.text());
            log(await new Response(new Blob(["d", "e"])).text());
            """), "abc\nde\n")


class Libcurl(Scripts):
    def test_it_is_not_loaded_for_others(self):
        self.assertEqual(self.script("""
            import { readFile } from "torpor:fs";
            console.log((await readFile("/proc/self/maps", "utf8"))
              .includes("libcurl"));
            """, "--allow-read"), "false\n")

    def test_it_may_be_missing(self):
        for name in ["libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.so"]:
            with open(self.path(name), "w") as file:
                file.write("no library, but found before the others\n")
        said = self.script("await fetch('http://127.0.0.1/');", "--allow-net",
                           code=1, environment={
                               "LD_LIBRARY_PATH": self.folder})
        self.assertIn("apt-get install libcurl4", said)


if __name__ == "__main__":
    unittest.main()
