// SPDX-License-Identifier: MIT
//
// hosts.mjs - where the package runs, and how a program is run there.
//
// Programs of the Nodes, Deno and Bun are processes. For Chromium there is
// openPage, whose page may import the package by its name.
//
// Environment: TORPOR_SOURCE, TORPOR_BUILD (test/CMakeLists.txt).

import { spawn } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { NONCE, serve } from "./support/server.mjs";

export const SOURCE = process.env.TORPOR_SOURCE ?? "";
export const BUILD = process.env.TORPOR_BUILD ?? "";

/** The folder into which the package is installed. */
export const PROJECT = join(BUILD, "npm-test");

const DEPS = join(SOURCE, "build/deps");
export const MODULES = join(SOURCE, "js/node_modules");
export const require = createRequire(join(MODULES, "x.js"));

/** What a program is started with, by the name of the host. */
export const COMMANDS = {
  node20: () => [join(DEPS, "node-20/bin/node"), "--expose-gc"],
  node22: () => [join(DEPS, "node-22/bin/node"), "--expose-gc"],
  node24: () => [join(DEPS, "node/bin/node"), "--expose-gc"],
  // Nothing but reading: the package, the tests, their data and variables.
  deno: () => [
    findBinary("@deno", "deno"),
    "run",
    `--allow-read=${PROJECT},${join(SOURCE, "test")}`,
    "--allow-env=TORPOR_SOURCE,TORPOR_BUILD,TORPOR_SEEDS",
    "--no-check",
    "--no-prompt",
    "--no-remote",
    "--cached-only",
    "--v8-flags=--expose-gc",
  ],
  bun: () => [findBinary("@oven", "bin/bun"), "run"],
};

// The packages "deno" and "bun" have the programs themselves in a package for
// each system; npm installed the one for this.
function findBinary(scope, path) {
  const kind = scope === "@deno" ? "deno" : "bun";
  const arch = { x64: ["x64"], arm64: ["arm64", "aarch64"] }[process.arch] ?? [];
  for (
    const name of arch.flatMap((word) => [
      `${scope}/linux-${word}-glibc`,
      `${scope}/${kind}-linux-${word}`,
    ])
  ) {
    const file = join(MODULES, name, path);
    if (existsSync(file)) return file;
  }
  throw new Error(
    `js/node_modules has no ${kind} for this machine; ` +
      "run tools/setup",
  );
}

/** Runs a command in the project; gives { code, output }, what it wrote. `tell` is
 * given that as it comes. */
export function runCommand([command, ...args], { cwd = PROJECT, env, tell } = {}) {
  const plain = { ...process.env, NO_COLOR: "1" };
  delete plain.FORCE_COLOR;
  const child = spawn(command, args, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...plain, ...env },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
      tell?.(text);
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on(
      "close",
      (code, signal) => resolve({ code: signal === null ? code : 1, output, signal }),
    );
  });
}

// ---- Chromium ----------------------------------------------------------------

/** Starts Chromium; gives a browser of playwright-core, to be closed. */
export function startChromium() {
  const { chromium } = require("playwright-core");
  return chromium.launch({
    executablePath: process.env.TORPOR_CHROMIUM ?? "/usr/bin/chromium",
    // Neither a sandbox nor much of /dev/shm is there for root in a container.
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--js-flags=--expose-gc"],
  });
}

/** Opens an empty page of a server of the project, from which the package can
 * be imported; gives { page, close }. What goes wrong in it is in `errors`. */
export async function openPage(browser, path = "/page.html") {
  const server = await serve(PROJECT);
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  await page.goto(server.origin + path);
  const close = async () => {
    await page.close();
    server.close();
  };
  return { page, errors, origin: server.origin, close };
}

/** Writes the page into the project. */
export function writePage() {
  const html = readFileSync(join(SOURCE, "js/test/support/page.html"), "utf8");
  writeFileSync(join(PROJECT, "page.html"), html.replace("NONCE", NONCE));
}

/** Makes one file of `entry` and what it imports; what `alias` names is taken
 * from there. The engine lies where the bundle looks for it. */
export async function bundle(entry, outfile, alias = {}) {
  const esbuild = require("esbuild");
  await esbuild.build({
    entryPoints: [entry],
    outfile,
    alias,
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "warning",
    absWorkingDir: PROJECT,
    external: ["node:*", "bun:*"],
  });
  const installed = join(PROJECT, "node_modules/torpor-vm");
  for (const name of ["engine.wasm", "zstd.wasm"]) {
    const file = join(installed, name);
    if (existsSync(file)) copyFileSync(file, join(outfile, "../..", name));
  }
}
