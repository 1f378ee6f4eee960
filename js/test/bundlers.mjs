// SPDX-License-Identifier: MIT
//
// bundlers.mjs - makes the page in bundle/ with a bundler, as an application
// does that has installed the package, and looks at it in Chromium.
//
//   node bundlers.mjs vite      as it is built, and as its server gives it
//   node bundlers.mjs esbuild
//
// Neither is told where engine.wasm is. Vite finds it by new URL("...",
// import.meta.url); esbuild leaves that as it is, so the file is put where the
// bundle looks: one folder above it, as docs say.

import { cpSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bundle, PROJECT, require, SOURCE, startChromium } from "./hosts.mjs";
import { serve } from "./support/server.mjs";

const EXPECTED = "sum: 6";

// An application of its own in the project, where the package is found.
function copyPage(name) {
  const folder = join(PROJECT, name);
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(SOURCE, "js/test/bundle"), folder, { recursive: true });
  return folder;
}

// What the page shows, and what went wrong in it.
async function look(browser, url) {
  const page = await browser.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("requestfailed", (request) => wrong.push(`no ${request.url()}`));
  page.on("console", (message) => {
    if (message.type() === "error") wrong.push(message.text());
  });
  await page.goto(url);
  const found = await page.waitForFunction(
    () => document.querySelector("#result").textContent,
    undefined,
    { timeout: 30_000 },
  ).then((handle) => handle.jsonValue(), (error) => String(error));
  await page.close();
  if (found === EXPECTED && wrong.length === 0) return true;
  console.log(`the page shows ${found}`, ...wrong);
  return false;
}

async function lookAtFolder(browser, folder, path = "/") {
  const server = await serve(folder);
  try {
    return await look(browser, server.origin + path);
  } finally {
    server.close();
  }
}

const CHECKS = {
  async "vite build"(browser) {
    const { build } = await importVite();
    const root = copyPage("vite-build");
    await build({ root, logLevel: "warn", build: { target: "es2022" } });
    const assets = readdirSync(join(root, "dist/assets"));
    if (!assets.some((name) => /^engine-.*\.wasm$/.test(name))) {
      console.log(`no engine is in ${assets.join(" ")}`);
      return false;
    }
    return lookAtFolder(browser, join(root, "dist"));
  },
  async "vite server"(browser) {
    const { createServer } = await importVite();
    const root = copyPage("vite-server");
    const port = await findPort();
    const server = await createServer({
      root,
      logLevel: "warn",
      cacheDir: join(root, "cache"),
      server: { host: "127.0.0.1", port, strictPort: true },
    });
    try {
      await server.listen();
      return await look(browser, `http://127.0.0.1:${port}/`);
    } finally {
      await server.close();
    }
  },
  async "esbuild"(browser) {
    const root = copyPage("esbuild");
    await bundle(join(root, "main.js"), join(root, "dist/app/main.js"));
    cpSync(join(root, "index.html"), join(root, "dist/app/index.html"));
    return lookAtFolder(browser, join(root, "dist"), "/app/");
  },
};

// A port that nothing listens on.
async function findPort() {
  const server = await serve(PROJECT);
  server.close();
  return Number(new URL(server.origin).port);
}

function importVite() {
  return import(join(require.resolve("vite/package.json"), "../dist/node/index.js"));
}

const wanted = process.argv[2] ?? "";
const names = Object.keys(CHECKS).filter((name) => name.split(" ")[0] === wanted);
if (names.length === 0 || !existsSync(join(PROJECT, "node_modules/torpor-vm"))) {
  console.error("usage: bundlers.mjs vite|esbuild, after run.mjs install");
  process.exit(2);
}
let isGood = true;
const browser = await startChromium();
for (const name of names) {
  const done = await CHECKS[name](browser).catch((error) => {
    console.log(error);
    return false;
  });
  console.log(`${done ? "ok  " : "FAIL"} ${name}`);
  isGood &&= done;
}
await browser.close();
process.exit(isGood ? 0 : 1);
