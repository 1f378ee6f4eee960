// SPDX-License-Identifier: MIT
//
// engine-hostile.test.mjs - WebAssembly modules that are no engine, or the
// engine with bytes changed: they are refused by class, or end their own VM.

import { assert, test } from "./support/test.mjs";
import { run } from "./support/vm.mjs";
import { EngineError, FormatError, OutOfMemoryError, QuickJS, TorporError } from "torpor-vm";

// ---- A small assembler --------------------------------------------------------------

const leb = (n) => {
  const bytes = [];
  do {
    const more = n > 127;
    bytes.push((n & 127) | (more ? 128 : 0));
    n >>>= 7;
  } while (n > 0);
  return bytes;
};
const text = (string) => [...leb(string.length), ...new TextEncoder().encode(string)];
const list = (items) => [...leb(items.length), ...items.flat()];
const section = (id, content) => [id, ...leb(content.length), ...content];
const I32 = 0x7f, I64 = 0x7e;
const FUNC = 0, TABLE = 1, MEMORY = 2, GLOBAL = 3;

const GLOBALS = {
  torpor_control: [I32, 0, 0x41, 0x80, 0x08, 0x0b], // i32.const 1024
  __stack_pointer: [I32, 1, 0x41, 0x80, 0x08, 0x0b],
};

/** A module that looks like an engine, but for what is said otherwise. */
function assemble(
  {
    imports = [],
    memory = [0x00, 2],
    globals = GLOBALS,
    functions = ["torpor_open", "torpor_wake", "torpor_allocate", "torpor_release"],
    body = [0x41, 0, 0x0b],
    start = false,
    leave = [],
  } = {},
) {
  const names = Object.keys(globals);
  const exported = [
    ["memory", MEMORY, 0],
    ["__indirect_function_table", TABLE, 0],
    ...names.map((name, i) => [name, GLOBAL, i]),
    ...functions.map((name) => [name, FUNC, imports.length]),
  ].filter(([name]) => !leave.includes(name));
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list([[0x60, 0, 1, I32], [0x60, 0, 0], [0x60, 0, 1, I64]])),
    ...section(2, list(imports)),
    ...section(3, list([[0], [1]])),
    ...section(4, list([[0x70, 0, 1]])),
    ...section(5, list([memory])),
    ...section(6, list(names.map((name) => globals[name]))),
    ...section(
      7,
      list(exported.map(([name, kind, index]) => [...text(name), kind, ...leb(index)])),
    ),
    ...(start ? section(8, leb(imports.length + 1)) : []),
    ...section(
      10,
      list([[...leb(body.length + 1), 0, ...body], [
        ...leb(3 + (start ? 1 : 0)),
        0,
        ...(start ? [0x00] : []),
        0x01,
        0x0b,
      ]]),
    ),
  ]);
}

const HOSTILE = {
  "nothing but a shape": {},
  "no memory": { leave: ["memory"] },
  "no table": { leave: ["__indirect_function_table"] },
  "no stack pointer": { leave: ["__stack_pointer"] },
  "no control block": { leave: ["torpor_control"] },
  "no functions": { functions: [] },
  "a start function that traps": { start: true },
  "an import of a memory": { imports: [[...text("torpor"), ...text("m"), MEMORY, 0, 1]] },
  "an import of a global": { imports: [[...text("torpor"), ...text("g"), GLOBAL, I32, 0]] },
  "an import from elsewhere": { imports: [[...text("env"), ...text("f"), FUNC, 0]] },
  "an import of another name": { imports: [[...text("torpor"), ...text("format_disk"), FUNC, 0]] },
  "a control block behind its memory": {
    globals: { ...GLOBALS, torpor_control: [I32, 0, 0x41, 0x80, 0x80, 0x08, 0x0b] },
  },
  "a control block before its memory": {
    globals: { ...GLOBALS, torpor_control: [I32, 0, 0x41, 0x7f, 0x0b] },
  },
  "a crooked control block": {
    globals: { ...GLOBALS, torpor_control: [I32, 0, 0x41, 0x81, 0x08, 0x0b] },
  },
  "a control block of 64 bits": {
    globals: { ...GLOBALS, torpor_control: [I64, 0, 0x42, 0x08, 0x0b] },
  },
  "a stack pointer of 64 bits": {
    globals: { ...GLOBALS, __stack_pointer: [I64, 1, 0x42, 0x08, 0x0b] },
  },
  "a stack pointer that is fixed": {
    globals: { ...GLOBALS, __stack_pointer: [I32, 0, 0x41, 0x08, 0x0b] },
  },
  "a memory that is shared": { memory: [0x03, 2, 4] },
  "a tiny memory": { memory: [0x00, 0] },
  "a large memory": { memory: [0x00, 0x80, 0x80, 0x01] },
  "functions that trap": { body: [0x00, 0x0b] },
};

for (const [name, parts] of Object.entries(HOSTILE)) {
  test(`a module with ${name} is refused`, async () => {
    const bytes = assemble(parts);
    const error = await assert.rejects(QuickJS.create(bytes), TorporError);
    assert(
      error instanceof EngineError || error instanceof OutOfMemoryError ||
        error instanceof FormatError,
      `${error.name}: ${error.message}`,
    );
    assert.match(error.message, /engine|memory/i);
    if (WebAssembly.validate(bytes)) {
      await assert.rejects(QuickJS.create({ wasm: new WebAssembly.Module(bytes) }), EngineError);
    }
    const vm = await QuickJS.create();
    assert.equal(run(vm, "1 + 1"), 2);
    vm.dispose();
  });
}

test("a module that is cut short or altered is refused", async () => {
  const bytes = assemble();
  for (let size = 0; size < bytes.length; size++) {
    await assert.rejects(QuickJS.create(bytes.slice(0, size)), TorporError, `${size} bytes`);
  }
  for (let at = 0; at < bytes.length; at++) {
    const copy = bytes.slice();
    copy[at] ^= 0x55;
    await assert.rejects(QuickJS.create(copy), TorporError, `byte ${at}`);
  }
});

test("a snapshot is not woken by what is no engine of it", async () => {
  const vm = await QuickJS.create();
  const bytes = QuickJS.serializeSnapshot(vm.snapshot());
  vm.dispose();
  await assert.rejects(QuickJS.restore(bytes, { wasm: assemble() }), TorporError);
});
