// SPDX-License-Identifier: MIT
//
// bundle.mjs - src/ of a package becomes the JavaScript in its dist/: a file for
// each that package.json names, and what they share in a few more. A host reads
// one file of a hundred modules twenty times as fast as the modules.
//
//   node bundle.mjs PACKAGE
//
// Where package.json names dist/NAME.js, src/NAME.ts is bundled. What a host needs
// no time for is left out: comments, and names of constants. Lines and all other
// names stay, so that what an error says of a place can be read.

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { rolldown } from "rolldown";

const [folder, ...more] = process.argv.slice(2);
if (folder === undefined || more.length > 0) {
  console.error("usage: bundle.mjs PACKAGE");
  process.exit(2);
}
const root = resolve(folder);
const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

// All paths in what a field of package.json says, however deep.
function pathsIn(value) {
  return typeof value === "string" ? [value] : Object.values(value).flatMap(pathsIn);
}

const names = pathsIn(exports).map((path) => /^\.\/dist\/(.+)\.js$/.exec(path)?.[1]);
const found = [...new Set(names.filter((name) => name !== undefined))];
const bundle = await rolldown({
  cwd: root,
  input: Object.fromEntries(found.map((name) => [name, `src/${name}.ts`])),
  platform: "neutral",
  transform: { target: "es2022" },
  optimization: { inlineConst: true },
});
await bundle.write({
  dir: "dist",
  format: "es",
  entryFileNames: "[name].js",
  chunkFileNames: "shared-[hash].js",
  minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
  comments: { annotation: true, jsdoc: false, legal: false },
  sourcemap: true,
  sourcemapExcludeSources: true,
});
