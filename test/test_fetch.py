#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=180
"""fetch, with a real server: methods, headers, bodies, redirects, encodings,
failures, abort, back-pressure, TLS, proxies."""

import os
import shutil
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from scripts import PATIENCE, SANITIZED, TORPOR, Scripts  # noqa: E402
import web  # noqa: E402


class Fetching(Scripts):
    def setUp(self):
        super().setUp()
        self.server = web.Server()
        self.server.__enter__()

    def tearDown(self):
        self.server.__exit__()
        super().tearDown()

    def fetch(self, text, *flags, **more):
        """Runs a program that may reach the server, whose address is 'url'."""
        return self.script(f"const url = '{self.server.url}';\n{text}",
                           "--allow-net=127.0.0.1", *flags, **more)

    def check(self, text, expected, *flags, **more):
        self.assertEqual(self.fetch(text, *flags, **more), expected)


class Requests(Fetching):
    def test_a_response(self):
        self.check("""
            const r = await fetch(url + "/echo?a=1#part");
            console.log(r instanceof Response, r.type, r.status, r.ok,
              r.statusText, r.redirected, r.url === url + "/echo?a=1#part");
            console.log(r.headers.get("Content-Type"),
              r.headers.get("x-latin"), r.bodyUsed);
            const { method, path } = await r.json();
            console.log(method, path, r.bodyUsed);
            await r.text().catch((e) => console.log(e.name));
            """, "true basic 200 true OK false true\n"
                 "application/json grüße false\n"
                 "GET /echo?a=1 true\nTypeError\n")

    def test_methods(self):
        self.check("""
            for (const method of ["get", "POST", "put", "PATCH", "delete",
                                  "OPTIONS", "QUERY"]) {
              const r = await fetch(url + "/echo", { method });
              console.log((await r.json()).method);
            }
            const head = await fetch(url + "/echo", { method: "HEAD" });
            console.log(head.status, head.body, (await head.text()).length);
            for (const method of ["CONNECT", "trace", "TRACK", "a b", ""])
              await fetch(url, { method }).catch((e) => console.log(e.name));
            """, "GET\nPOST\nPUT\nPATCH\nDELETE\nOPTIONS\nQUERY\n"
                 "200 null 0\n" + "TypeError\n" * 5)

    def test_headers(self):
        self.check("""
            const r = await fetch(url + "/echo", { headers: {
              "X-One": "1", "x-empty": "", "X-Latin": "größe",
              "User-Agent": "me", Connection: "close", "Content-Length": "9",
            } });
            const seen = new Map((await r.json()).headers);
            for (const name of ["x-one", "x-empty", "user-agent", "content-length"])
              console.log(name, seen.get(name));
            console.log(seen.get("x-latin") === "größe", seen.get("accept"));
            const plain = new Map((await (await fetch(url + "/echo")).json()).headers);
            console.log(plain.get("user-agent") === navigator.userAgent,
              plain.has("content-type"), plain.get("accept-encoding").includes("gzip"));
            for (const name of ["Host", "Transfer-Encoding", "TE", "Expect",
                                "Upgrade", "Proxy-Authorization"])
              await fetch(url, { headers: { [name]: "x" } })
                .catch((e) => console.log(e.name, e.message));
            """, "x-one 1\nx-empty \nuser-agent me\n"
                 "content-length undefined\ntrue */*\ntrue false true\n" +
                 "".join(f"TypeError the header '{name}' is set by fetch "
                         "itself\n"
                         for name in ["host", "transfer-encoding", "te",
                                      "expect", "upgrade",
                                      "proxy-authorization"]))

    def test_bodies(self):
        self.check(r"""
            const form = new FormData();
            form.append("text", "a\nb");
            form.append("file", new File(["data"], 'n"1.txt', { type: "text/x" }));
            const bytes = new Uint8Array([0, 1, 50, 51, 9]);
            const utf8 = (s) => new TextDecoder().decode(
              Uint8Array.from(s, (c) => c.charCodeAt(0)));
            for (const body of ["größe", bytes.subarray(1, 4), bytes.buffer,
                new DataView(bytes.buffer, 1, 2), new URLSearchParams("a=1&b= "),
                new Blob(["blob"], { type: "text/Y" }), form, 12, ""]) {
              const r = await fetch(url + "/echo", { method: "POST", body });
              const { headers, body: seen } = await r.json();
              const map = new Map(headers);
              const type = (map.get("content-type") ?? "none").replace(/torpor-.*/, "X");
              console.log(type, map.get("content-length"),
                JSON.stringify(utf8(seen).replace(/torpor-[0-9a-f]*/g, "X")));
            }
            await fetch(url, { body: "x" }).catch((e) => console.log(e.name));
            await fetch(url, { method: "POST", body: "x",
              headers: { "Content-Type": "a/b" } });
            """, r"""text/plain;charset=UTF-8 7 "größe"
none 3 "\u000123"
none 5 "\u0000\u000123\t"
none 2 "\u00012"
application/x-www-form-urlencoded;charset=UTF-8 7 "a=1&b=+"
text/y 4 "blob"
multipart/form-data; boundary=----X 293 "------X\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\na\r\nb\r\n------X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"n%221.txt\"\r\nContent-Type: text/x\r\n\r\ndata\r\n------X--\r\n"
text/plain;charset=UTF-8 2 "12"
text/plain;charset=UTF-8 0 ""
TypeError
""")
        self.assertEqual(self.server.headers()["content-type"], "a/b")

    def test_a_stream_as_body(self):
        self.check("""
            async function* parts() {
              for (let i = 0; i < 5; i++) {
                await new Promise((done) => setTimeout(done, 5));
                yield new TextEncoder().encode(`part ${i};`);
              }
            }
            const stream = ReadableStream.from(parts());
            const r = await fetch(url + "/echo", { method: "POST", body: stream,
              duplex: "half" });
            const seen = await r.json();
            console.log(new Map(seen.headers).get("transfer-encoding"), seen.body);
            console.log(stream.locked);
            await fetch(url, { method: "POST", body: stream })
              .catch((e) => console.log(e.name));
            const big = new ReadableStream({
              n: 0,
              pull(c) {
                if (this.n++ === 160) c.close();
                else c.enqueue(new Uint8Array(65536));
              },
            });
            const put = await fetch(url + "/echo", { method: "PUT", body: big });
            console.log((await put.json()).body.length);
            """, "chunked part 0;part 1;part 2;part 3;part 4;\n"
                 "true\nTypeError\n10485760\n")

    def test_a_stream_that_fails_fails_the_request(self):
        self.check("""
            const body = new ReadableStream({
              pull(c) { c.error(new RangeError("no more")); },
            });
            await fetch(url + "/echo", { method: "POST", body })
              .catch((e) => console.log(e.name, e.message));
            await fetch(url + "/echo", { method: "POST",
              body: ReadableStream.from(["text"]) })
              .catch((e) => console.log(e.name));
            """, "RangeError no more\nTypeError\n")

    def test_an_answer_before_the_body_was_sent(self):
        self.check("""
            let cancelled = false;
            const body = new ReadableStream({
              pull(c) { c.enqueue(new Uint8Array(65536)); },
              cancel() { cancelled = true; },
            });
            const r = await fetch(url + "/early", { method: "POST", body });
            console.log(r.status, await r.text());
            await new Promise((done) => setTimeout(done, 50));
            console.log(cancelled);
            """, "413 too much\ntrue\n")

    def test_a_request_object(self):
        self.check("""
            const a = new Request(url + "/echo", { method: "post", body: "x",
              headers: { "x-a": "1" } });
            console.log(a.method, a.url === url + "/echo", a.headers.get("x-a"),
              a.redirect, a.signal.aborted, a.bodyUsed);
            const b = a.clone();
            console.log(await b.text(), b.bodyUsed, a.bodyUsed);
            const c = new Request(a, { headers: { "x-b": "2" } });
            console.log(a.bodyUsed, c.headers.get("x-a"));
            const seen = await (await fetch(c)).json();
            console.log(seen.method, seen.body, new Map(seen.headers).get("x-b"));
            await fetch(c).catch((e) => console.log(e.name));
            for (const bad of ["nowhere", "http://u:p@h/", "http://"])
              try { new Request(bad); } catch (e) { console.log(e.name); }
            console.log(new Request("HTTP://EXAMPLE.org:80/a/../b c").url);
            """, "POST true 1 follow false false\nx true false\ntrue null\n"
                 "POST x 2\nTypeError\nTypeError\nTypeError\nTypeError\n"
                 "http://example.org/b%20c\n")

    def test_cookies_are_not_kept(self):
        self.check("""
            const r = await fetch(url + "/cookie");
            console.log(r.headers.getSetCookie());
            const seen = await (await fetch(url + "/echo")).json();
            console.log(new Map(seen.headers).has("cookie"));
            """, "[ 'a=1', 'b=2' ]\nfalse\n")

    def test_connections_are_kept(self):
        self.check("""
            const seen = new Set();
            for (let i = 0; i < 10; i++)
              seen.add(await (await fetch(url + "/connection")).text());
            console.log(seen.size);
            """, "1\n")

    def test_data_urls(self):
        self.check("""
            const a = await fetch("data:text/x,a%20b");
            console.log(a.status, a.headers.get("content-type"), await a.text());
            console.log(await (await fetch("data:;base64,Z3LDtsOfZQ==")).text());
            await fetch("data:;base64,?").catch((e) => console.log(e.name));
            """, "200 text/x a b\ngröße\nTypeError\n")

    def test_only_http(self):
        self.check("""
            for (const bad of ["file:///etc/passwd", "ftp://127.0.0.1/", "x:y",
                               "about:blank", "blob:x"])
              await fetch(bad).catch((e) => console.log(e.name, e.message));
            """, "".join(
                f"TypeError fetching {bad}: only http: and https: URLs can be "
                "fetched\n" for bad in ["file:///etc/passwd",
                                        "ftp://127.0.0.1/", "x:y",
                                        "about:blank", "blob:x"]))


class Responses(Fetching):
    def test_statuses(self):
        self.check("""
            for (const status of [201, 204, 304, 404, 500]) {
              const r = await fetch(`${url}/status/${status}`);
              console.log(r.status, r.ok, r.body === null, await r.text());
            }
            """, "201 true false status\n204 true true \n304 false true \n"
                 "404 false false status\n500 false false status\n")

    def test_encodings(self):
        self.check("""
            for (const coding of ["gzip", "deflate", "br"]) {
              const r = await fetch(`${url}/coded/${coding}`);
              console.log(r.headers.get("content-encoding"), await r.text());
            }
            await fetch(url + "/coded/bad").then((r) => r.text())
              .catch((e) => console.log(e.name, e.code));
            """, "gzip coded\ndeflate coded\nbr coded\nTypeError EENCODING\n")

    def test_ways_to_read(self):
        self.check("""
            const get = (path = "/chunked/2") => fetch(url + path);
            console.log(JSON.stringify(await (await get()).text()));
            console.log((await (await get()).bytes()).length);
            console.log((await (await get()).arrayBuffer()).byteLength);
            const blob = await (await get()).blob();
            console.log(blob.size, blob.type, await blob.slice(0, 5).text());
            const parts = [];
            for await (const part of (await get()).body) parts.push(part.length);
            console.log(parts.reduce((a, b) => a + b));
            const reader = (await get()).body.getReader();
            let size = 0;
            for (;;) {
              const { value, done } = await reader.read();
              if (done) break;
              size += value.length;
            }
            console.log(size);
            await (await get()).json().catch((e) => console.log(e.name));
            """, '"chunk 0\\nchunk 1\\n"\n16\n16\n16 text/plain chunk\n16\n16\n'
                 "SyntaxError\n")

    def test_forms(self):
        self.check(r"""
            const form = new FormData();
            form.append("a", "1");
            form.append("a", "2");
            form.append("f", new Blob(["x\r\n--y"]), "name");
            const back = await new Response(form).formData();
            console.log(back.getAll("a"), back.get("f").name,
              JSON.stringify(await back.get("f").text()));
            const coded = await new Response(new URLSearchParams("q=a+b&r=")).formData();
            console.log([...coded]);
            await new Response("x").formData().catch((e) => console.log(e.name));
            await new Response("x", { headers: { "Content-Type":
              "multipart/form-data; boundary=b" } }).formData()
              .catch((e) => console.log(e.name));
            """, "[ '1', '2' ] name \"x\\r\\n--y\"\n[ [ 'q', 'a b' ], [ 'r', '' ] ]\n"
                 "TypeError\nTypeError\n")

    def test_clone(self):
        self.check("""
            const a = await fetch(url + "/chunked/3");
            const b = a.clone();
            console.log((await a.text()) === (await b.text()));
            const c = await fetch(url + "/bytes/2000000");
            const d = c.clone();
            const [x, y] = await Promise.all([c.bytes(), d.bytes()]);
            console.log(x.length, y.length, x[1999999] === y[1999999]);
            try { c.clone(); } catch (e) { console.log(e.name); }
            """, "true\n2000000 2000000 true\nTypeError\n")

    def test_making_responses(self):
        self.check("""
            const j = Response.json({ a: 1 }, { status: 201 });
            console.log(j.status, j.headers.get("content-type"), await j.text());
            const r = Response.redirect("http://h/x", 307);
            console.log(r.status, r.headers.get("location"));
            console.log(Response.error().type, Response.error().status);
            console.log(new Response("x").headers.get("content-type"));
            for (const bad of [() => new Response("x", { status: 204 }),
                               () => new Response("", { status: 99 }),
                               () => Response.redirect("http://h/", 200),
                               () => Response.json(undefined)])
              try { bad(); } catch (e) { console.log(e.name); }
            """, "201 application/json {\"a\":1}\n307 http://h/x\nerror 0\n"
                 "text/plain;charset=UTF-8\nTypeError\nRangeError\nRangeError\n"
                 "TypeError\n")


class Redirects(Fetching):
    def test_following(self):
        self.check("""
            const r = await fetch(url + "/hops/20");
            console.log(r.redirected, r.url.slice(url.length), await r.text());
            await fetch(url + "/hops/21").catch((e) => console.log(e.name, e.code));
            """, "true /hops/0 there\nTypeError EREDIRECT\n")

    def test_modes(self):
        self.check("""
            const r = await fetch(url + "/hops/1", { redirect: "manual" });
            console.log(r.status, r.headers.get("location"), r.redirected);
            await fetch(url + "/hops/1", { redirect: "error" })
              .catch((e) => console.log(e.name, e.code));
            await fetch(url, { redirect: "x" }).catch((e) => console.log(e.name));
            const none = await fetch(url + "/status/302");
            console.log(none.status, none.redirected);
            """, "302 0 false\nTypeError EREDIRECT\nTypeError\n302 false\n")

    def test_methods_change_as_the_standard_says(self):
        self.check("""
            for (const status of [301, 302, 303, 307, 308])
              for (const method of ["POST", "PUT"]) {
                const r = await fetch(`${url}/redirect/${status}?/echo`,
                  { method, body: "b", headers: { "Content-Language": "de" } });
                const { method: seen, body, headers } = await r.json();
                console.log(status, method, seen, body,
                  headers.some(([n]) => n === "content-type"),
                  headers.some(([n]) => n === "content-language"));
              }
            const head = await fetch(url + "/redirect/303?/echo", { method: "HEAD" });
            console.log(head.status);
            """, "301 POST GET  false false\n301 PUT PUT b true true\n"
                 "302 POST GET  false false\n302 PUT PUT b true true\n"
                 "303 POST GET  false false\n303 PUT GET  false false\n"
                 "307 POST POST b true true\n307 PUT PUT b true true\n"
                 "308 POST POST b true true\n308 PUT PUT b true true\n200\n")

    def test_secrets_stay_with_their_origin(self):
        with web.Server() as other:
            self.check(f"""
                const headers = {{ Authorization: "s", Cookie: "c=1", "X-Y": "z" }};
                const names = async (to) => {{
                  const r = await fetch(url + "/redirect?" + to, {{ headers }});
                  const seen = new Map((await r.json()).headers);
                  return [seen.has("authorization"), seen.has("cookie"),
                    seen.get("x-y")].join();
                }};
                console.log(await names("/echo"));
                console.log(await names("{other.url}/echo"));
                """, "true,true,z\nfalse,false,z\n")

    def test_where_redirects_must_not_lead(self):
        self.check("""
            for (const to of ["file:///etc/passwd", "ftp://127.0.0.1/x",
                              "http://u:p@127.0.0.1/", "http://", "javascript:1"])
              await fetch(`${url}/redirect?${to}`)
                .catch((e) => console.log(e.name));
            const body = ReadableStream.from([new Uint8Array(1)]);
            await fetch(url + "/redirect/307?/echo", { method: "POST", body })
              .catch((e) => console.log(e.code));
            """, "TypeError\n" * 5 + "EREDIRECT\n")


class Failures(Fetching):
    def test_nobody_there(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.check(f"""
            await fetch("http://127.0.0.1:{port}/x?secret").catch((e) =>
              console.log(e instanceof TypeError, e.code, e.message.includes("secret")));
            """, "true ECONNREFUSED false\n")

    def test_no_such_host(self):
        self.assertEqual(self.script("""
            await fetch("http://does-not-exist.invalid/").catch((e) =>
              console.log(e.name, e.code));
            """, "--allow-net"), "TypeError ENOTFOUND\n")

    def test_connections_that_end_too_early(self):
        self.check("""
            await fetch(url + "/none").catch((e) => console.log(e.name, e.code));
            const read = (path) => fetch(url + path).then((r) => r.text())
              .catch((e) => console.log(e.name, e.code));
            await read("/reset/10");
            await read("/reset/3000000");
            const r = await fetch(url + "/reset/3000000");
            try {
              for await (const part of r.body);
            } catch (e) { console.log(e.name, e.code); }
            """, "TypeError ECONNRESET\n" * 4)

    def test_unsafe_requests_are_not_sent_twice(self):
        """libcurl tries again when a connection that was kept is dead."""
        sent = []

        class Dying(web.Handler):
            def do_POST(self):
                sent.append(self.read_body())
                self.answer("ok") if len(sent) == 1 else self.do_none("", "", "")

            def do_PUT(self):
                self.do_POST()

        with web.Server(handler=Dying) as server:
            self.assertEqual(self.script(f"""
                const post = (body, more) => fetch("{server.url}/",
                  {{ method: "POST", body, ...more }}).then((r) => r.text());
                console.log(await post("1"));
                await post("2").catch((e) => console.log(e.code));
                """, "--allow-net"), "ok\nECONNRESET\n")
        self.assertEqual(sent, [b"1", b"2"])

    def test_a_large_head(self):
        self.check("""
            const r = await fetch(url + "/head/60000");
            console.log(r.status);
            await fetch(url + "/head/400000").catch((e) => console.log(e.name));
            """, "200\nRangeError\n")

    def test_limits_of_size(self):
        self.check("""
            const get = (path, largest) => fetch(url + path, { largest });
            for (const path of ["/bytes/1000", "/bytes/5000000"]) {
              const r = await get(path, 999);
              await r.bytes().catch((e) => console.log(e.name, e.message));
            }
            console.log((await (await get("/bytes/1000", 1000)).bytes()).length);
            await (await get("/bomb/20000000", 1e6)).text()
              .catch((e) => console.log(e.name));
            """, "RangeError more than 999 bytes came: raise 'largest'\n" * 2 +
                 "1000\nRangeError\n")

    def test_time_without_a_byte(self):
        self.check("""
            await fetch(url + "/slow/8", { idle: 1000 })
              .catch((e) => console.log(e.name, e.code));
            """, "TimeoutError ETIMEDOUT\n")


class Aborting(Fetching):
    def test_before_and_while_waiting(self):
        self.check("""
            const tell = (e) => console.log(e.name ?? e);
            await fetch(url, { signal: AbortSignal.abort() }).catch(tell);
            await fetch(url + "/slow/5", { signal: AbortSignal.timeout(30) }).catch(tell);
            const stop = new AbortController();
            const waiting = fetch(url + "/slow/5", { signal: stop.signal });
            setTimeout(() => stop.abort("enough"), 30);
            await waiting.catch(tell);
            """, "AbortError\nTimeoutError\nenough\n")

    def test_while_the_body_streams(self):
        self.check("""
            const stop = new AbortController();
            const r = await fetch(url + "/drip/5", { signal: stop.signal });
            const reader = r.body.getReader();
            console.log((await reader.read()).value);
            setTimeout(() => stop.abort(), 20);
            await reader.read().catch((e) => console.log(e.name));
            const again = new AbortController();
            const text = fetch(url + "/drip/5", { signal: again.signal })
              .then((r) => r.text());
            setTimeout(() => again.abort(), 50);
            await text.catch((e) => console.log(e.name));
            """, "Uint8Array(1) [ 97 ]\nAbortError\nAbortError\n")

    def test_after_all_was_read_it_changes_nothing(self):
        self.check("""
            const stop = new AbortController();
            const r = await fetch(url + "/bytes/3000000", { signal: stop.signal });
            const text = await r.bytes();
            stop.abort();
            console.log(text.length);
            """, "3000000\n")

    def test_while_a_body_is_sent(self):
        self.check("""
            const stop = new AbortController();
            let cancelled;
            const body = new ReadableStream({
              async pull(c) {
                await new Promise((done) => setTimeout(done, 10));
                c.enqueue(new Uint8Array(10));
              },
              cancel(reason) { cancelled = reason; },
            });
            const sent = fetch(url + "/echo", { method: "POST", body,
              signal: stop.signal });
            setTimeout(() => stop.abort("enough"), 60);
            await sent.catch((e) => console.log(e));
            await new Promise((done) => setTimeout(done, 60));
            console.log(cancelled === undefined);
            """, "enough\nfalse\n")

    def test_nothing_is_left_open(self):
        """Neither bodies that nobody reads, nor aborted ones."""
        self.check("""
            const stop = new AbortController();
            const many = [];
            for (let i = 0; i < 50; i++)
              many.push(fetch(url + "/drip/9", { signal: stop.signal }));
            const responses = await Promise.all(many);
            const reads = responses.map((r) => r.text().catch((e) => e.name));
            stop.abort();
            console.log(new Set(await Promise.all(reads)));
            await (await fetch(url + "/bytes/9000000")).body.cancel();
            for await (const part of (await fetch(url + "/bytes/9000000")).body) break;
            const idle = await fetch(url + "/connection");
            await idle.text();
            console.log(await (await fetch(url + "/echo")).text() !== "");
            """, "Set(1) { 'AbortError' }\ntrue\n")
        end = time.monotonic() + PATIENCE
        while self.server.open > 0 and time.monotonic() < end:
            time.sleep(0.05)
        # The drips still sleep, on connections that are gone.
        self.assertLessEqual(self.server.open, 50)

    def test_descriptors_of_the_process(self):
        """Counted from outside while the program waits."""
        program = f"""
            const url = "{self.server.url}";
            const stop = new AbortController();
            const all = [];
            for (let i = 0; i < 100; i++)
              all.push(fetch(url + "/drip/30", {{ signal: stop.signal }}));
            await Promise.all(all);
            console.log("open");
            await new Promise((done) => setTimeout(done, 1000));
            stop.abort();
            console.log("aborted");
            await new Promise((done) => setTimeout(done, 2000));
            """
        with open(self.path("main.mjs"), "w") as file:
            file.write(program)
        child = subprocess.Popen([TORPOR, "--allow-net", "main.mjs"],
                                 cwd=self.folder, stdout=subprocess.PIPE,
                                 text=True, env=self.environment)
        count = lambda: len(os.listdir(f"/proc/{child.pid}/fd"))
        try:
            self.assertEqual(child.stdout.readline(), "open\n")
            self.assertGreater(count(), 100)
            self.assertEqual(child.stdout.readline(), "aborted\n")
            time.sleep(0.5)
            self.assertLess(count(), 30)
        finally:
            child.kill()
            child.communicate()


class Flow(Fetching):
    def test_five_hundred_at_once(self):
        self.check("""
            const all = [];
            for (let i = 0; i < 500; i++)
              all.push(fetch(`${url}/echo?${i}`).then((r) => r.json()));
            const seen = await Promise.all(all);
            console.log(seen.every(({ path }, i) => path === `/echo?${i}`));
            """, "true\n")

    def test_five_hundred_bodies_that_wait(self):
        """Heads come although nobody reads the bodies before."""
        self.check("""
            const all = [];
            for (let i = 0; i < 300; i++) all.push(fetch(url + "/bytes/1000000"));
            let size = 0;
            for (const response of await Promise.all(all))
              size += (await response.bytes()).length;
            console.log(size);
            """, "300000000\n")

    def test_a_large_body_in_little_memory(self):
        size = 20_000_000 if SANITIZED else 100_000_000
        output = self.fetch(f"""
            let size = 0, sum = 0;
            const r = await fetch(url + "/bytes/{size}");
            for await (const part of r.body) {{
              sum += part[0];
              size += part.length;
            }}
            console.log(size);
            const fs = await import("torpor:fs");
            const status = await fs.readFile("/proc/self/status", "utf8");
            console.log(/VmHWM:\\s*(\\d+)/.exec(status)[1]);
            """, "--allow-read=/proc")
        received, peak = map(int, output.split())
        self.assertEqual(received, size)
        if not SANITIZED:
            self.assertLess(peak, 40_000)

    def test_back_pressure(self):
        """A server can send no more than buffers hold while nobody reads."""
        self.check("""
            const r = await fetch(url + "/bytes/100000000");
            await new Promise((done) => setTimeout(done, 500));
            await r.body.cancel();
            """, "")
        self.assertLess(self.server.sent, 20_000_000)

    def test_nothing_is_kept_of_what_is_over(self):
        """Neither in the program nor outside."""
        output = self.fetch("""
            const fs = await import("torpor:fs");
            const rss = async () => +/VmRSS:\\s*(\\d+)/.exec(
              await fs.readFile("/proc/self/status", "utf8"))[1];
            const closed = "http://127.0.0.2:1/";
            const sizes = [];
            for (let i = 0; i < 5000; i++) {
              if (i % 1000 === 999) sizes.push(await rss());
              if (i % 10 > 0) await fetch(closed).catch(() => 0);
              else await (await fetch(url + "/bytes/10")).text();
            }
            console.log(sizes.join());
            """, "--allow-read=/proc")
        sizes = list(map(int, output.split(",")))
        if not SANITIZED:
            self.assertLess(sizes[-1] - sizes[1], 400)

    def test_garbage_is_closed(self):
        self.check("""
            for (let i = 0; i < 40; i++) await fetch(url + "/bytes/5000000");
            for (let i = 0; i < 100; i++) {
              let garbage = [];
              for (let j = 0; j < 20000; j++) garbage.push({ j, other: garbage });
              await new Promise((done) => setTimeout(done));
            }
            const fs = await import("torpor:fs");
            console.log(typeof fs);
            """, "object\n")

    def test_a_process_inherits_no_connection(self):
        self.check("""
            import { exec } from "torpor:process";
            const r = await fetch(url + "/drip/9");
            const { stdout } = await exec("ls", ["-l", "/proc/self/fd"]);
            console.log(stdout.includes("socket"));
            await r.body.cancel();
            """, "false\n", "--allow-run=ls")


class Tls(Scripts):
    def test_certificates(self):
        with web.Server(tls=self.folder) as server:
            text = f"""
                const r = await fetch("{server.url}/echo");
                console.log(r.status, (await r.json()).method);
                """
            trusted = self.script(text, "--allow-net", f"--ca={server.ca}")
            self.assertEqual(trusted, "200 GET\n")
            self.assertEqual(
                self.script(text, "--allow-net",
                            environment={"SSL_CERT_FILE": server.ca}),
                "200 GET\n")
            refused = self.script(text, "--allow-net", code=1)
            self.assertIn("TypeError", refused)
            self.assertIn("--ca=FILE", refused)
            other = server.url.replace("localhost", "127.0.0.1")
            self.assertIn("--ca=FILE", self.script(
                f"await fetch('{other}/')", "--allow-net",
                f"--ca={server.ca}", code=1))
            self.assertIn("cannot be read", self.script(
                text, "--allow-net", "--ca=nowhere.pem", code=2))
            plain = self.script(f"""
                await fetch("http://127.0.0.1:{server.port}/")
                  .catch((e) => console.log(e.name, e.code));
                """, "--allow-net")
            self.assertEqual(plain.split()[0], "TypeError")

    def test_many_at_once(self):
        with web.Server(tls=self.folder) as server:
            self.assertEqual(self.script(f"""
                const all = [];
                for (let i = 0; i < 50; i++)
                  all.push(fetch("{server.url}/bytes/100000").then((r) => r.bytes()));
                console.log((await Promise.all(all)).every((b) => b.length === 100000));
                """, "--allow-net", f"--ca={server.ca}"), "true\n")


NODE = os.environ.get("TORPOR_NODE", "node")


@unittest.skipUnless(shutil.which(NODE), "there is no Node")
class Http2(Scripts):
    def test_many_streams_on_a_connection(self):
        """Bodies that nobody reads yet hold up no other."""
        web.certificate(self.folder)
        server = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                              "support/http2.mjs")
        with subprocess.Popen([NODE, server, self.folder], text=True,
                              stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as child:
            port = child.stdout.readline().strip()
            output = self.script(f"""
                const url = "https://localhost:{port}";
                const first = await fetch(url + "/");
                console.log(first.headers.get("x-version"), await first.text());
                const many = [];
                for (let i = 0; i < 40; i++) many.push(fetch(url + "/big"));
                let size = 0;
                for (const response of (await Promise.all(many)).reverse())
                  size += (await response.bytes()).length;
                console.log(size);
                async function* parts() {{
                  for (let i = 0; i < 30; i++) yield new Uint8Array(100000);
                }}
                const sent = await fetch(url + "/", {{ method: "POST",
                  body: parts() }});
                console.log(sent.headers.get("x-got"));
                const stop = new AbortController();
                const {{ signal }} = stop;
                const big = await fetch(url + "/big", {{ signal }});
                stop.abort();
                await big.text().catch((e) => console.log(e.name));
                console.log(await (await fetch(url + "/")).text());
                """, "--allow-net", "--ca=certificate.pem")
            child.communicate()
        self.assertEqual(output, "2.0 small\n80000000\n3000000\nAbortError\n"
                                 "small\n")


class Proxies(Fetching):
    def test_http(self):
        with web.Proxy() as proxy:
            text = "console.log(await (await fetch(url + '/echo')).text());"
            self.check(text, "by the proxy\n",
                       environment={"http_proxy": proxy.url})
            self.assertEqual(proxy.asked, [("GET", self.server.url + "/echo")])
            self.check("console.log((await fetch(url + '/echo')).status);",
                       "200\n", environment={"http_proxy": proxy.url,
                                             "NO_PROXY": "127.0.0.1"})
            self.assertEqual(len(proxy.asked), 1)

    def test_https(self):
        with web.Proxy() as proxy, web.Server(tls=self.folder) as server:
            output = self.script(f"""
                const r = await fetch("{server.url}/echo");
                console.log(r.status, r.headers.get("x-proxy"));
                """, "--allow-net", f"--ca={server.ca}",
                environment={"HTTPS_PROXY": proxy.url})
            self.assertEqual(output, "200 null\n")
            self.assertEqual(proxy.asked, [("CONNECT", server.host)])

    def test_a_proxy_widens_nothing(self):
        with web.Proxy() as proxy:
            self.assertIn("--allow-net=elsewhere:80", self.fetch(
                "await fetch('http://elsewhere/')", code=1,
                environment={"http_proxy": proxy.url}))
            self.assertEqual(proxy.asked, [])


if __name__ == "__main__":
    unittest.main()
