// SPDX-License-Identifier: MIT
//
// make-engine-id.mjs - writes engine-id.ts: which engine a package carries, and
// the version of the package.
//
//   node make-engine-id.mjs ENGINE.wasm OUT.ts

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

// The version of the QuickJS-NG in it, as the engine itself says. An instance
// begins initialised: nothing of it needs to run, nor any import to work.
function readVersion(module) {
  const torpor = {};
  for (const { name } of WebAssembly.Module.imports(module)) {
    torpor[name] = () => 0;
  }
  const { exports } = new WebAssembly.Instance(module, { torpor });
  const bytes = new Uint8Array(exports.memory.buffer, exports.JS_GetVersion(), 32);
  const text = new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  if (!/^[0-9][\w.+-]*$/.test(text)) throw new Error(`version is '${text}'`);
  return text;
}

function describe(file) {
  const bytes = readFileSync(file);
  const module = new WebAssembly.Module(bytes);
  const [section = new ArrayBuffer(0)] = WebAssembly.Module.customSections(module, "torpor");
  const { version } = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  );
  return `\
// SPDX-License-Identifier: MIT
//
// engine-id.ts - the engine that this package carries, and its own version.
// Written by js/tools/make-engine-id.mjs.

/** The SHA-256 of engine.wasm. */
export const ENGINE_ID =
  "${createHash("sha256").update(bytes).digest("hex")}";

/** The content of its section "torpor" in hexadecimal; empty: it has none. */
export const ENGINE_FINGERPRINT =
  "${Buffer.from(section).toString("hex")}";

/** The version of its QuickJS-NG. */
export const QUICKJS_VERSION = "${readVersion(module)}";

/** The version of this package. */
export const PACKAGE_VERSION = "${version}";
`;
}

const [engine, out, ...more] = process.argv.slice(2);
if (out === undefined || more.length > 0) {
  console.error("usage: make-engine-id.mjs ENGINE.wasm OUT.ts");
  process.exit(2);
}
const text = describe(engine);
if (!existsSync(out) || readFileSync(out, "utf8") !== text) {
  writeFileSync(out, text);
}
