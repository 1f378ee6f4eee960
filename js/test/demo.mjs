// SPDX-License-Identifier: MIT
//
// demo.mjs - the page of examples/browser as somebody uses it: built by Vite,
// looked at in Chromium, and what it downloads gone on with by the command.
//
//   node demo.mjs [PICTURE.png]   PICTURE: where to put what the README shows
//
// Environment: besides that of hosts.mjs, TORPOR, the command.

import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { MODULES, PROJECT, require, runCommand, SOURCE, startChromium } from "./hosts.mjs";

const FOLDER = join(PROJECT, "demo");
const PICTURE = join(SOURCE, "docs/browser.png");
const PICTURE_LARGEST = 150_000;
const SIZE = { width: 1180, height: 840 };

const PROGRAM = `import { signal, sleep } from "torpor:run";
let n = 0;
async function count() {
  while (n < 40) {
    await sleep(100);
    console.log(\`n \${++n}\`);
  }
}
const counted = count();
console.log(\`go: \${await signal("go")}\`);
await counted;
console.log("end");
`;

// ---- The page --------------------------------------------------------------------

async function build() {
  rmSync(FOLDER, { recursive: true, force: true });
  cpSync(join(SOURCE, "examples/browser"), FOLDER, {
    recursive: true,
    filter: (path) => !/\/(node_modules|dist)$/.test(path),
  });
  const checked = await runCommand([
    process.execPath,
    join(MODULES, "typescript/bin/tsc"),
    "-p",
    FOLDER,
  ]);
  assert.equal(checked.code, 0, checked.output);
  const vite = await import(join(MODULES, "vite/dist/node/index.js"));
  await vite.build({ root: FOLDER, logLevel: "warn" });
  return vite.preview({ root: FOLDER, logLevel: "warn", preview: { host: "127.0.0.1", port: 0 } });
}

/** A page, and what went wrong in it or was asked of anybody else. */
async function open(browser, origin) {
  const context = await browser.newContext({ viewport: SIZE, acceptDownloads: true });
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") wrong.push(message.text());
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !/^(blob|data):/.test(url)) wrong.push(`asks ${url}`);
  });
  page.on("requestfailed", (request) => wrong.push(`no ${request.url()}`));
  await page.goto(origin);
  return { page, wrong };
}

const linesOf = (page) => page.locator("#console > div").allTextContents();
const stateOf = (page) => page.textContent("#state");
const wait = (page, ms) => page.waitForTimeout(ms);

/** Waits until the console has a line. */
async function waitForLine(page, line) {
  await page.waitForFunction(
    (wanted) =>
      [...document.querySelectorAll("#console > div")].some(({ textContent }) =>
        textContent.startsWith(wanted)
      ),
    line,
    { timeout: 20_000 },
  );
}

/** The lines "n 1", "n 2", ... of the program, none missing, none twice. */
function checkCount(lines) {
  const counted = lines.filter((line) => line.startsWith("n "));
  assert.deepEqual(counted, counted.map((_, i) => `n ${i + 1}`));
  return counted.length;
}

async function run(page, source) {
  await page.fill("#source", source);
  await page.click("#run");
}

// ---- What is tried -----------------------------------------------------------------

const TESTS = {
  async "the sample runs, and shows where it waits"(page, { picture }) {
    await page.click("#run");
    await waitForLine(page, "tick 2");
    await page.fill("#waiting input", "Ada");
    await page.click("#waiting .send");
    await waitForLine(page, "Ada came after 2 ticks");
    await waitForLine(page, "tick 3");
    const waiting = await page.textContent("#waiting");
    assert.match(waiting, /signal.*welcome waits at main\.mjs:18:\d+/);
    assert.match(waiting, /timer.*in \d\.\d s.*tick waits at main\.mjs:10:\d+/);
    const marked = await page.locator("#gutter .waits").evaluateAll((items) =>
      items.map((item) => [...item.parentElement.children].indexOf(item) + 1)
    );
    assert.deepEqual(marked, [10, 18, 27]);
    await page.mouse.move(0, 0);
    await page.screenshot({ path: picture, animations: "disabled" });
  },

  async "it sleeps, and wakes after a reload"(page) {
    await run(page, PROGRAM);
    await waitForLine(page, "n 3");
    await page.click("#sleep");
    await page.waitForSelector("[data-state=asleep]");
    assert.match(await stateOf(page), /^asleep · fell asleep in [\d,]+ µs$/);
    assert.match(await page.textContent("#asleep"), /^\s*[\d,]+ bytes in this browser/);
    const before = await linesOf(page);
    await page.reload();
    await page.waitForSelector("[data-state=asleep]");
    await wait(page, 400);
    assert.deepEqual(await linesOf(page), before);
    assert.equal(await page.inputValue("#source"), PROGRAM);
    await page.click("#wake");
    await waitForLine(page, `n ${before.length + 2}`);
    assert.match(await stateOf(page), /^runs, turn \d+ · woke in [\d,]+ µs$/);
    assert.ok(checkCount(await linesOf(page)) >= before.length + 2);
    await page.reload();
    await wait(page, 300);
    assert.equal(await page.isVisible("#wake"), false, "what has woken sleeps no more");
  },

  async "it goes back to a turn, and on from there"(page) {
    await run(page, PROGRAM);
    await waitForLine(page, "n 5");
    await page.click("#turns button:nth-child(3)");
    await page.waitForSelector("[data-state=standing]");
    assert.match(await stateOf(page), /^stands still, turn 3 · /);
    assert.deepEqual(await linesOf(page), ["n 1", "n 2"]);
    assert.ok(await page.locator("#turns .later").count() >= 3);
    assert.equal(await page.isDisabled("#waiting .send"), true);
    await wait(page, 400);
    assert.deepEqual(await linesOf(page), ["n 1", "n 2"]);
    await page.click("#turns button:nth-child(5)");
    await page.waitForFunction(() => document.querySelectorAll("#console > div").length === 4);
    await page.click("#turns button:nth-child(3)");
    await page.waitForFunction(() => document.querySelectorAll("#console > div").length === 2);
    await page.click("#go-on");
    await waitForLine(page, "n 4");
    assert.equal(await page.locator("#turns .later").count(), 0);
    checkCount(await linesOf(page));
    await page.fill("#waiting input", "Eve");
    await page.click("#waiting .send");
    await waitForLine(page, "go: Eve");
    await waitForLine(page, "end");
    assert.match(await stateOf(page), /^has ended, turn /);
    assert.equal(checkCount(await linesOf(page)), 40);
  },

  async "its file goes on natively"(page) {
    await run(page, PROGRAM);
    await waitForLine(page, "n 3");
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#download")]);
    const before = checkCount(await linesOf(page));
    assert.equal(download.suggestedFilename(), "program.torpor");
    await goOnNatively(await download.path(), [3, before], "Bob");
  },

  async "so does that of one that sleeps"(page) {
    await run(page, PROGRAM);
    await waitForLine(page, "n 2");
    await page.click("#sleep");
    await page.waitForSelector("[data-state=asleep]");
    const before = checkCount(await linesOf(page));
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#download")]);
    await goOnNatively(await download.path(), [before, before], "Zoe");
    await page.click("#wake");
    await waitForLine(page, `n ${before + 1}`);
    checkCount(await linesOf(page));
  },

  async "programs that are wrong say so"(page) {
    await run(page, "let = ;");
    await waitForLine(page, "SyntaxError: ");
    assert.match(await stateOf(page), /^has failed, /);
    await run(page, 'await 0; throw new TypeError("no more")');
    await waitForLine(page, "TypeError: no more");
    await run(
      page,
      'setTimeout(() => Promise.reject(new Error("nobody")), 10); await new Promise(() => {})',
    );
    await waitForLine(page, "unhandled rejection: Error: nobody");
    await run(page, 'import "./other.mjs"');
    await page.waitForSelector("[data-state=failed]");
    await run(page, "setTimeout(() => { for (;;); }, 10)");
    await waitForLine(page, "InterruptedError: ");
    await run(page, "const all = []; for (;;) all.push(new Array(1e5).fill(all.length))");
    await page.waitForSelector("#console .error");
    assert.match(await stateOf(page), /^has failed, /);
    await run(page, 'console.log("fine")');
    await waitForLine(page, "fine");
    assert.match(await stateOf(page), /^has ended, turn 1$/);
  },

  async "it fits on a phone, light and dark"(page) {
    await run(page, PROGRAM);
    await waitForLine(page, "n 1");
    await page.setViewportSize({ width: 360, height: 740 });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.equal(width, 360);
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const grounds = [];
    for (let i = 0; i < 3; i++) {
      await page.click("#theme");
      grounds.push(`${await page.textContent("#theme")} ${await ground()}`);
    }
    assert.deepEqual(grounds, [
      "light rgb(244, 243, 248)",
      "dark rgb(20, 19, 28)",
      "auto rgb(244, 243, 248)",
    ]);
  },
};

/**
 * Imports a file, sends the signal, and lets it run to its end. `before`: between which counts it
 * was made.
 */
async function goOnNatively(file, before, name) {
  const store = join(FOLDER, `${name}.store`);
  const torpor = async (...args) => {
    const done = await runCommand([process.env.TORPOR, ...args, `--store=${store}`]);
    assert.equal(done.code, 0, done.output);
    return done.output;
  };
  assert.equal(await torpor("import", file), "program\n");
  assert.match(await torpor("show", "program"), /timer.*signal|signal.*timer/s);
  await torpor("signal", "program", "go", JSON.stringify(name));
  await torpor("resume", "program");
  const lines = (await torpor("logs", "program")).trim().split("\n");
  const counted = lines.filter((line) => line.startsWith("n "));
  const first = Number(counted[0].slice(2)) - 1;
  assert.ok(first >= before[0] && first <= before[1], `${counted[0]} came after n ${before}`);
  assert.deepEqual(counted, Array.from({ length: 40 - first }, (_, i) => `n ${first + i + 1}`));
  assert.ok(lines.includes(`go: ${name}`));
  assert.equal(lines.at(-1), "end");
}

/** What the README shows is a picture of this page, and small. */
function checkPicture() {
  const bytes = readFileSync(PICTURE);
  assert.equal(bytes.subarray(1, 4).toString(), "PNG");
  assert.ok(bytes.length < PICTURE_LARGEST, `docs/browser.png has ${bytes.length} bytes`);
  assert.deepEqual([bytes.readUInt32BE(16), bytes.readUInt32BE(20)], [SIZE.width, SIZE.height]);
}

// ---- All of it -----------------------------------------------------------------------

async function tryAll(browser, origin, picture) {
  let isGood = true;
  for (const [name, test] of Object.entries(TESTS)) {
    const { page, wrong } = await open(browser, origin);
    const begin = Date.now();
    try {
      await test(page, { picture });
      assert.deepEqual(wrong, []);
      console.log(`ok   ${name} (${Date.now() - begin} ms)`);
    } catch (error) {
      isGood = false;
      console.log(`FAIL ${name}: ${error.stack}`, ...wrong);
      console.log(await page.innerText("body").catch(String));
    }
    await page.context().close();
  }
  return isGood;
}

async function main() {
  const server = await build();
  const browser = await startChromium();
  try {
    const origin = `http://127.0.0.1:${server.httpServer.address().port}/`;
    const isGood = await tryAll(browser, origin, process.argv[2] ?? join(FOLDER, "browser.png"));
    if (process.argv[2] === undefined) checkPicture();
    return isGood;
  } finally {
    await browser.close();
    await server.close();
  }
}

process.exit(await main() ? 0 : 1);
