// SPDX-License-Identifier: MIT
//
// matrix.mjs - the same snapshots everywhere: C, three Nodes, Deno, Bun and Chromium put the same
// programs to sleep, and each wakes what each of the others saved. Equal histories give equal
// bytes. Among the programs are the tests of extensions that sleep (extensions/NAME/test).
//
//   node matrix.mjs        prints a line for each pair; exits with 1 when one fails

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeSleeper, running } from "./support/sleeper.mjs";
import { BUILD, COMMANDS, openPage, PROJECT, runCommand, SOURCE, startChromium } from "./hosts.mjs";

// Each step gives a number, so that no handle is alive at a snapshot.
const programs = {
  promise: {
    steps: [
      "globalThis.log = []; (async function wait() { const p = new Promise((r) => globalThis.go = r); log.push(await p); log.push(await Promise.resolve(log.length)) })(); 0",
    ],
    more: "log.push('asked'); 0",
    // The object is read after the jobs have run.
    question: "go('went'); ({ toString: () => log.join() })",
    answer: "asked,went,2",
  },
  timers: {
    steps: [
      "globalThis.due = []; setTimeout(() => due.push(1), 1000); setInterval(() => due.push(2), 500); 0",
      "setTimeout(() => {}, 3e9); 0",
    ],
    more: "globalThis.now = Date.now() + Math.random(); 0",
    question: "[now, Date.now(), new Date(0).toISOString()].join()",
    answer: undefined,
  },
  values: {
    steps: [
      "globalThis.held = { map: new Map([[NaN, -0], ['\\u{1f600}', 1n << 90n]]), bytes: new Float64Array([0.1, NaN]), re: /(?<y>\\d+)/gu, s: Symbol.for('k'), w: new WeakRef({}) }; 0",
      "globalThis.gen = (function* () { let x = 1; for (;;) x = yield x * 2 })(); gen.next(); 0",
    ],
    more:
      "class P { #x = 3; get x() { return this.#x } } globalThis.p = new P(); held.self = held; 0",
    question:
      "[Object.is(held.map.get(NaN), -0), String(held.map.get('\\u{1f600}')), held.bytes[0], held.re.exec('ab12').groups.y, String(held.s), gen.next(21).value, p.x, held.self === held].join()",
    answer: "true,1237940039285380274899124224,0.1,12,Symbol(k),42,3,true",
  },
  large: {
    steps: [
      "globalThis.rows = Array.from({ length: 20000 }, (_, i) => ({ id: i, name: 'row ' + i, half: i / 2 })); 0",
    ],
    more: "rows[777].name = 'changed'; 0",
    question: "[rows.length, rows[777].name, rows[19999].half].join()",
    answer: "20000,changed,9999.5",
  },
};
const folder = join(PROJECT, "matrix");
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

// ---- extensions ------------------------------------------------------------------

const shipped = readdirSync(join(BUILD, "extensions")).filter((file) => file.endsWith(".wasm"))
  .map((file) => file.slice(0, -".wasm".length)).sort();
// "encoding-legacy" adds to "encoding".
const withOthers = (name) => [...shipped.filter((other) => name.startsWith(`${other}-`)), name];
const modules = Object.fromEntries(shipped.map((name) => [
  name,
  readFileSync(join(BUILD, `extensions/${name}.wasm`)).toString("base64"),
]));

function addSleepers(name) {
  const tests = join(SOURCE, "extensions", name, "test");
  for (const file of existsSync(tests) ? readdirSync(tests).sort() : []) {
    if (!file.endsWith(".sleep.js")) continue;
    const [before, after] = readFileSync(join(tests, file), "utf8").split(/^\/\/\/\/ sleep$/m);
    programs[`${name}-${file.split(".")[0]}`] = {
      extensions: withOthers(name),
      steps: [
        `${readFileSync(join(SOURCE, "extensions/test/check.js"), "utf8")}\n;0`,
        `${before}\n;0`,
      ],
      more: "0",
      question: `${after}\n;"passed"`,
      answer: "passed",
    };
  }
}

for (const name of shipped) addSleepers(name);
if (shipped.includes("url") && shipped.includes("headers")) {
  programs.several = {
    extensions: ["headers", "url"],
    steps: ["globalThis.h = new Headers({ a: '1' }); globalThis.u = new URL('http://x/?q=1'); 0"],
    more: "h.append('b', '2'); u.searchParams.append('r', '3'); 0",
    question: "[[...h].join(';'), u.href].join()",
    answer: "a,1;b,2,http://x/?q=1&r=3",
  };
}

// ---- hosts ---------------------------------------------------------------------

async function inProcess(host, input) {
  const file = join(folder, `${host}.json`);
  writeFileSync(file, JSON.stringify(input));
  const script = join(PROJECT, "test/support/matrix-process.mjs");
  const { code, output } = await runCommand([...COMMANDS[host](), script, file]);
  if (code !== 0) throw new Error(`${host} ended with ${code}: ${output}`);
  return JSON.parse(output.trim().split("\n").at(-1));
}

async function inChromium(input) {
  const browser = await startChromium();
  try {
    const { page, close } = await openPage(browser);
    const answer = await page.evaluate(
      async (given) => (await import("/test/support/matrix-host.mjs")).play(given),
      input,
    );
    await close();
    return answer;
  } finally {
    await browser.close();
  }
}

const sleep = makeSleeper(folder, SOURCE, BUILD);
const sleeper = (commands) => sleep(commands).trim().split("\n");

function sleepInC() {
  const files = {};
  for (const [name, { extensions = [], steps, more }] of Object.entries(programs)) {
    const kinds = ["whole", "difference", "packed"].map((kind) => `${name}.${kind}`);
    const [whole, difference, packed] = kinds;
    sleeper(
      [
        ...extensions.map((extension) => `load ${extension}`),
        ...steps.map((step) => running(folder, step)),
        `save ${whole} parent`,
        running(folder, more),
        `save ${difference} parent delta`,
        `save ${packed} packed 1`,
        "",
      ].join("\n"),
    );
    for (const kind of kinds) files[kind] = readFileSync(join(folder, kind)).toString("base64");
  }
  return files;
}

function wakeInC(given) {
  const answers = {};
  for (const [host, files] of Object.entries(given)) {
    answers[host] = {};
    for (const [name, { question }] of Object.entries(programs)) {
      for (const kind of ["whole", "difference", "packed"]) {
        const bytes = Buffer.from(files[`${name}.${kind}`], "base64");
        writeFileSync(join(folder, `${name}.${kind}`), bytes);
      }
      answers[host][name] = sleeper(
        `restore ${name}.whole ${name}.difference\n${running(folder, question)}\n` +
          `restore ${name}.packed\n${running(folder, question)}\n`,
      );
    }
  }
  return answers;
}

function play(host, given) {
  if (host === "C") return given === undefined ? sleepInC() : wakeInC(given);
  return host === "chromium"
    ? inChromium({ programs, modules, given })
    : inProcess(host, { programs, modules, given });
}

// ---- the matrix ------------------------------------------------------------------

const hosts = ["C", ...Object.keys(COMMANDS), "chromium"];
let passed = 0, failed = 0;

function check(holds, text) {
  if (holds) passed++;
  else failed++;
  console.log(`${holds ? "ok  " : "FAIL"} ${text}`);
}

const given = {};
for (const host of hosts) given[host] = await play(host);
for (const host of hosts.slice(1)) {
  for (const [name, bytes] of Object.entries(given[host])) {
    check(bytes === given.C[name], `${name} of ${host} is that of C, byte for byte`);
  }
}
const wanted = (await play("C", { C: given.C })).C;
for (const [name, { answer }] of Object.entries(programs)) {
  check(
    wanted[name].every((found) => found === (answer ?? wanted[name][0])),
    `${name} goes on in C: ${wanted[name][0]}`,
  );
}
for (const host of hosts) {
  const answers = await play(host, given);
  for (const from of hosts) {
    const same = JSON.stringify(answers[from]) === JSON.stringify(wanted);
    check(same, `${host} wakes what ${from} put to sleep`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
