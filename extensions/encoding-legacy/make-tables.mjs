// SPDX-License-Identifier: MIT
//
// make-tables.mjs - writes tables.h: the indexes and labels of the Encoding
// Standard, out of the npm package @exodus/bytes.
//
//   node make-tables.mjs PACKAGE OUT SHA256
//
// Its modules are not part of that package's interface, so what comes out must
// have the hash that CMakeLists.txt names. When a new version of the package is
// taken: look at what differs, run the tests, and put the new hash there.

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, out, hash] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(resolve(folder, "fallback", name)).href);
const { default: labels } = await load("encoding.labels.js");
const { getEncoding } = await load("single-byte.js");
const { getTable } = await load("multi-byte.table.js");

/** Those that have code of their own, here or in the extension encoding. */
const NO_TABLE = new Set([
  ...["utf-8", "utf-16le", "utf-16be", "windows-1252", "replacement"],
  ...["gbk", "gb18030", "big5", "euc-jp", "euc-kr", "shift_jis", "iso-2022-jp", "x-user-defined"],
]);
const SHARED = { "iso-8859-8-i": "iso-8859-8" };

const identifier = (name) => name.replace(/[^a-z0-9]/g, "_");

function array(type, name, values) {
  const lines = [];
  for (let i = 0; i < values.length; i += 16) {
    lines.push([...values.slice(i, i + 16)].join(","));
  }
  return `static const ${type} ${name}[${values.length}] = {\n${lines.join(",\n")}};\n`;
}

/** One character beyond 16 bits is a pair of surrogates. */
function codePoint(entry) {
  if (entry <= 0xffff) return entry;
  return String.fromCharCode(entry >>> 16, entry & 0xffff).codePointAt(0);
}

/** All in big5 is in plane 0 or 2; the four pairs of characters are left to the decoder. */
function big5() {
  const points = Array.from(getTable("big5"), codePoint);
  for (const pointer of [1133, 1135, 1164, 1166]) points[pointer] = 0;
  const planes = new Uint8Array(Math.ceil(points.length / 8));
  points.forEach((point, i) => {
    const plane = point >>> 16;
    if (plane !== 0 && plane !== 2) throw new Error(`big5 has U+${point.toString(16)}`);
    if (plane === 2) planes[i >> 3] |= 1 << (i & 7);
  });
  return array("uint16_t", "index_big5", points.map((point) => point & 0xffff)) +
    array("uint8_t", "index_big5_planes", planes);
}

/** The last range is that beyond 16 bits, which the decoder knows. */
function ranges() {
  const list = getTable("gb18030-ranges");
  const last = list.pop();
  if (last[0] !== 189000 || last[1] !== 0x10000) throw new Error("gb18030-ranges differ");
  return array("uint16_t", "index_gb18030_ranges", list.flat());
}

/** The upper half; what a list leaves out at its end is as in Unicode. */
function singleBytes(name) {
  const list = getEncoding(name);
  return Array.from({ length: 128 }, (_, i) => list[i] ?? 128 + i);
}

let text = "/* Made by make-tables.mjs. */\n";
for (const name of ["jis0208", "jis0212", "euc-kr", "gb18030"]) {
  text += array("uint16_t", `index_${identifier(name)}`, getTable(name));
}
text += big5() + ranges();
const rows = [];
for (const name of Object.keys(labels).sort()) {
  const words = ` ${[name, ...labels[name]].sort().join(" ")} `;
  if (NO_TABLE.has(name)) {
    text += `#define LABELS_${identifier(name)} ${JSON.stringify(words)}\n`;
    continue;
  }
  const table = `index_${identifier(SHARED[name] ?? name)}`;
  if (!(name in SHARED)) text += array("uint16_t", table, singleBytes(name));
  rows.push(`ROW(${JSON.stringify(name)}, ${table}, ${JSON.stringify(words)})`);
}
text += `#define SINGLE_BYTES(ROW) \\\n${rows.join(" \\\n")}\n`;

const found = createHash("sha256").update(text).digest("hex");
if (found !== hash) {
  console.error(`make-tables.mjs: the tables have SHA-256 ${found}, not ${hash}; see my head`);
  process.exit(1);
}
writeFileSync(out, text);
