// SPDX-License-Identifier: MIT
//
// extension.mjs - the extensions of tests (test/extensions), and side modules
// that are put together byte by byte.

import { readData } from "./test.mjs";

const files = new Map();

/** The bytes of one; the same ones each time. */
export async function bytesOf(name) {
  if (!files.has(name)) files.set(name, await readData(`extensions/${name}.wasm`));
  return files.get(name);
}

/** One as an option; they do not poll. */
export async function extension(name, more = {}) {
  return { name, wasm: await bytesOf(name), uninstrumented: true, ...more };
}

/** Several of them. */
export function extensions(...names) {
  return Promise.all(names.map((name) => extension(name)));
}

// ---- Modules, byte by byte ----------------------------------------------------

const utf8 = new TextEncoder();

export function leb(value) {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

export const text = (string) => {
  const bytes = [...utf8.encode(string)];
  return [...leb(bytes.length), ...bytes];
};
export const list = (...items) => [...leb(items.length), ...items.flat()];
export const section = (id, content) => [id, ...leb(content.length), ...content];
export const custom = (name, content = []) => section(0, [...text(name), ...content]);
const I32 = 0x7f;

export const dylink = (memory, align, table, tableAlign) => {
  const sizes = [memory, align, table, tableAlign].flatMap(leb);
  return custom("dylink.0", [1, ...leb(sizes.length), ...sizes]);
};
export const type = (parameters, results) => [0x60, ...list(...parameters), ...list(...results)];
export const importing = (from, name, what) => [...text(from), ...text(name), ...what];
export const global = (mutable) => [3, I32, mutable];
export const body = (...code) => [...leb(code.length + 2), 0, ...code, 0x0b];

export const MEMORY = importing("env", "memory", [2, 0, 0]);
export const TABLE = importing("env", "__indirect_function_table", [1, 0x70, 0, 0]);
export const MEMORY_BASE = importing("env", "__memory_base", global(0));
export const TABLE_BASE = importing("env", "__table_base", global(0));
/** From memory base (global 0) or table base (global 1) on. */
export const from = (base, offset = 0) =>
  offset === 0 ? [0x23, base, 0x0b] : [0x23, base, 0x41, ...leb(offset), 0x6a, 0x0b];

/**
 * A module 'tiny' with an init function that gives 0, in which something is
 * otherwise: what each section is made of, and the code of the init function.
 */
export function tiny(parts = {}) {
  const {
    header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    first = dylink(16, 2, 4, 0),
    types = [type([I32, I32], [I32]), type([], [])],
    imports = [MEMORY, TABLE, MEMORY_BASE, TABLE_BASE],
    functions = [0, 1],
    middle = [],
    exports = [[...text("qjs_ext_tiny_init"), 0, 0]],
    start = [],
    elements = [[0, ...from(1), ...list(0, 1)]],
    count = [],
    code = [0x41, 0],
    more = [],
    others = [],
    data = [[0, ...from(0, 4), ...text("data")]],
    last = custom("torpor.extension", [...utf8.encode("interface=1\nname=tiny\nversion=2\n")]),
    end = custom("torpor.instrumented"),
  } = parts;
  return Uint8Array.from([
    ...header,
    ...first,
    ...section(1, list(...types)),
    ...section(2, list(...imports)),
    ...section(3, list(...functions)),
    ...middle,
    ...section(7, list(...exports)),
    ...start,
    ...section(9, list(...elements)),
    ...count,
    ...section(10, list(body(...code), body(...more), ...others)),
    ...section(11, list(...data)),
    ...last,
    ...end,
  ]);
}
