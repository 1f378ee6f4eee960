#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: timeout=120
"""What fetch may reach: the hosts that were granted, by every spelling, and
behind every redirect."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from scripts import Scripts  # noqa: E402
import web  # noqa: E402


class Access(Scripts):
    def setUp(self):
        super().setUp()
        self.server = web.Server()
        self.server.__enter__()
        self.port = self.server.port

    def tearDown(self):
        self.server.__exit__()
        super().tearDown()

    def attempt(self, url, *flags, init="{}"):
        """"200", or the name and message of the error."""
        return self.script(f"""
            const url = {json.dumps(url)};
            await fetch(url, {init}).then((r) => console.log(r.status),
              (e) => console.log(e.name + ": " + e.message));
            """, *flags).strip()

    def allowed(self, url, *flags, **more):
        self.assertEqual(self.attempt(url, *flags, **more), "200")

    def denied(self, url, *flags, flag=None, **more):
        seen = len(self.server.seen)
        said = self.attempt(url, *flags, **more)
        self.assertIn("NotAllowedError: ", said)
        self.assertIn("run with --allow-net=" + (flag or ""), said)
        self.assertEqual(len(self.server.seen), seen)

    def test_nothing_without_a_grant(self):
        address = f"127.0.0.1:{self.port}"
        self.denied(f"http://{address}/echo", flag=address)
        self.denied("http://example.org/", flag="example.org:80")
        self.denied("https://example.org/", flag="example.org:443")
        self.denied("http://[::1]/", flag="[::1]:80")
        self.denied(f"http://{address}/echo", "--allow-read", "--allow-run",
                    "--allow-env", "--allow-write")

    def test_ports(self):
        here = f"http://127.0.0.1:{self.port}/echo"
        self.allowed(here, f"--allow-net=127.0.0.1:{self.port}")
        self.allowed(here, "--allow-net=127.0.0.1")
        self.allowed(here, f"--allow-net=example.org,127.0.0.1:{self.port}")
        self.allowed(here, "--allow-all")
        self.denied(here, "--allow-net=127.0.0.1:80")
        self.denied(here, f"--allow-net=127.0.0.1:{self.port - 1}")
        self.denied(here, f"--allow-net=127.0.0.2:{self.port}")

    def test_spellings(self):
        here = f"--allow-net=localhost:{self.port}"
        for host in ["localhost", "LOCALHOST", "LocalHost",
                     "%6cocalhost"]:
            self.allowed(f"http://{host}:{self.port}/echo", here)
        self.allowed(f"http://localhost:{self.port}/echo",
                     f"--allow-net=LOCALHOST.:{self.port}")
        # It may be that nobody knows it by that name.
        self.assertNotIn("NotAllowed", self.attempt(
            f"http://localhost.:{self.port}/echo", here))
        address = f"--allow-net=127.0.0.1:{self.port}"
        for host in ["127.1", "0x7f.1", "2130706433", "0177.0.0.1",
                     "127.0.0.1."]:
            self.allowed(f"http://{host}:{self.port}/echo", address)
        # A name is not its address, nor the other way round.
        self.denied(f"http://localhost:{self.port}/echo", address)
        self.denied(f"http://127.0.0.1:{self.port}/echo", here)

    def test_what_looks_like_a_granted_host(self):
        grant = "--allow-net=example.org"
        port = self.port
        for url in [f"http://127.0.0.1:{port}/example.org",
                    f"http://127.0.0.1:{port}?example.org",
                    f"http://127.0.0.1:{port}#example.org",
                    f"http://127.0.0.1:{port}\\example.org",
                    f"http://127.0.0.1:{port}\t/",
                    f"http:\\\\127.0.0.1:{port}/"]:
            self.denied(url, grant)
        for url in [f"http://example.org@127.0.0.1:{port}/",
                    f"http://example.org:80@127.0.0.1:{port}/",
                    f"http://example.org%00@127.0.0.1:{port}/",
                    f"http://127.0.0.1:{port}@example.org/",
                    "http://example.org%2f@x/", "http://exa mple.org/",
                    "http://example.org:99999/", "http://example.org:-1/",
                    "http://[::1/"]:
            said = self.attempt(url, grant)
            self.assertIn("TypeError", said, url)
        self.denied("http://notexample.org/", grant)
        self.denied("http://sub.example.org/", grant)
        self.denied("http://example.org.evil.test/", grant)
        self.assertEqual(self.server.seen, [])

    def test_redirects(self):
        with web.Server() as other:
            here = f"--allow-net=127.0.0.1:{self.port}"
            start = f"http://127.0.0.1:{self.port}/redirect?"
            for to in [f"{other.url}/echo", f"//127.0.0.1:{other.port}/echo",
                       f"http://localhost:{self.port}/echo",
                       f"http://127.0.0.1:{self.port - 1}/"]:
                said = self.attempt(start + to, here)
                self.assertIn("NotAllowedError", said, to)
                self.assertIn("--allow-net=", said)
            self.assertEqual(other.seen, [])
            self.allowed(start + f"{other.url}/echo", here,
                         f"--allow-net=127.0.0.1:{other.port}")
            twice = f"{start}{self.server.url}/redirect?{other.url}/echo"
            self.assertIn("NotAllowedError", self.attempt(twice, here))
            manual = self.attempt(start + f"{other.url}/echo", here,
                                  init="{ redirect: 'manual' }")
            self.assertEqual(manual, "302")

    def test_headers_reach_no_other_host(self):
        said = self.attempt(f"http://127.0.0.1:{self.port}/", "--allow-net",
                            init="{ headers: { Host: 'inner' } }")
        self.assertIn("'host' is set by fetch itself", said)

    def test_lines_cannot_be_smuggled_in(self):
        for init in ["{ headers: { a: 'b\\r\\nHost: x' } }",
                     "{ headers: { 'a\\r\\nb': 'c' } }",
                     "{ method: 'GET / HTTP/1.1\\r\\nx' }"]:
            said = self.attempt(f"http://127.0.0.1:{self.port}/", "--allow-net",
                                init=init)
            self.assertIn("TypeError", said)
        self.allowed(f"http://127.0.0.1:{self.port}/echo?a\r\nHost: x",
                     "--allow-net")
        self.assertEqual(self.server.seen[-1][1], "/echo?aHost:%20x")


if __name__ == "__main__":
    unittest.main()
