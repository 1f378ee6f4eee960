// hosts: node24
// SPDX-License-Identifier: MIT
//
// run-native.test.mjs - what `vm.exportRun` writes, gone on with by the command.
//
// Environment: TORPOR, the command.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { QuickJS } from "torpor-vm";
import { assert, readData, test } from "./support/test.mjs";

const NAME = "main.mjs";

async function makeFile(code, { prepare = () => {}, input, extensions } = {}) {
  const vm = await QuickJS.create({ console: () => {}, extensions });
  prepare(vm);
  const main = vm.evalCode(code, NAME, { module: true });
  vm.exportHandle(main);
  vm.executePendingJobs();
  const file = vm.exportRun({ id: "run", program: NAME, files: { [NAME]: code }, input });
  vm.dispose();
  return file;
}

/** The command in a folder of its own, without native code of others' extensions; what it says. */
function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), "torpor-"));
  const env = { ...process.env, XDG_CACHE_HOME: join(folder, "cache") };
  delete env.TORPOR_EXTENSION_PATH;
  const torpor = (...args) => {
    try {
      const options = { cwd: folder, encoding: "utf8", stdio: "pipe", timeout: 120_000, env };
      return execFileSync(process.env.TORPOR, args, options);
    } catch (error) {
      if (error.status === null) throw error;
      return error.stdout + error.stderr;
    }
  };
  try {
    return work(torpor, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Imports a file, does what `then` says, and gives what the run came to. */
function goOn(file, then = () => {}, how = []) {
  return inFolder((command, folder) => {
    const torpor = (...args) => command(...args, "--store=runs");
    writeFileSync(join(folder, "file"), file);
    assert.equal(torpor("import", "file", ...how), "run\n");
    then(torpor, folder);
    torpor("resume", "run");
    const { state, value, reason } = JSON.parse(torpor("show", "run", "--json"));
    return { state, value, reason, lines: torpor("logs", "run").split("\n").slice(0, -1) };
  });
}

test("timers and signals go on", async () => {
  const file = await makeFile(
    `
    import { input, runId, signal, sleep, step } from "torpor:run";
    const timer = setInterval(() => console.log("interval"), 30);
    const named = await signal("go");
    clearInterval(timer);
    await sleep("10 ms");
    console.log(runId(), step() > 1);
    export default { named, input: input() };
  `,
    { input: { amount: 12 } },
  );
  const { state, value, lines } = goOn(file, (torpor) => torpor("signal", "run", "go", '"ann"'));
  assert.equal(state, "done");
  assert.deepEqual(value, { named: "ann", input: { amount: 12 } });
  assert.equal(lines.at(-1), "run true");
});

test("a program that has ended is done, one that has failed has failed", async () => {
  const done = goOn(await makeFile("export default 6 * 7;"));
  assert.deepEqual([done.state, done.value], ["done", 42]);
  const failed = goOn(await makeFile("await null; throw new RangeError('too far');"));
  assert.equal(failed.state, "failed");
  assert.match(failed.reason, /^RangeError: too far \(main\.mjs:1:\d+\)$/);
});

test("jobs that had not run are run", async () => {
  const vm = await QuickJS.create();
  const code = "await null; console.log('ran'); export default 1;";
  vm.exportHandle(vm.evalCode(code, NAME, { module: true }));
  assert.equal(vm.hasPendingJobs, true);
  const file = vm.exportRun({ id: "run", program: NAME, files: { [NAME]: code } });
  vm.dispose();
  const { state, lines } = goOn(file);
  assert.deepEqual([state, lines], ["done", ["ran"]]);
});

test("what nobody could do again is rejected as lost", async () => {
  const prepare = (vm) => {
    const fetching = vm.newFunction("pay", () => vm.beginOperation("payment", { sum: 3 }).promise);
    vm.setProp(vm.global, "pay", fetching);
  };
  const { state, value } = goOn(
    await makeFile("export default await pay().catch((error) => error.name);", { prepare }),
  );
  assert.deepEqual([state, value], ["done", "LostError"]);
});

test("functions that only its host had are named when they are called", async () => {
  const prepare = (vm) => vm.setProp(vm.global, "ask", vm.newFunction("ask", () => 1));
  const { state, reason } = goOn(
    await makeFile(`import { sleep } from "torpor:run"; await sleep(10); ask();`, { prepare }),
  );
  assert.equal(state, "failed");
  assert.match(reason, /host function 'ask' is not bound/);
});

test("a run starts again from its beginning", async () => {
  const code =
    `console.log("begins"); await new Promise((go) => setTimeout(go, 10)); export default 1;`;
  const { state, lines } = goOn(await makeFile(code), (torpor) => torpor("rewind", "run", "0"));
  assert.deepEqual([state, lines], ["done", ["begins"]]);
});

// ---- Extensions ------------------------------------------------------------------

const LIST = `
  import { signal } from "torpor:run";
  const heard = [];
  const list = new MyList((number) => heard.push(number));
  list.push(40);
  console.log(my_listSize(list.length));
  await signal("go");
  list.push(2);
  console.log(my_listSize(list.length));
  export default { sum: list.sum(), heard };
`;

/** The module of what 'torpor extension new' writes. */
function buildList() {
  return inFolder((torpor, folder) => {
    torpor("extension", "new", "my-list");
    const said = torpor("extension", "build", "--out=my-list.wasm", "my-list/my-list.c");
    assert.equal(said, "");
    return readFileSync(join(folder, "my-list.wasm"));
  });
}

test("an extension of one's own goes along, with its objects", async () => {
  const file = await makeFile(LIST, { extensions: [{ name: "my-list", wasm: buildList() }] });
  const go = (torpor) => torpor("signal", "run", "go", "1");
  // Native code of it is made where that is said, and only there.
  inFolder((torpor, folder) => {
    writeFileSync(join(folder, "file"), file);
    const said = torpor("import", "file", "--store=runs");
    assert.match(said, /extension 'my-list': there is no native code/);
    assert.match(said, /--make-extensions/);
  });
  const { state, value, lines } = goOn(file, go, ["--make-extensions"]);
  assert.deepEqual([state, value], ["done", { sum: 42, heard: [40, 2] }]);
  assert.deepEqual(lines, ["some"]);
  // It begins again with what the file brought.
  const rewind = (torpor) => {
    torpor("rewind", "run", "0");
    go(torpor);
  };
  const again = goOn(file, rewind, ["--make-extensions"]);
  assert.deepEqual([again.value, again.lines], [{ sum: 42, heard: [40, 2] }, ["one", "some"]]);
});

test("extensions that ship go along, in their order", async () => {
  const code = `
    import { signal } from "torpor:run";
    const url = new URL("https://example.org/?a=1");
    const decoder = new TextDecoder("shift_jis");
    const begun = decoder.decode(Uint8Array.of(0x93), { stream: true });
    await signal("go");
    url.searchParams.append("b", new Headers({ c: "2" }).get("C"));
    export default [url.href, begun + decoder.decode(Uint8Array.of(0xfa))];
  `;
  const extensions = await Promise.all(
    ["url", "encoding", "encoding-legacy"].map(async (name) => {
      return { name, wasm: await readData(`shipped/${name}.wasm`) };
    }),
  );
  const file = await makeFile(code, { extensions });
  const wanted = ["https://example.org/?a=1&b=2", "日"];
  const go = (torpor) => torpor("signal", "run", "go", "1");
  assert.deepEqual(goOn(file, go).value, wanted);
  const again = goOn(file, (torpor) => {
    torpor("rewind", "run", "0");
    go(torpor);
  });
  assert.deepEqual(again.value, wanted);
});

test("the command keeps as many extensions, and as large ones", () => {
  inFolder((torpor, folder) => {
    writeFileSync(join(folder, NAME), "");
    const run = (count) =>
      torpor("run", NAME, "--detach", ...Array(count).fill("--extension=./none.wasm"));
    assert.match(run(32), /none\.wasm cannot be read/);
    assert.match(run(33), /a run keeps at most 32 extensions/);
    // Of zeros, which are no module, but that is looked at later.
    writeFileSync(join(folder, "none.wasm"), new Uint8Array(16 << 20));
    assert.match(run(1), /is no side module/);
    writeFileSync(join(folder, "none.wasm"), new Uint8Array((16 << 20) + 1));
    assert.match(run(1), /has more than 16 MiB/);
  });
});
