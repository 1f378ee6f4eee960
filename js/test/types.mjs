// SPDX-License-Identifier: MIT
//
// types.mjs - compiles the programs in types/ against the types of the installed
// package, as strictly as TypeScript can, the types themselves as well. A line
// with "@ts-expect-error" must be an error.

import { cpSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT, require, runCommand, SOURCE } from "./hosts.mjs";

const STRICT = {
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noPropertyAccessFromIndexSignature: true,
  skipLibCheck: false,
  noEmit: true,
  types: [],
  target: "ES2022",
  lib: ["ES2022", "ESNext.Disposable", "DOM"],
};

// How programs find packages: as Node does, and as bundlers do.
const WAYS = {
  nodenext: { module: "NodeNext", moduleResolution: "NodeNext" },
  bundler: { module: "ESNext", moduleResolution: "Bundler" },
  es2022: {
    module: "NodeNext",
    moduleResolution: "NodeNext",
    lib: ["ES2022", "DOM"],
  },
};

const folder = join(PROJECT, "types");
rmSync(folder, { recursive: true, force: true });
cpSync(join(SOURCE, "js/test/types"), folder, { recursive: true });
const programs = readdirSync(folder).filter((name) => name.endsWith(".ts"));

let isGood = programs.length > 0;
for (const [name, options] of Object.entries(WAYS)) {
  const config = join(folder, `tsconfig.${name}.json`);
  writeFileSync(
    config,
    JSON.stringify({
      compilerOptions: { ...STRICT, ...options },
      files: programs,
    }),
  );
  const tsc = join(require.resolve("typescript/package.json"), "../bin/tsc");
  const { code, output } = await runCommand([process.execPath, tsc, "-p", config]);
  process.stdout.write(output);
  console.log(`${code === 0 ? "ok  " : "FAIL"} ${programs.join(", ")} (${name})`);
  isGood &&= code === 0;
}
process.exit(isGood ? 0 : 1);
