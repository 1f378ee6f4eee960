// hosts: node
// SPDX-License-Identifier: MIT
//
// readme.test.mjs - the programs of the package's README run, and print what the comments behind
// their lines say.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { assert, test } from "./support/test.mjs";

const run = promisify(execFile);
const home = dirname(fileURLToPath(import.meta.url));

// Where node_modules/torpor-vm is: here or above.
async function readPackage(name) {
  for (let folder = home; folder !== dirname(folder); folder = dirname(folder)) {
    try {
      return await readFile(join(folder, "node_modules/torpor-vm", name), "utf8");
    } catch (error) {
      if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw error;
    }
  }
  throw new Error(`torpor-vm has no ${name}`);
}

// What a program prints: the comments behind console.log, in order.
function expectation(code) {
  return [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].flatMap(([, said]) =>
    said.split(", ")
  );
}

const readme = await readPackage("README.md");
const programs = [...readme.matchAll(/```js\n\/\/ (\S+)\n(.*?)```/gs)];

test("there are programs in the README", () => assert.equal(programs.length >= 7, true));

for (const [, name, code] of programs) {
  test(`README: ${name}`, async () => {
    const folder = await mkdtemp(join(home, "readme-"));
    try {
      const file = join(folder, name);
      await writeFile(file, code);
      const { stdout } = await run(process.execPath, [file]);
      assert.deepEqual(stdout.trim().split("\n"), expectation(code));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
