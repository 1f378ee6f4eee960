// SPDX-License-Identifier: MIT
//
// trace.mjs - makes of a module one that notes where it writes.
//
// Each store is made a call of a function that does the same and then sets a
// byte in a map of memory: byte TRACE.writes + n for the 8 bytes at 8n of the
// memory below TRACE.end. Copies and fills of whole ranges are not noted.
//
// Uses wabt's wasm2wat and wat2wasm.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const TRACE = { end: 8 << 20, writes: 12 << 20, pages: 256 };

const STORE =
  /^(\s*)((i32|i64|f32|f64)\.store\w*)( offset=(\d+))?( align=\d+)?(\)?)$/;

// The function that takes the place of a store; 'rest' is its offset.
function writeFunction(name, type, instruction, rest, offset) {
  return `(func ${name} (param i32 ${type})
    local.get 0
    i32.const ${offset}
    i32.add
    i32.const 3
    i32.shr_u
    i32.const 1
    i32.store8 offset=${TRACE.writes}
    local.get 0
    local.get 1
    ${instruction}${rest})\n`;
}

function traceText(text) {
  const functions = new Map();
  const lines = text.trimEnd().replace(/\)$/, "").split("\n").map((line) => {
    const match = STORE.exec(line);
    if (match === null) return line;
    const [, indent, instruction, type, rest = "", offset = "0", , end] = match;
    const name = `$${instruction}_${offset}`;
    functions.set(name, writeFunction(name, type, instruction, rest, offset));
    return `${indent}call ${name}${end}`;
  });
  return lines.join("\n").replace(/\(memory \(;0;\) \d+/,
                                  `(memory (;0;) ${TRACE.pages}`) +
    "\n" + [...functions.values()].join("") + ")\n";
}

export function traceWrites(wasm) {
  const folder = mkdtempSync(join(tmpdir(), "torpor-trace-"));
  const path = (name) => join(folder, name);
  const options = { maxBuffer: Infinity };
  try {
    writeFileSync(path("plain.wasm"), wasm);
    execFileSync("wasm2wat", [path("plain.wasm"), "-o", path("plain.wat")],
                 options);
    writeFileSync(path("traced.wat"),
                  traceText(readFileSync(path("plain.wat"), "utf8")));
    execFileSync("wat2wasm", [path("traced.wat"), "-o", path("traced.wasm")],
                 options);
    return readFileSync(path("traced.wasm"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
