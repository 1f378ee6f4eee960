// SPDX-License-Identifier: MIT
//
// examples.mjs - the programs of examples/node-*, run in the project as it is
// said there, and what they print compared with what examples/README.md shows.
// Times differ from run to run; sizes may by half.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { COMMANDS, PROJECT, runCommand, SOURCE } from "./hosts.mjs";

const FOLDER = join(PROJECT, "examples");
const SECTION = /^## `(node-\S+)`$.*?^```text\n(.*?)^```$/gms;
const SIZE = /\d+(?= bytes$)/gm;
const MS_MOST = 60_000;

function readShown() {
  const readme = readFileSync(join(SOURCE, "examples/README.md"), "utf8");
  return new Map([...readme.matchAll(SECTION)].map(([, name, text]) => [name, text]));
}

function compare(printed, shown) {
  const plain = (text) =>
    text.replace(SIZE, "N").replace(/ [\d.]+ ms,/g, " N ms,").replace(/(?<=:)\d+$/m, "N");
  assert.equal(plain(printed), plain(shown));
  const sizes = shown.match(SIZE) ?? [];
  for (const [i, size] of (printed.match(SIZE) ?? []).entries()) {
    assert.ok(Math.abs(size - sizes[i]) <= sizes[i] / 2, `${size} bytes; ${sizes[i]} are shown`);
  }
}

// ---- Programs that end ----------------------------------------------------------

async function run(name, host) {
  const [command, ...options] = COMMANDS[host]();
  const allowed = options.map((word) =>
    word.startsWith("--allow-read") ? `--allow-read=${PROJECT},${FOLDER}` : word
  );
  if (host === "deno") allowed.push(`--allow-write=${FOLDER}`);
  const cwd = join(FOLDER, name);
  const { code, output } = await runCommand([command, ...allowed, "main.mjs"], { cwd });
  assert.equal(code, 0, output);
  return output;
}

async function runThrice(name, host) {
  rmSync(join(FOLDER, name, "counter.torpor"), { force: true });
  let printed = "";
  for (let i = 0; i < 3; i++) printed += await run(name, host);
  const files = readdirSync(join(FOLDER, name)).sort();
  assert.deepEqual(files, ["counter.torpor", "main.mjs"], "no file is left over");
  return printed;
}

// ---- The server -------------------------------------------------------------------

/** Requests, and what they are answered. */
const REQUESTS = [
  ["mean([1, 2, 6])", 200, "3\n"],
  ["await Promise.resolve({ total: sum([1, 2]) })", 200, '{"total":3}\n'],
  ["total", 422, '{"error":"ReferenceError: total is not defined"}\n'],
  ["for (;;);", 422, '{"error":"it took too long"}\n'],
  ["const all = []; for (;;) all.push(new Array(1e5).fill(0))", 422, /out of memory/],
  ["await new Promise(() => {})", 422, '{"error":"it waits for what never comes"}\n'],
  ["let a = []; for (let i = 0; i < 40; i++) a = [a, a]; a", 422, /too long/],
  // What was declared before was declared in another VM.
  ["let all = 1; all", 200, "1\n"],
  [undefined, 405, '{"error":"POST the code"}\n'],
  ["x".repeat(70_000), 413, /at most 65536 bytes/],
];

async function askAll(origin) {
  for (const [body, status, expected] of REQUESTS) {
    const how = body === undefined ? {} : { method: "POST", body };
    const response = await fetch(origin, { ...how, signal: AbortSignal.timeout(20_000) });
    const text = await response.text();
    assert.equal(response.status, status, text);
    if (expected instanceof RegExp) assert.match(text, expected);
    else assert.equal(text, expected);
  }
}

function serve(name) {
  const [command, ...options] = COMMANDS.node24();
  return spawn(command, [...options, "main.mjs"], {
    cwd: join(FOLDER, name),
    env: { ...process.env, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
}

async function runServer(name) {
  const server = serve(name);
  const timer = setTimeout(() => server.kill("SIGKILL"), MS_MOST);
  const ended = new Promise((resolve) =>
    server.on("close", (code, signal) => resolve(signal ?? code))
  );
  let log = "";
  let isListening;
  const listening = new Promise((resolve) => (isListening = resolve));
  server.stdout.setEncoding("utf8").on("data", (text) => {
    log += text;
    const found = /^listening on (\S+)\n/.exec(log);
    if (found) isListening(found[1]);
  });
  try {
    const origin = await Promise.race([listening, ended]);
    assert.match(String(origin), /^http/, "it listens");
    await askAll(origin);
    server.kill("SIGTERM");
    assert.equal(await ended, 0, "it stops when it is told to");
  } finally {
    clearTimeout(timer);
    server.kill("SIGKILL");
  }
  return log;
}

// ---- All of them --------------------------------------------------------------------

const RUNNERS = {
  "node-sandbox": [run, ["node20", "node22", "node24", "deno", "bun"]],
  "node-functions": [run, ["node20", "node22", "node24", "deno", "bun"]],
  "node-counter": [runThrice, ["node20", "node22", "node24", "deno", "bun"]],
  "node-pool": [runServer, ["node24"]],
};

async function tryOne(name, runner, host, shown) {
  try {
    compare(await runner(name, host), shown);
    console.log(`ok   ${name} in ${host}`);
    return true;
  } catch (error) {
    console.log(`FAIL ${name} in ${host}: ${error.stack}`);
    return false;
  }
}

async function main() {
  const shown = readShown();
  const there = readdirSync(join(SOURCE, "examples")).filter((name) => name.startsWith("node-"));
  assert.deepEqual(there.sort(), [...shown.keys()].sort(), "the README shows each of them");
  assert.deepEqual(there.sort(), Object.keys(RUNNERS).sort());
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  let isGood = true;
  for (const [name, [runner, hosts]] of Object.entries(RUNNERS)) {
    mkdirSync(join(FOLDER, name));
    cpSync(join(SOURCE, "examples", name, "main.mjs"), join(FOLDER, name, "main.mjs"));
    for (const host of hosts) {
      if (!await tryOne(name, runner, host, shown.get(name))) isGood = false;
    }
  }
  return isGood;
}

process.exit(await main() ? 0 : 1);
