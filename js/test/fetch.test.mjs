// SPDX-License-Identifier: MIT
//
// fetch.test.mjs - fetch in programs: the driver, and what sleeping means for a request.

import { defineFetch, fetchDriver, QuickJS } from "torpor-vm";
import { assert, test } from "./support/test.mjs";
import { run } from "./support/vm.mjs";

// A server of the test's own: answers with what it was asked, and counts.
function answering(delay = 0) {
  const asked = [];
  const fetch = async (url, { method, headers, body, signal }) => {
    asked.push({ url, method, headers, body });
    await new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, delay);
      signal.onabort = () => (clearTimeout(timer), reject(new Error("stopped")));
    });
    return new Response(JSON.stringify({ method, body: body && String(body), text: "tea ☕" }), {
      status: 201,
      headers: { "X-Tea": "green" },
    });
  };
  return { asked, fetch };
}

async function open(options) {
  const vm = await QuickJS.create({ drivers: { fetch: fetchDriver(options) } });
  defineFetch(vm);
  return vm;
}

async function settled(vm, code) {
  const { value, error } = await vm.resolvePromise(vm.evalCode(code));
  return value ? vm.dump(value) : vm.dump(error);
}

test("a program fetches", async () => {
  const server = answering();
  const vm = await open(server);
  const answer = await settled(
    vm,
    `(async () => {
      const r = await fetch("https://example.com/tea", { method: "post", headers: { a: 1 }, body: "é" });
      return [r.ok, r.status, r.headers.get("x-tea"), await r.json(), r.bodyUsed];
    })()`,
  );
  assert.deepEqual(answer, [
    true,
    201,
    "green",
    { method: "POST", body: "é", text: "tea ☕" },
    true,
  ]);
  assert.deepEqual(server.asked[0].headers, [["a", "1"]]);
  vm.dispose();
});

test("what a driver does not allow is refused, and so is what is no URL", async () => {
  const server = answering();
  const vm = await open({ ...server, allow: (url) => url.hostname === "example.com" });
  const refused = await settled(vm, `fetch("https://example.org/")`);
  assert.match(refused.message, /may not reach https:\/\/example\.org/);
  const wrong = await settled(vm, `fetch("/tea")`);
  assert.match(wrong.message, /absolute URL/);
  assert.equal(server.asked.length, 0);
  vm.dispose();
});

async function sleepWith(code) {
  const vm = await open(answering(60_000));
  run(
    vm,
    `globalThis.log = []; ${code}.then((r) => r.json(), (e) => e.message).then((x) => log.push(x)); 0`,
  );
  vm.executePendingJobs();
  const { bytes } = vm.snapshot();
  vm.dispose();
  return bytes;
}

async function wakeWith(bytes) {
  const server = answering();
  const vm = await QuickJS.restore(bytes, { drivers: { fetch: fetchDriver(server) } });
  defineFetch(vm);
  vm.executePendingJobs();
  for (let i = 0; i < 100 && run(vm, "log.length") === 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const log = run(vm, "log");
  vm.dispose();
  return { log, asked: server.asked.length };
}

test("a safe request that slept is made again", async () => {
  const { log, asked } = await wakeWith(await sleepWith(`fetch("https://example.com/")`));
  assert.equal(log[0].method, "GET");
  assert.equal(asked, 1);
});

test("another one is not, unless the program allows it", async () => {
  const code = (more) => `fetch("https://example.com/", { method: "POST"${more} })`;
  const refused = await wakeWith(await sleepWith(code("")));
  assert.match(refused.log[0], /POST https:\/\/example\.com\/ was under way .* repeat: true/);
  assert.equal(refused.asked, 0);
  const repeated = await wakeWith(await sleepWith(code(", repeat: true")));
  assert.equal(repeated.log[0].method, "POST");
});

test("text is decoded as the host does it", async () => {
  const cases = [
    [0xe9],
    [0xc3, 0xa9],
    [0xf0, 0x9f, 0x98, 0x80],
    [0xe2, 0x82],
    [0xed, 0xa0, 0x80],
    [0xef, 0xbb, 0xbf, 0x41],
    [0xf4, 0x90, 0x80, 0x80],
    [0xc0, 0x80],
    [0xe0, 0x80, 0x80],
    [],
  ];
  for (const bytes of cases) {
    const vm = await open({ fetch: async () => new Response(Uint8Array.from(bytes)) });
    const text = await settled(vm, `fetch("https://example.com/").then((r) => r.text())`);
    assert.equal(text, new TextDecoder().decode(Uint8Array.from(bytes)));
    vm.dispose();
  }
});
