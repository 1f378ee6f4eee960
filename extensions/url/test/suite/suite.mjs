// SPDX-License-Identifier: MIT
//
// suite.mjs - the public suite's data for URL and URLPattern, in a VM.
//
//   node suite.mjs PACKAGE EXTENSION DATA
//
// PACKAGE is the folder of the npm package torpor-vm, EXTENSION url.wasm, DATA the
// folder of the suite's JSON (build/deps/url-suite, which is part of ada's crate).
// Prints how many cases are good; exits with 1 when one is not.

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [pkg, extension, data] = process.argv.slice(2);
const { QuickJS } = await import(pathToFileURL(resolve(pkg, "dist/index.js")).href);
const wasm = readFileSync(extension);
const vm = await QuickJS.create({ extensions: [{ name: "url", wasm }] });
const names = [
  ...["urltestdata", "urltestdata-javascript-only", "setters_tests", "toascii"],
  ...["IdnaTestV2", "IdnaTestV2-removed", "urlpatterntestdata"],
];
const files = names.map((name) => [name, readFileSync(join(data, `${name}.json`), "utf8")]);
const guest = readFileSync(new URL("guest.js", import.meta.url), "utf8");
vm.evalCode(`globalThis.DATA = ${JSON.stringify(Object.fromEntries(files))}; 0`).dispose();
const report = JSON.parse(vm.evalCode(guest, "guest.js").toString());
for (const line of report.failures.slice(0, 50)) console.log(line);
for (const [name, { good, bad }] of Object.entries(report.counts)) {
  console.log(`${name}: ${good} good, ${bad} bad`);
}
vm.dispose();
process.exitCode = report.failures.length > 0 ? 1 : 0;
