// SPDX-License-Identifier: MIT
//
// run.mjs - runs the tests of the npm package in one host.
//
//   node run.mjs install        the tarball into an empty project, as users do,
//                               and the tests and their data beside it
//   node run.mjs HOST [FILE...] all tests that are for that host, or some:
//                               node20 node22 node24 deno bun chromium worker
//
// Exits with 1 when a test fails, or none ran.

import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import {
  BUILD,
  bundle,
  COMMANDS,
  openPage,
  PROJECT,
  require,
  runCommand,
  SOURCE,
  startChromium,
  writePage,
} from "./hosts.mjs";

// What of the test data is copied into the project, and where it comes from.
const DATA = {
  cases: join(SOURCE, "test/cases"),
  golden: join(SOURCE, "test/golden"),
  extensions: join(BUILD, "test-extensions"),
};

// ---- installing --------------------------------------------------------------

function findPackage() {
  const { version } = JSON.parse(
    readFileSync(join(SOURCE, "js/package.json"), "utf8"),
  );
  return join(BUILD, `npm/torpor-vm-${version}.tgz`);
}

/** Each extension that ships, and its tests: shipped/NAME.wasm, shipped/NAME/*.js. */
function copyShipped(to) {
  const [made, sources] = [join(BUILD, "extensions"), join(SOURCE, "extensions")];
  mkdirSync(to, { recursive: true });
  for (const file of existsSync(made) ? readdirSync(made) : []) {
    if (file.endsWith(".wasm")) cpSync(join(made, file), join(to, file));
  }
  for (const name of existsSync(sources) ? readdirSync(sources) : []) {
    const tests = join(sources, name, "test");
    if (existsSync(tests)) cpSync(tests, join(to, name), { recursive: true });
  }
  const check = join(sources, "test/check.js");
  if (existsSync(check)) cpSync(check, join(to, "check.js"));
}

function copyData() {
  const folder = join(PROJECT, "data");
  copyShipped(join(folder, "shipped"));
  for (const [name, place] of Object.entries(DATA)) {
    cpSync(place, join(folder, name), { recursive: true });
  }
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  writeFileSync(join(folder, "index.json"), JSON.stringify(files.sort()));
}

async function install() {
  rmSync(PROJECT, { recursive: true, force: true });
  mkdirSync(PROJECT, { recursive: true });
  writeFileSync(
    join(PROJECT, "package.json"),
    JSON.stringify({
      private: true,
      type: "module",
      dependencies: { "torpor-vm": `file:${findPackage()}` },
    }),
  );
  const npm = join(SOURCE, "build/deps/node/bin/npm");
  const done = await runCommand([
    npm,
    "install",
    "--offline",
    "--no-audit",
    "--no-fund",
    "--no-package-lock",
    "--loglevel=error",
  ]);
  process.stdout.write(done.output);
  cpSync(join(SOURCE, "js/test"), join(PROJECT, "test"), { recursive: true });
  writePage();
  copyData();
  await makeInner();
  return done.code === 0;
}

/** Parts of the package that are no part of its API, made of the sources in it. */
async function makeInner() {
  await require("esbuild").build({
    entryPoints: ["abi", "errors", "data/cbor-read", "data/cbor-write"].map((name) =>
      join(PROJECT, `node_modules/torpor-vm/src/${name}.ts`)
    ),
    outdir: join(PROJECT, "inner"),
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    logLevel: "warning",
  });
}

// ---- choosing ----------------------------------------------------------------

// The host as "// hosts:" names it.
function kindOf(host) {
  return host === "chromium" ? "page" : host.replace(/\d+$/, "");
}

function isFor(file, host) {
  const text = readFileSync(join(PROJECT, "test", file), "utf8").slice(0, 2000);
  const words = text.match(/^\/\/ hosts:(.*)$/m)?.[1].trim().split(/[\s,]+/);
  return words === undefined || words.includes(kindOf(host)) ||
    words.includes(host);
}

function chooseFiles(host, wanted) {
  const all = readdirSync(join(PROJECT, "test"))
    .filter((name) => name.endsWith(".test.mjs")).sort();
  const names = wanted.map((file) => basename(file));
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0) throw new Error(`there is no ${unknown.join(", ")}`);
  return all.filter((name) =>
    (names.length === 0 || names.includes(name)) &&
    isFor(name, host)
  );
}

// ---- running -----------------------------------------------------------------

// How each kind of host is told to test, and how it tells how much it did.
const TESTERS = {
  node: {
    options: ["--test", "--test-reporter=spec"],
    count: /^. tests (\d+)$/m,
  },
  deno: { options: [], count: /(\d+) passed/ },
  bun: { options: [], count: /^\s*(\d+) pass$/m },
};

function testCommand(host, files) {
  const [command, ...options] = COMMANDS[host]();
  const kind = kindOf(host);
  const paths = files.map((name) => `./test/${name}`);
  const test = options.map((word) => (word === "run" ? "test" : word));
  return [command, ...test, ...TESTERS[kind].options, ...paths];
}

// Bun runs all files in one process, whose collector then takes minutes for what takes a second
// alone: each file gets a process of its own.
async function runProcess(host, files) {
  if (host !== "bun") return runTogether(host, files);
  const total = { failed: false, count: 0 };
  for (const file of files) {
    const { failed, count } = await runTogether(host, [file]);
    total.failed ||= failed;
    total.count += count;
  }
  return total;
}

async function runTogether(host, files) {
  const tell = (text) => void process.stdout.write(text);
  const { code, output, signal } = await runCommand(testCommand(host, files), { tell });
  if (signal) console.error(`ended by ${signal}`);
  const count = Number(output.match(TESTERS[kindOf(host)].count)?.[1] ?? 0);
  return { failed: code !== 0, count };
}

function report(file, result) {
  const mark = result.error === undefined ? "ok  " : "FAIL";
  console.log(`${mark} ${file}: ${result.name} (${result.ms} ms)`);
  if (result.error !== undefined) console.log(result.error);
}

// Runs in the page: imports the tests, or starts the worker with them.
async function runInPage({ kind, file }) {
  const tell = globalThis.tellTorpor;
  if (kind === "page") {
    await import(`/test/${file}`);
    const { runListed } = await import("/test/support/browser-run.mjs");
    return runListed(tell);
  }
  const worker = new Worker(`/bundle/${file}`, { type: "module" });
  return new Promise((resolve, reject) => {
    worker.onerror = (event) => reject(new Error(event.message));
    worker.onmessage = async ({ data }) => {
      await tell(data);
      if (data.count !== undefined) resolve();
    };
  });
}

async function runFileInChromium(browser, kind, file) {
  const { page, errors, close } = await openPage(browser);
  let count = 0, failed = false, isDone = false;
  await page.exposeFunction("tellTorpor", (result) => {
    if (result.count !== undefined) {
      isDone = true;
      return;
    }
    report(file, result);
    count++;
    failed ||= result.error !== undefined;
  });
  try {
    await page.evaluate(runInPage, { kind, file });
  } catch (error) {
    console.log(`FAIL ${file}: ${error.stack}`);
  }
  await close();
  if (!isDone) console.log(`FAIL ${file}: not all of it ran`, ...errors);
  return { failed: failed || !isDone, count };
}

async function runChromium(host, files) {
  const kind = kindOf(host);
  const browser = await startChromium();
  const total = { failed: false, count: 0 };
  try {
    for (const file of files) {
      if (kind === "worker") {
        await bundle(join(PROJECT, "test/support/worker.mjs"), join(PROJECT, "bundle", file), {
          "test-file": join(PROJECT, "test", file),
        });
      }
      const { failed, count } = await runFileInChromium(browser, kind, file);
      total.failed ||= failed;
      total.count += count;
    }
  } finally {
    await browser.close();
  }
  return total;
}

async function run(host, wanted) {
  const files = chooseFiles(host, wanted);
  const runner = host in COMMANDS ? runProcess : runChromium;
  const { failed, count } = await runner(host, files);
  console.log(
    `${host}: ${count} tests of ${files.length} files` +
      (failed ? ", some failed" : ""),
  );
  return !failed && count >= files.length && count > 0;
}

const [what, ...files] = process.argv.slice(2);
if (!(what in COMMANDS) && !["install", "chromium", "worker"].includes(what)) {
  console.error("usage: run.mjs install | HOST [FILE...]");
  process.exit(2);
}
const isGood = await (what === "install" ? install() : run(what, files));
process.exit(isGood ? 0 : 1);
