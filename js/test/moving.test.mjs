// SPDX-License-Identifier: MIT
//
// moving.test.mjs - the programs of docs/moving-from-*.md run, with the packages
// that they import, and print what the comments behind their lines say: those
// from before as well as those from after.
//
// hosts: node

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, test } from "./support/test.mjs";
import { MODULES, runCommand, SOURCE } from "./hosts.mjs";

const home = dirname(fileURLToPath(import.meta.url));

/** What a program prints: the comments behind console.log. */
const printed = (code) =>
  [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, said]) => said);

/** The other packages are not installed beside the tests. */
function point(code) {
  return code.replace(
    /"(quickjs-wasi|quickjs-emscripten)(\/[\w.]+)?"/g,
    (_, name, file) =>
      JSON.stringify(
        file ? `file://${MODULES}/${name}${file}` : join(MODULES, name, ENTRY[name]),
      ),
  );
}

const ENTRY = { "quickjs-wasi": "dist/index.js", "quickjs-emscripten": "dist/index.mjs" };

async function run(name, code) {
  const folder = await mkdtemp(join(home, "moving-"));
  try {
    const file = join(folder, name);
    await writeFile(file, point(code));
    const { code: status, output } = await runCommand([process.execPath, file]);
    assert.equal(status, 0, output);
    return output.trim().split("\n");
  } finally {
    await rm(folder, { recursive: true });
  }
}

for (const peer of ["quickjs-wasi", "quickjs-emscripten"]) {
  const page = await readFile(join(SOURCE, `docs/moving-from-${peer}.md`), "utf8");
  const programs = [...page.matchAll(/```js\n\/\/ (\S+)\n(.*?)```/gs)];
  const said = new Map();
  test(`the page on ${peer} has programs`, () => assert(programs.length >= 3));
  for (const [, name, code] of programs) {
    test(`moving from ${peer}: ${name}`, async () => {
      const expected = printed(code);
      assert(expected.length > 0);
      assert.deepEqual(await run(name, code), expected);
      const [kind] = name.split("-");
      assert.deepEqual(expected, said.get(kind) ?? expected, "before and after say the same");
      said.set(kind, expected);
    });
  }
}
