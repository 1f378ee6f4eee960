// SPDX-License-Identifier: MIT
//
// fuzz.mjs - random bytes and strings through TextDecoder and TextEncoder in a VM,
// beside another implementation of the standard (@exodus/bytes) and this host's
// TextEncoder.
//
//   node fuzz.mjs PACKAGE EXTENSIONS BYTES [SEED [ROUNDS]]
//
// PACKAGE is the folder of the npm package torpor-vm, EXTENSIONS that of
// encoding.wasm and encoding-legacy.wasm, BYTES that of @exodus/bytes. Exits with
// 1 when something differs, after the seed and the input of each.

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [pkg, folder, bytes, first = "1", rounds = "200"] = process.argv.slice(2);
const load = (...path) => import(pathToFileURL(resolve(...path)).href);
const { QuickJS } = await load(pkg, "dist/index.js");
const { default: labels } = await load(bytes, "fallback/encoding.labels.js");
const { TextDecoder: Reference } = await load(bytes, "encoding.js");

const extensions = ["encoding", "encoding-legacy"].map((name) => ({
  name,
  wasm: readFileSync(join(folder, `${name}.wasm`)),
}));
const vm = await QuickJS.create({ extensions, memoryLimit: 64 << 20 });

let seed = Number(first);
function random(below) {
  seed = Math.imul(seed, 1103515245) + 12345 & 0x7fffffff;
  return (seed >>> 8) % below;
}
const pick = (list) => list[random(list.length)];

/** Bytes that mean something special in an encoding. */
const SPECIAL = {
  "iso-2022-jp": [0x1b, 0x24, 0x28, 0x42, 0x40, 0x4a, 0x49, 0x21, 0x30, 0x7e, 0x5c, 0x0e],
  "utf-8": [0xef, 0xbb, 0xbf, 0xf0, 0x9f, 0x98, 0x80, 0xed, 0xa0, 0xe0, 0xf4, 0x8f, 0x90, 0xc0],
  "utf-16le": [0x00, 0xd8, 0xdc, 0xff, 0xfe, 0x3d],
  "utf-16be": [0x00, 0xd8, 0xdc, 0xff, 0xfe, 0x3d],
};

function randomByte(name) {
  if (SPECIAL[name] && random(3) > 0) return pick(SPECIAL[name]);
  return pick([random(128), 0x30 + random(16), 0x81 + random(126), random(256)]);
}

// What both sides run: the units in hexadecimal, or the name of an error.
const decodeAll = `(Decoder, label, parts, options) => {
  const decoder = new Decoder(label, options);
  let text = "";
  try {
    parts.forEach((part, i) => text += decoder.decode(part, { stream: i < parts.length - 1 }));
  } catch (error) {
    return error.name;
  }
  return Array.from(text, (_, i) => text.charCodeAt(i).toString(16)).join(" ");
}`;
const wanted = eval(decodeAll);
vm.evalCode(`
  const decodeAll = ${decodeAll};
  globalThis.decode = (label, hexes, options) =>
    decodeAll(TextDecoder, label, hexes.map((hex) => Uint8Array.fromHex(hex)), options);
  globalThis.encode = (text, room) => {
    const encoder = new TextEncoder();
    const into = new Uint8Array(room);
    const { read, written } = encoder.encodeInto(text, into);
    return [encoder.encode(text).toHex(), read, written, into.toHex()].join();
  };
  0`).dispose();

const inVm = (name, ...args) => {
  const call = vm.evalCode(`${name}(${args.map((arg) => JSON.stringify(arg)).join()})`);
  const text = call.toString();
  call.dispose();
  return text;
};

let failures = 0;
function compare(found, expected, ...what) {
  if (found === expected || failures++ >= 20) return;
  console.log(`seed ${first}:`, ...what, `\n  ours  ${found}\n  other ${expected}`);
}

function tryDecoder(name) {
  const parts = Array.from(
    { length: 1 + random(4) },
    () => Uint8Array.from({ length: random(14) }, () => randomByte(name)),
  );
  const options = { fatal: random(4) === 0, ignoreBOM: random(2) === 0 };
  const hexes = parts.map((part) => Buffer.from(part).toString("hex"));
  const expected = wanted(Reference, name, parts, options);
  compare(inVm("decode", name, hexes, options), expected, name, hexes.join("|"), options);
}

function tryEncoder() {
  const kinds = [0x80, 0x100, 0x800, 0xd800, 0x10000];
  const text = Array.from({ length: random(40) }, () => {
    const unit = random(8) === 0 ? 0xd800 + random(0x800) : random(pick(kinds));
    return random(9) === 0 ? "\u{1f600}" : String.fromCharCode(unit);
  }).join("");
  const room = random(30);
  const encoder = new TextEncoder();
  const into = new Uint8Array(room);
  const { read, written } = encoder.encodeInto(text, into);
  const hex = (list) => Buffer.from(list).toString("hex");
  const expected = [hex(encoder.encode(text)), read, written, hex(into)].join();
  compare(inVm("encode", text, room), expected, JSON.stringify(text), room);
}

const names = Object.keys(labels).filter((name) => name !== "replacement");
for (let round = 0; round < Number(rounds); round++) {
  names.forEach(tryDecoder);
  for (let i = 0; i < 10; i++) tryEncoder();
}
for (const name of names) {
  for (const label of [name, ...labels[name]]) {
    const found = vm.evalCode(`new TextDecoder(${JSON.stringify(label.toUpperCase())}).encoding`);
    compare(found.consume((handle) => handle.toString()), name, label);
  }
}
vm.dispose();
console.log(`${rounds} rounds with seed ${first}: ${failures} differences`);
process.exitCode = failures > 0 ? 1 : 0;
